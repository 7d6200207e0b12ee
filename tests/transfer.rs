//! Families as lines of JSON: nothing is lost on the way, and a file that is not whole is not taken for one.

#[path = "transfer/sample.rs"]
mod sample;
#[path = "transfer/round.rs"]
mod round;
#[path = "transfer/damage.rs"]
mod damage;
#[path = "transfer/resume.rs"]
mod resume;
#[path = "transfer/again.rs"]
mod again;
