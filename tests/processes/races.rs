//! Four processes over each store.

use std::time::Duration;

use libtest_mimic::Trial;

use super::removed::Removed;
use crate::fleet::load::Load;
use crate::fleet::place::{Place, wait};
use crate::fleet::random::{below, name};
use crate::fleet::session::Mix;
use crate::fleet::trials::{needing, trial};

const SERVERS: usize = 4;
const CALLS: usize = 30_000;

/// A hot move is a call at each server: about a tenth of all calls are on twenty families.
const MIX: Mix = Mix {
    sessions: 10_000,
    hot: 20,
    hot_in: 30,
    calls: 64,
    tabs_in: 8,
    retry_in: 20,
    revoke_in: 30,
    logout_in: 200,
    theft_in: 30,
};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("four_processes_race_over_sqlite", || {
            let folder = tempfile::tempdir().expect("a folder");
            race("sqlite", Place::Sqlite(folder.path().join("families.db")));
        }),
        needing("PostgreSQL", "four_processes_race_over_postgresql", || {
            race("postgres", Place::Postgres(server("HEIRLOOM_POSTGRES"), name()));
        }),
        needing("Redis", "four_processes_race_over_redis", || {
            race("redis", Place::Redis(server("HEIRLOOM_REDIS"), name()));
        }),
        needing("Redis Cluster", "four_processes_race_over_redis_cluster", || {
            let nodes = server("HEIRLOOM_REDIS_CLUSTER");
            race("redis-cluster", Place::RedisCluster(nodes, name()));
        }),
    ]
}

fn server(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|error| panic!("{variable}: {error}: bash scripts/test.sh sets it"))
}

fn race(store: &str, place: Place) {
    wait(place.prepare()).expect("a server");
    let _removed = Removed(place.clone());
    let mut load = Load::start(place, SERVERS, MIX);
    load.sign_in();
    let (signed_in, began) = (load.now(), load.history.totals.calls);
    load.run(|totals, _| totals.calls < began + CALLS / 2);
    let killed = below(SERVERS);
    load.kill(killed);
    load.pause();
    load.check();
    load.run(|totals, _| totals.calls < began + CALLS / 2 + CALLS / 10);
    load.restart(killed);
    load.run(|totals, _| totals.calls < began + CALLS);
    load.settle();
    let took = load.now() - signed_in;
    load.check();
    report(store, &load, signed_in, took);
}

fn report(store: &str, load: &Load, signed_in: Duration, took: Duration) {
    let totals = load.history.totals;
    assert_eq!(load.history.uncured(), 0, "{totals:?}");
    assert_eq!(load.history.ended_twice(), Vec::new(), "a family is ended once");
    // Each kind of thing has happened, and often.
    let kinds = [totals.rotated, totals.replayed, totals.revoked, totals.refused, totals.breaches];
    assert!(kinds.into_iter().all(|count| count >= 50), "{totals:?}");
    let thieves = load.history.families.values().filter(|facts| facts.stolen).count();
    assert!(totals.breaches <= thieves, "{} breaches, {thieves} thieves", totals.breaches);
    println!("{store}: {SERVERS} processes, sign-in {signed_in:.1?}, load {took:.1?}, {totals:?}");
}
