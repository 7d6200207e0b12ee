//! Grants, requests and policies at their bounds and over them.

use std::time::Duration;

use heirloom::grant::{GrantError, GrantLimits};
use heirloom::policy::PolicyError;
use heirloom::testing::{FaultStore, Operations};
use heirloom::{Ends, Error, Grant, Leeway, Policy, Refusal, Request};
use pollster::block_on;

use super::world::{CLIENT, World, grant, granted, refused};

const TEN_MEGABYTES: usize = 10_000_000;

/// Grants of the honest client, each over one bound or not of its form, with what is wrong.
fn unacceptable() -> Vec<(Grant, GrantError)> {
    let over = |field, bytes, limit| GrantError::TooLong { field, bytes, limit };
    let form = |field| GrantError::Form { field };
    let plain = || Grant::new("alice", CLIENT);
    let long = |length: usize| "x".repeat(length);
    let resource = |length: usize| format!("a:{}", long(length - 2));
    vec![
        (Grant::new(&long(513), CLIENT), over("subject", 513, 512)),
        (Grant::new("", CLIENT), form("subject")),
        (Grant::new("al\u{7}ice", CLIENT), form("subject")),
        (Grant::new("alice", &long(513)), over("client", 513, 512)),
        (Grant::new("alice", ""), form("client")),
        (plain().scope(&long(4097)), over("scope", 4097, 4096)),
        (plain().scope(&long(TEN_MEGABYTES)), over("scope", TEN_MEGABYTES, 4096)),
        (plain().scope("caf\u{e9}"), form("scope")),
        (plain().scope("a\tb"), form("scope")),
        (plain().scope("a\\b"), form("scope")),
        (plain().resource(&resource(4097)), over("resources", 4097, 4096)),
        (
            plain().resource(&resource(2049)).resource(&resource(2048)),
            over("resources", 4097, 4096),
        ),
        (plain().resource(""), form("resources")),
        (plain().resource("api.example/a"), form("resources")),
        (plain().resource("https://a/#b"), form("resources")),
        (plain().resource("https://\u{e9}/"), form("resources")),
        (plain().attribute("acr", &long(4094)), over("attributes", 4097, 4096)),
        (plain().attribute(&long(4097), ""), over("attributes", 4097, 4096)),
    ]
}

#[test]
fn a_grant_over_its_bounds_is_not_issued() {
    let world = World::over(FaultStore::new);
    world.engine.store().take_operations();
    for (grant, expected) in unacceptable() {
        match block_on(world.engine.issue(grant)) {
            Err(Error::Grant(error)) => assert_eq!(error, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert_eq!(world.engine.store().take_operations(), Operations::default());
    world.assert_nothing_lost();
}

#[test]
fn a_grant_over_its_bounds_is_not_changed_to() {
    let world = World::new();
    for (grant, expected) in unacceptable() {
        match block_on(world.engine.change_grant(world.family, |_| grant.clone())) {
            Err(Error::Grant(error)) => assert_eq!(error, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
    assert_eq!(*world.stored().grant, grant());
    world.assert_nothing_lost();
}

#[test]
fn a_grant_at_its_bounds_is_issued_refreshed_and_narrowed() {
    let world = World::new();
    let client = "c".repeat(512);
    let scope = format!("{} t", "s".repeat(4094));
    let uri = format!("a:{}", "r".repeat(4094));
    let grant = Grant::new(&"\u{20ac}".repeat(170), &client).scope(&scope).resource(&uri);
    let issued = block_on(world.engine.issue(grant.attribute("a", &"x".repeat(4095)))).unwrap();
    let token = issued.token.unwrap();
    let request = Request::new(&client).resources(&[]).scope("t");
    let narrowed = granted(block_on(world.engine.refresh(token.expose(), request)));
    assert_eq!(narrowed.scope.as_str(), "t");
    let token = narrowed.token.unwrap();
    let uris = [&*uri];
    let request = Request::new(&client).resources(&uris);
    let whole = granted(block_on(world.engine.refresh(token.expose(), request)));
    assert_eq!(whole.scope.as_str(), scope);
}

#[test]
fn wider_bounds_are_the_hosts_choice() {
    let mut limits = GrantLimits::default();
    limits.attribute_bytes = 5_000;
    let World { engine, .. } = World::new();
    let engine = engine.with_limits(limits);
    let attribute = |length: usize| grant().attribute("a", &"x".repeat(length));
    assert!(block_on(engine.issue(attribute(4_999))).is_ok());
    assert!(matches!(
        block_on(engine.issue(attribute(5_000))),
        Err(Error::Grant(GrantError::TooLong { field: "attributes", bytes: 5_001, limit: 5_000 }))
    ));
}

#[test]
fn a_request_beyond_the_grant_is_refused_whatever_its_size_and_consumes_nothing() {
    let world = World::new();
    let before = world.stored();
    let huge = "x".repeat(TEN_MEGABYTES);
    let words = "read ".repeat(TEN_MEGABYTES / 5);
    let distinct: String = (0..500_000).map(|word| format!("w{word} ")).collect();
    let emoji = "\u{1f511} ".repeat(TEN_MEGABYTES / 5);
    for scope in [&*huge, &words, &distinct, &emoji, "admin", "READ", "read\u{a0}write", "\0"] {
        let outcome =
            block_on(world.engine.refresh(&world.token, Request::new(CLIENT).scope(scope)));
        assert_eq!(refused(outcome), Refusal::Scope);
    }
    let many = vec!["https://b.example"; 100_000];
    for resources in [&[&*huge][..], &many, &[""], &["https://api.example/"]] {
        let request = Request::new(CLIENT).resources(resources);
        let outcome = block_on(world.engine.refresh(&world.token, request));
        assert_eq!(refused(outcome), Refusal::Resource);
    }
    assert_eq!(world.stored(), before);
    world.assert_nothing_lost();
}

#[test]
fn a_client_name_of_any_size_is_another_client() {
    let world = World::new();
    let before = world.stored();
    for client in ["", "WEB", "web\0", "web ", &"w".repeat(TEN_MEGABYTES)] {
        let outcome = block_on(world.engine.refresh(&world.token, Request::new(client)));
        assert_eq!(refused(outcome), Refusal::ClientMismatch { ended: false });
    }
    assert_eq!(world.stored(), before);
    world.assert_nothing_lost();
}

#[test]
fn a_policy_that_contradicts_itself_is_not_built() {
    let (idle, absolute, leeway) = ("idle lifetime", "absolute lifetime", "leeway");
    let over = Policy::MAX_LENGTH + Duration::from_millis(1);
    let fine = Duration::from_micros(1_500);
    let none = || Policy::builder().idle(None).absolute(None);
    for (policy, expected) in [
        (Policy::builder().idle(Duration::ZERO), PolicyError::Zero { field: idle }),
        (Policy::builder().idle(over), PolicyError::TooLong { field: idle }),
        (Policy::builder().idle(fine), PolicyError::Finer { field: idle }),
        (Policy::builder().absolute(Duration::ZERO), PolicyError::Zero { field: absolute }),
        (Policy::builder().absolute(Duration::MAX), PolicyError::TooLong { field: absolute }),
        (Policy::builder().absolute(fine), PolicyError::Finer { field: absolute }),
        (
            Policy::builder().leeway(Leeway::replay(Duration::ZERO)),
            PolicyError::Zero { field: leeway },
        ),
        (Policy::builder().leeway(Leeway::refuse(over)), PolicyError::TooLong { field: leeway }),
        (Policy::builder().leeway(Leeway::refuse(fine)), PolicyError::Finer { field: leeway }),
        (none().ends(Ends::Live), PolicyError::LiveWithoutEnds),
    ] {
        assert_eq!(policy.build().map(|_| ()), Err(expected));
    }
    assert!(none().build().is_ok());
}

#[test]
fn the_longest_lifetimes_work() {
    let policy = Policy::builder().idle(Policy::MAX_LENGTH).absolute(Policy::MAX_LENGTH);
    let leeway = Leeway::replay(Policy::MAX_LENGTH);
    let mut world = World::under(policy.leeway(leeway).build().unwrap(), |memory| memory);
    let successor = world.rotate(&world.token);
    world.advance(1_000_000);
    assert_eq!(world.granted(&world.token).token.unwrap().expose(), successor);
    world.token = successor;
    world.assert_nothing_lost();
}
