//! Token, revocation and introspection endpoint over one store, through nothing but these functions.

use heirloom::Grant;
use heirloom::endpoint::{MAX_BYTES, Response};
use heirloom::testing::Fault;

use super::json::{error, members};
use super::server::Server;

fn grant() -> Grant {
    Grant::new("alice", "web").scope("read write").resource("https://a.example")
}

/// A server, and the token that somebody has after a log-in.
fn logged_in() -> (Server, String) {
    let server = Server::new();
    let token = refresh_token(&server.log_in(grant()));
    (server, token)
}

fn refresh_token(response: &Response) -> String {
    assert_eq!(response.status, 200, "{}", response.body);
    members(response)["refresh_token"].as_str().unwrap().to_owned()
}

fn body(token: &str, rest: &str) -> String {
    format!("grant_type=refresh_token&refresh_token={token}{rest}")
}

fn is_active(server: &Server, token: &str) -> bool {
    members(&server.introspect(&format!("token={token}")))["active"].as_bool().unwrap()
}

fn told(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[test]
fn a_session_goes_from_log_in_to_log_out() {
    let (server, first) = logged_in();
    let second = refresh_token(&server.token("web", &body(&first, "")));
    // The answer was lost: the very same token again.
    server.wait(2);
    assert_eq!(refresh_token(&server.token("web", &body(&first, ""))), second);
    let narrowed =
        server.token("web", &body(&second, "&scope=read&resource=https%3A%2F%2Fa.example"));
    assert_eq!(members(&narrowed)["scope"], "read");
    let third = refresh_token(&narrowed);
    assert!(is_active(&server, &third));

    let revoked = server.revoke("web", &format!("token={third}&token_type_hint=access_token"));
    assert_eq!((revoked.status, revoked.body.as_str()), (200, "{}"));
    assert!(!is_active(&server, &third));
    assert_eq!(error(&server.token("web", &body(&third, ""))), told(400, "invalid_grant"));
    // Again, and a token that is nobody's: revoked as they are.
    for token in [&*third, "rt_nonsense", "%00", "a+b"] {
        assert_eq!(server.revoke("web", &format!("token={token}")).status, 200, "{token}");
    }
}

#[test]
fn a_thief_ends_the_session() {
    let (server, first) = logged_in();
    let second = refresh_token(&server.token("web", &body(&first, "")));
    server.wait(60);
    assert_eq!(error(&server.token("web", &body(&first, ""))), told(400, "invalid_grant"));
    assert_eq!(error(&server.token("web", &body(&second, ""))), told(400, "invalid_grant"));
    assert!(!is_active(&server, &second));
}

#[test]
fn another_client_neither_refreshes_nor_revokes() {
    let (server, token) = logged_in();
    assert_eq!(error(&server.token("app", &body(&token, ""))), told(400, "invalid_grant"));
    let named = body(&token, "&client_id=web");
    assert_eq!(error(&server.token("app", &named)), told(400, "invalid_request"));
    let revoke = format!("token={token}");
    assert_eq!(error(&server.revoke("app", &revoke)), told(400, "invalid_grant"));
    assert_eq!(server.token("web", &named).status, 200);
}

#[test]
fn a_request_beyond_the_grant_or_out_of_form_consumes_nothing() {
    let (server, token) = logged_in();
    for (rest, code) in [
        ("&scope=admin", "invalid_scope"),
        ("&scope=read%00", "invalid_scope"),
        ("&resource=https://c.example", "invalid_target"),
        ("&scope=read&scope=read", "invalid_request"),
        ("&refresh_token=", "invalid_request"),
        ("&x=%zz", "invalid_request"),
        ("&x=%FF", "invalid_request"),
        ("&grant_type=refresh_token", "invalid_request"),
        ("%00", "invalid_grant"),
        ("+", "invalid_grant"),
    ] {
        assert_eq!(error(&server.token("web", &body(&token, rest))), told(400, code), "{rest}");
    }
    let huge = body(&token, &format!("&x={}", "x".repeat(MAX_BYTES)));
    assert_eq!(error(&server.token("web", &huge)), told(400, "invalid_request"));
    let other = format!("grant_type=password&refresh_token={token}");
    assert_eq!(error(&server.token("web", &other)), told(400, "unsupported_grant_type"));
    assert_eq!(error(&server.token("web", "")), told(400, "invalid_request"));
    assert_eq!(error(&server.revoke("web", "token=")), told(400, "invalid_request"));
    assert_eq!(error(&server.introspect("")), told(400, "invalid_request"));
    // Still the first of its family.
    assert_eq!(server.token("web", &body(&token, "")).status, 200);
}

#[test]
fn while_the_store_fails_nobody_is_told_that_a_token_is_bad() {
    let (server, token) = logged_in();
    let unavailable = told(503, "temporarily_unavailable");
    let store = server.engine.store();
    let fail = |fault: Fault| store.fail(fault, 1, |_| true);
    fail(Fault::Before);
    assert_eq!(error(&server.token("web", &body(&token, ""))), unavailable);
    fail(Fault::Before);
    assert_eq!(error(&server.introspect(&format!("token={token}"))), unavailable);
    fail(Fault::Before);
    assert_eq!(error(&server.revoke("web", &format!("token={token}"))), unavailable);
    // The write happens, its answer is lost, and the retry gets what was written.
    store.fail(Fault::After, 1, |operation| operation.writes());
    assert_eq!(error(&server.token("web", &body(&token, ""))), unavailable);
    let next = refresh_token(&server.token("web", &body(&token, "")));
    assert_eq!(server.token("web", &body(&next, "")).status, 200);
}
