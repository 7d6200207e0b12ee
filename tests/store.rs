//! The engine over stores that hold impossible records, that break their contract, or whose writes arrive late; and that
//! engine, stores and futures are sent and shared between threads.
//!
//! That the stores of this crate keep the contract: tests/conformance.rs.

mod again;
mod impossible;
mod late;
mod lying;
mod scan;
mod sending;
