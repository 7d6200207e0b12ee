//! Changes of a grant: two at once, one that was stored and reported as a conflict, and one that changes nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use heirloom::testing::{Fault, Operation};
use heirloom::{Grant, How, Policy, Store};
use pollster::block_on;

use crate::regressions::outsider::{Outsider, engine, first};
use crate::support::{World, grant, granted, request, text};

/// A step-up: all of the stored scope, and `admin`.
fn raised(grant: &Grant) -> Grant {
    grant.clone().scope(&format!("{} admin", grant.scope))
}

/// A user withdrew `write` while a step-up was under way. The step-up had read the grant before the withdrawal and wrote
/// it back after, with `admin` and with `write`: a withdrawn consent was there again, and both hosts had been told that
/// their change was made.
#[test]
fn two_changes_of_a_grant_at_once_both_take_effect() {
    let store = Outsider::new();
    let (one, clock) = first(&store);
    let other = engine(&store, &clock, Policy::default(), 2);
    let issued = block_on(one.issue(grant())).unwrap();
    let calls = AtomicUsize::new(0);
    let step_up = one.change_grant(issued.family, |stored| {
        if calls.fetch_add(1, Ordering::SeqCst) == 0 {
            let withdraw = other.change_grant(issued.family, |stored| stored.clone().scope("read"));
            block_on(withdraw).unwrap();
        }
        raised(stored)
    });
    block_on(step_up).unwrap();
    assert_eq!(store.stored(issued.family).grant.scope.as_str(), "read admin");
    assert_eq!(calls.load(Ordering::SeqCst), 2);
}

/// A driver stored a step-up and reported a conflict; before the step-up was tried again, the user withdrew `write`. The
/// second attempt wrote the grant of the first one over the withdrawal.
#[test]
fn a_change_that_was_stored_and_reported_as_a_conflict_gives_nothing_withdrawn_back() {
    let store = Outsider::new();
    let (one, clock) = first(&store);
    let other = engine(&store, &clock, Policy::default(), 2);
    let issued = block_on(one.issue(grant())).unwrap();
    store.inner().fail(Fault::ConflictAfter, 1, |operation| operation == Operation::Replace);
    let (family, seen, loads) = (issued.family, Arc::clone(&store), AtomicUsize::new(0));
    store.ahead(move |operation| {
        if operation == Operation::Load && loads.fetch_add(1, Ordering::SeqCst) == 1 {
            assert_eq!(seen.stored(family).grant.scope.as_str(), "read write admin");
            let withdraw = other.change_grant(family, |stored| stored.clone().scope("read"));
            block_on(withdraw).unwrap();
        }
    });
    block_on(one.change_grant(family, raised)).unwrap();
    assert_eq!(store.stored(family).grant.scope.as_str(), "read admin");
}

/// A host wrote the grant back at every sign-in, mostly as it was. Each time the leeway was closed: a client whose
/// response had just been lost was refused, and its next retry was taken for theft.
#[test]
fn a_change_of_a_grant_that_changes_nothing_writes_nothing_and_leaves_the_leeway_open() {
    let world = World::new(Policy::default());
    let root = block_on(world.node.issue(grant())).unwrap();
    let lost = granted(block_on(world.node.refresh(text(&root), request())).unwrap());
    world.store.take_operations();
    block_on(world.node.change_grant(root.family, Grant::clone)).unwrap();
    assert_eq!(world.store.take_operations().writes(), 0);
    let again = granted(block_on(world.node.refresh(text(&root), request())).unwrap());
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&lost)));
}

/// A change counted something up. Its write was stored and reported as a conflict, and the next attempt counted again.
#[test]
fn a_change_that_was_stored_and_reported_as_a_conflict_is_made_once_and_told() {
    let world = World::new(Policy::default());
    let issued = block_on(world.node.issue(grant().attribute("logins", "1"))).unwrap();
    world.store.fail(Fault::ConflictAfter, 1, |operation| operation == Operation::Replace);
    let count = |stored: &Grant| {
        let logins: u32 = stored.attributes["logins"].parse().unwrap();
        stored.clone().attribute("logins", &(logins + 1).to_string())
    };
    block_on(world.node.change_grant(issued.family, count)).unwrap();
    let family = block_on(world.store.inner().load(issued.family)).unwrap().unwrap();
    assert_eq!(family.grant.attributes["logins"], "2");
}
