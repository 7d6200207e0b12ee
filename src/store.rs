//! The store contract S1 to S9: one family is one record, and every change of it is one atomic conditional write.
//!
//! The engine hands a store *steps*: [`Create`], [`Advance`], [`Revoke`], [`Replace`], [`Purge`]. Only the engine
//! makes them, so an undecided state cannot be written. A store consumes a step to make the *evidence* that it was
//! carried out, so a success that no step stands behind cannot be reported either. That a store really wrote what
//! it says is what its tests must show.
//!
//! | clause | duty |
//! |---|---|
//! | S1 | [`Store::create`] inserts if absent; a taken id is reported, nothing overwritten; index entries come first |
//! | S2 | [`Store::load`] reads its own and everybody's acknowledged writes, from the primary |
//! | S3 | [`Store::advance`] replaces the head in one atomic step if the guard holds; else it changes nothing and returns the family as now durably committed |
//! | S4 | [`Store::revoke`] is absorbing and idempotent; the first reason wins; after it returns no advance succeeds |
//! | S5 | [`Store::replace`] is a compare-and-swap of a whole family by version |
//! | S6 | [`Store::select`] finds every family created before the call |
//! | S7 | [`Store::purge`] removes only what ended a retention ago, in bounded batches, never early |
//! | S8 | what returned success survives a crash, as the store documents |
//! | S9 | an impossible record is refused with its id and field, never repaired silently |

mod boxed;
#[cfg(feature = "memory")]
mod memory;

pub use boxed::DynStore;
#[cfg(feature = "memory")]
pub use memory::MemoryStore;

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use crate::decide::Guard;
use crate::family::{Family, Head, Impossible, Reason, Revocation, Status};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// Where families are kept. Implement it with `async fn`; read the [contract](self) first.
///
/// A future may be dropped at any await point: what it had begun must then be wholly done or wholly undone.
pub trait Store: Send + Sync {
    /// S1: inserts a family if its id is free.
    ///
    /// Entries of an index by subject and client come before the family, so that none escapes S6.
    fn create(&self, step: Create) -> impl Future<Output = Result<Created, StoreError>> + Send;

    /// S2: reads a family as it is durably committed, never from a replica that lags.
    fn load(&self, id: FamilyId)
    -> impl Future<Output = Result<Option<Family>, StoreError>> + Send;

    /// S3: replaces the head if the guard holds, in one atomic step that also counts the version up.
    ///
    /// If the guard does not hold, nothing changes and the family is returned as it is now durably committed:
    /// the engine decides on it, and a stale one would be taken for theft. Where writes are flushed in batches,
    /// refusals wait for the flush too.
    fn advance(&self, step: Advance) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// S4: ends a family, in one write. If it has ended before, the first reason stays.
    ///
    /// When this has returned, no advance or replace of the family succeeds, those in flight included.
    fn revoke(&self, step: Revoke) -> impl Future<Output = Result<Revoked, StoreError>> + Send;

    /// S5: replaces a whole family if its version is still the expected one.
    fn replace(&self, step: Replace) -> impl Future<Output = Result<Written, StoreError>> + Send;

    /// S6: a page of the families that match, in ascending order of id, beginning after `page.after`.
    ///
    /// Every matching family created before the first page was asked for appears on some page. An empty page is
    /// the end.
    fn select(
        &self,
        selector: &Selector,
        page: Page,
    ) -> impl Future<Output = Result<Vec<Family>, StoreError>> + Send;

    /// S7: removes at most so many families for which [`Purge::is_due`], and says how many.
    ///
    /// Whether it is due is checked in the same atomic step as the removal. Fewer than the limit: nothing is left.
    fn purge(&self, step: Purge) -> impl Future<Output = Result<usize, StoreError>> + Send;
}

/// A new family, to be inserted.
#[derive(Debug)]
#[must_use]
pub struct Create(Family);

impl Create {
    pub(crate) fn new(family: Family) -> Self {
        Self(family)
    }

    /// The family to insert.
    pub fn family(&self) -> &Family {
        &self.0
    }

    /// The family was inserted, durably.
    pub fn created(self) -> Created {
        Created::New(Committed(self.0))
    }

    /// The id was taken, and nothing was written.
    pub fn taken(self) -> Created {
        Created::Taken
    }
}

/// The answer to [`Create`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would be an allocation per issue")]
pub enum Created {
    /// Inserted.
    New(Committed),
    /// The id was taken.
    Taken,
}

/// A rotation: the next head, and the guard under which it may be written.
#[derive(Debug)]
#[must_use]
pub struct Advance {
    guard: Guard,
    head: Head,
}

impl Advance {
    pub(crate) fn new(guard: Guard, head: Head) -> Self {
        Self { guard, head }
    }

    /// The family to advance.
    pub fn family(&self) -> FamilyId {
        self.guard.position.family
    }

    /// The condition.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What to write if it holds.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes the step on a family if the guard holds on it, and says whether it does. For a store that reads and
    /// writes under a lock.
    #[must_use]
    pub fn apply(&self, family: &mut Family) -> bool {
        let holds = self.guard.holds(family);
        if holds {
            family.head = self.head.clone();
            family.version += 1;
        }
        holds
    }

    /// The guard held and the head was replaced, durably; the family as it is now.
    pub fn committed(self, family: Family) -> Written {
        Written::Committed(Committed(family))
    }

    /// The guard did not hold; the family as it is durably committed, if there is one.
    pub fn declined(self, family: Option<Family>) -> Written {
        Written::Declined(family)
    }
}

/// A compare-and-swap of a whole family.
#[derive(Debug)]
#[must_use]
pub struct Replace {
    next: Family,
}

impl Replace {
    /// The next state of a family that has been seen.
    pub(crate) fn new(seen: &Family, change: impl FnOnce(&mut Family)) -> Self {
        let mut next = seen.clone();
        change(&mut next);
        next.version = seen.version + 1;
        Self { next }
    }

    /// The version that the stored family must have.
    pub fn expected_version(&self) -> u64 {
        self.next.version - 1
    }

    /// What to write if it has; its version is one more.
    pub fn next(&self) -> &Family {
        &self.next
    }

    /// The family was replaced, durably.
    pub fn committed(self) -> Written {
        Written::Committed(Committed(self.next))
    }

    /// The version was another; the family as it is durably committed, if there is one.
    pub fn declined(self, family: Option<Family>) -> Written {
        Written::Declined(family)
    }
}

/// The answer to [`Advance`] and [`Replace`].
#[derive(Debug)]
pub enum Written {
    /// The condition held, and the write is durable.
    Committed(Committed),
    /// The condition did not hold; the family as it is durably committed, if there is one.
    Declined(Option<Family>),
}

/// The end of a family.
#[derive(Debug)]
#[must_use]
pub struct Revoke {
    family: FamilyId,
    revocation: Revocation,
}

impl Revoke {
    pub(crate) fn new(family: FamilyId, at: Timestamp, reason: Reason) -> Self {
        Self { family, revocation: Revocation { at, reason } }
    }

    /// The family to end.
    pub fn family(&self) -> FamilyId {
        self.family
    }

    /// What to write, unless the family has ended before.
    pub fn revocation(&self) -> &Revocation {
        &self.revocation
    }

    /// Takes the step on a family unless it has ended before, and says whether it was taken. For a store that reads
    /// and writes under a lock.
    #[must_use]
    pub fn apply(&self, family: &mut Family) -> bool {
        let live = family.status == Status::Live;
        if live {
            family.status = Status::Revoked(self.revocation.clone());
            family.version += 1;
        }
        live
    }

    /// This step ended the family, durably; the family as it is now.
    pub fn committed(self, family: Family) -> Revoked {
        Revoked::ByThisCall(Committed(family))
    }

    /// The family had ended before; as it is durably committed.
    pub fn already(self, family: Family) -> Revoked {
        Revoked::Before(family)
    }

    /// There is no such family.
    pub fn unknown(self) -> Revoked {
        Revoked::Unknown
    }
}

/// The answer to [`Revoke`].
#[derive(Debug)]
pub enum Revoked {
    /// This step ended the family.
    ByThisCall(Committed),
    /// It had ended before.
    Before(Family),
    /// There is no such family.
    Unknown,
}

/// Evidence that a step was carried out: made only by consuming one.
#[derive(Debug)]
pub struct Committed(Family);

impl Committed {
    /// The family as the step left it.
    pub fn family(&self) -> &Family {
        &self.0
    }

    pub(crate) fn into_family(self) -> Family {
        self.0
    }
}

/// Which families.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// All of a subject's.
    Subject(Box<str>),
    /// All of a client's.
    Client(Box<str>),
    /// A subject's at one client.
    SubjectAndClient(Box<str>, Box<str>),
}

impl Selector {
    /// All families of a subject.
    pub fn subject(subject: &str) -> Self {
        Self::Subject(subject.into())
    }

    /// All families of a client.
    pub fn client(client: &str) -> Self {
        Self::Client(client.into())
    }

    /// A subject's families at one client.
    pub fn subject_and_client(subject: &str, client: &str) -> Self {
        Self::SubjectAndClient(subject.into(), client.into())
    }

    /// Whether a family is among them.
    pub fn matches(&self, family: &Family) -> bool {
        let grant = &family.grant;
        match self {
            Self::Subject(subject) => *grant.subject == **subject,
            Self::Client(client) => *grant.client == **client,
            Self::SubjectAndClient(subject, client) => {
                *grant.subject == **subject && *grant.client == **client
            }
        }
    }
}

/// A part of a selection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Begin after this id; `None`: at the first.
    pub after: Option<FamilyId>,
    /// At most so many.
    pub limit: usize,
}

/// The removal of what ended long ago.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purge {
    ended_before: Timestamp,
    limit: usize,
}

impl Purge {
    pub(crate) fn new(ended_before: Timestamp, limit: usize) -> Self {
        Self { ended_before, limit }
    }

    /// Only what ended before this instant: now, less the retention.
    pub fn ended_before(&self) -> Timestamp {
        self.ended_before
    }

    /// At most so many.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a family may go.
    pub fn is_due(&self, family: &Family) -> bool {
        family.ended_at().is_some_and(|end| end < self.ended_before)
    }
}

/// The store could not do its duty: an error of ours, never reported as `invalid_grant`.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a [`StoreError`] means for the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Not reached, timed out, full, read-only: the write may or may not have happened.
    Unavailable,
    /// A lost race or a serialization failure: the engine tries again at once.
    Conflict,
    /// A record that cannot be (S9).
    Impossible(Impossible),
}

impl StoreError {
    /// The store did not answer, or did not write; with what it said.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: Some(source.into()) }
    }

    /// A serialization failure or a lost race inside the store; with what it said.
    pub fn conflict(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Conflict, source: Some(source.into()) }
    }

    /// What it means for the engine.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Conflict => true,
            StoreErrorKind::Impossible(_) => false,
        }
    }
}

impl From<Impossible> for StoreError {
    fn from(impossible: Impossible) -> Self {
        Self { kind: StoreErrorKind::Impossible(impossible), source: None }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StoreErrorKind::Unavailable => f.write_str("the store is unavailable"),
            StoreErrorKind::Conflict => f.write_str("a conflicting write"),
            StoreErrorKind::Impossible(impossible) => impossible.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}

/// Forwards every method, so that an engine can share a store or borrow it.
macro_rules! forward {
    ($($generics:tt)*) => {
        impl $($generics)* {
            async fn create(&self, step: Create) -> Result<Created, StoreError> {
                (**self).create(step).await
            }

            async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
                (**self).load(id).await
            }

            async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
                (**self).advance(step).await
            }

            async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
                (**self).revoke(step).await
            }

            async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
                (**self).replace(step).await
            }

            async fn select(
                &self,
                selector: &Selector,
                page: Page,
            ) -> Result<Vec<Family>, StoreError> {
                (**self).select(selector, page).await
            }

            async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
                (**self).purge(step).await
            }
        }
    };
}

forward!(<S: Store + ?Sized> Store for &S);
forward!(<S: Store + ?Sized> Store for Arc<S>);
forward!(<S: Store + ?Sized> Store for Box<S>);
