//! The rows of an earlier release, to be put into its tables.

use std::path::Path;

/// A row that is committed: for each column its name, the kind of what it holds, and that as text.
pub fn stored(name: &str) -> Vec<(String, String, String)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let text = std::fs::read_to_string(path).unwrap();
    let parse = |line: &str| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        let (name, kind, value) = (next(), next(), next());
        let value = match &*kind {
            "text" => serde_json::from_str(&value).unwrap(),
            _ => value,
        };
        (name, kind, value)
    };
    text.lines().map(parse).collect()
}
