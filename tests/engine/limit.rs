//! At most so many families of a subject at a client.

use std::time::Duration;

use heirloom::family::Status;
use heirloom::policy::PolicyError;
use heirloom::testing::Fault;
use heirloom::{Error, FamilyLimit, Grant, Granted, Policy, Reason, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal};
use crate::support::{World, grant};

const IDLE: u64 = 60_000;

fn world(limit: FamilyLimit) -> World {
    let idle = Duration::from_millis(IDLE);
    World::new(Policy::builder().limit(limit).idle(idle).build().unwrap())
}

/// One a second.
fn issue_many(world: &World, families: usize) -> Vec<Granted> {
    let one = |_| {
        advance(world, 1_000);
        issue(world)
    };
    (0..families).map(one).collect()
}

fn is_full(world: &World, limit: u32) -> bool {
    match block_on(world.node.issue(grant())) {
        Ok(_) => false,
        Err(Error::TooManyFamilies { limit: was }) => was == limit,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn the_oldest_is_evicted_with_a_reason_of_its_own() {
    let world = world(FamilyLimit::evict(2));
    let tokens = issue_many(&world, 4);
    for evicted in &tokens[..2] {
        assert_eq!(refusal(&world, evicted), Refusal::Revoked(Reason::Evicted));
    }
    for live in &tokens[2..] {
        assert_eq!(next(&world, live).generation, 1);
    }
}

/// By issue, not by use: who was used last is not the oldest's excuse.
#[test]
fn the_oldest_is_the_one_that_was_issued_first() {
    let world = world(FamilyLimit::evict(2));
    let tokens = issue_many(&world, 2);
    let used = next(&world, &tokens[0]);
    issue_many(&world, 1);
    assert_eq!(refusal(&world, &used), Refusal::Revoked(Reason::Evicted));
    assert_eq!(next(&world, &tokens[1]).generation, 1);
}

#[test]
fn with_a_limit_of_one_the_latest_lives() {
    let world = world(FamilyLimit::evict(1));
    let tokens = issue_many(&world, 3);
    assert_eq!(refusal(&world, &tokens[1]), Refusal::Revoked(Reason::Evicted));
    assert_eq!(next(&world, &tokens[2]).generation, 1);
}

#[test]
fn a_limit_that_refuses_issues_no_more_and_ends_nothing() {
    let world = world(FamilyLimit::refuse(2));
    let tokens = issue_many(&world, 2);
    assert!(is_full(&world, 2));
    assert_eq!(world.store.inner().len(), 2, "a refusal costs no write");
    for token in &tokens {
        assert_eq!(next(&world, token).generation, 1);
    }
    block_on(world.node.revoke_family(tokens[0].family, Reason::Logout)).unwrap();
    assert!(!is_full(&world, 2));
}

#[test]
fn the_refusal_is_the_hosts_to_answer_and_not_to_be_tried_again() {
    let world = world(FamilyLimit::refuse(1));
    issue(&world);
    let error = block_on(world.node.issue(grant())).unwrap_err();
    assert!(!error.is_retryable());
    assert!(error.to_string().contains('1'), "{error}");
}

#[test]
fn what_has_reached_an_end_is_not_counted_from_the_very_millisecond() {
    for (millis, full) in [(IDLE - 1, true), (IDLE, false), (IDLE + 1, false)] {
        let world = world(FamilyLimit::refuse(1));
        issue(&world);
        advance(&world, millis);
        assert_eq!(is_full(&world, 1), full, "{millis}");
    }
}

#[test]
fn other_subjects_and_other_clients_are_counted_by_themselves() {
    let world = world(FamilyLimit::refuse(1));
    issue(&world);
    for (subject, client) in [("bob", "web-app"), ("alice", "tv")] {
        block_on(world.node.issue(Grant::new(subject, client))).unwrap();
    }
    assert!(is_full(&world, 1));
}

#[test]
fn a_limit_that_was_lowered_is_reached_by_the_next_issue() {
    let world = world(FamilyLimit::evict(5));
    let tokens = issue_many(&world, 5);
    world
        .node
        .set_policy(world.node.policy().to_builder().limit(FamilyLimit::evict(2)).build().unwrap());
    issue_many(&world, 1);
    for evicted in &tokens[..4] {
        assert_eq!(refusal(&world, evicted), Refusal::Revoked(Reason::Evicted));
    }
    assert_eq!(next(&world, &tokens[4]).generation, 1);
}

/// More than a page of them.
#[test]
fn every_family_is_counted_however_many_there_are() {
    let world = world(FamilyLimit::refuse(1_000));
    for _ in 0..205 {
        issue(&world);
    }
    let tight = world.node.policy().to_builder().limit(FamilyLimit::refuse(205)).build().unwrap();
    assert!(matches!(
        block_on(world.node.issue_under(&tight, grant())),
        Err(Error::TooManyFamilies { limit: 205 })
    ));
    let one_more = tight.to_builder().limit(FamilyLimit::refuse(206)).build().unwrap();
    block_on(world.node.issue_under(&one_more, grant())).unwrap();
}

#[test]
fn a_limit_of_none_at_all_is_not_built() {
    for limit in [FamilyLimit::evict(0), FamilyLimit::refuse(0)] {
        let built = Policy::builder().limit(limit).build();
        assert_eq!(built.map(|_| ()), Err(PolicyError::Zero { field: "families" }));
    }
}

/// An eviction that fails is an error of the issue; the next issue evicts for both.
#[test]
fn an_eviction_that_fails_is_made_up_for_by_the_next_issue() {
    let world = world(FamilyLimit::evict(1));
    let tokens = issue_many(&world, 1);
    // The family, the page, the eviction.
    world.store.fail_at(Fault::Before, 2);
    assert!(block_on(world.node.issue(grant())).unwrap_err().is_retryable());
    world.store.heal();
    advance(&world, 1_000);
    let latest = issue(&world);
    assert_eq!(refusal(&world, &tokens[0]), Refusal::Revoked(Reason::Evicted));
    assert_eq!(next(&world, &latest).generation, 1);
    let live = world.store.inner().snapshot();
    let live = live.iter().filter(|it| it.status == heirloom::family::Status::Live);
    assert_eq!(live.count(), 1);
}

/// In a host's tests the clock often stands still, and ids of one instant come in no order: now and then a sign-in was told to
/// try again, because the family that it had just made counted as the oldest.
#[test]
fn of_sign_ins_in_one_instant_the_latest_lives() {
    let world = world(FamilyLimit::evict(2));
    for _ in 0..50 {
        let latest = issue(&world);
        assert_eq!(next(&world, &latest).generation, 1);
        let families = world.store.inner().snapshot();
        assert!(families.iter().filter(|it| it.status == Status::Live).count() <= 2);
    }
}
