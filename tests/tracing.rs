//! What a subscriber is told: the documented spans and fields, and never a secret.

#[path = "tracing/calls.rs"]
mod calls;
#[path = "tracing/capture.rs"]
mod capture;
#[path = "secrecy/needle.rs"]
mod needle;
#[path = "tracing/page.rs"]
mod page;
#[path = "secrecy/printer.rs"]
mod printer;
#[path = "tracing/secrets.rs"]
mod secrets;
#[path = "secrecy/story.rs"]
mod story;
#[path = "tracing/tables.rs"]
mod tables;
