//! Rows that heirloom has not written so: named by id and column, never repaired, never half-written, hiding no other.

use heirloom::family::Family;
use heirloom::store::{PostgresStore, StoreError, StoreErrorKind};
use heirloom::{Page, Selector, Store, testing};

use crate::postgres::server::Place;
use crate::postgres::steps::*;
use crate::records::families::{ended, fresh, full};

fn renumbered(mut family: Family, number: u64) -> Family {
    family.id = id(number);
    family
}

/// The field that is named as impossible.
fn impossible<T: std::fmt::Debug>(answer: Result<T, StoreError>) -> &'static str {
    match answer.unwrap_err().kind() {
        StoreErrorKind::Impossible(it) => {
            assert!([id(1), id(2), id(4)].contains(&it.family));
            it.field
        }
        kind => panic!("{kind:?}"),
    }
}

/// Damages to the live family 1, the ended family 2 or the fresh family 4: what a read names, and what a write names if a check covers it.
const DAMAGES: [(u64, &str, &str, Option<&str>); 50] = [
    (1, "version = 0", "version", Some("version")),
    (1, "version = 9007199254740992", "version", Some("version")),
    (1, "status = 'dead'", "status", Some("status")),
    (1, "status = 'Live'", "status", Some("status")),
    (1, "subject = ''", "grant", Some("subject")),
    (1, "client = ''", "grant", Some("client")),
    (1, "scope = 'write  read'", "scope", Some("scope")),
    (1, "resources = '{}'", "resources", Some("resources")),
    (1, "resources = '[1]'", "resources", Some("resources")),
    (1, "attributes = '[]'", "attributes", Some("attributes")),
    (1, "attributes = '{\"a\": {}}'", "attributes", Some("attributes")),
    (1, "binding_method = 'x5t'", "binding_method", Some("binding_method")),
    (1, "binding_method = NULL", "binding_thumbprint", Some("binding_thumbprint")),
    (1, "binding_thumbprint = '\\x00'", "binding_thumbprint", Some("binding_thumbprint")),
    (1, "not_after = 'infinity'", "not_after", Some("not_after")),
    (1, "created_at = '-infinity'", "created_at", Some("created_at")),
    (1, "created_at = '1969-12-31 23:59:59.999+00'", "created_at", Some("created_at")),
    (1, "expires_at = created_at - interval '1 ms'", "expires_at", Some("expires_at")),
    (1, "expires_at = NULL", "expires_at", Some("expires_at")),
    (1, "revoked_at = now()", "revoked_at", Some("revoked_at")),
    (2, "revoked_at = NULL", "revoked_at", Some("revoked_at")),
    (2, "reason = 'whim'", "reuse_generations_behind", Some("reason")),
    (2, "revoked_by = -1", "revoked_by", Some("revoked_by")),
    (
        2,
        "reuse_generations_behind = 4294967296",
        "reuse_generations_behind",
        Some("reuse_generations_behind"),
    ),
    (2, "reuse_since_rotation = NULL", "reuse_since_rotation", Some("reuse_since_rotation")),
    (2, "reuse_successor_used = NULL", "reuse_successor_used", Some("reuse_successor_used")),
    (1, "generation = -1", "generation", Some("generation")),
    (1, "generation = 4294967296", "generation", Some("generation")),
    (1, "generation = 0", "predecessor", Some("predecessor_digest")),
    (1, "digest = '\\x00'", "digest", Some("digest")),
    (1, "key_id = 256", "key_id", Some("key_id")),
    (1, "rotated_at = 'infinity'", "rotated_at", Some("rotated_at")),
    (1, "used_at = rotated_at - interval '1 ms'", "used_at", Some("used_at")),
    (1, "idle_expires_at = used_at", "idle_expires_at", Some("idle_expires_at")),
    (1, "predecessor_digest = NULL", "predecessor_salt", Some("predecessor_closed")),
    (1, "predecessor_salt = '\\x00'", "predecessor_salt", Some("predecessor_salt")),
    (1, "predecessor_salt = NULL", "predecessor_salt", Some("predecessor_salt")),
    (1, "predecessor_closed = NULL", "predecessor_closed", Some("predecessor_closed")),
    (1, "kept_until = 'infinity'", "kept_until", Some("kept_until")),
    (1, "kept_until = created_at - interval '1 ms'", "kept_until", Some("kept_until")),
    (1, "branches = '[]'", "branches", Some("branches")),
    (1, "branches = '{\"made\":1}'", "branches", Some("branches")),
    (1, "branches = '{\"made\":\"1\",\"live\":[]}'", "branches", Some("branches")),
    // Deeper than a check looks: known when it is read.
    (1, "branches = '{\"made\":1,\"live\":[{}]}'", "branches", None),
    (1, "branches_end_at = now()", "branches_end_at", Some("branches_end_at")),
    (
        1,
        "branches = '{\"made\":1,\"live\":[]}', branches_end_at = 'infinity'",
        "branches_end_at",
        Some("branches_end_at"),
    ),
    (4, "displaced = true", "displaced", Some("displaced")),
    (1, "predecessor_replays = 4294967296", "predecessor_replays", Some("predecessor_replays")),
    (4, "predecessor_replays = 0", "predecessor_replays", Some("predecessor_replays")),
    (4, "predecessor_displaced = false", "predecessor_displaced", Some("predecessor_displaced")),
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_damaged_row_is_named_by_its_column_and_stays_as_it_is() {
    let place = Place::new().await;
    let checks = Checks::of(&place).await;
    let store = place.store().await;
    for (number, damage, read, write) in DAMAGES {
        create(&store, &renumbered(full(), 1)).await;
        create(&store, &renumbered(ended(), 2)).await;
        create(&store, &renumbered(full(), 3)).await;
        create(&store, &renumbered(fresh(), 4)).await;
        let set = format!("UPDATE heirloom_families SET {damage} WHERE id = '{}'", id(number));
        place.sql(&format!("{}; {set}; {}", checks.drop, checks.add)).await;
        assert_eq!(impossible(store.load(id(number)).await), read, "{damage}");
        let before = row(&place, number).await;

        let page = Page { after: None, limit: 10 };
        let page = store.select(&Selector::client("web"), page).await.unwrap();
        let damaged = page.iter().filter_map(|family| family.as_ref().err());
        let found = page.iter().filter_map(|family| family.as_ref().ok());
        assert!(damaged.map(|it| (it.family, it.field)).all(|it| it == (id(number), read)));
        assert_eq!(found.count(), 3, "{damage}: hides no other");

        if let Some(write) = write {
            let ended = impossible(revoke(&store, number, 9).await);
            assert!([read, write].contains(&ended), "{damage}: {ended}");
            assert_eq!(row(&place, number).await, before, "{damage}");
        }
        place.sql("TRUNCATE heirloom_families").await;
    }
}

/// The guard holds on what it looks at; a column that it does not look at stops the write, even one that a rotation
/// would replace.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_rotation_of_a_damaged_row_writes_nothing() {
    let place = Place::new().await;
    let checks = Checks::of(&place).await;
    for store in place.stores().await {
        for (damage, field) in [
            ("subject = ''", "grant"),
            ("subject = E'a\\u0085'", "grant"),
            ("scope = 'read  write'", "scope"),
            ("resources = '[\"x\"]'", "grant"),
            ("resources = '[1]'", "resources"),
            ("attributes = '{\"a\": 1}'", "attributes"),
            ("attributes = '7'", "attributes"),
            ("revoked_by = 1", "revoked_by"),
            ("version = 0", "version"),
            ("key_id = -1", "key_id"),
            ("used_at = 'infinity'", "used_at"),
            ("idle_expires_at = 'infinity'", "idle_expires_at"),
            ("predecessor_closed = NULL", "predecessor_closed"),
            ("predecessor_replays = -1", "predecessor_replays"),
            ("kept_until = 'infinity'", "kept_until"),
            ("branches_end_at = now()", "branches_end_at"),
        ] {
            create(&store, &family(1, 4)).await;
            let set = format!("UPDATE heirloom_families SET {damage}");
            place.sql(&format!("{}; {set}; {}", checks.drop, checks.add)).await;
            let before = row(&place, 1).await;
            assert_eq!(impossible(rotate(&store, 1, 4).await), field);
            assert_eq!(row(&place, 1).await, before, "{damage}");
            place.sql("TRUNCATE heirloom_families").await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_column_of_another_type_is_named_and_another_column_does_no_harm() {
    let place = Place::new().await;
    for store in place.stores().await {
        create(&store, &family(1, 4)).await;
        load(&store, 1).await.unwrap();
        place.sql("ALTER TABLE heirloom_families ADD note text DEFAULT 'ours'").await;
        committed(rotate(&store, 1, 4).await.unwrap());
        assert_eq!(load(&store, 1).await.unwrap().head, head(5));
        // What the connections have prepared gives another type now.
        place.sql("ALTER TABLE heirloom_families ALTER created_at TYPE timestamp").await;
        assert_eq!(impossible(store.load(id(1)).await), "created_at");
        place.sql("ALTER TABLE heirloom_families ALTER created_at TYPE timestamptz(3)").await;
        assert_eq!(load(&store, 1).await.unwrap().head, head(5));
        place.sql("ALTER TABLE heirloom_families ALTER digest DROP NOT NULL").await;
        place.sql("UPDATE heirloom_families SET digest = NULL").await;
        assert_eq!(impossible(store.load(id(1)).await), "digest");
        place.sql("TRUNCATE heirloom_families").await;
        place.sql("ALTER TABLE heirloom_families DROP note").await;
    }
}

/// Somebody else's rule is not heirloom's: an error of the store, with what the server said.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_check_of_the_operators_own_is_no_impossible_family() {
    let place = Place::new().await;
    place.sql("ALTER TABLE heirloom_families ADD CONSTRAINT ours CHECK (subject <> 'alice')").await;
    let store = place.store().await;
    let error = store.create(testing::create(family(1, 0))).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    let text = crate::postgres::migration::chain(&error);
    assert!(text.contains("violates check constraint \"ours\""), "{text}");
    // The server adds the whole row in its details: digests belong into no log.
    assert!(!format!("{text} {error:?}").contains("Failing row"), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_dba_can_read_the_table() {
    let place = Place::new().await;
    let store: PostgresStore = place.store().await;
    create(&store, &renumbered(ended(), 1)).await;
    let rows = place
        .rows(
            "SELECT concat_ws('|', subject, client, scope, status, reason, generation, key_id,
                 created_at AT TIME ZONE 'UTC', idle_expires_at AT TIME ZONE 'UTC', ends_on,
                 resources ->> 0, attributes ->> 'acr', octet_length(digest))
             FROM heirloom_families",
        )
        .await;
    let text: String = rows[0].get(0);
    assert_eq!(
        text,
        "\u{e5}lice|web|read write|revoked|reuse|7|255|1970-01-01 00:00:01|1970-01-01 00:01:00\
         |1970-01-01|https://a.example/|2|32"
    );
}

/// How to let a row be damaged, and how to put the checks back as they were.
struct Checks {
    drop: String,
    add: String,
}

impl Checks {
    async fn of(place: &Place) -> Self {
        let checks = "SELECT conname::text, pg_get_constraintdef(oid) FROM pg_constraint
            WHERE conrelid = 'heirloom_families'::regclass AND contype = 'c'";
        let (mut drop, mut add) = (Vec::new(), Vec::new());
        for check in place.rows(checks).await {
            let (name, definition): (String, String) = (check.get(0), check.get(1));
            drop.push(format!("DROP CONSTRAINT {name}"));
            add.push(format!("ADD CONSTRAINT {name} {definition} NOT VALID"));
        }
        let alter = |parts: Vec<_>| format!("ALTER TABLE heirloom_families {}", parts.join(", "));
        Self { drop: alter(drop), add: alter(add) }
    }
}

/// A row as it is kept.
async fn row(place: &Place, number: u64) -> String {
    let row = format!("SELECT f::text FROM heirloom_families f WHERE id = '{}'", id(number));
    place.rows(&row).await[0].get(0)
}
