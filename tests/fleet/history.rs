//! The history of all calls, checked as it is made.
//!
//! An order is claimed only where one call was answered before another was sent.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use heirloom::token::FamilyId;

use super::facts::{Facts, digest};
use super::wire::{Answer, End, Grant, Why};

/// What a call is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    Issue { subject: String },
    Shown { family: FamilyId, generation: u32 },
    End { family: FamilyId },
    Logout { subject: String },
}

#[derive(Clone, Copy, Default, Debug)]
pub struct Totals {
    pub calls: usize,
    pub issued: usize,
    pub rotated: usize,
    pub replayed: usize,
    /// Revocations that were acknowledged.
    pub revoked: usize,
    pub refused: usize,
    pub breaches: usize,
    /// Errors that were answered.
    pub errors: usize,
    /// Calls that were never answered.
    pub lost: usize,
    /// Rotations that were found in the store before any client had heard of them.
    pub unheard: usize,
}

/// What can never be, by property.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Rule {
    /// P1: another successor than the first one that came, or that was stored.
    SecondSuccessor,
    /// P2: a spent token is accepted.
    SpentAccepted,
    /// P3: a grant that was asked for after a revocation had been acknowledged.
    AfterRevocation,
    /// Refused as revoked or reused, and nobody had done it.
    Unjustified,
    /// An error that no retry cures, or an answer to another question.
    Incurable,
    /// S8: the store is not as it was acknowledged.
    Stored,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    pub rule: Rule,
    pub family: Option<FamilyId>,
    pub text: String,
}

#[derive(Default)]
pub struct History {
    pub totals: Totals,
    pub families: BTreeMap<FamilyId, Facts>,
    /// Refusals for a reason that no client of a store that keeps S8 can give.
    pub strange: BTreeMap<FamilyId, Why>,
    pub violations: Vec<Violation>,
    /// Families that a server said it had ended, as often as it was said.
    pub events: Vec<(FamilyId, Option<End>)>,
    open: HashMap<u64, (About, Duration)>,
    /// Calls whose last attempt was an error, or was not answered.
    uncured: BTreeSet<u64>,
    logouts: HashMap<u64, Logout>,
}

struct Logout {
    subject: String,
    began_at: Duration,
    /// `None`: never said to be done.
    done_at: Option<Duration>,
}

impl History {
    /// A call is sent, or sent again.
    pub fn sent(&mut self, call: u64, about: &About, at: Duration) {
        self.totals.calls += 1;
        match about {
            About::Issue { .. } => {}
            About::Shown { family, generation } => self.facts(*family).shown(*generation, at),
            About::End { family } => self.facts(*family).may_end(at),
            About::Logout { subject } => {
                let logout = Logout { subject: subject.clone(), began_at: at, done_at: None };
                self.logouts.entry(call).or_insert(logout);
            }
        }
        self.open.insert(call, (about.clone(), at));
    }

    /// The server was killed before it answered.
    pub fn lost(&mut self, call: u64) {
        let (about, _) = self.open.remove(&call).expect("a call");
        self.totals.lost += 1;
        self.doubt(call, &about);
    }

    pub fn answered(&mut self, call: u64, answer: &Answer, at: Duration) {
        let (about, sent_at) = self.open.remove(&call).expect("a call that is open");
        if let Answer::Failed { retryable, text } = answer {
            self.totals.errors += 1;
            if !retryable {
                self.violate(Rule::Incurable, None, format!("{about:?}: {text}"));
            }
            return self.doubt(call, &about);
        }
        self.uncured.remove(&call);
        match (&about, answer) {
            (About::Issue { subject }, Answer::Granted(grant)) => {
                self.totals.issued += 1;
                let facts = Facts::new(subject, sent_at, at, &grant.token);
                self.families.insert(grant.family, facts);
            }
            (About::Shown { family, generation }, Answer::Granted(grant)) => {
                self.granted(*family, *generation, grant, sent_at, at);
            }
            (About::Shown { family, generation }, Answer::Refused(why)) => {
                self.refused(*family, *generation, *why, at);
            }
            (About::End { family }, Answer::Ended) => {
                self.totals.revoked += 1;
                self.facts(*family).ended(at);
            }
            (About::End { family }, Answer::Refused(why)) => {
                self.strange.insert(*family, *why);
            }
            (About::Logout { subject }, Answer::Ended) => {
                self.logged_out(call, subject, sent_at, at)
            }
            _ => self.violate(Rule::Incurable, None, format!("{about:?}: {answer:?}")),
        }
    }

    /// Calls that have not come to a good end.
    pub fn uncured(&self) -> usize {
        self.uncured.len() + self.open.len()
    }

    /// Families that were said to be ended more than once.
    pub fn ended_twice(&self) -> Vec<FamilyId> {
        let mut seen = BTreeSet::new();
        let again = self.events.iter().filter(|(family, _)| !seen.insert(*family));
        again.map(|(family, _)| *family).collect()
    }

    /// Whether some call that was sent before this instant may have ended the family.
    pub fn may_have_ended(&self, family: FamilyId, at: Duration) -> bool {
        let facts = &self.families[&family];
        let overlaps = |logout: &Logout| {
            logout.subject == facts.subject
                && logout.began_at < at
                && logout.done_at.is_none_or(|done| done > facts.born_at)
        };
        facts.ending_at.is_some_and(|began| began < at) || self.logouts.values().any(overlaps)
    }

    pub fn violate(&mut self, rule: Rule, family: Option<FamilyId>, text: String) {
        self.violations.push(Violation { rule, family, text });
    }

    pub fn facts(&mut self, family: FamilyId) -> &mut Facts {
        self.families.get_mut(&family).expect("a family that was issued")
    }

    fn doubt(&mut self, call: u64, about: &About) {
        self.uncured.insert(call);
        if let About::Shown { family, generation } = about {
            self.facts(*family).doubted.insert(*generation);
        }
    }

    fn granted(
        &mut self,
        family: FamilyId,
        shown: u32,
        grant: &Grant,
        sent_at: Duration,
        at: Duration,
    ) {
        let count =
            if grant.replayed { &mut self.totals.replayed } else { &mut self.totals.rotated };
        *count += 1;
        let facts = self.facts(family);
        let mut wrong = Vec::new();
        if grant.family != family || grant.generation != shown + 1 {
            wrong.push((Rule::Incurable, "the successor of another token"));
        } else if !facts.came(grant.generation, &grant.token, at) {
            wrong.push((Rule::SecondSuccessor, "a second successor"));
        }
        let other =
            |(generation, stored)| generation == shown + 1 && stored != digest(&grant.token);
        if facts.unseen.is_some_and(other) {
            wrong.push((Rule::SecondSuccessor, "not the successor that was stored"));
        }
        if facts.was_spent(shown, sent_at) {
            wrong.push((Rule::SpentAccepted, "accepted"));
        }
        if facts.ended_at.is_some_and(|ended| ended < sent_at) {
            wrong.push((Rule::AfterRevocation, "granted"));
        }
        for (rule, what) in wrong {
            self.violate(rule, Some(family), format!("generation {shown} is shown: {what}"));
        }
    }

    fn refused(&mut self, family: FamilyId, shown: u32, why: Why, at: Duration) {
        self.totals.refused += 1;
        let justified = match why {
            Why::Revoked => self.may_have_ended(family, at),
            Why::Reused => self.facts(family).justifies_breach(shown, at),
            Why::Diverged | Why::AheadOfStore | Why::Unknown | Why::Other => {
                self.strange.insert(family, why);
                return;
            }
        };
        if !justified {
            let text = format!("generation {shown} is refused as {why:?}");
            self.violate(Rule::Unjustified, Some(family), text);
        }
        self.totals.breaches += usize::from(why == Why::Reused);
        self.facts(family).ended(at);
    }

    /// Every family of the subject that was issued before is ended.
    fn logged_out(&mut self, call: u64, subject: &str, sent_at: Duration, at: Duration) {
        self.totals.revoked += 1;
        if let Some(logout) = self.logouts.get_mut(&call) {
            logout.done_at = Some(at);
        }
        let families = self.families.values_mut().filter(|facts| facts.subject == subject);
        for facts in families.filter(|facts| facts.issued_at < sent_at) {
            facts.ended(at);
        }
    }
}
