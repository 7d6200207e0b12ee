//! RFC 6749 section 6, RFC 7009 section 2.1, RFC 7662 section 2.1, RFC 8707 section 2.2: what is read from a form.

use heirloom::endpoint::{Form, FormError, IntrospectionRequest, RevocationRequest, TokenRequest};

fn form(body: &str) -> Form {
    Form::parse(body.as_bytes()).unwrap()
}

fn refused(body: &str) -> FormError {
    TokenRequest::read(&form(body)).map(|_| ()).unwrap_err()
}

#[test]
fn a_refresh_request_is_read_and_becomes_the_engines() {
    let form = form(
        "grant_type=refresh_token&refresh_token=rt_1&scope=read+write&client_id=web\
         &resource=https%3A%2F%2Fa.example&resource=&resource=https://b.example&unknown=1&unknown=2",
    );
    let asked = TokenRequest::read(&form).unwrap();
    assert_eq!((asked.refresh_token, asked.client_id), ("rt_1", Some("web")));
    let request = asked.request("web").unwrap();
    assert_eq!((request.client, request.scope), ("web", Some("read write")));
    assert_eq!(request.resources, ["https://a.example", "https://b.example"]);
    assert!(request.binding.is_none() && request.policy.is_none());
}

#[test]
fn what_is_omitted_or_empty_asks_for_all_that_was_granted() {
    for body in ["", "&scope=&resource=&client_id=", "&scope&resource&client_id"] {
        let form = form(&format!("grant_type=refresh_token&refresh_token=rt_1{body}"));
        let asked = TokenRequest::read(&form).unwrap();
        let request = asked.request("web").unwrap();
        assert_eq!((request.scope, request.resources.len()), (None, 0), "{body}");
    }
}

#[test]
fn another_grant_is_told_apart_before_its_parameters_are_looked_at() {
    for body in [
        "grant_type=authorization_code",
        "grant_type=password&refresh_token=a&refresh_token=b",
        "grant_type=refresh_token+",
        "grant_type=Refresh_Token",
        "grant_type=refresh_token%00",
    ] {
        assert_eq!(refused(body), FormError::GrantType, "{body}");
    }
    assert_eq!(form("grant_type=authorization_code").grant_type(), Ok("authorization_code"));
}

#[test]
fn a_parameter_that_must_be_given_is_missed() {
    assert_eq!(refused(""), FormError::Missing("grant_type"));
    assert_eq!(refused("refresh_token=rt_1"), FormError::Missing("grant_type"));
    for body in ["", "&refresh_token", "&refresh_token=", "&Refresh_token=rt_1"] {
        let body = format!("grant_type=refresh_token{body}");
        assert_eq!(refused(&body), FormError::Missing("refresh_token"), "{body}");
    }
    for body in ["", "token=", "refresh_token=rt_1"] {
        let form = form(body);
        assert_eq!(RevocationRequest::read(&form).unwrap_err(), FormError::Missing("token"));
        assert_eq!(IntrospectionRequest::read(&form).unwrap_err(), FormError::Missing("token"));
    }
}

#[test]
fn every_parameter_but_the_resource_is_refused_when_repeated() {
    let whole = "grant_type=refresh_token&refresh_token=rt_1&scope=read&client_id=web";
    for name in ["grant_type", "refresh_token", "scope", "client_id"] {
        assert_eq!(refused(&format!("{whole}&{name}=x")), FormError::Repeated(name));
        assert_eq!(refused(&format!("{name}=&{whole}")), FormError::Repeated(name));
    }
    let whole = "token=rt_1&token_type_hint=refresh_token&client_id=web";
    for name in ["token", "token_type_hint", "client_id"] {
        let form = form(&format!("{whole}&{name}=x"));
        assert_eq!(RevocationRequest::read(&form).unwrap_err(), FormError::Repeated(name));
    }
    for name in ["token", "token_type_hint"] {
        let form = form(&format!("{whole}&{name}=x"));
        assert_eq!(IntrospectionRequest::read(&form).unwrap_err(), FormError::Repeated(name));
    }
}

#[test]
fn a_plus_in_a_token_is_a_space_and_an_escaped_one_a_plus() {
    for (sent, read) in [("a+b", "a b"), ("a%2Bb", "a+b"), ("a%20b", "a b"), ("%2525", "%25")] {
        let form = form(&format!("grant_type=refresh_token&refresh_token={sent}"));
        assert_eq!(TokenRequest::read(&form).unwrap().refresh_token, read);
    }
}

/// RFC 6749 section 5.2: a request that "utilizes more than one mechanism for authenticating the client" is malformed.
#[test]
fn a_client_id_of_another_client_than_the_authenticated_one_is_refused() {
    let form = form("grant_type=refresh_token&refresh_token=rt_1&token=rt_1&client_id=app");
    let (asked, revoke) =
        (TokenRequest::read(&form).unwrap(), RevocationRequest::read(&form).unwrap());
    assert_eq!(asked.request("web").unwrap_err(), FormError::OtherClient);
    assert_eq!(revoke.request("web").unwrap_err(), FormError::OtherClient);
    assert_eq!(asked.request("app").unwrap().client, "app");
    assert_eq!(revoke.request("app").unwrap().client, "app");
}

#[test]
fn a_hint_is_shown_and_changes_nothing() {
    for hint in ["access_token", "refresh_token", "nonsense", "%00"] {
        let form = form(&format!("token=rt_1&token_type_hint={hint}"));
        let (revoke, look) =
            (RevocationRequest::read(&form).unwrap(), IntrospectionRequest::read(&form).unwrap());
        assert_eq!((revoke.token, look.token), ("rt_1", "rt_1"), "{hint}");
        assert_eq!(revoke.token_type_hint, look.token_type_hint);
        let request = revoke.request("web").unwrap();
        assert!(request.scope.is_none() && request.resources.is_empty());
    }
}

#[test]
fn no_log_line_of_a_request_shows_a_token() {
    let form = form("grant_type=refresh_token&refresh_token=rt_secret&token=rt_secret&scope=read");
    for shown in [
        format!("{:?}", TokenRequest::read(&form).unwrap()),
        format!("{:?}", RevocationRequest::read(&form).unwrap()),
        format!("{:?}", IntrospectionRequest::read(&form).unwrap()),
    ] {
        assert!(!shown.contains("secret"), "{shown}");
    }
}

/// An MCP client sends `resource` with every request. At a server whose grants name none it was refused at every refresh.
#[test]
fn a_server_without_resource_indicators_ignores_them() {
    let form = Form::parse(
        b"grant_type=refresh_token&refresh_token=rt_x&resource=https%3A%2F%2Fmcp.example&scope=read",
    )
    .unwrap();
    let asked = TokenRequest::read(&form).unwrap();
    assert_eq!(asked.resources, ["https://mcp.example"]);
    let asked = asked.ignoring_resources();
    assert!(asked.resources.is_empty());
    assert_eq!((asked.refresh_token, asked.scope), ("rt_x", Some("read")));
}
