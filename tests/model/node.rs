//! What the driver drives: two nodes over one store that fails, loses and races as it is told.

use std::collections::BTreeMap;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use heirloom::family::{Family, Status};
use heirloom::testing::{Fault, FaultStore, ManualClock, Operations, SeededEntropy};
use heirloom::token::FamilyId;
use heirloom::{Engine, Event, EventKind, Observer, Policy, Request, Timestamp};

use crate::backend::Backend;

use super::answers::Actual;
use super::operation::Trouble;
use super::translate;
use super::words::{Asked, Millis, RETENTION, Resource, Ring, Showing, Window};

/// The records of a store.
pub type Records = BTreeMap<FamilyId, Family>;
/// The store under test.
pub type Disk = FaultStore<Backend>;

/// A process of the server: an engine, its clock, its key ring.
pub struct Node {
    pub engine: Engine<Disk, ManualClock, SeededEntropy>,
    pub clock: ManualClock,
    ring: Mutex<Ring>,
    window: Mutex<Option<Window>>,
}

impl Node {
    pub fn start(
        disk: &Disk,
        entropy: SeededEntropy,
        heard: &Heard,
        clock: ManualClock,
        ring: Ring,
    ) -> Self {
        let engine = Engine::new(disk.clone(), translate::ring(&ring), Policy::default())
            .with_clock(clock.clone())
            .with_entropy(entropy)
            .with_retention(std::time::Duration::from_millis(RETENTION))
            .with_observer(heard.observer(disk));
        Self { engine, clock, ring: Mutex::new(ring), window: Mutex::default() }
    }

    pub fn ring(&self) -> Ring {
        self.ring.lock().expect("no holder panics").clone()
    }

    /// Swaps the key ring under whatever is in flight.
    pub fn set_ring(&self, ring: Ring) {
        self.engine.set_keys(translate::ring(&ring));
        *self.ring.lock().expect("no holder panics") = ring;
    }

    pub fn window(&self) -> Option<Window> {
        *self.window.lock().expect("no holder panics")
    }

    /// Opens a recovery window, if there can be such a one now, or closes the one that is open.
    pub fn set_window(&self, window: Option<Window>) {
        let recovery = window.map(|window| translate::recovery(window, self.now()));
        match recovery {
            None => self.engine.close_recovery(),
            Some(Some(recovery)) => self.engine.open_recovery(recovery),
            Some(None) => return,
        }
        *self.window.lock().expect("no holder panics") = window;
    }

    pub fn now(&self) -> Millis {
        heirloom::Clock::now(&self.clock).as_millis()
    }

    /// Calls the engine. A refresh in two steps is the driver's, as others may come between.
    pub async fn call(&self, ids: &[FamilyId], asked: &Asked) -> Actual {
        let reason = heirloom::Reason::Logout;
        match asked {
            Asked::Issue(consent, rules) => {
                let policy = translate::policy(rules);
                Actual::Issued(self.engine.issue_under(&policy, translate::grant(consent)).await)
            }
            Asked::Adopt { legacy, by_hash, consent, rules, until } => {
                let (policy, until) = (translate::policy(rules), Timestamp::from_millis(*until));
                let legacy = translate::legacy(*legacy, *by_hash);
                let grant = translate::grant(consent);
                Actual::Adopted(self.engine.adopt_under(&policy, &legacy, grant, until).await)
            }
            Asked::Revoke(showing) => Actual::Revoked(self.revoke(showing).await),
            Asked::RevokeFamily(no) => {
                Actual::Revoked(self.engine.revoke_family(ids[*no], reason).await)
            }
            Asked::RevokeAll { subject, client, keep } => {
                let selector = translate::selector(*subject, *client);
                Actual::Counted(match keep {
                    None => self.engine.revoke_all(&selector, reason).await,
                    Some(no) => self.engine.revoke_others(&selector, ids[*no], reason).await,
                })
            }
            Asked::ChangeGrant(no, consent) => {
                let grant = translate::grant(consent);
                Actual::Changed(self.engine.change_grant(ids[*no], |_| grant.clone()).await)
            }
            Asked::Introspect(showing) => {
                let policy = translate::policy(&showing.rules);
                Actual::Introspected(self.engine.introspect_by(&showing.text, |_| &policy).await)
            }
            Asked::Purge { limit } => Actual::Counted(self.engine.purge(*limit).await),
            Asked::Refresh(showing)
            | Asked::Begin(showing)
            | Asked::Commit(showing, _)
            | Asked::Explain(showing) => self.show(asked, showing).await,
        }
    }

    async fn show(&self, asked: &Asked, showing: &Showing) -> Actual {
        let policy = translate::policy(&showing.rules);
        let scope = showing.scope.as_ref().map(translate::text);
        let request = request(showing, scope.as_deref(), &policy);
        if let Asked::Explain(_) = asked {
            let explained = self.engine.explain(&showing.text, request).await;
            return Actual::Explained(explained.map(Box::new));
        }
        Actual::Refreshed(self.engine.refresh(&showing.text, request).await)
    }

    async fn revoke(&self, showing: &Showing) -> Result<heirloom::RevokeOutcome, heirloom::Error> {
        let policy = translate::policy(&showing.rules);
        self.engine.revoke(&showing.text, request(showing, None, &policy)).await
    }
}

/// The request that a showing is.
pub fn request<'a>(showing: &Showing, scope: Option<&'a str>, policy: &'a Policy) -> Request<'a> {
    let resources: &[&str] = match showing.resource {
        None => &[],
        Some(Resource::Own) => &[translate::RESOURCE],
        Some(Resource::Foreign) => &[translate::FOREIGN],
    };
    Request::new(showing.client)
        .scope(scope)
        .resources(resources)
        .binding(showing.proof.map(translate::binding))
        .policy(policy)
}

/// The events of all nodes, and whether each was true when it was told.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<Event>>>);

impl Heard {
    /// An end that is told before it is durable is a lie, and found out at once (properties P2 and P3).
    fn observer(&self, disk: &Disk) -> Arc<dyn Observer> {
        let (heard, disk) = (self.clone(), disk.clone());
        Arc::new(move |event: &Event| {
            if let (EventKind::Revoked(_), Some(about)) = (event.kind, &event.about) {
                let records = records(&disk);
                let record = records.get(&about.family).expect("ended, hence stored");
                assert_ne!(record.status, Status::Live, "told before it was durable: {event:?}");
            }
            heard.0.lock().expect("no observer panics").push(event.clone());
        })
    }

    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.lock().expect("no observer panics"))
    }
}

/// What the store holds, whatever it would say now.
pub fn records(disk: &Disk) -> Records {
    disk.inner().snapshot().into_iter().map(|family| (family.id, family)).collect()
}

/// How a call went.
pub struct Ran {
    /// What it returned; `None`: it was dropped before.
    pub actual: Option<Actual>,
    pub operations: Operations,
    /// Whether the trouble has come.
    pub struck: bool,
}

/// Carries out one call, with what goes wrong.
pub fn run(disk: &Disk, trouble: &Trouble, future: impl Future<Output = Actual>) -> Ran {
    let (fault, polls) = match trouble {
        Trouble::None => (None, None),
        Trouble::Before(call) => (Some((Fault::Before, *call, 1)), None),
        Trouble::After(call) => (Some((Fault::After, *call, 1)), None),
        Trouble::Conflicts(times) => (Some((Fault::Conflict, 0, *times)), None),
        Trouble::ConflictAfter(call) => (Some((Fault::ConflictAfter, *call, 1)), None),
        Trouble::Dropped(polls) => (None, Some(*polls)),
    };
    if let Some((fault, first, times)) = fault {
        (0..times).for_each(|_| disk.fail_at(fault, usize::from(first)));
    }
    disk.wait(usize::from(polls.is_some()));
    let _before = disk.take_operations();
    let actual = poll(future, polls.map(usize::from));
    disk.heal();
    disk.wait(0);
    let operations = disk.take_operations();
    let struck = match fault {
        Some((_, first, times)) => times > 0 && operations.total() > usize::from(first),
        None => actual.is_none(),
    };
    Ran { actual, operations, struck }
}

/// Polls a future so often, then drops it; without a number, to its end.
fn poll<T>(future: impl Future<Output = T>, polls: Option<usize>) -> Option<T> {
    let mut future = pin!(future);
    for _ in 0..polls.unwrap_or(1_000) {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return Some(output);
        }
    }
    assert!(polls.is_some(), "a call that never ends");
    None
}

/// A call that has begun.
pub type Running<'a> = Pin<Box<dyn Future<Output = Actual> + 'a>>;

/// Polls futures in turn to their ends: at each turn, a pair of bits says whose it is.
pub fn interleave(disk: &Disk, mut futures: Vec<Running<'_>>, schedule: u64) -> Vec<Actual> {
    disk.wait(1);
    let mut actuals: Vec<Option<Actual>> = futures.iter().map(|_| None).collect();
    for turn in 0..1_000_u32 {
        let bits = usize::try_from(schedule.rotate_right(2 * turn) & 3).expect("two bits");
        let open: Vec<usize> = (0..actuals.len()).filter(|at| actuals[*at].is_none()).collect();
        let Some(at) = open.get(bits % open.len().max(1)) else { break };
        let mut context = Context::from_waker(Waker::noop());
        if let Poll::Ready(actual) = futures[*at].as_mut().poll(&mut context) {
            actuals[*at] = Some(actual);
        }
    }
    disk.wait(0);
    let _calls = disk.take_operations();
    actuals.into_iter().map(|actual| actual.expect("a call that ends")).collect()
}

/// The instant as heirloom has it.
pub fn instant(millis: Millis) -> Timestamp {
    Timestamp::from_millis(millis)
}
