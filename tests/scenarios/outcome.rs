//! Outcome words, and how the engine's answers read in them.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use heirloom::engine::RevokeOutcome;
use heirloom::family::Reuse;
use heirloom::{Error, FamilyId, Granted, How, Outcome, Reason, Refusal, oauth};

use super::fields::Check;

/// What an operation came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Word {
    New,
    Replay,
    Keep,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    InvalidRequest,
    InvalidClient,
    UnauthorizedClient,
    AccessDenied,
    InvalidDpopProof,
    ServerError,
    Retryable,
    Ok,
}

impl Word {
    const ALL: [(&str, Self); 14] = [
        ("new", Self::New),
        ("replay", Self::Replay),
        ("keep", Self::Keep),
        ("invalid_grant", Self::InvalidGrant),
        ("invalid_scope", Self::InvalidScope),
        ("invalid_target", Self::InvalidTarget),
        ("invalid_request", Self::InvalidRequest),
        ("invalid_client", Self::InvalidClient),
        ("unauthorized_client", Self::UnauthorizedClient),
        ("access_denied", Self::AccessDenied),
        ("invalid_dpop_proof", Self::InvalidDpopProof),
        ("server_error", Self::ServerError),
        ("retryable", Self::Retryable),
        ("ok", Self::Ok),
    ];

    pub fn parse(text: &str) -> Check<Self> {
        let found = Self::ALL.into_iter().find(|(name, _)| *name == text);
        found.map(|(_, word)| word).ok_or_else(|| format!("unknown outcome word `{text}`"))
    }

    pub fn parse_all(texts: &[String]) -> Check<Vec<Self>> {
        texts.iter().map(|text| Self::parse(text)).collect()
    }

    pub fn as_str(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, word)| *word == self).map_or("", |(name, _)| name)
    }

    pub fn is_success(self) -> bool {
        matches!(self, Self::New | Self::Replay | Self::Keep)
    }
}

/// Why a refresh was refused, in the scenarios' words. A refusal may be true to several, or to none.
fn reasons(refusal: &Refusal) -> &'static [&'static str] {
    match refusal {
        Refusal::Expired | Refusal::Idle => &["expired"],
        Refusal::Reused(_)
        | Refusal::Spent(_)
        | Refusal::Displaced
        | Refusal::TooManyBranches
        | Refusal::AlreadyRotated
        | Refusal::LeewayClosed => &["reuse"],
        Refusal::Revoked(_) => &["revoked"],
        Refusal::ClientMismatch { .. } => &["client_mismatch"],
        Refusal::BindingMismatch { .. } => &["binding"],
        Refusal::Malformed(_)
        | Refusal::Forged
        | Refusal::UnknownKey(_)
        | Refusal::Unknown
        | Refusal::AheadOfStore
        | Refusal::Diverged => &["unknown"],
        _ => &[],
    }
}

/// Every reason word that there is.
pub const REASONS: [&str; 7] =
    ["expired", "reuse", "revoked", "client_mismatch", "binding", "unknown", "not_yet_valid"];

/// What an operation was answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub word: Word,
    pub grant: Option<Got>,
    pub reasons: Vec<&'static str>,
    pub breach: bool,
    /// In plain words, for people.
    pub said: String,
    /// All that a client is told: error, description, status.
    pub public: (String, String, u16),
    /// What logs would show of it.
    pub rendering: String,
}

/// What a success gave.
#[derive(Clone, Debug)]
pub struct Got {
    pub token: Option<String>,
    pub how: How,
    pub family: FamilyId,
    pub generation: u32,
    pub subject: Arc<str>,
    pub client: Arc<str>,
    pub attributes: BTreeMap<String, String>,
    pub scope: Vec<String>,
    pub resources: Vec<String>,
    pub expires_in: Option<Duration>,
}

impl Answer {
    /// A success. The narrowed resources are the host's to remember (RFC 8707 section 2.2).
    pub fn granted(granted: Granted, resources: &[&str]) -> Self {
        let word = match granted.how {
            How::Kept => Word::Keep,
            How::Replayed => Word::Replay,
            _ => Word::New,
        };
        let rendering = format!("{granted:?}");
        let all = granted.grant.resources.iter().map(String::as_str);
        let resources: Vec<&str> =
            if resources.is_empty() { all.collect() } else { resources.to_vec() };
        let got = Got {
            how: granted.how,
            family: granted.family,
            generation: granted.generation,
            subject: Arc::clone(&granted.grant.subject),
            client: Arc::clone(&granted.grant.client),
            attributes: granted.grant.attributes.clone(),
            scope: granted.scope.iter().map(str::to_owned).collect(),
            resources: resources.into_iter().map(str::to_owned).collect(),
            expires_in: granted.expires_in(),
            token: granted.token.map(|token| token.into_exposed()),
        };
        let grant = Some(got);
        let public = ("none".to_owned(), String::new(), 200);
        let said = String::new();
        Self { word, grant, reasons: Vec::new(), breach: false, said, public, rendering }
    }

    pub fn outcome(outcome: Result<Outcome, Error>, resources: &[&str]) -> Self {
        match outcome {
            Ok(Outcome::Granted(granted)) => Self::granted(granted, resources),
            Ok(Outcome::Refused(refusal)) => Self::refused(&refusal),
            Err(error) => Self::error(&error),
        }
    }

    pub fn refused(refusal: &Refusal) -> Self {
        let response = oauth::error(refusal);
        let word = Word::parse(response.code.as_str()).unwrap_or(Word::ServerError);
        Self {
            reasons: reasons(refusal).to_vec(),
            breach: is_breach(refusal),
            public: (
                response.code.as_str().to_owned(),
                response.description.into_owned(),
                response.status,
            ),
            ..Self::plain(word, &in_words(refusal), refusal)
        }
    }

    /// Ours or the store's fault: a lost race may be tried again, the rest is a server error.
    pub fn error(error: &Error) -> Self {
        let word = match error {
            Error::Contended | Error::GrantChanged => Word::Retryable,
            _ => Word::ServerError,
        };
        let mut said = error.to_string();
        let mut source = std::error::Error::source(error);
        while let Some(inner) = source {
            said = format!("{said}: {inner}");
            source = inner.source();
        }
        Self::plain(word, &said, error)
    }

    /// The answer of the host itself, with what the reason is.
    pub fn host(word: Word, reasons: &'static [&'static str], said: &str) -> Self {
        let answer = match word {
            // The host says it in the engine's words, so that no answer stands out.
            Word::InvalidGrant => Self::refused(&Refusal::Unknown),
            Word::InvalidScope => Self::refused(&Refusal::Scope),
            _ => Self::plain(word, said, &said),
        };
        Self { reasons: reasons.to_vec(), said: said.to_owned(), ..answer }
    }

    pub fn revoked(outcome: &Result<RevokeOutcome, Error>, silent_on_foreign: bool) -> Self {
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return Self::error(error),
        };
        let said = match outcome {
            RevokeOutcome::Ended => "family ended".to_owned(),
            RevokeOutcome::Before(reason) => format!("had ended before: {reason}"),
            RevokeOutcome::NoEffect(refusal) => format!("nothing changed: {refusal}"),
        };
        let foreign = matches!(outcome, RevokeOutcome::NoEffect(Refusal::ClientMismatch { .. }));
        match oauth::revocation_error(outcome) {
            Some(error) if !(foreign && silent_on_foreign) => {
                let word = Word::parse(error.code.as_str()).unwrap_or(Word::ServerError);
                Self::plain(word, &said, outcome)
            }
            _ => Self::plain(Word::Ok, &said, outcome),
        }
    }

    /// A count of what was done, or the error.
    pub fn counted(outcome: Result<usize, Error>, what: &str) -> Self {
        match outcome {
            Ok(count) => Self::plain(Word::Ok, &format!("{count} {what}"), &count),
            Err(error) => Self::error(&error),
        }
    }

    pub fn plain(word: Word, said: &str, shown: &impl Debug) -> Self {
        Self {
            word,
            grant: None,
            reasons: Vec::new(),
            breach: false,
            said: said.to_owned(),
            public: (word.as_str().to_owned(), String::new(), 0),
            rendering: format!("{shown:?} {said}"),
        }
    }

    /// The token that came with a success.
    pub fn token(&self) -> Option<&str> {
        self.grant.as_ref()?.token.as_deref()
    }
}

/// Whether the request was found to be reuse, whatever the policy does then.
pub fn is_breach(refusal: &Refusal) -> bool {
    reuse(refusal).is_some()
}

fn reuse(refusal: &Refusal) -> Option<Reuse> {
    match refusal {
        Refusal::Reused(reuse) | Refusal::Spent(reuse) => Some(*reuse),
        _ => None,
    }
}

/// A refusal for people; of a breach, the one number that matters most.
fn in_words(refusal: &Refusal) -> String {
    match reuse(refusal) {
        Some(reuse) if reuse.generations_behind == 0 => "a displaced token".to_owned(),
        Some(reuse) => format!("a spent token, {} behind", reuse.generations_behind),
        None => refusal.to_string(),
    }
}

/// Why a family is over, in one or two words.
pub fn end_in_words(reason: &Reason) -> String {
    match reason {
        Reason::Reuse(_) => "reuse".to_owned(),
        other => other.to_string(),
    }
}
