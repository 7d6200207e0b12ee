//! An engine is shared, and its futures are spawned, over any store.

use std::future::Future;
use std::sync::Arc;
use std::thread::{JoinHandle, spawn};

use heirloom::adoption::Legacy;
use heirloom::store::DynStore;
use heirloom::testing::FaultStore;
use heirloom::{
    Begun, Engine, FamilyId, Grant, Key, KeyRing, MemoryStore, Outcome, Page, Policy, Reason,
    Redemption, Request, Selector, Store, Timestamp,
};
use pollster::block_on;

fn engine<S: Store>(store: S) -> Engine<S> {
    Engine::new(store, KeyRing::new(Key::new(1, &[1; 32]).unwrap()), Policy::default())
}

/// Runs a future on a thread of its own, as a runtime does.
fn spawned<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
    spawn(|| block_on(future))
}

fn shared<T: Send + Sync>() {}

fn sent<T: Send>(_: T) {}

#[test]
fn engines_and_stores_are_shared_between_threads() {
    shared::<Engine<MemoryStore>>();
    shared::<Engine<Arc<dyn DynStore>>>();
    shared::<Engine<FaultStore<MemoryStore>>>();
    shared::<MemoryStore>();
    shared::<Redemption<'static, MemoryStore, heirloom::SystemClock, heirloom::entropy::OsEntropy>>(
    );
    shared::<heirloom::Error>();
}

/// Does not compile when a future is not `Send`; nothing of it runs.
fn every_future_is_sent<S: Store>(engine: &Engine<S>, selector: &Selector) {
    let (request, id) = (Request::new("web-app"), FamilyId::from_bytes([1; 16]));
    let grant = || Grant::new("alice", "web-app");
    sent(engine.issue(grant()));
    let policy = engine.policy();
    sent(engine.issue_under(&policy, grant()));
    sent(engine.refresh("", request));
    sent(engine.begin("", request));
    sent(async {
        if let Ok(Begun::Ready(redemption)) = engine.begin("", request).await {
            drop(redemption.commit().await);
        }
    });
    sent(engine.revoke("", request));
    sent(engine.revoke_family(id, Reason::Logout));
    sent(engine.revoke_all(selector, Reason::Logout));
    sent(engine.revoke_others(selector, id, Reason::Logout));
    sent(engine.change_grant(id, |_| grant()));
    sent(engine.introspect(""));
    sent(engine.introspect_by("", |_| &policy));
    sent(engine.explain("", request));
    sent(engine.families(selector, Page { after: None, limit: 1 }));
    sent(engine.purge(1));
    let (legacy, until) = (Legacy::sha256([1; 32]), Timestamp::MAX);
    sent(engine.adopt(&legacy, grant(), until));
    sent(engine.adopt_under(&policy, &legacy, grant(), until));
}

#[test]
fn every_future_of_an_engine_is_sent_between_threads() {
    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new());
    every_future_is_sent(&engine(store), &Selector::subject("alice"));
    every_future_is_sent(&engine(MemoryStore::new()), &Selector::subject("alice"));
}

#[test]
fn calls_over_a_store_chosen_at_run_time_are_spawned() {
    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new());
    let engine = Arc::new(engine(store));
    let shared = Arc::clone(&engine);
    let issued =
        spawned(async move { shared.issue(Grant::new("alice", "web-app")).await }).join().unwrap();
    let token: Arc<str> = issued.unwrap().token.unwrap().expose().into();
    let refreshes = [(); 4].map(|()| {
        let (engine, token) = (Arc::clone(&engine), Arc::clone(&token));
        spawned(async move { engine.refresh(&token, Request::new("web-app")).await })
    });
    let tokens = refreshes.map(|refresh| match refresh.join().unwrap().unwrap() {
        Outcome::Granted(granted) => granted.token.unwrap().into_exposed(),
        Outcome::Refused(why) => panic!("{why}"),
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
    let shared = Arc::clone(&engine);
    let revoked = spawned(async move {
        let alice = Selector::subject("alice");
        shared.revoke_all(&alice, Reason::Logout).await
    });
    assert_eq!(revoked.join().unwrap().unwrap(), 1);
}
