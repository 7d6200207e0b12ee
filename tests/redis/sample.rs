//! Families, and the steps that change them.

use std::time::Duration;

use heirloom::family::{Family, Head, Revocation};
use heirloom::guard::Guard;
use heirloom::secret::Digest;
use heirloom::store::{Advance, Page, Revoke};
use heirloom::testing::{self, digest, token};
use heirloom::token::{FamilyId, Position, Presented};
use heirloom::{Key, KeyRing, Policy, Reason, Request, Timestamp};

pub use crate::records::families::{adopted, any_family, displaced, ended, fresh, full, stated};

pub const DAY: Duration = Duration::from_secs(86_400);

pub const fn at(millis: u64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// An id whose last two bytes say the bucket.
pub fn id(number: u16) -> FamilyId {
    let mut bytes = *fresh().id.as_bytes();
    bytes[14..].copy_from_slice(&number.to_be_bytes());
    FamilyId::from_bytes(bytes)
}

/// A family that was just issued at an instant, with this idle lifetime.
pub fn issued(number: u16, now: Timestamp, idle: Option<Duration>) -> Family {
    let mut family = fresh();
    (family.id, family.created_at) = (id(number), now);
    (family.head.rotated_at, family.head.used_at) = (now, now);
    family.head.idle_expires_at = idle.map(|idle| now.saturating_add(idle));
    family
}

/// With branches of these numbers, each with an idle end of its own; the first one's is 60,000, and there is no absolute one.
pub fn forked(ends: &[(u16, Option<u64>)]) -> Family {
    let mut family = full();
    (family.expires_at, family.grant) = (None, fresh().grant);
    let branches: Vec<_> =
        ends.iter().map(|(number, end)| (*number, 0, end.unwrap_or(60_000))).collect();
    family.branches = crate::records::families::branches(&branches);
    for (branch, (_, end)) in family.branches.live.iter_mut().zip(ends) {
        branch.head.idle_expires_at = end.map(at);
    }
    family
}

/// What rotates a family, if it is as it was seen.
pub fn rotation(family: &Family, now: Timestamp, idle: Option<Duration>) -> Advance {
    let key = Key::new(1, &[7; 32]).unwrap();
    let position = Position { family: family.id, branch: 0, generation: family.head.generation };
    // The first token of an adopted family is a legacy one: it is stated after the tag was looked at.
    let shown = token(&key, Position { family: fresh().id, ..position }, [1; 32]);
    let presented = Presented::verify(shown.expose(), &KeyRing::new(key)).unwrap();
    let binding = family.grant.binding;
    let request = Request::new(&family.grant.client).binding(binding);
    let mut guard = Guard::new(&presented, &request, &Policy::default(), now).unwrap();
    (guard.position, guard.digest) = (position, family.head.digest);
    testing::advance(guard, next(family, now, idle))
}

/// The head after the next rotation.
pub fn next(family: &Family, now: Timestamp, idle: Option<Duration>) -> Head {
    let mut head = full().head;
    head.generation = family.head.generation.saturating_add(1);
    head.digest = successor(&family.head);
    (head.rotated_at, head.used_at) = (now, now);
    head.idle_expires_at = idle.map(|idle| now.saturating_add(idle));
    if let Some(predecessor) = &mut head.predecessor {
        predecessor.digest = family.head.digest;
        predecessor.closed = false;
    }
    head
}

pub fn end(family: FamilyId, now: Timestamp) -> Revoke {
    testing::revoke(family, Revocation { at: now, reason: Reason::Logout, call: 7 })
}

pub fn page(after: Option<FamilyId>, limit: usize) -> Page {
    Page { after, limit }
}

fn successor(head: &Head) -> Digest {
    let mut secret = *head.digest.as_bytes();
    secret[0] ^= 1;
    digest(secret)
}
