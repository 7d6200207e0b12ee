//! S4: an end is for good, and the first reason stays.

use super::clause::Violation;
use super::race::{Contender, cut};
use super::sample::{MAX, NOW, advanced, ended, grant, guard};
use super::shape;
use super::trial::{HANDLES, Trial, family_in_short, told};
use crate::family::{Family, Reason, Revocation};
use crate::store::{Revoked, Store, Written};
use crate::testing;

const ROUNDS: usize = 24;

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    every_end_is_kept_whole(trial).await?;
    the_first_reason_stays(trial).await?;
    a_dead_family_is_not_written(trial).await?;
    one_of_many_ends_it(trial).await?;
    a_revocation_beats_a_rotation_in_flight(trial).await?;
    a_revocation_beats_a_replacement_in_flight(trial).await?;
    a_dropped_revocation_is_done_or_undone(trial).await?;
    an_unknown_family_is_unknown(trial).await
}

async fn an_unknown_family_is_unknown(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a revocation of an unknown family says so, and makes none";
    let id = trial.sample.id();
    let revoked = trial.turn().revoke(id, &trial.sample.revocation(Reason::Logout)).await?;
    let Revoked::Unknown = revoked else {
        return Err(trial.broken(promise, in_short(&revoked)));
    };
    trial.is_unknown(promise, id).await
}

async fn every_end_is_kept_whole(trial: &Trial<'_>) -> Result<(), Violation> {
    let reasons = shape::reasons().into_iter().map(|reason| trial.sample.revocation(reason));
    for revocation in reasons.chain(shape::revocations()) {
        let family = trial.created(trial.sample.family()).await?;
        let promise = format!("an end is kept as it was made: {}", revocation.reason);
        by_this_call(trial, &promise, &family, &revocation).await?;
    }
    // Ends that are reached, and bindings, do not matter to a revocation.
    for (name, shape) in shape::families(&trial.sample) {
        if shape.version < MAX && shape.status == crate::family::Status::Live {
            let family = trial.created(shape).await?;
            let promise = format!("an end writes nothing but status and version: {name}");
            let revocation = trial.sample.revocation(Reason::Administrator);
            by_this_call(trial, &promise, &family, &revocation).await?;
        }
    }
    Ok(())
}

/// Ends the family; and sent again by a driver, says the same and writes nothing.
async fn by_this_call(
    trial: &Trial<'_>,
    promise: &str,
    family: &Family,
    revocation: &Revocation,
) -> Result<(), Violation> {
    let expected = ended(family, revocation);
    for promise in
        [promise, "a revocation that is sent again is still this call's, and writes nothing"]
    {
        let revoked = trial.turn().revoke(family.id, revocation).await?;
        let Revoked::ByThisCall(committed) = &revoked else {
            return Err(trial.broken(promise, in_short(&revoked)));
        };
        trial.same(promise, &expected, committed.family())?;
        trial.stands(promise, &expected).await?;
    }
    Ok(())
}

async fn the_first_reason_stays(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "the first reason stays, and a later revocation is told of it";
    for first in shape::reasons() {
        let family = trial.created(trial.sample.family()).await?;
        let revocation = trial.sample.revocation(first);
        let _ = trial.turn().revoke(family.id, &revocation).await?;
        let dead = ended(&family, &revocation);
        for (second, call) in [
            (Reason::Administrator, revocation.call),
            (Reason::Administrator, revocation.call ^ 1),
            (first, revocation.call ^ 1),
        ] {
            let at = super::sample::before(NOW, 1);
            let later = Revocation { at, reason: second, call };
            before(trial, promise, &dead, &later).await?;
        }
    }
    Ok(())
}

/// The family had ended before, and nothing is written.
async fn before(
    trial: &Trial<'_>,
    promise: &str,
    dead: &Family,
    later: &Revocation,
) -> Result<(), Violation> {
    let revoked = trial.turn().revoke(dead.id, later).await?;
    let Revoked::Before(seen) = &revoked else {
        return Err(trial.broken(promise, in_short(&revoked)));
    };
    trial.same(promise, dead, seen)?;
    trial.stands(promise, dead).await
}

async fn a_dead_family_is_not_written(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "nothing writes a family after its end";
    let family = trial.created(trial.sample.family()).await?;
    let revocation = trial.sample.revocation(Reason::Logout);
    let _ = trial.turn().revoke(family.id, &revocation).await?;
    let dead = ended(&family, &revocation);
    for handle in trial.handles() {
        for version in [None, Some(family.version), Some(dead.version)] {
            let mut guard = guard(&family);
            guard.version = version;
            let head = trial.sample.next_head(&family.head, NOW);
            let written = handle.advance(&guard, &head).await?;
            trial.declined(promise, Some(&dead), &written)?;
        }
        // Of the version before the end, of the one after it, and one that would bring the family back to life.
        for (seen, next) in [(&family, &family), (&dead, &dead), (&dead, &family)] {
            let written = handle.replace(seen, &changed(next)).await?;
            trial.declined(promise, Some(&dead), &written)?;
        }
        trial.stands(promise, &dead).await?;
    }
    Ok(())
}

async fn one_of_many_ends_it(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "of revocations that race one ends the family, and all are told which";
    for beside in trial.races(ROUNDS) {
        let family = trial.created(trial.sample.family()).await?;
        let reasons = [Reason::Logout, Reason::Administrator];
        let revocations: Vec<Revocation> = (0..2 * HANDLES)
            .map(|number| trial.sample.revocation(reasons[number % reasons.len()]))
            .collect();
        let calls = revocations.iter().map(|revocation| -> Contender<'_, _> {
            Box::pin(trial.turn().revoke(family.id, revocation))
        });
        let answers = trial.race(beside, calls.collect()).await?;
        let answers: Result<Vec<Revoked>, Violation> = answers.into_iter().collect();
        let answers = answers?;
        let first = |revoked: &&Revoked| matches!(revoked, Revoked::ByThisCall(_));
        let winners = answers.iter().filter(first).count();
        let winner = revocations.iter().zip(&answers).find(|(_, revoked)| first(revoked));
        let (1, Some((revocation, _))) = (winners, winner) else {
            return Err(trial.broken(promise, format!("{winners} ended it")));
        };
        let dead = ended(&family, revocation);
        for revoked in &answers {
            match revoked {
                Revoked::ByThisCall(committed) => trial.same(promise, &dead, committed.family())?,
                Revoked::Before(seen) => trial.same(promise, &dead, seen)?,
                Revoked::Unknown => return Err(trial.broken(promise, in_short(revoked))),
            }
        }
        trial.stands(promise, &dead).await?;
    }
    Ok(())
}

async fn a_revocation_beats_a_rotation_in_flight(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise =
        "an advance that races a revocation is committed before it, or declined because of it";
    for beside in trial.races(2 * ROUNDS) {
        let family = trial.created(trial.sample.family()).await?;
        let revocation = trial.sample.revocation(Reason::Logout);
        let (guard, head) = (guard(&family), trial.sample.next_head(&family.head, NOW));
        let (rotating, revoking) = (trial.turn(), trial.turn());
        let end = revoking.revoke(family.id, &revocation);
        let answers = trial.duel(beside, rotating.advance(&guard, &head), end).await?;
        let rotated = advanced(&family, &head);
        settle(trial, promise, answers, [&family, &rotated], &revocation).await?;
        // And afterwards nothing succeeds any more.
        let mut late = guard.clone();
        (late.position.generation, late.digest) = (head.generation, head.digest);
        for guard in [&guard, &late] {
            let written = rotating.advance(guard, &trial.sample.next_head(&head, NOW)).await?;
            if let Written::Committed(_) = written {
                return Err(trial.broken("no advance succeeds after a revocation", "committed"));
            }
        }
    }
    Ok(())
}

async fn a_revocation_beats_a_replacement_in_flight(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise =
        "a replacement that races a revocation is committed before it, or declined because of it";
    for beside in trial.races(ROUNDS) {
        let family = trial.created(trial.sample.family()).await?;
        let revocation = trial.sample.revocation(Reason::Logout);
        let next = changed(&family);
        let (replacing, revoking) = (trial.turn(), trial.turn());
        let end = revoking.revoke(family.id, &revocation);
        let answers = trial.duel(beside, replacing.replace(&family, &next), end).await?;
        settle(trial, promise, answers, [&family, &next], &revocation).await?;
    }
    Ok(())
}

/// The outcome is that of one order: the write and then the end, or the end and no write.
async fn settle(
    trial: &Trial<'_>,
    promise: &str,
    (answer, revoked): (Written, Revoked),
    [unwritten, written]: [&Family; 2],
    revocation: &Revocation,
) -> Result<(), Violation> {
    let dead = match &answer {
        Written::Committed(committed) => {
            trial.same(promise, written, committed.family())?;
            ended(written, revocation)
        }
        Written::Declined(_) => {
            let dead = ended(unwritten, revocation);
            trial.declined(promise, Some(&dead), &answer)?;
            dead
        }
    };
    let Revoked::ByThisCall(committed) = &revoked else {
        return Err(trial.broken(promise, in_short(&revoked)));
    };
    trial.same(promise, &dead, committed.family())?;
    trial.stands(promise, &dead).await
}

async fn a_dropped_revocation_is_done_or_undone(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a revocation that is dropped is wholly done or wholly undone";
    for polls in 0..ROUNDS {
        let family = trial.created(trial.sample.family()).await?;
        let revocation = trial.sample.revocation(Reason::Logout);
        let step = testing::revoke(family.id, revocation.clone());
        if let Some(Err(error)) = cut(trial.turn().store().revoke(step), polls / 4).await {
            return Err(trial.broken(promise, told(&error)));
        }
        by_this_call(trial, promise, &family, &revocation).await?;
    }
    Ok(())
}

/// The family after a change of its grant.
fn changed(family: &Family) -> Family {
    let mut next = Family { version: family.version + 1, ..family.clone() };
    grant(&mut next).attributes.insert("changed".to_owned(), "yes".to_owned());
    next
}

fn in_short(revoked: &Revoked) -> String {
    match revoked {
        Revoked::ByThisCall(committed) => {
            format!("ended by this call: {}", family_in_short(committed.family()))
        }
        Revoked::Before(family) => format!("ended before: {}", family_in_short(family)),
        Revoked::Unknown => "no such family".to_owned(),
    }
}
