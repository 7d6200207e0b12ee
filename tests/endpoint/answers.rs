//! RFC 6749 section 5.1, RFC 7662 section 2.2: the shape of what is granted and of what is told about it.

use std::time::Duration;

use heirloom::endpoint::{AccessToken, introspection_response, token_response};
use heirloom::{Binding, Grant, Introspection, Policy, Rotation};
use pollster::block_on;
use serde_json::{Value, json};

use super::json::{assert_not_kept, members};
use super::server::Server;

const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

fn grant() -> Grant {
    Grant::new("alice", "web").scope("read write")
}

#[test]
fn a_token_response_has_the_access_token_and_what_the_engine_says() {
    let day = Duration::from_secs(86_400);
    let policy = Policy::builder().idle(30 * day).absolute(365 * day).build().unwrap();
    let response = Server::with(policy).log_in(grant());
    assert_not_kept(&response);
    assert_eq!(response.status, 200);
    let mut members = members(&response);
    let token = members.remove("refresh_token").unwrap();
    assert!(token.as_str().unwrap().starts_with("rt_"));
    assert_eq!(
        Value::Object(members),
        json!({
            "access_token": "at",
            "token_type": "Bearer",
            "expires_in": 299,
            "scope": "read write",
            "refresh_token_timeout": 30 * 86_400,
            "authorization_expires_in": 365 * 86_400,
        })
    );
}

#[test]
fn what_there_is_not_is_left_out() {
    let policy = Policy::builder().rotation(Rotation::Never).idle(None).absolute(None);
    let server = Server::with(policy.build().unwrap());
    let issued = block_on(server.engine.issue(Grant::new("alice", "web"))).unwrap();
    let token = issued.token.unwrap().into_exposed();
    let body = format!("grant_type=refresh_token&refresh_token={token}");
    let members = members(&server.token("web", &body));
    assert_eq!(
        Value::Object(members),
        json!({ "access_token": "at", "token_type": "Bearer", "expires_in": 299 })
    );
    let granted = block_on(server.engine.issue(Grant::new("alice", "web"))).unwrap();
    let response = token_response(AccessToken::dpop("at"), granted);
    let members = self::members(&response);
    assert_eq!((members["token_type"].as_str(), members.get("expires_in")), (Some("DPoP"), None));
}

#[test]
fn a_host_adds_members_and_replaces_none() {
    let server = Server::new();
    let granted = block_on(server.engine.issue(grant())).unwrap();
    let access = AccessToken::new("at", "Bearer")
        .member("id_token", "a.b.c")
        .member("id_token", "second")
        .member("refresh_token", "rt_mine")
        .member("scope", "admin");
    let members = members(&token_response(access, granted));
    assert_eq!(members["id_token"], "a.b.c");
    assert_eq!(members["scope"], "read write");
    assert_ne!(members["refresh_token"], "rt_mine");
}

#[test]
fn no_text_of_a_host_breaks_out_of_its_member() {
    let hostile = "\",\"active\":true,\"x\":\"\\\u{0}\n\u{2028}é";
    let server = Server::new();
    let granted = block_on(server.engine.issue(grant())).unwrap();
    let access = AccessToken::bearer(hostile).member("id_token", hostile);
    let members = members(&token_response(access, granted));
    assert_eq!(
        (&members["access_token"], &members["id_token"]),
        (&json!(hostile), &json!(hostile))
    );
    assert!(!members.contains_key("active"));
}

#[test]
fn an_active_token_is_described_with_its_key_as_an_object() {
    let server = Server::new();
    let grant = grant().resource("https://a.example").resource("https://b.example");
    for (binding, method) in [
        (Binding::jkt(THUMBPRINT).unwrap(), "jkt"),
        (Binding::x5t_s256(THUMBPRINT).unwrap(), "x5t#S256"),
    ] {
        let response = server.log_in(grant.clone().bound_to(binding));
        let token = members(&response)["refresh_token"].as_str().unwrap().to_owned();
        let response = server.introspect(&format!("token={token}"));
        assert_not_kept(&response);
        assert_eq!(
            Value::Object(members(&response)),
            json!({
                "active": true,
                "scope": "read write",
                "client_id": "web",
                "sub": "alice",
                "iat": 1_700_000_000,
                "exp": 1_700_000_000 + 30 * 86_400,
                "aud": ["https://a.example", "https://b.example"],
                "cnf": { method: THUMBPRINT },
                "iss": "https://as.example",
            })
        );
    }
}

#[test]
fn a_grant_of_little_is_described_with_little() {
    let server = Server::with(Policy::builder().idle(None).absolute(None).build().unwrap());
    let response = server.log_in(Grant::new("alice", "web"));
    let token = members(&response)["refresh_token"].as_str().unwrap().to_owned();
    let found = block_on(server.engine.introspect(&token)).unwrap();
    let own = [("sub", "mallory"), ("active", "no"), ("username", "Al\"ice")];
    assert_eq!(
        Value::Object(members(&introspection_response(&found, &own))),
        json!({
            "active": true,
            "client_id": "web",
            "sub": "alice",
            "iat": 1_700_000_000,
            "username": "Al\"ice",
        })
    );
}

/// "If the token is not active ... the authorization server MUST return an introspection response with the "active" field
/// in this response set to "false". Note that to avoid disclosing too much ... SHOULD NOT include any additional
/// information".
#[test]
fn an_inactive_token_is_described_by_one_member_whatever_the_host_adds() {
    let response = introspection_response(&Introspection::Inactive, &[("iss", "https://as")]);
    assert_eq!((response.status, response.body.as_str()), (200, "{\"active\":false}"));
    assert_not_kept(&response);
}

#[test]
fn no_log_line_of_an_answer_shows_a_token() {
    let server = Server::new();
    let access = AccessToken::bearer("at_secret").expires_in(Duration::from_secs(300));
    let access = access.member("id_token", "at_secret");
    assert!(!format!("{access:?}").contains("secret"));
    let response = token_response(access, block_on(server.engine.issue(grant())).unwrap());
    let response = response.header("dpop-nonce", "at_secret");
    let shown = format!("{response:?}");
    assert!(shown.contains("200") && shown.contains("cache-control"));
    assert!(!shown.contains("secret") && !shown.contains("rt_"), "{shown}");
}
