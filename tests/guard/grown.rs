//! Families that are not plain, or nearly: branches, displaced tokens, counted replays, records that are kept; and
//! recovery windows. Any at all, impossible ones too.

use std::sync::LazyLock;
use std::time::Duration;

use heirloom::family::{Branch, Family, Status};
use heirloom::testing::{SeededEntropy, digest};
use heirloom::{
    Engine, Grant, Key, KeyRing, Leeway, MemoryStore, Outcome, Policy, Recovery, Request, Timestamp,
};
use pollster::block_on;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::guard::random::{Case, case};

const SECRETS: [[u8; 32]; 2] = [[1; 32], [2; 32]];

/// A presentation of a family with all that other leeways, adoptions and windows add to it.
pub fn grown() -> impl Strategy<Value = Case> {
    let flags = (any::<bool>(), any::<bool>(), 0..5_u32);
    let window = option::of((1..2_000_000_u64, 0..2_000_000_u64));
    let branches = (select(vec![0, 0, 1, 2, 3, u16::MAX]), any::<[u8; 6]>(), 0..4_usize);
    let kept = option::weighted(0.2, any::<u64>());
    (case(), flags, kept, branches, window, 0..4_u16).prop_map(
        |(mut case, flags, kept, (made, bytes, live), window, shown)| {
            let family = &mut case.family;
            // Half of them stay plain, or differ in one thing.
            family.head.displaced = flags.0 && flags.1;
            if let Some(predecessor) = &mut family.head.predecessor {
                (predecessor.displaced, predecessor.replays) = (flags.1, flags.2);
            }
            family.kept_until = kept.map(Timestamp::from_millis);
            family.branches.made = made;
            family.branches.live = (0..if made == 0 { 0 } else { live })
                .map(|index| branch(family, index, bytes))
                .collect();
            // A quarter of them show the predecessor of a head that was not used since.
            if flags.0 && !flags.1 {
                let head = &mut family.head;
                // Mostly a moment ago.
                if flags.2 < 3 {
                    head.rotated_at = case.now;
                }
                head.used_at = head.rotated_at;
                if let Some(predecessor) = &mut head.predecessor {
                    (predecessor.digest, predecessor.closed) = (digest(SECRETS[0]), false);
                }
                case.secret = SECRETS[0];
                case.position.generation = head.generation.saturating_sub(1);
                case.position.branch = 0;
            } else if made > 0 && case.position.branch == 0 {
                case.position.branch = shown;
            }
            // Half of them are of their own client and ask for all, while the family lives; some are ahead of it.
            if flags.0 {
                owned(&mut case);
                if flags.1 && flags.2 == 4 {
                    let head = case.family.head.generation;
                    case.position.generation = head.saturating_add(1);
                }
            }
            // And some show the current token of a family that has none of all this.
            if !flags.0 && flags.2 == 0 {
                owned(&mut case);
                let family = &mut case.family;
                (family.kept_until, family.branches.made) = (None, 0);
                family.branches.live.clear();
                family.head.digest = digest(SECRETS[0]);
                case.secret = SECRETS[0];
                (case.position.branch, case.position.generation) = (0, family.head.generation);
            }
            if let Some((until, issued_before)) = window {
                case.policy = recovering(&case.policy, until, issued_before);
            }
            case
        },
    )
}

fn owned(case: &mut Case) {
    let family = &mut case.family;
    (family.status, case.client) = (Status::Live, "web");
    (family.expires_at, family.head.idle_expires_at) = (None, None);
    family.created_at = family.created_at.min(case.now);
    (case.binding, case.scope, case.resources) = (family.grant.binding, None, &[]);
}

fn recovering(policy: &Policy, until: u64, issued_before: u64) -> Policy {
    let (until, issued) = (Timestamp::from_millis(until), Timestamp::from_millis(issued_before));
    let now = issued.max(until.saturating_sub(Recovery::MAX_LENGTH));
    match Recovery::new(now, until, issued) {
        Ok(window) => policy.clone().recovering(window),
        Err(_) => policy.clone(),
    }
}

/// A branch beside the first, near it in generation and time.
fn branch(family: &Family, index: usize, bytes: [u8; 6]) -> Branch {
    let mut branch = BRANCH.clone();
    let byte = |at: usize| bytes[(at + index) % bytes.len()];
    branch.number = u16::try_from(index).unwrap() + 1 + u16::from(byte(0) % 2);
    branch.origin = u16::from(byte(1) % 3);
    let head = &mut branch.head;
    head.clone_from(&family.head);
    head.generation = family.head.generation.wrapping_add(u32::from(byte(2) % 3)).wrapping_sub(1);
    branch.born = head.generation.wrapping_sub(u32::from(byte(3) % 3));
    head.digest = digest(SECRETS[usize::from(byte(4) % 5 == 0)]);
    head.displaced = byte(4) % 7 == 0;
    if byte(5) % 3 == 0 {
        head.used_at = head.used_at.saturating_add(Duration::from_millis(1));
        head.idle_expires_at = None;
    }
    branch
}

/// A branch, to be edited: only the engine makes one.
static BRANCH: LazyLock<Branch> = LazyLock::new(|| {
    let leeway = Leeway::fork(Duration::from_secs(10), 2);
    let policy = Policy::builder().leeway(leeway).build().unwrap();
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let engine = Engine::new(MemoryStore::new(), keys, policy)
        .with_clock(Timestamp::from_millis(1_000_000))
        .with_entropy(SeededEntropy::new(1));
    let token = block_on(engine.issue(Grant::new("alice", "web"))).unwrap().token.unwrap();
    for _ in 0..2 {
        let outcome = block_on(engine.refresh(token.expose(), Request::new("web"))).unwrap();
        assert!(matches!(outcome, Outcome::Granted(_)));
    }
    engine.store().snapshot().pop().unwrap().branches.live.pop().unwrap()
});
