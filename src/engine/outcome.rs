//! What a call answers.

use std::sync::Arc;
use std::time::Duration;

use crate::family::{Family, Reason};
use crate::grant::Grant;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::{FamilyId, RefreshToken};

/// The answer to a refresh: two arms, so that no host forgets a way to succeed.
#[derive(Debug)]
#[must_use]
pub enum Outcome {
    /// Mint an access token of this grant and scope.
    Granted(Granted),
    /// The client's fault: [`oauth::error`](crate::oauth::error) says what to tell it.
    Refused(Refusal),
}

/// What a successful call grants.
#[derive(Debug)]
#[non_exhaustive]
pub struct Granted {
    /// The refresh token to send; `None`: the presented one stays good.
    pub token: Option<RefreshToken>,
    /// How it came to be.
    pub how: How,
    /// The family.
    pub family: FamilyId,
    /// The branch that the token is of: 0, unless a leeway has forked.
    pub branch: u16,
    /// The generation of the current token.
    pub generation: u32,
    /// What the user consented to.
    pub grant: Arc<Grant>,
    /// The scope of the access token to mint: the grant's, or the part of it that was requested.
    pub scope: Scope,
    /// The resources of the access token to mint: the grant's, or those of them that were requested.
    pub resources: Vec<String>,
    /// How long the token lasts unused; `None`: without end.
    pub idle_expires_in: Option<Duration>,
    /// How long the family lasts; `None`: without end.
    pub absolute_expires_in: Option<Duration>,
}

impl Granted {
    /// What the current token of a branch grants now: all of the grant.
    pub(super) fn new(
        family: Family,
        branch: u16,
        policy: &Policy,
        now: Timestamp,
        how: How,
    ) -> Self {
        let head = family.head_of(branch).unwrap_or(&family.head);
        let (absolute, idle) = family.ends_of(head, policy);
        let remaining = |end: Option<Timestamp>| end.map(|end| end.saturating_since(now));
        Self {
            token: None,
            how,
            family: family.id,
            branch,
            generation: head.generation,
            scope: family.grant.scope.clone(),
            resources: family.grant.resources.clone(),
            idle_expires_in: remaining(idle),
            absolute_expires_in: remaining(absolute),
            grant: family.grant,
        }
    }

    /// How long the token can last at most from now: the shorter of both lifetimes.
    pub fn expires_in(&self) -> Option<Duration> {
        match (self.idle_expires_in, self.absolute_expires_in) {
            (Some(idle), Some(absolute)) => Some(idle.min(absolute)),
            (end, None) | (None, end) => end,
        }
    }
}

/// How a token came to be granted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum How {
    /// The first of a new family.
    Issued,
    /// The presented token was exchanged for its successor.
    Rotated,
    /// The presented token had been exchanged a moment ago: the same successor again.
    Replayed,
    /// As replayed, but for another successor, which has taken the place of the earlier one
    /// ([`LeewayMode::Newest`](crate::LeewayMode::Newest)).
    Renewed,
    /// As replayed, but for another successor beside the earlier ones ([`LeewayMode::Fork`](crate::LeewayMode::Fork)).
    Forked,
    /// The token was ahead of a store that has lost writes, and was exchanged in a [recovery window](crate::Recovery).
    Recovered,
    /// The policy does not rotate: the presented token stays good.
    Kept,
}

/// The answer to [`Engine::revoke`](crate::Engine::revoke).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RevokeOutcome {
    /// This call ended the family, durably.
    Ended,
    /// The family had ended before, for this reason.
    Before(Reason),
    /// Nothing was changed: not a token of ours, none of this client's, or its family is gone.
    NoEffect(Refusal),
}
