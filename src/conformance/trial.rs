//! A clause under trial: handles on one store, asked in turn, and what their answers are held to.

use std::error::Error;
use std::fmt::Write as _;
use std::future::Future;
use std::iter::repeat_n;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::boxed::DynFactory;
use super::clause::{Clause, Violation};
use super::difference::difference;
use super::race::{self, Contender};
use super::sample::Sample;
use super::threads;
use crate::family::{Family, Head, Revocation, Status};
use crate::guard::Guard;
use crate::store::{
    Created, Cursor, DynStore, Page, Revoked, Scanned, Selected, Selector, Store, StoreError,
    Written,
};
use crate::testing;
use crate::time::Timestamp;
use crate::token::FamilyId;

/// How many handles each clause opens.
pub(super) const HANDLES: usize = 3;

/// How many races of each kind are run on threads.
const THREAD_ROUNDS: usize = 60;

/// How often a lost race is tried again before it counts as an error. The engine tries less often.
const ATTEMPTS: usize = 16;

/// Handles on one store, and families that are nobody else's.
pub(super) struct Trial<'a> {
    pub(super) clause: Clause,
    pub(super) sample: Sample,
    handles: Vec<Handle<'a>>,
    turn: AtomicUsize,
    on_any_thread: bool,
}

/// How the contenders of a race come between each other.
#[derive(Clone, Copy)]
pub(super) enum Beside {
    /// At their await points, polled in one task.
    InOneTask,
    /// Anywhere, on threads of their own.
    OnThreads,
}

impl<'a> Trial<'a> {
    pub(super) async fn begin(
        clause: Clause,
        factory: &'a dyn DynFactory,
    ) -> Result<Self, Violation> {
        let failed =
            |promise: &str, error: &dyn Error| Violation::new(clause, promise, told(error));
        let sample = Sample::new().map_err(|error| failed("random families", &error))?;
        let mut handles = Vec::new();
        for _ in 0..HANDLES {
            let store = factory.open().await;
            let store = store.map_err(|error| Violation::unopened(clause, told(&*error)))?;
            handles.push(Handle { clause, store });
        }
        let on_any_thread = factory.on_any_thread();
        Ok(Self { clause, sample, handles, turn: AtomicUsize::new(0), on_any_thread })
    }

    /// The next handle: every one has its turn.
    pub(super) fn turn(&self) -> &Handle<'a> {
        &self.handles[self.turn.fetch_add(1, Ordering::Relaxed) % self.handles.len()]
    }

    pub(super) fn handles(&self) -> &[Handle<'a>] {
        &self.handles
    }

    /// So many races in one task, and others on threads if the store can be polled there.
    pub(super) fn races(&self, in_one_task: usize) -> impl Iterator<Item = Beside> + Send + use<> {
        let on_threads = if self.on_any_thread { THREAD_ROUNDS } else { 0 };
        repeat_n(Beside::InOneTask, in_one_task).chain(repeat_n(Beside::OnThreads, on_threads))
    }

    /// Runs all contenders to their ends; the answers in the order given.
    pub(super) async fn race<T: Send>(
        &self,
        beside: Beside,
        contenders: Vec<Contender<'_, T>>,
    ) -> Result<Vec<T>, Violation> {
        match beside {
            Beside::InOneTask => Ok(race::race(&self.sample, contenders).await),
            Beside::OnThreads => threads::race(&self.sample, contenders)
                .map_err(|seen| self.broken("calls are answered on any thread", seen)),
        }
    }

    /// A race of two.
    pub(super) async fn duel<A: Send, B: Send>(
        &self,
        beside: Beside,
        one: impl Future<Output = Result<A, Violation>> + Send,
        other: impl Future<Output = Result<B, Violation>> + Send,
    ) -> Result<(A, B), Violation> {
        let (mut first, mut second) = (None, None);
        let contenders: Vec<Contender<'_, ()>> = vec![
            Box::pin(async { first = Some(one.await) }),
            Box::pin(async { second = Some(other.await) }),
        ];
        self.race(beside, contenders).await?;
        match (first, second) {
            (Some(first), Some(second)) => Ok((first?, second?)),
            _ => Err(self.broken("calls that race are answered", "one was not")),
        }
    }

    pub(super) fn broken(&self, promise: &str, seen: impl Into<String>) -> Violation {
        Violation::new(self.clause, promise, seen)
    }

    /// Damages a record through the factory.
    pub(super) async fn damage(
        &self,
        factory: &dyn DynFactory,
        family: FamilyId,
    ) -> Result<(), Violation> {
        let damaged = factory.damage(family).await;
        damaged.map_err(|error| self.broken("the factory damages a record", told(&*error)))
    }

    /// Inserts a family and hands it back.
    pub(super) async fn created(&self, family: Family) -> Result<Family, Violation> {
        match self.turn().create(&family).await? {
            Created::New(committed) => {
                self.same("a created family is the one of the step", &family, committed.family())?;
                Ok(family)
            }
            Created::Taken => Err(self.broken("a free id is not taken", "taken")),
        }
    }

    /// The family is what every handle loads.
    pub(super) async fn stands(&self, promise: &str, family: &Family) -> Result<(), Violation> {
        for handle in &self.handles {
            match handle.load(family.id).await? {
                Some(stored) => self.same(promise, family, &stored)?,
                None => return Err(self.broken(promise, "no such family")),
            }
        }
        Ok(())
    }

    /// No handle knows the family.
    pub(super) async fn is_unknown(&self, promise: &str, id: FamilyId) -> Result<(), Violation> {
        for handle in &self.handles {
            if let Some(stored) = handle.load(id).await? {
                return Err(self.broken(promise, family_in_short(&stored)));
            }
        }
        Ok(())
    }

    pub(super) fn same(
        &self,
        promise: &str,
        promised: &Family,
        seen: &Family,
    ) -> Result<(), Violation> {
        difference(promised, seen).map_or(Ok(()), |seen| Err(self.broken(promise, seen)))
    }

    /// The write was committed, and left this family.
    pub(super) fn committed(
        &self,
        promise: &str,
        promised: &Family,
        written: &Written,
    ) -> Result<(), Violation> {
        match written {
            Written::Committed(committed) => self.same(promise, promised, committed.family()),
            Written::Declined(_) => Err(self.broken(promise, in_short(written))),
        }
    }

    /// The write was declined, and the family that it came with is this one, as it is stored now.
    pub(super) fn declined(
        &self,
        promise: &str,
        stored: Option<&Family>,
        written: &Written,
    ) -> Result<(), Violation> {
        match (written, stored) {
            (Written::Declined(Some(seen)), Some(stored)) => self.same(promise, stored, seen),
            (Written::Declined(None), None) => Ok(()),
            (Written::Declined(_) | Written::Committed(_), _) => {
                Err(self.broken(promise, in_short(written)))
            }
        }
    }
}

/// One handle on the store; its errors are violations, and a lost race is tried again.
pub(super) struct Handle<'a> {
    clause: Clause,
    store: Box<dyn DynStore + 'a>,
}

impl<'a> Handle<'a> {
    pub(super) fn store(&self) -> &(dyn DynStore + 'a) {
        &*self.store
    }

    pub(super) async fn create(&self, family: &Family) -> Result<Created, Violation> {
        let step = || self.store.create(testing::create(family.clone()));
        self.tried("a create is answered", step).await
    }

    pub(super) async fn load(&self, id: FamilyId) -> Result<Option<Family>, Violation> {
        self.tried("a load is answered", || self.store.load(id)).await
    }

    pub(super) async fn advance(&self, guard: &Guard, head: &Head) -> Result<Written, Violation> {
        let step = || self.store.advance(testing::advance(guard.clone(), head.clone()));
        self.tried("an advance is answered", step).await
    }

    pub(super) async fn revoke(
        &self,
        id: FamilyId,
        revocation: &Revocation,
    ) -> Result<Revoked, Violation> {
        let step = || self.store.revoke(testing::revoke(id, revocation.clone()));
        self.tried("a revocation is answered", step).await
    }

    /// Replaces a family as seen by the next, whose version is counted up by the step.
    pub(super) async fn replace(&self, seen: &Family, next: &Family) -> Result<Written, Violation> {
        let step = || self.store.replace(testing::replace(seen, |family| *family = next.clone()));
        self.tried("a replacement is answered", step).await
    }

    pub(super) async fn select(
        &self,
        selector: &Selector,
        page: Page,
    ) -> Result<Selected, Violation> {
        self.tried("a selection is answered", || self.store.select(selector, page)).await
    }

    pub(super) async fn purge(
        &self,
        ended_before: Timestamp,
        limit: usize,
    ) -> Result<usize, Violation> {
        let step = || self.store.purge(testing::purge(ended_before, limit));
        self.tried("a purge is answered", step).await
    }

    pub(super) async fn scan(
        &self,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Scanned, Violation> {
        self.tried("a scan is answered", || self.store.scan(after.cloned(), limit)).await
    }

    async fn tried<T, R: Future<Output = Result<T, StoreError>> + Send>(
        &self,
        promise: &str,
        step: impl Fn() -> R + Send + Sync,
    ) -> Result<T, Violation> {
        let mut attempt = 1;
        loop {
            match step().await {
                Err(error) if error.is_conflict() && attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(Violation::new(self.clause, promise, told(&error))),
                Ok(answer) => return Ok(answer),
            }
        }
    }
}

/// An error with all its sources.
pub(super) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        // A string takes what is written to it.
        let _ = write!(text, ": {error}");
        source = error.source();
    }
    text
}

/// An answer in a few words.
pub(super) fn in_short(written: &Written) -> String {
    match written {
        Written::Committed(committed) => {
            format!("committed: {}", family_in_short(committed.family()))
        }
        Written::Declined(Some(family)) => format!("declined: {}", family_in_short(family)),
        Written::Declined(None) => "declined: no such family".to_owned(),
    }
}

pub(super) fn family_in_short(family: &Family) -> String {
    let status = match &family.status {
        Status::Live => "live".to_owned(),
        Status::Revoked(revocation) => format!("ended: {}", revocation.reason),
    };
    format!(
        "a family at version {}, generation {}, {status}",
        family.version, family.head.generation
    )
}
