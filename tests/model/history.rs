//! What has happened, as far as anybody can remember it.
//!
//! Two memories: the *world* knows every token that ever came to be, and what string was released for it; the
//! *store* knows the families, each with the chain of exchanges that led to its current token. A store that loses
//! its last writes goes back to an earlier memory, and the world does not.

use std::collections::BTreeMap;

use super::words::{Cause, Consent, END_OF_TIME, FamilyNo, Millis, RETENTION, Rules, TokenNo};

/// The world, and in it the store.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Every token, in the order in which they came to be.
    pub tokens: Vec<Token>,
    /// What the store remembers.
    pub kept: BTreeMap<FamilyNo, Family>,
    /// What each family was issued for and under, in the order of issue.
    pub issued: Vec<(Consent, Rules)>,
}

/// A token that came to be.
#[derive(Clone, Debug)]
pub struct Token {
    /// Whose it is.
    pub family: FamilyNo,
    /// How many exchanges led to it.
    pub place: usize,
    /// The key that it was made with.
    pub key: u8,
    /// The string, once somebody has been given it. An answer that was lost has given it to nobody.
    pub text: Option<String>,
    /// Whether somebody who holds a key has made it, and not the engine.
    pub forged: bool,
}

/// What the store remembers of a family.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Family {
    pub consent: Consent,
    pub issued_at: Millis,
    /// The absolute end, as it was made at issue.
    pub absolute_end: Option<Millis>,
    /// When and why it was ended.
    pub ended: Option<(Millis, Cause)>,
    /// The tokens that followed each other, the current one last.
    pub chain: Vec<Link>,
}

/// A token's time as the current one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    pub token: TokenNo,
    /// When it was made: when its predecessor was exchanged for it.
    pub since: Millis,
    /// When its use was last noted without an exchange; else as `since`.
    pub used_at: Millis,
    /// Its idle end, as it was made with it, or when its use was noted.
    pub idle_end: Option<Millis>,
    /// Whether the consent has changed since, so that its predecessor must not be answered with it.
    pub closed: bool,
}

/// Where a token stands in what the store remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The current one.
    Current,
    /// The one before.
    Predecessor,
    /// Older: so many exchanges ago.
    Spent(usize),
    /// The store has forgotten the exchange that made it, and has not come that far again.
    Forgotten,
    /// The store has forgotten the exchange that made it, and has made another in its place a moment ago.
    Overwritten,
}

impl Model {
    /// A token comes to be, and nobody has been given it yet.
    pub fn mint(&mut self, family: FamilyNo, place: usize, key: u8) -> TokenNo {
        self.tokens.push(Token { family, place, key, text: None, forged: false });
        self.tokens.len() - 1
    }

    /// A string is released for a token: the first time any, afterwards only the same.
    pub fn release(&mut self, token: TokenNo, text: &str) -> Result<(), String> {
        let spelled = self.tokens.iter().position(|token| token.text.as_deref() == Some(text));
        match (&self.tokens[token].text, spelled) {
            (Some(known), _) if known == text => Ok(()),
            (Some(_), _) => Err(format!("token {token} was released as another string before")),
            (None, Some(other)) => Err(format!("token {token} has the string of token {other}")),
            (None, None) => {
                self.tokens[token].text = Some(text.to_owned());
                Ok(())
            }
        }
    }

    /// Somebody who holds a key makes a string for a place in a family. It is not in the chain, and never will be.
    pub fn forge(&mut self, family: FamilyNo, place: usize, key: u8, text: String) {
        if self.tokens.iter().all(|token| token.text.as_ref() != Some(&text)) {
            self.tokens.push(Token { family, place, key, text: Some(text), forged: true });
        }
    }

    /// The tokens of a family that somebody holds, newest first, and forged ones last.
    pub fn released(&self, family: FamilyNo) -> Vec<TokenNo> {
        let held =
            |no: &TokenNo| self.tokens[*no].family == family && self.tokens[*no].text.is_some();
        let mut held: Vec<TokenNo> = (0..self.tokens.len()).rev().filter(held).collect();
        held.sort_by_key(|no| self.tokens[*no].forged);
        held
    }

    /// The strings of a family that the engine has released.
    pub fn texts(&self, of: impl Fn(FamilyNo) -> bool) -> impl Iterator<Item = &str> {
        let ours = move |token: &&Token| !token.forged && of(token.family);
        self.tokens.iter().filter(ours).filter_map(|token| token.text.as_deref())
    }

    /// Where a token stands in its family.
    pub fn standing(&self, family: &Family, token: TokenNo) -> Standing {
        let newest = family.chain.len() - 1;
        let place = self.tokens[token].place;
        match family.chain.iter().rev().position(|link| link.token == token) {
            Some(0) => Standing::Current,
            Some(1) => Standing::Predecessor,
            Some(exchanges) => Standing::Spent(exchanges),
            None if place > newest => Standing::Forgotten,
            None if place + 1 >= newest => Standing::Overwritten,
            // So long ago that nobody can tell it from a token that was spent.
            None => Standing::Spent(newest - place),
        }
    }

    /// Of each family, all that a call does, or nothing of it: for a call of which it is not known whether the
    /// store has done it.
    pub fn partly(&self, whole: &Self, done: impl Fn(FamilyNo) -> bool) -> Self {
        let mut partly = Self { kept: BTreeMap::new(), ..whole.clone() };
        for no in 0..whole.issued.len() {
            let source = if done(no) { whole } else { self };
            if let Some(family) = source.kept.get(&no) {
                partly.kept.insert(no, family.clone());
            }
        }
        partly
    }
}

impl Family {
    /// The current token's time.
    pub fn current(&self) -> &Link {
        &self.chain[self.chain.len() - 1]
    }

    /// The absolute and the idle end that count under some rules.
    pub fn ends(&self, rules: &Rules) -> (Option<Millis>, Option<Millis>) {
        let current = self.current();
        if !rules.live {
            return (self.absolute_end, current.idle_end);
        }
        let counted = |from: Millis, length: Millis| (from + length).min(END_OF_TIME);
        let absolute = rules.absolute.map(|length| counted(self.issued_at, length));
        let absolute = absolute.into_iter().chain(self.consent.ends_at).min();
        (absolute, rules.idle.map(|length| counted(current.used_at, length)))
    }

    /// When the store may forget it, if ever: a retention after it was ended, or else after the first of its ends; and
    /// not before its last use, as ends may have been counted anew and clocks be wrong.
    pub fn forgettable_after(&self) -> Option<Millis> {
        let current = self.current();
        let end = match self.ended {
            Some((at, _)) => Some(at),
            None => self.absolute_end.into_iter().chain(current.idle_end).min(),
        };
        end.map(|end| end.max(current.used_at) + RETENTION)
    }
}
