//! S8: what was acknowledged stays.

use super::boxed::DynFactory;
use super::clause::{Clause, Violation};
use super::sample::{NOW, PURGED_BEFORE, advanced, before, ended, grant, guard};
use super::trial::Trial;
use crate::family::{Family, Reason};
use crate::store::{Page, Selector};
use crate::token::FamilyId;

/// Families after one write each, and one that is gone.
struct Written {
    there: Vec<Family>,
    gone: FamilyId,
}

pub(super) async fn check(factory: &dyn DynFactory) -> Result<(), Violation> {
    let first = Trial::begin(Clause::Durable, factory).await?;
    let written = write(&first).await?;
    // A process that is killed closes nothing: so the first handles are still open.
    let beside = Trial::begin(Clause::Durable, factory).await?;
    is_there(&beside, "what was acknowledged is there on a handle opened later", &written).await?;
    drop((first, beside));
    let after = Trial::begin(Clause::Durable, factory).await?;
    is_there(&after, "what was acknowledged is there when every handle was closed", &written).await
}

/// One family for each kind of write, none of which is followed by another that might flush it.
async fn write(trial: &Trial<'_>) -> Result<Written, Violation> {
    let purged = trial.created(long_ended(trial)).await?;
    while trial.turn().purge(PURGED_BEFORE, 100).await? == 100 {}
    let replaced = trial.created(trial.sample.family()).await?;
    let mut next = Family { version: replaced.version + 1, ..replaced.clone() };
    grant(&mut next).attributes.clear();
    let _ = trial.turn().replace(&replaced, &next).await?;

    let revoked = trial.created(trial.sample.family()).await?;
    let revocation = trial.sample.revocation(Reason::Logout);
    let _ = trial.turn().revoke(revoked.id, &revocation).await?;

    let rotated = trial.created(trial.sample.family()).await?;
    let head = trial.sample.next_head(&rotated.head, NOW);
    let _ = trial.turn().advance(&guard(&rotated), &head).await?;

    let created = trial.created(trial.sample.family()).await?;
    let there = vec![next, ended(&revoked, &revocation), advanced(&rotated, &head), created];
    Ok(Written { there, gone: purged.id })
}

async fn is_there(trial: &Trial<'_>, promise: &str, written: &Written) -> Result<(), Violation> {
    for family in &written.there {
        trial.stands(promise, family).await?;
        let selector = Selector::subject(&family.grant.subject);
        let page = Page { after: None, limit: 9 };
        let selected = trial.turn().select(&selector, page).await?;
        let [Ok(only)] = &selected[..] else {
            let seen = format!("{} families selected by its subject", selected.len());
            return Err(trial.broken(promise, seen));
        };
        trial.same(promise, family, only)?;
    }
    trial.is_unknown(promise, written.gone).await
}

fn long_ended(trial: &Trial<'_>) -> Family {
    let mut family = trial.sample.family();
    let at = before(PURGED_BEFORE, 10);
    (family.created_at, family.expires_at) = (at, Some(before(PURGED_BEFORE, 1)));
    (family.head.rotated_at, family.head.used_at) = (at, at);
    family.head.idle_expires_at = None;
    family
}
