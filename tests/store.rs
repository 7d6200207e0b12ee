//! The engine over stores that hold impossible records, that break their contract, or whose writes arrive late; and that
//! engine, stores and futures are sent and shared between threads.
//!
//! That the stores of this crate keep the contract: tests/conformance.rs.

#[path = "store/again.rs"]
mod again;
#[path = "store/impossible.rs"]
mod impossible;
#[path = "store/late.rs"]
mod late;
#[path = "store/lying.rs"]
mod lying;
#[path = "store/scan.rs"]
mod scan;
#[path = "store/sending.rs"]
mod sending;
