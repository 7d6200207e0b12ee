//! S7: what ended long ago goes, and nothing else.

mod kept;

use super::boxed::DynFactory;
use super::clause::Violation;
use super::race::cut;
use super::sample::{DAY, PURGED_BEFORE, advanced, after, before, ended, grant, guard};
use super::trial::{HANDLES, Trial, in_short, told};
use crate::family::{Family, Reason, Revocation, Status};
use crate::store::{Page, Revoked, Selector, Store, StoreErrorKind, Written};
use crate::testing;
use crate::time::Timestamp;

const ROUNDS: usize = 24;

/// Nobody else's families: what ended before this instant is gone when the clause begins.
const END: Timestamp = PURGED_BEFORE;

pub(super) async fn check(trial: &Trial<'_>, factory: &dyn DynFactory) -> Result<(), Violation> {
    drain(trial).await?;
    every_end_counts(trial).await?;
    kept::the_last_end_of_the_branches_counts(trial).await?;
    kept::what_is_to_be_kept_is_kept(trial).await?;
    ends_that_move_count_as_they_are_now(trial).await?;
    batches_are_bounded(trial).await?;
    what_is_gone_is_unknown(trial).await?;
    a_purge_does_not_remove_what_is_used_meanwhile(trial).await?;
    purges_beside_each_other_count_each_family_once(trial).await?;
    a_dropped_purge_can_be_run_again(trial).await?;
    what_cannot_be_read_is_left(trial, factory).await
}

/// Removes what is due, in small batches; says how many.
async fn drain(trial: &Trial<'_>) -> Result<usize, Violation> {
    const BATCH: usize = 50;
    let mut removed = 0;
    loop {
        let batch = trial.turn().purge(END, BATCH).await?;
        removed += batch;
        if batch > BATCH {
            let seen = format!("{batch} of at most {BATCH}");
            return Err(trial.broken("a purge removes at most so many", seen));
        }
        if batch < BATCH {
            return Ok(removed);
        }
    }
}

/// Creates families, purges, and sees that just those are gone that are due.
async fn removes(trial: &Trial<'_>, families: &[(&str, Family)]) -> Result<(), Violation> {
    let step = testing::purge(END, 1);
    let due = families.iter().filter(|(_, family)| step.is_due(family)).count();
    let removed = drain(trial).await?;
    for (name, family) in families {
        let (promise, is_due) = (format!("a purge goes by the end: {name}"), step.is_due(family));
        is_kept(trial, &promise, family, !is_due).await?;
    }
    if removed == due {
        return Ok(());
    }
    let seen = format!("{removed} and not {due}");
    Err(trial.broken("a purge says how many it removed", seen))
}

/// Whether a family is loaded and selected, unchanged.
async fn is_kept(
    trial: &Trial<'_>,
    promise: &str,
    family: &Family,
    kept: bool,
) -> Result<(), Violation> {
    if kept {
        trial.stands(promise, family).await?;
    } else {
        trial.is_unknown(promise, family.id).await?;
    }
    let (subject, client) = (&family.grant.subject, &family.grant.client);
    for selector in [Selector::subject(subject), Selector::client(client)] {
        let page = Page { after: None, limit: 9 };
        let selected = trial.turn().select(&selector, page).await?;
        if selected.iter().flatten().any(|found| found.id == family.id) != kept {
            let seen = format!("{} families selected by {selector:?}", selected.len());
            return Err(trial.broken(promise, seen));
        }
    }
    Ok(())
}

/// A family that was created a day before the end and last used ten milliseconds before it.
fn family(trial: &Trial<'_>, absolute: Option<Timestamp>, idle: Option<Timestamp>) -> Family {
    let mut family = trial.sample.family();
    family.created_at = before(END, DAY);
    (family.expires_at, family.head.idle_expires_at) = (absolute, idle);
    (family.head.rotated_at, family.head.used_at) = (before(END, 20), before(END, 10));
    family
}

fn revoked(mut family: Family, at: Timestamp) -> Family {
    family.status = Status::Revoked(Revocation { at, reason: Reason::Logout, call: 7 });
    family
}

fn used(mut family: Family, at: Timestamp) -> Family {
    family.head.used_at = at;
    family
}

async fn every_end_counts(trial: &Trial<'_>) -> Result<(), Violation> {
    let (early, late, later) = (before(END, 1), after(END, 1), after(END, DAY));
    let made = |absolute, idle| family(trial, absolute, idle);
    let limited = |end| {
        let mut family = made(Some(end), None);
        grant(&mut family).not_after = Some(end);
        family
    };
    let families = [
        ("absolute, a millisecond before", made(Some(early), None)),
        ("absolute, at", made(Some(END), None)),
        ("absolute, a millisecond after", made(Some(late), None)),
        ("idle, a millisecond before", made(None, Some(early))),
        ("idle, at", made(None, Some(END))),
        ("idle, a millisecond after", made(None, Some(late))),
        ("the idle one comes first", made(Some(later), Some(early))),
        ("the absolute one comes first", made(Some(early), Some(later))),
        ("both lie ahead", made(Some(later), Some(late))),
        ("the grant's, a millisecond before", limited(early)),
        ("the grant's, at", limited(END)),
        ("there is none", made(None, None)),
        ("revoked a millisecond before", revoked(made(None, None), early)),
        ("revoked at", revoked(made(None, None), END)),
        ("revoked a millisecond after", revoked(made(None, None), late)),
        ("revoked before ends that lie ahead", revoked(made(Some(later), Some(later)), early)),
        ("revoked after ends that have passed", revoked(made(Some(early), Some(early)), END)),
        ("used after the absolute end", used(made(Some(early), None), END)),
        ("used a millisecond before, after the end", used(made(Some(before(END, 5)), None), early)),
        ("used after the revocation", used(revoked(made(None, None), early), END)),
    ];
    for (_, family) in &families {
        let _ = trial.created(family.clone()).await?;
    }
    removes(trial, &families).await
}

async fn ends_that_move_count_as_they_are_now(trial: &Trial<'_>) -> Result<(), Violation> {
    let early = before(END, 1);
    let idle = trial.created(family(trial, None, Some(early))).await?;
    let slid = trial.created(family(trial, None, Some(early))).await?;
    let shortened = trial.created(family(trial, None, Some(after(END, DAY)))).await?;
    let endless = trial.created(family(trial, None, None)).await?;
    let late = trial.created(family(trial, Some(early), None)).await?;

    let mut at = guard(&idle);
    at.now = before(END, 5);
    let head = trial.sample.next_head(&idle.head, at.now);
    let _ = trial.turn().advance(&at, &head).await?;
    let mut longer = Family { version: slid.version + 1, ..slid.clone() };
    longer.head.idle_expires_at = Some(after(END, 1));
    let _ = trial.turn().replace(&slid, &longer).await?;
    let mut shorter = Family { version: shortened.version + 1, ..shortened.clone() };
    shorter.head.idle_expires_at = Some(early);
    let _ = trial.turn().replace(&shortened, &shorter).await?;
    let revocation = |at| Revocation { at, reason: Reason::Logout, call: 7 };
    let _ = trial.turn().revoke(endless.id, &revocation(early)).await?;
    let _ = trial.turn().revoke(late.id, &revocation(END)).await?;

    let families = [
        ("a rotation moved it ahead", advanced(&idle, &head)),
        ("a use moved it ahead", longer),
        ("a change moved it back", shorter),
        ("a revocation made one", ended(&endless, &revocation(early))),
        ("a revocation came after it", ended(&late, &revocation(END))),
    ];
    removes(trial, &families).await
}

async fn due(trial: &Trial<'_>, families: usize) -> Result<Vec<Family>, Violation> {
    let mut due = Vec::new();
    for _ in 0..families {
        due.push(trial.created(family(trial, Some(before(END, 1)), None)).await?);
    }
    Ok(due)
}

async fn batches_are_bounded(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a purge removes as many as it may, and fewer only when nothing is left";
    let families = due(trial, 7).await?;
    for (limit, expected) in [(0, 0), (1, 1), (2, 2), (3, 3), (3, 1), (3, 0), (usize::MAX, 0)] {
        let removed = trial.turn().purge(END, limit).await?;
        if removed != expected {
            let seen = format!("{removed} and not {expected} of at most {limit}");
            return Err(trial.broken(promise, seen));
        }
        let mut left = 0;
        for family in &families {
            left += usize::from(trial.turn().load(family.id).await?.is_some());
        }
        let expected = match (limit, expected) {
            (0, _) => 7,
            (1, _) => 6,
            (2, _) => 4,
            (_, 3) => 1,
            _ => 0,
        };
        if left != expected {
            return Err(trial.broken(promise, format!("{left} are left and not {expected}")));
        }
    }
    Ok(())
}

async fn what_is_gone_is_unknown(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a family that was removed is unknown to every step";
    let families = due(trial, 3).await?;
    let _ = drain(trial).await?;
    for family in &families {
        let mut at = guard(family);
        at.now = before(END, 5);
        let head = trial.sample.next_head(&family.head, at.now);
        let written = trial.turn().advance(&at, &head).await?;
        trial.declined(promise, None, &written)?;
        let written = trial.turn().replace(family, &advanced(family, &head)).await?;
        trial.declined(promise, None, &written)?;
        let revocation = trial.sample.revocation(Reason::Logout);
        let Revoked::Unknown = trial.turn().revoke(family.id, &revocation).await? else {
            return Err(trial.broken(promise, "a revocation found it"));
        };
        is_kept(trial, promise, family, false).await?;
    }
    // A page may begin after one that is gone meanwhile; the next holds what is left.
    let mut next = family(trial, None, None);
    next.grant = families[0].grant.clone();
    let next = trial.created(next).await?;
    let page = Page { after: Some(families[0].id), limit: 9 };
    let selected = trial.turn().select(&Selector::subject(&next.grant.subject), page).await?;
    match selected.len() == usize::from(next.id > families[0].id) {
        true => Ok(()),
        false => Err(trial.broken(promise, "a page after it was wrong")),
    }
}

/// A use moves the idle end ahead: a purge that looked before must look again.
async fn a_purge_does_not_remove_what_is_used_meanwhile(
    trial: &Trial<'_>,
) -> Result<(), Violation> {
    let promise = "a purge that races an advance comes first and removes the family, or leaves it";
    for beside in trial.races(2 * ROUNDS) {
        let family = trial.created(family(trial, None, Some(before(END, 1)))).await?;
        let mut at = guard(&family);
        at.now = before(END, 5);
        let head = trial.sample.next_head(&family.head, at.now);
        let (rotating, purging) = (trial.turn(), trial.turn());
        let answers = trial.duel(beside, rotating.advance(&at, &head), purging.purge(END, 9)).await;
        let (written, removed) = answers?;
        let rotated = advanced(&family, &head);
        match (&written, removed) {
            (Written::Committed(_), 0) => {
                trial.committed(promise, &rotated, &written)?;
                is_kept(trial, promise, &rotated, true).await?;
            }
            (Written::Declined(None), 1) => is_kept(trial, promise, &family, false).await?,
            (_, removed) => {
                let seen = format!("{removed} removed, and {}", in_short(&written));
                return Err(trial.broken(promise, seen));
            }
        }
    }
    Ok(())
}

async fn purges_beside_each_other_count_each_family_once(
    trial: &Trial<'_>,
) -> Result<(), Violation> {
    for beside in trial.races(ROUNDS / 4) {
        let families = due(trial, 6).await?;
        let (one, other) = (trial.turn(), trial.turn());
        let (one, other) = trial.duel(beside, one.purge(END, 4), other.purge(END, 4)).await?;
        let removed = one + other + drain(trial).await?;
        if removed != families.len() {
            let seen = format!("{removed} and not {}", families.len());
            return Err(trial.broken("purges that race count each family once", seen));
        }
    }
    Ok(())
}

async fn a_dropped_purge_can_be_run_again(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a purge that is dropped removes families wholly or not at all";
    for polls in 0..ROUNDS / 2 {
        let families = due(trial, HANDLES).await?;
        let step = testing::purge(END, 2);
        if let Some(Err(error)) = cut(trial.turn().store().purge(step), polls / 2).await {
            return Err(trial.broken(promise, told(&error)));
        }
        let _ = drain(trial).await?;
        for family in &families {
            is_kept(trial, promise, family, false).await?;
        }
    }
    Ok(())
}

/// And does not keep the others from going.
async fn what_cannot_be_read_is_left(
    trial: &Trial<'_>,
    factory: &dyn DynFactory,
) -> Result<(), Violation> {
    let promise = "a purge leaves a record that cannot be read, and takes the others that are due";
    let damaged = family(trial, Some(before(END, 1)), None);
    let damaged = trial.created(damaged).await?;
    let others = due(trial, 3).await?;
    trial.damage(factory, damaged.id).await?;
    let removed = drain(trial).await?;
    for family in &others {
        is_kept(trial, promise, family, false).await?;
    }
    if removed != others.len() {
        return Err(trial.broken(promise, format!("{removed} removed and not {}", others.len())));
    }
    for handle in trial.handles() {
        match handle.store().load(damaged.id).await {
            Err(error) if matches!(error.kind(), StoreErrorKind::Impossible(_)) => {}
            Ok(Some(family)) if family.check().is_err() => {}
            Ok(None) => return Err(trial.broken(promise, "it is gone")),
            Ok(Some(_)) => return Err(trial.broken(promise, "it was repaired")),
            Err(error) => return Err(trial.broken(promise, told(&error))),
        }
    }
    Ok(())
}
