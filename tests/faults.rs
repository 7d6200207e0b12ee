//! Every operation of the engine, disturbed at every point: its store call k fails before or after it was carried out,
//! or reports a conflict, true or not; or its future is dropped at poll k. For every k, until nothing is left to disturb.
//!
//! Shows P13 (an honest retry never loses the family), P15 (what was stored but reported as failed gives the same
//! successor), P19 (a dropped future is no worse), and P2 and P3 (what was reported is durable).

mod support;

#[path = "faults/change.rs"]
mod change;
#[path = "faults/ends.rs"]
mod ends;
#[path = "support/exchange.rs"]
mod exchange;
#[path = "faults/exchanges.rs"]
mod exchanges;
#[path = "faults/issue.rs"]
mod issue;
#[path = "faults/keep.rs"]
mod keep;
#[path = "faults/leeways.rs"]
mod leeways;
#[path = "faults/others.rs"]
mod others;
#[path = "faults/trial.rs"]
mod trial;
#[path = "faults/witness.rs"]
mod witness;
