//! Every order of a revocation and an exchange: once both have returned nothing is live (P3).

use std::cell::{Cell, RefCell};

use heirloom::{
    FamilyId, Grant, Introspection, Outcome, Policy, Reaction, Reason, Refusal, RevokeOutcome,
    Selector,
};

use crate::races::nodes::Nodes;
use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::schedule::{Schedule, Task, every_order};
use crate::support::{Node, grant, request, text};

/// A way to end a family; they differ in the store calls that they make.
#[derive(Clone, Copy, Debug)]
pub enum Ender {
    Token,
    Family,
    Subject,
    Client,
}

const ENDERS: [Ender; 4] = [Ender::Token, Ender::Family, Ender::Subject, Ender::Client];

/// Ends a family; whether this call did it.
pub async fn end(node: &Node, token: &str, family: FamilyId, by: Ender) -> bool {
    let all = async |selector| node.revoke_all(&selector, Reason::Logout).await.unwrap() == 1;
    match by {
        Ender::Token => node.revoke(token, request()).await.unwrap() == RevokeOutcome::Ended,
        Ender::Family => {
            node.revoke_family(family, Reason::Logout).await.unwrap() == RevokeOutcome::Ended
        }
        Ender::Subject => all(Selector::subject("alice")).await,
        Ender::Client => all(Selector::client("web-app")).await,
    }
}

#[test]
fn nothing_is_live_once_an_exchange_and_a_revocation_have_returned_in_every_order() {
    for (way, by) in WAYS.into_iter().flat_map(|way| ENDERS.map(|by| (way, by))) {
        let nodes = Nodes::new(Policy::default());
        let mut both = [0, 0];
        every_order(|schedule| {
            nodes.clear();
            let granted = exchange_and_revoke(schedule, &nodes, way, by);
            both[usize::from(granted)] += 1;
        });
        assert!(both.iter().all(|count| *count > 0), "{way:?} {by:?}: {both:?}");
    }
}

/// A family was logged out while a spent token of it was judged. Its others were ended as if there had been a breach, of which no
/// event told: it had been a logout.
#[test]
fn a_breach_that_a_logout_has_overtaken_ends_nothing_beside_it_in_every_order() {
    let wide = Policy::builder().leeway(None).on_reuse(Reaction::Subject).build().unwrap();
    for by in [Ender::Token, Ender::Family, Ender::Client] {
        let nodes = Nodes::new(wide.clone());
        let mut both = [0, 0];
        every_order(|schedule| {
            nodes.clear();
            nodes.world.store.wait(0);
            let other = pollster::block_on(nodes.other.issue(Grant::new("alice", "tv"))).unwrap();
            let spent = pollster::block_on(nodes.other.issue(grant())).unwrap();
            drop(nodes.now(text(&spent), Way::Refresh).unwrap());
            let (outcome, logged_out) = schedule.pair(
                exchange(&nodes.world.node, text(&spent), Way::Refresh),
                end(&nodes.other, text(&spent), spent.family, by),
            );
            nodes.world.store.wait(0);
            let Outcome::Refused(why) = outcome.unwrap() else { panic!("granted") };
            assert_eq!(why.breach().is_some(), !logged_out, "{by:?}: {why}");
            let rest = pollster::block_on(nodes.other.introspect(text(&other))).unwrap();
            assert_eq!(matches!(rest, Introspection::Active(_)), logged_out, "{by:?}: {why}");
            both[usize::from(logged_out)] += 1;
        });
        assert!(both.iter().all(|count| *count > 0), "{by:?}: {both:?}");
    }
}

/// Whether the exchange came first.
fn exchange_and_revoke(schedule: &mut Schedule, nodes: &Nodes, way: Way, by: Ender) -> bool {
    let token = nodes.issued();
    let acknowledged = Cell::new(false);
    let late = Cell::new(false);
    let (outcome, ended) = schedule.pair(
        async {
            late.set(acknowledged.get());
            exchange(&nodes.world.node, text(&token), way).await.unwrap()
        },
        async {
            let ended = end(&nodes.other, text(&token), token.family, by).await;
            acknowledged.set(true);
            ended
        },
    );
    assert!(ended, "{way:?} {by:?}");
    let is_revoked = |why| matches!(why, Refusal::Revoked(_));
    assert!(is_revoked(nodes.refusal(text(&token))), "{way:?} {by:?}");
    match outcome {
        Outcome::Granted(granted) => {
            assert!(!late.get(), "begun after the revocation was acknowledged: {way:?} {by:?}");
            assert!(is_revoked(nodes.refusal(text(&granted))), "{way:?} {by:?}");
            true
        }
        Outcome::Refused(why) => {
            assert!(is_revoked(why), "{why}: {way:?} {by:?}");
            false
        }
    }
}

/// Two clients of one chain and an administrator: P1, P3 and P14 at once.
#[test]
fn nothing_is_live_once_two_exchanges_and_a_revocation_have_returned_in_every_order() {
    let nodes = Nodes::new(Policy::default());
    every_order(|schedule| {
        let token = nodes.issued();
        let granted = RefCell::new(Vec::new());
        let present = async |node| match exchange(node, text(&token), Way::Refresh).await.unwrap() {
            Outcome::Granted(next) => granted.borrow_mut().push(next),
            Outcome::Refused(why) => assert!(matches!(why, Refusal::Revoked(_)), "{why}"),
        };
        let revoke = async {
            assert!(end(&nodes.other, text(&token), token.family, Ender::Family).await);
        };
        let tasks: Vec<Task<'_>> = vec![
            Box::pin(present(&nodes.world.node)),
            Box::pin(present(&nodes.other)),
            Box::pin(revoke),
        ];
        schedule.all(tasks);
        for next in granted.into_inner() {
            assert_eq!(next.generation, 2);
            assert!(matches!(nodes.refusal(text(&next)), Refusal::Revoked(Reason::Logout)));
        }
        assert!(matches!(nodes.refusal(text(&token)), Refusal::Revoked(Reason::Logout)));
    });
}

#[test]
fn two_revocations_end_a_family_once_in_every_order() {
    let nodes = Nodes::new(Policy::default());
    let pairs = ENDERS.into_iter().enumerate();
    for (one, other) in pairs.flat_map(|(at, one)| ENDERS[at..].iter().map(move |it| (one, *it))) {
        every_order(|schedule| {
            nodes.clear();
            let token = nodes.issued();
            let (first, second) = schedule.pair(
                end(&nodes.world.node, text(&token), token.family, one),
                end(&nodes.other, text(&token), token.family, other),
            );
            assert!(first != second, "{one:?} {other:?}: each says {first}");
        });
    }
}
