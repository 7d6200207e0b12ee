//! What reuse ends: nothing, the family, or more; the presented family first.

use std::sync::{Arc, Mutex};

use heirloom::testing::Fault;
use heirloom::{
    Event, EventKind, FamilyId, Grant, Granted, Observer, Outcome, Policy, Reaction, Reason,
    Refusal, Request, Selector,
};
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

/// The same, and what an observer is told.
fn heard(world: World) -> (World, Arc<Mutex<Vec<EventKind>>>) {
    let heard: Arc<Mutex<Vec<EventKind>>> = Arc::default();
    let ear = Arc::clone(&heard);
    let observer = move |event: &Event| ear.lock().unwrap().push(event.kind);
    (World { node: world.node.with_observer(Arc::new(observer)), ..world }, heard)
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

/// A shard was down, and with it one other session of the user's. It was to end first: for as long as it could not be reached, the
/// thief refreshed, twenty times of twenty, and the owner got an error each time that his spent token was shown.
#[test]
fn what_cannot_be_reached_shields_nothing_and_is_told() {
    // The look at the presented family, its end, the page of the others, the end of each.
    for (call, fails) in [(1, "presented"), (2, "page"), (3, "first"), (4, "second")] {
        for fault in [Fault::Before, Fault::After] {
            let (world, told) = heard(world(Reaction::Subject));
            let others = others(&world);
            let (spent, current) = breached(&world);
            world.store.fail_at(fault, call);
            let error = block_on(world.node.refresh(text(&spent), request())).unwrap_err();
            world.store.heal();
            assert!(error.is_retryable(), "{fails}: {error}");

            let all = ends(&world, &[spent.family, others[0], others[1]]);
            let ended: Vec<_> = all.iter().map(Option::is_some).collect();
            let own = fails != "presented" || fault == Fault::After;
            let first = fails != "page" && (fails != "first" || fault == Fault::After);
            let second = fails != "page" && (fails != "second" || fault == Fault::After);
            assert_eq!(ended, [own, first, second], "{fails}, {fault:?}");
            let told = told.lock().unwrap().contains(&EventKind::RelatedLeft);
            assert_eq!(told, fails != "presented", "{fails}, {fault:?}");
            // No token is good any more of a family that is known to be stolen, once the store can be reached.
            let why = refusal(&world, if own { &current } else { &spent });
            assert!(why.ended_family() || matches!(why, Refusal::Revoked(Reason::Reuse(_))));
            // What the runbook says.
            let rest = Selector::subject("alice");
            block_on(world.node.revoke_all(&rest, Reason::Administrator)).unwrap();
            assert!(ends(&world, &others[..2]).iter().all(Option::is_some), "{fails}, {fault:?}");
        }
    }
}

/// The observer of a host failed at the first thing that a breach told it, and so what was to end after it lived on.
#[test]
fn an_observer_that_panics_keeps_no_family_alive() {
    for reaction in [Reaction::Family, Reaction::SubjectAndClient, Reaction::Subject] {
        let deaf = world(reaction);
        let observer = |_: &Event| panic!("the observer of this test fails on purpose");
        let world = World { node: deaf.node.with_observer(Arc::new(observer)), ..deaf };
        let others = others(&world);
        let (spent, _) = breached(&world);
        assert!(refusal(&world, &spent).breach().is_some(), "{reaction:?}");
        let wide = [reaction != Reaction::Family, reaction == Reaction::Subject, false, true];
        let all = [&others[..], &[spent.family]].concat();
        assert_eq!(ends(&world, &all).iter().map(Option::is_some).collect::<Vec<_>>(), wide);
    }
}

/// Of two observers the first failed, and the second, which kept the log that a runbook goes by, never heard of the breach.
#[test]
fn an_observer_that_panics_silences_no_other() {
    let heard: Arc<Mutex<Vec<EventKind>>> = Arc::default();
    let ear = Arc::clone(&heard);
    let observers: Vec<Arc<dyn Observer>> = vec![
        Arc::new(|_: &Event| panic!("the observer of this test fails on purpose")),
        Arc::new(move |event: &Event| ear.lock().unwrap().push(event.kind)),
    ];
    let deaf = world(Reaction::Family);
    let world = World { node: deaf.node.with_observer(Arc::new(observers)), ..deaf };
    let (spent, _) = breached(&world);
    let breach = refusal(&world, &spent).breach().unwrap();
    let heard = heard.lock().unwrap();
    assert!(heard.contains(&EventKind::Revoked(Reason::Reuse(breach))), "{heard:?}");
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
