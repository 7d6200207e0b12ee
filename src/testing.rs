//! For tests: a clock set by hand, seeded randomness, a store that fails on purpose.
//!
//! Behind the feature `testing`. Nothing here belongs into production.

mod clock;
mod entropy;
mod fault;
mod forge;

pub use clock::ManualClock;
pub use entropy::{FaultyEntropy, SeededEntropy};
pub use fault::{Fault, FaultStore, Injected, Operation, Operations};
pub use forge::{advance, create, digest, purge, replace, revoke, token};
