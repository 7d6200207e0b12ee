//! The store against the history: what was acknowledged is there, and nothing else.

use std::time::Duration;

use heirloom::family::{Family, Reason, Status};
use heirloom::store::Store;
use heirloom::token::FamilyId;

use super::facts::{Facts, digest};
use super::history::{History, Rule};
use super::place::{Failure, Place};

impl History {
    /// Loads every family from the store, opened anew. No call may be under way.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub async fn compare(&mut self, place: &Place) -> Result<(), Failure> {
        let store = place.open().await?;
        let families: Vec<FamilyId> = self.families.keys().copied().collect();
        for id in families {
            let stored = store.load(id).await?;
            self.see(id, stored.as_ref());
        }
        Ok(())
    }

    /// One family as it is stored. A rotation that no client has heard of is remembered: a retry must be answered with
    /// that successor.
    pub fn see(&mut self, id: FamilyId, stored: Option<&Family>) {
        let facts = &self.families[&id];
        let difference = match stored {
            None => Some("it is lost"),
            Some(stored) => head_differs(facts, stored).or_else(|| self.end_differs(id, stored)),
        };
        if let Some(what) = difference {
            return self.violate(Rule::Stored, Some(id), format!("{what}: {stored:?}"));
        }
        let head = stored.map(|stored| &stored.head);
        let unheard = head.filter(|head| head.generation > facts.generation());
        if let Some(head) = unheard {
            self.totals.unheard += 1;
            self.facts(id).unseen = Some((head.generation, head.digest));
        }
    }

    fn end_differs(&self, id: FamilyId, stored: &Family) -> Option<&'static str> {
        let facts = &self.families[&id];
        match &stored.status {
            Status::Live if facts.ended_at.is_some() => Some("an acknowledged revocation is lost"),
            Status::Live => None,
            Status::Revoked(_) if !self.may_have_ended(id, Duration::MAX) => {
                Some("nobody ended it")
            }
            Status::Revoked(end) => match end.reason {
                Reason::Reuse(_) if !facts.stolen => Some("a breach without a thief"),
                Reason::Diverged => Some("diverged, and nothing was lost"),
                _ => None,
            },
        }
    }
}

fn head_differs(facts: &Facts, stored: &Family) -> Option<&'static str> {
    let (head, generation) = (&stored.head, facts.generation());
    let held = digest(facts.token(generation));
    if head.generation < generation {
        return Some("an acknowledged rotation is lost");
    }
    if head.generation == generation {
        return (head.digest != held).then_some("another token is current");
    }
    let of_held = head.predecessor.as_ref().is_some_and(|it| it.digest == held);
    let asked_for = head.generation == generation + 1 && facts.doubted.contains(&generation);
    (!of_held || !asked_for).then_some("a rotation that nobody asked for")
}
