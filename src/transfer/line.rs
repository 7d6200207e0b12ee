//! One line, both ways. Its text is what the checksum is over, so that no other JSON library and no order of fields changes it.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::Deserialize;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use super::error::LineError;
use crate::family::{Family, Impossible, Status};
use crate::record::columns::{self, COLUMNS, Column, Kind, Value};
use crate::time::Timestamp;
use crate::token::FamilyId;

/// The version of the format that is written; every earlier one is read.
pub(super) const VERSION: u64 = 1;

/// The longest line that is read: a family with bounds widened far beyond the defaults.
pub(super) const MAX_LINE: usize = 16 * 1024 * 1024;

/// What stands between the content and the checksum, and after that.
const SUM: &str = ",\"sum\":\"";
const CLOSE: &str = "\"}";

/// What the lines so far add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Sum([u8; 16]);

impl Sum {
    /// With one line more: all of it that comes before its own checksum.
    fn next(self, content: &str) -> Self {
        let hash = Sha256::new().chain_update(self.0).chain_update(content).finalize();
        let mut sum = [0; 16];
        sum.copy_from_slice(&hash[..16]);
        Self(sum)
    }

    pub(super) fn to_text(self) -> String {
        encode(&self.0)
    }

    pub(super) fn from_text(text: &str) -> Option<Self> {
        decode(text).and_then(|bytes| bytes.try_into().ok()).map(Self)
    }
}

/// The lines of a file that is being written.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    /// The lines, each with its line feed.
    pub(super) text: String,
    /// The checksum after them.
    pub(super) sum: Sum,
}

impl Writer {
    /// The first line.
    pub(super) fn header(&mut self) {
        self.line(&format!("{{\"heirloom_families\":{VERSION}"));
    }

    /// A family, the so many-th from 1: its columns that are not NULL, in their order.
    pub(super) fn family(&mut self, n: u64, family: &Family) {
        let mut content = format!("{{\"n\":{n},\"family\":{{");
        let named = COLUMNS.iter().zip(columns::write(family));
        let present = named.filter_map(|(column, value)| Some((column.name, json(column, value)?)));
        for (index, (name, value)) in present.enumerate() {
            let comma = if index > 0 { "," } else { "" };
            content.push_str(&format!("{comma}\"{name}\":{value}"));
        }
        content.push('}');
        self.line(&content);
    }

    /// The last line, and how many families there were.
    pub(super) fn end(&mut self, families: u64) {
        self.line(&format!("{{\"end\":{families}"));
    }

    fn line(&mut self, content: &str) {
        self.sum = self.sum.next(content);
        for part in [content, SUM, &self.sum.to_text(), CLOSE, "\n"] {
            self.text.push_str(part);
        }
    }
}

/// What a line says.
pub(super) enum Content {
    /// The first.
    Header,
    /// A family, and its number.
    Family(u64, Map<String, Json>),
    /// The last, and how many families there were.
    End(u64),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields {
    heirloom_families: Option<u64>,
    n: Option<u64>,
    family: Option<Map<String, Json>>,
    end: Option<u64>,
    #[serde(rename = "sum")]
    _sum: String,
}

/// Reads the first line.
pub(super) fn header(text: &str) -> Result<Content, LineError> {
    // The rest of a newer one may be of any form.
    let json: Json = serde_json::from_str(text).map_err(|_| LineError::Header)?;
    match json.get("heirloom_families").and_then(Json::as_u64) {
        Some(found) if found > VERSION => Err(LineError::Newer { found, known: VERSION }),
        Some(1..) => content(text),
        Some(0) | None => Err(LineError::Header),
    }
}

/// Reads any other line; nothing is verified yet.
pub(super) fn content(text: &str) -> Result<Content, LineError> {
    let form = |error: serde_json::Error| LineError::Form(error.to_string());
    let fields: Fields = serde_json::from_str(text).map_err(form)?;
    match fields {
        Fields { heirloom_families: Some(_), n: None, family: None, end: None, .. } => {
            Ok(Content::Header)
        }
        Fields { heirloom_families: None, n: Some(n), family: Some(family), end: None, .. } => {
            Ok(Content::Family(n, family))
        }
        Fields { heirloom_families: None, n: None, family: None, end: Some(end), .. } => {
            Ok(Content::End(end))
        }
        _ => Err(LineError::Form("neither a family nor the end".to_owned())),
    }
}

/// The checksum after a line, if it is right.
pub(super) fn verify(text: &str, before: Sum) -> Result<Sum, LineError> {
    let split = text.strip_suffix(CLOSE).and_then(|text| text.rsplit_once(SUM));
    let Some((content, sum)) = split else {
        return Err(LineError::Form("it does not end with its checksum".to_owned()));
    };
    let expected = before.next(content);
    if Sum::from_text(sum) == Some(expected) { Ok(expected) } else { Err(LineError::Checksum) }
}

/// The family of a line.
pub(super) fn read(fields: &Map<String, Json>) -> Result<Family, Impossible> {
    let nil = FamilyId::from_bytes([0; 16]);
    let id = fields.get("id").and_then(Json::as_str).and_then(|text| text.parse().ok());
    let id = id.ok_or(Impossible { family: nil, field: "id" })?;
    if fields.keys().any(|name| COLUMNS.iter().all(|column| column.name != name)) {
        return Err(Impossible { family: id, field: "columns" });
    }
    let family = columns::read(id, |_, column| match fields.get(column.name) {
        Some(field) => value(column, field),
        None => Some(Value::Null),
    })?;
    // It would keep the family itself from being moved in.
    if is_moved(&family) {
        return Err(Impossible { family: id, field: "reason" });
    }
    Ok(family)
}

/// Whether a family goes on in another store.
pub(super) fn is_moved(family: &Family) -> bool {
    matches!(&family.status, Status::Revoked(revocation) if revocation.is_move())
}

/// A value as JSON; `None`: NULL.
fn json(column: &Column, value: Value<'_>) -> Option<String> {
    Some(match value {
        Value::Null => return None,
        Value::Integer(integer) => integer.to_string(),
        Value::Timestamp(instant) => instant.as_millis().to_string(),
        Value::Flag(flag) => flag.to_string(),
        // What it is in, not a text of it.
        Value::Text(text) if column.kind == Kind::Json => text.into_owned(),
        Value::Text(text) => Json::from(text).to_string(),
        Value::Bytes(bytes) => match <[u8; 16]>::try_from(&*bytes) {
            Ok(id) if column.name == "id" => format!("\"{}\"", FamilyId::from_bytes(id)),
            _ => format!("\"{}\"", encode(&bytes)),
        },
    })
}

fn value<'a>(column: &Column, field: &'a Json) -> Option<Value<'a>> {
    Some(match column.kind {
        Kind::Integer => Value::Integer(count(field)?),
        Kind::Timestamp => Value::Timestamp(Timestamp::from_millis(count(field)?)),
        Kind::Flag => Value::Flag(field.as_bool()?),
        Kind::Text => Value::Text(field.as_str()?.into()),
        Kind::Json => Value::Text(field.to_string().into()),
        Kind::Bytes if column.name == "id" => {
            let id: FamilyId = field.as_str()?.parse().ok()?;
            Value::Bytes(id.as_bytes().to_vec().into())
        }
        Kind::Bytes => Value::Bytes(decode(field.as_str()?)?.into()),
    })
}

/// Up to 2^53 - 1, as in every store.
fn count(field: &Json) -> Option<u64> {
    field.as_u64().filter(|count| *count <= Timestamp::MAX.as_millis())
}

fn encode(bytes: &[u8]) -> String {
    let mut text = vec![0; Base64UrlUnpadded::encoded_len(bytes)];
    Base64UrlUnpadded::encode(bytes, &mut text).unwrap_or_default().to_owned()
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = vec![0; text.len()];
    Base64UrlUnpadded::decode(text, &mut bytes).ok().map(<[u8]>::to_vec)
}
