//! Defects that somebody has met, each as its story and the claim that holds instead: what a store, a clock, a second
//! node or a client can do that was not thought of at first.
//!
//! Shows P1, P3, P7, P9, P10, P11, P12 and P15, each where it once did not hold.

mod change;
mod clock;
mod condition;
mod outsider;
mod purge;
mod revocation;
mod leeways;
mod legacy;
mod shown;
