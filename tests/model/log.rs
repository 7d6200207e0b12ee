//! What the driver notes down from the outside, for properties that span more than one call. It asks neither the
//! model nor the engine.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use heirloom::family::{Family, Head, Status};
use heirloom::token::{FamilyId, Presented};
use heirloom::{Outcome, Timestamp};

use super::answers::Actual;
use super::node::Records;
use super::properties::{Crowd, Moment};
use super::translate;
use super::words::{Answer, Asked, Failure, How, Millis, Showing, Why};

/// A family, a branch, a generation.
pub type Place = (FamilyId, u16, u32);

/// The notes.
#[derive(Default)]
pub struct Log {
    /// The strings released at a place.
    pub released: HashMap<Place, BTreeSet<String>>,
    /// Those of them that another one has displaced, at some time.
    pub displaced: BTreeSet<String>,
    /// Those that have not been good since, and never will be again.
    pub void: BTreeMap<String, FamilyId>,
    /// How often the store has lost writes of a family.
    pub losses: HashMap<FamilyId, usize>,
    /// Families of which somebody has been told that they are ended.
    pub acknowledged: BTreeSet<FamilyId>,
    /// The absolute ends, as first seen.
    pub absolute_ends: HashMap<FamilyId, Option<Timestamp>>,
    /// When a token of this place was exchanged for.
    pub exchanged_at: HashMap<Place, Millis>,
    /// The places that were current when the grant was last changed.
    pub regranted: HashMap<FamilyId, BTreeSet<Place>>,
    /// The refresh just before, if its answer was lost.
    pub lost_answer: Option<LostAnswer>,
}

/// A refresh that would have been granted, and whose answer nobody has got.
pub struct LostAnswer {
    pub showing: Showing,
    pub now: Millis,
    pub node: usize,
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
        if let (Some(text), Some(Answer::Granted(granted))) = (moment.released, moment.answer) {
            self.note_release(moment.ids[granted.family], (granted.line, granted.place), text);
        }
        self.note_records(moment.ask.now, moment.before, moment.after);
        self.note_displaced(moment.after);
        let told = match moment.answer {
            Some(
                Answer::Revoked
                | Answer::RevokedBefore(_)
                | Answer::Ended(_)
                | Answer::Refused(Why::Dead(_))
                | Answer::Count(_),
            ) => true,
            Some(_) | None => false,
        };
        let ended = |id: &FamilyId| {
            moment.after.get(id).is_some_and(|record| record.status != Status::Live)
        };
        if told {
            let changed = |id: &&FamilyId| moment.before.get(id) != moment.after.get(id);
            let with_it = moment.after.keys().filter(changed).copied();
            self.acknowledged.extend(moment.about().into_iter().chain(with_it).filter(ended));
        }
        if let (Asked::ChangeGrant(no, _), Some(Answer::Changed)) =
            (&moment.ask.call, moment.answer)
        {
            let id = moment.ids[*no];
            if moment.before.get(&id) == moment.after.get(&id) {
                return;
            }
            let heads = heads(&moment.after[&id]).map(|(branch, it)| (id, branch, it.generation));
            self.regranted.insert(id, heads.collect());
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
                now: moment.ask.now,
                node: moment.ask.node,
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
            if let Some(text) = actual.released() {
                let place = super::answers::place(granted.generation);
                self.note_release(granted.family, (usize::from(granted.branch), place), text);
            }
            match granted.how {
                heirloom::How::Rotated | heirloom::How::Forked | heirloom::How::Recovered => {
                    let place = (granted.family, granted.branch, granted.generation);
                    self.exchanged_at.insert(place, ask.now);
                }
                _ => {}
            }
        }
        self.note_displaced(crowd.after);
        self.lost_answer = None;
    }

    /// The store is about to go back to earlier records.
    pub fn note_loss(&mut self, lost: &Records, restored: &Records) {
        for (id, family) in lost {
            let back = restored.get(id);
            if back != Some(family) {
                *self.losses.entry(*id).or_default() += 1;
                self.regranted.remove(id);
                self.void.retain(|_, family| family != id);
            }
        }
        // A legacy token may have been adopted twice, and this is the first time again.
        self.absolute_ends.extend(restored.iter().map(|(id, family)| (*id, family.expires_at)));
        // A revocation that was lost is lost.
        let lives = |id: &FamilyId| restored.get(id).is_some_and(|at| at.status == Status::Live);
        self.acknowledged.retain(|id| !lives(id));
        self.lost_answer = None;
    }

    fn note_release(&mut self, id: FamilyId, (line, place): (usize, usize), text: &str) {
        let generation = u32::try_from(place).expect("a small number");
        let branch = u16::try_from(line).expect("a small number");
        self.released.entry((id, branch, generation)).or_default().insert(text.to_owned());
    }

    /// Whatever was released at a place where one token has displaced another, and is not the one that is stored.
    fn note_displaced(&mut self, records: &Records) {
        let keys = translate::every_key();
        for (id, family) in records {
            for (branch, head) in heads(family) {
                let before = head.predecessor.as_ref().filter(|it| it.displaced);
                let before = before.map(|it| (head.generation - 1, it.digest));
                let current = head.displaced.then_some((head.generation, head.digest));
                for (generation, digest) in before.into_iter().chain(current) {
                    let there = self.released.get(&(*id, branch, generation));
                    for text in there.into_iter().flatten() {
                        let shown = Presented::verify(text, keys).expect("released by a node");
                        if shown.digest() != digest {
                            self.displaced.insert(text.clone());
                            self.void.insert(text.clone(), *id);
                        }
                    }
                }
            }
        }
    }

    fn note_records(&mut self, now: Millis, before: &Records, after: &Records) {
        self.note_begun(before, after);
        for (id, family) in after {
            let Some(before) = before.get(id) else { continue };
            for (branch, head) in heads(family) {
                let generation = head.generation;
                if before.head_of(branch).is_none_or(|it| it.generation < generation) {
                    self.exchanged_at.insert((*id, branch, generation), now);
                }
            }
        }
    }

    fn note_begun(&mut self, before: &Records, after: &Records) {
        for (id, family) in after {
            // Adopted again under the same name, after the store had forgotten it.
            if !before.contains_key(id) && self.absolute_ends.contains_key(id) {
                *self.losses.entry(*id).or_default() += 1;
                self.absolute_ends.remove(id);
                self.regranted.remove(id);
                self.acknowledged.remove(id);
                self.void.retain(|_, family| family != id);
            }
            self.absolute_ends.entry(*id).or_insert(family.expires_at);
        }
    }
}

/// The branches of a record and their current tokens, the first branch first.
pub fn heads(family: &Family) -> impl Iterator<Item = (u16, &Head)> {
    let others = family.branches.live.iter().map(|branch| (branch.number, &branch.head));
    std::iter::once((0, &family.head)).chain(others)
}
