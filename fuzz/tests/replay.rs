//! Replays the corpora through the functions of the fuzz targets, on whatever compiler there is.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use heirloom_fuzz::model::kind::{EVERY_ANSWER, kind};

fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let paths =
        std::fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("a file").path());
    paths.map(|path| (path.clone(), std::fs::read(path).expect("a file"))).collect()
}

#[test]
fn the_corpus_of_parse_holds() {
    for (path, data) in corpus("parse") {
        println!("{}", path.display());
        heirloom_fuzz::parse(&data);
    }
}

/// Every kind of answer has a file that reaches it, so that the fuzzer begins everywhere.
#[test]
fn the_corpus_of_ops_holds_and_reaches_every_answer() {
    let mut reached = BTreeSet::new();
    for (path, data) in corpus("ops") {
        println!("{}", path.display());
        reached.extend(heirloom_fuzz::drive(&data).answers.iter().map(kind));
    }
    let missing: Vec<_> = EVERY_ANSWER.iter().filter(|kind| !reached.contains(*kind)).collect();
    assert!(missing.is_empty(), "never answered: {missing:?}");
}
