//! Keys: who can mint a token. Domain separation, tag and ratchet.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::entropy::{Entropy, EntropyError};
use crate::secret::{Salt, Secret};

/// Length of a tag: HMAC-SHA-256, truncated.
pub(crate) const TAG_LEN: usize = 16;

/// The name of a key, part of every token that it tags. Never used twice for different keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct KeyId(u8);

impl KeyId {
    /// The id as it stands in a token.
    pub const fn new(id: u8) -> Self {
        Self(id)
    }

    /// The id as it stands in a token.
    pub const fn as_u8(self) -> u8 {
        self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a token begins with, so that secret scanners find it: 1 to 16 of `a-z` and `0-9`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    bytes: [u8; 16],
    len: u8,
}

impl Prefix {
    pub(crate) const MAX_LEN: usize = 16;

    /// `rt`.
    pub const DEFAULT: Self = Self { bytes: *b"rt\0\0\0\0\0\0\0\0\0\0\0\0\0\0", len: 2 };

    /// Checks a prefix.
    ///
    /// # Errors
    ///
    /// [`KeyError::Prefix`] unless it is 1 to 16 of `a-z` and `0-9`.
    pub fn new(text: &str) -> Result<Self, KeyError> {
        let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let len = u8::try_from(text.len()).map_err(|_| KeyError::Prefix)?;
        if !(1..=Self::MAX_LEN).contains(&text.len()) || !text.as_bytes().iter().all(allowed) {
            return Err(KeyError::Prefix);
        }
        let mut bytes = [0; 16];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes, len })
    }

    /// The prefix as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// One key: an id, the prefix of the tokens that it tags, and the sub-keys derived from its material.
///
/// The prefix belongs to the key, so that a token answered again after a lost response is the very same
/// string whatever has been configured since. To change the prefix, add a key.
#[derive(Clone)]
pub struct Key {
    id: KeyId,
    prefix: Prefix,
    tag: Hmac<Sha256>,
    ratchet: Hmac<Sha256>,
}

impl Key {
    /// The least material a key may be made from, in bytes.
    pub const MIN_LEN: usize = 32;

    /// A key with the prefix `rt`, from 32 bytes or more of uniformly random material.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`].
    pub fn new(id: u8, material: &[u8]) -> Result<Self, KeyError> {
        Self::with_prefix(id, Prefix::DEFAULT, material)
    }

    /// A key whose tokens begin with a prefix of the host's choice.
    ///
    /// # Errors
    ///
    /// [`KeyError::TooShort`].
    pub fn with_prefix(id: u8, prefix: Prefix, material: &[u8]) -> Result<Self, KeyError> {
        if material.len() < Self::MIN_LEN {
            return Err(KeyError::TooShort { id: KeyId(id) });
        }
        Ok(Self {
            id: KeyId(id),
            prefix,
            tag: derive(material, "tag", prefix),
            ratchet: derive(material, "ratchet", prefix),
        })
    }

    /// A key of fresh random material that lives only as long as the process: for examples and tests.
    ///
    /// # Errors
    ///
    /// When the source of randomness cannot deliver.
    pub fn random(id: u8, entropy: &impl Entropy) -> Result<Self, EntropyError> {
        let material = Secret::random(entropy)?;
        Ok(Self {
            id: KeyId(id),
            prefix: Prefix::DEFAULT,
            tag: derive(material.expose(), "tag", Prefix::DEFAULT),
            ratchet: derive(material.expose(), "ratchet", Prefix::DEFAULT),
        })
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// What the tokens of this key begin with.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// The tag over a token's bytes from key id to secret: 55 bytes, one block of SHA-256.
    pub(crate) fn tag(&self, message: &[u8]) -> [u8; TAG_LEN] {
        let mut mac = self.tag.clone();
        mac.update(message);
        let full: [u8; 32] = mac.finalize().into_bytes().into();
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&full[..TAG_LEN]);
        tag
    }

    /// Whether the tag is this key's, in constant time.
    pub(crate) fn verifies(&self, message: &[u8], tag: &[u8; TAG_LEN]) -> bool {
        u128::from_ne_bytes(self.tag(message)).ct_eq(&u128::from_ne_bytes(*tag)).into()
    }

    /// The successor's secret, from its predecessor's: 54 bytes, one block of SHA-256.
    pub(crate) fn ratchet(
        &self,
        predecessor: &Secret,
        salt: &Salt,
        branch: u16,
        generation: u32,
    ) -> Secret {
        let mut mac = self.ratchet.clone();
        mac.update(predecessor.expose());
        mac.update(salt.as_bytes());
        mac.update(&branch.to_be_bytes());
        mac.update(&generation.to_be_bytes());
        Secret::from_bytes(mac.finalize().into_bytes().into())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id.0)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A sub-key for one purpose. The label is ended by a zero byte, which no label or prefix contains.
pub(crate) fn derive(material: &[u8], purpose: &str, prefix: Prefix) -> Hmac<Sha256> {
    let mac = keyed(material)
        .chain_update("heirloom/1/")
        .chain_update(purpose)
        .chain_update([0])
        .chain_update(prefix.as_str());
    let subkey: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
    keyed(&*subkey)
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed(material: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(material).expect("HMAC takes a key of any length")
}

/// A key or a ring that cannot be. Never shows key material.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// Less than 32 bytes of material.
    #[error("key {id} is shorter than 32 bytes")]
    TooShort {
        /// The key.
        id: KeyId,
    },
    /// Less than 32 bytes of material for an [`AdoptionKey`](crate::AdoptionKey).
    #[error("the adoption key is shorter than 32 bytes")]
    AdoptionTooShort,
    /// Two keys with one id.
    #[error("key id {id} is taken")]
    Duplicate {
        /// The id.
        id: KeyId,
    },
    /// No such key in the ring.
    #[error("the ring has no key {id}")]
    Missing {
        /// The id.
        id: KeyId,
    },
    /// The active key cannot be removed: activate another first.
    #[error("key {id} is active")]
    Active {
        /// The id.
        id: KeyId,
    },
    /// A prefix that is not 1 to 16 of `a-z` and `0-9`.
    #[error("a prefix is 1 to 16 of a-z and 0-9")]
    Prefix,
    /// An entry that is not `id:key` or `id:prefix:key`.
    #[error(
        "entry {entry} is not id:key or id:prefix:key with the key in hexadecimal, 64 digits or more"
    )]
    Syntax {
        /// Which entry, from 1.
        entry: usize,
    },
    /// An environment variable that is missing, or not text.
    #[error("environment variable {name} is missing or not text")]
    Variable {
        /// Its name.
        name: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8) -> Key {
        Key::new(id, &[id; 32]).unwrap()
    }

    #[test]
    fn material_of_31_bytes_is_refused_and_of_32_taken() {
        assert_eq!(Key::new(1, &[7; 31]).unwrap_err(), KeyError::TooShort { id: KeyId(1) });
        assert!(Key::new(1, &[7; 32]).is_ok());
    }

    #[test]
    fn tags_of_two_prefixes_or_two_keys_differ() {
        let acme = Key::with_prefix(1, Prefix::new("acme").unwrap(), &[1; 32]).unwrap();
        assert_ne!(key(1).tag(b"message"), acme.tag(b"message"));
        assert_ne!(key(1).tag(b"message"), key(2).tag(b"message"));
    }

    #[test]
    fn prefixes_keep_to_their_alphabet_and_length() {
        for bad in ["", "A", "a_b", "a-b", "é", "abcdefghijklmnopq"] {
            assert_eq!(Prefix::new(bad).unwrap_err(), KeyError::Prefix, "{bad:?}");
        }
        assert_eq!(Prefix::new("abcdefghijklmnop").unwrap().as_str(), "abcdefghijklmnop");
    }
}
