//! From persistent to rotating tokens and back: client by client, family by family, at run time.

use sha2::{Digest as _, Sha256};

use crate::adoption::Legacy;
use crate::leeway::{Leeway, LeewayMode};
use crate::policy::Policy;
use crate::ring::KeyRing;
use crate::time::Timestamp;
use crate::token::{FamilyId, Presented};

/// Chooses between two policies, family by family: the one that a client comes from, and the one that it goes to.
///
/// Begins with none of the families on the new policy. A value without a clock or a store: keep one for each client, and put another
/// in its place to go on, or back. Whether a family is among the first so many percent depends on its id alone: every node says the
/// same, a family that was moved stays moved as the percentage grows, and one that comes back with it is the same again.
///
/// Nobody consents again. A family that moves to a policy that rotates has its persistent token exchanged at the next use, and the
/// old token then falls under that policy's leeway. A family that moves back keeps the newest token as its persistent one; the earlier
/// ones stay spent, and to show one is judged by the leeway and the reaction of the policy that it moved back to: give that one a leeway for them,
/// or a reaction that refuses.
///
/// ```
/// use heirloom::rollout::Rollout;
/// use heirloom::{Engine, Grant, Key, KeyRing, MemoryStore, Outcome, Policy, Request, Rotation};
///
/// # pollster::block_on(async {
/// # let keys = KeyRing::new(Key::new(1, &[7; 32])?);
/// let engine = Engine::new(MemoryStore::new(), keys, Policy::default());
/// # let issued = engine.issue(Grant::new("alice", "web-app")).await?;
/// # let token = issued.token.as_ref().map_or("", |token| token.expose());
/// let persistent = Policy::builder().rotation(Rotation::Never).build()?;
/// let rollout = Rollout::new(persistent, Policy::default()).percent(10)?;
///
/// // At every refresh of this client:
/// let now = heirloom::Clock::now(&heirloom::SystemClock);
/// let policy = rollout.policy(token, &engine.keys(), now);
/// let outcome = engine.refresh(token, Request::new("web-app").policy(policy)).await?;
/// # assert!(matches!(outcome, Outcome::Granted(_)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).unwrap();
/// ```
///
/// Issue under the policy whose lifetimes are longer: ends are stored when they are made, and whether it rotates is of no matter yet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rollout {
    from: Policy,
    to: Policy,
    percent: u8,
    window: Option<Window>,
}

/// A deprecation window, and the policy inside it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Window {
    until: Timestamp,
    policy: Policy,
}

impl Rollout {
    /// All families on the first policy.
    pub fn new(from: Policy, to: Policy) -> Self {
        Self { from, to, percent: 0, window: None }
    }

    /// So many of a hundred families on the new policy: 0 to 100.
    ///
    /// # Errors
    ///
    /// [`RolloutError::Percent`].
    pub fn percent(mut self, percent: u8) -> Result<Self, RolloutError> {
        if percent > 100 {
            return Err(RolloutError::Percent(percent));
        }
        self.percent = percent;
        Ok(self)
    }

    /// A deprecation window for the old tokens of the families that have moved: until an instant, a client that has not learnt to
    /// store the new token may go on with the old one, and is answered with the same new one each time. From then on the new
    /// policy's own leeway holds, and the old token is what it is there: spent.
    ///
    /// A replay moves no idle end: the new policy's idle lifetime must be longer than the window.
    ///
    /// The first use of the new token closes the window for its family: where one worker stores it and another does not, choose a
    /// new policy whose [`on_reuse`](Policy::on_reuse) refuses for as long, or the second logs out both.
    ///
    /// # Security
    ///
    /// As [`Leeway::until`].
    #[must_use]
    pub fn deprecating(mut self, until: Timestamp) -> Self {
        let leeway = Leeway::until(until, LeewayMode::Replay);
        let policy = self.to.to_builder().leeway(leeway).unchecked();
        self.window = Some(Window { until, policy });
        self
    }

    /// The policy for a presented token.
    ///
    /// By its family's id, which its tag proves: no client chooses its policy. A legacy token counts as the family that it is
    /// [adopted](crate::Engine::adopt) into. A string that is neither gets the first policy, and is refused under any.
    pub fn policy(&self, token: &str, keys: &KeyRing, now: Timestamp) -> &Policy {
        match family_of(token, keys) {
            Some(family) => self.policy_of(family, now),
            None => &self.from,
        }
    }

    /// The policy for a family.
    pub fn policy_of(&self, family: FamilyId, now: Timestamp) -> &Policy {
        match &self.window {
            _ if !self.has_moved(family) => &self.from,
            Some(window) if now < window.until => &window.policy,
            Some(_) | None => &self.to,
        }
    }

    /// Whether a family is on the new policy.
    pub fn has_moved(&self, family: FamilyId) -> bool {
        place(family) < self.percent
    }
}

/// The family that a string is a token of, if it is one that the engine could take.
fn family_of(token: &str, keys: &KeyRing) -> Option<FamilyId> {
    let presented = match Presented::verify(token, keys) {
        Ok(presented) => presented,
        Err(_) => Presented::adopted(&Legacy::token(token).ok()?, keys.adoption()?),
    };
    Some(presented.position().family)
}

/// The family's place among a hundred. Part of no record, but to change it would move families back and forth.
fn place(family: FamilyId) -> u8 {
    let digest = Sha256::digest(family.as_bytes());
    let [a, b, c, d, ..] = <[u8; 32]>::from(digest);
    u8::try_from(u32::from_be_bytes([a, b, c, d]) % 100).unwrap_or(0)
}

/// A roll-out that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RolloutError {
    /// More than a hundred percent.
    #[error("{0} percent: 0 to 100 are possible")]
    Percent(u8),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adoption::AdoptionKey;
    use crate::key::Key;
    use crate::policy::Rotation;
    use crate::secret::Secret;
    use crate::token::{Position, RefreshToken};

    fn family(number: u32) -> FamilyId {
        let mut bytes = [0; 16];
        bytes[12..].copy_from_slice(&number.to_be_bytes());
        FamilyId::from_bytes(bytes)
    }

    fn persistent() -> Policy {
        Policy::builder().rotation(Rotation::Never).build().unwrap()
    }

    fn rollout(percent: u8) -> Rollout {
        Rollout::new(persistent(), Policy::default()).percent(percent).unwrap()
    }

    #[test]
    fn a_percentage_over_a_hundred_is_refused() {
        for percent in [101, u8::MAX] {
            let refused = rollout(0).percent(percent);
            assert_eq!(refused, Err(RolloutError::Percent(percent)));
        }
    }

    #[test]
    fn the_families_that_have_moved_only_grow_with_the_percentage_from_none_to_all() {
        for number in 0..1000 {
            let family = family(number);
            let moved: Vec<bool> = (0..=100).map(|it| rollout(it).has_moved(family)).collect();
            assert!(!moved[0] && moved[100], "{family}");
            assert!(moved.is_sorted(), "{family} moves back");
        }
    }

    #[test]
    fn a_percentage_is_that_part_of_the_families() {
        for percent in [1, 10, 50, 90, 99] {
            let rollout = rollout(percent);
            let moved = (0..100_000).filter(|number| rollout.has_moved(family(*number))).count();
            let wanted = usize::from(percent) * 1000;
            // Five standard deviations of a fair draw are 791 at most.
            assert!(moved.abs_diff(wanted) < 791, "{moved} of 100,000 at {percent} percent");
        }
    }

    #[test]
    fn a_familys_place_is_the_same_in_every_process_and_release() {
        let places: Vec<u8> = (0..8).map(|number| place(family(number))).collect();
        // The first four bytes of SHA-256, big endian, modulo 100.
        assert_eq!(places, [39, 40, 77, 75, 95, 49, 40, 76]);
    }

    #[test]
    fn a_token_is_judged_by_its_family_and_a_legacy_one_by_the_family_it_is_adopted_into() {
        let now = Timestamp::ZERO;
        let key = Key::new(1, &[1; 32]).unwrap();
        let keys = KeyRing::new(key.clone());
        let adopting = keys.clone().with_adoption(AdoptionKey::new(&[2; 32]).unwrap());
        let mut seen = [0, 0];
        for number in 0..64 {
            let family = family(number);
            let at = Position { family, branch: 0, generation: number };
            let token = RefreshToken::encode(&key, at, &Secret::from_bytes([3; 32]));
            let half = rollout(50);
            assert_eq!(half.policy(token.expose(), &keys, now), half.policy_of(family, now));
            let legacy = format!("legacy {number}");
            let (id, _) = adopting.adoption().unwrap().derive(&Legacy::token(&legacy).unwrap());
            let adopted = FamilyId::derived(id);
            assert_eq!(half.policy(&legacy, &adopting, now), half.policy_of(adopted, now));
            seen[usize::from(half.has_moved(adopted))] += 1;
            // Without the key it is nothing.
            assert_eq!(rollout(100).policy(&legacy, &keys, now), &persistent());
        }
        assert!(seen[0] > 10 && seen[1] > 10, "{seen:?}");
        assert_eq!(rollout(100).policy("", &adopting, now), &persistent());
    }

    #[test]
    fn a_window_is_for_those_that_have_moved_and_ends_at_its_instant() {
        let until = Timestamp::from_millis(1000);
        let (none, all) = (rollout(0).deprecating(until), rollout(100).deprecating(until));
        let leeway = Leeway::until(until, LeewayMode::Replay);
        for (millis, inside) in [(0, true), (999, true), (1000, false), (1001, false)] {
            let now = Timestamp::from_millis(millis);
            let found = all.policy_of(family(1), now);
            assert_eq!(found.leeway() == Some(leeway), inside, "at {millis}");
            assert_eq!(found == &Policy::default(), !inside, "at {millis}");
            assert_eq!(none.policy_of(family(1), now), &persistent());
        }
        let policy = all.policy_of(family(1), Timestamp::ZERO);
        assert_eq!(policy.to_builder().build().as_ref(), Ok(policy));
    }
}
