//! A fleet of server processes over one store, its clients, and a history that is checked as it is made.
//!
//! A test binary is its own server: started with an address in the environment, it opens the store, answers requests
//! that come in on one pipe, and reports events; every answer is written when the engine has returned, and not before.
//! The parent holds all clients, with one clock: an interval that it sees encloses what really happened, so that an
//! order that it claims is an order that was.

pub mod compare;
pub mod facts;
pub mod history;
pub mod load;
pub mod place;
pub mod process;
pub mod random;
pub mod serve;
pub mod session;
pub mod trials;
pub mod wire;
