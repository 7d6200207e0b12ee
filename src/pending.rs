//! A minted token, unreadable until a commit proves durable.

use crate::entropy::{Entropy, EntropyError};
use crate::family::{Family, Head, Predecessor, Status};
use crate::key::{Key, KeyId};
use crate::policy::Policy;
use crate::secret::{Digest, Salt, Secret};
use crate::store::Committed;
use crate::time::Timestamp;
use crate::token::{FamilyId, Position, Presented, RefreshToken};

/// A token that no one may see yet.
///
/// It has no accessor: the only way out takes evidence that a store holds the token's digest as the current one.
#[must_use]
pub struct Pending {
    token: RefreshToken,
    digest: Digest,
    key: KeyId,
    generation: u32,
    predecessor: Option<Predecessor>,
}

impl Pending {
    /// The first token of a family.
    pub(crate) fn root(
        key: &Key,
        family: FamilyId,
        entropy: &impl Entropy,
    ) -> Result<Self, EntropyError> {
        let position = Position { family, branch: 0, generation: 0 };
        Ok(Self::mint(key, position, &Secret::random(entropy)?, None))
    }

    /// The successor of a presented token. `None` past the last generation.
    pub(crate) fn successor(
        key: &Key,
        presented: &Presented,
        entropy: &impl Entropy,
    ) -> Result<Option<Self>, EntropyError> {
        let Some(position) = presented.successor() else {
            return Ok(None);
        };
        let salt = Salt::random(entropy)?;
        let secret = presented.ratchet(key, &salt, position);
        let predecessor = Predecessor { digest: presented.digest(), salt, closed: false };
        Ok(Some(Self::mint(key, position, &secret, Some(predecessor))))
    }

    /// The successor of the predecessor again, recomputed from it and what the head keeps. `None` when the head has
    /// none, which contradicts itself.
    pub(crate) fn again(key: &Key, presented: &Presented, family: &Family) -> Option<Self> {
        let predecessor = family.head.predecessor.as_ref()?;
        let position = family.position();
        let secret = presented.ratchet(key, &predecessor.salt, position);
        Some(Self::mint(key, position, &secret, Some(predecessor.clone())))
    }

    /// The head that makes this token the current one.
    pub(crate) fn head(&self, policy: &Policy, now: Timestamp) -> Head {
        Head {
            generation: self.generation,
            digest: self.digest,
            key: self.key,
            rotated_at: now,
            used_at: now,
            idle_expires_at: policy.idle().map(|idle| now.saturating_add(idle)),
            predecessor: self.predecessor.clone(),
        }
    }

    /// Whether a family's current token is this one: it lives, can repeat it, and the leeway has not been closed since.
    pub(crate) fn is_current_in(&self, family: &Family) -> bool {
        family.status == Status::Live
            && family.head.digest == self.digest
            && family.head.predecessor == self.predecessor
    }

    /// The token, for evidence that it is the current one of a committed family. `None`: it is not, and is gone.
    pub fn release(self, evidence: &Committed) -> Option<RefreshToken> {
        self.release_stored(evidence.family())
    }

    /// The token, for a family as the store returned it, which is durable by S2 and S3.
    pub(crate) fn release_stored(self, family: &Family) -> Option<RefreshToken> {
        self.is_current_in(family).then_some(self.token)
    }

    fn mint(key: &Key, at: Position, secret: &Secret, predecessor: Option<Predecessor>) -> Self {
        let token = RefreshToken::encode(key, at, secret);
        let (digest, key, generation) = (secret.digest(), key.id(), at.generation);
        Self { token, digest, key, generation, predecessor }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending(..)")
    }
}
