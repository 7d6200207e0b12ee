//! The matrix as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use heirloom::Policy;
use heirloom::decide::{Decision, decide};
use heirloom::family::Family;
use heirloom::token::Presented;

use super::asked::{self, Asked, PLAIN};
use super::pairs;
use super::policies::{Named, policies};
use super::shown::Shown;
use super::states::{State, states};
use super::timeline::{Instant, LEEWAY_END, instants};
use super::verdict::{LEGEND, word};

/// One combination, and what is decided of it.
pub struct Combination<'a> {
    pub policy: &'a Named,
    pub state: &'a str,
    pub family: &'a Family,
    pub shown: Shown,
    pub presented: &'a Presented,
    pub asked: &'a Asked,
    pub instant: &'a Instant,
    pub decision: Decision,
}

/// Visits the whole product.
pub fn visit(mut each: impl FnMut(&Combination<'_>)) {
    let (policies, states, instants) = (policies(), states(), instants());
    let shown = Shown::ALL.into_iter();
    let pairs = shown.flat_map(|shown| states.iter().map(move |state| (state, shown)));
    let presentations: Vec<_> =
        pairs.filter_map(|(state, shown)| Some((state, shown, shown.of(&state.family)?))).collect();
    for policy in &policies {
        for (state, shown, presented) in &presentations {
            for (asked, instant) in
                asked::ALL.iter().flat_map(|asked| instants.iter().map(move |at| (asked, at)))
            {
                let State { name, family } = state;
                let (state, request) = (name.as_str(), asked.request());
                let decision = decide(family, presented, &request, &policy.policy, instant.at);
                let shown = *shown;
                each(&Combination {
                    policy,
                    state,
                    family,
                    shown,
                    presented,
                    asked,
                    instant,
                    decision,
                });
            }
        }
    }
}

/// All of the committed text.
pub fn text() -> String {
    let mut text = format!("What decide says.\n\n{LEGEND}\n");
    text += "# Which row wins when two hold: the earlier one, under policy 1\n\n";
    text += &pairs::table();
    text += "\n# By time: the client's own key, asking for all\n";
    let states = states();
    let blocks = |policy: &Policy| in_groups(&states, |state| by_time(state, policy));
    section(&mut text, |_| true, blocks);
    text += "\n# By request: a millisecond before the end of the leeway\n";
    let states: Vec<State> =
        states.into_iter().filter(|state| REQUESTED_OF.contains(&&*state.name)).collect();
    let blocks = |policy: &Policy| in_groups(&states, |state| by_request(state, policy));
    section(&mut text, |number| REQUESTED_UNDER.contains(&number), blocks);
    text += "\n# How often each decision falls in the whole product, by policy\n\n";
    text + &counts()
}

/// What is asked for meets nothing new under the other policies and in the other states.
const REQUESTED_UNDER: [usize; 5] = [1, 2, 4, 9, 10];
const REQUESTED_OF: [&str; 5] =
    ["generation 2", "bound", "leeway closed", "last generation", "revoked: Logout"];

/// One table for each policy, unless an earlier policy has the same.
fn section(text: &mut String, includes: impl Fn(usize) -> bool, table: impl Fn(&Policy) -> String) {
    let mut seen: Vec<(usize, String)> = Vec::new();
    let numbered = policies().into_iter().zip(1..);
    for (named, number) in numbered.filter(|(_, number)| includes(*number)) {
        let table = table(&named.policy);
        writeln!(text, "\n## {number} {}\n", named.name).unwrap();
        match seen.iter().find(|(_, earlier)| *earlier == table) {
            Some((earlier, _)) => writeln!(text, "as under {earlier}").unwrap(),
            None => *text += &table,
        }
        seen.push((number, table));
    }
}

/// One block for all the states of which it is true.
fn in_groups(states: &[State], block: impl Fn(&State) -> String) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for state in states {
        let block = block(state);
        match groups.iter_mut().find(|(other, _)| *other == block) {
            Some((_, names)) => names.push(&state.name),
            None => groups.push((block, vec![&state.name])),
        }
    }
    let mut text = row("", &Shown::ALL.map(|shown| shown.name().to_owned()));
    for (block, names) in groups {
        writeln!(text, "{}\n{block}", names.join("; ")).unwrap();
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A run of instants with the same decisions is one row, so that every boundary shows.
fn by_time(state: &State, policy: &Policy) -> String {
    let instants = instants();
    let rows: Vec<_> = instants.iter().map(|at| cells(state, &PLAIN, at, policy)).collect();
    let (mut text, mut first) = (String::new(), 0);
    for run in rows.chunk_by(|one, next| one == next) {
        let (from, to) = (&instants[first].name, &instants[first + run.len() - 1].name);
        let label = if from == to { from.clone() } else { format!("{from} .. {to}") };
        text += &row(&label, &run[0]);
        first += run.len();
    }
    text
}

fn by_request(state: &State, policy: &Policy) -> String {
    let inside = instants().into_iter().rfind(|instant| instant.at < LEEWAY_END).unwrap();
    let rows = asked::ALL.iter();
    rows.map(|asked| row(asked.name, &cells(state, asked, &inside, policy))).collect()
}

fn cells(state: &State, asked: &Asked, instant: &Instant, policy: &Policy) -> [String; 7] {
    let State { family, .. } = state;
    Shown::ALL.map(|shown| {
        shown.of(family).map_or(".".to_owned(), |presented| {
            let decision = decide(family, &presented, &asked.request(), policy, instant.at);
            word(&decision, &family.grant.scope)
        })
    })
}

fn row(label: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("{cell:<13}")).collect();
    let row = format!("  {label:<48}{cells}");
    format!("{}\n", row.trim_end())
}

fn counts() -> String {
    let names: Vec<&str> = policies().iter().map(|named| named.name).collect();
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    visit(|combination| {
        let word = word(&combination.decision, &combination.family.grant.scope);
        let policy = names.iter().position(|name| *name == combination.policy.name).unwrap();
        counts.entry(word).or_insert_with(|| vec![0; names.len()])[policy] += 1;
    });
    let line = |label: &str, cells: Vec<usize>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>8}")).collect();
        format!("{label:<20}{cells}\n")
    };
    let heading = line("", (1..=names.len()).collect());
    heading + &counts.into_iter().map(|(word, cells)| line(&word, cells)).collect::<String>()
}
