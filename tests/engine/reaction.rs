//! What reuse ends: nothing, the family, or more; the wider first, the presented family last.

use heirloom::testing::{Fault, Operation};
use heirloom::{FamilyId, Grant, Granted, Outcome, Policy, Reaction, Reason, Refusal, Request};
use pollster::block_on;

use crate::engine::step::{advance, issue, next, refusal, stored};
use crate::support::{World, request, text};

fn world(reaction: Reaction) -> World {
    World::new(Policy::builder().on_reuse(reaction).build().unwrap())
}

/// A family with a spent token outside its leeway; the spent token and the current one.
fn breached(world: &World) -> (Granted, Granted) {
    let root = issue(world);
    let first = next(world, &root);
    advance(world, 10_000);
    (root, first)
}

/// How each family ended, if it did.
fn ends(world: &World, families: &[FamilyId]) -> Vec<Option<Reason>> {
    let end = |id: &FamilyId| match stored(world, *id).status {
        heirloom::family::Status::Live => None,
        heirloom::family::Status::Revoked(revocation) => Some(revocation.reason),
    };
    families.iter().map(end).collect()
}

/// The same subject and client, the same subject, the same client.
fn others(world: &World) -> Vec<FamilyId> {
    let grants = [("alice", "web-app"), ("alice", "tv"), ("bob", "web-app")];
    let issue = |(subject, client)| block_on(world.node.issue(Grant::new(subject, client)));
    grants.map(|of| issue(of).unwrap().family).into()
}

#[test]
fn reuse_that_ends_nothing_is_refused_and_the_family_lives() {
    let world = world(Reaction::Refuse);
    let (spent, current) = breached(&world);
    let before = stored(&world, spent.family);
    let Refusal::Spent(evidence) = refusal(&world, &spent) else { panic!("not spent") };
    assert_eq!(evidence.generations_behind, 1);
    assert_eq!(refusal(&world, &spent), Refusal::Spent(evidence));
    assert!(!Refusal::Spent(evidence).ended_family());
    assert_eq!(Refusal::Spent(evidence).breach(), None);
    assert_eq!(stored(&world, spent.family), before);
    assert_eq!(next(&world, &current).generation, 2);
}

#[test]
fn reuse_ends_what_the_policy_says_and_nothing_else() {
    let related = Some(Reason::RelatedReuse);
    for (reaction, expected) in [
        (Reaction::Refuse, [None, None, None]),
        (Reaction::Family, [None, None, None]),
        (Reaction::SubjectAndClient, [related, None, None]),
        (Reaction::Subject, [related, related, None]),
    ] {
        let world = world(reaction);
        let others = others(&world);
        let (spent, _) = breached(&world);
        let why = refusal(&world, &spent);
        assert_eq!(why.breach().is_some(), reaction != Reaction::Refuse);
        assert_eq!(ends(&world, &others), expected, "{reaction:?}");
        let own = why.breach().map(Reason::Reuse);
        assert_eq!(ends(&world, &[spent.family]), [own], "{reaction:?}");
    }
}

#[test]
fn what_had_ended_before_keeps_its_reason() {
    let world = world(Reaction::Subject);
    let others = others(&world);
    block_on(world.node.revoke_family(others[0], Reason::Logout)).unwrap();
    let (spent, _) = breached(&world);
    refusal(&world, &spent);
    assert_eq!(ends(&world, &others[..2]), [Some(Reason::Logout), Some(Reason::RelatedReuse)]);
}

/// A call that is cut short anywhere leaves the presented family live, and the next presentation goes on with it.
#[test]
fn a_store_that_fails_half_way_leaves_the_presented_family_live_and_the_next_presentation_goes_on()
{
    // The look, the page, two others.
    for call in 0..4 {
        let world = world(Reaction::Subject);
        let others = others(&world);
        let (spent, _) = breached(&world);
        world.store.fail_at(Fault::Before, call);
        let error = block_on(world.node.refresh(text(&spent), request())).unwrap_err();
        assert!(error.is_retryable(), "{call}: {error}");
        assert_eq!(ends(&world, &[spent.family]), [None], "{call}");
        world.store.heal();
        assert!(refusal(&world, &spent).breach().is_some(), "{call}");
        assert_eq!(ends(&world, &others[..2]), [Some(Reason::RelatedReuse); 2], "{call}");
    }
}

#[test]
fn the_presented_family_is_ended_last() {
    let world = world(Reaction::Subject);
    let others = others(&world);
    let (spent, _) = breached(&world);
    world.store.fail(Fault::Before, usize::MAX, |operation| operation == Operation::Revoke);
    block_on(world.node.refresh(text(&spent), request())).unwrap_err();
    world.store.heal();
    world.store.fail(Fault::Before, 1, |operation| operation == Operation::Select);
    block_on(world.node.refresh(text(&spent), request())).unwrap_err();
    world.store.heal();
    assert_eq!(ends(&world, &[others[0], spent.family]), [None, None]);
    assert!(refusal(&world, &spent).breach().is_some());
}

/// A mismatch or a divergence is no reuse.
#[test]
fn only_reuse_has_the_wider_effect() {
    let policy = Policy::builder().on_reuse(Reaction::Subject);
    let world = World::new(policy.wrong_client(heirloom::Mismatch::Revoke).build().unwrap());
    let others = others(&world);
    let root = issue(&world);
    let outcome = block_on(world.node.refresh(text(&root), Request::new("tv"))).unwrap();
    assert!(matches!(outcome, Outcome::Refused(Refusal::ClientMismatch { ended: true })));
    assert_eq!(ends(&world, &others), [None; 3]);
}
