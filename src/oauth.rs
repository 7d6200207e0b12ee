//! What a client may be told: refusals as OAuth errors, introspection as plain data.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::engine::{Error, Granted, Introspection, RevokeOutcome};
use crate::grant::GrantError;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::token::Malformed;

/// An error code of the token endpoint. Those that no function here gives are for the host's own answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum ErrorCode {
    /// `invalid_request`, RFC 6749 section 5.2.
    InvalidRequest,
    /// `invalid_grant`, RFC 6749 section 5.2.
    InvalidGrant,
    /// `invalid_scope`, RFC 6749 section 5.2.
    InvalidScope,
    /// `invalid_target`, RFC 8707 section 2.
    InvalidTarget,
    /// `unsupported_grant_type`, RFC 6749 section 5.2.
    UnsupportedGrantType,
    /// `invalid_client`, RFC 6749 section 5.2.
    InvalidClient,
    /// `unauthorized_client`, RFC 6749 section 5.2.
    UnauthorizedClient,
    /// `invalid_dpop_proof`, RFC 9449 section 5.
    InvalidDpopProof,
    /// `use_dpop_nonce`, RFC 9449 section 8.
    UseDpopNonce,
    /// `temporarily_unavailable`, as RFC 6749 section 4.1.2.1 has it for the authorization endpoint.
    TemporarilyUnavailable,
    /// `server_error`, as RFC 6749 section 4.1.2.1 has it for the authorization endpoint.
    ServerError,
}

impl ErrorCode {
    /// The code as it stands in the response.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidGrant => "invalid_grant",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidClient => "invalid_client",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::InvalidDpopProof => "invalid_dpop_proof",
            Self::UseDpopNonce => "use_dpop_nonce",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
            Self::ServerError => "server_error",
        }
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An error response of the token endpoint (RFC 6749 section 5.2).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// `error`.
    pub code: ErrorCode,
    /// `error_description`: the same for every reason of a code.
    pub description: Cow<'static, str>,
    /// The HTTP status.
    pub status: u16,
}

impl ErrorResponse {
    /// An error, with the status that goes with its code: 503, 500, else 400. A host that challenges a client sets 401.
    ///
    /// The description keeps to `%x20-21 / %x23-5B / %x5D-7E` (RFC 6749 section 5.2).
    pub fn new(code: ErrorCode, description: impl Into<Cow<'static, str>>) -> Self {
        let status = match code {
            ErrorCode::TemporarilyUnavailable => 503,
            ErrorCode::ServerError => 500,
            ErrorCode::InvalidRequest
            | ErrorCode::InvalidGrant
            | ErrorCode::InvalidScope
            | ErrorCode::InvalidTarget
            | ErrorCode::UnsupportedGrantType
            | ErrorCode::InvalidClient
            | ErrorCode::UnauthorizedClient
            | ErrorCode::InvalidDpopProof
            | ErrorCode::UseDpopNonce => 400,
        };
        Self { code, description: description.into(), status }
    }
}

/// The one error that a client is told for a refusal.
///
/// # Security
///
/// All of `invalid_grant` read alike: expired, reused, revoked, another client's or never ours. The time that an answer takes
/// may still differ.
pub fn error(refusal: &Refusal) -> ErrorResponse {
    let (code, description) = match refusal {
        Refusal::Malformed(Malformed::Empty) => {
            (ErrorCode::InvalidRequest, "The refresh token is missing.")
        }
        Refusal::Scope => (ErrorCode::InvalidScope, "The scope exceeds what was granted."),
        Refusal::Resource => (ErrorCode::InvalidTarget, "The resource was not granted."),
        Refusal::Malformed(_)
        | Refusal::Forged
        | Refusal::UnknownKey(_)
        | Refusal::Unknown
        | Refusal::Revoked(_)
        | Refusal::ClientMismatch { .. }
        | Refusal::BindingMismatch { .. }
        | Refusal::Expired
        | Refusal::Idle
        | Refusal::AheadOfStore
        | Refusal::Diverged
        | Refusal::LeewayClosed
        | Refusal::AlreadyRotated
        | Refusal::Reused(_)
        | Refusal::Spent(_)
        | Refusal::Displaced
        | Refusal::TooManyBranches
        | Refusal::Exhausted => return invalid_grant(),
    };
    ErrorResponse::new(code, description)
}

impl From<&Refusal> for ErrorResponse {
    fn from(refusal: &Refusal) -> Self {
        error(refusal)
    }
}

/// `invalid_grant` for a reason of the host's own, a disabled user say, or of another grant, a code that is no good: it looks like
/// every other.
pub fn invalid_grant() -> ErrorResponse {
    ErrorResponse::new(ErrorCode::InvalidGrant, "The grant is invalid or has ended.")
}

/// The error for what is ours or the store's fault: 503 if the same call may succeed later, else 500. Never
/// `invalid_grant`: a client that is told so throws its token away.
pub fn unavailable(error: &Error) -> ErrorResponse {
    if error.is_retryable() {
        ErrorResponse::new(ErrorCode::TemporarilyUnavailable, "Try again in a moment.")
    } else {
        ErrorResponse::new(ErrorCode::ServerError, "The server has failed.")
    }
}

/// The error of an [`issue`](crate::Engine::issue) of what a client has asked for: a scope that cannot be granted is `invalid_scope`
/// (RFC 6749 section 5.2), a resource `invalid_target` (RFC 8707 section 2), and a family too many `invalid_grant`; else as
/// [`unavailable`].
pub fn issue_error(error: &Error) -> ErrorResponse {
    match error {
        Error::Grant(
            GrantError::TooLong { field: "scope", .. } | GrantError::Form { field: "scope" },
        ) => ErrorResponse::new(ErrorCode::InvalidScope, "The scope cannot be granted."),
        Error::Grant(
            GrantError::TooLong { field: "resources", .. }
            | GrantError::Form { field: "resources" },
        ) => ErrorResponse::new(ErrorCode::InvalidTarget, "The resource cannot be granted."),
        Error::TooManyFamilies { .. } => invalid_grant(),
        _ => unavailable(error),
    }
}

/// The error of the revocation endpoint, if there is one: a token that is not ours is revoked as it is (RFC 7009
/// section 2.2), and another client's is refused (section 2.1).
pub fn revocation_error(outcome: &RevokeOutcome) -> Option<ErrorResponse> {
    match outcome {
        RevokeOutcome::NoEffect(
            refusal @ (Refusal::Malformed(Malformed::Empty)
            | Refusal::ClientMismatch { .. }
            | Refusal::BindingMismatch { .. }),
        ) => Some(error(refusal)),
        RevokeOutcome::Ended | RevokeOutcome::Before(_) | RevokeOutcome::NoEffect(_) => None,
    }
}

/// The members of a token response that this crate knows; the host adds the access token (RFC 6749 section 5.1).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TokenResponse {
    /// `refresh_token`; absent: the client keeps the one it has (RFC 6749 section 6).
    pub refresh_token: Option<String>,
    /// `scope`; absent when there is none, as an empty one has no form (RFC 6749 section 3.3).
    pub scope: Option<String>,
    /// `refresh_token_timeout`: for how many seconds the token may be held without being used
    /// (draft-ietf-oauth-refresh-token-expiration-03).
    pub refresh_token_timeout: Option<u64>,
    /// `authorization_expires_in`: seconds until the whole family ends
    /// (draft-ietf-oauth-refresh-token-expiration-03).
    pub authorization_expires_in: Option<u64>,
}

fn scope_member(scope: &Scope) -> Option<String> {
    (!scope.is_empty()).then(|| scope.as_str().to_owned())
}

/// Rounded down: a client must not count on more than is left.
fn seconds(left: Duration) -> u64 {
    left.as_secs()
}

/// The token response's members, from what was granted. Takes the token out of its wiping wrapper.
pub fn token_response(granted: Granted) -> TokenResponse {
    TokenResponse {
        refresh_token_timeout: granted.idle_expires_in.and(granted.expires_in()).map(seconds),
        authorization_expires_in: granted.absolute_expires_in.map(seconds),
        scope: scope_member(&granted.scope),
        refresh_token: granted.token.map(|token| token.into_exposed()),
    }
}

impl fmt::Debug for TokenResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenResponse")
            .field("scope", &self.scope)
            .field("refresh_token_timeout", &self.refresh_token_timeout)
            .field("authorization_expires_in", &self.authorization_expires_in)
            .finish_non_exhaustive()
    }
}

/// The response of the introspection endpoint (RFC 7662 section 2.2); absent members are left out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct IntrospectionResponse {
    /// `active`. When false, every other member is absent.
    pub active: bool,
    /// `scope`.
    pub scope: Option<String>,
    /// `client_id`.
    pub client_id: Option<String>,
    /// `sub`.
    pub sub: Option<String>,
    /// `iat`: seconds since the epoch; absent for a predecessor inside its leeway.
    pub iat: Option<u64>,
    /// `exp`: seconds since the epoch, at the earlier of both ends.
    pub exp: Option<u64>,
    /// `aud`: the granted resources.
    pub aud: Vec<String>,
    /// `cnf`: the confirmation method and thumbprint (RFC 9449 section 6.2, RFC 8705 section 3.2).
    pub cnf: Option<(&'static str, String)>,
}

/// The introspection endpoint's response.
pub fn introspection(introspection: &Introspection) -> IntrospectionResponse {
    let Introspection::Active(active) = introspection else {
        return IntrospectionResponse::default();
    };
    let grant = &active.grant;
    let ends = [active.idle_expires_at, active.expires_at];
    IntrospectionResponse {
        active: true,
        scope: scope_member(&grant.scope),
        client_id: Some(grant.client.to_string()),
        sub: Some(grant.subject.to_string()),
        iat: active.issued_at.map(|at| at.as_secs()),
        exp: ends.into_iter().flatten().min().map(|end| end.as_secs()),
        aud: grant.resources.clone(),
        cnf: grant.binding.map(|binding| (binding.method(), binding.thumbprint())),
    }
}
