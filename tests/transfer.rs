//! Families as lines of JSON: nothing is lost on the way, and a file that is not whole is not taken for one.

mod sample;
mod round;
mod damage;
mod resume;
mod again;
