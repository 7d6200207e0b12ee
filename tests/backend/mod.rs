//! The store under test, which `HEIRLOOM_STORE` chooses: `memory` (if it is not set), `sqlite`, `postgres`, `redis`
//! or `redis-cluster`. A server is found by `HEIRLOOM_POSTGRES`, `HEIRLOOM_REDIS` and `HEIRLOOM_REDIS_CLUSTER`, which
//! `scripts/test.sh` sets.
//!
//! A store that cannot be reached is an error, and so is one whose cargo feature is off: nothing passes by not running.

#[cfg(any(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod blocking;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
pub mod connect;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use heirloom::MemoryStore;
use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use heirloom::testing::create;
use heirloom::token::FamilyId;

use self::place::Place;

/// A store that is fresh and empty when it is opened, and gone when no thread is left that has used it. Each of its futures is ready
/// at the first poll, whatever the store waits for: so a test that polls by hand decides alone what meets what.
pub struct Backend {
    place: Box<dyn Place>,
    /// Every id that a family was ever to be created with.
    known: Mutex<BTreeSet<FamilyId>>,
}

impl Backend {
    /// # Errors
    ///
    /// When there is no such store, its feature is off, or its server cannot be reached.
    pub fn open() -> Result<Self, String> {
        let backend = match place::chosen()?.as_str() {
            "memory" => Self::in_memory(),
            store => Self { place: place::take(store)?, known: Mutex::default() },
        };
        backend.restore(Vec::new());
        assert!(backend.is_empty(), "families of before");
        Ok(backend)
    }

    /// The store in memory, whichever is under test.
    pub fn in_memory() -> Self {
        Self { place: Box::new(MemoryStore::new()), known: Mutex::default() }
    }

    /// Everything that is stored, past whatever the engine sees.
    pub fn snapshot(&self) -> Vec<Family> {
        self.place.families(&self.known())
    }

    /// Puts families in place of all that are stored: a restored backup, or a failover that lost writes.
    pub fn restore(&self, families: Vec<Family>) {
        self.place.clear();
        *self.known() = families.iter().map(|family| family.id).collect();
        for family in families {
            let created = pollster::block_on(self.place.store().create(create(family)));
            assert!(matches!(created, Ok(Created::New(_))), "not restored: {created:?}");
        }
    }

    /// How many families are stored.
    pub fn len(&self) -> usize {
        self.snapshot().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn known(&self) -> MutexGuard<'_, BTreeSet<FamilyId>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for Backend {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.known().insert(step.family().id);
        self.place.store().create(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.place.store().load(id).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        self.place.store().advance(step).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.place.store().revoke(step).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.place.store().replace(step).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        self.place.store().select(selector, page).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.place.store().purge(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.place.store().scan(after, limit).await
    }
}
