//! From a body to a request, from an outcome to a response: hostile forms, the shape of every answer, and endpoints made
//! of nothing else.

mod answers;
mod errors;
mod forms;
mod json;
mod requests;
mod server;
mod whole;
