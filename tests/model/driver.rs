//! Carries out operations on the engine and on the model, and compares them after each.
//!
//! proptest and the fuzzer are two sources of operations; this is the one place that checks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use heirloom::testing::{ManualClock, SeededEntropy};
use heirloom::token::FamilyId;
use heirloom::{Begun, Engine, Grant, KeyRing, MemoryStore, Outcome, Policy};

use crate::backend::Backend;

use super::answers::Actual;
use super::history::{Family, Model};
use super::log::{Families, Log};
use super::node::{self, Disk, Heard, Node, Records, Running};
use super::operation::{
    Call, Edge, GrantShape, Operation, PolicyShape, Presentation, Step, Surroundings, Trouble,
};
use super::properties::{self, Crowd, Moment};
use super::said::said;
use super::words::{
    Answer, Ask, Asked, BEGINNING, Consent, FamilyNo, How, Millis, Mode, Ring, Rules,
};
use super::{agree, races, remember, translate};

/// How many earlier states of the store a failover can go back to.
const BACKUPS: usize = 8;

/// Two nodes, their store, and the model of both.
pub struct Driver {
    pub model: Model,
    /// The families in the order of issue: the model's numbers in heirloom's terms.
    pub ids: Vec<FamilyId>,
    /// Somebody else's token, made with a key that has the id of ours.
    pub foreign: String,
    /// All that was answered, for those who ask whether enough happens.
    pub answers: Vec<Answer>,
    disk: Disk,
    heard: Heard,
    entropy: SeededEntropy,
    nodes: [Arc<Node>; 2],
    log: Log,
    backups: VecDeque<Backup>,
}

/// The store after a call, with what the model and the log say of it.
struct Backup {
    records: Records,
    kept: BTreeMap<FamilyNo, Family>,
    issued: Vec<(Consent, Rules)>,
    notes: Families,
}

impl Default for Driver {
    fn default() -> Self {
        Self::over(Backend::open().expect("a store"))
    }
}

impl Driver {
    pub fn over(backend: Backend) -> Self {
        let disk = Disk::new(backend);
        let (heard, entropy) = (Heard::default(), SeededEntropy::new(7));
        // A change of keys has begun: the second node accepts one that the first does not know yet.
        // And it knows the tokens of another system.
        let rings = [([1].into(), false), ([1, 2].into(), true)];
        let nodes = rings.map(|(accepted, adopts)| {
            let ring = Ring { active: 1, accepted, adopts };
            let clock = ManualClock::at(node::instant(BEGINNING));
            Arc::new(Node::start(&disk, entropy.clone(), &heard, clock, ring))
        });
        Self {
            model: Model::default(),
            ids: Vec::new(),
            foreign: foreign_token(),
            answers: Vec::new(),
            nodes,
            log: Log::default(),
            backups: VecDeque::new(),
            disk,
            heard,
            entropy,
        }
    }

    /// Carries out one operation and checks all that can be checked of it.
    pub fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Step(step) => self.step(step),
            Operation::Troubled(call, trouble) => self.call(call, trouble),
            Operation::LostAnswer(presentation, trouble) => {
                if let Some(showing) = self.showing(presentation) {
                    // The same string, whatever has been released meanwhile.
                    let retried = presentation.node.wrapping_add(1);
                    for (node, trouble) in [(presentation.node, trouble), (retried, &Trouble::None)]
                    {
                        let asked = Asked::Refresh(showing.clone());
                        self.carry_out(&self.heard_by(node, asked), trouble);
                    }
                }
            }
            Operation::TwoSteps(presentation, between, trouble) => {
                self.two_steps(presentation, between, trouble);
            }
            Operation::Race(first, second, schedule) => {
                let asks = [first, second].into_iter().filter_map(|call| self.ask(call));
                self.race(&asks.filter(|ask| may_race(&ask.call)).collect::<Vec<_>>(), *schedule);
            }
            Operation::Crowd(presentation, schedule) => {
                let call = Call::Refresh(presentation.clone());
                let asks: Vec<Ask> = self.ask(&call).into_iter().cycle().take(3).collect();
                self.race(&asks, *schedule);
            }
            Operation::Recovery(lost, window, presentation, side) => {
                self.fail_over(usize::from(*lost));
                self.set_window(presentation.node, window);
                let _opened = self.heard.take();
                if let Some(side) = side {
                    self.surround(&Surroundings::Edge(
                        presentation.node,
                        Edge::Window,
                        side.clone(),
                    ));
                }
                for call in [Call::Explain, Call::Introspect, Call::Refresh] {
                    self.call(&call(presentation.clone()), &Trouble::None);
                }
            }
            Operation::Breach(grant, policy, trouble) => self.breach(grant, policy, trouble),
        }
    }

    fn breach(&mut self, grant: &GrantShape, policy: &PolicyShape, trouble: &Trouble) {
        let issue = Call::Issue(grant.clone(), policy.clone());
        (0..3).for_each(|_| self.call(&issue, &Trouble::None));
        let Some(last) = self.model.issued.len().checked_sub(1) else { return };
        let Ok(family) = u8::try_from(last) else { return };
        let refresh = |back| Call::Refresh(Presentation::plain(family, back));
        (0..2).for_each(|_| self.call(&refresh(0), &Trouble::None));
        self.call(&refresh(2), trouble);
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Call(call) => self.call(call, &Trouble::None),
            Step::Surroundings(change) => {
                self.surround(change);
                // What a node tells of its own.
                let _opened = self.heard.take();
            }
        }
    }

    fn call(&mut self, call: &Call, trouble: &Trouble) {
        if let Some(ask) = self.ask(call) {
            self.carry_out(&ask, trouble);
        }
    }

    fn carry_out(&mut self, ask: &Ask, trouble: &Trouble) {
        let node = Arc::clone(&self.nodes[ask.node]);
        let ids = self.ids.clone();
        self.observe(ask, trouble, node.call(&ids, &ask.call), None);
    }

    fn two_steps(&mut self, presentation: &Presentation, between: &[Step], trouble: &Trouble) {
        let Some(showing) = self.showing(presentation) else { return };
        let begin = self.heard_by(presentation.node, Asked::Begin(showing.clone()));
        let node = Arc::clone(&self.nodes[begin.node]);
        let policy = translate::policy(&showing.rules);
        let scope = showing.scope.as_ref().map(translate::text);
        let request = node::request(&showing, scope.as_deref(), &policy);
        let mut ready = None;
        let begun = async {
            match node.engine.begin(&showing.text, request).await {
                Ok(Begun::Ready(redemption)) => {
                    ready = Some(redemption);
                    Actual::Ready
                }
                Ok(Begun::Refused(refusal)) => Actual::Refreshed(Ok(Outcome::Refused(refusal))),
                Err(error) => Actual::Refreshed(Err(error)),
            }
        };
        self.observe(&begin, &Trouble::None, begun, None);
        let Some(redemption) = ready else { return };
        let seen = self.seen(redemption.family().id);
        let record = redemption.family().clone();
        between.iter().for_each(|step| self.step(step));
        if self.is_mistaken(&record) {
            return;
        }
        // The call keeps the keys that it began with, and reads its clock again.
        let call = Asked::Commit(showing.clone(), seen);
        let commit = Ask { now: node.now(), accepted: node.ring().accepted, call, ..begin };
        let committed = async { Actual::Refreshed(redemption.commit().await) };
        self.observe(&commit, trouble, committed, Some(&record));
    }

    /// Whether the store now has another record of the same version: it has come back older, or has forgotten the family, and has come so
    /// far again. A write that goes by the version alone takes it for the one that was seen, and what it then does is nobody's promise.
    fn is_mistaken(&self, seen: &heirloom::family::Family) -> bool {
        let is_other = |now: &heirloom::family::Family| now.version == seen.version && now != seen;
        self.records().get(&seen.id).is_some_and(is_other)
    }

    fn seen(&self, id: FamilyId) -> Consent {
        let no = super::answers::number(id, &self.ids);
        self.model.kept[&no].consent.clone()
    }

    /// Runs one call, compares, and checks every property.
    fn observe(
        &mut self,
        ask: &Ask,
        trouble: &Trouble,
        future: impl Future<Output = Actual>,
        begun: Option<&heirloom::family::Family>,
    ) {
        let before = self.records();
        let ran = node::run(&self.disk, trouble, future);
        let after = self.records();
        self.register(ran.actual.as_ref(), &after);
        let (mut expected, mut whole) = self.model.hear(ask);
        let shared = ran.struck && self.shares_a_count(ask, trouble, begun, &before);
        if shared {
            expected = self.model.uncounted(ask).hear(ask).0;
            whole = self.model.clone();
        }
        let answer = ran.actual.as_ref().map(|actual| actual.answer(&self.ids));
        let events = self.heard.take();
        let released = ran.actual.as_ref().and_then(Actual::released);
        let said = said(ran.actual.as_ref(), &self.nodes[ask.node], &events, &before, &after);
        let moment = Moment {
            ask,
            trouble,
            struck: ran.struck,
            shared,
            answer: answer.as_ref(),
            expected: &expected,
            released,
            before: &before,
            after: &after,
            operations: &ran.operations,
            events: &events,
            said: &said,
            begun,
            model: &self.model,
            ids: &self.ids,
        };
        self.log.note(&moment);
        properties::hold(&moment, &self.log);
        self.log.note_lost_answer(&moment);
        let agreed = agree::on_events(&moment).and_then(|()| agree::on_answer(&moment, whole));
        let agreed = agreed.and_then(|next| self.remember(next, answer.as_ref(), released, &after));
        agreed.unwrap_or_else(|why| panic!("{why}\n{ask:?} {trouble:?} {answer:?}"));
        self.answers.extend(answer);
        self.back_up(after);
    }

    /// Goes on with the history after a call, if the string that was released and the records are those of it.
    fn remember(
        &mut self,
        next: Model,
        answer: Option<&Answer>,
        released: Option<&str>,
        records: &Records,
    ) -> Result<(), String> {
        self.model = next;
        agree::on_release(&mut self.model, answer, released)?;
        remember::on_records(&self.model, &self.ids, records)
    }

    /// Whether the store reports a lost race for a count, and another presentation has counted since `begin` and done nothing else: nothing
    /// tells its count from the call's own, so both are answered for one.
    fn shares_a_count(
        &self,
        ask: &Ask,
        trouble: &Trouble,
        begun: Option<&heirloom::family::Family>,
        before: &Records,
    ) -> bool {
        let conflicts = matches!(trouble, Trouble::Conflicts(1..=4) | Trouble::ConflictAfter(0));
        let (Some(begun), Asked::Commit(showing, _), true) = (begun, &ask.call, conflicts) else {
            return false;
        };
        let counts = showing
            .rules
            .leeway
            .is_some_and(|leeway| leeway.mode == Mode::Replay && leeway.uses.is_some());
        let line = showing.token.map_or(0, |token| self.model.tokens[token].line);
        let mut counted = begun.clone();
        counted.version += 1;
        let head = match counted.branches.live.iter_mut().find(|it| usize::from(it.number) == line)
        {
            Some(branch) => &mut branch.head,
            None => &mut counted.head,
        };
        let predecessor = head.predecessor.as_mut();
        predecessor.into_iter().for_each(|predecessor| predecessor.replays += 1);
        let decided = self.model.uncounted(ask).hear(ask).0;
        let replayed = matches!(decided, Answer::Granted(granted) if granted.how == How::Replayed);
        counts && replayed && before.get(&begun.id) == Some(&counted)
    }

    /// Gives numbers to families that were not there before: the one that was issued first, then any that were
    /// stored without an answer.
    fn register(&mut self, actual: Option<&Actual>, after: &Records) {
        let issued = actual.and_then(Actual::issued);
        let known = |id: &FamilyId| self.ids.contains(id);
        let mut new: Vec<FamilyId> = issued
            .into_iter()
            .chain(after.keys().copied().filter(|id| Some(*id) != issued))
            .filter(|id| !known(id))
            .collect();
        // One that was ended at once, for others were younger, came first.
        new.sort_by_key(|id| after[id].created_at);
        self.ids.extend(new);
        self.model.names = self.ids.iter().map(|id| *id.as_bytes()).collect();
    }

    /// Calls that interleave answer as if one had come after the other, in some order.
    fn race(&mut self, asks: &[Ask], schedule: u64) {
        if self.reaches_out(asks) {
            return;
        }
        let ids = self.ids.clone();
        let nodes = self.nodes.clone();
        let before = self.records();
        let start = |ask: &Ask| nodes[ask.node].clone();
        let started: Vec<_> = asks.iter().map(start).collect();
        let futures = started
            .iter()
            .zip(asks)
            .map(|(node, ask)| -> Running<'_> { Box::pin(node.call(&ids, &ask.call)) })
            .collect();
        let actuals = node::interleave(&self.disk, futures, schedule);
        let after = self.records();
        self.register(None, &after);
        let _events = self.heard.take();
        let crowd = Crowd { asks, actuals: &actuals, before: &before, after: &after };
        let answers: Vec<Answer> = actuals.iter().map(|actual| actual.answer(&self.ids)).collect();
        self.log.note_crowd(&crowd);
        properties::hold_at_once(&crowd, &answers, &self.model, &self.log);
        self.model = races::in_some_order(&self.model, &crowd, &answers, &self.ids)
            .unwrap_or_else(|why| panic!("{why}\n{asks:#?}\n{answers:?}"));
        self.answers.extend(answers);
        self.back_up(after);
    }

    /// Whether a breach in one family could end another that is raced for too: each of two could then find that the other has ended
    /// its own, which no order explains.
    fn reaches_out(&self, asks: &[Ask]) -> bool {
        let family = |ask: &Ask| match &ask.call {
            Asked::Refresh(showing) | Asked::Revoke(showing) => {
                showing.token.map(|token| self.model.tokens[token].family)
            }
            Asked::RevokeFamily(no) | Asked::ChangeGrant(no, _) => Some(*no),
            _ => None,
        };
        let is_wide =
            |ask: &Ask| ask.refresh().is_some_and(|showing| showing.rules.on_reuse.is_wide());
        let one = asks.iter().all(|ask| family(ask) == family(&asks[0]));
        !one && asks.iter().any(is_wide)
    }

    fn back_up(&mut self, records: Records) {
        let (kept, issued) = (self.model.kept.clone(), self.model.issued.clone());
        let notes = self.log.families.clone();
        self.backups.push_front(Backup { records, kept, issued, notes });
        self.backups.truncate(BACKUPS);
    }

    /// The store comes back as it was so many calls ago.
    pub fn fail_over(&mut self, lost: usize) {
        let Some(at) = lost.checked_rem(self.backups.len()) else { return };
        self.backups.drain(..at);
        let Backup { records, kept, issued, notes } = &self.backups[0];
        self.log.note_loss(&self.records(), records, notes.clone());
        self.model.kept.clone_from(kept);
        // A family that was adopted again, for another consent, is what it was; one that is lost was issued all the same.
        self.model.issued[..issued.len()].clone_from_slice(issued);
        self.disk.inner().restore(records.values().cloned().collect());
    }

    pub fn records(&self) -> Records {
        node::records(&self.disk)
    }

    pub fn node(&self, selector: u8) -> &Node {
        &self.nodes[usize::from(selector % 2)]
    }

    pub fn set_clock(&self, node: u8, instant: Millis) {
        self.node(node).clock.set(node::instant(instant));
    }

    /// Another process with the same clock: what the engine knows besides the store is gone.
    pub fn restart(&mut self, node: u8) {
        let (clock, ring) = (self.node(node).clock.clone(), self.node(node).ring());
        let started = Node::start(&self.disk, self.entropy.clone(), &self.heard, clock, ring);
        self.nodes[usize::from(node % 2)] = Arc::new(started);
    }
}

/// Two calls of which each reads, decides and writes at most one family, or two of one family.
fn may_race(call: &Asked) -> bool {
    match call {
        Asked::Refresh(_)
        | Asked::Revoke(_)
        | Asked::RevokeFamily(_)
        | Asked::ChangeGrant(..)
        | Asked::Adopt { .. } => true,
        Asked::Issue(..)
        | Asked::Begin(_)
        | Asked::Commit(..)
        | Asked::RevokeAll { .. }
        | Asked::Introspect(_)
        | Asked::Explain(_)
        | Asked::Purge { .. } => false,
    }
}

fn foreign_token() -> String {
    let ring = KeyRing::new(translate::key(1, 9));
    let foreign = Engine::new(MemoryStore::new(), ring, Policy::default())
        .with_entropy(SeededEntropy::new(9));
    let issued = pollster::block_on(foreign.issue(Grant::new("mallory", "own")));
    let granted = issued.expect("its own engine issues it");
    granted.token.expect("a first token").into_exposed()
}
