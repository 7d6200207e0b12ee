//! Recovery, adoption, limits and wider reactions, disturbed.

use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::family::Status;
use heirloom::{
    AdoptionKey, Clock, FamilyLimit, Grant, How, KeyRing, Outcome, Policy, Reaction, Reason,
    Recovery, Refusal,
};
use pollster::block_on;

use crate::faults::trial::{Trial, every_disturbance};
use crate::support::exchange::{WAYS, exchange};
use crate::support::{grant, granted, text};

const LEGACY: &str = "8xLOxBtZp8";

/// P15: whoever was recovered and lost the answer gets the same successor again.
#[test]
fn a_disturbed_recovery_loses_no_family_and_its_retry_gets_the_same_successor() {
    for way in WAYS {
        every_disturbance(&Policy::default(), |trial| {
            let (token, _) = trial.issue();
            let backup = trial.world.store.inner().snapshot();
            let first = granted(trial.refresh(&token));
            let ahead = granted(trial.refresh(text(&first)));
            trial.world.store.inner().restore(backup);
            trial.advance(1_000);
            let now = trial.world.clock.now();
            let until = now.saturating_add(Duration::from_secs(3_600));
            trial.node.open_recovery(Recovery::new(now, until, now).unwrap());

            let ending = trial.disturb(exchange(&trial.node, text(&ahead), way));
            let released = ending.and_then(Result::ok).map(granted);
            trial.advance(9_999);
            let again = granted(trial.refresh(text(&ahead)));
            if let Some(released) = released {
                assert_eq!(released.how, How::Recovered);
                assert_eq!(text(&released), text(&again), "{:?}", trial.disturbance);
            }
            assert_eq!(granted(trial.refresh(text(&again))).generation, 4);
        });
    }
}

fn adopting(trial: &Trial) {
    let key = AdoptionKey::new(&[8; 32]).unwrap();
    trial.node.set_keys(KeyRing::new(crate::support::key(1)).with_adoption(key));
}

async fn adopt(trial: &Trial) -> Result<heirloom::FamilyId, heirloom::Error> {
    let until = trial.world.clock.now().saturating_add(Duration::from_secs(86_400));
    let legacy = Legacy::token(LEGACY).unwrap();
    trial.node.adopt(&legacy, grant(), until).await.map(|adopted| adopted.family())
}

#[test]
fn a_disturbed_adoption_is_one_family_however_often_it_is_tried_again() {
    every_disturbance(&Policy::default(), |trial| {
        adopting(trial);
        let first = trial.disturb(adopt(trial)).and_then(Result::ok);
        let again = block_on(adopt(trial)).unwrap();
        assert!(first.is_none_or(|first| first == again));
        assert_eq!(trial.world.store.inner().len(), 1, "{:?}", trial.disturbance);
        assert_eq!(granted(trial.refresh(LEGACY)).generation, 1);
    });
}

#[test]
fn a_disturbed_first_exchange_of_a_legacy_token_gets_the_same_successor_when_tried_again() {
    for way in WAYS {
        every_disturbance(&Policy::default(), |trial| {
            adopting(trial);
            block_on(adopt(trial)).unwrap();
            let ending = trial.disturb(exchange(&trial.node, LEGACY, way));
            let released = ending.and_then(Result::ok).map(granted);
            trial.advance(9_999);
            let again = granted(trial.refresh(LEGACY));
            if let Some(released) = released {
                assert_eq!(text(&released), text(&again), "{:?}", trial.disturbance);
            }
            assert_eq!(granted(trial.refresh(text(&again))).how, How::Rotated);
        });
    }
}

/// A limit is kept by whoever issues next, and whoever got a token has a family.
#[test]
fn a_disturbed_issue_under_a_limit_leaves_the_limit_to_the_next_one() {
    let policy = Policy::builder().limit(FamilyLimit::evict(1)).build().unwrap();
    every_disturbance(&policy, |trial| {
        let (old, _) = trial.issue();
        trial.advance(1_000);
        let live = || {
            let families = trial.world.store.inner().snapshot();
            families.into_iter().filter(|it| it.status == Status::Live).collect::<Vec<_>>()
        };
        let ending = trial.disturb(trial.node.issue(grant()));
        if let Some(Ok(issued)) = ending {
            assert_eq!(live().len(), 1, "{:?}", trial.disturbance);
            assert_eq!(granted(trial.refresh(text(&issued))).how, How::Rotated);
        }
        trial.advance(1_000);
        let latest = block_on(trial.node.issue(grant())).unwrap();
        assert_eq!(live().iter().map(|it| it.id).collect::<Vec<_>>(), [latest.family]);
        let evicted = trial.refresh(&old);
        assert!(matches!(evicted, Outcome::Refused(Refusal::Revoked(Reason::Evicted))));
    });
}

/// The presented family comes first, and none shields another: what a store that fails has left alive is one of them, or all
/// the others, if they could not be looked up.
#[test]
fn a_disturbed_breach_with_a_wider_effect_leaves_what_the_store_has_failed_at_and_no_more() {
    let policy = Policy::builder().on_reuse(Reaction::Subject).build().unwrap();
    every_disturbance(&policy, |trial| {
        let others = ["tv", "car"].map(|client| {
            block_on(trial.world.node.issue(Grant::new("alice", client))).unwrap().family
        });
        let (spent, family) = trial.issue();
        assert!(matches!(trial.refresh(&spent), Outcome::Granted(_)));
        trial.advance(10_000);
        let ending = trial.disturb(exchange(&trial.node, &spent, WAYS[0]));
        let left = others.iter().filter(|family| trial.is_live(**family)).count();
        match ending {
            Some(Ok(Outcome::Refused(why))) => {
                assert!(why.breach().is_some(), "{why}");
                assert_eq!((trial.is_live(family), left), (false, 0), "{:?}", trial.disturbance);
            }
            // Not reached at all; or at its end, and then the others have ended.
            Some(_) if trial.is_live(family) => assert_ne!(left, 1, "{:?}", trial.disturbance),
            Some(_) => {}
            None => assert!(!trial.is_live(family) || left == 2, "{:?}", trial.disturbance),
        }
        let found_again = trial.refresh(&spent);
        assert!(matches!(
            found_again,
            Outcome::Refused(Refusal::Reused(_) | Refusal::Revoked(Reason::Reuse(_)))
        ));
        assert!(!trial.is_live(family));
    });
}
