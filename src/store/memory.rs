//! Families in this process's memory.

use std::collections::{BTreeSet, BinaryHeap};
use std::ops::Bound;
use std::sync::Arc;

use dashmap::DashMap;
use dashmap::mapref::entry::Entry;

use super::{
    Advance, Create, Created, Cursor, Page, Purge, Replace, Revoke, Revoked, Scanned, Selected,
    Selector, Store, StoreError, Written,
};
use crate::family::Family;
use crate::token::FamilyId;

/// A store in memory: for one process, tests and examples. What it holds is gone when the process ends, so it
/// keeps S8 only for as long as the process lives.
///
/// No lock is held across an await point, and none of its futures ever waits.
#[derive(Debug, Default)]
pub struct MemoryStore {
    families: DashMap<FamilyId, Family>,
    by_subject: Index,
    by_client: Index,
}

type Index = DashMap<Arc<str>, BTreeSet<FamilyId>>;

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many families it holds.
    pub fn len(&self) -> usize {
        self.families.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// All families: what a backup would hold.
    #[cfg(feature = "testing")]
    pub fn snapshot(&self) -> Vec<Family> {
        self.families.iter().map(|family| family.clone()).collect()
    }

    /// Puts back a snapshot in place of all families: a restored backup, or a failover that lost writes.
    #[cfg(feature = "testing")]
    pub fn restore(&self, snapshot: Vec<Family>) {
        self.families.clear();
        self.by_subject.clear();
        self.by_client.clear();
        for family in snapshot {
            self.index(&family);
            self.families.insert(family.id, family);
        }
    }

    fn index(&self, family: &Family) {
        self.by_subject.entry(Arc::clone(&family.grant.subject)).or_default().insert(family.id);
        self.by_client.entry(Arc::clone(&family.grant.client)).or_default().insert(family.id);
    }

    fn unindex(&self, family: &Family) {
        for (index, name) in
            [(&self.by_subject, &family.grant.subject), (&self.by_client, &family.grant.client)]
        {
            if let Entry::Occupied(mut entry) = index.entry(Arc::clone(name)) {
                entry.get_mut().remove(&family.id);
                if entry.get().is_empty() {
                    entry.remove();
                }
            }
        }
    }

    /// The next ids that may match, from one index.
    fn candidates(&self, selector: &Selector, page: Page) -> Vec<FamilyId> {
        let (index, name) = match selector {
            Selector::Subject(subject) | Selector::SubjectAndClient(subject, _) => {
                (&self.by_subject, subject)
            }
            Selector::Client(client) => (&self.by_client, client),
        };
        let start = page.after.map_or(Bound::Unbounded, Bound::Excluded);
        index.get(&**name).map_or_else(Vec::new, |ids| {
            ids.range((start, Bound::Unbounded)).take(page.limit).copied().collect()
        })
    }

    /// The first ids of all after one, in order. Looks at every id: no index of them all slows down what is asked more often.
    fn following(&self, after: Option<FamilyId>, limit: usize) -> Vec<FamilyId> {
        let mut first = BinaryHeap::new();
        let ids = self.families.iter().map(|family| *family.key());
        for id in ids.filter(|id| after.is_none_or(|after| *id > after)) {
            if first.len() < limit {
                first.push(id);
            } else if let Some(mut last) = first.peek_mut()
                && id < *last
            {
                *last = id;
            }
        }
        first.into_sorted_vec()
    }
}

impl Store for MemoryStore {
    async fn create(&self, step: Create) -> Result<Created, StoreError> {
        match self.families.entry(step.family().id) {
            Entry::Vacant(slot) => slot.insert(step.family().clone()),
            Entry::Occupied(_) => return Ok(step.taken()),
        };
        self.index(step.family());
        Ok(step.created())
    }

    async fn load(&self, id: FamilyId) -> Result<Option<Family>, StoreError> {
        Ok(self.families.get(&id).map(|family| family.clone()))
    }

    async fn advance(&self, step: Advance) -> Result<Written, StoreError> {
        let Some(mut family) = self.families.get_mut(&step.family()) else {
            return Ok(step.declined(None));
        };
        let applied = step.apply(&mut family);
        let family = family.clone();
        Ok(if applied { step.committed(family) } else { step.declined(Some(family)) })
    }

    async fn revoke(&self, step: Revoke) -> Result<Revoked, StoreError> {
        let Some(mut family) = self.families.get_mut(&step.family()) else {
            return Ok(step.unknown());
        };
        // Not applied: it had ended before.
        let _ = step.apply(&mut family);
        Ok(step.ended(family.clone()))
    }

    async fn replace(&self, step: Replace) -> Result<Written, StoreError> {
        let Some(mut family) = self.families.get_mut(&step.next().id) else {
            return Ok(step.declined(None));
        };
        let applied = step.apply(&mut family);
        let family = family.clone();
        Ok(if applied { step.committed() } else { step.declined(Some(family)) })
    }

    async fn select(&self, selector: &Selector, page: Page) -> Result<Selected, StoreError> {
        let (mut families, mut after) = (Vec::new(), page.after);
        loop {
            let limit = page.limit - families.len();
            let candidates = self.candidates(selector, Page { after, limit });
            let Some(last) = candidates.last() else {
                return Ok(families);
            };
            after = Some(*last);
            let known = candidates.iter().filter_map(|id| Some(self.families.get(id)?.clone()));
            families.extend(known.filter(|family| selector.matches(family)).map(Ok));
        }
    }

    async fn purge(&self, step: Purge) -> Result<usize, StoreError> {
        let mut purged = 0;
        while purged < step.limit() {
            // One that cannot be is left (S7).
            let due = |family: &Family| step.is_due(family) && family.check().is_ok();
            let due_now = self.families.iter().filter(|family| due(family));
            let ids: Vec<FamilyId> = due_now.take(step.limit() - purged).map(|it| it.id).collect();
            if ids.is_empty() {
                break;
            }
            for id in ids {
                // Checked again under the entry's lock: a use may have moved the end meanwhile.
                let removed = self.families.remove_if(&id, |_, family| due(family));
                if let Some((_, family)) = removed {
                    self.unindex(&family);
                    // One of the same id may have been created, and indexed, in between.
                    let again = self.families.get(&id).map(|family| family.clone());
                    again.iter().for_each(|family| self.index(family));
                    purged += 1;
                }
            }
        }
        Ok(purged)
    }

    /// In the order of ids; none appears twice.
    async fn scan(&self, after: Option<Cursor>, limit: usize) -> Result<Scanned, StoreError> {
        let after = after.map(|cursor| cursor.id()).transpose()?;
        let ids = self.following(after, limit.max(1));
        let next = ids.last().filter(|_| ids.len() >= limit).map(|id| Cursor::after(*id));
        let known = ids.iter().filter_map(|id| Some(self.families.get(id)?.clone()));
        let families = known.map(|family| family.check().map(|()| family)).collect();
        Ok(Scanned { families, next })
    }
}
