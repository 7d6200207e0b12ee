//! Tables of 0.1.0: brought forward with every family as it was, and written by nodes of 0.1.0 that still run.

use heirloom::family::{Family, Status};
use heirloom::store::{PostgresStore, StoreErrorKind, Written};
use heirloom::token::FamilyId;
use heirloom::{Page, Policy, Request, Selector, Store, Timestamp, testing};
use tokio::task::JoinSet;

use crate::postgres::migration::chain;
use crate::postgres::server::Place;
use crate::postgres::steps::*;
use crate::records::families::{self, stated};
use crate::records::stored::stored;

const VERSION_1: &str = include_str!("../../src/store/schema/postgres/schema.sql");

/// The statements of 0.1.0.
const OLD_CREATE: &str = include_str!("../golden/0.1.0/create.sql");
const OLD_LOAD: &str = include_str!("../golden/0.1.0/load.sql");
const OLD_ADVANCE: &str = include_str!("../golden/0.1.0/advance.sql");
const OLD_REVOKE: &str = include_str!("../golden/0.1.0/revoke.sql");
const OLD_REPLACE: &str = include_str!("../golden/0.1.0/replace.sql");

/// Tables as 0.1.0 has made them.
async fn of_0_1_0() -> Place {
    let place = Place::empty().await;
    place.sql(&format!("BEGIN; {VERSION_1}; COMMIT")).await;
    place
}

/// A row of 0.1.0 as names and literals, under an id of its own.
fn row(name: &str, number: u64) -> (Vec<String>, Vec<String>) {
    let literal = |(name, kind, value): (String, String, String)| match (&*name, &*kind) {
        ("id", _) => (name, format!("'{}'", id(number))),
        (_, "null") => (name, "NULL".to_owned()),
        (_, "text") => (name, format!("'{}'", value.replace('\'', "''"))),
        (_, "bytes") => (name, format!("'\\x{value}'")),
        (_, "timestamp") => (name, format!("to_timestamp({value} / 1000.0)")),
        _ => (name, value),
    };
    stored(name).into_iter().map(literal).unzip()
}

async fn insert(place: &Place, name: &str, number: u64) {
    let (names, values) = row(name, number);
    let (names, values) = (names.join(", "), values.join(", "));
    place.sql(&format!("INSERT INTO heirloom_families ({names}) VALUES ({values})")).await;
}

/// The families of the rows of 0.1.0, by number.
fn expected() -> [Family; 3] {
    let mut families = [families::fresh(), families::full(), families::ended()];
    for (family, number) in families.iter_mut().zip(1..) {
        family.id = id(number);
    }
    families
}

async fn filled() -> Place {
    let place = of_0_1_0().await;
    for (name, number) in ["fresh", "full", "ended"].into_iter().zip(1..) {
        insert(&place, &format!("0.1.0/{name}.row"), number).await;
    }
    place
}

/// An instant at which all the families live that are not ended.
const THEN: Timestamp = Timestamp::from_millis(7_000);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_family_of_0_1_0_is_the_same_after_the_migration_and_rotates() {
    let place = filled().await;
    let error = PostgresStore::open(place.pool(1)).await.unwrap_err();
    assert!(chain(&error).contains("version 1, this release needs 2"), "{}", chain(&error));
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    let store = place.store().await;
    for mut family in expected() {
        assert_eq!(store.load(family.id).await.unwrap().as_ref(), Some(&family));
        let binding = family.grant.binding;
        let request = Request::new("web").binding(binding);
        let generation = family.head.generation;
        let mut guard = guard_of(&family, generation, &request, &Policy::default(), THEN);
        guard.digest = family.head.digest;
        let mut next = families::displaced().head;
        (next.generation, next.displaced) = (generation + 1, false);
        let written = store.advance(testing::advance(guard, next.clone())).await.unwrap();
        if family.status == Status::Live {
            (family.version, family.head) = (family.version + 1, next);
            assert_eq!(committed(written), family);
        }
        assert_eq!(store.load(family.id).await.unwrap(), Some(family));
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn an_upgrade_is_done_once_by_however_many_nodes() {
    let place = filled().await;
    let mut nodes = JoinSet::new();
    for _ in 0..8 {
        let pool = place.pool(1);
        nodes.spawn(async move { PostgresStore::migrate(&pool).await });
    }
    for migrated in nodes.join_all().await {
        migrated.unwrap();
    }
    assert_eq!(load(&place.store().await, 2).await, Some(expected()[1].clone()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn tables_that_are_new_by_hand_or_brought_forward_are_alike() {
    let (new, migrated, by_hand) = (Place::new().await, filled().await, filled().await);
    PostgresStore::migrate(&migrated.pool(1)).await.unwrap();
    for upgrade in PostgresStore::UPGRADES {
        by_hand.sql(&format!("BEGIN; {upgrade}; COMMIT")).await;
    }
    let expected = catalog(&new).await;
    assert!(expected.len() > 90, "{}", expected.len());
    assert_eq!(catalog(&migrated).await, expected);
    assert_eq!(catalog(&by_hand).await, expected);
}

/// Columns, expressions, checks, indexes, comments, settings and version.
async fn catalog(place: &Place) -> Vec<String> {
    let catalog = "
        SELECT format('%s %s %s %s %s', attnum, attname, format_type(atttypid, atttypmod), attnotnull,
                      pg_get_expr(adbin, adrelid))
        FROM pg_attribute LEFT JOIN pg_attrdef ON (adrelid, adnum) = (attrelid, attnum)
        WHERE attrelid = 'heirloom_families'::regclass AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT format('%s %s %s', conname, pg_get_constraintdef(oid), convalidated) FROM pg_constraint
        WHERE conrelid = 'heirloom_families'::regclass
        UNION ALL
        SELECT replace(indexdef, current_schema, '') FROM pg_indexes WHERE schemaname = current_schema
        UNION ALL
        SELECT format('%s %s', objsubid, description) FROM pg_description
        WHERE objoid = 'heirloom_families'::regclass
        UNION ALL
        SELECT reloptions::text FROM pg_class WHERE oid = 'heirloom_families'::regclass
        UNION ALL
        SELECT version::text FROM heirloom_schema
        ORDER BY 1";
    place.rows(catalog).await.iter().map(|row| row.get(0)).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn an_upgrade_that_fails_leaves_version_1_as_it_was() {
    let place = filled().await;
    let before = catalog(&place).await;
    place.sql("CREATE VIEW theirs AS SELECT ends_on FROM heirloom_families").await;
    let error = PostgresStore::migrate(&place.pool(1)).await.unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unavailable);
    assert!(chain(&error).contains("depend"), "{}", chain(&error));
    assert_eq!(catalog(&place).await, before);
    place.sql("DROP VIEW theirs").await;
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    assert_eq!(load(&place.store().await, 3).await, Some(expected()[2].clone()));
}

/// Statements of 0.1.0 with their parameters, on a session of their own.
struct OldNode<'a>(&'a Place);

impl OldNode<'_> {
    /// Runs a statement; what it answers in its first column, and in its first two if there are more.
    async fn run(&self, statement: &str, types: &str, params: &[String]) -> Option<String> {
        let execute = params.join(", ");
        let client = self.0.pool(1).get().await.unwrap();
        client.batch_execute(&format!("PREPARE old ({types}) AS {statement}")).await.unwrap();
        let answer = client.simple_query(&format!("EXECUTE old ({execute})")).await.unwrap();
        answer.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => Some(row.get(0).unwrap().to_owned()),
            _ => None,
        })
    }

    async fn create(&self, number: u64) -> bool {
        let (_, values) = row("0.1.0/fresh.row", number);
        self.run(OLD_CREATE, FAMILY, &values).await.is_some()
    }

    async fn is_there(&self, number: u64) -> bool {
        let place = [format!("'{}'", id(number))];
        let client = self.0.pool(1).get().await.unwrap();
        client.batch_execute(&format!("PREPARE old (uuid) AS {OLD_LOAD}")).await.unwrap();
        let answer = client.simple_query(&format!("EXECUTE old ({})", place[0])).await.unwrap();
        answer.iter().any(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(1).is_some(),
            _ => false,
        })
    }

    /// Rotates the current token of a family whose client is web, whatever it is; says whether it was written.
    async fn rotate(&self, family: &Family) -> bool {
        let condition = format!(
            "'{}'; {}; {}; 'web'; NULL; NULL; NULL; now(); NULL; NULL; NULL; NULL",
            family.id,
            family.head.generation,
            bytes(family.head.digest.as_bytes()),
        );
        let head = format!(
            "{}; {}; 1; {AT}; {AT}; {END}; {}; {}; false",
            family.head.generation + 1,
            bytes(&[9; 32]),
            bytes(family.head.digest.as_bytes()),
            bytes(&[8; 16]),
        );
        let params = [condition, head].join("; ");
        let params: Vec<_> = params.split("; ").map(str::to_owned).collect();
        let types = format!("{CONDITION}, {HEAD}");
        self.run(OLD_ADVANCE, &types, &params).await.unwrap() == "t"
    }

    async fn revoke(&self, number: u64) -> bool {
        let params = format!("'{}'; {AT}; 'logout'; 7; NULL; NULL; NULL", id(number));
        let params: Vec<_> = params.split("; ").map(str::to_owned).collect();
        let types = "uuid, timestamptz, text, bigint, bigint, bigint, boolean";
        self.run(OLD_REVOKE, types, &params).await.unwrap() == "t"
    }

    /// Puts another family in the place of one, as a change of the grant does.
    async fn replace(&self, family: &Family) -> bool {
        let (_, mut values) = row("0.1.0/full.row", number_of(family.id));
        values[1] = (family.version + 1).to_string();
        values.push(family.version.to_string());
        self.run(OLD_REPLACE, &format!("{FAMILY}, bigint"), &values).await.unwrap() == "t"
    }
}

const FAMILY: &str = "uuid, bigint, text, text, text, text, json, json, text, bytea, timestamptz,
    timestamptz, timestamptz, timestamptz, text, bigint, bigint, bigint, boolean, bigint, bytea,
    smallint, timestamptz, timestamptz, timestamptz, bytea, bytea, boolean";
const CONDITION: &str = "uuid, bigint, bytea, text, text, bytea, bigint, timestamptz, timestamptz,
    timestamptz, timestamptz, timestamptz";
const HEAD: &str =
    "bigint, bytea, smallint, timestamptz, timestamptz, timestamptz, bytea, bytea, boolean";
const AT: &str = "to_timestamp(7)";
const END: &str = "to_timestamp(60)";

fn bytes(bytes: &[u8]) -> String {
    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("'\\x{digits}'")
}

fn number_of(id: FamilyId) -> u64 {
    let [.., a, b, c, d, e, f, g, h] = *id.as_bytes();
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// They issue, rotate, change and end what they know all of, and what they write is what they meant.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_node_of_0_1_0_that_still_runs_goes_on_with_the_families_that_it_knows() {
    let place = Place::new().await;
    let (store, old) = (place.store().await, OldNode(&place));
    assert!(old.create(1).await && !old.create(1).await);
    assert!(old.is_there(1).await && !old.is_there(2).await);
    let mut family = families::fresh();
    family.id = id(1);
    assert_eq!(load(&store, 1).await.as_ref(), Some(&family));
    for generation in 1..3 {
        let before = family.clone();
        assert!(old.rotate(&family).await);
        assert!(!old.rotate(&before).await, "a lost race");
        family = load(&store, 1).await.unwrap();
        let predecessor = family.head.predecessor.as_ref().unwrap();
        assert_eq!((family.version, family.head.generation), (before.version + 1, generation));
        assert_eq!(predecessor.digest, before.head.digest);
        assert_eq!((predecessor.replays, predecessor.displaced), (0, false));
    }
    // A node of this release goes on from there, and the old one after it.
    let mut guard = guard_of(&family, 2, &Request::new("web"), &Policy::default(), THEN);
    guard.digest = family.head.digest;
    let mut next = families::full().head;
    next.generation = 3;
    family = committed(store.advance(testing::advance(guard, next)).await.unwrap());
    assert!(old.rotate(&family).await);
    family = load(&store, 1).await.unwrap();
    assert_eq!(family.head.generation, 4);
    assert!(old.replace(&family).await);
    let replaced = load(&store, 1).await.unwrap();
    assert_eq!((replaced.version, replaced.head.generation), (family.version + 1, 7));
    assert!(old.revoke(1).await && !old.revoke(1).await);
    assert!(matches!(load(&store, 1).await.unwrap().status, Status::Revoked(_)));
    let page = Page { after: None, limit: 9 };
    let page = store.select(&Selector::client("web"), page).await.unwrap();
    assert!(page.len() == 1 && page[0].is_ok());
}

type Edit = fn(&mut Family);

/// Nothing of it is lost, and it is not taken for ended: 0.1.0 reports an error of its store.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_node_of_0_1_0_that_still_runs_writes_no_family_that_it_does_not_know_all_of() {
    let place = Place::new().await;
    let (store, old) = (place.store().await, OldNode(&place));
    let edits: [Edit; 7] = [
        |family| family.head.displaced = true,
        |family| family.head.predecessor.as_mut().unwrap().displaced = true,
        |family| family.head.predecessor.as_mut().unwrap().replays = 1,
        |family| family.branches = families::branches(&[(1, 0, 60_000)]),
        |family| {
            family.branches = families::branches(&[]);
            family.branches.made = 1;
        },
        |family| *family = families::adopted(),
        |family| *family = families::branched(),
    ];
    for (edit, number) in edits.into_iter().zip(1..) {
        let mut family = families::full();
        edit(&mut family);
        family.id = id(number);
        // Nothing else keeps it from being written.
        let mut grant = (*family.grant).clone();
        grant.binding = None;
        family.grant = grant.into();
        create(&store, &family).await;
        assert!(!old.rotate(&family).await, "{family:?}");
        assert!(!old.replace(&family).await, "{family:?}");
        assert!(!old.revoke(number).await, "{family:?}");
        assert!(old.is_there(number).await);
        assert_eq!(load(&store, number).await, Some(family));
    }
    // A node of this release ends all of them.
    for number in 1..8 {
        let ended = revoke(&store, number, 9).await.unwrap();
        assert!(matches!(ended, heirloom::store::Revoked::ByThisCall(_)), "{ended:?}");
    }
    // Each of the others is one that it knows: as a control of the above.
    for (family, number) in stated().into_iter().zip(20..).take(2) {
        let mut family = Family::clone(&family);
        family.id = id(number);
        create(&store, &family).await;
        assert!(old.revoke(number).await);
    }
}

/// The migration waits for whoever is writing, and whoever writes then waits for it.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL: bash scripts/test.sh"]
async fn a_statement_that_was_prepared_before_the_migration_is_none_that_fails_after_it() {
    let place = filled().await;
    let pool = place.pool(1);
    let client = pool.get().await.unwrap();
    client.batch_execute(&format!("PREPARE old (uuid) AS {OLD_LOAD}")).await.unwrap();
    let execute = format!("EXECUTE old ('{}')", id(2));
    client.batch_execute(&execute).await.unwrap();
    PostgresStore::migrate(&place.pool(1)).await.unwrap();
    client.batch_execute(&execute).await.unwrap();
    let written = rotate(&place.store().await, 2, 3).await.unwrap();
    assert!(matches!(written, Written::Declined(Some(_))));
}
