use std::fmt;
use std::sync::Arc;

use super::revoke::End;
use super::{Engine, Error, Granted, How, Outcome, RETRIES};
use crate::decide::{Decision, Guard, decide};
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::family::{Family, Head, Reason, Status};
use crate::grant::{Grant, Scope};
use crate::pending::Pending;
use crate::policy::Policy;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::ring::KeyRing;
use crate::store::{Advance, Committed, Replace, Store, Written};
use crate::time::{Clock, Timestamp};
use crate::token::{FamilyId, Presented, RefreshToken};

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// The refresh grant in one step (RFC 6749 section 6): exchanges a token for its successor.
    ///
    /// One store round trip when the token is current and nothing is narrowed, and for a replay.
    ///
    /// # Errors
    ///
    /// [`Error`]: ours or the store's fault. No token was released.
    pub async fn refresh(&self, token: &str, request: Request<'_>) -> Result<Outcome, Error> {
        match self.call(token, request) {
            Ok(call) => call.settle().await,
            Err(refusal) => Ok(Outcome::Refused(refusal)),
        }
    }

    /// The refresh grant in two steps, for a host that must look at the grant before anything is consumed.
    ///
    /// Refusals are carried out at once, a breach included. What would be granted waits for
    /// [`Redemption::commit`]; a redemption that is dropped has consumed nothing.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh).
    pub async fn begin<'a>(
        &'a self,
        token: &str,
        request: Request<'a>,
    ) -> Result<Begun<'a, S, C, E>, Error> {
        let call = match self.call(token, request) {
            Ok(call) => call,
            Err(refusal) => return Ok(Begun::Refused(refusal)),
        };
        let Some(family) = self.load(call.presented.position().family).await? else {
            return Ok(Begun::Refused(call.refused(None, Refusal::Unknown)));
        };
        self.observe_skew(call.now, &family);
        match call.judge(&family).await? {
            Verdict::Refused(refusal) => Ok(Begun::Refused(refusal)),
            Verdict::Rotate | Verdict::Replay(_) | Verdict::Keep { .. } => {
                Ok(Begun::Ready(Box::new(Redemption { call, family })))
            }
        }
    }

    /// Row 0 of the table: no store is asked.
    fn call<'a>(&'a self, token: &str, request: Request<'a>) -> Result<Call<'a, S, C, E>, Refusal> {
        let keys = self.keys();
        match Presented::verify(token, &keys) {
            Ok(presented) => Ok(Call {
                engine: self,
                keys,
                presented,
                request,
                policy: request.policy.unwrap_or(&self.policy),
                now: self.clock.now(),
            }),
            Err(why) => {
                let why = Refusal::from(why);
                self.refused(self.clock.now(), None, None, why);
                Err(why)
            }
        }
    }
}

/// The answer to [`Engine::begin`].
#[must_use]
pub enum Begun<'a, S, C, E> {
    /// It would be granted now. Nothing is consumed yet.
    Ready(Box<Redemption<'a, S, C, E>>),
    /// Refused, and carried out: a breach has ended its family.
    Refused(Refusal),
}

impl<S, C, E> fmt::Debug for Begun<'_, S, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(redemption) => f.debug_tuple("Ready").field(redemption).finish(),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
        }
    }
}

/// A refresh that would be granted, and has consumed nothing.
///
/// Drop it to leave everything as it was.
#[must_use = "nothing is granted before the commit"]
pub struct Redemption<'a, S, C, E> {
    call: Call<'a, S, C, E>,
    family: Family,
}

impl<S: Store, C: Clock, E: Entropy> Redemption<'_, S, C, E> {
    /// What the user consented to: look here whether the user or the consent still is.
    pub fn grant(&self) -> &Grant {
        &self.family.grant
    }

    /// The family as it was at `begin`.
    pub fn family(&self) -> &Family {
        &self.family
    }

    /// Decides again, on the store's state of this moment, and grants.
    ///
    /// It may refuse: a revocation or another use of the token may have come between.
    ///
    /// # Errors
    ///
    /// [`Error::GrantChanged`] when what was looked at is no longer what would be granted: begin again. Else as
    /// [`Engine::refresh`].
    pub async fn commit(self) -> Result<Outcome, Error> {
        let Self { mut call, family } = self;
        call.now = call.engine.clock.now();
        call.settle_on(&family).await
    }
}

impl<S, C, E> fmt::Debug for Redemption<'_, S, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redemption").field("family", &self.family).finish_non_exhaustive()
    }
}

/// One presentation of one token.
struct Call<'a, S, C, E> {
    engine: &'a Engine<S, C, E>,
    keys: Arc<KeyRing>,
    presented: Presented,
    request: Request<'a>,
    policy: &'a Policy,
    now: Timestamp,
}

/// What a decision leaves to do once a refusal has been carried out.
enum Verdict {
    Refused(Refusal),
    Rotate,
    Replay(Scope),
    Keep { scope: Scope, slide: bool },
}

/// The successor of the presented token and the head that goes with it: one for all attempts of a call, so that a
/// head that carries it is this call's own success, whatever the store has said of it (property P15).
struct Minted {
    pending: Pending,
    head: Head,
}

impl Minted {
    /// Whether the family is as this call's own write left it: live, and its leeway not closed since.
    fn is_current_in(&self, family: &Family) -> bool {
        family.status == Status::Live && family.head == self.head
    }
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
    async fn settle(&self) -> Result<Outcome, Error> {
        let guard = if self.request.narrows() { None } else { self.guard(None) };
        self.attempt(guard, None).await
    }

    /// The second of two steps: does what was decided on the family that the host has looked at, if it is unchanged.
    async fn settle_on(&self, begun: &Family) -> Result<Outcome, Error> {
        match self.decide(begun) {
            Decision::Rotate { .. } => {
                self.attempt(self.guard(Some(begun.version)), Some(begun)).await
            }
            Decision::Keep { scope, slide: true } => match self.slide(begun).await? {
                Some(slid) => Ok(self.kept(slid.into_family(), scope)),
                None => self.attempt(None, Some(begun)).await,
            },
            Decision::Keep { .. }
            | Decision::Replay { .. }
            | Decision::Refuse(_)
            | Decision::Revoke(_)
            | Decision::Fault(_) => self.attempt(None, Some(begun)).await,
        }
    }

    /// Decides and writes until both agree. Each attempt asks the store once: to write under a guard, else to look.
    async fn attempt(
        &self,
        mut guard: Option<Guard>,
        begun: Option<&Family>,
    ) -> Result<Outcome, Error> {
        let mut minted = None;
        for attempt in 0..=2 * RETRIES {
            let looked = guard.is_none();
            let family = match self.ask(guard.take(), &mut minted).await? {
                Found::Committed(committed) => {
                    return self.rotated(minted, committed.into_family());
                }
                Found::Stored(family) => family,
                Found::Missing => return Ok(self.refuse(None, Refusal::Unknown)),
                Found::Conflict => continue,
            };
            if begun.is_none() && attempt == 0 {
                self.engine.observe_skew(self.now, &family);
            }
            if begun.is_some_and(|begun| begun.grant != family.grant) {
                return Err(Error::GrantChanged);
            }
            if minted.as_ref().is_some_and(|minted| minted.is_current_in(&family)) {
                return self.rotated(minted, family);
            }
            match self.judge(&family).await? {
                Verdict::Refused(refusal) => return Ok(Outcome::Refused(refusal)),
                Verdict::Replay(scope) => return self.replayed(family, scope),
                // A family that the store has just declined to rotate is a lost race: it is looked at again.
                Verdict::Rotate if looked => guard = self.guard(Some(family.version)),
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

    fn decide(&self, family: &Family) -> Decision {
        decide(family, &self.presented, &self.request, self.policy, self.now)
    }

    /// Writes under the guard, or looks.
    async fn ask(&self, guard: Option<Guard>, minted: &mut Option<Minted>) -> Result<Found, Error> {
        let id = self.presented.position().family;
        let Some(guard) = guard else {
            return Ok(self.engine.load(id).await?.map_or(Found::Missing, Found::Stored));
        };
        if minted.is_none() {
            *minted = self.mint()?;
        }
        let Some(Minted { head, .. }) = minted else {
            return Err(Error::Corrupt { family: id });
        };
        match self.engine.store.advance(Advance::new(guard, head.clone())).await {
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

    fn mint(&self) -> Result<Option<Minted>, Error> {
        let Self { engine, keys, presented, policy, now, .. } = self;
        let minted = Pending::successor(keys.active(), presented, policy, *now, &engine.entropy)?;
        Ok(minted.map(|(pending, head)| Minted { pending, head }))
    }

    /// Decides, and carries out a refusal.
    async fn judge(&self, family: &Family) -> Result<Verdict, Error> {
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

    fn rotated(&self, minted: Option<Minted>, family: Family) -> Result<Outcome, Error> {
        let corrupt = Error::Corrupt { family: family.id };
        let Some(Minted { pending, .. }) = minted.filter(|minted| minted.is_current_in(&family))
        else {
            return Err(corrupt);
        };
        // Decided on this grant: before the write, or by the guard, which stands only for requests that do not narrow.
        let scope = family.grant.scope.narrow(self.request.scope).unwrap_or_default();
        let token = pending.release_stored(&family).ok_or(corrupt)?;
        self.observe(&family, EventKind::Rotated);
        Ok(self.granted(family, How::Rotated, scope, Some(token)))
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
        let granted = Granted::new(family, self.policy, self.now, how, scope);
        Outcome::Granted(Granted { token, ..granted })
    }

    fn refuse(&self, family: Option<&Family>, why: Refusal) -> Outcome {
        Outcome::Refused(self.refused(family, why))
    }

    fn refused(&self, family: Option<&Family>, why: Refusal) -> Refusal {
        self.engine.refused(self.now, Some(self.presented.position()), family, why);
        why
    }

    fn observe(&self, family: &Family, kind: EventKind) {
        self.engine.observe(|| Event::about(self.now, family, kind));
    }
}
