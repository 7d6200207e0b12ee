//! An engine in virtual time over any store, one honest client, and a bystander whom nothing may touch.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heirloom::family::Family;
use heirloom::testing::{ManualClock, SeededEntropy};
use heirloom::token::FamilyId;
use heirloom::{
    Engine, Error, Event, Grant, Granted, How, Key, KeyRing, MemoryStore, Outcome, Policy, Refusal,
    Request, Store, Timestamp,
};
use pollster::block_on;

use super::lies::LyingStore;

pub const CLIENT: &str = "web";
pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub struct World<S> {
    pub engine: Engine<S, ManualClock, SeededEntropy>,
    pub clock: ManualClock,
    pub events: Arc<Mutex<Vec<Event>>>,
    memory: Arc<MemoryStore>,
    bystander: (Family, String),
    /// The honest client's family and its current token.
    pub family: FamilyId,
    pub token: String,
}

pub fn key() -> Key {
    Key::new(1, &[7; 32]).unwrap()
}

pub fn grant() -> Grant {
    Grant::new("alice", CLIENT).scope("read write").resource("https://api.example")
}

impl World<Arc<MemoryStore>> {
    pub fn new() -> Self {
        Self::over(|memory| memory)
    }
}

impl<S: Store> World<S> {
    pub fn over(wrap: impl FnOnce(Arc<MemoryStore>) -> S) -> Self {
        Self::under(Policy::default(), wrap)
    }

    pub fn under(policy: Policy, wrap: impl FnOnce(Arc<MemoryStore>) -> S) -> Self {
        let (memory, clock) = (Arc::new(MemoryStore::new()), ManualClock::at(START));
        let events: Arc<Mutex<Vec<Event>>> = Arc::default();
        let seen = Arc::clone(&events);
        let engine = Engine::new(wrap(Arc::clone(&memory)), KeyRing::new(key()), policy)
            .with_clock(clock.clone())
            .with_entropy(SeededEntropy::new(1))
            .with_observer(Arc::new(move |event: &Event| seen.lock().unwrap().push(event.clone())));
        let (other, other_token) = issue(&engine, Grant::new("bob", CLIENT).scope("read"));
        let (family, token) = issue(&engine, grant());
        let bystander = (stored(&memory, other), other_token);
        Self { engine, clock, events, memory, bystander, family, token }
    }

    pub fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    pub fn refresh(&self, token: &str) -> Result<Outcome, Error> {
        block_on(self.engine.refresh(token, Request::new(CLIENT)))
    }

    pub fn granted(&self, token: &str) -> Granted {
        granted(self.refresh(token))
    }

    /// Refreshes with a token that must rotate, and returns its successor.
    pub fn rotate(&self, token: &str) -> String {
        let granted = self.granted(token);
        assert_eq!(granted.how, How::Rotated);
        granted.token.unwrap().into_exposed()
    }

    pub fn refused(&self, token: &str) -> Refusal {
        refused(self.refresh(token))
    }

    pub fn error(&self, token: &str) -> Error {
        self.refresh(token).unwrap_err()
    }

    /// The honest client's family as it is really stored.
    pub fn stored(&self) -> Family {
        stored(&self.memory, self.family)
    }

    /// Fails unless the honest client's token is still good, and the bystander's family as it was, and good.
    pub fn assert_nothing_lost(&self) {
        let granted = self.granted(&self.token);
        assert!(matches!(granted.how, How::Rotated | How::Replayed | How::Kept), "{granted:?}");
        self.assert_bystander_untouched();
    }

    pub fn assert_bystander_untouched(&self) {
        let (family, token) = &self.bystander;
        assert_eq!(stored(&self.memory, family.id), *family);
        self.granted(token);
    }
}

/// A world whose honest client has rotated once.
pub fn in_generation_1() -> World<LyingStore> {
    let mut world = World::over(LyingStore::new);
    world.token = world.rotate(&world.token);
    world
}

pub fn granted(outcome: Result<Outcome, Error>) -> Granted {
    match outcome {
        Ok(Outcome::Granted(granted)) => granted,
        Ok(Outcome::Refused(refusal)) => panic!("refused: {refusal}"),
        Err(error) => panic!("{error:?}"),
    }
}

pub fn refused(outcome: Result<Outcome, Error>) -> Refusal {
    match outcome {
        Ok(Outcome::Refused(refusal)) => refusal,
        Ok(Outcome::Granted(granted)) => panic!("{granted:?}"),
        Err(error) => panic!("{error:?}"),
    }
}

fn issue<S: Store>(
    engine: &Engine<S, ManualClock, SeededEntropy>,
    grant: Grant,
) -> (FamilyId, String) {
    let granted = block_on(engine.issue(grant)).unwrap();
    (granted.family, granted.token.unwrap().into_exposed())
}

fn stored(memory: &MemoryStore, id: FamilyId) -> Family {
    memory.snapshot().into_iter().find(|family| family.id == id).unwrap()
}
