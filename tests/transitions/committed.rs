//! Text that is committed, and what to do when it is no longer true.

use std::fmt::Write as _;
use std::path::Path;

/// Compares with the committed text, exactly.
///
/// # Panics
///
/// With the difference, unless `HEIRLOOM_BLESS` is set: then the text is written.
pub fn expect(path: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    if std::env::var_os("HEIRLOOM_BLESS").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == text,
        "{} has changed:\n{}\nIf that is meant: HEIRLOOM_BLESS=1 cargo test transitions::",
        path.display(),
        difference(&committed, text)
    );
}

/// The lines that differ, each with its heading, when no line was added or removed; else the first that does.
fn difference(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let moved = old.len() != new.len();
    let (mut text, mut heading) = (String::new(), "");
    for index in 0..old.len().max(new.len()) {
        let (old, new) = (old.get(index).copied(), new.get(index).copied());
        heading = new.filter(|line| line.starts_with('#')).unwrap_or(heading);
        if old != new {
            let (old, new) = (old.unwrap_or("(end)"), new.unwrap_or("(end)"));
            writeln!(text, "line {}, {heading}\n- {old}\n+ {new}", index + 1).unwrap();
            if moved {
                return text
                    + "and lines were added or removed: see the diff of the blessed file\n";
            }
        }
    }
    text
}
