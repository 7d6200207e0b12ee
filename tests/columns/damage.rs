//! Every column, damaged in every way: refused by its name.

use heirloom::Timestamp;
use heirloom::record::columns::{self, COLUMNS, Kind, Value};

use super::row::{Row, place, read, row};
use crate::records::families::{ID, branched, ended, fresh, full, stated};

/// The row with one column changed is refused, by the name of a column.
fn is_refused(mut row: Row, column: &str, value: Value<'static>, by: &str) {
    row[place(column)] = value;
    let impossible = read(ID, &row).expect_err(column);
    assert_eq!((impossible.family, impossible.field), (ID, by), "{column}");
}

fn text(text: &str) -> Value<'static> {
    Value::Text(text.to_owned().into())
}

fn bytes(length: usize) -> Value<'static> {
    Value::Bytes(vec![7; length].into())
}

fn millis(millis: u64) -> Value<'static> {
    Value::Timestamp(Timestamp::from_millis(millis))
}

/// Of the other kinds; JSON is text, too.
fn other_kinds(kind: Kind) -> Vec<Value<'static>> {
    let mut values = vec![];
    if kind != Kind::Integer {
        values.push(Value::Integer(1));
    }
    if kind != Kind::Timestamp {
        values.push(millis(50_000));
    }
    if kind != Kind::Flag {
        values.push(Value::Flag(true));
    }
    if !matches!(kind, Kind::Text | Kind::Json) {
        values.push(text("1"));
    }
    if kind != Kind::Bytes {
        values.push(bytes(32));
    }
    values
}

#[test]
fn a_value_of_another_kind_is_refused_by_its_column() {
    for family in stated() {
        for column in COLUMNS {
            for value in other_kinds(column.kind) {
                is_refused(row(&family), column.name, value, column.name);
            }
        }
    }
}

#[test]
fn a_value_that_the_store_cannot_read_is_refused_by_its_column() {
    for family in stated() {
        let row = row(&family);
        for (place, column) in COLUMNS.iter().enumerate() {
            let value =
                |index: usize, _: &columns::Column| (index != place).then(|| row[index].clone());
            let impossible = columns::read(ID, value).unwrap_err();
            assert_eq!((impossible.family, impossible.field), (ID, column.name));
        }
    }
}

#[test]
fn null_is_refused_where_something_must_be() {
    for column in [
        "id",
        "version",
        "status",
        "subject",
        "client",
        "scope",
        "resources",
        "attributes",
        "created_at",
        "generation",
        "digest",
        "key_id",
        "rotated_at",
        "used_at",
        "displaced",
    ] {
        for family in stated() {
            is_refused(row(&family), column, Value::Null, column);
        }
    }
}

/// Columns that are there together or not at all: the one that contradicts is named.
#[test]
fn null_is_refused_beside_what_demands_a_value() {
    for column in ["revoked_at", "reason", "revoked_by"] {
        is_refused(row(&ended()), column, Value::Null, column);
    }
    for column in ["reuse_generations_behind", "reuse_since_rotation", "reuse_successor_used"] {
        is_refused(row(&ended()), column, Value::Null, column);
    }
    for family in [full(), ended()] {
        is_refused(row(&family), "binding_thumbprint", Value::Null, "binding_thumbprint");
        is_refused(row(&family), "predecessor_salt", Value::Null, "predecessor_salt");
        is_refused(row(&family), "predecessor_closed", Value::Null, "predecessor_closed");
        is_refused(row(&family), "predecessor_replays", Value::Null, "predecessor_replays");
        is_refused(row(&family), "predecessor_displaced", Value::Null, "predecessor_displaced");
        // The grant's end caps the absolute one.
        is_refused(row(&family), "expires_at", Value::Null, "expires_at");
    }
}

#[test]
fn a_value_is_refused_beside_what_demands_null() {
    let fresh = || row(&fresh());
    for (column, value) in [
        ("revoked_at", millis(7)),
        ("reason", text("logout")),
        ("revoked_by", Value::Integer(7)),
        ("reuse_generations_behind", Value::Integer(1)),
        ("reuse_since_rotation", Value::Integer(1)),
        ("reuse_successor_used", Value::Flag(false)),
        ("binding_thumbprint", bytes(32)),
        ("predecessor_salt", bytes(16)),
        ("predecessor_closed", Value::Flag(true)),
        ("predecessor_replays", Value::Integer(0)),
        ("predecessor_displaced", Value::Flag(false)),
        ("branches_end_at", millis(50_000)),
    ] {
        is_refused(fresh(), column, value, column);
    }
    // What is named is the first that is missing beside it.
    is_refused(fresh(), "status", text("revoked"), "revoked_at");
    is_refused(row(&ended()), "status", text("live"), "revoked_at");
    is_refused(fresh(), "binding_method", text("jkt"), "binding_thumbprint");
    is_refused(row(&full()), "binding_method", Value::Null, "binding_thumbprint");
    is_refused(fresh(), "predecessor_digest", bytes(32), "predecessor_salt");
    is_refused(row(&full()), "predecessor_digest", Value::Null, "predecessor_salt");
    is_refused(row(&ended()), "reason", text("logout"), "reuse_generations_behind");
}

#[test]
fn a_name_that_means_nothing_is_refused() {
    for name in ["", "LIVE", "live ", "dead", "revoked\0"] {
        is_refused(row(&fresh()), "status", text(name), "status");
    }
    for name in ["", "Logout", "log_out", "wrong client", "administrator "] {
        let mut row = row(&ended());
        for column in ["reuse_generations_behind", "reuse_since_rotation", "reuse_successor_used"] {
            row[place(column)] = Value::Null;
        }
        is_refused(row, "reason", text(name), "reason");
    }
    for name in ["", "JKT", "x5t", "x5t#s256"] {
        is_refused(row(&full()), "binding_method", text(name), "binding_method");
    }
}

#[test]
fn bytes_of_another_length_are_refused() {
    for (column, length) in [
        ("id", 16),
        ("binding_thumbprint", 32),
        ("digest", 32),
        ("predecessor_digest", 32),
        ("predecessor_salt", 16),
    ] {
        for length in [0, length - 1, length + 1] {
            is_refused(row(&full()), column, bytes(length), column);
        }
    }
}

#[test]
fn a_number_past_its_bounds_is_refused() {
    const MAX: u64 = Timestamp::MAX.as_millis();
    for (column, number) in [
        ("version", 0),
        ("version", MAX + 1),
        ("version", u64::MAX),
        ("generation", 1 << 32),
        ("generation", u64::MAX),
        ("key_id", 256),
        ("key_id", u64::MAX),
        ("reuse_generations_behind", 1 << 32),
        ("predecessor_replays", 1 << 32),
    ] {
        is_refused(row(&ended()), column, Value::Integer(number), column);
    }
    let mut row = row(&full());
    row[place("version")] = Value::Integer(MAX);
    assert_eq!(read(ID, &row).unwrap().version, MAX);
}

#[test]
fn a_scope_that_is_written_otherwise_is_refused() {
    for scope in [" read", "read ", "read  write", "read read", " "] {
        is_refused(row(&full()), "scope", text(scope), "scope");
    }
    // Not of the form of a scope token (RFC 6749 section 3.3).
    for scope in ["a\"b", "a\\b", "\u{e9}", "read\twrite", "\0"] {
        is_refused(row(&full()), "scope", text(scope), "grant");
    }
}

#[test]
fn json_of_another_shape_is_refused() {
    for json in ["", "{", "null", "[", "[1]", "[null]", "{}", "\"urn:a\"", "[\"urn:a\"]x"] {
        is_refused(row(&full()), "resources", text(json), "resources");
    }
    for json in ["", "[", "null", "{", "{\"a\":1}", "{\"a\":null}", "{\"a\":[]}", "[]", "{} {}"] {
        is_refused(row(&full()), "attributes", text(json), "attributes");
    }
}

#[test]
fn a_state_that_cannot_be_is_refused_by_its_field() {
    for (column, value, by) in [
        ("expires_at", millis(999), "expires_at"),
        ("expires_at", millis(90_001), "expires_at"),
        ("used_at", millis(4_999), "used_at"),
        ("idle_expires_at", millis(6_000), "idle_expires_at"),
        ("generation", Value::Integer(0), "predecessor"),
        ("kept_until", millis(999), "kept_until"),
        ("subject", text(""), "grant"),
        ("subject", text("a\nb"), "grant"),
        ("client", text("\0"), "grant"),
        ("resources", text("[\"relative\"]"), "grant"),
    ] {
        is_refused(row(&full()), column, value, by);
    }
    is_refused(row(&fresh()), "generation", Value::Integer(1), "predecessor");
    is_refused(row(&fresh()), "displaced", Value::Flag(true), "displaced");
}

/// The end that the branches have is beside them, for who looks for it by index.
#[test]
fn an_end_that_is_not_that_of_the_branches_is_refused() {
    assert!(row(&branched())[place("branches_end_at")] == millis(70_000));
    for end in [Value::Null, millis(69_999), millis(70_001), millis(8_000)] {
        is_refused(row(&branched()), "branches_end_at", end, "branches_end_at");
    }
    is_refused(row(&branched()), "branches", Value::Null, "branches_end_at");
    // An absolute end that comes before the idle ones is that of the branches, too.
    is_refused(row(&branched()), "expires_at", millis(60_000), "branches_end_at");
}

#[test]
fn branches_of_another_shape_are_refused() {
    for json in [
        "",
        "{",
        "null",
        "[]",
        "{}",
        "7",
        r#"{"made":1}"#,
        r#"{"live":[]}"#,
        r#"{"made":0,"live":[]}"#,
        r#"{"made":-1,"live":[]}"#,
        r#"{"made":65536,"live":[]}"#,
        r#"{"made":1,"live":{}}"#,
        r#"{"made":1,"live":[{}]}"#,
        r#"{"made":1,"live":[null]}"#,
        r#"{"made":1,"live":[],"more":1}"#,
        r#"{"made":1,"made":1,"live":[]}"#,
        r#"{"made":1,"live":[]} x"#,
    ] {
        is_refused(row(&full()), "branches", text(json), "branches");
    }
}

/// Each by one edit of what was written.
#[test]
fn a_branch_that_cannot_be_is_refused() {
    let branched = branched();
    let Value::Text(written) = &row(&branched)[place("branches")] else { panic!("text") };
    for (from, to) in [
        (r#""made":5"#, r#""made":4"#),
        (r#""number":2"#, r#""number":0"#),
        (r#""number":2"#, r#""number":5"#),
        (r#""number":2"#, r#""number":65536"#),
        (r#""origin":2"#, r#""origin":5"#),
        (r#""born":4"#, r#""born":0"#),
        (r#""born":4"#, r#""born":10"#),
        (r#""generation":9"#, r#""generation":4294967296"#),
        (r#""key_id":3"#, r#""key_id":256"#),
        (r#""rotated_at":5000"#, r#""rotated_at":7001"#),
        (r#""rotated_at":5000"#, r#""rotated_at":9007199254740992"#),
        (r#""used_at":7000"#, r#""used_at":4999"#),
        (r#""idle_expires_at":8000"#, r#""idle_expires_at":7000"#),
        (r#""idle_expires_at":8000"#, r#""idle_expires_at":"8000""#),
        (r#""displaced":true"#, r#""displaced":1"#),
        (r#""predecessor_replays":2"#, r#""predecessor_replays":4294967296"#),
        (r#""predecessor_closed":true,"#, ""),
        (r#""digest":"AgICAgIC"#, r#""digest":"AgICAgI"#),
        (r#""digest":"AgICAgIC"#, r#""digest":"AgICAgICAgIC"#),
        (r#""digest":"AgICAgIC"#, r#""digest":"!gICAgIC"#),
        // Padded, and with slack bits.
        (r#"AgI","key_id""#, r#"AgI=","key_id""#),
        (r#"AgI","key_id""#, r#"AgJ","key_id""#),
    ] {
        assert!(written.contains(from), "{from} in {written}");
        is_refused(row(&branched), "branches", text(&written.replacen(from, to, 1)), "branches");
    }
    let spaced = written.replace(',', ", ");
    let mut whole = row(&branched);
    whole[place("branches")] = text(&spaced);
    assert_eq!(read(ID, &whole), Ok(branched));
}
