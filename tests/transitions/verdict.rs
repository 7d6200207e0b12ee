//! A decision in a word or two.

use heirloom::Scope;
use heirloom::decide::{ClockFault, Decision};
use heirloom::{Reason, Refusal};

pub const LEGEND: &str = "\
Words in capitals end the family. REUSE n: the token was n generations behind; +used: its successor is known to
have been used. A scope follows what is granted when it is not the whole of the grant's. early and late: an error,
the clock cannot be right. A column with * is the token of that generation with another digest; a dot: no such token.
";

pub const LATER_LEGEND: &str = "\
Below, the other leeways, reactions and windows, and the states that they lead to. renew: another successor in place of the
earlier one. fork: another one beside it. count: the same one, and one more is counted. recover: taken on its tag alone.
reuse: in small letters, for it ends nothing. full: no branch left. A column with a number in front is a token of that branch.
";

/// The word for a decision on a family with this scope.
pub fn word(decision: &Decision, whole: &Scope) -> String {
    let with = |word: &str, scope: &Scope| match scope == whole {
        true => word.to_owned(),
        false => format!("{word} {scope}"),
    };
    match decision {
        Decision::Refuse(refusal) => refused(refusal),
        Decision::Revoke(reason) => ended(*reason),
        Decision::Rotate { scope } => with("rotate", scope),
        Decision::Replay { scope, counted: false } => with("replay", scope),
        Decision::Replay { scope, counted: true } => with("count", scope),
        Decision::Renew { scope } => with("renew", scope),
        Decision::Fork { scope } => with("fork", scope),
        Decision::Recover { scope } => with("recover", scope),
        Decision::Keep { scope, slide: false } => with("keep", scope),
        Decision::Keep { scope, slide: true } => with("slide", scope),
        Decision::Fault(ClockFault::BeforeCreation) => "early".to_owned(),
        Decision::Fault(ClockFault::OutOfRange) => "late".to_owned(),
    }
}

fn refused(refusal: &Refusal) -> String {
    let word = match refusal {
        Refusal::Revoked(_) => "revoked",
        Refusal::ClientMismatch { ended: false } => "client",
        Refusal::BindingMismatch { ended: false } => "key",
        Refusal::Expired => "expired",
        Refusal::Idle => "idle",
        Refusal::AheadOfStore => "ahead",
        Refusal::LeewayClosed => "closed",
        Refusal::AlreadyRotated => "rotated",
        Refusal::Scope => "scope",
        Refusal::Resource => "resource",
        Refusal::Exhausted => "exhausted",
        Refusal::Displaced => "displaced",
        Refusal::TooManyBranches => "full",
        Refusal::Spent(reuse) => {
            let used = if reuse.successor_used { "+used" } else { "" };
            return format!("reuse {}{used}", reuse.generations_behind);
        }
        other => return format!("UNEXPECTED {other}"),
    };
    word.to_owned()
}

fn ended(reason: Reason) -> String {
    match reason {
        Reason::Reuse(reuse) => {
            let used = if reuse.successor_used { "+used" } else { "" };
            format!("REUSE {}{used}", reuse.generations_behind)
        }
        Reason::Diverged => "DIVERGED".to_owned(),
        Reason::WrongClient => "CLIENT".to_owned(),
        Reason::WrongBinding => "KEY".to_owned(),
        other => format!("UNEXPECTED {other}"),
    }
}
