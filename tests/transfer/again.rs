//! Imports over what is there already.

use heirloom::family::{Reason, Status};
use heirloom::store::Store;
use heirloom::testing::{Fault, FaultStore};
use heirloom::transfer::{Import, TransferError};
use heirloom::{MemoryStore, Outcome, Policy, Request};
use pollster::block_on;

use crate::transfer::sample::{everything, families, file, import, is_live, node};

#[test]
fn an_import_that_is_run_twice_changes_nothing_the_second_time() {
    let sample = everything();
    let (whole, count) = (file(&sample.store), u64::try_from(sample.families().len()).unwrap());
    let store = MemoryStore::new();
    import(&store, &whole).unwrap();
    let again = import(&store, &whole).unwrap();
    assert_eq!((again.new, again.known, again.different), (0, count, vec![]));
    assert_eq!(families(&store), sample.families());
}

#[test]
fn what_has_gone_on_since_is_left_alone_and_reported() {
    let sample = everything();
    let whole = file(&sample.store);
    let node = node(&sample.store, Policy::default(), 9);
    let bob = &sample.tokens[1];
    let outcome = block_on(node.refresh(bob, Request::new("web"))).unwrap();
    let Outcome::Granted(granted) = outcome else { panic!("{outcome:?}") };
    let live = sample.families().into_iter().filter(|it| is_live(&it));
    let ended = live.map(|family| family.id).find(|id| *id != granted.family).unwrap();
    block_on(node.revoke_family(ended, Reason::Logout)).unwrap();

    let before = sample.families();
    let imported = import(&sample.store, &whole).unwrap();
    let mut different = imported.different;
    different.sort();
    let mut expected = vec![granted.family, ended];
    expected.sort();
    assert_eq!(different, expected);
    assert_eq!(imported.new, 0);
    assert_eq!(sample.families(), before);
    let family = block_on(sample.store.load(ended)).unwrap().unwrap();
    assert_ne!(family.status, Status::Live, "an ended family stays ended");
}

#[test]
fn an_import_that_fails_anywhere_is_begun_again_and_loses_nothing() {
    let sample = everything();
    let (whole, count) = (file(&sample.store), sample.families().len());
    for fault in [Fault::Before, Fault::After] {
        for call in 0..count {
            let store = FaultStore::new(MemoryStore::new());
            store.fail_at(fault, call);
            assert!(matches!(import(&store, &whole), Err(TransferError::Store(_))));
            assert!(store.inner().len() < count || call + 1 == count);
            let imported = import(&store, &whole).unwrap();
            let all = u64::try_from(count).unwrap();
            assert_eq!(imported.new + imported.known, all, "{fault:?} {call}");
            assert_eq!(families(store.inner()), sample.families());
        }
    }
}

#[test]
fn an_import_shows_how_far_it_is() {
    let sample = everything();
    let whole = file(&sample.store);
    let (mut import, mut file, store) = (Import::new(), &whole[..], MemoryStore::new());
    let mut lines = 0;
    while block_on(import.line(&store, &mut file)).unwrap() {
        lines += 1;
        assert_eq!(import.lines(), lines);
        assert_eq!(import.imported().new, lines - 1);
    }
    assert_eq!(import.lines(), lines + 1);
    assert!(!block_on(import.line(&store, &mut file)).unwrap(), "it is over");
}
