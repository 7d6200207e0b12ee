//! Links lead somewhere: files, headings, and the places that a text names. rustdoc looks after links to items alone.

use crate::pages::page::{Page, comments, files, is_checkout, markdown, pages, read, root};

/// The anchors of a page's headings, as GitHub and rustdoc make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || ['-', '_', ' '].contains(c);
    let anchor = |heading: &str| {
        let text: String = heading.trim_start_matches('#').trim().chars().filter(kept).collect();
        text.to_lowercase().replace(' ', "-")
    };
    headings.map(anchor).collect()
}

/// The targets of `[text](target)`.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split(')').next())
}

/// The page of a module, as a link from a source names it.
fn module(from: &Page, path: &str) -> Option<String> {
    let named = match path.split_once("::") {
        None if path.is_empty() => return Some(from.text.clone()),
        None if path == "super" => from.path.rsplit_once('/')?.0.to_owned() + ".rs",
        Some(("crate", rest)) => format!("src/{}.rs", rest.replace("::", "/")),
        _ => return None,
    };
    root().join(&named).exists().then(|| comments(&read(&named)))
}

#[test]
fn every_anchor_is_a_heading_of_its_page() {
    let mut wrong = Vec::new();
    for page in pages() {
        for target in targets(&page.text)
            .filter(|target| !target.contains(':') || target.starts_with("crate::"))
        {
            let Some((path, anchor)) = target.split_once('#') else { continue };
            let found =
                module(&page, path).is_some_and(|text| anchors(&text).contains(&anchor.to_owned()));
            if !found {
                wrong.push(format!("{}: {target}", page.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn every_file_that_a_page_links_to_exists() {
    for page in markdown().into_iter().filter(|page| !page.path.contains('/')) {
        for target in
            targets(&page.text).filter(|it| !it.starts_with("https://") && !it.starts_with('#'))
        {
            assert!(root().join(target).is_file(), "{}: {target}", page.path);
        }
    }
}

/// `tests/races.rs` and its like, wherever a page or a comment names it: with or without its ending, from the root or from `src`.
#[test]
fn every_place_that_a_text_names_exists() {
    let mut folders = vec!["src", "tests", "examples", "benches", "scripts", "record", "store"];
    folders.extend(is_checkout().then_some(["fuzz", ".ci"]).into_iter().flatten());
    let is_part = |c: char| c.is_alphanumeric() || "/._-*".contains(c);
    let mut wrong = Vec::new();
    let settings = ["Cargo.toml", "clippy.toml", "rustfmt.toml"];
    let settings = settings.map(|path| Page { path: path.into(), text: read(path) });
    for page in pages().into_iter().chain(settings) {
        for word in page.text.split(|c| !is_part(c)) {
            let place = word.trim_end_matches(['.', '/', '-']);
            let Some((folder, rest)) = place.split_once('/') else { continue };
            if !folders.contains(&folder) || rest.is_empty() || rest.contains('*') {
                continue;
            }
            let tried = ["", "src/", "tests/"].map(|before| format!("{before}{place}"));
            let exists = |path: &String| {
                root().join(path).exists() || root().join(format!("{path}.rs")).exists()
            };
            if !tried.iter().any(exists) {
                wrong.push(format!("{}: {place}", page.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// `key.rs` alone, without its folder.
#[test]
fn every_source_that_a_text_names_exists() {
    let all: Vec<String> =
        ["src", "tests", "examples", "benches"].into_iter().flat_map(files).collect();
    let mut wrong = Vec::new();
    for page in pages() {
        for word in page.text.split(|c: char| !c.is_alphanumeric() && !"/._-".contains(c)) {
            let name = word.trim_end_matches('.');
            // Hosts of the web end so too.
            let is_host = ["docs.rs"].contains(&name);
            if name.ends_with(".rs") && !name.contains('/') && !is_host {
                let file = format!("/{name}");
                if !all.iter().any(|path| path.ends_with(&file)) {
                    wrong.push(format!("{}: {name}", page.path));
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
