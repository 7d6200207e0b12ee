//! Who does what in the day, and how it is told.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use heirloom::family::{Family, Status};
use heirloom::oauth;
use heirloom::testing::{FaultStore, ManualClock};
use heirloom::{
    Clock, Engine, Error, Event, EventKind, Grant, Page, Policy, Reason, Refusal, Request,
    Selector, Timestamp,
};
use tokio::runtime::Runtime;

use crate::kept::Kept;
use crate::store::{self, Opened};
use crate::{Failure, Response, Rotation, refresh_grant};

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Takes the steps of the day and tells them. `T3` is the third token that was ever sent.
pub struct Story {
    pub rotation: Rotation,
    runtime: Runtime,
    clock: ManualClock,
    midnight: u64,
    kept: Kept,
    inbox: Receiver<Event>,
    log: Vec<Event>,
    unavailable: usize,
    tokens: Vec<String>,
}

impl Story {
    pub fn new(url: Option<&str>) -> Result<Self, Failure> {
        let (clock, (operator, inbox)) = (ManualClock::default(), channel());
        let runtime = Runtime::new()?;
        let Opened { store, kept } = runtime.block_on(store::open(url))?;
        // In earnest: KeyRing::from_env("ROTATION_KEYS")?, and the system's clock.
        let keys = kept.keys()?;
        let rotation = Engine::new(FaultStore::new(store), keys, Policy::default())
            .with_clock(clock.clone())
            .with_observer(Arc::new(move |event: &Event| {
                operator.send(event.clone()).unwrap_or_default()
            }));
        println!("T1, T2, .. are refresh tokens, by the order in which they were first sent.\n");
        row(["time", "who", "does", "is answered", "the operator sees"]);
        let (midnight, log, unavailable, tokens) = (0, Vec::new(), 0, Vec::new());
        Ok(Self { rotation, runtime, clock, midnight, kept, inbox, log, unavailable, tokens })
    }

    pub fn at(&mut self, hour: u64, minute: u64, second: u64) -> &mut Self {
        let time = ((hour * 60 + minute) * 60 + second) * 1000;
        self.clock.set(Timestamp::from_millis(self.midnight + time));
        self
    }

    /// Goes on where an earlier run ended, if the store has lasted: on the next day.
    pub fn resume(&mut self) -> Result<(), Failure> {
        let page = Page { after: None, limit: 1000 };
        let alice = Selector::subject("alice");
        let families = self.runtime.block_on(self.rotation.families(&alice, page))?;
        let Some(last) = families.iter().map(last_use).max() else { return Ok(()) };
        self.midnight = (last.as_millis() / DAY + 1) * DAY;
        self.at(8, 0, 0);
        let live = families.iter().filter(|family| family.status == Status::Live).count();
        println!("\nFamilies from earlier days: {}, of which live: {live}.", families.len());
        if let Some(token) = self.kept.token() {
            println!("Alice's phone wakes up, and goes on with the token that it had kept.");
            let refreshed = refresh_grant(&self.rotation, "web-app", token);
            let answer = match self.runtime.block_on(refreshed) {
                Response::Tokens(_) => "its successor".to_owned(),
                other => self.answer(other),
            };
            self.tell("phone", "shows it", &answer);
        }
        Ok(())
    }

    /// Lets the phone keep a token, where there is a place beside the store.
    pub fn keep(&self, number: usize) -> Result<(), Failure> {
        self.kept.keep(&self.tokens[number - 1])
    }

    pub fn sign_in(&mut self, who: &str) -> Result<(), Error> {
        let grant = Grant::new("alice", "web-app").scope("read write");
        let issued = self.runtime.block_on(self.rotation.issue(grant))?;
        let answer = self.alias(issued.token.map(|token| token.into_exposed()));
        self.tell(who, "signs in", &answer);
        Ok(())
    }

    /// All of them at the same time, each on a thread of its own.
    pub fn refresh(&mut self, who: &[&str], number: usize) {
        let (rotation, runtime) = (&self.rotation, &self.runtime);
        let token = self.tokens[number - 1].as_str();
        let responses: Vec<Response> = thread::scope(|scope| {
            let present = || runtime.block_on(refresh_grant(rotation, "web-app", token));
            let threads: Vec<_> = who.iter().map(|_| scope.spawn(present)).collect();
            threads.into_iter().flat_map(|thread| thread.join()).collect()
        });
        let answers: Vec<String> = responses.into_iter().map(|it| self.answer(it)).collect();
        self.tell(&who.join(", "), &format!("shows T{number}"), &answers.join(", "));
    }

    pub fn log_out(&mut self, who: &str, number: usize) -> Result<(), Error> {
        let revoke = self.rotation.revoke(&self.tokens[number - 1], Request::new("web-app"));
        let error = oauth::revocation_error(&self.runtime.block_on(revoke)?);
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
        let now = (self.clock.now().as_millis() - self.midnight) / 1000;
        let time = format!("{:02}:{:02}:{:02}", now / 3600, now / 60 % 60, now % 60);
        let mut events: Vec<Event> = self.inbox.try_iter().collect();
        // Of two threads, either may be heard first.
        events.sort_by_key(|event| matches!(event.kind, EventKind::Replayed { .. }));
        let mut seen = events.iter().map(describe);
        row([&time, who, does, answer, &seen.next().unwrap_or_default()]);
        seen.for_each(|more| row(["", "", "", "", &more]));
        self.log.extend(events);
    }

    pub fn summary(&self) {
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

/// When something last happened to a family.
fn last_use(family: &Family) -> Timestamp {
    match &family.status {
        Status::Live => family.head.used_at,
        Status::Revoked(revocation) => revocation.at.max(family.head.used_at),
    }
}

/// What an operator reads in an event.
fn describe(event: &Event) -> String {
    match event.kind {
        EventKind::Issued => "issued".to_owned(),
        EventKind::Rotated => "rotated".to_owned(),
        EventKind::Replayed { since_rotation: Duration::ZERO } => "replayed at once".to_owned(),
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
