//! One day of a refresh token, in virtual time: `cargo run --example quickstart`.
//!
//! [`refresh_grant`] is what an authorization server copies. The rest plays the clients, a thief, a database that
//! fails, and the clock.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use heirloom::entropy::SystemEntropy;
use heirloom::oauth::{self, ErrorResponse, TokenResponse};
use heirloom::testing::{Fault, FaultStore, ManualClock};
use heirloom::{
    Begun, Clock, Engine, Error, Event, EventKind, Grant, Key, KeyRing, MemoryStore, Outcome,
    Policy, Reason, Refusal, Request, Timestamp,
};

type Rotation = Engine<FaultStore<MemoryStore>, ManualClock>;

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

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut day = Story::new()?;

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

    day.summary();
    Ok(())
}

/// Takes the steps of the day and tells them. `T3` is the third token that was ever sent.
struct Story {
    clock: ManualClock,
    rotation: Rotation,
    inbox: Receiver<Event>,
    log: Vec<Event>,
    unavailable: usize,
    tokens: Vec<String>,
}

impl Story {
    fn new() -> Result<Self, Box<dyn std::error::Error>> {
        let (clock, (operator, inbox)) = (ManualClock::default(), channel());
        // In earnest: KeyRing::from_env("ROTATION_KEYS")?, a store that survives, the system's clock.
        let keys = KeyRing::new(Key::random(1, &SystemEntropy)?);
        let rotation = Engine::new(FaultStore::new(MemoryStore::new()), keys, Policy::default())
            .with_clock(clock.clone())
            .with_observer(Arc::new(move |event: &Event| {
                operator.send(event.clone()).unwrap_or_default()
            }));
        println!("T1, T2, .. are refresh tokens, by the order in which they were first sent.\n");
        row(["time", "who", "does", "is answered", "the operator sees"]);
        Ok(Self { clock, rotation, inbox, log: Vec::new(), unavailable: 0, tokens: Vec::new() })
    }

    fn at(&mut self, hour: u64, minute: u64, second: u64) -> &mut Self {
        self.clock.set(Timestamp::from_millis(((hour * 60 + minute) * 60 + second) * 1000));
        self
    }

    fn sign_in(&mut self, who: &str) -> Result<(), Error> {
        let grant = Grant::new("alice", "web-app").scope("read write");
        let issued = pollster::block_on(self.rotation.issue(grant))?;
        let answer = self.alias(issued.token.map(|token| token.into_exposed()));
        self.tell(who, "signs in", &answer);
        Ok(())
    }

    /// All of them at the same time, each on a thread of its own.
    fn refresh(&mut self, who: &[&str], number: usize) {
        let (rotation, token) = (&self.rotation, self.tokens[number - 1].as_str());
        let responses: Vec<Response> = thread::scope(|scope| {
            let present = || pollster::block_on(refresh_grant(rotation, "web-app", token));
            let threads: Vec<_> = who.iter().map(|_| scope.spawn(present)).collect();
            threads.into_iter().flat_map(|thread| thread.join()).collect()
        });
        let answers: Vec<String> = responses.into_iter().map(|it| self.answer(it)).collect();
        self.tell(&who.join(", "), &format!("shows T{number}"), &answers.join(", "));
    }

    fn log_out(&mut self, who: &str, number: usize) -> Result<(), Error> {
        let revoke = self.rotation.revoke(&self.tokens[number - 1], Request::new("web-app"));
        let error = oauth::revocation_error(&pollster::block_on(revoke)?);
        let answer = error.map_or("200", |error| error.code.as_str());
        self.tell(who, &format!("revokes T{number}"), answer);
        Ok(())
    }

    fn answer(&mut self, response: Response) -> String {
        match response {
            Response::Tokens(tokens) => self.alias(tokens.refresh_token),
            Response::Refused(error) => format!("{} {}", error.status, error.code),
            Response::Unavailable(error) => {
                self.unavailable += 1;
                if error.is_retryable() { "503, try again" } else { "503" }.to_owned()
            }
        }
    }

    /// The number of a token; the string itself is never shown.
    fn alias(&mut self, token: Option<String>) -> String {
        match self.tokens.iter().position(|sent| Some(sent) == token.as_ref()) {
            Some(index) => format!("T{} again", index + 1),
            None => {
                self.tokens.extend(token);
                format!("T{}", self.tokens.len())
            }
        }
    }

    fn tell(&mut self, who: &str, does: &str, answer: &str) {
        let now = self.clock.now().as_secs();
        let time = format!("{:02}:{:02}:{:02}", now / 3600, now / 60 % 60, now % 60);
        let mut events: Vec<Event> = self.inbox.try_iter().collect();
        // Of two threads, either may be heard first.
        events.sort_by_key(|event| matches!(event.kind, EventKind::Replayed { .. }));
        let mut seen = events.iter().map(describe);
        row([&time, who, does, answer, &seen.next().unwrap_or_default()]);
        seen.for_each(|more| row(["", "", "", "", &more]));
        self.log.extend(events);
    }

    fn summary(&self) {
        let count = |of: fn(&EventKind) -> bool| self.log.iter().filter(|it| of(&it.kind)).count();
        let counts = [
            (count(|kind| matches!(kind, EventKind::Issued)), "issued"),
            (count(|kind| matches!(kind, EventKind::Rotated)), "rotated"),
            (count(|kind| matches!(kind, EventKind::Replayed { .. })), "replayed"),
            (count(|kind| matches!(kind, EventKind::Revoked(Reason::Reuse(_)))), "breach"),
            (count(|kind| matches!(kind, EventKind::Revoked(Reason::ClientRequest))), "logout"),
            (count(|kind| matches!(kind, EventKind::Refused { .. })), "refused"),
            (self.unavailable, "unavailable"),
        ];
        println!("\nquickstart: {}", counts.map(|(n, what)| format!("{n} {what}")).join(", "));
    }
}

/// What an operator reads in an event.
fn describe(event: &Event) -> String {
    match event.kind {
        EventKind::Issued => "issued".to_owned(),
        EventKind::Rotated => "rotated".to_owned(),
        EventKind::Replayed { since_rotation } => format!("replayed {since_rotation:?} later"),
        EventKind::Revoked(Reason::Reuse(evidence)) => {
            let used = if evidence.successor_used { "used" } else { "not seen" };
            format!("BREACH: {} behind, its successor {used}", evidence.generations_behind)
        }
        EventKind::Revoked(reason) => format!("ended: {reason}"),
        EventKind::Refused { why, .. } if why.ended_family() => "refused for it".to_owned(),
        EventKind::Refused { why: Refusal::Revoked(Reason::Reuse(_)), .. } => {
            "refused: ended before, for reuse".to_owned()
        }
        EventKind::Refused { why, .. } => format!("refused: {why}"),
        other => format!("{other:?}"),
    }
}

fn row([time, who, does, answer, seen]: [&str; 5]) {
    println!("{}", format!("  {time:<8}  {who:<12}  {does:<10}  {answer:<17}  {seen}").trim_end());
}
