//! Two stores while families move from one to the other: nobody is logged out, nobody lives twice, nobody comes back.

#[path = "support/schedule.rs"]
mod schedule;
#[path = "moving/turns.rs"]
mod turns;
#[path = "moving/world.rs"]
mod world;
#[path = "moving/stories.rs"]
mod stories;
#[path = "moving/grace.rs"]
mod grace;
#[path = "moving/pages.rs"]
mod pages;
#[path = "moving/walks.rs"]
mod walks;
#[path = "moving/adopted.rs"]
mod adopted;
#[path = "moving/orders.rs"]
mod orders;
#[path = "moving/disturbed.rs"]
mod disturbed;
#[cfg(feature = "conformance")]
#[path = "moving/contract.rs"]
mod contract;
