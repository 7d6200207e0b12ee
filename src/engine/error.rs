//! What is ours or the store's fault.

use crate::decide::ClockFault;
use crate::entropy::EntropyError;
use crate::grant::GrantError;
use crate::key::KeyId;
use crate::store::StoreError;
use crate::token::FamilyId;

/// Ours or the store's fault, never the client's: answer 503 or 500, never `invalid_grant`.
///
/// A token that was good is as good as it was, and one that would have ended its family may have done so. A client that tries again inside the leeway loses nothing, also when
/// the write had happened after all (property P15).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed, or holds a record that cannot be.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Lost five races in a row. Try again.
    #[error("lost too many races")]
    Contended,
    /// The grant changed between `begin` and `commit`. Begin again.
    #[error("the grant has changed since the redemption began")]
    GrantChanged,
    /// No randomness.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// A reading of the clock on which nothing may be decided.
    #[error(transparent)]
    Clock(#[from] ClockFault),
    /// The family's current token was made with a key that this ring does not have: a new key is accepted on every node
    /// before any activates it, and an old one removed when no family shows it any more; see the
    /// [guide](crate::_guide#keys).
    #[error("family {family}: key {key} is not in the ring")]
    KeyMissing {
        /// The family.
        family: FamilyId,
        /// The key that made its current token.
        key: KeyId,
    },
    /// The stored family contradicts itself: its successor cannot be made again, or was not stored as written.
    #[error("family {family}: the record contradicts itself")]
    Corrupt {
        /// The family.
        family: FamilyId,
    },
    /// A grant out of bounds, or a change that may not be. The host's fault.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// As many families live for the subject at the client as the policy's [`FamilyLimit`](crate::FamilyLimit) allows, and none is to be ended
    /// for a new one. Nobody's fault: answer the code with `invalid_grant`, as [`oauth::issue_error`](crate::oauth::issue_error) does; or ask
    /// [`families`](crate::Engine::families) before a code is issued, and let the user end a session.
    #[error("{limit} families live for the subject at the client, which is the limit")]
    TooManyFamilies {
        /// How many may.
        limit: u32,
    },
    /// The ring has no [`AdoptionKey`](crate::AdoptionKey).
    #[error("the key ring has no adoption key")]
    NoAdoptionKey,
    /// A legacy token that was adopted for another grant. Nothing was changed.
    #[error("family {family} was adopted for another grant")]
    OtherGrant {
        /// The family that it was adopted into.
        family: FamilyId,
    },
    /// No family has this id, or it has ended: its grant cannot be changed.
    #[error("family {family} does not live")]
    NotLive {
        /// The id.
        family: FamilyId,
    },
}

impl Error {
    /// Whether the same call may succeed at once or a little later: `Retry-After` makes sense.
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Store(error) => error.is_retryable(),
            Self::Contended | Self::GrantChanged | Self::Entropy(_) => true,
            // Another node may know better, or this one in a moment.
            Self::Clock(ClockFault::BeforeCreation) | Self::KeyMissing { .. } => true,
            Self::Clock(ClockFault::OutOfRange)
            | Self::Corrupt { .. }
            | Self::Grant(_)
            | Self::TooManyFamilies { .. }
            | Self::NoAdoptionKey
            | Self::OtherGrant { .. }
            | Self::NotLive { .. } => false,
        }
    }
}
