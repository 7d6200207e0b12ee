//! RFC 7662 section 2.2, RFC 9449 section 6.2, RFC 8705 section 3.2.

use std::time::Duration;

use heirloom::oauth::{self, IntrospectionResponse};
use heirloom::{Binding, Grant, Leeway, Policy, Reason, Request};
use pollster::block_on;

use super::server::{START, Server};

const LEEWAY: u64 = 10_000;
const IDLE: Duration = Duration::from_secs(3_600);
const ABSOLUTE: Duration = Duration::from_secs(86_400);

fn server() -> Server {
    let leeway = Leeway::replay(Duration::from_millis(LEEWAY));
    Server::new(Policy::builder().leeway(leeway).idle(IDLE).absolute(ABSOLUTE).build().unwrap())
}

fn grant() -> Grant {
    let grant = Grant::new("alice", "web").scope("read write").attribute("acr", "2");
    grant.resource("https://a.example").resource("https://b.example")
}

fn introspect(server: &Server, token: &str) -> IntrospectionResponse {
    oauth::introspection(&block_on(server.engine.introspect(token)).unwrap())
}

/// "If the introspection call is properly authorized but the token is not active, ... SHOULD NOT include any
/// additional information about an inactive token, including why the token is inactive."
fn assert_inactive(server: &Server, token: &str) {
    let response = introspect(server, token);
    assert_eq!(response, IntrospectionResponse::default());
    let IntrospectionResponse { active, scope, client_id, sub, iat, exp, aud, cnf, .. } = response;
    assert!(!active && aud.is_empty() && cnf.is_none() && iat.is_none() && exp.is_none());
    assert!(scope.is_none() && client_id.is_none() && sub.is_none());
}

#[test]
fn an_active_token_is_described_by_its_grant_and_its_earlier_end() {
    let server = server();
    let response = introspect(&server, &server.issue(grant()));
    let IntrospectionResponse { active, scope, client_id, sub, iat, exp, aud, cnf, .. } = response;
    assert!(active);
    assert_eq!((scope.as_deref(), client_id.as_deref()), (Some("read write"), Some("web")));
    assert_eq!((sub.as_deref(), cnf), (Some("alice"), None));
    assert_eq!(aud, ["https://a.example", "https://b.example"]);
    // Instants are rounded down to the second: START is 0.9 s past one.
    assert_eq!(iat, Some(1_700_000_000));
    assert_eq!(exp, Some(1_700_000_000 + 3_600));
}

#[test]
fn near_the_absolute_end_that_is_the_expiry() {
    let server = server();
    let mut token = server.issue(grant());
    for _ in 0..24 {
        server.advance(3_599_000);
        token = server.rotate(&token);
    }
    let response = introspect(&server, &token);
    assert_eq!(response.exp, Some(1_700_000_000 + 86_400));
    assert_eq!(response.iat, Some(1_700_000_000 + 24 * 3_599));
}

#[test]
fn a_token_without_ends_has_no_expiry() {
    let server = Server::new(Policy::builder().idle(None).absolute(None).build().unwrap());
    let response = introspect(&server, &server.issue(grant()));
    assert_eq!((response.active, response.exp), (true, None));
}

#[test]
fn a_bound_token_says_to_which_key() {
    let server = server();
    let thumbprint = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
    for (binding, method) in [
        (Binding::jkt(thumbprint).unwrap(), "jkt"),
        (Binding::x5t_s256(thumbprint).unwrap(), "x5t#S256"),
    ] {
        let token = server.issue(grant().bound_to(binding));
        let response = introspect(&server, &token);
        assert!(response.active);
        assert_eq!(response.cnf, Some((method, thumbprint.to_owned())));
    }
}

#[test]
fn a_predecessor_is_active_for_as_long_as_it_would_be_replayed() {
    let server = server();
    let token = server.issue(grant());
    server.rotate(&token);
    for (at, active) in [(LEEWAY - 1, true), (LEEWAY, false), (LEEWAY + 1, false)] {
        server.clock.set(START.saturating_add(Duration::from_millis(at)));
        assert_eq!(introspect(&server, &token).active, active, "{at} ms");
    }
    assert_inactive(&server, &token);
}

#[test]
fn under_a_leeway_that_refuses_a_predecessor_is_inactive() {
    let server = Server::new(
        Policy::builder().leeway(Leeway::refuse(Duration::from_secs(10))).build().unwrap(),
    );
    let token = server.issue(grant());
    server.rotate(&token);
    assert_inactive(&server, &token);
}

#[test]
fn a_spent_token_is_inactive_and_looking_at_it_is_no_breach() {
    let server = server();
    let first = server.issue(grant());
    let second = server.rotate(&first);
    let third = server.rotate(&second);
    assert_inactive(&server, &first);
    server.advance(LEEWAY);
    assert_inactive(&server, &second);
    assert!(introspect(&server, &third).active);
    server.rotate(&third);
}

#[test]
fn an_ended_or_expired_token_is_inactive_and_says_nothing_else() {
    let server = server();
    let token = server.issue(grant());
    let family = block_on(server.engine.issue(grant())).unwrap();
    block_on(server.engine.revoke_family(family.family, Reason::Logout)).unwrap();
    assert_inactive(&server, family.token.unwrap().expose());
    let end = START.saturating_add(IDLE);
    server.clock.set(end.saturating_sub(Duration::from_millis(1)));
    assert!(introspect(&server, &token).active);
    for after in [0, 1] {
        server.clock.set(end.saturating_add(Duration::from_millis(after)));
        assert_inactive(&server, &token);
    }
}

#[test]
fn a_string_that_is_no_token_is_inactive_and_says_nothing_else() {
    let server = server();
    let foreign = Server::new(Policy::default());
    let foreign_token = foreign.issue(grant());
    for text in ["", "x", "rt_", &foreign_token] {
        assert_inactive(&server, text);
    }
}

/// The resource server cannot know which client holds the token, so its own client and key are supposed.
#[test]
fn another_clients_use_of_the_token_is_no_matter_of_introspection() {
    let server = server();
    let token = server.issue(grant());
    assert!(introspect(&server, &token).active);
    let refused = block_on(server.engine.refresh(&token, Request::new("app"))).unwrap();
    assert!(matches!(refused, heirloom::Outcome::Refused(_)));
    assert!(introspect(&server, &token).active);
}
