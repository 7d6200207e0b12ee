//! What calls cost, counted by the server and on the wire.

use std::time::Duration;

use heirloom::guard::Guard;
use heirloom::store::{PostgresStore, Written};
use heirloom::testing::{self, ManualClock};
use heirloom::{
    Engine, Grant, Key, KeyRing, Outcome, Page, Policy, Reason, Refusal, Request, Selector, Store,
};
use tokio_postgres::Row;

use crate::postgres::server::{Database, Place, Server, pool};
use crate::postgres::steps::*;
use crate::postgres::wire::Wire;

/// A database whose statements are counted, by the server and on the wire to it.
struct Meter {
    // Dropped in this order: the schema is in the database.
    place: Place,
    wire: Wire,
    common: Place,
    database: Database,
}

impl Meter {
    async fn new() -> (Self, PostgresStore) {
        let database = Database::new("UTF8").await;
        let place = Place::on(database.config()).await;
        PostgresStore::migrate(&place.pool(1)).await.unwrap();
        let (wire, through) = Wire::to(place.config("")).await;
        let store = PostgresStore::open(pool(through, 1)).await.unwrap();
        (Self { place, wire, common: Place::empty().await, database }, store)
    }

    /// Runs a call; its answer, its round trips and its statements.
    async fn of<T>(&self, call: impl Future<Output = T>) -> (T, usize, i64) {
        let before = self.statements().await;
        self.wire.round_trips();
        let answer = call.await;
        let round_trips = self.wire.round_trips();
        (answer, round_trips, self.statements().await - before)
    }

    async fn statements(&self) -> i64 {
        let count = format!(
            "SELECT coalesce(sum(calls), 0)::bigint FROM public.pg_stat_statements
             JOIN pg_database ON pg_database.oid = dbid
             WHERE datname = '{}' AND query LIKE '%heirloom_%' AND query NOT LIKE '%ctid%'",
            self.database.name
        );
        self.common.rows(&count).await[0].get(0)
    }

    /// The rows as they are kept: a row that is changed or locked, with or without effect, is another.
    async fn traces(&self) -> Vec<String> {
        let traces = "SELECT (ctid, xmin, xmax, version)::text FROM heirloom_families ORDER BY id";
        self.place.rows(traces).await.iter().map(|row: &Row| row.get(0)).collect()
    }
}

type Node = Engine<PostgresStore, ManualClock>;

fn node(store: PostgresStore) -> (Node, ManualClock) {
    let clock = ManualClock::at(NOW);
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    (Engine::new(store, keys, Policy::default()).with_clock(clock.clone()), clock)
}

async fn issue(node: &Node) -> String {
    let granted = node.issue(Grant::new("alice", "web")).await.unwrap();
    granted.token.unwrap().into_exposed()
}

async fn refresh(node: &Node, token: &str) -> Result<String, Refusal> {
    match node.refresh(token, Request::new("web")).await.unwrap() {
        Outcome::Granted(granted) => Ok(granted.token.unwrap().into_exposed()),
        Outcome::Refused(why) => Err(why),
    }
}

/// Each kind of statement once: from then on the one connection knows it.
async fn warm_up(node: &Node) {
    let token = issue(node).await;
    refresh(node, &token).await.unwrap();
    node.introspect(&token).await.unwrap();
    node.families(&Selector::subject("alice"), Page { after: None, limit: 9 }).await.unwrap();
    node.revoke_all(&Selector::subject("alice"), Reason::Logout).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn round_trips_of_a_refresh_are_the_promised_ones() {
    let (meter, store) = Meter::new().await;
    for store in [store.clone(), store.without_prepared_statements()] {
        let (node, clock) = node(store);
        warm_up(&node).await;

        let (spent, round_trips, statements) = meter.of(issue(&node)).await;
        assert_eq!((round_trips, statements), (1, 1), "an issue");
        let (next, round_trips, statements) = meter.of(refresh(&node, &spent)).await;
        assert_eq!((round_trips, statements), (1, 1), "a refresh");
        let (again, round_trips, statements) = meter.of(refresh(&node, &spent)).await;
        assert_eq!((round_trips, statements), (1, 1), "a replay");
        assert_eq!(next.unwrap(), again.unwrap());

        let mut forged = spent.clone();
        forged.replace_range(95.., if forged.ends_with('A') { "B" } else { "A" });
        let (refused, round_trips, statements) = meter.of(refresh(&node, &forged)).await;
        refused.unwrap_err();
        assert_eq!((round_trips, statements), (0, 0), "a forged token");

        clock.advance(Duration::from_secs(60));
        let (refused, round_trips, statements) = meter.of(refresh(&node, &spent)).await;
        assert!(matches!(refused, Err(Refusal::Reused { .. })), "{refused:?}");
        assert!(round_trips <= 2 && statements <= 2, "a breach: {round_trips}, {statements}");

        let before = meter.traces().await;
        let (refused, round_trips, statements) = meter.of(refresh(&node, &spent)).await;
        assert!(matches!(refused, Err(Refusal::Revoked(_))), "{refused:?}");
        assert_eq!((round_trips, statements), (1, 1), "a dead family");
        assert_eq!(meter.traces().await, before, "a dead family is not touched");
    }
}

/// What is declined is neither written nor locked: nothing is flushed for it, and nobody waits.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn what_is_declined_leaves_no_trace() {
    let (meter, store) = Meter::new().await;
    let families = [family(1, 5), family(2, 0)];
    for family in &families {
        create(&store, family).await;
    }
    revoke(&store, 2, 1).await.unwrap();
    let before = meter.traces().await;
    for (number, generation) in [(1, 4), (1, 3), (1, 6), (2, 0), (3, 0)] {
        declined(rotate(&store, number, generation).await.unwrap());
    }
    let unseen: Guard = guard(&family(1, u32::MAX), u32::MAX);
    declined(store.advance(testing::advance(unseen, head(1))).await.unwrap());
    let stale = testing::replace(&family(2, 0), |family| family.head = head(1));
    declined(store.replace(stale).await.unwrap());
    revoke(&store, 2, 2).await.unwrap();
    assert_eq!(meter.traces().await, before);
}

/// Heap-only: no index is written, while the idle end stays within a day.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_refresh_writes_no_index_but_once_a_day() {
    // A server of its own: a long transaction anywhere else, an analysis among them, would keep old versions in the way.
    let server = Server::start();
    let place = Place::on(server.config()).await;
    for statement in ["ALTER SYSTEM SET autovacuum = off", "SELECT pg_reload_conf()"] {
        place.sql(statement).await;
    }
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    let (node, clock) = node(PostgresStore::open(place.pool(1)).await.unwrap());
    let mut tokens = Vec::new();
    for _ in 0..20 {
        tokens.push(issue(&node).await);
    }
    let counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables
        WHERE schemaname = current_schema AND relname = 'heirloom_families'";
    for (days, rounds) in [(0, 20), (1, 20)] {
        clock.advance(Duration::from_secs(86_400 * days));
        for _ in 0..rounds {
            clock.advance(Duration::from_secs(60));
            for token in &mut tokens {
                *token = refresh(&node, token).await.unwrap();
            }
        }
    }
    // A session reports at its end at the latest.
    drop(node);
    let (mut updates, mut hot): (i64, i64) = (0, 0);
    while updates < 800 {
        let row = place.rows(counted).await;
        (updates, hot) = (row[0].get(0), row[0].get(1));
    }
    // The other day moves every family in the index once; a page may have been full once, too.
    assert_eq!(updates, 800);
    assert!((760..=780).contains(&hot), "{hot} of {updates}");
}

/// The size of the history makes no difference, because there is none.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_family_of_a_million_generations_ends_by_one_statement() {
    let (meter, store) = Meter::new().await;
    for number in [1, 2] {
        create(&store, &family(number, 1_000_000)).await;
    }
    let ended = revoke(&store, 1, 1).await.unwrap();
    assert!(matches!(ended, heirloom::store::Revoked::ByThisCall(_)));
    let (ended, round_trips, statements) = meter.of(revoke(&store, 2, 1)).await;
    assert!(matches!(ended.unwrap(), heirloom::store::Revoked::ByThisCall(_)));
    assert_eq!((round_trips, statements), (1, 1));
    let after = rotate(&store, 2, 1_000_000).await.unwrap();
    assert!(matches!(after, Written::Declined(Some(_))));
}
