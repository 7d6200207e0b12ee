//! Bad input through the public API: each string, grant, request, policy, clock and store that cannot be right gets its
//! own refusal or error; nothing panics, nothing is lost, and no other family is touched (P4, P8, P10, S9).

#[path = "bad_input/bounds.rs"]
mod bounds;
#[path = "bad_input/branches.rs"]
mod branches;
#[path = "bad_input/choices.rs"]
mod choices;
#[path = "bad_input/clocks.rs"]
mod clocks;
#[path = "bad_input/impossible.rs"]
mod impossible;
#[path = "bad_input/lies.rs"]
mod lies;
#[path = "bad_input/stores.rs"]
mod stores;
#[path = "bad_input/strings.rs"]
mod strings;
#[path = "bad_input/world.rs"]
mod world;
