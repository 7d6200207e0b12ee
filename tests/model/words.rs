//! The words of the model: what is asked, and what can be answered. Nothing here is heirloom's.

use std::collections::BTreeSet;

/// A family, by the order of issue.
pub type FamilyNo = usize;
/// A token, by the order in which tokens came to be, shown to anybody or not.
pub type TokenNo = usize;
/// Milliseconds since 1970, or of a length of time.
pub type Millis = u64;

/// When it all begins: well after the epoch.
pub const BEGINNING: Millis = 1_000_000_000_000;
/// The last instant that can be counted.
pub const END_OF_TIME: Millis = (1 << 53) - 1;
/// How long after its end a family is kept.
pub const RETENTION: Millis = 60_000;

/// How far before a family's issue a clock may be and still be believed.
pub const BELIEVED: Millis = 60_000;

/// What the operator has chosen, in the model's words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rules {
    pub keep: bool,
    pub leeway: Option<Leeway>,
    pub idle: Option<Millis>,
    pub absolute: Option<Millis>,
    pub live: bool,
    pub wrong_client_ends: bool,
    pub wrong_key_ends: bool,
    /// Whether a displaced token is reuse.
    pub displaced_ends: bool,
    pub on_reuse: Reach,
    pub limit: Option<Limit>,
}

/// What the predecessor is answered, for how long, and how often.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leeway {
    pub mode: Mode,
    pub lasts: Lasts,
    pub uses: Option<u32>,
}

/// What the predecessor is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    Replay,
    Newest,
    /// So many lines may live.
    Fork(usize),
    Refuse,
}

/// For how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Lasts {
    For(Millis),
    Until(Millis),
    UntilUsed,
}

impl Leeway {
    /// The end of a leeway that began then; `None`: it has no timer.
    pub fn end(self, since: Millis) -> Option<Millis> {
        match self.lasts {
            Lasts::For(length) => Some((since + length).min(END_OF_TIME)),
            Lasts::Until(end) => Some(end),
            Lasts::UntilUsed => None,
        }
    }

    /// Whether a leeway that began then has not come to its end.
    pub fn lasts(self, since: Millis, now: Millis) -> bool {
        match self.lasts {
            Lasts::For(length) => now < since + length,
            Lasts::Until(end) => now < end,
            Lasts::UntilUsed => true,
        }
    }

    /// Whether so many presentations leave another.
    pub fn allows(self, uses: u32) -> bool {
        self.uses.is_none_or(|most| uses < most)
    }
}

/// What reuse ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reach {
    Nothing,
    Family,
    /// All families of the subject at the client.
    Client,
    /// All families of the subject.
    Subject,
}

impl Reach {
    /// Whether it ends other families too.
    pub fn is_wide(self) -> bool {
        matches!(self, Self::Client | Self::Subject)
    }
}

/// How many families a subject may have at a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limit {
    pub families: usize,
    /// Whether the oldest go; else no more are issued.
    pub evicts: bool,
}

/// A recovery window.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Window {
    pub until: Millis,
    pub issued_before: Millis,
}

/// What the user consented to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    pub subject: &'static str,
    pub client: &'static str,
    pub key: Option<u8>,
    pub scope: BTreeSet<&'static str>,
    pub resource: bool,
    pub ends_at: Option<Millis>,
}

/// The keys that a node mints with and accepts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ring {
    pub active: u8,
    pub accepted: BTreeSet<u8>,
    /// Whether it has the key by which legacy tokens are adopted and known.
    pub adopts: bool,
}

/// A string, and who shows it for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Showing {
    /// The token that the string is; `None`: the engine has never released this string.
    pub token: Option<TokenNo>,
    /// Whether an engine has made the string, and not another system.
    pub ours: bool,
    pub text: String,
    pub client: &'static str,
    pub proof: Option<u8>,
    /// The words asked for; none: all.
    pub scope: Option<BTreeSet<&'static str>>,
    pub resource: Option<Resource>,
    pub rules: Rules,
}

/// A resource that is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Resource {
    Own,
    Foreign,
}

/// A call, as one node hears it at one instant.
#[derive(Clone, Debug)]
pub struct Ask {
    pub node: usize,
    pub now: Millis,
    /// When the token was shown: earlier than now, if the host has looked at the grant between.
    pub shown_at: Millis,
    /// The keys that the call began with.
    pub ring: Ring,
    /// The keys that the node accepts now: others, if they were swapped between `begin` and `commit`.
    pub accepted: BTreeSet<u8>,
    /// The recovery window that the call began with.
    pub window: Option<Window>,
    pub call: Asked,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asked {
    Issue(Consent, Rules),
    /// A token of another system, of which the host may have kept only a hash.
    Adopt {
        legacy: usize,
        by_hash: bool,
        consent: Consent,
        rules: Rules,
        until: Millis,
    },
    Refresh(Showing),
    Begin(Showing),
    /// Completes a `begin`, at which the host has looked at this consent.
    Commit(Showing, Consent),
    Revoke(Showing),
    RevokeFamily(FamilyNo),
    /// All but one, perhaps.
    RevokeAll {
        subject: Option<&'static str>,
        client: Option<&'static str>,
        keep: Option<FamilyNo>,
    },
    /// The family's consent, but for its scope.
    ChangeGrant(FamilyNo, Consent),
    Introspect(Showing),
    Explain(Showing),
    Purge {
        limit: usize,
    },
}

impl Ask {
    /// The presentation, if a token is shown in order to get another.
    pub fn refresh(&self) -> Option<&Showing> {
        match &self.call {
            Asked::Refresh(showing) | Asked::Begin(showing) | Asked::Commit(showing, _) => {
                Some(showing)
            }
            Asked::Issue(..)
            | Asked::Adopt { .. }
            | Asked::Revoke(_)
            | Asked::RevokeFamily(_)
            | Asked::RevokeAll { .. }
            | Asked::ChangeGrant(..)
            | Asked::Introspect(_)
            | Asked::Explain(_)
            | Asked::Purge { .. } => None,
        }
    }
}

/// What is answered.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    /// A token, or leave to go on with the one shown.
    Granted(Granted),
    /// The legacy token is the first of this family.
    Adopted(FamilyNo),
    /// It has been before.
    AdoptedBefore(FamilyNo),
    /// It would be granted now.
    Ready,
    /// Refused, and nothing has changed.
    Refused(Why),
    /// Refused, and this call has ended the family.
    Ended(Cause),
    /// Revoked by this call.
    Revoked,
    /// Had been ended before.
    RevokedBefore(Cause),
    /// Nothing to revoke.
    NoEffect(Why),
    /// So many families.
    Count(usize),
    /// The grant is changed.
    Changed,
    /// There is no such live family.
    NotLive,
    /// A refresh would succeed. Nobody remembers when a predecessor was made.
    Active { made_at: Option<Millis>, idle_end: Option<Millis>, absolute_end: Option<Millis> },
    /// It would not.
    Inactive,
    /// What a refresh would decide.
    Would(Verdict),
    /// Not the client's fault.
    Failed(Failure),
}

/// What is granted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Granted {
    pub how: How,
    pub family: FamilyNo,
    /// In which of its lines.
    pub line: usize,
    /// How many exchanges led to the current token.
    pub place: usize,
    pub scope: BTreeSet<String>,
    pub idle_left: Option<Millis>,
    pub absolute_left: Option<Millis>,
}

/// How a grant came to be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum How {
    Issued,
    Rotated,
    Replayed,
    Renewed,
    Forked,
    Recovered,
    Kept,
}

impl How {
    /// Whether it is the answer to a predecessor.
    pub fn is_leeway(self) -> bool {
        matches!(self, Self::Replayed | Self::Renewed | Self::Forked)
    }
}

/// Why a request was refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// Nobody has ever been given this string.
    NeverMinted,
    /// It was made with a key that is no longer accepted.
    KeyDropped,
    /// The store has no such family.
    Unknown,
    /// The family has been ended before.
    Dead(Cause),
    OtherClient,
    OtherKey,
    Expired,
    Idle,
    /// The store has forgotten that it made this token.
    Ahead,
    /// The grant was changed after the exchange.
    Closed,
    /// Exchanged a moment ago.
    Spent,
    /// Reuse, under rules by which it ends nothing.
    Reuse {
        behind: usize,
        successor_used: bool,
    },
    /// Another answer to its predecessor has taken its place.
    Displaced,
    /// As many lines live as may.
    TooManyLines,
    Scope,
    Resource,
}

/// Why a family was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Reuse {
        behind: usize,
        since: Millis,
        successor_used: bool,
    },
    Diverged,
    OtherClient,
    OtherKey,
    ByClient,
    ByHost,
    /// The oldest of too many.
    Evicted,
    /// Reuse in another family.
    Related,
}

/// Why there is no answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The clock cannot be right.
    Clock,
    /// The node does not have the key that made the successor.
    KeyMissing,
    /// The consent is not the one that the host has looked at.
    GrantChanged,
    /// The consent to be issued has already ended.
    Consent,
    /// The store has said so.
    Store,
    /// Too many races were lost, or the new family was itself by far the oldest of too many.
    Contended,
    /// No more may be issued.
    TooManyFamilies,
    /// The node adopts nothing.
    NoAdoption,
    /// The legacy token was adopted for another consent.
    OtherGrant,
    /// Anything else: never expected.
    Unforeseen,
}

/// What showing a token means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Rotate(BTreeSet<String>),
    Replay { scope: BTreeSet<String>, counted: bool },
    Renew(BTreeSet<String>),
    Fork(BTreeSet<String>),
    Recover(BTreeSet<String>),
    Keep { scope: BTreeSet<String>, slides: bool },
    Refuse(Why),
    End(Cause),
    Fail(Failure),
}

/// How many legacy tokens there are.
pub const LEGACIES: usize = 5;

/// The tokens of other systems: short, odd, as long as may be, of another script, and one that looks like ours.
pub fn legacy_text(no: usize) -> String {
    match no % LEGACIES {
        0 => "8xLOxBtZp8".to_owned(),
        1 => " \ta=b&c?%00~+/ ".to_owned(),
        2 => "x".repeat(16 * 1024),
        3 => "\u{436}\u{435}\u{442}\u{43e}\u{43d}".to_owned(),
        _ => format!("rt_AQ{}", "A".repeat(94)),
    }
}
