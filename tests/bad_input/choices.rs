//! Leeways, limits, recovery windows and adoptions that cannot be: each its own error, and nothing is lost.

use std::time::Duration;

use heirloom::adoption::{Legacy, LegacyError};
use heirloom::grant::GrantError;
use heirloom::key::KeyError;
use heirloom::policy::{PolicyBuilder, PolicyError};
use heirloom::recovery::RecoveryError;
use heirloom::testing::{FaultStore, Operations};
use heirloom::{
    AdoptionKey, Error, FamilyLimit, Grant, KeyRing, Leeway, LeewayMode, Mismatch, Policy,
    Reaction, Recovery, Timestamp,
};
use pollster::block_on;

use super::world::{CLIENT, START, World, grant, key};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);
const NEWEST: LeewayMode = LeewayMode::Newest;
const FORK: LeewayMode = LeewayMode::Fork { branches: 2 };

fn leeway(leeway: Leeway) -> PolicyBuilder {
    Policy::builder().leeway(leeway)
}

#[test]
fn a_leeway_or_limit_that_contradicts_itself_is_not_built() {
    let five = Leeway::UNCOUNTED;
    let zero = |field| PolicyError::Zero { field };
    for (policy, expected) in [
        (leeway(Leeway::replay(DAY).uses(0)), zero("leeway uses")),
        (leeway(Leeway::newest(Duration::ZERO)), zero("leeway")),
        (leeway(Leeway::fork(Duration::ZERO, 2)), zero("leeway")),
        (leeway(Leeway::fork(five, 0)), PolicyError::Branches(0)),
        (leeway(Leeway::fork(five, 1)), PolicyError::Branches(1)),
        (leeway(Leeway::fork(five, 33)), PolicyError::Branches(33)),
        (leeway(Leeway::fork(five, u8::MAX).uses(1)), PolicyError::Branches(u8::MAX)),
        (leeway(Leeway::newest(five + MS)), PolicyError::Uncounted),
        (leeway(Leeway::fork(five + MS, 2)), PolicyError::Uncounted),
        (leeway(Leeway::until_used(NEWEST)), PolicyError::Uncounted),
        (leeway(Leeway::until_used(FORK)), PolicyError::Uncounted),
        (leeway(Leeway::until(START, NEWEST)), PolicyError::Uncounted),
        (leeway(Leeway::until(START, FORK)), PolicyError::Uncounted),
        (leeway(Leeway::until_used(NEWEST).uses(0)), zero("leeway uses")),
        (leeway(Leeway::newest(Duration::MAX).uses(1)), PolicyError::TooLong { field: "leeway" }),
        (
            leeway(Leeway::fork(Duration::from_micros(1_500), 2)),
            PolicyError::Finer { field: "leeway" },
        ),
        (Policy::builder().limit(FamilyLimit::evict(0)), zero("families")),
        (Policy::builder().limit(FamilyLimit::refuse(0)), zero("families")),
    ] {
        let built = policy.clone().build().map(|_| ());
        assert_eq!(built, Err(expected), "{policy:?}");
        assert!(!expected.to_string().is_empty());
    }
}

#[test]
fn a_choice_that_makes_another_one_void_is_a_contradiction() {
    for policy in [
        leeway(Leeway::refuse(DAY).uses(1)),
        leeway(Leeway::until_used(LeewayMode::Refuse).uses(9)),
        Policy::builder().displaced(Mismatch::Revoke).on_reuse(Reaction::Refuse),
    ] {
        let built = policy.clone().build();
        assert!(matches!(built, Err(PolicyError::Contradiction(_))), "{policy:?}: {built:?}");
    }
}

#[test]
fn a_leeway_at_its_bounds_is_built() {
    for leeway in [
        Leeway::newest(Leeway::UNCOUNTED),
        Leeway::newest(Leeway::UNCOUNTED + MS).uses(1),
        Leeway::newest(MS),
        Leeway::fork(Leeway::UNCOUNTED, 2),
        Leeway::fork(Leeway::UNCOUNTED, Leeway::MAX_BRANCHES),
        Leeway::fork(Policy::MAX_LENGTH, 2).uses(u32::MAX),
        Leeway::until_used(NEWEST).uses(1),
        Leeway::until_used(FORK).uses(1),
        Leeway::until_used(LeewayMode::Replay),
        Leeway::until_used(LeewayMode::Refuse),
        Leeway::until(Timestamp::ZERO, LeewayMode::Replay),
        Leeway::until(Timestamp::MAX, LeewayMode::Refuse),
        Leeway::replay(MS).uses(u32::MAX),
    ] {
        let built = Policy::builder().leeway(leeway).build();
        assert_eq!(built.map(|policy| policy.leeway()), Ok(Some(leeway)), "{leeway:?}");
    }
}

/// A profile is a policy: what is put over it is checked with all the rest.
#[test]
fn an_override_that_contradicts_the_policy_below_it_is_not_built() {
    let displacing = leeway(Leeway::newest(DAY).uses(3)).displaced(Mismatch::Revoke).build();
    let overridden = displacing.unwrap().to_builder();
    let voided = overridden.clone().on_reuse(Reaction::Refuse).build();
    assert!(matches!(voided, Err(PolicyError::Contradiction(_))));
    let uncounted = overridden.leeway(Leeway::newest(DAY)).build();
    assert_eq!(uncounted.map(|_| ()), Err(PolicyError::Uncounted));
}

#[test]
fn a_recovery_window_that_cannot_be_is_not_made() {
    let at = |length: Duration| START.saturating_add(length);
    let over = Recovery::MAX_LENGTH + MS;
    for (until, issued_before, expected) in [
        (START, START, Some(RecoveryError::Closed)),
        (Timestamp::ZERO, START, Some(RecoveryError::Closed)),
        (at(MS), START, None),
        (at(Recovery::MAX_LENGTH), START, None),
        (at(over), START, Some(RecoveryError::TooLong)),
        (Timestamp::MAX, START, Some(RecoveryError::TooLong)),
        (at(DAY), at(MS), Some(RecoveryError::Future)),
        (at(DAY), Timestamp::MAX, Some(RecoveryError::Future)),
        (at(DAY), Timestamp::ZERO, None),
    ] {
        let made = Recovery::new(START, until, issued_before);
        assert_eq!(made.err(), expected, "{until:?} {issued_before:?}");
    }
}

/// A window of which no family is old enough recovers nothing, and nothing is worse for it.
#[test]
fn a_window_without_a_family_in_it_changes_nothing() {
    let world = World::new();
    let window = Recovery::new(START, START.saturating_add(DAY), Timestamp::ZERO).unwrap();
    world.engine.open_recovery(window);
    world.assert_nothing_lost();
}

#[test]
fn a_legacy_string_of_no_length_or_too_much_is_none() {
    let too_long = "\u{20ac}".repeat(Legacy::MAX_LEN / 3 + 1);
    assert_eq!(Legacy::token(""), Err(LegacyError::Empty));
    assert_eq!(Legacy::token(&too_long), Err(LegacyError::TooLong { len: too_long.len() }));
    assert!(Legacy::token(&"x".repeat(Legacy::MAX_LEN)).is_ok());
    let text = LegacyError::TooLong { len: 20_000 }.to_string();
    assert!(text.contains("20000") && text.contains("16384"), "{text}");
}

#[test]
fn an_adoption_key_below_32_bytes_is_none() {
    for length in [0, 1, 31] {
        let made = AdoptionKey::new(&vec![8; length]);
        assert!(matches!(made, Err(KeyError::AdoptionTooShort)), "{length}");
    }
    assert!(AdoptionKey::new(&[8; 32]).is_ok() && AdoptionKey::new(&[8; 1_000]).is_ok());
}

#[test]
fn an_adoption_that_cannot_be_asks_no_store_and_adopts_nothing() {
    let world = World::over(FaultStore::new);
    let adoption = AdoptionKey::new(&[8; 32]).unwrap();
    world.engine.set_keys(KeyRing::new(key()).with_adoption(adoption));
    world.engine.store().take_operations();
    let (legacy, later) = (Legacy::token("legacy").unwrap(), START.saturating_add(DAY));
    let form = |field| GrantError::Form { field };
    for (grant, until, expected) in [
        (Grant::new("", CLIENT), later, form("subject")),
        (Grant::new("alice", ""), later, form("client")),
        (grant().scope("a\tb"), later, form("scope")),
        (grant().not_after(START), later, form("not_after")),
        (grant(), START, form("acceptable_until")),
        (grant(), Timestamp::ZERO, form("acceptable_until")),
    ] {
        match block_on(world.engine.adopt(&legacy, grant, until)) {
            Err(Error::Grant(error)) => assert_eq!(error, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert_eq!(world.engine.store().take_operations(), Operations::default());
    world.assert_nothing_lost();
}

#[test]
fn an_adoption_until_the_end_of_time_and_a_grant_that_ends_first_both_hold() {
    let world = World::new();
    let adoption = AdoptionKey::new(&[8; 32]).unwrap();
    world.engine.set_keys(KeyRing::new(key()).with_adoption(adoption));
    let legacy = Legacy::token("legacy").unwrap();
    let ends = grant().not_after(START.saturating_add(DAY));
    block_on(world.engine.adopt(&legacy, ends, Timestamp::MAX)).unwrap();
    world.clock.set(START.saturating_add(DAY));
    assert_eq!(world.refused("legacy"), heirloom::Refusal::Expired);
    block_on(world.engine.purge(10)).unwrap();
    assert_eq!(world.refused("legacy"), heirloom::Refusal::Expired);
}
