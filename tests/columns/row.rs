//! Rows as values, and as text for a diff: a line for each column.

use std::path::{Path, PathBuf};

use heirloom::Timestamp;
use heirloom::family::{Family, Impossible};
use heirloom::record::columns::{self, COLUMNS, Value};
use heirloom::token::FamilyId;

pub type Row = Vec<Value<'static>>;

/// The row of a family, to be edited.
pub fn row(family: &Family) -> Row {
    columns::write(family).iter().map(owned).collect()
}

pub fn read(id: FamilyId, row: &[Value<'_>]) -> Result<Family, Impossible> {
    columns::read(id, |index, column| {
        assert_eq!(*column, COLUMNS[index]);
        Some(row[index].clone())
    })
}

/// The place of a column.
pub fn place(name: &str) -> usize {
    COLUMNS.iter().position(|column| column.name == name).unwrap()
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Integer(integer) => Value::Integer(*integer),
        Value::Timestamp(instant) => Value::Timestamp(*instant),
        Value::Flag(flag) => Value::Flag(*flag),
        Value::Text(text) => Value::Text(text.to_string().into()),
        Value::Bytes(bytes) => Value::Bytes(bytes.to_vec().into()),
    }
}

/// A row as text: `name kind value` or `name null`; texts as JSON strings, bytes in hexadecimal.
#[derive(PartialEq, Debug)]
pub struct Golden(String);

impl Golden {
    pub fn of(row: &[Value<'_>]) -> Self {
        let line = |(index, value): (usize, &Value<'_>)| {
            let name = COLUMNS[index].name;
            match value {
                Value::Null => format!("{name} null\n"),
                Value::Integer(integer) => format!("{name} integer {integer}\n"),
                Value::Timestamp(instant) => format!("{name} timestamp {}\n", instant.as_millis()),
                Value::Flag(flag) => format!("{name} flag {flag}\n"),
                Value::Text(text) => format!("{name} text {}\n", serde_json::Value::from(&**text)),
                Value::Bytes(bytes) => {
                    let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                    format!("{name} bytes {digits}\n")
                }
            }
        };
        Self(row.iter().enumerate().map(line).collect())
    }

    pub fn read(name: &str) -> Self {
        Self(std::fs::read_to_string(path(name)).unwrap())
    }

    /// Writes a row that is not there yet. One that is there is a promise, and is never rewritten.
    pub fn write_once(name: &str, row: &[Value<'_>]) {
        if std::env::var_os("HEIRLOOM_BLESS").is_some() && !path(name).exists() {
            std::fs::create_dir_all(path(name).parent().unwrap()).unwrap();
            std::fs::write(path(name), Self::of(row).0).unwrap();
        }
    }

    /// The values, each under the name of its column; a column that the release did not have is as a store makes it when it
    /// brings its rows forward.
    pub fn values(&self) -> Row {
        let of = |name| self.find(name).map_or_else(|| self.migrated(name), value);
        COLUMNS.iter().map(|column| of(column.name)).collect()
    }

    fn migrated(&self, name: &str) -> Value<'static> {
        let rotated = self.line("predecessor_digest") != "null";
        match name {
            "kept_until" | "branches" | "branches_end_at" => Value::Null,
            "displaced" => Value::Flag(false),
            "predecessor_replays" if rotated => Value::Integer(0),
            "predecessor_displaced" if rotated => Value::Flag(false),
            "predecessor_replays" | "predecessor_displaced" => Value::Null,
            other => panic!("{other}"),
        }
    }

    /// What is written of a column.
    pub fn line(&self, name: &str) -> &str {
        self.find(name).unwrap()
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
    }
}

fn value(text: &str) -> Value<'static> {
    let (kind, text) = text.split_once(' ').unwrap_or((text, ""));
    match kind {
        "null" => Value::Null,
        "integer" => Value::Integer(text.parse().unwrap()),
        "timestamp" => Value::Timestamp(Timestamp::from_millis(text.parse().unwrap())),
        "flag" => Value::Flag(text.parse().unwrap()),
        "text" => Value::Text(serde_json::from_str::<String>(text).unwrap().into()),
        "bytes" => {
            let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
            Value::Bytes((0..text.len()).step_by(2).map(digit).collect())
        }
        other => panic!("{other}"),
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}
