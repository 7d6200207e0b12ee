//! Opening: whose file it is, of which release, and who else has it open.

use std::fs;
use std::path::Path;

use heirloom::Store;
use heirloom::store::{SqliteSettings, SqliteStore, StoreErrorKind};
use pollster::block_on;
use rusqlite::Connection;

use super::{Disk, path, patient, request, story, text};

#[test]
fn what_was_written_is_there_when_the_file_is_opened_again() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let before = disk.load(&root);
    let Disk { folder, store, node, .. } = disk;
    drop((node, store));
    let store = SqliteStore::open(path(&folder)).unwrap();
    assert_eq!(block_on(store.load(root.family)).unwrap(), Some(before));
}

#[test]
fn many_that_open_a_new_file_at_once_all_can() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            let open = || drop(patient(&path(&folder)));
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        });
    }
}

#[test]
fn a_file_of_a_later_release_is_refused_and_left_as_it_is() {
    let disk = Disk::new();
    disk.issue("alice");
    let other = disk.other();
    other.pragma_update(None, "user_version", 3).unwrap();
    assert_refused(&disk.path(), "schema version 3");
    let families: i64 =
        other.query_row("SELECT count(*) FROM families", [], |it| it.get(0)).unwrap();
    let version: i64 = other.query_row("PRAGMA user_version", [], |it| it.get(0)).unwrap();
    assert_eq!((families, version), (1, 3));
}

#[test]
fn a_file_of_another_program_is_refused_and_left_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(path(&folder)).unwrap();
    other.execute_batch("CREATE TABLE orders (id INTEGER)").unwrap();
    assert_refused(&path(&folder), "another program");
    let tables: i64 =
        other.query_row("SELECT count(*) FROM sqlite_schema", [], |it| it.get(0)).unwrap();
    assert_eq!(tables, 1);
    let mode: String = other.query_row("PRAGMA journal_mode", [], |it| it.get(0)).unwrap();
    assert_eq!(mode, "delete", "not even its journal mode is changed");
}

fn assert_refused(path: &Path, why: &str) {
    let error = SqliteStore::open(path).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(!error.is_retryable());
    assert!(story(&error).contains(why), "{}", story(&error));
}

#[test]
fn what_is_no_database_is_an_error_and_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let text = "not a database, but long enough to look like one: ".repeat(40);
    fs::write(path(&folder), &text).unwrap();
    let error = SqliteStore::open(path(&folder)).unwrap_err();
    assert!(story(&error).contains("not a database"), "{}", story(&error));
    assert_eq!(fs::read_to_string(path(&folder)).unwrap(), text);
}

#[test]
fn a_folder_that_is_not_there_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let error = SqliteStore::open(folder.path().join("none/families.db")).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(story(&error).contains("unable to open"), "{}", story(&error));
}

/// A volume that is not mounted would be an empty store, and log everybody out.
#[test]
fn a_file_that_must_exist_and_does_not_is_an_error_and_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let there = SqliteSettings::default().must_exist();
    let error = SqliteStore::open_with(path(&folder), &there).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(!path(&folder).exists());
    drop(SqliteStore::open(path(&folder)).unwrap());
    drop(SqliteStore::open_with(path(&folder), &there).unwrap());
}

/// The connections of a store were closed at once, and in one of twenty stops each left it to the other to take the write-ahead log into the file:
/// whoever then copied or replaced the file alone had an old state, or the log's.
#[test]
fn a_store_that_is_dropped_leaves_one_file_with_everything_in_it() {
    for _ in 0..50 {
        let disk = Disk::new();
        let root = disk.issue("alice");
        let Disk { folder, store, node, .. } = disk;
        drop((node, store));
        let names = fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name());
        assert_eq!(names.collect::<Vec<_>>(), [path(&folder).file_name().unwrap()]);
        let store = SqliteStore::open(path(&folder)).unwrap();
        assert!(block_on(store.load(root.family)).unwrap().is_some());
    }
}

/// Not an outage that passes: somebody must be paged.
#[test]
fn a_damaged_file_is_for_an_operator() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let Disk { folder, store, node, .. } = disk;
    drop((node, store));
    let mut bytes = fs::read(path(&folder)).unwrap();
    // All pages but the first, which says what the file is.
    bytes[4_096..].fill(0xa5);
    fs::write(path(&folder), &bytes).unwrap();
    let store = SqliteStore::open(path(&folder)).unwrap();
    let error = block_on(store.load(root.family)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    assert!(story(&error).contains("malformed"), "{}", story(&error));
    drop(store);
    assert_eq!(fs::read(path(&folder)).unwrap(), bytes, "left as it is");
}

#[test]
fn a_file_whose_name_looks_like_a_uri_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a b?mode=memory#é.db");
    drop(SqliteStore::open(&path).unwrap());
    assert!(path.exists());
}

/// SQLite's defaults would be enough for most programs, and lose the last rotations in a power cut.
#[test]
fn the_file_is_in_wal_mode_and_has_the_schema_of_this_release() {
    let disk = Disk::new();
    let other = disk.other();
    let mode: String = other.query_row("PRAGMA journal_mode", [], |it| it.get(0)).unwrap();
    let version: i64 = other.query_row("PRAGMA user_version", [], |it| it.get(0)).unwrap();
    assert_eq!((&*mode, version), ("wal", 2));
}

/// What an operator types at three in the morning.
#[test]
fn a_family_can_be_read_with_sql() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let _ = block_on(disk.node.refresh(text(&root), request())).unwrap();
    block_on(disk.node.revoke_family(root.family, heirloom::Reason::Logout)).unwrap();
    let row: (String, String, String, String, i64, String) = disk
        .other()
        .query_row(
            "SELECT subject, client, scope, status || ': ' || reason, generation, \
             datetime(created_at / 1000, 'unixepoch') || ' ' || attributes FROM families",
            [],
            |row| {
                let text = |index| row.get(index);
                Ok((text(0)?, text(1)?, text(2)?, text(3)?, row.get(4)?, text(5)?))
            },
        )
        .unwrap();
    let (subject, client, scope, status, generation, rest) = row;
    assert_eq!([&*subject, &*client, &*scope], ["alice", "web-app", "read write"]);
    assert_eq!((&*status, generation), ("revoked: logout", 1));
    assert_eq!(rest, r#"2023-11-14 22:13:20 {"acr":"2"}"#);
}

/// It tells who uses what.
#[cfg(unix)]
#[test]
fn the_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let disk = Disk::new();
    disk.issue("alice");
    for end in ["", "-wal", "-shm"] {
        let mut name = disk.path().into_os_string();
        name.push(end);
        let mode = fs::metadata(&name).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name:?}");
    }
}
