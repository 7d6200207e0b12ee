//! `refresh`: rotation, leeway, breach, narrowing, and the mismatches.

use std::time::Duration;

use heirloom::family::Reuse;
use heirloom::{Binding, How, Leeway, Mismatch, Policy, Reason, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, refused, stored};
use crate::support::{World, grant, granted, request, text};

#[test]
fn a_refresh_exchanges_a_token_for_its_successor() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    assert_eq!((first.how, first.generation, first.family), (How::Rotated, 1, root.family));
    assert_ne!(text(&first), text(&root));
    assert_eq!(next(&world, &first).generation, 2);
}

#[test]
fn a_spent_token_outside_its_leeway_ends_the_family() {
    for (millis, ends) in [(9_999, false), (10_000, true), (10_001, true)] {
        let world = World::new(Policy::default());
        let root = issue(&world);
        let first = next(&world, &root);
        advance(&world, millis);
        if !ends {
            let again = next(&world, &root);
            assert_eq!((again.how, text(&again)), (How::Replayed, text(&first)));
            continue;
        }
        let evidence = Reuse {
            generations_behind: 1,
            since_rotation: Duration::from_millis(millis),
            successor_used: false,
        };
        assert_eq!(refusal(&world, &root), Refusal::Reused(evidence));
        assert_eq!(refusal(&world, &first), Refusal::Revoked(Reason::Reuse(evidence)));
        assert_eq!(refusal(&world, &root), Refusal::Revoked(Reason::Reuse(evidence)));
    }
}

/// P7: with the use of its successor a token is no longer the predecessor.
#[test]
fn the_use_of_the_successor_closes_the_leeway() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = next(&world, &root);
    next(&world, &first);
    let breach = refusal(&world, &root).breach().expect("a breach");
    assert_eq!((breach.generations_behind, breach.successor_used), (2, true));
}

/// P7: replays do not extend the leeway.
#[test]
fn the_leeway_is_anchored_at_the_first_use() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    next(&world, &root);
    for _ in 0..3 {
        advance(&world, 3_333);
        assert_eq!(next(&world, &root).how, How::Replayed);
    }
    advance(&world, 1);
    assert!(refusal(&world, &root).breach().is_some());
}

#[test]
fn without_a_leeway_the_second_use_is_a_breach_at_once() {
    let world = World::new(Policy::builder().leeway(None).build().unwrap());
    let root = issue(&world);
    next(&world, &root);
    assert!(refusal(&world, &root).breach().is_some());
}

#[test]
fn a_leeway_that_refuses_is_no_breach_and_costs_the_family_nothing() {
    let leeway = Leeway::refuse(Duration::from_secs(10));
    let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
    let root = issue(&world);
    let first = next(&world, &root);
    advance(&world, 9_999);
    assert_eq!(refusal(&world, &root), Refusal::AlreadyRotated);
    assert_eq!(next(&world, &first).generation, 2);
}

/// RFC 6749 section 6: the scope "MUST NOT include any scope not originally granted"; P10: a refusal consumes nothing.
#[test]
fn a_request_narrows_its_access_token_and_never_the_family() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = granted(ask(&world, &root, request().scope("read")));
    assert_eq!((first.scope.as_str(), first.grant.scope.as_str()), ("read", "read write"));
    let replayed = granted(ask(&world, &root, request().scope("write")));
    assert_eq!((replayed.scope.as_str(), text(&replayed)), ("write", text(&first)));
    let before = stored(&world, root.family);
    assert_eq!(refused(ask(&world, &first, request().scope("read admin"))), Refusal::Scope);
    assert_eq!(refused(ask(&world, &root, request().scope("admin"))), Refusal::Scope);
    assert_eq!(stored(&world, root.family), before);
    assert_eq!(next(&world, &first).scope.as_str(), "read write");
}

/// RFC 8707 section 2.2.
#[test]
fn a_resource_that_was_not_granted_is_refused_and_consumes_nothing() {
    let world = World::new(Policy::default());
    let api = grant().resource("https://api.example");
    let root = block_on(world.node.issue(api)).unwrap();
    let other = refused(ask(&world, &root, request().resources(&["https://other.example"])));
    assert_eq!(other, Refusal::Resource);
    let first = granted(ask(&world, &root, request().resources(&["https://api.example"])));
    assert_eq!(first.how, How::Rotated);
}

#[test]
fn another_client_is_refused_or_ends_the_family_as_the_policy_says() {
    let request = heirloom::Request::new("other");
    let world = World::new(Policy::default());
    let root = issue(&world);
    assert_eq!(refused(ask(&world, &root, request)), Refusal::ClientMismatch { ended: false });
    let first = next(&world, &root);

    let revoking = Policy::builder().wrong_client(Mismatch::Revoke).build().unwrap();
    let why = refused(ask(&world, &first, request.policy(&revoking)));
    assert_eq!(why, Refusal::ClientMismatch { ended: true });
    assert_eq!(refusal(&world, &first), Refusal::Revoked(Reason::WrongClient));
}

/// RFC 9449 section 5: a bound refresh token takes a proof of the same key at every use.
#[test]
fn a_wrong_key_or_none_is_refused_or_ends_the_family_as_the_policy_says() {
    let world = World::new(Policy::default());
    let (mine, other) = (Binding::Jkt([1; 32]), Binding::X5tS256([1; 32]));
    let root = block_on(world.node.issue(grant().bound_to(mine))).unwrap();
    for binding in [None, Some(other), Some(Binding::Jkt([2; 32]))] {
        let why = refused(ask(&world, &root, request().binding(binding)));
        assert_eq!(why, Refusal::BindingMismatch { ended: false }, "{binding:?}");
    }
    let first = granted(ask(&world, &root, request().binding(mine)));
    let revoking = Policy::builder().wrong_binding(Mismatch::Revoke).build().unwrap();
    let why = refused(ask(&world, &first, request().policy(&revoking)));
    assert_eq!(why, Refusal::BindingMismatch { ended: true });
    let why = refused(ask(&world, &first, request().binding(mine)));
    assert_eq!(why, Refusal::Revoked(Reason::WrongBinding));
}

#[test]
fn an_unbound_family_does_not_mind_a_proof() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let first = granted(ask(&world, &root, request().binding(Binding::Jkt([1; 32]))));
    assert_eq!(first.how, How::Rotated);
}

/// P16: a store that has lost its last writes.
#[test]
fn a_token_ahead_of_the_store_is_refused_and_an_overwritten_line_ends_the_family_as_diverged() {
    let world = World::new(Policy::default());
    let root = issue(&world);
    let backup = world.store.inner().snapshot();
    let lost = next(&world, &root);
    world.store.inner().restore(backup);
    assert_eq!(refusal(&world, &lost), Refusal::AheadOfStore);
    let first = next(&world, &root);
    assert_ne!(text(&first), text(&lost));
    assert_eq!(refusal(&world, &lost), Refusal::Diverged);
    assert_eq!(refusal(&world, &first), Refusal::Revoked(Reason::Diverged));
}
