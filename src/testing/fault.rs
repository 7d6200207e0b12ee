//! A store that fails on purpose.

use std::collections::HashMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use parking_lot::Mutex;

use crate::family::{Family, Impossible};
use crate::store::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::token::FamilyId;

/// One method of the [`Store`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Operation {
    /// [`Store::create`].
    Create,
    /// [`Store::load`].
    Load,
    /// [`Store::advance`].
    Advance,
    /// [`Store::revoke`].
    Revoke,
    /// [`Store::replace`].
    Replace,
    /// [`Store::select`].
    Select,
    /// [`Store::purge`].
    Purge,
    /// [`Store::scan`].
    Scan,
}

impl Operation {
    /// Whether it may write.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Load | Self::Select | Self::Scan)
    }
}

/// What goes wrong at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// Nothing is done, and an error is reported.
    Before,
    /// It is done, and an error is reported.
    After,
    /// Nothing is done, and a lost race is reported.
    Conflict,
    /// It is done, and a lost race is reported: the lie of a driver that resends.
    ConflictAfter,
}

/// How often each operation has been called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations(HashMap<Operation, usize>);

impl Operations {
    /// How often this one.
    pub fn count(&self, operation: Operation) -> usize {
        self.0.get(&operation).copied().unwrap_or_default()
    }

    /// All together.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Those that may write.
    pub fn writes(&self) -> usize {
        self.0.iter().filter(|(operation, _)| operation.writes()).map(|(_, count)| count).sum()
    }
}

/// A fault that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("injected {0:?}")]
pub struct Injected(pub Fault);

/// A store that fails when it is told to, counts its calls, and can wait at each. Clones share the store.
///
/// ```
/// # use heirloom::{Engine, Error, Grant, Key, KeyRing, MemoryStore, Policy};
/// # use heirloom::testing::{Fault, FaultStore, Operation};
/// # pollster::block_on(async {
/// # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
/// let store = FaultStore::new(MemoryStore::new());
/// let engine = Engine::new(store.clone(), keys, Policy::default());
/// store.fail(Fault::Before, 1, |operation| operation == Operation::Create);
/// assert!(matches!(engine.issue(Grant::new("alice", "web-app")).await, Err(Error::Store(_))));
/// # Ok::<(), heirloom::key::KeyError>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct FaultStore<S> {
    inner: Arc<S>,
    control: Arc<Mutex<Control>>,
}

#[derive(Debug, Default)]
struct Control {
    calls: Operations,
    faults: Vec<Planned>,
    poisoned: HashMap<FamilyId, Impossible>,
    yields: usize,
}

struct Planned {
    fault: Fault,
    skip: usize,
    times: usize,
    matches: Box<dyn Fn(Operation) -> bool + Send>,
}

impl std::fmt::Debug for Planned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Planned").field(&self.fault).field(&self.times).finish()
    }
}

impl<S> Clone for FaultStore<S> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner), control: Arc::clone(&self.control) }
    }
}

impl<S: Store> FaultStore<S> {
    /// A store that does not fail yet.
    pub fn new(inner: S) -> Self {
        Self { inner: Arc::new(inner), control: Arc::default() }
    }

    /// The store behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    /// Fails at the next so many calls of the operations that match.
    pub fn fail(
        &self,
        fault: Fault,
        times: usize,
        matches: impl Fn(Operation) -> bool + Send + 'static,
    ) {
        let planned = Planned { fault, skip: 0, times, matches: Box::new(matches) };
        if times > 0 {
            self.control.lock().faults.push(planned);
        }
    }

    /// Fails at one call, so many calls from now: 0 is the next.
    pub fn fail_at(&self, fault: Fault, call: usize) {
        let planned = Planned { fault, skip: call, times: 1, matches: Box::new(|_| true) };
        self.control.lock().faults.push(planned);
    }

    /// Forgets the faults that have not happened yet.
    pub fn heal(&self) {
        self.control.lock().faults.clear();
    }

    /// Answers every call about a family with this error, as a store does whose record of it is damaged; `None`:
    /// no longer.
    pub fn poison(&self, family: FamilyId, impossible: Option<Impossible>) {
        let mut control = self.control.lock();
        match impossible {
            Some(impossible) => control.poisoned.insert(family, impossible),
            None => control.poisoned.remove(&family),
        };
    }

    /// Waits so many polls before and after every call: points at which a future can be dropped.
    pub fn wait(&self, polls: usize) {
        self.control.lock().yields = polls;
    }

    /// How often each operation has been called since the last look.
    pub fn take_operations(&self) -> Operations {
        std::mem::take(&mut self.control.lock().calls)
    }

    async fn call<T>(
        &self,
        operation: Operation,
        family: Option<FamilyId>,
        run: impl AsyncFnOnce() -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let (fault, yields) = self.control.lock().plan(operation, family)?;
        pause(yields).await;
        let result = match fault {
            Some(Fault::Before) => Err(StoreError::unavailable(Injected(Fault::Before))),
            Some(Fault::Conflict) => Err(StoreError::conflict(Injected(Fault::Conflict))),
            Some(Fault::After) => {
                run().await.and(Err(StoreError::unavailable(Injected(Fault::After))))
            }
            Some(Fault::ConflictAfter) => {
                run().await.and(Err(StoreError::conflict(Injected(Fault::ConflictAfter))))
            }
            None => run().await,
        };
        pause(yields).await;
        result
    }
}

impl Control {
    fn plan(
        &mut self,
        operation: Operation,
        family: Option<FamilyId>,
    ) -> Result<(Option<Fault>, usize), StoreError> {
        *self.calls.0.entry(operation).or_default() += 1;
        if let Some(impossible) = family.and_then(|id| self.poisoned.get(&id)) {
            return Err(StoreError::from(*impossible));
        }
        let mut due = None;
        for planned in self.faults.iter_mut().filter(|planned| (planned.matches)(operation)) {
            if planned.skip > 0 {
                planned.skip -= 1;
            } else if due.is_none() {
                planned.times = planned.times.saturating_sub(1);
                due = Some(planned.fault);
            }
        }
        self.faults.retain(|planned| planned.times > 0);
        Ok((due, self.yields))
    }

    /// Damages those families of a page that are to be.
    fn poison(&self, families: &mut Selected) {
        for family in families {
            let poison = family.as_ref().ok().and_then(|family| self.poisoned.get(&family.id));
            if let Some(impossible) = poison {
                *family = Err(*impossible);
            }
        }
    }
}

/// Waits so many polls, each of which wakes the task at once.
async fn pause(mut polls: usize) {
    poll_fn(|context| {
        if polls == 0 {
            return Poll::Ready(());
        }
        polls -= 1;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

impl<S: Store> Store for FaultStore<S> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let id = step.family().id;
        self.call(Operation::Create, Some(id), async || self.inner.create(step).await).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.call(Operation::Load, Some(id), async || self.inner.load(id).await).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let id = step.family();
        self.call(Operation::Advance, Some(id), async || self.inner.advance(step).await).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let id = step.family();
        self.call(Operation::Revoke, Some(id), async || self.inner.revoke(step).await).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let id = step.next().id;
        self.call(Operation::Replace, Some(id), async || self.inner.replace(step).await).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let run = async || self.inner.select(selector, page).await;
        let mut selected = self.call(Operation::Select, None, run).await?;
        self.control.lock().poison(&mut selected);
        Ok(selected)
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.call(Operation::Purge, None, async || self.inner.purge(step).await).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let run = async || self.inner.scan(after, limit).await;
        let mut scanned = self.call(Operation::Scan, None, run).await?;
        self.control.lock().poison(&mut scanned.families);
        Ok(scanned)
    }
}
