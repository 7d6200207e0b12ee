//! What happened, safe to log: no event holds a secret, a digest or a salt.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crate::family::{Family, Reason};
use crate::grant::Grant;
use crate::recovery::Recovery;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::token::{FamilyId, Position};

/// Receives events, after what they report is durable, each at most once.
///
/// Called synchronously within the request's own poll, so that the host's span or task-local there tells which request
/// it was, and from which address. Hand slow work to a queue. A panic is caught, after the panic hook has told of it, and the call
/// goes on as if the event had been heard: it may have more to end. If the process dies between the write and the
/// call, the event is lost; the family's [`Status`](crate::family::Status) keeps the reason.
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// A closure is an observer.
impl<F: Fn(&Event) + Send + Sync> Observer for F {
    fn observe(&self, event: &Event) {
        self(event);
    }
}

/// Several are one: each hears everything, in their order, also after one that panics.
impl Observer for Vec<Arc<dyn Observer>> {
    fn observe(&self, event: &Event) {
        self.iter().for_each(|observer| tell(&**observer, event));
    }
}

/// Tells one observer. What fails there has been said by the host's panic hook; others are to hear yet, and a call has things to end.
pub(crate) fn tell(observer: &dyn Observer, event: &Event) {
    let _ = catch_unwind(AssertUnwindSafe(|| observer.observe(event)));
}

/// Something that happened.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The engine's reading of the clock.
    pub at: Timestamp,
    /// Whose family it was; `None` when no stored family was touched or found.
    pub about: Option<Attribution>,
    /// What.
    pub kind: EventKind,
}

/// Which family an event is about, and whose it is.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Attribution {
    /// The family.
    pub family: FamilyId,
    /// The branch: 0, unless a leeway has forked, and wherever the event is about all of them.
    pub branch: u16,
    /// The branch's current generation.
    pub generation: u32,
    /// What it was issued for.
    pub grant: Arc<Grant>,
}

impl Attribution {
    /// The subject that the family was issued for.
    pub fn subject(&self) -> &str {
        &self.grant.subject
    }

    /// The client that the family was issued to.
    pub fn client(&self) -> &str {
        &self.grant.client
    }
}

/// Without scope and attributes, which may be the user's business.
impl fmt::Debug for Attribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attribution")
            .field("family", &self.family)
            .field("branch", &self.branch)
            .field("generation", &self.generation)
            .field("subject", &self.subject())
            .field("client", &self.client())
            .finish_non_exhaustive()
    }
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// A family was issued.
    Issued,
    /// A token was exchanged for its successor. If the store reported the write as failed, only a replay is heard of.
    Rotated,
    /// The predecessor was presented again inside its leeway and answered with the same successor. Normal now and
    /// then; a pattern of them may be a thief who keeps pace with the client.
    Replayed {
        /// How long after its first use.
        since_rotation: Duration,
    },
    /// As replayed, but the answer was another successor, which has displaced the earlier one.
    Renewed {
        /// How long after the predecessor's first use.
        since_rotation: Duration,
    },
    /// As replayed, but the answer was another successor beside the earlier ones, on the branch that the event names.
    Forked {
        /// How long after the predecessor's first use.
        since_rotation: Duration,
    },
    /// A token ahead of the store was taken in a recovery window, and its family has caught up.
    Recovered,
    /// A legacy token was adopted into a family of its own.
    Adopted,
    /// A recovery window was opened on this node: until it closes, one lock of two holds.
    RecoveryOpened(Recovery),
    /// A token was used under a policy that does not rotate.
    Kept,
    /// A family was ended by this call. [`Reason::Reuse`] is a breach and carries its evidence.
    Revoked(Reason),
    /// A breach of the family has not ended all that the policy's [`Reaction`](crate::Reaction) ends beside it: the store has failed
    /// there, and the call with it. Nothing goes on with it by itself: end the rest by
    /// [`revoke_all`](crate::Engine::revoke_all), by the subject, or by subject and client, again until it succeeds. The family itself has
    /// an event of its own if it was ended; if there is none, the store has failed there too.
    RelatedLeft,
    /// A request was refused, and for which reason.
    Refused {
        /// Why.
        why: Refusal,
        /// What the presented token says of itself, if its tag was genuine.
        presented: Option<Position>,
    },
    /// A family's grant was changed.
    GrantChanged,
    /// The current token became so later than now, by this much: the clocks of two nodes differ, or one stepped back.
    /// Seen at most once per step, where the family is looked at before it is written: at a replay or in two steps, not
    /// at a rotation in one round trip.
    ClockBehind {
        /// By how much.
        behind: Duration,
    },
    /// Families that had ended a retention ago were removed.
    Purged {
        /// How many.
        families: usize,
    },
}

impl Event {
    pub(crate) fn about(at: Timestamp, family: &Family, kind: EventKind) -> Self {
        Self::on_branch(at, family, 0, kind)
    }

    pub(crate) fn on_branch(at: Timestamp, family: &Family, branch: u16, kind: EventKind) -> Self {
        let about = Attribution {
            family: family.id,
            branch,
            generation: family.head_of(branch).unwrap_or(&family.head).generation,
            grant: Arc::clone(&family.grant),
        };
        Self { at, about: Some(about), kind }
    }

    pub(crate) fn unattributed(at: Timestamp, kind: EventKind) -> Self {
        Self { at, about: None, kind }
    }
}
