//! The removal of what ended long ago, in batches.

use deadpool_postgres::tokio_postgres::types::Type;

use super::row;
use super::session::Sessions;
use super::value::{Day, Param, instant, key, limit};
use crate::family::Family;
use crate::record::columns::Value;
use crate::store::{Purge, StoreError};
use crate::token::FamilyId;

const DUE: &str = include_str!("../schema/postgres/due.sql");
const PURGE: &str = include_str!("../schema/postgres/purge.sql");

/// At most so many families are read, and removed by one statement: none holds its locks for long.
const BATCH: usize = 500;

/// How often a purge looks again because others have changed what it was about to remove.
const PASSES: usize = 16;

/// Removes at most as many families as the step says, and what cannot be read not at all; returns how many.
pub(super) async fn purge(sessions: &Sessions, step: Purge) -> Result<usize, StoreError> {
    let mut purged = 0;
    for _ in 0..PASSES {
        let pass = pass(sessions, step, step.limit() - purged).await?;
        purged += pass.purged;
        if !pass.overtaken || purged == step.limit() {
            return Ok(purged);
        }
    }
    Err(StoreError::conflict(
        "families that are due were changed again and again, or are not removed",
    ))
}

/// One way through all that is due.
struct Pass {
    purged: usize,
    /// Whether a family was changed after it was read: it may still be due.
    overtaken: bool,
}

async fn pass(sessions: &Sessions, step: Purge, at_most: usize) -> Result<Pass, StoreError> {
    let mut pass = Pass { purged: 0, overtaken: false };
    let mut place = Some(Place { day: Day::FIRST, id: FamilyId::from_bytes([0; 16]) });
    while let Some(after) = place.filter(|_| pass.purged < at_most) {
        let (due, next) = due(sessions, step, after, BATCH.min(at_most - pass.purged)).await?;
        let removed = remove(sessions, step, &due).await?;
        pass.purged += removed;
        pass.overtaken |= removed < due.len();
        place = next;
    }
    Ok(pass)
}

/// A place in the index by end.
#[derive(Clone, Copy)]
struct Place {
    day: Day,
    id: FamilyId,
}

/// The next families that may go, and the place of the last one that was looked at; `None`: there are no more.
async fn due(
    sessions: &Sessions,
    step: Purge,
    after: Place,
    at_most: usize,
) -> Result<(Vec<Family>, Option<Place>), StoreError> {
    let day = (Param::Day(after.day), Type::DATE);
    let params = [instant(step.ended_before()), day, key(after.id), limit(at_most)];
    let rows = sessions.query(DUE, &params).await?;
    let read = row::read(&rows)?;
    let next = match (read.last(), rows.last()) {
        (Some((id, _)), Some(last)) if read.len() == at_most => {
            Some(Place { day: row::day(last)?, id: *id })
        }
        _ => None,
    };
    let readable = read.into_iter().filter_map(|(_, family)| family.ok());
    Ok((readable.filter(|family| step.is_due(family)).collect(), next))
}

/// Removes those families that are still as they were read; returns how many.
async fn remove(sessions: &Sessions, step: Purge, due: &[Family]) -> Result<usize, StoreError> {
    if due.is_empty() {
        return Ok(0);
    }
    let ids = due.iter().map(|it| Param::Value(Value::Bytes(it.id.as_bytes().into())));
    let versions = due.iter().map(|it| Param::Value(Value::Integer(it.version)));
    let params = [
        (Param::Values(ids.collect()), Type::UUID_ARRAY),
        (Param::Values(versions.collect()), Type::INT8_ARRAY),
        instant(step.ended_before()),
    ];
    row::count(&sessions.query(PURGE, &params).await?)
}
