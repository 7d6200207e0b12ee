//! An observer that looks into the store: what it hears of must be durable, and it must hear of it once.

use std::sync::Mutex;

use heirloom::event::Attribution;
use heirloom::family::{Family, Status};
use heirloom::{Event, EventKind, FamilyId, Observer, Store};
use pollster::block_on;

use crate::support::Disk;

pub struct Witness {
    store: Disk,
    heard: Mutex<Vec<Event>>,
}

impl Witness {
    pub fn new(store: Disk) -> Self {
        Self { store, heard: Mutex::default() }
    }

    /// What was heard since the last look.
    pub fn take(&self) -> Vec<Event> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

impl Observer for Witness {
    fn observe(&self, event: &Event) {
        let stored = event.about.as_ref().and_then(|about| stored(&self.store, about.family));
        if let Some(about) = &event.about {
            assert!(is_durable(event.kind, about, &stored.unwrap()), "{event:?}");
        }
        self.heard.lock().unwrap().push(event.clone());
    }
}

/// Whether the store holds what is reported of a family.
fn is_durable(kind: EventKind, about: &Attribution, stored: &Family) -> bool {
    match kind {
        EventKind::Issued
        | EventKind::Rotated
        | EventKind::Replayed { .. }
        | EventKind::Kept
        | EventKind::Renewed { .. }
        | EventKind::Forked { .. }
        | EventKind::Recovered
        | EventKind::Adopted
        | EventKind::GrantChanged
        | EventKind::ClockBehind { .. } => {
            stored.head_of(about.branch).is_some_and(|head| head.generation >= about.generation)
        }
        EventKind::Revoked(reason) => is_revoked(stored, |was| was == reason),
        EventKind::RelatedLeft => {
            is_revoked(stored, |was| matches!(was, heirloom::Reason::Reuse(_)))
        }
        EventKind::Refused { why, .. } if why.ended_family() => is_revoked(stored, |_| true),
        EventKind::Refused { .. } => true,
        other => panic!("not about a family: {other:?}"),
    }
}

fn is_revoked(family: &Family, reason: impl Fn(heirloom::Reason) -> bool) -> bool {
    matches!(&family.status, Status::Revoked(revocation) if reason(revocation.reason))
}

/// A family as it is stored, past all faults.
pub fn stored(store: &Disk, id: FamilyId) -> Option<Family> {
    block_on(store.inner().load(id)).expect("a store that works")
}
