//! What each method of the engine does, as claims; at every boundary in time one millisecond before it, at it and after.
//!
//! Shows P2, P7, P9 to P11, P17 and P18 on single calls; the other test files show them under races and faults.

mod support;

#[path = "engine/adopt.rs"]
mod adopt;
#[path = "engine/adopt_odd.rs"]
mod adopt_odd;
#[path = "engine/change.rs"]
mod change;
#[path = "engine/cost.rs"]
mod cost;
#[path = "engine/count.rs"]
mod count;
#[path = "engine/ends.rs"]
mod ends;
#[path = "engine/event.rs"]
mod event;
#[path = "engine/fork.rs"]
mod fork;
#[path = "engine/issue.rs"]
mod issue;
#[path = "engine/keep.rs"]
mod keep;
#[path = "engine/keys.rs"]
mod keys;
#[path = "engine/limit.rs"]
mod limit;
#[path = "engine/look.rs"]
mod look;
#[path = "engine/newest.rs"]
mod newest;
#[path = "engine/policy.rs"]
mod policy;
#[path = "engine/purge.rs"]
mod purge;
#[path = "engine/randomness.rs"]
mod randomness;
#[path = "engine/reaction.rs"]
mod reaction;
#[path = "engine/recover.rs"]
mod recover;
#[path = "engine/redemption.rs"]
mod redemption;
#[path = "engine/refresh.rs"]
mod refresh;
#[path = "engine/revocation.rs"]
mod revocation;
#[path = "engine/step.rs"]
mod step;
