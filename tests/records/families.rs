//! Families to write down: some whose every field is stated here, and random ones.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use heirloom::Scope;
use heirloom::family::{Branches, Family, Predecessor, Reuse, Revocation, Status};
use heirloom::key::KeyId;
use heirloom::secret::{Digest, Salt};
use heirloom::token::FamilyId;
use heirloom::{
    Binding, Engine, Grant, Key, KeyRing, Leeway, MemoryStore, Outcome, Policy, Reason, Request,
    Timestamp,
};
use pollster::block_on;
use proptest::prelude::*;
use proptest::{collection, option, sample};

pub const ID: FamilyId = FamilyId::from_bytes([
    0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 0x71, 0x18, 0xb0, 0xd3, 0x64, 0x1a, 0x68, 0xf9, 0x4a, 0x69,
]);

/// Just issued, with nothing optional.
pub fn fresh() -> Family {
    let mut family = ROTATED.clone();
    (family.id, family.version) = (ID, 1);
    family.grant = Arc::new(Grant::new("alice", "web"));
    family.created_at = at(1_000);
    (family.expires_at, family.status) = (None, Status::Live);
    let head = &mut family.head;
    (head.generation, head.digest, head.key) = (0, digest(0x11), KeyId::new(1));
    (head.rotated_at, head.used_at) = (at(1_000), at(1_000));
    (head.idle_expires_at, head.predecessor) = (None, None);
    family
}

/// Rotated, kept, its leeway closed, with everything optional.
pub fn full() -> Family {
    let mut family = fresh();
    let mut grant = Grant::new("\u{e5}lice", "web").scope("read write").not_after(at(90_000));
    grant = grant.resource("https://a.example/").resource("urn:b");
    grant = grant.bound_to(Binding::Jkt([0x22; 32]));
    family.grant = Arc::new(grant.attribute("acr", "2").attribute("amr", "pwd\notp"));
    (family.version, family.expires_at) = (9, Some(at(80_000)));
    let head = &mut family.head;
    (head.generation, head.key) = (7, KeyId::new(255));
    (head.rotated_at, head.used_at) = (at(5_000), at(6_000));
    (head.idle_expires_at, head.predecessor) = (Some(at(60_000)), predecessor(0x33, 0x44, true));
    family
}

/// Ended for reuse.
pub fn ended() -> Family {
    let mut family = full();
    let mut grant = Grant::clone(&family.grant);
    grant.binding = Some(Binding::X5tS256([0x55; 32]));
    family.grant = Arc::new(grant);
    family.head.predecessor = predecessor(0x66, 0x77, false);
    let reason = Reason::Reuse(Reuse {
        generations_behind: 3,
        since_rotation: Duration::from_millis(12_345),
        successor_used: true,
    });
    family.status = Status::Revoked(Revocation { at: at(7_000), reason, call: 7 });
    family
}

/// Two branches live beside the first, of five that were made; each ends at a time of its own.
pub fn branched() -> Family {
    let mut family = full();
    family.branches = branches(&[(2, 0, 8_000), (5, 2, 70_000)]);
    family.branches.made = 5;
    let [two, five] = &mut family.branches.live[..] else { panic!("two") };
    (two.born, two.head.generation) = (4, 9);
    (five.born, five.head.generation) = (11, 12);
    (five.head.displaced, five.head.key) = (true, KeyId::new(3));
    if let Some(predecessor) = &mut five.head.predecessor {
        (predecessor.closed, predecessor.displaced, predecessor.replays) = (true, true, 2);
    }
    family
}

/// A newest-leeway has put its token in the place of another, as it had its predecessor.
pub fn displaced() -> Family {
    let mut family = full();
    family.head.displaced = true;
    if let Some(predecessor) = &mut family.head.predecessor {
        (predecessor.displaced, predecessor.replays, predecessor.closed) = (true, 3, false);
    }
    family
}

/// Of a legacy token, and not used since.
pub fn adopted() -> Family {
    let mut family = fresh();
    family.kept_until = Some(at(95_000));
    family
}

/// Ended by the limit of families.
pub fn evicted() -> Family {
    let mut family = full();
    let reason = Reason::Evicted;
    family.status = Status::Revoked(Revocation { at: at(7_000), reason, call: 7 });
    family
}

/// All of them.
pub fn stated() -> [Family; 7] {
    [fresh(), full(), ended(), branched(), displaced(), adopted(), evicted()]
}

/// Branches by number, origin and idle end.
pub fn branches(branches: &[(u16, u16, u64)]) -> Branches {
    let mut forked = FORKED.branches.clone();
    let model = forked.live.remove(0);
    for (number, origin, idle) in branches {
        let mut branch = model.clone();
        (branch.number, branch.origin, branch.born) = (*number, *origin, 1);
        let byte = number.to_be_bytes()[1];
        let head = &mut branch.head;
        (head.generation, head.digest) = (1, digest(byte));
        (head.rotated_at, head.used_at) = (at(5_000), at(7_000));
        head.idle_expires_at = Some(at(*idle));
        head.predecessor = predecessor(byte ^ 0x80, byte ^ 0xff, false);
        forked.made = *number;
        forked.live.push(branch);
    }
    forked
}

/// Any family that the engine can have written, and many more.
pub fn any_family() -> impl Strategy<Value = Family> {
    (times(), head(), status(), grant(), rare(), any::<(u64, [u8; 16])>()).prop_map(
        |((created, rotated, used, ends), head, status, mut grant, rare, (version, id))| {
            let mut family = fresh();
            (family.id, family.version) = (FamilyId::from_bytes(id), (version >> 11).max(1));
            (family.created_at, family.status) = (at(created), status);
            let later = |length: Option<u64>, from: u64| length.map(|length| at(from + length));
            family.expires_at = later(ends.0, created);
            grant.not_after = later(ends.0.and(ends.1), created + ends.0.unwrap_or(0));
            family.head.rotated_at = at(rotated);
            family.head.used_at = at(rotated + used);
            family.head.idle_expires_at = later(ends.2, rotated + used + 1);
            let (generation, digest, key, salt, closed) = head;
            (family.head.generation, family.head.digest) = (generation, Digest::from_bytes(digest));
            family.head.key = KeyId::new(key);
            family.head.predecessor =
                if generation == 0 { None } else { predecessor(digest[0] ^ 1, salt, closed) };
            family.grant = Arc::new(grant);
            let (kept, branches_of, displaced, replays) = rare;
            family.kept_until = later(kept, created);
            family.branches = branches_of;
            family.head.displaced = displaced.0 && generation > 0;
            if let Some(predecessor) = &mut family.head.predecessor {
                (predecessor.displaced, predecessor.replays) = (displaced.1, replays);
            }
            family
        },
    )
}

type Rare = (Option<u64>, Branches, (bool, bool), u32);

/// What most families have not.
fn rare() -> impl Strategy<Value = Rare> {
    let kept = prop_oneof![3 => Just(None), 1 => (0..1_u64 << 45).prop_map(Some)];
    let branch = (1..5_u16, 7_001..1_u64 << 45, any::<u32>(), any::<bool>());
    let live = prop_oneof![3 => Just(vec![]), 1 => collection::vec(branch, 0..=31)];
    let branches = (live, 0..9_u16).prop_map(|(live, more)| {
        let mut number = 0;
        let numbered = live.iter().map(|(step, idle, ..)| {
            number += step;
            (number, number - step, *idle)
        });
        let mut branches = branches(&numbered.collect::<Vec<_>>());
        branches.made = number + more;
        for (branch, (.., born, flag)) in branches.live.iter_mut().zip(&live) {
            branch.born = (*born).max(1);
            branch.head.generation = branch.born.saturating_add(u32::from(branch.number));
            branch.head.displaced = *flag;
            if *born % 5 == 0 {
                branch.head.idle_expires_at = None;
            }
        }
        branches
    });
    (kept, branches, any::<(bool, bool)>(), prop_oneof![Just(0), any::<u32>()])
}

type Ends = (Option<u64>, Option<u64>, Option<u64>);

fn times() -> impl Strategy<Value = (u64, u64, u64, Ends)> {
    let instant = || prop_oneof![Just(0), 0..1_u64 << 50];
    let length = || prop_oneof![Just(0), 0..1_u64 << 45];
    let ends = (option::of(length()), option::of(length()), option::of(length()));
    (instant(), instant(), length(), ends)
}

fn head() -> impl Strategy<Value = (u32, [u8; 32], u8, u8, bool)> {
    let generation = prop_oneof![sample::select(vec![0, 1, u32::MAX]), any::<u32>()];
    (generation, any::<[u8; 32]>(), any::<u8>(), any::<u8>(), any::<bool>())
}

fn status() -> impl Strategy<Value = Status> {
    let reuse = any::<(u32, u64, bool)>().prop_map(|(generations_behind, millis, used)| {
        let since_rotation = Duration::from_millis(millis);
        Reason::Reuse(Reuse { generations_behind, since_rotation, successor_used: used })
    });
    let other = sample::select(vec![
        Reason::Diverged,
        Reason::WrongClient,
        Reason::WrongBinding,
        Reason::ClientRequest,
        Reason::Logout,
        Reason::ConsentWithdrawn,
        Reason::CredentialChange,
        Reason::Administrator,
        Reason::Evicted,
        Reason::RelatedReuse,
        Reason::Moved,
    ]);
    let reason = prop_oneof![reuse, other];
    prop_oneof![
        Just(Status::Live),
        (any::<u64>(), reason).prop_map(|(millis, reason)| {
            Status::Revoked(Revocation { at: at(millis), reason, call: 7 })
        })
    ]
}

fn grant() -> impl Strategy<Value = Grant> {
    let texts = collection::btree_map(".{0,20}", ".{0,40}", 0..4);
    let resources = collection::vec("[a-z][a-z0-9+.-]{0,5}:[!-\"$-~]{1,20}", 0..4);
    let binding = option::of(any::<(bool, [u8; 32])>().prop_map(|(jkt, bytes)| match jkt {
        true => Binding::Jkt(bytes),
        false => Binding::X5tS256(bytes),
    }));
    let names = ("[^\\p{Cc}]{1,20}", "[^\\p{Cc}]{1,20}");
    (names, "([!#-\\[\\]-~]{1,8} ?){0,5}", resources, binding, texts).prop_map(
        |((subject, client), scope, resources, binding, attributes): (
            _,
            _,
            _,
            _,
            BTreeMap<_, _>,
        )| {
            let mut grant = Grant::new(&subject, &client);
            (grant.scope, grant.resources) = (Scope::new(&scope), resources);
            (grant.binding, grant.attributes) = (binding, attributes);
            grant
        },
    )
}

fn predecessor(digest_of: u8, salt: u8, closed: bool) -> Option<Predecessor> {
    let mut predecessor = ROTATED.head.predecessor.clone()?;
    (predecessor.digest, predecessor.closed) = (digest(digest_of), closed);
    predecessor.salt = Salt::from_bytes([salt; 16]);
    Some(predecessor)
}

fn digest(byte: u8) -> Digest {
    Digest::from_bytes([byte; 32])
}

fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A family that was rotated once: only the engine makes one, and here every field of it is replaced.
static ROTATED: LazyLock<Family> = LazyLock::new(|| exchanged(Policy::default(), 1));

/// Another, with a branch.
static FORKED: LazyLock<Family> = LazyLock::new(|| {
    let leeway = Leeway::fork(Duration::from_secs(60), 32);
    exchanged(Policy::builder().leeway(leeway).build().unwrap(), 2)
});

fn exchanged(policy: Policy, times: usize) -> Family {
    let keys = KeyRing::new(Key::new(1, &[7; 32]).unwrap());
    let engine = Engine::new(MemoryStore::new(), keys, policy);
    let token = block_on(engine.issue(Grant::new("alice", "web"))).unwrap().token.unwrap();
    for _ in 0..times {
        let outcome = block_on(engine.refresh(token.expose(), Request::new("web"))).unwrap();
        assert!(matches!(outcome, Outcome::Granted(_)));
    }
    engine.store().snapshot().pop().unwrap()
}
