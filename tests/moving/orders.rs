//! Every order of the store calls of two nodes, of every kind: never two live copies, never a lost session, never a revocation
//! that loses.

use std::future::poll_fn;
use std::task::Poll;

use heirloom::family::{Reason, Status};
use heirloom::{Error, FamilyId, Outcome, Refusal, RevokeOutcome};

use crate::moving::world::{KINDS, Kind, World, alice, granted, request, text};
use crate::support::schedule::{Orders, every_order};

/// Looks at both stores after every step.
async fn watched<T>(world: &World, id: FamilyId, future: impl Future<Output = T>) -> T {
    let mut future = Box::pin(future);
    poll_fn(|context| {
        let polled = future.as_mut().poll(context);
        assert!(world.live_copies(id) <= 1, "two live copies");
        match polled {
            Poll::Ready(value) => Poll::Ready(value),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

fn pairs() -> impl Iterator<Item = (Kind, Kind)> {
    KINDS.into_iter().flat_map(|one| KINDS.map(|other| (one, other)))
}

/// A node that has the old store alone may find that the family has moved: it says so, and no more.
fn released(kind: Kind, outcome: Result<Outcome, Error>) -> Option<String> {
    match outcome.unwrap() {
        Outcome::Granted(granted) => Some(text(&granted)),
        Outcome::Refused(why) => {
            assert_eq!((kind, why), (Kind::Plain, Refusal::Revoked(Reason::Moved)));
            None
        }
    }
}

#[test]
fn two_exchanges_of_one_token_get_the_same_successor() {
    for (one, other) in pairs() {
        let orders = every_order(|schedule| {
            let world = World::new();
            let (token, id) = world.issued();
            let (first, second) = (world.node(one), world.node(other));
            let (a, b) = schedule.pair(
                watched(&world, id, first.refresh(&token, request())),
                watched(&world, id, second.refresh(&token, request())),
            );
            let (a, b) = (released(one, a), released(other, b));
            let next = a.clone().or(b.clone()).expect("somebody is granted");
            assert!(a.is_none_or(|it| it == next) && b.is_none_or(|it| it == next));
            assert_eq!(world.live_copies(id), 1);
            let _ = world.granted(Kind::Pulling, &next);
        });
        assert!(matches!(orders, Orders::All(_)));
    }
}

#[test]
fn no_exchange_succeeds_after_a_revocation_that_has_returned() {
    for (one, other) in pairs() {
        every_order(|schedule| {
            let world = World::new();
            let (token, id) = world.issued();
            let (first, second) = (world.node(one), world.node(other));
            let (outcome, ended) = schedule.pair(
                watched(&world, id, first.refresh(&token, request())),
                watched(&world, id, second.revoke_family(id, Reason::Logout)),
            );
            let next = match outcome.unwrap() {
                Outcome::Granted(granted) => text(&granted),
                Outcome::Refused(_) => token,
            };
            match ended.unwrap() {
                RevokeOutcome::Ended => assert_eq!(world.live_copies(id), 0),
                // It says that it has not: the host tries again where the family is.
                ended => {
                    assert_eq!((other, ended), (Kind::Plain, RevokeOutcome::Before(Reason::Moved)))
                }
            }
            let usable = world.live_copies(id) == 1;
            for kind in KINDS {
                let outcome = world.refresh(kind, &next);
                assert!(usable || matches!(outcome, Outcome::Refused(_)), "{outcome:?}");
            }
        });
    }
}

#[test]
fn to_end_all_misses_no_family_that_moves_meanwhile() {
    for one in KINDS {
        for other in [Kind::Following, Kind::Pulling] {
            every_order(|schedule| {
                let world = World::new();
                let (token, id) = world.issued();
                let (first, second) = (world.node(one), world.node(other));
                let (_, ended) = schedule.pair(
                    watched(&world, id, first.refresh(&token, request())),
                    watched(&world, id, second.revoke_all(&alice(), Reason::Logout)),
                );
                assert_eq!(ended.unwrap(), 1, "{one:?} {other:?}");
                assert_eq!(world.live_copies(id), 0);
            });
        }
    }
}

#[test]
fn two_revocations_end_a_family_once() {
    for (one, other) in pairs() {
        every_order(|schedule| {
            let world = World::new();
            let (_, id) = world.issued();
            let (first, second) = (world.node(one), world.node(other));
            let (a, b) = schedule.pair(
                watched(&world, id, first.revoke_family(id, Reason::Logout)),
                watched(&world, id, second.revoke_family(id, Reason::Administrator)),
            );
            let ended = [a.unwrap(), b.unwrap()];
            let by_one = ended.iter().filter(|it| **it == RevokeOutcome::Ended).count();
            assert_eq!(by_one, 1, "{ended:?}");
            assert_eq!(world.live_copies(id), 0);
        });
    }
}

#[test]
fn a_walk_beside_an_exchange_loses_neither() {
    for kind in KINDS {
        every_order(|schedule| {
            let world = World::new();
            let (token, id) = world.issued();
            let (node, moving) = (world.node(kind), world.moving(Kind::Pulling));
            let (outcome, page) = schedule.pair(
                watched(&world, id, node.refresh(&token, request())),
                watched(&world, id, moving.move_page(None, 9)),
            );
            page.unwrap();
            let next = released(kind, outcome).unwrap_or(token);
            assert_eq!(world.live_copies(id), 1);
            let _ = world.granted(Kind::Pulling, &next);
        });
    }
}

#[test]
fn a_change_of_the_grant_beside_an_exchange_is_not_lost() {
    for one in KINDS {
        for other in [Kind::Following, Kind::Pulling] {
            every_order(|schedule| {
                let world = World::new();
                let (token, id) = world.issued();
                let (first, second) = (world.node(one), world.node(other));
                let narrower = |grant: &heirloom::Grant| grant.clone().scope("read");
                let (outcome, changed) = schedule.pair(
                    watched(&world, id, first.refresh(&token, request())),
                    watched(&world, id, second.change_grant(id, narrower)),
                );
                changed.unwrap();
                let next = released(one, outcome).unwrap_or(token);
                let after = granted(world.refresh(Kind::Pulling, &next));
                assert_eq!(after.scope.as_str(), "read");
            });
        }
    }
}

/// Three at once, in random orders: a node of each kind that is right.
#[test]
fn a_following_a_pulling_node_and_a_walk_at_once_lose_nothing() {
    crate::support::schedule::random_orders(2000, 3, |schedule| {
        let world = World::new();
        let (token, id) = world.issued();
        let (one, other) = (world.node(Kind::Following), world.node(Kind::Pulling));
        let moving = world.moving(Kind::Pulling);
        let outcomes = std::cell::RefCell::new(Vec::new());
        let exchange = async |node: &crate::moving::world::Node| {
            let outcome = watched(&world, id, node.refresh(&token, request())).await;
            outcomes.borrow_mut().push(text(&granted(outcome.unwrap())));
        };
        let walk = async { drop(watched(&world, id, moving.move_page(None, 9)).await.unwrap()) };
        schedule.all(vec![Box::pin(exchange(&one)), Box::pin(exchange(&other)), Box::pin(walk)]);
        let outcomes = outcomes.into_inner();
        assert_eq!(outcomes[0], outcomes[1]);
        assert!(world.in_old(id).is_some_and(|family| family.status != Status::Live));
        let _ = world.granted(Kind::Over, &outcomes[0]);
    });
}
