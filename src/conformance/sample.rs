//! Families that nobody else has: random ids and names, and one virtual time.

use std::sync::Arc;
use std::time::Duration;

use crate::entropy::{Entropy, EntropyError, OsEntropy};
use crate::family::{Branch, Branches, Family, Head, Predecessor, Reason, Revocation, Status};
use crate::grant::Grant;
use crate::guard::Guard;
use crate::key::KeyId;
use crate::policy::Ends;
use crate::secret::{Digest, Salt};
use crate::testing::SeededEntropy;
use crate::time::Timestamp;
use crate::token::{FamilyId, Position};

/// The present of the kit, in 2001.
pub(super) const NOW: Timestamp = Timestamp::from_millis(1_000_000_000_000);

/// What ended before this is removed by the clauses that purge: 1970-01-02T03:46:40Z.
pub const PURGED_BEFORE: Timestamp = Timestamp::from_millis(100_000_000);

pub(super) const MINUTE: u64 = 60_000;
pub(super) const HOUR: u64 = 60 * MINUTE;
pub(super) const DAY: u64 = 24 * HOUR;

/// The last number that every store holds exactly: 2^53 - 1.
pub(super) const MAX: u64 = Timestamp::MAX.as_millis();

/// So many milliseconds after an instant.
pub(super) fn after(instant: Timestamp, millis: u64) -> Timestamp {
    instant.saturating_add(Duration::from_millis(millis))
}

/// So many milliseconds before an instant.
pub(super) fn before(instant: Timestamp, millis: u64) -> Timestamp {
    instant.saturating_sub(Duration::from_millis(millis))
}

/// Edits the grant of a family.
pub(super) fn grant(family: &mut Family) -> &mut Grant {
    Arc::make_mut(&mut family.grant)
}

/// Makes families. Every one is of another id, subject and client.
pub(super) struct Sample(SeededEntropy);

impl Sample {
    pub(super) fn new() -> Result<Self, EntropyError> {
        let mut seed = [0; 8];
        OsEntropy.fill(&mut seed)?;
        Ok(Self(SeededEntropy::new(u64::from_ne_bytes(seed))))
    }

    pub(super) fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        // The seeded generator always delivers.
        let _ = self.0.fill(&mut bytes);
        bytes
    }

    /// A number below a bound that is not zero.
    pub(super) fn below(&self, bound: usize) -> usize {
        usize::from(u16::from_ne_bytes(self.bytes())) % bound
    }

    pub(super) fn shuffle<T>(&self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.below(last + 1));
        }
    }

    pub(super) fn id(&self) -> FamilyId {
        FamilyId::from_bytes(self.bytes())
    }

    /// A word that occurs nowhere else.
    pub(super) fn word(&self, kind: &str) -> String {
        format!("{kind}-{:016x}", u64::from_ne_bytes(self.bytes()))
    }

    pub(super) fn digest(&self) -> Digest {
        Digest::from_bytes(self.bytes())
    }

    pub(super) fn predecessor(&self) -> Predecessor {
        let salt = Salt::from_bytes(self.bytes());
        Predecessor { digest: self.digest(), salt, closed: false, replays: 0, displaced: false }
    }

    /// A live family in the middle of its life, with an absolute and an idle end.
    pub(super) fn family(&self) -> Family {
        let grant = Grant::new(&self.word("user"), &self.word("app"));
        let grant = grant.scope("read write").resource("https://api.example/");
        Family {
            id: self.id(),
            version: 3,
            grant: Arc::new(grant.attribute("acr", "2")),
            created_at: before(NOW, HOUR),
            expires_at: Some(after(NOW, DAY)),
            kept_until: None,
            status: Status::Live,
            head: Head {
                generation: 2,
                digest: self.digest(),
                key: KeyId::new(1),
                rotated_at: before(NOW, 10 * MINUTE),
                used_at: before(NOW, 10 * MINUTE),
                idle_expires_at: Some(after(NOW, HOUR)),
                predecessor: Some(self.predecessor()),
                displaced: false,
            },
            branches: Branches::default(),
        }
    }

    /// So many branches beside the first, each with the ends of a head.
    pub(super) fn branches(&self, head: &Head, live: u16) -> Branches {
        let branch = |number| Branch {
            number,
            origin: number / 2,
            born: head.generation,
            head: Head {
                digest: self.digest(),
                predecessor: Some(self.predecessor()),
                ..head.clone()
            },
        };
        Branches { made: live, live: (1..=live).map(branch).collect() }
    }

    /// What follows a head that is used at an instant.
    pub(super) fn next_head(&self, head: &Head, now: Timestamp) -> Head {
        let predecessor = Predecessor { digest: head.digest, ..self.predecessor() };
        Head {
            generation: head.generation.saturating_add(1),
            digest: self.digest(),
            key: KeyId::new(2),
            rotated_at: now,
            used_at: now,
            idle_expires_at: now.checked_add(Duration::from_millis(HOUR)),
            predecessor: Some(predecessor),
            displaced: false,
        }
    }

    /// An end of a family, by a call of its own.
    pub(super) fn revocation(&self, reason: Reason) -> Revocation {
        Revocation { at: NOW, reason, call: u64::from_ne_bytes(self.bytes()) >> 11 }
    }
}

/// A guard that holds on a family, unless it is dead or has ended.
pub(super) fn guard(family: &Family) -> Guard {
    Guard {
        position: Position { family: family.id, branch: 0, generation: family.head.generation },
        digest: family.head.digest,
        client: (*family.grant.client).into(),
        binding: family.grant.binding,
        now: NOW,
        ends: Ends::Stored,
        idle: None,
        absolute: None,
        version: None,
    }
}

/// The family as an advance that commits leaves it.
pub(super) fn advanced(family: &Family, head: &Head) -> Family {
    Family { head: head.clone(), version: family.version + 1, ..family.clone() }
}

/// The family as a revocation leaves it that is the first.
pub(super) fn ended(family: &Family, revocation: &Revocation) -> Family {
    let status = Status::Revoked(revocation.clone());
    Family { status, version: family.version + 1, ..family.clone() }
}
