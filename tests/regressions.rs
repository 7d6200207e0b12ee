//! Defects that somebody has met, each as its story and the claim that holds instead: what a store, a clock, a second
//! node or a client can do that was not thought of at first.
//!
//! Shows P1, P3, P7, P9, P10, P11, P12 and P15, each where it once did not hold.

mod support;

#[path = "regressions/change.rs"]
mod change;
#[path = "regressions/clock.rs"]
mod clock;
#[path = "regressions/condition.rs"]
mod condition;
#[path = "regressions/outsider.rs"]
mod outsider;
#[path = "regressions/purge.rs"]
mod purge;
#[path = "regressions/revocation.rs"]
mod revocation;
#[path = "regressions/leeways.rs"]
mod leeways;
#[path = "regressions/legacy.rs"]
mod legacy;
#[path = "regressions/shown.rs"]
mod shown;
