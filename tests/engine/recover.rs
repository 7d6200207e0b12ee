//! A recovery window: tokens ahead of a store that has lost writes are taken, and their families catch up.

use std::time::Duration;

use heirloom::decide::Decision;
use heirloom::family::Family;
use heirloom::testing::token;
use heirloom::token::Position;
use heirloom::{
    EventKind, Granted, How, Introspection, Leeway, Policy, Reason, Recovery, Refusal, Rotation,
    Timestamp,
};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, stored};
use crate::support::{START, World, granted, key, node, request, text};

const HOUR: Duration = Duration::from_secs(3_600);

/// A family whose last three rotations the store has lost: what it has, and the tokens of the generations 0 to 4.
fn lost(world: &World) -> Vec<Granted> {
    let root = issue(world);
    let first = next(world, &root);
    let backup: Vec<Family> = world.store.inner().snapshot();
    let second = next(world, &first);
    let third = next(world, &second);
    let fourth = next(world, &third);
    world.store.inner().restore(backup);
    advance(world, 1_000);
    vec![root, first, second, third, fourth]
}

fn now(world: &World) -> Timestamp {
    heirloom::Clock::now(&world.clock)
}

fn open(world: &World) {
    let now = now(world);
    world.node.open_recovery(Recovery::new(now, now.saturating_add(HOUR), now).unwrap());
}

#[test]
fn a_token_ahead_of_the_store_is_taken_in_the_window_and_its_family_catches_up() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    assert_eq!(refusal(&world, &tokens[4]), Refusal::AheadOfStore);
    open(&world);
    let recovered = next(&world, &tokens[4]);
    assert_eq!((recovered.how, recovered.generation), (How::Recovered, 5));
    let again = next(&world, &tokens[4]);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&recovered)));
    assert_eq!(next(&world, &recovered).how, How::Rotated);
}

#[test]
fn the_window_is_open_until_its_end_and_shut_from_the_very_millisecond() {
    for (off, open_still) in [(-1, true), (0, false), (1, false)] {
        let world = World::new(Policy::default());
        let tokens = lost(&world);
        open(&world);
        let end = now(&world).saturating_add(HOUR).as_millis();
        world.clock.set(Timestamp::from_millis(end.saturating_add_signed(off)));
        if open_still {
            assert_eq!(next(&world, &tokens[4]).how, How::Recovered);
        } else {
            assert_eq!(refusal(&world, &tokens[4]), Refusal::AheadOfStore);
        }
    }
}

/// A token ahead of the store was introspected as good until the window's end, though what the store had of its branch ended
/// before: a resource server that keeps an answer until its `exp` would have been misled.
#[test]
fn a_token_ahead_of_the_store_is_active_until_the_window_or_its_own_idle_end_whichever_comes_first()
{
    let half = Duration::from_secs(1800);
    for (idle, until) in [(half, half), (2 * HOUR, HOUR)] {
        let world = World::new(Policy::builder().idle(idle).build().unwrap());
        let tokens = lost(&world);
        open(&world);
        let begun = stored(&world, tokens[0].family).head.used_at;
        let from = if until == HOUR { now(&world) } else { begun };
        let answer = block_on(world.node.introspect(text(&tokens[4]))).unwrap();
        let Introspection::Active(active) = answer else { panic!("inactive") };
        assert_eq!(active.idle_expires_at, Some(from.saturating_add(until)), "{idle:?}");
        // And it is.
        world.clock.set(from.saturating_add(until));
        let answer = block_on(world.node.introspect(text(&tokens[4]))).unwrap();
        assert!(matches!(answer, Introspection::Inactive));
    }
}

/// A window of the engine's had passed, and nobody had closed it: the one that a client's policy opened later did nothing.
#[test]
fn a_window_that_has_passed_does_not_hide_that_of_the_policy() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    for (waited, taken) in [(Duration::from_millis(3_599_999), false), (HOUR, true)] {
        let begun = now(&world);
        world.clock.advance(waited);
        // For families that are older than any: none, while the engine's own is open.
        let lost = if taken { now(&world) } else { Timestamp::ZERO };
        let window = Recovery::new(now(&world), now(&world).saturating_add(HOUR), lost).unwrap();
        let own = Policy::default().recovering(window);
        let explained = block_on(world.node.explain(text(&tokens[4]), request().policy(&own)));
        let decision = explained.unwrap().decision;
        assert!(matches!(decision, Decision::Recover { .. }), "{waited:?}: {decision:?}");
        world.clock.set(begun);
    }
}

#[test]
fn only_families_that_were_issued_before_the_loss_are_recovered() {
    for (millis, covered) in [(1, true), (0, false)] {
        let world = World::new(Policy::default());
        let tokens = lost(&world);
        let issued_before = START.saturating_add(Duration::from_millis(millis));
        let until = now(&world).saturating_add(HOUR);
        world.node.open_recovery(Recovery::new(now(&world), until, issued_before).unwrap());
        if covered {
            assert_eq!(next(&world, &tokens[4]).how, How::Recovered);
        } else {
            assert_eq!(refusal(&world, &tokens[4]), Refusal::AheadOfStore);
        }
    }
}

#[test]
fn a_window_that_is_closed_early_is_closed_and_can_be_opened_again() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    assert!(world.node.recovery().is_some());
    world.node.close_recovery();
    assert_eq!((world.node.recovery(), refusal(&world, &tokens[4])), (None, Refusal::AheadOfStore));
    open(&world);
    assert_eq!(next(&world, &tokens[4]).how, How::Recovered);
}

/// P16: the line was overwritten, and whoever shows another token of it, of the same place or the one before, ends it.
#[test]
fn another_token_of_the_overwritten_line_ends_the_family_as_diverged() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    // One tab comes back with the third generation, another one with the fourth, which the first has overwritten.
    let recovered = next(&world, &tokens[3]);
    assert_eq!(recovered.generation, 4);
    assert_ne!(text(&recovered), text(&tokens[4]));
    assert_eq!(refusal(&world, &tokens[4]), Refusal::Diverged);
    assert_eq!(refusal(&world, &recovered), Refusal::Revoked(Reason::Diverged));
}

#[test]
fn a_token_of_the_lost_line_in_the_predecessors_place_ends_the_family_as_diverged() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    // The store is at 1: from there the line is overwritten up to 3.
    let overwritten = next(&world, &tokens[1]);
    let onward = next(&world, &overwritten);
    assert_eq!(onward.generation, 3);
    open(&world);
    assert_eq!(refusal(&world, &tokens[2]), Refusal::Diverged);
}

#[test]
fn what_is_older_than_a_recovered_token_is_reuse() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    next(&world, &tokens[4]);
    let breach = refusal(&world, &tokens[2]).breach().expect("a breach");
    assert_eq!(breach.generations_behind, 3);
}

/// P5, and what the window weakens: the tag alone, so the holder of a key could make one; another family is none the wiser.
#[test]
fn a_forged_string_is_no_better_in_a_window_and_a_forged_place_touches_its_own_family_alone() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    let bystander = issue(&world);
    open(&world);
    let before = stored(&world, bystander.family);
    let mut forged = text(&tokens[4]).to_owned();
    forged.replace_range(60..61, if &forged[60..61] == "A" { "B" } else { "A" });
    let outcome = block_on(world.node.refresh(&forged, request())).unwrap();
    assert!(matches!(outcome, heirloom::Outcome::Refused(Refusal::Forged)));
    let at = Position { family: tokens[0].family, branch: 0, generation: 1_000 };
    let made = token(&key(1), at, [9; 32]);
    let taken = granted(block_on(world.node.refresh(made.expose(), request())).unwrap());
    assert_eq!((taken.how, taken.generation), (How::Recovered, 1_001));
    assert_eq!(stored(&world, bystander.family), before);
}

/// A branch of which the store has no record cannot be told from one that never was.
#[test]
fn a_branch_that_the_store_has_lost_is_refused_in_a_window_too() {
    let leeway = Leeway::fork(Duration::from_secs(10), 3);
    let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
    let root = issue(&world);
    let first = next(&world, &root);
    let backup = world.store.inner().snapshot();
    let beside = next(&world, &root);
    world.store.inner().restore(backup);
    advance(&world, 1_000);
    open(&world);
    assert_eq!(refusal(&world, &beside), Refusal::AheadOfStore);
    assert_eq!(next(&world, &first).how, How::Rotated);
}

/// A branch that the store has, and whose last rotations it has lost, catches up by itself.
#[test]
fn a_branch_catches_up_by_itself() {
    let leeway = Leeway::fork(Duration::from_secs(10), 3);
    let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
    let root = issue(&world);
    let (first, beside) = (next(&world, &root), next(&world, &root));
    let backup = world.store.inner().snapshot();
    let lost = next(&world, &next(&world, &beside));
    world.store.inner().restore(backup);
    advance(&world, 1_000);
    open(&world);
    let recovered = next(&world, &lost);
    assert_eq!((recovered.how, recovered.branch, recovered.generation), (How::Recovered, 1, 4));
    assert_eq!(next(&world, &first).how, How::Rotated);
}

/// A policy that does not rotate gives out a new token once, so that the store knows one again.
#[test]
fn a_policy_that_does_not_rotate_recovers_by_one_exchange_and_keeps_from_then_on() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let recovered = granted(ask(&world, &tokens[4], request().policy(&never)));
    assert_eq!(recovered.how, How::Recovered);
    let kept = granted(ask(&world, &recovered, request().policy(&never)));
    assert_eq!((kept.how, kept.generation), (How::Kept, 5));
}

/// The window is the engine's, for the policies of all calls; each node opens its own.
#[test]
fn the_window_is_for_the_policies_of_all_calls_of_its_node() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    let other = node(&world.store, &world.clock, Policy::default(), 2);
    open(&world);
    let outcome = block_on(other.refresh(text(&tokens[4]), request())).unwrap();
    assert!(matches!(outcome, heirloom::Outcome::Refused(Refusal::AheadOfStore)));
    let own = Policy::builder().leeway(None).build().unwrap();
    let looked = block_on(world.node.introspect(text(&tokens[4]))).unwrap();
    assert!(matches!(looked, heirloom::Introspection::Active(_)));
    assert_eq!(granted(ask(&world, &tokens[4], request().policy(&own))).how, How::Recovered);
}

#[test]
fn a_recovery_consumes_nothing_when_it_is_refused_and_respects_client_and_scope() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    let before = stored(&world, tokens[0].family);
    for (request, why) in [
        (request().scope("admin"), Refusal::Scope),
        (heirloom::Request::new("tv"), Refusal::ClientMismatch { ended: false }),
    ] {
        assert_eq!(crate::engine::step::refused(ask(&world, &tokens[4], request)), why);
    }
    assert_eq!(stored(&world, tokens[0].family), before);
    block_on(world.node.revoke_family(tokens[0].family, Reason::Logout)).unwrap();
    assert_eq!(refusal(&world, &tokens[4]), Refusal::Revoked(Reason::Logout));
}

#[test]
fn the_last_generation_is_not_recovered() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    open(&world);
    let at = Position { family: tokens[0].family, branch: 0, generation: u32::MAX };
    let last = token(&key(1), at, [9; 32]);
    let outcome = block_on(world.node.refresh(last.expose(), request())).unwrap();
    assert!(matches!(outcome, heirloom::Outcome::Refused(Refusal::Exhausted)));
}

#[test]
fn a_window_and_what_it_recovers_are_heard_of() {
    let world = World::new(Policy::default());
    let tokens = lost(&world);
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = std::sync::Arc::clone(&heard);
    let node = node(&world.store, &world.clock, Policy::default(), 2).with_observer(
        std::sync::Arc::new(move |event: &heirloom::Event| ear.lock().unwrap().push(event.kind)),
    );
    let window = Recovery::new(now(&world), now(&world).saturating_add(HOUR), now(&world)).unwrap();
    node.open_recovery(window);
    drop(granted(block_on(node.refresh(text(&tokens[4]), request())).unwrap()));
    assert_eq!(*heard.lock().unwrap(), [EventKind::RecoveryOpened(window), EventKind::Recovered]);
}

#[test]
fn a_displaced_mark_of_before_says_nothing_of_the_recovered_line() {
    let leeway = Leeway::newest(Duration::from_secs(10));
    let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
    let root = issue(&world);
    next(&world, &root);
    let second = next(&world, &root);
    let backup = world.store.inner().snapshot();
    let third = next(&world, &second);
    world.store.inner().restore(backup);
    advance(&world, 1_000);
    open(&world);
    let recovered = next(&world, &third);
    let family = stored(&world, root.family);
    let predecessor = family.head.predecessor.unwrap();
    assert_eq!((family.head.displaced, predecessor.displaced), (false, false));
    assert_eq!(next(&world, &recovered).generation, 4);
}
