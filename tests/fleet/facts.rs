//! What the clients of one family know of it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use heirloom::secret::Digest;
use heirloom::token::Presented;

use super::serve::{LEEWAY, keys};

/// A family as its clients have seen it. Instants are the parent's.
#[derive(Debug)]
pub struct Facts {
    pub subject: String,
    /// When the request for its first token was sent.
    pub born_at: Duration,
    /// When its first token came.
    pub issued_at: Duration,
    /// Every token that came, by its generation.
    tokens: Vec<String>,
    /// When each came.
    came_at: Vec<Duration>,
    /// When each generation was first shown.
    shown_at: BTreeMap<u32, Duration>,
    /// Generations that were shown in a call that failed, or was never answered.
    pub doubted: BTreeSet<u32>,
    /// When the first call was sent that may end it.
    pub ending_at: Option<Duration>,
    /// When it was first known to have ended.
    pub ended_at: Option<Duration>,
    /// Whether a spent token was shown outside its leeway.
    pub stolen: bool,
    /// A current token that was seen in the store, when no client had it yet.
    pub unseen: Option<(u32, Digest)>,
}

impl Facts {
    pub fn new(subject: &str, born_at: Duration, issued_at: Duration, token: &str) -> Self {
        Self {
            subject: subject.to_owned(),
            born_at,
            issued_at,
            tokens: vec![token.to_owned()],
            came_at: vec![issued_at],
            shown_at: BTreeMap::new(),
            doubted: BTreeSet::new(),
            ending_at: None,
            ended_at: None,
            stolen: false,
            unseen: None,
        }
    }

    /// The last generation of which a token came.
    pub fn generation(&self) -> u32 {
        u32::try_from(self.tokens.len() - 1).expect("32 bits")
    }

    pub fn token(&self, generation: u32) -> &str {
        &self.tokens[index(generation)]
    }

    /// A token was sent off at this instant.
    pub fn shown(&mut self, generation: u32, at: Duration) {
        let next_came = self.came_at.get(index(generation) + 1).is_some();
        let spent = self.came_at.get(index(generation) + 2).is_some()
            || (next_came && self.is_leeway_over(generation, at));
        if spent {
            self.stolen = true;
            self.may_end(at);
        }
        self.shown_at.entry(generation).or_insert(at);
    }

    /// Whether a refusal for reuse can be right: the successor had been shown, or the leeway was over.
    pub fn justifies_breach(&self, generation: u32, at: Duration) -> bool {
        self.shown_at.range(generation + 1..).next().is_some()
            || self.is_leeway_over(generation, at)
    }

    /// Whether the successor's own successor had come before a token was sent off.
    pub fn was_spent(&self, generation: u32, sent_at: Duration) -> bool {
        self.came_at.get(index(generation) + 2).is_some_and(|came| *came < sent_at)
    }

    /// A successor came: the next, or the same again.
    pub fn came(&mut self, generation: u32, token: &str, at: Duration) -> bool {
        match self.tokens.get(index(generation)) {
            Some(first) => first == token,
            None => {
                assert_eq!(generation, self.generation() + 1, "shown before it came");
                self.tokens.push(token.to_owned());
                self.came_at.push(at);
                true
            }
        }
    }

    pub fn may_end(&mut self, at: Duration) {
        self.ending_at = Some(self.ending_at.map_or(at, |first| first.min(at)));
    }

    pub fn ended(&mut self, at: Duration) {
        self.ended_at = Some(self.ended_at.map_or(at, |first| first.min(at)));
    }

    /// The leeway counts from some moment after the first showing.
    fn is_leeway_over(&self, generation: u32, at: Duration) -> bool {
        self.shown_at.get(&generation).is_some_and(|first| at >= *first + LEEWAY)
    }
}

/// What a store keeps of a token.
pub fn digest(token: &str) -> Digest {
    Presented::verify(token, &keys()).expect("a token of ours").digest()
}

fn index(generation: u32) -> usize {
    usize::try_from(generation).expect("32 bits")
}
