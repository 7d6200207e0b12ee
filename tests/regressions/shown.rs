//! What is granted and what is shown: to clients, to resource servers, to support staff, and in logs.

use heirloom::engine::Introspection;
use heirloom::{Begun, Error, Grant, How, KeyRing, Outcome, Policy, Refusal, Rotation, oauth};
use pollster::block_on;

use crate::support::{World, grant, granted, key, node, request, text};

/// A host kept the refresh token of an upstream provider in an attribute, and found it in its own debug log.
#[test]
fn no_debug_shows_the_value_of_an_attribute() {
    const VALUE: &str = "1//upstream";
    let world = World::new(Policy::default());
    let rich = grant().attribute("upstream", VALUE);
    let mut shown = vec![format!("{rich:?}")];
    let issued = block_on(world.node.issue(rich)).unwrap();
    shown.push(format!("{issued:?}"));
    shown.push(format!("{:?}", block_on(world.node.introspect(text(&issued))).unwrap()));
    shown.push(format!("{:?}", block_on(world.node.explain(text(&issued), request())).unwrap()));
    let begun = block_on(world.node.begin(text(&issued), request())).unwrap();
    shown.push(format!("{begun:?}"));
    let Begun::Ready(redemption) = begun else { panic!("{begun:?}") };
    shown.push(format!("{redemption:?} {:?}", redemption.family()));
    shown.push(format!("{:?}", block_on(redemption.commit()).unwrap()));
    for text in shown {
        assert!(text.contains("alice"), "{text}");
        assert!(!text.contains(VALUE), "{text}");
    }
}

/// A grant without scope was answered with `"scope": ""`, which RFC 6749 section 3.3 has no form for: clients refused
/// the whole response, and resource servers read it as they liked.
#[test]
fn a_grant_without_scope_has_no_scope_member_in_any_response() {
    let world = World::new(Policy::default());
    for (scope, member) in [("", None), ("read", Some("read"))] {
        let grant = Grant::new("alice", "web-app").scope(scope);
        let issued = block_on(world.node.issue(grant)).unwrap();
        let looked = block_on(world.node.introspect(text(&issued))).unwrap();
        assert_eq!(oauth::introspection(&looked).scope.as_deref(), member);
        let next = granted(block_on(world.node.refresh(text(&issued), request())).unwrap());
        assert_eq!(oauth::token_response(next).scope.as_deref(), member);
        assert_eq!(oauth::token_response(issued).scope.as_deref(), member);
    }
}

/// A client sent one resource two hundred thousand times. Each was compared with each of the grant, for a second of CPU,
/// and as nothing was consumed it could do so again at once.
#[test]
fn more_resources_than_are_granted_are_refused_whatever_they_are_and_consume_nothing() {
    let world = World::new(Policy::default());
    let rich = grant().resource("https://a.example").resource("https://b.example");
    let issued = block_on(world.node.issue(rich)).unwrap();
    let before = world.store.inner().snapshot();
    for count in [3, 4, 200_000] {
        let many = vec!["https://b.example"; count];
        let outcome = block_on(world.node.refresh(text(&issued), request().resources(&many)));
        match outcome.unwrap() {
            Outcome::Refused(why) => assert_eq!(why, Refusal::Resource),
            Outcome::Granted(next) => panic!("{count}: {next:?}"),
        }
    }
    assert_eq!(world.store.inner().snapshot(), before);
    let both = ["https://b.example"; 2];
    granted(block_on(world.node.refresh(text(&issued), request().resources(&both))).unwrap());
}

/// A host narrowed an access token to one resource, and took the audience from the grant: the token was good for all.
#[test]
fn what_is_granted_names_the_resources_that_were_requested_or_else_the_grants() {
    let (a, b) = ("https://a.example", "https://b.example");
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let world = World::new(Policy::default());
    let issued = block_on(world.node.issue(grant().resource(a).resource(b))).unwrap();
    assert_eq!(issued.resources, [a, b]);
    let expect = |policy, how, requested: &[&str], resources: &[&str]| {
        let request = request().resources(requested).policy(policy);
        let granted = granted(block_on(world.node.refresh(text(&issued), request)).unwrap());
        assert_eq!(granted.how, how);
        assert_eq!(granted.resources, resources, "{how:?}");
        assert_eq!(granted.grant.resources, [a, b], "{how:?}");
    };
    expect(Some(&never), How::Kept, &[b], &[b]);
    expect(Some(&never), How::Kept, &[], &[a, b]);
    expect(None, How::Rotated, &[b], &[b]);
    expect(None, How::Replayed, &[a], &[a]);
    expect(None, How::Replayed, &[], &[a, b]);
}

/// A host had a policy per client. Its introspection endpoint knew whose token it was only from the answer, asked under
/// the engine's policy, and called a token active that its client could no longer refresh.
#[test]
fn introspection_goes_by_the_policy_that_the_host_chooses_for_the_grant() {
    let world = World::new(Policy::default());
    let strict = Policy::builder().leeway(None).build().unwrap();
    let default = world.node.policy();
    let of = |grant: &Grant| match &*grant.client {
        "strict-app" => &strict,
        _ => &default,
    };
    for (client, active) in [("strict-app", false), ("web-app", true)] {
        let root = block_on(world.node.issue(Grant::new("alice", client))).unwrap();
        let own = heirloom::Request::new(client);
        granted(block_on(world.node.refresh(text(&root), own)).unwrap());
        let looked = block_on(world.node.introspect_by(text(&root), of)).unwrap();
        assert_eq!(matches!(looked, Introspection::Active(_)), active, "{client}");
    }
}

/// One node minted with a key that another did not have yet. Support staff on the other one were told that a replay would
/// be granted, and resource servers that the token was active, while every refresh there failed.
#[test]
fn a_look_at_a_token_fails_for_a_missing_key_where_its_refresh_would() {
    let world = World::new(Policy::default());
    let late = node(&world.store, &world.clock, Policy::default(), 2);
    let root = block_on(world.node.issue(grant())).unwrap();
    let ring = KeyRing::new(key(1)).accept(key(2)).unwrap();
    world.node.set_keys(ring.clone().activate(2).unwrap());
    granted(block_on(world.node.refresh(text(&root), request())).unwrap());
    let missing = |error: Error| match error {
        Error::KeyMissing { family, key } => assert_eq!((family, key.as_u8()), (root.family, 2)),
        other => panic!("{other:?}"),
    };
    missing(block_on(late.refresh(text(&root), request())).unwrap_err());
    missing(block_on(late.explain(text(&root), request())).unwrap_err());
    missing(block_on(late.introspect(text(&root))).unwrap_err());
    late.set_keys(ring);
    assert!(matches!(block_on(late.introspect(text(&root))).unwrap(), Introspection::Active(_)));
    let replayed = granted(block_on(late.refresh(text(&root), request())).unwrap());
    assert_eq!(replayed.how, How::Replayed);
}
