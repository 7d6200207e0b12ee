//! Why a client's request was refused: its fault, never the engine's or the store's.

use crate::family::{Reason, Reuse};
use crate::key::KeyId;
use crate::token::{Malformed, Unminted};

/// Why a request was refused.
///
/// One function maps it to what a client may learn: [`oauth::error`](crate::oauth::error). The detail here is for
/// logs and support staff.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// Not of the token's form. No store was asked.
    #[error("malformed: {0}")]
    Malformed(Malformed),
    /// Of the form, but not tagged by our key. No store was asked.
    #[error("forged")]
    Forged,
    /// Tagged, or claimed to be, with a key that is not in the ring. No store was asked.
    #[error("key {0} is not in the ring")]
    UnknownKey(KeyId),
    /// Genuine, and its family is not in the store: purged, or lost.
    #[error("no such family")]
    Unknown,
    /// The family had been ended before this call.
    #[error("ended before: {0}")]
    Revoked(Reason),
    /// Shown by another client than it was issued to.
    #[error("another client's token{}", suffix(*.ended))]
    ClientMismatch {
        /// Whether this call ended the family, as the policy may ask.
        ended: bool,
    },
    /// The family is bound to a key, and another one was proved, or none.
    #[error("wrong key or none{}", suffix(*.ended))]
    BindingMismatch {
        /// Whether this call ended the family, as the policy may ask.
        ended: bool,
    },
    /// The family's absolute end is reached.
    #[error("absolute lifetime over")]
    Expired,
    /// The current token was left unused for too long.
    #[error("idle lifetime over")]
    Idle,
    /// Of a generation that the store has not seen: it has lost writes. Neither theft nor the client's fault;
    /// the client must authorize again.
    #[error("ahead of the store, which has lost writes")]
    AheadOfStore,
    /// The store had lost writes, and this token's line was overwritten meanwhile. This call ended the family.
    #[error("diverged from a store that lost writes; this ended the family")]
    Diverged,
    /// The predecessor, inside a leeway that a change of the grant has closed.
    #[error("leeway closed by a change of the grant")]
    LeewayClosed,
    /// The predecessor, inside a leeway that refuses. No breach.
    #[error("already rotated")]
    AlreadyRotated,
    /// A breach: a spent token outside its leeway. This call ended the family, durably.
    #[error("reuse, {0}; this ended the family")]
    Reused(Reuse),
    /// A spent token outside its leeway, under a policy that ends nothing for it: [`Reaction::Refuse`](crate::Reaction::Refuse).
    #[error("reuse, {0}; the family lives, as the policy says")]
    Spent(Reuse),
    /// A later answer to its predecessor has taken its place, under [`LeewayMode::Newest`](crate::LeewayMode::Newest). No breach.
    #[error("displaced by a later answer to its predecessor")]
    Displaced,
    /// The predecessor, inside a leeway that forks, and as many branches live as may.
    #[error("no branch left")]
    TooManyBranches,
    /// More scope than was granted (RFC 6749 section 6). Nothing was consumed.
    #[error("scope beyond the grant")]
    Scope,
    /// A resource that was not granted (RFC 8707 section 2). Nothing was consumed.
    #[error("resource beyond the grant")]
    Resource,
    /// The last generation: 2^32 rotations.
    #[error("no generation left")]
    Exhausted,
}

impl Refusal {
    /// Whether this call has ended the family: a breach, a divergence, or a mismatch under a policy that revokes.
    pub fn ended_family(&self) -> bool {
        matches!(
            self,
            Self::Reused(_)
                | Self::Diverged
                | Self::ClientMismatch { ended: true }
                | Self::BindingMismatch { ended: true }
        )
    }

    /// The evidence, if this call found a breach.
    pub fn breach(&self) -> Option<Reuse> {
        if let Self::Reused(reuse) = self { Some(*reuse) } else { None }
    }

    /// The refusal that goes with a family's end by this call.
    pub(crate) fn for_end(reason: Reason) -> Self {
        match reason {
            Reason::Reuse(reuse) => Self::Reused(reuse),
            Reason::Diverged => Self::Diverged,
            Reason::WrongClient => Self::ClientMismatch { ended: true },
            Reason::WrongBinding => Self::BindingMismatch { ended: true },
            Reason::ClientRequest
            | Reason::Logout
            | Reason::ConsentWithdrawn
            | Reason::CredentialChange
            | Reason::Administrator
            | Reason::Evicted
            | Reason::RelatedReuse
            | Reason::Moved => Self::Revoked(reason),
        }
    }
}

impl From<Unminted> for Refusal {
    fn from(why: Unminted) -> Self {
        match why {
            Unminted::Malformed(malformed) => Self::Malformed(malformed),
            Unminted::UnknownKey(key) => Self::UnknownKey(key),
            Unminted::Forged => Self::Forged,
        }
    }
}

fn suffix(ended: bool) -> &'static str {
    if ended { "; this ended the family" } else { "" }
}
