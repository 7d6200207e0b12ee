//! `change_grant`: P7, no token from before a change is answered with the grant from after it.

use heirloom::grant::GrantError;
use heirloom::{Binding, Error, FamilyId, Grant, How, Policy, Reason, Refusal, Timestamp};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal, stored};
use crate::support::{World, grant};

fn change(world: &World, family: FamilyId, grant: Grant) -> Result<(), Error> {
    block_on(world.node.change_grant(family, |_| grant.clone()))
}

#[test]
fn the_current_token_stays_good_and_gets_the_new_grant() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    change(&world, root.family, grant().scope("read").attribute("acr", "2")).unwrap();
    let first = next(&world, &root);
    assert_eq!((first.how, first.scope.as_str()), (How::Rotated, "read"));
    assert_eq!(first.grant.attributes["acr"], "2");
}

#[test]
fn the_leeway_of_the_predecessor_is_closed_for_the_time_it_would_have_lasted() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    change(&world, root.family, grant().scope("read write admin")).unwrap();
    assert_eq!(refusal(&world, &root), Refusal::LeewayClosed);
    advance(&world, 9_999);
    assert_eq!(refusal(&world, &root), Refusal::LeewayClosed);
    let second = next(&world, &first);
    assert_eq!(second.scope.as_str(), "read write admin");
    // The next rotation has a leeway of its own again.
    assert_eq!(next(&world, &first).how, How::Replayed);
}

#[test]
fn a_closed_leeway_that_is_over_is_a_breach() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    next(&world, &root);
    change(&world, root.family, grant()).unwrap();
    advance(&world, 10_000);
    assert!(refusal(&world, &root).breach().is_some());
}

#[test]
fn what_indexes_and_bound_keys_go_by_may_not_change() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let before = stored(&world, root.family);
    for (field, changed) in [
        ("subject", Grant::new("bob", "web-app")),
        ("client", Grant::new("alice", "tv")),
        ("binding", grant().bound_to(Binding::Jkt([1; 32]))),
        ("not_after", grant().not_after(Timestamp::MAX)),
    ] {
        let error = change(&world, root.family, changed).unwrap_err();
        let fixed =
            matches!(&error, Error::Grant(GrantError::Fixed { field: was }) if *was == field);
        assert!(fixed, "{field}: {error:?}");
    }
    let too_long = change(&world, root.family, grant().scope(&"x".repeat(5_000)));
    assert!(matches!(too_long, Err(Error::Grant(GrantError::TooLong { field: "scope", .. }))));
    assert_eq!(stored(&world, root.family), before);
}

#[test]
fn the_grant_of_a_family_that_does_not_live_cannot_be_changed() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    block_on(world.node.revoke_family(root.family, Reason::Logout)).unwrap();
    for family in [root.family, FamilyId::from_bytes([9; 16])] {
        let error = change(&world, family, grant()).unwrap_err();
        assert!(matches!(error, Error::NotLive { family: was } if was == family));
        assert!(!error.is_retryable());
    }
}
