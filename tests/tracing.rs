//! What a subscriber is told: the documented spans and fields, and never a secret.

mod calls;
mod capture;
mod page;
mod secrets;
mod tables;
