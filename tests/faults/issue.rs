//! Issuing and purging: a failed issue leaves at most a family that nobody can use, and none that a selection misses.

use std::time::Duration;

use heirloom::{How, Policy, Reason, Selector};
use pollster::block_on;

use crate::faults::trial::every_disturbance;
use crate::support::{grant, granted, text};

#[test]
fn a_disturbed_issue_releases_no_token_without_a_family_and_hides_no_family() {
    every_disturbance(&Policy::default(), |trial| {
        let ending = trial.disturb(trial.node.issue(grant()));
        let issued = match ending {
            Some(Ok(issued)) => issued,
            Some(Err(_)) | None => block_on(trial.node.issue(grant())).unwrap(),
        };
        assert!(trial.is_live(issued.family), "{:?}", trial.disturbance);
        assert_eq!(granted(trial.refresh(text(&issued))).how, How::Rotated);

        let alice = Selector::subject("alice");
        block_on(trial.node.revoke_all(&alice, Reason::Logout)).unwrap();
        let families = trial.world.store.inner().snapshot();
        assert!(families.iter().all(|family| !trial.is_live(family.id)));
        assert!(families.len() <= 2, "{:?}", trial.disturbance);
    });
}

#[test]
fn a_disturbed_purge_removes_what_is_due_once_and_nothing_else() {
    const RETENTION: Duration = Duration::from_secs(7 * 86_400);
    every_disturbance(&Policy::default(), |trial| {
        for _ in 0..3 {
            let (_, family) = trial.issue();
            block_on(trial.node.revoke_family(family, Reason::Logout)).unwrap();
        }
        trial.world.clock.advance(RETENTION + Duration::from_millis(1));
        let (_, live) = trial.issue();
        let ending = trial.disturb(trial.node.purge(10));
        let reported = ending.and_then(Result::ok);
        let rest = block_on(trial.node.purge(10)).unwrap();
        assert!(reported.is_none_or(|first| first == 3 && rest == 0), "{:?}", trial.disturbance);
        assert!(rest <= 3);
        assert_eq!(trial.world.store.inner().len(), 1);
        assert!(trial.is_live(live));
    });
}
