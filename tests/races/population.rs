//! Every order of an exchange and a purge (P11), and of an issue and a selection (S6).

use std::cell::Cell;
use std::time::Duration;

use heirloom::{Ends, Outcome, Page, Policy, Reason, Refusal, Selector};

use crate::races::nodes::Nodes;
use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::schedule::every_order;
use crate::support::{grant, granted, text};

const IDLE: Duration = Duration::from_secs(60);
const RETENTION: Duration = Duration::from_secs(7 * 86_400);

/// Under live ends a family whose stored end is a retention ago may still be used: whichever comes first wins, and
/// neither half-way.
#[test]
fn a_purge_takes_a_family_before_its_exchange_or_not_at_all_in_every_order() {
    let stored = Policy::builder().idle(IDLE).build().unwrap();
    let live = Policy::builder().ends(Ends::Live).build().unwrap();
    for way in WAYS {
        let mut both = [0, 0];
        every_order(|schedule| {
            let nodes = Nodes::new(live.clone());
            let issue = nodes.world.node.issue_under(&stored, grant());
            let token = pollster::block_on(issue).unwrap();
            nodes.world.clock.advance(IDLE + RETENTION + Duration::from_millis(1));
            let (outcome, purged) = schedule
                .pair(exchange(&nodes.world.node, text(&token), way), nodes.other.purge(10));
            match (outcome.unwrap(), purged.unwrap()) {
                (Outcome::Granted(next), 0) => {
                    assert_eq!(granted(nodes.now(text(&next), way).unwrap()).generation, 2);
                    both[0] += 1;
                }
                (Outcome::Refused(Refusal::Unknown), 1) => both[1] += 1,
                other => panic!("{way:?}: {other:?}"),
            }
        });
        assert!(both.iter().all(|count| *count > 0), "{way:?}: {both:?}");
    }
}

#[test]
fn a_purge_beside_an_exchange_of_a_dead_family_makes_it_no_better_in_any_order() {
    for way in WAYS {
        every_order(|schedule| {
            let nodes = Nodes::new(Policy::default());
            let token = nodes.issued();
            let end = nodes.world.node.revoke_family(token.family, Reason::Logout);
            pollster::block_on(end).unwrap();
            nodes.world.clock.advance(RETENTION + Duration::from_millis(1));
            let (outcome, purged) = schedule
                .pair(exchange(&nodes.world.node, text(&token), way), nodes.other.purge(10));
            assert_eq!(purged.unwrap(), 1);
            match outcome.unwrap() {
                Outcome::Refused(Refusal::Unknown | Refusal::Revoked(Reason::Logout)) => {}
                other => panic!("{way:?}: {other:?}"),
            }
            assert_eq!(nodes.refusal(text(&token)), Refusal::Unknown);
        });
    }
}

#[test]
fn a_selection_finds_a_family_whose_issue_had_returned_in_every_order() {
    for selector in [
        Selector::subject("alice"),
        Selector::client("web-app"),
        Selector::subject_and_client("alice", "web-app"),
    ] {
        every_order(|schedule| {
            let nodes = Nodes::new(Policy::default());
            nodes.world.store.wait(1);
            let (issued, due) = (Cell::new(false), Cell::new(false));
            let (token, ended) = schedule.pair(
                async {
                    let token = nodes.world.node.issue(grant()).await.unwrap();
                    issued.set(true);
                    token
                },
                async {
                    due.set(issued.get());
                    nodes.other.revoke_all(&selector, Reason::Logout).await.unwrap()
                },
            );
            assert!(ended == 1 || !due.get());
            let live = ended == 0;
            let outcome = nodes.now(text(&token), Way::Refresh).unwrap();
            assert_eq!(matches!(outcome, Outcome::Granted(_)), live);
            let page = Page { after: None, limit: 10 };
            nodes.world.store.wait(0);
            let found = pollster::block_on(nodes.world.node.families(&selector, page)).unwrap();
            assert_eq!(found.len(), 1);
        });
    }
}
