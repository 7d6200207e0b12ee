//! The token's text, both ways.
//!
//! `<prefix>_<base64url, unpadded>` of 72 bytes: format version (1), key id (1), family id (16), branch (2),
//! generation (4, big endian), secret (32), tag (16). 96 characters, so no slack bits.

use std::fmt;
use std::str::FromStr;

use base64ct::{Base64UrlUnpadded, Encoding};
use uuid::Uuid;
use zeroize::{Zeroize, Zeroizing};

use crate::adoption::{AdoptionKey, Legacy};
use crate::entropy::{Entropy, EntropyError};
use crate::key::{Key, KeyId, Prefix, TAG_LEN};
use crate::ring::KeyRing;
use crate::secret::{Digest, Salt, Secret};
use crate::time::Timestamp;

const FORMAT: u8 = 1;
const LEN: usize = 72;
const TEXT_LEN: usize = LEN / 3 * 4;
const SECRET: std::ops::Range<usize> = TAGGED.end - Secret::LEN..TAGGED.end;
/// What the tag is over: key id to secret.
const TAGGED: std::ops::Range<usize> = 1..LEN - TAG_LEN;

/// The id of a family: a UUIDv7 (RFC 9562 section 5.7), so that indexes stay compact and any node can route by it. That of
/// an adopted family is a UUIDv8 (section 5.8), derived from its legacy token.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FamilyId(Uuid);

impl FamilyId {
    pub(crate) fn random(now: Timestamp, entropy: &impl Entropy) -> Result<Self, EntropyError> {
        let mut random = [0; 10];
        entropy.fill(&mut random)?;
        Ok(Self(uuid::Builder::from_unix_timestamp_millis(now.as_millis(), &random).into_uuid()))
    }

    /// The id of the family that a legacy token is adopted into.
    pub(crate) fn derived(bytes: [u8; 16]) -> Self {
        Self(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// Whether it is that of an adopted family.
    pub fn is_derived(&self) -> bool {
        self.0.get_version_num() == 8
    }

    /// The id that a store holds.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }

    /// The bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        self.0.as_bytes()
    }
}

impl fmt::Display for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for FamilyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Reads the hyphenated form that `Display` writes.
impl FromStr for FamilyId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Uuid::parse_str(text).map(Self)
    }
}

/// Which of a family's chains, and how far along it: what a token says of itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    /// The family.
    pub family: FamilyId,
    /// The branch: 0, unless a leeway has forked.
    pub branch: u16,
    /// The position in the chain, from 0.
    pub generation: u32,
}

/// A refresh token to hand to a client: the only thing that redeems, and the only copy.
///
/// Neither shown by `Debug` nor comparable nor cloneable; wiped on drop.
#[must_use = "a token that is not sent to the client is lost"]
pub struct RefreshToken(Zeroizing<String>);

impl RefreshToken {
    /// Writes a token: only the engine does, and only into a [`Pending`](crate::pending::Pending).
    pub(crate) fn encode(key: &Key, at: Position, secret: &Secret) -> Self {
        let mut bytes = [0; LEN];
        bytes[0] = FORMAT;
        bytes[1] = key.id().as_u8();
        bytes[2..18].copy_from_slice(at.family.as_bytes());
        bytes[18..20].copy_from_slice(&at.branch.to_be_bytes());
        bytes[20..24].copy_from_slice(&at.generation.to_be_bytes());
        bytes[SECRET].copy_from_slice(secret.expose());
        let tag = key.tag(&bytes[TAGGED]);
        bytes[TAGGED.end..].copy_from_slice(&tag);

        let prefix = key.prefix();
        let start = prefix.as_bytes().len() + 1;
        let mut text = Vec::with_capacity(start + TEXT_LEN);
        text.extend_from_slice(prefix.as_bytes());
        text.push(b'_');
        text.resize(start + TEXT_LEN, 0);
        // Neither can fail: the rest has exactly the length that 72 bytes take, and all of it is ASCII.
        let encoded = Base64UrlUnpadded::encode(&bytes, &mut text[start..]).is_ok();
        bytes[SECRET].zeroize();
        Self(Zeroizing::new(String::from_utf8(text).ok().filter(|_| encoded).unwrap_or_default()))
    }

    /// The token's text: to be sent to the client over TLS, and kept nowhere else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Takes the text out, for a response type that wants a `String`. It is no longer wiped on drop.
    pub fn into_exposed(mut self) -> String {
        std::mem::take(&mut *self.0)
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RefreshToken(..)")
    }
}

/// A string of the right form; nothing is proved yet.
pub struct Parsed {
    prefix: Prefix,
    bytes: [u8; LEN],
}

impl Parsed {
    /// Parses a token without an allocation and without I/O. Only the very string that was minted parses:
    /// no padding, no white space, no second spelling.
    ///
    /// # Errors
    ///
    /// [`Malformed`], decided by the length before anything is decoded.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let prefix_len = match text.len().checked_sub(TEXT_LEN + 1) {
            _ if text.is_empty() => return Err(Malformed::Empty),
            Some(len @ 1..=Prefix::MAX_LEN) => len,
            _ => return Err(Malformed::Length),
        };
        let (prefix, rest) = text.split_at_checked(prefix_len).ok_or(Malformed::Prefix)?;
        let prefix = Prefix::new(prefix).map_err(|_| Malformed::Prefix)?;
        let body = rest.strip_prefix('_').ok_or(Malformed::Prefix)?;
        let mut parsed = Self { prefix, bytes: [0; LEN] };
        match Base64UrlUnpadded::decode(body, &mut parsed.bytes) {
            Ok(decoded) if decoded.len() == LEN => {}
            _ => return Err(Malformed::Encoding),
        }
        if parsed.bytes[0] != FORMAT {
            return Err(Malformed::Version);
        }
        Ok(parsed)
    }

    /// What the string claims to begin with.
    pub fn prefix(&self) -> Prefix {
        self.prefix
    }

    /// The key that the string claims to be tagged with.
    pub fn key(&self) -> KeyId {
        KeyId::new(self.bytes[1])
    }

    /// The place in a family that the string claims.
    pub fn position(&self) -> Position {
        Position {
            family: FamilyId::from_bytes(self.field(2)),
            branch: u16::from_be_bytes(self.field(18)),
            generation: u32::from_be_bytes(self.field(20)),
        }
    }

    /// The text again. The same as was parsed: the form is canonical.
    pub fn to_text(&self) -> String {
        let mut encoded = Zeroizing::new([0; TEXT_LEN]);
        let body = Base64UrlUnpadded::encode(&self.bytes, &mut *encoded).unwrap_or_default();
        format!("{}_{body}", self.prefix.as_str())
    }

    fn field<const N: usize>(&self, start: usize) -> [u8; N] {
        let mut field = [0; N];
        field.copy_from_slice(&self.bytes[start..start + N]);
        field
    }
}

impl Drop for Parsed {
    fn drop(&mut self) {
        self.bytes[SECRET].zeroize();
    }
}

impl fmt::Debug for Parsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed")
            .field("prefix", &self.prefix)
            .field("key", &self.key())
            .field("position", &self.position())
            .finish_non_exhaustive()
    }
}

/// A token that this engine's keys have tagged: the first of its two locks is open.
///
/// Made only by [`Presented::verify`], so whoever holds one knows that the string was minted here; or, where foreign tokens are
/// adopted, from a string that may have been. Whether it is the live token is for [`decide`](crate::decide::decide), by its
/// digest.
pub struct Presented {
    position: Position,
    secret: Secret,
    digest: Digest,
}

impl Presented {
    /// Parses a string and checks its tag. No allocation, no I/O.
    ///
    /// # Errors
    ///
    /// [`Unminted`]: the string is not one that a key of this ring made.
    pub fn verify(text: &str, keys: &KeyRing) -> Result<Self, Unminted> {
        let parsed = Parsed::parse(text)?;
        if !keys.knows_prefix(parsed.prefix) {
            return Err(Unminted::Malformed(Malformed::ForeignPrefix));
        }
        let key = keys.key(parsed.key()).ok_or(Unminted::UnknownKey(parsed.key()))?;
        let tag = parsed.field(TAGGED.end);
        if key.prefix() != parsed.prefix || !key.verifies(&parsed.bytes[TAGGED], &tag) {
            return Err(Unminted::Forged);
        }
        // The first token of an adopted family is the legacy one: none was ever minted for its place.
        let Position { family, generation, .. } = parsed.position();
        if family.is_derived() && generation == 0 {
            return Err(Unminted::Forged);
        }
        let secret = Secret::from_bytes(parsed.field(SECRET.start));
        Ok(Self { position: parsed.position(), digest: secret.digest(), secret })
    }

    /// A string that is no token of ours, as the first token of the family that it would be adopted into.
    pub(crate) fn adopted(legacy: &Legacy, key: &AdoptionKey) -> Self {
        let (id, secret) = key.derive(legacy);
        let position = Position { family: FamilyId::derived(id), branch: 0, generation: 0 };
        Self { position, digest: secret.digest(), secret }
    }

    /// The token's place in its family.
    pub fn position(&self) -> Position {
        self.position
    }

    /// The digest of the token's secret.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The place of the token's successor, unless this is the last generation.
    pub(crate) fn successor(&self) -> Option<Position> {
        let generation = self.position.generation.checked_add(1)?;
        Some(Position { generation, ..self.position })
    }

    /// The secret of the token's successor: the same for the same key and salt.
    pub(crate) fn ratchet(&self, key: &Key, salt: &Salt, successor: Position) -> Secret {
        key.ratchet(&self.secret, salt, successor.branch, successor.generation)
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Presented").field("position", &self.position).finish_non_exhaustive()
    }
}

/// Why a string cannot be a token of this format, whatever the keys.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Malformed {
    /// Nothing at all: the parameter is missing or empty.
    #[error("empty")]
    Empty,
    /// Shorter or longer than any token.
    #[error("wrong length")]
    Length,
    /// Does not begin with a prefix and an underscore.
    #[error("no prefix")]
    Prefix,
    /// A prefix that no key of the ring has: another system's token.
    #[error("foreign prefix")]
    ForeignPrefix,
    /// Not unpadded base64url.
    #[error("not base64url")]
    Encoding,
    /// A format version that this release does not know.
    #[error("unknown format version")]
    Version,
}

/// Why a string is not one of ours; found without asking any store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unminted {
    /// Not of the form.
    #[error("malformed: {0}")]
    Malformed(#[from] Malformed),
    /// Tagged, or claimed to be, with a key that the ring does not have.
    #[error("key {0} is not in the ring")]
    UnknownKey(KeyId),
    /// Of the form, but the tag is wrong: altered, or made up.
    #[error("forged")]
    Forged,
}
