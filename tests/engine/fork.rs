//! A leeway that answers with another successor beside the earlier ones.

use std::collections::BTreeSet;
use std::time::Duration;

use heirloom::{How, Leeway, Policy, Reason, Refusal};
use pollster::block_on;

use crate::engine::step::{advance, ask, issue, next, refusal, stored};
use crate::support::{World, grant, granted, request, text};

const IDLE: u64 = 3_600_000;
const MINUTE: Duration = Duration::from_secs(60);

fn fork(branches: u8) -> Policy {
    let leeway = Leeway::fork(Duration::from_secs(10), branches);
    Policy::builder().leeway(leeway).idle(Duration::from_millis(IDLE)).build().unwrap()
}

#[test]
fn each_retry_gets_a_branch_with_a_chain_of_its_own() {
    let world = World::new(fork(3));
    let root = issue(&world);
    let (first, second, third) = (next(&world, &root), next(&world, &root), next(&world, &root));
    assert_eq!([first.how, second.how, third.how], [How::Rotated, How::Forked, How::Forked]);
    assert_eq!([first.branch, second.branch, third.branch], [0, 1, 2]);
    let all: BTreeSet<_> = [&first, &second, &third].map(text).into();
    assert_eq!(all.len(), 3);
    for (branch, mut token) in (0..).zip([first, second, third]) {
        for generation in 2..5 {
            token = next(&world, &token);
            assert_eq!((token.how, token.branch), (How::Rotated, branch));
            assert_eq!(token.generation, generation);
        }
    }
}

#[test]
fn at_the_number_of_branches_a_presentation_is_refused_without_a_breach() {
    let world = World::new(fork(2));
    let root = issue(&world);
    let (first, second) = (next(&world, &root), next(&world, &root));
    let before = stored(&world, root.family);
    assert_eq!(refusal(&world, &root), Refusal::TooManyBranches);
    assert_eq!(stored(&world, root.family), before);
    assert_eq!(next(&world, &first).generation, 2);
    assert_eq!(next(&world, &second).generation, 2);
}

/// Each branch detects reuse by itself; a breach in one ends all.
#[test]
fn a_spent_token_of_any_branch_ends_the_whole_family() {
    for guilty in [0, 1] {
        let world = World::new(fork(2));
        let root = issue(&world);
        let branches = [next(&world, &root), next(&world, &root)];
        let spent = &branches[guilty];
        let successors = branches.each_ref().map(|token| next(&world, token));
        next(&world, &successors[guilty]);
        let breach = refusal(&world, spent).breach().expect("a breach");
        assert_eq!(breach.generations_behind, 2);
        for token in &successors {
            let dead = refusal(&world, token);
            assert_eq!(dead, Refusal::Revoked(Reason::Reuse(breach)), "{guilty}");
        }
    }
}

/// P7: with the use of any successor a token is no longer inside its leeway, whichever branch it went to.
#[test]
fn the_use_of_any_successor_closes_the_leeway() {
    for used in [0, 1] {
        let world = World::new(fork(3));
        let root = issue(&world);
        let branches = [next(&world, &root), next(&world, &root)];
        next(&world, &branches[used]);
        let breach = refusal(&world, &root).breach().expect("a breach");
        assert_eq!(
            (breach.generations_behind, breach.successor_used),
            (1 + u32::from(used == 0), true)
        );
    }
}

#[test]
fn the_leeway_of_a_fork_is_anchored_at_the_first_use() {
    for (millis, forks) in [(9_999, true), (10_000, false), (10_001, false)] {
        let world = World::new(fork(3));
        let root = issue(&world);
        next(&world, &root);
        advance(&world, 5_000);
        next(&world, &root);
        advance(&world, millis - 5_000);
        if forks {
            assert_eq!(next(&world, &root).how, How::Forked);
        } else {
            assert!(refusal(&world, &root).breach().is_some());
        }
    }
}

#[test]
fn a_branch_has_a_leeway_of_its_own_and_can_fork_again() {
    let world = World::new(fork(4));
    let root = issue(&world);
    next(&world, &root);
    let one = next(&world, &root);
    let onward = next(&world, &one);
    let beside = next(&world, &one);
    assert_eq!((onward.branch, beside.branch, beside.how), (1, 2, How::Forked));
    assert_eq!((onward.generation, beside.generation), (2, 2));
    assert_eq!(stored(&world, root.family).branches.live[1].origin, 1);
    assert_eq!(next(&world, &beside).generation, 3);
}

/// A branch that is left alone frees its place at the next fork; its number is never used again.
#[test]
fn a_branch_that_has_reached_its_idle_end_makes_room_and_stays_refused() {
    let world = World::new(fork(2));
    let root = issue(&world);
    let (first, left) = (next(&world, &root), next(&world, &root));
    advance(&world, IDLE - 1);
    let second = next(&world, &first);
    advance(&world, 1);
    assert_eq!(refusal(&world, &left), Refusal::Idle);
    let third = next(&world, &second);
    let beside = next(&world, &second);
    assert_eq!((beside.branch, beside.generation), (2, 3));
    assert_eq!(refusal(&world, &left), Refusal::Idle, "forgotten");
    assert_eq!(next(&world, &third).generation, 4);
}

/// The family lasts as long as the last of its branches.
#[test]
fn a_family_outlives_its_first_branch_and_is_purged_after_its_last() {
    const RETENTION: u64 = 7 * 86_400_000;
    let world = World::new(fork(2));
    let root = issue(&world);
    let (first, second) = (next(&world, &root), next(&world, &root));
    advance(&world, IDLE - 1);
    let third = next(&world, &second);
    advance(&world, 1);
    assert_eq!(refusal(&world, &first), Refusal::Idle);
    assert_eq!(next(&world, &third).generation, 3);
    for (millis, purged) in [(IDLE, 0), (RETENTION, 0), (1, 1)] {
        advance(&world, millis);
        assert_eq!(block_on(world.node.purge(10)).unwrap(), purged);
    }
}

/// P7, for every branch.
#[test]
fn a_change_of_the_grant_closes_the_leeway_of_every_branch() {
    let world = World::new(fork(4));
    let root = issue(&world);
    let branches = [next(&world, &root), next(&world, &root)];
    let successors = branches.each_ref().map(|token| next(&world, token));
    block_on(world.node.change_grant(root.family, |_| grant().scope("read"))).unwrap();
    for (spent, current) in branches.iter().zip(&successors) {
        assert_eq!(refusal(&world, spent), Refusal::LeewayClosed);
        assert_eq!(next(&world, current).scope.as_str(), "read");
    }
}

#[test]
fn a_revocation_by_any_token_of_any_branch_ends_all_of_them() {
    let world = World::new(fork(2));
    let root = issue(&world);
    let (first, second) = (next(&world, &root), next(&world, &root));
    block_on(world.node.revoke(text(&second), request())).unwrap();
    for token in [&root, &first, &second] {
        assert_eq!(refusal(&world, token), Refusal::Revoked(Reason::ClientRequest));
    }
}

#[test]
fn introspection_and_explanation_speak_of_the_branch_that_is_shown() {
    let world = World::new(fork(2));
    let root = issue(&world);
    next(&world, &root);
    let one = next(&world, &root);
    advance(&world, 3_000);
    let onward = next(&world, &one);
    let looked = block_on(world.node.introspect(text(&onward))).unwrap();
    let heirloom::Introspection::Active(active) = looked else { panic!("{looked:?}") };
    assert_eq!(active.issued_at, Some(heirloom::Clock::now(&world.clock)));
    let explained = block_on(world.node.explain(text(&onward), request())).unwrap();
    assert_eq!(explained.presented.map(|it| (it.branch, it.generation)), Some((1, 2)));
    let text = explained.to_string();
    assert!(text.contains("current: generation 2, for 0ns"), "{text}");
}

#[test]
fn under_another_policy_the_branches_go_on_and_no_new_ones_are_made() {
    let world = World::new(fork(3));
    let root = issue(&world);
    let (first, second) = (next(&world, &root), next(&world, &root));
    let replay = Policy::default();
    let ask = |token| block_on(world.node.refresh(text(token), request().policy(&replay))).unwrap();
    for token in [&first, &second] {
        let onward = granted(ask(token));
        assert_eq!(onward.how, How::Rotated);
        let again = granted(ask(token));
        assert_eq!((again.how, text(&again)), (How::Replayed, text(&onward)));
    }
}

/// Tokens from before a fork carry the number of the first branch, and were judged by it alone. Once it had idled out, a thief with a
/// spent one was refused as idle, and the family lived on; an hour before, the same token would have ended it.
#[test]
fn a_spent_token_from_before_the_fork_is_reuse_whatever_branch_has_idled_out() {
    for first_branch_lives in [true, false] {
        let world = World::new(fork(4));
        let root = issue(&world);
        let first = next(&world, &root);
        let mut lost = next(&world, &first);
        let mut owner = next(&world, &first);
        assert_eq!((lost.branch, owner.branch), (0, 1));
        for _ in 0..5 {
            advance(&world, IDLE - 1);
            owner = next(&world, &owner);
            if first_branch_lives {
                lost = next(&world, &lost);
            }
        }
        // What is current of the branch that idled out is none the worse for it.
        if !first_branch_lives {
            assert_eq!(refusal(&world, &lost), Refusal::Idle);
        }
        assert!(refusal(&world, &root).breach().is_some(), "{first_branch_lives}");
        assert!(matches!(refusal(&world, &owner), Refusal::Revoked(Reason::Reuse(_))));
    }
}

/// The family has idled out on all of its branches: it is dead, and nothing ends it.
#[test]
fn a_spent_token_of_a_family_that_has_idled_out_everywhere_is_idle() {
    let world = World::new(fork(4));
    let root = issue(&world);
    let first = next(&world, &root);
    drop((next(&world, &first), next(&world, &first)));
    advance(&world, IDLE);
    assert_eq!(refusal(&world, &root), Refusal::Idle);
}

/// A branch idled out between `begin` and `commit`, after its leeway had run out as well: the commit forked all the same, by what was
/// right when the token was shown, and then told that the record contradicted itself.
#[test]
fn a_branch_that_idles_out_before_the_commit_is_idle_and_nothing_is_written() {
    let build = |leeway| Policy::builder().leeway(leeway).idle(MINUTE).build().unwrap();
    let forking = build(Leeway::fork(MINUTE, 4));
    for leeway in [Leeway::fork(MINUTE, 4), Leeway::newest(MINUTE), Leeway::replay(MINUTE)] {
        let world = World::new(build(leeway));
        let root = issue(&world);
        next(&world, &root);
        advance(&world, 30_000);
        // A branch that lives on.
        granted(ask(&world, &root, request().policy(&forking)));
        advance(&world, 29_999);
        let begun = block_on(world.node.begin(text(&root), request())).unwrap();
        let heirloom::Begun::Ready(redemption) = begun else { panic!("refused") };
        advance(&world, 1_000);
        let before = stored(&world, root.family);
        let outcome = block_on(redemption.commit()).unwrap();
        assert_eq!(crate::engine::step::refused(outcome), Refusal::Idle, "{leeway:?}");
        assert_eq!(stored(&world, root.family), before, "{leeway:?}");
    }
}
