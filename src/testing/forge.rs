//! What only the holder of a key can make.

use crate::key::Key;
use crate::secret::{Digest, Secret};
use crate::token::{Position, RefreshToken};

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
