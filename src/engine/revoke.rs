//! Ending families, and removing what ended long ago.

use super::inspect::{id_of, stray};
use super::{Engine, Error, RETRIES, RevokeOutcome};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Reason, Revocation, Status};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::span;
use crate::store::{Page, Purge, Revoke, Revoked, Selector, Store, StoreError};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Position};

/// How many families are ended per page of a selection.
const PAGE: usize = 100;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Token revocation (RFC 7009 section 2.1), after the host has authenticated the client.
    ///
    /// Any token of a family ends it, a spent one too: a client that has lost a response can only revoke what it
    /// still has. Another client's token changes nothing, nor does one shown with a wrong key; no key at all is
    /// fine, as RFC 7009 asks for no proof of possession. A legacy token that was not [adopted](Self::adopt) yet is not found: its
    /// row is the host's to [end](crate::_migration#from-another-systems-tokens).
    ///
    /// # Errors
    ///
    /// As for every call: ours or the store's fault.
    pub async fn revoke(&self, token: &str, request: Request<'_>) -> Result<RevokeOutcome, Error> {
        span::revoke().client(request.client).around(self.revoke_token(token, request)).await
    }

    async fn revoke_token(
        &self,
        token: &str,
        request: Request<'_>,
    ) -> Result<RevokeOutcome, Error> {
        let now = self.clock.now();
        let (presented, unminted) = match self.present(token, &self.keys()) {
            Ok(presented) => presented,
            Err(why) => return Ok(self.no_effect(now, None, None, why)),
        };
        let position = presented.position();
        let Some(family) = self.load(position.family).await? else {
            let (position, why) = match unminted {
                Some(why) => (None, why),
                None => (Some(position), Refusal::Unknown),
            };
            return Ok(self.no_effect(now, position, None, why));
        };
        let bound = family.grant.binding;
        if *family.grant.client != *request.client {
            let why = Refusal::ClientMismatch { ended: false };
            return Ok(self.no_effect(now, Some(position), Some(&family), why));
        }
        if bound.is_some() && request.binding.is_some() && bound != request.binding {
            let why = Refusal::BindingMismatch { ended: false };
            return Ok(self.no_effect(now, Some(position), Some(&family), why));
        }
        match family.status {
            Status::Revoked(before) if !before.is_move() => {
                Ok(RevokeOutcome::Before(before.reason))
            }
            Status::Live | Status::Revoked(_) => {
                self.end_family(family.id, now, Reason::ClientRequest).await
            }
        }
    }

    /// Ends a family. After this has returned, no refresh of it succeeds (property P3).
    ///
    /// # Errors
    ///
    /// As for every call. Try again: it is idempotent.
    pub async fn revoke_family(
        &self,
        family: FamilyId,
        reason: Reason,
    ) -> Result<RevokeOutcome, Error> {
        let end = self.end_family(family, self.clock.now(), reason);
        span::revoke_family().family(family).around(end).await
    }

    /// Ends every family that matches and was created before the call, and perhaps some that are created meanwhile; says
    /// how many this call has ended.
    ///
    /// # Errors
    ///
    /// As for every call. A family that cannot be ended shields no other; a page that cannot be read ends the walk. Of several errors one
    /// that is worth a retry is told first. What was ended stays ended: not all has, until it succeeds; try again.
    pub async fn revoke_all(&self, selector: &Selector, reason: Reason) -> Result<usize, Error> {
        span::revoke_all().around(self.revoke_matching(selector, None, reason)).await
    }

    /// [`revoke_all`](Self::revoke_all) but one: "sign out all other devices".
    ///
    /// # Errors
    ///
    /// As [`revoke_all`](Self::revoke_all).
    pub async fn revoke_others(
        &self,
        selector: &Selector,
        keep: FamilyId,
        reason: Reason,
    ) -> Result<usize, Error> {
        span::revoke_others().around(self.revoke_matching(selector, Some(keep), reason)).await
    }

    pub(super) async fn revoke_matching(
        &self,
        selector: &Selector,
        keep: Option<FamilyId>,
        reason: Reason,
    ) -> Result<usize, Error> {
        let (mut ended, mut failed, mut after) = (0, None, None);
        loop {
            let page = match self.page(selector, Page { after, limit: PAGE }).await {
                Ok(page) => page,
                Err(error) => return Err(told_first(failed, error)),
            };
            let is_last = page.len() < PAGE;
            after = page.last().map(id_of);
            for found in page {
                let id = id_of(&found);
                if Some(id) == keep {
                    continue;
                }
                // Somebody else's is left alone. One that is damaged, or cannot be ended, does not shield the others.
                let outcome = match found {
                    Ok(family) if !selector.matches(&family) => Err(stray(id)),
                    Ok(family) if has_ended(&family) => continue,
                    Ok(_) => self.revoke_family(id, reason).await,
                    Err(impossible) => {
                        let tried = self.revoke_family(id, reason).await;
                        tried.and(Err(StoreError::from(impossible).into()))
                    }
                };
                match outcome {
                    Ok(outcome) => ended += usize::from(outcome == RevokeOutcome::Ended),
                    Err(error) => failed = Some(told_first(failed, error)),
                }
            }
            if is_last {
                return failed.map_or(Ok(ended), Err);
            }
        }
    }

    /// Removes at most so many families that ended a retention ago, and says how many it was. Call it until that is
    /// less than the limit, which is at least one.
    ///
    /// # Errors
    ///
    /// As for every call.
    pub async fn purge(&self, limit: usize) -> Result<usize, Error> {
        span::purge().around(self.purge_due(limit)).await
    }

    async fn purge_due(&self, limit: usize) -> Result<usize, Error> {
        let now = self.clock.now();
        let ended_before = now.saturating_sub(self.retention);
        // Not tried again inside: what an attempt had removed before its answer was lost would go uncounted.
        let families = self.store.purge(Purge::new(ended_before, limit)).await?;
        if families > 0 {
            self.observe(|| Event::unattributed(now, EventKind::Purged { families }));
        }
        Ok(families)
    }

    async fn end_family(
        &self,
        id: FamilyId,
        now: Timestamp,
        reason: Reason,
    ) -> Result<RevokeOutcome, Error> {
        Ok(match self.end(id, now, reason).await? {
            End::ByThisCall(_) => RevokeOutcome::Ended,
            End::Before(reason, _) => RevokeOutcome::Before(reason),
            End::Unknown => RevokeOutcome::NoEffect(Refusal::Unknown),
        })
    }

    fn no_effect(
        &self,
        now: Timestamp,
        presented: Option<Position>,
        family: Option<&Family>,
        why: Refusal,
    ) -> RevokeOutcome {
        self.refused(now, presented, family, why);
        RevokeOutcome::NoEffect(why)
    }

    /// One durable end, and its event.
    pub(super) async fn end(
        &self,
        id: FamilyId,
        at: Timestamp,
        reason: Reason,
    ) -> Result<End, Error> {
        let revocation = Revocation { at, reason, call: self.mark() };
        let revoked = retrying!(self.store.revoke(Revoke::new(id, revocation.clone())))?;
        let (by_this_call, family) = match revoked {
            Revoked::ByThisCall(committed) => (true, committed.into_family()),
            Revoked::Before(family) => (false, family),
            Revoked::Unknown => return Ok(End::Unknown),
        };
        self.check(id, &family)?;
        match &family.status {
            Status::Live => Err(Error::Corrupt { family: id }),
            Status::Revoked(_) if by_this_call => {
                self.observe(|| Event::about(at, &family, EventKind::Revoked(reason)));
                Ok(End::ByThisCall(family))
            }
            Status::Revoked(before) => Ok(End::Before(before.reason, family)),
        }
    }

    /// Without randomness two calls may look alike, and both report an end. No revocation waits for it.
    fn mark(&self) -> u64 {
        let mut mark = [0; 8];
        match self.entropy.fill(&mut mark) {
            // 53 bits: what every store holds exactly. Never 0, which is the mark of a move.
            Ok(()) => (u64::from_ne_bytes(mark) >> 11).max(1),
            Err(_) => 1,
        }
    }
}

/// Whether it has ended for good. One whose move was cut short still can be ended where it was to go.
fn has_ended(family: &Family) -> bool {
    matches!(&family.status, Status::Revoked(before) if !before.is_move())
}

/// Of two errors the one that passes is told first: to try again is of use.
fn told_first(first: Option<Error>, second: Error) -> Error {
    match first {
        Some(first) if first.is_retryable() || !second.is_retryable() => first,
        _ => second,
    }
}

/// How a family came to its end.
pub(super) enum End {
    ByThisCall(Family),
    Before(Reason, Family),
    Unknown,
}
