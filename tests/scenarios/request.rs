//! Making a request in a scenario: what was answered, what goes with every answer, and what is remembered of it.

use std::collections::BTreeSet;
use std::time::Duration;

use heirloom::{Event, How};

use super::fields::Check;
use super::host::Meet;
use super::names::Bound;
use super::op::{At, Op};
use super::outcome::{Answer, Got};
use super::signal::is_breach;
use super::world::World;

/// A request that was made on its own.
pub struct Made {
    pub answer: Answer,
    pub events: Vec<Event>,
    pub store_calls: usize,
}

impl World {
    /// Whether the request presents what is absent on purpose.
    pub fn is_moot(&self, at: &At) -> Check<bool> {
        match (at.presents(), &at.op) {
            (Some(name), _) => Ok(self.names.text(name)?.is_none()),
            (None, Op::RevokeFamily(family)) => Ok(self.refused_families.contains(family)),
            (None, _) => Ok(false),
        }
    }

    /// Makes a request and checks what holds for every answer.
    pub fn make(&mut self, at: &At) -> Check<Made> {
        self.keep_issues_apart(at)?;
        self.take_events();
        self.store.faults().take_operations();
        let answer = at.perform(self, Meet::at(None))?;
        let store_calls = self.store.faults().take_operations().total();
        self.counted.insert(String::new(), store_calls);
        let events = self.take_events();
        let reported = |event: &Event| is_breach(&event.kind);
        if answer.breach != events.iter().any(reported) {
            return Err("a breach is reported exactly when it is found".to_owned());
        }
        self.renderings.extend(events.iter().map(|event| format!("{event:?}")));
        self.renderings.push(answer.rendering.clone());
        self.check_standing(at, &answer)?;
        Ok(Made { answer, events, store_calls })
    }

    /// Where the oldest family is ended for a new one, which is the oldest shall not be chance.
    fn keep_issues_apart(&mut self, at: &At) -> Check {
        let Op::Issue(issue) = &at.op else { return Ok(()) };
        let now = self.now();
        let limited = self.keys().spec(Some(&issue.client))?.limits_families();
        if let Some(last) = self.issued_at.filter(|last| limited && *last >= now) {
            let apart = last.saturating_since(now).saturating_add(Duration::from_millis(1));
            // Farther back is meant.
            if apart < Duration::from_secs(1) {
                self.set_clock(self.now.later(apart));
            }
        }
        self.issued_at = Some(self.now());
        Ok(())
    }

    /// What holds for every success: no string is new twice (INV-1), no scope grows (INV-5), and all that belongs to
    /// the family stays (INV-6); a rotation is one generation on.
    pub fn check_standing(&self, at: &At, answer: &Answer) -> Check {
        let Some(got) = &answer.grant else { return Ok(()) };
        let again = |token: &String| self.released.contains(token);
        let is_new = matches!(got.how, How::Issued | How::Rotated | How::Renewed | How::Forked);
        if is_new && got.token.as_ref().is_some_and(again) {
            return Err("a string was new twice".to_owned());
        }
        if let Some(issued) = self.families.values().find(|issued| issued.id == got.family) {
            let scope: BTreeSet<String> = got.scope.iter().cloned().collect();
            let same = *got.subject == *issued.subject
                && *got.client == *issued.client
                && got.attributes == issued.attributes;
            if !same || !scope.is_subset(&issued.scope) {
                return Err(format!("not what was issued: {:?}, {:?}", got.subject, got.scope));
            }
        }
        self.check_place(at, got)
    }

    fn check_place(&self, at: &At, got: &Got) -> Check {
        let Some(text) = at.presents().map(|name| self.names.text(name)).transpose()?.flatten()
        else {
            return Ok(());
        };
        let position = self.position(text).ok_or("succeeded with a token that is none of ours")?;
        let step = u32::from(got.how != How::Kept);
        if (position.family, position.generation + step) == (got.family, got.generation) {
            Ok(())
        } else {
            Err(format!("generation {} of {} came after {position:?}", got.generation, got.family))
        }
    }

    /// Remembers what an answer gave, under its name.
    pub fn accept(&mut self, at: &At, named: Option<&str>, answer: &Answer, refused: bool) {
        if let Op::Issue(issue) = &at.op {
            match issue.issued(answer) {
                Some(issued) => {
                    self.families.insert(issue.family.clone(), issued);
                }
                None if refused => {
                    self.refused_families.insert(issue.family.clone());
                }
                None => {}
            }
        }
        let kept = || at.presents().and_then(|name| self.names.text(name).ok().flatten());
        let token = match answer.grant.as_ref().map(|got| got.how) {
            Some(How::Kept) => kept(),
            _ => answer.token(),
        };
        let bound = token.map(|token| Bound::Text(token.to_owned()));
        self.note_displaced(at, answer);
        match (named, bound) {
            (Some(name), Some(bound)) => self.names.bind(name, bound),
            (Some(name), None) if refused => self.names.bind(name, Bound::Absent),
            _ => {}
        }
        self.release(answer);
    }

    /// Where a retry was answered with another token in the place of the earlier one, that one is displaced.
    fn note_displaced(&mut self, at: &At, answer: &Answer) {
        let (Some(got), Some(token)) = (&answer.grant, answer.token()) else { return };
        let before = self.position(token).filter(|_| got.how == How::Renewed);
        let Some(place) = before.filter(|_| at.presents().is_some()) else { return };
        let earlier = self.released.iter().filter(|known| *known != token);
        let displaced: Vec<String> =
            earlier.filter(|known| self.position(known) == Some(place)).cloned().collect();
        self.host.displaced.extend(displaced);
    }
}
