//! The ends of branches, and the date until which a family is kept.

use super::{END, family, removes, revoked};
use crate::conformance::clause::Violation;
use crate::conformance::sample::{after, before};
use crate::conformance::trial::Trial;
use crate::family::Family;
use crate::time::Timestamp;

pub(super) async fn the_last_end_of_the_branches_counts(
    trial: &Trial<'_>,
) -> Result<(), Violation> {
    let (early, late) = (Some(before(END, 1)), Some(after(END, 1)));
    let made = |absolute, idle, others: &[_]| branched(trial, absolute, idle, others);
    let mut used_late = made(early, None, &[None]);
    used_late.branches.live[0].head.used_at = END;
    let families = [
        ("a branch's, a millisecond before", made(None, early, &[early])),
        ("a branch's, at", made(None, early, &[Some(END)])),
        ("a branch's, a millisecond after", made(None, early, &[early, late, early])),
        ("the first branch's comes last", made(None, late, &[early])),
        ("a branch has none", made(None, early, &[early, None])),
        ("the first branch has none", made(None, None, &[early])),
        ("the absolute one comes before a branch's", made(early, early, &[late, None])),
        ("a branch was used after the absolute one", used_late),
        ("revoked before a branch's", revoked(made(None, late, &[late, None]), before(END, 1))),
        ("no branch is left", {
            let mut family = made(None, early, &[]);
            family.branches.made = 3;
            family
        }),
    ];
    for (_, family) in &families {
        let _ = trial.created(family.clone()).await?;
    }
    removes(trial, &families).await
}

pub(super) async fn what_is_to_be_kept_is_kept(trial: &Trial<'_>) -> Result<(), Violation> {
    let early = before(END, 1);
    let kept = |mut family: Family, until| {
        family.kept_until = Some(until);
        family
    };
    let ended = || family(trial, None, Some(early));
    let families = [
        ("kept until a millisecond before", kept(ended(), early)),
        ("kept until then", kept(ended(), END)),
        ("kept until a millisecond after", kept(ended(), after(END, 1))),
        ("kept until its end", kept(family(trial, Some(END), None), early)),
        ("kept, and there is none", kept(family(trial, None, None), early)),
        ("revoked, and kept until a millisecond before", kept(revoked(ended(), early), early)),
        ("revoked, and kept until then", kept(revoked(ended(), early), END)),
        (
            "branched, and kept until then",
            kept(branched(trial, None, Some(early), &[Some(early)]), END),
        ),
    ];
    for (_, family) in &families {
        let _ = trial.created(family.clone()).await?;
    }
    removes(trial, &families).await
}

/// A family of these idle ends: the first branch's, and those of others.
fn branched(
    trial: &Trial<'_>,
    absolute: Option<Timestamp>,
    idle: Option<Timestamp>,
    others: &[Option<Timestamp>],
) -> Family {
    let mut family = family(trial, absolute, idle);
    family.branches = trial.sample.branches(&family.head, u16::try_from(others.len()).unwrap_or(0));
    for (branch, idle) in family.branches.live.iter_mut().zip(others) {
        branch.head.idle_expires_at = *idle;
    }
    family
}
