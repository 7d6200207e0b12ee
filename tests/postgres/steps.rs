//! Families and steps of which a test says only what it is about.

use heirloom::family::{Family, Head, Revocation};
use heirloom::guard::Guard;
use heirloom::store::{Created, Revoked, Written};
use heirloom::testing::{self, digest, token};
use heirloom::token::{FamilyId, Position, Presented};
use heirloom::{Key, KeyRing, Policy, Reason, Request, Store, Timestamp};

use crate::records::families;

/// The present instant of these tests.
pub const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

pub fn at(millis_from_now: i64) -> Timestamp {
    let now = i64::try_from(NOW.as_millis()).unwrap();
    Timestamp::from_millis(u64::try_from(now + millis_from_now).unwrap())
}

/// The secret of a generation.
pub fn secret(generation: u32) -> [u8; 32] {
    let mut secret = [7; 32];
    secret[..4].copy_from_slice(&generation.to_be_bytes());
    secret
}

pub fn id(number: u64) -> FamilyId {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&number.to_be_bytes());
    FamilyId::from_bytes(bytes)
}

/// A live family of alice at web, a thousand seconds from its idle end.
pub fn family(number: u64, generation: u32) -> Family {
    let mut family = families::fresh();
    family.id = id(number);
    family.created_at = at(-60_000);
    family.head = head(generation);
    family
}

pub fn head(generation: u32) -> Head {
    let mut head = families::fresh().head;
    (head.generation, head.digest) = (generation, digest(secret(generation)));
    (head.rotated_at, head.used_at) = (at(-1_000), at(-1_000));
    head.idle_expires_at = Some(at(1_000_000));
    head.predecessor = generation.checked_sub(1).map(|before| {
        let mut predecessor = families::full().head.predecessor.expect("full() has rotated");
        (predecessor.digest, predecessor.closed) = (digest(secret(before)), false);
        predecessor
    });
    head
}

/// The guard of the token of a generation, shown by web now.
pub fn guard(family: &Family, generation: u32) -> Guard {
    guard_of(family, generation, &Request::new("web"), &Policy::default(), NOW)
}

pub fn guard_of(
    family: &Family,
    generation: u32,
    request: &Request<'_>,
    policy: &Policy,
    now: Timestamp,
) -> Guard {
    let key = || Key::new(1, &[1; 32]).unwrap();
    let position = Position { family: family.id, branch: 0, generation };
    let token = token(&key(), position, secret(generation));
    let presented = Presented::verify(token.expose(), &KeyRing::new(key())).unwrap();
    Guard::new(&presented, request, policy, now).expect("a policy that rotates")
}

pub fn revocation(call: u64) -> Revocation {
    Revocation { at: NOW, reason: Reason::Logout, call }
}

pub async fn create(store: &impl Store, family: &Family) {
    let created = store.create(testing::create(family.clone())).await.unwrap();
    assert!(matches!(created, Created::New(_)), "{created:?}");
}

pub async fn load(store: &impl Store, number: u64) -> Option<Family> {
    store.load(id(number)).await.unwrap()
}

/// Rotates the token of a generation, shown by web now.
pub async fn rotate(
    store: &impl Store,
    number: u64,
    generation: u32,
) -> Result<Written, heirloom::store::StoreError> {
    let guard = guard(&family(number, generation), generation);
    store.advance(testing::advance(guard, head(generation + 1))).await
}

pub async fn revoke(
    store: &impl Store,
    number: u64,
    call: u64,
) -> Result<Revoked, heirloom::store::StoreError> {
    store.revoke(testing::revoke(id(number), revocation(call))).await
}

/// The family that a declined step shows.
pub fn declined(written: Written) -> Option<Family> {
    match written {
        Written::Committed(_) => panic!("committed"),
        Written::Declined(family) => family,
    }
}

/// The family that a step has written.
pub fn committed(written: Written) -> Family {
    match written {
        Written::Committed(committed) => committed.family().clone(),
        Written::Declined(family) => panic!("declined: {family:?}"),
    }
}
