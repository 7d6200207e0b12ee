//! The glue of HTTP endpoints, for any framework: from form parameters to a [`Request`](crate::Request), from an outcome to
//! status, headers and body.
//!
//! Four steps: [`Form`] decodes, a request reads the form, the engine answers, and a function makes the [`Response`].
//! What a client is told is decided by [`oauth`](crate::oauth) alone. The host keeps what it alone can do: TLS, taking
//! only `POST` of `application/x-www-form-urlencoded`, authenticating the client, checking a proof of possession, the
//! access token, and the log.
//!
//! | endpoint | request | engine | response |
//! |---|---|---|---|
//! | token (RFC 6749 section 6) | [`TokenRequest`] | [`begin`](crate::Engine::begin), [`commit`](crate::Redemption::commit) | [`token_response`], [`error_response`] |
//! | revocation (RFC 7009) | [`RevocationRequest`] | [`revoke`](crate::Engine::revoke) | [`revocation_response`] |
//! | introspection (RFC 7662) | [`IntrospectionRequest`] | [`introspect`](crate::Engine::introspect) | [`introspection_response`] |
//!
//! Of each, a form that is wrong becomes its answer by `?`, and an [`Error`](crate::Error) by [`unavailable`], or by [`issue_error`] where a family was to be issued, after it
//! was logged. Where legacy tokens are adopted, all three [ask the legacy table as well](crate::_migration#from-another-systems-tokens).
//!
//! # Example
//!
//! A whole refresh endpoint. `client` is the one that the host has authenticated, `body` the body of the HTTP request:
//!
//! ```
//! use heirloom::endpoint::{AccessToken, Form, Response, TokenRequest};
//! use heirloom::endpoint::{error_response, token_response, unavailable};
//! use heirloom::{Begun, Engine, Error, Granted, MemoryStore, Outcome, oauth};
//! # use std::time::Duration;
//! # fn is_disabled(_: &str) -> bool { false }
//! # fn mint(_: &Granted) -> AccessToken { AccessToken::bearer("at").expires_in(Duration::from_secs(300)) }
//!
//! async fn refresh(
//!     engine: &Engine<MemoryStore>,
//!     client: &str,
//!     body: &[u8],
//! ) -> Result<Response, Response> {
//!     let ours = |error: Error| {
//!         eprintln!("refresh: {error}"); // the host's log
//!         unavailable(&error)
//!     };
//!     let form = Form::parse(body)?; // form.grant_type()? for a host that has other grants
//!     let asked = TokenRequest::read(&form)?;
//!     let begun = engine.begin(asked.refresh_token, asked.request(client)?).await;
//!     let redemption = match begun.map_err(ours)? {
//!         Begun::Ready(redemption) => redemption,
//!         Begun::Refused(why) => return Err(error_response(&why)),
//!     };
//!     if is_disabled(&redemption.grant().subject) {
//!         return Err(error_response(oauth::invalid_grant())); // dropped: the token stays good
//!     }
//!     match redemption.commit().await.map_err(ours)? {
//!         Outcome::Granted(granted) => Ok(token_response(mint(&granted), granted)),
//!         Outcome::Refused(why) => Err(error_response(&why)),
//!     }
//! }
//! # use heirloom::{Grant, Key, KeyRing, Policy};
//! # pollster::block_on(async {
//! # let engine = Engine::new(MemoryStore::new(), KeyRing::new(Key::new(1, &[7; 32])?), Policy::default());
//! # let token = engine.issue(Grant::new("alice", "web-app")).await?.token.unwrap().into_exposed();
//! # let body = format!("grant_type=refresh_token&refresh_token={token}");
//! # let response = refresh(&engine, "web-app", body.as_bytes()).await.unwrap();
//! # assert_eq!(response.status, 200);
//! # let response = refresh(&engine, "web-app", b"grant_type=password").await.unwrap_err();
//! # assert_eq!((response.status, response.body.contains("unsupported_grant_type")), (400, true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```

mod form;
mod request;
mod json;
mod response;

pub use form::{Form, FormError, MAX_BYTES, MAX_PARAMETERS};
pub use request::{IntrospectionRequest, RevocationRequest, TokenRequest};
pub use response::{
    AccessToken, Response, error_response, introspection_response, invalid_client, issue_error,
    revocation_response, token_response, unavailable,
};
