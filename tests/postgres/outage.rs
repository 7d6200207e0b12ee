//! Servers that go away, refuse, or do not answer, and pools that are exhausted: an error with its source, nothing lost,
//! nothing half-written, and afterwards everything goes on.

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use heirloom::Store;
use heirloom::store::{PostgresStore, StoreError, StoreErrorKind};
use tokio::task::yield_now;

use crate::postgres::migration::chain;
use crate::postgres::server::{Place, Server, pool};
use crate::postgres::steps::*;
use crate::postgres::wire::Wire;

/// An error that is not the client's fault and may pass; as text.
fn unavailable<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> String {
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable, "{}", chain(&error));
    assert!(error.is_retryable() && std::error::Error::source(&error).is_some());
    chain(&error)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_server_that_crashes_keeps_what_it_acknowledged_and_is_found_again() {
    let server = Server::start();
    let place = Place::on(server.config()).await;
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    for store in place.stores().await {
        create(&store, &family(1, 0)).await;
        let rotated = committed(rotate(&store, 1, 0).await.unwrap());
        server.kill();
        let text = unavailable(rotate(&store, 1, 1).await);
        assert!(text.contains("error connecting to server"), "{text}");
        server.restart();
        assert_eq!(load(&store, 1).await, Some(rotated));
        committed(rotate(&store, 1, 1).await.unwrap());
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_session_that_ends_while_a_rotation_waits_leaves_the_family_as_it_was() {
    let place = Place::new().await;
    let store = place.store().await;
    create(&store, &family(1, 0)).await;
    let lock = "UPDATE heirloom_families SET version = version";
    let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid)); ROLLBACK";
    let caller = store.clone();
    let call = async move { rotate(&caller, 1, 0).await };
    let text =
        unavailable(crate::postgres::races::behind(&place, 1, (lock, terminate), call).await);
    assert!(text.contains("terminating connection due to administrator command"), "{text}");
    assert_eq!(load(&store, 1).await, Some(family(1, 0)));
    committed(rotate(&store, 1, 0).await.unwrap());
}

/// The write was done, and its answer was lost: a retry shows that.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn an_answer_that_is_lost_is_an_error_and_the_write_is_whole() {
    let place = Place::new().await;
    let (wire, through) = Wire::to(place.config("")).await;
    let store = PostgresStore::open(pool(through, 1)).await.unwrap();
    for (number, store) in (1..).zip([store.clone(), store.without_prepared_statements()]) {
        create(&store, &family(number, 0)).await;
        committed(rotate(&store, number, 0).await.unwrap());
        wire.cut();
        let text = unavailable(rotate(&store, number, 1).await);
        assert!(text.contains("closed"), "{text}");
        assert_eq!(load(&store, number).await.unwrap().head, head(2));
    }
}

/// A host gives up a call whose server says nothing. Its connection keeps its place for a moment, in case the statement ends,
/// and no longer: the next caller gets another one.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_call_that_is_dropped_leaves_no_connection_behind() {
    let place = Place::new().await;
    let (wire, through) = Wire::to(place.config("")).await;
    let pool = pool(through, 1);
    let store = PostgresStore::open(pool.clone()).await.unwrap();
    create(&store, &family(1, 0)).await;
    committed(rotate(&store, 1, 0).await.unwrap());
    wire.round_trips();
    wire.silence(true);
    let caller = store.clone();
    let call = tokio::spawn(async move { rotate(&caller, 1, 1).await });
    while wire.round_trips() == 0 {
        yield_now().await;
    }
    call.abort();
    call.await.unwrap_err();
    assert_eq!(pool.status().size, 1);
    while pool.status().size > 0 {
        yield_now().await;
    }
    wire.silence(false);
    // Sent, and so done, before or after this look.
    let seen = load(&store, 1).await.unwrap().head;
    assert!(seen == head(1) || seen == head(2), "{seen:?}");
    assert_eq!(pool.status().size, 1);
}

/// Wherever a call is dropped, its family is rotated or it is not, and a retry goes on.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_rotation_that_is_dropped_is_wholly_done_or_wholly_undone() {
    let place = Place::new().await;
    let (wire, through) = Wire::to(place.config("")).await;
    let store = PostgresStore::open(pool(through, 2)).await.unwrap();
    create(&store, &family(1, 0)).await;
    let (mut generation, mut dropped) = (0, 0);
    for round in 0..200 {
        // Now and then the server says nothing, so that the call is dropped for certain, whatever has been sent.
        wire.silence(round % 4 == 0);
        dropped += u32::from(cut(rotate(&store, 1, generation), 1 << (round % 13)).await.is_none());
        wire.silence(false);
        let seen = load(&store, 1).await.unwrap();
        assert!([generation, generation + 1].contains(&seen.head.generation));
        assert_eq!(seen.head, head(seen.head.generation), "round {round}");
        assert_eq!(seen.version, 1 + u64::from(seen.head.generation));
        // What was sent may still be done.
        generation = settled(&store).await;
    }
    assert!(dropped >= 50 && generation >= 200, "{dropped} dropped, {generation} done");
}

/// Polls a call so many times, whatever it waits for, and drops it; its answer, if that has come before.
async fn cut<T>(call: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut call = Box::pin(call);
    for _ in 0..polls {
        if let Poll::Ready(answer) =
            poll_fn(|context| Poll::Ready(call.as_mut().poll(context))).await
        {
            return Some(answer);
        }
        yield_now().await;
    }
    None
}

/// The generation when no statement is under way any more: a version that nobody else changes can be replaced.
async fn settled(store: &PostgresStore) -> u32 {
    let seen = load(store, 1).await.unwrap();
    match rotate(store, 1, seen.head.generation).await.unwrap() {
        heirloom::store::Written::Committed(it) => it.family().head.generation,
        heirloom::store::Written::Declined(it) => it.unwrap().head.generation,
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_pool_that_is_exhausted_is_an_error_and_recovers() {
    let place = Place::new().await;
    let pool = place.impatient_pool(Duration::from_millis(20));
    let store = PostgresStore::open(pool.clone()).await.unwrap();
    create(&store, &family(1, 0)).await;
    let taken = pool.get().await.unwrap();
    let text = unavailable(rotate(&store, 1, 0).await);
    assert!(text.contains("waiting for a slot"), "{text}");
    drop(taken);
    committed(rotate(&store, 1, 0).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_time_limit_of_the_server_undoes_the_call() {
    let place = Place::new().await;
    for (setting, says) in [
        ("statement_timeout", "canceling statement due to statement timeout"),
        ("lock_timeout", "canceling statement due to lock timeout"),
    ] {
        let pool = place.pool(1);
        let store = PostgresStore::open(pool.clone()).await.unwrap();
        create(&store, &family(1, 0)).await;
        // For the call that must wait, and no other: on a busy machine any may take so long.
        let limit = async |millis| {
            let set = format!("SET {setting} = {millis}");
            pool.get().await.unwrap().batch_execute(&set).await.unwrap();
        };
        let other = place.pool(1).get().await.unwrap();
        other.batch_execute("BEGIN; UPDATE heirloom_families SET scope = 'x'").await.unwrap();
        limit(50).await;
        let text = unavailable(rotate(&store, 1, 0).await);
        assert!(text.contains(says), "{text}");
        limit(0).await;
        other.batch_execute("ROLLBACK").await.unwrap();
        assert_eq!(load(&store, 1).await, Some(family(1, 0)));
        committed(rotate(&store, 1, 0).await.unwrap());
        assert_eq!(pool.status().size, 1, "its connection was not to blame");
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_session_that_may_not_write_is_an_error_and_is_closed() {
    let place = Place::new().await;
    let pool = place.pool_with(1, "-c default_transaction_read_only=on");
    let store = PostgresStore::open(pool.clone()).await.unwrap();
    create(&place.store().await, &family(1, 0)).await;
    let text = unavailable(rotate(&store, 1, 0).await);
    assert!(text.contains("in a read-only transaction"), "{text}");
    assert_eq!(pool.status().size, 0);
    assert_eq!(load(&store, 1).await, Some(family(1, 0)));
}

/// As behind a pooler that resets sessions, or after `DISCARD ALL`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_session_that_has_forgotten_its_statements_learns_them_again() {
    let place = Place::new().await;
    let pool = place.pool(1);
    let store = PostgresStore::open(pool.clone()).await.unwrap();
    create(&store, &family(1, 0)).await;
    for generation in 0..3 {
        committed(rotate(&store, 1, generation).await.unwrap());
        pool.get().await.unwrap().batch_execute("DEALLOCATE ALL").await.unwrap();
    }
    assert_eq!(load(&store, 1).await.unwrap().head, head(3));
}

/// A standby lags: what it does not have may have been acknowledged.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_standby_is_refused_by_every_call() {
    let server = Server::start();
    let place = Place::on(server.config()).await;
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    let stores = place.stores().await;
    create(&stores[0], &family(1, 0)).await;
    server.kill();
    server.demote();
    server.restart();
    let text = unavailable(PostgresStore::open(place.pool(1)).await);
    assert!(text.contains("is a standby"), "{text}");
    for store in stores {
        for number in [1, 2] {
            let text = unavailable(store.load(id(number)).await);
            assert!(text.contains("is a standby"), "{text}");
            unavailable(rotate(&store, number, 0).await);
            unavailable(revoke(&store, number, 1).await);
        }
        let page = heirloom::Page { after: None, limit: 10 };
        unavailable(store.select(&heirloom::Selector::subject("nobody"), page).await);
        let text = unavailable(store.scan(None, 10).await);
        assert!(text.contains("is a standby"), "{text}");
        unavailable(store.purge(heirloom::testing::purge(NOW, 10)).await);
    }
    server.promote();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_role_needs_what_the_page_says_and_lacks_nothing() {
    let server = Server::start();
    let place = Place::on(server.config()).await;
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    let schema = place.schema();
    place
        .sql(&format!(
            "CREATE ROLE heirloom LOGIN; GRANT USAGE ON SCHEMA {schema} TO heirloom;
             GRANT SELECT ON heirloom_schema TO heirloom;
             GRANT SELECT ON heirloom_families TO heirloom"
        ))
        .await;
    let mut config = place.config("");
    config.user("heirloom");
    let store = PostgresStore::open(pool(config, 2)).await.unwrap();
    let error = store.create(heirloom::testing::create(family(1, 0))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable, "for an operator");
    let text = chain(&error);
    assert!(text.contains("permission denied for table heirloom_families"), "{text}");
    place.sql("GRANT INSERT, UPDATE, DELETE ON heirloom_families TO heirloom").await;
    for store in [store.clone(), store.without_prepared_statements()] {
        create(&store, &family(1, 0)).await;
        committed(rotate(&store, 1, 0).await.unwrap());
        declined(rotate(&store, 1, 0).await.unwrap());
        revoke(&store, 1, 1).await.unwrap();
        let page = heirloom::Page { after: None, limit: 10 };
        let page = store.select(&heirloom::Selector::subject("alice"), page).await.unwrap();
        assert_eq!(page.len(), 1);
        assert_eq!(store.purge(heirloom::testing::purge(at(1), 10)).await.unwrap(), 1);
    }
    place.sql(&format!("REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM heirloom")).await;
}

/// As the server says it when no page can be added.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_disk_that_is_full_is_an_error_and_nothing_is_half_written() {
    let place = Place::new().await;
    let store = place.store().await;
    create(&store, &family(1, 0)).await;
    place
        .sql(
            "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
                 'BEGIN RAISE ''could not extend file'' USING ERRCODE = ''disk_full''; END';
             CREATE TRIGGER full_disk AFTER INSERT OR UPDATE ON heirloom_families
                 FOR EACH ROW EXECUTE FUNCTION full_disk()",
        )
        .await;
    let text = unavailable(rotate(&store, 1, 0).await);
    assert!(text.contains("could not extend file"), "{text}");
    unavailable(revoke(&store, 1, 1).await);
    unavailable(store.create(heirloom::testing::create(family(2, 0))).await);
    assert_eq!(load(&store, 1).await, Some(family(1, 0)));
    assert_eq!(load(&store, 2).await, None);
    place.sql("DROP TRIGGER full_disk ON heirloom_families").await;
    committed(rotate(&store, 1, 0).await.unwrap());
}

/// Each call that was given up had freed its place in the pool while its statement still waited for a lock: a pool of two
/// held two hundred backends of the server, until nobody could connect.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn calls_that_are_given_up_hold_no_more_backends_than_the_pool_has() {
    let place = Place::new().await;
    let store = PostgresStore::open(place.impatient_pool(Duration::from_millis(20))).await.unwrap();
    create(&store, &family(1, 0)).await;
    let pool = place.pool(1);
    let holder = pool.get().await.unwrap();
    holder.batch_execute("BEGIN; UPDATE heirloom_families SET version = version").await.unwrap();
    let waiting = async || -> i64 {
        let waiting = "SELECT count(*) FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))";
        holder.query_one(waiting, &[]).await.unwrap().get(0)
    };
    let caller = store.clone();
    let call = tokio::spawn(async move { rotate(&caller, 1, 0).await });
    while waiting().await == 0 {
        yield_now().await;
    }
    call.abort();
    call.await.unwrap_err();
    // Few, as the place is kept for no more than some seconds.
    for _ in 0..8 {
        let call = rotate(&store, 1, 0);
        let _given_up = tokio::time::timeout(Duration::from_millis(100), call).await;
    }
    assert_eq!(waiting().await, 1);
    holder.batch_execute("COMMIT").await.unwrap();
    // The place is free again as soon as the statement has ended.
    let mut loaded = store.load(id(1)).await;
    while loaded.is_err() {
        loaded = store.load(id(1)).await;
    }
    assert!(loaded.unwrap().is_some());
}
