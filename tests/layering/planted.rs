//! Imports that are turned round, planted in a small crate and in this one: each is found.

use std::collections::BTreeMap;

use crate::layering::import::{Tree, wrong_imports};
use crate::layering::tree;

/// A crate of two layers, the upper one with two files of its own.
const FILES: [(&str, &str); 5] = [
    ("lib", "mod low;\nmod high;\npub use high::{first::Top, second};"),
    ("low", "pub struct Low;"),
    ("high", "mod first;\nmod second;\nuse crate::low::Low;\npub use first::First;\nstruct Own;"),
    ("high/first", "use super::Own;\npub struct First;\npub struct Top;"),
    (
        "high/second",
        "use super::{First, Own as Mine};\nuse crate::{high::first, low::{self, Low}};",
    ),
];

/// The small crate with a line added to one file.
fn planted(file: &str, line: &str) -> Vec<String> {
    let text = |name: &str, text: &str| format!("{text}\n{}", if name == file { line } else { "" });
    let place = |name: &str| name.split('/').map(str::to_owned).collect();
    let files = FILES.map(|(name, code)| (place(name), text(name, code)));
    wrong_imports(&Tree::new(BTreeMap::from(files)))
}

#[test]
fn the_small_crate_is_in_order() {
    assert_eq!(planted("", ""), Vec::<String>::new());
}

#[test]
fn an_import_that_is_turned_round_is_found_in_each_of_its_forms() {
    for (file, line) in [
        ("low", "use crate::high::Own;"),
        ("low", "pub use crate::high;"),
        ("low", "use crate::{low::{self}, high::{Own}};"),
        ("low", "use super::high::Own;"),
        ("low", "fn f() { let _ = crate::high::Own; }"),
        ("low", "fn f(x: super::high::Own) {}"),
        ("low", "use crate::high::Own as Low2;"),
        // Through the re-export of the root.
        ("low", "use crate::Top;"),
        ("high/first", "use super::second::Second;"),
        ("high/first", "use crate::high::second;"),
        // Several names, the wrong one last.
        ("low", "use crate::low::{Low, Low as Other};\nuse crate::{low, high};"),
    ] {
        assert_eq!(planted(file, line).len(), 1, "{line}: {:?}", planted(file, line));
    }
}

#[test]
fn a_child_does_not_hide_a_later_sibling_behind_its_parents_re_export() {
    let found = planted("high", "pub use second::Second;");
    assert_eq!(found, Vec::<String>::new());
    let hidden = FILES.map(|(name, code)| match name {
        "high" => (name, format!("{code}\npub use second::Second;")),
        "high/first" => (name, format!("{code}\nuse super::Second;")),
        _ => (name, code.to_owned()),
    });
    let place = |name: &str| name.split('/').map(str::to_owned).collect();
    let files = hidden.map(|(name, code)| (place(name), code));
    let found = wrong_imports(&Tree::new(BTreeMap::from(files)));
    assert_eq!(found, ["high::first imports high::Second of high::second"]);
}

#[test]
fn comments_tests_and_visibilities_are_no_imports() {
    for line in [
        "// use crate::high::Own;",
        "/// [`Own`](crate::high::Own)",
        "pub(crate) fn f() {}",
        "#[cfg(test)]\nmod tests { use crate::high::Own; }",
        "const TEXT: &str = \"use crate::high::Own;\";",
    ] {
        assert_eq!(planted("low", line), Vec::<String>::new(), "{line}");
    }
}

/// In this crate itself: each module of the root importing all that come after it.
#[test]
fn every_import_of_a_later_module_of_this_crate_is_found() {
    let tree = tree();
    let order = tree.root_modules();
    for (at, importer) in order.iter().enumerate() {
        let later = &order[at + 1..];
        let lines: String = later.iter().map(|module| format!("use crate::{module};\n")).collect();
        let file = vec![importer.clone()];
        let text = lines + &tree.files()[&file];
        let expected =
            later.iter().map(|module| format!("{importer} imports {module} of {module}"));
        assert_eq!(wrong_imports(&tree.with(file, text)), expected.collect::<Vec<_>>());
    }
}
