//! A recorder that is read, and an engine whose figures go there.

use std::collections::BTreeMap;
use std::sync::Arc;

use heirloom::metrics::{MeteredStore, MetricsObserver};
use heirloom::testing::{FaultStore, ManualClock, SeededEntropy};
use heirloom::{
    Engine, Event, EventKind, Grant, Key, KeyRing, MemoryStore, Observer, Policy, Request,
    Timestamp,
};
use metrics_util::debugging::{DebugValue, DebuggingRecorder};

pub const START: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub type Disk = FaultStore<MemoryStore>;
pub type Node = Engine<MeteredStore<Disk>, ManualClock, SeededEntropy>;

/// What was recorded under one name and its labels.
#[derive(Clone, PartialEq, Debug)]
pub enum Figure {
    Counter(u64),
    Histogram(Vec<f64>),
}

/// Everything that was recorded, by name and labels: `name{label=value}`.
#[derive(Debug)]
pub struct Figures(BTreeMap<String, (Option<String>, Figure)>);

impl Figures {
    /// What is recorded while a function runs.
    pub fn of(run: impl FnOnce()) -> Self {
        let recorder = DebuggingRecorder::new();
        metrics::with_local_recorder(&recorder, run);
        let recorded = recorder.snapshotter().snapshot().into_vec();
        Self(
            recorded
                .into_iter()
                .map(|(key, unit, _, value)| {
                    let unit = unit.map(|unit| unit.as_str().to_owned());
                    (text(key.key()), (unit, figure(value)))
                })
                .collect(),
        )
    }

    pub fn counter(&self, key: &str) -> u64 {
        match self.0.get(key) {
            Some((_, Figure::Counter(count))) => *count,
            Some(other) => panic!("{key} is {other:?}"),
            None => 0,
        }
    }

    pub fn histogram(&self, key: &str) -> Vec<f64> {
        match self.0.get(key) {
            Some((_, Figure::Histogram(values))) => values.clone(),
            Some(other) => panic!("{key} is {other:?}"),
            None => Vec::new(),
        }
    }

    pub fn all(&self) -> impl Iterator<Item = (&str, Option<&str>, &Figure)> {
        self.0.iter().map(|(key, (unit, figure))| (&**key, unit.as_deref(), figure))
    }
}

fn text(key: &metrics::Key) -> String {
    let mut labels: Vec<_> =
        key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
    labels.sort();
    if labels.is_empty() {
        key.name().to_owned()
    } else {
        format!("{}{{{}}}", key.name(), labels.join(","))
    }
}

fn figure(value: DebugValue) -> Figure {
    match value {
        DebugValue::Counter(count) => Figure::Counter(count),
        DebugValue::Histogram(values) => {
            Figure::Histogram(values.into_iter().map(|value| value.into_inner()).collect())
        }
        DebugValue::Gauge(_) => panic!("no gauge is documented"),
    }
}

/// An engine under observation, its store and its clock.
pub struct World {
    pub node: Node,
    pub disk: Disk,
    pub clock: ManualClock,
}

impl World {
    /// To be called where the recorder is in effect: names are described then.
    pub fn new() -> Self {
        Self::with(Arc::new(MetricsObserver::new()))
    }

    pub fn with(observer: Arc<dyn Observer>) -> Self {
        let disk = FaultStore::new(MemoryStore::new());
        let clock = ManualClock::at(START);
        let keys = KeyRing::new(Key::new(1, &[1; 32]).unwrap());
        let node = Engine::new(MeteredStore::new(disk.clone()), keys, Policy::default())
            .with_clock(clock.clone())
            .with_entropy(SeededEntropy::new(1))
            .with_observer(observer);
        Self { node, disk, clock }
    }

    pub fn issue(&self) -> String {
        let grant = Grant::new("alice", "web-app").scope("read write");
        let issued = pollster::block_on(self.node.issue(grant)).unwrap();
        issued.token.unwrap().into_exposed()
    }

    pub fn refresh(&self, token: &str) {
        drop(pollster::block_on(self.node.refresh(token, request())));
    }
}

pub fn request() -> Request<'static> {
    Request::new("web-app")
}

/// An event of each kind, about one family.
pub fn events(kinds: impl IntoIterator<Item = EventKind>) -> Vec<Event> {
    let heard: Arc<std::sync::Mutex<Vec<Event>>> = Arc::default();
    let ear = Arc::clone(&heard);
    World::with(Arc::new(move |event: &Event| ear.lock().unwrap().push(event.clone()))).issue();
    let issued = heard.lock().unwrap().pop().unwrap();
    let of = |kind| {
        let mut event = issued.clone();
        event.kind = kind;
        event
    };
    kinds.into_iter().map(of).collect()
}
