//! Pages, and what can be read in them without a parser.

use std::fs;
use std::path::{Path, PathBuf};

/// A page's place in the repository, and its text: of a source, the documentation and the comments.
pub struct Page {
    pub path: String,
    pub text: String,
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The pages at the root, and those among the sources that are not Rust.
pub fn markdown() -> Vec<Page> {
    let at_the_root = ["README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];
    let among_sources = files("src").into_iter().filter(|path| path.ends_with(".md"));
    let paths = at_the_root.map(str::to_owned).into_iter().chain(among_sources);
    paths.map(|path| Page { text: read(&path), path }).collect()
}

/// All pages: those, and the comments of every source.
pub fn pages() -> Vec<Page> {
    let folders = ["src", "tests", "examples", "benches"];
    let sources = folders.into_iter().flat_map(files).filter(|path| path.ends_with(".rs"));
    let commented = sources.map(|path| Page { text: comments(&read(&path)), path });
    markdown().into_iter().chain(commented).collect()
}

/// All files below a folder, as paths from the root.
pub fn files(folder: &str) -> Vec<String> {
    let mut folders = vec![root().join(folder)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(from_root(&path)) }
        }
    }
    files.sort();
    files
}

fn from_root(path: &Path) -> String {
    let parts: PathBuf = path.strip_prefix(root()).unwrap().to_owned();
    parts.iter().map(|part| part.to_str().unwrap()).collect::<Vec<_>>().join("/")
}

/// The comments of a source, without their marks.
pub fn comments(source: &str) -> String {
    let lines = source.lines().filter_map(|line| line.trim_start().strip_prefix("//"));
    lines.map(|line| line.trim_start_matches(['/', '!']).trim_start().to_owned() + "\n").collect()
}

/// The rows of the table whose first row begins with a cell; the heads are not among them.
pub fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let lines = text.lines().skip_while(|line| !line.starts_with(&format!("| {head} |")));
    let rows = lines.take_while(|line| line.starts_with('|')).skip(2);
    let rows: Vec<Vec<String>> = rows
        .map(|row| row.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    assert!(!rows.is_empty(), "no table begins with {head}");
    rows
}

/// What stands between two single backquotes.
pub fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// The words of a text: letters, digits and underscores.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

/// The texts that follow a mark, each up to the end of its line.
pub fn after<'a>(text: &'a str, mark: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(mark).skip(1).map(|rest| rest.lines().next().unwrap_or(""))
}

/// The packaged crate has neither CI nor the fuzz crate; a checkout has both.
pub fn is_checkout() -> bool {
    root().join(".ci").exists()
}
