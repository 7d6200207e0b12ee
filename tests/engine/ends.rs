//! Idle and absolute ends, stored and live (P9): enforced at use, from the very millisecond.

use std::time::Duration;

use heirloom::{Ends, Granted, Policy, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refused};
use crate::support::{START, World, grant, granted, request};

const SECOND: Duration = Duration::from_secs(1);

/// Presents a token one millisecond before an end, at it, and one after; each time in a world of its own.
fn at_the_end(policy: &Policy, start: impl Fn(&World) -> Granted, end: Duration, why: Refusal) {
    let end = START.saturating_add(end).as_millis();
    for (instant, refusal) in [(end - 1, None), (end, Some(why)), (end + 1, Some(why))] {
        let world = World::new(policy.clone());
        let token = start(&world);
        world.clock.set(heirloom::Timestamp::from_millis(instant));
        let outcome = ask(&world, &token, request());
        match refusal {
            None => assert!(granted(outcome).expires_in().is_some()),
            Some(why) => assert_eq!(refused(outcome), why, "{instant}"),
        }
    }
}

#[test]
fn the_idle_end_is_counted_from_the_last_rotation() {
    let policy = Policy::builder().idle(60 * SECOND).build().unwrap();
    at_the_end(&policy, issue, 60 * SECOND, Refusal::Idle);
    let used = |world: &World| {
        let root = issue(world);
        advance(world, 59_000);
        next(world, &root)
    };
    at_the_end(&policy, used, 119 * SECOND, Refusal::Idle);
}

#[test]
fn the_absolute_end_is_counted_from_the_issue_and_never_moves() {
    let policy = Policy::builder().absolute(60 * SECOND).build().unwrap();
    let used = |world: &World| {
        let root = issue(world);
        advance(world, 59_000);
        next(world, &root)
    };
    at_the_end(&policy, issue, 60 * SECOND, Refusal::Expired);
    at_the_end(&policy, used, 60 * SECOND, Refusal::Expired);
}

#[test]
fn a_grants_own_end_holds_under_stored_and_live_ends() {
    let bounded = |world: &World| {
        let end = START.saturating_add(60 * SECOND);
        block_on(world.node.issue(grant().not_after(end))).unwrap()
    };
    for ends in [Ends::Stored, Ends::Live] {
        let policy = Policy::builder().ends(ends).build().unwrap();
        at_the_end(&policy, bounded, 60 * SECOND, Refusal::Expired);
    }
}

#[test]
fn stored_ends_are_those_of_the_policy_that_made_them() {
    let world = World::new(Policy::builder().idle(60 * SECOND).build().unwrap());
    let root = issue(&world);
    let longer = Policy::builder().idle(600 * SECOND).build().unwrap();
    advance(&world, 60_000);
    assert_eq!(refused(ask(&world, &root, request().policy(&longer))), Refusal::Idle);
}

#[test]
fn live_ends_are_those_of_the_policy_of_now() {
    let made = Policy::builder().idle(60 * SECOND).absolute(600 * SECOND).build().unwrap();
    let live = |idle: u32, absolute: u32| {
        let policy = Policy::builder().ends(Ends::Live).idle(idle * SECOND);
        policy.absolute(absolute * SECOND).build().unwrap()
    };
    for (waited, policy, refusal) in [
        (59_999, live(30, 900), Some(Refusal::Idle)),
        (29_999, live(30, 900), None),
        (89_999, live(90, 900), None),
        (90_000, live(90, 900), Some(Refusal::Idle)),
        (19_999, live(90, 20), None),
        (20_000, live(90, 20), Some(Refusal::Expired)),
        (899_999, live(1_000, 900), None),
        (900_000, live(1_000, 900), Some(Refusal::Expired)),
    ] {
        let world = World::new(made.clone());
        let root = issue(&world);
        advance(&world, waited);
        let outcome = ask(&world, &root, request().policy(&policy));
        match refusal {
            None => assert!(granted(outcome).expires_in().is_some(), "{waited}"),
            Some(why) => assert_eq!(refused(outcome), why, "{waited}"),
        }
    }
}

/// A predecessor inside its leeway is as dead as its family.
#[test]
fn a_leeway_longer_than_a_lifetime_ends_with_it() {
    let leeway = heirloom::Leeway::replay(600 * SECOND);
    let policy = Policy::builder().leeway(leeway).idle(60 * SECOND).build().unwrap();
    let spent = |world: &World| {
        let root = issue(world);
        next(world, &root);
        root
    };
    at_the_end(&policy, spent, 60 * SECOND, Refusal::Idle);
}
