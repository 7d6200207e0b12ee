//! What showing a token means, told from the history.

use std::collections::BTreeSet;

use super::history::{Family, Link, Model, Standing};
use super::words::{
    Ask, BELIEVED, Cause, END_OF_TIME, Failure, Leeway, Millis, Resource, Rules, Showing, TokenNo,
    Verdict, Why,
};

impl Model {
    /// What it means that this is shown, to this node at this instant.
    pub fn verdict(&self, showing: &Showing, ask: &Ask) -> Verdict {
        let Some(token) = showing.token else {
            return Verdict::Refuse(Why::NeverMinted);
        };
        if !ask.ring.accepted.contains(&self.tokens[token].key) {
            return Verdict::Refuse(Why::KeyDropped);
        }
        let Some(family) = self.kept.get(&self.tokens[token].family) else {
            return Verdict::Refuse(Why::Unknown);
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
            () => self.by_owner(family, token, showing, ask),
        }
    }

    /// The token's own client shows it, with its own key, on a family that nobody has ended.
    fn by_owner(&self, family: &Family, token: TokenNo, showing: &Showing, ask: &Ask) -> Verdict {
        let now = ask.now;
        let (absolute_end, idle_end) = family.ends(&showing.rules);
        if absolute_end.is_some_and(|end| end <= now) {
            return Verdict::Refuse(Why::Expired);
        }
        if idle_end.is_some_and(|end| end <= now) {
            return Verdict::Refuse(Why::Idle);
        }
        let reuse = |behind| {
            let current = family.current();
            Verdict::End(Cause::Reuse {
                behind,
                since: now.saturating_sub(current.since),
                successor_used: behind > 1 || current.used_at > current.since,
            })
        };
        match self.standing(family, token) {
            Standing::Current => current(family, showing, now),
            Standing::Predecessor => match within_leeway(family.current(), &showing.rules, ask) {
                None => reuse(1),
                Some(_) if family.current().closed => Verdict::Refuse(Why::Closed),
                Some(Leeway::Replay(_)) => self.replay(family, showing, ask),
                Some(Leeway::Refuse(_) | Leeway::None) => Verdict::Refuse(Why::Spent),
            },
            Standing::Spent(exchanges) => reuse(exchanges),
            Standing::Forgotten => Verdict::Refuse(Why::Ahead),
            Standing::Overwritten => Verdict::End(Cause::Diverged),
        }
    }

    fn replay(&self, family: &Family, showing: &Showing, ask: &Ask) -> Verdict {
        let key = &self.tokens[family.current().token].key;
        let has_key = ask.ring.accepted.contains(key) || ask.accepted.contains(key);
        match granted(family, showing) {
            Err(why) => Verdict::Refuse(why),
            Ok(_) if !has_key => Verdict::Fail(Failure::KeyMissing),
            Ok(scope) => Verdict::Replay(scope),
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

fn current(family: &Family, showing: &Showing, now: Millis) -> Verdict {
    let scope = match granted(family, showing) {
        Ok(scope) => scope,
        Err(why) => return Verdict::Refuse(why),
    };
    let rules = &showing.rules;
    let slides = rules.keep && slides(family.current(), rules, now);
    let countable = rules.idle.is_none_or(|idle| now + idle <= END_OF_TIME);
    match rules.keep {
        true if !slides => Verdict::Keep { scope, slides },
        _ if !countable => Verdict::Fail(Failure::Clock),
        true => Verdict::Keep { scope, slides },
        false => Verdict::Rotate(scope),
    }
}

/// The leeway, if the token was shown within it, or is answered within it: it begins with the exchange and lasts so long, the
/// end not included, or until a use of the successor is noted.
fn within_leeway(current: &Link, rules: &Rules, ask: &Ask) -> Option<Leeway> {
    let length = rules.leeway.length()?;
    let in_time = ask.now.min(ask.shown_at) < current.since + length;
    let within = in_time && current.used_at <= current.since;
    within.then_some(rules.leeway)
}

/// A use is noted when a sixteenth of the idle lifetime has passed since the last, or to lift an idle end.
fn slides(current: &Link, rules: &Rules, now: Millis) -> bool {
    match rules.idle {
        Some(idle) => now.saturating_sub(current.used_at) * 16 >= idle,
        None => current.idle_end.is_some(),
    }
}

/// The words that are granted: those asked for, if all of them were consented to; all, if none is asked for.
fn granted(family: &Family, showing: &Showing) -> Result<BTreeSet<String>, Why> {
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
