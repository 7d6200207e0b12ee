//! Every order of a change of the grant and an exchange: no token from before it is answered with the grant from
//! after it (P7).

use std::cell::Cell;

use heirloom::{Error, Granted, How, Outcome, Policy, Refusal};

use crate::races::nodes::Nodes;
use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::schedule::every_order;
use crate::support::{grant, granted, text};

#[test]
fn an_exchange_gets_the_grant_of_its_place_in_every_order_with_a_change_of_it() {
    for way in WAYS {
        let nodes = Nodes::new(Policy::default());
        every_order(|schedule| {
            let token = nodes.issued();
            let (changed, late) = (Cell::new(false), Cell::new(false));
            let (outcome, change) = schedule.pair(
                async {
                    late.set(changed.get());
                    exchange(&nodes.world.node, text(&token), way).await
                },
                async {
                    let change = nodes.other.change_grant(token.family, |_| raised()).await;
                    changed.set(true);
                    change
                },
            );
            change.unwrap();
            let again = nodes.now(text(&token), Way::Refresh).unwrap();
            check(&nodes, way, outcome, again, late.get());
        });
    }
}

fn raised() -> heirloom::Grant {
    grant().scope("read write admin")
}

/// The outcome of the exchange, and what its token is answered once the change is through.
fn check(nodes: &Nodes, way: Way, outcome: Result<Outcome, Error>, again: Outcome, late: bool) {
    match (outcome, again) {
        (Ok(Outcome::Granted(before)), Outcome::Refused(Refusal::LeewayClosed)) => {
            assert!(!late, "{way:?}");
            assert!(!before.grant.scope.contains("admin"), "{way:?}");
            goes_on(nodes, &before);
        }
        (Ok(Outcome::Granted(after)), Outcome::Granted(replayed)) => {
            assert_eq!(replayed.how, How::Replayed, "{way:?}");
            assert_eq!(text(&replayed), text(&after), "{way:?}");
            assert!(after.grant.scope.contains("admin"), "{way:?}");
            goes_on(nodes, &after);
        }
        // The host has looked at a grant that is no more: it begins again, with the token that it has.
        (Err(Error::GrantChanged), Outcome::Granted(again)) => {
            assert!(matches!(way, Way::TwoSteps) && !late, "{way:?}");
            goes_on(nodes, &again);
        }
        other => panic!("{way:?}: {other:?}"),
    }
}

fn goes_on(nodes: &Nodes, token: &Granted) {
    let next = granted(nodes.now(text(token), Way::Refresh).unwrap());
    assert_eq!(next.how, How::Rotated);
    assert!(next.grant.scope.contains("admin"));
}
