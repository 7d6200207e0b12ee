//! The state: plain data of constant size, and what can never be.

mod words;

use std::sync::Arc;
use std::time::Duration;

use crate::grant::{Grant, GrantLimits};
use crate::key::KeyId;
use crate::leeway::Leeway;
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
    /// Until when the record is kept at least, an ended one too: an adopted family's, for as long as its legacy token could be
    /// adopted again.
    pub kept_until: Option<Timestamp>,
    /// Live, or how it ended.
    pub status: Status,
    /// The current token and its predecessor: branch 0.
    pub head: Head,
    /// The other branches; none, unless a leeway has forked.
    pub branches: Branches,
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
    /// The oldest of too many families of its subject at its client: [`FamilyLimit`](crate::FamilyLimit).
    Evicted,
    /// Reuse in another family of the subject, under a policy that ends more than the one:
    /// [`Reaction`](crate::Reaction).
    RelatedReuse,
    /// It goes on in another store: this record is what it was when it moved.
    Moved,
}

/// The evidence of a breach, for those who must tell a thief from a flaky network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Reuse {
    /// How far behind the current token: 1 is its predecessor; 0 is a token in the current one's own place, which a retry
    /// had displaced.
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
    /// Whether it took the place of an earlier successor of its predecessor ([`LeewayMode::Newest`](crate::LeewayMode::Newest)).
    pub displaced: bool,
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
    /// How often it was presented again inside its leeway, as far as that is counted.
    pub replays: u32,
    /// What [`Head::displaced`] was, when it was the current token.
    pub displaced: bool,
}

/// The branches beside the first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct Branches {
    /// How many were ever made: their numbers are 1 to this, and none is used twice.
    pub made: u16,
    /// Those that live, or have reached their idle end since the last fork; in ascending order of number.
    pub live: Vec<Branch>,
}

/// A chain of its own within a family.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Branch {
    /// Its number, from 1.
    pub number: u16,
    /// The branch whose token was exchanged twice.
    pub origin: u16,
    /// The generation of its first token: the one after that token's.
    pub born: u32,
    /// Its current token and what it replaced.
    pub head: Head,
}

impl Revocation {
    /// Whether it is the mark of a [`MovingStore`](crate::store::MovingStore), and no end that a host has given this reason.
    pub(crate) fn is_move(&self) -> bool {
        self.reason == Reason::Moved && self.call == 0
    }
}

impl Branches {
    /// Whether none was ever made.
    pub fn is_empty(&self) -> bool {
        self.made == 0
    }
}

impl Family {
    /// The last version that every store holds exactly: 2^53 - 1.
    const MAX_VERSION: u64 = Timestamp::MAX.as_millis();

    /// Whether a rotation is the whole of what the guard can state: the family has never branched, nothing has been
    /// displaced, and its current token is not a legacy one.
    pub fn is_plain(&self) -> bool {
        self.branches.is_empty()
            && !self.head.displaced
            && (self.kept_until.is_none() || self.head.generation > 0)
    }

    /// The current token of a branch; `None` when there is no such branch, or no more.
    pub fn head_of(&self, branch: u16) -> Option<&Head> {
        if branch == 0 {
            return Some(&self.head);
        }
        self.branches.live.iter().find(|it| it.number == branch).map(|it| &it.head)
    }

    pub(crate) fn head_of_mut(&mut self, branch: u16) -> Option<&mut Head> {
        if branch == 0 {
            return Some(&mut self.head);
        }
        self.branches.live.iter_mut().find(|it| it.number == branch).map(|it| &mut it.head)
    }

    /// All current tokens, the first branch's first.
    pub(crate) fn heads_mut(&mut self) -> impl Iterator<Item = &mut Head> {
        let others = self.branches.live.iter_mut().map(|branch| &mut branch.head);
        std::iter::once(&mut self.head).chain(others)
    }

    /// The absolute end and the first branch's idle end that count under a policy.
    pub fn ends(&self, policy: &Policy) -> (Option<Timestamp>, Option<Timestamp>) {
        self.ends_of(&self.head, policy)
    }

    /// The absolute end and a branch's idle end that count under a policy.
    pub fn ends_of(&self, head: &Head, policy: &Policy) -> (Option<Timestamp>, Option<Timestamp>) {
        self.ends_under(head, policy.ends(), policy.absolute(), policy.idle())
    }

    pub(crate) fn ends_under(
        &self,
        head: &Head,
        ends: Ends,
        absolute: Option<Duration>,
        idle: Option<Duration>,
    ) -> (Option<Timestamp>, Option<Timestamp>) {
        match ends {
            Ends::Stored => (self.expires_at, head.idle_expires_at),
            Ends::Live => {
                let absolute = absolute.map(|length| self.created_at.saturating_add(length));
                let idle = idle.map(|length| head.used_at.saturating_add(length));
                let idle = match self.legacy_end(head) {
                    // Its idle lifetime begins with its first use.
                    Some(end) if head.used_at == head.rotated_at => Some(end),
                    end => earliest(idle, end),
                };
                (earliest(absolute, self.grant.not_after), idle)
            }
        }
    }

    /// Until when a legacy token is acceptable, whatever the policy, while it is the current one.
    pub(crate) fn legacy_end(&self, head: &Head) -> Option<Timestamp> {
        self.kept_until.filter(|_| head.generation == 0)
    }

    /// Whether any of its branches has reached no end under a policy.
    pub(crate) fn is_usable(&self, policy: &Policy, now: Timestamp) -> bool {
        let others = self.branches.live.iter().map(|branch| &branch.head);
        std::iter::once(&self.head).chain(others).any(|head| {
            let (absolute, idle) = self.ends_of(head, policy);
            [absolute, idle].iter().flatten().all(|end| *end > now)
        })
    }

    /// When the family ended or will end, by what is stored: purge counts the retention from here.
    pub fn ended_at(&self) -> Option<Timestamp> {
        let end = match &self.status {
            // Never before its last use: ends may be counted anew, and clocks be wrong.
            Status::Revoked(revocation) => Some(revocation.at.max(self.head.used_at)),
            Status::Live if self.branches.live.is_empty() => self.head.ended_at(self.expires_at),
            Status::Live => latest(self.head.ended_at(self.expires_at), self.branches_end_at()),
        };
        end.map(|end| self.kept_until.map_or(end, |until| end.max(until)))
    }

    /// When the last of the other branches ended or will end; `None`: one of them has no end, or there are none.
    pub(crate) fn branches_end_at(&self) -> Option<Timestamp> {
        let ends = self.branches.live.iter().map(|branch| branch.head.ended_at(self.expires_at));
        ends.reduce(latest).flatten()
    }

    /// The place of the first branch's current token.
    pub(crate) fn position(&self) -> Position {
        Position { family: self.id, branch: 0, generation: self.head.generation }
    }

    /// Whether this state can have come from the engine.
    ///
    /// # Errors
    ///
    /// [`Impossible`] with the id and the field. A store refuses such a record and never repairs it (S9).
    pub fn check(&self) -> Result<(), Impossible> {
        let before_creation = |end| end < self.created_at;
        let capped = |end| self.expires_at.is_some_and(|at| at <= end);
        let possible = [
            ("version", (1..=Self::MAX_VERSION).contains(&self.version)),
            ("expires_at", !self.expires_at.is_some_and(before_creation)),
            ("expires_at", self.grant.not_after.is_none_or(capped)),
            ("kept_until", !self.kept_until.is_some_and(before_creation)),
            ("branches", self.branches.is_possible()),
        ];
        let field = possible.iter().find(|(_, possible)| !possible).map(|(field, _)| *field);
        match field.or(self.head.impossible()) {
            Some(field) => Err(Impossible { family: self.id, field }),
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

impl Head {
    /// When its idle end or the absolute one comes, by what is stored, and not before its last use.
    fn ended_at(&self, expires_at: Option<Timestamp>) -> Option<Timestamp> {
        earliest(expires_at, self.idle_expires_at).map(|end| end.max(self.used_at))
    }

    /// The first field that cannot be.
    fn impossible(&self) -> Option<&'static str> {
        let possible = [
            ("used_at", self.used_at >= self.rotated_at),
            ("idle_expires_at", self.idle_expires_at.is_none_or(|end| end > self.used_at)),
            ("predecessor", self.predecessor.is_none() == (self.generation == 0)),
            ("displaced", !self.displaced || self.generation > 0),
        ];
        possible.iter().find(|(_, possible)| !possible).map(|(field, _)| *field)
    }
}

impl Branches {
    fn is_possible(&self) -> bool {
        let numbers = self.live.iter().map(|branch| branch.number);
        self.live.len() < usize::from(Leeway::MAX_BRANCHES)
            && numbers.is_sorted_by(|one, next| one < next)
            && self.live.last().is_none_or(|branch| branch.number <= self.made)
            && self.live.iter().all(Branch::is_possible)
    }
}

impl Branch {
    fn is_possible(&self) -> bool {
        self.origin < self.number
            && (1..=self.head.generation).contains(&self.born)
            && self.head.impossible().is_none()
    }
}

/// The later of two ends, either of which may never come.
fn latest(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    one.zip(other).map(|(one, other)| one.max(other))
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
