//! What each method of the engine does, as claims; at every boundary in time one millisecond before it, at it and after.
//!
//! Shows P2, P7, P9 to P11, P17 and P18 on single calls; the other test files show them under races and faults.

mod adopt;
mod adopt_odd;
mod change;
mod cost;
mod count;
mod ends;
mod event;
mod fork;
mod issue;
mod keep;
mod keys;
mod limit;
mod look;
mod newest;
mod policy;
mod purge;
mod randomness;
mod reaction;
mod recover;
mod redemption;
mod refresh;
mod revocation;
mod step;
