//! One function per clause, generic over the store; each is run on the store itself and on the boxed one.

use std::sync::Arc;
use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::store::DynStore;
use heirloom::testing::{FaultyEntropy, ManualClock, SeededEntropy};
use heirloom::{
    Engine, Grant, Granted, How, Key, KeyRing, MemoryStore, Outcome, Page, Policy, Reason, Refusal,
    Request, RevokeOutcome, Selector, Store, Timestamp,
};
use pollster::block_on;

/// Runs a clause on the in-memory store, plain, shared, and boxed.
macro_rules! on_each_store {
    ($($clause:ident)*) => {
        $(
            mod $clause {
                use super::*;

                #[test]
                fn on_the_store_itself() {
                    super::$clause(MemoryStore::new());
                }

                #[test]
                fn on_a_shared_store() {
                    super::$clause(Arc::new(MemoryStore::new()));
                }

                #[test]
                fn on_a_store_chosen_at_run_time() {
                    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new());
                    super::$clause(store);
                }

                #[test]
                fn on_a_boxed_store() {
                    let store: Box<dyn DynStore> = Box::new(MemoryStore::new());
                    super::$clause(store);
                }
            }
        )*
    };
}

on_each_store! {
    s1_a_taken_id_is_reported_and_nothing_overwritten
    s2_a_load_reads_what_every_node_has_written
    s3_an_advance_whose_guard_does_not_hold_changes_nothing
    s4_a_revocation_is_absorbing_and_the_first_reason_stays
    s5_a_replacement_writes_the_whole_family_and_counts_its_version
    s6_a_selection_finds_every_family_once_in_ascending_pages
    s7_a_purge_removes_only_what_is_due_and_what_selects_it
}

type Node<'a, S> = Engine<&'a S, ManualClock, FaultyEntropy<SeededEntropy>>;

/// A node over a borrowed store; nodes with one clock are a deployment.
fn node<'a, S: Store>(store: &'a S, clock: &ManualClock, seed: u64) -> Node<'a, S> {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    Engine::new(store, keys, Policy::default())
        .with_clock(clock.clone())
        .with_entropy(FaultyEntropy::new(SeededEntropy::new(seed)))
}

fn clock() -> ManualClock {
    ManualClock::at(Timestamp::from_millis(1_700_000_000_000))
}

fn issue<S: Store>(node: &Node<'_, S>, subject: &str) -> Granted {
    block_on(node.issue(Grant::new(subject, "web-app").scope("read"))).unwrap()
}

fn present<S: Store>(node: &Node<'_, S>, token: &Granted) -> Outcome {
    let token = token.token.as_ref().unwrap().expose();
    block_on(node.refresh(token, Request::new("web-app"))).unwrap()
}

fn rotate<S: Store>(node: &Node<'_, S>, token: &Granted) -> Granted {
    match present(node, token) {
        Outcome::Granted(granted) => granted,
        Outcome::Refused(why) => panic!("{why}"),
    }
}

fn load<S: Store>(store: &S, token: &Granted) -> Option<Family> {
    block_on(store.load(token.family)).unwrap()
}

fn s1_a_taken_id_is_reported_and_nothing_overwritten<S: Store>(store: S) {
    let entropy = FaultyEntropy::new(SeededEntropy::new(1));
    let node = node(&store, &clock(), 1).with_entropy(entropy.clone());
    entropy.repeat(2);
    let first = issue(&node, "alice");
    let before = load(&store, &first);
    // The same id is drawn, reported as taken, and drawn again.
    entropy.repeat(2);
    let second = issue(&node, "bob");
    assert_ne!(first.family, second.family);
    assert_eq!(load(&store, &first), before);
    let page = Page { after: None, limit: 9 };
    let bobs = block_on(store.select(&Selector::subject("bob"), page)).unwrap();
    assert_eq!(bobs.iter().flatten().map(|family| family.id).collect::<Vec<_>>(), [second.family]);
}

fn s2_a_load_reads_what_every_node_has_written<S: Store>(store: S) {
    let clock = clock();
    let (one, other) = (node(&store, &clock, 1), node(&store, &clock, 2));
    let mut token = issue(&one, "alice");
    for generation in 0..6 {
        let stored = load(&store, &token).unwrap();
        assert_eq!(stored.head.generation, generation);
        assert_eq!(stored.version, u64::from(generation) + 1, "the issue is the first write");
        token = rotate(if generation % 2 == 0 { &other } else { &one }, &token);
    }
}

fn s3_an_advance_whose_guard_does_not_hold_changes_nothing<S: Store>(store: S) {
    let clock = clock();
    let node = node(&store, &clock, 1);
    let root = issue(&node, "alice");
    let first = rotate(&node, &root);
    let before = load(&store, &first);
    // The generation is another, the client is another, and there is no such family.
    assert_eq!(rotate(&node, &root).how, How::Replayed);
    let other = Request::new("other");
    let token = first.token.as_ref().unwrap().expose();
    assert!(matches!(block_on(node.refresh(token, other)).unwrap(), Outcome::Refused(_)));
    assert_eq!(load(&store, &first), before);
    clock.advance(Duration::from_secs(30 * 86_400));
    assert!(matches!(present(&node, &first), Outcome::Refused(Refusal::Idle)));
    assert_eq!(load(&store, &first), before);
}

fn s4_a_revocation_is_absorbing_and_the_first_reason_stays<S: Store>(store: S) {
    let clock = clock();
    let node = node(&store, &clock, 1);
    let token = issue(&node, "alice");
    let end = |reason| block_on(node.revoke_family(token.family, reason)).unwrap();
    assert_eq!(end(Reason::Logout), RevokeOutcome::Ended);
    let dead = load(&store, &token).unwrap();
    assert!(matches!(&dead.status, Status::Revoked(was) if was.reason == Reason::Logout));
    assert_eq!(end(Reason::Administrator), RevokeOutcome::Before(Reason::Logout));
    assert!(matches!(present(&node, &token), Outcome::Refused(Refusal::Revoked(Reason::Logout))));
    let changed = block_on(node.change_grant(token.family, |_| Grant::new("alice", "web-app")));
    assert!(changed.is_err());
    assert_eq!(load(&store, &token).unwrap(), dead);
}

fn s5_a_replacement_writes_the_whole_family_and_counts_its_version<S: Store>(store: S) {
    let node = node(&store, &clock(), 1);
    let token = issue(&node, "alice");
    let before = load(&store, &token).unwrap();
    let grant = Grant::new("alice", "web-app").scope("read write").attribute("acr", "2");
    block_on(node.change_grant(token.family, |_| grant.clone())).unwrap();
    let after = load(&store, &token).unwrap();
    assert_eq!(after.version, before.version + 1);
    let mut expected = before;
    (expected.version, expected.grant) = (after.version, Arc::new(grant));
    assert_eq!(after, expected);
}

fn s6_a_selection_finds_every_family_once_in_ascending_pages<S: Store>(store: S) {
    let node = node(&store, &clock(), 1);
    let mut alices: Vec<_> = (0..7).map(|_| issue(&node, "alice").family).collect();
    alices.sort();
    let bob = issue(&node, "bob");
    let alice = Selector::subject("alice");
    let mut found = Vec::new();
    loop {
        let page = Page { after: found.last().copied(), limit: 3 };
        let families = block_on(store.select(&alice, page)).unwrap();
        assert!(
            families.len() <= 3 && families.iter().flatten().all(|family| alice.matches(family))
        );
        if families.is_empty() {
            break;
        }
        found.extend(families.iter().flatten().map(|family| family.id));
    }
    assert_eq!(found, alices);
    // Ended families are found too: a host lists them.
    block_on(node.revoke_all(&alice, Reason::Logout)).unwrap();
    let page = Page { after: None, limit: 100 };
    assert_eq!(block_on(store.select(&alice, page)).unwrap().len(), 7);
    assert_eq!(load(&store, &bob).unwrap().status, Status::Live);
}

fn s7_a_purge_removes_only_what_is_due_and_what_selects_it<S: Store>(store: S) {
    let clock = clock();
    let node = node(&store, &clock, 1);
    let dead = [(); 3].map(|()| issue(&node, "alice"));
    block_on(node.revoke_all(&Selector::subject("alice"), Reason::Logout)).unwrap();
    clock.advance(Duration::from_secs(7 * 86_400));
    let live = issue(&node, "alice");
    assert_eq!(block_on(node.purge(2)).unwrap(), 0);
    clock.advance(Duration::from_millis(1));
    assert_eq!(block_on(node.purge(2)).unwrap(), 2);
    assert_eq!(block_on(node.purge(2)).unwrap(), 1);
    assert!(dead.iter().all(|token| load(&store, token).is_none()));
    let page = Page { after: None, limit: 9 };
    let found = block_on(store.select(&Selector::subject("alice"), page)).unwrap();
    assert_eq!(found.iter().flatten().map(|family| family.id).collect::<Vec<_>>(), [live.family]);
    assert!(matches!(present(&node, &dead[0]), Outcome::Refused(Refusal::Unknown)));
}
