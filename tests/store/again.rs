//! An id that is used again: by an import, say, while what had it before is purged.

use std::sync::Barrier;
use std::thread;

use heirloom::store::Store;
use heirloom::{
    Engine, Grant, Key, KeyRing, MemoryStore, Page, Policy, Selector, Timestamp, testing,
};
use pollster::block_on;

/// An older export was imported while a purge ran. A family was indexed, its predecessor of the same id purged with the index's entry, and
/// then the family was stored: to be used, and not to be found by its subject, so that no logout everywhere ended it.
#[test]
fn a_family_that_is_created_beside_the_purge_of_its_id_is_found_by_subject_and_client() {
    let store = MemoryStore::new();
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    block_on(Engine::new(&store, keys, Policy::default()).issue(Grant::new("alice", "web")))
        .unwrap();
    let family = store.snapshot().pop().unwrap();
    let (alice, web) = (Selector::subject("alice"), Selector::client("web"));
    let both = Barrier::new(2);
    for _ in 0..3_000 {
        thread::scope(|scope| {
            let purging = scope.spawn(|| {
                both.wait();
                block_on(store.purge(testing::purge(Timestamp::MAX, 1))).unwrap()
            });
            both.wait();
            // Before it was purged it is taken, or created and purged; after, it is created, and stays.
            let _ = block_on(store.create(testing::create(family.clone()))).unwrap();
            assert!(purging.join().unwrap() <= 1);
        });
        let is_there = block_on(store.load(family.id)).unwrap().is_some();
        for selector in [&alice, &web] {
            let page = Page { after: None, limit: 2 };
            let found = block_on(store.select(selector, page)).unwrap().len();
            assert_eq!(found, usize::from(is_there), "{selector:?}");
        }
    }
}
