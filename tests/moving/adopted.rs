//! Legacy tokens that are adopted while families move.

use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::engine::Adopted;
use heirloom::family::Reason;
use heirloom::store::Store;
use heirloom::store::moving::GRACE;
use heirloom::{Outcome, Refusal, Timestamp};
use pollster::block_on;

use crate::moving::world::{Kind, MOVING, Node, START, World, grant, granted, request, text};
use crate::support::schedule::random_orders;

const TOKEN: &str = "8xLOxBtZp8";

fn until() -> Timestamp {
    START.saturating_add(30 * GRACE)
}

async fn adopt(node: &Node) -> Adopted {
    let legacy = Legacy::token(TOKEN).unwrap();
    node.adopt(&legacy, grant(), until()).await.unwrap()
}

/// As a host does at the first use: adopt, then exchange.
async fn adopt_and_exchange(node: &Node) -> (Adopted, String) {
    let adopted = adopt(node).await;
    (adopted, text(&granted(node.refresh(TOKEN, request()).await.unwrap())))
}

#[test]
fn one_legacy_token_is_one_family_in_two_stages_at_once() {
    for (one, other) in [
        (Kind::Following, Kind::Pulling),
        (Kind::Pulling, Kind::Pulling),
        (Kind::Plain, Kind::Following),
    ] {
        random_orders(1500, 5, |schedule| {
            let world = World::new();
            let (first, second) = (world.node(one), world.node(other));
            let (a, b) = schedule.pair(adopt_and_exchange(&first), adopt_and_exchange(&second));
            assert_eq!(a.0.family(), b.0.family());
            let new = [a.0, b.0].iter().filter(|it| matches!(it, Adopted::New(_))).count();
            assert_eq!(new, 1, "{one:?} {other:?}");
            assert_eq!(a.1, b.1, "the same successor");
            assert_eq!(world.live_copies(a.0.family()), 1);
            let kind = if one == Kind::Plain { Kind::Following } else { Kind::Pulling };
            let _ = world.granted(kind, &a.1);
        });
    }
}

#[test]
fn an_ended_family_is_not_adopted_again_wherever_it_ended() {
    for adopts in MOVING {
        for ends in MOVING {
            for walks in [false, true] {
                let world = World::new();
                let id = block_on(adopt(&world.node(adopts))).family();
                block_on(world.node(ends).revoke_family(id, Reason::Logout)).unwrap();
                if walks {
                    world.walk(9);
                }
                for kind in MOVING {
                    assert_eq!(block_on(adopt(&world.node(kind))), Adopted::Before(id));
                    assert_eq!(world.refused(kind, TOKEN), Refusal::Revoked(Reason::Logout));
                }
                if walks {
                    assert_eq!(block_on(adopt(&world.node(Kind::Over))), Adopted::Before(id));
                }
            }
        }
    }
}

/// Both records last for as long as the legacy token could be adopted again.
#[test]
fn a_purge_does_not_make_a_legacy_token_adoptable_again() {
    let world = World::new();
    let id = block_on(adopt(&world.node(Kind::Following))).family();
    world.walk(9);
    block_on(world.node(Kind::Pulling).revoke_family(id, Reason::Logout)).unwrap();
    while world.now() < until() {
        let node = world.node(Kind::Pulling).with_retention(Duration::ZERO);
        assert_eq!(block_on(node.purge(9)).unwrap(), 0);
        for kind in MOVING {
            assert_eq!(block_on(adopt(&world.node(kind))), Adopted::Before(id));
            let _why = world.refused(kind, TOKEN);
        }
        world.advance(GRACE / 2);
    }
}

#[test]
fn a_legacy_token_that_was_not_used_moves_and_is_adopted_for_its_own_grant_alone() {
    let world = World::new();
    let id = block_on(adopt(&world.node(Kind::Following))).family();
    let before = world.in_old(id);
    world.walk(9);
    assert_eq!(world.in_new(id), before);
    let legacy = Legacy::token(TOKEN).unwrap();
    let wider = grant().scope("read write admin");
    let error = block_on(world.node(Kind::Pulling).adopt(&legacy, wider, until())).unwrap_err();
    assert!(matches!(error, heirloom::Error::OtherGrant { .. }), "{error}");
    assert!(matches!(world.refresh(Kind::Over, TOKEN), Outcome::Granted(_)));
}

#[test]
fn an_adopted_family_that_both_stores_know_is_found_once() {
    let world = World::new();
    let _id = block_on(adopt(&world.node(Kind::Pulling))).family();
    let scanned = |kind| block_on(world.moving(kind).scan(None, 9)).unwrap().families.len();
    assert_eq!(scanned(Kind::Following), 1);
    let _ = world.granted(Kind::Pulling, TOKEN);
    for kind in MOVING {
        let all = heirloom::store::Page { after: None, limit: 9 };
        let selected =
            block_on(world.moving(kind).select(&crate::moving::world::alice(), all)).unwrap();
        assert_eq!(selected.len(), 1);
    }
}
