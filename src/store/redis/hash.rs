//! A family <-> the fields of its hash.

use std::borrow::Cow;

use redis::{ErrorKind, RedisError, Value as Reply};

use crate::family::{Family, Impossible};
use crate::record::columns::{self, COLUMNS, Column, Kind, Value};
use crate::store::StoreError;
use crate::time::Timestamp;
use crate::token::FamilyId;

/// Columns whose 0 is not written: an absent one is 0 wherever it is not NULL. Format 1 has none of them.
const ZEROS: [&str; 3] = ["displaced", "predecessor_replays", "predecessor_displaced"];

const BRANCHES: &str = "branches";

/// What a script says of a family.
pub(super) enum Said {
    /// It was written.
    Committed(Option<Family>),
    /// It was not; as it is stored.
    Stored(Option<Family>),
}

/// Reads the reply of a script about a family.
pub(super) fn said(id: FamilyId, reply: Reply) -> Result<Said, StoreError> {
    let mut parts = items(reply)?.into_iter();
    let verdict = parts.next();
    let second = parts.next();
    match verdict {
        Some(Reply::Int(1)) => {
            Ok(Said::Committed(second.map(|it| family(id, it)).transpose()?.flatten()))
        }
        Some(Reply::Int(0)) => {
            Ok(Said::Stored(second.map(|it| family(id, it)).transpose()?.flatten()))
        }
        Some(Reply::Int(2)) => Err(damaged(id, second, parts.next())?),
        _ => Err(unexpected()),
    }
}

/// The fields as [`said`] reads them, whatever they are.
pub(super) fn family(id: FamilyId, fields: Reply) -> Result<Option<Family>, StoreError> {
    let fields = Fields::new(fields)?;
    if fields.0.is_empty() { Ok(None) } else { Ok(Some(fields.family(id)?)) }
}

/// The raw fields of a hash.
pub(super) struct Fields(Vec<(Vec<u8>, Vec<u8>)>);

impl Fields {
    pub(super) fn new(reply: Reply) -> Result<Self, StoreError> {
        let mut fields = Vec::with_capacity(COLUMNS.len());
        let mut texts = items(reply)?.into_iter().map(bytes);
        while let Some(name) = texts.next() {
            fields.push((name?, texts.next().ok_or_else(unexpected)??));
        }
        Ok(Self(fields))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn field(&self, name: &str) -> Option<&[u8]> {
        let found = self.0.iter().find(|(field, _)| field == name.as_bytes());
        found.map(|(_, value)| &**value)
    }

    pub(super) fn family(&self, id: FamilyId) -> Result<Family, Impossible> {
        let family = columns::read(id, |_, column| match self.field(column.name) {
            Some(field) => parse(column, field),
            None => Some(self.absent(column)),
        })?;
        match self.field(BRANCHES).is_none_or(|field| is_spelling_of(&family, field)) {
            true => Ok(family),
            false => Err(Impossible { family: id, field: BRANCHES }),
        }
    }

    /// What a column is without a field.
    fn absent(&self, column: &Column) -> Value<'static> {
        let is_null = column.name != "displaced" && self.field("predecessor_digest").is_none();
        match column.kind {
            Kind::Flag if ZEROS.contains(&column.name) && !is_null => Value::Flag(false),
            Kind::Integer if ZEROS.contains(&column.name) && !is_null => Value::Integer(0),
            _ => Value::Null,
        }
    }
}

/// Names and values of columns, then the names of those that are NULL; and how many the former are.
pub(super) fn assignments<'a>(
    columns: impl IntoIterator<Item = &'a Column>,
    values: impl IntoIterator<Item = Value<'a>>,
) -> (usize, Vec<Vec<u8>>) {
    let (mut written, mut erased) = (Vec::new(), Vec::new());
    for (column, value) in columns.into_iter().zip(values) {
        let is_zero = matches!(value, Value::Flag(false) | Value::Integer(0));
        match text(value) {
            Some(text) if !(is_zero && ZEROS.contains(&column.name)) => {
                written.extend([column.name.into(), text]);
            }
            Some(_) | None => erased.push(column.name.into()),
        }
    }
    let count = written.len();
    written.append(&mut erased);
    (count, written)
}

/// A value as a field holds it.
pub(super) fn text(value: Value<'_>) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::Integer(integer) => Some(integer.to_string().into()),
        Value::Timestamp(instant) => Some(instant.as_millis().to_string().into()),
        Value::Flag(flag) => Some(u8::from(flag).to_string().into()),
        Value::Text(text) => Some(text.into_owned().into()),
        Value::Bytes(bytes) => Some(bytes.into_owned()),
    }
}

/// Whether branches are spelt as they are written: scripts read no other JSON.
fn is_spelling_of(family: &Family, field: &[u8]) -> bool {
    let mut columns = COLUMNS.iter().zip(columns::write(family));
    let written = columns.find(|(column, _)| column.name == BRANCHES);
    written.and_then(|(_, value)| text(value)).as_deref() == Some(field)
}

/// The same as the scripts accept.
fn parse<'a>(column: &Column, field: &'a [u8]) -> Option<Value<'a>> {
    match column.kind {
        Kind::Integer => decimal(field).map(Value::Integer),
        Kind::Timestamp => {
            decimal(field).map(|millis| Value::Timestamp(Timestamp::from_millis(millis)))
        }
        Kind::Flag => match field {
            b"0" => Some(Value::Flag(false)),
            b"1" => Some(Value::Flag(true)),
            _ => None,
        },
        Kind::Text => Some(Value::Text(Cow::Borrowed(std::str::from_utf8(field).ok()?))),
        Kind::Json => {
            let plain = matches!(field.first(), Some(b'[' | b'{'))
                && field.iter().all(|&byte| byte >= b' ');
            let text = std::str::from_utf8(field).ok().filter(|_| plain)?;
            Some(Value::Text(Cow::Borrowed(text)))
        }
        Kind::Bytes => Some(Value::Bytes(Cow::Borrowed(field))),
    }
}

/// Digits as they are written here: no sign, no zero before others, at most 2^53 - 1.
fn decimal(field: &[u8]) -> Option<u64> {
    let digits =
        field.iter().all(u8::is_ascii_digit) && (field == b"0" || field.first() != Some(&b'0'));
    let number = std::str::from_utf8(field).ok().filter(|_| digits)?.parse().ok()?;
    (number <= Timestamp::MAX.as_millis()).then_some(number)
}

/// A script that refuses a record names the column; what the decoder says of it comes first.
fn damaged(
    id: FamilyId,
    column: Option<Reply>,
    fields: Option<Reply>,
) -> Result<StoreError, StoreError> {
    if let Some(fields) = fields {
        Fields::new(fields)?.family(id)?;
    }
    let name = bytes(column.ok_or_else(unexpected)?)?;
    let column = COLUMNS.iter().find(|column| column.name.as_bytes() == name);
    let field = column.map_or("record", |column| column.name);
    Ok(Impossible { family: id, field }.into())
}

/// The parts of a reply.
pub(super) fn items(reply: Reply) -> Result<Vec<Reply>, StoreError> {
    match reply {
        Reply::Array(items) => Ok(items),
        Reply::Nil => Ok(Vec::new()),
        _ => Err(unexpected()),
    }
}

/// A text or bytes of a reply.
pub(super) fn bytes(reply: Reply) -> Result<Vec<u8>, StoreError> {
    match reply {
        Reply::BulkString(bytes) => Ok(bytes),
        Reply::SimpleString(text) => Ok(text.into()),
        _ => Err(unexpected()),
    }
}

/// No script of this release replies like that.
pub(super) fn unexpected() -> StoreError {
    let error = (ErrorKind::UnexpectedReturnType, "a reply that no script of heirloom gives");
    StoreError::unavailable(RedisError::from(error))
}
