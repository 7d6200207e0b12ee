//! Races: every order in which the store calls of two or three requests can meet (`orders`), the same with a driver
//! that reports a conflict for what it has written (`lies`), and real threads behind a barrier (`threads`). The store
//! is the one that `HEIRLOOM_STORE` chooses; over others than memory only some of the orders are tried.
//!
//! Shows P1 (one successor), P3 (revoked is absorbing), P7 (no leeway across a change of the grant), P11 (purge) and
//! P14 (all presenters get the same successor), on one node and on two.

mod support;

#[path = "races/change.rs"]
mod change;
#[path = "support/exchange.rs"]
mod exchange;
#[path = "races/keys.rs"]
mod keys;
#[path = "races/lies.rs"]
mod lies;
#[path = "races/families.rs"]
mod families;
#[path = "races/leeways.rs"]
mod leeways;
#[path = "races/nodes.rs"]
mod nodes;
#[path = "races/orders.rs"]
mod orders;
#[path = "races/population.rs"]
mod population;
#[path = "races/revocation.rs"]
mod revocation;
#[path = "support/schedule.rs"]
mod schedule;
#[path = "races/threads.rs"]
mod threads;
