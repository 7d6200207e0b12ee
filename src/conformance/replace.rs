//! S5: compare-and-swap of a whole family.

use std::sync::Arc;

use super::clause::Violation;
use super::race::{Contender, cut};
use super::sample::{MAX, NOW, advanced, guard};
use super::shape;
use super::trial::{HANDLES, Trial, told};
use crate::family::{Family, Status};
use crate::grant::Grant;
use crate::store::{Store, Written};
use crate::testing;

const ROUNDS: usize = 24;

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    every_shape_replaces_another(trial).await?;
    another_version_is_declined(trial).await?;
    an_unknown_family_is_declined(trial).await?;
    one_of_many_wins(trial).await?;
    a_replacement_and_an_advance_lose_nothing(trial).await?;
    a_dropped_replacement_is_done_or_undone(trial).await
}

/// Every column is written, and emptied too. Who the family is and when it began never changes.
async fn every_shape_replaces_another(trial: &Trial<'_>) -> Result<(), Violation> {
    let mut family = trial.created(trial.sample.family()).await?;
    for (name, shape) in shape::families(&trial.sample) {
        if shape.status != Status::Live || shape.version == MAX {
            continue;
        }
        let next = replaced(&family, &shape);
        if next.check().is_err() {
            continue;
        }
        let promise = format!("a replacement writes the whole family: {name}");
        swaps(trial, &promise, &family, &next).await?;
        family = next;
    }
    let last = Family { version: MAX - 1, ..trial.sample.family() };
    let last = trial.created(last).await?;
    let next = replaced(&last, &trial.sample.family());
    swaps(trial, "a replacement counts the version up by one", &last, &next).await
}

/// Replaces; and sent again by a driver, writes nothing.
async fn swaps(
    trial: &Trial<'_>,
    promise: &str,
    seen: &Family,
    next: &Family,
) -> Result<(), Violation> {
    let written = trial.turn().replace(seen, next).await?;
    trial.committed(promise, next, &written)?;
    trial.stands(promise, next).await?;
    let promise = "a replacement that is sent again is declined and writes nothing";
    let written = trial.turn().replace(seen, next).await?;
    trial.declined(promise, Some(next), &written)?;
    trial.stands(promise, next).await
}

async fn another_version_is_declined(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a replacement of another version is declined, with the family as it is now";
    let family = trial.created(Family { version: 7, ..trial.sample.family() }).await?;
    for version in [1, 6, 8, 7 + (1 << 32), MAX - 1] {
        let seen = Family { version, ..family.clone() };
        let next = replaced(&seen, &trial.sample.family());
        let written = trial.turn().replace(&seen, &next).await?;
        trial.declined(promise, Some(&family), &written)?;
        trial.stands(promise, &family).await?;
    }
    // A rotation counts, too.
    let head = trial.sample.next_head(&family.head, NOW);
    let _ = trial.turn().advance(&guard(&family), &head).await?;
    let current = advanced(&family, &head);
    for handle in trial.handles() {
        let next = replaced(&family, &trial.sample.family());
        let written = handle.replace(&family, &next).await?;
        trial.declined(promise, Some(&current), &written)?;
    }
    trial.stands(promise, &current).await
}

async fn an_unknown_family_is_declined(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a replacement of an unknown family is declined, and makes none";
    let family = trial.sample.family();
    let next = replaced(&family, &trial.sample.family());
    let written = trial.turn().replace(&family, &next).await?;
    trial.declined(promise, None, &written)?;
    trial.is_unknown(promise, family.id).await
}

async fn one_of_many_wins(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "of replacements that race one is committed, and it is the one that stays";
    for beside in trial.races(ROUNDS) {
        let family = trial.created(trial.sample.family()).await?;
        let nexts: Vec<Family> =
            (0..2 * HANDLES).map(|_| replaced(&family, &trial.sample.family())).collect();
        let calls = nexts
            .iter()
            .map(|next| -> Contender<'_, _> { Box::pin(trial.turn().replace(&family, next)) });
        let answers = trial.race(beside, calls.collect()).await?;
        let answers: Result<Vec<Written>, Violation> = answers.into_iter().collect();
        let answers = answers?;
        let committed = |written: &&Written| matches!(written, Written::Committed(_));
        let winners = answers.iter().filter(committed).count();
        let winner = nexts.iter().zip(&answers).find(|(_, written)| committed(written));
        let (1, Some((next, _))) = (winners, winner) else {
            return Err(trial.broken(promise, format!("{winners} were committed")));
        };
        for written in &answers {
            match written {
                Written::Committed(_) => trial.committed(promise, next, written)?,
                Written::Declined(_) => trial.declined(promise, Some(next), written)?,
            }
        }
        trial.stands(promise, next).await?;
    }
    Ok(())
}

/// A lost update would undo a rotation, or a change of the grant.
async fn a_replacement_and_an_advance_lose_nothing(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a replacement and an advance that race leave what one after the other leaves";
    for beside in trial.races(2 * ROUNDS) {
        let family = trial.created(trial.sample.family()).await?;
        let mut next = replaced(&family, &trial.sample.family());
        // The guard holds on it as on the family: both may commit, the replacement first.
        next.head.clone_from(&family.head);
        let mut grant = Grant::clone(&next.grant);
        grant.attributes.insert("changed".to_owned(), "yes".to_owned());
        next.grant = Arc::new(grant);
        let (guard, head) = (guard(&family), trial.sample.next_head(&family.head, NOW));
        let (replacing, rotating) = (trial.turn(), trial.turn());
        let replace = replacing.replace(&family, &next);
        let answers = trial.duel(beside, rotating.advance(&guard, &head), replace).await;
        let (rotated, changed) = answers?;
        let last = if let Written::Committed(_) = changed {
            trial.committed(promise, &next, &changed)?;
            advanced(&next, &head)
        } else {
            let last = advanced(&family, &head);
            trial.declined(promise, Some(&last), &changed)?;
            last
        };
        trial.committed(promise, &last, &rotated)?;
        trial.stands(promise, &last).await?;
    }
    Ok(())
}

async fn a_dropped_replacement_is_done_or_undone(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a replacement that is dropped is wholly done or wholly undone";
    for polls in 0..ROUNDS {
        let family = trial.created(trial.sample.family()).await?;
        let next = replaced(&family, &trial.sample.family());
        let step = testing::replace(&family, |family| *family = next.clone());
        if let Some(Err(error)) = cut(trial.turn().store().replace(step), polls / 4).await {
            return Err(trial.broken(promise, told(&error)));
        }
        // Sent again, either this or the first is the one that writes.
        let _ = trial.turn().replace(&family, &next).await?;
        trial.stands(promise, &next).await?;
    }
    Ok(())
}

/// The next version of a family, with everything of another but what never changes.
fn replaced(family: &Family, other: &Family) -> Family {
    let mut grant = Grant::clone(&other.grant);
    (grant.subject, grant.client) = (family.grant.subject.clone(), family.grant.client.clone());
    Family {
        id: family.id,
        version: family.version + 1,
        grant: Arc::new(grant),
        created_at: family.created_at,
        expires_at: other.expires_at,
        kept_until: other.kept_until,
        status: family.status.clone(),
        head: other.head.clone(),
        branches: other.branches.clone(),
    }
}
