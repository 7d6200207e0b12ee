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
/// It has no accessor: the only way out takes evidence that a store holds the token's digest as the current one of its branch.
#[must_use]
pub struct Pending {
    token: RefreshToken,
    digest: Digest,
    key: KeyId,
    position: Position,
    /// The presented token's digest, and the salt that makes this one from it.
    origin: Option<(Digest, Salt)>,
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

    /// A successor of a presented token, for a place of the next generation.
    pub(crate) fn successor(
        key: &Key,
        presented: &Presented,
        position: Position,
        entropy: &impl Entropy,
    ) -> Result<Self, EntropyError> {
        let salt = Salt::random(entropy)?;
        let secret = presented.ratchet(key, &salt, position);
        Ok(Self::mint(key, position, &secret, Some((presented.digest(), salt))))
    }

    /// The successor of the predecessor again, recomputed from it and what the head keeps. `None` when there is nothing
    /// to make it from, which contradicts itself.
    pub(crate) fn again(key: &Key, presented: &Presented, head: &Head) -> Option<Self> {
        let predecessor = head.predecessor.as_ref()?;
        let position = presented.successor()?;
        let secret = presented.ratchet(key, &predecessor.salt, position);
        Some(Self::mint(key, position, &secret, Some((predecessor.digest, predecessor.salt))))
    }

    /// The place that it was minted for.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// The head that makes this token the current one.
    pub(crate) fn head(&self, policy: &Policy, now: Timestamp) -> Head {
        let made_of = |(digest, salt)| Predecessor {
            digest,
            salt,
            closed: false,
            replays: 0,
            displaced: false,
        };
        Head {
            generation: self.position.generation,
            digest: self.digest,
            key: self.key,
            rotated_at: now,
            used_at: now,
            idle_expires_at: policy.idle().map(|idle| now.saturating_add(idle)),
            predecessor: self.origin.map(made_of),
            displaced: false,
        }
    }

    /// Puts this token in the place of the current one, the other successor of the same predecessor. The leeway and the idle
    /// end stay as they are: they began with the first use.
    pub(crate) fn displace(&self, head: &mut Head) {
        head.digest = self.digest;
        head.key = self.key;
        head.displaced = true;
        if let (Some(predecessor), Some((_, salt))) = (&mut head.predecessor, self.origin) {
            predecessor.salt = salt;
            predecessor.replays = predecessor.replays.saturating_add(1);
        }
    }

    /// Whether its branch's current token is this one: the family lives, can repeat it, and the leeway has not been closed
    /// since.
    pub(crate) fn is_current_in(&self, family: &Family) -> bool {
        let Some(head) = family.head_of(self.position.branch) else {
            return false;
        };
        let origin = match &head.predecessor {
            Some(predecessor) if predecessor.closed => return false,
            predecessor => predecessor.as_ref().map(|it| (it.digest, it.salt)),
        };
        family.status == Status::Live && head.digest == self.digest && origin == self.origin
    }

    /// The token, for evidence that it is the current one of a committed family. `None`: it is not, and is gone.
    pub fn release(self, evidence: &Committed) -> Option<RefreshToken> {
        self.release_stored(evidence.family())
    }

    /// The token, for a family as the store returned it, which is durable by S2 and S3.
    pub(crate) fn release_stored(self, family: &Family) -> Option<RefreshToken> {
        self.is_current_in(family).then_some(self.token)
    }

    fn mint(
        key: &Key,
        position: Position,
        secret: &Secret,
        origin: Option<(Digest, Salt)>,
    ) -> Self {
        let token = RefreshToken::encode(key, position, secret);
        Self { token, digest: secret.digest(), key: key.id(), position, origin }
    }
}

impl std::fmt::Debug for Pending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pending(..)")
    }
}
