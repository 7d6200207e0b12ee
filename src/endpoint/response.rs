//! What the endpoints answer: status, headers, body.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use zeroize::Zeroizing;

use super::form::FormError;
use super::json::{Members, Value};
use crate::engine::{Error, Granted, Introspection, RevokeOutcome};
use crate::oauth::{self, ErrorCode, ErrorResponse};

/// In seconds: soon enough for the retry to fall into the default leeway.
const RETRY_AFTER: &str = "1";

/// An HTTP response to be written with any framework.
///
/// # Security
///
/// `Debug` shows the status and the names of the headers. The body may hold tokens, and no cache may keep it: every
/// response says `cache-control: no-store` (RFC 6749 section 5.1).
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "a response that is not sent is lost"]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Name, in lower case, and value.
    pub headers: Vec<(&'static str, Cow<'static, str>)>,
    /// JSON, or nothing.
    pub body: String,
}

impl Response {
    /// One more header of the host's own: `dpop-nonce`, say. Names are in lower case.
    pub fn header(mut self, name: &'static str, value: impl Into<Cow<'static, str>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
            .header("cache-control", "no-store")
            .header("pragma", "no-cache")
    }

    fn json(status: u16, members: &Members<'_>) -> Self {
        let response = Self::empty(status).header("content-type", "application/json");
        Self { body: members.to_json(), ..response }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.iter().map(|(name, _)| name).collect();
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &names)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a form is the client's to hear.
impl From<FormError> for Response {
    fn from(why: FormError) -> Self {
        error_response(why)
    }
}

/// The access token that the host has minted, and what else it adds to a token response. Wiped on drop, shown by no
/// `Debug`.
pub struct AccessToken {
    token: Zeroizing<String>,
    token_type: &'static str,
    expires_in: Option<Duration>,
    members: Vec<(&'static str, Zeroizing<String>)>,
}

impl AccessToken {
    /// A token of a type.
    pub fn new(token: impl Into<String>, token_type: &'static str) -> Self {
        let token = Zeroizing::new(token.into());
        Self { token, token_type, expires_in: None, members: Vec::new() }
    }

    /// A bearer token (RFC 6750), also one that is bound to a client certificate (RFC 8705 section 3).
    pub fn bearer(token: impl Into<String>) -> Self {
        Self::new(token, "Bearer")
    }

    /// A token that is bound to a DPoP key (RFC 9449 section 5).
    pub fn dpop(token: impl Into<String>) -> Self {
        Self::new(token, "DPoP")
    }

    /// `expires_in`: how long the access token lasts, told in seconds rounded down.
    #[must_use]
    pub fn expires_in(mut self, lifetime: Duration) -> Self {
        self.expires_in = Some(lifetime);
        self
    }

    /// One more member of the response, whose value is text: `id_token`, say. One that the response has already is not
    /// written again.
    #[must_use]
    pub fn member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, Zeroizing::new(value.into())));
        self
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("token_type", &self.token_type)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

/// The successful answer of the token endpoint (RFC 6749 section 5.1), with the members of [`oauth::token_response`].
pub fn token_response(access: AccessToken, granted: Granted) -> Response {
    let refresh = oauth::token_response(granted);
    let token = refresh.refresh_token.map(Zeroizing::new);
    let number = |number: Option<u64>| number.map(Value::Number);
    let members = Members::new()
        .with("access_token", Some(Value::Text(&access.token)))
        .with("token_type", Some(Value::Text(access.token_type)))
        .with("expires_in", number(access.expires_in.map(|left| left.as_secs())))
        .with("refresh_token", token.as_ref().map(|token| Value::Text(token)))
        .with("scope", refresh.scope.as_deref().map(Value::Text))
        .with("refresh_token_timeout", number(refresh.refresh_token_timeout))
        .with("authorization_expires_in", number(refresh.authorization_expires_in));
    let own = access.members.iter();
    Response::json(200, &own.fold(members, |all, (name, value)| all.with(name, Some(text(value)))))
}

/// An error (RFC 6749 section 5.2): of a [`Refusal`](crate::Refusal), a [`FormError`], or an [`ErrorResponse`] of the
/// host's own. A 503 says when to try again.
pub fn error_response(why: impl Into<ErrorResponse>) -> Response {
    let ErrorResponse { code, description, status } = why.into();
    let members = Members::new()
        .with("error", Some(Value::Text(code.as_str())))
        .with("error_description", Some(Value::Text(&description)));
    let response = Response::json(status, &members);
    if status == 503 { response.header("retry-after", RETRY_AFTER) } else { response }
}

/// The answer to what is ours or the store's fault, by [`oauth::unavailable`]: 503, or 500. Log the error; nothing of it
/// is told.
pub fn unavailable(error: &Error) -> Response {
    error_response(oauth::unavailable(error))
}

/// The answer to an [`issue`](crate::Engine::issue) that failed, by [`oauth::issue_error`]: what the client has asked for may be its own
/// fault. Log the error.
pub fn issue_error(error: &Error) -> Response {
    error_response(oauth::issue_error(error))
}

/// `invalid_client`: the host could not authenticate the client (RFC 6749 section 5.2). To one that used the
/// `Authorization` header, 401 with a challenge of that scheme, `Basic realm="token"` say; else 400. At the introspection endpoint it
/// is always 401 (RFC 7662 section 2.3), and a 401 needs a challenge (RFC 9110 section 15.5.2): pass one.
pub fn invalid_client(challenge: Option<&'static str>) -> Response {
    let why = ErrorResponse::new(ErrorCode::InvalidClient, "The client is not authenticated.");
    match challenge {
        Some(challenge) => error_response(ErrorResponse { status: 401, ..why })
            .header("www-authenticate", challenge),
        None => error_response(why),
    }
}

/// The answer of the revocation endpoint (RFC 7009 section 2.2): 200, also for a token that is not ours, or the error of
/// [`oauth::revocation_error`].
///
/// Its body says nothing, and clients ignore it: it is `{}`, because some parse it all the same.
pub fn revocation_response(outcome: &RevokeOutcome) -> Response {
    let done = || Response::json(200, &Members::new());
    oauth::revocation_error(outcome).map_or_else(done, error_response)
}

/// The answer of the introspection endpoint (RFC 7662 section 2.2), with the members of [`oauth::introspection`].
///
/// The host's own members, `iss` say, are added when the token is active; one that the answer has already is not written
/// again.
pub fn introspection_response(found: &Introspection, own: &[(&'static str, &str)]) -> Response {
    let found = oauth::introspection(found);
    let number = |number: Option<u64>| number.map(Value::Number);
    let members = Members::new().with("active", Some(Value::Flag(found.active)));
    if !found.active {
        return Response::json(200, &members);
    }
    let cnf = found.cnf.as_ref();
    let members = members
        .with("scope", found.scope.as_deref().map(Value::Text))
        .with("client_id", found.client_id.as_deref().map(Value::Text))
        .with("sub", found.sub.as_deref().map(Value::Text))
        .with("iat", number(found.iat))
        .with("exp", number(found.exp))
        .with("aud", Some(&found.aud[..]).filter(|aud| !aud.is_empty()).map(Value::List))
        .with("cnf", cnf.map(|(method, thumbprint)| Value::Object(method, thumbprint)));
    let own = own.iter();
    Response::json(200, &own.fold(members, |all, (name, value)| all.with(name, Some(text(value)))))
}

fn text(value: &str) -> Value<'_> {
    Value::Text(value)
}
