//! `change_grant`: P7, no token from before a change is answered with the grant from after it.

use heirloom::grant::{GrantError, GrantLimits};
use heirloom::{Binding, Error, FamilyId, Grant, How, Policy, Reason, Refusal, Timestamp};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal, stored};
use crate::support::{World, grant, node};

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

/// A user withdrew a scope after an operator had lowered a bound: the change was refused for what was left, and the scope stayed
/// granted. A bound is for what grows.
#[test]
fn a_withdrawal_is_never_refused_for_what_is_left() {
    let world = World::new(Policy::default());
    let rich = grant().resource("https://a.example").attribute("device", "phone");
    let issued = block_on(world.node.issue(rich.clone())).unwrap();
    let mut none = GrantLimits::default();
    (none.identifier_bytes, none.scope_bytes) = (0, 0);
    (none.resource_bytes, none.attribute_bytes) = (0, 0);
    let strict = node(&world.store, &world.clock, Policy::default(), 2).with_limits(none);
    let change = |grant: Grant| block_on(strict.change_grant(issued.family, |_| grant.clone()));

    for (field, grown) in [
        ("scope", rich.clone().scope("read write x")),
        ("resources", rich.clone().resource("b:c")),
        ("attributes", rich.clone().attribute("device", "phones")),
    ] {
        let Error::Grant(GrantError::TooLong { field: over, .. }) = change(grown).unwrap_err()
        else {
            panic!("{field}");
        };
        assert_eq!(over, field);
    }
    let mut less = rich.scope("read");
    change(less.clone()).unwrap();
    less.attributes.clear();
    change(less.clone()).unwrap();
    less.resources.clear();
    change(less.clone()).unwrap();
    assert_eq!(*stored(&world, issued.family).grant, less);
}
