//! Lies about what most families have not: branches, displaced tokens, counted replays, a date to be kept until.

use heirloom::Timestamp;
use heirloom::conformance::Clause;
use heirloom::family::{Branch, Branches, Family, Predecessor, Reason, Revocation, Status};

use super::guards::Wrong;
use super::lie::{Edit, Lie};
use super::lies::is_caught;

/// Guards that leave out a part of what makes a family plain, or ask for more.
const WRONG: &[(&str, Wrong)] = &[
    ("branches or none", |guard, family| guard.holds(&bare(family, unbranched))),
    ("no branch that is left", |guard, family| {
        let none_left = family.branches.live.is_empty();
        guard.holds(&bare(family, |family| {
            if none_left {
                family.branches = Branches::default();
            }
        }))
    }),
    ("no branch whose end lies ahead", |guard, family| {
        let over =
            |branch: &Branch| branch.head.idle_expires_at.is_some_and(|end| end <= guard.now);
        let all_over = family.branches.live.iter().all(over);
        guard.holds(&bare(family, |family| {
            if all_over {
                family.branches = Branches::default();
            }
        }))
    }),
    ("displaced or not", |guard, family| {
        guard.holds(&bare(family, |family| family.head.displaced = false))
    }),
    ("no displaced predecessor", |guard, family| {
        let displaced = |it: &Predecessor| it.displaced;
        guard.holds(family) && !family.head.predecessor.as_ref().is_some_and(displaced)
    }),
    ("no replay", |guard, family| {
        let replayed = |it: &Predecessor| it.replays > 0;
        guard.holds(family) && !family.head.predecessor.as_ref().is_some_and(replayed)
    }),
    ("adopted or not", |guard, family| {
        guard.holds(&bare(family, |family| family.kept_until = None))
    }),
    ("adopted never", |guard, family| guard.holds(family) && family.kept_until.is_none()),
    ("no first generation", |guard, family| {
        guard.holds(family) && (family.kept_until.is_some() || family.head.generation > 0)
    }),
];

fn unbranched(family: &mut Family) {
    family.branches = Branches::default();
}

fn bare(family: &Family, edit: impl FnOnce(&mut Family)) -> Family {
    let mut family = family.clone();
    edit(&mut family);
    family
}

#[test]
fn every_guard_that_is_wrong_about_a_plain_family_is_caught() {
    for (name, wrong) in WRONG {
        is_caught(Lie::Guards(Edit(*wrong)), Clause::Advance, name);
    }
}

type Mangle = fn(&mut Family);

/// What a column that is left out, too narrow or too clever loses.
const MANGLES: &[(&str, Mangle)] = &[
    ("no date to be kept until", |family| family.kept_until = None),
    ("a date to be kept until in seconds", |family| {
        let until = family.kept_until.map(|until| until.as_secs() * 1000 + 999);
        family.kept_until = until.map(Timestamp::from_millis);
    }),
    ("no branches", |family| family.branches = Branches::default()),
    ("no branches if none is left", |family| {
        if family.branches.live.is_empty() {
            family.branches = Branches::default();
        }
    }),
    ("as many branches made as are left", |family| {
        let last = family.branches.live.last().map_or(0, |branch| branch.number);
        family.branches.made = last;
    }),
    ("thirty branches", |family| family.branches.live.truncate(30)),
    ("branch numbers in 15 bits", |family| {
        family.branches.made &= (1 << 15) - 1;
        branches(family, |branch| branch.number &= (1 << 15) - 1);
    }),
    ("branches of the first", |family| branches(family, |branch| branch.origin = 0)),
    ("branches born when they were last used", |family| {
        branches(family, |branch| branch.born = branch.head.generation);
        branches(family, |branch| branch.born &= (1 << 31) - 1);
    }),
    ("the first branch's digest for all", |family| {
        let digest = family.head.digest;
        branches(family, |branch| branch.head.digest = digest);
    }),
    ("the first branch's key for all", |family| {
        let key = family.head.key;
        branches(family, |branch| branch.head.key = key);
    }),
    ("the first branch's idle end for all", |family| {
        let end = family.head.idle_expires_at;
        branches(family, |branch| branch.head.idle_expires_at = end);
    }),
    ("the first branch's salt for all", |family| {
        let Some(first) = family.head.predecessor.clone() else { return };
        branches(family, |branch| {
            predecessor(branch, |predecessor| predecessor.salt = first.salt);
        });
    }),
    ("branches whose leeways are open again", |family| {
        branches(family, |branch| predecessor(branch, |it| it.closed = false));
    }),
    ("branches that count no replays", |family| {
        branches(family, |branch| predecessor(branch, |it| it.replays = 0));
    }),
    ("branches without displaced tokens", |family| {
        branches(family, |branch| branch.head.displaced = false);
    }),
    ("no displaced token", |family| family.head.displaced = false),
    ("no displaced predecessor", |family| {
        first(family, |predecessor| predecessor.displaced = false);
    }),
    ("displaced as its predecessor", |family| {
        let displaced = family.head.displaced;
        first(family, |predecessor| predecessor.displaced = displaced);
    }),
    ("no replays", |family| first(family, |predecessor| predecessor.replays = 0)),
    ("replays as a flag", |family| {
        first(family, |predecessor| predecessor.replays = predecessor.replays.min(1));
    }),
    ("replays in 31 bits", |family| {
        first(family, |predecessor| predecessor.replays &= (1 << 31) - 1);
    }),
    ("evicted by an administrator", |family| reason(family, Reason::Evicted)),
    ("related reuse by an administrator", |family| reason(family, Reason::RelatedReuse)),
    ("moved by an administrator", |family| reason(family, Reason::Moved)),
];

fn branches(family: &mut Family, edit: impl FnMut(&mut Branch)) {
    family.branches.live.iter_mut().for_each(edit);
}

fn predecessor(branch: &mut Branch, edit: impl FnOnce(&mut Predecessor)) {
    if let Some(predecessor) = &mut branch.head.predecessor {
        edit(predecessor);
    }
}

fn first(family: &mut Family, edit: impl FnOnce(&mut Predecessor)) {
    if let Some(predecessor) = &mut family.head.predecessor {
        edit(predecessor);
    }
}

/// Forgets a reason.
fn reason(family: &mut Family, forgotten: Reason) {
    if let Status::Revoked(revocation) = &mut family.status
        && revocation.reason == forgotten
    {
        revocation.reason = Reason::Administrator;
    }
}

#[test]
fn every_column_that_loses_something_of_them_is_caught() {
    for (name, mangle) in MANGLES {
        is_caught(Lie::Mangles(Edit(*mangle)), Clause::Create, name);
    }
}

/// What an advance leaves out.
const HEADS: &[(&str, Mangle)] = &[
    ("no displaced token", |family| family.head.displaced = false),
    ("no replays", |family| first(family, |predecessor| predecessor.replays = 0)),
    ("no displaced predecessor", |family| {
        first(family, |predecessor| predecessor.displaced = false);
    }),
];

#[test]
fn every_head_that_is_not_written_whole_is_caught() {
    for (name, mangle) in HEADS {
        is_caught(Lie::Heads(Edit(*mangle)), Clause::Advance, name);
    }
}

type End = fn(&Family) -> Option<Timestamp>;

/// Ends that a purge must not go by.
const ENDS: &[(&str, End)] = &[
    ("the first branch's alone", |family| bare(family, unbranched).ended_at()),
    ("the first of the branches'", |family| {
        let alone = |mut it: Family, branch: &Branch| {
            (it.head, it.branches) = (branch.head.clone(), Branches::default());
            it.ended_at()
        };
        let others = family.branches.live.iter().filter_map(|branch| alone(family.clone(), branch));
        let first = bare(family, unbranched).ended_at();
        others.chain(first).min()
    }),
    ("the last of the branches' that have one", |family| {
        let mut family = family.clone();
        let ended = |branch: &Branch| branch.head.idle_expires_at.is_some();
        if family.expires_at.is_none() {
            family.branches.live.retain(ended);
        }
        family.ended_at()
    }),
    ("that of branches that are no more", |family| {
        let gone = family.branches.live.is_empty() && !family.branches.is_empty();
        family.ended_at().filter(|_| !gone)
    }),
    ("the branches', of one that was revoked", |family| {
        bare(family, |family| family.status = Status::Live).ended_at()
    }),
    ("whatever it is to be kept until", |family| {
        bare(family, |family| family.kept_until = None).ended_at()
    }),
    ("the date to be kept until alone", |family| family.kept_until.or(family.ended_at())),
    ("the date to be kept until, where there is no end", |family| {
        family.ended_at().or(family.kept_until)
    }),
    ("its end, if it was revoked, and not the date", |family| match &family.status {
        Status::Revoked(Revocation { at, .. }) => Some((*at).max(family.head.used_at)),
        Status::Live => family.ended_at(),
    }),
];

#[test]
fn every_end_that_a_purge_must_not_go_by_is_caught() {
    for (name, end) in ENDS {
        is_caught(Lie::PurgesBy(Edit(*end)), Clause::Purge, name);
    }
}
