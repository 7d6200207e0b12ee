//! Families in the rows of an answer.

use deadpool_postgres::tokio_postgres::Row;

use super::error::{Failure, Unfit};
use super::value::{Cell, Day};
use crate::family::{Family, Impossible};
use crate::record::columns::{self, COLUMNS, Value};
use crate::store::StoreError;
use crate::token::FamilyId;

/// A row's id, and its family or why there can be none.
pub(super) type Found = (FamilyId, Result<Family, Impossible>);

/// The row of a conditional write: whether it was written, and the family as it is now.
pub(super) fn written(id: FamilyId, rows: &[Row]) -> Result<Option<(bool, Family)>, StoreError> {
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some((flag(row)?, family(id, row)?)))
}

/// The rows of a read, of which one without an id says that there are none.
///
/// # Errors
///
/// The server is a standby: what it does not have may be there.
pub(super) fn read(rows: &[Row]) -> Result<Vec<Found>, StoreError> {
    let mut families = Vec::with_capacity(rows.len());
    for row in rows {
        if flag(row)? {
            return Err(Unfit::Standby.into());
        }
        if let Some(id) = id(row)? {
            families.push((id, family(id, row)));
        }
    }
    Ok(families)
}

/// What stands behind the family.
pub(super) fn day(row: &Row) -> Result<Day, StoreError> {
    row.try_get(COLUMNS.len() + 1).map_err(|error| Failure::from(error).into())
}

/// The one number of an answer.
pub(super) fn count(rows: &[Row]) -> Result<usize, StoreError> {
    let count: Option<i64> =
        rows.first().map(|row| row.try_get(0)).transpose().map_err(Failure::from)?;
    Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
}

/// What stands before the family.
fn flag(row: &Row) -> Result<bool, StoreError> {
    row.try_get(0).map_err(|error| Failure::from(error).into())
}

fn id(row: &Row) -> Result<Option<FamilyId>, StoreError> {
    let Cell(id) = row.try_get(1).map_err(Failure::from)?;
    Ok(match id {
        Some(Value::Bytes(bytes)) => bytes.as_ref().try_into().ok().map(FamilyId::from_bytes),
        _ => None,
    })
}

fn family(id: FamilyId, row: &Row) -> Result<Family, Impossible> {
    let has_predecessor = || {
        COLUMNS.iter().position(|it| it.name == "predecessor_digest").and_then(|at| cell(row, at))
            != Some(Value::Null)
    };
    columns::read(id, |index, column| match (column.name, cell(row, index)?) {
        // A node of 0.1.0 has rotated the family: it counts nothing, and displaces nothing.
        ("predecessor_replays", Value::Null) if has_predecessor() => Some(Value::Integer(0)),
        ("predecessor_displaced", Value::Null) if has_predecessor() => Some(Value::Flag(false)),
        (_, value) => Some(value),
    })
}

fn cell<'a>(row: &'a Row, index: usize) -> Option<Value<'a>> {
    row.try_get(index + 1).ok().and_then(|Cell(value)| value)
}
