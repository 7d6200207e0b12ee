//! What the guard cannot state: decided on a family that was looked at, and written by compare-and-swap.

use super::Error;
use super::call::Call;
use super::exchange::{Exchange, Minted};
use crate::decide::is_over;
use crate::entropy::Entropy;
use crate::family::{Branch, Family, earliest};
use crate::pending::Pending;
use crate::store::{Committed, Replace, Store, Written};
use crate::time::Clock;
use crate::token::Position;

impl<S: Store, C: Clock, E: Entropy> Call<'_, S, C, E> {
    /// Writes an exchange, if the family is still as it was seen. `None`: lost a race.
    pub(super) async fn exchange(
        &self,
        family: &Family,
        exchange: Exchange,
        minted: &mut Option<Minted>,
    ) -> Result<Option<Committed>, Error> {
        let pending = self.mint(self.target(family, exchange), exchange, minted)?;
        let origin = self.presented.position().branch;
        let step = Replace::new(family, |next| match exchange {
            Exchange::Rotate | Exchange::Recover => self.rotate(next, pending, exchange),
            Exchange::Renew => {
                if let Some(head) = next.head_of_mut(origin) {
                    pending.displace(head);
                }
            }
            Exchange::Fork => self.fork(next, pending),
        });
        self.engine.replace(step).await
    }

    /// Counts a replay, if the family is still as it was seen. `None`: lost a race.
    pub(super) async fn count(
        &self,
        family: &Family,
        counted: &mut Option<Family>,
    ) -> Result<Option<Committed>, Error> {
        let origin = self.presented.position().branch;
        let step = Replace::new(family, |next| count(next, origin));
        let next = step.next().clone();
        match self.engine.store.replace(step).await {
            Ok(Written::Committed(committed)) => {
                self.engine.check(family.id, committed.family())?;
                Ok(Some(committed))
            }
            Ok(Written::Declined(_)) => Ok(None),
            Err(error) if error.is_conflict() => {
                *counted = Some(next);
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Moves the idle end of a token that does not rotate. `None`: lost a race.
    pub(super) async fn slide(&self, family: &Family) -> Result<Option<Committed>, Error> {
        let branch = self.presented.position().branch;
        let step = Replace::new(family, |next| {
            let Some(head) = next.head_of_mut(branch) else { return };
            // A clock that has stepped back never moves it back.
            head.used_at = head.used_at.max(self.now);
            let idle = self.policy.idle().map(|idle| self.now.saturating_add(idle));
            head.idle_expires_at = earliest(idle, family.legacy_end(head));
        });
        self.engine.replace(step).await
    }

    /// Mints for a place, unless this call has done so before.
    pub(super) fn mint<'m>(
        &self,
        position: Option<Position>,
        exchange: Exchange,
        minted: &'m mut Option<Minted>,
    ) -> Result<&'m Pending, Error> {
        let family = self.presented.position().family;
        let position = position.ok_or(Error::Corrupt { family })?;
        let pending = match minted.take() {
            Some(minted) if minted.pending.position() == position => minted.pending,
            Some(_) | None => {
                let (key, entropy) = (self.keys.active(), &self.engine.entropy);
                Pending::successor(key, &self.presented, position, entropy)?
            }
        };
        Ok(&minted.insert(Minted { pending, exchange }).pending)
    }

    fn target(&self, family: &Family, exchange: Exchange) -> Option<Position> {
        let next = self.presented.successor()?;
        let branch = match exchange {
            Exchange::Rotate | Exchange::Renew | Exchange::Recover => next.branch,
            Exchange::Fork => family.branches.made.checked_add(1)?,
        };
        Some(Position { branch, ..next })
    }

    fn rotate(&self, next: &mut Family, pending: &Pending, exchange: Exchange) {
        let Some(head) = next.head_of_mut(pending.position().branch) else { return };
        // What a displaced token was is remembered for as long as its place is.
        let displaced = head.displaced && exchange == Exchange::Rotate;
        *head = pending.head(&self.policy, self.now);
        if let Some(predecessor) = &mut head.predecessor {
            predecessor.displaced = displaced;
        }
    }

    fn fork(&self, next: &mut Family, pending: &Pending) {
        let Position { branch: number, generation: born, .. } = pending.position();
        let origin = self.presented.position().branch;
        count(next, origin);
        let live = std::mem::take(&mut next.branches.live);
        let keeps = |branch: &Branch| !is_over(next, branch, &self.policy, self.now);
        next.branches.live = live.into_iter().filter(|branch| keeps(branch)).collect();
        let head = pending.head(&self.policy, self.now);
        next.branches.live.push(Branch { number, origin, born, head });
        next.branches.made = number;
    }
}

fn count(next: &mut Family, branch: u16) {
    let predecessor = next.head_of_mut(branch).and_then(|head| head.predecessor.as_mut());
    if let Some(predecessor) = predecessor {
        predecessor.replays = predecessor.replays.saturating_add(1);
    }
}
