//! A policy that does not rotate: the token stays good, and its idle end slides by a write at most every sixteenth.

use std::time::Duration;

use heirloom::testing::Operation;
use heirloom::{How, Policy, Refusal, Rotation};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, stored};
use crate::support::{START, World, grant, granted, request};

const IDLE: u64 = 16_000;

fn never() -> Policy {
    let idle = Duration::from_millis(IDLE);
    Policy::builder().rotation(Rotation::Never).idle(idle).build().unwrap()
}

#[test]
fn a_token_that_is_kept_stays_good_and_no_new_one_is_made() {
    let world = World::new(never());
    let root = issue(&world);
    for _ in 0..3 {
        let kept = next(&world, &root);
        assert_eq!((kept.how, kept.generation, kept.token.is_none()), (How::Kept, 0, true));
    }
    assert_eq!(stored(&world, root.family).version, 1);
}

#[test]
fn the_idle_end_slides_by_one_write_each_sixteenth_of_the_lifetime() {
    let world = World::new(never());
    let root = issue(&world);
    for (millis, writes) in [(999, 0), (1, 1), (999, 0), (1, 1), (1_001, 1)] {
        advance(&world, millis);
        world.store.take_operations();
        let kept = next(&world, &root);
        assert_eq!(world.store.take_operations().count(Operation::Replace), writes);
        let left = if writes == 1 { IDLE } else { IDLE - millis };
        assert_eq!(kept.idle_expires_in, Some(Duration::from_millis(left)));
    }
}

#[test]
fn a_kept_token_ends_an_idle_lifetime_after_its_last_slide() {
    let world = World::new(never());
    let root = issue(&world);
    advance(&world, IDLE - 1);
    next(&world, &root);
    advance(&world, IDLE - 1);
    next(&world, &root);
    advance(&world, IDLE);
    assert_eq!(refusal(&world, &root), Refusal::Idle);
}

/// P9: the absolute end never moves.
#[test]
fn no_slide_moves_the_absolute_end() {
    let absolute = Duration::from_millis(IDLE * 2);
    let world = World::new(never().to_builder().absolute(absolute).build().unwrap());
    let root = issue(&world);
    for _ in 0..2 {
        advance(&world, IDLE - 1);
        next(&world, &root);
    }
    advance(&world, 1);
    assert_eq!(next(&world, &root).absolute_expires_in, Some(Duration::from_millis(1)));
    advance(&world, 1);
    assert_eq!(refusal(&world, &root), Refusal::Expired);
}

#[test]
fn a_family_without_an_end_gets_one_from_its_next_slide() {
    let endless = Policy::builder().idle(None).build().unwrap();
    let world = World::new(never());
    let root = block_on(world.node.issue_under(&endless, grant())).unwrap();
    advance(&world, IDLE * 100);
    let kept = next(&world, &root);
    assert_eq!(kept.idle_expires_in, Some(Duration::from_millis(IDLE)));
}

#[test]
fn an_idle_end_that_the_policy_has_lifted_is_lifted_by_one_write() {
    let world = World::new(never());
    let root = issue(&world);
    let lifted = never().to_builder().idle(None).build().unwrap();
    for writes in [1, 0, 0] {
        world.store.take_operations();
        let kept = granted(ask(&world, &root, request().policy(&lifted)));
        assert_eq!(kept.idle_expires_in, None);
        assert_eq!(world.store.take_operations().count(Operation::Replace), writes);
    }
}

/// P8: a family whose idle end is lifted while the clock is behind its last use stays possible.
#[test]
fn a_slide_under_a_clock_that_has_stepped_back_loses_no_family() {
    let world = World::new(never());
    let root = issue(&world);
    world.clock.set(START.saturating_sub(Duration::from_secs(30)));
    let lifted = never().to_builder().idle(None).build().unwrap();
    assert_eq!(granted(ask(&world, &root, request().policy(&lifted))).how, How::Kept);
    stored(&world, root.family).check().unwrap();
    world.clock.set(START);
    assert_eq!(next(&world, &root).how, How::Kept);
}

#[test]
fn a_policy_that_rotates_again_rotates_a_kept_token() {
    let world = World::new(never());
    let root = issue(&world);
    next(&world, &root);
    let first = granted(ask(&world, &root, request().policy(&Policy::default())));
    assert_eq!((first.how, first.generation), (How::Rotated, 1));
}

/// With the use of the successor the token is no longer the predecessor (P7), also when that use did not rotate it.
#[test]
fn a_slide_of_the_successor_closes_the_leeway() {
    let rotating = never().to_builder().rotation(Rotation::EveryUse).build().unwrap();
    let world = World::new(rotating);
    let root = issue(&world);
    let first = next(&world, &root);
    advance(&world, 1_000);
    assert_eq!(granted(ask(&world, &first, request().policy(&never()))).how, How::Kept);
    assert!(refusal(&world, &root).breach().is_some_and(|breach| breach.successor_used));
}
