//! Every comparison of the guard with time, at a millisecond before, at, and after its boundary.

use std::time::Duration;

use super::guard::Case;
use super::sample::{DAY, HOUR, NOW, after, before, grant};
use crate::family::Family;
use crate::guard::Guard;
use crate::policy::{Ends, Policy};
use crate::time::Timestamp;

const LENGTH: Duration = Duration::from_millis(2 * HOUR);
const MINUTE: u64 = 60_000;

fn same<T>(_: &mut T) {}

/// Live ends, so long that they are never reached.
fn live(guard: &mut Guard) {
    guard.ends = Ends::Live;
}

fn live_absolute(guard: &mut Guard) {
    (guard.ends, guard.absolute) = (Ends::Live, Some(LENGTH));
}

fn live_idle(guard: &mut Guard) {
    (guard.ends, guard.idle) = (Ends::Live, Some(LENGTH));
}

fn last_instant(guard: &mut Guard) {
    guard.now = Timestamp::MAX;
}

fn endless(family: &mut Family) {
    (family.expires_at, family.head.idle_expires_at) = (None, None);
}

/// Created so many milliseconds less than the absolute lifetime ago.
fn created(family: &mut Family, short: u64) {
    family.created_at = after(before(NOW, 2 * HOUR), short);
}

/// Last used so many milliseconds less than the idle lifetime ago.
fn used(family: &mut Family, short: u64) {
    family.head.used_at = after(before(NOW, 2 * HOUR), short);
    family.head.rotated_at = before(family.head.used_at, HOUR);
}

/// An end of the grant, and so of the family.
fn granted_until(family: &mut Family, end: Timestamp) {
    grant(family).not_after = Some(end);
    family.expires_at = Some(end);
}

/// Stored ends that are long past.
fn lapse(family: &mut Family) {
    let created = before(NOW, 30 * MINUTE);
    family.created_at = created;
    (family.head.rotated_at, family.head.used_at) = (created, created);
    (family.expires_at, family.head.idle_expires_at) =
        (Some(after(created, 1)), Some(after(created, 1)));
}

/// Creation and ends.
pub(super) const CASES: &[Case] = &[
    // The clock of the node that issued may be ahead of this one.
    Case::new(
        "creation is less than a minute ahead",
        true,
        |family| family.created_at = after(NOW, MINUTE - 1),
        same,
    ),
    Case::new(
        "creation is a minute ahead",
        true,
        |family| family.created_at = after(NOW, MINUTE),
        same,
    ),
    Case::new(
        "creation is more than a minute ahead",
        false,
        |family| family.created_at = after(NOW, MINUTE + 1),
        same,
    ),
    Case::new(
        "creation and now are the last instant",
        true,
        |family| {
            endless(family);
            family.created_at = Timestamp::MAX;
        },
        last_instant,
    ),
    // The ends that are stored.
    Case::new(
        "the stored absolute end was a millisecond ago",
        false,
        |family| family.expires_at = Some(before(NOW, 1)),
        same,
    ),
    Case::new(
        "the stored absolute end is now",
        false,
        |family| family.expires_at = Some(NOW),
        same,
    ),
    Case::new(
        "the stored absolute end is in a millisecond",
        true,
        |family| family.expires_at = Some(after(NOW, 1)),
        same,
    ),
    Case::new("no absolute end is stored", true, |family| family.expires_at = None, same),
    Case::new(
        "the stored idle end was a millisecond ago",
        false,
        |family| family.head.idle_expires_at = Some(before(NOW, 1)),
        same,
    ),
    Case::new(
        "the stored idle end is now",
        false,
        |family| family.head.idle_expires_at = Some(NOW),
        same,
    ),
    Case::new(
        "the stored idle end is in a millisecond",
        true,
        |family| family.head.idle_expires_at = Some(after(NOW, 1)),
        same,
    ),
    Case::new("no idle end is stored", true, |family| family.head.idle_expires_at = None, same),
    Case::new("no end is stored", true, endless, same),
    Case::new("no end is stored, and now is the last instant", true, endless, last_instant),
    Case::new(
        "the absolute end has passed, and no idle end is stored",
        false,
        |family| {
            (family.expires_at, family.head.idle_expires_at) = (Some(NOW), None);
        },
        same,
    ),
    Case::new(
        "the idle end has passed, and no absolute end is stored",
        false,
        |family| {
            (family.expires_at, family.head.idle_expires_at) = (None, Some(NOW));
        },
        same,
    ),
    Case::new(
        "the absolute end has passed, and the idle end lies ahead",
        false,
        |family| {
            (family.expires_at, family.head.idle_expires_at) = (Some(NOW), Some(after(NOW, DAY)));
        },
        same,
    ),
    Case::new("stored ends count, and lifetimes would be over", true, same, |guard| {
        (guard.absolute, guard.idle) =
            (Some(Duration::from_millis(1)), Some(Duration::from_millis(1)));
    }),
    // The ends that are counted from the policy of now.
    Case::new("live ends count, and the stored ones have passed", true, lapse, |guard| {
        live_absolute(guard);
        live_idle(guard);
    }),
    Case::new(
        "live ends count, there are none, and the stored ones have passed",
        true,
        lapse,
        live,
    ),
    Case::new(
        "the live absolute end was a millisecond ago",
        false,
        |family| {
            family.created_at = before(NOW, 2 * HOUR + 1);
        },
        live_absolute,
    ),
    Case::new("the live absolute end is now", false, |family| created(family, 0), live_absolute),
    Case::new(
        "the live absolute end is in a millisecond",
        true,
        |family| created(family, 1),
        live_absolute,
    ),
    Case::new(
        "the live absolute end is in less than a millisecond",
        false,
        |family| created(family, 0),
        |guard| {
            live_absolute(guard);
            guard.absolute = Some(LENGTH + Duration::from_nanos(999_999));
        },
    ),
    Case::new(
        "the live idle end was a millisecond ago",
        false,
        |family| {
            used(family, 0);
            family.head.used_at = before(family.head.used_at, 1);
        },
        live_idle,
    ),
    Case::new("the live idle end is now", false, |family| used(family, 0), live_idle),
    Case::new("the live idle end is in a millisecond", true, |family| used(family, 1), live_idle),
    Case::new(
        "the absolute end is in a millisecond, and the idle end now",
        false,
        |family| {
            created(family, 1);
            used(family, 0);
        },
        |guard| {
            live_absolute(guard);
            live_idle(guard);
        },
    ),
    Case::new(
        "the idle end is in a millisecond, and the absolute end now",
        false,
        |family| {
            created(family, 0);
            used(family, 1);
        },
        |guard| {
            live_absolute(guard);
            live_idle(guard);
        },
    ),
    Case::new(
        "both live ends are in a millisecond",
        true,
        |family| {
            created(family, 1);
            used(family, 1);
        },
        |guard| {
            live_absolute(guard);
            live_idle(guard);
        },
    ),
    Case::new(
        "the grant's end was a millisecond ago",
        false,
        |family| granted_until(family, before(NOW, 1)),
        live,
    ),
    Case::new("the grant's end is now", false, |family| granted_until(family, NOW), live),
    Case::new(
        "the grant's end is in a millisecond",
        true,
        |family| granted_until(family, after(NOW, 1)),
        live,
    ),
    Case::new(
        "the grant's end is now, and the live ends lie ahead",
        false,
        |family| granted_until(family, NOW),
        |guard| {
            live_absolute(guard);
            live_idle(guard);
        },
    ),
    Case::new(
        "the grant's end lies ahead, and the stored end has passed",
        true,
        |family| {
            lapse(family);
            grant(family).not_after = Some(after(NOW, 1));
        },
        live,
    ),
    // Lengths and instants at the bounds.
    Case::new("the lifetimes are longer than all time before now", true, same, |guard| {
        live(guard);
        (guard.absolute, guard.idle) = (Some(Policy::MAX_LENGTH), Some(Policy::MAX_LENGTH));
    }),
    Case::new(
        "the live ends lie past the last instant",
        true,
        |family| {
            endless(family);
            family.created_at = before(Timestamp::MAX, 2);
            (family.head.rotated_at, family.head.used_at) = (family.created_at, family.created_at);
        },
        |guard| {
            live_absolute(guard);
            live_idle(guard);
            guard.now = before(Timestamp::MAX, 1);
        },
    ),
    Case::new(
        "the live absolute end and now are the last instant",
        false,
        |family| {
            endless(family);
            family.created_at = Timestamp::MAX;
        },
        |guard| {
            live_absolute(guard);
            last_instant(guard);
        },
    ),
    Case::new(
        "the live idle end and now are the last instant",
        false,
        |family| {
            endless(family);
            (family.head.rotated_at, family.head.used_at) = (Timestamp::MAX, Timestamp::MAX);
        },
        |guard| {
            live_idle(guard);
            last_instant(guard);
        },
    ),
    Case::new("there are no live ends, and now is the last instant", true, endless, |guard| {
        live(guard);
        last_instant(guard);
    }),
    Case::new(
        "created at the first instant, and the lifetime is over",
        false,
        |family| {
            family.created_at = Timestamp::ZERO;
        },
        |guard| {
            live(guard);
            guard.absolute = Some(Duration::from_millis(NOW.as_millis()));
        },
    ),
    Case::new(
        "created a millisecond after the first instant, and the lifetime is not over",
        true,
        |family| family.created_at = Timestamp::from_millis(1),
        |guard| {
            live(guard);
            guard.absolute = Some(Duration::from_millis(NOW.as_millis()));
        },
    ),
    Case::new(
        "created at the first instant, and the lifetime is longer than all time since",
        true,
        |family| family.created_at = Timestamp::ZERO,
        |guard| {
            live(guard);
            guard.absolute = Some(Policy::MAX_LENGTH);
        },
    ),
    Case::new(
        "used at the first instant, and the idle lifetime is longer than all time since",
        true,
        |family| {
            family.created_at = Timestamp::ZERO;
            (family.head.rotated_at, family.head.used_at) = (Timestamp::ZERO, Timestamp::ZERO);
        },
        |guard| {
            live(guard);
            guard.idle = Some(Policy::MAX_LENGTH);
        },
    ),
];
