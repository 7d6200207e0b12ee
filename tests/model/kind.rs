//! Kinds of answers, to see whether enough happens: a model that is never asked proves nothing.

use super::words::{Answer, Cause, Failure, How, Why};

/// Every kind that can be answered.
pub const EVERY_ANSWER: [&str; 39] = [
    "issued",
    "rotated",
    "replayed",
    "kept",
    "ready",
    "refused: never minted",
    "refused: key dropped",
    "refused: unknown",
    "refused: dead",
    "refused: other client",
    "refused: other key",
    "refused: expired",
    "refused: idle",
    "refused: ahead",
    "refused: closed",
    "refused: spent",
    "refused: scope",
    "refused: resource",
    "ended: reuse of the predecessor, its successor not used",
    "ended: reuse of the predecessor, its successor used",
    "ended: reuse of an older one",
    "ended: diverged",
    "ended: other client",
    "ended: other key",
    "revoked",
    "revoked before",
    "no effect",
    "none",
    "some",
    "changed",
    "not live",
    "active",
    "inactive",
    "would",
    "failed: clock",
    "failed: key missing",
    "failed: grant changed",
    "failed: store",
    "failed: contended",
];

/// Of which kind an answer is.
pub fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Granted(granted) => match granted.how {
            How::Issued => "issued",
            How::Rotated => "rotated",
            How::Replayed => "replayed",
            How::Kept => "kept",
        },
        Answer::Ready => "ready",
        Answer::Refused(why) => refused(why),
        Answer::Ended(cause) => ended(cause),
        Answer::Revoked => "revoked",
        Answer::RevokedBefore(_) => "revoked before",
        Answer::NoEffect(_) => "no effect",
        Answer::Count(0) => "none",
        Answer::Count(_) => "some",
        Answer::Changed => "changed",
        Answer::NotLive => "not live",
        Answer::Active { .. } => "active",
        Answer::Inactive => "inactive",
        Answer::Would(_) => "would",
        Answer::Failed(failure) => match failure {
            Failure::Clock => "failed: clock",
            Failure::KeyMissing => "failed: key missing",
            Failure::GrantChanged => "failed: grant changed",
            Failure::Store => "failed: store",
            Failure::Contended => "failed: contended",
            Failure::Consent | Failure::Unforeseen => "failed otherwise",
        },
    }
}

fn refused(why: &Why) -> &'static str {
    match why {
        Why::NeverMinted => "refused: never minted",
        Why::KeyDropped => "refused: key dropped",
        Why::Unknown => "refused: unknown",
        Why::Dead(_) => "refused: dead",
        Why::OtherClient => "refused: other client",
        Why::OtherKey => "refused: other key",
        Why::Expired => "refused: expired",
        Why::Idle => "refused: idle",
        Why::Ahead => "refused: ahead",
        Why::Closed => "refused: closed",
        Why::Spent => "refused: spent",
        Why::Scope => "refused: scope",
        Why::Resource => "refused: resource",
    }
}

fn ended(cause: &Cause) -> &'static str {
    match cause {
        Cause::Reuse { behind: 1, successor_used: false, .. } => {
            "ended: reuse of the predecessor, its successor not used"
        }
        Cause::Reuse { behind: 1, .. } => "ended: reuse of the predecessor, its successor used",
        Cause::Reuse { .. } => "ended: reuse of an older one",
        Cause::Diverged => "ended: diverged",
        Cause::OtherClient => "ended: other client",
        Cause::OtherKey => "ended: other key",
        Cause::ByClient | Cause::ByHost => "ended by nobody who shows a token",
    }
}
