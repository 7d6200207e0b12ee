//! `issue` and `issue_under`.

use std::time::Duration;

use heirloom::decide::ClockFault;
use heirloom::grant::{GrantError, GrantLimits};
use heirloom::{Error, Grant, How, Policy, Timestamp};
use pollster::block_on;

use crate::engine::step::stored;
use crate::support::{START, World, grant, node, text};

#[test]
fn an_issued_token_is_the_root_of_a_live_family_with_both_ends() {
    let world = World::new(Policy::default());
    let issued = block_on(world.node.issue(grant())).unwrap();
    assert_eq!((issued.how, issued.generation), (How::Issued, 0));
    assert!(text(&issued).starts_with("rt_") && text(&issued).len() == 99);
    assert_eq!((&*issued.grant, issued.scope.as_str()), (&grant(), "read write"));
    let day = Duration::from_secs(86_400);
    assert_eq!(issued.idle_expires_in, Some(30 * day));
    assert_eq!(issued.absolute_expires_in, Some(365 * day));
    assert_eq!(issued.expires_in(), Some(30 * day));
    let family = stored(&world, issued.family);
    assert_eq!((family.version, family.created_at), (1, START));
    assert_eq!(family.head.predecessor, None);
}

#[test]
fn a_grant_may_end_before_the_policy_says_and_never_after() {
    let world = World::new(Policy::default());
    let minute = Duration::from_secs(60);
    let early = grant().not_after(START.saturating_add(minute));
    let issued = block_on(world.node.issue(early)).unwrap();
    assert_eq!(issued.absolute_expires_in, Some(minute));
    assert_eq!(issued.expires_in(), Some(minute));
    let late = grant().not_after(Timestamp::MAX);
    let issued = block_on(world.node.issue(late)).unwrap();
    assert_eq!(issued.absolute_expires_in, world.node.policy().absolute());
}

#[test]
fn a_grant_that_has_ended_already_is_not_issued() {
    let world = World::new(Policy::default());
    let issue = |millis| {
        let end = Timestamp::from_millis(START.as_millis() + millis - 1);
        block_on(world.node.issue(grant().not_after(end)))
    };
    for millis in [0, 1] {
        let error = issue(millis).unwrap_err();
        assert!(
            matches!(error, Error::Grant(GrantError::Form { field: "not_after" })),
            "{error:?}"
        );
    }
    assert!(issue(2).is_ok());
}

#[test]
fn a_policy_of_the_call_takes_the_place_of_the_engines() {
    let world = World::new(Policy::default());
    let endless = Policy::builder().idle(None).absolute(None).build().unwrap();
    let issued = block_on(world.node.issue_under(&endless, grant())).unwrap();
    assert_eq!(issued.expires_in(), None);
}

#[test]
fn a_grant_over_its_bounds_is_the_hosts_fault_and_stores_nothing() {
    let mut limits = GrantLimits::default();
    limits.attribute_bytes = 4;
    let world = World::new(Policy::default());
    let node = node(&world.store, &world.clock, Policy::default(), 2).with_limits(limits);
    let issue = |value| block_on(node.issue(grant().attribute("a", value)));
    assert!(issue("123").is_ok());
    let error = issue("1234").unwrap_err();
    assert!(matches!(error, Error::Grant(GrantError::TooLong { field: "attributes", .. })));
    assert!(!error.is_retryable());
    assert!(block_on(node.issue(Grant::new("", "web-app"))).is_err());
    assert_eq!(world.store.inner().len(), 1);
}

#[test]
fn a_clock_too_late_to_count_an_end_from_is_an_error_and_stores_nothing() {
    let world = World::new(Policy::default());
    let longest = Duration::from_secs(365 * 86_400);
    world.clock.set(Timestamp::MAX.saturating_sub(longest));
    assert!(block_on(world.node.issue(grant())).is_ok());
    world.clock.advance(Duration::from_millis(1));
    let error = block_on(world.node.issue(grant())).unwrap_err();
    assert!(matches!(error, Error::Clock(ClockFault::OutOfRange)));
    assert_eq!(world.store.inner().len(), 1);
}
