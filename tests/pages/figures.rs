//! Counts, versions, limits and measures: what a page says in numbers is what the sources say.

use crate::pages::page::{after, comments, is_checkout, read, table, words};

/// The words of a number of methods.
const NUMBERS: [&str; 11] =
    ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"];

/// A key of `[package]`.
fn manifest(key: &str) -> String {
    let manifest = read("Cargo.toml");
    let line = after(&manifest, &format!("\n{key} = ")).next().unwrap().to_owned();
    line.trim_matches('"').to_owned()
}

#[test]
fn the_scenarios_are_as_many_as_the_readme_says() {
    let file = read("tests/scenarios/scenarios.json");
    let scenarios = file.split("\"scenarios\": [").nth(1).unwrap();
    let count = scenarios.matches("\"id\": \"").count();
    let said = format!("the {count} scenarios of `tests/scenarios/scenarios.json`");
    assert!(read("README.md").contains(&said), "{said}");
}

#[test]
fn a_store_has_as_many_methods_as_the_pages_say() {
    let source = read("src/store.rs");
    let body = source.split("pub trait Store").nth(1).unwrap().split("\n}\n").next().unwrap();
    let methods: Vec<&str> =
        after(body, "\n    fn ").filter_map(|it| it.split('(').next()).collect();
    let count = NUMBERS[methods.len()];
    for page in ["README.md", "src/_guide.rs"] {
        let text = read(page).replace("\n//!", "");
        let said: Vec<&str> =
            NUMBERS.into_iter().filter(|it| text.contains(&format!(" {it} methods"))).collect();
        assert_eq!(said, [count], "{page}");
    }
    let pages = methods.iter().filter(|it| ["select", "purge", "scan"].contains(it)).count();
    let [one, many] = [methods.len() - pages, pages].map(|it| NUMBERS[it]);
    let guide = comments(&read("src/_guide.rs"));
    assert!(guide.contains(&format!("{one} about one record and {many} about pages")));
}

#[test]
fn the_contract_has_as_many_clauses_as_the_pages_say() {
    let page = comments(&read("src/store.rs"));
    let clauses: Vec<String> =
        table(&page, "clause").into_iter().map(|row| row[0].clone()).collect();
    let numbered: Vec<String> = (1..=clauses.len()).map(|it| format!("S{it}")).collect();
    assert_eq!(clauses, numbered);
    let range = format!("S1 to {}", clauses.last().unwrap());
    for place in ["README.md", "src/store.rs", "src/conformance/clause.rs"] {
        let text = read(place);
        let said: Vec<&str> = after(&text, "S1 to ").filter_map(|it| words(it).next()).collect();
        assert!(!said.is_empty(), "{place}");
        assert!(said.iter().all(|it| range.ends_with(*it)), "{place}: {said:?}");
    }
    let kit = read("src/conformance/clause.rs");
    assert!(clauses.iter().all(|it| kit.contains(&format!("\"{it} "))), "the kit has every clause");
}

#[test]
fn the_oldest_supported_rust_is_one_everywhere() {
    let oldest = manifest("rust-version");
    for (page, text) in [
        ("README.md", format!("With Rust {oldest} or later")),
        ("README.md", format!("\n{oldest} or later.")),
        ("CONTRIBUTING.md", format!("The oldest supported Rust is {oldest}.")),
    ] {
        assert!(read(page).contains(&text), "{page}: {text}");
    }
    if is_checkout() {
        let ci = read(".ci/run");
        assert!(ci.contains(&format!("+{oldest}.0 check")), ".ci/run: {oldest}");
        assert!(!after(&ci, "cargo +1.").any(|it| !it.starts_with(&oldest[2..])), ".ci/run");
    }
}

#[test]
fn the_version_is_one_everywhere() {
    let version = manifest("version");
    let minor = version.rsplit_once('.').unwrap().0;
    let readme = read("README.md");
    let shown: Vec<&str> =
        after(&readme, "\nheirloom = ").filter_map(|it| it.split('"').nth(1)).collect();
    assert!(shown.len() > 2 && shown.iter().all(|it| *it == minor), "README.md: {shown:?}");
    let supported = table(&read("SECURITY.md"), "version");
    assert_eq!(supported[0][0], minor, "SECURITY.md");
    let changes = read("CHANGELOG.md");
    let releases: Vec<&str> = after(&changes, "\n## [").collect();
    assert!(releases[0].starts_with("Unreleased]"), "{releases:?}");
    assert!(releases[1].starts_with(&format!("{version}] ")), "{releases:?}");
}

/// A host names the crates that a pool and a connection come from, in the versions that heirloom uses.
#[test]
fn the_versions_of_a_hosts_crates_are_those_of_the_manifest() {
    let (readme, manifest) = (read("README.md"), read("Cargo.toml"));
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    for name in ["deadpool-postgres", "redis"] {
        let version = |text: &str| {
            let line = after(text, &format!("\n{name} = ")).next().unwrap().to_owned();
            line.split('"').nth(1).unwrap().to_owned()
        };
        assert_eq!(version(&readme), version(dependencies), "{name}");
    }
}

/// The bench fails over a limit; what it holds to is what the README says.
#[test]
fn the_limits_of_the_bench_are_the_readmes() {
    let bench = read("benches/refresh/main.rs");
    let limits: Vec<&str> =
        after(&bench, "at_most: ").filter_map(|it| it.split([',', ' ']).next()).collect();
    let rows = table(&read("README.md"), "| measured");
    let said: Vec<&str> = rows.iter().map(|row| row[2].as_str()).collect();
    assert_eq!(said, limits);
    for row in &rows {
        let [measured, at_most]: [f64; 2] = [1, 2].map(|cell| row[cell].parse().unwrap());
        assert!(measured < at_most, "{row:?}");
    }
}

#[test]
fn the_bound_on_crates_is_one_everywhere() {
    let readme = read("README.md");
    let bound = after(&readme, "crates beside heirloom; more than ").next().unwrap();
    let bound = words(bound).next().unwrap();
    assert!(read("CONTRIBUTING.md").contains(&format!("stays at most {bound} crates")), "{bound}");
    assert!(
        !is_checkout() || read(".ci/run").contains(&format!("MAX_CRATES={bound}\n")),
        "{bound}"
    );
}
