//! From a body to a request, from an outcome to a response: hostile forms, the shape of every answer, and endpoints made
//! of nothing else.

#[path = "endpoint/answers.rs"]
mod answers;
#[path = "endpoint/errors.rs"]
mod errors;
#[path = "endpoint/forms.rs"]
mod forms;
#[path = "endpoint/json.rs"]
mod json;
#[path = "endpoint/requests.rs"]
mod requests;
#[path = "endpoint/server.rs"]
mod server;
#[path = "endpoint/whole.rs"]
mod whole;
