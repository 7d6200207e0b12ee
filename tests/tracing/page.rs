//! The tables of the module's page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The spans, each with its level.
pub fn spans() -> BTreeMap<String, String> {
    let rows = rows().into_iter().filter(|row| row[0].starts_with("`heirloom."));
    rows.map(|row| (quoted(&row[0]).remove(0), row[1].clone())).collect()
}

/// The fields of spans.
pub fn fields() -> BTreeSet<String> {
    let rows = rows().into_iter().filter(|row| row.len() == 2 && row[0].starts_with('`'));
    rows.flat_map(|row| quoted(&row[0])).collect()
}

/// The words for what came of a call.
pub fn outcomes() -> BTreeSet<String> {
    let rows = rows().into_iter().filter(|row| row[0] == "`outcome`");
    rows.flat_map(|row| quoted(&row[1])).collect()
}

/// The fields of events.
pub fn event_fields() -> BTreeSet<String> {
    let text = text();
    let from = text.find("Events have ").unwrap();
    let paragraph = text[from..].split("\n\n").next().unwrap();
    quoted(paragraph).into_iter().collect()
}

fn rows() -> Vec<Vec<String>> {
    let text = text();
    let rows = text.lines().filter_map(|line| line.strip_prefix('|')?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The page without the marks of a comment.
fn text() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/span.rs");
    let source = fs::read_to_string(path).unwrap();
    let lines = source.lines().filter_map(|line| line.strip_prefix("//!"));
    lines.map(|line| line.trim().to_owned() + "\n").collect()
}
