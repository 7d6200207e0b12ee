//! The instants at which the matrix looks, in order.

use std::time::Duration;

use heirloom::Timestamp;

pub const LEEWAY: Duration = Duration::from_secs(10);
pub const IDLE: Duration = Duration::from_secs(3_600);
pub const ABSOLUTE: Duration = Duration::from_secs(86_400);
/// The lifetimes of the policies whose ends are live, so that theirs and the stored ends lie apart.
pub const LIVE_IDLE: Duration = Duration::from_secs(1_800);
pub const LIVE_ABSOLUTE: Duration = Duration::from_secs(43_200);

pub const CREATED: Timestamp = Timestamp::from_millis(1_000_000_000);
pub const ROTATED: Timestamp = after_creation(100);
pub const LEEWAY_END: Timestamp = after_creation(110);
/// A sixteenth of the idle lifetime after the last use.
pub const SLIDE_DUE: Timestamp = after_creation(325);
pub const LIVE_IDLE_END: Timestamp = after_creation(1_900);
pub const IDLE_END: Timestamp = after_creation(3_700);
pub const GRANT_END: Timestamp = after_creation(20_000);
pub const LIVE_ABSOLUTE_END: Timestamp = after_creation(43_200);
pub const ABSOLUTE_END: Timestamp = after_creation(86_400);
/// So late that an idle end counted from it is the last instant.
pub const RANGE_END: Timestamp = Timestamp::from_millis(Timestamp::MAX.as_millis() - 3_600_000);

/// When branch 1 was forked, and when it was rotated.
pub const FORKED: Timestamp = after_creation(105);
pub const ROTATED_BESIDE: Timestamp = after_creation(107);
/// When a leeway until an instant ends.
pub const UNTIL: Timestamp = after_creation(1_000);
/// When the recovery window closes.
pub const WINDOW_END: Timestamp = after_creation(1_500);
/// The idle end of a branch that was used under a shorter lifetime.
pub const BRANCH_END: Timestamp = after_creation(2_500);
/// Until when a legacy token is acceptable.
pub const ACCEPTABLE_UNTIL: Timestamp = after_creation(3_000);

/// A place on the timeline, by name.
pub struct Instant {
    pub name: String,
    pub at: Timestamp,
}

/// All places, in order: each boundary, a millisecond before it and a millisecond after it.
pub fn instants() -> Vec<Instant> {
    from_zero_to_max(&[
        ("created", CREATED),
        ("rotated", ROTATED),
        ("leeway end", LEEWAY_END),
        ("slide due", SLIDE_DUE),
        ("live idle end", LIVE_IDLE_END),
        ("idle end", IDLE_END),
        ("grant end", GRANT_END),
        ("live absolute end", LIVE_ABSOLUTE_END),
        ("absolute end", ABSOLUTE_END),
        ("range end", RANGE_END),
    ])
}

/// The places that other leeways, branches and windows have beside some of these.
pub fn later_instants() -> Vec<Instant> {
    from_zero_to_max(&[
        ("created", CREATED),
        ("rotated", ROTATED),
        ("leeway end", LEEWAY_END),
        ("until", UNTIL),
        ("window end", WINDOW_END),
        ("live idle end", LIVE_IDLE_END),
        ("branch end", BRANCH_END),
        ("acceptable until", ACCEPTABLE_UNTIL),
        ("idle end", IDLE_END),
        ("absolute end", ABSOLUTE_END),
        ("range end", RANGE_END),
    ])
}

fn from_zero_to_max(boundaries: &[(&str, Timestamp)]) -> Vec<Instant> {
    let mut instants = vec![named("zero", Timestamp::ZERO)];
    let tolerated = CREATED.saturating_sub(Duration::from_secs(60));
    instants.push(named("created - 60.001 s", tolerated.saturating_sub(MS)));
    instants.push(named("created - 60 s", tolerated));
    for &(name, at) in boundaries {
        instants.push(named(&format!("{name} - 1 ms"), at.saturating_sub(MS)));
        instants.push(named(name, at));
        instants.push(named(&format!("{name} + 1 ms"), at.saturating_add(MS)));
    }
    instants.push(named("max", Timestamp::MAX));
    instants
}

const MS: Duration = Duration::from_millis(1);

const fn after_creation(seconds: u64) -> Timestamp {
    Timestamp::from_millis(CREATED.as_millis() + seconds * 1_000)
}

fn named(name: &str, at: Timestamp) -> Instant {
    Instant { name: name.to_owned(), at }
}
