//! Two stores that can fail, a clock set by hand, and nodes of every kind over both.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use heirloom::family::{Family, Reason, Revocation, Status};
use heirloom::store::moving::MovedPage;
use heirloom::store::{DynStore, MovingStore, Store};
use heirloom::testing::{self, FaultStore, ManualClock, SeededEntropy};
use heirloom::{
    AdoptionKey, Engine, FamilyId, Grant, Granted, Key, KeyRing, MemoryStore, Outcome, Policy,
    Refusal, Request, Selector, Timestamp,
};
use pollster::block_on;

use crate::moving::turns::Turns;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub type Disk = FaultStore<MemoryStore>;
pub type Node = Engine<Arc<dyn DynStore>, ManualClock, SeededEntropy>;
pub type Moving = MovingStore<Turns<Disk>, Turns<Disk>, ManualClock>;

/// What a node has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The old store alone.
    Plain,
    Following,
    Pulling,
    /// The new store alone.
    Over,
}

/// Those that work side by side: [`Kind::Plain`] beside pulling ones is the mistake that is made.
pub const KINDS: [Kind; 3] = [Kind::Plain, Kind::Following, Kind::Pulling];
pub const MOVING: [Kind; 2] = [Kind::Following, Kind::Pulling];

pub struct World {
    pub old: Disk,
    pub new: Disk,
    pub clock: ManualClock,
    policy: Policy,
    nodes: Cell<u64>,
}

impl World {
    pub fn new() -> Self {
        Self::under(Policy::default())
    }

    pub fn under(policy: Policy) -> Self {
        let disk = || FaultStore::new(MemoryStore::new());
        Self {
            old: disk(),
            new: disk(),
            clock: ManualClock::at(START),
            policy,
            nodes: Cell::new(0),
        }
    }

    pub fn moving(&self, kind: Kind) -> Moving {
        let (old, new) = (Turns(self.old.clone()), Turns(self.new.clone()));
        let moving = match kind {
            Kind::Following => MovingStore::following(old, new),
            _ => MovingStore::pulling(old, new),
        };
        moving.with_clock(self.clock.clone())
    }

    pub fn node(&self, kind: Kind) -> Node {
        let store: Arc<dyn DynStore> = match kind {
            Kind::Plain => Arc::new(Turns(self.old.clone())),
            Kind::Over => Arc::new(Turns(self.new.clone())),
            Kind::Following | Kind::Pulling => Arc::new(self.moving(kind)),
        };
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let keys = keys.with_adoption(AdoptionKey::new(&[2; 32]).unwrap());
        self.nodes.set(self.nodes.get() + 1);
        Engine::new(store, keys, self.policy.clone())
            .with_clock(self.clock.clone())
            .with_entropy(SeededEntropy::new(self.nodes.get()))
    }

    /// A token of a family that was issued before anything moved.
    pub fn issued(&self) -> (String, FamilyId) {
        self.issued_by(Kind::Plain)
    }

    pub fn issued_by(&self, kind: Kind) -> (String, FamilyId) {
        let issued = block_on(self.node(kind).issue(grant())).unwrap();
        (text(&issued), issued.family)
    }

    pub fn refresh(&self, kind: Kind, token: &str) -> Outcome {
        block_on(self.node(kind).refresh(token, request())).unwrap()
    }

    pub fn granted(&self, kind: Kind, token: &str) -> String {
        text(&granted(self.refresh(kind, token)))
    }

    pub fn refused(&self, kind: Kind, token: &str) -> Refusal {
        match self.refresh(kind, token) {
            Outcome::Refused(why) => why,
            Outcome::Granted(granted) => panic!("{kind:?} granted {granted:?}"),
        }
    }

    /// Marks a family as a move does that is then cut short.
    pub fn cut_short(&self, id: FamilyId) {
        let revocation = Revocation { at: self.now(), reason: Reason::Moved, call: 0 };
        let _ = block_on(self.old.inner().revoke(testing::revoke(id, revocation))).unwrap();
    }

    /// Walks all over until nothing is left to move; the last walk's pages.
    pub fn walk(&self, limit: usize) -> Vec<MovedPage> {
        let moving = self.moving(Kind::Pulling);
        loop {
            let (mut pages, mut after) = (Vec::new(), None);
            loop {
                let page = block_on(moving.move_page(after, limit)).unwrap();
                after = page.next.clone();
                pages.push(page);
                if after.is_none() {
                    break;
                }
            }
            if pages.iter().all(|page| page.moved == 0) {
                return pages;
            }
        }
    }

    pub fn in_old(&self, id: FamilyId) -> Option<Family> {
        block_on(self.old.inner().load(id)).unwrap()
    }

    pub fn in_new(&self, id: FamilyId) -> Option<Family> {
        block_on(self.new.inner().load(id)).unwrap()
    }

    /// In how many stores a family lives.
    pub fn live_copies(&self, id: FamilyId) -> usize {
        let copies = [self.in_old(id), self.in_new(id)];
        copies.iter().flatten().filter(|family| family.status == Status::Live).count()
    }

    pub fn now(&self) -> Timestamp {
        heirloom::Clock::now(&self.clock)
    }

    pub fn advance(&self, length: Duration) {
        self.clock.advance(length);
    }
}

pub fn grant() -> Grant {
    Grant::new("alice", "web-app").scope("read write")
}

pub fn request() -> Request<'static> {
    Request::new("web-app")
}

pub fn alice() -> Selector {
    Selector::subject("alice")
}

pub fn granted(outcome: Outcome) -> Granted {
    match outcome {
        Outcome::Granted(granted) => granted,
        Outcome::Refused(why) => panic!("refused: {why}"),
    }
}

pub fn text(granted: &Granted) -> String {
    granted.token.as_ref().expect("a token").expose().to_owned()
}

pub fn is_moved(family: &Family) -> bool {
    matches!(&family.status, Status::Revoked(revocation) if revocation.reason == Reason::Moved)
}
