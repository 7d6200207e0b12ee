//! draft

#![forbid(unsafe_code)]
#![warn(missing_docs, unreachable_pub)]
#![warn(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(docsrs, feature(doc_cfg))]

// The order is that of the layers: a file imports only from the lines above its own (tests/layering.rs).
pub mod time;
pub mod entropy;
pub mod secret;
pub mod key;
pub mod ring;
pub mod token;
pub mod grant;
pub mod policy;
pub mod request;
pub mod family;
pub mod refusal;
pub mod decide;
pub mod record;
pub mod store;
pub mod pending;
pub mod event;
pub mod engine;
pub mod oauth;
#[cfg(feature = "testing")]
pub mod testing;
pub mod _guide;
pub mod _security;

pub use engine::{
    Begun, Engine, Error, Granted, How, Introspection, Outcome, Redemption, RevokeOutcome,
};
pub use event::{Event, EventKind, Observer};
pub use family::Reason;
pub use grant::{Binding, Grant, Scope};
pub use key::{Key, Prefix};
pub use policy::{Ends, Leeway, Mismatch, Policy, Rotation};
pub use refusal::Refusal;
pub use request::Request;
pub use ring::KeyRing;
#[cfg(feature = "memory")]
pub use store::MemoryStore;
pub use store::{Page, Selector, Store};
pub use time::{Clock, SystemClock, Timestamp};
pub use token::{FamilyId, RefreshToken};
