//! RFC 6749 section 5.2, RFC 8707 section 2, RFC 7009 section 2.2.

use std::time::Duration;

use heirloom::family::Reuse;
use heirloom::key::KeyId;
use heirloom::oauth::{self, ErrorCode, ErrorResponse};
use heirloom::token::Malformed;
use heirloom::{Reason, Refusal, RevokeOutcome};

const REUSE: Reuse = Reuse {
    generations_behind: 3,
    since_rotation: Duration::from_secs(86_400),
    successor_used: true,
};

const REASONS: [Reason; 9] = [
    Reason::Reuse(REUSE),
    Reason::Diverged,
    Reason::WrongClient,
    Reason::WrongBinding,
    Reason::ClientRequest,
    Reason::Logout,
    Reason::ConsentWithdrawn,
    Reason::CredentialChange,
    Reason::Administrator,
];

/// Everything that is `invalid_grant`: "invalid, expired, revoked, ... or was issued to another client".
fn invalid_grants() -> Vec<Refusal> {
    let mut refusals = vec![
        Refusal::Malformed(Malformed::Length),
        Refusal::Malformed(Malformed::Prefix),
        Refusal::Malformed(Malformed::ForeignPrefix),
        Refusal::Malformed(Malformed::Encoding),
        Refusal::Malformed(Malformed::Version),
        Refusal::Forged,
        Refusal::UnknownKey(KeyId::new(9)),
        Refusal::Unknown,
        Refusal::ClientMismatch { ended: false },
        Refusal::ClientMismatch { ended: true },
        Refusal::BindingMismatch { ended: false },
        Refusal::BindingMismatch { ended: true },
        Refusal::Expired,
        Refusal::Idle,
        Refusal::AheadOfStore,
        Refusal::Diverged,
        Refusal::LeewayClosed,
        Refusal::AlreadyRotated,
        Refusal::Reused(REUSE),
        Refusal::Exhausted,
    ];
    refusals.extend(REASONS.map(Refusal::Revoked));
    refusals
}

/// The answer as a host would write it.
fn written(error: &ErrorResponse) -> String {
    let ErrorResponse { code, description, status, .. } = error;
    format!("{status} {{\"error\":\"{code}\",\"error_description\":\"{description}\"}}")
}

#[test]
fn every_invalid_grant_is_told_in_the_same_bytes() {
    for refusal in invalid_grants() {
        assert_eq!(
            written(&oauth::error(&refusal)),
            "400 {\"error\":\"invalid_grant\",\
             \"error_description\":\"The grant is invalid or has ended.\"}",
            "{refusal}"
        );
    }
}

#[test]
fn what_is_not_the_tokens_fault_has_its_own_error() {
    for (refusal, code, text) in [
        (Refusal::Malformed(Malformed::Empty), ErrorCode::InvalidRequest, "invalid_request"),
        (Refusal::Scope, ErrorCode::InvalidScope, "invalid_scope"),
        (Refusal::Resource, ErrorCode::InvalidTarget, "invalid_target"),
    ] {
        let error = oauth::error(&refusal);
        assert_eq!((error.code, error.code.as_str(), error.status), (code, text, 400));
        assert_eq!(error.code.to_string(), text);
    }
}

/// `error_description`: `%x20-21 / %x23-5B / %x5D-7E`, so that no host must escape it.
#[test]
fn descriptions_keep_to_their_alphabet() {
    let others = [Refusal::Malformed(Malformed::Empty), Refusal::Scope, Refusal::Resource];
    for refusal in invalid_grants().iter().chain(&others) {
        let description = oauth::error(refusal).description;
        assert!(!description.is_empty());
        let allowed = |byte| matches!(byte, 0x20..=0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        assert!(description.bytes().all(allowed), "{description}");
    }
}

#[test]
fn a_revocation_that_changed_nothing_for_a_token_that_is_no_longer_good_succeeds() {
    let mismatches = |refusal: &Refusal| {
        matches!(refusal, Refusal::ClientMismatch { .. } | Refusal::BindingMismatch { .. })
    };
    for refusal in invalid_grants().into_iter().filter(|refusal| !mismatches(refusal)) {
        assert_eq!(oauth::revocation_error(&RevokeOutcome::NoEffect(refusal)), None, "{refusal}");
    }
    for reason in REASONS {
        assert_eq!(oauth::revocation_error(&RevokeOutcome::Before(reason)), None);
    }
    assert_eq!(oauth::revocation_error(&RevokeOutcome::Ended), None);
}

#[test]
fn a_revocation_without_a_token_or_of_another_clients_is_an_error() {
    for (refusal, code) in [
        (Refusal::Malformed(Malformed::Empty), ErrorCode::InvalidRequest),
        (Refusal::ClientMismatch { ended: false }, ErrorCode::InvalidGrant),
        (Refusal::BindingMismatch { ended: false }, ErrorCode::InvalidGrant),
    ] {
        let error = oauth::revocation_error(&RevokeOutcome::NoEffect(refusal)).unwrap();
        assert_eq!((error.code, error.status), (code, 400), "{refusal}");
        assert_eq!(error, oauth::error(&refusal));
    }
}
