//! Exchanges: rotation in one step and in two, narrowed, replayed, and refused as a breach.

use std::time::Duration;

use heirloom::testing::{Fault, Operation};
use heirloom::{Error, How, Outcome, Policy, Reason, Refusal};
use pollster::block_on;

use crate::faults::trial::{Trial, every_disturbance};
use crate::support::exchange::{WAYS, exchange};
use crate::support::{World, grant, granted, request, text};

/// What was released, if anything was.
fn released(trial: &Trial, ending: Option<Result<Outcome, Error>>) -> Option<String> {
    let outcome = ending?.ok()?;
    let granted = granted(outcome);
    let stored = trial.stored(granted.family);
    assert_eq!(stored.head.generation, granted.generation, "released before it was committed");
    Some(text(&granted).to_owned())
}

/// The client tries again at the last moment of the leeway, twice, and goes on.
fn retry(trial: &Trial, token: &str, released: Option<&str>) {
    trial.advance(9_999);
    let first = granted(trial.refresh(token));
    assert_eq!(released.unwrap_or(text(&first)), text(&first), "{:?}", trial.disturbance);
    let second = granted(trial.refresh(token));
    assert_eq!(second.how, How::Replayed);
    assert_eq!(text(&second), text(&first));
    assert_eq!(granted(trial.refresh(text(&first))).how, How::Rotated);
}

#[test]
fn a_disturbed_exchange_loses_no_family_and_its_retry_gets_the_same_successor() {
    for way in WAYS {
        every_disturbance(&Policy::default(), |trial| {
            let (token, _) = trial.issue();
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            let released = released(trial, ending);
            retry(trial, &token, released.as_deref());
        });
    }
}

/// P15 without the help of a leeway: what a call has written itself is its success, not a breach by another.
#[test]
fn a_call_without_a_leeway_takes_its_own_write_for_its_own() {
    let strict = Policy::builder().leeway(None).build().unwrap();
    for way in WAYS {
        every_disturbance(&strict, |trial| {
            let (token, family) = trial.issue();
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            assert!(trial.is_live(family), "{:?}", trial.disturbance);
            if let Some(released) = released(trial, ending) {
                assert_eq!(granted(trial.refresh(&released)).how, How::Rotated);
            }
        });
    }
}

#[test]
fn a_disturbed_replay_loses_no_family_and_its_retry_gets_the_same_successor() {
    for way in WAYS {
        every_disturbance(&Policy::default(), |trial| {
            let (token, _) = trial.issue();
            let lost = granted(trial.refresh(&token));
            let before = trial.stored(lost.family);
            let ending = trial.disturb(exchange(&trial.node, &token, way));
            assert_eq!(trial.stored(lost.family), before, "a replay writes nothing");
            if let Some(again) = released(trial, ending) {
                assert_eq!(again, text(&lost));
            }
            retry(trial, &token, Some(text(&lost)));
        });
    }
}

/// P2: the breach is durable before it is reported, and one that failed is found again.
#[test]
fn a_disturbed_breach_is_durable_when_reported_and_found_again_when_not() {
    for way in WAYS {
        every_disturbance(&Policy::default(), |trial| {
            let (spent, family) = trial.issue();
            let current = granted(trial.refresh(&spent));
            trial.advance(10_000);
            let ending = trial.disturb(exchange(&trial.node, &spent, way));
            let reported = match ending {
                Some(Ok(Outcome::Refused(why))) => Some(why),
                Some(Ok(Outcome::Granted(granted))) => panic!("{granted:?}"),
                Some(Err(_)) | None => None,
            };
            if let Some(why) = reported {
                assert!(why.breach().is_some(), "{why}: {:?}", trial.disturbance);
                assert!(!trial.is_live(family));
            }
            let found_again = trial.refresh(&spent);
            assert!(
                matches!(
                    found_again,
                    Outcome::Refused(Refusal::Reused(_) | Refusal::Revoked(Reason::Reuse(_)))
                ),
                "{found_again:?}"
            );
            assert!(!trial.is_live(family));
            let current = trial.refresh(text(&current));
            assert!(matches!(current, Outcome::Refused(Refusal::Revoked(Reason::Reuse(_)))));
        });
    }
}

/// A store that is down is our fault, never the client's: no refusal that is not durable, no breach, nothing lost.
#[test]
fn a_store_that_stays_down_is_an_error_and_never_a_refusal() {
    let faults = [Fault::Before, Fault::Conflict];
    let downs: [fn(Operation) -> bool; 3] = [
        |_| true,
        |operation| operation.writes(),
        |operation| matches!(operation, Operation::Revoke | Operation::Load),
    ];
    for (way, fault) in WAYS.into_iter().flat_map(|way| faults.map(|fault| (way, fault))) {
        for down in downs {
            let World { store, clock, node } = World::new(Policy::default());
            let spent = block_on(node.issue(grant())).unwrap();
            let current = granted(block_on(node.refresh(text(&spent), request())).unwrap());
            clock.advance(Duration::from_secs(10));
            let before = store.inner().snapshot();

            store.fail(fault, usize::MAX, down);
            let reuse = block_on(exchange(&node, text(&spent), way)).unwrap_err();
            assert!(reuse.is_retryable(), "{way:?} {fault:?}: {reuse}");
            assert_eq!(store.inner().snapshot(), before);
            store.heal();
            assert_eq!(
                granted(block_on(exchange(&node, text(&current), way)).unwrap()).generation,
                2
            );
        }
    }
}
