//! By random families: the guard holds exactly when the rule says rotate, which lets a store run it as the condition
//! of one write (P18); and neither rule nor guard panics on any family, impossible ones too (P8).

mod grown;
pub mod random;

use std::cell::Cell;

use heirloom::decide::{Decision, decide};
use heirloom::guard::Guard;
use heirloom::token::FamilyId;
use heirloom::{LeewayMode, Reason, Refusal, Rotation};
use proptest::prelude::*;

use crate::support::random as random_test;
use grown::grown;
use random::{Case, case};

const CASES: u32 = 2_000;
/// For the proof itself.
const MANY_CASES: u32 = 10_000;

#[test]
fn the_guard_holds_exactly_when_the_rule_rotates() {
    let (rotated, near) = (Cell::new(0), Cell::new(0));
    run(MANY_CASES, |case| {
        let presented = case.presented();
        let request = case.request();
        let decision = decide(&case.family, &presented, &request, &case.policy, case.now);
        let rotates = matches!(decision, Decision::Rotate { .. });
        let guard = Guard::new(&presented, &request, &case.policy, case.now);
        let holds = guard.is_some_and(|guard| guard.holds(&case.family));
        if !case.narrows() {
            prop_assert_eq!(holds, rotates, "{}", decision);
        }
        // What narrows is looked at first, and then rotated under the guard all the same.
        prop_assert!(holds || !rotates);
        rotated.set(rotated.get() + u32::from(rotates));
        near.set(near.get() + u32::from(!rotates && case.is_near()));
        Ok(())
    });
    assert!(rotated.get() > MANY_CASES / 50, "only {} rotated", rotated.get());
    assert!(near.get() > MANY_CASES / 50, "only {} near misses", near.get());
}

#[test]
fn the_guard_holds_on_plain_families_alone_and_there_exactly_when_the_rule_rotates() {
    let (rotated, beside) = (Cell::new(0), Cell::new(0));
    random_test::check(MANY_CASES, &grown(), |case| {
        let (presented, request) = (case.presented(), case.request());
        let decision = decide(&case.family, &presented, &request, &case.policy, case.now);
        let rotates = matches!(decision, Decision::Rotate { .. });
        let guard = Guard::new(&presented, &request, &case.policy, case.now);
        let holds = guard.is_some_and(|guard| guard.holds(&case.family));
        let plain = case.family.is_plain();
        if !case.narrows() {
            prop_assert_eq!(holds, rotates && plain, "{}", decision);
        }
        prop_assert!(!holds || plain);
        rotated.set(rotated.get() + u32::from(rotates && plain));
        beside.set(beside.get() + u32::from(rotates && !plain));
        Ok(())
    });
    assert!(rotated.get() > MANY_CASES / 100, "only {} rotated", rotated.get());
    assert!(beside.get() > MANY_CASES / 100, "only {} rotated beside", beside.get());
}

/// P5 and P7, over families that need not be possible.
#[test]
fn what_makes_a_token_beside_the_current_one_is_asked_for_by_the_policy_and_shown_the_predecessor()
{
    let (leeways, recovered) = (Cell::new(0), Cell::new(0));
    random_test::check(MANY_CASES, &grown(), |case| {
        let (presented, request) = (case.presented(), case.request());
        let decision = decide(&case.family, &presented, &request, &case.policy, case.now);
        let head = case.family.head_of(case.position.branch);
        let mode = case.policy.leeway().map(|leeway| leeway.mode());
        let behind = || head.unwrap().generation - case.position.generation;
        match decision {
            Decision::Renew { .. } => prop_assert_eq!(mode, Some(LeewayMode::Newest)),
            Decision::Fork { .. } => {
                let forks = matches!(mode, Some(LeewayMode::Fork { .. }));
                prop_assert!(forks);
            }
            Decision::Recover { .. } => {
                let window = case.policy.recovery().unwrap();
                prop_assert!(case.now < window.until());
                prop_assert!(case.family.created_at < window.issued_before());
                prop_assert!(case.position.generation > head.unwrap().generation);
                recovered.set(recovered.get() + 1);
                return Ok(());
            }
            _ => return Ok(()),
        }
        prop_assert_eq!(behind(), 1);
        prop_assert!(!head.unwrap().predecessor.as_ref().unwrap().closed);
        leeways.set(leeways.get() + 1);
        Ok(())
    });
    assert!(leeways.get() > MANY_CASES / 500, "only {} leeways", leeways.get());
    assert!(recovered.get() > 5, "only {} recovered", recovered.get());
}

/// P16: nothing ahead of the store ends a family, in a window or not.
#[test]
fn a_token_ahead_of_its_branch_is_no_breach_and_no_divergence() {
    random_test::check(CASES, &grown(), |case| {
        let Some(head) = case.family.head_of(case.position.branch) else { return Ok(()) };
        if case.position.generation <= head.generation {
            return Ok(());
        }
        let request = case.request();
        let decision = decide(&case.family, &case.presented(), &request, &case.policy, case.now);
        let ends = matches!(decision, Decision::Revoke(Reason::Reuse(_) | Reason::Diverged));
        let spent = matches!(decision, Decision::Refuse(Refusal::Spent(_)));
        prop_assert!(!ends && !spent, "{}", decision);
        Ok(())
    });
}

#[test]
fn there_is_a_guard_exactly_when_the_policy_rotates_and_the_clock_is_in_range() {
    run(CASES, |case| {
        let in_range = case.policy.idle().is_none_or(|idle| case.now.checked_add(idle).is_some());
        let possible = case.policy.rotation() == Rotation::EveryUse && in_range;
        let guard = Guard::new(&case.presented(), &case.request(), &case.policy, case.now);
        prop_assert_eq!(guard.is_some(), possible);
        Ok(())
    });
}

#[test]
fn a_rotation_that_narrows_nothing_grants_the_whole_scope() {
    run(CASES, |case| {
        let request = case.request();
        let decision = decide(&case.family, &case.presented(), &request, &case.policy, case.now);
        if let (Decision::Rotate { scope }, false) = (decision, case.narrows()) {
            prop_assert_eq!(scope, case.family.grant.scope.clone());
        }
        Ok(())
    });
}

#[test]
fn a_guard_never_holds_on_another_family() {
    run(CASES, |case| {
        let presented = case.presented();
        let mut other = case.family.clone();
        other.id = FamilyId::from_bytes([9; 16]);
        let guard = Guard::new(&presented, &case.request(), &case.policy, case.now);
        prop_assert!(!guard.is_some_and(|guard| guard.holds(&other)));
        Ok(())
    });
}

#[test]
fn a_guard_with_a_version_holds_on_that_version_alone() {
    run(CASES, |case| {
        let presented = case.presented();
        let Some(guard) = Guard::new(&presented, &case.request(), &case.policy, case.now) else {
            return Ok(());
        };
        let holds = guard.holds(&case.family);
        for (version, same) in
            [(case.family.version, true), (case.family.version.wrapping_add(1), false)]
        {
            let mut versioned = guard.clone();
            versioned.version = Some(version);
            prop_assert_eq!(versioned.holds(&case.family), holds && same);
        }
        Ok(())
    });
}

#[test]
fn the_rule_ends_a_family_for_reuse_only_on_an_earlier_generation() {
    let breaches = Cell::new(0);
    run(CASES, |case| {
        let request = case.request();
        let decision = decide(&case.family, &case.presented(), &request, &case.policy, case.now);
        if let Decision::Revoke(Reason::Reuse(reuse)) = decision {
            let generation = case.family.head.generation - reuse.generations_behind;
            prop_assert_eq!(case.position.generation, generation);
            prop_assert!(reuse.generations_behind > 0);
            breaches.set(breaches.get() + 1);
        }
        Ok(())
    });
    assert!(breaches.get() > CASES / 100, "only {} breaches", breaches.get());
}

fn run(cases: u32, check: impl Fn(Case) -> Result<(), TestCaseError>) {
    random_test::check(cases, &case(), check);
}
