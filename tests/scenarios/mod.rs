//! The interpreter of scenario files: shared by the runner and by the `story` example.

mod after;
mod expect;
mod fields;
pub mod file;
mod host;
mod issue;
mod names;
mod narrate;
mod notes;
mod op;
mod outcome;
mod peek;
mod policy;
mod request;
pub mod run;
mod signal;
mod step;
mod store;
mod tags;
mod text;
mod verbs;
mod world;
