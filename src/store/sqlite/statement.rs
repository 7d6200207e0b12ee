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
    let (subject, client) = match selector {
        Selector::Subject(subject) => (Some(&**subject), None),
        Selector::Client(client) => (None, Some(&**client)),
        Selector::SubjectAndClient(subject, client) => (Some(&**subject), Some(&**client)),
    };
    let after = page.after.as_ref().map_or(&[][..], |id| id.as_bytes());
    let values = [name(subject), name(client), Value::Bytes(after.into()), count(page.limit)];
    rows(connection, &selection(selector), &values, |row| Ok(read(id(row)?, row)))
}

/// Every id comes after no bytes: an `OR` would keep the search for the place from using the index.
fn selection(selector: &Selector) -> String {
    let condition = match selector {
        Selector::Subject(_) => "subject = ?1",
        Selector::Client(_) => "client = ?2",
        // The `+` keeps the index of the client out of it: a client has more families than a subject.
        Selector::SubjectAndClient(..) => "subject = ?1 AND +client = ?2",
    };
    let names = &*NAMES;
    format!("SELECT {names} FROM families WHERE {condition} AND id > ?3 ORDER BY id LIMIT ?4")
}

/// What may be due, the oldest end first.
static DUE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {}, ended_at FROM families WHERE ended_at < ?1 AND (ended_at, id) > (?2, ?3) \
         ORDER BY ended_at, id LIMIT ?4",
        *NAMES
    )
});

/// The end and the id of a row that purge has looked at.
pub(super) type Place = (i64, FamilyId);

/// Removes what is due of the next rows after a place; says how many, and the place to go on from, if there may be more.
pub(super) fn purge(
    connection: &Connection,
    step: &Purge,
    after: Option<Place>,
    limit: usize,
) -> Result<(usize, Option<Place>), StoreError> {
    // No end is before 0, and every id comes after no bytes.
    let (end, after) = after.as_ref().map_or((0, &[][..]), |(end, id)| (*end, id.as_bytes()));
    let before = Value::Timestamp(step.ended_before());
    let end = Value::Integer(end.unsigned_abs());
    let values = [before, end, Value::Bytes(after.into()), count(limit)];
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sqlite::scan::SCAN;
    use crate::store::sqlite::schema::MIGRATIONS;

    /// How SQLite goes about it.
    fn plan(sql: &str) -> String {
        let connection = Connection::open_in_memory().unwrap();
        MIGRATIONS.iter().for_each(|sql| connection.execute_batch(sql).unwrap());
        let explain = format!("EXPLAIN QUERY PLAN {sql}");
        let mut statement = connection.prepare(&explain).unwrap();
        let steps = statement.raw_query().mapped(|row| row.get::<_, String>(3));
        steps.collect::<Result<Vec<_>, _>>().unwrap().join("; ")
    }

    /// A sign-in under a limit looked at all families of its client, 98 ms of them, and each page of a large client began with its
    /// first family: a hundred thousand took half a minute. A page costs what is in it.
    #[test]
    fn each_page_is_one_search_of_one_index_from_its_place_on() {
        for (sql, expected) in [
            (selection(&Selector::subject("a")), "families_by_subject (subject=? AND id>?)"),
            (selection(&Selector::client("c")), "families_by_client (client=? AND id>?)"),
            (
                selection(&Selector::subject_and_client("a", "c")),
                "families_by_subject (subject=? AND id>?)",
            ),
            (DUE.clone(), "families_by_end ((ended_at,id)>(?,?) AND ended_at<?)"),
        ] {
            assert_eq!(plan(&sql), format!("SEARCH families USING INDEX {expected}"), "{sql}");
        }
    }

    /// Of what is fetched by its key.
    #[test]
    fn a_walk_over_all_is_one_search_of_the_key() {
        assert_eq!(plan(&SCAN), "SEARCH families USING PRIMARY KEY (id>?)");
    }
}
