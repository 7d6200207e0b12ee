//! S9: what cannot be is refused, not repaired, and hides no other.

use super::boxed::DynFactory;
use super::clause::Violation;
use super::sample::{NOW, grant, guard};
use super::trial::{Trial, family_in_short, told};
use crate::family::{Family, Impossible, Reason};
use crate::store::{Page, Revoked, Selector, Store, StoreError, StoreErrorKind, Written};
use crate::testing;
use crate::token::FamilyId;

pub(super) async fn check(trial: &Trial<'_>, factory: &dyn DynFactory) -> Result<(), Violation> {
    let mut families = siblings(trial).await?;
    families.sort_by_key(|family| family.id);
    let damaged = families.remove(families.len() / 2);
    trial.damage(factory, damaged.id).await?;

    a_load_refuses(trial, "a load refuses a damaged record", damaged.id).await?;
    a_selection_shows_it_among_the_others(trial, &damaged, &families).await?;
    a_declined_advance_refuses(trial, &damaged).await?;
    a_taken_id_is_not_overwritten(trial, &damaged).await?;
    a_declined_replacement_refuses(trial, &damaged).await?;
    a_revocation_refuses(trial, &damaged).await?;
    an_advance_does_not_repair(trial, &damaged).await?;

    a_load_refuses(trial, "a damaged record is not repaired by any step", damaged.id).await?;
    a_selection_shows_it_among_the_others(trial, &damaged, &families).await?;
    for family in &families {
        trial.stands("a damaged record changes no other", family).await?;
    }
    Ok(())
}

/// Five families of one subject.
async fn siblings(trial: &Trial<'_>) -> Result<Vec<Family>, Violation> {
    let shared = trial.sample.family().grant;
    let mut families = Vec::new();
    for _ in 0..5 {
        let family = Family { grant: shared.clone(), ..trial.sample.family() };
        families.push(trial.created(family).await?);
    }
    Ok(families)
}

async fn a_load_refuses(trial: &Trial<'_>, promise: &str, id: FamilyId) -> Result<(), Violation> {
    for handle in trial.handles() {
        let loaded = handle.store().load(id).await;
        refuses(trial, promise, id, loaded)?;
    }
    Ok(())
}

async fn a_selection_shows_it_among_the_others(
    trial: &Trial<'_>,
    damaged: &Family,
    others: &[Family],
) -> Result<(), Violation> {
    let promise = "a selection shows why a record is refused, in its place, and all the others";
    let mut expected: Vec<FamilyId> = others.iter().map(|family| family.id).collect();
    expected.push(damaged.id);
    expected.sort();
    for limit in [1, 2, 9] {
        let (mut after, mut found) = (None, Vec::new());
        loop {
            let selector = Selector::subject(&damaged.grant.subject);
            let page = Page { after, limit };
            let selected = trial.turn().select(&selector, page).await?;
            let length = selected.len();
            for family in selected {
                found.push(checked(trial, promise, damaged.id, family)?);
            }
            after = found.last().copied();
            if length < limit || found.len() > expected.len() {
                break;
            }
        }
        if found != expected {
            return Err(trial.broken(promise, format!("{found:?} and not {expected:?}")));
        }
    }
    Ok(())
}

/// The id of a selected family, of which the damaged one alone may be refused.
fn checked(
    trial: &Trial<'_>,
    promise: &str,
    damaged: FamilyId,
    selected: Result<Family, Impossible>,
) -> Result<FamilyId, Violation> {
    let (id, refused) = match selected {
        Ok(family) => (family.id, family.check().is_err()),
        Err(impossible) => (impossible.family, !impossible.field.is_empty()),
    };
    if refused == (id == damaged) {
        return Ok(id);
    }
    let seen = if refused { "refused" } else { "shown as if it were whole" };
    Err(trial.broken(promise, format!("{id} is {seen}")))
}

/// A guard that fails on it whatever the damage: it is returned, so it is read.
async fn a_declined_advance_refuses(trial: &Trial<'_>, damaged: &Family) -> Result<(), Violation> {
    let mut guard = guard(damaged);
    guard.position.generation += 7;
    let head = trial.sample.next_head(&damaged.head, NOW);
    let written = trial.turn().store().advance(testing::advance(guard, head)).await;
    let family = written.map(|written| match written {
        Written::Declined(family) => family,
        Written::Committed(committed) => Some(committed.into_family()),
    });
    refuses(trial, "an advance that is declined refuses a damaged record", damaged.id, family)
}

/// A guard that holds on what the record was: it may fail on what it is, but must not make it whole.
async fn an_advance_does_not_repair(trial: &Trial<'_>, damaged: &Family) -> Result<(), Violation> {
    let head = trial.sample.next_head(&damaged.head, NOW);
    let step = testing::advance(guard(damaged), head);
    let written = trial.turn().store().advance(step).await;
    let family = written.map(|written| match written {
        Written::Declined(family) => family,
        Written::Committed(committed) => Some(committed.into_family()),
    });
    refuses(trial, "an advance refuses a damaged record", damaged.id, family)
}

async fn a_taken_id_is_not_overwritten(
    trial: &Trial<'_>,
    damaged: &Family,
) -> Result<(), Violation> {
    let promise = "a damaged record is not overwritten by a create";
    let step = testing::create(damaged.clone());
    if let Ok(crate::store::Created::New(_)) = trial.turn().store().create(step).await {
        return Err(trial.broken(promise, "created"));
    }
    a_load_refuses(trial, promise, damaged.id).await
}

async fn a_declined_replacement_refuses(
    trial: &Trial<'_>,
    damaged: &Family,
) -> Result<(), Violation> {
    let seen = Family { version: damaged.version + 70, ..damaged.clone() };
    let step = testing::replace(&seen, |family| grant(family).attributes.clear());
    let written = trial.turn().store().replace(step).await;
    let family = written.map(|written| match written {
        Written::Declined(family) => family,
        Written::Committed(committed) => Some(committed.into_family()),
    });
    refuses(trial, "a replacement that is declined refuses a damaged record", damaged.id, family)
}

/// It may end the family: its answer must not say that it is whole.
async fn a_revocation_refuses(trial: &Trial<'_>, damaged: &Family) -> Result<(), Violation> {
    let revocation = trial.sample.revocation(Reason::Logout);
    let step = testing::revoke(damaged.id, revocation);
    let revoked = trial.turn().store().revoke(step).await;
    let family = revoked.map(|revoked| match revoked {
        Revoked::ByThisCall(committed) => Some(committed.into_family()),
        Revoked::Before(family) => Some(family),
        Revoked::Unknown => None,
    });
    refuses(trial, "a revocation refuses a damaged record", damaged.id, family)
}

/// An error with the id and a field; or the family as it stands, for the engine to refuse.
fn refuses(
    trial: &Trial<'_>,
    promise: &str,
    id: FamilyId,
    answer: Result<Option<Family>, StoreError>,
) -> Result<(), Violation> {
    let seen = match answer {
        Ok(None) => "no such family".to_owned(),
        Ok(Some(family)) if family.id == id && family.check().is_err() => return Ok(()),
        Ok(Some(family)) => format!("as if it were whole: {}", family_in_short(&family)),
        Err(error) => match error.kind() {
            StoreErrorKind::Impossible(Impossible { family, field })
                if family == id && !field.is_empty() =>
            {
                return Ok(());
            }
            _ => told(&error),
        },
    };
    Err(trial.broken(promise, seen))
}
