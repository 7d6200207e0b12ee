//! What is removed, and when: after a clock that was wrong, under live ends, and by several at once.

use std::sync::Barrier;
use std::time::Duration;

use heirloom::testing::ManualClock;
use heirloom::{Ends, Granted, Policy, Reason, Timestamp};
use pollster::block_on;

use crate::support::{World, grant, granted, node, request, text};

const MS: Duration = Duration::from_millis(1);
const DAY: Duration = Duration::from_secs(86_400);
const RETENTION: Duration = Duration::from_secs(7 * 86_400);

fn purged(world: &World) -> usize {
    block_on(world.node.purge(10)).unwrap()
}

/// Kept for a whole retention from now, and no longer.
fn assert_kept_for_a_retention_from_now(world: &World) {
    for (wait, due) in [(Duration::ZERO, 0), (RETENTION, 0), (MS, 1)] {
        world.clock.advance(wait);
        assert_eq!(purged(world), due, "after {wait:?}");
    }
}

/// A node whose clock showed 1970 revoked a family; the next purge on another node took it for one that had ended half a
/// century ago. The reason was gone, and with it all that support staff could have looked up.
#[test]
fn a_family_that_was_revoked_by_a_clock_at_zero_is_kept_for_a_retention_after_its_last_use() {
    let world = World::new(Policy::default());
    let dead = node(&world.store, &ManualClock::at(Timestamp::ZERO), Policy::default(), 2);
    let issued = block_on(world.node.issue(grant())).unwrap();
    block_on(dead.revoke_family(issued.family, Reason::Administrator)).unwrap();
    assert_kept_for_a_retention_from_now(&world);
}

/// A family in use under live ends, a month past the end that was stored for it.
fn outlived() -> (World, Granted) {
    let live = Policy::builder().ends(Ends::Live).absolute(730 * DAY).build().unwrap();
    let short = Policy::builder().absolute(DAY).idle(DAY).build().unwrap();
    let world = World::new(live);
    let issued = block_on(world.node.issue_under(&short, grant())).unwrap();
    world.clock.advance(29 * DAY);
    let used = granted(block_on(world.node.refresh(text(&issued), request())).unwrap());
    (world, used)
}

/// An operator had made lifetimes longer and let the new ones count. A family past the end that was stored for it was
/// revoked, for a breach say, and purged in the same minute.
#[test]
fn a_family_revoked_long_after_its_stored_end_is_kept_for_a_retention_after_the_revocation() {
    let (world, used) = outlived();
    world.clock.advance(20 * DAY);
    block_on(world.node.revoke_family(used.family, Reason::Logout)).unwrap();
    assert_kept_for_a_retention_from_now(&world);
}

/// The same, without the revocation: a family in daily use was purged, and its user logged out.
#[test]
fn a_family_in_use_long_after_its_stored_end_is_kept_for_a_retention_after_its_last_use() {
    let (world, used) = outlived();
    world.clock.advance(RETENTION);
    assert_eq!(purged(&world), 0);
    granted(block_on(world.node.refresh(text(&used), request())).unwrap());
    assert_kept_for_a_retention_from_now(&world);
}

/// Four nodes purged at the same time, each until it was told less than its limit. They had picked the same families,
/// each found those of its pick removed by the others, and all four stopped with thousands still due.
#[test]
fn purgers_side_by_side_stop_only_when_nothing_that_was_due_is_left() {
    let world = World::new(Policy::default());
    for round in 0..10 {
        for _ in 0..400 {
            let issued = block_on(world.node.issue(grant())).unwrap();
            block_on(world.node.revoke_family(issued.family, Reason::Logout)).unwrap();
        }
        world.clock.advance(RETENTION + MS);
        let start = Barrier::new(4);
        let purge = || {
            start.wait();
            while block_on(world.node.purge(20)).unwrap() == 20 {}
            assert_eq!(block_on(world.node.purge(20)).unwrap(), 0, "round {round}");
        };
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(purge);
            }
        });
        assert!(world.store.inner().is_empty(), "round {round}");
    }
}
