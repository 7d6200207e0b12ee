//! What happened, in plain words, for those who read a timeline.

use heirloom::{FamilyId, Selector};

use super::op::{At, Op};
use super::outcome::{Answer, Word};
use super::step::Actor;
use super::world::World;

impl World {
    /// Tells a listener of a request.
    pub fn narrate(&mut self, actor: &Actor, at: &At, answer: &Answer) {
        let verdict = self.verdict(answer);
        let family = self.concerned(at, answer);
        let who = actor.or(at.who()).to_owned();
        self.tell(&who, at.does(), verdict, family);
    }

    /// An answer in plain words.
    pub fn verdict(&self, answer: &Answer) -> String {
        let name = answer.token().and_then(|token| self.names.name_of(token));
        let name = name.unwrap_or("a token nobody named");
        match answer.word {
            Word::New => format!("ok: new token {name}"),
            Word::Replay => format!("ok: the same successor again, {name}"),
            Word::Keep => "ok: it stays good".to_owned(),
            Word::Ok => format!("ok: {}", answer.said),
            word if answer.breach => format!("BREACH ({}): {}", word.as_str(), answer.said),
            Word::ServerError | Word::Retryable => {
                format!("error ({}): {}", answer.word.as_str(), answer.said)
            }
            word => format!("refused ({}): {}", word.as_str(), answer.said),
        }
    }

    /// The family that a request is about.
    pub fn concerned(&self, at: &At, answer: &Answer) -> Option<FamilyId> {
        if let Some(got) = &answer.grant {
            return Some(got.family);
        }
        if let Op::RevokeFamily(family) = &at.op {
            return self.families.get(family).map(|issued| issued.id);
        }
        let text = self.names.text(at.presents()?).ok()??;
        self.position(text).map(|position| position.family)
    }
}

impl At {
    /// Who makes the request, unless the scenario says.
    fn who(&self) -> &str {
        match &self.op {
            Op::Refresh(refresh) => &refresh.client,
            Op::RevokeToken(revoke) => &revoke.client,
            Op::Issue(issue) => &issue.client,
            Op::RevokeFamily(_) | Op::RevokeAll(_) | Op::Purge => "operator",
        }
    }

    /// What the request does.
    pub fn does(&self) -> String {
        let token = self.presents().unwrap_or("no token");
        match &self.op {
            Op::Refresh(refresh) => {
                let key = refresh.key_name.as_ref().map(|key| format!(" with key {key}"));
                let scope = refresh.scope.as_ref().filter(|scope| scope.len() < 40);
                let scope = scope.map(|scope| format!(" for scope {scope:?}"));
                format!("presents {token}{}{}", key.unwrap_or_default(), scope.unwrap_or_default())
            }
            Op::RevokeToken(_) => format!("revokes {token}"),
            Op::Issue(issue) => format!("is granted family {}", issue.family),
            Op::RevokeFamily(family) => format!("ends family {family}"),
            Op::RevokeAll(Selector::Subject(subject)) => format!("ends all of subject {subject}"),
            Op::RevokeAll(Selector::Client(client)) => format!("ends all of client {client}"),
            Op::RevokeAll(Selector::SubjectAndClient(subject, client)) => {
                format!("ends all of {subject} at {client}")
            }
            Op::Purge => "purges".to_owned(),
        }
    }
}
