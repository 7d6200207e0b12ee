//! THE rule. Pure and total: it sees no clock, no store, no key, no randomness.
//!
//! Row numbers are those of the table in the [guide](crate::_guide); row 0, a string that no key of ours has
//! tagged, never gets here, because a [`Presented`] cannot be made from it.

use std::cmp::Ordering;
use std::time::Duration;

pub use crate::decision::{ClockFault, Decision};
use crate::family::{Branch, Family, Head, Reason, Reuse, Status};
use crate::grant::Binding;
use crate::leeway::{Leeway, LeewayMode};
use crate::policy::{Mismatch, Policy, Reaction, Rotation};
use crate::refusal::Refusal;
use crate::request::Request;
use crate::scope::Scope;
use crate::time::Timestamp;
use crate::token::{Position, Presented};

/// How far a clock may lie before a family's creation and still be believed.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Decides what a presented token means for its family.
///
/// Order is by generation, never by a clock. `policy` is the one in force for this call; the one in the request
/// is not looked at.
pub fn decide(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Decision {
    let showing = Showing { family, presented, request, policy, now };
    match showing.admit() {
        Ok(head) => match presented.position().generation.cmp(&head.generation) {
            Ordering::Greater => showing.ahead(),
            Ordering::Equal => showing.current(head),
            Ordering::Less => showing.earlier(head),
        },
        Err(Decision::Refuse(Refusal::Idle)) => showing.idle(),
        Err(decision) => decision,
    }
}

/// Whether this client may use any token of this branch now.
pub(crate) fn admits(
    family: &Family,
    presented: &Presented,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> bool {
    Showing { family, presented, request, policy, now }.admit().is_ok()
}

/// A token is shown.
struct Showing<'a> {
    family: &'a Family,
    presented: &'a Presented,
    request: &'a Request<'a>,
    policy: &'a Policy,
    now: Timestamp,
}

impl<'a> Showing<'a> {
    /// Rows 1 to 6: the current token of the branch, if this client may use any token of it now.
    fn admit(&self) -> Result<&'a Head, Decision> {
        let Self { family, request, policy, now, .. } = *self;
        let Position { family: id, branch, .. } = self.presented.position();
        // Row 1.
        if id != family.id {
            return Err(Decision::Refuse(Refusal::Unknown));
        }
        // Row 2: nothing that is presented changes a family that is dead.
        if let Status::Revoked(revocation) = &family.status {
            return Err(Decision::Refuse(Refusal::Revoked(revocation.reason)));
        }
        // Row 3. RFC 6749 section 10.4: the binding between refresh token and client.
        if *family.grant.client != *request.client {
            let refusal = Refusal::ClientMismatch { ended: false };
            return Err(mismatch(policy.wrong_client(), refusal, Reason::WrongClient));
        }
        // Row 4. RFC 9449 section 5, RFC 8705 section 4: the key must be proved at every use.
        if !proves(family.grant.binding, request.binding) {
            let refusal = Refusal::BindingMismatch { ended: false };
            return Err(mismatch(policy.wrong_binding(), refusal, Reason::WrongBinding));
        }
        if is_before_creation(family, now) {
            return Err(Decision::Fault(ClockFault::BeforeCreation));
        }
        let head = family.head_of(branch);
        let (absolute, idle) = family.ends_of(head.unwrap_or(&family.head), policy); // Row 5.
        if has_ended(absolute, now) {
            return Err(Decision::Refuse(Refusal::Expired));
        }
        if has_ended(idle, now) {
            return Err(Decision::Refuse(Refusal::Idle));
        }
        head.ok_or(Decision::Refuse(match branch > family.branches.made {
            true => Refusal::AheadOfStore, // Row 6.
            // A branch that was made and is no more had reached its idle end.
            false => Refusal::Idle,
        }))
    }

    /// Row 5: an idle end refuses what is current, or inside a leeway. While the family lives on another branch, what is spent is
    /// reuse all the same: tokens from before a fork carry the number of the first branch, whichever goes on.
    fn idle(&self) -> Decision {
        let Position { branch, generation, .. } = self.presented.position();
        let is_earlier = |head: &&Head| generation < head.generation;
        match self.family.head_of(branch).filter(is_earlier).map(|head| self.earlier(head)) {
            Some(spent) if is_spent(&spent) && self.family.is_usable(self.policy, self.now) => {
                spent
            }
            Some(_) | None => Decision::Refuse(Refusal::Idle),
        }
    }

    /// Row 6: ahead of the store, which has lost writes.
    fn ahead(&self) -> Decision {
        let recovery = self.policy.recovery();
        if !recovery.is_some_and(|window| window.covers(self.family.created_at, self.now)) {
            return Decision::Refuse(Refusal::AheadOfStore);
        }
        match granted(self.family, self.request) {
            Err(refusal) => Decision::Refuse(refusal),
            Ok(scope) => self.exchange(Decision::Recover { scope }),
        }
    }

    /// Rows 7, 11 and 12: the current generation.
    fn current(&self, head: &Head) -> Decision {
        if head.digest != self.presented.digest() {
            return self.overwritten(head.displaced, self.reuse(head));
        }
        let scope = match granted(self.family, self.request) {
            Ok(scope) => scope,
            Err(refusal) => return Decision::Refuse(refusal),
        };
        match self.policy.rotation() {
            Rotation::EveryUse => self.exchange(Decision::Rotate { scope }),
            Rotation::Never if self.is_slide_due(head) => {
                self.in_range(Decision::Keep { scope, slide: true })
            }
            Rotation::Never => Decision::Keep { scope, slide: false },
        }
    }

    /// Rows 7 to 11: a spent token. RFC 9700 section 4.14.2: its use outside the leeway is a breach.
    fn earlier(&self, head: &Head) -> Decision {
        let reuse = self.reuse(head);
        let predecessor = match &head.predecessor {
            Some(predecessor) if reuse.generations_behind == 1 => predecessor,
            _ => return self.breach(reuse),
        };
        if predecessor.digest != self.presented.digest() {
            return self.overwritten(predecessor.displaced, reuse);
        }
        let lasts = |leeway: &Leeway| {
            leeway.lasts(head.rotated_at, self.now) && leeway.allows(predecessor.replays)
        };
        let leeway = match self.policy.leeway().filter(lasts) {
            Some(leeway) if !reuse.successor_used => leeway,
            _ => return self.breach(reuse),
        };
        match (leeway.mode(), granted(self.family, self.request)) {
            _ if predecessor.closed => Decision::Refuse(Refusal::LeewayClosed),
            (LeewayMode::Refuse, _) => Decision::Refuse(Refusal::AlreadyRotated),
            (_, Err(refusal)) => Decision::Refuse(refusal),
            (LeewayMode::Replay, Ok(scope)) => {
                Decision::Replay { scope, counted: leeway.max_uses().is_some() }
            }
            (LeewayMode::Newest, Ok(scope)) => Decision::Renew { scope },
            (LeewayMode::Fork { branches }, Ok(scope)) => match self.is_full(branches) {
                true => Decision::Refuse(Refusal::TooManyBranches),
                false => self.in_range(Decision::Fork { scope }),
            },
        }
    }

    /// Row 7: a genuine token in the place of another one. It was displaced, or the store had lost the writes that made it.
    fn overwritten(&self, displaced: bool, reuse: Reuse) -> Decision {
        match self.policy.displaced() {
            _ if !displaced => Decision::Revoke(Reason::Diverged),
            Mismatch::Refuse => Decision::Refuse(Refusal::Displaced),
            Mismatch::Revoke => self.breach(reuse),
        }
    }

    /// Row 10.
    fn breach(&self, reuse: Reuse) -> Decision {
        match self.policy.on_reuse() {
            Reaction::Refuse => Decision::Refuse(Refusal::Spent(reuse)),
            Reaction::Family | Reaction::SubjectAndClient | Reaction::Subject => {
                Decision::Revoke(Reason::Reuse(reuse))
            }
        }
    }

    /// The facts of a token that is not the current one.
    fn reuse(&self, head: &Head) -> Reuse {
        let Position { branch, generation, .. } = self.presented.position();
        let generations_behind = head.generation - generation;
        let is_used = |head: &Head| head.used_at > head.rotated_at;
        // A branch whose first token was another successor of the presented one.
        let used_beside = |other: &Branch| {
            let is_sibling = other.origin == branch && other.born == head.generation;
            is_sibling && (other.head.generation > other.born || is_used(&other.head))
        };
        Reuse {
            generations_behind,
            since_rotation: self.now.saturating_since(head.rotated_at),
            successor_used: generations_behind > 1
                || is_used(head)
                || self.family.branches.live.iter().any(used_beside),
        }
    }

    fn is_full(&self, branches: u8) -> bool {
        let Self { family, policy, now, .. } = *self;
        let over = |branch: &&Branch| is_over(family, branch, policy, now);
        let live = family.branches.live.iter().filter(|branch| !over(branch)).count();
        live + 1 >= usize::from(branches) || family.branches.made == u16::MAX
    }

    /// Slides are rare, so that a token that does not rotate costs no write per use: every sixteenth of the idle
    /// lifetime at most; and once, when the policy has lifted an idle end that is stored.
    fn is_slide_due(&self, head: &Head) -> bool {
        match self.policy.idle() {
            Some(idle) => self.now.saturating_since(head.used_at) >= idle / 16,
            None => head.idle_expires_at != self.family.legacy_end(head),
        }
    }

    /// What makes a token of the next generation, if there is one.
    fn exchange(&self, decision: Decision) -> Decision {
        match self.presented.position().generation {
            u32::MAX => Decision::Refuse(Refusal::Exhausted),
            _ => self.in_range(decision),
        }
    }

    /// What makes a new idle end, if it can be stored.
    fn in_range(&self, decision: Decision) -> Decision {
        match is_out_of_range(self.policy, self.now) {
            true => Decision::Fault(ClockFault::OutOfRange),
            false => decision,
        }
    }
}

/// Row 11: the scope of the access token. RFC 6749 section 6, RFC 8707 section 2.2.
pub(crate) fn granted(family: &Family, request: &Request<'_>) -> Result<Scope, Refusal> {
    if !family.grant.covers(request.resources) {
        return Err(Refusal::Resource);
    }
    family.grant.scope.narrow(request.scope).ok_or(Refusal::Scope)
}

/// Whether a branch has reached its idle end: then it may be forgotten, as its tokens are refused all the same.
pub(crate) fn is_over(family: &Family, branch: &Branch, policy: &Policy, now: Timestamp) -> bool {
    has_ended(family.ends_of(&branch.head, policy).1, now)
}

/// Whether an earlier token is spent for good: inside no leeway, and not of a line that the store has lost.
fn is_spent(decision: &Decision) -> bool {
    use Decision::{Refuse, Revoke};
    matches!(decision, Revoke(Reason::Reuse(_)) | Refuse(Refusal::Spent(_) | Refusal::Displaced))
}

fn mismatch(reaction: Mismatch, refusal: Refusal, reason: Reason) -> Decision {
    match reaction {
        Mismatch::Refuse => Decision::Refuse(refusal),
        Mismatch::Revoke => Decision::Revoke(reason),
    }
}

pub(crate) fn proves(bound: Option<Binding>, proved: Option<Binding>) -> bool {
    bound.is_none() || bound == proved
}

pub(crate) fn has_ended(end: Option<Timestamp>, now: Timestamp) -> bool {
    end.is_some_and(|end| now >= end)
}

pub(crate) fn is_before_creation(family: &Family, now: Timestamp) -> bool {
    family.created_at > now.saturating_add(CLOCK_TOLERANCE)
}

/// Whether the idle end that a rotation or a slide would make cannot be stored.
pub(crate) fn is_out_of_range(policy: &Policy, now: Timestamp) -> bool {
    policy.idle().is_some_and(|idle| now.checked_add(idle).is_none())
}
