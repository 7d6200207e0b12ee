//! Runs every scenario of a scenario file through the public API: the project's copy, or the one that
//! `HEIRLOOM_SCENARIOS` names. Properties P1 to P19, as other systems' incidents and test suites expect them.

mod backend;
#[path = "scenarios/mod.rs"]
mod interpreter;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use interpreter::file::{Case, File};
use interpreter::run::{Line, Listener, Verdict, run};
use serde_json::Value;

fn main() -> ExitCode {
    let arguments = Arguments::read(std::env::args().skip(1));
    let path = path();
    let mut tally = Tally::default();
    match File::read(&path) {
        Err(why) => tally.fail(&path.display().to_string(), &why),
        Ok(file) if arguments.list => return list(&file),
        Ok(file) => {
            for scenario in &file.scenarios {
                tally.run(scenario, &file, &arguments);
            }
        }
    }
    println!(
        "scenarios: {} passed, {} failed, {} skipped",
        tally.passed, tally.failed, tally.skipped
    );
    if tally.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The file that the environment names, or the project's copy.
fn path() -> PathBuf {
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/scenarios.json");
    std::env::var_os("HEIRLOOM_SCENARIOS").map_or_else(own, PathBuf::from)
}

/// What `cargo test -- ..` passes on: a part of a name, `--list`, and options of the usual harness.
struct Arguments {
    list: bool,
    filter: Option<String>,
}

impl Arguments {
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        // Options of the usual harness whose value is an argument of its own.
        const WITH_VALUE: [&str; 6] =
            ["--test-threads", "--skip", "--format", "--logfile", "--color", "-Z"];
        let (mut list, mut filter, mut value) = (false, None, false);
        for argument in arguments {
            match argument.as_str() {
                _ if value => value = false,
                "--list" => list = true,
                option if option.starts_with('-') => value = WITH_VALUE.contains(&option),
                _ => filter = filter.or(Some(argument)),
            }
        }
        Self { list, filter }
    }
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
}

impl Tally {
    fn run(&mut self, scenario: &Value, file: &File, arguments: &Arguments) {
        let wanted = |name: &str| arguments.filter.as_ref().is_none_or(|part| name.contains(part));
        let cases = match Case::parse(scenario) {
            Ok(cases) => cases,
            Err(why) => {
                let id = scenario["id"].as_str().unwrap_or("a scenario without an id");
                return if wanted(id) {
                    self.fail(id, &why)
                };
            }
        };
        for case in cases.iter().filter(|case| wanted(&case.name)) {
            let mut last = Last::default();
            match run(case, &file.defaults, &mut last) {
                Verdict::Fail(why) => self.fail(&case.name, &format!("{why}{}", last.0)),
                Verdict::Malformed(why) => self.fail(&case.name, &why),
                Verdict::Skip(skip) => {
                    self.skipped += 1;
                    println!("skip {}: {}: {}", case.name, skip.tag, skip.reason);
                }
                Verdict::Pass(said) => {
                    self.passed += 1;
                    let said: String = said.iter().map(|one| format!("; {one}")).collect();
                    println!("pass {}{said}", case.name);
                }
            }
        }
    }

    fn fail(&mut self, name: &str, why: &str) {
        self.failed += 1;
        println!("fail {name}: {why}");
    }
}

/// The last thing that was heard before a failure.
#[derive(Default)]
struct Last(String);

impl Listener for Last {
    fn begins(&mut self, _plain: bool) {
        self.0.clear();
    }

    fn line(&mut self, line: &Line) {
        let Line { at, who, does, verdict, state } = line;
        self.0 = format!("; before that, at {at}: {who} {does}: {verdict} [{state}]");
    }
}

/// In the form of the usual harness, for tools that ask.
fn list(file: &File) -> ExitCode {
    let cases = file.scenarios.iter().filter_map(|scenario| Case::parse(scenario).ok()).flatten();
    cases.for_each(|case| println!("{}: test", case.name));
    ExitCode::SUCCESS
}
