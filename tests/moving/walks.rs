//! A walk that moves what nobody uses.

use heirloom::family::{Impossible, Reason};
use heirloom::store::Store;
use heirloom::testing::Fault;
use heirloom::{FamilyId, Refusal};
use pollster::block_on;

use crate::moving::world::{Kind, World};

#[test]
fn a_walk_moves_every_family_and_nobody_is_logged_out() {
    for limit in [0, 1, 3, 33, 1000] {
        let world = World::new();
        let tokens: Vec<(String, FamilyId)> = (0..70).map(|_| world.issued()).collect();
        let ended = tokens[3].1;
        block_on(world.node(Kind::Plain).revoke_family(ended, Reason::Logout)).unwrap();
        let last = world.walk(limit);
        assert!(last.iter().all(|page| page.lapsed.is_empty() && page.impossible.is_empty()));
        for (token, id) in &tokens {
            if *id == ended {
                assert_eq!(world.refused(Kind::Over, token), Refusal::Revoked(Reason::Logout));
            } else {
                let _ = world.granted(Kind::Over, token);
            }
        }
    }
}

#[test]
fn a_walk_that_fails_anywhere_is_begun_again_and_loses_nothing() {
    for fault in [Fault::Before, Fault::After, Fault::Conflict, Fault::ConflictAfter] {
        for side in ["old", "new"] {
            for call in 0.. {
                let world = World::new();
                let tokens: Vec<String> = (0..3).map(|_| world.issued().0).collect();
                let disk = if side == "old" { &world.old } else { &world.new };
                disk.take_operations();
                disk.fail_at(fault, call);
                let walked = block_on(world.moving(Kind::Pulling).move_page(None, 9));
                let hit = disk.take_operations().total() > call;
                assert_eq!(walked.is_err(), hit);
                disk.heal();
                world.walk(9);
                for token in &tokens {
                    let _ = world.granted(Kind::Over, token);
                }
                if !hit {
                    assert!(call > 3, "{side} {call}");
                    break;
                }
            }
        }
    }
}

#[test]
fn a_walk_that_is_dropped_anywhere_is_begun_again_and_loses_nothing() {
    for polls in 0.. {
        let world = World::new();
        let tokens: Vec<(String, FamilyId)> = (0..3).map(|_| world.issued()).collect();
        let moving = world.moving(Kind::Pulling);
        let mut walk = Box::pin(moving.move_page(None, 9));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        let over = (0..polls).any(|_| Future::poll(walk.as_mut(), &mut context).is_ready());
        drop(walk);
        for (_, id) in &tokens {
            assert!(world.live_copies(*id) <= 1);
        }
        world.walk(9);
        for (token, _) in &tokens {
            let _ = world.granted(Kind::Over, token);
        }
        if over {
            assert!(polls > 3);
            break;
        }
    }
}

#[test]
fn a_record_that_cannot_be_is_left_and_named_and_stops_no_walk() {
    for side in ["old", "new"] {
        let world = World::new();
        let tokens: Vec<(String, FamilyId)> = (0..40).map(|_| world.issued()).collect();
        let damage = Impossible { family: tokens[20].1, field: "grant" };
        let disk = if side == "old" { &world.old } else { &world.new };
        disk.poison(damage.family, Some(damage));
        let named: Vec<Impossible> =
            world.walk(7).into_iter().flat_map(|page| page.impossible).collect();
        assert_eq!(named, [damage]);
        assert_eq!(world.new.inner().len(), 39);
        disk.poison(damage.family, None);
        world.walk(7);
        for (token, _) in &tokens {
            let _ = world.granted(Kind::Over, token);
        }
    }
}

#[test]
fn two_walks_at_once_move_each_family_once() {
    let world = World::new();
    for _ in 0..50 {
        world.issued();
    }
    let (one, other) = (world.moving(Kind::Pulling), world.moving(Kind::Pulling));
    let mut moved = 0;
    crate::support::schedule::random_orders(1, 7, |schedule| {
        let pages = schedule.pair(one.move_page(None, 99), other.move_page(None, 99));
        moved = pages.0.unwrap().moved + pages.1.unwrap().moved;
    });
    assert_eq!(moved, 50);
    let scanned = block_on(world.new.inner().scan(None, 99)).unwrap();
    assert_eq!(scanned.families.len(), 50);
}
