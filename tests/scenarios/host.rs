//! The authorization server around the engine: status, scopes and hooks are its own, and it asks them here.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Barrier, Mutex};

use heirloom::decide::Decision;
use heirloom::engine::{Begun, Explanation};
use heirloom::family::{Family, Status};
use heirloom::{FamilyId, Grant, Policy, Reaction, Reason, Refusal, Request};
use pollster::block_on;

use super::fields::Check;
use super::op::Refresh;
use super::outcome::{Answer, Word};
use super::policy::Spec;
use super::world::{Engine, World, locked};

/// What the host knows and the engine does not.
#[derive(Default)]
pub struct Host {
    /// The answer of the next issuing step, once.
    pub hook: Mutex<Option<Hook>>,
    pub disabled_clients: BTreeSet<String>,
    pub disabled_subjects: BTreeSet<String>,
    /// What clients may ask for, where that is less than everything.
    pub client_scopes: BTreeMap<String, Vec<String>>,
    /// Another system's tokens, and the families that they were adopted into.
    pub adopted: BTreeMap<String, FamilyId>,
    /// Families of tokens that the other system had exchanged, and the names of the families that they belong to.
    pub spent_legacy: BTreeMap<FamilyId, String>,
    /// Another system's tokens that were over when they were to be adopted.
    pub expired_legacy: BTreeSet<String>,
    /// Tokens whose predecessor was answered with another one, as the answers have it.
    pub displaced: BTreeSet<String>,
}

/// The host's issuing step refuses, or fails.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hook {
    Deny,
    Fail,
}

/// A point between looking and writing at which the workers of a race wait for each other, once each.
pub struct Meet<'a>(Option<&'a Barrier>);

impl<'a> Meet<'a> {
    pub fn at(barrier: Option<&'a Barrier>) -> Self {
        Self(barrier)
    }

    pub fn wait(&mut self) {
        if let Some(barrier) = self.0.take() {
            barrier.wait();
        }
    }
}

/// A worker that never got to the point comes there at its end, so that nobody waits for ever.
impl Drop for Meet<'_> {
    fn drop(&mut self) {
        self.wait();
    }
}

/// What a request asks for once the host has had its say.
struct Asked<'a> {
    text: &'a str,
    client: &'a str,
    scope: Option<String>,
    resources: Vec<&'a str>,
    refresh: &'a Refresh,
    policy: Policy,
    spec: Spec,
}

impl Asked<'_> {
    fn request(&self) -> Request<'_> {
        Request::new(self.client)
            .scope(self.scope.as_deref())
            .resources(&self.resources)
            .binding(self.refresh.key)
            .policy(&self.policy)
    }
}

impl World {
    /// A refresh as the token endpoint of a host performs it.
    ///
    /// # Errors
    ///
    /// When the scenario asks for what cannot be, never for what the engine answers.
    pub fn refresh(&self, text: &str, refresh: &Refresh, mut meet: Meet<'_>) -> Check<Answer> {
        let client = refresh.client.as_str();
        if self.host.disabled_clients.contains(client) {
            return Ok(Answer::host(Word::InvalidClient, &[], "the client is disabled"));
        }
        if self.host.expired_legacy.contains(text) {
            return Ok(Answer::host(
                Word::InvalidGrant,
                &["expired"],
                "over before it was adopted",
            ));
        }
        let engine = self.engine(refresh.node.as_deref())?;
        let spec = self.keys().spec(Some(client))?;
        let whole = self.whole_of(text);
        if let Some(ended) = whole.and_then(|whole| self.ended(whole)) {
            self.end(&engine, self.host.adopted.get(text).copied(), ended)?;
        }
        let policy = spec.build(refresh.rotate)?;
        let resources = refresh.resources.iter().map(String::as_str).collect();
        let scope = refresh.scope.clone();
        let mut asked = Asked { text, client, scope, resources, refresh, policy, spec };
        if let Some(answer) = self.look_first(&engine, &mut asked) {
            return Ok(answer);
        }
        let answer = if self.two_steps || self.must_look(&asked) {
            self.in_two_steps(&engine, &asked, &mut meet)
        } else {
            Answer::outcome(block_on(engine.refresh(text, asked.request())), &asked.resources)
        };
        if answer.breach && asked.policy.on_reuse() != Reaction::Refuse {
            self.end(&engine, whole, Reason::RelatedReuse)?;
        }
        self.keep_narrow(&engine, &asked, &answer)?;
        Ok(answer)
    }

    /// The family that a token belongs to which another system had exchanged: the engine knows the token by a family of
    /// its own.
    pub fn whole_of(&self, text: &str) -> Option<FamilyId> {
        let own = self.host.adopted.get(text)?;
        let whole = self.families.get(self.host.spent_legacy.get(own)?)?.id;
        (whole != *own).then_some(whole)
    }

    /// Ends a family, if there is one.
    pub fn end(&self, engine: &Engine, family: Option<FamilyId>, reason: Reason) -> Check {
        let Some(family) = family else { return Ok(()) };
        let ended = block_on(engine.revoke_family(family, reason));
        ended.map(|_| ()).map_err(|error| error.to_string())
    }

    fn ended(&self, family: FamilyId) -> Option<Reason> {
        match self.store.family(family)?.status {
            Status::Live => None,
            Status::Revoked(revocation) => Some(revocation.reason),
        }
    }

    /// Whether a token was rotated away that its own client asks to revoke.
    ///
    /// # Errors
    ///
    /// As the engine answers.
    pub fn is_rotated_away(
        &self,
        engine: &Engine,
        text: &str,
        request: Request<'_>,
    ) -> Result<bool, heirloom::Error> {
        let seen = block_on(engine.explain(text, request))?;
        let (Some(family), Some(position)) = (&seen.family, seen.presented) else {
            return Ok(false);
        };
        let bound = family.grant.binding;
        let foreign = *family.grant.client != *request.client
            || (bound.is_some() && request.binding.is_some() && bound != request.binding);
        let current = family
            .head_of(position.branch)
            .is_some_and(|head| head.generation == position.generation);
        let displaced = matches!(
            seen.decision,
            Decision::Refuse(Refusal::Displaced) | Decision::Revoke(Reason::Reuse(_))
        );
        Ok(!foreign && family.status == Status::Live && (!current || displaced))
    }

    /// Whether something has to be asked between looking and writing.
    fn must_look(&self, asked: &Asked<'_>) -> bool {
        locked(&self.host.hook).is_some()
            || (asked.spec.reject_unbound && asked.refresh.key.is_some())
    }

    /// What the host can know before the engine: from a look that has no effect.
    fn look_first(&self, engine: &Engine, asked: &mut Asked<'_>) -> Option<Answer> {
        let scopes = self.host.client_scopes.get(asked.client);
        let wait = asked.spec.not_before();
        if self.host.disabled_subjects.is_empty() && scopes.is_none() && wait.is_none() {
            return None;
        }
        let seen = match block_on(engine.explain(asked.text, asked.request())) {
            Ok(seen) => seen,
            Err(error) => return Some(Answer::error(&error)),
        };
        let family = owned(&seen)?;
        if self.host.disabled_subjects.contains(&*family.grant.subject) {
            return Some(Answer::host(Word::InvalidGrant, &[], "the subject is disabled"));
        }
        match &seen.decision {
            Decision::Rotate { .. }
            | Decision::Replay { .. }
            | Decision::Renew { .. }
            | Decision::Fork { .. }
            | Decision::Recover { .. }
            | Decision::Keep { .. } => {}
            Decision::Refuse(_) | Decision::Revoke(_) | Decision::Fault(_) => return None,
        }
        let position = seen.presented?;
        let head = family.head_of(position.branch)?;
        let current = position.generation == head.generation;
        if wait.is_some_and(|wait| current && seen.at < head.rotated_at.saturating_add(wait)) {
            let reasons = &["not_yet_valid"];
            return Some(Answer::host(Word::InvalidGrant, reasons, "not to be used yet"));
        }
        asked.scope = narrowed(scopes?, asked.scope.as_deref(), &family.grant);
        match asked.scope {
            Some(_) => None,
            None => Some(Answer::host(Word::InvalidScope, &[], "beyond what the client may have")),
        }
    }

    fn in_two_steps(&self, engine: &Engine, asked: &Asked<'_>, meet: &mut Meet<'_>) -> Answer {
        let redemption = match block_on(engine.begin(asked.text, asked.request())) {
            Ok(Begun::Ready(redemption)) => redemption,
            Ok(Begun::Refused(refusal)) => return Answer::refused(&refusal),
            Err(error) => return Answer::error(&error),
        };
        meet.wait();
        let family = redemption.family();
        let issued = self.families.values().find(|issued| issued.id == family.id);
        if asked.spec.reject_unbound
            && asked.refresh.key.is_some()
            && family.grant.binding.is_none()
            && !issued.is_some_and(|issued| issued.keyed)
        {
            return Answer::host(Word::InvalidGrant, &["binding"], "a key, and none is bound");
        }
        // The redemption is dropped: nothing is consumed.
        match locked(&self.host.hook).take() {
            Some(Hook::Deny) => Answer::host(Word::AccessDenied, &[], "the host denied"),
            Some(Hook::Fail) => Answer::host(Word::ServerError, &[], "the host failed"),
            None => Answer::outcome(block_on(redemption.commit()), &asked.resources),
        }
    }

    /// Where a narrowed refresh narrows the family, the host changes the grant.
    fn keep_narrow(&self, engine: &Engine, asked: &Asked<'_>, answer: &Answer) -> Check {
        let Some(got) = answer.grant.as_ref().filter(|_| asked.spec.sticky_scope) else {
            return Ok(());
        };
        let family = self.store.family(got.family).ok_or("the family is gone")?;
        if got.scope.len() == family.grant.scope.iter().count() {
            return Ok(());
        }
        let grant = Grant::clone(&family.grant).scope(&got.scope.join(" "));
        block_on(engine.change_grant(family.id, |_| grant.clone()))
            .map_err(|error| error.to_string())
    }
}

/// The family, unless the engine will refuse for a reason that comes before all of the host's.
fn owned(seen: &Explanation) -> Option<&Family> {
    match &seen.decision {
        Decision::Refuse(
            Refusal::Revoked(_) | Refusal::ClientMismatch { .. } | Refusal::BindingMismatch { .. },
        ) => None,
        _ => seen.family.as_ref(),
    }
}

/// What a client may have of what it asks for; `None`: nothing of it.
fn narrowed(allowed: &[String], asked: Option<&str>, grant: &Grant) -> Option<String> {
    let may = |word: &str| allowed.iter().any(|allowed| allowed == word);
    if let Some(asked) = asked.filter(|asked| !asked.trim().is_empty()) {
        let within = asked.split(' ').filter(|word| !word.is_empty()).all(may);
        return within.then(|| asked.to_owned());
    }
    let rest: Vec<&str> = grant.scope.iter().filter(|word| may(word)).collect();
    (grant.scope.is_empty() || !rest.is_empty()).then(|| rest.join(" "))
}
