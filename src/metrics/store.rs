//! A store, measured.

use std::future::Future;

use ::metrics::{counter, histogram};

use super::name;
use crate::family::Family;
use crate::store::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, StoreErrorKind, Written,
};
use crate::time::Stopwatch;
use crate::token::FamilyId;

/// A store that measures another one, and changes nothing of what it does; see the [table](super#names).
///
/// Around any store, a [`DynStore`](crate::store::DynStore) as well.
#[derive(Clone, Debug)]
pub struct MeteredStore<S> {
    inner: S,
}

impl<S> MeteredStore<S> {
    /// Measures a store.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }

    /// The store behind it.
    pub fn inner(&self) -> &S {
        &self.inner
    }
}

impl<S: Store> Store for MeteredStore<S> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let declined = |created: &Created| matches!(created, Created::Taken);
        measure("create", declined, self.inner.create(step)).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        measure("load", never, self.inner.load(id)).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        measure("advance", declined, self.inner.advance(step)).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        measure("revoke", never, self.inner.revoke(step)).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let written = measure("replace", declined, self.inner.replace(step)).await;
        // A condition that does not hold is how an advance finds out; of a replacement it is a lost race.
        if written.as_ref().is_ok_and(declined) {
            conflict("replace");
        }
        written
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        measure("select", never, self.inner.select(selector, page)).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        measure("purge", never, self.inner.purge(step)).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        measure("scan", never, self.inner.scan(after, limit)).await
    }
}

fn never<T>(_: &T) -> bool {
    false
}

fn declined(written: &Written) -> bool {
    matches!(written, Written::Declined(_))
}

fn conflict(operation: &'static str) {
    counter!(name::CONFLICTS, "operation" => operation).increment(1);
}

async fn measure<T>(
    operation: &'static str,
    declined: impl FnOnce(&T) -> bool,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let mut measured = Measured { operation, result: "dropped", stopwatch: Stopwatch::start() };
    let answer = call.await;
    measured.result = match &answer {
        Ok(answer) if declined(answer) => "declined",
        Ok(_) => "ok",
        Err(error) => failure(error.kind()),
    };
    if answer.as_ref().is_err_and(StoreError::is_conflict) {
        conflict(operation);
    }
    answer
}

fn failure(kind: StoreErrorKind) -> &'static str {
    match kind {
        StoreErrorKind::Unavailable => "unavailable",
        StoreErrorKind::Conflict => "conflict",
        StoreErrorKind::Unusable => "unusable",
        StoreErrorKind::Impossible(_) => "impossible",
    }
}

/// Recorded on drop: a store that stalls is seen by the calls that are given up.
struct Measured {
    operation: &'static str,
    result: &'static str,
    stopwatch: Stopwatch,
}

impl Drop for Measured {
    fn drop(&mut self) {
        let (operation, result) = (self.operation, self.result);
        histogram!(name::STORE, "operation" => operation, "result" => result)
            .record(self.stopwatch.elapsed());
    }
}
