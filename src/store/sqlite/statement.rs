//! The statements, and rows in both directions.

use std::sync::LazyLock;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Row, ToSql, params_from_iter};

use super::schema::failure;
use crate::family::{Family, Impossible};
use crate::record::columns::{self, COLUMNS, Column, Kind, Value};
use crate::store::{Page, Purge, Selected, Selector, StoreError};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// The names of all columns, as they are selected.
pub(super) static NAMES: LazyLock<String> = LazyLock::new(|| names(&COLUMNS).join(", "));

/// Inserts a family unless its id is taken.
pub(super) fn insert(connection: &Connection, family: &Family) -> Result<bool, StoreError> {
    static INSERT: LazyLock<String> = LazyLock::new(|| {
        let values: Vec<String> = (1..=COLUMNS.len()).map(|number| format!("?{number}")).collect();
        let values = values.join(", ");
        format!("INSERT INTO families ({}) VALUES ({values}) ON CONFLICT (id) DO NOTHING", *NAMES)
    });
    Ok(execute(connection, &INSERT, &columns::write(family))? == 1)
}

pub(super) fn load(connection: &Connection, id: FamilyId) -> Result<Option<Family>, StoreError> {
    static LOAD: LazyLock<String> =
        LazyLock::new(|| format!("SELECT {} FROM families WHERE id = ?1", *NAMES));
    let key = [Value::Bytes(id.as_bytes().into())];
    let found = rows(connection, &LOAD, &key, |row| Ok(read(id, row)))?;
    Ok(found.into_iter().next().transpose()?)
}

/// Writes a family in place of its row, but for the columns that never change.
pub(super) fn update(connection: &Connection, family: &Family) -> Result<(), StoreError> {
    static UPDATE: LazyLock<String> = LazyLock::new(|| {
        // Left out, their indexes are not written either.
        let changing = |name: &str| !["id", "subject", "client"].contains(&name);
        let columns = names(&COLUMNS).into_iter().zip(1..).filter(|(name, _)| changing(name));
        let assigned: Vec<String> =
            columns.map(|(name, number)| format!("{name} = ?{number}")).collect();
        format!("UPDATE families SET {} WHERE id = ?1", assigned.join(", "))
    });
    execute(connection, &UPDATE, &columns::write(family)).map(drop)
}

pub(super) fn select(
    connection: &Connection,
    selector: &Selector,
    page: Page,
) -> Result<Selected, StoreError> {
    let (condition, subject, client) = match selector {
        Selector::Subject(subject) => ("subject = ?1", Some(&**subject), None),
        Selector::Client(client) => ("client = ?2", None, Some(&**client)),
        Selector::SubjectAndClient(subject, client) => {
            ("subject = ?1 AND client = ?2", Some(&**subject), Some(&**client))
        }
    };
    let sql = format!(
        "SELECT {} FROM families WHERE {condition} AND (?3 IS NULL OR id > ?3) ORDER BY id LIMIT ?4",
        *NAMES
    );
    let after = page.after.as_ref().map_or(Value::Null, |id| Value::Bytes(id.as_bytes().into()));
    let values = [name(subject), name(client), after, count(page.limit)];
    rows(connection, &sql, &values, |row| Ok(read(id(row)?, row)))
}

/// The end and the id of a row that purge has looked at.
pub(super) type Place = (i64, FamilyId);

/// Removes what is due of the next rows after a place; says how many, and the place to go on from, if there may be more.
pub(super) fn purge(
    connection: &Connection,
    step: &Purge,
    after: Option<Place>,
    limit: usize,
) -> Result<(usize, Option<Place>), StoreError> {
    static DUE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "SELECT {}, ended_at FROM families WHERE ended_at < ?1 \
             AND (?2 IS NULL OR (ended_at, id) > (?2, ?3)) ORDER BY ended_at, id LIMIT ?4",
            *NAMES
        )
    });
    let (end, id_after) = match &after {
        Some((end, id)) => (Value::Integer(end.unsigned_abs()), Value::Bytes(id.as_bytes().into())),
        None => (Value::Null, Value::Null),
    };
    let before = Value::Timestamp(step.ended_before());
    let values = [before, end, id_after, count(limit)];
    let due = rows(connection, &DUE, &values, |row| {
        Ok(((row.get(COLUMNS.len())?, id(row)?), read(id(row)?, row)))
    })?;
    let mut removed = 0;
    for (_, family) in &due {
        // A record that cannot be read is left (S7).
        if let Some(family) = family.as_ref().ok().filter(|family| step.is_due(family)) {
            let id = [Value::Bytes(family.id.as_bytes().into())];
            removed += execute(connection, "DELETE FROM families WHERE id = ?1", &id)?;
        }
    }
    Ok((removed, due.last().filter(|_| due.len() == limit).map(|(place, _)| *place)))
}

fn name(name: Option<&str>) -> Value<'_> {
    name.map_or(Value::Null, |name| Value::Text(name.into()))
}

pub(super) fn count(limit: usize) -> Value<'static> {
    Value::Integer(u64::try_from(limit).unwrap_or(u64::MAX).min(i64::MAX.unsigned_abs()))
}

fn execute(connection: &Connection, sql: &str, values: &[Value<'_>]) -> Result<usize, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    statement.execute(params_from_iter(values)).map_err(failure)
}

pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: &[Value<'_>],
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut statement = connection.prepare_cached(sql).map_err(failure)?;
    let rows = statement.query_map(params_from_iter(values), read);
    rows.and_then(Iterator::collect).map_err(failure)
}

/// A row's id. One that is no id is named by zeros, and its record refused for it.
pub(super) fn id(row: &Row<'_>) -> rusqlite::Result<FamilyId> {
    let bytes = row.get_ref(0)?.as_bytes().ok().and_then(|bytes| bytes.try_into().ok());
    Ok(FamilyId::from_bytes(bytes.unwrap_or_default()))
}

pub(super) fn read(id: FamilyId, row: &Row<'_>) -> Result<Family, Impossible> {
    columns::read(id, |index, column| value(column, row.get_ref(index).ok()?))
}

fn value<'a>(column: &Column, stored: ValueRef<'a>) -> Option<Value<'a>> {
    Some(match (column.kind, stored) {
        (_, ValueRef::Null) => Value::Null,
        (Kind::Integer, ValueRef::Integer(integer)) => Value::Integer(u64::try_from(integer).ok()?),
        (Kind::Timestamp, ValueRef::Integer(millis)) => {
            let since = Duration::from_millis(u64::try_from(millis).ok()?);
            Value::Timestamp(Timestamp::ZERO.checked_add(since)?)
        }
        (Kind::Flag, ValueRef::Integer(flag @ (0 | 1))) => Value::Flag(flag == 1),
        (Kind::Text | Kind::Json, ValueRef::Text(text)) => {
            Value::Text(std::str::from_utf8(text).ok()?.into())
        }
        (Kind::Bytes, ValueRef::Blob(bytes)) => Value::Bytes(bytes.into()),
        _ => return None,
    })
}

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let integer = |integer: u64| {
            i64::try_from(integer)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
        };
        Ok(match self {
            Self::Null => ToSqlOutput::Borrowed(ValueRef::Null),
            Self::Integer(value) => integer(*value)?.into(),
            Self::Timestamp(instant) => integer(instant.as_millis())?.into(),
            Self::Flag(flag) => i64::from(*flag).into(),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Self::Bytes(bytes) => ToSqlOutput::Borrowed(ValueRef::Blob(bytes)),
        })
    }
}

fn names(columns: &[Column]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
}
