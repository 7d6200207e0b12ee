//! The operator's table has every word that an operator can meet, and the lists of features are those of the manifest.

use std::collections::BTreeSet;

use crate::pages::commands::features;
use crate::pages::page::{comments, quoted, read, table, words};

/// The variants of a public enum.
fn variants(path: &str, name: &str) -> Vec<String> {
    let source = read(path);
    let body = source.split(&format!("pub enum {name} {{\n")).nth(1).unwrap();
    let body = body.split("\n}\n").next().unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| line.starts_with(char::is_uppercase));
    let variants = lines.map(|line| words(line).next().unwrap().to_owned());
    let variants: Vec<String> = variants.collect();
    assert!(variants.len() > 3, "{path}: {variants:?}");
    variants
}

#[test]
fn the_operators_table_has_every_event_refusal_reason_and_error() {
    let readme = read("README.md");
    let section = readme.split("\n## For operators\n").nth(1).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let known: BTreeSet<&str> = words(section).collect();
    let mut missing = Vec::new();
    for (path, name) in [
        ("src/event.rs", "EventKind"),
        ("src/refusal.rs", "Refusal"),
        ("src/family.rs", "Reason"),
        ("src/engine/error.rs", "Error"),
    ] {
        let variants = variants(path, name).into_iter();
        missing.extend(
            variants.filter(|it| !known.contains(it.as_str())).map(|it| format!("{name}::{it}")),
        );
    }
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn both_lists_of_features_are_those_of_the_manifest() {
    let mut all = features();
    all.remove("default");
    let rows = table(&read("README.md"), "feature");
    let in_readme: BTreeSet<String> = rows.iter().flat_map(|row| quoted(&row[0])).collect();
    assert_eq!(in_readme, all, "README.md");
    let page = comments(&read("src/lib.rs"));
    let list =
        page.split("# Features").nth(1).unwrap().lines().filter(|line| line.starts_with("* "));
    let in_lib: BTreeSet<String> =
        list.flat_map(|line| quoted(line.split_once(": ").unwrap().0)).collect();
    assert_eq!(in_lib, all, "src/lib.rs");
}

/// The default of a feature in the table is the manifest's.
#[test]
fn the_default_features_are_those_that_the_table_says() {
    let rows = table(&read("README.md"), "feature");
    let on: Vec<String> =
        rows.iter().filter(|row| row[1] == "yes").flat_map(|row| quoted(&row[0])).collect();
    let list = on.iter().map(|it| format!("\"{it}\"")).collect::<Vec<_>>().join(", ");
    assert!(read("Cargo.toml").contains(&format!("default = [{list}]\n")), "{list}");
}

/// CI checks each feature alone: its list has every one.
#[test]
fn every_feature_is_one_of_those_that_ci_builds_alone() {
    if !crate::pages::page::is_checkout() {
        return;
    }
    let ci = read(".ci/run");
    for feature in features().iter().filter(|it| *it != "default") {
        let line = format!("\"--no-default-features --features {feature}\"");
        assert!(ci.contains(&line), "{feature}");
    }
}
