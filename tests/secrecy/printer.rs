//! Prints everything: a store that prints each step before it is taken and each answer, and an observer.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::sync::{Arc, Mutex};

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::testing::FaultStore;
use heirloom::{Event, FamilyId, MemoryStore, Observer, Page, Selected, Selector, Store};

/// What has been printed so far, each rendering once. Clones share it.
#[derive(Clone, Default)]
pub struct Printer(Arc<Mutex<BTreeSet<String>>>);

impl Printer {
    pub fn debug(&self, value: &impl Debug) {
        self.0.lock().unwrap().extend([format!("{value:?}"), format!("{value:#?}")]);
    }

    pub fn both(&self, value: &(impl Debug + Display)) {
        self.debug(value);
        self.0.lock().unwrap().extend([format!("{value}"), format!("{value:#}")]);
    }

    /// An error and all that it names as its source.
    pub fn error(&self, error: &dyn Error) {
        let mut next = Some(error);
        while let Some(error) = next {
            self.both(&error);
            next = error.source();
        }
    }

    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().collect()
    }
}

impl Observer for Printer {
    fn observe(&self, event: &Event) {
        self.debug(event);
    }
}

/// A store that prints what passes through it.
#[derive(Clone)]
pub struct PrintingStore {
    pub inner: FaultStore<MemoryStore>,
    pub printer: Printer,
}

impl PrintingStore {
    fn answer<T: Debug>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        self.printer.debug(&answer);
        answer.inspect_err(|error| self.printer.error(error))
    }
}

impl Store for PrintingStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.printer.debug(&step);
        self.answer(self.inner.create(step).await)
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.answer(self.inner.load(id).await)
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        self.printer.debug(&step);
        self.answer(self.inner.advance(step).await)
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.printer.debug(&step);
        self.answer(self.inner.revoke(step).await)
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.printer.debug(&step);
        self.answer(self.inner.replace(step).await)
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        self.answer(self.inner.select(selector, page).await)
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.printer.debug(&step);
        self.answer(self.inner.purge(step).await)
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.answer(self.inner.scan(after, limit).await)
    }
}
