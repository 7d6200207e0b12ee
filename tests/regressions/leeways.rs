//! Leeways and reactions: who loses a family that nobody should, and who keeps one.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use heirloom::family::Impossible;
use heirloom::testing::{Fault, Operation};
use heirloom::{Error, Outcome, Policy, Reaction, Reason, Refusal, RevokeOutcome, Selector};
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

/// As above, with more families than one page. The damaged record stood on the first page, the database failed at the second, and
/// the call told of the record, which does not pass: nobody tried again, and what stood on the later pages outlived the breach for
/// good.
#[test]
fn a_damaged_record_does_not_hide_that_the_rest_is_to_be_tried_again() {
    let policy = Policy::builder().leeway(None).on_reuse(Reaction::Subject).build().unwrap();
    let world = World::new(policy);
    let mut families = Vec::new();
    for _ in 0..130 {
        families.push(block_on(world.node.issue(grant())).unwrap().family);
        world.clock.advance(Duration::from_millis(1));
    }
    let root = block_on(world.node.issue(grant())).unwrap();
    let stolen = granted(block_on(world.node.refresh(text(&root), request())).unwrap());
    let damaged = families.remove(0);
    world.store.poison(damaged, Some(Impossible { family: damaged, field: "checksum" }));
    let pages = AtomicUsize::new(0);
    let second = move |at| at == Operation::Select && pages.fetch_add(1, Ordering::Relaxed) == 1;
    world.store.fail(Fault::Before, 1, second);

    let told = block_on(world.node.refresh(text(&root), request())).unwrap_err();
    assert!(told.is_retryable(), "{told}");
    let thief = block_on(world.node.refresh(text(&stolen), request())).unwrap();
    assert!(matches!(thief, Outcome::Refused(Refusal::Revoked(Reason::Reuse(_)))), "{thief:?}");
    // Again, as the operator is told to: now the record is what is left to tell of, and all the others have ended.
    let told = block_on(world.node.revoke_all(&Selector::subject("alice"), Reason::Logout));
    let told = told.unwrap_err();
    assert!(!told.is_retryable(), "{told}");
    // A page is a hundred, the damaged one among them.
    for (number, id) in families.into_iter().enumerate() {
        let first_page = if number < 99 { Reason::RelatedReuse } else { Reason::Logout };
        let ended = block_on(world.node.revoke_family(id, Reason::Administrator)).unwrap();
        assert_eq!(ended, RevokeOutcome::Before(first_page), "{number}");
    }
}
