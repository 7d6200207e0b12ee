//! THE rule. Pure and total: it sees no clock, no store, no key, no randomness.
//!
//! Row numbers are those of the table in the [guide](crate::_guide); row 0, a string that no key of ours has
//! tagged, never gets here, because a [`Presented`] cannot be made from it.

use std::cmp::Ordering;
use std::time::Duration;

use crate::family::{Family, Head, Reason, Reuse, Status};
use crate::grant::Binding;
use crate::policy::{Ends, LeewayMode, Mismatch, Policy, Rotation};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::scope::Scope;
use crate::secret::Digest;
use crate::time::Timestamp;
use crate::token::{Position, Presented};

/// How far a clock may lie before a family's creation and still be believed.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// What to do with a presented token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Refuse. Nothing is written, nothing is consumed.
    Refuse(Refusal),
    /// End the family durably for this reason, then refuse.
    Revoke(Reason),
    /// Advance the head, then answer with the successor.
    Rotate {
        /// The access token's scope.
        scope: Scope,
    },
    /// Answer with the successor again. Nothing is written.
    Replay {
        /// The access token's scope.
        scope: Scope,
    },
    /// Answer without a new token: the presented one stays good.
    Keep {
        /// The access token's scope.
        scope: Scope,
        /// Whether the idle end is due to be moved, by one write.
        slide: bool,
    },
    /// Our clock cannot be right: an error of ours, never a refusal.
    Fault(ClockFault),
}

/// A reading of the clock on which nothing may be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClockFault {
    /// More than [`CLOCK_TOLERANCE`] before the family was created.
    #[error("the clock is more than a minute behind the family's creation")]
    BeforeCreation,
    /// So late that an end counted from it could not be stored.
    #[error("the clock is past the last instant that can be counted from")]
    OutOfRange,
}

/// Decides what a presented token means for its family.
///
/// Order is by generation, never by a clock. `policy` is the one in force for this call; the one in the request
/// is not looked at.
pub fn decide(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    if let Err(decision) = admit(family, presented, request, policy, now) {
        return decision;
    }
    // Row 6: this release writes no other branch.
    let position = presented.position();
    if position.branch != 0 {
        return Decision::Refuse(Refusal::AheadOfStore);
    }
    match position.generation.cmp(&family.head.generation) {
        Ordering::Greater => Decision::Refuse(Refusal::AheadOfStore),
        Ordering::Equal => current(family, presented, request, policy, now),
        Ordering::Less => earlier(family, presented, request, policy, now),
    }
}

/// Rows 1 to 5: whether this client may use any token of this family now.
pub(crate) fn admit(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Result<(), Decision> {
    // Row 1.
    if presented.position().family != family.id {
        return Err(Decision::Refuse(Refusal::Unknown));
    }
    // Row 2: nothing that is presented changes a family that is dead.
    if let Status::Revoked(revocation) = &family.status {
        return Err(Decision::Refuse(Refusal::Revoked(revocation.reason)));
    }
    // Row 3. RFC 6749 section 10.4: the binding between refresh token and client.
    if *family.grant.client != *request.client {
        let refusal = Refusal::ClientMismatch { ended: false };
        return Err(mismatch(policy.wrong_client(), refusal, Reason::WrongClient));
    }
    // Row 4. RFC 9449 section 5, RFC 8705 section 4: the key must be proved at every use.
    if !proves(family.grant.binding, request.binding) {
        let refusal = Refusal::BindingMismatch { ended: false };
        return Err(mismatch(policy.wrong_binding(), refusal, Reason::WrongBinding));
    }
    if is_before_creation(family, now) {
        return Err(Decision::Fault(ClockFault::BeforeCreation));
    }
    let (absolute, idle) = family.ends(policy); // Row 5.
    if has_ended(absolute, now) {
        return Err(Decision::Refuse(Refusal::Expired));
    }
    if has_ended(idle, now) {
        return Err(Decision::Refuse(Refusal::Idle));
    }
    Ok(())
}

/// Rows 7, 11 and 12: the current generation.
fn current(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let head = &family.head;
    if head.digest != presented.digest() {
        return Decision::Revoke(Reason::Diverged);
    }
    let scope = match granted(family, request) {
        Ok(scope) => scope,
        Err(refusal) => return Decision::Refuse(refusal),
    };
    match policy.rotation() {
        Rotation::EveryUse if head.generation == u32::MAX => Decision::Refuse(Refusal::Exhausted),
        Rotation::EveryUse if is_out_of_range(policy, now) => {
            Decision::Fault(ClockFault::OutOfRange)
        }
        Rotation::EveryUse => Decision::Rotate { scope },
        Rotation::Never if !is_slide_due(head, policy, now) => {
            Decision::Keep { scope, slide: false }
        }
        Rotation::Never if is_out_of_range(policy, now) => Decision::Fault(ClockFault::OutOfRange),
        Rotation::Never => Decision::Keep { scope, slide: true },
    }
}

/// Rows 7 to 11: a spent token. RFC 9700 section 4.14.2: its use outside the leeway is a breach.
fn earlier(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let head = &family.head;
    let generations_behind = head.generation - presented.position().generation;
    let since_rotation = now.saturating_since(head.rotated_at);
    let head_used = head.used_at > head.rotated_at;
    let breach = Decision::Revoke(Reason::Reuse(Reuse {
        generations_behind,
        since_rotation,
        successor_used: generations_behind > 1 || head_used,
    }));
    let predecessor = match &head.predecessor {
        Some(predecessor) if generations_behind == 1 => predecessor,
        _ => return breach,
    };
    if predecessor.digest != presented.digest() {
        return Decision::Revoke(Reason::Diverged);
    }
    match policy.leeway() {
        Some(leeway) if since_rotation < leeway.window() && !head_used => {
            match (leeway.mode(), granted(family, request)) {
                _ if predecessor.closed => Decision::Refuse(Refusal::LeewayClosed),
                (LeewayMode::Refuse, _) => Decision::Refuse(Refusal::AlreadyRotated),
                (LeewayMode::Replay, Err(refusal)) => Decision::Refuse(refusal),
                (LeewayMode::Replay, Ok(scope)) => Decision::Replay { scope },
            }
        }
        _ => breach,
    }
}

/// Row 11: the scope of the access token. RFC 6749 section 6, RFC 8707 section 2.2.
pub(crate) fn granted(family: &Family, request: &Request<'_>) -> Result<Scope, Refusal> {
    if !family.grant.covers(request.resources) {
        return Err(Refusal::Resource);
    }
    family.grant.scope.narrow(request.scope).ok_or(Refusal::Scope)
}

/// Exactly when [`decide`] would say *rotate*, stated before the family has been seen.
///
/// For a request that narrows nothing under a policy that rotates: the guard holds on a family if and only if
/// `decide` says [`Decision::Rotate`] of it. A store runs it as the condition of one atomic write (S3).
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
    /// The present instant: status live, both ends after it, creation at most [`CLOCK_TOLERANCE`] after it.
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
        let (absolute, idle) = family.ends_under(self.ends, self.absolute, self.idle);
        family.status == Status::Live
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

fn mismatch(reaction: Mismatch, refusal: Refusal, reason: Reason) -> Decision {
    match reaction {
        Mismatch::Refuse => Decision::Refuse(refusal),
        Mismatch::Revoke => Decision::Revoke(reason),
    }
}

fn proves(bound: Option<Binding>, proved: Option<Binding>) -> bool {
    bound.is_none() || bound == proved
}

fn has_ended(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|end| now >= end)
}

fn is_before_creation(family: &Family, now: Timestamp) -> bool {
    family.created_at > now.saturating_add(CLOCK_TOLERANCE)
}

/// Whether the idle end that a rotation or a slide would make cannot be stored.
fn is_out_of_range(policy: &Policy, now: Timestamp) -> bool {
    policy.idle().is_some_and(|idle| now.checked_add(idle).is_none())
}

/// Slides are rare, so that a token that does not rotate costs no write per use: every sixteenth of the idle
/// lifetime at most; and once, when the policy has lifted an idle end that is stored.
fn is_slide_due(head: &Head, policy: &Policy, now: Timestamp) -> bool {
    match policy.idle() {
        Some(idle) => now.saturating_since(head.used_at) >= idle / 16,
        None => head.idle_expires_at.is_some(),
    }
}
