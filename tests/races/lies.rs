//! The same races with a driver that has written, reports a conflict, and so makes the engine try again (P15).

use std::future::Future;
use std::task::{Context, Waker};

use heirloom::testing::{Fault, Operation};
use heirloom::{Error, How, Outcome, Policy, Reason, Refusal};

use crate::races::nodes::{Nodes, pairs};
use crate::races::revocation::{Ender, end};
use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::schedule::{Schedule, every_order, fewer, random_orders};
use crate::support::{grant, granted, text};

const LIES: [Fault; 2] = [Fault::Conflict, Fault::ConflictAfter];

fn lie(nodes: &Nodes, fault: Fault, operation: Operation) {
    nodes.world.store.heal();
    nodes.world.store.fail(fault, 1, move |called| called == operation);
}

/// Whichever of the two writes first is lied to, and looks again.
fn two_exchanges(nodes: &Nodes, schedule: &mut Schedule, fault: Fault, (one, other): (Way, Way)) {
    let token = nodes.issued();
    lie(nodes, fault, Operation::Advance);
    let (first, second) = schedule.pair(
        exchange(&nodes.world.node, text(&token), one),
        exchange(&nodes.other, text(&token), other),
    );
    let (first, second) = (granted(first.unwrap()), granted(second.unwrap()));
    assert_eq!(text(&first), text(&second), "{fault:?} {one:?} {other:?}");
    assert_eq!(granted(nodes.now(text(&first), Way::Refresh).unwrap()).how, How::Rotated);
}

#[test]
fn two_exchanges_get_the_same_successor_though_one_of_them_is_lied_to() {
    let nodes = Nodes::new(Policy::default());
    for (fault, pair) in LIES.into_iter().flat_map(|lie| pairs().map(move |pair| (lie, pair))) {
        if pair == (Way::Refresh, Way::Refresh) {
            every_order(|schedule| two_exchanges(&nodes, schedule, fault, pair));
        } else {
            // Up to nine polls each, so tens of thousands of orders.
            random_orders(fewer(200, 20), 1, |schedule| {
                two_exchanges(&nodes, schedule, fault, pair)
            });
        }
    }
}

/// An exchange whose write is done and denied, and what comes between that and its second look.
fn exchange_around(
    nodes: &Nodes,
    token: &str,
    way: Way,
    between: impl Future<Output = ()>,
) -> Result<Outcome, Error> {
    lie(nodes, Fault::ConflictAfter, Operation::Advance);
    let before = nodes.world.store.inner().snapshot();
    let mut exchange = Box::pin(exchange(&nodes.world.node, token, way));
    let mut context = Context::from_waker(Waker::noop());
    while nodes.world.store.inner().snapshot() == before {
        assert!(exchange.as_mut().poll(&mut context).is_pending());
    }
    nodes.world.store.wait(0);
    pollster::block_on(between);
    pollster::block_on(exchange)
}

/// P3: not even one whose rotation had been written before the revocation.
#[test]
fn an_exchange_that_looks_again_and_finds_its_family_revoked_is_refused() {
    for way in WAYS {
        let nodes = Nodes::new(Policy::default());
        let token = nodes.issued();
        let outcome = exchange_around(&nodes, text(&token), way, async {
            assert!(end(&nodes.other, text(&token), token.family, Ender::Family).await);
        });
        assert!(
            matches!(outcome, Ok(Outcome::Refused(Refusal::Revoked(Reason::Logout)))),
            "{way:?}: {outcome:?}"
        );
    }
}

/// P10: an access token gets the scope that was asked for and is granted, or there is none.
#[test]
fn an_exchange_that_looks_again_and_finds_less_granted_gets_no_other_scope_than_it_asked_for() {
    let nodes = Nodes::new(Policy::default());
    let token = nodes.issued();
    let outcome = exchange_around(&nodes, text(&token), Way::Narrowed, async {
        nodes.other.change_grant(token.family, |_| grant().scope("write")).await.unwrap();
    });
    if let Ok(Outcome::Granted(granted)) = outcome {
        assert_eq!(granted.scope.as_str(), "read");
    }
}

/// The host has decided on the grant that it looked at.
#[test]
fn a_commit_that_looks_again_grants_nothing_that_the_host_has_not_looked_at() {
    let nodes = Nodes::new(Policy::default());
    let token = nodes.issued();
    let looked_at = grant();
    let outcome = exchange_around(&nodes, text(&token), Way::TwoSteps, async {
        let raised = grant().scope("read write admin");
        nodes.other.change_grant(token.family, |_| raised.clone()).await.unwrap();
    });
    match outcome {
        Ok(Outcome::Granted(granted)) => assert_eq!(*granted.grant, looked_at),
        Err(Error::GrantChanged) => {}
        other => panic!("{other:?}"),
    }
}

/// Of two calls that end a family in the same millisecond for the same reason, one did it.
#[test]
fn a_revocation_that_is_lied_to_does_not_claim_what_another_has_done() {
    for fault in LIES {
        let nodes = Nodes::new(Policy::default());
        let mut claims = [0; 3];
        every_order(|schedule| {
            let token = nodes.issued();
            lie(&nodes, fault, Operation::Revoke);
            let (first, second) = schedule.pair(
                end(&nodes.world.node, text(&token), token.family, Ender::Family),
                end(&nodes.other, text(&token), token.family, Ender::Family),
            );
            claims[usize::from(first) + usize::from(second)] += 1;
        });
        assert_eq!((claims[0], claims[2]), (0, 0), "{fault:?}: neither, one or both say so");
    }
}
