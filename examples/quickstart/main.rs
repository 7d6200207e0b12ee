//! One day of a refresh token, in virtual time: `cargo run --example quickstart`; on a store that lasts:
//! `cargo run --all-features --example quickstart -- --store sqlite:FILE` (or `postgres://..`, `redis://..`,
//! `redis-cluster://HOST:PORT,..`). What lasts goes on: run it again, and it tells the next day.
//!
//! [`refresh_grant`] is what an authorization server copies. The rest plays the clients, a thief, a database that
//! fails, and the clock.

mod kept;
mod store;
mod story;

use std::process::ExitCode;
use std::sync::Arc;

use heirloom::oauth::{self, ErrorResponse, TokenResponse};
use heirloom::store::DynStore;
use heirloom::testing::{Fault, FaultStore, ManualClock};
use heirloom::{Begun, Engine, Error, Outcome, Request};
use lexopt::prelude::*;

use story::Story;

type Rotation = Engine<FaultStore<Arc<dyn DynStore>>, ManualClock>;
type Failure = Box<dyn std::error::Error>;

/// What the token endpoint sends.
enum Response {
    /// 200, beside the access token that the host mints.
    Tokens(TokenResponse),
    /// 400: the client's fault.
    Refused(ErrorResponse),
    /// 503, and a line in the log: ours or the store's fault. Never `invalid_grant`, or the client throws a good
    /// token away.
    Unavailable(Error),
}

/// The refresh grant (RFC 6749 section 6), after the host has authenticated the client.
async fn refresh_grant(rotation: &Rotation, client: &str, token: &str) -> Response {
    let redemption = match rotation.begin(token, Request::new(client)).await {
        Ok(Begun::Ready(redemption)) => redemption, // nothing is consumed yet
        Ok(Begun::Refused(why)) => return Response::Refused(oauth::error(&why)),
        Err(error) => return Response::Unavailable(error),
    };
    if is_disabled(&redemption.grant().subject) {
        return Response::Refused(oauth::invalid_grant()); // dropped: the token stays good
    }
    match redemption.commit().await {
        Ok(Outcome::Granted(granted)) => Response::Tokens(oauth::token_response(granted)),
        Ok(Outcome::Refused(why)) => Response::Refused(oauth::error(&why)),
        Err(error) => Response::Unavailable(error),
    }
}

/// The host's own question.
fn is_disabled(subject: &str) -> bool {
    subject == "mallory"
}

fn main() -> ExitCode {
    match arguments().and_then(|store| day(store.as_deref())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("quickstart: {failure}");
            let mut source = failure.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

/// The store that was asked for; `None`: in memory.
fn arguments() -> Result<Option<String>, Failure> {
    let (mut parser, mut store) = (lexopt::Parser::from_env(), None);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("store") => store = Some(parser.value()?.string()?),
            Short('h') | Long("help") => {
                println!("quickstart [--store STORE]\nSTORE: {}", store::FORMS);
                std::process::exit(0);
            }
            other => return Err(other.unexpected().into()),
        }
    }
    Ok(store)
}

fn day(store: Option<&str>) -> Result<(), Failure> {
    let mut day = Story::new(store)?;
    day.at(8, 0, 0).resume()?;

    println!("\nAlice signs in. Her app refreshes.");
    day.at(9, 0, 0).sign_in("app")?;
    day.at(9, 15, 0).refresh(&["app"], 1);

    println!("\nThe answer is lost on its way. The app asks again, and gets the very same token.");
    day.at(9, 30, 0).refresh(&["app"], 2);
    day.at(9, 30, 2).refresh(&["app"], 2);

    println!("\nTwo tabs wake up and refresh at once. Both get the same token.");
    day.at(9, 45, 0).refresh(&["tab 1", "tab 2"], 3);

    println!("\nThe database fails, before the write and after it. The app loses nothing.");
    day.rotation.store().fail(Fault::Before, 1, |_| true);
    day.at(10, 0, 0).refresh(&["app"], 4);
    day.rotation.store().fail(Fault::After, 1, |operation| operation.writes());
    day.at(10, 0, 2).refresh(&["app"], 4);
    day.at(10, 0, 4).refresh(&["app"], 4);

    println!("\nA thief has copied T3. Its use ends the family: Alice must sign in again.");
    day.at(10, 20, 0).refresh(&["thief"], 3);
    day.at(10, 21, 0).refresh(&["app"], 5);
    day.at(10, 22, 0).sign_in("app")?;

    println!("\nAlice logs out. A forgotten tab goes on with a spent token, and is no thief.");
    day.at(10, 40, 0).refresh(&["app"], 6);
    day.at(11, 0, 0).log_out("app", 7)?;
    day.at(11, 5, 0).refresh(&["tab 2"], 6);

    println!("\nShe signs in on her phone, which keeps its token for tomorrow.");
    day.at(22, 0, 0).sign_in("phone")?;
    day.at(22, 15, 0).refresh(&["phone"], 8);
    day.keep(9)?;

    day.summary();
    Ok(())
}
