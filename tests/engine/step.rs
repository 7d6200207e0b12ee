//! The single steps of a story.

use std::time::Duration;

use heirloom::family::Family;
use heirloom::{FamilyId, Granted, Outcome, Refusal, Request};
use pollster::block_on;

use crate::support::{World, grant, granted, request, text};

/// Alice signs in.
pub fn issue(world: &World) -> Granted {
    block_on(world.node.issue(grant())).unwrap()
}

/// Presents a token with a request of one's own.
pub fn ask(world: &World, token: &Granted, request: Request<'_>) -> Outcome {
    block_on(world.node.refresh(text(token), request)).unwrap()
}

/// Presents a token as its own client.
pub fn next(world: &World, token: &Granted) -> Granted {
    granted(ask(world, token, request()))
}

/// Presents a token as its own client, in vain.
pub fn refusal(world: &World, token: &Granted) -> Refusal {
    refused(ask(world, token, request()))
}

pub fn refused(outcome: Outcome) -> Refusal {
    match outcome {
        Outcome::Granted(granted) => panic!("granted: {granted:?}"),
        Outcome::Refused(why) => why,
    }
}

pub fn stored(world: &World, id: FamilyId) -> Family {
    let families = world.store.inner().snapshot();
    families.into_iter().find(|family| family.id == id).expect("a stored family")
}

pub fn advance(world: &World, millis: u64) {
    world.clock.advance(Duration::from_millis(millis));
}
