//! A change of what was consented to.

use std::sync::Arc;

use super::{Engine, Error, RETRIES};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Status};
use crate::grant::{Grant, GrantError};
use crate::span;
use crate::store::{Replace, Store};
use crate::time::Clock;
use crate::token::FamilyId;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Changes the scope, resources or attributes of a live family: a step-up, a withdrawn consent, a scope that
    /// shall stay narrow.
    ///
    /// The function gets the grant as it is stored, and is called again when another write came between: two changes at
    /// once both take effect. A grant that comes back unchanged is not written.
    ///
    /// The current token stays good and gets the new grant at its next use. The leeway of its predecessor is closed, so
    /// that a spent token is never answered with a grant from after its exchange (property P7): a client whose response
    /// was lost just before must sign in again.
    ///
    /// # Errors
    ///
    /// [`Error::Grant`] for a field that has grown out of bounds, or a change of subject, client, binding or `not_after`;
    /// [`Error::NotLive`]; and as for every call.
    pub async fn change_grant(
        &self,
        id: FamilyId,
        change: impl Fn(&Grant) -> Grant + Send,
    ) -> Result<(), Error> {
        span::change_grant().family(id).around(self.change(id, change)).await
    }

    async fn change(
        &self,
        id: FamilyId,
        change: impl Fn(&Grant) -> Grant + Send,
    ) -> Result<(), Error> {
        let mut written: Option<Family> = None;
        for _ in 0..=RETRIES {
            let now = self.clock.now();
            let family = match self.load(id).await? {
                Some(family) if family.status == Status::Live => family,
                _ => return Err(Error::NotLive { family: id }),
            };
            // Its own, from an attempt that was reported as a conflict.
            if written.as_ref() == Some(&family) {
                self.observe(|| Event::about(now, &family, EventKind::GrantChanged));
                return Ok(());
            }
            let grant = Arc::new(change(&family.grant));
            grant.check(&self.limits.with_room_for(&family.grant))?;
            if let Some(field) = fixed(&family.grant, &grant) {
                return Err(GrantError::Fixed { field }.into());
            }
            if grant == family.grant {
                return Ok(());
            }
            let step = Replace::new(&family, |next| {
                next.grant = grant;
                for head in next.heads_mut() {
                    if let Some(predecessor) = &mut head.predecessor {
                        predecessor.closed = true;
                    }
                }
            });
            written = Some(step.next().clone());
            if let Some(committed) = self.replace(step).await? {
                self.observe(|| Event::about(now, committed.family(), EventKind::GrantChanged));
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}

/// The first field that differs and may not: indexes and bound keys go by them.
fn fixed(old: &Grant, new: &Grant) -> Option<&'static str> {
    [
        ("subject", old.subject == new.subject),
        ("client", old.client == new.client),
        ("binding", old.binding == new.binding),
        ("not_after", old.not_after == new.not_after),
    ]
    .into_iter()
    .find_map(|(field, same)| (!same).then_some(field))
}
