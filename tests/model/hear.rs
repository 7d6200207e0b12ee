//! What must be answered, and what the store remembers afterwards.

use std::collections::BTreeSet;

use super::history::{Family, Line, Link, Model, Token};
use super::words::{
    Answer, Ask, Asked, BELIEVED, Cause, Consent, END_OF_TIME, Failure, FamilyNo, Granted, How,
    Millis, Reach, Rules, Showing, Verdict, Why, legacy_text,
};

impl Model {
    /// Hears a call: the answer, and the history with all that the call does.
    pub fn hear(&self, ask: &Ask) -> (Answer, Self) {
        let mut next = self.clone();
        let answer = match &ask.call {
            Asked::Issue(consent, rules) => next.issue(ask, consent, rules),
            Asked::Adopt { legacy, consent, rules, until, by_hash: _ } => {
                next.adopt(ask, *legacy, (consent, rules), *until)
            }
            Asked::Refresh(showing) => next.refresh(ask, showing),
            Asked::Begin(showing) => match self.verdict(showing, ask) {
                // A key that is missing is missed only when the successor is made again.
                Verdict::Rotate(_)
                | Verdict::Replay { .. }
                | Verdict::Renew(_)
                | Verdict::Fork(_)
                | Verdict::Recover(_)
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
            Asked::RevokeAll { subject, client, keep } => {
                Answer::Count(next.end_all((*subject, *client), *keep, ask.now, Cause::ByHost))
            }
            Asked::ChangeGrant(family, consent) => next.change_consent(*family, consent),
            Asked::Introspect(showing) => self.introspect(ask, showing),
            Asked::Explain(showing) => match self.verdict(showing, ask) {
                Verdict::Fail(Failure::KeyMissing) => Answer::Failed(Failure::KeyMissing),
                verdict => Answer::Would(verdict),
            },
            Asked::Purge { limit } => next.purge(ask.now, *limit),
        };
        for (no, family) in &mut next.kept {
            family.written |= self.kept.get(no).is_some_and(|before| before != family);
        }
        (answer, next)
    }

    /// The history in which the token that is shown has been answered once less.
    pub fn uncounted(&self, ask: &Ask) -> Self {
        let mut model = self.clone();
        if let Some(token) = ask.refresh().and_then(|showing| showing.token) {
            let Token { family, line, .. } = self.tokens[token];
            model.change(family, line, |current| current.uses = current.uses.saturating_sub(1));
        }
        model
    }

    /// A new family; then the limit, if there is one, is seen to.
    fn issue(&mut self, ask: &Ask, consent: &Consent, rules: &Rules) -> Answer {
        if let Some(failure) = unissuable(ask.now, consent, rules, None) {
            return Answer::Failed(failure);
        }
        let most = rules.limit.map_or(usize::MAX, |limit| limit.families);
        let evicts = rules.limit.is_some_and(|limit| limit.evicts);
        if !evicts && self.usable(consent, rules, ask.now).len() >= most {
            return Answer::Failed(Failure::TooManyFamilies);
        }
        let mut at = ask.now;
        loop {
            if let Some(failure) = unissuable(at, consent, rules, None) {
                return Answer::Failed(failure);
            }
            let no = self.issued.len();
            self.issued.push((consent.clone(), rules.clone()));
            let token = self.mint(no, 0, 0, ask.ring.active);
            let first = Link::made(token, 0, rules.idle, at);
            self.kept.insert(no, Family::begun(consent, rules, first));
            let usable = self.usable(consent, rules, ask.now);
            let (oldest, stay) = usable.split_at(usable.len().saturating_sub(most));
            for old in oldest {
                let _revoked = self.end(*old, ask.now, Cause::Evicted);
            }
            let latest = stay.last().filter(|_| oldest.contains(&no));
            at = match latest.map(|no| self.kept[no].issued_at + 1) {
                None => {
                    let scope = consent.scope.iter().map(|word| (*word).to_owned()).collect();
                    return self.granted(no, 0, How::Issued, rules, at, scope);
                }
                // It was itself the oldest, by another node's clock: another one, which is not.
                Some(later) if later < ask.now + BELIEVED / 2 => later,
                Some(_) => return Answer::Failed(Failure::Contended),
            };
        }
    }

    /// The families of a subject at a client that could be used, the oldest first.
    fn usable(&self, consent: &Consent, rules: &Rules, now: Millis) -> Vec<FamilyNo> {
        let of = |family: &&FamilyNo| {
            let family = &self.kept[*family];
            family.consent.subject == consent.subject
                && family.consent.client == consent.client
                && family.is_usable(rules, now)
        };
        let mut usable: Vec<FamilyNo> = self.kept.keys().filter(of).copied().collect();
        usable.sort_by_key(|no| (self.kept[no].issued_at, self.names.get(*no)));
        usable
    }

    /// A legacy token becomes the first of a family, once.
    fn adopt(
        &mut self,
        ask: &Ask,
        legacy: usize,
        (consent, rules): (&Consent, &Rules),
        until: Millis,
    ) -> Answer {
        if !ask.ring.adopts {
            return Answer::Failed(Failure::NoAdoption);
        }
        if let Some(failure) = unissuable(ask.now, consent, rules, Some(until)) {
            return Answer::Failed(failure);
        }
        let known = self.legacies.get(&legacy).copied();
        if let Some((no, family)) = known.and_then(|(no, _)| Some((no, self.kept.get(&no)?))) {
            let is_same = family.consent.is_same_owners(consent)
                && (family.written || family.consent == *consent);
            return match is_same {
                true => Answer::AdoptedBefore(no),
                false => Answer::Failed(Failure::OtherGrant),
            };
        }
        let issued = (consent.clone(), rules.clone());
        let (no, token) = match known {
            // Forgotten meanwhile: the same name again.
            Some((no, token)) => {
                self.issued[no] = issued;
                (no, token)
            }
            None => {
                self.issued.push(issued);
                let family = self.issued.len() - 1;
                let text = Some(legacy_text(legacy));
                let first = Token { family, line: 0, place: 0, key: None, text, forged: false };
                self.tokens.push(first);
                (family, self.tokens.len() - 1)
            }
        };
        self.legacies.insert(legacy, (no, token));
        let first = Link { idle_end: Some(until), ..Link::made(token, 0, None, ask.now) };
        let family = Family { kept_until: Some(until), ..Family::begun(consent, rules, first) };
        self.kept.insert(no, family);
        Answer::Adopted(no)
    }

    fn refresh(&mut self, ask: &Ask, showing: &Showing) -> Answer {
        let verdict = self.verdict(showing, ask);
        let Some(token) = showing.token else {
            return Answer::Refused(Why::NeverMinted);
        };
        let Token { family: no, line, place, .. } = self.tokens[token];
        let (rules, now, key) = (&showing.rules, ask.now, ask.ring.active);
        match verdict {
            Verdict::Refuse(why) => Answer::Refused(why),
            Verdict::Fail(failure) => Answer::Failed(failure),
            Verdict::End(cause) => {
                self.end_for(no, now, cause, rules);
                Answer::Ended(cause)
            }
            Verdict::Rotate(scope) => {
                let next = self.mint(no, line, place + 1, key);
                self.push(no, line, Link::made(next, place + 1, rules.idle, now));
                self.granted(no, line, How::Rotated, rules, now, scope)
            }
            Verdict::Recover(scope) => {
                // All that led to the token stays forgotten.
                self.push(no, line, Link::made(token, place, None, now));
                let next = self.mint(no, line, place + 1, key);
                self.push(no, line, Link::made(next, place + 1, rules.idle, now));
                self.granted(no, line, How::Recovered, rules, now, scope)
            }
            Verdict::Replay { scope, counted } => {
                self.change(no, line, |current| current.uses += u32::from(counted));
                self.granted(no, line, How::Replayed, rules, now, scope)
            }
            Verdict::Renew(scope) => {
                let other = self.mint(no, line, place + 1, key);
                self.change(no, line, |current| {
                    current.uses += 1;
                    current.earlier.push(std::mem::replace(&mut current.token, other));
                });
                self.granted(no, line, How::Renewed, rules, now, scope)
            }
            Verdict::Fork(scope) => {
                self.change(no, line, |current| current.uses += 1);
                let forked = self.fork(no, line, place + 1, (rules, now, key));
                self.granted(no, forked, How::Forked, rules, now, scope)
            }
            Verdict::Keep { scope, slides } => {
                let legacy = self.kept.get(&no).and_then(|family| family.kept_until);
                self.change(no, line, |current| {
                    if slides {
                        // A clock that has stepped back takes no use back, and no use moves a legacy token's date.
                        current.used_at = now.max(current.used_at);
                        let idle_end = rules.idle.map(|idle| now + idle);
                        let legacy = legacy.filter(|_| current.place == 0);
                        current.idle_end = idle_end.into_iter().chain(legacy).min();
                    }
                });
                self.granted(no, line, How::Kept, rules, now, scope)
            }
        }
    }

    /// Another line of a family, and those that were left unused for too long are forgotten.
    fn fork(
        &mut self,
        no: FamilyNo,
        origin: usize,
        place: usize,
        (rules, now, key): (&Rules, Millis, u8),
    ) -> usize {
        let number = self.kept.get(&no).map_or(0, |family| family.forks + 1);
        let token = self.mint(no, number, place, key);
        if let Some(family) = self.kept.get_mut(&no) {
            let all = std::mem::take(&mut family.lines);
            let stays = |line: &Line| line.number == 0 || !family.is_over(line, rules, now);
            family.lines = all.into_iter().filter(stays).collect();
            let first = Link::made(token, place, rules.idle, now);
            family.lines.push(Line { number, origin, chain: vec![first] });
            family.forks = number;
        }
        number
    }

    fn push(&mut self, no: FamilyNo, line: usize, link: Link) {
        let line = self.kept.get_mut(&no).and_then(|family| family.line_mut(line));
        line.into_iter().for_each(|line| line.chain.push(link.clone()));
    }

    fn change(&mut self, no: FamilyNo, line: usize, change: impl FnOnce(&mut Link)) {
        if let Some(line) = self.kept.get_mut(&no).and_then(|family| family.line_mut(line)) {
            change(line.current_mut());
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

    /// Ends a family, unless it has ended before.
    pub fn end(&mut self, no: FamilyNo, now: Millis, cause: Cause) -> Answer {
        match self.kept.get_mut(&no) {
            None => Answer::NoEffect(Why::Unknown),
            Some(Family { ended: Some((_, before)), .. }) => Answer::RevokedBefore(*before),
            Some(family) => {
                family.ended = Some((now, cause));
                Answer::Revoked
            }
        }
    }

    /// Ends a family, and then what its reuse ends beside it.
    fn end_for(&mut self, no: FamilyNo, now: Millis, cause: Cause, rules: &Rules) {
        let Consent { subject, client, .. } = self.kept[&no].consent;
        let related = match (cause, rules.on_reuse) {
            (Cause::Reuse { .. }, Reach::Client) => Some((Some(subject), Some(client))),
            (Cause::Reuse { .. }, Reach::Subject) => Some((Some(subject), None)),
            _ => None,
        };
        let _revoked = self.end(no, now, cause);
        if let Some(related) = related {
            let _count = self.end_all(related, Some(no), now, Cause::Related);
        }
    }

    fn end_all(
        &mut self,
        (subject, client): (Option<&str>, Option<&str>),
        keep: Option<FamilyNo>,
        now: Millis,
        cause: Cause,
    ) -> usize {
        let meant = |(no, family): &(&FamilyNo, &mut Family)| {
            family.ended.is_none()
                && Some(**no) != keep
                && subject.is_none_or(|subject| family.consent.subject == subject)
                && client.is_none_or(|client| family.consent.client == client)
        };
        let ended = self.kept.iter_mut().filter(meant);
        ended.map(|(_, family)| family.ended = Some((now, cause))).count()
    }

    /// Another consent of the same user's, to the same client; it may have been looked up before the family was adopted for another.
    fn change_consent(&mut self, no: FamilyNo, consent: &Consent) -> Answer {
        match self.kept.get_mut(&no).filter(|family| family.ended.is_none()) {
            None => Answer::NotLive,
            Some(family) if !family.consent.is_same_owners(consent) => {
                Answer::Failed(Failure::Consent)
            }
            Some(family) if family.consent == *consent => Answer::Changed,
            Some(family) => {
                family.consent.clone_from(consent);
                for line in &mut family.lines {
                    // The first token of all has no predecessor.
                    let exchanged = line.current().place > 0;
                    line.current_mut().closed = exchanged;
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
        let line = showing.token.and_then(|token| family.line(self.tokens[token].line));
        let line = line.unwrap_or(&family.lines[0]);
        let (absolute_end, idle_end) = family.ends(line, &showing.rules);
        let (made_at, idle_end) = match self.verdict(&owner, ask) {
            Verdict::Refuse(_) | Verdict::End(_) => return Answer::Inactive,
            Verdict::Fail(failure) => return Answer::Failed(failure),
            Verdict::Rotate(_) | Verdict::Keep { .. } => (Some(line.current().since), idle_end),
            // As long as its leeway, and never longer than its successor unused.
            Verdict::Replay { .. } | Verdict::Renew(_) | Verdict::Fork(_) => {
                let leeway = showing.rules.leeway.and_then(|it| it.end(line.current().since));
                (None, idle_end.into_iter().chain(leeway).min())
            }
            // Nor longer than what is left of its line unused.
            Verdict::Recover(_) => {
                (None, idle_end.into_iter().chain(ask.window.map(|it| it.until)).min())
            }
        };
        Answer::Active { made_at, idle_end, absolute_end }
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
        line: usize,
        how: How,
        rules: &Rules,
        now: Millis,
        scope: BTreeSet<String>,
    ) -> Answer {
        let family = self.kept.get(&no);
        let Some((family, current)) = family.and_then(|it| Some((it, it.line(line)?))) else {
            return Answer::Failed(Failure::Unforeseen);
        };
        let (absolute_end, idle_end) = family.ends(current, rules);
        let left = |end: Option<Millis>| end.map(|end| end.saturating_sub(now));
        Answer::Granted(Granted {
            how,
            family: no,
            line,
            place: current.current().place,
            scope,
            idle_left: left(idle_end),
            absolute_left: left(absolute_end),
        })
    }
}

impl Family {
    fn begun(consent: &Consent, rules: &Rules, first: Link) -> Self {
        let absolute = rules.absolute.map(|length| first.since + length);
        Self {
            consent: consent.clone(),
            issued_at: first.since,
            absolute_end: absolute.into_iter().chain(consent.ends_at).min(),
            kept_until: None,
            ended: None,
            lines: vec![Line { number: 0, origin: 0, chain: vec![first] }],
            forks: 0,
            written: false,
        }
    }
}

impl Consent {
    /// Whether it is the same user's, to the same client, until the same end: what never changes.
    fn is_same_owners(&self, other: &Self) -> bool {
        (self.subject, self.client, self.key, self.ends_at)
            == (other.subject, other.client, other.key, other.ends_at)
    }
}

/// Why no family can begin now.
fn unissuable(
    now: Millis,
    consent: &Consent,
    rules: &Rules,
    adopted_until: Option<Millis>,
) -> Option<Failure> {
    if consent.ends_at.into_iter().chain(adopted_until).any(|end| end <= now) {
        return Some(Failure::Consent);
    }
    // A legacy token's date takes the place of the idle lifetime.
    let idle = rules.idle.filter(|_| adopted_until.is_none());
    let late = |length: Millis| now + length > END_OF_TIME;
    rules.absolute.into_iter().chain(idle).any(late).then_some(Failure::Clock)
}
