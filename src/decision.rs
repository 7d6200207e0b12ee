//! What the rule can say.

use std::fmt;

use crate::family::Reason;
use crate::refusal::Refusal;
use crate::scope::Scope;

/// What to do with a presented token.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Decision {
    /// Refuse. Nothing is written, nothing is consumed.
    Refuse(Refusal),
    /// End the family durably for this reason, then refuse.
    Revoke(Reason),
    /// Advance the head, then answer with the successor.
    Rotate {
        /// The access token's scope.
        scope: Scope,
    },
    /// Answer with the successor again.
    Replay {
        /// The access token's scope.
        scope: Scope,
        /// Whether it is to be counted first, by one write.
        counted: bool,
    },
    /// Put another successor in the place of the earlier one, then answer with it.
    Renew {
        /// The access token's scope.
        scope: Scope,
    },
    /// Put another successor beside the earlier ones, then answer with it.
    Fork {
        /// The access token's scope.
        scope: Scope,
    },
    /// Take the token on its tag alone and rotate from it: the store has lost the writes that led to it.
    Recover {
        /// The access token's scope.
        scope: Scope,
    },
    /// Answer without a new token: the presented one stays good.
    Keep {
        /// The access token's scope.
        scope: Scope,
        /// Whether the idle end is due to be moved, by one write.
        slide: bool,
    },
    /// Our clock cannot be right: an error of ours, never a refusal.
    Fault(ClockFault),
}

/// A reading of the clock on which nothing may be decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ClockFault {
    /// More than [`CLOCK_TOLERANCE`](crate::decide::CLOCK_TOLERANCE) before the family was created.
    #[error("the clock is more than a minute behind the family's creation")]
    BeforeCreation,
    /// So late that an end counted from it could not be stored.
    #[error("the clock is past the last instant that can be counted from")]
    OutOfRange,
}

/// For support staff.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refuse(refusal) => write!(f, "refuse: {refusal}"),
            Self::Revoke(reason) => write!(f, "end the family: {reason}"),
            Self::Rotate { scope } => write!(f, "rotate, for scope {scope:?}"),
            Self::Replay { scope, counted: false } => {
                write!(f, "replay the successor, for scope {scope:?}")
            }
            Self::Replay { scope, counted: true } => {
                write!(f, "replay the successor and count it, for scope {scope:?}")
            }
            Self::Renew { scope } => write!(f, "displace the successor, for scope {scope:?}"),
            Self::Fork { scope } => write!(f, "fork another successor, for scope {scope:?}"),
            Self::Recover { scope } => {
                write!(f, "recover from a store that lost writes, for scope {scope:?}")
            }
            Self::Keep { scope, slide: false } => write!(f, "keep, for scope {scope:?}"),
            Self::Keep { scope, slide: true } => {
                write!(f, "keep and move the idle end, for scope {scope:?}")
            }
            Self::Fault(fault) => write!(f, "error: {fault}"),
        }
    }
}
