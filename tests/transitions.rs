//! Every state x presented token x clock position x policy, as the committed text `transitions/matrix.txt`; and what
//! holds in the whole product: guard and rule agree, and P2, P3, P4, P7, P8, P10 as far as one decision can keep them.

#[path = "transitions/asked.rs"]
mod asked;
#[path = "transitions/committed.rs"]
mod committed;
#[path = "transitions/matrix.rs"]
mod matrix;
#[path = "transitions/pairs.rs"]
mod pairs;
#[path = "transitions/policies.rs"]
mod policies;
#[path = "transitions/shown.rs"]
mod shown;
#[path = "transitions/states.rs"]
mod states;
#[path = "transitions/timeline.rs"]
mod timeline;
#[path = "transitions/verdict.rs"]
mod verdict;

use heirloom::decide::{Decision, Guard};
use heirloom::family::Status;
use heirloom::policy::LeewayMode;
use heirloom::{Mismatch, Reason, Refusal, Rotation};

use matrix::{Combination, visit};
use shown::Shown;
use states::{BINDING, CLIENT, states};
use timeline::{LEEWAY_END, instants};

#[test]
fn the_matrix_is_the_committed_one() {
    committed::expect("tests/transitions/matrix.txt", &matrix::text());
}

#[test]
fn the_states_are_possible_and_the_instants_in_order() {
    for state in states() {
        assert_eq!(state.family.check(), Ok(()), "{}", state.name);
    }
    assert!(instants().windows(2).all(|pair| pair[0].at < pair[1].at));
}

#[test]
fn the_guard_holds_exactly_when_the_rule_rotates() {
    let (mut held, mut declined) = (0, 0);
    visit(|at| {
        let rotates = matches!(at.decision, Decision::Rotate { .. });
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
fn only_the_predecessor_is_replayed_and_only_inside_the_leeway() {
    let mut replayed = 0;
    visit(|at| {
        if !matches!(at.decision, Decision::Replay { .. }) {
            return;
        }
        replayed += 1;
        let head = &at.family.head;
        let leeway = at.policy.policy.leeway().unwrap();
        assert_eq!(at.shown, Shown::Predecessor, "{}", name(at));
        assert_eq!(leeway.mode(), LeewayMode::Replay, "{}", name(at));
        assert!(at.instant.at < LEEWAY_END, "{}", name(at));
        assert!(!head.predecessor.as_ref().unwrap().closed, "{}", name(at));
    });
    assert!(replayed > 1_000);
}

#[test]
fn a_breach_is_a_spent_token_and_its_evidence_is_exact() {
    let mut breaches = 0;
    visit(|at| {
        let Decision::Revoke(Reason::Reuse(reuse)) = at.decision else { return };
        breaches += 1;
        let head = &at.family.head;
        let behind = head.generation - at.presented.position().generation;
        assert!(behind > 0 && at.shown != Shown::PredecessorOtherDigest, "{}", name(at));
        assert_eq!(reuse.generations_behind, behind, "{}", name(at));
        let since = at.instant.at.as_millis().saturating_sub(head.rotated_at.as_millis());
        assert_eq!(reuse.since_rotation.as_millis(), u128::from(since), "{}", name(at));
        let used = behind > 1 || head.used_at > head.rotated_at;
        assert_eq!(reuse.successor_used, used, "{}", name(at));
    });
    assert!(breaches > 1_000);
}

#[test]
fn what_is_granted_is_within_the_grant() {
    visit(|at| {
        let (Decision::Rotate { scope }
        | Decision::Replay { scope }
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

fn name(at: &Combination<'_>) -> String {
    let Combination { policy, state, shown, asked, instant, decision, .. } = at;
    let (policy, shown, asked, instant) = (policy.name, shown.name(), asked.name, &instant.name);
    format!("{policy} / {state} / {shown} / {asked} / {instant}: {decision}")
}
