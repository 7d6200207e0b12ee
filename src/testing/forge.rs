//! What only the holder of a key can make, and what only the engine can: for tests of stores.

use crate::family::{Family, Head, Revocation};
use crate::guard::Guard;
use crate::key::Key;
use crate::secret::{Digest, Secret};
use crate::store::{Advance, Create, Purge, Replace, Revoke};
use crate::time::Timestamp;
use crate::token::{FamilyId, Position, RefreshToken};

/// A token as only the holder of a key can make it: any place, any secret, the tag genuine.
///
/// For what cannot be reached in a test's lifetime, such as the last generation, and for what the holder of a
/// stolen key would try.
pub fn token(key: &Key, position: Position, secret: [u8; 32]) -> RefreshToken {
    RefreshToken::encode(key, position, &Secret::from_bytes(secret))
}

/// The digest of a secret.
pub fn digest(secret: [u8; 32]) -> Digest {
    Secret::from_bytes(secret).digest()
}

/// The step that inserts a family, any at all.
pub fn create(family: Family) -> Create {
    Create::new(family)
}

/// The step that replaces the head if the guard holds.
pub fn advance(guard: Guard, head: Head) -> Advance {
    Advance::new(guard, head)
}

/// The step that ends a family.
pub fn revoke(family: FamilyId, revocation: Revocation) -> Revoke {
    Revoke::new(family, revocation)
}

/// The step that replaces a family that has been seen; the version is counted up.
pub fn replace(seen: &Family, change: impl FnOnce(&mut Family)) -> Replace {
    Replace::new(seen, change)
}

/// The step that removes at most so many families that ended before an instant.
pub fn purge(ended_before: Timestamp, limit: usize) -> Purge {
    Purge::new(ended_before, limit)
}
