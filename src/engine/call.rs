//! One call of a refresh, from its presented token to its outcome.

use std::sync::Arc;

use super::exchange::{Exchange, Minted, Tried};
use super::policy::InForce;
use super::{Engine, Error, Outcome, RETRIES};
use crate::decide::{ClockFault, Decision, admits, decide, granted};
use crate::entropy::Entropy;
use crate::family::{Family, Reason};
use crate::guard::Guard;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::ring::KeyRing;
use crate::scope::Scope;
use crate::store::{Advance, Committed, Store, Written};
use crate::time::{Clock, Timestamp};
use crate::token::Presented;

/// One presentation of one token.
pub(super) struct Call<'a, S, C, E> {
    pub(super) engine: &'a Engine<S, C, E>,
    pub(super) keys: Arc<KeyRing>,
    pub(super) presented: Presented,
    /// Why the string is no token of ours, if it is taken for a legacy one: said if no family has adopted it.
    pub(super) unminted: Option<Refusal>,
    pub(super) request: Request<'a>,
    pub(super) policy: InForce<'a>,
    /// When the token was shown: a leeway is not used up by the host's own look, or by a store that stalls.
    pub(super) presented_at: Timestamp,
    pub(super) now: Timestamp,
}

/// What a decision leaves to do once a refusal has been carried out.
pub(super) enum Verdict {
    Refused(Refusal),
    Grant(Grant),
}

/// What is to be granted, and what is to be written for it.
pub(super) enum Grant {
    Exchange(Exchange),
    Replay { scope: Scope, counted: bool },
    Keep { scope: Scope, slide: bool },
}

/// A decision, sorted by what is to be done.
enum Ruling {
    Grant(Grant),
    Refuse(Refusal),
    Revoke(Reason),
    Fault(ClockFault),
}

impl From<Decision> for Ruling {
    fn from(decision: Decision) -> Self {
        Self::Grant(match decision {
            Decision::Rotate { scope: _ } => Grant::Exchange(Exchange::Rotate),
            Decision::Renew { scope: _ } => Grant::Exchange(Exchange::Renew),
            Decision::Fork { scope: _ } => Grant::Exchange(Exchange::Fork),
            Decision::Recover { scope: _ } => Grant::Exchange(Exchange::Recover),
            Decision::Replay { scope, counted } => Grant::Replay { scope, counted },
            Decision::Keep { scope, slide } => Grant::Keep { scope, slide },
            Decision::Refuse(refusal) => return Self::Refuse(refusal),
            Decision::Revoke(reason) => return Self::Revoke(reason),
            Decision::Fault(fault) => return Self::Fault(fault),
        })
    }
}

impl Grant {
    /// Whether something is to be written first.
    fn writes(&self) -> bool {
        match self {
            Self::Exchange(_) => true,
            Self::Replay { counted, .. } => *counted,
            Self::Keep { slide, .. } => *slide,
        }
    }
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
        let looks = self.request.narrows() || self.unminted.is_some();
        let ask = if looks { Ask::Look } else { Ask::Write(None) };
        self.attempt(ask, None, Tried::default()).await
    }

    /// The second of two steps: does what is decided on the family that the host has looked at, if it is unchanged.
    pub(super) async fn settle_on(&mut self, begun: &Family) -> Result<Outcome, Error> {
        let mut tried = Tried::default();
        let ask = match Ruling::from(self.decide(begun)) {
            Ruling::Grant(Grant::Exchange(Exchange::Rotate)) if begun.is_plain() => {
                Ask::Write(Some(begun.version))
            }
            Ruling::Grant(grant) if grant.writes() && self.has_key_for(&grant, begun) => {
                match self.carry_out(begun, grant, &mut tried).await? {
                    Some(outcome) => return Ok(outcome),
                    None => Ask::Look,
                }
            }
            // Answered on the family as it is now, which may have been ended or changed.
            Ruling::Grant(_) | Ruling::Refuse(_) | Ruling::Revoke(_) | Ruling::Fault(_) => {
                Ask::Look
            }
        };
        self.attempt(ask, Some(begun), tried).await
    }

    /// Decides and writes until both agree. Each attempt asks the store once; the clock is read again after each look.
    async fn attempt(
        &mut self,
        mut ask: Ask,
        begun: Option<&Family>,
        mut tried: Tried,
    ) -> Result<Outcome, Error> {
        let mut unseen = begun.is_none();
        for _ in 0..=2 * RETRIES {
            let looks = ask == Ask::Look;
            let found = self.ask(ask, &mut tried.minted).await?;
            ask = Ask::Look;
            let family = match found {
                Found::Committed(committed) => {
                    unchanged(begun, committed.family())?;
                    return self.committed(tried.minted, committed);
                }
                Found::Stored(family) => family,
                Found::Missing => return Ok(Outcome::Refused(self.missing())),
                Found::Conflict => continue,
            };
            self.now = self.engine.clock.now();
            if std::mem::take(&mut unseen) {
                self.engine.observe_skew(self.now, &family);
            }
            unchanged(begun, &family)?;
            if let Some(outcome) = self.own(&mut tried, &family)? {
                return Ok(outcome);
            }
            match self.judge(&family).await? {
                Verdict::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
                Verdict::Grant(Grant::Exchange(Exchange::Rotate)) if family.is_plain() => {
                    // A family that the store has just declined to rotate is a lost race: it is looked at again.
                    ask = if looks { Ask::Write(Some(family.version)) } else { Ask::Look };
                }
                Verdict::Grant(grant) => {
                    if let Some(outcome) = self.carry_out(&family, grant, &mut tried).await? {
                        return Ok(outcome);
                    }
                }
            }
        }
        Err(Error::Contended)
    }

    /// The outcome of a write of this call's that the store has reported as a conflict, and done (property P15).
    fn own(&self, tried: &mut Tried, family: &Family) -> Result<Option<Outcome>, Error> {
        if !self.admits(family) {
            return Ok(None);
        }
        let minted = tried.minted.take_if(|own| own.pending.is_current_in(family));
        if let Some(Minted { pending, exchange }) = minted {
            let branch = pending.position().branch;
            let token = pending.release_stored(family);
            return self.exchanged(token, branch, exchange, family.clone()).map(Some);
        }
        let counted = tried.counted.take_if(|counted| counted == family).is_some();
        match granted(family, &self.request) {
            Ok(scope) if counted => self.replayed(family.clone(), scope).map(Some),
            Ok(_) | Err(_) => Ok(None),
        }
    }

    /// Does what was decided on a family, if it is still as it was seen. `None`: lost a race.
    async fn carry_out(
        &self,
        family: &Family,
        grant: Grant,
        tried: &mut Tried,
    ) -> Result<Option<Outcome>, Error> {
        Ok(Some(match grant {
            Grant::Exchange(exchange) => {
                match self.exchange(family, exchange, &mut tried.minted).await? {
                    Some(committed) => self.committed(tried.minted.take(), committed)?,
                    None => return Ok(None),
                }
            }
            Grant::Replay { scope, counted: false } => self.replayed(family.clone(), scope)?,
            Grant::Replay { scope, counted: true } => {
                self.key_of(family)?;
                match self.count(family, &mut tried.counted).await? {
                    Some(counted) => self.replayed(counted.into_family(), scope)?,
                    None => return Ok(None),
                }
            }
            Grant::Keep { scope, slide: false } => self.kept(family.clone(), scope),
            Grant::Keep { scope, slide: true } => match self.slide(family).await? {
                Some(slid) => self.kept(slid.into_family(), scope),
                None => return Ok(None),
            },
        }))
    }

    /// Whether the key is there that a replay is made with.
    fn has_key_for(&self, grant: &Grant, family: &Family) -> bool {
        !matches!(grant, Grant::Replay { .. }) || self.key_of(family).is_ok()
    }

    /// States when the write would be right; `None` when it never is.
    fn guard(&self, version: Option<u64>) -> Option<Guard> {
        self.presented.successor()?;
        let guard = Guard::new(&self.presented, &self.request, &self.policy, self.now)?;
        Some(Guard { version, ..guard })
    }

    pub(super) fn admits(&self, family: &Family) -> bool {
        admits(family, &self.presented, &self.request, &self.policy, self.now)
    }

    fn decide(&self, family: &Family) -> Decision {
        let at = |now| decide(family, &self.presented, &self.request, &self.policy, now);
        match at(self.now) {
            // Inside its leeway when it was shown, if not now.
            breach @ (Decision::Revoke(Reason::Reuse(_)) | Decision::Refuse(Refusal::Spent(_))) => {
                match at(self.presented_at) {
                    shown @ (Decision::Replay { .. }
                    | Decision::Renew { .. }
                    | Decision::Fork { .. }
                    | Decision::Refuse(_)) => match self.admits(family) {
                        true => shown,
                        // Its branch has idled out since: what would be granted is over, and was no reuse when it was shown.
                        false => Decision::Refuse(Refusal::Idle),
                    },
                    Decision::Revoke(_)
                    | Decision::Rotate { .. }
                    | Decision::Recover { .. }
                    | Decision::Keep { .. }
                    | Decision::Fault(_) => breach,
                }
            }
            decision => decision,
        }
    }

    async fn ask(&self, ask: Ask, minted: &mut Option<Minted>) -> Result<Found, Error> {
        let id = self.presented.position().family;
        let guard = match ask {
            Ask::Write(version) => self.guard(version),
            Ask::Look => None,
        };
        let Some(guard) = guard else {
            return Ok(self.engine.load(id).await?.map_or(Found::Missing, Found::Stored));
        };
        let pending = self.mint(self.presented.successor(), Exchange::Rotate, minted)?;
        let head = pending.head(&self.policy, self.now);
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
        match Ruling::from(self.decide(family)) {
            Ruling::Grant(grant) => Ok(Verdict::Grant(grant)),
            Ruling::Refuse(refusal) => Ok(Verdict::Refused(self.refused(Some(family), refusal))),
            Ruling::Revoke(reason) => Ok(Verdict::Refused(self.end(family, reason).await?)),
            Ruling::Fault(fault) => Err(fault.into()),
        }
    }
}

/// What the host has looked at is what will be granted.
fn unchanged(begun: Option<&Family>, family: &Family) -> Result<(), Error> {
    match begun {
        Some(begun) if begun.grant != family.grant => Err(Error::GrantChanged),
        Some(_) | None => Ok(()),
    }
}
