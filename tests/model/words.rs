//! The words of the model: what is asked, and what can be answered. Nothing here is heirloom's.

use std::collections::BTreeSet;

/// A family, by the order of issue.
pub type FamilyNo = usize;
/// A token, by the order in which tokens came to be, shown to anybody or not.
pub type TokenNo = usize;
/// Milliseconds since 1970, or of a length of time.
pub type Millis = u64;

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
    pub leeway: Leeway,
    pub idle: Option<Millis>,
    pub absolute: Option<Millis>,
    pub live: bool,
    pub wrong_client_ends: bool,
    pub wrong_key_ends: bool,
}

/// What the predecessor is answered, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Leeway {
    None,
    Replay(Millis),
    Refuse(Millis),
}

impl Leeway {
    /// How long it lasts, if there is one.
    pub fn length(self) -> Option<Millis> {
        match self {
            Self::None => None,
            Self::Replay(length) | Self::Refuse(length) => Some(length),
        }
    }
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
}

/// A string, and who shows it for what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Showing {
    /// The token that the string is; `None`: the engine has never released this string.
    pub token: Option<TokenNo>,
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
    pub call: Asked,
}

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asked {
    Issue(Consent, Rules),
    Refresh(Showing),
    Begin(Showing),
    /// Completes a `begin`, at which the host has looked at this consent.
    Commit(Showing, Consent),
    Revoke(Showing),
    RevokeFamily(FamilyNo),
    RevokeAll {
        subject: Option<&'static str>,
        client: Option<&'static str>,
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
    Kept,
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
    Scope,
    Resource,
}

/// Why a family was ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    Reuse { behind: usize, since: Millis, successor_used: bool },
    Diverged,
    OtherClient,
    OtherKey,
    ByClient,
    ByHost,
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
    /// Too many races were lost.
    Contended,
    /// Anything else: never expected.
    Unforeseen,
}

/// What showing a token means.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    Rotate(BTreeSet<String>),
    Replay(BTreeSet<String>),
    Keep { scope: BTreeSet<String>, slides: bool },
    Refuse(Why),
    End(Cause),
    Fail(Failure),
}
