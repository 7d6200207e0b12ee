//! A server in virtual time.

use std::time::Duration;

use heirloom::testing::{ManualClock, SeededEntropy};
use heirloom::{
    Engine, Grant, Granted, Key, KeyRing, MemoryStore, Outcome, Policy, Request, Timestamp,
};
use pollster::block_on;

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_900);

pub struct Server {
    pub engine: Engine<MemoryStore, ManualClock, SeededEntropy>,
    pub clock: ManualClock,
}

impl Server {
    pub fn new(policy: Policy) -> Self {
        let (clock, keys) = (ManualClock::at(START), KeyRing::new(Key::new(1, &[7; 32]).unwrap()));
        let engine = Engine::new(MemoryStore::new(), keys, policy);
        let engine = engine.with_clock(clock.clone()).with_entropy(SeededEntropy::new(1));
        Self { engine, clock }
    }

    pub fn advance(&self, millis: u64) {
        self.clock.advance(Duration::from_millis(millis));
    }

    pub fn issue(&self, grant: Grant) -> String {
        block_on(self.engine.issue(grant)).unwrap().token.unwrap().into_exposed()
    }

    pub fn granted(&self, token: &str, request: Request<'_>) -> Granted {
        match block_on(self.engine.refresh(token, request)).unwrap() {
            Outcome::Granted(granted) => granted,
            Outcome::Refused(refusal) => panic!("{refusal}"),
        }
    }

    pub fn rotate(&self, token: &str) -> String {
        self.granted(token, Request::new("web")).token.unwrap().into_exposed()
    }
}
