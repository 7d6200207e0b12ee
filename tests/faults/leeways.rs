//! Leeways that write, disturbed: what each promises of P13, P15 and P19.
//!
//! *Newest*: the latest answer that arrives is good; what a lost one had displaced is good no more, and a retry inside the
//! leeway is answered. *Fork*: each answer that arrives is good; a lost one leaves a branch that nobody holds. *Counted
//! replay*: the same successor every time, while uses are left; a lost answer may have used one up, and a conflict that was none another.

use std::time::Duration;

use heirloom::token::Parsed;
use heirloom::{Error, Granted, How, Leeway, Outcome, Policy, Refusal};

use crate::faults::trial::{Trial, every_disturbance};
use crate::support::exchange::{WAYS, exchange};
use crate::support::{granted, text};

const TEN: Duration = Duration::from_secs(10);

fn policy(leeway: Leeway) -> Policy {
    Policy::builder().leeway(leeway).build().unwrap()
}

fn released(ending: Option<Result<Outcome, Error>>) -> Option<Granted> {
    let granted = granted(ending?.ok()?);
    let at = Parsed::parse(text(&granted)).unwrap().position();
    assert_eq!((at.branch, at.generation), (granted.branch, granted.generation));
    Some(granted)
}

fn goes_on(trial: &Trial, token: &Granted) {
    let next = granted(trial.refresh(text(token)));
    assert_eq!(next.how, How::Rotated, "{:?}", trial.disturbance);
}

#[test]
fn a_disturbed_renewal_is_good_when_it_is_answered_and_can_be_tried_again_when_not() {
    for way in WAYS {
        every_disturbance(&policy(Leeway::newest(TEN)), |trial| {
            let (token, family) = trial.issue();
            let lost = granted(trial.refresh(&token));
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            assert!(trial.is_live(family), "{:?}", trial.disturbance);
            if let Some(renewed) = released(ending) {
                assert_eq!(renewed.how, How::Renewed);
                let displaced = trial.refresh(text(&lost));
                assert!(matches!(displaced, Outcome::Refused(Refusal::Displaced)));
                goes_on(trial, &renewed);
            } else {
                trial.advance(9_999);
                let again = granted(trial.refresh(&token));
                assert_eq!(again.how, How::Renewed, "{:?}", trial.disturbance);
                goes_on(trial, &again);
            }
        });
    }
}

#[test]
fn a_disturbed_first_exchange_under_newest_loses_no_family() {
    for way in WAYS {
        every_disturbance(&policy(Leeway::newest(TEN)), |trial| {
            let (token, _) = trial.issue();
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            let held = released(ending).unwrap_or_else(|| {
                trial.advance(9_999);
                granted(trial.refresh(&token))
            });
            goes_on(trial, &held);
        });
    }
}

#[test]
fn a_disturbed_fork_makes_one_branch_a_call_and_every_answer_is_good() {
    for way in WAYS {
        every_disturbance(&policy(Leeway::fork(TEN, 4)), |trial| {
            let (token, family) = trial.issue();
            let first = granted(trial.refresh(&token));
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            let made = trial.stored(family).branches.made;
            let mut held = vec![first];
            match released(ending) {
                Some(forked) => {
                    assert_eq!((forked.how, made), (How::Forked, 1), "{:?}", trial.disturbance);
                    held.push(forked);
                }
                None => assert!(made <= 1, "{:?}", trial.disturbance),
            }
            trial.advance(9_999);
            held.push(granted(trial.refresh(&token)));
            held.iter().for_each(|token| goes_on(trial, token));
        });
    }
}

#[test]
fn a_disturbed_counted_replay_is_the_same_successor_and_never_goes_uncounted() {
    for way in WAYS {
        every_disturbance(&policy(Leeway::replay(TEN).uses(9)), |trial| {
            let (token, family) = trial.issue();
            let first = granted(trial.refresh(&token));
            let replays = || trial.stored(family).head.predecessor.unwrap().replays;
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            if let Some(again) = released(ending) {
                assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
                assert!(replays() >= 1, "{:?}", trial.disturbance);
            }
            assert!(replays() <= 2, "{:?}", trial.disturbance);
            trial.advance(9_999);
            let again = granted(trial.refresh(&token));
            assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
            goes_on(trial, &first);
        });
    }
}

/// What a call has written itself is its success, also on a family that the guard cannot state.
#[test]
fn a_disturbed_rotation_of_a_branch_gets_the_same_successor_when_it_is_tried_again() {
    let fork = Leeway::fork(TEN, 2);
    for way in WAYS {
        every_disturbance(&policy(fork), |trial| {
            let (root, _) = trial.issue();
            let first = granted(trial.refresh(&root));
            let beside = granted(trial.refresh(&root));
            let replay = Policy::default();
            for token in [&first, &beside] {
                let ending = trial.disturb(exchange(&trial.node, text(token), way));
                let released = released(ending);
                let request = crate::support::request().policy(&replay);
                let retry = trial.node.refresh(text(token), request);
                let again = granted(pollster::block_on(retry).unwrap());
                let same = released.is_none_or(|released| text(&released) == text(&again));
                assert!(same, "{:?}", trial.disturbance);
            }
        });
    }
}
