//! One disturbance of one operation, and the enumeration of all of them.

use std::cell::Cell;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::testing::Fault;
use heirloom::{Error, Event, EventKind, FamilyId, Outcome, Policy};
use pollster::block_on;

use crate::faults::witness::{Witness, stored};
use crate::support::{Node, World, grant, node, request, text};

/// How an operation is disturbed.
#[derive(Clone, Copy, Debug)]
pub enum Disturbance {
    /// This goes wrong at its store call with this number.
    Fault(Fault, usize),
    /// Its future is dropped after so many polls.
    Drop(usize),
}

/// A fresh deployment whose one operation will be disturbed.
pub struct Trial {
    pub world: World,
    pub node: Node,
    pub disturbance: Disturbance,
    witness: Arc<Witness>,
    hit: Cell<bool>,
}

/// Runs a story for each disturbance, until one comes too late to disturb it.
pub fn every_disturbance(policy: &Policy, mut story: impl FnMut(&Trial)) {
    type Kind = Box<dyn Fn(usize) -> Disturbance>;
    let faults = [Fault::Before, Fault::After, Fault::Conflict, Fault::ConflictAfter];
    let at_call = |fault| -> Kind { Box::new(move |call| Disturbance::Fault(fault, call)) };
    let at_poll: Kind = Box::new(Disturbance::Drop);
    for disturbance in faults.map(at_call).into_iter().chain([at_poll]) {
        let undisturbed = (0..100).map(&disturbance).find(|disturbance| {
            let trial = Trial::new(policy, *disturbance);
            story(&trial);
            trial.hears_each_thing_once();
            !trial.hit.get()
        });
        let last = undisturbed.expect("an operation comes to its end");
        assert!(!matches!(last, Disturbance::Fault(_, 0) | Disturbance::Drop(0)), "{last:?}");
    }
}

impl Trial {
    fn new(policy: &Policy, disturbance: Disturbance) -> Self {
        let world = World::new(policy.clone());
        let witness = Arc::new(Witness::new(world.store.clone()));
        let observer = Arc::clone(&witness);
        let node = node(&world.store, &world.clock, policy.clone(), 2).with_observer(observer);
        Self { world, node, disturbance, witness, hit: Cell::new(false) }
    }

    /// A token, with nothing going wrong.
    pub fn issue(&self) -> (String, FamilyId) {
        let issued = block_on(self.world.node.issue(grant())).unwrap();
        (text(&issued).to_owned(), issued.family)
    }

    /// Presents a token with nothing going wrong.
    pub fn refresh(&self, token: &str) -> Outcome {
        block_on(self.node.refresh(token, request())).unwrap()
    }

    /// Runs the operation disturbed; `None`: it was dropped.
    pub fn disturb<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        let store = &self.world.store;
        let returned = match self.disturbance {
            Disturbance::Fault(fault, call) => {
                store.take_operations();
                store.fail_at(fault, call);
                let returned = block_on(operation);
                self.hit.set(store.take_operations().total() > call);
                store.heal();
                Some(returned)
            }
            Disturbance::Drop(polls) => {
                store.wait(1);
                let returned = poll_at_most(polls, operation);
                self.hit.set(returned.is_none());
                store.wait(0);
                returned
            }
        };
        if let Some(Err(error)) = &returned {
            assert!(self.hit.get() && error.is_retryable(), "{error}");
        }
        returned
    }

    pub fn stored(&self, id: FamilyId) -> Family {
        stored(&self.world.store, id).expect("a stored family")
    }

    pub fn is_live(&self, id: FamilyId) -> bool {
        self.stored(id).status == Status::Live
    }

    pub fn advance(&self, millis: u64) {
        self.world.clock.advance(Duration::from_millis(millis));
    }

    /// A thing that happens once in a family's life, or once to a generation, is heard of once at most.
    fn hears_each_thing_once(&self) {
        let mut heard = self.witness.take();
        heard.retain(|event| happens_once(event.kind));
        for (index, event) in heard.iter().enumerate() {
            let same = |other: &&Event| other.about == event.about && other.kind == event.kind;
            assert_eq!(heard[..index].iter().find(same), None, "{:?}", self.disturbance);
        }
    }
}

fn happens_once(kind: EventKind) -> bool {
    match kind {
        EventKind::Issued
        | EventKind::Rotated
        | EventKind::Revoked(_)
        | EventKind::GrantChanged
        | EventKind::Forked { .. }
        | EventKind::Recovered
        | EventKind::Adopted
        | EventKind::RelatedLeft
        | EventKind::Purged { .. } => true,
        EventKind::Replayed { .. }
        | EventKind::Renewed { .. }
        | EventKind::RecoveryOpened(_)
        | EventKind::Kept
        | EventKind::Refused { .. }
        | EventKind::ClockBehind { .. } => false,
        other => panic!("{other:?}"),
    }
}

/// Polls a future so many times, then drops it.
fn poll_at_most<T>(polls: usize, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    })
}
