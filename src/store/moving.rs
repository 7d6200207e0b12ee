//! Two stores while families move from the old one to the new one, and clients go on.
//!
//! A family moves whole, on its first use or when a walk comes to it: the record in the old store is durably marked
//! [`Reason::Moved`](crate::Reason::Moved) before the one in the new store exists. No write in flight in the old store comes after
//! the mark (S4), so none is lost; and the marked record keeps all that the family was, so that anybody finishes a move that was
//! cut short. A move changes nothing of a family, not even its version.
//!
//! # In this order, without a moment's outage
//!
//! 1. Every node is given [`MovingStore::following`]. Families stay where they are, new ones are made in the old store.
//! 2. When **every** node follows, every node is given [`MovingStore::pulling`], one after the other. Families move as they are
//!    used, new ones are made in the new store. A node that still had the old store alone would refuse what has moved, as
//!    [`Revoked(Moved)`](crate::Refusal::Revoked) and never as a breach, and could not end it.
//! 3. When every node pulls and no adoption in bulk runs any more, one process walks the rest over with
//!    [`move_page`](MovingStore::move_page), to the end, again until a walk has moved none. It can be cut off and begun again
//!    anywhere. Begin it within [`GRACE`] of step 2, or walk once a day: each walk finishes what was cut short.
//! 4. Every node is given the new store alone. The old one goes, its backups with it.
//!
//! # Rules
//!
//! *Retention*: at least twice [`GRACE`] on every node (the engine's default of 7 days is more) until no node has a `MovingStore`. Redis lets go of what has ended by itself: give a new store there
//! a `keep` of at least twice the grace, a longer one included. A move
//! that was cut short is finished within [`GRACE`]; later its family is refused as `Revoked(Moved)`, because the new store may have
//! ended and purged it meanwhile, and to move it again would revive it. Through a `MovingStore` nothing is purged from the new store before twice that time, and
//! nothing from the old one before once. If families were left behind all the same (a walk says so: [`MovedPage::lapsed`]), the
//! user signs in again; or an operator walks once with a longer [`with_grace`](MovingStore::with_grace). One that is ended meanwhile is ended in
//! the new store, and no walk brings it back.
//!
//! *A restored backup of the old store* does not know what has moved. A node that pulls asks the new store first and is not misled; one
//! that follows is: end the families in the backup first, or let every node pull.
//!
//! *Back again*: purge the store that they came from until it holds nothing that is marked, or take a third. A family is not moved into
//! a store that has it marked: that is an error ([`MovedBack`]), and nothing is lost.
//!
//! *New ids*: two nodes in different stages that create a family of the same id at once may both be told that they did. Engines
//! draw ids at random, and those of adopted families are created in the old store in both stages, so it takes two imports: import into one store.
//!
//! *Cost*: a use of what is where a node looks first takes one store's round trips; of what is in the other store, two or three more. A
//! move is four, once. A page of a selection or a scan asks both, and looks up what has moved.

mod place;
mod walk;

pub use place::MovedBack;
pub use walk::MovedPage;

use std::time::Duration;

use self::place::{Place, moved_at};
use super::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::family::Family;
use crate::time::{Clock, SystemClock};
use crate::token::FamilyId;

/// For how long a move that was cut short is finished, unless it is [said otherwise](MovingStore::with_grace): a day.
pub const GRACE: Duration = Duration::from_secs(86_400);

/// Two stores as one: see the [module](self).
///
/// ```
/// # use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Policy};
/// # use heirloom::store::{MovingStore, Store};
/// # pollster::block_on(async {
/// # let (old, new) = (MemoryStore::new(), MemoryStore::new());
/// # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
/// # let node = Engine::new(&old, keys, Policy::default());
/// # for _ in 0..3 {
/// #     node.issue(Grant::new("alice", "web-app")).await?;
/// # }
/// let moving = MovingStore::pulling(&old, &new);
/// loop {
///     let (mut after, mut moved) = (None, 0);
///     loop {
///         let page = moving.move_page(after, 1000).await?;
///         moved += page.moved;
///         after = page.next;
///         if after.is_none() {
///             break;
///         }
///     }
///     if moved == 0 {
///         break;
///     }
/// }
/// # assert_eq!(new.len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
#[derive(Debug)]
pub struct MovingStore<O, N, C = SystemClock> {
    old: O,
    new: N,
    clock: C,
    stage: Stage,
    grace: Duration,
}

/// What a node does with a family that is still in the old store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// It works on it there, and goes to the new store for what others have moved.
    Following,
    /// It moves it, then works on it in the new store.
    Pulling,
}

impl<O: Store, N: Store> MovingStore<O, N> {
    /// A node that follows.
    pub fn following(old: O, new: N) -> Self {
        Self { old, new, clock: SystemClock, stage: Stage::Following, grace: GRACE }
    }

    /// A node that pulls. Every node must follow, or pull, already.
    pub fn pulling(old: O, new: N) -> Self {
        Self { old, new, clock: SystemClock, stage: Stage::Pulling, grace: GRACE }
    }
}

impl<O: Store, N: Store, C: Clock> MovingStore<O, N, C> {
    /// The same with another clock: the engine's.
    pub fn with_clock<D: Clock>(self, clock: D) -> MovingStore<O, N, D> {
        let Self { old, new, clock: _, stage, grace } = self;
        MovingStore { old, new, clock, stage, grace }
    }

    /// The same, finishing moves that were cut short within another length of time than [`GRACE`], and purging accordingly later.
    ///
    /// # Security
    ///
    /// It must be shorter than the shortest retention that the new store has ever been purged with. Else a family that was
    /// ended and purged there can be moved once more, and lives again.
    #[must_use]
    pub fn with_grace(self, grace: Duration) -> Self {
        Self { grace, ..self }
    }

    /// What this node does with families in the old store.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The old store.
    pub fn old(&self) -> &O {
        &self.old
    }

    /// The new store.
    pub fn new_store(&self) -> &N {
        &self.new
    }

    /// Where to try again what a store has declined for want of the family; `None`: the answer stands.
    async fn elsewhere(&self, id: FamilyId, answer: &Written) -> Result<Option<Place>, StoreError> {
        let is_here = match answer {
            Written::Committed(_) => true,
            Written::Declined(family) => family.as_ref().is_some_and(|it| moved_at(it).is_none()),
        };
        if is_here { Ok(None) } else { self.find(id).await.map(Some) }
    }
}

impl<O: Store, N: Store, C: Clock> Store for MovingStore<O, N, C> {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        let id = step.family().id;
        // For an adopted family the old store is the arbiter until all have moved: whoever adopts, in whichever stage, meets
        // there.
        if self.stage == Stage::Following || id.is_derived() {
            return match self.new.load(id).await? {
                Some(_) => Ok(step.taken()),
                None => self.old.create(step).await,
            };
        }
        match self.old.load(id).await? {
            Some(_) => Ok(step.taken()),
            None => self.new.create(step).await,
        }
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        if self.stage == Stage::Pulling
            && let Some(family) = self.new.load(id).await?
        {
            return Ok(Some(family));
        }
        match self.find(id).await? {
            Place::Old(family) | Place::Lapsed(family) => Ok(Some(*family)),
            Place::New => self.new.load(id).await,
        }
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let first = match self.stage {
            Stage::Following => self.old.advance(step.again()).await?,
            Stage::Pulling => self.new.advance(step.again()).await?,
        };
        match self.elsewhere(step.family(), &first).await? {
            None => Ok(first),
            Some(Place::Lapsed(family)) => Ok(step.declined(Some(*family))),
            Some(Place::Old(_)) => self.old.advance(step).await,
            Some(Place::New) => self.new.advance(step).await,
        }
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let first = match self.stage {
            Stage::Following => self.old.replace(step.again()).await?,
            Stage::Pulling => self.new.replace(step.again()).await?,
        };
        match self.elsewhere(step.next().id, &first).await? {
            None => Ok(first),
            Some(Place::Lapsed(family)) => Ok(step.declined(Some(*family))),
            Some(Place::Old(_)) => self.old.replace(step).await,
            Some(Place::New) => self.new.replace(step).await,
        }
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let first = match self.stage {
            Stage::Following => self.old.revoke(step.again()).await?,
            Stage::Pulling => self.new.revoke(step.again()).await?,
        };
        match &first {
            Revoked::Unknown => {}
            Revoked::Before(family) if moved_at(family).is_some() => {}
            Revoked::ByThisCall(_) | Revoked::Before(_) => return Ok(first),
        }
        match self.find(step.family()).await? {
            Place::Lapsed(family) => self.end_lapsed(step, *family).await,
            Place::Old(_) => self.old.revoke(step).await,
            Place::New => self.new.revoke(step).await,
        }
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        self.select_both(selector, page).await
    }

    /// The old store's families, then the new one's. One that moves during the walk may appear twice.
    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        self.scan_both(after, limit).await
    }

    /// The old store's first. What has moved counts once in each store.
    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let now = self.clock.now();
        let no_later = |end| step.ended_before().min(end);
        // An ended family may be what a move has yet to bring over, or what keeps one from being brought over again.
        let old = Purge::new(no_later(now.saturating_sub(self.grace)), step.limit());
        let removed = self.old.purge(old).await?;
        if removed >= step.limit() {
            return Ok(removed);
        }
        let end = now.saturating_sub(self.grace.saturating_mul(2));
        let new = Purge::new(no_later(end), step.limit() - removed);
        Ok(removed + self.new.purge(new).await?)
    }
}
