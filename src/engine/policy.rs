//! The policies that calls are decided under, and the recovery window, both changed at run time.

use std::ops::Deref;
use std::sync::Arc;

use super::Engine;
use crate::entropy::Entropy;
use crate::event::{Event, EventKind};
use crate::grant::Grant;
use crate::policy::{Policy, Reaction};
use crate::recovery::Recovery;
use crate::store::{Selector, Store};
use crate::time::Clock;

impl<S: Store, C: Clock, E: Entropy> Engine<S, C, E> {
    /// The policy of calls that bring none of their own.
    pub fn policy(&self) -> Arc<Policy> {
        Arc::clone(&self.policy.read())
    }

    /// Swaps the policy, from persistent to rotating tokens, say, or back. Calls in flight go on with the one that they
    /// began with. Ends that are stored stay as they were made, unless the policy's are [live](crate::Ends::Live).
    pub fn set_policy(&self, policy: Policy) {
        *self.policy.write() = Arc::new(policy);
    }

    /// Opens a recovery window, after a restored backup or a failover that lost writes, for the calls of all policies, until it
    /// closes by its own end. Each node opens its own, and after a restart again: the window is in the memory of the process.
    pub fn open_recovery(&self, window: Recovery) {
        *self.recovery.write() = Some(window);
        let now = self.clock.now();
        self.observe(|| Event::unattributed(now, EventKind::RecoveryOpened(window)));
    }

    /// Closes the recovery window before its end.
    pub fn close_recovery(&self) {
        *self.recovery.write() = None;
    }

    /// The recovery window that was opened last, unless it was closed. Its end may have passed.
    pub fn recovery(&self) -> Option<Recovery> {
        *self.recovery.read()
    }

    /// The policy of a call, with the recovery window; one that has passed does not take the place of the policy's own.
    pub(super) fn in_force<'a>(&self, own: Option<&'a Policy>) -> InForce<'a> {
        let lasts = |window: &Recovery| self.clock.now() < window.until();
        match (own, self.recovery().filter(lasts)) {
            (Some(policy), None) => InForce::Borrowed(policy),
            (Some(policy), Some(window)) => {
                InForce::Shared(Arc::new(policy.clone().recovering(window)))
            }
            (None, None) => InForce::Shared(self.policy()),
            (None, Some(window)) => {
                InForce::Shared(Arc::new(Policy::clone(&self.policy()).recovering(window)))
            }
        }
    }
}

/// A policy for the length of a call.
pub(super) enum InForce<'a> {
    Borrowed(&'a Policy),
    Shared(Arc<Policy>),
}

impl Deref for InForce<'_> {
    type Target = Policy;

    fn deref(&self) -> &Policy {
        match self {
            Self::Borrowed(policy) => policy,
            Self::Shared(policy) => policy,
        }
    }
}

impl Policy {
    /// What a breach of a family ends beside it.
    pub(super) fn related(&self, grant: &Grant) -> Option<Selector> {
        match self.on_reuse() {
            Reaction::Refuse | Reaction::Family => None,
            Reaction::SubjectAndClient => {
                Some(Selector::subject_and_client(&grant.subject, &grant.client))
            }
            Reaction::Subject => Some(Selector::subject(&grant.subject)),
        }
    }
}
