//! The in-memory store against the contract S1 to S7 and S9, through the engine, as itself and behind `dyn DynStore`;
//! stores that break the contract or whose writes arrive late; and that engine, stores and futures are sent and shared
//! between threads.
//!
//! S8, that what returned success survives a crash, is not the in-memory store's to keep.

#[path = "store/clauses.rs"]
mod clauses;
#[path = "store/impossible.rs"]
mod impossible;
#[path = "store/late.rs"]
mod late;
#[path = "store/lying.rs"]
mod lying;
#[path = "store/sending.rs"]
mod sending;
