//! Races: every order in which the store calls of two or three requests can meet (`orders`), the same with a driver
//! that reports a conflict for what it has written (`lies`), and real threads behind a barrier (`threads`). The store
//! is the one that `HEIRLOOM_STORE` chooses; over others than memory only some of the orders are tried.
//!
//! Shows P1 (one successor), P3 (revoked is absorbing), P7 (no leeway across a change of the grant), P11 (purge) and
//! P14 (all presenters get the same successor), on one node and on two.

mod change;
mod keys;
mod lies;
mod families;
mod leeways;
mod nodes;
mod orders;
mod population;
mod revocation;
mod threads;
