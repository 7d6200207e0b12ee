//! S9: rows that cannot be are refused with id and column, written by nobody, and hide no others.

use heirloom::store::{StoreError, StoreErrorKind};
use heirloom::{
    Engine, Error, Granted, Key, KeyRing, Page, Policy, Reason, Selector, Store, SystemClock,
};
use pollster::block_on;
use rusqlite::types::Value;

use super::{Disk, grant, request, text};

/// What goes wrong, and the column that must be named.
const DAMAGES: [(&str, &str); 31] = [
    ("status = 'moved'", "status"),
    ("status = 'revoked'", "revoked_at"),
    ("revoked_at = 1", "revoked_at"),
    ("reason = 'logout'", "reason"),
    ("version = 0", "version"),
    ("version = -1", "version"),
    ("version = 9007199254740992", "version"),
    ("subject = ''", "grant"),
    ("subject = CAST(x'ff41' AS TEXT)", "subject"),
    ("scope = 'b  a'", "scope"),
    ("scope = 'é'", "grant"),
    ("resources = '[1]'", "resources"),
    ("attributes = '{\"acr\":'", "attributes"),
    ("binding_method = 'mtls', binding_thumbprint = zeroblob(32)", "binding_method"),
    ("binding_method = 'jkt'", "binding_thumbprint"),
    ("created_at = -1", "created_at"),
    ("created_at = 9007199254740992", "created_at"),
    ("expires_at = 1", "expires_at"),
    ("digest = x'00'", "digest"),
    ("key_id = 256", "key_id"),
    ("used_at = 1", "used_at"),
    ("predecessor_salt = zeroblob(16)", "predecessor_salt"),
    ("kept_until = 1", "kept_until"),
    ("kept_until = -1", "kept_until"),
    ("branches = '{}'", "branches"),
    ("branches = '[]'", "branches"),
    ("branches = '{\"made\":1,\"live\":[{}]}'", "branches"),
    ("branches_end_at = 1", "branches_end_at"),
    ("displaced = 1", "displaced"),
    ("displaced = 2", "displaced"),
    ("predecessor_replays = 0", "predecessor_replays"),
];

#[test]
fn a_damaged_row_is_refused_with_its_id_and_column_and_written_by_nobody() {
    for (damage, column) in DAMAGES {
        let disk = Disk::new();
        let root = disk.issue("alice");
        let sound = disk.issue("bob");
        let other = disk.other();
        other.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
        let sql = format!("UPDATE families SET {damage} WHERE id = ?1");
        assert_eq!(other.execute(&sql, [root.family.as_bytes()]).unwrap(), 1);
        let before = dump(&disk);

        assert_impossible(block_on(disk.store.load(root.family)).unwrap_err(), &root, column);
        for error in [
            block_on(disk.node.refresh(text(&root), request())).unwrap_err(),
            block_on(disk.node.revoke_family(root.family, Reason::Logout)).unwrap_err(),
            block_on(disk.node.change_grant(root.family, |_| grant("alice"))).unwrap_err(),
        ] {
            let Error::Store(error) = error else { panic!("{damage}: {error}") };
            assert_impossible(error, &root, column);
        }
        assert_eq!(dump(&disk), before, "{damage}: written");

        let page = Page { after: None, limit: 9 };
        let all = block_on(disk.store.select(&Selector::client("web-app"), page)).unwrap();
        let damaged: Vec<_> = all.iter().filter_map(|family| family.as_ref().err()).collect();
        assert_eq!((all.len(), damaged.len()), (2, 1), "{damage}");
        assert_eq!((damaged[0].family, damaged[0].field), (root.family, column));
        assert_eq!(disk.load(&sound).grant.subject.as_ref(), "bob");
    }
}

/// A row whose guard holds although another column cannot be: the write is undone when it is read back.
#[test]
fn a_rotation_that_meets_a_damaged_row_writes_nothing() {
    let disk = Disk::new();
    let root = disk.issue("alice");
    let other = disk.other();
    let damaged = other.execute("UPDATE families SET attributes = 'null'", []).unwrap();
    assert_eq!(damaged, 1);
    let before = dump(&disk);
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let engine: Engine<_, SystemClock> = Engine::new(&disk.store, keys, Policy::default());
    let engine = engine.with_clock(disk.clock.clone());
    let error = block_on(engine.refresh(text(&root), request())).unwrap_err();
    let Error::Store(error) = error else { panic!("{error}") };
    assert_impossible(error, &root, "attributes");
    assert_eq!(dump(&disk), before);
    // Mended by hand, it goes on where it was.
    other.execute("UPDATE families SET attributes = '{}'", []).unwrap();
    let _ = block_on(engine.refresh(text(&root), request())).unwrap();
    assert_eq!(disk.load(&root).head.generation, 1);
}

fn assert_impossible(error: StoreError, about: &Granted, column: &str) {
    let StoreErrorKind::Impossible(impossible) = error.kind() else {
        panic!("{column}: {error:?}")
    };
    assert_eq!((impossible.family, impossible.field), (about.family, column));
    assert!(!error.is_retryable());
}

fn dump(disk: &Disk) -> Vec<Vec<Value>> {
    let connection = disk.other();
    let mut statement =
        connection.prepare("SELECT hex(subject), * FROM families ORDER BY id").unwrap();
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        (0..columns).filter(|index| *index != 4).map(|index| row.get::<_, Value>(index)).collect()
    });
    rows.unwrap().collect::<Result<_, _>>().unwrap()
}
