//! One family, one call after the other.

use std::time::Duration;

use heirloom::family::{Reason, Status};
use heirloom::store::moving::MovedBack;
use heirloom::store::{Created, MovingStore, Store, StoreErrorKind};
use heirloom::{Error, Leeway, Mismatch, Outcome, Policy, Refusal, RevokeOutcome, testing};
use pollster::block_on;

use crate::moving::turns::Turns;
use crate::moving::world::{
    KINDS, Kind, MOVING, World, alice, grant, granted, is_moved, request, text,
};

#[test]
fn a_family_moves_with_its_first_use_on_a_node_that_pulls_and_goes_on_there() {
    let world = World::new();
    let (token, id) = world.issued();
    let next = world.granted(Kind::Following, &token);
    assert!(world.in_new(id).is_none(), "a node that follows leaves it where it is");
    let before = world.in_old(id).unwrap();

    let next = world.granted(Kind::Pulling, &next);
    assert!(is_moved(&world.in_old(id).unwrap()));
    assert_eq!(world.in_new(id).unwrap().version, before.version + 1, "one write: the rotation");

    for kind in [Kind::Following, Kind::Pulling, Kind::Over, Kind::Following].iter().cycle().take(9)
    {
        assert_eq!(world.live_copies(id), 1);
        let _ = granted(world.refresh(*kind, &next));
    }
}

#[test]
fn a_move_changes_nothing_of_a_family() {
    let policy = Policy::builder().leeway(Leeway::newest(Duration::from_secs(10)));
    let world = World::under(policy.displaced(Mismatch::Refuse).build().unwrap());
    let (token, id) = world.issued();
    let _displaced = world.granted(Kind::Plain, &token);
    let _newest = world.granted(Kind::Plain, &token);
    let before = world.in_old(id).unwrap();
    assert!(before.head.displaced);
    world.walk(1);
    assert_eq!(world.in_new(id), Some(before.clone()));

    world.walk(1);
    assert_eq!(world.in_new(id), Some(before));
}

#[test]
fn a_node_with_the_old_store_alone_refuses_what_has_moved_and_never_as_a_breach() {
    let world = World::new();
    let (first, id) = world.issued();
    let second = world.granted(Kind::Plain, &first);
    let third = world.granted(Kind::Pulling, &second);
    world.advance(Duration::from_secs(3600));
    for token in [&first, &second, &third] {
        assert_eq!(world.refused(Kind::Plain, token), Refusal::Revoked(Reason::Moved));
    }
    let tried = block_on(world.node(Kind::Plain).revoke_family(id, Reason::Logout)).unwrap();
    assert_eq!(tried, RevokeOutcome::Before(Reason::Moved), "it does not say that it ended it");
    let _ = world.granted(Kind::Pulling, &third);
}

#[test]
fn a_retry_across_the_move_gets_the_same_successor() {
    for (first, second) in [(Kind::Plain, Kind::Pulling), (Kind::Pulling, Kind::Following)] {
        let world = World::new();
        let (token, _) = world.issued();
        let next = world.granted(first, &token);
        assert_eq!(world.granted(second, &token), next);
        assert_eq!(world.granted(Kind::Over, &token), next);
    }
}

#[test]
fn a_spent_token_ends_the_family_across_the_move() {
    for kind in MOVING {
        let world = World::new();
        let (spent, id) = world.issued();
        let token = world.granted(Kind::Plain, &spent);
        let token = world.granted(Kind::Pulling, &token);
        assert!(matches!(world.refused(kind, &spent), Refusal::Reused { .. }));
        for kind in [Kind::Following, Kind::Pulling, Kind::Over] {
            assert!(matches!(world.refused(kind, &token), Refusal::Revoked(Reason::Reuse(_))));
        }
        assert_eq!(world.live_copies(id), 0);
    }
}

#[test]
fn a_family_that_was_ended_before_its_move_stays_ended() {
    let world = World::new();
    let (token, id) = world.issued();
    block_on(world.node(Kind::Plain).revoke_family(id, Reason::Logout)).unwrap();
    let before = world.in_old(id).unwrap();
    for kind in MOVING {
        assert_eq!(world.refused(kind, &token), Refusal::Revoked(Reason::Logout));
    }
    world.walk(1);
    assert_eq!(world.in_old(id), Some(before.clone()), "it is not marked: its reason stays");
    assert_eq!(world.in_new(id), Some(before), "the new store refuses it too");
    assert_eq!(world.refused(Kind::Over, &token), Refusal::Revoked(Reason::Logout));
}

#[test]
fn a_revocation_finds_a_family_wherever_it_is_and_the_first_reason_stays() {
    for place in ["old", "cut short", "new"] {
        for kind in MOVING {
            let world = World::new();
            let (token, id) = world.issued();
            match place {
                "old" => {}
                "cut short" => world.cut_short(id),
                _ => drop(world.walk(1)),
            }
            let node = world.node(kind);
            let ended = block_on(node.revoke_family(id, Reason::Logout)).unwrap();
            assert_eq!(ended, RevokeOutcome::Ended, "{place} {kind:?}");
            let again = block_on(node.revoke_family(id, Reason::Administrator)).unwrap();
            assert_eq!(again, RevokeOutcome::Before(Reason::Logout), "{place} {kind:?}");
            world.walk(1);
            for kind in [Kind::Following, Kind::Pulling, Kind::Over] {
                assert_eq!(world.refused(kind, &token), Refusal::Revoked(Reason::Logout));
            }
        }
    }
}

#[test]
fn a_change_of_the_grant_is_made_wherever_the_family_is() {
    for kind in MOVING {
        for cut_short in [false, true] {
            let world = World::new();
            let (token, id) = world.issued();
            if cut_short {
                world.cut_short(id);
            }
            let narrower = |grant: &heirloom::Grant| grant.clone().scope("read");
            block_on(world.node(kind).change_grant(id, narrower)).unwrap();
            for kind in [Kind::Pulling, Kind::Following] {
                let outcome = granted(world.refresh(kind, &token));
                assert_eq!(outcome.scope.as_str(), "read");
            }
        }
    }
}

#[test]
fn what_was_looked_at_may_move_before_it_is_committed() {
    for (begins, moves) in [(Kind::Following, Kind::Pulling), (Kind::Pulling, Kind::Pulling)] {
        let world = World::new();
        let (token, _) = world.issued();
        let node = world.node(begins);
        let begun = block_on(node.begin(&token, request())).unwrap();
        let heirloom::Begun::Ready(redemption) = begun else { panic!("{begun:?}") };
        let _ = block_on(world.node(moves).introspect(&token)).unwrap();
        world.walk(1);
        let outcome = block_on(redemption.commit()).unwrap();
        let next = text(&granted(outcome));
        let _ = world.granted(Kind::Over, &next);
    }
}

#[test]
fn new_families_are_made_where_the_stage_says() {
    let world = World::new();
    let (following, pulling) =
        (world.issued_by(Kind::Following).1, world.issued_by(Kind::Pulling).1);
    assert!(world.in_old(following).is_some() && world.in_new(following).is_none());
    assert!(world.in_old(pulling).is_none() && world.in_new(pulling).is_some());
    for kind in MOVING {
        assert_eq!(block_on(world.node(kind).families(&alice(), everything())).unwrap().len(), 2);
    }
}

#[test]
fn an_id_that_either_store_has_is_taken_for_both_stages() {
    for first in [Kind::Plain, Kind::Over] {
        for kind in MOVING {
            let world = World::new();
            let (token, id) = world.issued_by(first);
            block_on(world.node(first).revoke_family(id, Reason::Logout)).unwrap();
            let mut copy = world.in_old(id).or(world.in_new(id)).unwrap();
            copy.status = Status::Live;
            let created = block_on(world.moving(kind).create(testing::create(copy))).unwrap();
            assert!(matches!(created, Created::Taken), "{first:?} {kind:?}");
            assert_eq!(world.refused(kind, &token), Refusal::Revoked(Reason::Logout));
        }
    }
}

#[test]
fn a_token_of_nobody_is_unknown_in_every_stage() {
    let elsewhere = World::new();
    let (token, id) = elsewhere.issued();
    let world = World::new();
    for kind in KINDS {
        assert_eq!(world.refused(kind, &token), Refusal::Unknown);
        let ended = block_on(world.node(kind).revoke_family(id, Reason::Logout)).unwrap();
        assert_eq!(ended, RevokeOutcome::NoEffect(Refusal::Unknown));
    }
}

#[test]
fn a_family_is_not_moved_back_over_its_own_mark_and_goes_on() {
    let world = World::new();
    let (token, id) = world.issued();
    let token = world.granted(Kind::Pulling, &token);
    let (old, new) = (Turns(world.old.clone()), Turns(world.new.clone()));
    let back = MovingStore::pulling(new, old).with_clock(world.clock.clone());
    let error = block_on(back.move_page(None, 9)).unwrap_err();
    assert_eq!(error.kind(), StoreErrorKind::Unusable);
    let source = std::error::Error::source(&error).and_then(|it| it.downcast_ref::<MovedBack>());
    assert_eq!(source, Some(&MovedBack { family: id }));
    assert_eq!(world.live_copies(id), 1);
    let _ = world.granted(Kind::Pulling, &token);
}

/// An old record that was restored after its family had moved: what pulls is not misled.
#[test]
fn a_restored_backup_of_the_old_store_does_not_mislead_a_node_that_pulls() {
    let world = World::new();
    let (first, id) = world.issued();
    let backup = world.old.inner().snapshot();
    let second = world.granted(Kind::Pulling, &first);
    let third = world.granted(Kind::Pulling, &second);
    world.old.inner().restore(backup);
    let _ = world.granted(Kind::Pulling, &third);
    world.walk(1);
    assert_eq!(world.live_copies(id), 1, "the walk ends the stale copy");
    assert!(matches!(world.refused(Kind::Following, &first), Refusal::Reused { .. }));
}

#[test]
fn an_error_of_either_store_is_an_error_and_not_a_refusal() {
    for kind in MOVING {
        for broken in ["old", "new"] {
            let world = World::new();
            let (token, id) = world.issued();
            world.cut_short(id);
            let disk = if broken == "old" { &world.old } else { &world.new };
            disk.fail(testing::Fault::Before, usize::MAX, |_| true);
            let outcome = block_on(world.node(kind).refresh(&token, request()));
            assert!(matches!(outcome, Err(Error::Store(_))), "{outcome:?}");
            disk.heal();
            assert!(matches!(world.refresh(kind, &token), Outcome::Granted(_)));
        }
    }
}

pub fn everything() -> heirloom::store::Page {
    heirloom::store::Page { after: None, limit: 100 }
}

#[test]
fn a_limit_counts_a_family_that_has_moved_once() {
    let policy = Policy::builder().limit(heirloom::FamilyLimit::evict(2)).build().unwrap();
    let world = World::under(policy);
    let (first, _) = world.issued();
    world.advance(Duration::from_millis(1));
    let (second, _) = world.issued();
    let second = world.granted(Kind::Pulling, &second);
    world.advance(Duration::from_millis(1));
    let _third = block_on(world.node(Kind::Pulling).issue(grant())).unwrap();
    assert_eq!(world.refused(Kind::Pulling, &first), Refusal::Revoked(Reason::Evicted));
    let _ = world.granted(Kind::Following, &second);
}
