//! Every operation of the engine, disturbed at every point: its store call k fails before or after it was carried out,
//! or reports a conflict, true or not; or its future is dropped at poll k. For every k, until nothing is left to disturb.
//!
//! Shows P13 (an honest retry never loses the family), P15 (what was stored but reported as failed gives the same
//! successor), P19 (a dropped future is no worse), P1 (one successor, whatever is disturbed), and P2 and P3 (what was reported
//! is durable).

mod change;
mod ends;
mod exchanges;
mod issue;
mod keep;
mod leeways;
mod others;
mod trial;
mod witness;
