use crate::decide::ClockFault;
use crate::entropy::EntropyError;
use crate::grant::GrantError;
use crate::key::KeyId;
use crate::store::StoreError;
use crate::token::FamilyId;

/// Ours or the store's fault, never the client's: answer 503 or 500, never `invalid_grant`.
///
/// The presented token is as good as it was. A client that tries again inside the leeway loses nothing, also when
/// the write had happened after all (property P15).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The store failed, or holds a record that cannot be.
    #[error("store")]
    Store(#[from] StoreError),
    /// Lost five races in a row. Try again.
    #[error("lost too many races")]
    Contended,
    /// The grant changed between `begin` and `commit`. Begin again.
    #[error("the grant has changed since the redemption began")]
    GrantChanged,
    /// No randomness.
    #[error("entropy")]
    Entropy(#[from] EntropyError),
    /// A reading of the clock on which nothing may be decided.
    #[error("clock")]
    Clock(#[from] ClockFault),
    /// The family's current token was made with a key that this ring does not have: accept a new key on every node
    /// before any activates it, and remove one only when a leeway has passed since another became active.
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
    #[error("grant")]
    Grant(#[from] GrantError),
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
            Self::Clock(_)
            | Self::KeyMissing { .. }
            | Self::Corrupt { .. }
            | Self::Grant(_)
            | Self::NotLive { .. } => false,
        }
    }
}
