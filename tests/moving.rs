//! Two stores while families move from one to the other: nobody is logged out, nobody lives twice, nobody comes back.

mod turns;
mod world;
mod stories;
mod grace;
mod pages;
mod walks;
mod adopted;
mod orders;
mod disturbed;
#[cfg(feature = "conformance")]
mod contract;
