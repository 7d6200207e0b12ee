//! Runs one scenario of a scenario file and prints it as a timeline that a person understands at a glance.
//!
//! `cargo run --example story -- tests/scenarios/scenarios.json SED-01`

#[path = "../tests/backend/mod.rs"]
mod backend;
#[path = "../tests/scenarios/mod.rs"]
mod interpreter;

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use interpreter::file::{Case, File};
use interpreter::run::{Line, Listener, Verdict, run};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [path, id] = arguments.as_slice() else {
        return bad_arguments(
            "usage: story FILE ID, as in: story tests/scenarios/scenarios.json SED-01",
        );
    };
    let file = match File::read(Path::new(path)) {
        Ok(file) => file,
        Err(why) => return bad_arguments(&format!("{path}: {why}")),
    };
    let cases = match find(&file, id) {
        Ok(cases) => cases,
        Err(why) => return bad_arguments(&format!("{path}: {why}")),
    };
    let told: Vec<Told> = cases.iter().map(|case| tell(case, &file)).collect();
    summary(id, &told)
}

/// Said on the error stream; exit code 2.
fn bad_arguments(why: &str) -> ExitCode {
    eprintln!("story: {why}");
    ExitCode::from(2)
}

/// The cases of a scenario; or one, by the name of its variant, as in `SED-03/B_same_token`.
fn find(file: &File, id: &str) -> Result<Vec<Case>, String> {
    let scenario = id.split_once('/').map_or(id, |(scenario, _)| scenario);
    let found = file.scenarios.iter().find(|own| own["id"].as_str() == Some(scenario));
    let Some(found) = found else {
        let ids: Vec<&str> = file.scenarios.iter().filter_map(|own| own["id"].as_str()).collect();
        return Err(format!("no scenario {id}; there are {}", ids.join(" ")));
    };
    let mut cases = Case::parse(found).map_err(|why| format!("{scenario}: {why}"))?;
    if id != scenario {
        cases.retain(|case| case.name == id);
    }
    if cases.is_empty() { Err(format!("{scenario} has no variant {id}")) } else { Ok(cases) }
}

/// How a case came out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Told {
    AsExpected,
    Otherwise,
    Malformed,
    Skipped,
}

fn tell(case: &Case, file: &File) -> Told {
    println!("{}  {}\n", case.name, case.title);
    let mut timeline = Timeline::default();
    let verdict = run(case, &file.defaults, &mut timeline);
    timeline.print(&Paint::new());
    match verdict {
        Verdict::Pass(said) => {
            said.iter().for_each(|one| println!("  ({one})"));
            let more = timeline.runs.saturating_sub(1);
            let more =
                if more > 0 { format!(", here and in {more} more runs") } else { String::new() };
            println!("  as expected{more}\n");
            Told::AsExpected
        }
        Verdict::Fail(why) => {
            println!("  NOT AS EXPECTED: {why}\n");
            Told::Otherwise
        }
        Verdict::Malformed(why) => {
            println!("  not run: {why}\n");
            Told::Malformed
        }
        Verdict::Skip(skip) => {
            println!("  not run: {}: {}\n", skip.tag, skip.reason);
            Told::Skipped
        }
    }
}

fn summary(id: &str, told: &[Told]) -> ExitCode {
    let count = |wanted: Told| told.iter().filter(|told| **told == wanted).count();
    let (good, bad) = (count(Told::AsExpected), count(Told::Otherwise));
    let skipped = count(Told::Skipped);
    println!("story {id}: {good} as expected, {bad} not, {skipped} skipped");
    match (count(Told::Malformed), bad) {
        (0, 0) => ExitCode::SUCCESS,
        (0, _) => ExitCode::FAILURE,
        (malformed, _) => bad_arguments(&format!("{id}: {malformed} cannot be read")),
    }
}

/// The plain run of a case, line by line.
#[derive(Default)]
struct Timeline {
    rows: Vec<[String; 5]>,
    runs: usize,
    plain: bool,
}

impl Listener for Timeline {
    fn begins(&mut self, plain: bool) {
        self.runs += 1;
        self.plain = plain;
    }

    fn line(&mut self, line: &Line) {
        if self.plain {
            let Line { at, who, does, verdict, state } = line;
            let row = [&at.to_string(), who, does, verdict, state].map(|cell| shortened(cell));
            self.rows.push(row);
        }
    }
}

impl Timeline {
    const HEAD: [&'static str; 5] = ["time", "who", "does", "answer", "family afterwards"];

    fn print(&self, paint: &Paint) {
        if self.rows.is_empty() {
            return;
        }
        let mut widths = Self::HEAD.map(str::len);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        println!("  {}", aligned(&Self::HEAD.map(str::to_owned), &widths));
        for row in &self.rows {
            println!("  {}", paint.row(&row[3], &aligned(row, &widths)));
        }
        println!();
    }
}

/// The time is flush right, the rest flush left.
fn aligned(row: &[String; 5], widths: &[usize; 5]) -> String {
    let [time, who, does, answer, state] = row;
    let [a, b, c, d, _] = *widths;
    format!("{time:>a$}  {who:<b$}  {does:<c$}  {answer:<d$}  {state}").trim_end().to_owned()
}

/// One line of text, and not a long one.
fn shortened(cell: &str) -> String {
    const MOST: usize = 90;
    let printable = cell.chars().map(|letter| if letter.is_control() { '.' } else { letter });
    let text: String = printable.take(MOST + 1).collect();
    match text.char_indices().nth(MOST - 1) {
        Some((end, _)) if text.chars().count() > MOST => format!("{}…", &text[..end]),
        _ => text,
    }
}

/// Colours, where somebody sees them.
struct Paint(bool);

impl Paint {
    fn new() -> Self {
        Self(std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none())
    }

    fn row(&self, answer: &str, row: &str) -> String {
        let code = match answer {
            _ if !self.0 => return row.to_owned(),
            answer if answer.starts_with("BREACH") => 31,
            answer if answer.starts_with("refused") => 33,
            answer if answer.starts_with("ok") => 32,
            _ => return row.to_owned(),
        };
        format!("\u{1b}[{code}m{row}\u{1b}[0m")
    }
}
