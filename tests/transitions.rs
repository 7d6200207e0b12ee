//! Every state x presented token x clock position x policy, as the committed text `transitions/matrix.txt`, each end before
//! and at its millisecond (P9); and what holds in the whole product: guard and rule agree, and P2, P3, P4, P7, P8, P10 as far
//! as one decision can keep them.

mod asked;
mod branched;
mod committed;
mod matrix;
mod pairs;
mod policies;
mod properties;
mod shown;
mod single;
mod states;
mod timeline;
mod verdict;

use heirloom::decide::Decision;
use heirloom::family::Status;
use heirloom::guard::Guard;
use heirloom::{Mismatch, Reason, Refusal, Rotation};

use branched::branched;
use matrix::{Combination, visit};
use single::single;
use states::{BINDING, CLIENT, states};
use timeline::{instants, later_instants};

#[test]
fn the_matrix_is_the_committed_one() {
    committed::expect("tests/transitions/matrix.txt", &matrix::text());
}

#[test]
fn the_states_are_possible_and_the_instants_in_order() {
    for state in states().into_iter().chain(single()).chain(branched()) {
        assert_eq!(state.family.check(), Ok(()), "{}", state.name);
    }
    for instants in [instants(), later_instants()] {
        assert!(instants.windows(2).all(|pair| pair[0].at < pair[1].at));
    }
}

#[test]
fn the_guard_holds_exactly_when_the_rule_rotates() {
    let (mut held, mut declined) = (0, 0);
    visit(|at| {
        // Every other family is looked at first, and then replaced as a whole.
        let rotates = matches!(at.decision, Decision::Rotate { .. }) && at.family.is_plain();
        let request = at.asked.request();
        match Guard::new(at.presented, &request, &at.policy.policy, at.instant.at) {
            None => assert!(!rotates, "{}", name(at)),
            Some(guard) if at.asked.narrows() => {
                assert!(!rotates || guard.holds(at.family), "{}", name(at));
            }
            Some(guard) => {
                assert_eq!(guard.holds(at.family), rotates, "{}", name(at));
                *(if rotates { &mut held } else { &mut declined }) += 1;
            }
        }
    });
    assert!(held > 1_000 && declined > 1_000, "{held} held, {declined} did not");
}

#[test]
fn there_is_a_guard_exactly_when_the_policy_rotates_and_the_clock_is_in_range() {
    visit(|at| {
        let policy = &at.policy.policy;
        let in_range = policy.idle().is_none_or(|idle| at.instant.at.checked_add(idle).is_some());
        let possible = policy.rotation() == Rotation::EveryUse && in_range;
        let guard = Guard::new(at.presented, &at.asked.request(), policy, at.instant.at);
        assert_eq!(guard.is_some(), possible, "{}", name(at));
    });
}

#[test]
fn nothing_that_is_presented_changes_a_dead_family() {
    visit(|at| {
        if let Status::Revoked(revocation) = &at.family.status {
            let refused = Decision::Refuse(Refusal::Revoked(revocation.reason));
            assert_eq!(at.decision, refused, "{}", name(at));
        }
    });
}

#[test]
fn another_client_or_key_gets_nothing_and_ends_a_family_only_if_the_policy_says_so() {
    visit(|at| {
        let client = at.asked.client != CLIENT;
        let key = at.family.grant.binding.is_some() && at.asked.binding != Some(BINDING);
        if at.family.status != Status::Live || !(client || key) {
            return;
        }
        let policy = &at.policy.policy;
        let (reaction, refusal, reason) = if client {
            let refusal = Refusal::ClientMismatch { ended: false };
            (policy.wrong_client(), refusal, Reason::WrongClient)
        } else {
            let refusal = Refusal::BindingMismatch { ended: false };
            (policy.wrong_binding(), refusal, Reason::WrongBinding)
        };
        let expected = match reaction {
            Mismatch::Refuse => Decision::Refuse(refusal),
            Mismatch::Revoke => Decision::Revoke(reason),
        };
        assert_eq!(at.decision, expected, "{}", name(at));
    });
}

#[test]
fn what_is_granted_is_within_the_grant() {
    visit(|at| {
        let (Decision::Rotate { scope }
        | Decision::Replay { scope, .. }
        | Decision::Renew { scope }
        | Decision::Fork { scope }
        | Decision::Recover { scope }
        | Decision::Keep { scope, .. }) = &at.decision
        else {
            return;
        };
        let grant = &at.family.grant;
        assert!(scope.iter().all(|word| grant.scope.contains(word)), "{}", name(at));
        let resources = at.asked.resources;
        let granted = |uri: &&str| grant.resources.iter().any(|granted| granted == uri);
        assert!(resources.iter().all(granted), "{}", name(at));
    });
}

/// A combination in words, for a failure.
pub(crate) fn name(at: &Combination<'_>) -> String {
    let Combination { policy, state, shown, asked, instant, decision, .. } = at;
    let (policy, shown, asked, instant) = (policy.name, shown.name(), asked.name, &instant.name);
    format!("{policy} / {state} / {shown} / {asked} / {instant}: {decision}")
}
