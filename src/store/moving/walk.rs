//! Many families: walks that move, selections and scans of both stores.

use std::collections::BTreeMap;

use super::MovingStore;
use super::place::{Pulled, moved_at};
use crate::family::{Family, Impossible};
use crate::store::concurrent::all;
use crate::store::{
    Cursor, CursorError, Page, Scanned, Selected, Selector, Store, StoreError, StoreErrorKind,
};
use crate::time::Clock;
use crate::token::FamilyId;

/// What a cursor begins with: whose turn it is.
const OLD: u8 = 0;
const NEW: u8 = 1;

type Found = Result<Family, Impossible>;

/// A page of a walk that moves.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct MovedPage {
    /// How many families this page has moved, ended ones too.
    pub moved: usize,
    /// Those that were marked too long ago and are not in the new store: their move was cut short, or they were moved, ended and
    /// purged there.
    pub lapsed: Vec<FamilyId>,
    /// Those whose records cannot be: left where they are.
    pub impossible: Vec<Impossible>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

impl<O: Store, N: Store, C: Clock> MovingStore<O, N, C> {
    /// Moves a page of the old store's families, ended ones too, from the first or a cursor on. A walk that finds nothing to
    /// move is the sign that all have.
    ///
    /// The cursor is the old store's, not one of [`scan`](Store::scan).
    ///
    /// # Errors
    ///
    /// [`StoreError`] of either store. What was moved stays moved; call again with the same cursor.
    pub async fn move_page(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<MovedPage, StoreError> {
        let Scanned { families, next } = self.old.scan(after, limit).await?;
        let mut page = MovedPage { moved: 0, lapsed: Vec::new(), impossible: Vec::new(), next };
        let mut seen = Vec::with_capacity(families.len());
        for found in families {
            match found {
                Ok(family) => seen.push(family),
                Err(impossible) => page.impossible.push(impossible),
            }
        }
        for pulled in all(seen.into_iter().map(|family| self.moved(family))).await? {
            match pulled {
                Ok(Pulled::Now) => page.moved += 1,
                Ok(Pulled::Before) => {}
                Ok(Pulled::Lapsed(family)) => page.lapsed.push(family.id),
                Err(impossible) => page.impossible.push(impossible),
            }
        }
        Ok(page)
    }

    /// What matches in both stores, in one order: of what is in both, the new one's.
    pub(super) async fn select_both(
        &self,
        selector: &Selector,
        page: Page,
    ) -> Result<Selected, StoreError> {
        // The old one first: what moves between the two reads is in the second.
        let old = self.old.select(selector, page).await?;
        let new = self.new.select(selector, page).await?;
        let mut merged: BTreeMap<_, _> =
            new.into_iter().map(|found| (id_of(&found), found)).collect();
        let only_old = old.into_iter().filter(|found| !merged.contains_key(&id_of(found)));
        // None is left out: a page that was full must not look like the last one.
        for found in all(only_old.map(|found| self.shown(found))).await? {
            merged.insert(id_of(&found), found);
        }
        Ok(merged.into_values().take(page.limit.max(1)).collect())
    }

    pub(super) async fn scan_both(
        &self,
        after: Option<Cursor>,
        limit: usize,
    ) -> Result<Scanned, StoreError> {
        let (store, after) = match after.as_ref().map(Cursor::as_bytes) {
            None => (OLD, None),
            Some([NEW]) => (NEW, None),
            Some([store @ (OLD | NEW), rest @ ..]) => (*store, Some(cursor(rest)?)),
            Some(_) => return Err(StoreError::unusable(CursorError::Foreign)),
        };
        if store == NEW {
            let Scanned { families, next } = self.new.scan(after, limit).await?;
            let next = next.map(|next| tagged(NEW, next.as_bytes())).transpose()?;
            return Ok(Scanned { families, next });
        }
        let Scanned { families, next } = self.old.scan(after, limit).await?;
        let left = all(families.into_iter().map(|found| self.left(found))).await?;
        let next = match next {
            Some(next) => tagged(OLD, next.as_bytes())?,
            None => tagged(NEW, &[])?,
        };
        Ok(Scanned { families: left.into_iter().flatten().collect(), next: Some(next) })
    }

    async fn moved(&self, family: Family) -> Result<Result<Pulled, Impossible>, StoreError> {
        refused(self.pull(&family).await)
    }

    /// A family of the old store as it is to be selected.
    async fn shown(&self, found: Found) -> Result<Found, StoreError> {
        match found {
            Ok(family) if moved_at(&family).is_some() => refused(self.current(family).await),
            found => Ok(found),
        }
    }

    /// A family of the old store as it is to be scanned; `None`: its turn comes in the new one.
    async fn left(&self, found: Found) -> Result<Option<Found>, StoreError> {
        match found {
            Ok(family) if moved_at(&family).is_some() => Ok(match self.moved(family).await? {
                Ok(Pulled::Lapsed(family)) => Some(Ok(*family)),
                Ok(Pulled::Now | Pulled::Before) => None,
                Err(impossible) => Some(Err(impossible)),
            }),
            found => Ok(Some(found)),
        }
    }
}

/// A record that cannot be hides no other (S9).
fn refused<T>(answer: Result<T, StoreError>) -> Result<Result<T, Impossible>, StoreError> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(error) => match error.kind() {
            StoreErrorKind::Impossible(impossible) => Ok(Err(impossible)),
            StoreErrorKind::Unavailable | StoreErrorKind::Conflict | StoreErrorKind::Unusable => {
                Err(error)
            }
        },
    }
}

fn id_of(found: &Found) -> FamilyId {
    match found {
        Ok(family) => family.id,
        Err(impossible) => impossible.family,
    }
}

fn tagged(store: u8, after: &[u8]) -> Result<Cursor, StoreError> {
    cursor(&[&[store], after].concat())
}

fn cursor(bytes: &[u8]) -> Result<Cursor, StoreError> {
    Cursor::new(bytes).map_err(StoreError::unusable)
}
