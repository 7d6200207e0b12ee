//! The PostgreSQL store as an operator meets it: its tables, its statements and what they cost, servers that go away or
//! are set up wrongly, damaged rows, and races at every isolation level. The contract itself is in `tests/conformance.rs`.

mod bad_input;
mod contract;
mod cost;
mod migration;
mod outage;
mod purge;
mod races;
mod scan;
pub mod server;
mod steps;
mod upgrade;
mod wire;
