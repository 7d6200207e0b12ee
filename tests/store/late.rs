//! A driver that gives up on a write, reports a conflict, and whose write arrives after all, just before the next (P15).

use std::sync::Mutex;

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::{
    Engine, FamilyId, Grant, How, Key, KeyRing, MemoryStore, Outcome, Page, Policy, Request,
    Selected, Selector, Store,
};
use pollster::block_on;

/// Keeps back every first write of a rotation until the second comes.
#[derive(Default)]
struct LateStore {
    inner: MemoryStore,
    under_way: Mutex<Option<Advance>>,
}

impl Store for LateStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.inner.create(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        self.inner.load(id).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let late = self.under_way.lock().unwrap().take();
        let Some(late) = late else {
            *self.under_way.lock().unwrap() = Some(step);
            return Err(StoreError::conflict("timed out"));
        };
        assert!(matches!(self.inner.advance(late).await, Ok(Written::Committed(_))));
        self.inner.advance(step).await
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        self.inner.revoke(step).await
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        self.inner.replace(step).await
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        self.inner.select(selector, page).await
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.inner.purge(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.inner.scan(after, limit).await
    }
}

/// All attempts of one call mint one successor: so the late write is this call's own, and without a leeway too no
/// breach of the family by its only client.
#[test]
fn a_write_that_arrives_late_is_the_success_of_the_call_that_made_it() {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let strict = Policy::builder().leeway(None).build().unwrap();
    let engine = Engine::new(LateStore::default(), keys, strict);
    let issued = block_on(engine.issue(Grant::new("alice", "web-app").scope("read"))).unwrap();
    let mut token = issued.token.unwrap().into_exposed();
    for request in [Request::new("web-app"), Request::new("web-app").scope("read")] {
        match block_on(engine.refresh(&token, request)).unwrap() {
            Outcome::Granted(granted) => {
                assert_eq!(granted.how, How::Rotated);
                token = granted.token.unwrap().into_exposed();
            }
            Outcome::Refused(why) => panic!("{why}"),
        }
    }
}
