//! Looking without an effect: introspection, explanation, listing.

use std::fmt;
use std::sync::Arc;

use super::{Engine, Error, RETRIES};
use crate::decide::{Decision, decide};
use crate::entropy::Entropy;
use crate::family::{Family, Head, Impossible, Status, earliest};
use crate::grant::Grant;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::span;
use crate::store::{Page, Selected, Selector, Store, StoreError};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Position};

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Token introspection (RFC 7662), without any effect.
    ///
    /// Active exactly when the token's own client, with its own key, would be granted a refresh now: so also for a
    /// predecessor inside a leeway that answers. A legacy token that was not [adopted](Self::adopt) yet is inactive here, and the host's to tell.
    ///
    /// # Errors
    ///
    /// As for every call: ours or the store's fault.
    pub async fn introspect(&self, token: &str) -> Result<Introspection, Error> {
        let policy = self.policy();
        self.introspect_by(token, |_| &policy).await
    }

    /// [`introspect`](Self::introspect) under the policy that the host chooses for the grant: the endpoint learns whose
    /// token it is only from here.
    ///
    /// # Errors
    ///
    /// As [`introspect`](Self::introspect).
    pub async fn introspect_by<'p>(
        &self,
        token: &str,
        policy_of: impl FnOnce(&Grant) -> &'p Policy + Send,
    ) -> Result<Introspection, Error> {
        span::introspect().around(self.look_into(token, policy_of)).await
    }

    async fn look_into<'p>(
        &self,
        token: &str,
        policy_of: impl FnOnce(&Grant) -> &'p Policy + Send,
    ) -> Result<Introspection, Error> {
        let Ok((presented, _)) = self.present(token, &self.keys()) else {
            return Ok(Introspection::Inactive);
        };
        let now = self.clock.now();
        let Some(family) = self.load(presented.position().family).await? else {
            return Ok(Introspection::Inactive);
        };
        let policy = self.in_force(Some(policy_of(&family.grant)));
        let owner = Request::new(&family.grant.client).binding(family.grant.binding);
        let Position { branch, .. } = presented.position();
        let head = family.head_of(branch).unwrap_or(&family.head);
        match decide(&family, &presented, &owner, &policy, now) {
            Decision::Rotate { .. } | Decision::Keep { .. } => {
                Ok(Introspection::Active(Active::current(&family, head, &policy)))
            }
            Decision::Replay { .. } => {
                self.check_key(&family, head)?;
                Ok(Introspection::Active(Active::predecessor(&family, head, &policy)))
            }
            Decision::Renew { .. } | Decision::Fork { .. } => {
                Ok(Introspection::Active(Active::predecessor(&family, head, &policy)))
            }
            Decision::Recover { .. } => {
                Ok(Introspection::Active(Active::ahead(&family, head, &policy)))
            }
            Decision::Refuse(_) | Decision::Revoke(_) => Ok(Introspection::Inactive),
            Decision::Fault(fault) => Err(fault.into()),
        }
    }

    /// What a refresh would decide and on what facts, without any effect: for support staff, never for clients.
    ///
    /// For a bound family, put the stored grant's key into the request, or the missing proof hides the rest.
    ///
    /// ```
    /// # use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Policy, Request};
    /// # pollster::block_on(async {
    /// # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
    /// # let engine = Engine::new(MemoryStore::new(), keys, Policy::default());
    /// let issued = engine.issue(Grant::new("alice", "web-app")).await?;
    /// let token = issued.token.as_ref().map_or("", |token| token.expose());
    /// println!("{}", engine.explain(token, Request::new("other-app")).await?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As for every call: ours or the store's fault.
    pub async fn explain(&self, token: &str, request: Request<'_>) -> Result<Explanation, Error> {
        span::explain().client(request.client).around(self.facts(token, request)).await
    }

    async fn facts(&self, token: &str, request: Request<'_>) -> Result<Explanation, Error> {
        let now = self.clock.now();
        let refuse = |presented, refusal| Explanation {
            at: now,
            presented,
            family: None,
            expires_at: None,
            idle_expires_at: None,
            decision: Decision::Refuse(refusal),
        };
        let (presented, unminted) = match self.present(token, &self.keys()) {
            Ok(presented) => presented,
            Err(why) => return Ok(refuse(None, why)),
        };
        let position = presented.position();
        let Some(family) = self.load(position.family).await? else {
            return Ok(match unminted {
                Some(why) => refuse(None, why),
                None => refuse(Some(position), Refusal::Unknown),
            });
        };
        let policy = self.in_force(request.policy);
        let decision = decide(&family, &presented, &request, &policy, now);
        let head = family.head_of(position.branch).unwrap_or(&family.head);
        if let Decision::Replay { .. } = decision {
            self.check_key(&family, head)?;
        }
        let (expires_at, idle_expires_at) = family.ends_of(head, &policy);
        Ok(Explanation {
            at: now,
            presented: Some(position),
            family: Some(family),
            expires_at,
            idle_expires_at,
            decision,
        })
    }

    /// A page of the families that match, live or ended, in ascending order of id. A page shorter than its
    /// limit is the last.
    ///
    /// # Errors
    ///
    /// As for every call: ours or the store's fault.
    pub async fn families(&self, selector: &Selector, page: Page) -> Result<Vec<Family>, Error> {
        span::families().around(self.list(selector, page)).await
    }

    async fn list(&self, selector: &Selector, page: Page) -> Result<Vec<Family>, Error> {
        let selected = self.page(selector, page).await?;
        let families = selected.into_iter().map(|found| {
            let family = found.map_err(StoreError::from)?;
            if !selector.matches(&family) {
                return Err(stray(family.id));
            }
            self.check(family.id, &family).map(|()| family)
        });
        families.collect()
    }

    /// Whether a replay could be made: where a refresh would be an error, so is a look.
    fn check_key(&self, family: &Family, head: &Head) -> Result<(), Error> {
        let key = head.key;
        match self.keys().key(key) {
            Some(_) => Ok(()),
            None => Err(Error::KeyMissing { family: family.id, key }),
        }
    }

    /// A page as the store returned it, in order, so that a walk comes to its end.
    pub(super) async fn page(&self, selector: &Selector, page: Page) -> Result<Selected, Error> {
        let selected = retrying!(self.store.select(selector, page))?;
        let mut after = page.after;
        for id in selected.iter().map(id_of) {
            if after >= Some(id) {
                return Err(stray(id));
            }
            after = Some(id);
        }
        Ok(selected)
    }
}

/// A family that does not belong into a selection, or not at this place.
pub(super) fn stray(family: FamilyId) -> Error {
    StoreError::from(Impossible { family, field: "selection" }).into()
}

pub(super) fn id_of(found: &Result<Family, Impossible>) -> FamilyId {
    match found {
        Ok(family) => family.id,
        Err(impossible) => impossible.family,
    }
}

/// The answer to [`Engine::introspect`]; [`oauth::introspection`](crate::oauth::introspection) makes the response.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Introspection {
    /// A refresh would succeed now.
    Active(Active),
    /// It would not, and nothing more may be said (RFC 7662 section 2.2).
    Inactive,
}

/// What may be said of an active token.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Active {
    /// The family.
    pub family: FamilyId,
    /// What the user consented to.
    pub grant: Arc<Grant>,
    /// When the token was made; not kept for a predecessor.
    pub issued_at: Option<Timestamp>,
    /// The token's idle end; a predecessor's is the end of its leeway, and that of a token ahead of the store the end of the recovery window,
    /// if that comes first.
    pub idle_expires_at: Option<Timestamp>,
    /// The family's absolute end.
    pub expires_at: Option<Timestamp>,
}

impl Active {
    fn current(family: &Family, head: &Head, policy: &Policy) -> Self {
        let (expires_at, idle_expires_at) = family.ends_of(head, policy);
        Self {
            family: family.id,
            grant: Arc::clone(&family.grant),
            issued_at: Some(head.rotated_at),
            idle_expires_at,
            expires_at,
        }
    }

    fn predecessor(family: &Family, head: &Head, policy: &Policy) -> Self {
        let current = Self::current(family, head, policy);
        let end = policy.leeway().and_then(|leeway| leeway.end_from(head.rotated_at));
        let idle_expires_at = earliest(current.idle_expires_at, end);
        Self { issued_at: None, idle_expires_at, ..current }
    }

    /// A token that the store has lost: good until the recovery window closes, or what the store has of its branch ends.
    fn ahead(family: &Family, head: &Head, policy: &Policy) -> Self {
        let current = Self::current(family, head, policy);
        let until = policy.recovery().map(|window| window.until());
        let idle_expires_at = earliest(current.idle_expires_at, until);
        Self { issued_at: None, idle_expires_at, ..current }
    }
}

/// What a refresh would decide, and on what facts. `Display` writes a few lines for support staff.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Explanation {
    /// The reading of the clock.
    pub at: Timestamp,
    /// What the token says of itself; `None` when it is not one of ours.
    pub presented: Option<Position>,
    /// The family as it is stored; `None` when there is none, or no store was asked.
    pub family: Option<Family>,
    /// The absolute end that counts under the policy.
    pub expires_at: Option<Timestamp>,
    /// The current token's idle end that counts under the policy.
    pub idle_expires_at: Option<Timestamp>,
    /// What a refresh would do now.
    pub decision: Decision,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.presented {
            Some(position) => writeln!(
                f,
                "token: generation {} of family {}",
                position.generation, position.family
            )?,
            None => writeln!(f, "token: not tagged by a key of this ring")?,
        }
        if let Some(family) = &self.family {
            let head = self.presented.and_then(|it| family.head_of(it.branch));
            let head = head.unwrap_or(&family.head);
            let ago = self.at.saturating_since(head.rotated_at);
            writeln!(f, "family: {} at {}", family.grant.subject, family.grant.client)?;
            let ahead = head.rotated_at.saturating_since(self.at);
            if ahead.is_zero() {
                writeln!(f, "current: generation {}, for {ago:?}", head.generation)?;
            } else {
                let generation = head.generation;
                writeln!(
                    f,
                    "current: generation {generation}, from {ahead:?} ahead of this clock"
                )?;
            }
            for (name, end) in
                [("idle end", self.idle_expires_at), ("absolute end", self.expires_at)]
            {
                match end {
                    Some(end) if end <= self.at => {
                        writeln!(f, "{name}: {:?} ago", self.at.saturating_since(end))?;
                    }
                    Some(end) => writeln!(f, "{name}: in {:?}", end.saturating_since(self.at))?,
                    None => writeln!(f, "{name}: none")?,
                }
            }
            if let Status::Revoked(revocation) = &family.status {
                let ago = self.at.saturating_since(revocation.at);
                writeln!(f, "ended: {ago:?} ago, {}", revocation.reason)?;
            }
        }
        write!(f, "a refresh now: {}", self.decision)
    }
}
