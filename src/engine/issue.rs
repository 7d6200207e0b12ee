//! The first token of a family.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, Error, Granted, How, RETRIES};
use crate::decide::{CLOCK_TOLERANCE, ClockFault};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Branches, Family, Status, earliest};
use crate::grant::{Grant, GrantError};
use crate::key::Key;
use crate::pending::Pending;
use crate::policy::Policy;
use crate::span;
use crate::store::{Create, Created, Selector, Store};
use crate::time::{Clock, Timestamp};
use crate::token::FamilyId;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Issues the first token of a new family: the host has authenticated the user and has the consent.
    ///
    /// # Errors
    ///
    /// [`Error::Grant`] when a field is out of bounds, [`Error::TooManyFamilies`], and as for every call [`Error::Store`], [`Error::Entropy`],
    /// [`Error::Clock`]. Then no token exists; a family that was stored all the same can never be used, and lasts as its ends say.
    pub async fn issue(&self, grant: Grant) -> Result<Granted, Error> {
        self.issue_under(&self.policy(), grant).await
    }

    /// [`issue`](Self::issue) under another policy than the engine's: per client, say.
    ///
    /// # Errors
    ///
    /// As [`issue`](Self::issue).
    pub async fn issue_under(&self, policy: &Policy, grant: Grant) -> Result<Granted, Error> {
        span::issue().client(&grant.client).around(self.found(policy, grant)).await
    }

    /// Founds a family.
    async fn found(&self, policy: &Policy, grant: Grant) -> Result<Granted, Error> {
        grant.check(&self.limits)?;
        let now = self.clock.now();
        let keys = self.keys();
        let grant = Arc::new(grant);
        let mut born = self.bear(keys.active(), policy, &grant, now)?;
        let (mut conflict, mut conflicts) = (false, 0);
        self.has_room(policy, &Selector::subject_and_client(&grant.subject, &grant.client)).await?;
        for _ in 0..=2 * RETRIES {
            let (_, family) = &born;
            let stored = match self.store.create(Create::new(family.clone())).await {
                Ok(Created::New(_)) => true,
                // Its own, from an attempt that was reported as a conflict; or another's: at 74 random bits a
                // millisecond, a broken source of randomness.
                Ok(Created::Taken) => {
                    let found = self.load(family.id).await?;
                    conflict && found.as_ref() == Some(family)
                }
                Err(error) if error.is_conflict() && conflicts < RETRIES => {
                    (conflict, conflicts) = (true, conflicts + 1);
                    continue;
                }
                Err(error) if error.is_conflict() => return Err(Error::Contended),
                Err(error) => return Err(error.into()),
            };
            let at = match stored {
                true => match self.keep_limit(policy, family).await? {
                    None => return self.issued(born, policy),
                    Some(later) if is_near(later, now) => later,
                    Some(_) => return Err(Error::Contended),
                },
                false => now,
            };
            (born, conflict) = (self.bear(keys.active(), policy, &grant, at)?, false);
        }
        Err(Error::Contended)
    }

    /// A family that no store knows yet, and its first token.
    fn bear(
        &self,
        key: &Key,
        policy: &Policy,
        grant: &Arc<Grant>,
        now: Timestamp,
    ) -> Result<(Pending, Family), Error> {
        if grant.not_after.is_some_and(|end| end <= now) {
            return Err(GrantError::Form { field: "not_after" }.into());
        }
        let expires_at = earliest(end_of(policy.absolute(), now)?, grant.not_after);
        end_of(policy.idle(), now)?;
        let id = FamilyId::random(now, &self.entropy)?;
        let pending = Pending::root(key, id, &self.entropy)?;
        let head = pending.head(policy, now);
        let (grant, status) = (Arc::clone(grant), Status::Live);
        let branches = Branches::default();
        let (version, created_at, kept_until) = (1, now, None);
        let family = Family {
            id,
            version,
            grant,
            created_at,
            expires_at,
            kept_until,
            status,
            head,
            branches,
        };
        Ok((pending, family))
    }

    /// The store holds the family as it was born.
    fn issued(&self, born: (Pending, Family), policy: &Policy) -> Result<Granted, Error> {
        let (pending, family) = born;
        let (id, now) = (family.id, family.created_at);
        let token = pending.release_stored(&family).ok_or(Error::Corrupt { family: id })?;
        self.observe(|| Event::about(now, &family, EventKind::Issued));
        let granted = Granted::new(family, 0, policy, now, How::Issued);
        Ok(Granted { token: Some(token), ..granted })
    }
}

/// Whether a family may be dated so late: nodes must believe it.
fn is_near(later: Timestamp, now: Timestamp) -> bool {
    later.saturating_since(now) < CLOCK_TOLERANCE / 2
}

/// The end of a lifetime that begins now.
pub(super) fn end_of(
    lifetime: Option<Duration>,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let end = |lifetime| now.checked_add(lifetime).ok_or(Error::Clock(ClockFault::OutOfRange));
    lifetime.map(end).transpose()
}
