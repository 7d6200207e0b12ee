//! Single calls: what their spans say, and at which level their events are told.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::family::Impossible;
use heirloom::store::DynStore;
use heirloom::testing::{Fault, FaultStore, ManualClock, SeededEntropy};
use heirloom::{
    AdoptionKey, Engine, Grant, Granted, Key, KeyRing, Leeway, MemoryStore, Outcome, Policy,
    Reaction, Reason, Recovery, Request, Rotation, Selector, Timestamp,
};
use pollster::block_on;
use tracing::Level;
use tracing::field::Empty;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;

use crate::capture::{Ear, Told};

/// A token of another system.
pub const LEGACY: &str = "8xLOxBtZp8-of-another-system";

/// When every story begins.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

type Node = Engine<FaultStore<MemoryStore>, ManualClock, SeededEntropy>;

struct World {
    node: Node,
    store: FaultStore<MemoryStore>,
    clock: ManualClock,
}

impl World {
    fn new() -> Self {
        let store = FaultStore::new(MemoryStore::new());
        let clock = ManualClock::at(START);
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let node = Engine::new(store.clone(), keys, Policy::default())
            .with_clock(clock.clone())
            .with_entropy(SeededEntropy::new(1));
        Self { node, store, clock }
    }

    fn issue(&self) -> (Granted, String) {
        let grant = Grant::new("alice", "web-app").scope("read");
        let mut issued = block_on(self.node.issue(grant)).unwrap();
        let token = issued.token.take().unwrap().into_exposed();
        (issued, token)
    }

    fn refresh(&self, token: &str) -> Option<Outcome> {
        block_on(self.node.refresh(token, request())).ok()
    }
}

fn request() -> Request<'static> {
    Request::new("web-app")
}

/// The spans of this name, and the events inside the last of them.
fn last<'a>(told: &'a [Told], name: &str) -> (&'a Told, Vec<&'a Told>) {
    let place = told.iter().rposition(|told| told.name == name).unwrap();
    let events = told.iter().filter(|event| !event.is_span && event.parent == Some(place));
    (&told[place], events.collect())
}

#[test]
fn the_span_of_a_refresh_names_family_client_generations_and_outcome() {
    let mut family = None;
    let told = Ear::hear(|| {
        let world = World::new();
        let (issued, token) = world.issue();
        family = Some(issued.family.to_string());
        world.refresh(&token);
    });
    let family = family.unwrap();
    let (issue, _) = last(&told, "heirloom.issue");
    assert_eq!([issue.field("family"), issue.field("outcome")], [&*family, "issued"]);
    let (span, events) = last(&told, "heirloom.refresh");
    for (field, value) in [
        ("family", &*family),
        ("client", "web-app"),
        ("presented", "0"),
        ("generation", "1"),
        ("outcome", "rotated"),
    ] {
        assert_eq!(span.field(field), value, "{field}");
    }
    let [rotated] = events[..] else { panic!("{events:?}") };
    assert_eq!((&*rotated.name, rotated.level), ("rotated", Level::DEBUG));
    assert_eq!([rotated.field("family"), rotated.field("generation")], [&*family, "1"]);
}

#[test]
fn a_breach_is_a_warning_and_its_refusal_and_any_other_is_not() {
    let told = Ear::hear(|| {
        let world = World::new();
        let (_, token) = world.issue();
        world.refresh(&token);
        world.clock.advance(Duration::from_secs(60));
        world.refresh(&token);
        world.refresh("nonsense");
    });
    let warnings: Vec<_> = told.iter().filter(|told| told.level == Level::WARN).collect();
    let [breach] = warnings[..] else { panic!("{warnings:?}") };
    assert!(breach.name.starts_with("breach"));
    assert_eq!(
        [breach.field("generations_behind"), breach.field("successor_used")],
        ["1", "false"]
    );
    assert_eq!(breach.field("since_rotation_seconds").parse(), Ok(60.0));
    let refused: Vec<_> = told.iter().filter(|told| told.name == "refused").collect();
    assert_eq!(refused.len(), 2);
    assert!(refused.iter().all(|refused| refused.level == Level::INFO));
    assert!(refused[0].field("why").starts_with("reuse"), "{refused:?}");
    let (last, _) = last(&told, "heirloom.refresh");
    assert_eq!([last.field("family"), last.field("outcome")], ["", "refused"]);
}

/// A policy that ends nothing for a reuse hides none.
#[test]
fn a_breach_that_ends_nothing_is_a_warning_all_the_same() {
    let refuse = Policy::builder().leeway(None).on_reuse(Reaction::Refuse).build().unwrap();
    let told = Ear::hear(|| {
        let world = World::new();
        let (_, token) = world.issue();
        for _ in 0..2 {
            drop(block_on(world.node.refresh(&token, request().policy(&refuse))).unwrap());
        }
    });
    let warnings: Vec<_> = told.iter().filter(|told| told.level == Level::WARN).collect();
    let [breach] = warnings[..] else { panic!("{warnings:?}") };
    assert!(breach.name.contains("its family lives on"), "{breach:?}");
    assert_eq!(breach.field("generations_behind"), "1");
}

#[test]
fn an_error_of_the_store_is_a_warning_and_a_damaged_record_an_error() {
    let told = Ear::hear(|| {
        let world = World::new();
        let (issued, token) = world.issue();
        world.store.fail(Fault::Before, 1, |operation| operation.writes());
        world.refresh(&token);
        let impossible = Impossible { family: issued.family, field: "salt" };
        world.store.poison(issued.family, Some(impossible));
        world.refresh(&token);
        let _ = block_on(world.node.issue(Grant::new("", "web-app")));
    });
    let failed: Vec<_> = told.iter().filter(|told| told.name == "failed").collect();
    let levels: Vec<_> = failed.iter().map(|failed| failed.level).collect();
    assert_eq!(levels, [Level::WARN, Level::ERROR, Level::DEBUG]);
    assert!(failed[1].field("error").contains("impossible salt"));
    for failed in &failed {
        assert_eq!(told[failed.parent.unwrap()].field("outcome"), "error");
    }
    // The injected fault is the source: of a store's own words none is repeated.
    assert!(!failed[0].field("error").contains("njected"));
}

/// Polled in turns on one thread: nothing of a span stays entered at an await point.
#[test]
fn calls_that_run_at_once_tell_their_events_in_their_own_spans() {
    let told = Ear::hear(|| {
        let world = World::new();
        let tokens = [world.issue().1, world.issue().1];
        world.store.wait(3);
        let mut one = pin!(world.node.refresh(&tokens[0], request()));
        let mut other = pin!(world.node.refresh(&tokens[1], request()));
        let mut context = Context::from_waker(Waker::noop());
        while one.as_mut().poll(&mut context).is_pending() {
            assert!(tracing::Span::current().is_none());
            assert!(other.as_mut().poll(&mut context).is_pending());
        }
        while other.as_mut().poll(&mut context).is_pending() {}
    });
    let rotated: Vec<_> = told.iter().filter(|told| told.name == "rotated").collect();
    assert_eq!(rotated.len(), 2);
    assert_ne!(rotated[0].parent, rotated[1].parent);
    for rotated in rotated {
        let span = &told[rotated.parent.unwrap()];
        assert_eq!(span.parent, None);
        assert_eq!(span.field("family"), rotated.field("family"));
    }
}

/// The host has a span of its own around the call, with a field of that name, and does not listen to ours.
#[test]
fn the_hosts_own_span_stays_as_it_is() {
    let ear = Ear::default();
    let hosts = filter_fn(|metadata| metadata.target() != "heirloom");
    let subscriber = tracing_subscriber::registry().with(ear.clone()).with(hosts);
    tracing::subscriber::with_default(subscriber, || {
        let world = World::new();
        let (_, token) = world.issue();
        let span = tracing::info_span!("host", family = "ours", presented = Empty);
        let _entered = span.enter();
        world.refresh(&token);
    });
    let told = ear.take();
    let [host] = &told[..] else { panic!("{told:?}") };
    assert_eq!([host.field("family"), host.field("presented")], ["ours", ""]);
}

/// A task of a multi-threaded runtime takes every call.
#[test]
fn every_call_is_a_future_that_can_be_sent() {
    fn sent<F: Future + Send + 'static>(future: F) {
        drop(future);
    }
    let store: Arc<dyn DynStore> = Arc::new(MemoryStore::new());
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    let engine = Arc::new(Engine::new(store, keys, Policy::default()));
    sent(async move {
        let id = engine.issue(Grant::new("alice", "web-app")).await?.family;
        drop(engine.refresh("", request()).await?);
        if let heirloom::Begun::Ready(redemption) = engine.begin("", request()).await? {
            drop(redemption.commit().await?);
        }
        engine.change_grant(id, Grant::clone).await?;
        engine.introspect("").await?;
        let policy = Policy::default();
        engine.introspect_by("", |_| &policy).await?;
        engine.explain("", request()).await?;
        engine.revoke("", request()).await?;
        let selector = Selector::subject("alice");
        engine.families(&selector, heirloom::Page { after: None, limit: 1 }).await?;
        engine.revoke_all(&selector, Reason::Logout).await?;
        engine.revoke_family(id, Reason::Logout).await?;
        engine.revoke_others(&selector, id, Reason::Logout).await?;
        let legacy = Legacy::sha256([0; 32]);
        engine.adopt(&legacy, Grant::new("alice", "web-app"), Timestamp::MAX).await.ok();
        engine.purge(1).await
    });
}

/// Calls, answers and events that the story of the secrets does without.
pub fn what_the_story_leaves_out() {
    let world = World::new();
    let (issued, token) = world.issue();
    let (family, node) = (issued.family, &world.node);
    world.clock.set(START.saturating_sub(Duration::from_secs(3)));
    let _ = block_on(node.refresh(&token, request().scope("read")));
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let _ = block_on(node.refresh(&token, request().policy(&never)));
    let alice = Selector::subject("alice");
    block_on(node.revoke_others(&alice, family, Reason::Logout)).unwrap();
    block_on(node.revoke_family(family, Reason::Logout)).unwrap();
    block_on(node.revoke(&token, request())).unwrap();
    world.clock.set(START);
    for leeway in [Leeway::newest(Duration::from_secs(9)), Leeway::fork(Duration::from_secs(9), 4)]
    {
        let policy = Policy::builder().leeway(leeway).on_reuse(Reaction::Refuse).build().unwrap();
        let (_, token) = world.issue();
        for _ in 0..2 {
            let _ = block_on(node.refresh(&token, request().policy(&policy)));
        }
    }
    adopt(&world);
    recover(&world);
}

fn adopt(world: &World) {
    let adoption = AdoptionKey::new(&[8; 32]).unwrap();
    world.node.set_keys(KeyRing::new(Key::new(1, &[1; 32]).unwrap()).with_adoption(adoption));
    let legacy = Legacy::token(LEGACY).unwrap();
    let until = START.saturating_add(Duration::from_secs(60));
    for _ in 0..2 {
        let grant = Grant::new("alice", "web-app");
        block_on(world.node.adopt(&legacy, grant, until)).unwrap();
    }
    world.refresh(LEGACY);
}

/// The store loses a rotation, and takes its token all the same.
fn recover(world: &World) {
    let (_, token) = world.issue();
    let backup = world.store.inner().snapshot();
    let Some(Outcome::Granted(ahead)) = world.refresh(&token) else { panic!("refused") };
    world.store.inner().restore(backup);
    world.clock.advance(Duration::from_secs(1));
    let now = START.saturating_add(Duration::from_secs(1));
    let until = now.saturating_add(Duration::from_secs(60));
    let window = Recovery::new(now, until, now).unwrap();
    world.node.open_recovery(window);
    world.refresh(ahead.token.unwrap().expose());
}
