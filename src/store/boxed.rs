//! A store chosen at run time.

use std::future::Future;
use std::pin::Pin;

use super::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::family::Family;
use crate::token::FamilyId;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// [`Store`] behind a pointer; every store is one. Costs an allocation per call.
///
/// ```
/// # use std::sync::Arc;
/// # use heirloom::{Engine, Key, KeyRing, MemoryStore, Policy};
/// # use heirloom::store::DynStore;
/// let store: Arc<dyn DynStore> = match std::env::var("STORE").as_deref() {
///     // Ok("postgres") => ..,
///     _ => Arc::new(MemoryStore::new()),
/// };
/// # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
/// let engine = Engine::new(store, keys, Policy::default());
/// # Ok::<(), heirloom::key::KeyError>(())
/// ```
pub trait DynStore: Send + Sync {
    /// [`Store::create`].
    fn create_boxed(&self, step: Create) -> Boxed<'_, Created>;

    /// [`Store::load`].
    fn load_boxed(&self, id: FamilyId) -> Boxed<'_, Option<Family>>;

    /// [`Store::advance`].
    fn advance_boxed(&self, step: Advance) -> Boxed<'_, Written>;

    /// [`Store::revoke`].
    fn revoke_boxed(&self, step: Revoke) -> Boxed<'_, Revoked>;

    /// [`Store::replace`].
    fn replace_boxed(&self, step: Replace) -> Boxed<'_, Written>;

    /// [`Store::select`].
    fn select_boxed<'a>(&'a self, selector: &'a Selector, page: Page) -> Boxed<'a, Selected>;

    /// [`Store::purge`].
    fn purge_boxed(&self, step: Purge) -> Boxed<'_, usize>;

    /// [`Store::scan`].
    fn scan_boxed(&self, after: Option<Cursor>, limit: usize) -> Boxed<'_, Scanned>;
}

impl<S: Store> DynStore for S {
    fn create_boxed(&self, step: Create) -> Boxed<'_, Created> {
        Box::pin(self.create(step))
    }

    fn load_boxed(&self, id: FamilyId) -> Boxed<'_, Option<Family>> {
        Box::pin(self.load(id))
    }

    fn advance_boxed(&self, step: Advance) -> Boxed<'_, Written> {
        Box::pin(self.advance(step))
    }

    fn revoke_boxed(&self, step: Revoke) -> Boxed<'_, Revoked> {
        Box::pin(self.revoke(step))
    }

    fn replace_boxed(&self, step: Replace) -> Boxed<'_, Written> {
        Box::pin(self.replace(step))
    }

    fn select_boxed<'a>(&'a self, selector: &'a Selector, page: Page) -> Boxed<'a, Selected> {
        Box::pin(self.select(selector, page))
    }

    fn purge_boxed(&self, step: Purge) -> Boxed<'_, usize> {
        Box::pin(self.purge(step))
    }

    fn scan_boxed(&self, after: Option<Cursor>, limit: usize) -> Boxed<'_, Scanned> {
        Box::pin(self.scan(after, limit))
    }
}

// `+ 'd`: without it the futures of a spawned task are "not general enough".
impl<'d> Store for dyn DynStore + 'd {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.create_boxed(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.load_boxed(id).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        self.advance_boxed(step).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.revoke_boxed(step).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.replace_boxed(step).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        self.select_boxed(selector, page).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.purge_boxed(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.scan_boxed(after, limit).await
    }
}
