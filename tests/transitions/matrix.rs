//! The matrix as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use heirloom::Policy;
use heirloom::decide::{Decision, decide};
use heirloom::family::{Family, Head};
use heirloom::token::Presented;

use super::asked::{self, Asked, PLAIN};
use super::branched::branched;
use super::pairs;
use super::policies::{Named, later_policies, policies};
use super::shown::Shown;
use super::single::single;
use super::states::{State, states};
use super::timeline::{Instant, LEEWAY_END, instants, later_instants};
use super::verdict::{LATER_LEGEND, LEGEND, word};

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

impl Combination<'_> {
    /// The current token of the branch that the presented one is of.
    pub fn head(&self) -> Option<&Head> {
        self.family.head_of(self.presented.position().branch)
    }
}

/// A product.
struct Grid {
    policies: Vec<Named>,
    states: Vec<State>,
    shown: &'static [Shown],
    asked: &'static [Asked],
    instants: Vec<Instant>,
}

/// Replay, and families of one branch.
fn plain() -> Grid {
    Grid {
        policies: policies(),
        states: states(),
        shown: &Shown::ALL,
        asked: &asked::ALL,
        instants: instants(),
    }
}

/// The other leeways, reactions and windows; and what they lead to.
fn later() -> Grid {
    Grid {
        policies: later_policies(),
        states: single().into_iter().chain(branched()).collect(),
        shown: &Shown::EVERY,
        asked: &asked::SOME,
        instants: later_instants(),
    }
}

/// Visits both products.
pub fn visit(mut each: impl FnMut(&Combination<'_>)) {
    visit_in(&plain(), &mut each);
    visit_in(&later(), &mut each);
}

/// Visits what the engine can be led to by other leeways than replay.
pub fn visit_later(mut each: impl FnMut(&Combination<'_>)) {
    visit_in(&later(), &mut each);
}

fn visit_in(grid: &Grid, each: &mut impl FnMut(&Combination<'_>)) {
    let Grid { policies, states, shown, asked, instants } = grid;
    let pairs = shown.iter().flat_map(|shown| states.iter().map(move |state| (state, *shown)));
    let presentations: Vec<_> =
        pairs.filter_map(|(state, shown)| Some((state, shown, shown.of(&state.family)?))).collect();
    for policy in policies {
        for (state, shown, presented) in &presentations {
            for (asked, instant) in
                asked.iter().flat_map(|asked| instants.iter().map(move |at| (asked, at)))
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
    let Grid { states, policies, .. } = plain();
    let by_instant = |states: &[State], shown, instants: &[Instant], policy: &Policy| {
        in_groups(states, shown, |state| by_time(state, shown, instants, policy))
    };
    let plainly = instants();
    let numbered: Vec<_> = policies.into_iter().zip(1..).collect();
    let blocks = |policy: &Policy| by_instant(&states, &Shown::ALL, &plainly, policy);
    section(&mut text, &numbered.iter().collect::<Vec<_>>(), blocks);
    text += "\n# By request: a millisecond before the end of the leeway\n";
    let states: Vec<State> =
        states.into_iter().filter(|state| REQUESTED_OF.contains(&&*state.name)).collect();
    let blocks = |policy: &Policy| {
        in_groups(&states, &Shown::ALL, |state| by_request(state, &Shown::ALL, policy))
    };
    let requested: Vec<_> =
        numbered.iter().filter(|(_, number)| REQUESTED_UNDER.contains(number)).collect();
    section(&mut text, &requested, blocks);
    text += "\n# How often each decision falls in the whole product, by policy\n\n";
    text += &counts(&plain(), 1);
    text + &later_text()
}

/// The other leeways, reactions and windows.
fn later_text() -> String {
    let mut text = format!("\n{LATER_LEGEND}");
    let instants = later_instants();
    let numbered: Vec<_> = later_policies().into_iter().zip(FIRST_LATER..).collect();
    let all = FIRST_LATER..=FIRST_LATER + numbered.len();
    for (title, states, shown, under) in [
        ("one branch", single(), &Shown::ALL[..], all.collect()),
        ("several branches", branched(), &Shown::OF_BRANCHES[..], BRANCHED_UNDER.to_vec()),
    ] {
        writeln!(text, "\n# By time, {title}: the client's own key, asking for all").unwrap();
        let by_time = |state: &State, policy: &Policy| by_time(state, shown, &instants, policy);
        let (first, _) = &numbered[0];
        let numbered: Vec<_> =
            numbered.iter().filter(|(_, number)| under.contains(number)).collect();
        section(&mut text, &numbered, |policy| {
            let is_new = |state: &&State| by_time(state, policy) != by_time(state, &first.policy);
            let (new, old): (Vec<&State>, Vec<&State>) =
                states.iter().partition(|state| is_new(state) || *policy == first.policy);
            let text = in_groups(new, shown, |state| by_time(state, policy));
            let names: Vec<&str> = old.iter().map(|state| &*state.name).collect();
            match &names[..] {
                [] => text,
                names => format!("{text}\nas under {FIRST_LATER}: {}\n", names.join("; ")),
            }
        });
    }
    text += "\n# How often each decision falls in this product, by policy\n\n";
    text + &counts(&later(), FIRST_LATER)
}

/// Branches meet nothing new under the other policies.
const BRANCHED_UNDER: [usize; 5] = [11, 14, 15, 16, 22];
/// The number of the first policy of the second product.
const FIRST_LATER: usize = 11;

/// What is asked for meets nothing new under the other policies and in the other states.
const REQUESTED_UNDER: [usize; 5] = [1, 2, 4, 9, 10];
const REQUESTED_OF: [&str; 5] =
    ["generation 2", "bound", "leeway closed", "last generation", "revoked: Logout"];

/// One table for each policy, unless an earlier policy has the same.
fn section(text: &mut String, numbered: &[&(Named, usize)], table: impl Fn(&Policy) -> String) {
    let mut seen: Vec<(usize, String)> = Vec::new();
    for (named, number) in numbered {
        let table = table(&named.policy);
        writeln!(text, "\n## {number} {}\n", named.name).unwrap();
        match seen.iter().find(|(_, earlier)| *earlier == table) {
            Some((earlier, _)) => writeln!(text, "as under {earlier}").unwrap(),
            None => *text += &table,
        }
        seen.push((*number, table));
    }
}

/// One block for all the states of which it is true.
fn in_groups<'a>(
    states: impl IntoIterator<Item = &'a State>,
    shown: &[Shown],
    block: impl Fn(&State) -> String,
) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for state in states {
        let block = block(state);
        match groups.iter_mut().find(|(other, _)| *other == block) {
            Some((_, names)) => names.push(&state.name),
            None => groups.push((block, vec![&state.name])),
        }
    }
    let mut text = row("", &shown.iter().map(|shown| shown.name().to_owned()).collect::<Vec<_>>());
    for (block, names) in groups {
        writeln!(text, "{}\n{block}", names.join("; ")).unwrap();
    }
    text.truncate(text.trim_end().len());
    text + "\n"
}

/// A run of instants with the same decisions is one row, so that every boundary shows.
fn by_time(state: &State, shown: &[Shown], instants: &[Instant], policy: &Policy) -> String {
    let shown = presented(state, shown);
    let rows: Vec<_> = instants.iter().map(|at| cells(state, &shown, &PLAIN, at, policy)).collect();
    let (mut text, mut first) = (String::new(), 0);
    for run in rows.chunk_by(|one, next| one == next) {
        let (from, to) = (&instants[first].name, &instants[first + run.len() - 1].name);
        let label = if from == to { from.clone() } else { format!("{from} .. {to}") };
        text += &row(&label, &run[0]);
        first += run.len();
    }
    text
}

fn by_request(state: &State, shown: &[Shown], policy: &Policy) -> String {
    let inside = instants().into_iter().rfind(|instant| instant.at < LEEWAY_END).unwrap();
    let shown = presented(state, shown);
    let rows = asked::ALL.iter();
    rows.map(|asked| row(asked.name, &cells(state, &shown, asked, &inside, policy))).collect()
}

fn presented(state: &State, shown: &[Shown]) -> Vec<Option<Presented>> {
    shown.iter().map(|shown| shown.of(&state.family)).collect()
}

fn cells(
    state: &State,
    shown: &[Option<Presented>],
    asked: &Asked,
    instant: &Instant,
    policy: &Policy,
) -> Vec<String> {
    let State { family, .. } = state;
    let cell = |shown: &Option<Presented>| {
        shown.as_ref().map_or(".".to_owned(), |presented| {
            let decision = decide(family, presented, &asked.request(), policy, instant.at);
            word(&decision, &family.grant.scope)
        })
    };
    shown.iter().map(cell).collect()
}

fn row(label: &str, cells: &[String]) -> String {
    let cells: String = cells.iter().map(|cell| format!("{cell:<13}")).collect();
    let row = format!("  {label:<48}{cells}");
    format!("{}\n", row.trim_end())
}

fn counts(grid: &Grid, first: usize) -> String {
    let names: Vec<&str> = grid.policies.iter().map(|named| named.name).collect();
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    visit_in(grid, &mut |combination: &Combination<'_>| {
        let word = word(&combination.decision, &combination.family.grant.scope);
        let policy = names.iter().position(|name| *name == combination.policy.name).unwrap();
        counts.entry(word).or_insert_with(|| vec![0; names.len()])[policy] += 1;
    });
    let line = |label: &str, cells: Vec<usize>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>8}")).collect();
        format!("{label:<20}{cells}\n")
    };
    let heading = line("", (first..first + names.len()).collect());
    heading + &counts.into_iter().map(|(word, cells)| line(&word, cells)).collect::<String>()
}
