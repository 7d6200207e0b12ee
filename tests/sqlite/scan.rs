//! All families of a file, in the order of their keys.

use std::error::Error as _;

use heirloom::store::{Cursor, CursorError, Scanned, SqliteStore, StoreErrorKind};
use heirloom::token::FamilyId;
use heirloom::{Reason, Store};
use pollster::block_on;

use super::{Disk, request, text};

type Found = Vec<(FamilyId, Option<&'static str>)>;

/// The ids of all from a place on, by a cursor that is written down after every page; those that are refused with the field.
fn walk(store: &SqliteStore, after: Option<Cursor>, limit: usize) -> Found {
    let (mut found, mut place) = (Vec::new(), after.map(|cursor| cursor.to_string()));
    loop {
        let after = place.map(|text| text.parse().unwrap());
        let Scanned { families, next } = block_on(store.scan(after, limit)).unwrap();
        assert!(families.len() <= limit, "{} of {limit}", families.len());
        found.extend(families.into_iter().map(|family| match family {
            Ok(family) => (family.id, None),
            Err(impossible) => (impossible.family, Some(impossible.field)),
        }));
        assert!(found.len() < 10_000, "it comes to no end");
        match next {
            Some(cursor) => place = Some(cursor.to_string()),
            None => return found,
        }
    }
}

#[test]
fn all_are_shown_in_pages_of_any_size_ended_and_damaged_ones_too() {
    let disk = Disk::new();
    let mut expected: Found =
        (0..40).map(|number| (disk.issue(&number.to_string()).family, None)).collect();
    block_on(disk.node.revoke_family(expected[3].0, Reason::Logout)).unwrap();
    let damaged = expected[5].0;
    let sql = "UPDATE families SET attributes = 'null' WHERE id = ?1";
    assert_eq!(disk.other().execute(sql, [damaged.as_bytes()]).unwrap(), 1);
    expected[5].1 = Some("attributes");
    expected.sort();
    for limit in [1, 7, 39, 40, 41, usize::MAX] {
        assert_eq!(walk(&disk.store, None, limit), expected, "{limit}");
    }
    // Another process goes on where this one was interrupted.
    let other = SqliteStore::open(disk.path()).unwrap();
    assert_eq!(walk(&other, Some(Cursor::after(expected[9].0)), 4), expected[10..]);
}

#[test]
fn families_that_come_and_go_and_change_meanwhile_hide_none() {
    let disk = Disk::new();
    let there: Vec<_> = (0..40).map(|number| disk.issue(&number.to_string())).collect();
    let (mut found, mut after) = (Vec::new(), None);
    for round in 0.. {
        let Scanned { families, next } = block_on(disk.store.scan(after, 3)).unwrap();
        found.extend(families.into_iter().map(|family| family.unwrap().id));
        if round < 20 {
            let _ = disk.issue("later");
            let _ = block_on(disk.node.refresh(text(&there[39 - round]), request())).unwrap();
        }
        // Also the one that the cursor names.
        if let Some(last) = found.last() {
            let gone =
                disk.other().execute("DELETE FROM families WHERE id = ?1", [last.as_bytes()]);
            assert!(gone.unwrap() <= 1);
        }
        after = next;
        if after.is_none() {
            break;
        }
    }
    for granted in &there {
        assert_eq!(found.iter().filter(|id| **id == granted.family).count(), 1);
    }
}

/// Such a row is no family of anybody, but it is found, and the walk gets past it.
#[test]
fn rows_whose_keys_are_no_ids_hide_none() {
    let disk = Disk::new();
    let sound: Vec<_> = (0..4).map(|number| disk.issue(&number.to_string()).family).collect();
    let other = disk.other();
    other.execute_batch("PRAGMA ignore_check_constraints = ON").unwrap();
    let mut keys: Vec<Vec<u8>> = [1, 10, 15, 17, 47].map(|length| vec![0; length]).into();
    keys.push([0xff; 20].to_vec());
    for key in &keys {
        let granted = disk.issue("damaged");
        let sql = "UPDATE families SET id = ?1 WHERE id = ?2";
        let changed = other.execute(sql, (key, granted.family.as_bytes())).unwrap();
        assert_eq!(changed, 1);
    }
    for limit in [1, 2, 3, 99] {
        let found = walk(&disk.store, None, limit);
        let refused = found.iter().filter(|(_, field)| *field == Some("id")).count();
        assert_eq!((found.len(), refused), (4 + keys.len(), keys.len()), "{limit}");
        assert!(sound.iter().all(|id| found.contains(&(*id, None))), "{limit}");
    }
}

#[test]
fn a_cursor_that_is_not_of_this_store_is_refused() {
    let disk = Disk::new();
    let _ = disk.issue("alice");
    for length in [1, 15, 17, 18, 42, 64] {
        let foreign = Cursor::new(&vec![0; length]).unwrap();
        let error = block_on(disk.store.scan(Some(foreign), 9)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        assert_eq!(error.source().unwrap().downcast_ref(), Some(&CursorError::Foreign));
    }
}
