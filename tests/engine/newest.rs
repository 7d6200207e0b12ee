//! A leeway that answers with another successor in place of the earlier one.

use std::time::Duration;

use heirloom::{How, Leeway, LeewayMode, Mismatch, Policy, Reaction, Reason, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, refused, stored};
use crate::support::{START, World, grant, request, text};

fn newest() -> Policy {
    let leeway = Leeway::newest(Duration::from_secs(10));
    Policy::builder().leeway(leeway).build().unwrap()
}

#[test]
fn a_retry_displaces_the_earlier_successor_and_the_latest_goes_on() {
    let world = World::new(newest());
    let root = issue(&world);
    let (first, second, third) = (next(&world, &root), next(&world, &root), next(&world, &root));
    assert_eq!([first.how, second.how, third.how], [How::Rotated, How::Renewed, How::Renewed]);
    assert_eq!([first.generation, second.generation, third.generation], [1, 1, 1]);
    assert!(text(&first) != text(&second) && text(&second) != text(&third));
    let before = stored(&world, root.family);
    for displaced in [&first, &second] {
        assert_eq!(refusal(&world, displaced), Refusal::Displaced);
    }
    assert_eq!(stored(&world, root.family), before, "a refusal consumes nothing");
    assert_eq!(next(&world, &third).generation, 2);
}

/// P7: the leeway is anchored at the first use, and a renewal moves no end.
#[test]
fn a_renewal_extends_neither_the_leeway_nor_the_idle_end() {
    for (millis, renews) in [(9_999, true), (10_000, false), (10_001, false)] {
        let world = World::new(newest());
        let root = issue(&world);
        next(&world, &root);
        let idle = stored(&world, root.family).head.idle_expires_at;
        advance(&world, 5_000);
        next(&world, &root);
        assert_eq!(stored(&world, root.family).head.idle_expires_at, idle);
        world.clock.set(START.saturating_add(Duration::from_millis(millis)));
        if renews {
            assert_eq!(next(&world, &root).how, How::Renewed);
        } else {
            let breach = refusal(&world, &root).breach().expect("a breach");
            assert_eq!(breach.since_rotation, Duration::from_millis(millis));
        }
    }
}

#[test]
fn the_use_of_the_latest_successor_closes_the_leeway() {
    let world = World::new(newest());
    let root = issue(&world);
    next(&world, &root);
    let second = next(&world, &root);
    next(&world, &second);
    assert!(refusal(&world, &root).breach().is_some_and(|breach| breach.successor_used));
}

/// What was displaced is told from theft for as long as its place is on record: until its successor's successor.
#[test]
fn a_displaced_token_is_refused_in_its_place_and_in_the_predecessors_and_is_reuse_after_that() {
    let world = World::new(newest());
    let root = issue(&world);
    let first = next(&world, &root);
    let second = next(&world, &root);
    assert_eq!(refusal(&world, &first), Refusal::Displaced);
    let third = next(&world, &second);
    advance(&world, 60_000);
    assert_eq!(refusal(&world, &first), Refusal::Displaced);
    let fourth = next(&world, &third);
    assert_eq!(refusal(&world, &first).breach().map(|it| it.generations_behind), Some(2));
    assert!(matches!(refusal(&world, &fourth), Refusal::Revoked(Reason::Reuse(_))));
}

#[test]
fn a_displaced_token_is_reuse_if_the_policy_says_so() {
    for later in [false, true] {
        let world = World::new(newest().to_builder().displaced(Mismatch::Revoke).build().unwrap());
        let root = issue(&world);
        let first = next(&world, &root);
        let second = next(&world, &root);
        if later {
            next(&world, &second);
        }
        let breach = refusal(&world, &first).breach().expect("a breach");
        assert_eq!(breach.generations_behind, u32::from(later));
        assert!(matches!(refusal(&world, &second), Refusal::Revoked(Reason::Reuse(_))));
    }
}

/// A displaced token that is reuse has all the effect of reuse.
#[test]
fn a_displaced_token_under_a_wider_reaction_ends_the_subjects_other_families_too() {
    let policy = newest().to_builder().displaced(Mismatch::Revoke).on_reuse(Reaction::Subject);
    let world = World::new(policy.build().unwrap());
    let (root, other) = (issue(&world), issue(&world));
    let first = next(&world, &root);
    next(&world, &root);
    assert!(refusal(&world, &first).breach().is_some());
    assert_eq!(refusal(&world, &other), Refusal::Revoked(Reason::RelatedReuse));
}

/// P7: never across a raised grant.
#[test]
fn a_change_of_the_grant_closes_the_leeway_of_a_renewed_token() {
    let world = World::new(newest());
    let root = issue(&world);
    let first = next(&world, &root);
    let second = next(&world, &root);
    let raised = |_: &heirloom::Grant| grant().scope("read write admin");
    block_on(world.node.change_grant(root.family, raised)).unwrap();
    assert_eq!(refusal(&world, &root), Refusal::LeewayClosed);
    assert_eq!(refusal(&world, &first), Refusal::Displaced);
    assert_eq!(next(&world, &second).scope.as_str(), "read write admin");
}

#[test]
fn a_renewal_narrows_like_any_other_answer_and_a_wider_one_consumes_nothing() {
    let world = World::new(newest());
    let root = issue(&world);
    let first = next(&world, &root);
    assert_eq!(refused(ask(&world, &root, request().scope("admin"))), Refusal::Scope);
    assert_eq!(next(&world, &first).generation, 2);
}

#[test]
fn newest_counts_its_renewals_if_it_is_told_to() {
    let leeway = Leeway::until_used(LeewayMode::Newest).uses(2);
    let world = World::new(Policy::builder().leeway(leeway).build().unwrap());
    let root = issue(&world);
    next(&world, &root);
    advance(&world, 86_400_000);
    assert_eq!([next(&world, &root).how, next(&world, &root).how], [How::Renewed; 2]);
    assert!(refusal(&world, &root).breach().is_some_and(|breach| !breach.successor_used));
}
