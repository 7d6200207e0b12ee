//! Random presentations of families that can be: a store refuses the others before it compares anything.

use std::sync::LazyLock;
use std::time::Duration;

use heirloom::decide::{Decision, decide};
use heirloom::entropy::Entropy;
use heirloom::family::{Branches, Family, Head};
use heirloom::guard::Guard;
use heirloom::secret::Salt;
use heirloom::testing::{SeededEntropy, digest};
use heirloom::{
    Engine, FamilyId, Grant, Key, KeyRing, Leeway, MemoryStore, Policy, Request, Timestamp,
};
use pollster::block_on;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use rand::RngExt as _;

use crate::guard::random::{Case, case};
use crate::support::random;

/// A family, a guard stated without having seen it, and what to write if it holds.
pub struct Trial {
    pub family: Family,
    pub guard: Guard,
    pub head: Head,
    pub random: u64,
}

/// Draws presentations.
pub struct Sampler {
    runner: TestRunner,
    entropy: SeededEntropy,
    /// How many drawn so far had the right token of a live family, and were declined all the same.
    pub near: usize,
}

impl Sampler {
    /// The same presentations each time, so many in all.
    pub fn new(test: &str, cases: usize) -> Self {
        let mut runner = random::runner(test, cases);
        let entropy = SeededEntropy::new(runner.rng().random());
        Self { runner, entropy, near: 0 }
    }

    pub fn next(&mut self) -> Trial {
        loop {
            let drawn = case().new_tree(&mut self.runner);
            let Ok(mut case) = drawn.map(|tree| tree.current()) else { continue };
            let random = u64::from_ne_bytes(bytes(&self.entropy));
            make_possible(&mut case, random, &self.entropy);
            let presented = case.presented();
            let guard = Guard::new(&presented, &case.request(), &case.policy, case.now);
            let Some(mut guard) = guard.filter(|_| case.family.check().is_ok()) else { continue };
            if !case.narrows() {
                let request = case.request();
                let decision = decide(&case.family, &presented, &request, &case.policy, case.now);
                let rotates = matches!(decision, Decision::Rotate { .. });
                assert_eq!(guard.holds(&case.family), rotates && case.family.is_plain());
            }
            // The version that was decided on, or another, or none.
            guard.version = match random % 4 {
                0 => Some(case.family.version),
                1 if random % 8 == 1 => Some(case.family.version ^ 1),
                _ => None,
            };
            self.near += usize::from(case.is_near() && !guard.holds(&case.family));
            let head = head(&case, &self.entropy);
            return Trial { family: case.family, guard, head, random };
        }
    }

    /// So many milliseconds, at most two, around an instant.
    pub fn around(&self, instant: Timestamp) -> Timestamp {
        let [off] = bytes(&self.entropy);
        let millis = instant.as_millis().saturating_add_signed(i64::from(off % 5) - 2);
        Timestamp::from_millis(millis)
    }
}

/// Another id for each; and of what contradicts itself, the side that is compared is kept.
fn make_possible(case: &mut Case, random: u64, entropy: &SeededEntropy) {
    let family = &mut case.family;
    family.id = random_id(entropy);
    case.position.family = family.id;
    // 2^53 - 2 at most: what is written next must still be a version.
    family.version = (family.version >> 11).clamp(1, Timestamp::MAX.as_millis() - 1);
    let millisecond = Duration::from_millis(1);
    let head = &mut family.head;
    head.rotated_at = head.rotated_at.min(head.used_at);
    let after_use = head.used_at.saturating_add(millisecond);
    head.idle_expires_at =
        head.idle_expires_at.map(|end| end.max(after_use)).filter(|end| *end > head.used_at);
    let created = family.created_at;
    let mut grant = Grant::clone(&family.grant);
    grant.not_after = grant.not_after.map(|end| end.max(created));
    family.expires_at = match (family.expires_at.map(|end| end.max(created)), grant.not_after) {
        (Some(end), Some(capped)) => Some(end.min(capped)),
        (end, capped) => end.or(capped),
    };
    // Of its own, so that an index does not grow without end.
    grant.subject = format!("alice-{random:x}").into();
    family.grant = grant.into();
    // One in eight is not plain, one in eight plain though it has something of it.
    match random >> 8 & 0x3f {
        0 | 1 => family.branches = branches(family, random, entropy),
        2 | 3 => family.head.displaced = family.head.generation > 0,
        4..8 => {
            family.kept_until = Some(created.saturating_add(Duration::from_millis(random >> 50)))
        }
        8..12 => {
            if let Some(predecessor) = &mut family.head.predecessor {
                (predecessor.displaced, predecessor.replays) = (true, 7);
            }
        }
        _ => {}
    }
    match (family.head.generation, &family.head.predecessor) {
        (0, _) => (family.head.predecessor, family.head.displaced) = (None, false),
        (_, None) => (family.head.generation, family.head.displaced) = (0, false),
        (_, Some(_)) => {}
    }
    // Half of them show the right token, so that client, key and time decide.
    if random.is_multiple_of(2) {
        (case.position.branch, case.secret) = (0, [1; 32]);
        case.position.generation = family.head.generation;
    }
}

/// As the engine makes them (UUIDv7): a token of generation 0 of an adopted family (UUIDv8) would be forged.
fn random_id(entropy: &SeededEntropy) -> FamilyId {
    let mut id: [u8; 16] = bytes(entropy);
    id[6] = 0x70 | id[6] & 0x0f;
    FamilyId::from_bytes(id)
}

/// None that is left, or up to three, with ends around those of the family.
fn branches(family: &Family, random: u64, entropy: &SeededEntropy) -> Branches {
    let mut branches = FORKED.branches.clone();
    let model = branches.live.remove(0);
    for number in 1..=u16::try_from(random >> 16 & 3).unwrap() {
        let mut branch = model.clone();
        branch.number = number;
        let head = &mut branch.head;
        (head.rotated_at, head.used_at) = (family.head.rotated_at, family.head.used_at);
        head.digest = digest(bytes(entropy));
        let [off] = bytes::<1>(entropy);
        let end = head.used_at.saturating_add(Duration::from_millis(1 + u64::from(off)));
        head.idle_expires_at = Some(end).filter(|end| off < 200 && *end > head.used_at);
        branches.live.push(branch);
    }
    branches.made = 4;
    branches
}

/// The head that a rotation under the guard writes.
fn head(case: &Case, entropy: &SeededEntropy) -> Head {
    let mut head = case.family.head.clone();
    head.generation = head.generation.saturating_add(1);
    head.digest = digest(bytes(entropy));
    (head.rotated_at, head.used_at) = (case.now, case.now);
    head.idle_expires_at = case.policy.idle().and_then(|idle| case.now.checked_add(idle));
    head.predecessor = PREDECESSOR.head.predecessor.clone().map(|mut predecessor| {
        (predecessor.digest, predecessor.salt) =
            (case.family.head.digest, Salt::from_bytes(bytes(entropy)));
        predecessor
    });
    head
}

/// A family that has rotated: only the engine makes one.
static PREDECESSOR: LazyLock<Family> = LazyLock::new(|| {
    let mut runner = TestRunner::deterministic();
    loop {
        let tree = case().new_tree(&mut runner).unwrap();
        let family = tree.current().family;
        if family.head.predecessor.is_some() {
            return family;
        }
    }
});

/// A family with a branch: only the engine makes one.
static FORKED: LazyLock<Family> = LazyLock::new(|| {
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let leeway = Leeway::fork(Duration::from_secs(60), 2);
    let policy = Policy::builder().leeway(leeway).build().unwrap();
    let engine = Engine::new(MemoryStore::new(), keys, policy);
    let token = block_on(engine.issue(Grant::new("alice", "web"))).unwrap().token.unwrap();
    for _ in 0..2 {
        let _ = block_on(engine.refresh(token.expose(), Request::new("web"))).unwrap();
    }
    engine.store().snapshot().pop().unwrap()
});

pub fn bytes<const N: usize>(entropy: &SeededEntropy) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes).unwrap();
    bytes
}
