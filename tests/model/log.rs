//! What the driver notes down from the outside, for properties that span more than one call. It asks neither the
//! model nor the engine.
//!
//! What is noted of a family is noted of its record: it is backed up with it, and when the store comes back older, the notes are those of
//! then. So a loss excuses what it has undone, and nothing else; and a family that was purged begins with new notes if it is adopted again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use heirloom::family::{Family, Head, Status};
use heirloom::secret::Digest;
use heirloom::token::{FamilyId, Presented};
use heirloom::{How as EngineHow, Outcome, Timestamp};

use super::answers::Actual;
use super::node::Records;
use super::properties::{Crowd, Moment};
use super::translate;
use super::words::{Answer, Ask, Asked, Failure, How, Millis, Showing, Why};

/// A branch, a generation.
pub type Place = (u16, u32);
/// What is noted of each family that has begun, in the history that led to what is stored.
pub type Families = BTreeMap<FamilyId, Notes>;

/// All notes.
#[derive(Default)]
pub struct Log {
    pub families: Families,
    /// The strings that were ever released at a place, whatever the store has forgotten since, and their digests.
    released: HashMap<(FamilyId, Place), BTreeMap<String, Digest>>,
    /// The refresh just before, if its answer was lost.
    pub lost_answer: Option<LostAnswer>,
}

/// What is noted of a family since it has begun.
#[derive(Clone, Default)]
pub struct Notes {
    /// The strings released at a place, or taken there by a recovery.
    pub released: BTreeMap<Place, BTreeSet<String>>,
    /// Those that another one has displaced: they have not been good since, and never will be again.
    pub void: BTreeSet<String>,
    /// Whether somebody has been told that it is ended.
    pub acknowledged: bool,
    /// The absolute end, as first seen.
    pub absolute_end: Option<Timestamp>,
    /// When a token of this place was exchanged for.
    pub exchanged_at: BTreeMap<Place, Millis>,
    /// The places that were current when the grant was changed.
    pub regranted: BTreeSet<Place>,
}

/// A refresh that would have been granted, and whose answer nobody has got.
pub struct LostAnswer {
    pub showing: Showing,
    pub ask: Ask,
    /// How it would have been granted.
    pub how: How,
    /// The family before it, and afterwards.
    pub before: Family,
    pub after: Family,
    /// The branch whose token was shown, before it.
    pub head_before: Head,
    /// Whether the future was dropped; else the store had failed.
    pub dropped: bool,
}

impl Log {
    pub fn note(&mut self, moment: &Moment<'_>) {
        self.note_begun(moment.before, moment.after);
        if let (Some(text), Some(Answer::Granted(granted))) = (moment.released, moment.answer) {
            let place = place_of(granted.line, granted.place);
            self.note_release(moment.ids[granted.family], place, text);
            if let (How::Recovered, Some(showing)) = (granted.how, moment.ask.refresh()) {
                self.note_recovery(moment.ids[granted.family], place, &showing.text);
            }
        }
        self.note_exchanges(moment.ask.now, moment.before, moment.after);
        self.note_regranted(moment.before, moment.after);
        self.note_displaced(moment.after);
        if moment.answer.is_some_and(tells_of_an_end) {
            self.note_told(moment.about(), moment.before, moment.after);
        }
    }

    /// After the properties have been checked: the next call may be the retry.
    pub fn note_lost_answer(&mut self, moment: &Moment<'_>) {
        let lost = match moment.answer {
            None | Some(Answer::Failed(Failure::Store | Failure::Contended)) => true,
            Some(_) => false,
        };
        self.lost_answer = None;
        if let (true, Asked::Refresh(showing), Answer::Granted(granted), Some((head, _))) =
            (lost, &moment.ask.call, moment.expected, moment.heads_shown())
        {
            let id = moment.ids[granted.family];
            self.lost_answer = Some(LostAnswer {
                showing: showing.clone(),
                ask: moment.ask.clone(),
                how: granted.how,
                before: moment.before[&id].clone(),
                after: moment.after[&id].clone(),
                head_before: head.clone(),
                dropped: moment.answer.is_none(),
            });
        }
    }

    pub fn note_crowd(&mut self, crowd: &Crowd<'_>) {
        self.note_begun(crowd.before, crowd.after);
        for (ask, actual) in crowd.asks.iter().zip(crowd.actuals) {
            let granted = match actual {
                Actual::Refreshed(Ok(Outcome::Granted(granted))) => granted,
                _ => continue,
            };
            let place = (granted.branch, granted.generation);
            if let Some(text) = actual.released() {
                self.note_release(granted.family, place, text);
            }
            if let (EngineHow::Recovered, Some(showing)) = (granted.how, ask.refresh()) {
                self.note_recovery(granted.family, place, &showing.text);
            }
            match granted.how {
                EngineHow::Rotated | EngineHow::Forked | EngineHow::Recovered => {
                    self.of(granted.family).exchanged_at.insert(place, ask.now);
                }
                _ => {}
            }
        }
        self.note_regranted(crowd.before, crowd.after);
        self.note_displaced(crowd.after);
        self.lost_answer = None;
    }

    /// The store goes back to earlier records, and the notes to those of then.
    pub fn note_loss(&mut self, lost: &Records, restored: &Records, then: Families) {
        let now = std::mem::replace(&mut self.families, then);
        // A revocation that was lost is lost; one that is stored has been told of, even if that came later.
        let lives = |id: &FamilyId| restored.get(id).is_some_and(|at| at.status == Status::Live);
        for (id, _) in now.iter().filter(|(id, notes)| notes.acknowledged && !lives(id)) {
            self.of(*id).acknowledged = true;
        }
        // And what is stored may have been released later.
        for (id, family) in restored {
            for (branch, head) in heads(family) {
                let place = (branch, head.generation);
                let stored = self.released_at(*id, place, |digest| digest == head.digest);
                self.of(*id).released.entry(place).or_default().extend(stored);
            }
        }
        if lost != restored {
            self.lost_answer = None;
        }
    }

    fn of(&mut self, id: FamilyId) -> &mut Notes {
        self.families.entry(id).or_default()
    }

    fn note_release(&mut self, id: FamilyId, place: Place, text: &str) {
        let shown = Presented::verify(text, translate::every_key()).expect("released by a node");
        self.released.entry((id, place)).or_default().insert(text.to_owned(), shown.digest());
        self.of(id).released.entry(place).or_default().insert(text.to_owned());
    }

    /// A token that the store had forgotten, or never known, is the one before the place that it was exchanged for.
    fn note_recovery(&mut self, id: FamilyId, (branch, generation): Place, text: &str) {
        self.note_release(id, (branch, generation - 1), text);
    }

    /// What was ever released at a place, of these digests.
    fn released_at(
        &self,
        id: FamilyId,
        place: Place,
        of: impl Fn(Digest) -> bool,
    ) -> BTreeSet<String> {
        let there = self.released.get(&(id, place)).into_iter().flatten();
        there.filter(|(_, digest)| of(**digest)).map(|(text, _)| text.clone()).collect()
    }

    /// Whatever was released at a place where one token has displaced another, and is not the one that is stored.
    fn note_displaced(&mut self, records: &Records) {
        for (id, family) in records {
            for (branch, head) in heads(family) {
                let before = head.predecessor.as_ref().filter(|it| it.displaced);
                let before = before.map(|it| (head.generation - 1, it.digest));
                let current = head.displaced.then_some((head.generation, head.digest));
                for (generation, digest) in before.into_iter().chain(current) {
                    let others = self.released_at(*id, (branch, generation), |it| it != digest);
                    self.of(*id).void.extend(others);
                }
            }
        }
    }

    fn note_exchanges(&mut self, now: Millis, before: &Records, after: &Records) {
        for (id, family) in after {
            let Some(before) = before.get(id) else { continue };
            for (branch, head) in heads(family) {
                let generation = head.generation;
                if before.head_of(branch).is_none_or(|it| it.generation < generation) {
                    self.of(*id).exchanged_at.insert((branch, generation), now);
                }
            }
        }
    }

    /// What was current before and still is, was so when the grant was changed: of what was exchanged meanwhile, in a race, nobody
    /// can tell.
    fn note_regranted(&mut self, before: &Records, after: &Records) {
        for (id, family) in after {
            let Some(before) = before.get(id) else { continue };
            if before.grant != family.grant {
                let still = |(branch, head): &(u16, &Head)| {
                    before.head_of(*branch).is_some_and(|it| it.generation == head.generation)
                };
                let still = heads(family).filter(still);
                let still = still.map(|(branch, head)| (branch, head.generation));
                self.of(*id).regranted.extend(still);
            }
        }
    }

    fn note_told(&mut self, about: BTreeSet<FamilyId>, before: &Records, after: &Records) {
        let changed = after.keys().filter(|id| before.get(id) != after.get(id)).copied();
        for id in about.into_iter().chain(changed) {
            if after.get(&id).is_some_and(|record| record.status != Status::Live) {
                self.of(id).acknowledged = true;
            }
        }
    }

    /// A family that was not there before, or no more, begins.
    fn note_begun(&mut self, before: &Records, after: &Records) {
        for (id, family) in after.iter().filter(|(id, _)| !before.contains_key(id)) {
            let notes = Notes { absolute_end: family.expires_at, ..Notes::default() };
            self.families.insert(*id, notes);
        }
    }
}

/// Whether whoever is answered this knows that a family is ended.
fn tells_of_an_end(answer: &Answer) -> bool {
    matches!(
        answer,
        Answer::Revoked
            | Answer::RevokedBefore(_)
            | Answer::Ended(_)
            | Answer::Refused(Why::Dead(_))
            | Answer::Count(_)
    )
}

fn place_of(line: usize, place: usize) -> Place {
    let branch = u16::try_from(line).expect("a small number");
    (branch, u32::try_from(place).expect("a small number"))
}

/// The branches of a record and their current tokens, the first branch first.
pub fn heads(family: &Family) -> impl Iterator<Item = (u16, &Head)> {
    let others = family.branches.live.iter().map(|branch| (branch.number, &branch.head));
    std::iter::once((0, &family.head)).chain(others)
}
