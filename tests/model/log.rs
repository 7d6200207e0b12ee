//! What the driver notes down from the outside, for properties that span more than one call. It asks neither the
//! model nor the engine.

use std::collections::{BTreeSet, HashMap};

use heirloom::family::{Family, Status};
use heirloom::token::FamilyId;
use heirloom::{Outcome, Timestamp};

use super::answers::Actual;
use super::node::Records;
use super::properties::{Crowd, Moment};
use super::words::{Answer, Asked, Failure, How, Millis, Showing, Why};

/// The notes.
#[derive(Default)]
pub struct Log {
    /// The strings released at a place of a family.
    pub released: HashMap<(FamilyId, u32), BTreeSet<String>>,
    /// How often the store has lost writes of a family.
    pub losses: HashMap<FamilyId, usize>,
    /// Families of which somebody has been told that they are ended.
    pub acknowledged: BTreeSet<FamilyId>,
    /// The absolute ends, as first seen.
    pub absolute_ends: HashMap<FamilyId, Option<Timestamp>>,
    /// When a token of this place was exchanged for.
    pub exchanged_at: HashMap<(FamilyId, u32), Millis>,
    /// The generation that was current when the grant was last changed.
    pub regranted: HashMap<FamilyId, u32>,
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
    /// Whether the future was dropped; else the store had failed.
    pub dropped: bool,
}

impl Log {
    pub fn note(&mut self, moment: &Moment<'_>) {
        if let (Some(text), Some(Answer::Granted(granted))) = (moment.released, moment.answer) {
            self.note_release(moment.ids[granted.family], granted.place, text);
        }
        self.note_records(moment.ask.now, moment.before, moment.after);
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
            self.acknowledged.extend(moment.about().into_iter().filter(ended));
        }
        if let (Asked::ChangeGrant(no, _), Some(Answer::Changed)) =
            (&moment.ask.call, moment.answer)
        {
            let id = moment.ids[*no];
            if moment.before.get(&id) == moment.after.get(&id) {
                return;
            }
            self.regranted.insert(id, moment.after[&id].head.generation);
        }
    }

    /// After the properties have been checked: the next call may be the retry.
    pub fn note_lost_answer(&mut self, moment: &Moment<'_>) {
        let lost = match moment.answer {
            None | Some(Answer::Failed(Failure::Store | Failure::Contended)) => true,
            Some(_) => false,
        };
        self.lost_answer = None;
        if let (true, Asked::Refresh(showing), Answer::Granted(granted)) =
            (lost, &moment.ask.call, moment.expected)
        {
            let id = moment.ids[granted.family];
            self.lost_answer = Some(LostAnswer {
                showing: showing.clone(),
                now: moment.ask.now,
                node: moment.ask.node,
                how: granted.how,
                before: moment.before[&id].clone(),
                after: moment.after[&id].clone(),
                dropped: moment.answer.is_none(),
            });
        }
    }

    pub fn note_crowd(&mut self, crowd: &Crowd<'_>) {
        for (ask, actual) in crowd.asks.iter().zip(crowd.actuals) {
            let granted = match actual {
                Actual::Refreshed(Ok(Outcome::Granted(granted))) => granted,
                _ => continue,
            };
            if let Some(text) = actual.released() {
                self.note_release(granted.family, super::answers::place(granted.generation), text);
            }
            if granted.how == heirloom::How::Rotated {
                self.exchanged_at.insert((granted.family, granted.generation), ask.now);
            }
        }
        self.lost_answer = None;
    }

    /// The store is about to go back to earlier records.
    pub fn note_loss(&mut self, lost: &Records, restored: &Records) {
        for (id, family) in lost {
            let back = restored.get(id);
            if back != Some(family) {
                *self.losses.entry(*id).or_default() += 1;
                self.regranted.remove(id);
            }
        }
        // A revocation that was lost is lost.
        let lives = |id: &FamilyId| restored.get(id).is_some_and(|at| at.status == Status::Live);
        self.acknowledged.retain(|id| !lives(id));
        self.lost_answer = None;
    }

    fn note_release(&mut self, id: FamilyId, place: usize, text: &str) {
        let generation = u32::try_from(place).expect("a small number");
        self.released.entry((id, generation)).or_default().insert(text.to_owned());
    }

    fn note_records(&mut self, now: Millis, before: &Records, after: &Records) {
        for (id, family) in after {
            self.absolute_ends.entry(*id).or_insert(family.expires_at);
            let generation = family.head.generation;
            if before.get(id).is_some_and(|before| before.head.generation + 1 == generation) {
                self.exchanged_at.insert((*id, generation), now);
            }
        }
    }
}
