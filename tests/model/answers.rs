//! From heirloom's answers to the model's words.

use std::collections::BTreeSet;

use heirloom::decide::Decision;
use heirloom::engine::{Adopted, Explanation};
use heirloom::token::FamilyId;
use heirloom::{
    Error, Granted as EngineGranted, How as EngineHow, Introspection, Outcome, Reason, Refusal,
    RevokeOutcome, Scope, Timestamp,
};

use super::words::{Answer, Cause, Failure, FamilyNo, Granted, How, Millis, Verdict, Why};

/// What the engine has returned.
#[derive(Debug)]
pub enum Actual {
    Issued(Result<EngineGranted, Error>),
    Adopted(Result<Adopted, Error>),
    Ready,
    Refreshed(Result<Outcome, Error>),
    Revoked(Result<RevokeOutcome, Error>),
    Counted(Result<usize, Error>),
    Changed(Result<(), Error>),
    Introspected(Result<Introspection, Error>),
    Explained(Result<Box<Explanation>, Error>),
}

impl Actual {
    /// What a first token was granted with.
    pub fn issued(&self) -> Option<FamilyId> {
        match self {
            Self::Issued(Ok(granted)) => Some(granted.family),
            Self::Adopted(Ok(adopted)) => Some(adopted.family()),
            _ => None,
        }
    }

    /// The string that was released, if any.
    pub fn released(&self) -> Option<&str> {
        match self {
            Self::Issued(Ok(granted)) | Self::Refreshed(Ok(Outcome::Granted(granted))) => {
                granted.token.as_ref().map(|token| token.expose())
            }
            _ => None,
        }
    }

    /// The error, if it is one.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Ready => None,
            Self::Issued(result) => result.as_ref().err(),
            Self::Adopted(result) => result.as_ref().err(),
            Self::Refreshed(result) => result.as_ref().err(),
            Self::Revoked(result) => result.as_ref().err(),
            Self::Counted(result) => result.as_ref().err(),
            Self::Changed(result) => result.as_ref().err(),
            Self::Introspected(result) => result.as_ref().err(),
            Self::Explained(result) => result.as_ref().err(),
        }
    }

    /// The same in the model's words. `ids` are the families in the order of issue.
    pub fn answer(&self, ids: &[FamilyId]) -> Answer {
        if let Some(error) = self.error() {
            return failure(error);
        }
        match self {
            Self::Issued(Ok(granted)) | Self::Refreshed(Ok(Outcome::Granted(granted))) => {
                Answer::Granted(grant(granted, ids))
            }
            Self::Refreshed(Ok(Outcome::Refused(refusal))) => refusal_answer(refusal),
            Self::Adopted(Ok(Adopted::New(family))) => Answer::Adopted(number(*family, ids)),
            Self::Adopted(Ok(Adopted::Before(family))) => {
                Answer::AdoptedBefore(number(*family, ids))
            }
            Self::Revoked(Ok(RevokeOutcome::Ended)) => Answer::Revoked,
            Self::Revoked(Ok(RevokeOutcome::Before(reason))) => {
                Answer::RevokedBefore(cause(*reason))
            }
            Self::Revoked(Ok(RevokeOutcome::NoEffect(refusal))) => Answer::NoEffect(why(refusal)),
            Self::Counted(Ok(count)) => Answer::Count(*count),
            Self::Introspected(Ok(Introspection::Active(active))) => Answer::Active {
                made_at: active.issued_at.map(Timestamp::as_millis),
                idle_end: active.idle_expires_at.map(Timestamp::as_millis),
                absolute_end: active.expires_at.map(Timestamp::as_millis),
            },
            Self::Introspected(_) => Answer::Inactive,
            Self::Explained(Ok(explanation)) => Answer::Would(verdict(&explanation.decision)),
            Self::Ready => Answer::Ready,
            Self::Changed(_) => Answer::Changed,
            Self::Issued(_)
            | Self::Adopted(_)
            | Self::Refreshed(_)
            | Self::Revoked(_)
            | Self::Counted(_)
            | Self::Explained(_) => Answer::Failed(Failure::Unforeseen),
        }
    }
}

fn grant(granted: &EngineGranted, ids: &[FamilyId]) -> Granted {
    let left = |left: Option<std::time::Duration>| left.map(millis);
    Granted {
        how: match granted.how {
            EngineHow::Issued => How::Issued,
            EngineHow::Rotated => How::Rotated,
            EngineHow::Replayed => How::Replayed,
            EngineHow::Renewed => How::Renewed,
            EngineHow::Forked => How::Forked,
            EngineHow::Recovered => How::Recovered,
            EngineHow::Kept => How::Kept,
            other => panic!("granted in a way that the model does not know: {other:?}"),
        },
        family: number(granted.family, ids),
        line: usize::from(granted.branch),
        place: place(granted.generation),
        scope: words(&granted.scope),
        idle_left: left(granted.idle_expires_in),
        absolute_left: left(granted.absolute_expires_in),
    }
}

fn refusal_answer(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::Reused(reuse) => Answer::Ended(cause(Reason::Reuse(*reuse))),
        Refusal::Diverged => Answer::Ended(Cause::Diverged),
        Refusal::ClientMismatch { ended: true } => Answer::Ended(Cause::OtherClient),
        Refusal::BindingMismatch { ended: true } => Answer::Ended(Cause::OtherKey),
        other => Answer::Refused(why(other)),
    }
}

fn why(refusal: &Refusal) -> Why {
    match refusal {
        Refusal::Malformed(heirloom::token::Malformed::ForeignPrefix) | Refusal::UnknownKey(_) => {
            Why::KeyDropped
        }
        Refusal::Malformed(_) | Refusal::Forged => Why::NeverMinted,
        Refusal::Unknown => Why::Unknown,
        Refusal::Revoked(reason) => Why::Dead(cause(*reason)),
        Refusal::ClientMismatch { ended: false } => Why::OtherClient,
        Refusal::BindingMismatch { ended: false } => Why::OtherKey,
        Refusal::Expired => Why::Expired,
        Refusal::Idle => Why::Idle,
        Refusal::AheadOfStore => Why::Ahead,
        Refusal::LeewayClosed => Why::Closed,
        Refusal::AlreadyRotated => Why::Spent,
        Refusal::Spent(reuse) => Why::Reuse {
            behind: place(reuse.generations_behind),
            successor_used: reuse.successor_used,
        },
        Refusal::Displaced => Why::Displaced,
        Refusal::TooManyBranches => Why::TooManyLines,
        Refusal::Scope => Why::Scope,
        Refusal::Resource => Why::Resource,
        other => panic!("refused for a reason that the model does not know: {other:?}"),
    }
}

pub fn cause(reason: Reason) -> Cause {
    match reason {
        Reason::Reuse(reuse) => Cause::Reuse {
            behind: place(reuse.generations_behind),
            since: millis(reuse.since_rotation),
            successor_used: reuse.successor_used,
        },
        Reason::Diverged => Cause::Diverged,
        Reason::WrongClient => Cause::OtherClient,
        Reason::WrongBinding => Cause::OtherKey,
        Reason::ClientRequest => Cause::ByClient,
        Reason::Logout => Cause::ByHost,
        Reason::Evicted => Cause::Evicted,
        Reason::RelatedReuse => Cause::Related,
        other => panic!("ended for a reason that nobody has given: {other:?}"),
    }
}

fn verdict(decision: &Decision) -> Verdict {
    match decision {
        Decision::Refuse(refusal) => Verdict::Refuse(why(refusal)),
        Decision::Revoke(reason) => Verdict::End(cause(*reason)),
        Decision::Rotate { scope } => Verdict::Rotate(words(scope)),
        Decision::Replay { scope, counted } => {
            Verdict::Replay { scope: words(scope), counted: *counted }
        }
        Decision::Renew { scope } => Verdict::Renew(words(scope)),
        Decision::Fork { scope } => Verdict::Fork(words(scope)),
        Decision::Recover { scope } => Verdict::Recover(words(scope)),
        Decision::Keep { scope, slide } => Verdict::Keep { scope: words(scope), slides: *slide },
        Decision::Fault(_) => Verdict::Fail(Failure::Clock),
    }
}

fn failure(error: &Error) -> Answer {
    Answer::Failed(match error {
        Error::NotLive { .. } => return Answer::NotLive,
        Error::Store(error) if error.is_retryable() => Failure::Store,
        Error::Contended => Failure::Contended,
        Error::GrantChanged => Failure::GrantChanged,
        Error::TooManyFamilies { .. } => Failure::TooManyFamilies,
        Error::NoAdoptionKey => Failure::NoAdoption,
        Error::OtherGrant { .. } => Failure::OtherGrant,
        Error::Clock(_) => Failure::Clock,
        Error::KeyMissing { .. } => Failure::KeyMissing,
        Error::Grant(_) => Failure::Consent,
        _ => Failure::Unforeseen,
    })
}

pub fn number(id: FamilyId, ids: &[FamilyId]) -> FamilyNo {
    ids.iter().position(|known| *known == id).expect("a family that was issued")
}

pub fn place(generation: u32) -> usize {
    usize::try_from(generation).expect("a small number")
}

fn words(scope: &Scope) -> BTreeSet<String> {
    scope.iter().map(str::to_owned).collect()
}

pub fn millis(length: std::time::Duration) -> Millis {
    u64::try_from(length.as_millis()).expect("a length that can be counted")
}
