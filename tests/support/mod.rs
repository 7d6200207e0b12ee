//! What these tests share: a store that can fail, a clock set by hand, and engines over both.

pub mod exchange;
pub mod random;
pub mod schedule;
#[cfg(any(feature = "conformance", feature = "postgres", feature = "redis"))]
pub mod wait;

use heirloom::testing::{FaultStore, ManualClock, SeededEntropy};
use heirloom::{Engine, Grant, Granted, Key, KeyRing, Outcome, Policy, Request, Timestamp};

use crate::backend::Backend;

/// When every story begins.
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// The store under test, which fails as it is told.
pub type Disk = FaultStore<Backend>;
/// One engine; several of them over one store are the nodes of a deployment.
pub type Node = Engine<Disk, ManualClock, SeededEntropy>;

/// A deployment: the store, the clock, and its first node.
pub struct World {
    pub store: Disk,
    pub clock: ManualClock,
    pub node: Node,
}

impl World {
    pub fn new(policy: Policy) -> Self {
        let store = FaultStore::new(Backend::open().unwrap());
        let clock = ManualClock::at(START);
        let node = node(&store, &clock, policy, 1);
        Self { store, clock, node }
    }
}

/// A node over a store, with randomness of its own.
pub fn node(store: &Disk, clock: &ManualClock, policy: Policy, seed: u64) -> Node {
    Engine::new(store.clone(), KeyRing::new(key(1)), policy)
        .with_clock(clock.clone())
        .with_entropy(SeededEntropy::new(seed))
}

pub fn key(id: u8) -> Key {
    Key::new(id, &[id; 32]).unwrap()
}

pub fn grant() -> Grant {
    Grant::new("alice", "web-app").scope("read write")
}

pub fn request() -> Request<'static> {
    Request::new("web-app")
}

/// The token that was granted.
pub fn text(granted: &Granted) -> &str {
    granted.token.as_ref().expect("a token").expose()
}

pub fn granted(outcome: Outcome) -> Granted {
    match outcome {
        Outcome::Granted(granted) => granted,
        Outcome::Refused(why) => panic!("refused: {why}"),
    }
}
