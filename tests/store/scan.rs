//! S10 over the store in memory, and through what wraps a store.

use std::error::Error as _;
use std::sync::Arc;

use heirloom::family::{Family, Impossible};
use heirloom::store::{Cursor, CursorError, DynStore, Scanned, StoreErrorKind};
use heirloom::testing::{Fault, FaultStore, Operation};
use heirloom::{
    Engine, FamilyId, Grant, Key, KeyRing, MemoryStore, Policy, Reason, Selector, Store,
};
use pollster::block_on;

/// A store that holds so many families.
fn store(families: usize) -> MemoryStore {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let engine = Engine::new(Arc::new(MemoryStore::new()), keys, Policy::default());
    for number in 0..families {
        let _ = block_on(engine.issue(Grant::new(&number.to_string(), "web-app"))).unwrap();
    }
    block_on(engine.revoke_all(&Selector::subject("0"), Reason::Logout)).unwrap();
    let copy = MemoryStore::new();
    copy.restore(engine.store().snapshot());
    copy
}

fn walk(store: &impl Store, limit: usize) -> Vec<Result<Family, Impossible>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let Scanned { families, next } = block_on(store.scan(after, limit)).unwrap();
        assert!(families.len() <= limit.max(1), "{} of {limit}", families.len());
        found.extend(families);
        match next {
            Some(cursor) => after = Some(cursor),
            None => return found,
        }
    }
}

#[test]
fn the_store_in_memory_shows_all_in_the_order_of_ids() {
    let store = store(30);
    let mut families = store.snapshot();
    families.sort_by_key(|family| family.id);
    let expected: Vec<_> = families.iter().cloned().map(Ok).collect();
    for limit in [0, 1, 7, 29, 30, 31, usize::MAX] {
        assert_eq!(walk(&store, limit), expected, "{limit}");
    }
    assert_eq!(walk(&MemoryStore::new(), 1), []);
}

#[test]
fn the_store_in_memory_says_of_a_damaged_family_why_it_cannot_be() {
    let store = store(5);
    let mut families = store.snapshot();
    families[2].version = 0;
    let damaged = Impossible { family: families[2].id, field: "version" };
    store.restore(families);
    for limit in [1, 2, 5] {
        let refused: Vec<_> = walk(&store, limit).into_iter().filter_map(Result::err).collect();
        assert_eq!(refused, [damaged], "{limit}");
    }
}

#[test]
fn a_family_that_the_cursor_names_may_be_gone() {
    let store = store(9);
    let first = block_on(store.scan(None, 4)).unwrap();
    let mut rest = store.snapshot();
    rest.retain(|family| !first.families.iter().flatten().any(|shown| shown.id == family.id));
    store.restore(rest);
    let second = block_on(store.scan(first.next, 99)).unwrap();
    assert_eq!((second.families.len(), second.next), (5, None));
}

#[test]
fn a_cursor_that_is_no_id_is_refused() {
    for length in [1, 15, 17, 18, 42, 64] {
        let foreign = Cursor::new(&vec![0; length]).unwrap();
        let error = block_on(store(1).scan(Some(foreign), 9)).unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::Unusable);
        assert!(!error.is_retryable());
        assert_eq!(error.source().unwrap().downcast_ref(), Some(&CursorError::Foreign));
    }
}

#[test]
fn a_scan_passes_through_every_wrapper() {
    let expected = walk(&store(0), 3);
    assert_eq!(expected, []);
    let inner = Arc::new(store(7));
    let expected = walk(&inner, 3);
    let chosen: Box<dyn DynStore> = Box::new(Arc::clone(&inner));
    assert_eq!(walk(&chosen, 3), expected);
    assert_eq!(walk(&&inner, 3), expected);
    assert_eq!(walk(&FaultStore::new(inner), 3), expected);
}

#[test]
fn a_scan_fails_and_counts_and_is_poisoned_as_other_calls() {
    let inner = store(3);
    let id: FamilyId = inner.snapshot()[0].id;
    let store = FaultStore::new(inner);
    store.fail(Fault::After, 1, |operation| operation == Operation::Scan);
    assert!(block_on(store.scan(None, 9)).is_err());
    let poison = Impossible { family: id, field: "status" };
    store.poison(id, Some(poison));
    let refused: Vec<_> = walk(&store, 9).into_iter().filter_map(Result::err).collect();
    assert_eq!(refused, [poison]);
    let operations = store.take_operations();
    assert_eq!((operations.count(Operation::Scan), operations.writes()), (2, 0));
}
