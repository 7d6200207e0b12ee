//! What showing a token means, told from the history.

use std::collections::BTreeSet;

use super::history::{Family, Line, Link, Model, Standing};
use super::words::{
    Ask, BELIEVED, Cause, END_OF_TIME, Failure, FamilyNo, Leeway, Millis, Mode, Reach, Resource,
    Rules, Showing, TokenNo, Verdict, Why,
};

impl Model {
    /// What it means that this is shown, to this node at this instant.
    pub fn verdict(&self, showing: &Showing, ask: &Ask) -> Verdict {
        let Some(no) = showing.token else {
            return Verdict::Refuse(Why::NeverMinted);
        };
        let token = &self.tokens[no];
        match token.key {
            Some(key) if !ask.ring.accepted.contains(&key) => {
                return Verdict::Refuse(Why::KeyDropped);
            }
            None if !ask.ring.adopts => return Verdict::Refuse(Why::NeverMinted),
            // The first token of an adopted family is the legacy one: any other is made up.
            Some(_) if token.place == 0 && self.was_adopted(token.family) => {
                return Verdict::Refuse(Why::NeverMinted);
            }
            Some(_) | None => {}
        }
        let Some(family) = self.kept.get(&token.family) else {
            // Nothing tells a legacy token that nobody has adopted from any other string.
            let unknown = if token.key.is_some() { Why::Unknown } else { Why::NeverMinted };
            return Verdict::Refuse(unknown);
        };
        let rules = &showing.rules;
        match () {
            () if family.ended.is_some() => dead(family),
            () if family.consent.client != showing.client => {
                stranger(rules.wrong_client_ends, Cause::OtherClient, Why::OtherClient)
            }
            () if family.consent.key.is_some() && family.consent.key != showing.proof => {
                stranger(rules.wrong_key_ends, Cause::OtherKey, Why::OtherKey)
            }
            () if family.issued_at > ask.now + BELIEVED => Verdict::Fail(Failure::Clock),
            () => self.by_owner(family, no, showing, ask),
        }
    }

    pub fn was_adopted(&self, family: FamilyNo) -> bool {
        self.tokens.iter().any(|token| token.family == family && token.key.is_none())
    }

    /// The token's own client shows it, with its own key, on a family that nobody has ended.
    fn by_owner(&self, family: &Family, token: TokenNo, showing: &Showing, ask: &Ask) -> Verdict {
        let (now, rules) = (ask.now, &showing.rules);
        let line = family.line(self.tokens[token].line);
        let (absolute_end, idle_end) = family.ends(line.unwrap_or(&family.lines[0]), rules);
        if absolute_end.is_some_and(|end| end <= now) {
            return Verdict::Refuse(Why::Expired);
        }
        let standing = self.standing(family, token);
        // Of a line that is not remembered, no more than the first line's ends.
        if idle_end.is_some_and(|end| end <= now) {
            return match line.filter(|_| family.is_usable(rules, now)) {
                Some(line) => self.on_idle_line(family, line, standing, showing, ask),
                None => Verdict::Refuse(Why::Idle),
            };
        }
        let Some(line) = line else {
            let forgotten = standing == Standing::LineForgotten;
            return Verdict::Refuse(if forgotten { Why::Ahead } else { Why::Idle });
        };
        match standing {
            Standing::Current => current(family, line, showing, now),
            Standing::Predecessor => self.predecessor(family, line, showing, ask),
            Standing::Spent(exchanges) => reuse(family, line, exchanges, rules, now),
            Standing::Displaced(behind) if rules.displaced_ends => {
                reuse(family, line, behind, rules, now)
            }
            Standing::Displaced(_) => Verdict::Refuse(Why::Displaced),
            Standing::Forgotten => ahead(family, showing, ask),
            // A line that is not remembered has been answered above.
            Standing::LineForgotten | Standing::LineGone => Verdict::Fail(Failure::Unforeseen),
            Standing::Overwritten => Verdict::End(Cause::Diverged),
        }
    }

    /// A line that was left unused for too long, of a family that lives on another: what was spent is reuse, whichever line goes on.
    fn on_idle_line(
        &self,
        family: &Family,
        line: &Line,
        standing: Standing,
        showing: &Showing,
        ask: &Ask,
    ) -> Verdict {
        let rules = &showing.rules;
        let behind = match standing {
            Standing::Spent(behind) => Some(behind),
            Standing::Predecessor if within_leeway(family, line, rules, ask).is_none() => Some(1),
            // One in the current one's place is as good as the current one would be.
            Standing::Displaced(behind @ 1..) if rules.displaced_ends => Some(behind),
            Standing::Displaced(1..) => return Verdict::Refuse(Why::Displaced),
            _ => None,
        };
        match behind {
            Some(behind) => reuse(family, line, behind, rules, ask.now),
            None => Verdict::Refuse(Why::Idle),
        }
    }

    /// The token before the current one: as long as what it was answered is not known to be used.
    fn predecessor(&self, family: &Family, line: &Line, showing: &Showing, ask: &Ask) -> Verdict {
        let (current, rules) = (line.current(), &showing.rules);
        let Some((leeway, at)) = within_leeway(family, line, rules, ask) else {
            return reuse(family, line, 1, rules, ask.now);
        };
        if current.closed {
            return Verdict::Refuse(Why::Closed);
        }
        match (leeway.mode, granted(family, showing)) {
            (Mode::Refuse, _) => Verdict::Refuse(Why::Spent),
            (_, Err(why)) => Verdict::Refuse(why),
            (Mode::Replay, Ok(scope)) => self.replay(current, scope, leeway, ask),
            (Mode::Newest, Ok(scope)) => Verdict::Renew(scope),
            (Mode::Fork(most), Ok(scope)) => match live_lines(family, rules, at) < most {
                false => Verdict::Refuse(Why::TooManyLines),
                true if !is_countable(rules, at) => Verdict::Fail(Failure::Clock),
                true => Verdict::Fork(scope),
            },
        }
    }

    fn replay(
        &self,
        current: &Link,
        scope: BTreeSet<String>,
        leeway: Leeway,
        ask: &Ask,
    ) -> Verdict {
        let accepts = |key| ask.ring.accepted.contains(&key) || ask.accepted.contains(&key);
        match self.tokens[current.token].key {
            Some(key) if !accepts(key) => Verdict::Fail(Failure::KeyMissing),
            Some(_) | None => Verdict::Replay { scope, counted: leeway.uses.is_some() },
        }
    }
}

fn dead(family: &Family) -> Verdict {
    match family.ended {
        Some((_, cause)) => Verdict::Refuse(Why::Dead(cause)),
        None => Verdict::Refuse(Why::Unknown),
    }
}

fn stranger(ends: bool, cause: Cause, why: Why) -> Verdict {
    if ends { Verdict::End(cause) } else { Verdict::Refuse(why) }
}

fn reuse(family: &Family, line: &Line, behind: usize, rules: &Rules, now: Millis) -> Verdict {
    let successor_used = behind > 1 || family.is_answer_used(line);
    let since = now.saturating_sub(line.current().since);
    match rules.on_reuse {
        Reach::Nothing => Verdict::Refuse(Why::Reuse { behind, successor_used }),
        Reach::Family | Reach::Client | Reach::Subject => {
            Verdict::End(Cause::Reuse { behind, since, successor_used })
        }
    }
}

/// The store has forgotten that it made this token: whoever opens a window believes the token, for families from before the loss.
fn ahead(family: &Family, showing: &Showing, ask: &Ask) -> Verdict {
    let believed = ask
        .window
        .is_some_and(|window| ask.now < window.until && family.issued_at < window.issued_before);
    match granted(family, showing) {
        _ if !believed => Verdict::Refuse(Why::Ahead),
        Err(why) => Verdict::Refuse(why),
        Ok(_) if !is_countable(&showing.rules, ask.now) => Verdict::Fail(Failure::Clock),
        Ok(scope) => Verdict::Recover(scope),
    }
}

fn current(family: &Family, line: &Line, showing: &Showing, now: Millis) -> Verdict {
    let scope = match granted(family, showing) {
        Ok(scope) => scope,
        Err(why) => return Verdict::Refuse(why),
    };
    let rules = &showing.rules;
    let slides = rules.keep && slides(family, line, rules, now);
    match rules.keep {
        true if !slides => Verdict::Keep { scope, slides },
        _ if !is_countable(rules, now) => Verdict::Fail(Failure::Clock),
        true => Verdict::Keep { scope, slides },
        false => Verdict::Rotate(scope),
    }
}

/// The leeway, and the instant at which the token is within it: it was shown within it, or is answered within it. It begins with the
/// exchange and lasts as long as its timer, the end not included, or until a use of what was answered is noted, or until it
/// was used as often as it may be.
fn within_leeway(
    family: &Family,
    line: &Line,
    rules: &Rules,
    ask: &Ask,
) -> Option<(Leeway, Millis)> {
    let current = line.current();
    let leeway = rules.leeway.filter(|leeway| leeway.allows(current.uses))?;
    let lasts = |at: &Millis| leeway.lasts(current.since, *at);
    let at = [ask.now, ask.shown_at].into_iter().find(lasts)?;
    (!family.is_answer_used(line)).then_some((leeway, at))
}

/// The first line is never forgotten and always counts.
fn live_lines(family: &Family, rules: &Rules, now: Millis) -> usize {
    let forked = family.lines.iter().filter(|line| line.number > 0);
    1 + forked.filter(|line| !family.is_over(line, rules, now)).count()
}

/// Whether the idle end that begins now can be told.
fn is_countable(rules: &Rules, now: Millis) -> bool {
    rules.idle.is_none_or(|idle| now + idle <= END_OF_TIME)
}

/// A use is noted when a sixteenth of the idle lifetime has passed since the last, or to lift an idle end; but a legacy token's date
/// is not the rules' to lift.
fn slides(family: &Family, line: &Line, rules: &Rules, now: Millis) -> bool {
    let current = line.current();
    match rules.idle {
        Some(idle) => now.saturating_sub(current.used_at) * 16 >= idle,
        None => current.idle_end != family.kept_until.filter(|_| current.place == 0),
    }
}

/// The words that are granted: those asked for, if all of them were consented to; all, if none is asked for.
pub fn granted(family: &Family, showing: &Showing) -> Result<BTreeSet<String>, Why> {
    if showing.resource == Some(Resource::Foreign)
        || showing.resource == Some(Resource::Own) && !family.consent.resource
    {
        return Err(Why::Resource);
    }
    let consented = &family.consent.scope;
    let asked = showing.scope.as_ref().filter(|asked| !asked.is_empty()).unwrap_or(consented);
    if asked.is_subset(consented) {
        Ok(asked.iter().map(|word| (*word).to_owned()).collect())
    } else {
        Err(Why::Scope)
    }
}
