//! The key ring: which keys mint and which are accepted.

use std::fmt;

use zeroize::Zeroizing;

use crate::adoption::AdoptionKey;
use crate::key::{Key, KeyError, KeyId, Prefix};

/// The keys that this engine accepts, and the one that it mints with.
///
/// To change keys without a logout: [`accept`](KeyRing::accept) the new key on every node, then
/// [`activate`](KeyRing::activate) it, and drop the old one when the families that still show it have
/// rotated or expired. A ring is a value; [`Engine::set_keys`](crate::Engine::set_keys) swaps it under load.
#[derive(Clone)]
pub struct KeyRing {
    active: Key,
    others: Vec<Key>,
    adoption: Option<AdoptionKey>,
}

impl KeyRing {
    /// A ring with one key, which is active.
    pub fn new(active: Key) -> Self {
        Self { active, others: Vec::new(), adoption: None }
    }

    /// The same ring, accepting one more key.
    ///
    /// # Errors
    ///
    /// [`KeyError::Duplicate`] when the id is taken.
    pub fn accept(mut self, key: Key) -> Result<Self, KeyError> {
        if self.key(key.id()).is_some() {
            return Err(KeyError::Duplicate { id: key.id() });
        }
        self.others.push(key);
        Ok(self)
    }

    /// The same ring, minting with another of its keys.
    ///
    /// # Errors
    ///
    /// [`KeyError::Missing`] when the ring has no such key.
    pub fn activate(mut self, id: u8) -> Result<Self, KeyError> {
        if self.active.id() == KeyId::new(id) {
            return Ok(self);
        }
        match self.others.iter_mut().find(|key| key.id() == KeyId::new(id)) {
            Some(key) => std::mem::swap(&mut self.active, key),
            None => return Err(KeyError::Missing { id: KeyId::new(id) }),
        }
        Ok(self)
    }

    /// The same ring without a key that is not active; its tokens are refused as
    /// [`UnknownKey`](crate::Refusal::UnknownKey) from then on.
    ///
    /// # Errors
    ///
    /// [`KeyError::Active`], or [`KeyError::Missing`] when the ring has no such key.
    pub fn remove(mut self, id: u8) -> Result<Self, KeyError> {
        if self.active.id() == KeyId::new(id) {
            return Err(KeyError::Active { id: KeyId::new(id) });
        }
        let before = self.others.len();
        self.others.retain(|key| key.id() != KeyId::new(id));
        if self.others.len() == before {
            return Err(KeyError::Missing { id: KeyId::new(id) });
        }
        Ok(self)
    }

    /// The same ring, accepting adopted tokens of other systems: a string that none of its keys has tagged is then looked
    /// for in the store, at the cost of one read for each.
    #[must_use]
    pub fn with_adoption(mut self, key: AdoptionKey) -> Self {
        self.adoption = Some(key);
        self
    }

    /// Reads a ring from text: `id:key` or `id:prefix:key`, separated by commas, the active one first, each
    /// key as 64 hexadecimal digits or more (`openssl rand -hex 32`).
    ///
    /// ```
    /// # use heirloom::KeyRing;
    /// let new = "6f1c".repeat(16);
    /// let old = "d30a".repeat(16);
    /// let ring = KeyRing::from_text(&format!("2:acme:{new},1:{old}"))?;
    /// assert_eq!(ring.active().prefix().as_str(), "acme");
    /// # Ok::<(), heirloom::key::KeyError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`KeyError::Syntax`] with the position of the entry, never its text; and as [`Key::new`] and
    /// [`KeyRing::accept`].
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut keys =
            text.split(',').enumerate().map(|(index, entry)| parse_key(index + 1, entry));
        let active = keys.next().unwrap_or(Err(KeyError::Syntax { entry: 1 }))?;
        keys.try_fold(Self::new(active), |ring, key| ring.accept(key?))
    }

    /// Reads a ring from an environment variable, in the form of [`KeyRing::from_text`].
    ///
    /// # Errors
    ///
    /// [`KeyError::Variable`] when it is missing or not text, else as [`KeyRing::from_text`].
    pub fn from_env(name: &str) -> Result<Self, KeyError> {
        match std::env::var(name) {
            Ok(text) => Self::from_text(&Zeroizing::new(text)),
            Err(_) => Err(KeyError::Variable { name: name.to_owned() }),
        }
    }

    /// The key that mints.
    pub fn active(&self) -> &Key {
        &self.active
    }

    /// The key of adopted families, if foreign tokens are accepted.
    pub fn adoption(&self) -> Option<&AdoptionKey> {
        self.adoption.as_ref()
    }

    /// The key with this id, if the ring accepts it.
    pub fn key(&self, id: KeyId) -> Option<&Key> {
        std::iter::once(&self.active).chain(&self.others).find(|key| key.id() == id)
    }

    /// Whether any key of the ring has this prefix.
    pub(crate) fn knows_prefix(&self, prefix: Prefix) -> bool {
        std::iter::once(&self.active).chain(&self.others).any(|key| key.prefix() == prefix)
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("active", &self.active)
            .field("others", &self.others)
            .field("adoption", &self.adoption)
            .finish()
    }
}

fn parse_key(entry: usize, text: &str) -> Result<Key, KeyError> {
    let syntax = KeyError::Syntax { entry };
    let (id, rest) = text.trim().split_once(':').ok_or(syntax)?;
    let id: u8 = id.parse().map_err(|_| KeyError::Syntax { entry })?;
    let (prefix, hex) = match rest.split_once(':') {
        Some((prefix, hex)) => (Prefix::new(prefix)?, hex),
        None => (Prefix::DEFAULT, rest),
    };
    Key::with_prefix(id, prefix, &unhex(hex).ok_or(KeyError::Syntax { entry })?)
}

fn unhex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let nibble =
        |digit: u8| char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len() / 2));
    for pair in text.as_bytes().chunks(2) {
        let &[high, low] = pair else { return None };
        bytes.push(nibble(high)? << 4 | nibble(low)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(id: u8) -> Key {
        Key::new(id, &[id; 32]).unwrap()
    }

    #[test]
    fn activating_swaps_and_keeps_accepting_the_old_key() {
        let ring = KeyRing::new(key(1)).accept(key(2)).unwrap().activate(2).unwrap();
        assert_eq!(ring.active().id(), KeyId::new(2));
        assert!(ring.key(KeyId::new(1)).is_some());
        assert_eq!(ring.clone().remove(2).unwrap_err(), KeyError::Active { id: KeyId::new(2) });
        assert!(ring.remove(1).unwrap().key(KeyId::new(1)).is_none());
    }

    #[test]
    fn an_id_is_never_taken_twice() {
        let twice = KeyRing::new(key(1)).accept(key(1)).unwrap_err();
        assert_eq!(twice, KeyError::Duplicate { id: KeyId::new(1) });
    }

    #[test]
    fn bad_ring_text_is_refused_by_its_position() {
        let good = "ab".repeat(32);
        for (text, error) in [
            (String::new(), KeyError::Syntax { entry: 1 }),
            (format!("1:{good},"), KeyError::Syntax { entry: 2 }),
            (format!("256:{good}"), KeyError::Syntax { entry: 1 }),
            (format!("1:{good}a"), KeyError::Syntax { entry: 1 }),
            (format!("1:{good},2:zz{good}"), KeyError::Syntax { entry: 2 }),
            (format!("1:UP:{good}"), KeyError::Prefix),
            ("1:abcd".to_owned(), KeyError::TooShort { id: KeyId::new(1) }),
            (format!("1:{good},1:{good}"), KeyError::Duplicate { id: KeyId::new(1) }),
        ] {
            assert_eq!(KeyRing::from_text(&text).unwrap_err(), error, "{text}");
        }
    }
}
