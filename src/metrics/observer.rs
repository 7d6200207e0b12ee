//! Events as figures.

use ::metrics::{Unit, counter, describe_counter, describe_histogram, histogram};

use super::name;
use crate::event::{Event, EventKind, Observer};
use crate::refusal::Refusal;

/// Counts what the engine tells its observers; see the [table](super#names).
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct MetricsObserver;

impl MetricsObserver {
    /// An observer that counts. Describes all names, the store's too, to the recorder that is installed by now.
    #[expect(clippy::new_without_default, reason = "it speaks to the recorder")]
    pub fn new() -> Self {
        describe();
        Self
    }
}

impl Observer for MetricsObserver {
    fn observe(&self, event: &Event) {
        match event.kind {
            EventKind::Issued => counter!(name::ISSUED).increment(1),
            EventKind::Rotated => refresh("rotated"),
            EventKind::Replayed { since_rotation } => {
                refresh("replayed");
                histogram!(name::REPLAY_AGE).record(since_rotation);
            }
            EventKind::Renewed { since_rotation } => {
                refresh("renewed");
                histogram!(name::REPLAY_AGE).record(since_rotation);
            }
            EventKind::Forked { since_rotation } => {
                refresh("forked");
                histogram!(name::REPLAY_AGE).record(since_rotation);
            }
            EventKind::Recovered => refresh("recovered"),
            EventKind::Adopted => counter!(name::ADOPTED).increment(1),
            EventKind::RecoveryOpened(_) => counter!(name::RECOVERIES).increment(1),
            EventKind::Kept => refresh("kept"),
            EventKind::Revoked(reason) => {
                counter!(name::REVOKED, "reason" => name::reason(reason)).increment(1);
            }
            EventKind::RelatedLeft => counter!(name::RELATED_LEFT).increment(1),
            EventKind::Refused { why, presented: _ } => refused(why),
            EventKind::GrantChanged => counter!(name::GRANTS_CHANGED).increment(1),
            EventKind::ClockBehind { behind } => histogram!(name::CLOCK_BEHIND).record(behind),
            EventKind::Purged { families } => {
                counter!(name::PURGED).increment(u64::try_from(families).unwrap_or(u64::MAX));
            }
        }
    }
}

fn refresh(outcome: &'static str) {
    counter!(name::REFRESHES, "outcome" => outcome).increment(1);
}

fn refused(why: Refusal) {
    refresh("refused");
    counter!(name::REFUSALS, "why" => name::why(why)).increment(1);
    if let Refusal::Reused(reuse) | Refusal::Spent(reuse) = why {
        histogram!(name::GENERATIONS_BEHIND).record(reuse.generations_behind);
    }
}

fn describe() {
    for (counter, of) in [
        (name::REFRESHES, "Refreshes that were granted or refused"),
        (name::REFUSALS, "Refusals, by reason"),
        (name::ISSUED, "Families issued"),
        (name::ADOPTED, "Families made of legacy tokens"),
        (name::REVOKED, "Families ended by a call"),
        (name::PURGED, "Families removed"),
        (name::GRANTS_CHANGED, "Grants changed"),
        (name::RELATED_LEFT, "Breaches that have not ended all that they end beside their family"),
        (name::RECOVERIES, "Recovery windows opened"),
        (name::CONFLICTS, "Races lost in the store"),
    ] {
        describe_counter!(counter, Unit::Count, of);
    }
    for (histogram, unit, of) in [
        (name::REPLAY_AGE, Unit::Seconds, "Time since the first use of a token that is used again"),
        (name::GENERATIONS_BEHIND, Unit::Count, "Generations behind the current token at a reuse"),
        (name::CLOCK_BEHIND, Unit::Seconds, "How far the clock lies behind another node's"),
        (name::STORE, Unit::Seconds, "Calls of the store"),
    ] {
        describe_histogram!(histogram, unit, of);
    }
}
