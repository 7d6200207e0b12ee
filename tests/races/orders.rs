//! Every order of two and three exchanges of one token: P1, P14.

use std::cell::RefCell;
use std::collections::BTreeSet;

use heirloom::{Error, Granted, How, Outcome, Policy, Refusal};

use crate::races::nodes::{Nodes, pairs, refusing, strict};
use crate::support::exchange::{Way, exchange};
use crate::support::schedule::{Orders, Task, every_order, fewer, random_orders};
use crate::support::{granted, text};

#[test]
fn the_scheduler_finds_each_order_once() {
    let mut seen = BTreeSet::new();
    let orders = every_order(|schedule| {
        let trace = RefCell::new(String::new());
        let task = async |name| {
            for _ in 0..3 {
                trace.borrow_mut().push(name);
                let mut polled = false;
                std::future::poll_fn(|_| match std::mem::replace(&mut polled, true) {
                    true => std::task::Poll::Ready(()),
                    false => std::task::Poll::Pending,
                })
                .await;
            }
        };
        schedule.pair(task('a'), task('b'));
        seen.insert(trace.into_inner());
    });
    // Two tasks of four polls each: 8 choose 4. The last poll leaves no trace.
    assert_eq!(orders, Orders::All(70));
    assert_eq!(seen.len(), 20);
}

#[test]
fn two_exchanges_of_one_token_get_the_same_successor_in_every_order() {
    for (one, other) in pairs() {
        let nodes = Nodes::new(Policy::default());
        let orders = every_order(|schedule| {
            let token = nodes.issued();
            let (first, second) = schedule.pair(
                exchange(&nodes.world.node, text(&token), one),
                exchange(&nodes.other, text(&token), other),
            );
            let (first, second) = (granted(first.unwrap()), granted(second.unwrap()));
            assert_eq!(text(&first), text(&second), "{one:?} {other:?}");
            let rotated = [&first, &second].iter().filter(|it| it.how == How::Rotated).count();
            assert_eq!(rotated, 1, "{one:?} {other:?}");
            assert_eq!(granted(nodes.now(text(&first), Way::Refresh).unwrap()).generation, 3);
        });
        assert!(is_many(orders), "{orders:?} of {one:?} {other:?}");
    }
}

#[test]
fn three_exchanges_of_one_token_get_the_same_successor_in_every_order() {
    let nodes = Nodes::new(Policy::default());
    let orders = every_order(|schedule| {
        let token = nodes.issued();
        let outcomes = RefCell::new(Vec::new());
        let present = async |node| {
            let outcome = exchange(node, text(&token), Way::Refresh).await.unwrap();
            outcomes.borrow_mut().push(granted(outcome));
        };
        let (here, there) = (&nodes.world.node, &nodes.other);
        let tasks: Vec<Task<'_>> =
            vec![Box::pin(present(here)), Box::pin(present(there)), Box::pin(present(there))];
        schedule.all(tasks);
        let outcomes = outcomes.into_inner();
        assert!(outcomes.iter().all(|it| text(it) == text(&outcomes[0])));
    });
    // Nine polls, three each: 9! / (3!)^3.
    assert!(matches!(orders, Orders::All(1680) | Orders::Some), "{orders:?}");
}

#[test]
fn eight_exchanges_of_one_token_get_the_same_successor_in_random_orders() {
    let nodes = Nodes::new(Policy::default());
    random_orders(fewer(300, 30), 1, |schedule| {
        let token = nodes.issued();
        let outcomes = RefCell::new(Vec::new());
        let present = async |index: usize, way| {
            let node = if index.is_multiple_of(2) { &nodes.world.node } else { &nodes.other };
            let outcome = exchange(node, text(&token), way).await.unwrap();
            outcomes.borrow_mut().push(granted(outcome));
        };
        let ways = pairs().map(|(way, _)| way).take(8).enumerate();
        let task = |(index, way)| -> Task<'_> { Box::pin(present(index, way)) };
        schedule.all(ways.map(task).collect());
        let outcomes = outcomes.into_inner();
        assert!(outcomes.iter().all(|it| text(it) == text(&outcomes[0])));
    });
}

#[test]
fn without_a_leeway_one_of_two_exchanges_wins_and_the_other_is_a_breach_in_every_order() {
    for (one, other) in pairs() {
        let nodes = Nodes::new(strict());
        every_order(|schedule| {
            let token = nodes.issued();
            let outcomes = schedule.pair(
                exchange(&nodes.world.node, text(&token), one),
                exchange(&nodes.other, text(&token), other),
            );
            let (won, lost) = one_of_each(outcomes);
            assert!(lost.breach().is_some(), "{lost}");
            assert!(matches!(nodes.refusal(text(&won)), Refusal::Revoked(_)));
        });
    }
}

#[test]
fn in_a_leeway_that_refuses_the_loser_is_refused_and_the_winner_goes_on_in_every_order() {
    for (one, other) in pairs() {
        let nodes = Nodes::new(refusing());
        every_order(|schedule| {
            let token = nodes.issued();
            let outcomes = schedule.pair(
                exchange(&nodes.world.node, text(&token), one),
                exchange(&nodes.other, text(&token), other),
            );
            let (won, lost) = one_of_each(outcomes);
            assert_eq!(lost, Refusal::AlreadyRotated);
            assert_eq!(granted(nodes.now(text(&won), one).unwrap()).generation, 3);
        });
    }
}

fn is_many(orders: Orders) -> bool {
    matches!(orders, Orders::All(20..) | Orders::Some)
}

/// The one that won and why the other lost.
fn one_of_each(outcomes: (Result<Outcome, Error>, Result<Outcome, Error>)) -> (Granted, Refusal) {
    match outcomes {
        (Ok(Outcome::Granted(won)), Ok(Outcome::Refused(lost)))
        | (Ok(Outcome::Refused(lost)), Ok(Outcome::Granted(won))) => (won, lost),
        other => panic!("not one of each: {other:?}"),
    }
}
