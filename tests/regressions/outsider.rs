//! A store as an outsider would write it around ours: something may happen ahead of each call, and its rotation may run
//! under a condition of its own.

use std::sync::{Arc, Mutex};

use heirloom::family::Family;
use heirloom::guard::Guard;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::testing::{FaultStore, ManualClock, Operation, SeededEntropy};
use heirloom::{Engine, FamilyId, KeyRing, MemoryStore, Page, Policy, Selected, Selector, Store};

use crate::support::{START, key};

/// One engine over such a store.
pub type Outer = Engine<Arc<Outsider>, ManualClock, SeededEntropy>;

type Hook = Box<dyn FnMut(Operation) + Send>;
type Condition = fn(&Guard, &Family) -> bool;

pub struct Outsider {
    inner: FaultStore<MemoryStore>,
    condition: Option<Condition>,
    hook: Mutex<Option<Hook>>,
    shown: Mutex<Option<Family>>,
}

impl Outsider {
    pub fn new() -> Arc<Self> {
        Arc::new(Self::over(None))
    }

    /// Rotates whenever this holds, whatever the guard says.
    pub fn sloppy(condition: Condition) -> Arc<Self> {
        Arc::new(Self::over(Some(condition)))
    }

    fn over(condition: Option<Condition>) -> Self {
        let inner = FaultStore::new(MemoryStore::new());
        Self { inner, condition, hook: Mutex::new(None), shown: Mutex::new(None) }
    }

    /// Runs ahead of every call from now on; calls that it makes itself run without it.
    pub fn ahead(&self, hook: impl FnMut(Operation) + Send + 'static) {
        *self.hook.lock().unwrap() = Some(Box::new(hook));
    }

    /// Selects this in place of the family that is stored under its id.
    pub fn shows(&self, family: Family) {
        *self.shown.lock().unwrap() = Some(family);
    }

    /// The store behind it.
    pub fn inner(&self) -> &FaultStore<MemoryStore> {
        &self.inner
    }

    pub fn stored(&self, id: FamilyId) -> Family {
        pollster::block_on(self.inner().inner().load(id)).unwrap().expect("stored")
    }

    fn meet(&self, operation: Operation) -> &FaultStore<MemoryStore> {
        let taken = self.hook.lock().unwrap().take();
        if let Some(mut hook) = taken {
            hook(operation);
            self.hook.lock().unwrap().get_or_insert(hook);
        }
        self.inner()
    }
}

/// Engines over one store; seeds differ, so that no two draw the same.
pub fn engine(store: &Arc<Outsider>, clock: &ManualClock, policy: Policy, seed: u64) -> Outer {
    Engine::new(Arc::clone(store), KeyRing::new(key(1)), policy)
        .with_clock(clock.clone())
        .with_entropy(SeededEntropy::new(seed))
}

/// The first engine over a store, with its clock.
pub fn first(store: &Arc<Outsider>) -> (Outer, ManualClock) {
    let clock = ManualClock::at(START);
    (engine(store, &clock, Policy::default(), 1), clock)
}

impl Store for Outsider {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.meet(Operation::Create).create(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.meet(Operation::Load).load(id).await
    }

    /// Under no lock where it is sloppy: its tests run one call at a time.
    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let inner = self.meet(Operation::Advance);
        let Some(condition) = self.condition else {
            return inner.advance(step).await;
        };
        let mut family = self.stored(step.family());
        if !condition(step.guard(), &family) {
            return Ok(step.declined(Some(family)));
        }
        family.head = step.head().clone();
        family.version += 1;
        let mut all = inner.inner().snapshot();
        all.retain(|other| other.id != family.id);
        all.push(family.clone());
        inner.inner().restore(all);
        Ok(step.committed(family))
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.meet(Operation::Revoke).revoke(step).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.meet(Operation::Replace).replace(step).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let mut selected = self.meet(Operation::Select).select(selector, page).await?;
        if let Some(shown) = &*self.shown.lock().unwrap() {
            let same = |family: &&mut Family| family.id == shown.id;
            selected.iter_mut().flatten().filter(same).for_each(|it| *it = shown.clone());
        }
        Ok(selected)
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.meet(Operation::Purge).purge(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.meet(Operation::Scan).scan(after, limit).await
    }
}
