//! Foreign tokens: a legacy token becomes the first of a family.

use std::sync::Arc;

use super::issue::end_of;
use super::{Engine, Error, RETRIES};
use crate::adoption::Legacy;
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Branches, Family, Head, Status, earliest};
use crate::grant::{Grant, GrantError};
use crate::policy::Policy;
use crate::span;
use crate::store::{Create, Created, Store};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Presented};

/// The answer to [`Engine::adopt`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Adopted {
    /// The legacy token is now the first token of this family.
    New(FamilyId),
    /// It had been adopted before, into this family: by another worker, or by a call whose answer was lost. The family may have
    /// gone on since, or have ended.
    Before(FamilyId),
}

impl Adopted {
    /// The family.
    pub fn family(self) -> FamilyId {
        match self {
            Self::New(family) | Self::Before(family) => family,
        }
    }
}

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Makes a token of another system the first token of a family, so that from now on it is exchanged, replayed and found
    /// out like any other: hand the string to [`refresh`](Self::refresh) or any other call. Nobody consents again.
    ///
    /// Idempotent: the family's id is derived from the token. Two workers that adopt one token at once adopt it into one
    /// family, and one that has ended is not adopted again.
    ///
    /// Until it is exchanged, the legacy token is refused from `acceptable_until` on; the policy's idle lifetime begins with the first use that is written, and
    /// from then on it is a predecessor like any other. The absolute lifetime begins now. The record is kept until then and a retention more, an ended one too. No
    /// [`FamilyLimit`](crate::FamilyLimit) ends another family for it.
    ///
    /// `acceptable_until` is the token's own end, the same instant at every call for it, never counted from now: with a later one at a later
    /// call, a family that has ended could be purged and its token adopted again. For a token without an end, take one date for all.
    ///
    /// ```
    /// use heirloom::adoption::Legacy;
    /// use heirloom::{AdoptionKey, Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request, Timestamp};
    ///
    /// # pollster::block_on(async {
    /// let keys = KeyRing::new(Key::new(1, &[7; 32])?).with_adoption(AdoptionKey::new(&[8; 32])?);
    /// let engine = Engine::new(MemoryStore::new(), keys, Policy::default());
    ///
    /// let legacy = "8xLOxBtZp8"; // the host has found it in its own table, with its user and client
    /// let until = Timestamp::from_millis(4_102_444_800_000); // from its row: the end of the legacy token
    /// engine.adopt(&Legacy::token(legacy)?, Grant::new("alice", "web-app"), until).await?;
    ///
    /// let Outcome::Granted(granted) = engine.refresh(legacy, Request::new("web-app")).await? else {
    ///     panic!("adopted, and refused");
    /// };
    /// assert_eq!(granted.generation, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::NoAdoptionKey`]; [`Error::OtherGrant`] when it was adopted for another grant, and nothing was changed;
    /// [`Error::Grant`] for a field out of bounds or an end that has passed; and as for every call.
    pub async fn adopt(
        &self,
        legacy: &Legacy,
        grant: Grant,
        acceptable_until: Timestamp,
    ) -> Result<Adopted, Error> {
        self.adopt_under(&self.policy(), legacy, grant, acceptable_until).await
    }

    /// [`adopt`](Self::adopt) under another policy than the engine's.
    ///
    /// # Errors
    ///
    /// As [`adopt`](Self::adopt).
    pub async fn adopt_under(
        &self,
        policy: &Policy,
        legacy: &Legacy,
        grant: Grant,
        acceptable_until: Timestamp,
    ) -> Result<Adopted, Error> {
        let span = span::adopt().client(&grant.client);
        span.around(self.take_in(policy, legacy, grant, acceptable_until)).await
    }

    async fn take_in(
        &self,
        policy: &Policy,
        legacy: &Legacy,
        grant: Grant,
        acceptable_until: Timestamp,
    ) -> Result<Adopted, Error> {
        grant.check(&self.limits)?;
        let now = self.clock.now();
        let keys = self.keys();
        let key = keys.adoption().ok_or(Error::NoAdoptionKey)?;
        let first = Presented::adopted(legacy, key);
        let family = self.adoptive(&first, policy, grant, now, acceptable_until)?;
        for _ in 0..=RETRIES {
            match self.store.create(Create::new(family.clone())).await {
                Ok(Created::New(_)) => {
                    self.observe(|| Event::about(now, &family, EventKind::Adopted));
                    return Ok(Adopted::New(family.id));
                }
                Ok(Created::Taken) => match self.load(family.id).await? {
                    Some(stored) if is_same(&family, &stored) => {
                        return Ok(Adopted::Before(family.id));
                    }
                    Some(_) => return Err(Error::OtherGrant { family: family.id }),
                    // Purged meanwhile.
                    None => {}
                },
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(Error::Contended)
    }

    /// The family whose first token a legacy token is.
    fn adoptive(
        &self,
        first: &Presented,
        policy: &Policy,
        grant: Grant,
        now: Timestamp,
        acceptable_until: Timestamp,
    ) -> Result<Family, Error> {
        let ends = [("not_after", grant.not_after), ("acceptable_until", Some(acceptable_until))];
        for (field, end) in ends {
            if end.is_some_and(|end| end <= now) {
                return Err(GrantError::Form { field }.into());
            }
        }
        let expires_at = earliest(end_of(policy.absolute(), now)?, grant.not_after);
        let head = Head {
            generation: 0,
            digest: first.digest(),
            key: self.keys().active().id(),
            rotated_at: now,
            used_at: now,
            idle_expires_at: Some(acceptable_until),
            predecessor: None,
            displaced: false,
        };
        Ok(Family {
            id: first.position().family,
            version: 1,
            grant: Arc::new(grant),
            created_at: now,
            expires_at,
            kept_until: Some(acceptable_until),
            status: Status::Live,
            head,
            branches: Branches::default(),
        })
    }
}

/// Whether a family was adopted for the same grant. Scope, resources and attributes may have been changed since, once it was
/// written again.
fn is_same(adopted: &Family, stored: &Family) -> bool {
    let (one, other) = (&adopted.grant, &stored.grant);
    let same_owner = one.subject == other.subject
        && one.client == other.client
        && one.binding == other.binding
        && one.not_after == other.not_after;
    same_owner && (stored.version > 1 || one == other)
}
