//! Bad input through the public API: each string, grant, request, policy, clock and store that cannot be right gets its
//! own refusal or error; nothing panics, nothing is lost, and no other family is touched (P4, P5, P8, P10, S9).

mod bounds;
mod branches;
mod choices;
mod clocks;
mod impossible;
mod lies;
mod stores;
mod strings;
mod world;
