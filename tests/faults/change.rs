//! A change of the grant, and what only looks.

use heirloom::{How, Outcome, Page, Policy, Refusal, Selector};
use pollster::block_on;

use crate::faults::trial::every_disturbance;
use crate::support::{grant, granted, request, text};

#[test]
fn a_disturbed_change_of_the_grant_is_durable_when_reported_and_can_be_tried_again() {
    let raised = || grant().scope("read write admin");
    every_disturbance(&Policy::default(), |trial| {
        let (before, family) = trial.issue();
        let current = granted(trial.refresh(&before));
        let ending = trial.disturb(trial.node.change_grant(family, |_| raised()));
        if let Some(Ok(())) = ending {
            assert_eq!(*trial.stored(family).grant, raised(), "{:?}", trial.disturbance);
        } else {
            block_on(trial.node.change_grant(family, |_| raised())).unwrap();
        }
        let closed = trial.refresh(&before);
        assert!(matches!(closed, Outcome::Refused(Refusal::LeewayClosed)), "{closed:?}");
        let next = granted(trial.refresh(text(&current)));
        assert_eq!(next.how, How::Rotated);
        assert!(next.scope.contains("admin"));
    });
}

#[test]
fn what_only_looks_changes_nothing_however_it_is_disturbed() {
    every_disturbance(&Policy::default(), |trial| {
        let (token, family) = trial.issue();
        let before = trial.stored(family);
        let page = Page { after: None, limit: 10 };
        let alice = Selector::subject("alice");
        let look = async {
            trial.node.introspect(&token).await?;
            trial.node.explain(&token, request()).await?;
            trial.node.families(&alice, page).await?;
            trial.node.begin(&token, request()).await.map(drop)
        };
        trial.disturb(look);
        assert_eq!(trial.stored(family), before, "{:?}", trial.disturbance);
    });
}
