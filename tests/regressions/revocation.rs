//! Ends of families: who is said to have ended one, and that none escapes.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use heirloom::family::{Impossible, Status};
use heirloom::store::StoreErrorKind;
use heirloom::testing::{Fault, Operation};
use heirloom::{
    Error, EventKind, Grant, Granted, How, Outcome, Policy, Reason, Refusal, RevokeOutcome,
    Selector,
};
use pollster::block_on;

use crate::regressions::outsider::{Outsider, engine, first};
use crate::support::{World, grant, granted, request, text};

/// Three families of one subject, in the order of their ids.
fn three(world: &World) -> [Granted; 3] {
    [(); 3].map(|()| {
        world.clock.advance(Duration::from_millis(1));
        block_on(world.node.issue(grant())).unwrap()
    })
}

fn refusal(world: &World, token: &Granted) -> Option<Refusal> {
    match block_on(world.node.refresh(text(token), request())).unwrap() {
        Outcome::Granted(_) => None,
        Outcome::Refused(why) => Some(why),
    }
}

/// A password was changed, and one of the user's families had a damaged record. The selection failed at it, and all the
/// others went on: a thief only had to damage one.
#[test]
fn a_damaged_record_does_not_shield_the_subjects_other_families() {
    let world = World::new(Policy::default());
    let families = three(&world);
    for damaged in &families {
        let world = World::new(Policy::default());
        let _same = three(&world);
        let impossible = Impossible { family: damaged.family, field: "checksum" };
        world.store.poison(damaged.family, Some(impossible));
        world.store.take_operations();
        let subject = Selector::subject("alice");
        match block_on(world.node.revoke_all(&subject, Reason::CredentialChange)) {
            Err(Error::Store(error)) => {
                assert_eq!(error.kind(), StoreErrorKind::Impossible(impossible));
            }
            other => panic!("{other:?}"),
        }
        // The damaged one is tried as well.
        assert_eq!(world.store.take_operations().count(Operation::Revoke), 3);
        for token in families.iter().filter(|token| token.family != damaged.family) {
            let revoked = Refusal::Revoked(Reason::CredentialChange);
            assert_eq!(refusal(&world, token), Some(revoked));
        }
    }
}

/// The same with a store that failed once: the families after the failure were left alone.
#[test]
fn a_family_that_could_not_be_ended_does_not_shield_those_after_it() {
    let world = World::new(Policy::default());
    let families = three(&world);
    let subject = Selector::subject("alice");
    world.store.fail(Fault::Before, 1, |operation| operation == Operation::Revoke);
    let failed = block_on(world.node.revoke_all(&subject, Reason::CredentialChange));
    assert!(matches!(failed, Err(Error::Store(_))), "{failed:?}");
    let revoked = Some(Refusal::Revoked(Reason::CredentialChange));
    assert_eq!(
        families[1..].iter().map(|it| refusal(&world, it)).collect::<Vec<_>>(),
        [revoked; 2]
    );
    let again = block_on(world.node.revoke_all(&subject, Reason::CredentialChange));
    assert_eq!(again.unwrap(), 1);
    assert_eq!(refusal(&world, &families[0]), revoked);
}

/// A store answered every revocation alike, whether it had written or found the family ended. An administrator was told
/// of an end that a logout had made, and the audit log had two.
#[test]
fn a_second_call_neither_claims_the_end_of_a_family_nor_reports_it_again() {
    let store = Outsider::new();
    let events = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&events);
    let (engine, _) = first(&store);
    let engine = engine.with_observer(Arc::new(move |event: &heirloom::Event| {
        if let EventKind::Revoked(reason) = event.kind {
            log.lock().unwrap().push(reason);
        }
    }));
    let issued = block_on(engine.issue(grant())).unwrap();
    let end = |reason| block_on(engine.revoke_family(issued.family, reason)).unwrap();
    assert_eq!(end(Reason::Logout), RevokeOutcome::Ended);
    for reason in [Reason::Administrator, Reason::Logout] {
        assert_eq!(end(reason), RevokeOutcome::Before(Reason::Logout));
    }
    assert_eq!(*events.lock().unwrap(), [Reason::Logout]);
}

/// The mark by which a call knows its own revocation was 64 bits wide. A column of signed integers refused every second
/// one, and a store that keeps numbers as JSON or Lua do gave most of them back changed.
#[test]
fn the_mark_of_a_revocation_fits_53_bits_and_differs_between_calls() {
    let world = World::new(Policy::default());
    let marks: BTreeSet<u64> = (0..256)
        .map(|_| {
            let issued = block_on(world.node.issue(grant())).unwrap();
            block_on(world.node.revoke_family(issued.family, Reason::Logout)).unwrap();
            let snapshot = world.store.inner().snapshot();
            world.store.inner().restore(Vec::new());
            match &snapshot[0].status {
                Status::Revoked(revocation) => revocation.call,
                Status::Live => panic!("live"),
            }
        })
        .collect();
    assert_eq!(marks.len(), 256);
    assert!(marks.iter().all(|mark| *mark < 1 << 53));
    // All of the width is used.
    assert!(marks.iter().any(|mark| *mark >= 1 << 52));
}

/// A script signed in anew at each page of the families that were being ended, and the call that ended them never
/// returned: each page had one more. A page that is not full is the last.
#[test]
fn a_subject_that_signs_in_at_every_page_does_not_keep_a_revocation_of_all_going() {
    const BEFORE: usize = 250;
    let store = Outsider::new();
    let (one, clock) = first(&store);
    let other = engine(&store, &clock, Policy::default(), 2);
    let before: Vec<_> =
        (0..BEFORE).map(|_| block_on(one.issue(grant())).unwrap().family).collect();
    let pages = Arc::new(AtomicUsize::new(0));
    let asked = Arc::clone(&pages);
    store.ahead(move |operation| {
        if operation == Operation::Select && asked.fetch_add(1, Ordering::SeqCst) < 1_000 {
            clock.advance(Duration::from_secs(1));
            let _new = block_on(other.issue(grant())).unwrap();
        }
    });
    block_on(one.revoke_all(&Selector::subject("alice"), Reason::CredentialChange)).unwrap();
    for family in before {
        assert!(matches!(store.stored(family).status, Status::Revoked(_)));
    }
    let pages = pages.load(Ordering::SeqCst);
    assert_eq!(pages, 3, "full, full, and not full");
}

/// A column of one row was damaged, and bob's family stood among alice's: none of hers on that page was ended.
#[test]
fn a_family_of_somebody_else_in_a_selection_is_left_alone_and_shields_nobody() {
    let store = Outsider::new();
    let (engine, _) = first(&store);
    let families: Vec<_> =
        (0..3).map(|_| block_on(engine.issue(grant())).unwrap().family).collect();
    let stray = families[1];
    let mut bobs = store.stored(stray);
    bobs.grant = Arc::new(Grant::new("bob", "web-app"));
    store.shows(bobs);
    let ended = block_on(engine.revoke_all(&Selector::subject("alice"), Reason::Logout));
    assert!(matches!(ended, Err(Error::Store(_))), "{ended:?}");
    for (family, live) in [(families[0], false), (stray, true), (families[2], false)] {
        assert_eq!(store.stored(family).status == Status::Live, live);
    }
}

/// A driver stored a rotation and reported a conflict. Before the call looked again, a second tab was answered with the
/// same successor and used it: now the first call's own token is two generations behind, and looks like any spent one.
/// The family ends. That is one sign-in too many, but no token is released and no other family is touched.
#[test]
fn a_call_that_lost_track_of_its_own_rotation_may_end_its_family_but_releases_nothing() {
    let store = Outsider::new();
    let (one, clock) = first(&store);
    let tab = engine(&store, &clock, Policy::default(), 2);
    let [root, bystander] = [(); 2].map(|()| block_on(one.issue(grant())).unwrap());
    store.inner().fail(Fault::ConflictAfter, 1, |operation| operation == Operation::Advance);
    let (shown, mut met) = (text(&root).to_owned(), false);
    store.ahead(move |operation| {
        if operation == Operation::Load && !std::mem::replace(&mut met, true) {
            let replayed = granted(block_on(tab.refresh(&shown, request())).unwrap());
            assert_eq!(replayed.how, How::Replayed);
            let used = granted(block_on(tab.refresh(text(&replayed), request())).unwrap());
            assert_eq!(used.generation, 2);
        }
    });
    match block_on(one.refresh(text(&root), request())).unwrap() {
        Outcome::Refused(Refusal::Reused(reuse)) => assert_eq!(reuse.generations_behind, 2),
        other => panic!("{other:?}"),
    }
    assert!(matches!(store.stored(root.family).status, Status::Revoked(_)));
    granted(block_on(one.refresh(text(&bystander), request())).unwrap());
}
