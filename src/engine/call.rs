//! One call of a refresh, from its presented token to its outcome.

use std::sync::Arc;

use super::revoke::End;
use super::{Engine, Error, Granted, How, Outcome, RETRIES};
use crate::decide::{Decision, Guard, admit, decide, granted};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Reason};
use crate::pending::Pending;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::ring::KeyRing;
use crate::scope::Scope;
use crate::store::{Advance, Committed, Replace, Store, Written};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Presented, RefreshToken};

/// One presentation of one token.
pub(super) struct Call<'a, S, C, E> {
    pub(super) engine: &'a Engine<S, C, E>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) presented: Presented,
    pub(super) request: Request<'a>,
    pub(super) policy: &'a Policy,
    /// When the token was shown: a leeway is not used up by the host's own look, or by a store that stalls.
    pub(super) presented_at: Timestamp,
    pub(super) now: Timestamp,
}

/// What a decision leaves to do once a refusal has been carried out.
pub(super) enum Verdict {
    Refused(Refusal),
    Rotate,
    Replay(Scope),
    Keep { scope: Scope, slide: bool },
}

/// What an attempt asks the store.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ask {
    /// To rotate under the guard; of this version only, if one was decided on.
    Write(Option<u64>),
    Look,
}

/// What an attempt found.
enum Found {
    /// This call's own rotation, committed.
    Committed(Committed),
    /// The family as it is durably committed.
    Stored(Family),
    Missing,
    /// A lost race, and nothing more is known.
    Conflict,
}

impl<S: Store, C: Clock, E: Entropy> Call<'_, S, C, E> {
    /// One step: writes at once, if it can be stated when that is right.
    pub(super) async fn settle(&mut self) -> Result<Outcome, Error> {
        let ask = if self.request.narrows() { Ask::Look } else { Ask::Write(None) };
        self.attempt(ask, None).await
    }

    /// The second of two steps: does what is decided on the family that the host has looked at, if it is unchanged.
    pub(super) async fn settle_on(&mut self, begun: &Family) -> Result<Outcome, Error> {
        let ask = match self.decide(begun) {
            Decision::Rotate { .. } => Ask::Write(Some(begun.version)),
            Decision::Keep { scope, slide: true } => match self.slide(begun).await? {
                Some(slid) => return Ok(self.kept(slid.into_family(), scope)),
                None => Ask::Look,
            },
            Decision::Keep { .. }
            | Decision::Replay { .. }
            | Decision::Refuse(_)
            | Decision::Revoke(_)
            | Decision::Fault(_) => Ask::Look,
        };
        self.attempt(ask, Some(begun)).await
    }

    /// Decides and writes until both agree. Each attempt asks the store once; the clock is read again after each look.
    async fn attempt(&mut self, mut ask: Ask, begun: Option<&Family>) -> Result<Outcome, Error> {
        // One successor for all attempts: a head that carries it is this call's own success, whatever the store has said
        // of it (property P15).
        let (mut unseen, mut minted) = (begun.is_none(), None);
        for _ in 0..=2 * RETRIES {
            let looks = ask == Ask::Look;
            let found = self.ask(ask, &mut minted).await?;
            ask = Ask::Look;
            let family = match found {
                Found::Committed(committed) => return self.committed(minted, committed, begun),
                Found::Stored(family) => family,
                Found::Missing => return Ok(self.refuse(None, Refusal::Unknown)),
                Found::Conflict => continue,
            };
            self.now = self.engine.clock.now();
            if std::mem::take(&mut unseen) {
                self.engine.observe_skew(self.now, &family);
            }
            unchanged(begun, &family)?;
            if let Some(own) = minted
                .take_if(|own: &mut Pending| own.is_current_in(&family) && self.admits(&family))
            {
                return self.rotated(own.release_stored(&family), family);
            }
            match self.judge(&family).await? {
                Verdict::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
                Verdict::Replay(scope) => return self.replayed(family, scope),
                // A family that the store has just declined to rotate is a lost race: it is looked at again.
                Verdict::Rotate if looks => ask = Ask::Write(Some(family.version)),
                Verdict::Rotate => {}
                Verdict::Keep { scope, slide: false } => return Ok(self.kept(family, scope)),
                Verdict::Keep { scope, slide: true } => {
                    if let Some(slid) = self.slide(&family).await? {
                        return Ok(self.kept(slid.into_family(), scope));
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// States when the write would be right; `None` when it never is.
    fn guard(&self, version: Option<u64>) -> Option<Guard> {
        self.presented.successor()?;
        let guard = Guard::new(&self.presented, &self.request, self.policy, self.now)?;
        Some(Guard { version, ..guard })
    }

    fn admits(&self, family: &Family) -> bool {
        admit(family, &self.presented, &self.request, self.policy, self.now).is_ok()
    }

    fn decide(&self, family: &Family) -> Decision {
        let at = |now| decide(family, &self.presented, &self.request, self.policy, now);
        match at(self.now) {
            // Inside its leeway when it was shown, if not now.
            breach @ Decision::Revoke(Reason::Reuse(_)) => match at(self.presented_at) {
                shown @ (Decision::Replay { .. } | Decision::Refuse(_)) => shown,
                Decision::Revoke(_)
                | Decision::Rotate { .. }
                | Decision::Keep { .. }
                | Decision::Fault(_) => breach,
            },
            decision => decision,
        }
    }

    async fn ask(&self, ask: Ask, minted: &mut Option<Pending>) -> Result<Found, Error> {
        let id = self.presented.position().family;
        let guard = match ask {
            Ask::Write(version) => self.guard(version),
            Ask::Look => None,
        };
        let Some(guard) = guard else {
            return Ok(self.engine.load(id).await?.map_or(Found::Missing, Found::Stored));
        };
        if minted.is_none() {
            let key = self.keys.active();
            *minted = Pending::successor(key, &self.presented, &self.engine.entropy)?;
        }
        let Some(minted) = minted else {
            return Err(Error::Corrupt { family: id });
        };
        let head = minted.head(self.policy, self.now);
        match self.engine.store.advance(Advance::new(guard, head)).await {
            Ok(Written::Committed(committed)) => {
                self.engine.check(id, committed.family())?;
                Ok(Found::Committed(committed))
            }
            Ok(Written::Declined(None)) => Ok(Found::Missing),
            Ok(Written::Declined(Some(family))) => {
                self.engine.check(id, &family)?;
                Ok(Found::Stored(family))
            }
            Err(error) if error.is_conflict() => Ok(Found::Conflict),
            Err(error) => Err(error.into()),
        }
    }

    /// Decides, and carries out a refusal.
    pub(super) async fn judge(&self, family: &Family) -> Result<Verdict, Error> {
        match self.decide(family) {
            Decision::Refuse(refusal) => Ok(Verdict::Refused(self.refused(Some(family), refusal))),
            Decision::Revoke(reason) => Ok(Verdict::Refused(self.end(family.id, reason).await?)),
            Decision::Rotate { scope: _ } => Ok(Verdict::Rotate),
            Decision::Replay { scope } => Ok(Verdict::Replay(scope)),
            Decision::Keep { scope, slide } => Ok(Verdict::Keep { scope, slide }),
            Decision::Fault(fault) => Err(fault.into()),
        }
    }

    /// Ends the family, and only then refuses (property P2).
    async fn end(&self, id: FamilyId, reason: Reason) -> Result<Refusal, Error> {
        Ok(match self.engine.end(id, self.now, reason).await? {
            End::ByThisCall(family) => self.refused(Some(&family), Refusal::for_end(reason)),
            End::Before(reason, family) => self.refused(Some(&family), Refusal::Revoked(reason)),
            End::Unknown => self.refused(None, Refusal::Unknown),
        })
    }

    /// Moves the idle end of a token that does not rotate. `None`: lost a race.
    async fn slide(&self, family: &Family) -> Result<Option<Committed>, Error> {
        let step = Replace::new(family, |next| {
            // A clock that has stepped back never moves it back.
            next.head.used_at = next.head.used_at.max(self.now);
            next.head.idle_expires_at =
                self.policy.idle().map(|idle| self.now.saturating_add(idle));
        });
        self.engine.replace(step).await
    }

    /// A store's word for a commit is believed only if what it shows is what was to be written.
    fn committed(
        &self,
        minted: Option<Pending>,
        committed: Committed,
        begun: Option<&Family>,
    ) -> Result<Outcome, Error> {
        unchanged(begun, committed.family())?;
        let token = minted.and_then(|minted| minted.release(&committed));
        self.rotated(token, committed.into_family())
    }

    fn rotated(&self, token: Option<RefreshToken>, family: Family) -> Result<Outcome, Error> {
        let scope = granted(&family, &self.request).ok().filter(|_| self.admits(&family));
        match (token, scope) {
            (Some(token), Some(scope)) => {
                self.observe(&family, EventKind::Rotated);
                Ok(self.granted(family, How::Rotated, scope, Some(token)))
            }
            _ => Err(Error::Corrupt { family: family.id }),
        }
    }

    fn replayed(&self, family: Family, scope: Scope) -> Result<Outcome, Error> {
        let corrupt = || Error::Corrupt { family: family.id };
        let id = family.head.key;
        // Another node may have rotated with a key that this one has accepted since the call began.
        let current = self.engine.keys();
        let key = self.keys.key(id).or_else(|| current.key(id));
        let key = key.ok_or(Error::KeyMissing { family: family.id, key: id })?;
        let pending = Pending::again(key, &self.presented, &family).ok_or_else(corrupt)?;
        let token = pending.release_stored(&family).ok_or_else(corrupt)?;
        let since_rotation = self.now.saturating_since(family.head.rotated_at);
        self.observe(&family, EventKind::Replayed { since_rotation });
        Ok(self.granted(family, How::Replayed, scope, Some(token)))
    }

    fn kept(&self, family: Family, scope: Scope) -> Outcome {
        self.observe(&family, EventKind::Kept);
        self.granted(family, How::Kept, scope, None)
    }

    fn granted(
        &self,
        family: Family,
        how: How,
        scope: Scope,
        token: Option<RefreshToken>,
    ) -> Outcome {
        let mut granted = Granted::new(family, self.policy, self.now, how, scope);
        if !self.request.resources.is_empty() {
            granted.resources = self.request.resources.iter().map(|&uri| uri.to_owned()).collect();
        }
        Outcome::Granted(Granted { token, ..granted })
    }

    fn refuse(&self, family: Option<&Family>, why: Refusal) -> Outcome {
        Outcome::Refused(self.refused(family, why))
    }

    pub(super) fn refused(&self, family: Option<&Family>, why: Refusal) -> Refusal {
        self.engine.refused(self.now, Some(self.presented.position()), family, why);
        why
    }

    fn observe(&self, family: &Family, kind: EventKind) {
        self.engine.observe(|| Event::about(self.now, family, kind));
    }
}

/// What the host has looked at is what will be granted.
fn unchanged(begun: Option<&Family>, family: &Family) -> Result<(), Error> {
    match begun {
        Some(begun) if begun.grant != family.grant => Err(Error::GrantChanged),
        Some(_) | None => Ok(()),
    }
}
