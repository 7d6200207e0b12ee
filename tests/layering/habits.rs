//! What CONTRIBUTING.md asks of names, exceptions, tests and dependencies, as far as the sources alone can tell.

use std::fs;
use std::path::Path;

use crate::layering::source::code;
use crate::layering::{rust_files, tree};

/// The sources below a folder, each with its path from the root.
fn sources(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let path = |file: &Path| file.strip_prefix(root).unwrap().display().to_string();
    let files = rust_files(&root.join(folder)).into_iter();
    files.map(|file| (path(&file), fs::read_to_string(&file).unwrap())).collect()
}

fn words(code: &str) -> Vec<&str> {
    let is_end = |c: char| !c.is_alphanumeric() && c != '_';
    code.split(is_end).filter(|word| !word.is_empty()).collect()
}

#[test]
fn modules_are_nouns_of_the_domain() {
    for module in tree().files().keys() {
        for name in ["util", "utils", "common", "manager", "types", "helpers", "misc"] {
            assert!(!module.iter().any(|part| part == name), "{}", module.join("/"));
        }
    }
}

#[test]
fn no_function_gets_handles_or_processes() {
    for (path, text) in sources("src") {
        let code = code(&text);
        for pair in words(&code).windows(2).filter(|pair| pair[0] == "fn") {
            for verb in ["get", "handle", "process"] {
                let named = pair[1] == verb || pair[1].starts_with(&format!("{verb}_"));
                assert!(!named, "{path}: {}", pair[1]);
            }
        }
    }
}

/// Of an attribute that may go over several lines: its text up to the closing bracket.
fn attributes<'a>(text: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(name).skip(1).map(|rest| rest.split(")]").next().unwrap())
}

#[test]
fn every_exception_has_its_reason() {
    for folder in ["src", "tests", "benches", "examples"] {
        for (path, text) in sources(folder).into_iter().filter(|it| !it.0.ends_with("habits.rs")) {
            for name in ["#[allow(", "#![allow(", "#[cfg_attr(test, allow("] {
                assert!(!text.contains(name), "{path}: {name}");
            }
            for attribute in ["#[expect(", "#![expect("].iter().flat_map(|it| attributes(&text, it))
            {
                assert!(attribute.contains("reason = \""), "{path}: {attribute}");
            }
        }
    }
}

/// "It is never passed over in silence": what is ignored says what it needs.
#[test]
fn every_ignored_test_says_why() {
    let mut reasons = 0;
    for (path, text) in sources("tests").into_iter().filter(|it| !it.0.ends_with("habits.rs")) {
        assert!(!text.contains("#[ignore]"), "{path}");
        reasons += text.matches("#[ignore = \"").count();
    }
    assert!(reasons > 10, "{reasons} tests that need a server");
}

/// A test that waits is slow, and one that reads a clock fails on a busy day: these are about lengths of real time, or run
/// beside real processes and servers.
#[test]
fn no_other_test_sleeps_or_reads_a_clock() {
    const REAL_TIME: [&str; 7] = [
        "tests/crashes/",
        "tests/fleet/",
        "tests/millions/",
        "tests/processes/",
        "tests/redis/",
        // How long a call took is what is measured.
        "tests/metrics/store.rs",
        // `max_ms` of a scenario.
        "tests/scenarios/verbs/each.rs",
    ];
    for (path, text) in sources("tests").into_iter().filter(|it| !it.0.ends_with("habits.rs")) {
        let is_about_it = REAL_TIME.iter().any(|place| path.starts_with(place));
        for clock in ["sleep(", "Instant::now", "SystemTime::now"] {
            assert!(is_about_it || !text.contains(clock), "{path}: {clock}");
        }
    }
}

/// The sources of the tests for what was once wrong: each says what.
#[test]
fn a_regression_test_opens_with_its_story() {
    let mut stories = 0;
    for (path, text) in sources("tests/regressions") {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        for at in 0..lines.len() {
            if lines[at] == "#[test]" {
                assert!(at > 0 && lines[at - 1].starts_with("///"), "{path}: {}", lines[at + 1]);
                stories += 1;
            }
        }
    }
    assert!(stories > 5, "{stories} stories");
}

#[test]
fn every_dependency_has_its_reason_above_it() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let manifest = fs::read_to_string(manifest).unwrap();
    let (mut inside, mut above) = (false, "");
    let mut bare = Vec::new();
    for line in manifest.lines() {
        match line {
            _ if line.starts_with('[') => inside = line.ends_with("dependencies]"),
            "" => {}
            _ if inside && !line.starts_with('#') && !above.starts_with('#') => bare.push(line),
            _ => {}
        }
        above = line;
    }
    assert_eq!(bare, Vec::<&str>::new());
}

/// As for the library: what is read as an example is short as well.
#[test]
fn no_example_and_no_bench_is_over_400_lines() {
    for (path, text) in ["examples", "benches"].into_iter().flat_map(sources) {
        let lines = text.lines().count();
        assert!(lines <= 400, "{path}: {lines} lines");
    }
}
