//! What goes over the pipes: one line each, words with spaces between.

use std::fmt;
use std::str::FromStr;

use heirloom::token::FamilyId;
use heirloom::{Reason, Refusal};

/// A request to a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ask {
    Issue { subject: String },
    Refresh { token: String },
    Revoke { token: String },
    End { family: FamilyId, why: End },
    Logout { subject: String },
}

/// Why an operator, a user or a client ends a family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    ClientRequest,
    Logout,
    Administrator,
}

/// What a server answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Answer {
    Granted(Grant),
    Refused(Why),
    /// Ended, by this call or before.
    Ended,
    /// An error: whether it is said to pass, and the chain of its sources.
    Failed {
        retryable: bool,
        text: String,
    },
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grant {
    pub family: FamilyId,
    pub generation: u32,
    pub replayed: bool,
    pub token: String,
}

/// Why a request was refused, as far as the tests tell it apart.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    Revoked,
    Reused,
    Diverged,
    AheadOfStore,
    Unknown,
    Other,
}

/// A line from a server.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Said {
    Ready,
    Unready(String),
    /// To the request of this number.
    Answer(u64, Answer),
    /// An event: a family was ended by a call of this server.
    Ended(FamilyId, Option<End>),
}

impl From<Refusal> for Why {
    fn from(why: Refusal) -> Self {
        match why {
            Refusal::Revoked(_) => Self::Revoked,
            Refusal::Reused(_) => Self::Reused,
            Refusal::Diverged => Self::Diverged,
            Refusal::AheadOfStore => Self::AheadOfStore,
            Refusal::Unknown => Self::Unknown,
            _ => Self::Other,
        }
    }
}

impl End {
    pub const ALL: [Self; 3] = [Self::ClientRequest, Self::Logout, Self::Administrator];

    pub fn reason(self) -> Reason {
        match self {
            Self::ClientRequest => Reason::ClientRequest,
            Self::Logout => Reason::Logout,
            Self::Administrator => Reason::Administrator,
        }
    }

    /// `None`: a breach or a divergence, which no one asks for.
    pub fn of(reason: Reason) -> Option<Self> {
        Self::ALL.into_iter().find(|end| end.reason() == reason)
    }
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issue { subject } => write!(f, "issue {subject}"),
            Self::Refresh { token } => write!(f, "refresh {token}"),
            Self::Revoke { token } => write!(f, "revoke {token}"),
            Self::End { family, why } => write!(f, "end {family} {why:?}"),
            Self::Logout { subject } => write!(f, "logout {subject}"),
        }
    }
}

impl FromStr for Ask {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["issue", subject] => Self::Issue { subject: subject.to_owned() },
            ["refresh", token] => Self::Refresh { token: token.to_owned() },
            ["revoke", token] => Self::Revoke { token: token.to_owned() },
            ["end", family, why] => Self::End { family: id(family)?, why: end(why)? },
            ["logout", subject] => Self::Logout { subject: subject.to_owned() },
            _ => return Err(format!("no request: {line}")),
        })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready => f.write_str("ready"),
            Self::Unready(text) => write!(f, "unready {}", one_line(text)),
            Self::Answer(call, Answer::Granted(grant)) => {
                let Grant { family, generation, replayed, token } = grant;
                write!(f, "{call} granted {family} {generation} {replayed} {token}")
            }
            Self::Answer(call, Answer::Refused(why)) => write!(f, "{call} refused {why:?}"),
            Self::Answer(call, Answer::Ended) => write!(f, "{call} ended"),
            Self::Answer(call, Answer::Failed { retryable, text }) => {
                write!(f, "{call} failed {retryable} {}", one_line(text))
            }
            Self::Ended(family, Some(why)) => write!(f, "event {family} {why:?}"),
            Self::Ended(family, None) => write!(f, "event {family}"),
        }
    }
}

impl FromStr for Said {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split(' ').collect();
        Ok(match words[..] {
            ["ready"] => Self::Ready,
            ["unready", ref text @ ..] => Self::Unready(text.join(" ")),
            ["event", family] => Self::Ended(id(family)?, None),
            ["event", family, why] => Self::Ended(id(family)?, Some(end(why)?)),
            [call, ref answer @ ..] => {
                let call = call.parse().map_err(|_| format!("no number: {line}"))?;
                Self::Answer(call, self::answer(answer).map_err(|why| format!("{why}: {line}"))?)
            }
            [] => return Err("nothing".to_owned()),
        })
    }
}

fn answer(words: &[&str]) -> Result<Answer, String> {
    Ok(match *words {
        ["granted", family, generation, replayed, token] => Answer::Granted(Grant {
            family: id(family)?,
            generation: generation.parse().map_err(|_| "no generation")?,
            replayed: replayed == "true",
            token: token.to_owned(),
        }),
        ["refused", why] => Answer::Refused(self::why(why)?),
        ["ended"] => Answer::Ended,
        ["failed", retryable, ref text @ ..] => {
            Answer::Failed { retryable: retryable == "true", text: text.join(" ") }
        }
        _ => return Err("no answer".to_owned()),
    })
}

fn id(word: &str) -> Result<FamilyId, String> {
    word.parse().map_err(|_| format!("no family: {word}"))
}

fn end(word: &str) -> Result<End, String> {
    let found = End::ALL.into_iter().find(|end| format!("{end:?}") == word);
    found.ok_or_else(|| format!("no end: {word}"))
}

fn why(word: &str) -> Result<Why, String> {
    let all =
        [Why::Revoked, Why::Reused, Why::Diverged, Why::AheadOfStore, Why::Unknown, Why::Other];
    let found = all.into_iter().find(|why| format!("{why:?}") == word);
    found.ok_or_else(|| format!("no refusal: {word}"))
}

fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
