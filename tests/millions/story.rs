//! The story that every store tells: a million dead families go in bounded batches, while live ones are refreshed.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use heirloom::family::{Family, Status};
use heirloom::testing::ManualClock;
use heirloom::{
    Engine, FamilyId, Grant, Granted, Key, KeyRing, Outcome, Page, Policy, Reason, Request,
    Selector, Store, Timestamp,
};

use crate::millions::load::{Client, Load};

/// As many dead families.
pub const MILLION: u64 = 1_000_000;

/// One purge removes at most so many.
const LIMIT: usize = 5_000;

/// How many families live, and how many clients refresh them in turn.
pub const LIVE: u64 = 64;
const CLIENTS: usize = 2;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

pub type Node<S> = Engine<Arc<S>, ManualClock>;

/// Where a store keeps families, and how many can be put there at once.
pub trait Place {
    type Store: Store + 'static;

    fn store(&self) -> Arc<Self::Store>;

    /// Puts copies of families that the store has written beside them, in turn: exactly as the store would, under the
    /// [ids](id) and [subjects](subject) of the numbers.
    fn copy(&self, models: &[Family], numbers: Range<u64>) -> impl Future<Output = ()> + Send;

    /// How many families are there, past the store.
    fn count(&self) -> impl Future<Output = u64> + Send;

    /// What an operator would look at.
    fn figures(&self) -> impl Future<Output = String> + Send;
}

/// The id of a copy: UUIDv7, a millisecond after the one before.
pub fn id(number: u64) -> FamilyId {
    let mut bytes = [0; 16];
    bytes[..6].copy_from_slice(&(START.as_millis() + number).to_be_bytes()[2..]);
    (bytes[6], bytes[8]) = (0x70, 0x80);
    bytes[10..].copy_from_slice(&number.to_be_bytes()[2..]);
    FamilyId::from_bytes(bytes)
}

/// The subject of a copy, which has 16 families. They lie in one bucket of Redis, so that their entries go together: else
/// there would be a million calls for them alone.
pub fn subject(number: u64) -> String {
    format!("user-{}", number / 16_384 * 1_024 + number % 1_024)
}

/// The copy of a family.
pub fn copy_of(model: &Family, number: u64) -> Family {
    let (mut copy, mut grant) = (model.clone(), Grant::clone(&model.grant));
    grant.subject = subject(number).into();
    (copy.id, copy.grant) = (id(number), grant.into());
    copy
}

pub fn node<S: Store>(store: Arc<S>, clock: &ManualClock) -> Node<S> {
    let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
    Engine::new(store, keys, Policy::default()).with_clock(clock.clone())
}

pub async fn issue<S: Store>(node: &Node<S>, subject: &str) -> Granted {
    let grant = Grant::new(subject, "web-app").scope("openid profile email offline_access");
    node.issue(grant).await.unwrap()
}

pub async fn refresh<S: Store>(node: &Node<S>, last: &Granted) -> Granted {
    let token = last.token.as_ref().unwrap().expose();
    match node.refresh(token, Request::new("web-app")).await.unwrap() {
        Outcome::Granted(granted) => granted,
        Outcome::Refused(why) => panic!("refused: {why}"),
    }
}

pub async fn load<S: Store>(node: &Node<S>, id: FamilyId) -> Family {
    node.store().load(id).await.unwrap().expect("it is there")
}

pub async fn a_million_dead_families_go_beside_a_live_load(place: &impl Place) {
    let clock = ManualClock::at(START);
    let node = Arc::new(node(place.store(), &clock));
    let begun = now();
    let models = dead(&node).await;
    place.copy(&models, 0..MILLION - 2).await;
    println!("put there in {:.1} s", begun.elapsed().as_secs_f64());
    println!("before: {}", place.figures().await);
    are_as_the_store_keeps_them(&node, &models).await;
    // The one that was not revoked has reached its idle end, too, and the retention is over.
    clock.advance(60 * DAY);

    let mut clients = Vec::new();
    for number in 0..CLIENTS {
        clients.push(Client::new(&node, number, usize::try_from(LIVE).unwrap() / CLIENTS).await);
    }
    assert_eq!(place.count().await, MILLION + LIVE);
    let load = Load::start(&node, clients);
    let begun = now();
    let (mut batches, mut beside) = (Vec::new(), 0);
    loop {
        let before = load.refreshes();
        let purged = node.purge(LIMIT).await.unwrap();
        load.purged_one_batch();
        beside += usize::from(load.refreshes() > before);
        batches.push(purged);
        if purged < LIMIT {
            break;
        }
    }
    let lasted = begun.elapsed();
    let (refreshes, longest, clients) = load.stop().await;
    println!(
        "{:.1} s, {:.0} families/s, {} batches; beside them {refreshes} refreshes, the longest of {longest} batches",
        lasted.as_secs_f64(),
        f64::from(u32::try_from(MILLION).unwrap()) / lasted.as_secs_f64(),
        batches.len(),
    );
    println!("after: {}", place.figures().await);

    assert!(batches.iter().all(|purged| *purged <= LIMIT), "{batches:?}");
    assert_eq!(batches.iter().sum::<usize>(), usize::try_from(MILLION).unwrap());
    assert_eq!(place.count().await, LIVE);
    // Had a purge let nobody through, one refresh would have lasted as long as all of it; by batches, as a machine that stalls
    // stalls both.
    assert!(refreshes >= batches.len(), "{refreshes} refreshes beside {} batches", batches.len());
    assert!(beside * 2 > batches.len(), "refreshes beside {beside} of {} batches", batches.len());
    assert!(longest < batches.len() / 2, "a refresh took {longest} of {} batches", batches.len());
    for client in &clients {
        client.has_lost_nothing(&node).await;
    }
}

/// Two families that the store has written: one was revoked after a rotation, the other is not used any more.
async fn dead<S: Store>(node: &Node<S>) -> [Family; 2] {
    let ended = issue(node, "logged-out").await;
    refresh(node, &ended).await;
    node.revoke_family(ended.family, Reason::Logout).await.unwrap();
    let left = issue(node, "gone").await;
    [load(node, ended.family).await, load(node, left.family).await]
}

/// By samples: the store loads them, and finds them by subject and by client.
async fn are_as_the_store_keeps_them<S: Store>(node: &Node<S>, models: &[Family; 2]) {
    let client = Page { after: Some(id(499_999)), limit: 3 };
    let selected = node.store().select(&Selector::client("web-app"), client).await.unwrap();
    let ids: Vec<_> = selected.into_iter().map(|family| family.unwrap().id).collect();
    assert_eq!(ids, [id(500_000), id(500_001), id(500_002)]);
    for number in (0..MILLION - 2).step_by(9_973).chain([MILLION - 3]) {
        let model = &models[usize::from(number % 2 == 1)];
        assert_eq!(load(node, id(number)).await, copy_of(model, number));
        let page = Page { after: None, limit: 20 };
        let selector = Selector::subject(&subject(number));
        let found = node.store().select(&selector, page).await.unwrap();
        let fellows = (number / 16_384 * 16_384 + number % 1_024..MILLION - 2).step_by(1_024);
        let fellows = fellows.take(16).map(|number| Ok(copy_of(model, number)));
        assert!(found == fellows.collect::<Vec<_>>(), "{number}: {found:?}");
    }
    assert!(matches!(models[0].status, Status::Revoked(_)));
}

#[expect(clippy::disallowed_methods, reason = "what is measured is a length of real time")]
pub fn now() -> Instant {
    Instant::now()
}
