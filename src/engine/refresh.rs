//! The refresh grant, in one step and in two.

use std::fmt;

use super::call::{Call, Verdict};
use super::{Engine, Error, Outcome};
use crate::adoption::Legacy;
use crate::entropy::Entropy;
use crate::family::Family;
use crate::grant::Grant;
use crate::refusal::Refusal;
use crate::request::Request;
use crate::ring::KeyRing;
use crate::span;
use crate::store::Store;
use crate::time::Clock;
use crate::token::Presented;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// The refresh grant in one step (RFC 6749 section 6): exchanges a token for its successor.
    ///
    /// One store round trip when the token is current and nothing is narrowed, and for a replay.
    ///
    /// # Errors
    ///
    /// [`Error`]: ours or the store's fault. No token was released.
    pub async fn refresh(&self, token: &str, request: Request<'_>) -> Result<Outcome, Error> {
        let settle = async {
            match self.call(token, request) {
                Ok(mut call) => call.settle().await,
                Err(refusal) => Ok(Outcome::Refused(refusal)),
            }
        };
        span::refresh().client(request.client).around(settle).await
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
        span::begin().client(request.client).around(self.look(token, request)).await
    }

    async fn look<'a>(
        &'a self,
        token: &str,
        request: Request<'a>,
    ) -> Result<Begun<'a, S, C, E>, Error> {
        let mut call = match self.call(token, request) {
            Ok(call) => call,
            Err(refusal) => return Ok(Begun::Refused(refusal)),
        };
        let Some(family) = self.load(call.presented.position().family).await? else {
            return Ok(Begun::Refused(call.missing()));
        };
        call.now = self.clock.now();
        self.observe_skew(call.now, &family);
        match call.judge(&family).await? {
            Verdict::Refused(refusal) => Ok(Begun::Refused(refusal)),
            Verdict::Grant(_) => Ok(Begun::Ready(Box::new(Redemption { call, family }))),
        }
    }

    /// Row 0 of the table: no store is asked, unless the string may be a legacy token.
    fn call<'a>(&'a self, token: &str, request: Request<'a>) -> Result<Call<'a, S, C, E>, Refusal> {
        let keys = self.keys();
        let now = self.clock.now();
        match self.present(token, &keys) {
            Ok((presented, unminted)) => Ok(Call {
                engine: self,
                keys,
                presented,
                unminted,
                request,
                policy: self.in_force(request.policy),
                presented_at: now,
                now,
            }),
            Err(why) => {
                self.refused(now, None, None, why);
                Err(why)
            }
        }
    }

    /// A token of ours; or what may be a legacy one, and why it is not ours.
    pub(super) fn present(
        &self,
        token: &str,
        keys: &KeyRing,
    ) -> Result<(Presented, Option<Refusal>), Refusal> {
        let (presented, unminted) = match Presented::verify(token, keys) {
            Ok(presented) => (presented, None),
            Err(why) => match (keys.adoption(), Legacy::token(token)) {
                (Some(key), Ok(legacy)) => (Presented::adopted(&legacy, key), Some(why.into())),
                _ => return Err(why.into()),
            },
        };
        span::presented(presented.position());
        Ok((presented, unminted))
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
        let span = span::commit().client(call.request.client);
        span.presented(call.presented.position()).around(call.settle_on(&family)).await
    }
}

impl<S, C, E> fmt::Debug for Redemption<'_, S, C, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redemption").field("family", &self.family).finish_non_exhaustive()
    }
}
