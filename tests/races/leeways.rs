//! Every order of two presentations under leeways that write: P1 in the terms of each mode.

use std::time::Duration;

use heirloom::testing::{Fault, Operation};
use heirloom::token::Parsed;
use heirloom::{Error, Granted, How, Leeway, Outcome, Policy, Reason, Refusal};

use crate::races::nodes::{Nodes, pairs};
use crate::support::exchange::{WAYS, Way, exchange};
use crate::support::schedule::{Schedule, every_order, fewer, random_orders};
use crate::support::{grant, granted, text};

const TEN: Duration = Duration::from_secs(10);

fn nodes(leeway: Leeway) -> Nodes {
    Nodes::new(Policy::builder().leeway(leeway).build().unwrap())
}

/// A token that is current, or one that was exchanged a moment ago.
fn presented(nodes: &Nodes, spent: bool) -> Granted {
    let token = nodes.issued();
    if spent {
        drop(granted(nodes.now(text(&token), Way::Refresh).unwrap()));
        nodes.world.store.wait(1);
    }
    token
}

/// Two presentations of one token at once: every order of the plain ones, random ones of the longer.
fn two_at_once(leeway: Leeway, mut check: impl FnMut(&Nodes, &Granted, bool, [Outcome; 2])) {
    let nodes = nodes(leeway);
    for (one, other) in pairs() {
        for spent in [false, true] {
            let story = |schedule: &mut Schedule| {
                let token = presented(&nodes, spent);
                let (first, second) = schedule.pair(
                    exchange(&nodes.world.node, text(&token), one),
                    exchange(&nodes.other, text(&token), other),
                );
                check(&nodes, &token, spent, [first.unwrap(), second.unwrap()]);
            };
            match (one, other) {
                (Way::Refresh, Way::Refresh) => drop(every_order(story)),
                _ => random_orders(fewer(150, 15), 1, story),
            }
        }
    }
}

fn is_good(nodes: &Nodes, token: &Granted) -> Result<(), Refusal> {
    match nodes.now(text(token), Way::Refresh).unwrap() {
        Outcome::Granted(next) => {
            assert_eq!(next.how, How::Rotated);
            Ok(())
        }
        Outcome::Refused(why) => Err(why),
    }
}

/// P1, newest: at most one of the answers is good, and it is the one that came last.
#[test]
fn under_newest_one_of_two_answers_is_good_and_the_other_displaced_in_every_order() {
    two_at_once(Leeway::newest(TEN), |nodes, _, spent, outcomes| {
        let answers = outcomes.map(granted);
        let renewed = answers.iter().filter(|it| it.how == How::Renewed).count();
        assert_eq!(renewed, if spent { 2 } else { 1 });
        assert_ne!(text(&answers[0]), text(&answers[1]));
        let [one, other] = answers.each_ref().map(|token| {
            nodes
                .world
                .store
                .inner()
                .snapshot()
                .into_iter()
                .find(|it| it.id == token.family)
                .unwrap()
                .head
                .digest
                == heirloom::token::Presented::verify(text(token), &nodes.world.node.keys())
                    .unwrap()
                    .digest()
        });
        assert!(one != other, "one and only one is the current one");
        let (good, displaced) =
            if one { (&answers[0], &answers[1]) } else { (&answers[1], &answers[0]) };
        assert_eq!(is_good(nodes, displaced), Err(Refusal::Displaced));
        assert_eq!(is_good(nodes, good), Ok(()));
        assert_eq!(is_good(nodes, displaced), Err(Refusal::Displaced));
    });
}

/// P1, fork: one successor for each branch, and all of them are good.
#[test]
fn under_fork_both_answers_are_good_on_branches_of_their_own_in_every_order() {
    two_at_once(Leeway::fork(TEN, 3), |nodes, _, _, outcomes| {
        let answers = outcomes.map(granted);
        assert_ne!(answers[0].branch, answers[1].branch);
        for answer in &answers {
            let at = Parsed::parse(text(answer)).unwrap().position();
            assert_eq!(at.branch, answer.branch);
            assert_eq!(is_good(nodes, answer), Ok(()));
        }
    });
}

#[test]
fn the_last_branch_goes_to_one_of_two_in_every_order() {
    two_at_once(Leeway::fork(TEN, 2), |nodes, _, spent, outcomes| {
        let mut answers = Vec::new();
        let mut refused = Vec::new();
        for outcome in outcomes {
            match outcome {
                Outcome::Granted(answer) => answers.push(answer),
                Outcome::Refused(why) => refused.push(why),
            }
        }
        assert_eq!(refused, if spent { vec![Refusal::TooManyBranches] } else { vec![] });
        answers.iter().for_each(|answer| assert_eq!(is_good(nodes, answer), Ok(())));
    });
}

/// P1 and P14 as under any replay; and each answer is counted.
#[test]
fn counted_replays_are_the_same_successor_and_each_is_counted_in_every_order() {
    two_at_once(Leeway::replay(TEN).uses(4), |nodes, token, spent, outcomes| {
        let answers = outcomes.map(granted);
        assert_eq!(text(&answers[0]), text(&answers[1]));
        let families = nodes.world.store.inner().snapshot();
        let family = families.iter().find(|it| it.id == token.family).unwrap();
        let replays = family.head.predecessor.as_ref().unwrap().replays;
        assert_eq!(replays, if spent { 2 } else { 1 });
    });
}

#[test]
fn one_use_is_one_answer_in_every_order() {
    two_at_once(Leeway::replay(TEN).uses(1), |_, _, spent, outcomes| {
        let answered = outcomes.iter().filter(|it| matches!(it, Outcome::Granted(_))).count();
        assert_eq!(answered, if spent { 1 } else { 2 });
        for outcome in outcomes {
            if let Outcome::Refused(why) = outcome {
                assert!(why.breach().is_some(), "{why}");
            }
        }
    });
}

/// P3: a fork that was granted before the revocation is as dead as the rest after it.
#[test]
fn a_revocation_beats_a_fork_a_renewal_and_a_counted_replay_in_every_order() {
    for leeway in [Leeway::fork(TEN, 3), Leeway::newest(TEN), Leeway::replay(TEN).uses(9)] {
        let nodes = nodes(leeway);
        for way in WAYS {
            every_order(|schedule| {
                let token = presented(&nodes, true);
                let (outcome, ended) = schedule.pair(
                    exchange(&nodes.world.node, text(&token), way),
                    nodes.other.revoke_family(token.family, Reason::Logout),
                );
                ended.unwrap();
                match outcome.unwrap() {
                    Outcome::Granted(answer) => {
                        assert_eq!(is_good(&nodes, &answer), Err(Refusal::Revoked(Reason::Logout)));
                    }
                    Outcome::Refused(why) => assert_eq!(why, Refusal::Revoked(Reason::Logout)),
                }
                assert_eq!(is_good(&nodes, &token), Err(Refusal::Revoked(Reason::Logout)));
            });
        }
    }
}

/// P7: a spent token is never answered with the grant from after its exchange.
#[test]
fn a_change_of_the_grant_and_a_second_answer_never_raise_a_spent_token_in_any_order() {
    for leeway in [Leeway::fork(TEN, 3), Leeway::newest(TEN), Leeway::replay(TEN).uses(9)] {
        let nodes = nodes(leeway);
        for way in WAYS {
            random_orders(fewer(300, 30), 1, |schedule| {
                let token = presented(&nodes, true);
                let raised = || grant().scope("read write admin");
                let (outcome, changed) = schedule.pair(
                    exchange(&nodes.world.node, text(&token), way),
                    nodes.other.change_grant(token.family, |_| raised()),
                );
                changed.unwrap();
                match outcome {
                    Ok(Outcome::Granted(answer)) => {
                        assert!(!answer.grant.scope.contains("admin"), "{way:?} {leeway:?}");
                        assert_eq!(is_good(&nodes, &answer), Ok(()));
                    }
                    Ok(Outcome::Refused(Refusal::LeewayClosed)) => {}
                    Err(Error::GrantChanged) => assert_eq!(way, Way::TwoSteps),
                    other => panic!("{way:?}: {other:?}"),
                }
            });
        }
    }
}

/// A fork that was stored and reported as a lost race, and another fork before the first looked again: it took the other's
/// branch for its own.
#[test]
fn a_fork_that_was_reported_as_a_lost_race_names_its_own_branch_in_every_order() {
    let nodes = nodes(Leeway::fork(TEN, 4));
    every_order(|schedule| {
        let token = presented(&nodes, true);
        nodes.world.store.fail(Fault::ConflictAfter, 1, |it| it == Operation::Replace);
        let outcomes = schedule.pair(
            exchange(&nodes.world.node, text(&token), Way::Refresh),
            exchange(&nodes.other, text(&token), Way::Refresh),
        );
        nodes.world.store.heal();
        let answers = [granted(outcomes.0.unwrap()), granted(outcomes.1.unwrap())];
        for answer in &answers {
            assert_eq!(Parsed::parse(text(answer)).unwrap().position().branch, answer.branch);
        }
        assert_ne!(answers[0].branch, answers[1].branch);
    });
}
