//! A response as a client reads it.

use heirloom::endpoint::Response;
use serde_json::{Map, Value};

/// The members of a JSON answer, each there once.
pub fn members(response: &Response) -> Map<String, Value> {
    assert_eq!(headers(response, "content-type"), ["application/json"]);
    let Value::Object(members) = serde_json::from_str(&response.body).unwrap() else {
        panic!("no object: {}", response.body);
    };
    for name in members.keys() {
        assert_eq!(response.body.matches(&format!("\"{name}\":")).count(), 1, "{name}");
    }
    members
}

pub fn headers<'a>(response: &'a Response, name: &str) -> Vec<&'a str> {
    let named = response.headers.iter().filter(|(found, _)| *found == name);
    named.map(|(_, value)| &**value).collect()
}

/// Status and `error` of an answer that is one.
pub fn error(response: &Response) -> (u16, String) {
    assert_not_kept(response);
    (response.status, members(response)["error"].as_str().unwrap().to_owned())
}

/// "The authorization server MUST include the HTTP "Cache-Control" response header field with a value of "no-store" ... as
/// well as the "Pragma" response header field with a value of "no-cache"."
pub fn assert_not_kept(response: &Response) {
    assert_eq!(headers(response, "cache-control"), ["no-store"]);
    assert_eq!(headers(response, "pragma"), ["no-cache"]);
}
