//! Families in Redis and Redis Cluster: what operators find there, when it goes, and what happens when servers fail.

#[path = "redis/world.rs"]
mod world;
#[path = "redis/sample.rs"]
mod sample;
#[path = "redis/layout.rs"]
mod layout;
#[path = "redis/damage.rs"]
mod damage;
#[path = "redis/expiry.rs"]
mod expiry;
#[path = "redis/format.rs"]
mod format;
#[path = "redis/index.rs"]
mod index;
#[path = "redis/purge.rs"]
mod purge;
#[path = "redis/scan.rs"]
mod scan;
#[path = "redis/cost.rs"]
mod cost;
#[path = "redis/resend.rs"]
mod resend;
#[path = "redis/server.rs"]
mod server;
#[path = "redis/unfit.rs"]
mod unfit;
#[path = "redis/failure.rs"]
mod failure;
