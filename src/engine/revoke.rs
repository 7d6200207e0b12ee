use super::{Engine, Error, RETRIES, RevokeOutcome};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Reason, Revocation, Status};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::store::{Page, Purge, Revoke, Revoked, Selector, Store, StoreErrorKind};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Presented};

/// How many families are ended per page of a selection.
const PAGE: usize = 100;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Token revocation (RFC 7009 section 2.1), after the host has authenticated the client.
    ///
    /// Any token of a family ends it, a spent one too: a client that has lost a response can only revoke what it
    /// still has. Another client's token changes nothing, nor does one shown with a wrong key; no key at all is
    /// fine, as RFC 7009 asks for no proof of possession.
    ///
    /// # Errors
    ///
    /// As for every call: ours or the store's fault.
    pub async fn revoke(&self, token: &str, request: Request<'_>) -> Result<RevokeOutcome, Error> {
        let presented = match Presented::verify(token, &self.keys()) {
            Ok(presented) => presented,
            Err(why) => return Ok(RevokeOutcome::NoEffect(why.into())),
        };
        let id = presented.position().family;
        let Some(family) = self.load(id).await? else {
            return Ok(RevokeOutcome::NoEffect(Refusal::Unknown));
        };
        let grant = &family.grant;
        if *grant.client != *request.client {
            return Ok(RevokeOutcome::NoEffect(Refusal::ClientMismatch { ended: false }));
        }
        if grant.binding.is_some() && request.binding.is_some() && grant.binding != request.binding
        {
            return Ok(RevokeOutcome::NoEffect(Refusal::BindingMismatch { ended: false }));
        }
        self.revoke_family(id, Reason::ClientRequest).await
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
        Ok(match self.end(family, self.clock.now(), reason).await? {
            End::ByThisCall(_) => RevokeOutcome::Ended,
            End::Before(reason, _) => RevokeOutcome::Before(reason),
            End::Unknown => RevokeOutcome::NoEffect(Refusal::Unknown),
        })
    }

    /// Ends every family that matches and was created before the call; says how many this call has ended.
    ///
    /// # Errors
    ///
    /// As for every call: the first error, after all others have been tried. What was ended stays ended; try again.
    pub async fn revoke_all(&self, selector: &Selector, reason: Reason) -> Result<usize, Error> {
        let (mut ended, mut failed, mut after) = (0, None, None);
        loop {
            let families = self.page(selector, Page { after, limit: PAGE }).await?;
            let Some(last) = families.last() else {
                return failed.map_or(Ok(ended), Err);
            };
            after = Some(last.id);
            for family in families.iter().filter(|family| family.status == Status::Live) {
                match self.revoke_family(family.id, reason).await {
                    Ok(outcome) => ended += usize::from(outcome == RevokeOutcome::Ended),
                    // One that cannot be ended does not shield the others.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
    }

    /// Removes at most so many families that ended a retention ago, and says how many it was. Call it until that is
    /// less than the limit.
    ///
    /// # Errors
    ///
    /// As for every call.
    pub async fn purge(&self, limit: usize) -> Result<usize, Error> {
        let now = self.clock.now();
        let ended_before = now.saturating_sub(self.retention);
        let families = self.store.purge(Purge::new(ended_before, limit)).await?;
        if families > 0 {
            self.observe(|| Event::unattributed(now, EventKind::Purged { families }));
        }
        Ok(families)
    }

    /// One durable end, and its event.
    pub(super) async fn end(
        &self,
        id: FamilyId,
        at: Timestamp,
        reason: Reason,
    ) -> Result<End, Error> {
        let revocation = Revocation { at, reason, call: self.mark() };
        for _ in 0..=RETRIES {
            let end = match self.store.revoke(Revoke::new(id, revocation.clone())).await {
                Ok(Revoked::ByThisCall(committed)) => End::ByThisCall(committed.into_family()),
                Ok(Revoked::Before(family)) => match &family.status {
                    Status::Revoked(before) => End::Before(before.reason, family),
                    Status::Live => return Err(Error::Corrupt { family: id }),
                },
                Ok(Revoked::Unknown) => return Ok(End::Unknown),
                Err(error) if error.kind() == StoreErrorKind::Conflict => continue,
                Err(error) => return Err(error.into()),
            };
            if let End::ByThisCall(family) | End::Before(_, family) = &end {
                self.check(id, family)?;
            }
            if let End::ByThisCall(family) = &end {
                if family.status == Status::Live {
                    return Err(Error::Corrupt { family: id });
                }
                self.observe(|| Event::about(at, family, EventKind::Revoked(reason)));
            }
            return Ok(end);
        }
        Err(Error::Contended)
    }

    /// Without randomness two calls may look alike, and both report an end. No revocation waits for it.
    fn mark(&self) -> u64 {
        let mut mark = [0; 8];
        match self.entropy.fill(&mut mark) {
            Ok(()) => u64::from_ne_bytes(mark),
            Err(_) => 0,
        }
    }
}

/// How a family came to its end.
pub(super) enum End {
    ByThisCall(Family),
    Before(Reason, Family),
    Unknown,
}
