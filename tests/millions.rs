//! What grows with the number of families, or of rotations, and what does not: a million dead families are removed beside
//! a live load, and a family that has rotated a million times is as small, and as quick to end, as a new one.

#[path = "millions/story.rs"]
mod story;
#[path = "millions/load.rs"]
mod load;
#[path = "millions/sqlite.rs"]
mod sqlite;
#[expect(dead_code, reason = "shared with tests/postgres.rs")]
#[path = "postgres/server.rs"]
mod server;
#[path = "millions/postgres.rs"]
mod postgres;
#[expect(dead_code, unused_imports, unused_macros, reason = "shared with tests/redis.rs")]
#[path = "redis/world.rs"]
mod world;
#[path = "millions/patient.rs"]
mod patient;
#[path = "millions/slot.rs"]
mod slot;
#[path = "millions/redis.rs"]
mod redis;
#[path = "millions/rotations.rs"]
mod rotations;
