//! The state: plain data of constant size, and what can never be.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::grant::{Grant, GrantLimits};
use crate::key::KeyId;
use crate::policy::{Ends, Policy};
use crate::secret::{Digest, Salt};
use crate::time::Timestamp;
use crate::token::{FamilyId, Position};

/// Every refresh token that descends from one issue: the one record that a store keeps of it.
///
/// Readable and editable as data; but only the engine makes the steps that a store writes.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Family {
    /// The family's id, the key of its record.
    pub id: FamilyId,
    /// Counts writes, from 1.
    pub version: u64,
    /// What the user consented to.
    pub grant: Arc<Grant>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// The absolute end, as it was made at issue. Never moves.
    pub expires_at: Option<Timestamp>,
    /// Live, or how it ended.
    pub status: Status,
    /// The current token and its predecessor.
    pub head: Head,
}

/// Whether a family lives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Status {
    /// It does, unless an end is reached.
    Live,
    /// It was ended, for good.
    Revoked(Revocation),
}

/// When and why a family was ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Revocation {
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: Reason,
    /// Random, 53 bits, one for each call: tells a call whose write was resent, or reported as lost, that it was its
    /// own.
    pub call: u64,
}

/// Why a family was ended. The first reason stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Reason {
    /// A breach: a spent token was presented outside its leeway.
    Reuse(Reuse),
    /// A genuine token of the current or preceding generation, but not the stored one: the store had lost
    /// writes, and its line was overwritten. Not theft.
    Diverged,
    /// The wrong client presented a token, and the policy revokes then.
    WrongClient,
    /// A wrong key or none was proved, and the policy revokes then.
    WrongBinding,
    /// The client asked for it (RFC 7009).
    ClientRequest,
    /// The user logged out, or ended this session from another.
    Logout,
    /// The user withdrew the consent.
    ConsentWithdrawn,
    /// A password or another credential changed.
    CredentialChange,
    /// An administrator, or a rule of the host.
    Administrator,
}

/// The evidence of a breach, for those who must tell a thief from a flaky network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reuse {
    /// How far behind the current token: 1 is its predecessor.
    pub generations_behind: u32,
    /// How long ago the current token replaced its predecessor.
    pub since_rotation: Duration,
    /// Whether the presented token's successor is known to have been used: then two parties hold the chain, or
    /// one client mixes up its tokens. If not, a response may have been lost and retried too late.
    pub successor_used: bool,
}

/// The current token and what it replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Head {
    /// The current token's generation.
    pub generation: u32,
    /// The digest of its secret.
    pub digest: Digest,
    /// The key that tagged it, and made its secret from its predecessor's.
    pub key: KeyId,
    /// When it became the current token: the first use of its predecessor, from which the leeway counts.
    pub rotated_at: Timestamp,
    /// When it was last used without rotating, as far as that was written; else as `rotated_at`.
    pub used_at: Timestamp,
    /// The idle end, as it was made at the last rotation or slide.
    pub idle_expires_at: Option<Timestamp>,
    /// What it replaced; `None` only in generation 0.
    pub predecessor: Option<Predecessor>,
}

/// The token before the current one.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Predecessor {
    /// The digest of its secret.
    pub digest: Digest,
    /// The salt of its rotation.
    pub salt: Salt,
    /// Whether a change of the grant has closed its leeway.
    pub closed: bool,
}

impl Family {
    /// The last version that every store holds exactly: 2^53 - 1.
    const MAX_VERSION: u64 = Timestamp::MAX.as_millis();

    /// The absolute end and the current token's idle end that count under a policy.
    pub fn ends(&self, policy: &Policy) -> (Option<Timestamp>, Option<Timestamp>) {
        self.ends_under(policy.ends(), policy.absolute(), policy.idle())
    }

    pub(crate) fn ends_under(
        &self,
        ends: Ends,
        absolute: Option<Duration>,
        idle: Option<Duration>,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        match ends {
            Ends::Stored => (self.expires_at, self.head.idle_expires_at),
            Ends::Live => {
                let absolute = absolute.map(|length| self.created_at.saturating_add(length));
                let idle = idle.map(|length| self.head.used_at.saturating_add(length));
                (earliest(absolute, self.grant.not_after), idle)
            }
        }
    }

    /// When the family ended or will end, by what is stored: purge counts the retention from here.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let end = match &self.status {
            Status::Live => earliest(self.expires_at, self.head.idle_expires_at),
            Status::Revoked(revocation) => Some(revocation.at),
        };
        // Never before its last use: ends may be counted anew, and clocks be wrong.
        end.map(|end| end.max(self.head.used_at))
    }

    /// The place of the current token.
    pub(crate) fn position(&self) -> Position {
        Position { family: self.id, branch: 0, generation: self.head.generation }
    }

    /// Whether this state can have come from the engine.
    ///
    /// # Errors
    ///
    /// [`Impossible`] with the id and the field. A store refuses such a record and never repairs it (S9).
    pub fn check(&self) -> Result<(), Impossible> {
        let head = &self.head;
        let before_creation = |end| end < self.created_at;
        let capped = |end| self.expires_at.is_some_and(|at| at <= end);
        let possible = [
            ("version", (1..=Self::MAX_VERSION).contains(&self.version)),
            ("expires_at", !self.expires_at.is_some_and(before_creation)),
            ("expires_at", self.grant.not_after.is_none_or(capped)),
            ("used_at", head.used_at >= head.rotated_at),
            ("idle_expires_at", head.idle_expires_at.is_none_or(|end| end > head.used_at)),
            ("predecessor", head.predecessor.is_none() == (head.generation == 0)),
        ];
        match possible.iter().find(|(_, possible)| !possible) {
            Some((field, _)) => Err(Impossible { family: self.id, field }),
            None => Ok(()),
        }
    }

    /// [`check`](Self::check), with the bounds of the grant; for records from outside.
    pub(crate) fn check_all(&self) -> Result<(), Impossible> {
        self.check()?;
        // Bounds may have been configured wider than the defaults: only the forms are certain.
        let wide = GrantLimits {
            identifier_bytes: usize::MAX,
            scope_bytes: usize::MAX,
            resource_bytes: usize::MAX,
            attribute_bytes: usize::MAX,
        };
        self.grant.check(&wide).map_err(|_| Impossible { family: self.id, field: "grant" })
    }
}

pub(crate) fn earliest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (end, None) | (None, end) => end,
    }
}

/// A stored family that the engine cannot have written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("family {family}: impossible {field}")]
pub struct Impossible {
    /// The id that was asked for.
    pub family: FamilyId,
    /// The field that cannot be.
    pub field: &'static str,
}

/// With the evidence, if it is a breach.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reuse(reuse) => return write!(f, "reuse of a spent token: {reuse}"),
            Self::Diverged => "diverged from a store that lost writes",
            Self::WrongClient => "presented by the wrong client",
            Self::WrongBinding => "presented with the wrong key",
            Self::ClientRequest => "revoked by its client",
            Self::Logout => "logout",
            Self::ConsentWithdrawn => "consent withdrawn",
            Self::CredentialChange => "credential changed",
            Self::Administrator => "ended by an administrator",
        })
    }
}

impl fmt::Display for Reuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let used = if self.successor_used { "used" } else { "not known to be used" };
        write!(
            f,
            "{} behind the current token, {:?} after its rotation, its successor {used}",
            self.generations_behind, self.since_rotation
        )
    }
}
