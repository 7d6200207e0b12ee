//! Where families are kept during a test. A thread keeps its places until it ends and uses them again: there are
//! thousands of tests to a place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env::{self, VarError};

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

thread_local! {
    static IDLE: RefCell<Vec<Box<dyn Place>>> = const { RefCell::new(Vec::new()) };
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
    let place = match IDLE.with(|idle| idle.borrow_mut().pop()) {
        Some(place) => place,
        None => open(store)?,
    };
    Ok(Box::new(Taken(Some(place))))
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
struct Taken(Option<Box<dyn Place>>);

impl Taken {
    fn place(&self) -> &dyn Place {
        self.0.as_deref().expect("not dropped")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What outlives the other variables of its thread is not used again.
        let _ = IDLE.try_with(|idle| idle.borrow_mut().extend(self.0.take()));
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
