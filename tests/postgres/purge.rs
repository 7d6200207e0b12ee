//! The purge: never early, whole, beside others, and past what cannot be read.

use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::store::PostgresStore;
use heirloom::{Store, testing};
use tokio::task::JoinSet;

use crate::postgres::server::Place;
use crate::postgres::steps::*;

/// The instant before which what has ended goes.
const CUTOFF: i64 = -1_000_000;

fn ended_at(number: u64, at_: i64) -> Family {
    let mut family = family(number, 0);
    (family.head.rotated_at, family.head.used_at) = (at(at_ - 10), at(at_ - 10));
    (family.created_at, family.head.idle_expires_at) = (at(at_ - 10), Some(at(at_)));
    family
}

async fn purge(store: &PostgresStore, limit: usize) -> usize {
    store.purge(testing::purge(at(CUTOFF), limit)).await.unwrap()
}

async fn left(place: &Place) -> i64 {
    place.rows("SELECT count(*) FROM heirloom_families").await[0].get(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn what_ended_before_the_cutoff_goes_and_nothing_else() {
    let place = Place::new().await;
    for store in place.stores().await {
        let day = 86_400_000;
        let mut families = Vec::new();
        for (number, from_cutoff) in
            (0..).zip([-9 * day, -day, -2, -1, 0, 1, 2, day, 9 * day].into_iter())
        {
            families.push(ended_at(number, CUTOFF + from_cutoff));
            // Its idle end is near, but it was revoked then.
            let mut revoked = ended_at(100 + number, CUTOFF + from_cutoff);
            let mut revocation = revocation(1);
            revocation.at = at(CUTOFF + from_cutoff);
            revoked.status = Status::Revoked(revocation);
            (revoked.expires_at, revoked.head.idle_expires_at) = (None, Some(at(9 * day)));
            families.push(revoked);
            // It ended by what is stored, and was used later.
            let mut used = ended_at(200 + number, CUTOFF + from_cutoff);
            used.expires_at = Some(used.created_at);
            families.push(used);
            let mut endless = ended_at(300 + number, CUTOFF + from_cutoff);
            endless.head.idle_expires_at = None;
            families.push(endless);
        }
        for family in &families {
            create(&store, family).await;
        }
        let step = testing::purge(at(CUTOFF), 1_000);
        let due = families.iter().filter(|family| step.is_due(family)).count();
        assert!(due > 8 && due < families.len() / 2);
        assert_eq!(purge(&store, 5).await, 5);
        assert_eq!(purge(&store, 1_000).await, due - 5);
        assert_eq!(purge(&store, 1_000).await, 0);
        for family in &families {
            let is_there = store.load(family.id).await.unwrap().is_some();
            assert_eq!(is_there, !step.is_due(family), "{family:?}");
        }
        place.sql("TRUNCATE heirloom_families").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn many_are_purged_in_batches_by_several_at_once_and_none_is_left() {
    let place = Place::new().await;
    for level in ["read\\ committed", "repeatable\\ read", "serializable"] {
        let setting = format!("-c default_transaction_isolation={level}");
        let store = PostgresStore::open(place.pool_with(8, &setting)).await.unwrap();
        create(&store, &ended_at(0, CUTOFF - 1)).await;
        create(&store, &family(9_999, 0)).await;
        multiply(&place, 4_000).await;
        let mut purges = JoinSet::new();
        for _ in 0..4 {
            let store = store.clone();
            purges.spawn(async move {
                let mut purged = 0;
                loop {
                    let now = purge(&store, 700).await;
                    purged += now;
                    if now < 700 {
                        // Fewer than the limit: nothing is left, whatever the others still do.
                        assert_eq!(purge(&store, 1).await, 0);
                        return purged;
                    }
                }
            });
        }
        let purged: usize = purges.join_all().await.into_iter().sum();
        assert_eq!((purged, left(&place).await), (4_001, 1), "{level}");
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// As many copies of the family 0, under other ids.
async fn multiply(place: &Place, copies: u32) {
    let columns = "version, status, subject, client, scope, resources, attributes, created_at,
        generation, digest, key_id, rotated_at, used_at, idle_expires_at";
    let insert = format!(
        "INSERT INTO heirloom_families (id, {columns}) SELECT gen_random_uuid(), {columns}
         FROM heirloom_families, generate_series(1, {copies}) WHERE id = '{}'",
        id(0)
    );
    place.sql(&insert).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_row_that_cannot_be_read_stays_and_stops_nothing() {
    let place = Place::new().await;
    for store in place.stores().await {
        create(&store, &ended_at(0, CUTOFF - 1)).await;
        multiply(&place, 1_200).await;
        // More of them than a batch has, and at its beginning.
        place
            .sql(
                "ALTER TABLE heirloom_families DROP CONSTRAINT IF EXISTS subject;
                 UPDATE heirloom_families SET subject = '' WHERE id IN
                     (SELECT id FROM heirloom_families ORDER BY id LIMIT 600)",
            )
            .await;
        assert_eq!(purge(&store, 500).await, 500);
        assert_eq!(purge(&store, 500).await, 101);
        assert_eq!((purge(&store, 500).await, left(&place).await), (0, 600));
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// What is due when it is read, and used before it is removed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_family_that_is_used_meanwhile_stays() {
    let place = Place::new().await;
    for level in ["read\\ committed", "repeatable\\ read", "serializable"] {
        let setting = format!("-c default_transaction_isolation={level}");
        let store = PostgresStore::open(place.pool_with(8, &setting)).await.unwrap();
        create(&store, &ended_at(0, CUTOFF - 1)).await;
        create(&store, &ended_at(1, CUTOFF - 1)).await;
        let used = "UPDATE heirloom_families SET idle_expires_at = now()";
        let purging = store.clone();
        let purged = crate::postgres::races::behind(&place, 0, (used, "COMMIT"), async move {
            purge(&purging, 10).await
        });
        assert_eq!((purged.await, left(&place).await), (1, 1), "{level}");
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// What was readable when it was looked at, and is not when it is removed, though it is still due.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_family_that_is_damaged_meanwhile_stays() {
    let place = Place::new().await;
    place.sql("ALTER TABLE heirloom_families DROP CONSTRAINT subject").await;
    let store = place.store().await;
    create(&store, &ended_at(0, CUTOFF - 1)).await;
    let damaged = "UPDATE heirloom_families SET version = version + 1, subject = ''";
    let purging = store.clone();
    let purged = crate::postgres::races::behind(&place, 0, (damaged, "COMMIT"), async move {
        purge(&purging, 10).await
    });
    assert_eq!((purged.await, left(&place).await), (0, 1));
}

/// A server that says that it removes and does not.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_table_that_does_not_let_go_is_an_error_and_no_endless_loop() {
    let place = Place::new().await;
    let store = place.store().await;
    create(&store, &ended_at(0, CUTOFF - 1)).await;
    place
        .sql(
            "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
             CREATE TRIGGER keep BEFORE DELETE ON heirloom_families
                 FOR EACH ROW EXECUTE FUNCTION keep()",
        )
        .await;
    let purge = store.purge(testing::purge(at(CUTOFF), 10));
    let purged = tokio::time::timeout(Duration::from_secs(60), purge).await.unwrap();
    assert!(purged.unwrap_err().to_string().contains("conflict"));
    assert_eq!(left(&place).await, 1);
}
