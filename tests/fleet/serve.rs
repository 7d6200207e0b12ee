//! A server process: an engine between two pipes.

use std::io::{Write, stdin, stdout};
use std::sync::Arc;
use std::time::Duration;

use heirloom::store::DynStore;
use heirloom::{
    Engine, Error, Event, EventKind, Grant, Granted, How, Key, KeyRing, Leeway, Outcome, Policy,
    Request, RevokeOutcome, Selector,
};

use tokio::runtime::Builder;

use super::load::CURED_WITHIN;
use super::place::{Failure, Place};
use super::wire::{self, Answer, Ask, End, Said};

/// Where a test binary that is started as a server finds its store.
pub const VARIABLE: &str = "HEIRLOOM_FLEET";
/// Of all tokens.
pub const CLIENT: &str = "app";
/// Longer than a client tries again, on a machine that stalls too: see the guide on clocks.
pub const LEEWAY: Duration = Duration::from_secs(2 * CURED_WITHIN.as_secs());

pub type Server = Engine<Arc<dyn DynStore>>;

/// Serves until its requests end, which they do with the parent.
pub fn serve(address: &str) {
    let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.expect("a runtime");
    let engine = match runtime.block_on(open_watched(address)) {
        Ok(engine) => Arc::new(engine),
        Err(error) => return say(&Said::Unready(chain(&*error))),
    };
    say(&Said::Ready);
    for line in stdin().lines() {
        let line = line.expect("text");
        let (call, ask) = line.split_once(' ').expect("a number");
        let (call, ask) = (call.parse().expect("a number"), ask.parse().expect("a request"));
        let engine = Arc::clone(&engine);
        runtime.spawn(async move {
            let answer = answer(&engine, ask).await.unwrap_or_else(|error| Answer::Failed {
                retryable: error.is_retryable(),
                text: chain(&error),
            });
            say(&Said::Answer(call, answer));
        });
    }
}

/// The keys of every server.
pub fn keys() -> KeyRing {
    KeyRing::new(Key::new(1, &[7; 32]).expect("a key"))
}

/// An engine as every server has one.
pub async fn open(place: &Place) -> Result<Server, Failure> {
    let policy = Policy::builder().leeway(Leeway::replay(LEEWAY)).build()?;
    Ok(Engine::new(place.open().await?, keys(), policy))
}

async fn open_watched(address: &str) -> Result<Server, Failure> {
    Ok(open(&address.parse()?).await?.with_observer(Arc::new(report)))
}

fn report(event: &Event) {
    if let (EventKind::Revoked(reason), Some(about)) = (event.kind, &event.about) {
        say(&Said::Ended(about.family, End::of(reason)));
    }
}

async fn answer(engine: &Server, ask: Ask) -> Result<Answer, Error> {
    let request = Request::new(CLIENT);
    Ok(match ask {
        Ask::Issue { subject } => granted(engine.issue(Grant::new(&subject, CLIENT)).await?),
        Ask::Refresh { token } => match engine.refresh(&token, request).await? {
            Outcome::Granted(grant) => granted(grant),
            Outcome::Refused(why) => Answer::Refused(why.into()),
        },
        Ask::Revoke { token } => ended(engine.revoke(&token, request).await?),
        Ask::End { family, why } => ended(engine.revoke_family(family, why.reason()).await?),
        Ask::Logout { subject } => {
            engine.revoke_all(&Selector::subject(&subject), End::Logout.reason()).await?;
            Answer::Ended
        }
    })
}

fn granted(granted: Granted) -> Answer {
    Answer::Granted(wire::Grant {
        family: granted.family,
        generation: granted.generation,
        replayed: granted.how == How::Replayed,
        token: granted.token.expect("a policy that rotates").into_exposed(),
    })
}

fn ended(outcome: RevokeOutcome) -> Answer {
    match outcome {
        RevokeOutcome::Ended | RevokeOutcome::Before(_) => Answer::Ended,
        RevokeOutcome::NoEffect(why) => Answer::Refused(why.into()),
    }
}

/// A whole line at once, whichever thread says it.
fn say(said: &Said) {
    let line = format!("{said}\n");
    let mut out = stdout().lock();
    // Nobody hears it when the parent is gone.
    let _ = out.write_all(line.as_bytes()).and_then(|()| out.flush());
}

fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
