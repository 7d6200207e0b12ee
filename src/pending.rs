//! A minted token, unreadable until a commit proves durable.

use crate::entropy::{Entropy, EntropyError};
use crate::family::{Family, Head, Predecessor};
use crate::key::Key;
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
}

impl Pending {
    /// The first token of a family, and its head.
    pub(crate) fn root(
        key: &Key,
        family: FamilyId,
        policy: &Policy,
        now: Timestamp,
        entropy: &impl Entropy,
    ) -> Result<(Self, Head), EntropyError> {
        let position = Position { family, branch: 0, generation: 0 };
        let pending = Self::mint(key, position, &Secret::random(entropy)?);
        let head = head(key, position, pending.digest, policy, now, None);
        Ok((pending, head))
    }

    /// The successor of a presented token, and the head that makes it the current one. `None` past the last
    /// generation.
    pub(crate) fn successor(
        key: &Key,
        presented: &Presented,
        policy: &Policy,
        now: Timestamp,
        entropy: &impl Entropy,
    ) -> Result<Option<(Self, Head)>, EntropyError> {
        let Some(position) = presented.successor() else {
            return Ok(None);
        };
        let salt = Salt::random(entropy)?;
        let pending = Self::mint(key, position, &presented.ratchet(key, &salt, position));
        let predecessor = Predecessor { digest: presented.digest(), salt, closed: false };
        let head = head(key, position, pending.digest, policy, now, Some(predecessor));
        Ok(Some((pending, head)))
    }

    /// The successor of the predecessor again, recomputed from it and what the head keeps. `None` when the head has
    /// none, which contradicts itself.
    pub(crate) fn again(key: &Key, presented: &Presented, family: &Family) -> Option<Self> {
        let salt = &family.head.predecessor.as_ref()?.salt;
        let position = family.position();
        Some(Self::mint(key, position, &presented.ratchet(key, salt, position)))
    }

    /// The token, for evidence that its digest is the current one of a committed family. `None`: it is not, and the
    /// token is gone.
    pub fn release(self, evidence: &Committed) -> Option<RefreshToken> {
        self.release_stored(evidence.family())
    }

    /// The token, for a family as the store returned it, which is durable by S2 and S3.
    pub(crate) fn release_stored(self, family: &Family) -> Option<RefreshToken> {
        (family.head.digest == self.digest).then_some(self.token)
    }

    fn mint(key: &Key, position: Position, secret: &Secret) -> Self {
        Self { token: RefreshToken::encode(key, position, secret), digest: secret.digest() }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending(..)")
    }
}

impl Head {
    /// The same head, made at another instant.
    pub(crate) fn at(&self, now: Timestamp, policy: &Policy) -> Self {
        Self {
            rotated_at: now,
            used_at: now,
            idle_expires_at: policy.idle().map(|idle| now.saturating_add(idle)),
            ..self.clone()
        }
    }
}

fn head(
    key: &Key,
    position: Position,
    digest: Digest,
    policy: &Policy,
    now: Timestamp,
    predecessor: Option<Predecessor>,
) -> Head {
    Head {
        generation: position.generation,
        digest,
        key: key.id(),
        rotated_at: now,
        used_at: now,
        idle_expires_at: policy.idle().map(|idle| now.saturating_add(idle)),
        predecessor,
    }
}
