//! All rows, in the order of their keys.

use std::sync::LazyLock;

use rusqlite::Connection;

use super::statement::{NAMES, count, id, read, rows};
use crate::record::columns::Value;
use crate::store::{Cursor, CursorError, Scanned, StoreError};

/// Goes before the key of a row in a cursor, if that is no id: longer than one. A row that cannot be has a place, too.
const NO_ID: &[u8] = b"no id, but a key:";

/// All keys come after no bytes.
pub(super) static SCAN: LazyLock<String> =
    LazyLock::new(|| format!("SELECT {} FROM families WHERE id > ?1 ORDER BY id LIMIT ?2", *NAMES));

/// A page of the rows after a place.
pub(super) fn scan(
    connection: &Connection,
    after: Option<Cursor>,
    limit: usize,
) -> Result<Scanned, StoreError> {
    let key = after.as_ref().map_or(Ok(&[][..]), key)?;
    let values = [Value::Bytes(key.into()), count(limit)];
    let mut last = Vec::new();
    let families = rows(connection, &SCAN, &values, |row| {
        last = row.get_ref(0)?.as_bytes().unwrap_or_default().to_vec();
        Ok(read(id(row)?, row))
    })?;
    let next = if families.len() < limit { None } else { Some(place(&last)?) };
    Ok(Scanned { families, next })
}

fn place(key: &[u8]) -> Result<Cursor, CursorError> {
    match key.len() {
        16 => Cursor::new(key),
        _ => Cursor::new(&[NO_ID, key].concat()),
    }
}

fn key(cursor: &Cursor) -> Result<&[u8], CursorError> {
    match cursor.as_bytes() {
        id if id.len() == 16 => Ok(id),
        place => place.strip_prefix(NO_ID).ok_or(CursorError::Foreign),
    }
}
