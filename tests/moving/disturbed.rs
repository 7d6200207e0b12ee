//! Every call of either store goes wrong once, and every future is dropped at every await: the client tries again, and has
//! lost nothing.

use std::task::{Context, Poll, Waker};

use heirloom::family::{Reason, Status};
use heirloom::testing::Fault;
use heirloom::{Error, FamilyId, Outcome, Refusal, RevokeOutcome};
use pollster::block_on;

use crate::moving::world::{Kind, MOVING, World, grant, granted, request, text};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Old,
    New,
}

#[derive(Clone, Copy, Debug)]
enum Disturbance {
    Fault(Side, Fault, usize),
    Drop(usize),
}

/// A story in which one operation of a node of this kind is disturbed; says whether it was.
struct Trial {
    world: World,
    kind: Kind,
    disturbance: Disturbance,
    hit: std::cell::Cell<bool>,
}

/// Runs a story for each disturbance of each kind of node, until one comes too late.
fn every_disturbance(story: impl Fn(&Trial)) {
    type Make = Box<dyn Fn(usize) -> Disturbance>;
    let mut makes: Vec<Make> = vec![Box::new(Disturbance::Drop)];
    for side in [Side::Old, Side::New] {
        for fault in [Fault::Before, Fault::After, Fault::Conflict, Fault::ConflictAfter] {
            makes.push(Box::new(move |call| Disturbance::Fault(side, fault, call)));
        }
    }
    for kind in MOVING {
        for cut_short in [false, true] {
            let mut hits = 0;
            for make in &makes {
                for number in 0..100 {
                    let (world, disturbance) = (World::new(), make(number));
                    let trial = Trial { world, kind, disturbance, hit: Default::default() };
                    if cut_short {
                        // What the story issues first is then half moved.
                        trial.world.advance(std::time::Duration::from_millis(1));
                    }
                    CUT.set(cut_short);
                    story(&trial);
                    hits += usize::from(trial.hit.get());
                    if !trial.hit.get() {
                        break;
                    }
                    assert!(number < 99);
                }
            }
            assert!(hits > 3, "{kind:?}");
        }
    }
}

thread_local! {
    static CUT: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

impl Trial {
    fn issued(&self) -> (String, FamilyId) {
        let (token, id) = self.world.issued();
        if CUT.get() {
            self.world.cut_short(id);
        }
        (token, id)
    }

    /// Runs it disturbed; `None`: it was dropped.
    fn disturb<T>(
        &self,
        future: impl Future<Output = Result<T, Error>>,
    ) -> Option<Result<T, Error>> {
        match self.disturbance {
            Disturbance::Fault(side, fault, call) => {
                let disk = if side == Side::Old { &self.world.old } else { &self.world.new };
                disk.take_operations();
                disk.fail_at(fault, call);
                let returned = block_on(future);
                self.hit.set(disk.take_operations().total() > call);
                disk.heal();
                if let Err(error) = &returned {
                    assert!(self.hit.get() && error.is_retryable(), "{error}");
                }
                Some(returned)
            }
            Disturbance::Drop(polls) => {
                let mut future = Box::pin(future);
                let mut context = Context::from_waker(Waker::noop());
                let returned = (0..polls).find_map(|_| match future.as_mut().poll(&mut context) {
                    Poll::Ready(value) => Some(value),
                    Poll::Pending => None,
                });
                self.hit.set(returned.is_none());
                returned
            }
        }
    }
}

#[test]
fn an_exchange_that_is_disturbed_and_tried_again_gets_one_successor() {
    every_disturbance(|trial| {
        let (token, id) = trial.issued();
        let node = trial.world.node(trial.kind);
        let released = match trial.disturb(node.refresh(&token, request())) {
            Some(Ok(outcome)) => Some(text(&granted(outcome))),
            Some(Err(_)) | None => None,
        };
        assert!(trial.world.live_copies(id) <= 1);
        for kind in [trial.kind, Kind::Pulling, Kind::Over] {
            let again = trial.world.granted(kind, &token);
            assert!(released.as_ref().is_none_or(|it| *it == again), "{:?}", trial.disturbance);
        }
        let next = trial.world.granted(trial.kind, &token);
        let _ = trial.world.granted(Kind::Following, &next);
        assert_eq!(trial.world.live_copies(id), 1);
    });
}

#[test]
fn a_revocation_that_is_disturbed_and_tried_again_ends_the_family() {
    every_disturbance(|trial| {
        let (token, id) = trial.issued();
        let node = trial.world.node(trial.kind);
        let ended = trial.disturb(node.revoke_family(id, Reason::Logout));
        if let Some(Ok(ended)) = ended {
            assert_eq!(ended, RevokeOutcome::Ended);
            assert_eq!(trial.world.live_copies(id), 0);
        }
        let again = block_on(node.revoke_family(id, Reason::Administrator)).unwrap();
        assert!(matches!(again, RevokeOutcome::Ended | RevokeOutcome::Before(Reason::Logout)));
        trial.world.walk(9);
        for kind in [Kind::Following, Kind::Pulling, Kind::Over] {
            let why = trial.world.refused(kind, &token);
            assert!(matches!(why, Refusal::Revoked(Reason::Logout | Reason::Administrator)));
        }
    });
}

#[test]
fn a_breach_that_is_disturbed_is_found_again() {
    every_disturbance(|trial| {
        let (spent, id) = trial.world.issued();
        let token = trial.world.granted(Kind::Plain, &spent);
        let token = trial.world.granted(Kind::Plain, &token);
        if CUT.get() {
            trial.world.cut_short(id);
        }
        let node = trial.world.node(trial.kind);
        if let Some(Ok(outcome)) = trial.disturb(node.refresh(&spent, request())) {
            let Outcome::Refused(why) = outcome else { panic!("{outcome:?}") };
            assert!(why.breach().is_some() || matches!(why, Refusal::Revoked(Reason::Reuse(_))));
            assert_eq!(trial.world.live_copies(id), 0);
        }
        let _ = trial.world.refused(trial.kind, &spent);
        let why = trial.world.refused(trial.kind, &token);
        assert!(matches!(why, Refusal::Revoked(Reason::Reuse(_))), "{why:?}");
    });
}

#[test]
fn a_change_that_is_disturbed_and_made_again_is_in_force() {
    every_disturbance(|trial| {
        let (token, id) = trial.issued();
        let node = trial.world.node(trial.kind);
        let narrower = |grant: &heirloom::Grant| grant.clone().scope("read");
        let _ = trial.disturb(node.change_grant(id, narrower));
        block_on(node.change_grant(id, narrower)).unwrap();
        let after = granted(trial.world.refresh(Kind::Pulling, &token));
        assert_eq!(after.scope.as_str(), "read");
    });
}

#[test]
fn an_issue_that_is_disturbed_leaves_one_family_or_none() {
    every_disturbance(|trial| {
        let _ = trial.issued();
        let node = trial.world.node(trial.kind);
        let issued = trial.disturb(node.issue(grant()));
        if let Some(Ok(issued)) = issued {
            assert_eq!(trial.world.live_copies(issued.family), 1);
            let _ = trial.world.granted(Kind::Pulling, &text(&issued));
        }
        let families = trial.world.old.inner().snapshot();
        for family in families.iter().filter(|family| family.status == Status::Live) {
            assert!(trial.world.in_new(family.id).is_none());
        }
    });
}
