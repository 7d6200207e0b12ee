//! The commands of the pages name what exists: tests, examples, benches, features, steps and words of scripts.

use std::collections::BTreeSet;

use crate::pages::page::{after, is_checkout, pages, read, root, words};

/// All lines that show a command, in a block or between backquotes, each with its page.
fn commands() -> Vec<(String, String)> {
    let mut commands = Vec::new();
    for page in pages().into_iter().filter(|page| !page.path.starts_with("tests/")) {
        for line in page.text.lines() {
            let starts = ["cargo ", "bash ", "scripts/"].into_iter().filter_map(|it| line.find(it));
            if let Some(start) = starts.min() {
                let command = line[start..].split(['`', '#']).next().unwrap().trim().to_owned();
                commands.push((page.path.clone(), command));
            }
        }
    }
    assert!(commands.len() > 20, "{commands:?}");
    commands
}

/// The argument after an option, in each command that has it.
fn arguments(option: &str) -> Vec<(String, String)> {
    let commands = commands().into_iter().filter_map(|(page, command)| {
        let mut words = command.split_whitespace().skip_while(|word| *word != option).skip(1);
        words.next().map(|argument| (page.clone(), argument.to_owned()))
    });
    commands.collect()
}

/// Those that are for hosts.
pub fn features() -> BTreeSet<String> {
    let manifest = read("Cargo.toml");
    let section = manifest.split("[features]").nth(1).unwrap().split("\n[").next().unwrap();
    let lines = section.lines().filter(|line| !line.starts_with(['#', '_']));
    lines.filter_map(|line| Some(line.split_once(" = ")?.0.to_owned())).collect()
}

#[test]
fn every_target_that_a_command_names_exists() {
    for (option, folder, at_least) in
        [("--test", "tests", 0), ("--example", "examples", 4), ("--bench", "benches", 0)]
    {
        let named = arguments(option);
        assert!(named.len() >= at_least, "{option}: {named:?}");
        for (page, name) in named {
            let file = root().join(folder).join(&name);
            let exists = file.with_extension("rs").exists() || file.join("main.rs").exists();
            assert!(exists, "{page}: {option} {name}");
        }
    }
}

/// `cargo test races::` runs nothing, and passes, if there is no such module.
#[test]
fn every_module_of_tests_that_a_command_names_exists() {
    let mut named = 0;
    for (page, command) in commands() {
        for module in command.split_whitespace().filter_map(|word| word.strip_suffix("::")) {
            let file = root().join("tests").join(module).with_extension("rs");
            assert!(file.exists(), "{page}: {command}");
            named += 1;
        }
    }
    assert!(named >= 3, "{named} modules");
}

#[test]
fn every_feature_that_a_command_or_a_block_names_exists() {
    let features = features();
    let mut named = arguments("--features");
    for page in pages() {
        for list in after(&page.text, "heirloom = {").filter_map(|it| it.split_once("features = ["))
        {
            let list = list.1.split(']').next().unwrap();
            named.extend(words(list).map(|it| (page.path.clone(), it.to_owned())));
        }
    }
    assert!(named.len() > 4, "{named:?}");
    for (page, feature) in named {
        assert!(features.contains(&feature), "{page}: {feature}");
    }
}

/// CI is not in the packaged crate.
#[test]
fn every_step_of_ci_that_a_command_names_exists() {
    if !is_checkout() {
        return;
    }
    let ci = read(".ci/run");
    let steps = ci.split("STEPS=(").nth(1).unwrap().split(')').next().unwrap();
    let steps: Vec<&str> = steps.split_whitespace().collect();
    let named = commands().into_iter().filter(|(_, command)| command.starts_with("bash .ci/run"));
    let named: Vec<_> = named.collect();
    assert!(!named.is_empty());
    for (page, command) in named {
        for step in command.split_whitespace().skip(2) {
            assert!(steps.contains(&step), "{page}: {command}");
        }
    }
}

#[test]
fn every_word_that_a_command_gives_to_a_script_is_one_that_it_knows() {
    let servers = read("scripts/servers");
    let (test, planted) = (read("scripts/test.sh"), read("scripts/planted-bugs"));
    let (bugs, explore) = (read("scripts/planted-bugs.txt"), read("scripts/explore"));
    for (page, command) in commands() {
        let words: Vec<&str> = command.split_whitespace().filter(|it| *it != "bash").collect();
        let [script, rest @ ..] = &words[..] else { continue };
        let known = |word: &&str| match *script {
            "scripts/servers" => word.contains('/') || servers.contains(*word),
            "scripts/test.sh" => {
                *word == "all"
                    || test.contains(&format!("({word} "))
                    || test.contains(&format!(" {word}"))
            }
            "scripts/planted-bugs" if word.starts_with("--") => {
                planted.contains(&format!("{word})"))
            }
            "scripts/explore" => {
                word.parse::<u32>().is_ok()
                    || explore.contains(&format!("{word})"))
                    || explore.contains(&format!("{word} |"))
            }
            "scripts/planted-bugs" => bugs.lines().any(|line| line.contains(*word)),
            _ => true,
        };
        // A sentence may go on behind a script's name.
        let is_block = rest.len() <= 3;
        assert!(!is_block || rest.iter().all(known), "{page}: {command}");
    }
}

#[test]
fn every_fuzz_target_that_a_command_names_exists() {
    let named = arguments("run").into_iter().filter(|(page, _)| page == "CONTRIBUTING.md");
    let named: BTreeSet<String> =
        named.map(|(_, name)| name).filter(|name| !name.starts_with('.')).collect();
    assert_eq!(named, ["parse", "ops"].map(str::to_owned).into());
    if is_checkout() {
        for name in named {
            let file = root().join("fuzz/fuzz_targets").join(&name);
            assert!(file.with_extension("rs").exists(), "{name}");
        }
    }
}
