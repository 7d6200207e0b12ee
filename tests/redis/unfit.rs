//! Servers that would lose families are refused, by name and reason.

use std::error::Error;

use heirloom::store::StoreError;
use heirloom::store::redis::{RedisSettings, RedisStore, RedisUnfit};
use redis::cmd;

use crate::redis::server::Server;
use crate::redis::world::{Connection, World, on_both, wait};

fn unfit(error: &StoreError) -> &RedisUnfit {
    error.source().unwrap().downcast_ref().unwrap_or_else(|| panic!("{error:?}"))
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn every_policy_that_may_drop_families_is_refused() {
    let server = Server::start();
    wait(async {
        let connection = server.connect().await;
        let store = RedisStore::open(connection.clone()).await.unwrap();
        for policy in [
            "allkeys-lru",
            "allkeys-lfu",
            "allkeys-random",
            "volatile-lru",
            "volatile-lfu",
            "volatile-random",
            "volatile-ttl",
        ] {
            let _: () = server.ask(&format!("CONFIG SET maxmemory-policy {policy}")).await;
            let error = RedisStore::open(connection.clone()).await.unwrap_err();
            let node = "the server".to_owned();
            let expected = RedisUnfit::Eviction { node, policy: policy.to_owned() };
            assert_eq!(unfit(&error), &expected);
            assert!(!error.is_retryable(), "an operator must act");
            // Reconfigured while it is in use: who checks again learns it.
            assert_eq!(unfit(&store.check().await.unwrap_err()), &expected);
        }
        let _: () = server.ask("CONFIG SET maxmemory-policy noeviction").await;
        store.check().await.unwrap();
    });
}

#[test]
#[ignore = "needs Redis Cluster: bash scripts/test.sh"]
fn one_master_of_a_cluster_is_enough() {
    async fn set<C>(world: &World<C>, policy: &str) {
        let mut node = world.nodes[0].clone();
        let mut set = cmd("CONFIG");
        set.arg("SET").arg("maxmemory-policy").arg(policy);
        set.query_async::<()>(&mut node).await.unwrap();
    }

    async fn story<C: Connection>(mut world: World<C>) {
        for mut node in world.nodes.clone() {
            let info: String = cmd("INFO").arg("replication").query_async(&mut node).await.unwrap();
            if info.contains("role:master") {
                world.nodes = vec![node];
            }
        }
        set(&world, "volatile-ttl").await;
        let opened = RedisStore::open(world.connection.clone()).await;
        set(&world, "noeviction").await;
        let error = opened.unwrap_err();
        let RedisUnfit::Eviction { node, policy } = unfit(&error) else { panic!("{error:?}") };
        assert!(node.contains("127.0.0.1:") && policy == "volatile-ttl", "{node} {policy}");
    }

    crate::redis::alone::cluster(story);
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_replica_is_refused() {
    let server = Server::start();
    wait(async {
        let _: () = server.ask("REPLICAOF 127.0.0.1 1").await;
        let error = RedisStore::open(server.connect().await).await.unwrap_err();
        let RedisUnfit::Replica { role, .. } = unfit(&error) else { panic!("{error:?}") };
        assert_eq!(role, "slave");
    });
}

on_both! {
    async fn another_format_is_refused(world) {
        let key = format!("{}:format", world.prefix);
        let settings = || RedisSettings::default().prefix(&world.prefix);
        for found in ["3", "10", "0", "x", "", "1 "] {
            let _: () = world.ask(cmd("SET").arg(&key).arg(found)).await;
            let error = RedisStore::open_with(world.connection.clone(), settings()).await.unwrap_err();
            let expected = RedisUnfit::Format { found: found.to_owned(), known: "2" };
            assert_eq!(unfit(&error), &expected);
            let left: String = world.ask(cmd("GET").arg(&key)).await;
            assert_eq!(left, found);
        }
        let _: () = world.ask(cmd("SET").arg(&key).arg("2")).await;
        RedisStore::open_with(world.connection.clone(), settings()).await.unwrap();
    }

    async fn a_prefix_that_could_move_the_hash_tag_is_refused(world) {
        for prefix in ["", "{", "a{b}", "a b", "a*", "\u{e5}", "a\n"] {
            let settings = RedisSettings::default().prefix(prefix);
            let error = RedisStore::open_with(world.connection.clone(), settings).await.unwrap_err();
            assert_eq!(unfit(&error), &RedisUnfit::Prefix(prefix.to_owned()));
        }
    }
}
