//! Stores that wait for a disk or a server, as stores that do not wait.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::Poll;

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, DynStore, Page, Purge, Replace, Revoke, Revoked, Scanned,
    Selected, Selector, Store, StoreError, Written,
};
use heirloom::token::FamilyId;
use tokio::runtime::{Builder, Runtime};

use super::place::Place;

/// Waits for a future, on whatever thread this is; what drives connections runs beside it.
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let start = || Builder::new_multi_thread().worker_threads(2).enable_all().build();
    // Boxed, so that not every future brings a copy of the runtime.
    let future: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(future);
    RUNTIME.get_or_init(|| start().expect("a runtime")).block_on(future)
}

/// Runs what waits at the end of a thread, when its own share of the runtime may be gone already.
#[cfg(any(feature = "postgres", feature = "redis"))]
pub fn at_the_end(work: impl FnOnce() + Send + 'static) {
    let done = std::thread::Builder::new().spawn(work).map(std::thread::JoinHandle::join);
    if !matches!(done, Ok(Ok(()))) {
        eprintln!("a store of a test could not be removed");
    }
}

/// Drives futures at the same time.
async fn all<F: Future>(futures: Vec<F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.into_iter().map(|it| (Box::pin(it), None)).collect();
    poll_fn(|context| {
        for (future, output) in futures.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(value) = future.as_mut().poll(context) {
                *output = Some(value);
            }
        }
        let all_ready = futures.iter().all(|(_, output)| output.is_some());
        if all_ready { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    futures.into_iter().filter_map(|(_, output)| output).collect()
}

/// What a store of a test leaves on a disk or a server.
pub trait Remains: Send + Sync {
    /// Removes all families, past the store.
    fn clear(&self);
}

/// Each call is carried out within one poll.
pub struct Blocking<S, R> {
    pub store: S,
    pub remains: R,
}

impl<S: Store, R: Remains> Place for Blocking<S, R> {
    fn store(&self) -> &dyn DynStore {
        self
    }

    fn clear(&self) {
        self.remains.clear();
    }

    fn families(&self, known: &BTreeSet<FamilyId>) -> Vec<Family> {
        let loads = known.iter().map(|id| self.store.load(*id)).collect();
        let families = wait(all(loads)).into_iter();
        families.filter_map(|family| family.expect("a record that can be read")).collect()
    }
}

impl<S: Store, R: Remains> Store for Blocking<S, R> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        wait(self.store.create(step))
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        wait(self.store.load(id))
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        wait(self.store.advance(step))
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        wait(self.store.revoke(step))
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        wait(self.store.replace(step))
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        wait(self.store.select(selector, page))
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        wait(self.store.purge(step))
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        wait(self.store.scan(after, limit))
    }
}
