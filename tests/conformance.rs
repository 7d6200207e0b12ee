//! The conformance kit on every store of this crate, on every way to wrap one, and on stores that lie: each lie is
//! caught by the clause that it breaks.

mod lies;
mod lie;
mod liar;
mod guards;
mod plain;
pub mod stores;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use heirloom::FamilyId;
use heirloom::MemoryStore;
use heirloom::conformance::{self, Clause, Factory, Failure};
use heirloom::store::DynStore;
use heirloom::testing::FaultStore;
use pollster::block_on;

use crate::support::wait::wait_beside;
use stores::Memory;

#[test]
fn the_store_in_memory_keeps_the_contract() {
    block_on(conformance::all(&Memory::default())).unwrap();
}

/// What the clauses leave behind does not disturb them.
#[test]
fn the_clauses_may_be_run_again_on_the_same_families() {
    let memory = Memory::default();
    for _ in 0..2 {
        for clause in Clause::ALL {
            block_on(conformance::run(clause, &memory)).unwrap();
        }
    }
}

/// Chosen at run time, behind a pointer.
struct Boxed(Memory);

impl Factory for Boxed {
    type Store = Box<dyn DynStore>;

    async fn open(&self) -> Result<Self::Store, Failure> {
        Ok(Box::new(self.0.open().await?))
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        self.0.damage(id);
        Ok(())
    }

    fn on_any_thread(&self) -> bool {
        true
    }
}

#[test]
fn a_store_chosen_at_run_time_keeps_the_contract() {
    block_on(conformance::all(&Boxed(Memory::default()))).unwrap();
}

/// With so many points before and after every call at which another can come between.
struct Waiting(Memory, usize);

impl Factory for Waiting {
    type Store = FaultStore<Arc<MemoryStore>>;

    async fn open(&self) -> Result<Self::Store, Failure> {
        let store = FaultStore::new(self.0.open().await?);
        store.wait(self.1);
        Ok(store)
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        self.0.damage(id);
        Ok(())
    }

    fn on_any_thread(&self) -> bool {
        true
    }
}

/// That cannot be opened from the so many-th time on.
struct Shut(Memory, AtomicUsize);

impl Factory for Shut {
    type Store = Arc<MemoryStore>;

    async fn open(&self) -> Result<Self::Store, Failure> {
        let left = self.1.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
        left.map_err(|_| "the door is shut")?;
        self.0.open().await
    }

    async fn damage(&self, id: FamilyId) -> Result<(), Failure> {
        self.0.damage(id);
        Ok(())
    }
}

#[test]
fn a_store_that_cannot_be_opened_is_reported_once() {
    for (opens, clause) in [(0, "S1 create"), (2, "S1 create"), (3, "S2 load")] {
        let shut = Shut(Memory::default(), AtomicUsize::new(opens));
        let violations = block_on(conformance::all(&shut)).unwrap_err();
        let line = format!(
            "1 of 10 clauses are broken\n\
             {clause}: promised: the factory opens the store; seen: the door is shut\n\
             clauses after it were not run"
        );
        assert_eq!(violations.to_string(), line);
    }
}

#[test]
fn a_store_that_waits_keeps_the_contract() {
    for polls in 0..4 {
        block_on(conformance::all(&Waiting(Memory::default(), polls))).unwrap();
    }
}

/// On any executor: the futures of the kit can be sent.
#[test]
fn the_kit_runs_as_a_task_of_a_runtime() {
    let memory = Arc::new(Memory::default());
    let run = async move { tokio::spawn(async move { conformance::all(&*memory).await }).await };
    wait_beside(run).unwrap().unwrap();
}

#[cfg(feature = "sqlite")]
#[test]
fn sqlite_keeps_the_contract() {
    block_on(conformance::all(&stores::Sqlite::new())).unwrap();
}

#[cfg(feature = "postgres")]
fn postgres(isolation: &str, prepared: bool) {
    wait_beside(async {
        let mut postgres = stores::Postgres::new(isolation).await.unwrap();
        if !prepared {
            postgres = postgres.without_prepared_statements();
        }
        let result = conformance::all(&postgres).await;
        postgres.remove().await.unwrap();
        result.unwrap();
    });
}

#[cfg(feature = "postgres")]
#[test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
fn postgres_keeps_the_contract_at_read_committed() {
    postgres("read committed", true);
}

#[cfg(feature = "postgres")]
#[test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
fn postgres_keeps_the_contract_at_repeatable_read() {
    postgres("repeatable read", true);
}

#[cfg(feature = "postgres")]
#[test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
fn postgres_keeps_the_contract_at_serializable() {
    postgres("serializable", true);
}

#[cfg(feature = "postgres")]
#[test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
fn postgres_keeps_the_contract_without_prepared_statements() {
    postgres("read committed", false);
}

#[cfg(feature = "redis")]
#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn redis_keeps_the_contract() {
    wait_beside(conformance::all(&stores::Redis::standalone())).unwrap();
}

#[cfg(feature = "redis")]
#[test]
#[ignore = "needs Redis Cluster: bash scripts/test.sh"]
fn redis_cluster_keeps_the_contract() {
    wait_beside(conformance::all(&stores::Redis::cluster())).unwrap();
}
