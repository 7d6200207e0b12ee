//! Clocks that read zero or the last instant, stand still, or step back (P8).

use std::time::Duration;

use heirloom::decide::ClockFault;
use heirloom::testing::{FaultStore, Operations};
use heirloom::{Error, Grant, How, Leeway, Policy, Reason, Refusal, Request, Rotation, Timestamp};
use pollster::block_on;

use super::world::{CLIENT, START, World, grant, granted};

fn assert_clock(error: &Error, fault: ClockFault) {
    assert!(matches!(error, Error::Clock(found) if *found == fault), "{error:?}");
    assert_eq!(error.is_retryable(), fault == ClockFault::BeforeCreation);
}

#[test]
fn a_clock_a_minute_before_the_familys_creation_is_believed_and_no_earlier_one() {
    let world = World::new();
    let before = world.stored();
    let minute = START.saturating_sub(Duration::from_secs(60));
    for early in [minute.saturating_sub(Duration::from_millis(1)), Timestamp::ZERO] {
        world.clock.set(early);
        assert_clock(&world.error(&world.token), ClockFault::BeforeCreation);
        let begun = block_on(world.engine.begin(&world.token, Request::new(CLIENT)));
        assert_clock(&begun.unwrap_err(), ClockFault::BeforeCreation);
        let introspected = block_on(world.engine.introspect(&world.token));
        assert_clock(&introspected.unwrap_err(), ClockFault::BeforeCreation);
    }
    assert_eq!(world.stored(), before);
    world.clock.set(minute);
    world.assert_nothing_lost();
}

#[test]
fn a_clock_at_zero_issues_and_rotates() {
    let world = World::new();
    world.clock.set(Timestamp::ZERO);
    let token = block_on(world.engine.issue(grant())).unwrap().token.unwrap();
    let next = world.rotate(token.expose());
    assert_eq!(world.granted(token.expose()).token.unwrap().expose(), next);
    world.rotate(&next);
    world.clock.set(START);
    world.assert_nothing_lost();
}

#[test]
fn a_clock_at_its_maximum_is_an_error_and_ends_nothing() {
    let policy = Policy::builder().absolute(None).build().unwrap();
    let world = World::under(policy, FaultStore::new);
    world.clock.set(Timestamp::MAX);
    assert_eq!(world.refused(&world.token), Refusal::Idle);
    world.engine.store().take_operations();
    assert_clock(&block_on(world.engine.issue(grant())).unwrap_err(), ClockFault::OutOfRange);
    assert_eq!(world.engine.store().take_operations(), Operations::default());
    world.clock.set(START);
    world.assert_nothing_lost();
}

#[test]
fn without_lifetimes_the_last_instant_is_an_instant_like_any_other() {
    let policy = Policy::builder().idle(None).absolute(None).build().unwrap();
    let world = World::under(policy, |memory| memory);
    world.clock.set(Timestamp::MAX);
    let token = block_on(world.engine.issue(grant())).unwrap().token.unwrap();
    let next = world.rotate(token.expose());
    assert_eq!(world.granted(token.expose()).how, How::Replayed);
    world.rotate(&next);
    world.assert_nothing_lost();
}

#[test]
fn a_rotation_whose_idle_end_cannot_be_stored_is_an_error_and_consumes_nothing() {
    let lasting = Policy::builder().idle(None).absolute(None).build().unwrap();
    let world = World::under(lasting, |memory| memory);
    let before = world.stored();
    let idle = Duration::from_secs(3_600);
    let last = Timestamp::MAX.saturating_sub(idle);
    let never = Policy::builder().rotation(Rotation::Never).idle(idle).absolute(None);
    let rotating = Policy::builder().idle(idle).absolute(None).build().unwrap();
    for policy in [&never.build().unwrap(), &rotating] {
        world.clock.set(last.saturating_add(Duration::from_millis(1)));
        let request = Request::new(CLIENT).policy(policy);
        let error = block_on(world.engine.refresh(&world.token, request)).unwrap_err();
        assert_clock(&error, ClockFault::OutOfRange);
        assert_eq!(world.stored(), before);
    }
    world.clock.set(last);
    let request = Request::new(CLIENT).policy(&rotating);
    let outcome = granted(block_on(world.engine.refresh(&world.token, request)));
    assert_eq!((outcome.how, outcome.idle_expires_in), (How::Rotated, Some(idle)));
}

#[test]
fn with_a_clock_that_stands_still_generations_alone_order_the_uses() {
    let mut world = World::new();
    let first = world.token.clone();
    for _ in 0..20 {
        let next = world.rotate(&world.token);
        assert_eq!(world.granted(&world.token).token.unwrap().expose(), next);
        world.token = next;
    }
    let breach = world.refused(&first).breach().unwrap();
    assert_eq!((breach.generations_behind, breach.since_rotation), (20, Duration::ZERO));
    assert!(breach.successor_used);
    assert!(matches!(world.refused(&world.token), Refusal::Revoked(Reason::Reuse(_))));
    world.assert_bystander_untouched();
}

#[test]
fn a_clock_that_steps_back_revives_no_spent_token_and_forges_no_breach() {
    let mut world = World::new();
    world.advance(60_000);
    let first = world.token.clone();
    let second = world.rotate(&first);
    // Back to before the rotation: the predecessor is still the predecessor, and the current token current.
    world.clock.set(START);
    assert_eq!(world.granted(&first).token.unwrap().expose(), second);
    let third = world.rotate(&second);
    world.advance(10_000);
    let fourth = world.rotate(&third);
    world.clock.set(START);
    assert_eq!(world.refused(&second).breach().unwrap().generations_behind, 2);
    world.token = fourth;
    assert!(matches!(world.refused(&world.token), Refusal::Revoked(Reason::Reuse(_))));
    world.assert_bystander_untouched();
}

#[test]
fn a_clock_that_steps_back_revives_no_revoked_family() {
    let world = World::new();
    world.advance(60_000);
    let outcome = block_on(world.engine.revoke_family(world.family, Reason::Logout)).unwrap();
    assert_eq!(outcome, heirloom::RevokeOutcome::Ended);
    for at in [START, Timestamp::ZERO, Timestamp::MAX] {
        world.clock.set(at);
        assert_eq!(world.refused(&world.token), Refusal::Revoked(Reason::Logout));
    }
    world.clock.set(START);
    world.assert_bystander_untouched();
}

/// A policy without an idle lifetime lifts the idle end that an earlier policy has stored. The write must leave a
/// family that can be, also when the clock has stepped back behind the token's making: else the family is lost.
#[test]
fn an_idle_end_is_lifted_while_the_clock_is_behind_and_the_family_stays_readable() {
    let world = World::new();
    let never = Policy::builder().rotation(Rotation::Never).idle(None).build().unwrap();
    for back in [1, 60_000] {
        world.clock.set(START.saturating_sub(Duration::from_millis(back)));
        let request = Request::new(CLIENT).policy(&never);
        let kept = granted(block_on(world.engine.refresh(&world.token, request)));
        assert_eq!(kept.how, How::Kept);
        assert_eq!(world.stored().check(), Ok(()));
    }
    world.clock.set(START);
    world.assert_nothing_lost();
}

#[test]
fn a_slide_never_moves_the_last_use_back() {
    let never = Policy::builder().rotation(Rotation::Never).idle(Duration::from_secs(160));
    let world = World::under(never.build().unwrap(), |memory| memory);
    world.advance(60_000);
    assert_eq!(world.granted(&world.token).how, How::Kept);
    let slid = world.stored();
    world.clock.set(START);
    assert_eq!(world.granted(&world.token).how, How::Kept);
    assert_eq!(world.stored(), slid);
    assert_eq!(slid.check(), Ok(()));
}

#[test]
fn a_grant_that_has_ended_already_is_not_issued() {
    let world = World::new();
    for (end, good) in [(0, false), (1, true)] {
        let end = START.saturating_add(Duration::from_millis(end));
        let issued = block_on(world.engine.issue(Grant::new("alice", CLIENT).not_after(end)));
        assert_eq!(issued.is_ok(), good);
    }
}

#[test]
fn the_leeway_ends_to_the_millisecond() {
    for (after, good) in [(9_999, true), (10_000, false), (10_001, false)] {
        let policy = Policy::builder().leeway(Leeway::replay(Duration::from_secs(10)));
        let world = World::under(policy.build().unwrap(), |memory| memory);
        world.rotate(&world.token);
        world.advance(after);
        match good {
            true => assert_eq!(world.granted(&world.token).how, How::Replayed),
            false => assert!(world.refused(&world.token).breach().is_some()),
        }
    }
}
