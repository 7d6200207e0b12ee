//! RFC 6749 sections 5.1 and 6, draft-ietf-oauth-refresh-token-expiration-03.

use std::time::Duration;

use heirloom::oauth::{self, TokenResponse};
use heirloom::{Grant, Policy, Request, Rotation};
use pollster::block_on;

use super::server::Server;

fn server(idle: Option<u64>, absolute: Option<u64>) -> Server {
    let policy = Policy::builder().idle(idle.map(Duration::from_millis));
    Server::new(policy.absolute(absolute.map(Duration::from_millis)).build().unwrap())
}

fn grant() -> Grant {
    Grant::new("alice", "web").scope("read write")
}

/// `refresh_token_timeout` and `authorization_expires_in` of the first answer, so many milliseconds after the issue.
fn expiry(server: &Server, millis: u64) -> (Option<u64>, Option<u64>) {
    let token = server.issue(grant());
    server.rotate(&token);
    server.advance(millis);
    // A replay: the token's lifetimes began before.
    let response = oauth::token_response(server.granted(&token, Request::new("web")));
    (response.refresh_token_timeout, response.authorization_expires_in)
}

#[test]
fn both_lifetimes_are_what_is_left_rounded_down() {
    for (after, idle, absolute) in [
        (0, 3_600, 7_200),
        (1, 3_599, 7_199),
        (999, 3_599, 7_199),
        (1_000, 3_599, 7_199),
        (1_001, 3_598, 7_198),
    ] {
        let server = server(Some(3_600_000), Some(7_200_000));
        assert_eq!(expiry(&server, after), (Some(idle), Some(absolute)), "{after} ms");
    }
}

#[test]
fn a_lifetime_below_a_second_is_told_as_zero() {
    assert_eq!(expiry(&server(Some(1_000), Some(1_500)), 1), (Some(0), Some(1)));
    assert_eq!(expiry(&server(Some(1_000), Some(1_000)), 999), (Some(0), Some(0)));
}

#[test]
fn a_token_cannot_be_held_longer_than_the_authorization_lasts() {
    assert_eq!(expiry(&server(Some(7_200_000), Some(3_600_000)), 0), (Some(3_600), Some(3_600)));
}

/// "Omitted": no bound.
#[test]
fn an_end_that_does_not_exist_is_left_out() {
    assert_eq!(expiry(&server(None, Some(3_600_000)), 0), (None, Some(3_600)));
    assert_eq!(expiry(&server(Some(3_600_000), None), 0), (Some(3_600), None));
    assert_eq!(expiry(&server(None, None), 0), (None, None));
}

#[test]
fn the_idle_lifetime_begins_anew_with_each_rotation_and_the_authorization_does_not() {
    let server = server(Some(3_600_000), Some(7_200_000));
    let mut token = server.issue(grant());
    for left in [5_400, 3_600, 1_800] {
        server.advance(1_800_000);
        let response = oauth::token_response(server.granted(&token, Request::new("web")));
        assert_eq!(response.authorization_expires_in, Some(left));
        assert_eq!(response.refresh_token_timeout, Some(left.min(3_600)));
        token = response.refresh_token.unwrap();
    }
}

#[test]
fn the_first_answer_holds_the_token_and_the_whole_scope() {
    let server = server(Some(1_000), None);
    let issued = block_on(server.engine.issue(grant())).unwrap();
    let response = oauth::token_response(issued);
    assert_eq!(
        (response.scope.as_deref(), response.refresh_token_timeout),
        (Some("read write"), Some(1))
    );
    server.rotate(&response.refresh_token.unwrap());
}

#[test]
fn a_narrowed_answer_says_its_scope_and_the_next_one_has_all_again() {
    let server = server(None, None);
    let token = server.issue(grant());
    let narrowed = server.granted(&token, Request::new("web").scope("read"));
    let response = oauth::token_response(narrowed);
    assert_eq!(response.scope.as_deref(), Some("read"));
    let next = server.granted(&response.refresh_token.unwrap(), Request::new("web"));
    assert_eq!(oauth::token_response(next).scope.as_deref(), Some("read write"));
}

#[test]
fn a_token_that_stays_good_is_left_out() {
    let policy = Policy::builder().rotation(Rotation::Never).build().unwrap();
    let server = Server::new(policy);
    let token = server.issue(grant());
    let response = oauth::token_response(server.granted(&token, Request::new("web")));
    assert_eq!(response.refresh_token, None);
    assert_eq!(response.refresh_token_timeout, Some(30 * 86_400));
}

#[test]
fn no_log_line_of_an_answer_shows_the_token() {
    let server = server(None, None);
    let token = server.issue(grant());
    let response: TokenResponse =
        oauth::token_response(server.granted(&token, Request::new("web")));
    let token = response.refresh_token.clone().unwrap();
    assert!(!format!("{response:?}").contains(&token[3..20]));
}
