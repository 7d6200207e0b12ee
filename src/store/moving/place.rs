//! Where a family is, and how it moves.

use super::{MovingStore, Stage};
use crate::family::{Family, Reason, Revocation, Status};
use crate::store::{Create, Created, Revoke, Revoked, Store, StoreError};
use crate::time::{Clock, Timestamp};
use crate::token::FamilyId;

/// A family that would be moved into the store that it has been moved out of.
///
/// It stays where it is, and clients go on there. The store that it came from still has its record, marked as moved.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("family {family} was moved out of this store before: purge what is marked as moved first")]
pub struct MovedBack {
    /// The family.
    pub family: FamilyId,
}

/// Where a family is.
pub(super) enum Place {
    /// In the old store, for a node that follows; as it was found.
    Old(Box<Family>),
    /// In the new store, or nowhere.
    New,
    /// Marked as moved so long ago that the new store may have forgotten it, and not there: the marked record.
    Lapsed(Box<Family>),
}

/// What has come of a move.
pub(super) enum Pulled {
    /// This call has moved the family.
    Now,
    /// Another one has; or it is gone.
    Before,
    /// As [`Place::Lapsed`].
    Lapsed(Box<Family>),
}

impl<O: Store, N: Store, C: Clock> MovingStore<O, N, C> {
    /// Where a family is now: moved first if this node pulls, and if its move was cut short.
    pub(super) async fn find(&self, id: FamilyId) -> Result<Place, StoreError> {
        let Some(family) = self.old.load(id).await? else {
            return Ok(Place::New);
        };
        if self.stage == Stage::Following && moved_at(&family).is_none() {
            return Ok(Place::Old(Box::new(family)));
        }
        Ok(match self.pull(&family).await? {
            Pulled::Now | Pulled::Before => Place::New,
            Pulled::Lapsed(family) => Place::Lapsed(family),
        })
    }

    /// Moves a family that was seen in the old store, or finishes its move.
    pub(super) async fn pull(&self, seen: &Family) -> Result<Pulled, StoreError> {
        let (family, marked_now) = match &seen.status {
            Status::Revoked(_) => (seen.clone(), false),
            Status::Live => match self.mark(seen).await? {
                Revoked::ByThisCall(committed) => (committed.into_family(), true),
                Revoked::Before(family) => (family, false),
                Revoked::Unknown => return Ok(Pulled::Before),
            },
        };
        if !marked_now && self.is_lapsed(&family) {
            return Ok(match self.new.load(family.id).await? {
                Some(_) => Pulled::Before,
                None => Pulled::Lapsed(Box::new(family)),
            });
        }
        let family = as_it_was(family);
        family.check()?;
        Ok(match self.new.create(Create::new(family)).await? {
            Created::New(_) => Pulled::Now,
            Created::Taken => Pulled::Before,
        })
    }

    /// What a family is now that the old store has marked as moved.
    pub(super) async fn current(&self, marked: Family) -> Result<Family, StoreError> {
        match self.pull(&marked).await? {
            Pulled::Lapsed(family) => Ok(*family),
            // Purged from the new store meanwhile: it was moved, and that is still true.
            Pulled::Now | Pulled::Before => Ok(self.new.load(marked.id).await?.unwrap_or(marked)),
        }
    }

    /// Ends a family whose move has lapsed: as it was, in the new store, so that no later move brings it back to life.
    pub(super) async fn end_lapsed(
        &self,
        step: Revoke,
        marked: Family,
    ) -> Result<Revoked, StoreError> {
        let mut family = as_it_was(marked);
        family.check()?;
        // It lives, before it is marked.
        let _ = step.apply(&mut family);
        match self.new.create(Create::new(family.clone())).await? {
            Created::New(_) => Ok(step.ended(family)),
            Created::Taken => self.new.revoke(step).await,
        }
    }

    /// Marks a live family as moved.
    async fn mark(&self, seen: &Family) -> Result<Revoked, StoreError> {
        let id = seen.id;
        seen.check()?;
        // Both stores would have it as moved, and neither as a family.
        if self.new.load(id).await?.as_ref().is_some_and(|there| moved_at(there).is_some()) {
            return Err(StoreError::unusable(MovedBack { family: id }));
        }
        let revocation = Revocation { at: self.clock.now(), reason: Reason::Moved, call: 0 };
        self.old.revoke(Revoke::new(id, revocation)).await
    }

    /// Whether a family was marked so long ago that it may have been ended and purged in the new store since.
    fn is_lapsed(&self, family: &Family) -> bool {
        let now = self.clock.now();
        moved_at(family).is_some_and(|at| now.saturating_since(at) >= self.grace)
    }
}

/// When a family was marked as moved.
pub(super) fn moved_at(family: &Family) -> Option<Timestamp> {
    match &family.status {
        Status::Revoked(revocation) if revocation.is_move() => Some(revocation.at),
        Status::Revoked(_) | Status::Live => None,
    }
}

/// A family before it was marked: the mark is one write (S4), and counted the version up by one.
fn as_it_was(family: Family) -> Family {
    match moved_at(&family) {
        Some(_) => {
            Family { status: Status::Live, version: family.version.saturating_sub(1), ..family }
        }
        None => family,
    }
}
