//! A store that gives way once before every call: each call is one step of a schedule, and can be dropped before it.

use std::future::poll_fn;
use std::task::Poll;

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use heirloom::token::FamilyId;

pub struct Turns<S>(pub S);

async fn turn() {
    let mut waited = false;
    poll_fn(|context| match std::mem::replace(&mut waited, true) {
        true => Poll::Ready(()),
        false => {
            context.waker().wake_by_ref();
            Poll::Pending
        }
    })
    .await;
}

impl<S: Store> Store for Turns<S> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        turn().await;
        self.0.create(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        turn().await;
        self.0.load(id).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        turn().await;
        self.0.advance(step).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        turn().await;
        self.0.revoke(step).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        turn().await;
        self.0.replace(step).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        turn().await;
        self.0.select(selector, page).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        turn().await;
        self.0.purge(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        turn().await;
        self.0.scan(after, limit).await
    }
}
