//! S3: the head is replaced if and only if the guard holds.

use super::clause::Violation;
use super::guard::{self, Case};
use super::race::{Contender, cut};
use super::sample::{MAX, NOW, advanced, before, grant, guard as guard_on};
use super::trial::{HANDLES, Trial, in_short, told};
use super::{ends, shape};
use crate::family::{Family, Head};
use crate::guard::Guard;
use crate::store::{Store, Written};
use crate::testing;

const ROUNDS: usize = 24;
/// Pairs of cases, both edits on one family.
const PAIRS: usize = 80;

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    every_head_is_written_whole(trial).await?;
    for case in guard::CASES.iter().chain(ends::CASES) {
        the_guard_decides(trial, case).await?;
    }
    for _ in 0..PAIRS {
        a_pair_of_cases_decides(trial).await?;
    }
    an_unknown_family_is_declined(trial).await?;
    a_declined_family_is_the_current_one(trial).await?;
    one_of_many_wins(trial).await?;
    a_dropped_advance_is_done_or_undone(trial).await
}

async fn every_head_is_written_whole(trial: &Trial<'_>) -> Result<(), Violation> {
    let mut first = trial.sample.family();
    (first.head.generation, first.head.predecessor) = (0, None);
    (first.expires_at, first.head.idle_expires_at) = (None, None);
    for mut family in [trial.sample.family(), first] {
        for (name, head) in shape::heads(&trial.sample, &family) {
            (family.id, family.head.digest) = (trial.sample.id(), trial.sample.digest());
            family = trial.created(family).await?;
            let promise = format!("an advance writes the head and nothing else: {name}");
            advances(trial, &promise, &family, &guard_on(&family), &head).await?;
        }
    }
    let mut last = trial.sample.family();
    last.version = MAX - 1;
    let last = trial.created(last).await?;
    let head = trial.sample.next_head(&last.head, NOW);
    advances(trial, "an advance counts the version up by one", &last, &guard_on(&last), &head).await
}

async fn the_guard_decides(trial: &Trial<'_>, case: &Case) -> Result<(), Violation> {
    let (family, guard) = case.make(&trial.sample);
    let family = trial.created(family).await?;
    let head = trial.sample.next_head(&family.head, guard.now);
    decides(trial, case.name, case.holds, &family, &guard, &head).await
}

/// The edits of two cases at once: comparisons must not stand in for each other.
async fn a_pair_of_cases_decides(trial: &Trial<'_>) -> Result<(), Violation> {
    let sample = &trial.sample;
    let one_of = |cases: &'static [Case]| &cases[sample.below(cases.len())];
    let pair = [one_of(guard::CASES), one_of(ends::CASES)];
    let mut family = sample.family();
    pair.iter().for_each(|case| (case.family)(&mut family));
    let mut guard = guard_on(&family);
    pair.iter().for_each(|case| (case.guard)(&mut guard));
    if family.check().is_err() {
        return Ok(());
    }
    let family = trial.created(family).await?;
    let head = sample.next_head(&family.head, guard.now);
    let name = pair.map(|case| case.name).join("; and ");
    decides(trial, &name, guard.holds(&family), &family, &guard, &head).await
}

/// A guard is asked for on each handle, so that a declined advance is declined everywhere.
async fn decides(
    trial: &Trial<'_>,
    name: &str,
    holds: bool,
    family: &Family,
    guard: &Guard,
    head: &Head,
) -> Result<(), Violation> {
    if holds {
        let promise = format!("an advance is committed when the guard holds: {name}");
        return advances(trial, &promise, family, guard, head).await;
    }
    let promise = format!("an advance is declined and writes nothing when the guard fails: {name}");
    let written = trial.turn().advance(guard, head).await?;
    trial.declined(&promise, Some(family), &written)?;
    trial.stands(&promise, family).await
}

/// Commits; and sent again by a driver, changes nothing.
async fn advances(
    trial: &Trial<'_>,
    promise: &str,
    family: &Family,
    guard: &Guard,
    head: &Head,
) -> Result<(), Violation> {
    let expected = advanced(family, head);
    let written = trial.turn().advance(guard, head).await?;
    trial.committed(promise, &expected, &written)?;
    trial.stands(promise, &expected).await?;
    let promise =
        format!("an advance that is sent again is declined and writes nothing ({promise})");
    let written = trial.turn().advance(guard, head).await?;
    trial.declined(&promise, Some(&expected), &written)?;
    trial.stands(&promise, &expected).await
}

async fn an_unknown_family_is_declined(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "an advance of an unknown family is declined, and makes none";
    let family = trial.sample.family();
    let head = trial.sample.next_head(&family.head, NOW);
    let written = trial.turn().advance(&guard_on(&family), &head).await?;
    trial.declined(promise, None, &written)?;
    trial.is_unknown(promise, family.id).await
}

/// Whoever has written last, and whatever the asked handle has seen before.
async fn a_declined_family_is_the_current_one(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "an advance that is declined returns the family as it is now";
    let mut family = trial.created(trial.sample.family()).await?;
    let stale = guard_on(&family);
    for round in 0..2 * HANDLES {
        let writer = &trial.handles()[round % HANDLES];
        let next = match round % 2 {
            0 => {
                let head = trial.sample.next_head(&family.head, NOW);
                let _ = writer.advance(&guard_on(&family), &head).await?;
                advanced(&family, &head)
            }
            _ => {
                let mut next = Family { version: family.version + 1, ..family.clone() };
                grant(&mut next).attributes.insert("round".to_owned(), round.to_string());
                let _ = writer.replace(&family, &next).await?;
                next
            }
        };
        family = next;
        for handle in trial.handles() {
            let head = trial.sample.next_head(&family.head, NOW);
            let written = handle.advance(&stale, &head).await?;
            trial.declined(promise, Some(&family), &written)?;
        }
    }
    trial.stands(promise, &family).await
}

async fn one_of_many_wins(trial: &Trial<'_>) -> Result<(), Violation> {
    for (round, beside) in trial.races(ROUNDS).enumerate() {
        let mut family = trial.sample.family();
        family.head.rotated_at = before(family.head.rotated_at, 1);
        let family = trial.created(family).await?;
        let mut guard = guard_on(&family);
        guard.version = (round % 2 == 1).then_some(family.version);
        let heads: Vec<Head> =
            (0..2 * HANDLES).map(|_| trial.sample.next_head(&family.head, NOW)).collect();
        let advances = heads
            .iter()
            .map(|head| -> Contender<'_, _> { Box::pin(trial.turn().advance(&guard, head)) });
        let answers = trial.race(beside, advances.collect()).await?;
        let answers: Result<Vec<Written>, Violation> = answers.into_iter().collect();
        judge(trial, &family, &guard, &heads, &answers?).await?;
    }
    Ok(())
}

/// One is committed and stays; the others are declined because of it, and say so.
async fn judge(
    trial: &Trial<'_>,
    family: &Family,
    guard: &Guard,
    heads: &[Head],
    answers: &[Written],
) -> Result<(), Violation> {
    let promise = "of advances that race one is committed, and it is the one that stays";
    let committed = |written: &&Written| matches!(written, Written::Committed(_));
    let winners = answers.iter().filter(committed).count();
    let winner = heads.iter().zip(answers).find(|(_, written)| committed(written));
    let (1, Some((head, written))) = (winners, winner) else {
        return Err(trial.broken(promise, format!("{winners} were committed")));
    };
    let expected = advanced(family, head);
    trial.committed(promise, &expected, written)?;
    trial.stands(promise, &expected).await?;
    for written in answers.iter().filter(|written| !committed(written)) {
        let promise = "an advance that lost a race returns the family as the winner left it";
        match written {
            Written::Declined(Some(seen)) if guard.holds(seen) => {
                return Err(trial.broken(promise, in_short(written)));
            }
            _ => trial.declined(promise, Some(&expected), written)?,
        }
    }
    Ok(())
}

async fn a_dropped_advance_is_done_or_undone(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "an advance that is dropped is wholly done or wholly undone";
    for polls in 0..ROUNDS {
        let family = trial.created(trial.sample.family()).await?;
        let (guard, head) = (guard_on(&family), trial.sample.next_head(&family.head, NOW));
        let step = testing::advance(guard.clone(), head.clone());
        if let Some(Err(error)) = cut(trial.turn().store().advance(step), polls / 4).await {
            return Err(trial.broken(promise, told(&error)));
        }
        // Sent again, either this or the first is the one that writes; a third finds it done.
        let _ = trial.turn().advance(&guard, &head).await?;
        trial.stands(promise, &advanced(&family, &head)).await?;
        let written = trial.turn().advance(&guard, &head).await?;
        trial.declined(promise, Some(&advanced(&family, &head)), &written)?;
    }
    Ok(())
}
