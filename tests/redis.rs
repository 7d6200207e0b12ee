//! Families in Redis and Redis Cluster: what operators find there, when it goes, and what happens when servers fail.

pub mod world;
#[expect(dead_code, reason = "shared with tests/crashes.rs")]
#[path = "crashes/servers.rs"]
mod servers;
mod alone;
mod sample;
mod layout;
mod damage;
mod expiry;
mod format;
mod index;
mod purge;
mod scan;
mod cost;
mod resend;
mod server;
mod unfit;
mod failure;
