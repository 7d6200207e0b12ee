//! What a call answers, once what it had to write is durable.

use super::call::Call;
use super::exchange::{Exchange, Minted};
use super::revoke::End;
use super::{Error, Granted, How, Outcome};
use crate::decide::granted;
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Reason};
use crate::key::Key;
use crate::pending::Pending;
use crate::refusal::Refusal;
use crate::scope::Scope;
use crate::store::{Committed, Store};
use crate::time::Clock;
use crate::token::RefreshToken;

impl<S: Store, C: Clock, E: Entropy> Call<'_, S, C, E> {
    /// Ends the family, and only then refuses (property P2). What a breach ends beside it comes after, and in any case: neither
    /// shields the other if the store fails there.
    pub(super) async fn end(&self, family: &Family, reason: Reason) -> Result<Refusal, Error> {
        let end = self.engine.end(family.id, self.now, reason).await;
        let related = match end {
            Ok(End::ByThisCall(_)) | Err(_) => self.end_related(family, reason).await,
            // For another reason, which may come first: a logout is no breach.
            Ok(End::Before(..) | End::Unknown) => Ok(()),
        };
        let (ended, why) = match end? {
            End::ByThisCall(family) => (Some(family), Refusal::for_end(reason)),
            End::Before(before, family) => (Some(family), Refusal::Revoked(before)),
            End::Unknown => (None, Refusal::Unknown),
        };
        related.map(|()| self.refused(ended.as_ref(), why))
    }

    /// What a breach ends beside its family, or the word that something of it lives on.
    async fn end_related(&self, family: &Family, reason: Reason) -> Result<(), Error> {
        let (Reason::Reuse(_), Some(related)) = (reason, self.policy.related(&family.grant)) else {
            return Ok(());
        };
        let ended = self.engine.revoke_matching(&related, Some(family.id), Reason::RelatedReuse);
        ended.await.map(drop).inspect_err(|_| self.observe(family, 0, EventKind::RelatedLeft))
    }

    /// A store's word for a commit is believed only if what it shows is what was to be written.
    pub(super) fn committed(
        &self,
        minted: Option<Minted>,
        committed: Committed,
    ) -> Result<Outcome, Error> {
        let id = committed.family().id;
        let Minted { pending, exchange } = minted.ok_or(Error::Corrupt { family: id })?;
        let branch = pending.position().branch;
        let token = pending.release(&committed);
        self.exchanged(token, branch, exchange, committed.into_family())
    }

    /// The token of an exchange, which the family shows on this branch.
    pub(super) fn exchanged(
        &self,
        token: Option<RefreshToken>,
        branch: u16,
        exchange: Exchange,
        family: Family,
    ) -> Result<Outcome, Error> {
        let id = family.id;
        let scope = granted(&family, &self.request).ok().filter(|_| self.admits(&family));
        let origin = family.head_of(self.presented.position().branch);
        let (Some(token), Some(scope), Some(origin)) = (token, scope, origin) else {
            return Err(Error::Corrupt { family: id });
        };
        let kind = exchange.event(origin.rotated_at, self.now);
        self.observe(&family, branch, kind);
        Ok(self.granted(family, branch, exchange.how(), scope, Some(token)))
    }

    pub(super) fn replayed(&self, family: Family, scope: Scope) -> Result<Outcome, Error> {
        let corrupt = || Error::Corrupt { family: family.id };
        let branch = self.presented.position().branch;
        let head = family.head_of(branch).ok_or_else(corrupt)?;
        let key = self.key_of(&family)?;
        let pending = Pending::again(&key, &self.presented, head).ok_or_else(corrupt)?;
        let since_rotation = self.now.saturating_since(head.rotated_at);
        let token = pending.release_stored(&family).ok_or_else(corrupt)?;
        self.observe(&family, branch, EventKind::Replayed { since_rotation });
        Ok(self.granted(family, branch, How::Replayed, scope, Some(token)))
    }

    /// The key that made the current token, to make it again.
    pub(super) fn key_of(&self, family: &Family) -> Result<Key, Error> {
        let head = family.head_of(self.presented.position().branch);
        let id = head.unwrap_or(&family.head).key;
        // Another node may have rotated with a key that this one has accepted since the call began.
        let found = self.keys.key(id).cloned().or_else(|| self.engine.keys().key(id).cloned());
        found.ok_or(Error::KeyMissing { family: family.id, key: id })
    }

    pub(super) fn kept(&self, family: Family, scope: Scope) -> Outcome {
        let branch = self.presented.position().branch;
        self.observe(&family, branch, EventKind::Kept);
        self.granted(family, branch, How::Kept, scope, None)
    }

    fn granted(
        &self,
        family: Family,
        branch: u16,
        how: How,
        scope: Scope,
        token: Option<RefreshToken>,
    ) -> Outcome {
        let mut granted = Granted::new(family, branch, &self.policy, self.now, how);
        granted.scope = scope;
        if !self.request.resources.is_empty() {
            granted.resources = self.request.resources.iter().map(|&uri| uri.to_owned()).collect();
        }
        Outcome::Granted(Granted { token, ..granted })
    }

    /// There is no such family. A string that was taken for a legacy token is what it looked like.
    pub(super) fn missing(&self) -> Refusal {
        match self.unminted {
            Some(why) => {
                self.engine.refused(self.now, None, None, why);
                why
            }
            None => self.refused(None, Refusal::Unknown),
        }
    }

    pub(super) fn refused(&self, family: Option<&Family>, why: Refusal) -> Refusal {
        self.engine.refused(self.now, Some(self.presented.position()), family, why);
        why
    }

    fn observe(&self, family: &Family, branch: u16, kind: EventKind) {
        self.engine.observe(|| Event::on_branch(self.now, family, branch, kind));
    }
}
