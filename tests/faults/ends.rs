//! Revocation: durable when reported, repeatable when not.

use heirloom::{Grant, Policy, Reason, RevokeOutcome, Selector};
use pollster::block_on;

use crate::faults::trial::{Trial, every_disturbance};
use crate::support::request;

/// What a revocation may report once it has been tried.
fn reported(trial: &Trial, outcome: RevokeOutcome, reason: Reason) -> bool {
    match outcome {
        RevokeOutcome::Ended => true,
        RevokeOutcome::Before(before) => {
            assert_eq!(before, reason, "{:?}", trial.disturbance);
            false
        }
        RevokeOutcome::NoEffect(why) => panic!("{why}: {:?}", trial.disturbance),
    }
}

#[test]
fn a_disturbed_revocation_by_token_is_durable_when_reported_and_can_be_tried_again() {
    every_disturbance(&Policy::default(), |trial| {
        let (token, family) = trial.issue();
        let ending = trial.disturb(trial.node.revoke(&token, request()));
        if let Some(Ok(outcome)) = ending {
            assert!(reported(trial, outcome, Reason::ClientRequest), "{:?}", trial.disturbance);
            assert!(!trial.is_live(family));
        }
        let again = block_on(trial.node.revoke(&token, request())).unwrap();
        reported(trial, again, Reason::ClientRequest);
        assert!(!trial.is_live(family));
    });
}

#[test]
fn a_disturbed_revocation_by_family_is_durable_when_reported_and_can_be_tried_again() {
    every_disturbance(&Policy::default(), |trial| {
        let (_, family) = trial.issue();
        let ending = trial.disturb(trial.node.revoke_family(family, Reason::Logout));
        if let Some(Ok(outcome)) = ending {
            assert!(reported(trial, outcome, Reason::Logout), "{:?}", trial.disturbance);
            assert!(!trial.is_live(family));
        }
        let again = block_on(trial.node.revoke_family(family, Reason::Logout)).unwrap();
        reported(trial, again, Reason::Logout);
        assert!(!trial.is_live(family));
    });
}

#[test]
fn a_disturbed_revocation_of_all_has_ended_all_when_reported_and_can_be_tried_again() {
    every_disturbance(&Policy::default(), |trial| {
        let alices = [(); 3].map(|()| trial.issue().1);
        let bob = block_on(trial.node.issue(Grant::new("bob", "web-app"))).unwrap();
        let alice = Selector::subject("alice");
        let none_live = || alices.iter().all(|family| !trial.is_live(*family));
        let ending = trial.disturb(trial.node.revoke_all(&alice, Reason::CredentialChange));
        if let Some(Ok(ended)) = ending {
            assert_eq!(ended, 3, "{:?}", trial.disturbance);
            assert!(none_live());
        }
        block_on(trial.node.revoke_all(&alice, Reason::CredentialChange)).unwrap();
        assert!(none_live());
        assert!(trial.is_live(bob.family));
    });
}
