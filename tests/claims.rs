//! Every test but those that are processes themselves (`processes`), print a line for each scenario (`scenarios`) or listen
//! to the whole process (`tracing`).
//!
//! They are one binary, because what they share is built once: five stores, an engine over each of them, and the model. So a
//! module is chosen by its name, as part of the names of its tests:
//!
//! ```sh
//! cargo test --test claims transitions::
//! HEIRLOOM_STORE=sqlite cargo test --all-features --test claims races::
//! ```
//!
//! In the order of the layers of `src`.

/// What the operations of the model derive here: proptest needs no more.
macro_rules! operations {
    ($($item:item)*) => { $( #[derive(Clone, Debug)] $item )* };
}

// What they share.
mod backend;
mod model;
mod support;

// The house, what is secret, and what is evidence.
mod layering;
mod pages;
mod evidence;
mod secrecy;

// The rule and its guard.
mod transitions;
mod guard;

// What is stored, and the stores.
mod records;
#[cfg(feature = "columns")]
mod columns;
mod store;
#[cfg(feature = "conformance")]
mod conformance;
#[cfg(feature = "conformance")]
mod guard_in_stores;
#[cfg(feature = "sqlite")]
mod sqlite;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
#[cfg(all(feature = "sqlite", feature = "postgres", feature = "redis"))]
mod millions;
mod moving;
#[cfg(all(feature = "transfer", feature = "sqlite"))]
mod transfer;

// The engine, over the store that `HEIRLOOM_STORE` chooses.
mod engine;
mod faults;
mod races;
mod regressions;
mod systems;
mod scenario_runner;
mod state_machine;
mod bad_input;

// What a host sees of it.
mod oauth;
#[cfg(feature = "endpoint")]
mod endpoint;
#[cfg(feature = "metrics")]
mod metrics;
