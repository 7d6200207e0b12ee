//! Issues at once under a limit, and adoptions of one token at once.

use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::engine::Adopted;
use heirloom::family::Status;
use heirloom::{AdoptionKey, Clock, Error, FamilyId, FamilyLimit, Grant, KeyRing, Policy};

use crate::races::nodes::Nodes;
use crate::support::schedule::{every_order, fewer, random_orders};
use crate::support::{grant, key};

fn live(nodes: &Nodes) -> Vec<FamilyId> {
    let families = nodes.world.store.inner().snapshot();
    families.into_iter().filter(|it| it.status == Status::Live).map(|it| it.id).collect()
}

/// Two issues at once never leave more than the limit, and whoever got a token is among those that live, or was the older.
#[test]
fn two_issues_at_once_leave_no_more_than_may_live_in_random_orders() {
    let nodes = Nodes::new(Policy::builder().limit(FamilyLimit::evict(1)).build().unwrap());
    random_orders(fewer(300, 30), 1, |schedule| {
        nodes.clear();
        nodes.world.store.wait(1);
        let (one, other) =
            schedule.pair(nodes.world.node.issue(grant()), nodes.other.issue(grant()));
        let live = live(&nodes);
        assert_eq!(live.len(), 1);
        let issued: Vec<_> = [&one, &other].into_iter().flatten().map(|it| it.family).collect();
        assert!(issued.contains(&live[0]), "somebody holds the token of the one that lives");
        for error in [one, other].into_iter().filter_map(Result::err) {
            assert!(matches!(error, Error::Contended) && error.is_retryable(), "{error}");
        }
    });
}

#[test]
fn two_issues_at_once_never_pass_a_limit_that_refuses_in_random_orders() {
    let nodes = Nodes::new(Policy::builder().limit(FamilyLimit::refuse(1)).build().unwrap());
    let mut issued = [0; 3];
    random_orders(fewer(300, 30), 1, |schedule| {
        nodes.clear();
        nodes.world.store.wait(1);
        let (one, other) =
            schedule.pair(nodes.world.node.issue(grant()), nodes.other.issue(grant()));
        let mut tokens: Vec<_> = [&one, &other].into_iter().flatten().map(|it| it.family).collect();
        tokens.sort();
        assert_eq!(live(&nodes), tokens, "who lives was issued, and who was issued lives");
        issued[tokens.len()] += 1;
        for error in [one, other].into_iter().filter_map(Result::err) {
            assert!(matches!(error, Error::TooManyFamilies { limit: 1 }), "{error}");
        }
    });
    assert!(issued[2] == 0 && issued[1] > 0, "{issued:?}");
}

#[test]
fn two_adoptions_at_once_are_one_family_in_every_order() {
    every_order(|schedule| {
        let nodes = Nodes::new(Policy::default());
        let ring = || KeyRing::new(key(1)).with_adoption(AdoptionKey::new(&[8; 32]).unwrap());
        nodes.world.node.set_keys(ring());
        nodes.other.set_keys(ring());
        nodes.world.store.wait(1);
        let legacy = Legacy::token("8xLOxBtZp8").unwrap();
        let until = nodes.world.clock.now().saturating_add(Duration::from_secs(60));
        let (one, other) = schedule.pair(
            nodes.world.node.adopt(&legacy, grant(), until),
            nodes.other.adopt(&legacy, grant(), until),
        );
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_eq!(one.family(), other.family());
        let new = [one, other].iter().filter(|it| matches!(it, Adopted::New(_))).count();
        assert_eq!(new, 1);
        assert_eq!(live(&nodes).len(), 1);
    });
}

/// Two grants for one legacy token: the first wins, the other is an error, and nothing is mixed.
#[test]
fn two_adoptions_for_two_grants_are_one_family_and_one_error_in_every_order() {
    every_order(|schedule| {
        let nodes = Nodes::new(Policy::default());
        let ring = || KeyRing::new(key(1)).with_adoption(AdoptionKey::new(&[8; 32]).unwrap());
        nodes.world.node.set_keys(ring());
        nodes.other.set_keys(ring());
        nodes.world.store.wait(1);
        let legacy = Legacy::token("8xLOxBtZp8").unwrap();
        let until = nodes.world.clock.now().saturating_add(Duration::from_secs(60));
        let outcomes = schedule.pair(
            nodes.world.node.adopt(&legacy, Grant::new("alice", "web-app"), until),
            nodes.other.adopt(&legacy, Grant::new("bob", "web-app"), until),
        );
        let stored = nodes.world.store.inner().snapshot().pop().unwrap();
        let winner = match outcomes {
            (Ok(Adopted::New(_)), Err(Error::OtherGrant { .. })) => "alice",
            (Err(Error::OtherGrant { .. }), Ok(Adopted::New(_))) => "bob",
            other => panic!("{other:?}"),
        };
        assert_eq!(&*stored.grant.subject, winner);
    });
}
