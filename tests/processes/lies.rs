//! Planted lies: histories that cannot be, which the checker must reject, each by its rule; and honest ones beside
//! them, which it must not.

use std::time::Duration;

use heirloom::family::Family;
use heirloom::token::FamilyId;
use heirloom::{Engine, Grant, MemoryStore, Outcome, Policy, Reason, Request, Store};
use libtest_mimic::Trial;

use crate::fleet::history::{About, History, Rule};
use crate::fleet::serve::{CLIENT, LEEWAY, keys};
use crate::fleet::trials::trial;
use crate::fleet::wire::{self, Answer, Why};

const SECOND: Duration = Duration::from_secs(1);

pub fn trials() -> Vec<Trial> {
    vec![
        trial("a_second_successor_is_rejected", second_successor),
        trial("a_grant_after_an_acknowledged_revocation_is_rejected", after_revocation),
        trial("a_grant_after_a_logout_is_rejected", after_logout),
        trial("a_spent_token_that_is_accepted_is_rejected", spent_token),
        trial("a_breach_that_nobody_has_caused_is_rejected", unjustified_breach),
        trial("an_end_that_nobody_has_asked_for_is_rejected", unjustified_end),
        trial("an_error_that_no_retry_cures_is_rejected", incurable_error),
        trial("an_error_that_was_not_tried_again_is_counted", uncured_error),
        trial("a_store_that_lost_a_rotation_or_made_one_up_is_rejected", wrong_rotations),
        trial("a_store_that_lost_a_revocation_or_made_one_up_is_rejected", wrong_revocations),
    ]
}

/// A family that tells the truth, until it is made to lie. Time goes on by a second at each step.
struct Story {
    engine: Engine<MemoryStore>,
    history: History,
    family: FamilyId,
    tokens: Vec<String>,
    now: Duration,
    calls: u64,
}

impl Story {
    /// Issued, and rotated so many times.
    fn new(rotations: u32) -> Self {
        let engine = Engine::new(MemoryStore::new(), keys(), Policy::default());
        let issued = pollster::block_on(engine.issue(Grant::new("alice", CLIENT))).expect("memory");
        let mut story = Self {
            engine,
            history: History::default(),
            family: issued.family,
            tokens: vec![issued.token.expect("a token").into_exposed()],
            now: Duration::ZERO,
            calls: 0,
        };
        let answer = story.granted(0);
        story.call(&About::Issue { subject: "alice".to_owned() }, &answer);
        for shown in 0..rotations {
            story.rotate();
            let answer = story.granted(shown + 1);
            story.call(&story.shown(shown), &answer);
        }
        assert_eq!(story.found(), [], "the truth");
        story
    }

    /// In the store, and nobody hears of it.
    fn rotate(&mut self) {
        let current = self.tokens.last().expect("the first");
        let outcome = pollster::block_on(self.engine.refresh(current, Request::new(CLIENT)));
        let Ok(Outcome::Granted(granted)) = outcome else { panic!("{outcome:?}") };
        self.tokens.push(granted.token.expect("a token").into_exposed());
    }

    fn send(&mut self, about: &About) -> u64 {
        self.now += SECOND;
        self.calls += 1;
        self.history.sent(self.calls, about, self.now);
        self.calls
    }

    fn answer(&mut self, call: u64, answer: &Answer) {
        self.now += SECOND;
        self.history.answered(call, answer, self.now);
    }

    fn call(&mut self, about: &About, answer: &Answer) {
        let call = self.send(about);
        self.answer(call, answer);
    }

    fn shown(&self, generation: u32) -> About {
        About::Shown { family: self.family, generation }
    }

    fn end(&self) -> About {
        About::End { family: self.family }
    }

    /// The true token of a generation.
    fn granted(&self, generation: u32) -> Answer {
        let token = self.tokens[usize::try_from(generation).expect("few")].clone();
        Answer::Granted(wire::Grant { family: self.family, generation, replayed: false, token })
    }

    fn stored(&self) -> Family {
        pollster::block_on(self.engine.store().load(self.family)).expect("memory").expect("stored")
    }

    fn found(&self) -> Vec<Rule> {
        self.history.violations.iter().map(|violation| violation.rule).collect()
    }
}

fn second_successor() {
    let mut story = Story::new(2);
    // The same again is no lie.
    story.call(&story.shown(1), &story.granted(2));
    assert_eq!(story.found(), []);
    let (family, token) = (story.family, "rt_another".to_owned());
    let lie = Answer::Granted(wire::Grant { family, generation: 2, replayed: true, token });
    story.call(&story.shown(1), &lie);
    assert_eq!(story.found(), [Rule::SecondSuccessor]);
}

fn after_revocation() {
    let mut story = Story::new(1);
    story.rotate();
    // One that was under way may win, though its answer comes later.
    let rotation = story.send(&story.shown(1));
    story.call(&story.end(), &Answer::Ended);
    story.answer(rotation, &story.granted(2));
    assert_eq!(story.found(), []);
    story.call(&story.shown(1), &story.granted(2));
    assert_eq!(story.found(), [Rule::AfterRevocation]);
}

fn after_logout() {
    let mut story = Story::new(2);
    story.call(&About::Logout { subject: "bob".to_owned() }, &Answer::Ended);
    story.call(&story.shown(1), &story.granted(2));
    assert_eq!(story.found(), []);
    story.call(&About::Logout { subject: "alice".to_owned() }, &Answer::Ended);
    story.call(&story.shown(1), &story.granted(2));
    assert_eq!(story.found(), [Rule::AfterRevocation]);
}

fn spent_token() {
    let mut story = Story::new(2);
    story.call(&story.shown(0), &story.granted(1));
    assert_eq!(story.found(), [Rule::SpentAccepted]);
}

fn unjustified_breach() {
    let refused = Answer::Refused(Why::Reused);
    let mut honest = Story::new(3);
    honest.call(&honest.shown(1), &refused);
    assert_eq!(honest.found(), [], "its successor had been used");
    let mut late = Story::new(1);
    late.now += LEEWAY;
    late.call(&late.shown(0), &refused);
    assert_eq!(late.found(), [], "its leeway was over");
    let mut lie = Story::new(1);
    lie.call(&lie.shown(0), &refused);
    assert_eq!(lie.found(), [Rule::Unjustified]);
}

fn unjustified_end() {
    let mut story = Story::new(1);
    story.call(&story.shown(1), &Answer::Refused(Why::Revoked));
    assert_eq!(story.found(), [Rule::Unjustified]);
    let mut story = Story::new(1);
    let logout = story.send(&About::Logout { subject: "alice".to_owned() });
    story.call(&story.shown(1), &Answer::Refused(Why::Revoked));
    story.answer(logout, &Answer::Ended);
    assert_eq!(story.found(), [], "a logout was under way");
}

fn incurable_error() {
    let mut story = Story::new(1);
    let failed = |retryable| Answer::Failed { retryable, text: "no".to_owned() };
    story.call(&story.shown(1), &failed(true));
    assert_eq!(story.found(), []);
    story.call(&story.shown(1), &failed(false));
    assert_eq!(story.found(), [Rule::Incurable]);
}

fn uncured_error() {
    let mut story = Story::new(2);
    let call = story.send(&story.shown(2));
    story.answer(call, &Answer::Failed { retryable: true, text: "no".to_owned() });
    assert_eq!(story.history.uncured(), 1);
    story.rotate();
    story.history.sent(call, &story.shown(2), story.now);
    story.answer(call, &story.granted(3));
    assert_eq!((story.history.uncured(), story.found()), (0, vec![]));
}

fn wrong_rotations() {
    let mut story = Story::new(2);
    let (family, before) = (story.family, story.stored());
    story.history.see(family, Some(&before));
    assert_eq!(story.found(), []);
    story.rotate();
    let unheard = story.stored();
    story.history.see(family, Some(&unheard));
    assert_eq!(story.found(), [Rule::Stored], "nobody has asked for it");

    let mut story = Story::new(2);
    let (family, before) = (story.family, story.stored());
    let lost = story.send(&story.shown(2));
    story.history.lost(lost);
    story.rotate();
    story.history.see(family, Some(&story.stored()));
    assert_eq!(story.found(), [], "its answer was lost");
    story.history.see(family, Some(&before));
    assert_eq!(story.found(), [], "or it was never carried out");
    story.call(&story.shown(2), &story.granted(3));
    assert_eq!(story.found(), []);
    story.history.see(family, Some(&before));
    story.history.see(family, None);
    assert_eq!(story.found(), [Rule::Stored; 2], "an acknowledged one is lost, and a family");
}

fn wrong_revocations() {
    let mut story = Story::new(1);
    let (family, alive) = (story.family, story.stored());
    let end = story.engine.revoke_family(family, Reason::Administrator);
    pollster::block_on(end).expect("memory");
    let ended = story.stored();
    story.history.see(family, Some(&ended));
    assert_eq!(story.found(), [Rule::Stored], "nobody has asked for it");
    story.call(&story.end(), &Answer::Ended);
    story.history.see(family, Some(&ended));
    assert_eq!(story.found(), [Rule::Stored]);
    story.history.see(family, Some(&alive));
    assert_eq!(story.found(), [Rule::Stored; 2], "an acknowledged one is lost");
}
