//! Leeways that count, that have no timer, or that end for all tokens alike.

use std::time::Duration;

use heirloom::testing::Fault;
use heirloom::{How, Leeway, LeewayMode, Policy, Refusal, Rotation, Timestamp};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, stored};
use crate::support::{START, World, grant, granted, request, text};

const TEN: Duration = Duration::from_secs(10);

fn policy(leeway: Leeway) -> Policy {
    Policy::builder().leeway(leeway).build().unwrap()
}

#[test]
fn so_many_presentations_are_answered_and_the_next_is_reuse() {
    let world = World::new(policy(Leeway::replay(TEN).uses(2)));
    let root = issue(&world);
    let first = next(&world, &root);
    for replays in 1..=2 {
        let again = next(&world, &root);
        assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
        let predecessor = stored(&world, root.family).head.predecessor.unwrap();
        assert_eq!(predecessor.replays, replays);
    }
    let breach = refusal(&world, &root).breach().expect("a breach");
    assert_eq!((breach.generations_behind, breach.successor_used), (1, false));
}

#[test]
fn the_count_is_of_one_predecessor_and_begins_anew_with_the_next() {
    let world = World::new(policy(Leeway::replay(TEN).uses(1)));
    let mut token = issue(&world);
    for _ in 0..3 {
        let onward = next(&world, &token);
        assert_eq!(next(&world, &token).how, How::Replayed);
        token = onward;
    }
}

#[test]
fn a_counted_leeway_ends_with_its_window_as_well() {
    for (millis, replays) in [(9_999, true), (10_000, false), (10_001, false)] {
        let world = World::new(policy(Leeway::replay(TEN).uses(9)));
        let root = issue(&world);
        next(&world, &root);
        advance(&world, millis);
        let outcome = ask(&world, &root, request());
        assert_eq!(matches!(outcome, heirloom::Outcome::Granted(_)), replays, "{millis}");
    }
}

/// Never extended (P7), by what is counted inside it neither.
#[test]
fn a_counted_replay_does_not_begin_the_leeway_anew() {
    let world = World::new(policy(Leeway::replay(TEN).uses(9)));
    let root = issue(&world);
    next(&world, &root);
    for millis in [5_000, 4_999] {
        advance(&world, millis);
        assert_eq!(next(&world, &root).how, How::Replayed);
    }
    advance(&world, 1);
    assert!(refusal(&world, &root).breach().is_some());
}

/// Nothing is consumed by a refusal (P10): a wider scope does not count.
#[test]
fn a_refused_presentation_is_not_counted() {
    let world = World::new(policy(Leeway::replay(TEN).uses(1)));
    let root = issue(&world);
    next(&world, &root);
    for _ in 0..3 {
        let wider = ask(&world, &root, request().scope("admin"));
        assert!(matches!(wider, heirloom::Outcome::Refused(Refusal::Scope)));
    }
    assert_eq!(next(&world, &root).how, How::Replayed);
}

#[test]
fn a_look_is_not_counted() {
    let world = World::new(policy(Leeway::replay(TEN).uses(1)));
    let root = issue(&world);
    next(&world, &root);
    for _ in 0..3 {
        block_on(world.node.introspect(text(&root))).unwrap();
        block_on(world.node.explain(text(&root), request())).unwrap();
        drop(block_on(world.node.begin(text(&root), request())).unwrap());
    }
    assert_eq!(next(&world, &root).how, How::Replayed);
}

#[test]
fn without_a_timer_a_predecessor_lasts_until_its_successor_is_used() {
    let endless = policy(Leeway::until_used(LeewayMode::Replay));
    let world = World::new(endless.to_builder().idle(None).absolute(None).build().unwrap());
    let root = issue(&world);
    let first = next(&world, &root);
    for _ in 0..3 {
        advance(&world, 86_400_000 * 1_000);
        let again = next(&world, &root);
        assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
    }
    next(&world, &first);
    assert!(refusal(&world, &root).breach().is_some_and(|breach| breach.successor_used));
}

#[test]
fn a_leeway_without_a_timer_ends_with_the_lifetimes() {
    let world = World::new(policy(Leeway::until_used(LeewayMode::Replay)));
    let root = issue(&world);
    next(&world, &root);
    advance(&world, 30 * 86_400_000);
    assert_eq!(refusal(&world, &root), Refusal::Idle);
}

#[test]
fn a_leeway_until_an_instant_is_over_for_all_predecessors_alike_from_the_very_millisecond() {
    let end = START.saturating_add(Duration::from_secs(86_400));
    for (off, lasts) in [(-1, true), (0, false), (1, false)] {
        for used_at in [0, 80_000_000] {
            let world = World::new(policy(Leeway::until(end, LeewayMode::Replay)));
            let root = issue(&world);
            advance(&world, used_at);
            next(&world, &root);
            world.clock.set(Timestamp::from_millis(end.as_millis().saturating_add_signed(off)));
            if lasts {
                assert_eq!(next(&world, &root).how, How::Replayed);
            } else {
                assert!(refusal(&world, &root).breach().is_some(), "{off} {used_at}");
            }
        }
    }
}

/// A client that never stores the new token, on its way from persistent tokens: it goes on with the old one until the date.
#[test]
fn in_a_deprecation_window_the_persistent_token_goes_on_and_a_client_that_stores_the_new_one_is_through()
 {
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let world = World::new(never);
    let root = block_on(world.node.issue(grant())).unwrap();
    assert_eq!(next(&world, &root).how, How::Kept);
    let end = START.saturating_add(Duration::from_secs(86_400));
    world.node.set_policy(policy(Leeway::until(end, LeewayMode::Replay)));
    let first = next(&world, &root);
    for _ in 0..5 {
        advance(&world, 3_600_000);
        assert_eq!(next(&world, &root).how, How::Replayed);
    }
    let second = granted(ask(&world, &first, request()));
    assert_eq!((second.how, second.generation), (How::Rotated, 2));
    // Back again: the newest token stays good, and is no more exchanged.
    world.node.set_policy(Policy::builder().rotation(Rotation::Never).build().unwrap());
    assert_eq!(next(&world, &second).how, How::Kept);
    assert!(
        block_on(world.node.introspect(text(&second))).unwrap()
            != heirloom::Introspection::Inactive
    );
}

/// A write that was done and reported as a conflict was tried again inside the call, which then found its own use counted, none left,
/// and ended the family as reuse.
#[test]
fn a_use_that_was_counted_and_reported_as_a_conflict_is_answered() {
    let world = World::new(policy(Leeway::replay(TEN).uses(1)));
    let root = issue(&world);
    let first = next(&world, &root);
    // The look comes first, then the count.
    world.store.fail_at(Fault::ConflictAfter, 1);
    let again = next(&world, &root);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
    assert_eq!(stored(&world, root.family).head.predecessor.unwrap().replays, 1);
    assert!(refusal(&world, &root).breach().is_some(), "and it was the only one");
}
