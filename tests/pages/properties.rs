//! The properties P1 to P19: the same ones everywhere, and beside each the tests that name it.

use std::collections::BTreeSet;

use crate::pages::page::{comments, files, quoted, read, root, table, words};

const LAST: usize = 19;

fn all() -> Vec<String> {
    (1..=LAST).map(|number| format!("P{number}")).collect()
}

/// The table of README and that of `_security`.
fn tables() -> [(&'static str, Vec<Vec<String>>); 2] {
    let security = comments(&read("src/_security.rs"));
    [("README.md", table(&read("README.md"), "id")), ("src/_security.rs", table(&security, "id"))]
}

/// The text of all files of a test or a bench; the state machine's model is part of it.
fn sources(name: &str) -> Option<String> {
    let (file, folder) = match name.split_once('/') {
        Some(_) => (format!("{name}.rs"), name.to_owned()),
        None => (format!("tests/{name}.rs"), format!("tests/{name}")),
    };
    let mut paths = Vec::from_iter(root().join(&file).exists().then_some(file));
    let folders =
        if name == "state_machine" { vec![folder, "tests/model".into()] } else { vec![folder] };
    for folder in folders.iter().filter(|folder| root().join(folder).exists()) {
        paths.extend(files(folder).into_iter().filter(|path| path.ends_with(".rs")));
    }
    let text = paths.iter().map(|path| read(path)).collect::<String>();
    (!paths.is_empty()).then_some(text)
}

#[test]
fn both_tables_have_every_property_once_and_in_order() {
    for (page, rows) in tables() {
        assert_eq!(rows.iter().map(|row| row[0].clone()).collect::<Vec<_>>(), all(), "{page}");
    }
}

#[test]
fn each_test_that_is_named_beside_a_property_exists_and_names_it() {
    let mut wrong = Vec::new();
    for (page, rows) in tables() {
        for row in rows {
            let named = quoted(row.last().unwrap());
            assert!(!named.is_empty(), "{page}: no test beside {}", row[0]);
            for test in named {
                match sources(&test) {
                    None => wrong.push(format!("{page}: there is no {test}")),
                    Some(text) if words(&text).any(|word| word == row[0]) => {}
                    Some(_) => wrong.push(format!("{page}: {test} does not name {}", row[0])),
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// "`tests/state_machine.rs` checks all of them."
#[test]
fn the_state_machine_names_every_property() {
    let text = sources("state_machine").unwrap();
    let named: BTreeSet<&str> = words(&text).collect();
    let missing: Vec<String> =
        all().into_iter().filter(|id| !named.contains(id.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_table_of_vulnerabilities_has_every_property() {
    let rows = table(&read("SECURITY.md"), "if somebody can");
    let cells: String = rows.iter().map(|row| row[1].clone() + " ").collect();
    let named: BTreeSet<&str> = words(&cells).collect();
    let missing: Vec<String> =
        all().into_iter().filter(|id| !named.contains(id.as_str())).collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn contributing_names_the_last_property() {
    assert!(read("CONTRIBUTING.md").contains(&format!("P1 to P{LAST} ")));
}

/// `_security` names rows of the rule by their numbers, and so does the code: the guide has them.
#[test]
fn every_row_of_the_rule_is_where_it_is_decided() {
    let guide = table(&comments(&read("src/_guide.rs")), "row");
    let rows = guide.iter().filter(|row| !row[0].is_empty());
    let numbers: Vec<usize> = rows.map(|row| row[0].parse().unwrap()).collect();
    assert_eq!(numbers, (0..=12).collect::<Vec<_>>());
    let cited = cited(&comments(&read("src/decide.rs")));
    assert_eq!(cited, (0..=12).collect());
    for row in tables()[1].1.iter() {
        assert!(self::cited(&row[2]).iter().all(|number| numbers.contains(number)), "{row:?}");
    }
}

/// Of "Row 1.", "rows 7, 11 and 12" and "rows 7 to 11".
fn cited(text: &str) -> BTreeSet<usize> {
    let mut cited = BTreeSet::new();
    let words: Vec<&str> = words(text).collect();
    for (at, _) in
        words.iter().enumerate().filter(|(_, word)| word.to_lowercase().starts_with("row"))
    {
        let (mut last, mut from) = (0, None);
        for word in &words[at + 1..] {
            match (word.parse(), *word) {
                (Ok(number), _) => {
                    cited.extend(from.take().unwrap_or(number)..=number);
                    last = number;
                }
                (Err(_), "to") => from = Some(last),
                (Err(_), "and") => {}
                (Err(_), _) => break,
            }
        }
    }
    cited
}
