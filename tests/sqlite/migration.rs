//! Files of earlier releases: brought forward, with every family as it was.

use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::guard::Guard;
use heirloom::record::columns::{COLUMNS, write};
use heirloom::store::{SqliteStore, Written};
use heirloom::testing::{self, ManualClock};
use heirloom::token::{FamilyId, Position, Presented};
use heirloom::{
    Engine, Key, KeyRing, MemoryStore, Outcome, Policy, Reason, Refusal, Request, Store, Timestamp,
};
use pollster::block_on;
use rusqlite::{Connection, ToSql};
use tempfile::TempDir;

use crate::records::families;
use crate::records::stored::stored;
use crate::sqlite::{START, grant, path, patient as open, request, story, text};

const VERSION_1: &str = include_str!("../../src/store/schema/sqlite.sql");

/// A file as 0.1.0 has left it: in WAL mode, with these tables.
fn of_0_1_0(folder: &TempDir) -> Connection {
    let connection = Connection::open(path(folder)).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; BEGIN").unwrap();
    connection.execute_batch(VERSION_1).unwrap();
    connection
        .execute_batch("PRAGMA user_version = 1; PRAGMA application_id = 0x68656972; COMMIT")
        .unwrap();
    connection
}

/// Puts in what 0.1.0 would have written of a family.
fn insert(connection: &Connection, family: &Family) {
    let row = write(family);
    let new = ["kept_until", "branches", "branches_end_at", "displaced"];
    let is_old = |name: &str| {
        !new.contains(&name) && !["predecessor_replays", "predecessor_displaced"].contains(&name)
    };
    let (mut names, mut values): (Vec<_>, Vec<&dyn ToSql>) = (vec![], vec![]);
    for (column, value) in COLUMNS.iter().zip(&row).filter(|(column, _)| is_old(column.name)) {
        names.push(column.name);
        values.push(value);
    }
    assert_eq!(names.len(), 28);
    let places = vec!["?"; names.len()].join(", ");
    let sql = format!("INSERT INTO families ({}) VALUES ({places})", names.join(", "));
    assert_eq!(connection.execute(&sql, &values[..]).unwrap(), 1);
}

/// Puts in a row of 0.1.0, under an id of its own.
fn insert_golden(connection: &Connection, name: &str, number: u8) -> FamilyId {
    let mut id = *families::ID.as_bytes();
    id[15] = number;
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let literal = |(name, kind, value): (String, String, String)| match (&*name, &*kind) {
        ("id", _) => (name, format!("x'{}'", hex(&id))),
        (_, "null") => (name, "NULL".to_owned()),
        (_, "text") => (name, format!("'{}'", value.replace('\'', "''"))),
        (_, "bytes") => (name, format!("x'{value}'")),
        (_, "flag") => (name, u8::from(value == "true").to_string()),
        _ => (name, value),
    };
    let (names, values): (Vec<_>, Vec<_>) = stored(name).into_iter().map(literal).unzip();
    let (names, values) = (names.join(", "), values.join(", "));
    connection.execute(&format!("INSERT INTO families ({names}) VALUES ({values})"), []).unwrap();
    FamilyId::from_bytes(id)
}

/// As another process sees it.
fn schema(folder: &TempDir) -> (i32, i32, Vec<(String, Option<String>)>) {
    let connection = Connection::open(path(folder)).unwrap();
    let read = |pragma: &str| connection.query_row(pragma, [], |row| row.get(0)).unwrap();
    let mut statement =
        connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let tables = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    let tables = tables.map(Result::unwrap).collect();
    (read("PRAGMA user_version"), read("PRAGMA application_id"), tables)
}

#[test]
fn a_row_of_0_1_0_says_the_same_after_the_migration_and_rotates() {
    let folder = tempfile::tempdir().unwrap();
    let old = of_0_1_0(&folder);
    let named =
        [("fresh", families::fresh()), ("full", families::full()), ("ended", families::ended())];
    let mut expected = Vec::new();
    for ((name, mut family), number) in named.into_iter().zip(1..) {
        family.id = insert_golden(&old, &format!("0.1.0/{name}.row"), number);
        expected.push(family);
    }
    drop(old);
    let store = open(&path(&folder));
    for mut family in expected {
        assert_eq!(block_on(store.load(family.id)).unwrap().as_ref(), Some(&family));
        let mut head = families::displaced().head;
        (head.generation, head.displaced) = (family.head.generation + 1, false);
        let step = testing::advance(guard(&family), head.clone());
        let written = block_on(store.advance(step)).unwrap();
        if family.status == Status::Live {
            (family.version, family.head) = (family.version + 1, head);
            let Written::Committed(committed) = written else { panic!("{written:?}") };
            assert_eq!(committed.family(), &family);
        }
        assert_eq!(block_on(store.load(family.id)).unwrap(), Some(family));
    }
}

/// The guard of the current token, whatever its secret is.
fn guard(family: &Family) -> Guard {
    let key = || Key::new(1, &[1; 32]).unwrap();
    let generation = family.head.generation;
    let position = Position { family: family.id, branch: 0, generation };
    let token = testing::token(&key(), position, [0; 32]);
    let presented = Presented::verify(token.expose(), &KeyRing::new(key())).unwrap();
    let request = Request::new("web").binding(family.grant.binding);
    let now = Timestamp::from_millis(7_000);
    let mut guard = Guard::new(&presented, &request, &Policy::default(), now).unwrap();
    guard.digest = family.head.digest;
    guard
}

/// Issued and rotated by an engine, and stored as 0.1.0 stored it.
#[test]
fn clients_of_0_1_0_go_on_after_the_migration() {
    let clock = ManualClock::at(START);
    let keys = || KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let memory = Engine::new(MemoryStore::new(), keys(), Policy::default());
    let memory = memory.with_clock(clock.clone());
    let issue = |name| block_on(memory.issue(grant(name))).unwrap();
    let rotate = |token: &str| match block_on(memory.refresh(token, request())).unwrap() {
        Outcome::Granted(granted) => granted,
        Outcome::Refused(why) => panic!("{why}"),
    };
    let (fresh, rotated, revoked) = (issue("alice"), issue("bob"), issue("carol"));
    clock.advance(Duration::from_secs(60));
    let second = rotate(text(&rotated));
    let _ = block_on(memory.revoke_family(revoked.family, Reason::Logout)).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let old = of_0_1_0(&folder);
    let families = memory.store().snapshot();
    families.iter().for_each(|family| insert(&old, family));
    drop(old);
    let store = open(&path(&folder));
    for family in families {
        assert_eq!(block_on(store.load(family.id)).unwrap(), Some(family));
    }
    let node = Engine::new(&store, keys(), Policy::default()).with_clock(clock.clone());
    let refresh = |token: &str| block_on(node.refresh(token, request())).unwrap();
    // Inside the leeway of a rotation that 0.1.0 has made.
    let Outcome::Granted(replayed) = refresh(text(&rotated)) else { panic!("replayed") };
    assert_eq!(text(&replayed), text(&second));
    for token in [text(&fresh), text(&second)] {
        assert!(matches!(refresh(token), Outcome::Granted(_)));
    }
    let Outcome::Refused(Refusal::Revoked(Reason::Logout)) = refresh(text(&revoked)) else {
        panic!("revoked")
    };
    // A spent token is recognised.
    clock.advance(Duration::from_secs(60));
    assert!(matches!(refresh(text(&rotated)), Outcome::Refused(Refusal::Reused { .. })));
    // The end that 0.1.0 has stored is the one that a purge goes by.
    clock.advance(Duration::from_millis(7 * 86_400_000 + 1));
    assert_eq!(block_on(node.purge(9)).unwrap(), 2);
}

#[test]
fn a_new_file_and_a_migrated_one_are_alike() {
    let (new, migrated) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    drop(of_0_1_0(&migrated));
    for folder in [&new, &migrated] {
        drop(open(&path(folder)));
    }
    assert_eq!(schema(&migrated), schema(&new));
    assert_eq!(schema(&new).0, 2);
}

#[test]
fn many_that_migrate_a_file_at_once_all_can() {
    for _ in 0..10 {
        let folder = tempfile::tempdir().unwrap();
        let old = of_0_1_0(&folder);
        let id = insert_golden(&old, "0.1.0/full.row", 1);
        std::thread::scope(|scope| {
            let open = || {
                let store = open(&path(&folder));
                block_on(store.load(id)).unwrap().unwrap()
            };
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap().grant, families::full().grant);
            }
        });
    }
}

#[test]
fn a_migration_that_fails_leaves_version_1_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let old = of_0_1_0(&folder);
    insert_golden(&old, "0.1.0/full.row", 1);
    old.execute_batch(
        "CREATE TRIGGER theirs BEFORE UPDATE ON families BEGIN SELECT raise(ABORT, 'not now'); END",
    )
    .unwrap();
    let before = schema(&folder);
    let error = SqliteStore::open(path(&folder)).unwrap_err();
    assert!(story(&error).contains("not now"), "{}", story(&error));
    assert_eq!(schema(&folder), before);
    let used: i64 = old.query_row("SELECT used_at FROM families", [], |row| row.get(0)).unwrap();
    assert_eq!(used, 6_000);
    old.execute_batch("DROP TRIGGER theirs").unwrap();
    drop(open(&path(&folder)));
    assert_eq!(schema(&folder).0, 2);
}

/// A row that cannot be stops no migration: it is refused when it is read, and hides no other.
#[test]
fn a_damaged_row_stops_no_migration_and_stays_refused() {
    let folder = tempfile::tempdir().unwrap();
    let old = of_0_1_0(&folder);
    let damaged = [
        (1, "generation = 0", "predecessor"),
        (2, "status = 'revoked'", "revoked_at"),
        (3, "digest = x'00'", "digest"),
    ];
    old.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    for (number, damage, _) in damaged {
        let id = insert_golden(&old, "0.1.0/full.row", number);
        let sql = format!("UPDATE families SET {damage} WHERE id = ?1");
        old.execute(&sql, [id.as_bytes()]).unwrap();
    }
    let sound = insert_golden(&old, "0.1.0/full.row", 4);
    drop(old);
    let store = open(&path(&folder));
    for (number, damage, column) in damaged {
        let mut id = *families::ID.as_bytes();
        id[15] = number;
        let error = block_on(store.load(FamilyId::from_bytes(id))).unwrap_err();
        assert!(story(&error).contains(column), "{damage}: {}", story(&error));
    }
    assert!(block_on(store.load(sound)).unwrap().is_some());
}

/// A process of 0.1.0 that was not stopped: it writes nothing that a later one cannot read.
#[test]
fn a_rotation_by_a_process_of_0_1_0_that_was_not_stopped_is_refused_by_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let old = of_0_1_0(&folder);
    let id = insert_golden(&old, "0.1.0/fresh.row", 1);
    let store = open(&path(&folder));
    let first = "UPDATE families SET generation = 1, version = 2, predecessor_digest = digest,
        predecessor_salt = zeroblob(16), predecessor_closed = 0 WHERE id = ?1";
    let error = old.execute(first, [id.as_bytes()]).unwrap_err();
    assert!(error.to_string().contains("CHECK constraint failed"), "{error}");
    let mut family = families::fresh();
    family.id = id;
    assert_eq!(block_on(store.load(id)).unwrap(), Some(family));
}
