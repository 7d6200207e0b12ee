//! Foreign tokens: how a string that another system has minted becomes the first token of a family.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::{Digest as _, Sha256};

use crate::key::{Key, KeyError, Prefix, derive};
use crate::secret::{Digest, Secret};

/// The key from which the ids and secrets of adopted families are derived.
///
/// It is not one of the ring's and does not change with them: under another adoption key the same legacy token would be adopted once
/// more, into a second family. Keep it until the last legacy token has reached its end.
///
/// # Security
///
/// It redeems nothing: whoever has it still needs the legacy token, of which the SHA-256 is not enough. It keeps whoever reads ids in logs or in a database from testing guesses
/// of legacy tokens against them. What a legacy token lacks in entropy, no derivation adds: one that can be guessed can be
/// redeemed by whoever guesses it, as it could before. Set the date until which they are acceptable accordingly.
#[derive(Clone)]
pub struct AdoptionKey(Hmac<Sha256>);

impl AdoptionKey {
    /// A key from 32 bytes or more of uniformly random material.
    ///
    /// # Errors
    ///
    /// [`KeyError::AdoptionTooShort`].
    pub fn new(material: &[u8]) -> Result<Self, KeyError> {
        if material.len() < Key::MIN_LEN {
            return Err(KeyError::AdoptionTooShort);
        }
        Ok(Self(derive(material, "adoption", Prefix::DEFAULT)))
    }

    /// The bytes of a family's id, and the secret of its first token.
    pub(crate) fn derive(&self, legacy: &Legacy) -> ([u8; 16], Secret) {
        let labelled = |label: &[u8]| -> [u8; 32] {
            let mac = self.0.clone().chain_update(label).chain_update(legacy.0.as_bytes());
            mac.finalize().into_bytes().into()
        };
        let mut id = [0; 16];
        id.copy_from_slice(&labelled(b"id")[..16]);
        (id, Secret::from_bytes(labelled(b"secret")))
    }
}

impl fmt::Debug for AdoptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AdoptionKey(..)")
    }
}

/// A token of another system: any text, or the SHA-256 of it where the host has kept no more.
///
/// ```
/// use heirloom::adoption::Legacy;
///
/// let token = Legacy::token("8xLOxBtZp8")?;
/// # Ok::<(), heirloom::adoption::LegacyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Legacy(Digest);

impl Legacy {
    /// The longest legacy token, in bytes: 16 KiB.
    pub const MAX_LEN: usize = 16 * 1024;

    /// The token itself, as the client shows it: every byte counts, white space too.
    ///
    /// # Errors
    ///
    /// [`LegacyError`]: nothing, or more than [`MAX_LEN`](Self::MAX_LEN).
    pub fn token(text: &str) -> Result<Self, LegacyError> {
        match text.len() {
            0 => Err(LegacyError::Empty),
            len if len > Self::MAX_LEN => Err(LegacyError::TooLong { len }),
            _ => Ok(Self(Digest::from_bytes(Sha256::digest(text).into()))),
        }
    }

    /// The SHA-256 of the token's text. Where another hash was kept, the token can be adopted only when a client shows it.
    pub fn sha256(hash: [u8; 32]) -> Self {
        Self(Digest::from_bytes(hash))
    }
}

impl fmt::Debug for Legacy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Legacy(..)")
    }
}

/// A string that cannot be adopted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LegacyError {
    /// Nothing at all.
    #[error("an empty legacy token")]
    Empty,
    /// Longer than [`Legacy::MAX_LEN`].
    #[error("a legacy token of {len} bytes, and {max} are allowed", max = Legacy::MAX_LEN)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
}
