//! RFC 6749 section 5.2, RFC 7009 section 2.2.1: what a client is told when it is refused, and when the server fails.

use heirloom::endpoint::{
    FormError, Response, error_response, invalid_client, issue_error, revocation_response,
    unavailable,
};
use heirloom::oauth::{self, ErrorCode, ErrorResponse};
use heirloom::store::StoreError;
use heirloom::token::Malformed;
use heirloom::{
    Engine, Error, FamilyId, FamilyLimit, Grant, Key, KeyRing, MemoryStore, Policy, Reason,
    Refusal, RevokeOutcome,
};

use super::json::{assert_not_kept, error, headers, members};

const FORM_ERRORS: [FormError; 7] = [
    FormError::TooLarge,
    FormError::TooMany,
    FormError::Encoding,
    FormError::Repeated("scope"),
    FormError::Missing("refresh_token"),
    FormError::GrantType,
    FormError::OtherClient,
];

fn told(status: u16, error: &str) -> (u16, String) {
    (status, error.to_owned())
}

#[test]
fn a_refusal_is_told_as_its_oauth_error_and_nothing_else() {
    for refusal in [
        Refusal::Malformed(Malformed::Empty),
        Refusal::Forged,
        Refusal::Revoked(Reason::Logout),
        Refusal::ClientMismatch { ended: true },
        Refusal::Scope,
        Refusal::Resource,
    ] {
        let (response, expected) = (error_response(&refusal), oauth::error(&refusal));
        assert_eq!(error(&response), (expected.status, expected.code.to_string()), "{refusal}");
        let members = members(&response);
        assert_eq!(members["error_description"], *expected.description);
        assert_eq!(members.len(), 2);
        assert_eq!(headers(&response, "retry-after"), [""; 0]);
    }
}

#[test]
fn all_of_invalid_grant_is_told_in_the_same_bytes_a_reason_of_the_hosts_included() {
    let told = error_response(oauth::invalid_grant());
    for refusal in [
        Refusal::Malformed(Malformed::Length),
        Refusal::Unknown,
        Refusal::Expired,
        Refusal::ClientMismatch { ended: false },
        Refusal::Revoked(Reason::CredentialChange),
    ] {
        assert_eq!(error_response(&refusal), told, "{refusal}");
    }
}

#[test]
fn a_form_that_is_wrong_is_never_told_as_a_token_that_is_wrong() {
    for why in FORM_ERRORS {
        let code = match why {
            FormError::GrantType => "unsupported_grant_type",
            _ => "invalid_request",
        };
        assert_eq!(error(&Response::from(why)), told(400, code), "{why}");
        assert_eq!(Response::from(why), error_response(why));
    }
}

/// A developer was told that "a parameter" was missing, and looked for it at the wrong end.
#[test]
fn a_parameter_that_is_missing_or_doubled_is_named() {
    let description = |why| oauth::ErrorResponse::from(why).description;
    for name in ["grant_type", "refresh_token", "token", "code_verifier"] {
        let missing = format!("The parameter {name} is missing.");
        assert_eq!(description(FormError::Missing(name)), missing);
        let repeated = format!("The parameter {name} is repeated.");
        assert_eq!(description(FormError::Repeated(name)), repeated);
    }
    // Not one that would have to be escaped.
    for name in ["a\"b", "a\\b", "a\nb", "é"] {
        assert_eq!(description(FormError::Missing(name)), "A parameter is missing.");
    }
}

/// A client asked for a scope that is none, and was told that the server had failed.
#[test]
fn what_cannot_be_issued_as_it_was_asked_for_is_the_clients_fault() {
    let one = Policy::builder().limit(FamilyLimit::refuse(1)).build().unwrap();
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let engine = Engine::new(MemoryStore::new(), keys, one);
    let grant = || Grant::new("alice", "web");
    let issue = |asked| pollster::block_on(engine.issue(asked));
    issue(grant()).unwrap();
    let long = "x".repeat(5_000);
    for (asked, code) in [
        (grant().scope("a\"b"), "invalid_scope"),
        (grant().scope(&long), "invalid_scope"),
        (grant().resource("/relative"), "invalid_target"),
        (grant().resource(&format!("urn:{long}")), "invalid_target"),
        (grant(), "invalid_grant"),
    ] {
        let failure = issue(asked).unwrap_err();
        assert_eq!(error(&issue_error(&failure)), told(400, code), "{failure}");
        // Where nobody has asked for it, the grant was the host's own.
        assert_eq!(error(&unavailable(&failure)), told(500, "server_error"), "{failure}");
    }
    for asked in [Grant::new("", "web"), grant().attribute("a", &long)] {
        let failure = issue(asked).unwrap_err();
        assert_eq!(issue_error(&failure), unavailable(&failure), "{failure}");
        assert_eq!(error(&unavailable(&failure)), told(500, "server_error"), "{failure}");
    }
}

/// `error_description`: `%x20-21 / %x23-5B / %x5D-7E`.
#[test]
fn descriptions_keep_to_their_alphabet() {
    let mut responses = Vec::from(FORM_ERRORS.map(Response::from));
    responses.extend([unavailable(&Error::Contended), unavailable(&corrupt())]);
    responses.push(invalid_client(None));
    for response in responses {
        let members = members(&response);
        let description = members["error_description"].as_str().unwrap();
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(!description.is_empty() && description.bytes().all(allowed), "{description}");
    }
}

fn corrupt() -> Error {
    Error::Corrupt { family: FamilyId::from_bytes([7; 16]) }
}

/// What frameworks take: HTTP/2 has no others (RFC 9113 section 8.2).
#[test]
fn header_names_are_in_lower_case() {
    for response in [
        unavailable(&Error::Contended),
        invalid_client(Some("Basic")),
        revocation_response(&RevokeOutcome::Ended),
    ] {
        assert!(response.headers.len() >= 2);
        for (name, _) in response.headers {
            assert_eq!(name, name.to_lowercase());
        }
    }
}

/// RFC 7009 section 2.2.1: "the server may include a "Retry-After" header in the response".
#[test]
fn what_may_succeed_later_is_503_with_a_time_and_the_rest_500_without_one() {
    let store = || Error::from(StoreError::unavailable("no route to 10.0.0.7"));
    for failure in [Error::Contended, Error::GrantChanged, store()] {
        let response = unavailable(&failure);
        assert_eq!(error(&response), told(503, "temporarily_unavailable"), "{failure}");
        let seconds: u64 = headers(&response, "retry-after")[0].parse().unwrap();
        assert!((1..10).contains(&seconds), "outside of the default leeway");
    }
    for failure in [corrupt(), Error::from(StoreError::unusable("schema 9 at 10.0.0.7"))] {
        let response = unavailable(&failure);
        assert_eq!(error(&response), told(500, "server_error"), "{failure}");
        assert_eq!(headers(&response, "retry-after"), [""; 0]);
    }
}

#[test]
fn a_failure_is_told_without_its_source_and_its_family() {
    for failure in [
        corrupt(),
        Error::from(StoreError::unavailable("no route to 10.0.0.7")),
        Error::from(StoreError::unusable("schema 9 at 10.0.0.7")),
    ] {
        let body = unavailable(&failure).body;
        assert!(!body.contains("10.0.0.7") && !body.contains("0707"), "{body}");
    }
}

/// "If the client attempted to authenticate via the "Authorization" request header field, the authorization server MUST
/// respond with an HTTP 401 (Unauthorized) status code and include the "WWW-Authenticate" response header field".
#[test]
fn a_client_that_is_not_authenticated_is_challenged_by_the_scheme_that_it_used() {
    let response = invalid_client(Some("Basic realm=\"token\""));
    assert_eq!(error(&response), told(401, "invalid_client"));
    assert_eq!(headers(&response, "www-authenticate"), ["Basic realm=\"token\""]);
    let response = invalid_client(None);
    assert_eq!(error(&response), told(400, "invalid_client"));
    assert_eq!(headers(&response, "www-authenticate"), [""; 0]);
}

#[test]
fn a_host_has_errors_and_headers_of_its_own() {
    let why = ErrorResponse::new(ErrorCode::UseDpopNonce, "Use the nonce.");
    let response = error_response(why).header("dpop-nonce", "n1".to_owned());
    assert_eq!(error(&response), told(400, "use_dpop_nonce"));
    assert_eq!(headers(&response, "dpop-nonce"), ["n1"]);
    let late = ErrorResponse::new(ErrorCode::TemporarilyUnavailable, "Signing has failed.");
    assert_eq!(headers(&error_response(late), "retry-after").len(), 1);
}

/// "The authorization server responds with HTTP status code 200 if the token has been revoked successfully or if the client
/// submitted an invalid token."
///
/// `simple-oauth2` parses the body, and threw at every logout for want of one.
#[test]
fn a_revocation_is_200_with_an_empty_object_unless_it_is_an_error() {
    for outcome in [
        RevokeOutcome::Ended,
        RevokeOutcome::Before(Reason::Logout),
        RevokeOutcome::NoEffect(Refusal::Unknown),
        RevokeOutcome::NoEffect(Refusal::Malformed(Malformed::Prefix)),
    ] {
        let response = revocation_response(&outcome);
        assert_eq!((response.status, response.body.as_str()), (200, "{}"), "{outcome:?}");
        assert_eq!(headers(&response, "content-type"), ["application/json"]);
        assert_not_kept(&response);
    }
    let refusal = Refusal::ClientMismatch { ended: false };
    let response = revocation_response(&RevokeOutcome::NoEffect(refusal));
    assert_eq!(response, error_response(&refusal));
}
