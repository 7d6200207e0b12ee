//! What grows with the number of families, or of rotations, and what does not: a million dead families are removed beside
//! a live load, and a family that has rotated a million times is as small, and as quick to end, as a new one.

mod story;
mod load;
mod sqlite;
mod postgres;
mod patient;
mod slot;
mod redis;
mod rotations;
