//! The refresh-token rotation engine of OAuth 2.0 authorization servers.
//!
//! A host keeps HTTP, client authentication, consent and access tokens. heirloom keeps the one thing that is hard:
//! which refresh token is good right now, what a second use of it means, and what happens to the rest of its family.
//!
//! ```text
//!  issue ──► Pending ──► create ─────────────────────────────────► Granted
//!
//!  &str ──► Parsed ──► Presented ──► Guard ──► Advance ──► store ──► Committed ──► RefreshToken ──► Outcome + Event
//!  the form  │         the tag is     when it    one conditional    evidence of       released only
//!            │         ours           rotates    write              the write         for evidence
//!            ▼                                       │ the guard does not hold
//!         refused, and no                            ▼
//!         store was asked             decide(Family, Presented, Request, Policy, now) ──► Decision
//! ```
//!
//! [`decide`](decide::decide) is the whole rule: a pure function under 300 lines. Read it first. The engine does what it
//! says, the store commits it, and neither can write or release anything else: steps come only from the engine, evidence
//! only from a consumed step, and a token only for evidence or for a family that the store returned with its digest.
//!
//! # Example
//!
//! The refresh grant of a token endpoint (RFC 6749 section 6), after the host has authenticated the client:
//!
//! ```
//! use heirloom::{Begun, Engine, MemoryStore, Outcome, Request, oauth};
//!
//! # struct Response(u16);
//! # fn respond(_: oauth::TokenResponse) -> Response { Response(200) }
//! # fn oauth_error(why: oauth::ErrorResponse) -> Response { Response(why.status) }
//! # fn unavailable(_: heirloom::Error) -> Response { Response(503) }
//! # fn is_disabled(_: &str) -> bool { false }
//! async fn refresh_grant(
//!     engine: &Engine<MemoryStore>,
//!     client: &str,
//!     token: &str,
//!     scope: Option<&str>,
//! ) -> Response {
//!     let request = Request::new(client).scope(scope);
//!     let redemption = match engine.begin(token, request).await {
//!         Ok(Begun::Ready(redemption)) => redemption, // nothing is consumed yet
//!         Ok(Begun::Refused(why)) => return oauth_error(oauth::error(&why)),
//!         Err(error) => return unavailable(error), // ours: 503, never invalid_grant
//!     };
//!     if is_disabled(&redemption.grant().subject) {
//!         return oauth_error(oauth::invalid_grant()); // dropped: the token stays good
//!     }
//!     match redemption.commit().await {
//!         Ok(Outcome::Granted(granted)) => respond(oauth::token_response(granted)),
//!         Ok(Outcome::Refused(why)) => oauth_error(oauth::error(&why)),
//!         Err(error) => unavailable(error),
//!     }
//! }
//! ```
//!
//! # Where to look
//!
//! * [`_guide`]: how to embed it, the rule as a table, keys, clocks, revocation, what the operator sees.
//! * [`_migration`]: from persistent tokens, another system's tokens, another store, without a logout.
//! * [`_runbooks`]: for operators, what to do when. [`_clients`]: for authors of clients.
//! * [`profile`]: what other systems do, as policies.
//! * [`_security`]: each threat, the property that meets it, the line that decides, the test that shows it; and what is
//!   not proved.
//! * [`store`]: the contract for a store of your own; its modules are the stores that there are, each the page of its operator.
//! * [`Policy`], [`Leeway`]: the choices.
//!
//! # Features
//!
//! * `memory` (default): `MemoryStore`.
//! * `sqlite`, `postgres`, `redis`: the stores that survive.
//! * `columns`: a family as named, typed columns.
//! * `endpoint`: from form parameters to a request, from an outcome to a response.
//! * `tracing`, `metrics`: what happens, through the host's subscriber and recorder.
//! * `transfer`: families as lines of JSON, out of one store and into another.
//! * `conformance`: the store contract as tests, for anybody's store; turns on `testing`.
//! * `testing`: a clock set by hand, seeded randomness, a store that fails on purpose. For tests only.

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The order is that of the layers: a file imports only from the lines above its own (tests/layering.rs).
pub mod time;
pub mod entropy;
pub mod secret;
pub mod key;
pub mod adoption;
pub mod ring;
pub mod token;
pub mod scope;
pub mod grant;
pub mod leeway;
pub mod limit;
pub mod recovery;
pub mod policy;
pub mod profile;
pub mod request;
pub mod family;
pub mod refusal;
mod decision;
pub mod decide;
pub mod guard;
pub mod rollout;
pub mod record;
pub mod store;
pub mod pending;
pub mod event;
pub mod span;
pub mod engine;
pub mod oauth;
#[cfg(feature = "endpoint")]
pub mod endpoint;
#[cfg(feature = "metrics")]
pub mod metrics;
#[cfg(feature = "transfer")]
pub mod transfer;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod _guide;
pub mod _migration;
pub mod _runbooks;
pub mod _clients;
pub mod _security;
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

pub use adoption::AdoptionKey;
pub use engine::{
    Begun, Engine, Error, Granted, How, Introspection, Outcome, Redemption, RevokeOutcome,
};
pub use event::{Event, EventKind, Observer};
pub use family::Reason;
pub use grant::{Binding, Grant};
pub use key::{Key, Prefix};
pub use leeway::{Leeway, LeewayEnd, LeewayMode};
pub use limit::FamilyLimit;
pub use policy::{Ends, Mismatch, Policy, Reaction, Rotation};
pub use recovery::Recovery;
pub use refusal::Refusal;
pub use request::Request;
pub use ring::KeyRing;
pub use scope::Scope;
#[cfg(feature = "memory")]
pub use store::MemoryStore;
pub use store::{Page, Selected, Selector, Store};
pub use time::{Clock, SystemClock, Timestamp};
pub use token::{FamilyId, RefreshToken};
