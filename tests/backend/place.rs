//! Where families are kept during a test. A place is used again by whichever test asks next, and is gone when no thread is left
//! that has used one: there are thousands of tests to a place, and to make one on a server takes longer than most of them.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env::{self, VarError};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use heirloom::MemoryStore;
use heirloom::family::Family;
use heirloom::store::DynStore;
use heirloom::token::FamilyId;

/// A store, and what tests do to it behind its back. What it has made on disk or on a server ends with it.
pub trait Place: Send + Sync {
    fn store(&self) -> &dyn DynStore;

    /// Removes all families, past the store.
    fn clear(&self);

    /// The families that are stored, of those that there can be.
    fn families(&self, known: &BTreeSet<FamilyId>) -> Vec<Family>;
}

const STORES: [&str; 5] = ["memory", "sqlite", "postgres", "redis", "redis-cluster"];

/// Places that nobody uses.
#[derive(Default)]
struct Idle(Mutex<Vec<Box<dyn Place>>>);

static IDLE: Mutex<Weak<Idle>> = Mutex::new(Weak::new());

thread_local! {
    /// Between two tests of a thread, nobody else may hold them.
    static HELD: RefCell<Option<Arc<Idle>>> = const { RefCell::new(None) };
}

impl Idle {
    fn shared() -> Arc<Self> {
        let mut shared = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
        let idle = shared.upgrade().unwrap_or_default();
        *shared = Arc::downgrade(&idle);
        HELD.with(|held| held.replace(Some(idle.clone())));
        idle
    }

    fn take(&self) -> Option<Box<dyn Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    fn give(&self, place: Option<Box<dyn Place>>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(place);
    }
}

/// The name of the store under test.
pub fn chosen() -> Result<String, String> {
    match env::var("HEIRLOOM_STORE") {
        Ok(store) => Ok(store),
        Err(VarError::NotPresent) => Ok("memory".to_owned()),
        Err(error) => Err(format!("HEIRLOOM_STORE: {error}")),
    }
}

/// A place that nobody uses; whoever did has left families there.
pub fn take(store: &str) -> Result<Box<dyn Place>, String> {
    let idle = Idle::shared();
    let place = match idle.take() {
        Some(place) => place,
        None => open(store)?,
    };
    Ok(Box::new(Taken { place: Some(place), idle }))
}

fn open(store: &str) -> Result<Box<dyn Place>, String> {
    match store {
        #[cfg(feature = "sqlite")]
        "sqlite" => super::sqlite::open(),
        #[cfg(feature = "postgres")]
        "postgres" => super::postgres::open(&server("HEIRLOOM_POSTGRES")?),
        #[cfg(feature = "redis")]
        "redis" => super::redis::open(&server("HEIRLOOM_REDIS")?),
        #[cfg(feature = "redis")]
        "redis-cluster" => super::redis::open_cluster(&server("HEIRLOOM_REDIS_CLUSTER")?),
        known if STORES.contains(&known) => {
            Err(format!("HEIRLOOM_STORE: `{store}` needs its cargo feature, or --all-features"))
        }
        other => Err(format!("HEIRLOOM_STORE: no store `{other}`; there is {STORES:?}")),
    }
}

#[cfg(any(feature = "postgres", feature = "redis"))]
fn server(variable: &str) -> Result<String, String> {
    env::var(variable).map_err(|error| format!("{variable}: {error}: bash scripts/test.sh sets it"))
}

/// Given back when it is dropped.
struct Taken {
    place: Option<Box<dyn Place>>,
    idle: Arc<Idle>,
}

impl Taken {
    fn place(&self) -> &dyn Place {
        self.place.as_deref().expect("not dropped")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        self.idle.give(self.place.take());
    }
}

impl Place for Taken {
    fn store(&self) -> &dyn DynStore {
        self.place().store()
    }

    fn clear(&self) {
        self.place().clear();
    }

    fn families(&self, known: &BTreeSet<FamilyId>) -> Vec<Family> {
        self.place().families(known)
    }
}

impl Place for MemoryStore {
    fn store(&self) -> &dyn DynStore {
        self
    }

    fn clear(&self) {
        self.restore(Vec::new());
    }

    fn families(&self, _: &BTreeSet<FamilyId>) -> Vec<Family> {
        self.snapshot()
    }
}
