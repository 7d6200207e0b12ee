//! Stores whose rotation forgets a part of the guard: what they show as committed is looked at again.

use std::sync::Arc;
use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::guard::Guard;
use heirloom::testing::Operation;
use heirloom::{Begun, Binding, Error, FamilyId, Outcome, Policy, Reason, Request, RevokeOutcome};
use pollster::block_on;

use crate::regressions::outsider::{Outsider, engine, first};
use crate::support::{START, grant, request, text};

/// The least that a statement could ask for: live, and this very token the current one.
fn this_token(guard: &Guard, family: &Family) -> bool {
    family.status == Status::Live
        && family.head.generation == guard.position.generation
        && family.head.digest == guard.digest
}

/// The guard, but for the version.
fn any_version(guard: &Guard, family: &Family) -> bool {
    let mut guard = guard.clone();
    guard.version = None;
    guard.holds(family)
}

fn assert_corrupt(outcome: Result<Outcome, Error>, family: FamilyId) {
    match outcome {
        Err(Error::Corrupt { family: corrupt }) => assert_eq!(corrupt, family),
        other => panic!("{other:?}"),
    }
}

/// A store left the client and the key out of its condition. Another client, with a key of its own or with none, got a
/// successor of a token that was bound to neither.
#[test]
fn a_rotation_that_a_store_made_for_a_wrong_client_or_key_releases_no_token() {
    let (right, wrong) = (Binding::Jkt([1; 32]), Binding::Jkt([9; 32]));
    let strangers = [
        Request::new("other-app").binding(right),
        request().binding(wrong),
        request(),
        request().binding(Binding::X5tS256([1; 32])),
    ];
    for stranger in strangers {
        let (engine, _) = first(&Outsider::sloppy(this_token));
        let issued = block_on(engine.issue(grant().bound_to(right))).unwrap();
        assert_corrupt(block_on(engine.refresh(text(&issued), stranger)), issued.family);
    }
    let (engine, _) = first(&Outsider::sloppy(this_token));
    let issued = block_on(engine.issue(grant().bound_to(right))).unwrap();
    let own = block_on(engine.refresh(text(&issued), request().binding(right))).unwrap();
    assert!(matches!(own, Outcome::Granted(_)));
}

/// A store left the ends out of its condition: a grant that had ended went on.
#[test]
fn a_rotation_that_a_store_made_at_or_past_the_absolute_end_releases_no_token() {
    for (millis, lives) in [(59_999, true), (60_000, false), (60_001, false)] {
        let (engine, clock) = first(&Outsider::sloppy(this_token));
        let end = START.saturating_add(Duration::from_secs(60));
        let issued = block_on(engine.issue(grant().not_after(end))).unwrap();
        clock.advance(Duration::from_millis(millis));
        match block_on(engine.refresh(text(&issued), request())) {
            Ok(Outcome::Granted(_)) => assert!(lives, "{millis}"),
            outcome => {
                assert!(!lives, "{millis}");
                assert_corrupt(outcome, issued.family);
            }
        }
    }
}

/// A store left the status out of its condition: a family that had been revoked went on.
#[test]
fn a_rotation_that_a_store_made_of_a_revoked_family_releases_no_token() {
    let (engine, _) = first(&Outsider::sloppy(|guard, family| family.head.digest == guard.digest));
    let issued = block_on(engine.issue(grant())).unwrap();
    let ended = block_on(engine.revoke_family(issued.family, Reason::Logout)).unwrap();
    assert_eq!(ended, RevokeOutcome::Ended);
    assert_corrupt(block_on(engine.refresh(text(&issued), request())), issued.family);
}

/// A host looked at `read write` between the two steps; the grant was changed to `admin`, and the store left the version
/// out of its condition. The host minted an access token for a grant that it had never seen.
#[test]
fn a_grant_that_the_host_has_not_looked_at_is_not_granted_by_a_store_that_forgets_the_version() {
    let store = Outsider::sloppy(any_version);
    let (engine, _) = first(&store);
    let issued = block_on(engine.issue(grant())).unwrap();
    let Begun::Ready(redemption) = block_on(engine.begin(text(&issued), request())).unwrap() else {
        panic!("refused");
    };
    block_on(engine.change_grant(issued.family, |stored| stored.clone().scope("admin"))).unwrap();
    let error = block_on(redemption.commit()).unwrap_err();
    assert!(matches!(error, Error::GrantChanged), "{error:?}");
    assert_eq!(store.stored(issued.family).head.generation, 1);
}

/// A client asked for `write` while `write` was withdrawn, and the store left the version out of its condition. Nothing
/// of the request was left, and it was granted: a token with an empty scope, which resource servers take for all.
#[test]
fn a_narrowed_scope_never_becomes_empty_by_a_change_of_the_grant_in_between() {
    let store = Outsider::sloppy(any_version);
    let (one, clock) = first(&store);
    let other = engine(&store, &clock, Policy::default(), 2);
    let issued = block_on(one.issue(grant())).unwrap();
    let (family, seen) = (issued.family, Arc::clone(&store));
    store.ahead(move |operation| {
        if operation == Operation::Advance {
            assert_eq!(seen.stored(family).head.generation, 0);
            let withdraw = other.change_grant(family, |stored| stored.clone().scope("read"));
            block_on(withdraw).unwrap();
        }
    });
    assert_corrupt(block_on(one.refresh(text(&issued), request().scope("write"))), family);
}
