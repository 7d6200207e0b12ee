//! A store that breaks its contract: the engine says so, releases nothing, and comes to an end.

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError,
    StoreErrorKind, Written,
};
use heirloom::{
    Engine, Error, FamilyId, Grant, Granted, Key, KeyRing, MemoryStore, Page, Policy, Reason,
    Request, Selected, Selector, Store,
};
use pollster::block_on;

/// What the store lies about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Lie {
    /// Nothing.
    None,
    /// A load returns another family.
    Other,
    /// An advance says that it was declined, and has not been tried.
    Declined,
    /// An advance says that it was committed, and nothing was written.
    Committed,
    /// A revocation says that the family had ended before, and it has not.
    Before,
}

struct LyingStore {
    inner: MemoryStore,
    lie: Lie,
}

impl LyingStore {
    fn any(&self, id: FamilyId) -> Option<Family> {
        self.inner.snapshot().into_iter().find(|family| family.id == id)
    }
}

impl Store for LyingStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        self.inner.create(step).await
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        if self.lie == Lie::Other {
            return Ok(self.inner.snapshot().into_iter().find(|family| family.id != id));
        }
        self.inner.load(id).await
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let stored = self.any(step.family());
        match (self.lie, stored) {
            (Lie::Declined, stored) => Ok(step.declined(stored)),
            (Lie::Committed, Some(stored)) => Ok(step.committed(stored)),
            (Lie::Committed | Lie::None | Lie::Other | Lie::Before, _) => {
                self.inner.advance(step).await
            }
        }
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        match (self.lie, self.any(step.family())) {
            (Lie::Before, Some(stored)) => Ok(step.ended(stored)),
            (Lie::Before | Lie::None | Lie::Other | Lie::Declined | Lie::Committed, _) => {
                self.inner.revoke(step).await
            }
        }
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

/// An engine over such a store, two tokens from before it began to lie, and its families.
fn lying(lie: Lie) -> (Engine<LyingStore>, [Granted; 2], Vec<Family>) {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let honest = LyingStore { inner: MemoryStore::new(), lie: Lie::None };
    let engine = Engine::new(honest, keys.clone(), Policy::default());
    let tokens = [(); 2].map(|()| block_on(engine.issue(Grant::new("alice", "web-app"))).unwrap());
    let families = engine.store().inner.snapshot();
    let inner = MemoryStore::new();
    inner.restore(families.clone());
    (Engine::new(LyingStore { inner, lie }, keys, Policy::default()), tokens, families)
}

/// What a refresh of the first token fails with; nothing may be written.
fn failure(lie: Lie, request: Request<'_>) -> (Error, Granted) {
    let (engine, [token, _], families) = lying(lie);
    let text = token.token.as_ref().unwrap().expose();
    let error = block_on(engine.refresh(text, request)).unwrap_err();
    let mut stored = engine.store().inner.snapshot();
    stored.sort_by_key(|family| families.iter().position(|before| before.id == family.id));
    assert_eq!(stored, families, "{lie:?}");
    (error, token)
}

#[test]
fn a_family_that_was_not_asked_for_is_refused_by_its_id() {
    let narrowed = Request::new("web-app").scope("x");
    let (error, token) = failure(Lie::Other, narrowed);
    let Error::Store(error) = error else { panic!("{error:?}") };
    assert!(matches!(error.kind(), StoreErrorKind::Impossible(impossible)
        if impossible.family == token.family && impossible.field == "id"));
}

#[test]
fn a_store_that_declines_for_ever_is_an_error_in_the_end() {
    let (error, _) = failure(Lie::Declined, Request::new("web-app"));
    assert!(matches!(error, Error::Contended) && error.is_retryable());
}

/// P1: the token's digest is not the current one of the family that the store returns.
#[test]
fn a_commit_that_was_not_written_releases_no_token() {
    let (error, token) = failure(Lie::Committed, Request::new("web-app"));
    assert!(matches!(error, Error::Corrupt { family } if family == token.family));
}

/// P3: a family that is live has not been revoked.
#[test]
fn a_revocation_that_was_not_written_is_not_reported() {
    let (engine, [token, _], _) = lying(Lie::Before);
    let error = block_on(engine.revoke_family(token.family, Reason::Logout)).unwrap_err();
    assert!(matches!(error, Error::Corrupt { family } if family == token.family));
}
