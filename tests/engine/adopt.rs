//! Foreign tokens: a legacy string becomes the first token of a family, and behaves like any other.

use std::time::Duration;

use heirloom::adoption::Legacy;
use heirloom::engine::Adopted;
use heirloom::testing::Fault;
use heirloom::{
    AdoptionKey, Begun, Error, FamilyId, Grant, Granted, How, Introspection, KeyRing, Outcome,
    Policy, Reason, Refusal, Request, RevokeOutcome, Timestamp,
};
use pollster::block_on;

use crate::engine::step::{advance, next, refused, stored};
use crate::support::{Node, START, World, grant, granted, key, node, request, text};

pub const LEGACY: &str = "8xLOxBtZp8";
pub const DAY: u64 = 86_400_000;

pub fn until() -> Timestamp {
    START.saturating_add(Duration::from_millis(10 * DAY))
}

pub fn ring() -> KeyRing {
    KeyRing::new(key(1)).with_adoption(AdoptionKey::new(&[8; 32]).unwrap())
}

pub fn world() -> World {
    let world = World::new(Policy::default());
    world.node.set_keys(ring());
    world
}

pub fn adopt(node: &Node, legacy: &str) -> Result<Adopted, Error> {
    block_on(node.adopt(&Legacy::token(legacy).unwrap(), grant(), until()))
}

pub fn adopted(world: &World) -> FamilyId {
    let adopted = adopt(&world.node, LEGACY).unwrap();
    assert!(matches!(adopted, Adopted::New(_)));
    adopted.family()
}

pub fn show(world: &World, legacy: &str) -> Outcome {
    block_on(world.node.refresh(legacy, request())).unwrap()
}

fn first(world: &World) -> Granted {
    granted(show(world, LEGACY))
}

#[test]
fn a_legacy_token_is_exchanged_replayed_and_found_out_like_any_other() {
    let world = world();
    let id = adopted(&world);
    assert!(id.is_derived());
    let one = first(&world);
    assert_eq!((one.how, one.generation, one.family), (How::Rotated, 1, id));
    advance(&world, 9_999);
    let again = first(&world);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&one)));
    let two = next(&world, &one);
    assert_eq!(two.generation, 2);
    let breach = refused(show(&world, LEGACY)).breach().expect("a breach");
    assert_eq!((breach.generations_behind, breach.successor_used), (2, true));
    let dead = refused(block_on(world.node.refresh(text(&two), request())).unwrap());
    assert_eq!(dead, Refusal::Revoked(Reason::Reuse(breach)));
}

#[test]
fn a_legacy_token_outside_its_leeway_ends_the_family() {
    let world = world();
    adopted(&world);
    first(&world);
    advance(&world, 10_000);
    let breach = refused(show(&world, LEGACY)).breach().expect("a breach");
    assert!(!breach.successor_used);
}

#[test]
fn before_it_is_adopted_a_legacy_token_is_what_it_looks_like() {
    let world = world();
    let why = refused(show(&world, LEGACY));
    assert!(matches!(why, Refusal::Malformed(_)), "{why}");
    adopted(&world);
    first(&world);
}

#[test]
fn without_an_adoption_key_nothing_is_adopted_and_no_store_is_asked() {
    let world = World::new(Policy::default());
    assert!(matches!(adopt(&world.node, LEGACY), Err(Error::NoAdoptionKey)));
    assert!(matches!(refused(show(&world, LEGACY)), Refusal::Malformed(_)));
    assert_eq!(world.store.take_operations().total(), 0);
}

#[test]
fn adopted_twice_it_is_one_family_whatever_has_become_of_it() {
    let world = world();
    let id = adopted(&world);
    assert_eq!(adopt(&world.node, LEGACY).unwrap(), Adopted::Before(id));
    let one = first(&world);
    assert_eq!(adopt(&world.node, LEGACY).unwrap(), Adopted::Before(id));
    assert_eq!(next(&world, &one).generation, 2);
    block_on(world.node.revoke_family(id, Reason::Logout)).unwrap();
    assert_eq!(adopt(&world.node, LEGACY).unwrap(), Adopted::Before(id));
    assert_eq!(refused(show(&world, LEGACY)), Refusal::Revoked(Reason::Logout));
}

#[test]
fn two_engines_adopt_one_token_into_one_family() {
    let world = world();
    let other = node(&world.store, &world.clock, Policy::default(), 2);
    other.set_keys(ring());
    let id = adopted(&world);
    assert_eq!(adopt(&other, LEGACY).unwrap(), Adopted::Before(id));
    let one = granted(block_on(other.refresh(LEGACY, request())).unwrap());
    assert_eq!(text(&first(&world)), text(&one));
}

#[test]
fn a_hash_of_the_token_is_as_good_as_the_token() {
    // SHA-256 of "abc" (FIPS 180-2, B.1).
    let hash = [
        0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
        0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00,
        0x15, 0xad,
    ];
    let world = world();
    let id = block_on(world.node.adopt(&Legacy::sha256(hash), grant(), until())).unwrap().family();
    assert_eq!(adopt(&world.node, "abc").unwrap(), Adopted::Before(id));
    assert_eq!(granted(show(&world, "abc")).family, id);
}

#[test]
fn another_grant_for_an_adopted_token_is_an_error_and_changes_nothing() {
    let world = world();
    let id = adopted(&world);
    let before = stored(&world, id);
    for other in [
        Grant::new("bob", "web-app").scope("read write"),
        Grant::new("alice", "tv").scope("read write"),
        grant().scope("read"),
        grant().attribute("acr", "2"),
        grant().not_after(until()),
    ] {
        let legacy = Legacy::token(LEGACY).unwrap();
        let error = block_on(world.node.adopt(&legacy, other, until())).unwrap_err();
        assert!(matches!(error, Error::OtherGrant { family } if family == id), "{error}");
        assert!(!error.is_retryable());
    }
    assert_eq!(stored(&world, id), before);
}

#[test]
fn a_grant_that_was_changed_since_is_the_same_owners() {
    let world = world();
    let id = adopted(&world);
    block_on(world.node.change_grant(id, |_| grant().scope("read"))).unwrap();
    assert_eq!(adopt(&world.node, LEGACY).unwrap(), Adopted::Before(id));
    let legacy = Legacy::token(LEGACY).unwrap();
    let bob = Grant::new("bob", "web-app");
    assert!(block_on(world.node.adopt(&legacy, bob, until())).is_err());
    assert_eq!(first(&world).scope.as_str(), "read");
}

#[test]
fn a_legacy_token_is_good_until_its_date_and_what_it_was_exchanged_for_lives_on() {
    let date = 10 * DAY;
    for (millis, good) in [(date - 1, true), (date, false), (date + 1, false)] {
        let world = world();
        adopted(&world);
        advance(&world, millis);
        match show(&world, LEGACY) {
            Outcome::Granted(one) => {
                assert!(good);
                advance(&world, 29 * DAY);
                assert_eq!(next(&world, &one).generation, 2);
            }
            Outcome::Refused(why) => assert!(!good && why == Refusal::Idle, "{millis}: {why}"),
        }
    }
}

/// P11: the record outlives the acceptance of its legacy token, or an ended family would be adopted again.
#[test]
fn an_ended_family_is_kept_until_the_date_and_a_retention_and_is_not_adopted_again() {
    const RETENTION: u64 = 7 * DAY;
    let world = world();
    let id = adopted(&world);
    first(&world);
    block_on(world.node.revoke_family(id, Reason::Logout)).unwrap();
    for (millis, purged) in [(9 * DAY, 0), (DAY, 0), (RETENTION, 0), (1, 1)] {
        advance(&world, millis);
        assert_eq!(block_on(world.node.purge(10)).unwrap(), purged);
    }
    let legacy = Legacy::token(LEGACY).unwrap();
    assert!(matches!(
        block_on(world.node.adopt(&legacy, grant(), until())),
        Err(Error::Grant(heirloom::grant::GrantError::Form { field: "acceptable_until" }))
    ));
}

#[test]
fn a_date_that_has_passed_is_refused_from_the_very_millisecond() {
    for (off, good) in [(-1, true), (0, false), (1, false)] {
        let world = world();
        let date = until().as_millis();
        world.clock.set(Timestamp::from_millis(date.saturating_add_signed(off)));
        assert_eq!(adopt(&world.node, LEGACY).is_ok(), good, "{off}");
        assert_eq!(world.store.inner().len(), usize::from(good));
    }
}

#[test]
fn an_adoption_whose_answer_was_lost_is_found_again() {
    for fault in [Fault::After, Fault::ConflictAfter, Fault::Before, Fault::Conflict] {
        let world = world();
        world.store.fail_at(fault, 0);
        let lost = adopt(&world.node, LEGACY);
        world.store.heal();
        if let Err(error) = &lost {
            assert!(error.is_retryable(), "{error}");
        }
        adopt(&world.node, LEGACY).unwrap();
        assert_eq!(world.store.inner().len(), 1, "{fault:?}");
        assert_eq!(first(&world).generation, 1);
    }
}

#[test]
fn every_call_takes_the_legacy_string_for_the_token_that_it_is() {
    let world = world();
    let id = adopted(&world);
    let looked = block_on(world.node.introspect(LEGACY)).unwrap();
    let Introspection::Active(active) = looked else { panic!("{looked:?}") };
    assert_eq!((active.family, active.idle_expires_at), (id, Some(until())));
    let explained = block_on(world.node.explain(LEGACY, request())).unwrap();
    assert_eq!(explained.presented.map(|it| (it.family, it.generation)), Some((id, 0)));
    let Begun::Ready(redemption) = block_on(world.node.begin(LEGACY, request())).unwrap() else {
        panic!("refused")
    };
    assert_eq!(&*redemption.grant().subject, "alice");
    assert_eq!(granted(block_on(redemption.commit()).unwrap()).how, How::Rotated);
    let other = block_on(world.node.revoke(LEGACY, Request::new("tv"))).unwrap();
    let why = Refusal::ClientMismatch { ended: false };
    assert_eq!(other, RevokeOutcome::NoEffect(why));
    let ended = block_on(world.node.revoke(LEGACY, request())).unwrap();
    assert_eq!(ended, RevokeOutcome::Ended);
}

#[test]
fn the_keys_of_the_ring_change_and_the_legacy_token_stays_good() {
    let world = world();
    adopted(&world);
    let one = first(&world);
    let rotated = KeyRing::new(key(2)).accept(key(1)).unwrap();
    world.node.set_keys(rotated.with_adoption(AdoptionKey::new(&[8; 32]).unwrap()));
    let again = first(&world);
    assert_eq!((again.how, text(&again)), (How::Replayed, text(&one)));
    assert_eq!(next(&world, &one).generation, 2);
    adopt(&world.node, "another").unwrap();
    assert_eq!(granted(show(&world, "another")).generation, 1);
}

/// What the documentation warns of: under another adoption key the same string is another token.
#[test]
fn under_another_adoption_key_the_same_string_would_be_adopted_once_more() {
    let world = world();
    let id = adopted(&world);
    let one = first(&world);
    world.node.set_keys(KeyRing::new(key(1)).with_adoption(AdoptionKey::new(&[9; 32]).unwrap()));
    assert!(matches!(refused(show(&world, LEGACY)), Refusal::Malformed(_)));
    let second = adopt(&world.node, LEGACY).unwrap();
    assert!(matches!(second, Adopted::New(other) if other != id));
    // What the first key has given out is no worse for it.
    assert_eq!(next(&world, &one).generation, 2);
}

#[test]
fn adoption_is_heard_of_once() {
    let world = world();
    let heard = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let ear = std::sync::Arc::clone(&heard);
    let node = node(&world.store, &world.clock, Policy::default(), 2).with_observer(
        std::sync::Arc::new(move |event: &heirloom::Event| ear.lock().unwrap().push(event.kind)),
    );
    node.set_keys(ring());
    adopt(&node, LEGACY).unwrap();
    adopt(&node, LEGACY).unwrap();
    assert_eq!(*heard.lock().unwrap(), [heirloom::EventKind::Adopted]);
}

/// A limit counts an adopted family, but adopting ends nobody's.
#[test]
fn an_adoption_evicts_nothing_and_is_counted_by_the_next_issue() {
    let world = world();
    let limit = heirloom::FamilyLimit::evict(1);
    world.node.set_policy(Policy::builder().limit(limit).build().unwrap());
    let root = block_on(world.node.issue(grant())).unwrap();
    advance(&world, 1_000);
    adopted(&world);
    let onward = next(&world, &root);
    advance(&world, 1_000);
    block_on(world.node.issue(grant())).unwrap();
    for token in [text(&onward), LEGACY] {
        let dead = refused(block_on(world.node.refresh(token, request())).unwrap());
        assert_eq!(dead, Refusal::Revoked(Reason::Evicted));
    }
}
