//! The house: imports point up only, ambient time and randomness stay in their two files, the rule stays small and
//! sees no clock, store, key or random source, and no file grows beyond reading.

mod habits;
mod import;
mod planted;
mod source;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use import::{Tree, wrong_imports};
use source::code;

/// The crate as it is on disk: module path to text.
fn tree() -> Tree {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = BTreeMap::new();
    for path in rust_files(&root) {
        let module = path.strip_prefix(&root).unwrap().with_extension("");
        let names = module.iter().map(|name| name.to_str().unwrap().to_owned()).collect();
        files.insert(names, fs::read_to_string(&path).unwrap());
    }
    Tree::new(files)
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

#[test]
fn imports_point_up_only() {
    assert_eq!(wrong_imports(&tree()), Vec::<String>::new());
}

#[test]
fn every_file_is_declared_and_every_declaration_has_its_file() {
    let tree = tree();
    assert_eq!(tree.undeclared(), Vec::<String>::new());
    assert_eq!(tree.missing(), Vec::<String>::new());
}

/// Time is an argument, and so is randomness: two files may ask the system for them.
#[test]
fn ambient_time_and_randomness_stay_in_their_files() {
    for (module, text) in tree().files() {
        let code = code(text);
        for (ambient, home) in [
            ("SystemTime", "time"),
            ("Instant", "time"),
            ("rand::", "entropy"),
            ("SysRng", "entropy"),
            ("getrandom", "entropy"),
        ] {
            // The seeded generator of the tests draws from no system.
            let home = module[0] == home || (module.join("/") == "testing/entropy");
            assert!(home || !code.contains(ambient), "{ambient} in {}", module.join("/"));
        }
    }
}

#[test]
fn the_rule_is_under_300_lines_and_sees_no_clock_store_key_or_random_source() {
    let tree = tree();
    let rule = &tree.files()[&vec!["decide".to_owned()]];
    assert!(rule.lines().count() < 300, "{} lines", rule.lines().count());
    let code = code(rule);
    for unseen in
        ["store", "engine", "entropy", "key", "ring", "pending", "Clock", "async", "SystemTime"]
    {
        assert!(!code.split(|c: char| !c.is_alphanumeric()).any(|word| word == unseen), "{unseen}");
    }
}

#[test]
fn no_file_is_over_400_lines() {
    for (module, text) in tree().files() {
        let lines = text.lines().count();
        assert!(lines <= 400, "{}: {lines} lines", module.join("/"));
    }
}
