//! `revoke`, `revoke_family`, `revoke_all`, `families`.

use std::collections::BTreeSet;

use heirloom::family::{Impossible, Status};
use heirloom::{
    Binding, Error, FamilyId, Grant, Page, Policy, Reason, Refusal, Request, RevokeOutcome,
    Selector,
};
use pollster::block_on;

use crate::engine::step::{issue, next, refusal, stored};
use crate::support::{World, grant, request, text};

fn revoke(world: &World, token: &str, request: Request<'_>) -> RevokeOutcome {
    block_on(world.node.revoke(token, request)).unwrap()
}

/// RFC 7009 section 2.1, and P2 in reverse: a client that lost a response can only revoke what it still has.
#[test]
fn any_token_of_a_family_ends_it_a_spent_one_too() {
    for spent in [false, true] {
        let world = World::new(Policy::default());
        let root = issue(&world);
        let first = next(&world, &root);
        let second = next(&world, &first);
        let shown = if spent { &root } else { &second };
        assert_eq!(revoke(&world, text(shown), request()), RevokeOutcome::Ended);
        assert_eq!(refusal(&world, &second), Refusal::Revoked(Reason::ClientRequest));
        let again = revoke(&world, text(shown), request());
        assert_eq!(again, RevokeOutcome::Before(Reason::ClientRequest));
    }
}

#[test]
fn another_clients_or_an_unknown_token_changes_nothing() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let before = world.store.inner().snapshot();
    let other = revoke(&world, text(&root), Request::new("other"));
    assert_eq!(other, RevokeOutcome::NoEffect(Refusal::ClientMismatch { ended: false }));
    let mut altered = text(&root).to_owned();
    altered.replace_range(50..51, if &altered[50..51] == "A" { "B" } else { "A" });
    assert_eq!(revoke(&world, &altered, request()), RevokeOutcome::NoEffect(Refusal::Forged));
    assert_eq!(world.store.inner().snapshot(), before);
    world.store.inner().restore(Vec::new());
    let unknown = revoke(&world, text(&root), request());
    assert_eq!(unknown, RevokeOutcome::NoEffect(Refusal::Unknown));
}

/// RFC 7009 asks for no proof of possession; a wrong one is a sign of somebody else.
#[test]
fn a_bound_token_is_revoked_without_a_proof_and_not_with_a_wrong_one() {
    let world = World::new(Policy::default());
    let bound = || block_on(world.node.issue(grant().bound_to(Binding::Jkt([1; 32])))).unwrap();
    let wrong = request().binding(Binding::Jkt([2; 32]));
    let refused = RevokeOutcome::NoEffect(Refusal::BindingMismatch { ended: false });
    assert_eq!(revoke(&world, text(&bound()), wrong), refused);
    assert_eq!(revoke(&world, text(&bound()), request()), RevokeOutcome::Ended);
    let right = request().binding(Binding::Jkt([1; 32]));
    assert_eq!(revoke(&world, text(&bound()), right), RevokeOutcome::Ended);
}

#[test]
fn the_first_reason_stays() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let end = |reason| block_on(world.node.revoke_family(root.family, reason)).unwrap();
    assert_eq!(end(Reason::Logout), RevokeOutcome::Ended);
    assert_eq!(end(Reason::Administrator), RevokeOutcome::Before(Reason::Logout));
    assert_eq!(refusal(&world, &root), Refusal::Revoked(Reason::Logout));
    assert_eq!(stored(&world, root.family).version, 2);
}

#[test]
fn a_family_that_is_not_there_cannot_be_ended() {
    let world = World::new(Policy::default());
    let nobody = FamilyId::from_bytes([9; 16]);
    let outcome = block_on(world.node.revoke_family(nobody, Reason::Logout)).unwrap();
    assert_eq!(outcome, RevokeOutcome::NoEffect(Refusal::Unknown));
}

/// 250 families of Alice's take three pages; one of them has ended before, and Bob's are none of them.
#[test]
fn a_selection_of_many_pages_is_ended_to_the_last_family_and_no_other() {
    let world = World::new(Policy::default());
    let families: Vec<_> = (0..250).map(|_| issue(&world).family).collect();
    let bob = block_on(world.node.issue(Grant::new("bob", "web-app"))).unwrap();
    block_on(world.node.revoke_family(families[7], Reason::ClientRequest)).unwrap();
    let alice = Selector::subject("alice");
    let ended = block_on(world.node.revoke_all(&alice, Reason::CredentialChange)).unwrap();
    assert_eq!(ended, 249);
    for family in world.store.inner().snapshot() {
        let is_live = family.status == Status::Live;
        assert_eq!(is_live, family.id == bob.family);
    }
    let again = block_on(world.node.revoke_all(&alice, Reason::CredentialChange)).unwrap();
    assert_eq!(again, 0);
}

/// A subject whose password was stolen is not kept waiting for the repair of one record.
#[test]
fn a_damaged_record_shields_none_of_the_others_from_a_selection() {
    let world = World::new(Policy::default());
    let families = [(); 3].map(|()| issue(&world).family);
    let damaged = *families.iter().min().unwrap();
    world.store.poison(damaged, Some(Impossible { family: damaged, field: "checksum" }));
    let alice = Selector::subject("alice");
    let error = block_on(world.node.revoke_all(&alice, Reason::CredentialChange)).unwrap_err();
    assert!(matches!(error, Error::Store(_)));
    for family in families.into_iter().filter(|family| *family != damaged) {
        assert_ne!(stored(&world, family).status, Status::Live);
    }
}

#[test]
fn each_selector_finds_its_families_in_pages_that_ascend() {
    let world = World::new(Policy::default());
    for (subject, client) in [("alice", "web-app"), ("alice", "tv"), ("bob", "web-app")] {
        for _ in 0..5 {
            block_on(world.node.issue(Grant::new(subject, client))).unwrap();
        }
    }
    for (selector, count) in [
        (Selector::subject("alice"), 10),
        (Selector::client("web-app"), 10),
        (Selector::subject_and_client("alice", "web-app"), 5),
        (Selector::subject("nobody"), 0),
        (Selector::client("alice"), 0),
    ] {
        for limit in [1, 3, 10, 100] {
            let found = pages(&world, &selector, limit);
            assert!(found.is_sorted(), "{selector:?}");
            let distinct: BTreeSet<_> = found.iter().collect();
            assert_eq!((found.len(), distinct.len()), (count, count), "{selector:?} by {limit}");
        }
    }
}

fn pages(world: &World, selector: &Selector, limit: usize) -> Vec<FamilyId> {
    let mut found: Vec<FamilyId> = Vec::new();
    loop {
        let page = Page { after: found.last().copied(), limit };
        let families = block_on(world.node.families(selector, page)).unwrap();
        assert!(families.len() <= limit);
        if families.is_empty() {
            return found;
        }
        found.extend(families.iter().map(|family| family.id));
    }
}
