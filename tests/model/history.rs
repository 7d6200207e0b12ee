//! What has happened, as far as anybody can remember it.
//!
//! Two memories: the *world* knows every token that ever came to be, and what string was released for it; the
//! *store* knows the families, each with the lines of exchanges that led to its current tokens. A store that loses
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
    /// The families' names, which tell the older of two of the same instant.
    pub names: Vec<[u8; 16]>,
    /// The legacy tokens that were ever adopted.
    pub legacies: BTreeMap<usize, (FamilyNo, TokenNo)>,
}

/// A token that came to be.
#[derive(Clone, Debug)]
pub struct Token {
    /// Whose it is.
    pub family: FamilyNo,
    /// The line of the family.
    pub line: usize,
    /// How many exchanges led to it.
    pub place: usize,
    /// The key that it was made with; `None`: another system has made it.
    pub key: Option<u8>,
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
    /// Until when the legacy token was acceptable that it began with: it is remembered until then.
    pub kept_until: Option<Millis>,
    /// When and why it was ended.
    pub ended: Option<(Millis, Cause)>,
    /// The first line, and those that were forked and are remembered.
    pub lines: Vec<Line>,
    /// How many were ever forked.
    pub forks: usize,
    /// Whether anything has happened to it since it was issued.
    pub written: bool,
}

/// Tokens that followed each other.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub number: usize,
    /// The line whose token was exchanged once more for the first of this one; the first line's is itself.
    pub origin: usize,
    /// The tokens, the current one last.
    pub chain: Vec<Link>,
}

/// A token's time as the current one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    pub token: TokenNo,
    /// How many exchanges led to it.
    pub place: usize,
    /// When it was made: when its predecessor was exchanged for it.
    pub since: Millis,
    /// When its use was last noted without an exchange; else as `since`.
    pub used_at: Millis,
    /// Its idle end, as it was made with it, or when its use was noted.
    pub idle_end: Option<Millis>,
    /// Whether the consent has changed since, so that its predecessor must not be answered with it.
    pub closed: bool,
    /// How often its predecessor was answered since, as far as that is counted.
    pub uses: u32,
    /// The tokens that had its place before and were displaced.
    pub earlier: Vec<TokenNo>,
}

/// Where a token stands in what the store remembers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The current one of its line.
    Current,
    /// The one before.
    Predecessor,
    /// Older: so many exchanges ago.
    Spent(usize),
    /// In the current one's place, or so many before, where one token has displaced another.
    Displaced(usize),
    /// The store has forgotten the exchange that made it, and has not come that far again.
    Forgotten,
    /// The store has forgotten that its line was ever made.
    LineForgotten,
    /// Its line was left unused for too long and is remembered no more.
    LineGone,
    /// The store has forgotten the exchange that made it, and has made another in its place a moment ago.
    Overwritten,
}

impl Model {
    /// A token comes to be, and nobody has been given it yet.
    pub fn mint(&mut self, family: FamilyNo, line: usize, place: usize, key: u8) -> TokenNo {
        let key = Some(key);
        self.tokens.push(Token { family, line, place, key, text: None, forged: false });
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

    /// Somebody who holds a key makes a string for a place in a family. It is not in a chain, and never will be, unless a store that has
    /// lost writes is told to believe it.
    pub fn forge(&mut self, family: FamilyNo, line: usize, place: usize, key: u8, text: String) {
        if self.tokens.iter().all(|token| token.text.as_ref() != Some(&text)) {
            let (key, text) = (Some(key), Some(text));
            self.tokens.push(Token { family, line, place, key, text, forged: true });
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
        let ours = move |token: &&Token| !token.forged && token.key.is_some() && of(token.family);
        self.tokens.iter().filter(ours).filter_map(|token| token.text.as_deref())
    }

    /// Where a token stands in its family.
    pub fn standing(&self, family: &Family, token: TokenNo) -> Standing {
        let Token { line, place, .. } = self.tokens[token];
        let Some(line) = family.line(line) else {
            return if line > family.forks { Standing::LineForgotten } else { Standing::LineGone };
        };
        let newest = line.current().place;
        let there = line.chain.iter().find(|link| link.place == place);
        match (newest.checked_sub(place), there) {
            (None, _) => Standing::Forgotten,
            (Some(0), Some(link)) if link.token == token => Standing::Current,
            (Some(1), Some(link)) if link.token == token => Standing::Predecessor,
            // Nobody can tell one that was displaced from one that was overwritten in the same place.
            (Some(behind @ 0..=1), Some(link)) if !link.earlier.is_empty() => {
                Standing::Displaced(behind)
            }
            (Some(0..=1), _) => Standing::Overwritten,
            // So long ago that nobody can tell it from a token that was spent.
            (Some(behind), _) => Standing::Spent(behind),
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
    /// The line of a number, if it is remembered.
    pub fn line(&self, number: usize) -> Option<&Line> {
        self.lines.iter().find(|line| line.number == number)
    }

    pub fn line_mut(&mut self, number: usize) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.number == number)
    }

    /// The line that was made last.
    pub fn newest_line(&self) -> &Line {
        &self.lines[self.lines.len() - 1]
    }

    /// The absolute end, and a line's idle end, that count under some rules.
    pub fn ends(&self, line: &Line, rules: &Rules) -> (Option<Millis>, Option<Millis>) {
        let current = line.current();
        if !rules.live {
            return (self.absolute_end, current.idle_end);
        }
        let counted = |from: Millis, length: Millis| (from + length).min(END_OF_TIME);
        let absolute = rules.absolute.map(|length| counted(self.issued_at, length));
        let absolute = absolute.into_iter().chain(self.consent.ends_at).min();
        let idle = rules.idle.map(|length| counted(current.used_at, length));
        // A legacy token is good until its date at the latest, whatever the rules; and until then, as long as no use of it is noted.
        let legacy = self.kept_until.filter(|_| current.place == 0);
        let waits = legacy.is_some() && current.used_at == current.since;
        (absolute, idle.filter(|_| !waits).into_iter().chain(legacy).min())
    }

    /// Whether a line has been left unused for too long.
    pub fn is_over(&self, line: &Line, rules: &Rules, now: Millis) -> bool {
        self.ends(line, rules).1.is_some_and(|end| end <= now)
    }

    /// Whether any of its tokens could be used.
    pub fn is_usable(&self, rules: &Rules, now: Millis) -> bool {
        self.ended.is_none()
            && self.lines.iter().any(|line| {
                let (absolute, idle) = self.ends(line, rules);
                absolute.into_iter().chain(idle).all(|end| end > now)
            })
    }

    /// Whether somebody is known to have used what the predecessor of a line's current token was answered: the
    /// current token, or the first token of a line that was forked from it.
    pub fn is_answer_used(&self, line: &Line) -> bool {
        let current = line.current();
        let answers = self.lines.iter().filter(|other| {
            other.origin == line.number
                && other.number != line.number
                && other.chain[0].place == current.place
        });
        answers.chain([line]).any(|answer| {
            let latest = answer.current();
            latest.place > current.place || latest.used_at > latest.since
        })
    }

    /// When the store may forget it, if ever: a retention after it was ended, or else after the last of its lines came to its
    /// first end; not before its last use, as ends may have been counted anew and clocks be wrong; and not before its legacy
    /// token is unacceptable anyway.
    pub fn forgettable_after(&self) -> Option<Millis> {
        let end = match self.ended {
            Some((at, _)) => Some(at.max(self.lines[0].current().used_at)),
            None => self
                .lines
                .iter()
                .map(|line| self.line_ends(line))
                .try_fold(0, |latest: Millis, end| Some(latest.max(end?))),
        };
        end.map(|end| end.max(self.kept_until.unwrap_or_default()) + RETENTION)
    }

    fn line_ends(&self, line: &Line) -> Option<Millis> {
        let current = line.current();
        let end = self.absolute_end.into_iter().chain(current.idle_end).min();
        end.map(|end| end.max(current.used_at))
    }
}

impl Line {
    /// The current token's time.
    pub fn current(&self) -> &Link {
        &self.chain[self.chain.len() - 1]
    }

    pub fn current_mut(&mut self) -> &mut Link {
        let last = self.chain.len() - 1;
        &mut self.chain[last]
    }
}

impl Link {
    /// A token becomes the current one.
    pub fn made(token: TokenNo, place: usize, idle: Option<Millis>, now: Millis) -> Self {
        let idle_end = idle.map(|idle| (now + idle).min(END_OF_TIME));
        Self {
            token,
            place,
            since: now,
            used_at: now,
            idle_end,
            closed: false,
            uses: 0,
            earlier: Vec::new(),
        }
    }
}
