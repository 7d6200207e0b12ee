//! The guard in SQL and Lua is the guard in Rust, by random families and requests: each store's statement against the
//! function, the same decision and the same family returned (P18). So for the other steps.

mod compare;
mod possible;

use std::sync::Arc;

use heirloom::Store;
use heirloom::conformance::Factory;

use crate::conformance::stores;
use crate::support::wait::wait_beside;

use compare::{Count, advance, purge, replace, revoke};
use possible::{Sampler, Trial};

/// How many presentations each store is asked about.
const CASES: usize = 2_000;
/// How many are under way at once: what a store flushes together is flushed once.
const BATCH: usize = 50;

/// Runs every comparison on one store.
async fn compare<F: Factory>(factory: &F)
where
    F::Store: 'static,
{
    let store = Arc::new(factory.open().await.unwrap());
    let cases = CASES + CASES / 4 + CASES / 2 + CASES / 2;
    let mut sampler = Sampler::new("guard_in_stores", cases);
    let advances = run(&store, &mut sampler, CASES, advance).await;
    // Not one guard holds by chance: so many must, and so many fail at the last comparison.
    assert!(advances.taken > CASES / 10, "only {} of {CASES} advance", advances.taken);
    assert!(advances.refused > CASES / 10, "only {} of {CASES} are declined", advances.refused);
    assert!(sampler.near > CASES / 16, "only {} near misses", sampler.near);

    for (count, step) in [
        (run(&store, &mut sampler, CASES / 4, revoke).await, "revocations"),
        (run(&store, &mut sampler, CASES / 2, replace).await, "replacements"),
    ] {
        assert!(count.taken > CASES / 100 && count.refused > CASES / 100, "{step}: {count:?}");
    }
    let purges = purge(&*store, &mut sampler, CASES / 2).await;
    assert!(purges.taken > CASES / 100 && purges.refused > CASES / 100, "purges: {purges:?}");
}

async fn run<S, R>(
    store: &Arc<S>,
    sampler: &mut Sampler,
    cases: usize,
    compare: impl Fn(Arc<S>, Trial) -> R,
) -> Count
where
    S: Store + 'static,
    R: Future<Output = Count> + Send + 'static,
{
    let mut total = Count::default();
    for _ in 0..cases / BATCH {
        let trials: Vec<_> =
            (0..BATCH).map(|_| tokio::spawn(compare(Arc::clone(store), sampler.next()))).collect();
        for trial in trials {
            total.add(trial.await.unwrap());
        }
    }
    total
}

#[test]
fn the_guard_in_memory_is_the_guard() {
    wait_beside(compare(&stores::Memory::default()));
}

#[cfg(feature = "sqlite")]
#[test]
fn the_guard_in_sqlite_is_the_guard() {
    wait_beside(compare(&stores::Sqlite::new()));
}

#[cfg(feature = "postgres")]
#[test]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
fn the_guard_in_postgres_is_the_guard() {
    wait_beside(async {
        for isolation in ["read committed", "serializable"] {
            let postgres = stores::Postgres::new(isolation).await.unwrap();
            compare(&postgres).await;
            postgres.remove().await.unwrap();
        }
        let postgres = stores::Postgres::new("repeatable read").await.unwrap();
        let postgres = postgres.without_prepared_statements();
        compare(&postgres).await;
        postgres.remove().await.unwrap();
    });
}

#[cfg(feature = "redis")]
#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn the_guard_in_redis_is_the_guard() {
    wait_beside(compare(&stores::Redis::standalone()));
}

#[cfg(feature = "redis")]
#[test]
#[ignore = "needs Redis Cluster: bash scripts/test.sh"]
fn the_guard_in_a_redis_cluster_is_the_guard() {
    wait_beside(compare(&stores::Redis::cluster()));
}
