//! `purge`: a retention after the end, never early, in batches.

use std::time::Duration;

use heirloom::{Policy, Reason, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal};
use crate::support::{World, node};

const IDLE: u64 = 60_000;
const RETENTION: u64 = 7 * 86_400_000;

fn short_idle() -> Policy {
    Policy::builder().idle(Duration::from_millis(IDLE)).build().unwrap()
}

fn purge(world: &World) -> usize {
    block_on(world.node.purge(10)).unwrap()
}

/// P11: what is removed was refused before, and is refused after.
#[test]
fn a_family_goes_a_retention_after_its_idle_end_and_not_before() {
    let world = World::new(short_idle());
    let root = issue(&world);
    for (millis, refused) in [
        (IDLE - 1, None),
        (1, Some(Refusal::Idle)),
        (RETENTION, Some(Refusal::Idle)),
        (1, Some(Refusal::Unknown)),
    ] {
        advance(&world, millis);
        let expected = usize::from(refused == Some(Refusal::Unknown));
        assert_eq!(purge(&world), expected, "{refused:?}");
        if let Some(why) = refused {
            assert_eq!(refusal(&world, &root), why);
        }
    }
}

#[test]
fn a_revoked_family_goes_a_retention_after_its_revocation() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    advance(&world, 5_000);
    block_on(world.node.revoke_family(root.family, Reason::Logout)).unwrap();
    for (millis, purged) in [(RETENTION - 1, 0), (1, 0), (1, 1), (1, 0)] {
        advance(&world, millis);
        assert_eq!(purge(&world), purged);
    }
}

#[test]
fn a_revocation_of_what_had_expired_keeps_its_reason_for_another_retention() {
    let world = World::new(short_idle());
    let root = issue(&world);
    advance(&world, IDLE + RETENTION);
    block_on(world.node.revoke_family(root.family, Reason::Logout)).unwrap();
    for (millis, purged) in [(RETENTION, 0), (1, 1)] {
        advance(&world, millis);
        assert_eq!(purge(&world), purged);
    }
}

#[test]
fn a_family_that_is_used_is_never_purged() {
    let world = World::new(short_idle());
    let mut token = issue(&world);
    for _ in 0..20 {
        advance(&world, IDLE - 1);
        token = next(&world, &token);
        assert_eq!(purge(&world), 0);
    }
}

#[test]
fn a_purge_takes_no_more_than_it_may_and_says_how_many() {
    let world = World::new(short_idle());
    (0..7).for_each(|_| drop(issue(&world)));
    advance(&world, IDLE + RETENTION + 1);
    let batches: Vec<_> = (0..4).map(|_| block_on(world.node.purge(3)).unwrap()).collect();
    assert_eq!(batches, [3, 3, 1, 0]);
    assert!(world.store.inner().is_empty());
}

#[test]
fn the_retention_is_the_operators_and_a_clock_at_zero_purges_nothing() {
    let world = World::new(short_idle());
    let hasty = node(&world.store, &world.clock, short_idle(), 2).with_retention(Duration::ZERO);
    issue(&world);
    for (millis, purged) in [(IDLE - 1, 0), (1, 0), (1, 1)] {
        advance(&world, millis);
        assert_eq!(block_on(hasty.purge(10)).unwrap(), purged);
    }
    issue(&world);
    world.clock.set(heirloom::Timestamp::ZERO);
    assert_eq!(block_on(hasty.purge(10)).unwrap(), 0);
}
