//! Clocks and counters at their limits: a store that stalls, and a version that cannot be counted on.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use heirloom::family::{Family, Impossible};
use heirloom::store::StoreErrorKind;
use heirloom::testing::{Fault, Operation};
use heirloom::{Error, Event, EventKind, Outcome, Policy, Reason, Refusal, Rotation, record};
use pollster::block_on;

use crate::regressions::outsider::{Outsider, engine as second_engine, first};
use crate::support::{START, World, grant, request, text};

/// A look at the family stalled for an hour, in a failover say, and the grant ended meanwhile. The write that followed
/// went by the clock from before the stall, and the family rotated past its end.
#[test]
fn a_store_that_stalls_past_the_end_of_the_grant_rotates_nothing() {
    for (stall, lives) in [(59_999, true), (60_000, false), (3_600_000, false)] {
        let store = Outsider::new();
        let (engine, clock) = first(&store);
        let end = START.saturating_add(Duration::from_secs(60));
        let issued = block_on(engine.issue(grant().not_after(end))).unwrap();
        store.ahead(move |operation| {
            if operation == Operation::Load {
                clock.set(START.saturating_add(Duration::from_millis(stall)));
            }
        });
        // A narrowed scope is looked at before it is written.
        match block_on(engine.refresh(text(&issued), request().scope("read"))).unwrap() {
            Outcome::Granted(_) => assert!(lives, "{stall}"),
            Outcome::Refused(why) => assert_eq!((why, lives), (Refusal::Expired, false)),
        }
        assert_eq!(store.stored(issued.family).head.generation, u32::from(lives));
    }
}

/// A driver stored a rotation and reported a conflict, so late that the grant had ended meanwhile. The call found its own
/// rotation in a family that had ended, and told the operator that the record was damaged.
#[test]
fn an_own_rotation_that_is_found_again_past_the_end_is_refused_as_expired() {
    for (late, lives) in [(59_999, true), (60_000, false)] {
        let store = Outsider::new();
        let (engine, clock) = first(&store);
        let end = START.saturating_add(Duration::from_secs(60));
        let issued = block_on(engine.issue(grant().not_after(end))).unwrap();
        store.inner().fail(Fault::ConflictAfter, 1, |operation| operation == Operation::Advance);
        store.ahead(move |operation| {
            if operation == Operation::Advance {
                clock.set(START.saturating_add(Duration::from_millis(late)));
            }
        });
        match block_on(engine.refresh(text(&issued), request())) {
            Ok(Outcome::Granted(next)) => assert_eq!((next.generation, lives), (1, true)),
            Ok(Outcome::Refused(why)) => assert_eq!((why, lives), (Refusal::Expired, false)),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn impossible(error: Error) -> Impossible {
    match error {
        Error::Store(error) => match error.kind() {
            StoreErrorKind::Impossible(impossible) => impossible,
            kind => panic!("{kind:?}"),
        },
        error => panic!("{error:?}"),
    }
}

/// A damaged record bore the highest version there is. It was taken for possible, and the next write, of a change of the
/// grant or of a slide, panicked as it counted the version up.
#[test]
fn a_version_past_the_last_that_every_store_holds_is_refused_as_impossible() {
    const LAST: u64 = (1 << 53) - 1;
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let world = World::new(never);
    let issued = block_on(world.node.issue(grant())).unwrap();
    let slide = Duration::from_secs(2 * 86_400);
    world.clock.advance(slide);
    let [mut family]: [Family; 1] = world.store.inner().snapshot().try_into().unwrap();
    family.version = LAST;
    assert_eq!(record::decode(family.id, &record::encode(&family)).as_ref(), Ok(&family));
    for version in [LAST + 1, u64::MAX] {
        family.version = version;
        let refused = Impossible { family: family.id, field: "version" };
        assert_eq!(record::decode(family.id, &record::encode(&family)), Err(refused));
        world.store.inner().restore(vec![family.clone()]);
        let change = world.node.change_grant(family.id, |stored| stored.clone().scope("read"));
        assert_eq!(impossible(block_on(change).unwrap_err()), refused);
        let refresh = block_on(world.node.refresh(text(&issued), request()));
        assert_eq!(impossible(refresh.unwrap_err()), refused);
        assert_eq!(world.store.inner().snapshot(), vec![family.clone()]);
    }
}

/// The same record under a policy that rotates: a refresh and a revocation write before they look, and panicked.
#[test]
fn a_version_that_cannot_be_counted_up_is_an_error_of_a_refresh_and_of_a_revocation() {
    let world = World::new(Policy::default());
    let issued = block_on(world.node.issue(grant())).unwrap();
    let [mut family]: [Family; 1] = world.store.inner().snapshot().try_into().unwrap();
    family.version = u64::MAX;
    let refused = Impossible { family: family.id, field: "version" };
    world.store.inner().restore(vec![family.clone()]);
    let refresh = block_on(world.node.refresh(text(&issued), request()));
    assert_eq!(impossible(refresh.unwrap_err()), refused);
    world.store.inner().restore(vec![family.clone()]);
    let revoke = block_on(world.node.revoke_family(family.id, Reason::Logout));
    assert_eq!(impossible(revoke.unwrap_err()), refused);
}

/// One clock for all, and two tabs: the one that was declined had read the clock before the other's rotation, and the
/// operator was told that the clocks of two nodes differ.
#[test]
fn a_race_on_one_clock_is_not_taken_for_two_clocks_that_differ() {
    let store = Outsider::new();
    let (engine, clock) = first(&store);
    let heard = Arc::new(Mutex::new(Vec::new()));
    let ear = Arc::clone(&heard);
    let engine =
        engine.with_observer(Arc::new(move |event: &Event| ear.lock().unwrap().push(event.kind)));
    let issued = block_on(engine.issue(grant())).unwrap();
    let (other, token) =
        (second_engine(&store, &clock, Policy::default(), 2), text(&issued).to_owned());
    store.ahead(move |operation| {
        if operation == Operation::Advance {
            clock.advance(Duration::from_millis(5));
            drop(block_on(other.refresh(&token, request())).unwrap());
        }
    });
    drop(block_on(engine.refresh(text(&issued), request())).unwrap());
    let kinds = heard.lock().unwrap();
    assert!(kinds.iter().any(|kind| matches!(kind, EventKind::Replayed { .. })), "{kinds:?}");
    assert!(!kinds.iter().any(|kind| matches!(kind, EventKind::ClockBehind { .. })), "{kinds:?}");
}
