//! What must be answered, and what the store remembers afterwards.

use std::collections::BTreeSet;

use super::history::{Family, Link, Model};
use super::words::{
    Answer, Ask, Asked, Cause, Consent, END_OF_TIME, Failure, FamilyNo, Granted, How, Millis,
    Rules, Showing, Verdict, Why,
};

impl Model {
    /// Hears a call: the answer, and the history with all that the call does.
    pub fn hear(&self, ask: &Ask) -> (Answer, Self) {
        let mut next = self.clone();
        let answer = match &ask.call {
            Asked::Issue(consent, rules) => next.issue(ask, consent, rules),
            Asked::Refresh(showing) => next.refresh(ask, showing),
            Asked::Begin(showing) => match self.verdict(showing, ask) {
                // A key that is missing is missed only when the successor is made again.
                Verdict::Rotate(_)
                | Verdict::Replay(_)
                | Verdict::Keep { .. }
                | Verdict::Fail(Failure::KeyMissing) => Answer::Ready,
                Verdict::Refuse(_) | Verdict::End(_) | Verdict::Fail(_) => {
                    next.refresh(ask, showing)
                }
            },
            Asked::Commit(showing, seen) => match self.family_of(showing) {
                Some(family) if family.consent != *seen => Answer::Failed(Failure::GrantChanged),
                _ => next.refresh(ask, showing),
            },
            Asked::Revoke(showing) => next.revoke(ask, showing),
            Asked::RevokeFamily(family) => next.end(*family, ask.now, Cause::ByHost),
            Asked::RevokeAll { subject, client } => next.revoke_all(ask.now, *subject, *client),
            Asked::ChangeGrant(family, consent) => next.change_scope(*family, &consent.scope),
            Asked::Introspect(showing) => self.introspect(ask, showing),
            Asked::Explain(showing) => match self.verdict(showing, ask) {
                Verdict::Fail(Failure::KeyMissing) => Answer::Failed(Failure::KeyMissing),
                verdict => Answer::Would(verdict),
            },
            Asked::Purge { limit } => next.purge(ask.now, *limit),
        };
        (answer, next)
    }

    fn issue(&mut self, ask: &Ask, consent: &Consent, rules: &Rules) -> Answer {
        let end = |length: Option<Millis>| length.map(|length| ask.now + length);
        if consent.ends_at.is_some_and(|end| end <= ask.now) {
            return Answer::Failed(Failure::Consent);
        }
        let late = |end: Millis| end > END_OF_TIME;
        if end(rules.absolute).is_some_and(late) || end(rules.idle).is_some_and(late) {
            return Answer::Failed(Failure::Clock);
        }
        let no = self.issued.len();
        self.issued.push((consent.clone(), rules.clone()));
        let token = self.mint(no, 0, ask.ring.active);
        let family = Family {
            consent: consent.clone(),
            issued_at: ask.now,
            absolute_end: end(rules.absolute).into_iter().chain(consent.ends_at).min(),
            ended: None,
            chain: vec![Link::made(token, rules, ask.now)],
        };
        self.kept.insert(no, family);
        let scope = consent.scope.iter().map(|word| (*word).to_owned()).collect();
        self.granted(no, How::Issued, rules, ask.now, scope)
    }

    fn refresh(&mut self, ask: &Ask, showing: &Showing) -> Answer {
        let verdict = self.verdict(showing, ask);
        let Some(no) = showing.token.map(|token| self.tokens[token].family) else {
            return Answer::Refused(Why::NeverMinted);
        };
        let (rules, now) = (&showing.rules, ask.now);
        match verdict {
            Verdict::Refuse(why) => Answer::Refused(why),
            Verdict::Fail(failure) => Answer::Failed(failure),
            Verdict::End(cause) => {
                let _revoked = self.end(no, now, cause);
                Answer::Ended(cause)
            }
            Verdict::Rotate(scope) => {
                let place = self.kept.get(&no).map_or(0, |family| family.chain.len());
                let token = self.mint(no, place, ask.ring.active);
                let link = Link::made(token, rules, now);
                self.kept.entry(no).and_modify(|family| family.chain.push(link));
                self.granted(no, How::Rotated, rules, now, scope)
            }
            Verdict::Replay(scope) => self.granted(no, How::Replayed, rules, now, scope),
            Verdict::Keep { scope, slides } => {
                let current = self.kept.get_mut(&no).and_then(|family| family.chain.last_mut());
                if let Some(current) = current.filter(|_| slides) {
                    // A clock that has stepped back takes no use back.
                    current.used_at = now.max(current.used_at);
                    current.idle_end = rules.idle.map(|idle| now + idle);
                }
                self.granted(no, How::Kept, rules, now, scope)
            }
        }
    }

    /// RFC 7009: any token of the family will do, in its own client's hands and not with another key.
    fn revoke(&mut self, ask: &Ask, showing: &Showing) -> Answer {
        let family = match self.verdict(showing, ask) {
            Verdict::Refuse(why @ (Why::NeverMinted | Why::KeyDropped)) => {
                return Answer::NoEffect(why);
            }
            _ => self.family_of(showing),
        };
        let Some((family, token)) = family.zip(showing.token) else {
            return Answer::NoEffect(Why::Unknown);
        };
        let bound_to = family.consent.key.or(showing.proof);
        if family.consent.client != showing.client {
            return Answer::NoEffect(Why::OtherClient);
        }
        if showing.proof.is_some() && showing.proof != bound_to {
            return Answer::NoEffect(Why::OtherKey);
        }
        self.end(self.tokens[token].family, ask.now, Cause::ByClient)
    }

    fn end(&mut self, no: FamilyNo, now: Millis, cause: Cause) -> Answer {
        match self.kept.get_mut(&no) {
            None => Answer::NoEffect(Why::Unknown),
            Some(Family { ended: Some((_, before)), .. }) => Answer::RevokedBefore(*before),
            Some(family) => {
                family.ended = Some((now, cause));
                Answer::Revoked
            }
        }
    }

    fn revoke_all(&mut self, now: Millis, subject: Option<&str>, client: Option<&str>) -> Answer {
        let meant = |family: &&mut Family| {
            family.ended.is_none()
                && subject.is_none_or(|subject| family.consent.subject == subject)
                && client.is_none_or(|client| family.consent.client == client)
        };
        let ended = self.kept.values_mut().filter(meant);
        Answer::Count(ended.map(|family| family.ended = Some((now, Cause::ByHost))).count())
    }

    fn change_scope(&mut self, no: FamilyNo, scope: &BTreeSet<&'static str>) -> Answer {
        match self.kept.get_mut(&no).filter(|family| family.ended.is_none()) {
            None => Answer::NotLive,
            Some(family) if family.consent.scope == *scope => Answer::Changed,
            Some(family) => {
                family.consent.scope.clone_from(scope);
                // The first token has no predecessor.
                let exchanged = family.chain.len() > 1;
                if let Some(current) = family.chain.last_mut() {
                    current.closed = exchanged;
                }
                Answer::Changed
            }
        }
    }

    fn introspect(&self, ask: &Ask, showing: &Showing) -> Answer {
        let Some(family) = self.family_of(showing) else {
            return Answer::Inactive;
        };
        let owner = Showing {
            client: family.consent.client,
            proof: family.consent.key,
            scope: None,
            resource: None,
            ..showing.clone()
        };
        match self.verdict(&owner, ask) {
            Verdict::Refuse(_) | Verdict::End(_) => Answer::Inactive,
            Verdict::Fail(failure) => Answer::Failed(failure),
            Verdict::Rotate(_) | Verdict::Replay(_) | Verdict::Keep { .. } => {
                self.active(family, &owner)
            }
        }
    }

    /// A predecessor lasts as long as its leeway, and never longer than its successor unused.
    fn active(&self, family: &Family, showing: &Showing) -> Answer {
        let (absolute_end, idle_end) = family.ends(&showing.rules);
        let current = family.current();
        if showing.token == Some(current.token) {
            return Answer::Active { made_at: Some(current.since), idle_end, absolute_end };
        }
        let leeway = showing.rules.leeway.length().map(|length| current.since + length);
        let leeway = leeway.map(|end| end.min(END_OF_TIME));
        let idle_end = idle_end.into_iter().chain(leeway).min();
        Answer::Active { made_at: None, idle_end, absolute_end }
    }

    /// Every family that may go; if they are more than the limit, which of them go is the store's choice.
    fn purge(&mut self, now: Millis, limit: usize) -> Answer {
        let before = self.kept.len();
        self.kept.retain(|_, family| family.forgettable_after().is_none_or(|after| after >= now));
        Answer::Count(limit.min(before - self.kept.len()))
    }

    fn family_of(&self, showing: &Showing) -> Option<&Family> {
        showing.token.and_then(|token| self.kept.get(&self.tokens[token].family))
    }

    fn granted(
        &self,
        no: FamilyNo,
        how: How,
        rules: &Rules,
        now: Millis,
        scope: BTreeSet<String>,
    ) -> Answer {
        let Some(family) = self.kept.get(&no) else {
            return Answer::Failed(Failure::Unforeseen);
        };
        let (absolute_end, idle_end) = family.ends(rules);
        let left = |end: Option<Millis>| end.map(|end| end.saturating_sub(now));
        Answer::Granted(Granted {
            how,
            family: no,
            place: family.chain.len() - 1,
            scope,
            idle_left: left(idle_end),
            absolute_left: left(absolute_end),
        })
    }
}

impl Link {
    fn made(token: usize, rules: &Rules, now: Millis) -> Self {
        let idle_end = rules.idle.map(|idle| now + idle);
        Self { token, since: now, used_at: now, idle_end, closed: false }
    }
}
