//! `introspect` and `explain`: what they say, and that they change nothing.

use std::time::Duration;

use heirloom::engine::Introspection;
use heirloom::{Binding, Leeway, Policy, Reason, Rotation, Selector, oauth};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, stored};
use crate::support::{START, World, grant, request, text};

fn is_active(world: &World, token: &heirloom::Granted) -> bool {
    match block_on(world.node.introspect(text(token))).unwrap() {
        Introspection::Active(_) => true,
        Introspection::Inactive => false,
    }
}

/// RFC 7662 section 2.2.
#[test]
fn an_active_token_is_told_of_with_its_grant_and_its_earlier_end() {
    let world = World::new(Policy::default());
    let rich = grant().resource("https://api.example").bound_to(Binding::Jkt([1; 32]));
    let root = block_on(world.node.issue(rich)).unwrap();
    let response = oauth::introspection(&block_on(world.node.introspect(text(&root))).unwrap());
    assert!(response.active);
    assert_eq!(response.scope.as_deref(), Some("read write"));
    assert_eq!(response.client_id.as_deref(), Some("web-app"));
    assert_eq!(response.sub.as_deref(), Some("alice"));
    assert_eq!(response.iat, Some(START.as_secs()));
    assert_eq!(response.exp, Some(START.as_secs() + 30 * 86_400));
    assert_eq!(response.aud, ["https://api.example"]);
    assert_eq!(response.cnf.map(|(method, _)| method), Some("jkt"));
}

#[test]
fn a_predecessor_is_active_exactly_inside_a_leeway_that_replays() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    for (millis, active) in [(9_999, true), (1, false), (1, false)] {
        advance(&world, millis);
        assert_eq!(is_active(&world, &root), active);
        assert!(is_active(&world, &first));
    }
    let refusing =
        Policy::builder().leeway(Leeway::refuse(Duration::from_secs(60))).build().unwrap();
    let under = block_on(world.node.introspect_by(text(&root), |_| &refusing)).unwrap();
    assert_eq!(under, Introspection::Inactive);
}

#[test]
fn what_has_ended_or_is_not_ours_is_inactive_and_no_more_is_said() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    block_on(world.node.revoke_all(&Selector::client("web-app"), Reason::Logout)).unwrap();
    for token in [text(&root), "", "rt_", "nonsense"] {
        let answer = block_on(world.node.introspect(token)).unwrap();
        assert_eq!(answer, Introspection::Inactive);
        assert_eq!(oauth::introspection(&answer), oauth::IntrospectionResponse::default());
    }
}

/// A breach that somebody merely looks at is none: support staff must be able to look.
#[test]
fn looking_at_a_spent_token_ends_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    advance(&world, 10_000);
    let before = stored(&world, root.family);
    assert!(!is_active(&world, &root));
    let explanation = block_on(world.node.explain(text(&root), request())).unwrap().to_string();
    assert_eq!(stored(&world, root.family), before);
    assert_eq!(next(&world, &first).generation, 2);
    for part in [
        &format!("token: generation 0 of family {}", root.family),
        "family: alice at web-app",
        "current: generation 1, for 10s",
        "idle end: in ",
        "absolute end: in ",
        "a refresh now: end the family: reuse of a spent token: 1 behind",
    ] {
        assert!(explanation.contains(part), "{part} is missing in\n{explanation}");
    }
}

#[test]
fn each_decision_is_explained_in_words() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let never = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let explain =
        |token: &str, request| block_on(world.node.explain(token, request)).unwrap().to_string();
    let root = text(&root);
    assert!(explain(root, request()).contains("a refresh now: rotate"));
    assert!(explain(root, request().policy(&never)).contains("a refresh now: keep, for scope"));
    assert!(explain(root, request().scope("admin")).contains("refuse: scope beyond the grant"));
    assert!(explain("nonsense", request()).contains("token: not tagged by a key of this ring"));
    advance(&world, 2 * 86_400_000);
    assert!(explain(root, request().policy(&never)).contains("keep and move the idle end"));
    block_on(world.node.revoke(root, request())).unwrap();
    advance(&world, 1_000);
    assert!(explain(root, request()).contains("ended: 1s ago, revoked by its client"));
    advance(&world, 30 * 86_400_000);
    assert!(
        explain(root, request()).contains("idle end: 172801s ago"),
        "{}",
        explain(root, request())
    );
    world.store.inner().restore(Vec::new());
    assert!(explain(root, request()).contains("refuse: no such family"));
}
