//! A host that has written no glue: three endpoints, each a body to a response.

use std::time::Duration;

use heirloom::endpoint::{
    AccessToken, Form, IntrospectionRequest, Response, RevocationRequest, TokenRequest,
    error_response, introspection_response, revocation_response, token_response, unavailable,
};
use heirloom::testing::{FaultStore, ManualClock, SeededEntropy};
use heirloom::{Begun, Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Timestamp};
use pollster::block_on;

pub struct Server {
    pub engine: Engine<FaultStore<MemoryStore>, ManualClock, SeededEntropy>,
    pub clock: ManualClock,
}

impl Server {
    pub fn new() -> Self {
        Self::with(Policy::default())
    }

    pub fn with(policy: Policy) -> Self {
        let clock = ManualClock::at(Timestamp::from_millis(1_700_000_000_000));
        let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
        let engine = Engine::new(FaultStore::new(MemoryStore::new()), keys, policy);
        let engine = engine.with_clock(clock.clone()).with_entropy(SeededEntropy::new(1));
        Self { engine, clock }
    }

    pub fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub fn log_in(&self, grant: Grant) -> Response {
        token_response(access(), block_on(self.engine.issue(grant)).unwrap())
    }

    pub fn token(&self, client: &str, body: &str) -> Response {
        let answer = async {
            let form = Form::parse(body.as_bytes())?;
            let asked = TokenRequest::read(&form)?;
            let begun = self.engine.begin(asked.refresh_token, asked.request(client)?).await;
            let redemption = match begun.map_err(|error| unavailable(&error))? {
                Begun::Ready(redemption) => redemption,
                Begun::Refused(why) => return Err(error_response(&why)),
            };
            match redemption.commit().await.map_err(|error| unavailable(&error))? {
                Outcome::Granted(granted) => Ok(token_response(access(), granted)),
                Outcome::Refused(why) => Err(error_response(&why)),
            }
        };
        block_on(answer).unwrap_or_else(|refused| refused)
    }

    pub fn revoke(&self, client: &str, body: &str) -> Response {
        let answer = async {
            let form = Form::parse(body.as_bytes())?;
            let asked = RevocationRequest::read(&form)?;
            let outcome = self.engine.revoke(asked.token, asked.request(client)?).await;
            outcome
                .map(|outcome| revocation_response(&outcome))
                .map_err(|error| unavailable(&error))
        };
        block_on(answer).unwrap_or_else(|refused| refused)
    }

    pub fn introspect(&self, body: &str) -> Response {
        let answer = async {
            let form = Form::parse(body.as_bytes())?;
            let asked = IntrospectionRequest::read(&form)?;
            let found = self.engine.introspect(asked.token).await;
            let own = [("iss", "https://as.example")];
            found
                .map(|found| introspection_response(&found, &own))
                .map_err(|error| unavailable(&error))
        };
        block_on(answer).unwrap_or_else(|refused| refused)
    }
}

fn access() -> AccessToken {
    AccessToken::bearer("at").expires_in(Duration::from_millis(299_999))
}
