//! Values of columns as PostgreSQL's binary formats, both ways.

use std::error::Error;
use std::fmt;

use bytes::BytesMut;
use deadpool_postgres::tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use crate::record::columns::{COLUMNS, Column, Kind, Value};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// What PostgreSQL counts from, 2000-01-01T00:00:00Z, in milliseconds since 1970.
const EPOCH: i64 = 946_684_800_000;

/// The type of a column.
pub(super) fn sql_type(column: &Column) -> Type {
    match (column.name, column.kind) {
        ("id", _) => Type::UUID,
        ("key_id", _) => Type::INT2,
        (_, Kind::Integer) => Type::INT8,
        (_, Kind::Timestamp) => Type::TIMESTAMPTZ,
        (_, Kind::Flag) => Type::BOOL,
        (_, Kind::Text) => Type::TEXT,
        (_, Kind::Json) => Type::JSON,
        (_, Kind::Bytes) => Type::BYTEA,
    }
}

/// Values beside the types of as many columns, from one on.
pub(super) fn params<'a>(
    from: usize,
    values: impl IntoIterator<Item = Value<'a>>,
) -> Vec<(Param<'a>, Type)> {
    let types = COLUMNS.iter().skip(from).map(sql_type);
    values.into_iter().map(Param::Value).zip(types).collect()
}

/// A family's id.
pub(super) fn key(id: FamilyId) -> (Param<'static>, Type) {
    (Param::Value(Value::Bytes(id.as_bytes().to_vec().into())), Type::UUID)
}

/// An instant.
pub(super) fn instant(instant: Timestamp) -> (Param<'static>, Type) {
    (Param::Value(Value::Timestamp(instant)), Type::TIMESTAMPTZ)
}

/// A number of rows.
pub(super) fn limit(rows: usize) -> (Param<'static>, Type) {
    let rows = u32::try_from(rows).unwrap_or(u32::MAX);
    (Param::Value(Value::Integer(rows.into())), Type::INT8)
}

/// A text, or NULL.
pub(super) fn text(text: Option<&str>) -> (Param<'_>, Type) {
    (Param::Value(text.map_or(Value::Null, |text| Value::Text(text.into()))), Type::TEXT)
}

/// A parameter of a statement. Its `Debug`, which the driver may log, shows nothing.
pub(super) enum Param<'a> {
    /// A column's value.
    Value(Value<'a>),
    /// An array of them.
    Values(Vec<Param<'a>>),
    /// A date.
    Day(Day),
}

/// A date as PostgreSQL counts it; the infinite ones are the ends of the range.
#[derive(Clone, Copy)]
pub(super) struct Day(pub(super) i32);

impl Day {
    /// `-infinity`.
    pub(super) const FIRST: Self = Self(i32::MIN);
}

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("..")
    }
}

type Encoded = Result<IsNull, Box<dyn Error + Sync + Send>>;

impl ToSql for Param<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Encoded {
        match self {
            Self::Value(value) => write(value, ty, out),
            Self::Values(values) => values.to_sql(ty, out),
            Self::Day(day) => put(out, &day.0.to_be_bytes()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // The types are stated with the values, and `write` refuses what does not fit.
        true
    }

    to_sql_checked!();
}

fn write(value: &Value<'_>, ty: &Type, out: &mut BytesMut) -> Encoded {
    match value {
        Value::Null => Ok(IsNull::Yes),
        Value::Integer(integer) if *ty == Type::INT2 => {
            put(out, &i16::try_from(*integer)?.to_be_bytes())
        }
        Value::Integer(integer) => put(out, &i64::try_from(*integer)?.to_be_bytes()),
        Value::Timestamp(instant) => put(out, &micros(*instant)?.to_be_bytes()),
        Value::Flag(flag) => put(out, &[u8::from(*flag)]),
        Value::Text(text) => put(out, text.as_bytes()),
        Value::Bytes(bytes) => put(out, bytes),
    }
}

fn put(out: &mut BytesMut, bytes: &[u8]) -> Encoded {
    out.extend_from_slice(bytes);
    Ok(IsNull::No)
}

/// Exact: the last instant is within the range of PostgreSQL's, too.
fn micros(instant: Timestamp) -> Result<i64, Box<dyn Error + Sync + Send>> {
    Ok((i64::try_from(instant.as_millis())? - EPOCH) * 1000)
}

/// What a column holds; `None` if heirloom cannot have written it.
pub(super) struct Cell<'a>(pub(super) Option<Value<'a>>);

impl<'a> FromSql<'a> for Cell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(read(ty, raw)))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(Some(Value::Null)))
    }

    fn accepts(_: &Type) -> bool {
        // A column of another type is a damaged one, and `read` says so.
        true
    }
}

impl FromSql<'_> for Day {
    fn from_sql(_: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(Self(i32::from_be_bytes(raw.try_into()?)))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::DATE
    }
}

fn read<'a>(ty: &Type, raw: &'a [u8]) -> Option<Value<'a>> {
    Some(match *ty {
        Type::UUID | Type::BYTEA => Value::Bytes(raw.into()),
        Type::INT2 => Value::Integer(i16::from_be_bytes(raw.try_into().ok()?).try_into().ok()?),
        Type::INT8 => Value::Integer(i64::from_be_bytes(raw.try_into().ok()?).try_into().ok()?),
        Type::TIMESTAMPTZ => {
            Value::Timestamp(from_micros(i64::from_be_bytes(raw.try_into().ok()?))?)
        }
        Type::BOOL => Value::Flag(*raw.first()? != 0),
        Type::TEXT | Type::JSON => Value::Text(std::str::from_utf8(raw).ok()?.into()),
        _ => return None,
    })
}

/// `None` for the infinite instants, those before 1970, and those between two milliseconds.
fn from_micros(micros: i64) -> Option<Timestamp> {
    let whole = micros.rem_euclid(1000) == 0;
    let millis = u64::try_from(micros.div_euclid(1000).checked_add(EPOCH)?).ok()?;
    (whole && millis <= Timestamp::MAX.as_millis()).then(|| Timestamp::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_is_exact() {
        for millis in [0, 1, 946_684_799_999, 946_684_800_000, Timestamp::MAX.as_millis()] {
            let there = Timestamp::from_millis(millis);
            assert_eq!(from_micros(micros(there).unwrap()), Some(there));
        }
    }

    #[test]
    fn no_instant_is_read_from_what_is_none() {
        let last = micros(Timestamp::MAX).unwrap();
        let first = micros(Timestamp::ZERO).unwrap();
        for micros in [i64::MIN, i64::MAX, last + 1000, first - 1000, first + 1, first - 1, -1] {
            assert_eq!(from_micros(micros), None, "{micros}");
        }
    }

    #[test]
    fn a_parameter_does_not_show_its_value() {
        let param = Param::Value(Value::Text("alice".into()));
        assert_eq!(format!("{param:?}"), "..");
    }
}
