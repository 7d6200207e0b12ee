//! What the engine hands a store, and the evidence that the store makes of it.

use crate::family::{Family, Head, Revocation, Status};
use crate::guard::Guard;
use crate::time::Timestamp;
use crate::token::FamilyId;

/// A new family, to be inserted.
#[derive(Debug)]
#[must_use]
pub struct Create(Family);

impl Create {
    pub(crate) fn new(family: Family) -> Self {
        Self(family)
    }

    /// The family to insert.
    pub fn family(&self) -> &Family {
        &self.0
    }

    /// The family was inserted, durably.
    pub fn created(self) -> Created {
        Created::New(Committed(self.0))
    }

    /// The id was taken, and nothing was written.
    pub fn taken(self) -> Created {
        Created::Taken
    }
}

/// The answer to [`Create`].
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once; a box would be an allocation per issue")]
pub enum Created {
    /// Inserted.
    New(Committed),
    /// The id was taken.
    Taken,
}

/// A rotation: the next head, and the guard under which it may be written.
#[derive(Debug)]
#[must_use]
pub struct Advance {
    guard: Guard,
    head: Head,
}

impl Advance {
    pub(crate) fn new(guard: Guard, head: Head) -> Self {
        Self { guard, head }
    }

    /// The same step once more: for a store of two, of which the first has declined it.
    pub(crate) fn again(&self) -> Self {
        Self { guard: self.guard.clone(), head: self.head.clone() }
    }

    /// The family to advance.
    pub fn family(&self) -> FamilyId {
        self.guard.position.family
    }

    /// The condition.
    pub fn guard(&self) -> &Guard {
        &self.guard
    }

    /// What to write if it holds.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Takes the step on a family if the guard holds on it, and says whether it does. For a store that reads and
    /// writes under a lock.
    #[must_use]
    pub fn apply(&self, family: &mut Family) -> bool {
        let holds = self.guard.holds(family);
        if holds {
            family.head = self.head.clone();
            family.version = family.version.saturating_add(1);
        }
        holds
    }

    /// The guard held and the head was replaced, durably; the family as it is now.
    pub fn committed(self, family: Family) -> Written {
        Written::Committed(Committed(family))
    }

    /// The guard did not hold; the family as it is durably committed, if there is one.
    pub fn declined(self, family: Option<Family>) -> Written {
        Written::Declined(family)
    }
}

/// A compare-and-swap of a whole family.
#[derive(Debug)]
#[must_use]
pub struct Replace {
    next: Family,
}

impl Replace {
    /// The next state of a family that has been seen.
    pub(crate) fn new(seen: &Family, change: impl FnOnce(&mut Family)) -> Self {
        let mut next = seen.clone();
        change(&mut next);
        next.version = seen.version.saturating_add(1);
        Self { next }
    }

    /// As [`Advance::again`].
    pub(crate) fn again(&self) -> Self {
        Self { next: self.next.clone() }
    }

    /// Takes the step on a family if it lives and its version is the expected one, and says whether it is. For a store that reads
    /// and writes under a lock.
    #[must_use]
    pub fn apply(&self, family: &mut Family) -> bool {
        let live = family.status == Status::Live;
        let unchanged = live && family.version == self.expected_version();
        if unchanged {
            *family = self.next.clone();
        }
        unchanged
    }

    /// The version that the stored family must have.
    pub fn expected_version(&self) -> u64 {
        self.next.version - 1
    }

    /// What to write if it has; its version is one more.
    pub fn next(&self) -> &Family {
        &self.next
    }

    /// The family was replaced, durably.
    pub fn committed(self) -> Written {
        Written::Committed(Committed(self.next))
    }

    /// The version was another; the family as it is durably committed, if there is one.
    pub fn declined(self, family: Option<Family>) -> Written {
        Written::Declined(family)
    }
}

/// The answer to [`Advance`] and [`Replace`].
#[derive(Debug)]
pub enum Written {
    /// The condition held, and the write is durable.
    Committed(Committed),
    /// The condition did not hold; the family as it is durably committed, if there is one.
    Declined(Option<Family>),
}

/// The end of a family.
#[derive(Debug)]
#[must_use]
pub struct Revoke {
    family: FamilyId,
    revocation: Revocation,
}

impl Revoke {
    pub(crate) fn new(family: FamilyId, revocation: Revocation) -> Self {
        Self { family, revocation }
    }

    /// As [`Advance::again`].
    pub(crate) fn again(&self) -> Self {
        Self { family: self.family, revocation: self.revocation.clone() }
    }

    /// The family to end.
    pub fn family(&self) -> FamilyId {
        self.family
    }

    /// What to write, unless the family has ended before.
    pub fn revocation(&self) -> &Revocation {
        &self.revocation
    }

    /// Takes the step on a family unless it has ended before, and says whether it was taken. For a store that reads
    /// and writes under a lock.
    #[must_use]
    pub fn apply(&self, family: &mut Family) -> bool {
        let live = family.status == Status::Live;
        if live {
            family.status = Status::Revoked(self.revocation.clone());
            family.version = family.version.saturating_add(1);
        }
        live
    }

    /// The family is ended, durably; as it is now. It was ended by this call if it shows this very revocation: by this
    /// step, or by an earlier one of the same call whose answer was lost.
    pub fn ended(self, family: Family) -> Revoked {
        match &family.status {
            Status::Revoked(revocation) if *revocation == self.revocation => {
                Revoked::ByThisCall(Committed(family))
            }
            Status::Revoked(_) | Status::Live => Revoked::Before(family),
        }
    }

    /// There is no such family.
    pub fn unknown(self) -> Revoked {
        Revoked::Unknown
    }
}

/// The answer to [`Revoke`].
#[derive(Debug)]
pub enum Revoked {
    /// This step ended the family.
    ByThisCall(Committed),
    /// It had ended before.
    Before(Family),
    /// There is no such family.
    Unknown,
}

/// Evidence that a step was carried out: made only by consuming one.
#[derive(Debug)]
pub struct Committed(Family);

impl Committed {
    /// The family as the step left it.
    pub fn family(&self) -> &Family {
        &self.0
    }

    pub(crate) fn into_family(self) -> Family {
        self.0
    }
}

/// The removal of what ended long ago.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Purge {
    ended_before: Timestamp,
    limit: usize,
}

impl Purge {
    pub(crate) fn new(ended_before: Timestamp, limit: usize) -> Self {
        Self { ended_before, limit }
    }

    /// Only what ended before this instant: now, less the retention.
    pub fn ended_before(&self) -> Timestamp {
        self.ended_before
    }

    /// At most so many.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Whether a family may go.
    pub fn is_due(&self, family: &Family) -> bool {
        family.ended_at().is_some_and(|end| end < self.ended_before)
    }
}
