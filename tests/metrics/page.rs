//! The tables of the module's page, and the words of its source.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// One name of the first table.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Name {
    pub name: String,
    pub kind: String,
    pub labels: BTreeSet<String>,
}

pub fn names() -> BTreeSet<Name> {
    let rows = rows().into_iter().filter(|row| row.len() == 4 && row[0].contains("heirloom_"));
    rows.map(|row| Name {
        name: quoted(&row[0]).remove(0),
        kind: row[1].clone(),
        labels: quoted(&row[2]).into_iter().collect(),
    })
    .collect()
}

/// The values of each label.
pub fn labels() -> BTreeMap<String, BTreeSet<String>> {
    let rows = rows().into_iter().filter(|row| row.len() == 2 && row[0].starts_with('`'));
    rows.map(|row| (quoted(&row[0]).remove(0), quoted(&row[1]).into_iter().collect())).collect()
}

/// The words that one function of the module's `name.rs` answers with.
pub fn words(function: &str) -> BTreeSet<String> {
    let source = source("metrics/name.rs");
    let body = source.split(&format!("fn {function}(")).nth(1).unwrap();
    let body = body.split("\n}\n").next().unwrap();
    body.split("=> \"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

fn rows() -> Vec<Vec<String>> {
    let page = source("metrics.rs");
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! |")?.strip_suffix('|'));
    rows.map(|row| row.split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

fn quoted(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

fn source(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(file)).unwrap()
}
