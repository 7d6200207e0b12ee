//! Leeways and reactions: who loses a family that nobody should, and who keeps one.

use std::time::Duration;

use heirloom::family::Impossible;
use heirloom::{Error, Outcome, Policy, Reaction, Reason, Refusal};
use pollster::block_on;

use crate::support::{World, grant, granted, request, text};

/// A policy ended all of a subject's families at reuse, the presented one last. Another family's record was damaged: each
/// presentation failed at it, the presented family lived on, and the thief with it.
#[test]
fn a_damaged_record_of_the_subject_does_not_shield_a_breached_family() {
    let policy = Policy::builder().leeway(None).on_reuse(Reaction::Subject).build().unwrap();
    let world = World::new(policy);
    let damaged = block_on(world.node.issue(grant())).unwrap().family;
    world.clock.advance(Duration::from_millis(1));
    let root = block_on(world.node.issue(grant())).unwrap();
    let stolen = granted(block_on(world.node.refresh(text(&root), request())).unwrap());
    world.store.poison(damaged, Some(Impossible { family: damaged, field: "checksum" }));

    let told = block_on(world.node.refresh(text(&root), request()));
    assert!(matches!(told, Err(Error::Store(_))), "{told:?}: an operator hears of the record");
    let thief = block_on(world.node.refresh(text(&stolen), request())).unwrap();
    assert!(matches!(thief, Outcome::Refused(Refusal::Revoked(Reason::Reuse(_)))), "{thief:?}");
}
