//! The guard: when the rule would say *rotate*, stated before the family has been seen.

use std::time::Duration;

use crate::decide::{has_ended, is_before_creation, is_out_of_range, proves};
use crate::family::{Family, Status};
use crate::grant::Binding;
use crate::policy::{Ends, Policy, Rotation};
use crate::request::Request;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::{Position, Presented};

/// Exactly when [`decide`](crate::decide::decide) would say *rotate*, stated before the family has been seen.
///
/// For a request that narrows nothing under a policy that rotates: the guard holds on a [plain](Family::is_plain) family if
/// and only if `decide` says [`Rotate`](crate::decide::Decision::Rotate) of it, and on no other family. A store runs it as
/// the condition of one atomic write (S3).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Guard {
    /// The place that the head must have, below the last generation.
    pub position: Position,
    /// The digest that the head must have.
    pub digest: Digest,
    /// The client that the grant must name.
    pub client: Box<str>,
    /// The key that was proved: a bound family must be bound to this one.
    pub binding: Option<Binding>,
    /// The present instant: status live, both ends after it, creation at most [`CLOCK_TOLERANCE`](crate::decide::CLOCK_TOLERANCE) after it.
    pub now: Timestamp,
    /// Which ends count; live ones are counted with `idle` and `absolute`, and end at the grant's `not_after` too.
    pub ends: Ends,
    /// The idle lifetime for live ends, from `used_at`.
    pub idle: Option<Duration>,
    /// The absolute lifetime for live ends, from `created_at`.
    pub absolute: Option<Duration>,
    /// The version that was decided on, when the family has been seen.
    pub version: Option<u64>,
}

impl Guard {
    /// States the guard; `None` when no family could rotate: the policy does not, or the clock is out of range.
    pub fn new(
        presented: &Presented,
        request: &Request<'_>,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<Self> {
        if policy.rotation() == Rotation::Never || is_out_of_range(policy, now) {
            return None;
        }
        Some(Self {
            position: presented.position(),
            digest: presented.digest(),
            client: request.client.into(),
            binding: request.binding,
            now,
            ends: policy.ends(),
            idle: policy.idle(),
            absolute: policy.absolute(),
            version: None,
        })
    }

    /// Whether the guard holds on a family. A store's statement must say the same, in one atomic step with its write.
    pub fn holds(&self, family: &Family) -> bool {
        let (absolute, idle) = family.ends_under(&family.head, self.ends, self.absolute, self.idle);
        family.status == Status::Live
            && family.is_plain()
            && family.position() == self.position
            && family.head.generation < u32::MAX
            && family.head.digest == self.digest
            && *family.grant.client == *self.client
            && proves(family.grant.binding, self.binding)
            && !is_before_creation(family, self.now)
            && !has_ended(absolute, self.now)
            && !has_ended(idle, self.now)
            && self.version.is_none_or(|version| version == family.version)
    }
}
