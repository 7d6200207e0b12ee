//! S1: insert if absent.

use super::clause::Violation;
use super::race::{Contender, cut};
use super::sample::{HOUR, MAX, Sample, after, ended, grant};
use super::shape;
use super::trial::{HANDLES, Trial};
use crate::family::{Family, Reason};
use crate::store::{Created, Page, Selector, Store};
use crate::testing;

const ROUNDS: usize = 24;

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    every_shape_is_kept(trial).await?;
    taken_ids_are_reported(trial).await?;
    a_step_that_is_sent_again_changes_nothing(trial).await?;
    one_of_many_wins(trial).await?;
    a_dropped_create_is_done_or_undone(trial).await
}

async fn every_shape_is_kept(trial: &Trial<'_>) -> Result<(), Violation> {
    for (name, family) in shape::families(&trial.sample) {
        let family = trial.created(family).await?;
        let promise = format!("a family is kept as it was created: {name}");
        trial.stands(&promise, &family).await?;
        is_selected(trial, &promise, &family, true).await?;
    }
    Ok(())
}

async fn taken_ids_are_reported(trial: &Trial<'_>) -> Result<(), Violation> {
    let first = trial.created(trial.sample.family()).await?;
    let revocation = trial.sample.revocation(Reason::Logout);
    for dead in [false, true] {
        let mut stored = first.clone();
        if dead {
            let _ = trial.turn().revoke(first.id, &revocation).await?;
            stored = ended(&first, &revocation);
        }
        for version in [1, first.version, first.version + 2, MAX] {
            let second = Family { id: first.id, version, ..trial.sample.family() };
            let Created::Taken = trial.turn().create(&second).await? else {
                return Err(trial.broken("a taken id is reported", "created"));
            };
            trial.stands("a taken id is not overwritten", &stored).await?;
            is_selected(trial, "what was not created is not selected", &second, false).await?;
            is_selected(trial, "what has the id is still selected", &stored, true).await?;
        }
    }
    Ok(())
}

/// A driver may send a create twice: it is then its own, or taken.
async fn a_step_that_is_sent_again_changes_nothing(trial: &Trial<'_>) -> Result<(), Violation> {
    let family = trial.created(trial.sample.family()).await?;
    let promise = "a create that is sent again changes nothing";
    if let Created::New(committed) = trial.turn().create(&family).await? {
        trial.same(promise, &family, committed.family())?;
    }
    trial.stands(promise, &family).await?;
    let head = trial.sample.next_head(&family.head, super::sample::NOW);
    let _ = trial.turn().advance(&super::sample::guard(&family), &head).await?;
    let Created::Taken = trial.turn().create(&family).await? else {
        return Err(trial.broken("an id is taken, also by the same family later on", "created"));
    };
    trial.stands(promise, &super::sample::advanced(&family, &head)).await
}

async fn one_of_many_wins(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "of creates that race for an id one wins, and it is the one that stays";
    for beside in trial.races(ROUNDS) {
        let id = trial.sample.id();
        let families: Vec<Family> = contenders(&trial.sample, id);
        let creates = families
            .iter()
            .map(|family| -> Contender<'_, _> { Box::pin(trial.turn().create(family)) });
        let answers = trial.race(beside, creates.collect()).await?;
        let mut winners = Vec::new();
        for (family, answer) in families.iter().zip(answers) {
            if let Created::New(committed) = answer? {
                trial.same(promise, family, committed.family())?;
                winners.push(family);
            }
        }
        let [winner] = winners[..] else {
            return Err(trial.broken(promise, format!("{} were created", winners.len())));
        };
        trial.stands(promise, winner).await?;
        for family in &families {
            let won = family.grant.subject == winner.grant.subject;
            is_selected(trial, promise, family, won).await?;
        }
    }
    Ok(())
}

fn contenders(sample: &Sample, id: crate::token::FamilyId) -> Vec<Family> {
    (0..2 * HANDLES).map(|_| Family { id, ..sample.family() }).collect()
}

async fn a_dropped_create_is_done_or_undone(trial: &Trial<'_>) -> Result<(), Violation> {
    let promise = "a create that is dropped is wholly done, or can be done again";
    for polls in 0..ROUNDS {
        let mut family = trial.sample.family();
        grant(&mut family).not_after = Some(after(family.created_at, 48 * HOUR));
        let create = trial.turn().store().create(testing::create(family.clone()));
        let answer = cut(create, polls / 4).await;
        if let Some(Err(error)) = answer {
            return Err(trial.broken(promise, super::trial::told(&error)));
        }
        // Whether the first or this: it is there afterwards.
        let _ = trial.turn().create(&family).await?;
        trial.stands(promise, &family).await?;
        is_selected(trial, promise, &family, true).await?;
    }
    Ok(())
}

/// Whether a selection of the family's own subject and client finds just this family.
async fn is_selected(
    trial: &Trial<'_>,
    promise: &str,
    family: &Family,
    expected: bool,
) -> Result<(), Violation> {
    let (subject, client) = (&family.grant.subject, &family.grant.client);
    for selector in [
        Selector::subject(subject),
        Selector::client(client),
        Selector::subject_and_client(subject, client),
    ] {
        let page = Page { after: None, limit: 9 };
        let selected = trial.turn().select(&selector, page).await?;
        let found: Vec<_> = selected.iter().flatten().collect();
        match found[..] {
            [] if !expected && selected.is_empty() => {}
            [only] if expected && selected.len() == 1 => trial.same(promise, family, only)?,
            _ => {
                let seen = format!("{} families selected by {selector:?}", selected.len());
                return Err(trial.broken(promise, seen));
            }
        }
    }
    Ok(())
}
