//! What `heirloom::metrics` counts and measures, and that its names are the documented ones, no more and no fewer.

mod figures;
mod names;
mod observer;
mod page;
mod store;
