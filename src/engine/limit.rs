//! How many families a subject has at a client.

use std::time::Duration;

use super::inspect::id_of;
use super::{Engine, Error};
use crate::entropy::Entropy;
use crate::family::{Family, Reason, Status};
use crate::limit::{FamilyLimit, Full};
use crate::policy::Policy;
use crate::store::{Page, Selector, Store};
use crate::time::{Clock, Timestamp};

/// How many families are looked at per page.
const PAGE: usize = 100;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// Whether one more may be issued: asked before, so that a refusal usually costs no write.
    pub(super) async fn has_room(&self, policy: &Policy, of: &Selector) -> Result<(), Error> {
        match policy.limit() {
            Some(limit) if limit.full() == Full::Refuse => {
                let live = self.live(policy, of).await?;
                if live.len() >= families(limit) { Err(too_many(limit)) } else { Ok(()) }
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Brings the families down to the limit, once a new one is stored: every issue counts after its own, so the last one sees
    /// all of them. If the new one had to go, for others of the same instant: the instant after the latest of all.
    pub(super) async fn keep_limit(
        &self,
        policy: &Policy,
        issued: &Family,
    ) -> Result<Option<Timestamp>, Error> {
        let Some(limit) = policy.limit() else { return Ok(None) };
        let of = Selector::subject_and_client(&issued.grant.subject, &issued.grant.client);
        let mut live = self.live(policy, &of).await?;
        let excess = live.len().saturating_sub(families(limit));
        if excess > 0 && limit.full() == Full::Refuse {
            self.revoke_family(issued.id, Reason::Evicted).await?;
            return Err(too_many(limit));
        }
        live.sort_by_key(|family| (family.created_at, family.id));
        let mut evicted_itself = false;
        for family in live.iter().take(excess) {
            self.revoke_family(family.id, Reason::Evicted).await?;
            evicted_itself |= family.id == issued.id;
        }
        let latest = live.last().filter(|_| evicted_itself);
        Ok(latest.map(|family| family.created_at.saturating_add(Duration::from_millis(1))))
    }

    /// Those that live and have reached no end.
    async fn live(&self, policy: &Policy, of: &Selector) -> Result<Vec<Family>, Error> {
        let now = self.clock.now();
        let (mut live, mut after) = (Vec::new(), None);
        loop {
            let page = self.page(of, Page { after, limit: PAGE }).await?;
            let is_last = page.len() < PAGE;
            after = page.last().map(id_of);
            // A damaged record is no session, and keeps nobody from signing in.
            live.extend(page.into_iter().flatten().filter(|family| {
                of.matches(family) && family.status == Status::Live && family.is_usable(policy, now)
            }));
            if is_last {
                return Ok(live);
            }
        }
    }
}

fn families(limit: FamilyLimit) -> usize {
    usize::try_from(limit.families()).unwrap_or(usize::MAX)
}

fn too_many(limit: FamilyLimit) -> Error {
    Error::TooManyFamilies { limit: limit.families() }
}
