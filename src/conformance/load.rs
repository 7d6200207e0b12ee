//! S2: read what was written, by whomever.

use super::clause::Violation;
use super::sample::{NOW, advanced, ended, grant, guard};
use super::trial::{HANDLES, Trial};
use crate::family::{Family, Reason};

pub(super) async fn check(trial: &Trial<'_>) -> Result<(), Violation> {
    let unknown = trial.sample.id();
    trial.is_unknown("an id that was never created is unknown", unknown).await?;
    // From every handle to all the others, which have read before and may remember.
    for writer in 0..HANDLES {
        every_write_is_read_at_once(trial, writer).await?;
    }
    trial.is_unknown("an id that was never created stays unknown", unknown).await
}

async fn every_write_is_read_at_once(trial: &Trial<'_>, writer: usize) -> Result<(), Violation> {
    let handle = &trial.handles()[writer];
    let mut family = trial.sample.family();
    trial.is_unknown("a family is unknown before its creation", family.id).await?;
    let _ = handle.create(&family).await?;
    trial.stands("a load reads a creation, on every handle", &family).await?;

    for _ in 0..4 {
        let head = trial.sample.next_head(&family.head, NOW);
        let _ = handle.advance(&guard(&family), &head).await?;
        family = advanced(&family, &head);
        trial.stands("a load reads an advance, on every handle", &family).await?;
    }
    let mut next = Family { version: family.version + 1, ..family.clone() };
    grant(&mut next).attributes.insert("acr".to_owned(), "3".to_owned());
    let _ = handle.replace(&family, &next).await?;
    trial.stands("a load reads a replacement, on every handle", &next).await?;

    let revocation = trial.sample.revocation(Reason::Logout);
    let _ = handle.revoke(next.id, &revocation).await?;
    trial.stands("a load reads a revocation, on every handle", &ended(&next, &revocation)).await
}
