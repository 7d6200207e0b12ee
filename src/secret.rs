//! Byte strings that no log may show: each its own type, redacted; a secret is wiped on drop.

use std::fmt;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::entropy::{Entropy, EntropyError};

/// The 32 bytes that make a token redeemable. In memory only: what is stored is its [`Digest`].
pub(crate) struct Secret([u8; 32]);

impl Secret {
    pub(crate) const LEN: usize = 32;

    pub(crate) fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// A family's root secret.
    pub(crate) fn random(entropy: &impl Entropy) -> Result<Self, EntropyError> {
        let mut secret = Self([0; 32]);
        entropy.fill(&mut secret.0)?;
        Ok(secret)
    }

    pub(crate) fn digest(&self) -> Digest {
        Digest(Sha256::digest(self.0).into())
    }

    /// The way out, for tag and ratchet and the token's text.
    pub(crate) fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// SHA-256 of a token's secret: all of it that a store holds. Compared in constant time.
///
/// A digest redeems nothing (property P6); it is kept out of logs all the same.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest that a store holds.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Digest {
    /// Two words: byte by byte, the comparison would cost as much as the hash.
    fn words(&self) -> [u128; 2] {
        let (words, _) = self.0.as_chunks::<16>();
        [u128::from_ne_bytes(words[0]), u128::from_ne_bytes(words[1])]
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        let ([first, second], [other_first, other_second]) = (self.words(), other.words());
        (first.ct_eq(&other_first) & second.ct_eq(&other_second)).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(..)")
    }
}

/// The 16 fresh random bytes of one rotation, kept in the head until the next.
///
/// With the presented token and a key they make the successor again. None of the three does so without
/// the other two.
#[derive(Clone, Copy)]
pub struct Salt([u8; 16]);

impl Salt {
    /// The salt that a store holds.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn random(entropy: &impl Entropy) -> Result<Self, EntropyError> {
        let mut salt = Self([0; 16]);
        entropy.fill(&mut salt.0)?;
        Ok(salt)
    }
}

impl PartialEq for Salt {
    fn eq(&self, other: &Self) -> bool {
        u128::from_ne_bytes(self.0).ct_eq(&u128::from_ne_bytes(other.0)).into()
    }
}

impl Eq for Salt {}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt(..)")
    }
}
