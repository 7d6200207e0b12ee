//! One run of one scenario: engines over one store, a clock set by hand, and what the scenario has named.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use heirloom::family::Family;
use heirloom::testing::{FaultyEntropy, ManualClock, SeededEntropy};
use heirloom::{AdoptionKey, Clock, Event, FamilyId, Key, KeyRing, Timestamp};
use serde_json::{Map, Value};

use super::fields::{Check, Moment};
use super::host::Host;
use super::names::Names;
use super::outcome::Answer;
use super::policy::Spec;
use super::store::{Backend, Shared};

/// An engine as a scenario drives it.
pub type Engine = heirloom::Engine<Shared, ManualClock, FaultyEntropy<SeededEntropy>>;

/// The policy keys of a scenario: the defaults, its own, and those of single clients.
#[derive(Clone, Default)]
pub struct Keys {
    pub defaults: Map<String, Value>,
    pub base: Map<String, Value>,
    pub clients: BTreeMap<String, Map<String, Value>>,
    /// Any leeway mode will do.
    pub some_leeway: bool,
}

impl Keys {
    /// The policy for a client, or for those without one of their own.
    pub fn spec(&self, client: Option<&str>) -> Check<Spec> {
        let own = client.and_then(|client| self.clients.get(client));
        let changes: Vec<_> = std::iter::once(&self.base).chain(own).collect();
        let spec = Spec::parse(&self.defaults, &changes)?;
        Ok(if self.some_leeway { spec.with_some_leeway() } else { spec })
    }

    /// The policies of all clients, one by one.
    pub fn specs(&self) -> Check<Vec<Spec>> {
        let clients = self.clients.keys().map(|client| Some(client.as_str()));
        std::iter::once(None).chain(clients).map(|client| self.spec(client)).collect()
    }
}

/// A family as it was issued.
pub struct Issued {
    pub id: FamilyId,
    pub subject: String,
    pub client: String,
    pub scope: BTreeSet<String>,
    pub attributes: BTreeMap<String, String>,
    /// Whether a key was shown at issue, bound or not.
    pub keyed: bool,
}

/// What a listener is told.
pub struct Line {
    pub at: Moment,
    pub who: String,
    pub does: String,
    pub verdict: String,
    pub state: String,
}

/// Everything that a scenario acts on.
pub struct World {
    pub store: Backend,
    pub clock: ManualClock,
    pub entropy: FaultyEntropy<SeededEntropy>,
    pub host: Host,
    pub names: Names,
    pub families: BTreeMap<String, Issued>,
    /// Families that were refused as they might be: what concerns them is passed over.
    pub refused_families: BTreeSet<String>,
    /// Every refresh token that was ever handed out.
    pub released: Vec<String>,
    /// Whatever a log would have shown.
    pub renderings: Vec<String>,
    /// Store calls, by the names that scenarios give to their counts; without a name: of the last request.
    pub counted: BTreeMap<String, usize>,
    pub snapshots: BTreeMap<String, Vec<Family>>,
    pub public_errors: BTreeMap<String, Vec<(String, String, u16)>>,
    /// Whether races separate looking from writing by a barrier.
    pub two_steps: bool,
    /// Told since the last step.
    pub told: Vec<Line>,
    pub now: Moment,
    /// When a family was issued last.
    pub issued_at: Option<Timestamp>,
    keys: Keys,
    ring: KeyRing,
    ring_names: Vec<String>,
    /// Whether tokens of another system are taken: only where one is imported, as every other string then costs a read.
    adopts: bool,
    engines: Mutex<BTreeMap<String, Arc<Engine>>>,
    log: Arc<Mutex<Vec<Event>>>,
}

/// The instant that scenarios count from.
const ZERO: Timestamp = Timestamp::from_millis(1_750_000_000_000);

impl World {
    pub fn new(keys: Keys, seed: u64) -> Check<Self> {
        let now = Moment::ZERO;
        let mut world = Self {
            store: Backend::open()?,
            clock: ManualClock::at(now.after(ZERO)),
            entropy: FaultyEntropy::new(SeededEntropy::new(seed)),
            host: Host::default(),
            names: Names::default(),
            families: BTreeMap::new(),
            refused_families: BTreeSet::new(),
            released: Vec::new(),
            renderings: Vec::new(),
            counted: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            public_errors: BTreeMap::new(),
            two_steps: false,
            told: Vec::new(),
            now,
            issued_at: None,
            keys: Keys::default(),
            ring: KeyRing::new(key(1, "k1")?),
            ring_names: vec!["k1".to_owned()],
            adopts: false,
            engines: Mutex::default(),
            log: Arc::default(),
        };
        world.set_policy(keys)?;
        Ok(world)
    }

    /// Sets the clock, back as well as forth.
    pub fn set_clock(&mut self, now: Moment) {
        self.now = now;
        self.clock.set(self.instant(now));
    }

    pub fn instant(&self, moment: Moment) -> Timestamp {
        moment.after(ZERO)
    }

    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Replaces the engines of all nodes by such with another policy.
    ///
    /// # Errors
    ///
    /// When a policy cannot be built.
    pub fn set_policy(&mut self, keys: Keys) -> Check {
        for spec in keys.specs()? {
            spec.build(None).map_err(|error| format!("the policy was refused: {error}"))?;
        }
        self.keys = keys;
        self.restart();
        Ok(())
    }

    /// Forgets the engines: the next call is made on new ones, over what the store kept.
    pub fn restart(&self) {
        locked(&self.engines).clear();
    }

    /// The engine of a node.
    pub fn engine(&self, node: Option<&str>) -> Check<Arc<Engine>> {
        let node = node.unwrap_or("N1");
        let mut engines = locked(&self.engines);
        if let Some(engine) = engines.get(node) {
            return Ok(Arc::clone(engine));
        }
        let policy = self.keys.spec(None)?.build(None)?;
        let log = Arc::clone(&self.log);
        let engine = heirloom::Engine::new(self.store.share(), self.ring.clone(), policy)
            .with_clock(self.clock.clone())
            .with_entropy(self.entropy.clone())
            // Purged as early as can be: what must not be forgotten is forgotten soonest.
            .with_retention(std::time::Duration::ZERO)
            .with_observer(Arc::new(move |event: &Event| locked(&log).push(event.clone())));
        let engine = Arc::new(engine);
        engines.insert(node.to_owned(), Arc::clone(&engine));
        Ok(engine)
    }

    /// Gives the engines another key ring, by the names that the scenario gives to keys.
    pub fn set_ring(&mut self, active: &str, known: &[String]) -> Check {
        let active = self.key(active)?;
        let mut ring = KeyRing::new(active.clone());
        for name in known {
            let key = self.key(name)?;
            if key.id() != active.id() {
                ring = ring.accept(key).map_err(|error| error.to_string())?;
            }
        }
        self.use_ring(if self.adopts { adopting(ring)? } else { ring });
        Ok(())
    }

    /// Takes tokens of another system from now on.
    pub fn adopt(&mut self) -> Check {
        if !self.adopts {
            self.adopts = true;
            self.use_ring(adopting(self.ring.clone())?);
        }
        Ok(())
    }

    fn use_ring(&mut self, ring: KeyRing) {
        for engine in locked(&self.engines).values() {
            engine.set_keys(ring.clone());
        }
        self.ring = ring;
    }

    pub fn ring(&self) -> &KeyRing {
        &self.ring
    }

    /// What the engines have reported since the last look.
    pub fn take_events(&self) -> Vec<Event> {
        std::mem::take(&mut *locked(&self.log))
    }

    /// A family's record, by the scenario's name for it.
    pub fn record(&self, name: &str) -> Check<Option<Family>> {
        Ok(self.store.family(self.family(name)?.id))
    }

    pub fn family(&self, name: &str) -> Check<&Issued> {
        self.families.get(name).ok_or_else(|| format!("no family `{name}` was issued"))
    }

    /// Remembers a token that an answer has released.
    pub fn release(&mut self, answer: &Answer) {
        if let Some(token) = answer.token()
            && !self.released.iter().any(|known| known == token)
        {
            self.released.push(token.to_owned());
        }
    }

    /// Adds a line for the listener; the state is that of the family named.
    pub fn tell(&mut self, who: &str, does: String, verdict: String, family: Option<FamilyId>) {
        let state = family.map(|id| self.describe(id)).unwrap_or_default();
        self.told.push(Line { at: self.now, who: who.to_owned(), does, verdict, state });
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn key(&mut self, name: &str) -> Check<Key> {
        if !self.ring_names.iter().any(|known| known == name) {
            self.ring_names.push(name.to_owned());
        }
        let place = self.ring_names.iter().position(|known| known == name).unwrap_or_default();
        let id = u8::try_from(place + 1).map_err(|_| "more than 255 keys".to_owned())?;
        key(id, name)
    }
}

/// A key whose material is nothing but its name over and over: the same in every run.
pub fn key(id: u8, name: &str) -> Check<Key> {
    let material: Vec<u8> = name.bytes().chain([b'/']).cycle().take(Key::MIN_LEN).collect();
    Key::new(id, &material).map_err(|error| error.to_string())
}

fn adopting(ring: KeyRing) -> Check<KeyRing> {
    let key = AdoptionKey::new(&[b'a'; Key::MIN_LEN]).map_err(|error| error.to_string())?;
    Ok(ring.with_adoption(key))
}

/// A lock that a panicking worker may have poisoned: its scenario fails by the panic, not by the lock.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
