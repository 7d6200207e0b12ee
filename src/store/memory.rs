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
            let entry = self.families.entry(family.id);
            self.index(&family);
            entry.insert(family);
        }
    }

    /// Under the lock of the family's entry, always: who sees a family, or its id free, finds the indexes so too.
    fn index(&self, family: &Family) {
        self.by_subject.entry(Arc::clone(&family.grant.subject)).or_default().insert(family.id);
        self.by_client.entry(Arc::clone(&family.grant.client)).or_default().insert(family.id);
    }

    /// As [`index`](Self::index).
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
            Entry::Vacant(slot) => {
                self.index(step.family());
                slot.insert(step.family().clone());
            }
            Entry::Occupied(_) => return Ok(step.taken()),
        }
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
                if let Entry::Occupied(entry) = self.families.entry(id)
                    && due(entry.get())
                {
                    self.unindex(entry.get());
                    entry.remove();
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

#[cfg(test)]
mod tests {
    use std::thread;

    use dashmap::try_result::TryResult;
    use pollster::block_on;

    use super::*;
    use crate::family::{Branches, Head, Reason, Revocation, Status};
    use crate::grant::Grant;
    use crate::key::KeyId;
    use crate::secret::Digest;
    use crate::time::Timestamp;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn family() -> Family {
        let head = Head {
            generation: 0,
            digest: Digest::from_bytes([1; 32]),
            key: KeyId::new(1),
            rotated_at: START,
            used_at: START,
            idle_expires_at: None,
            predecessor: None,
            displaced: false,
        };
        Family {
            id: FamilyId::from_bytes([7; 16]),
            version: 1,
            grant: Grant::new("alice", "app").into(),
            created_at: START,
            expires_at: None,
            kept_until: None,
            status: Status::Live,
            head,
            branches: Branches::default(),
        }
    }

    /// Runs something on another thread, and looks at a family's entry while it is stopped at the index of the client, the last of
    /// the two. An index is locked as a whole shard.
    fn stopped_at_the_last_index(
        store: &MemoryStore,
        work: impl FnOnce() + Send,
        is_under_way: impl Fn() -> bool,
        mut look: impl FnMut(TryResult<dashmap::mapref::one::Ref<'_, FamilyId, Family>>),
    ) {
        let index = store.by_client.entry(Arc::from("app"));
        thread::scope(|scope| {
            scope.spawn(work);
            while !is_under_way() {
                thread::yield_now();
            }
            for _ in 0..10_000 {
                look(store.families.try_get(&family().id));
                thread::yield_now();
            }
            drop(index);
        });
    }

    fn is_indexed(store: &MemoryStore) -> bool {
        !matches!(store.by_subject.try_get("alice"), TryResult::Absent)
    }

    /// A worker had inserted a family and not indexed it yet. Another one knew of it (it adopted the same legacy token), a logout
    /// everywhere did not find it, and it was refreshed afterwards.
    #[test]
    fn who_sees_a_family_finds_it_in_every_index() {
        let store = MemoryStore::new();
        let create = || drop(block_on(store.create(Create::new(family()))));
        stopped_at_the_last_index(
            &store,
            create,
            || is_indexed(&store),
            |seen| assert!(!matches!(seen, TryResult::Present(_)), "seen, and not indexed"),
        );
        let selected =
            block_on(store.select(&Selector::client("app"), Page { after: None, limit: 2 }));
        assert_eq!(selected.unwrap().len(), 1);
    }

    /// A purge had removed a family and not its entries yet: one of the same id that was created meanwhile lost its own.
    #[test]
    fn an_id_is_free_when_its_entries_are_gone() {
        let store = MemoryStore::new();
        let mut ended = family();
        let reason = Reason::Logout;
        ended.status = Status::Revoked(Revocation { at: START, reason, call: 1 });
        drop(block_on(store.create(Create::new(ended))));
        let later = Timestamp::from_millis(2_000_000);
        let purge = || assert_eq!(block_on(store.purge(Purge::new(later, 1))).unwrap(), 1);
        stopped_at_the_last_index(
            &store,
            purge,
            || !is_indexed(&store),
            |seen| assert!(!matches!(seen, TryResult::Absent), "free, and still indexed"),
        );
        assert!(store.is_empty() && store.by_client.is_empty());
    }
}
