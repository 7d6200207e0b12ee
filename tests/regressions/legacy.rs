//! Adopted tokens and moved families: what was said of them, and did not hold.

use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::store::MovingStore;
use heirloom::testing::{ManualClock, token};
use heirloom::token::Position;
use heirloom::{
    AdoptionKey, Ends, Engine, Grant, KeyRing, MemoryStore, Outcome, Policy, Reason, Refusal,
    Request,
};
use pollster::block_on;

use crate::support::{START, World, key, request};

const DAY: Duration = Duration::from_secs(86_400);
const LEGACY: &str = "8xLOxBtZp8";

fn ring() -> KeyRing {
    KeyRing::new(key(1)).with_adoption(AdoptionKey::new(&[8; 32]).unwrap())
}

/// Tokens were adopted in bulk, acceptable for ten days, under ends that are counted anew. Their clients came two days later, and
/// were refused: an idle lifetime of a day had been counted from the adoption.
#[test]
fn an_adopted_token_waits_for_its_client_under_live_ends() {
    let policy = Policy::builder().ends(Ends::Live).idle(DAY).build().unwrap();
    let world = World::new(policy);
    world.node.set_keys(ring());
    let until = START.saturating_add(10 * DAY);
    let legacy = Legacy::token(LEGACY).unwrap();
    let grant = || Grant::new("alice", "web-app");
    block_on(world.node.adopt(&legacy, grant(), until)).unwrap();
    world.clock.advance(10 * DAY - Duration::from_millis(1));
    let explained = block_on(world.node.explain(LEGACY, request())).unwrap();
    assert!(matches!(explained.decision, heirloom::decide::Decision::Rotate { .. }));
    world.clock.advance(Duration::from_millis(1));
    let late = block_on(world.node.refresh(LEGACY, request())).unwrap();
    assert!(matches!(late, Outcome::Refused(Refusal::Idle)), "{late:?}");
}

/// Whoever had the adoption key, a key of the ring and the SHA-256 of a legacy token could write a token of ours for the place of
/// the legacy one, without ever having seen it.
#[test]
fn no_token_of_ours_stands_in_for_a_legacy_one() {
    let world = World::new(Policy::default());
    world.node.set_keys(ring());
    let until = START.saturating_add(10 * DAY);
    let legacy = Legacy::token(LEGACY).unwrap();
    let adopted = block_on(world.node.adopt(&legacy, Grant::new("alice", "web-app"), until));
    let family = adopted.unwrap().family();
    let position = Position { family, branch: 0, generation: 0 };
    let forged = token(&key(1), position, [7; 32]);
    let outcome = block_on(world.node.refresh(forged.expose(), request())).unwrap();
    assert!(matches!(outcome, Outcome::Refused(Refusal::Forged)), "{outcome:?}");
}

/// A host ended families and gave "moved" as its reason. To the two stores of a move that was the mark of a family that had
/// gone over, and the next use brought it back to life.
#[test]
fn a_family_that_a_host_ends_as_moved_stays_ended() {
    for pulls in [false, true] {
        let clock = ManualClock::at(START);
        let (old, new) = (MemoryStore::new(), MemoryStore::new());
        let origin = Engine::new(&old, ring(), Policy::default()).with_clock(clock.clone());
        let issued = block_on(origin.issue(Grant::new("alice", "web-app"))).unwrap();
        let text = issued.token.as_ref().unwrap().expose();
        let both = match pulls {
            false => MovingStore::following(&old, &new),
            true => MovingStore::pulling(&old, &new),
        };
        let node = Engine::new(both.with_clock(clock.clone()), ring(), Policy::default())
            .with_clock(clock.clone());
        block_on(origin.revoke_family(issued.family, Reason::Moved)).unwrap();
        clock.advance(Duration::from_secs(60));
        let outcome = block_on(node.refresh(text, Request::new("web-app"))).unwrap();
        assert!(
            matches!(outcome, Outcome::Refused(Refusal::Revoked(Reason::Moved))),
            "{outcome:?}"
        );
    }
}
