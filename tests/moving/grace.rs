//! A move that was cut short is finished in time or never, and what the new store has forgotten does not come back.

use std::time::Duration;

use heirloom::family::Reason;
use heirloom::store::moving::GRACE;
use heirloom::store::{Page, Store};
use heirloom::{FamilyId, Outcome, Refusal, RevokeOutcome, Selector, testing};
use pollster::block_on;

use crate::moving::world::{Kind, MOVING, Node, World, alice, is_moved, request};

const MILLI: Duration = Duration::from_millis(1);

#[test]
fn a_move_that_was_cut_short_is_finished_until_its_grace_is_over() {
    for kind in MOVING {
        for (waited, finished) in [(GRACE - MILLI, true), (GRACE, false), (GRACE + MILLI, false)] {
            let world = World::new();
            let (token, id) = world.issued();
            world.cut_short(id);
            world.advance(waited);
            match world.refresh(kind, &token) {
                Outcome::Granted(_) => assert!(finished, "{waited:?}"),
                Outcome::Refused(why) => {
                    assert!(!finished, "{waited:?}");
                    assert_eq!(why, Refusal::Revoked(Reason::Moved));
                }
            }
            assert_eq!(world.in_new(id).is_some(), finished);
        }
    }
}

#[test]
fn what_has_lapsed_is_shown_as_moved_by_every_call_and_a_walk_names_it() {
    let world = World::new();
    let (token, id) = world.issued();
    world.cut_short(id);
    world.advance(GRACE);
    for kind in MOVING {
        let moving = world.moving(kind);
        assert!(is_moved(&block_on(moving.load(id)).unwrap().unwrap()));
        let all = Page { after: None, limit: 9 };
        let selected = block_on(moving.select(&alice(), all)).unwrap();
        assert!(matches!(&selected[..], [Ok(family)] if is_moved(family)));
        let scanned = block_on(moving.scan(None, 9)).unwrap();
        assert!(matches!(&scanned.families[..], [Ok(family)] if is_moved(family)));
        assert_eq!(world.refused(kind, &token), Refusal::Revoked(Reason::Moved));
    }
    let pages = world.walk(9);
    assert_eq!(pages[0].lapsed, [id]);
    assert_eq!(pages[0].moved, 0);
}

/// A family whose move was cut short was past its grace when its user logged out. That was acknowledged, and written nowhere: an operator who
/// finished the move with a longer grace gave the family back, live, to whoever held its token.
#[test]
fn what_is_ended_after_it_has_lapsed_stays_ended_whoever_finishes_the_move() {
    type End = fn(&Node, &str, FamilyId) -> bool;
    let ends: [(End, Reason); 4] = [
        (
            |node, _, id| {
                let ended = block_on(node.revoke_family(id, Reason::Logout)).unwrap();
                ended == RevokeOutcome::Ended
            },
            Reason::Logout,
        ),
        (
            |node, _, _| block_on(node.revoke_all(&alice(), Reason::Logout)).unwrap() == 1,
            Reason::Logout,
        ),
        (
            |node, _, _| {
                let (client, reason) = (Selector::client("web-app"), Reason::CredentialChange);
                block_on(node.revoke_all(&client, reason)).unwrap() == 1
            },
            Reason::CredentialChange,
        ),
        (
            |node, token, _| {
                block_on(node.revoke(token, request())).unwrap() == RevokeOutcome::Ended
            },
            Reason::ClientRequest,
        ),
    ];
    for kind in MOVING {
        for (end, reason) in ends {
            let world = World::new();
            let (token, id) = world.issued();
            let version = world.in_old(id).unwrap().version;
            world.cut_short(id);
            world.advance(GRACE);
            assert!(end(&world.node(kind), &token, id), "{reason:?}");
            assert_eq!(world.in_new(id).unwrap().version, version + 1, "as if it had been there");
            for kind in MOVING {
                let again = block_on(world.node(kind).revoke_family(id, Reason::Administrator));
                assert_eq!(again.unwrap(), RevokeOutcome::Before(reason));
            }

            let patient = world.moving(Kind::Pulling).with_grace(6 * GRACE);
            let page = block_on(patient.move_page(None, 9)).unwrap();
            assert_eq!((page.moved, page.lapsed), (0, vec![]));
            assert_eq!(world.live_copies(id), 0);
            for kind in [Kind::Pulling, Kind::Following, Kind::Over] {
                assert_eq!(world.refused(kind, &token), Refusal::Revoked(reason));
            }
        }
    }
}

/// Two nodes at the very end of the grace: by one's clock the move has lapsed, by the other's it has not.
#[test]
fn a_move_that_is_finished_beside_its_end_is_ended_all_the_same() {
    let world = World::new();
    let (token, id) = world.issued();
    world.cut_short(id);
    world.advance(GRACE);
    let ahead = world.node(Kind::Pulling);
    let mut ending = Box::pin(ahead.revoke_family(id, Reason::Logout));
    // As far as each of its calls, the other finishes the move.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let (mut polls, mut finished) = (0, false);
    let ended = loop {
        if let std::task::Poll::Ready(ended) = Future::poll(ending.as_mut(), &mut context) {
            break ended.unwrap();
        }
        polls += 1;
        if !finished && polls == 3 {
            let behind = world.moving(Kind::Pulling).with_grace(2 * GRACE);
            assert_eq!(block_on(behind.move_page(None, 9)).unwrap().moved, 1);
            finished = true;
        }
    };
    assert!(finished, "{polls} polls");
    assert_eq!(ended, RevokeOutcome::Ended);
    assert_eq!(world.live_copies(id), 0);
    assert_eq!(world.refused(Kind::Pulling, &token), Refusal::Revoked(Reason::Logout));
}

#[test]
fn an_operator_finishes_what_has_lapsed_with_a_longer_grace() {
    let world = World::new();
    let (token, id) = world.issued();
    world.cut_short(id);
    world.advance(5 * GRACE);
    assert_eq!(world.refused(Kind::Pulling, &token), Refusal::Revoked(Reason::Moved));

    let patient = world.moving(Kind::Pulling).with_grace(6 * GRACE);
    let page = block_on(patient.move_page(None, 9)).unwrap();
    assert_eq!((page.moved, page.lapsed), (1, vec![]));
    for kind in [Kind::Pulling, Kind::Following, Kind::Over] {
        let _ = world.granted(kind, &token);
    }
}

#[test]
fn a_family_that_has_moved_goes_on_when_its_grace_is_over() {
    for kind in [Kind::Following, Kind::Pulling] {
        let world = World::new();
        let (token, _) = world.issued();
        let token = world.granted(Kind::Pulling, &token);
        world.advance(GRACE);
        let token = world.granted(kind, &token);
        world.advance(9 * GRACE);
        let _ = world.granted(kind, &token);
    }
}

#[test]
fn nothing_is_purged_before_its_time_however_short_the_retention() {
    for (place, bound) in [(Kind::Plain, GRACE), (Kind::Over, 2 * GRACE)] {
        // What ended at the bound has not ended before it.
        for (waited, gone) in [(bound - MILLI, 0), (bound, 0), (bound + MILLI, 1)] {
            for kind in MOVING {
                let world = World::new();
                let (_, id) = world.issued_by(place);
                block_on(world.node(place).revoke_family(id, Reason::Logout)).unwrap();
                world.advance(waited);
                let node = world.node(kind).with_retention(Duration::ZERO);
                assert_eq!(block_on(node.purge(9)).unwrap(), gone, "{waited:?}");
            }
        }
    }
}

#[test]
fn a_longer_retention_is_kept_in_both_stores() {
    for place in [Kind::Plain, Kind::Over] {
        let world = World::new();
        let (_, id) = world.issued_by(place);
        block_on(world.node(place).revoke_family(id, Reason::Logout)).unwrap();
        let node = world.node(Kind::Pulling);
        world.advance(7 * GRACE);
        assert_eq!(block_on(node.purge(9)).unwrap(), 0);
        world.advance(MILLI);
        assert_eq!(block_on(node.purge(9)).unwrap(), 1);
    }
}

#[test]
fn a_purge_of_both_stores_keeps_to_its_limit() {
    let world = World::new();
    for place in [Kind::Plain, Kind::Over].iter().cycle().take(10) {
        let (_, id) = world.issued_by(*place);
        block_on(world.node(*place).revoke_family(id, Reason::Logout)).unwrap();
    }
    world.advance(30 * GRACE);
    let node = world.node(Kind::Pulling);
    let removed: Vec<usize> = (0..4).map(|_| block_on(node.purge(4)).unwrap()).collect();
    assert_eq!(removed, [4, 4, 2, 0]);
}

/// However far its move had come, and whenever the purges and the attempts come.
#[test]
fn a_family_that_was_ended_in_the_new_store_never_comes_back() {
    let step = GRACE / 4;
    for ended_after in 0..4 {
        for kind in MOVING {
            let world = World::new();
            let (token, id) = world.issued();
            let token = world.granted(Kind::Pulling, &token);
            world.advance(step * ended_after);
            let reason = Reason::CredentialChange;
            block_on(world.node(kind).revoke_family(id, reason)).unwrap();
            for _ in 0..40 {
                let node = world.node(Kind::Pulling).with_retention(Duration::ZERO);
                block_on(node.purge(9)).unwrap();
                let _walked = world.walk(9);
                for kind in MOVING {
                    let why = world.refused(kind, &token);
                    let is_ended = why == Refusal::Revoked(reason)
                        || why == Refusal::Revoked(Reason::Moved)
                        || why == Refusal::Unknown;
                    assert!(is_ended, "{why:?}");
                }
                assert_eq!(world.live_copies(id), 0);
                world.advance(step);
            }
            assert!(world.in_old(id).is_none() && world.in_new(id).is_none(), "purged at last");
        }
    }
}

/// The slowest process that is still harmless: it stalls between its look at the clock and its write.
#[test]
fn a_move_that_stalls_for_a_grace_brings_back_nothing() {
    let world = World::new();
    let (token, id) = world.issued();
    world.cut_short(id);
    world.advance(GRACE - MILLI);
    let slow = world.moving(Kind::Pulling);
    let mut stalled = Box::pin(slow.move_page(None, 9));
    // A scan, and the write that it stalls at.
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    for _ in 0..2 {
        assert!(Future::poll(stalled.as_mut(), &mut context).is_pending());
    }
    assert!(world.in_new(id).is_none());
    let over = world.node(Kind::Pulling);
    block_on(over.revoke_family(id, Reason::Logout)).unwrap();
    world.advance(GRACE);
    let purge = testing::purge(world.now(), 9);
    let _the_mark = block_on(world.moving(Kind::Pulling).purge(purge)).unwrap();
    assert!(world.in_new(id).is_some(), "purged too early");
    block_on(stalled).unwrap();
    assert_eq!(world.live_copies(id), 0);
    assert_eq!(world.refused(Kind::Pulling, &token), Refusal::Revoked(Reason::Logout));
}
