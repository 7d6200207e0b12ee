//! Real threads behind a barrier, hundreds of rounds: what the enumerated orders leave out, the locks inside the store
//! and the key ring among it.

use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use heirloom::{
    Ends, Error, How, KeyRing, Outcome, Page, Policy, Reason, Refusal, RevokeOutcome, Selector,
};
use pollster::block_on;

use crate::races::nodes::{Nodes, strict};
use crate::races::revocation::{Ender, end};
use crate::support::exchange::{WAYS, exchange};
use crate::support::schedule::fewer;
use crate::support::{Node, grant, granted, key, request, text};

const THREADS: usize = 8;

fn rounds() -> usize {
    fewer(300, 30)
}

/// Runs all jobs at once, on both nodes in turn, and collects what they return.
fn at_once<T: Send>(nodes: &Nodes, jobs: usize, job: impl Fn(&Node, usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(jobs);
    thread::scope(|scope| {
        let run = |index: usize| {
            let node = if index.is_multiple_of(2) { &nodes.world.node } else { &nodes.other };
            let (barrier, job) = (&barrier, &job);
            scope.spawn(move || {
                barrier.wait();
                job(node, index)
            })
        };
        let threads: Vec<_> = (0..jobs).map(run).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

fn refresh(node: &Node, token: &str) -> Result<Outcome, Error> {
    block_on(node.refresh(token, request()))
}

#[test]
fn all_threads_that_present_one_token_get_one_successor() {
    let nodes = Nodes::new(Policy::default());
    for _ in 0..rounds() {
        let token = nodes.issued();
        let outcomes = at_once(&nodes, THREADS, |node, index| {
            granted(block_on(exchange(node, text(&token), WAYS[index % 3])).unwrap())
        });
        assert!(outcomes.iter().all(|it| text(it) == text(&outcomes[0])));
        let rotated = outcomes.iter().filter(|it| it.how == How::Rotated).count();
        assert_eq!(rotated, 1);
    }
}

#[test]
fn without_a_leeway_one_thread_wins_and_the_rest_end_the_family_once() {
    let nodes = Nodes::new(strict());
    for _ in 0..rounds() {
        let token = nodes.issued();
        let outcomes = at_once(&nodes, THREADS, |node, _| refresh(node, text(&token)).unwrap());
        let (mut won, mut breaches) = (Vec::new(), 0);
        for outcome in outcomes {
            match outcome {
                Outcome::Granted(granted) => won.push(granted),
                Outcome::Refused(Refusal::Reused(_)) => breaches += 1,
                Outcome::Refused(Refusal::Revoked(Reason::Reuse(_))) => {}
                Outcome::Refused(other) => panic!("{other}"),
            }
        }
        assert_eq!((won.len(), breaches), (1, 1));
        assert!(matches!(nodes.refusal(text(&won[0])), Refusal::Revoked(Reason::Reuse(_))));
    }
}

#[test]
fn nothing_is_live_once_refreshing_threads_and_a_revoking_one_are_done() {
    for by in [Ender::Token, Ender::Family, Ender::Subject, Ender::Client] {
        for _ in 0..rounds() / 4 {
            let nodes = Nodes::new(Policy::default());
            let token = nodes.issued();
            nodes.world.store.wait(0);
            let outcomes = at_once(&nodes, 4, |node, index| {
                if index == 0 {
                    assert!(block_on(end(node, text(&token), token.family, by)));
                    return None;
                }
                match refresh(node, text(&token)).unwrap() {
                    Outcome::Granted(granted) => Some(granted),
                    Outcome::Refused(Refusal::Revoked(_)) => None,
                    Outcome::Refused(other) => panic!("{other}"),
                }
            });
            for token in outcomes.into_iter().flatten().chain([token]) {
                assert!(matches!(nodes.refusal(text(&token)), Refusal::Revoked(_)), "{by:?}");
            }
        }
    }
}

/// A host that begins a refresh after the revocation has returned to it must see it refused, on any node.
#[test]
fn a_chain_that_a_thread_keeps_refreshing_stops_at_its_revocation() {
    let nodes = Nodes::new(Policy::default());
    for _ in 0..rounds() {
        let token = nodes.issued();
        at_once(&nodes, 2, |node, index| {
            if index == 0 {
                let revoked = block_on(node.revoke_family(token.family, Reason::Logout));
                assert_eq!(revoked.unwrap(), RevokeOutcome::Ended);
                return;
            }
            let mut current = text(&token).to_owned();
            while let Outcome::Granted(next) = refresh(node, &current).unwrap() {
                assert!(next.generation < 1_000_000, "nothing stops it");
                text(&next).clone_into(&mut current);
            }
            assert!(matches!(nodes.refusal(&current), Refusal::Revoked(Reason::Logout)));
        });
    }
}

#[test]
fn keys_that_are_swapped_under_load_refuse_no_refresh_and_change_no_successor() {
    let nodes = Nodes::new(Policy::default());
    let accepting = KeyRing::new(key(1)).accept(key(2)).unwrap();
    let rings = [accepting.clone(), accepting.activate(2).unwrap()];
    nodes.world.node.set_keys(rings[0].clone());
    nodes.other.set_keys(rings[0].clone());
    at_once(&nodes, 4, |node, index| {
        if index < 2 {
            for round in 0..rounds() * 4 {
                node.set_keys(rings[round % 2].clone());
            }
            return;
        }
        let mut current = text(&block_on(node.issue(grant())).unwrap()).to_owned();
        for _ in 0..rounds() {
            let next = granted(refresh(node, &current).unwrap());
            let again = granted(refresh(&nodes.world.node, &current).unwrap());
            assert_eq!(text(&next), text(&again));
            text(&next).clone_into(&mut current);
        }
    });
}

#[test]
fn a_change_of_the_grant_beside_refreshing_threads_loses_neither() {
    let nodes = Nodes::new(Policy::default());
    for _ in 0..rounds() {
        let token = nodes.issued();
        let raised = grant().scope("read write admin");
        let outcomes = at_once(&nodes, 4, |node, index| {
            if index == 0 {
                block_on(node.change_grant(token.family, |_| raised.clone())).unwrap();
                return None;
            }
            match refresh(node, text(&token)).unwrap() {
                Outcome::Granted(granted) => Some(granted),
                Outcome::Refused(Refusal::LeewayClosed) => None,
                Outcome::Refused(other) => panic!("{other}"),
            }
        });
        let outcomes: Vec<_> = outcomes.into_iter().flatten().collect();
        assert!(outcomes.iter().all(|it| text(it) == text(&outcomes[0])));
        let next = granted(refresh(&nodes.other, text(&outcomes[0])).unwrap());
        assert!(next.grant.scope.contains("admin"));
    }
}

/// Many families, so that a purge is busy between finding what is due and removing it.
#[test]
fn a_purge_beside_refreshing_threads_takes_a_family_whole_or_not_at_all() {
    const IDLE: Duration = Duration::from_secs(60);
    let stored = Policy::builder().idle(IDLE).build().unwrap();
    let live = Policy::builder().ends(Ends::Live).build().unwrap();
    for _ in 0..rounds() / 10 {
        let nodes = Nodes::new(live.clone());
        let issue = || block_on(nodes.world.node.issue_under(&stored, grant())).unwrap();
        let tokens: Vec<_> = (0..100).map(|_| issue()).collect();
        nodes.world.clock.advance(IDLE + Duration::from_secs(7 * 86_400 + 1));
        let outcomes = at_once(&nodes, 2, |node, index| match index {
            0 => Err(block_on(node.purge(usize::MAX)).unwrap()),
            _ => Ok(tokens.iter().map(|token| refresh(node, text(token)).unwrap()).collect()),
        });
        let [Err(purged), Ok(outcomes)]: [Result<Vec<Outcome>, usize>; 2] =
            outcomes.try_into().unwrap()
        else {
            panic!("one of each")
        };
        let mut kept = 0;
        for outcome in outcomes {
            match outcome {
                Outcome::Granted(next) => {
                    kept += 1;
                    let again = refresh(&nodes.other, text(&next)).unwrap();
                    assert!(matches!(again, Outcome::Granted(_)), "{again:?}");
                }
                Outcome::Refused(why) => assert_eq!(why, Refusal::Unknown),
            }
        }
        assert_eq!((purged + kept, nodes.world.store.inner().len()), (100, kept));
    }
}

#[test]
fn a_selection_beside_issuing_threads_finds_every_family_whose_issue_had_returned() {
    let nodes = Nodes::new(Policy::default());
    let selector = Selector::subject("alice");
    let page = Page { after: None, limit: usize::MAX };
    at_once(&nodes, 4, |node, _| {
        let mut mine = Vec::new();
        for _ in 0..rounds() / 5 {
            mine.push(block_on(node.issue(grant())).unwrap().family);
            let found = block_on(node.families(&selector, page)).unwrap();
            assert!(mine.iter().all(|id| found.iter().any(|family| family.id == *id)));
        }
    });
    let ended = block_on(nodes.other.revoke_all(&selector, Reason::CredentialChange)).unwrap();
    assert_eq!(ended, nodes.world.store.inner().len());
}
