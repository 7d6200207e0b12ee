//! How a presented token is exchanged, and what is minted for it.

use super::How;
use crate::event::EventKind;
use crate::family::Family;
use crate::pending::Pending;
use crate::time::Timestamp;

/// How a presented token is exchanged for another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Exchange {
    /// For its successor.
    Rotate,
    /// For another successor in place of the earlier one.
    Renew,
    /// For another successor on a branch of its own.
    Fork,
    /// For a successor, ahead of what the store knows.
    Recover,
}

/// The token that a call mints, and keeps across its attempts: a head that carries it is the call's own success, whatever the
/// store has said of the write (property P15).
pub(super) struct Minted {
    pub(super) pending: Pending,
    pub(super) exchange: Exchange,
}

/// What the attempts of a call have tried to write, and may have written.
#[derive(Default)]
pub(super) struct Tried {
    pub(super) minted: Option<Minted>,
    /// The family with one more use counted, after a write that was reported as a conflict: if it is stored, the use is counted.
    pub(super) counted: Option<Family>,
}

impl Exchange {
    pub(super) fn how(self) -> How {
        match self {
            Self::Rotate => How::Rotated,
            Self::Renew => How::Renewed,
            Self::Fork => How::Forked,
            Self::Recover => How::Recovered,
        }
    }

    pub(super) fn event(self, began: Timestamp, now: Timestamp) -> EventKind {
        let since_rotation = now.saturating_since(began);
        match self {
            Self::Rotate => EventKind::Rotated,
            Self::Renew => EventKind::Renewed { since_rotation },
            Self::Fork => EventKind::Forked { since_rotation },
            Self::Recover => EventKind::Recovered,
        }
    }
}
