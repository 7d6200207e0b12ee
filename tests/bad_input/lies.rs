//! A store as an outsider would write it, that lies when it is told to.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use heirloom::family::Family;
use heirloom::store::{
    Advance, Create, Created, Cursor, Purge, Replace, Revoke, Revoked, Scanned, StoreError, Written,
};
use heirloom::token::FamilyId;
use heirloom::{MemoryStore, Page, Selected, Selector, Store};

type Edit = Arc<dyn Fn(&mut Family) + Send + Sync>;

/// What the store says that is not so.
#[derive(Clone)]
pub enum Lie {
    /// Every family is returned with this change.
    Edited(Edit),
    /// Every write is carried out, and what it returns has this change; reads are honest.
    Committed(Edit),
    /// There is no family, and nothing is written.
    Missing,
    /// Every id is taken.
    Taken,
    /// No condition ever holds, though it does.
    Declined,
    /// A live family had ended before, and nothing is written.
    Before,
    /// It has ended the family, and has not.
    Ended,
    /// Every family matches every selector.
    All,
    /// Every page is the first.
    SamePage,
}

#[derive(Clone)]
pub struct LyingStore {
    memory: Arc<MemoryStore>,
    lie: Arc<Mutex<Option<Lie>>>,
    pages: Arc<AtomicUsize>,
}

impl std::fmt::Debug for LyingStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LyingStore")
    }
}

impl LyingStore {
    pub fn new(memory: Arc<MemoryStore>) -> Self {
        Self { memory, lie: Arc::default(), pages: Arc::default() }
    }

    /// Lies from now on; `None`: tells the truth again.
    pub fn tell(&self, lie: impl Into<Option<Lie>>) {
        *self.lie.lock().unwrap() = lie.into();
    }

    /// Returns every family with a change.
    pub fn edit(&self, change: impl Fn(&mut Family) + Send + Sync + 'static) {
        self.tell(Lie::Edited(Arc::new(change)));
    }

    /// Carries out every write, and returns its family with a change.
    pub fn edit_committed(&self, change: impl Fn(&mut Family) + Send + Sync + 'static) {
        self.tell(Lie::Committed(Arc::new(change)));
    }

    /// How many pages were asked for.
    pub fn pages(&self) -> usize {
        self.pages.load(Ordering::SeqCst)
    }

    fn lie(&self) -> Option<Lie> {
        self.lie.lock().unwrap().clone()
    }

    fn read(&self, mut family: Family) -> Family {
        if let Some(Lie::Edited(edit)) = self.lie() {
            edit(&mut family);
        }
        family
    }

    fn written(&self, mut family: Family) -> Family {
        if let Some(Lie::Edited(edit) | Lie::Committed(edit)) = self.lie() {
            edit(&mut family);
        }
        family
    }
}

impl Store for LyingStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        match self.lie() {
            Some(Lie::Taken) => Ok(step.taken()),
            _ => self.memory.create(step).await,
        }
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        match self.lie() {
            Some(Lie::Missing) => Ok(None),
            _ => Ok(self.memory.load(id).await?.map(|family| self.read(family))),
        }
    }

    /// Under no lock: a liar's tests are single-threaded.
    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let Some(mut family) = self.memory.load(step.family()).await? else {
            return Ok(step.declined(None));
        };
        match self.lie() {
            Some(Lie::Missing) => Ok(step.declined(None)),
            Some(Lie::Declined) => Ok(step.declined(Some(family))),
            _ if !step.apply(&mut family) => {
                let family = self.read(family);
                Ok(step.declined(Some(family)))
            }
            _ => {
                let others = self.memory.snapshot();
                let others = others.into_iter().filter(|other| other.id != family.id);
                self.memory.restore(others.chain([family.clone()]).collect());
                Ok(step.committed(self.written(family)))
            }
        }
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        match (self.lie(), self.memory.load(step.family()).await?) {
            (Some(Lie::Missing), _) | (_, None) => Ok(step.unknown()),
            (Some(Lie::Before | Lie::Ended), Some(family)) => Ok(step.ended(family)),
            (Some(Lie::Edited(_) | Lie::Committed(_)), Some(mut family)) => {
                // Nothing is written, so that what is lost can only be lost by the lie.
                let _ = step.apply(&mut family);
                Ok(step.ended(self.written(family)))
            }
            _ => self.memory.revoke(step).await,
        }
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        match (self.lie(), self.memory.load(step.next().id).await?) {
            (Some(Lie::Missing), _) => Ok(step.declined(None)),
            (Some(Lie::Declined), family) => Ok(step.declined(family)),
            _ => self.memory.replace(step).await,
        }
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let asked = self.pages.fetch_add(1, Ordering::SeqCst);
        let families = match self.lie() {
            Some(Lie::All) => {
                let mut all = self.memory.snapshot();
                all.sort_by_key(|family| family.id);
                all.retain(|family| page.after.is_none_or(|after| family.id > after));
                all.into_iter().map(Ok).collect()
            }
            // Not for ever, so that a test that is not passed ends.
            Some(Lie::SamePage) if asked < 1_000 => {
                let first = Page { after: None, ..page };
                self.memory.select(selector, first).await?
            }
            _ => self.memory.select(selector, page).await?,
        };
        Ok(families.into_iter().map(|family| family.map(|family| self.read(family))).collect())
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        self.memory.purge(step).await
    }

    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let Scanned { families, next } = self.memory.scan(after, limit).await?;
        let families = families.into_iter().map(|family| family.map(|family| self.read(family)));
        Ok(Scanned { families: families.collect(), next })
    }
}
