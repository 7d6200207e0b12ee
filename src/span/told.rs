//! What is told to the host's subscriber.

use std::fmt;
use std::time::Duration;

use tracing::field::{DisplayValue, Empty, display};
use tracing::{Instrument, Level};

use crate::event::{Event, EventKind};
use crate::family::{Reason, Reuse};
use crate::refusal::Refusal;
use crate::token::{FamilyId, Position};

/// The span of one call.
pub(crate) struct Span(tracing::Span);

macro_rules! make {
    ($($name:ident: $level:ident $text:literal;)*) => {
        $(pub(crate) fn $name() -> Span {
            Span(tracing::span!(
                target: "heirloom",
                Level::$level,
                $text,
                client = Empty,
                family = Empty,
                presented = Empty,
                branch = Empty,
                generation = Empty,
                families = Empty,
                outcome = Empty,
            ))
        })*
    };
}

spans!(make);

/// One event; a level and a message are literals.
macro_rules! tell {
    ($level:ident, $told:expr, $($fields:tt)*) => {
        tracing::event!(
            target: "heirloom",
            Level::$level,
            family = $told.family,
            client = $told.client,
            branch = $told.branch,
            generation = $told.generation,
            $($fields)*
        )
    };
}

macro_rules! tell_error {
    ($level:ident, $error:expr) => {
        tracing::event!(target: "heirloom", Level::$level, error = %$error, "failed")
    };
}

impl Span {
    /// The client that asks, or for which is issued.
    pub(crate) fn client(self, client: &str) -> Self {
        self.0.record("client", client);
        self
    }

    /// The family that the host has named.
    pub(crate) fn family(self, family: FamilyId) -> Self {
        self.0.record("family", display(family));
        self
    }

    /// What a genuine token says of itself.
    pub(crate) fn presented(self, position: Position) -> Self {
        record_presented(&self.0, position);
        self
    }

    /// The call, with the span entered whenever it is polled and its answer recorded.
    pub(crate) fn around<F>(self, call: F) -> impl Future<Output = F::Output>
    where
        F: Future,
        F::Output: Answer,
    {
        let Self(span) = self;
        let whole = span.clone();
        let call = async move {
            let answer = call.await;
            answer.seen().record(&span);
            answer
        };
        call.instrument(whole)
    }
}

/// What a genuine token says of itself, for the span of the call that is being polled.
pub(crate) fn presented(position: Position) {
    let span = tracing::Span::current();
    // Ours may be filtered out: the host's own stays as it is.
    if span.metadata().is_some_and(|metadata| metadata.target() == "heirloom") {
        record_presented(&span, position);
    }
}

fn record_presented(span: &tracing::Span, position: Position) {
    span.record("family", display(position.family));
    span.record("presented", position.generation);
}

/// An answer to a call of the engine.
pub(crate) trait Answer {
    /// What it says of itself.
    fn seen(&self) -> Seen<'_>;
}

/// What an answer says of itself.
pub(crate) struct Seen<'a> {
    /// One word of the parent's table.
    pub(crate) outcome: &'static str,
    /// Only where the span cannot know it before: at an issue.
    pub(crate) family: Option<FamilyId>,
    /// Of the current token: its branch and generation.
    pub(crate) current: Option<(u16, u32)>,
    pub(crate) families: Option<usize>,
    pub(crate) error: Option<(Fault, &'a dyn fmt::Display)>,
}

/// Whose an error is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The host's, which is told.
    Host,
    /// Ours or the store's, and may pass.
    Passing,
    /// Ours or the store's: an operator must act.
    Lasting,
}

impl Seen<'_> {
    pub(crate) fn new(outcome: &'static str) -> Self {
        Self { outcome, family: None, current: None, families: None, error: None }
    }

    fn record(&self, span: &tracing::Span) {
        span.record("outcome", self.outcome);
        span.record("family", self.family.map(display));
        span.record("branch", self.current.map(|(branch, _)| branch));
        span.record("generation", self.current.map(|(_, generation)| generation));
        span.record("families", self.families);
        match self.error {
            // Without its sources: a store's own words may hold anything.
            Some((Fault::Host, error)) => tell_error!(DEBUG, error),
            Some((Fault::Passing, error)) => tell_error!(WARN, error),
            Some((Fault::Lasting, error)) => tell_error!(ERROR, error),
            None => {}
        }
    }
}

/// Whether an event would be heard at all, those that matter most at least.
pub(crate) fn hears_events() -> bool {
    tracing::enabled!(target: "heirloom", Level::WARN)
}

/// Tells of an event.
pub(crate) fn event(event: &Event) {
    let of = event.about.as_ref();
    let told = Told {
        family: of.map(|about| display(about.family)),
        client: of.map(|about| about.client()),
        branch: of.map(|about| about.branch),
        generation: of.map(|about| about.generation),
    };
    match event.kind {
        EventKind::Issued => tell!(DEBUG, told, "issued"),
        EventKind::Rotated => tell!(DEBUG, told, "rotated"),
        EventKind::Kept => tell!(DEBUG, told, "kept"),
        EventKind::Adopted => tell!(DEBUG, told, "adopted"),
        EventKind::Replayed { since_rotation } => told.again(since_rotation, "replayed"),
        EventKind::Renewed { since_rotation } => told.again(since_rotation, "renewed"),
        EventKind::Forked { since_rotation } => told.again(since_rotation, "forked"),
        EventKind::Recovered => tell!(WARN, told, "recovered a token ahead of the store"),
        EventKind::RecoveryOpened(window) => {
            let until = window.until().as_millis();
            let issued_before = window.issued_before().as_millis();
            tell!(WARN, told, until, issued_before, "recovery window opened");
        }
        EventKind::Revoked(reason) => told.revoked(reason),
        EventKind::RelatedLeft => tell!(ERROR, told, "related families are left"),
        EventKind::Refused { why, presented } => told.refused(why, presented),
        EventKind::GrantChanged => tell!(INFO, told, "grant changed"),
        EventKind::ClockBehind { behind } => {
            tell!(INFO, told, behind_seconds = behind.as_secs_f64(), "clock behind");
        }
        EventKind::Purged { families } => tell!(INFO, told, families, "purged"),
    }
}

/// Whose family an event is about.
struct Told<'a> {
    family: Option<DisplayValue<FamilyId>>,
    client: Option<&'a str>,
    branch: Option<u16>,
    generation: Option<u32>,
}

impl Told<'_> {
    fn again(self, since_rotation: Duration, how: &str) {
        let since_rotation_seconds = since_rotation.as_secs_f64();
        tell!(INFO, self, since_rotation_seconds, "{how}");
    }

    fn reused(self, reuse: Reuse, what: &str) {
        let generations_behind = reuse.generations_behind;
        let since_rotation_seconds = reuse.since_rotation.as_secs_f64();
        let successor_used = reuse.successor_used;
        tell!(
            WARN,
            self,
            generations_behind,
            since_rotation_seconds,
            successor_used,
            "breach: {what}"
        );
    }

    fn revoked(self, reason: Reason) {
        match reason {
            Reason::Reuse(reuse) => self.reused(reuse, "a spent token has ended its family"),
            Reason::Diverged => tell!(WARN, self, %reason, "revoked"),
            Reason::WrongClient
            | Reason::WrongBinding
            | Reason::ClientRequest
            | Reason::Logout
            | Reason::ConsentWithdrawn
            | Reason::CredentialChange
            | Reason::Administrator
            | Reason::Evicted
            | Reason::RelatedReuse
            | Reason::Moved => tell!(INFO, self, %reason, "revoked"),
        }
    }

    fn refused(self, why: Refusal, presented: Option<Position>) {
        // Of a token whose family is not stored, all that is known is what it says of itself.
        let family = self.family.or(presented.map(|position| display(position.family)));
        let told = Told { family, ..self };
        let presented = presented.map(|position| position.generation);
        tell!(INFO, told, presented, %why, "refused");
        // One that has ended a family has been told of as its end.
        if let Refusal::Spent(reuse) = why {
            told.reused(reuse, "a spent token, and its family lives on");
        }
    }
}
