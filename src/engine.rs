//! The engine: the only place where clock, randomness and store meet.

/// Calls the store again when it reports a lost race, without sleeping.
macro_rules! retrying {
    ($call:expr) => {{
        let mut retries = RETRIES;
        loop {
            match $call.await {
                Err(error) if !error.is_conflict() => break Err(Error::from(error)),
                Err(_) if retries == 0 => break Err(Error::Contended),
                Err(_) => retries -= 1,
                Ok(answer) => break Ok(answer),
            }
        }
    }};
}

mod error;
mod outcome;
mod issue;
mod inspect;
mod revoke;
mod change;
mod policy;
mod limit;
mod exchange;
mod call;
mod write;
mod answer;
mod refresh;
mod adopt;
#[cfg(feature = "tracing")]
mod seen;

pub use adopt::Adopted;
pub use error::Error;
pub use inspect::{Active, Explanation, Introspection};
pub use outcome::{Granted, How, Outcome, RevokeOutcome};
pub use refresh::{Begun, Redemption};

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;

use crate::entropy::{Entropy, SystemEntropy};
use crate::event::{Event, EventKind, Observer, tell};
use crate::family::{Family, Impossible};
use crate::grant::GrantLimits;
use crate::policy::Policy;
use crate::recovery::Recovery;
use crate::refusal::Refusal;
use crate::ring::KeyRing;
use crate::span;
use crate::store::{Committed, Replace, Store, StoreError, Written};
use crate::time::{Clock, SystemClock, Timestamp};
use crate::token::{FamilyId, Position};

/// Lost races are tried again so often within one call, without sleeping.
const RETRIES: usize = 4;

/// The rotation engine: shared by all requests, one per process and store.
///
/// ```
/// use heirloom::{Begun, Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request, oauth};
///
/// # pollster::block_on(async {
/// let keys = KeyRing::new(Key::new(1, &[7; 32])?); // in earnest: KeyRing::from_env("ROTATION_KEYS")?
/// let engine = Engine::new(MemoryStore::new(), keys, Policy::default());
/// let issued = engine.issue(Grant::new("alice", "web-app").scope("read write")).await?;
/// let token = issued.token.as_ref().map_or("", |token| token.expose());
///
/// let redemption = match engine.begin(token, Request::new("web-app")).await? {
///     Begun::Ready(redemption) => redemption, // nothing is consumed yet
///     Begun::Refused(why) => panic!("{}", oauth::error(&why).code),
/// };
/// assert_eq!(&*redemption.grant().subject, "alice");
/// match redemption.commit().await? {
///     Outcome::Granted(granted) => assert_eq!(granted.generation, 1),
///     Outcome::Refused(why) => panic!("{}", oauth::error(&why).code),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
pub struct Engine<S, C = SystemClock, E = SystemEntropy> {
    store: S,
    clock: C,
    entropy: E,
    keys: RwLock<Arc<KeyRing>>,
    policy: RwLock<Arc<Policy>>,
    recovery: RwLock<Option<Recovery>>,
    limits: GrantLimits,
    retention: Duration,
    observer: Option<Arc<dyn Observer>>,
}

impl<S: Store> Engine<S> {
    /// An engine over a store, with the system's clock and randomness.
    pub fn new(store: S, keys: KeyRing, policy: Policy) -> Self {
        Self {
            store,
            clock: SystemClock,
            entropy: SystemEntropy,
            keys: RwLock::new(Arc::new(keys)),
            policy: RwLock::new(Arc::new(policy)),
            recovery: RwLock::new(None),
            limits: GrantLimits::default(),
            retention: Duration::from_secs(7 * 86_400),
            observer: None,
        }
    }
}

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// The same engine with another clock.
    pub fn with_clock<D: Clock>(self, clock: D) -> Engine<S, D, E> {
        let Self { store, clock: _, entropy, keys, policy, recovery, limits, retention, observer } =
            self;
        Engine { store, clock, entropy, keys, policy, recovery, limits, retention, observer }
    }

    /// The same engine with another source of randomness.
    pub fn with_entropy<F: Entropy>(self, entropy: F) -> Engine<S, C, F> {
        let Self { store, clock, entropy: _, keys, policy, recovery, limits, retention, observer } =
            self;
        Engine { store, clock, entropy, keys, policy, recovery, limits, retention, observer }
    }

    /// The same engine, telling an observer what happens.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The same engine with other bounds for the grants that it issues.
    #[must_use]
    pub fn with_limits(mut self, limits: GrantLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The same engine, purging so long after a family's end. Default: 7 days.
    #[must_use]
    pub fn with_retention(mut self, retention: Duration) -> Self {
        self.retention = retention;
        self
    }

    /// The keys in use.
    pub fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&self.keys.read())
    }

    /// Swaps the key ring. Calls in flight go on with the one that they began with.
    pub fn set_keys(&self, keys: KeyRing) {
        *self.keys.write() = Arc::new(keys);
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Whether what the store returned for an id can be.
    fn check(&self, id: FamilyId, family: &Family) -> Result<(), Error> {
        if family.id != id {
            return Err(StoreError::from(Impossible { family: id, field: "id" }).into());
        }
        Ok(family.check().map_err(StoreError::from)?)
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, Error> {
        let family = retrying!(self.store.load(id))?;
        family.map(|family| self.check(id, &family).map(|()| family)).transpose()
    }

    /// A compare-and-swap; `None` when another write came first.
    async fn replace(&self, step: Replace) -> Result<Option<Committed>, Error> {
        let id = step.next().id;
        match self.store.replace(step).await {
            Ok(Written::Committed(committed)) => {
                self.check(id, committed.family()).map(|()| Some(committed))
            }
            Ok(Written::Declined(_)) => Ok(None),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Tells the operator how far the clocks of two nodes differ.
    fn observe_skew(&self, now: Timestamp, family: &Family) {
        let behind = family.head.rotated_at.saturating_since(now);
        if !behind.is_zero() {
            self.observe(|| Event::about(now, family, EventKind::ClockBehind { behind }));
        }
    }

    fn refused(
        &self,
        now: Timestamp,
        presented: Option<Position>,
        family: Option<&Family>,
        why: Refusal,
    ) {
        let kind = EventKind::Refused { why, presented };
        self.observe(|| match family {
            Some(family) => Event::about(now, family, kind),
            None => Event::unattributed(now, kind),
        });
    }

    fn observe(&self, event: impl FnOnce() -> Event) {
        if self.observer.is_none() && !span::hears_events() {
            return;
        }
        let event = event();
        span::event(&event);
        if let Some(observer) = &self.observer {
            tell(&**observer, &event);
        }
    }
}

impl<S, C, E> fmt::Debug for Engine<S, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("keys", &self.keys.read())
            .field("policy", &self.policy.read())
            .finish_non_exhaustive()
    }
}
