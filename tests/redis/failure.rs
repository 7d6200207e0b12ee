//! Servers that fail: a clear error with its source, and nothing half-written.

use std::error::Error;
use std::time::Duration;

use heirloom::store::redis::RedisStore;
use heirloom::store::{Revoked, Store, StoreError, StoreErrorKind, Written};
use heirloom::testing::{create, purge, replace};
use heirloom::{Selector, Timestamp};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, cmd};

use crate::backend::connect::PATIENCE;
use crate::redis::alone::alone;
use crate::redis::sample::{DAY, at, end, full, issued, page, rotation};
use crate::redis::server::Server;
use crate::redis::world::{Connection, World, wait};

/// What each kind of call says.
async fn all_calls(
    store: &RedisStore<MultiplexedConnection>,
) -> [(&'static str, Option<StoreError>); 8] {
    let family = full();
    [
        ("create", store.create(create(issued(9, at(0), None))).await.err()),
        ("load", store.load(family.id).await.err()),
        ("advance", store.advance(rotation(&family, at(7_000), None)).await.err()),
        ("replace", store.replace(replace(&family, |_| {})).await.err()),
        ("revoke", store.revoke(end(family.id, at(7_000))).await.err()),
        ("select", store.select(&Selector::client("web"), page(None, 1)).await.err()),
        ("scan", store.scan(None, 1).await.err()),
        ("purge", store.purge(purge(Timestamp::MAX, 10)).await.err()),
    ]
}

/// Every call is refused, reads too, with the server's own words.
async fn assert_unavailable(store: &RedisStore<MultiplexedConnection>, words: &str) {
    for (call, error) in all_calls(store).await {
        let error = error.unwrap_or_else(|| panic!("{call} was carried out"));
        assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{call}");
        let source = error.source().unwrap_or_else(|| panic!("{call}: no source")).to_string();
        assert!(source.contains(words), "{call}: {source}");
    }
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn out_of_memory_refuses_new_families_and_lets_others_rotate_and_end() {
    let server = Server::start();
    wait(async {
        let store = RedisStore::open(server.connect().await).await.unwrap();
        let family = full();
        let _ = store.create(create(family.clone())).await.unwrap();
        let _: () = server.ask("CONFIG SET maxmemory 1").await;
        let before: Vec<String> = server.ask("KEYS *").await;
        let error = store.create(create(issued(9, at(0), None))).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        let source = error.source().unwrap().to_string();
        assert!(source.contains("OOM") || source.contains("maxmemory"), "{source}");
        assert_eq!(server.ask::<Vec<String>>("KEYS *").await.len(), before.len());
        let written = store.advance(rotation(&family, at(7_000), None)).await;
        let Ok(Written::Committed(_)) = written else { panic!("{written:?}") };
        let revoked = store.revoke(end(family.id, at(8_000))).await;
        let Ok(Revoked::ByThisCall(_)) = revoked else { panic!("{revoked:?}") };
        store.check().await.unwrap();
        RedisStore::open(server.connect().await).await.unwrap();
        assert_eq!(store.purge(purge(at(8_001), 10)).await.unwrap(), 1);
    });
}

/// A master that was demoted knows only what it was told: it must not be believed, also by who only reads.
#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_server_that_became_a_replica_answers_nothing() {
    let server = Server::start();
    wait(async {
        let store = RedisStore::open(server.connect().await).await.unwrap();
        let _ = store.create(create(full())).await.unwrap();
        let _: () = server.ask("REPLICAOF 127.0.0.1 1").await;
        assert_unavailable(&store, "ead only replica").await;
        let _: () = server.ask("REPLICAOF NO ONE").await;
        assert_eq!(store.load(full().id).await.unwrap(), Some(full()));
    });
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_master_with_too_few_replicas_answers_nothing() {
    let server = Server::start();
    wait(async {
        let store = RedisStore::open(server.connect().await).await.unwrap();
        let _ = store.create(create(full())).await.unwrap();
        let _: () = server.ask("CONFIG SET min-replicas-to-write 1").await;
        assert_unavailable(&store, "Not enough good replicas").await;
        let _: () = server.ask("CONFIG SET min-replicas-to-write 0").await;
        assert_eq!(store.load(full().id).await.unwrap(), Some(full()));
    });
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_server_that_does_not_answer_is_an_error_in_time() {
    let server = Server::start();
    wait(async {
        let client = Client::open(&*server.url).unwrap();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(Duration::from_millis(100)));
        let open = async || {
            let connection = client.get_multiplexed_async_connection_with_config(&config).await;
            RedisStore::open(connection.unwrap()).await
        };
        // On a busy machine, any answer may take so long.
        let mut opened = open().await;
        while opened.as_ref().is_err_and(StoreError::is_retryable) {
            opened = open().await;
        }
        let store = opened.unwrap();
        let _: () = server.ask("CLIENT PAUSE 3600000 ALL").await;
        let error = store.load(full().id).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        assert!(error.source().unwrap().to_string().contains("timed out"), "{error:?}");
    });
}

#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn what_was_acknowledged_is_there_after_a_kill_and_calls_in_flight_are_errors() {
    let server = Server::start();
    wait(async {
        let store = RedisStore::open(server.connect().await).await.unwrap();
        let mut family = full();
        let _ = store.create(create(family.clone())).await.unwrap();
        for millis in 7_000..7_020 {
            let written = store.advance(rotation(&family, at(millis), Some(DAY))).await.unwrap();
            let Written::Committed(committed) = written else { panic!("declined") };
            family = committed.family().clone();
        }
        server.kill();
        for (call, error) in all_calls(&store).await {
            let error = error.unwrap_or_else(|| panic!("{call} was carried out"));
            assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{call}");
            assert!(error.source().is_some(), "{call}");
        }
        server.restart();
        let store = RedisStore::open(server.connect().await).await.unwrap();
        assert_eq!(store.load(family.id).await.unwrap(), Some(family));
    });
}

/// What the operator's page asks for is enough.
#[test]
#[ignore = "needs Redis: bash scripts/test.sh"]
fn a_user_with_the_documented_permissions_can_do_everything() {
    let server = Server::start();
    wait(async {
        let page_text = include_str!("../../src/store/redis/operate.md");
        let rule = page_text.lines().find_map(|line| line.strip_prefix("ACL SETUSER heirloom "));
        let rule = rule.expect("the rule is documented").replace(">password", "nopass");
        let _: () = server.ask(&format!("ACL SETUSER heirloom {rule}")).await;
        let url = server.url.replace("redis://", "redis://heirloom:any@");
        let connection = crate::redis::world::connect(&url).await;
        let store = RedisStore::open(connection).await.unwrap();
        let family = full();
        let _ = store.create(create(family.clone())).await.unwrap();
        let endless = issued(3, at(0), None);
        let _ = store.create(create(endless.clone())).await.unwrap();
        let limited = replace(&endless, |next| next.head.idle_expires_at = Some(at(10)));
        let Ok(Written::Committed(limited)) = store.replace(limited).await else {
            panic!("declined")
        };
        let lifted = replace(limited.family(), |next| next.head.idle_expires_at = None);
        let Ok(Written::Committed(_)) = store.replace(lifted).await else { panic!("declined") };
        let _: () = server.ask(&format!("UNLINK heirloom:{{003}}:{}", endless.id)).await;
        for (call, error) in all_calls(&store).await {
            assert!(error.is_none(), "{call}: {error:?}");
        }
        assert_eq!(store.reindex().await.unwrap(), 0);
    });
}

alone!(servers_that_forgot_the_scripts_are_told_them_again, forgotten_scripts);

async fn forgotten_scripts<C: Connection>(world: World<C>) {
    let family = full();
    let store = world.with([&family]).await;
    for mut node in world.nodes.clone() {
        let _: () = cmd("SCRIPT").arg("FLUSH").query_async(&mut node).await.unwrap();
    }
    let written = store.advance(rotation(&family, at(7_000), None)).await;
    let Ok(Written::Committed(_)) = written else { panic!("{written:?}") };
    for mut node in world.nodes.clone() {
        let _: () = cmd("SCRIPT").arg("FLUSH").query_async(&mut node).await.unwrap();
    }
    let revoked = store.revoke(end(family.id, at(8_000))).await;
    let Ok(Revoked::ByThisCall(_)) = revoked else { panic!("{revoked:?}") };
}
