//! Stores that err or lie: each time the engine's own error, nothing lost, and no other family touched.

use heirloom::Page;
use heirloom::family::{Revocation, Status};
use heirloom::store::StoreErrorKind;
use heirloom::testing::{Fault, FaultStore, Operation, digest};
use heirloom::{
    Error, Grant, How, Policy, Reason, Refusal, Request, RevokeOutcome, Rotation, Selector,
};
use pollster::block_on;

use super::lies::{Lie, LyingStore};
use super::world::{CLIENT, START, World, grant, in_generation_1};

#[test]
fn a_stale_family_makes_a_token_look_ahead_and_never_stolen() {
    let world = World::over(LyingStore::new);
    let stale = world.stored();
    let current = world.rotate(&world.token);
    let World { engine, .. } = &world;
    engine.store().tell(Lie::Declined);
    engine.store().edit(move |family| *family = stale.clone());
    let begun = block_on(engine.begin(&current, Request::new(CLIENT))).unwrap();
    assert!(matches!(begun, heirloom::Begun::Refused(Refusal::AheadOfStore)), "{begun:?}");
    let narrowed = Request::new(CLIENT).scope("read");
    let outcome = block_on(engine.refresh(&current, narrowed)).unwrap();
    assert!(matches!(outcome, heirloom::Outcome::Refused(Refusal::AheadOfStore)));
    engine.store().tell(None);
    assert_eq!(world.stored().status, Status::Live);
    world.rotate(&current);
}

#[test]
fn a_commit_with_another_head_releases_no_token() {
    let world = in_generation_1();
    world.engine.store().edit_committed(|family| family.head.digest = digest([9; 32]));
    let error = world.error(&world.token);
    assert!(matches!(error, Error::Corrupt { family } if family == world.family), "{error:?}");
    world.engine.store().tell(None);
    assert_eq!(world.granted(&world.token).how, How::Replayed);
    world.assert_nothing_lost();
}

#[test]
fn a_replay_whose_salt_is_not_the_stored_one_is_corrupt_and_ends_nothing() {
    let world = World::over(LyingStore::new);
    world.rotate(&world.token);
    world.engine.store().edit(|family| {
        let predecessor = family.head.predecessor.as_mut().unwrap();
        predecessor.salt = heirloom::secret::Salt::from_bytes([9; 16]);
    });
    let error = world.error(&world.token);
    assert!(matches!(error, Error::Corrupt { family } if family == world.family), "{error:?}");
    world.engine.store().tell(None);
    world.assert_nothing_lost();
}

#[test]
fn a_store_that_says_it_had_ended_a_live_family_is_corrupt() {
    assert_claimed_end_is_corrupt(Lie::Before);
}

#[test]
fn a_store_that_claims_an_end_and_shows_a_live_family_is_corrupt() {
    assert_claimed_end_is_corrupt(Lie::Ended);
}

/// A breach must not be reported as carried out (P2); it is, as soon as the store tells the truth.
fn assert_claimed_end_is_corrupt(lie: Lie) {
    let world = World::over(LyingStore::new);
    world.rotate(&world.token);
    world.advance(10_000);
    world.engine.store().tell(lie);
    let error = world.error(&world.token);
    assert!(matches!(error, Error::Corrupt { family } if family == world.family), "{error:?}");
    let ended = block_on(world.engine.revoke_family(world.family, Reason::Logout));
    assert!(matches!(ended, Err(Error::Corrupt { .. })), "{ended:?}");
    world.engine.store().tell(None);
    assert_eq!(world.stored().status, Status::Live);
    assert_eq!(world.refused(&world.token).breach().unwrap().generations_behind, 1);
    world.assert_bystander_untouched();
}

#[test]
fn a_family_that_the_store_denies_is_unknown_and_comes_back_unharmed() {
    let world = in_generation_1();
    world.engine.store().tell(Lie::Missing);
    assert_eq!(world.refused(&world.token), Refusal::Unknown);
    let revoked = block_on(world.engine.revoke_family(world.family, Reason::Logout)).unwrap();
    assert_eq!(revoked, RevokeOutcome::NoEffect(Refusal::Unknown));
    let changed = block_on(world.engine.change_grant(world.family, |_| grant()));
    assert!(matches!(changed, Err(Error::NotLive { .. })), "{changed:?}");
    world.engine.store().tell(None);
    world.assert_nothing_lost();
}

#[test]
fn a_store_in_which_every_id_is_taken_issues_nothing() {
    let world = World::over(LyingStore::new);
    world.engine.store().tell(Lie::Taken);
    let issued = block_on(world.engine.issue(grant()));
    assert!(matches!(issued, Err(Error::Contended)), "{issued:?}");
    world.engine.store().tell(None);
    world.assert_nothing_lost();
}

#[test]
fn a_condition_that_holds_and_is_declined_for_ever_is_contention_and_no_theft() {
    let never = Policy::builder().rotation(Rotation::Never).idle(None).build().unwrap();
    let world = in_generation_1();
    world.engine.store().tell(Lie::Declined);
    assert!(matches!(world.error(&world.token), Error::Contended));
    let request = Request::new(CLIENT).policy(&never);
    let kept = block_on(world.engine.refresh(&world.token, request));
    assert!(matches!(kept, Err(Error::Contended)), "{kept:?}");
    let narrower = |old: &Grant| old.clone().scope("read");
    let changed = block_on(world.engine.change_grant(world.family, narrower));
    assert!(matches!(changed, Err(Error::Contended)), "{changed:?}");
    world.engine.store().tell(None);
    world.assert_nothing_lost();
}

#[test]
fn a_conflict_that_never_ends_is_given_up_after_a_few_attempts() {
    let mut world = World::over(FaultStore::new);
    world.token = world.rotate(&world.token);
    let store = world.engine.store();
    for fault in [Fault::Conflict, Fault::ConflictAfter] {
        store.take_operations();
        store.fail(fault, usize::MAX, |operation| operation != Operation::Load);
        assert!(world.refresh(&world.token).is_err() == (fault == Fault::Conflict));
        assert!(store.take_operations().total() <= 9);
        store.heal();
    }
    world.assert_nothing_lost();
}

#[test]
fn a_conflict_that_is_a_lie_is_this_calls_own_success() {
    let world = World::over(FaultStore::new);
    world.engine.store().fail(Fault::ConflictAfter, 1, |operation| operation == Operation::Advance);
    let successor = world.rotate(&world.token);
    assert_eq!(world.stored().head.generation, 1);
    assert_eq!(world.granted(&world.token).token.unwrap().expose(), successor);
    world.assert_nothing_lost();
}

#[test]
fn a_store_that_errs_at_any_operation_loses_nothing() {
    for fault in [Fault::Before, Fault::After] {
        let world = World::over(FaultStore::new);
        let (engine, store) = (&world.engine, world.engine.store());
        let (token, request) = (&*world.token, Request::new(CLIENT));
        store.fail(fault, usize::MAX, |operation| operation != Operation::Revoke);
        let page = Page { after: None, limit: 10 };
        let alice = Selector::subject("alice");
        for error in [
            block_on(engine.issue(grant())).unwrap_err(),
            world.error(token),
            block_on(engine.begin(token, request)).unwrap_err(),
            block_on(engine.introspect(token)).unwrap_err(),
            block_on(engine.explain(token, request)).unwrap_err(),
            block_on(engine.revoke(token, request)).unwrap_err(),
            block_on(engine.change_grant(world.family, |_| grant())).unwrap_err(),
            block_on(engine.families(&alice, page)).unwrap_err(),
            block_on(engine.revoke_all(&alice, Reason::Logout)).unwrap_err(),
            block_on(engine.purge(10)).unwrap_err(),
        ] {
            assert!(error.is_retryable());
            let Error::Store(error) = error else { panic!("{error:?}") };
            assert_eq!(error.kind(), StoreErrorKind::Unavailable);
        }
        store.heal();
        world.assert_nothing_lost();
    }
}

/// S6 is the store's duty; but a logout of one user must never become that of another.
#[test]
fn a_selection_that_returns_other_subjects_families_ends_none_of_theirs() {
    let world = World::over(LyingStore::new);
    world.engine.store().tell(Lie::All);
    // Whether it is refused or ends alice's alone is not the point.
    let _ = block_on(world.engine.revoke_all(&Selector::subject("alice"), Reason::Logout));
    world.engine.store().tell(None);
    world.assert_bystander_untouched();
}

#[test]
fn a_selection_that_never_ends_is_given_up() {
    let world = World::over(LyingStore::new);
    world.engine.store().tell(Lie::SamePage);
    let ended = block_on(world.engine.revoke_all(&Selector::subject("alice"), Reason::Logout));
    assert!(
        world.engine.store().pages() <= 10,
        "{} pages, {ended:?}",
        world.engine.store().pages()
    );
    world.engine.store().tell(None);
    world.assert_bystander_untouched();
}

/// P3: what a store says of a family that was revoked while its rotation was in doubt.
#[test]
fn a_commit_that_shows_a_revoked_family_grants_nothing() {
    let world = in_generation_1();
    world.engine.store().edit_committed(|family| {
        family.status = Status::Revoked(Revocation { at: START, reason: Reason::Logout, call: 7 });
    });
    let outcome = world.refresh(&world.token);
    assert!(!matches!(outcome, Ok(heirloom::Outcome::Granted(_))), "{outcome:?}");
    world.engine.store().tell(None);
    world.assert_nothing_lost();
}
