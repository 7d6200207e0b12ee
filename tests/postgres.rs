//! The PostgreSQL store as an operator meets it: its tables, its statements and what they cost, servers that go away or
//! are set up wrongly, damaged rows, and races at every isolation level. The contract itself is in `tests/conformance.rs`.

#[path = "postgres/bad_input.rs"]
mod bad_input;
#[path = "postgres/contract.rs"]
mod contract;
#[path = "postgres/cost.rs"]
mod cost;
#[path = "records/families.rs"]
mod families;
#[path = "postgres/migration.rs"]
mod migration;
#[path = "postgres/outage.rs"]
mod outage;
#[path = "postgres/purge.rs"]
mod purge;
#[path = "postgres/races.rs"]
mod races;
#[path = "postgres/scan.rs"]
mod scan;
#[path = "postgres/server.rs"]
mod server;
#[path = "postgres/steps.rs"]
mod steps;
#[path = "records/stored.rs"]
mod stored;
#[path = "postgres/upgrade.rs"]
mod upgrade;
#[path = "postgres/wire.rs"]
mod wire;
