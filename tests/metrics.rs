//! What `heirloom::metrics` counts and measures, and that its names are the documented ones, no more and no fewer.

#[path = "metrics/figures.rs"]
mod figures;
#[path = "metrics/names.rs"]
mod names;
#[path = "metrics/observer.rs"]
mod observer;
#[path = "metrics/page.rs"]
mod page;
#[path = "metrics/store.rs"]
mod store;
