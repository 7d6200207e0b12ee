//! Kinds of answers, to see whether enough happens: a model that is never asked proves nothing.

use super::words::{Answer, Cause, Failure, How, Verdict, Why};

/// Every kind that can be answered.
pub const EVERY_ANSWER: [&str; 58] = [
    "issued",
    "rotated",
    "replayed",
    "renewed",
    "forked",
    "recovered",
    "kept",
    "adopted",
    "adopted before",
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
    "refused: reuse",
    "refused: displaced",
    "refused: too many lines",
    "refused: evicted before",
    "refused: related before",
    "refused: scope",
    "refused: resource",
    "ended: reuse of the predecessor, its successor not used",
    "ended: reuse of the predecessor, its successor used",
    "ended: reuse of an older one",
    "ended: reuse by the displaced",
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
    "would replay",
    "would renew",
    "would fork",
    "would recover",
    "would end",
    "failed: clock",
    "failed: key missing",
    "failed: grant changed",
    "failed: store",
    "failed: contended",
    "failed: too many families",
    "failed: no adoption",
    "failed: other grant",
];

/// Of which kind an answer is.
pub fn kind(answer: &Answer) -> &'static str {
    match answer {
        Answer::Granted(granted) => match granted.how {
            How::Issued => "issued",
            How::Rotated => "rotated",
            How::Replayed => "replayed",
            How::Renewed => "renewed",
            How::Forked => "forked",
            How::Recovered => "recovered",
            How::Kept => "kept",
        },
        Answer::Adopted(_) => "adopted",
        Answer::AdoptedBefore(_) => "adopted before",
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
        Answer::Would(verdict) => would(verdict),
        Answer::Failed(failure) => match failure {
            Failure::Clock => "failed: clock",
            Failure::KeyMissing => "failed: key missing",
            Failure::GrantChanged => "failed: grant changed",
            Failure::Store => "failed: store",
            Failure::Contended => "failed: contended",
            Failure::TooManyFamilies => "failed: too many families",
            Failure::NoAdoption => "failed: no adoption",
            Failure::OtherGrant => "failed: other grant",
            Failure::Consent | Failure::Unforeseen => "failed otherwise",
        },
    }
}

fn would(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Replay { .. } => "would replay",
        Verdict::Renew(_) => "would renew",
        Verdict::Fork(_) => "would fork",
        Verdict::Recover(_) => "would recover",
        Verdict::End(_) => "would end",
        Verdict::Rotate(_) | Verdict::Keep { .. } | Verdict::Refuse(_) | Verdict::Fail(_) => {
            "would"
        }
    }
}

fn refused(why: &Why) -> &'static str {
    match why {
        Why::Dead(Cause::Evicted) => "refused: evicted before",
        Why::Dead(Cause::Related) => "refused: related before",
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
        Why::Reuse { .. } => "refused: reuse",
        Why::Displaced => "refused: displaced",
        Why::TooManyLines => "refused: too many lines",
        Why::Scope => "refused: scope",
        Why::Resource => "refused: resource",
    }
}

fn ended(cause: &Cause) -> &'static str {
    match cause {
        Cause::Reuse { behind: 0, .. } => "ended: reuse by the displaced",
        Cause::Reuse { behind: 1, successor_used: false, .. } => {
            "ended: reuse of the predecessor, its successor not used"
        }
        Cause::Reuse { behind: 1, .. } => "ended: reuse of the predecessor, its successor used",
        Cause::Reuse { .. } => "ended: reuse of an older one",
        Cause::Diverged => "ended: diverged",
        Cause::OtherClient => "ended: other client",
        Cause::OtherKey => "ended: other key",
        Cause::ByClient | Cause::ByHost | Cause::Evicted | Cause::Related => {
            "ended by nobody who shows a token"
        }
    }
}
