//! What holds of every leeway, reaction and window, in both products.

use heirloom::decide::Decision;
use heirloom::family::{Head, Status};
use heirloom::guard::Guard;
use heirloom::token::{Position, Presented};
use heirloom::{LeewayMode, Mismatch, Reaction, Reason, Refusal, Timestamp};

use crate::transitions::matrix::{Combination, visit, visit_later};
use crate::transitions::name;
use crate::transitions::shown::{Part, Shown};

/// Whether the token is the spent one that the head was made from, and nothing has closed its leeway or used it up.
fn in_leeway(at: &Combination<'_>) -> bool {
    let (Some(leeway), Some(head)) = (at.policy.policy.leeway(), at.head()) else { return false };
    let Some(predecessor) = &head.predecessor else { return false };
    let lasts = leeway.end_from(head.rotated_at).is_none_or(|end| at.instant.at < end);
    let left = leeway.max_uses().is_none_or(|uses| predecessor.replays < uses);
    lasts
        && left
        && !predecessor.closed
        && predecessor.digest == at.presented.digest()
        && at.presented.position().generation + 1 == head.generation
        && !used_since(at, head)
}

/// Whether any successor of what the head was made from is known to have been used.
fn used_since(at: &Combination<'_>, head: &Head) -> bool {
    let used = |head: &Head| head.used_at > head.rotated_at;
    let Position { branch, generation, .. } = at.presented.position();
    used(head)
        || at.family.branches.live.iter().any(|other| {
            let sibling = other.origin == branch && other.born == generation + 1;
            sibling && (other.head.generation > other.born || used(&other.head))
        })
}

/// P7: for the predecessor alone, inside its leeway, with uses left, its successors unused; in the leeway's own way.
#[test]
fn a_second_answer_is_for_the_predecessor_inside_its_leeway_and_in_the_way_of_its_mode() {
    let (mut replayed, mut renewed, mut forked, mut counted) = (0, 0, 0, 0);
    visit(|at| {
        let count = match at.decision {
            Decision::Replay { counted: true, .. } => &mut counted,
            Decision::Replay { counted: false, .. } => &mut replayed,
            Decision::Renew { .. } => &mut renewed,
            Decision::Fork { .. } => &mut forked,
            _ => return,
        };
        *count += 1;
        let leeway = at.policy.policy.leeway().unwrap();
        let fits = match at.decision {
            Decision::Renew { .. } => leeway.mode() == LeewayMode::Newest,
            Decision::Fork { .. } => matches!(leeway.mode(), LeewayMode::Fork { .. }),
            Decision::Replay { counted, .. } => {
                leeway.mode() == LeewayMode::Replay && counted == leeway.max_uses().is_some()
            }
            _ => unreachable!(),
        };
        assert!(fits && in_leeway(at), "{}", name(at));
        let spent = matches!(at.shown, Shown::Predecessor | Shown::Beside(Part::Predecessor));
        assert!(spent, "{}", name(at));
    });
    assert!(replayed > 1_000, "{replayed}");
    assert!(renewed > 100 && forked > 100 && counted > 100, "{renewed} {forked} {counted}");
}

/// A token inside its leeway is never reuse, whatever the mode.
#[test]
fn a_predecessor_inside_its_leeway_is_never_reuse() {
    visit(|at| {
        let reuse = matches!(
            at.decision,
            Decision::Revoke(Reason::Reuse(_)) | Decision::Refuse(Refusal::Spent(_))
        );
        assert!(!(reuse && in_leeway(at)), "{}", name(at));
    });
}

#[test]
fn a_fork_leaves_no_more_branches_than_may_live() {
    visit_later(|at| {
        let Some(LeewayMode::Fork { branches }) = at.policy.policy.leeway().map(|it| it.mode())
        else {
            return;
        };
        let live = at.family.branches.live.iter().filter(|branch| {
            let (_, idle) = at.family.ends_of(&branch.head, &at.policy.policy);
            idle.is_none_or(|end| at.instant.at < end)
        });
        let live = live.count() + 1;
        match at.decision {
            Decision::Fork { .. } => assert!(live < usize::from(branches), "{}", name(at)),
            Decision::Refuse(Refusal::TooManyBranches) => {
                let numbers = at.family.branches.made == u16::MAX;
                assert!(live >= usize::from(branches) || numbers, "{}", name(at));
            }
            _ => {}
        }
    });
}

/// P5: on its tag alone only inside the window, of a family that was issued before the loss, and only ahead of the store.
#[test]
fn a_token_is_recovered_only_ahead_of_the_store_and_only_in_the_window() {
    let mut recovered = 0;
    visit(|at| {
        let ahead = at.head().is_some_and(|it| at.presented.position().generation > it.generation);
        let open = at.policy.policy.recovery().is_some_and(|window| {
            at.instant.at < window.until() && at.family.created_at < window.issued_before()
        });
        match at.decision {
            Decision::Recover { .. } => assert!(ahead && open, "{}", name(at)),
            Decision::Refuse(Refusal::AheadOfStore) => {
                assert!(!(ahead && open), "{}", name(at));
            }
            _ => return,
        }
        recovered += usize::from(matches!(at.decision, Decision::Recover { .. }));
    });
    assert!(recovered > 100, "{recovered}");
}

/// A token ahead of the store is never a breach, nor a divergence (P16).
#[test]
fn a_token_ahead_of_the_store_ends_nothing() {
    visit(|at| {
        let ahead = at.head().is_some_and(|it| at.presented.position().generation > it.generation);
        let own =
            !matches!(at.decision, Decision::Revoke(Reason::WrongClient | Reason::WrongBinding));
        assert!(!(ahead && own && matches!(at.decision, Decision::Revoke(_))), "{}", name(at));
    });
}

/// A genuine token of a place that another one has taken: displaced where a renewal is on record, else overwritten.
#[test]
fn another_digest_in_a_known_place_is_displaced_or_diverged_and_nothing_else() {
    let (mut displaced, mut diverged) = (0, 0);
    visit(|at| {
        let Some(head) = at.head() else { return };
        let was = match at.shown {
            Shown::CurrentOtherDigest | Shown::Beside(Part::CurrentOtherDigest) => head.displaced,
            Shown::PredecessorOtherDigest | Shown::Beside(Part::PredecessorOtherDigest) => {
                head.predecessor.as_ref().is_some_and(|it| it.displaced)
            }
            _ => return,
        };
        match at.decision {
            Decision::Revoke(Reason::Diverged) => {
                assert!(!was, "{}", name(at));
                diverged += 1;
            }
            Decision::Refuse(Refusal::Displaced) => {
                assert!(was && at.policy.policy.displaced() == Mismatch::Refuse, "{}", name(at));
                displaced += 1;
            }
            Decision::Revoke(Reason::Reuse(reuse)) => {
                assert!(was && at.policy.policy.displaced() == Mismatch::Revoke, "{}", name(at));
                assert!(reuse.generations_behind <= 1, "{}", name(at));
                displaced += 1;
            }
            Decision::Refuse(_) | Decision::Fault(_) => {}
            Decision::Revoke(Reason::WrongClient | Reason::WrongBinding) => {}
            _ => panic!("{}", name(at)),
        }
    });
    assert!(displaced > 100 && diverged > 1_000, "{displaced} {diverged}");
}

#[test]
fn a_breach_is_a_spent_or_displaced_token_and_its_evidence_is_exact() {
    let (mut breaches, mut refused) = (0, 0);
    visit(|at| {
        let reuse = match at.decision {
            Decision::Revoke(Reason::Reuse(reuse)) => {
                assert_ne!(at.policy.policy.on_reuse(), Reaction::Refuse, "{}", name(at));
                breaches += 1;
                reuse
            }
            Decision::Refuse(Refusal::Spent(reuse)) => {
                assert_eq!(at.policy.policy.on_reuse(), Reaction::Refuse, "{}", name(at));
                refused += 1;
                reuse
            }
            _ => return,
        };
        let head = at.head().unwrap();
        let behind = head.generation - at.presented.position().generation;
        assert!(behind > 0 || head.displaced, "{}", name(at));
        assert_eq!(reuse.generations_behind, behind, "{}", name(at));
        let since = at.instant.at.as_millis().saturating_sub(head.rotated_at.as_millis());
        assert_eq!(reuse.since_rotation.as_millis(), u128::from(since), "{}", name(at));
        if behind == 1 {
            assert_eq!(reuse.successor_used, used_since(at, head), "{}", name(at));
        }
        assert!(behind < 2 || reuse.successor_used, "{}", name(at));
    });
    assert!(breaches > 1_000 && refused > 100, "{breaches} {refused}");
}

/// Each branch rotates and detects reuse by itself: what the other heads are makes no difference to its current token.
#[test]
fn a_current_token_rotates_whatever_the_other_branches_do() {
    visit_later(|at| {
        let Some(head) = at.head() else { return };
        if !matches!(at.decision, Decision::Rotate { .. }) {
            return;
        }
        assert!(is_current(at.presented, head), "{}", name(at));
        let mut alone = at.family.clone();
        if at.presented.position().branch == 0 {
            alone.branches.live.clear();
        } else {
            alone.head.used_at = Timestamp::MAX;
            alone.head.idle_expires_at = None;
        }
        let request = at.asked.request();
        let policy = &at.policy.policy;
        let again = heirloom::decide::decide(&alone, at.presented, &request, policy, at.instant.at);
        assert_eq!(again, at.decision, "{}", name(at));
    });
}

fn is_current(presented: &Presented, head: &Head) -> bool {
    presented.position().generation == head.generation && presented.digest() == head.digest
}

/// P18: the fast path is for families that one head says all of; no guard ever holds on another one.
#[test]
fn no_guard_holds_on_a_family_that_is_not_plain() {
    let mut near = 0;
    visit_later(|at| {
        if at.family.is_plain() {
            return;
        }
        let request = at.asked.request();
        if let Some(guard) = Guard::new(at.presented, &request, &at.policy.policy, at.instant.at) {
            assert!(!guard.holds(at.family), "{}", name(at));
            near += usize::from(matches!(at.decision, Decision::Rotate { .. }));
        }
    });
    assert!(near > 1_000, "{near}");
}

/// A branch that is no more, and one that never was.
#[test]
fn a_branch_that_was_forgotten_is_idle_and_one_that_never_was_is_ahead_of_the_store() {
    let (mut idle, mut ahead) = (0, 0);
    visit(|at| {
        let live = at.family.status == Status::Live;
        if !live || at.head().is_some() {
            return;
        }
        let made = at.presented.position().branch <= at.family.branches.made;
        match at.decision {
            Decision::Refuse(Refusal::Idle) => idle += usize::from(made),
            Decision::Refuse(Refusal::AheadOfStore) => {
                assert!(!made, "{}", name(at));
                ahead += 1;
            }
            Decision::Refuse(_)
            | Decision::Fault(_)
            | Decision::Revoke(Reason::WrongClient | Reason::WrongBinding) => {}
            _ => panic!("{}", name(at)),
        }
    });
    assert!(idle > 100 && ahead > 1_000, "{idle} {ahead}");
}

/// The legacy token itself is refused from its date on, whatever lifetimes the policy has.
#[test]
fn an_adopted_token_is_not_good_from_its_date_on() {
    let mut good = 0;
    visit_later(|at| {
        let Some(until) = at.family.kept_until else { return };
        if at.family.head.generation > 0 || at.shown != Shown::Current {
            return;
        }
        if matches!(at.decision, Decision::Rotate { .. } | Decision::Keep { .. }) {
            assert!(at.instant.at < until, "{}", name(at));
            good += 1;
        }
    });
    assert!(good > 100, "{good}");
}
