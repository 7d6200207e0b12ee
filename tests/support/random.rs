//! Random tests: the same cases at each run, and other ones for each seed that `scripts/explore` gives.
//!
//! | variable | what |
//! |---|---|
//! | `HEIRLOOM_SEED` | other cases; 0 unless it is set |
//! | `HEIRLOOM_CASE` | that one case alone |
//! | `PROPTEST_CASES` | more cases, or fewer |
//! | `HEIRLOOM_TALLY` | a file to which each random test adds its name and how many cases it has run |

use std::any::type_name_of_val;
use std::fs::OpenOptions;
use std::io::Write;
use std::str::FromStr;

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

/// Checks a claim for so many cases of a strategy. A failure says which case it was, in its smallest form, and how to have
/// it again.
pub fn check<S: Strategy>(
    cases: u32,
    strategy: &S,
    claim: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let name = name(&claim);
    let seed = variable("HEIRLOOM_SEED").unwrap_or(0);
    if let Some(case) = variable("HEIRLOOM_CASE") {
        return again(seed, case, strategy, claim);
    }
    let cases = variable("PROPTEST_CASES").unwrap_or(cases);
    assert!(cases > 0, "no case shows nothing");
    for case in 0..cases {
        again(seed, case, strategy, &claim);
    }
    tally(&name, cases);
}

/// One case: what a failure prints, pasted into a test.
pub fn again<S: Strategy>(
    seed: u32,
    case: u32,
    strategy: &S,
    claim: impl Fn(S::Value) -> Result<(), TestCaseError>,
) {
    let name = name(&claim);
    let mut config = config((u64::from(seed) << 32) | u64::from(case));
    config.cases = 1;
    let store = std::env::var("HEIRLOOM_STORE").map(|store| format!("HEIRLOOM_STORE={store} "));
    let again = format!(
        "To have it again, in a test: again({seed}, {case}, ..)\n\
         or: {}HEIRLOOM_SEED={seed} HEIRLOOM_CASE={case} cargo test --all-features {name}",
        store.unwrap_or_default(),
    );
    match TestRunner::new(config).run(strategy, claim) {
        Ok(()) => {}
        Err(TestError::Fail(why, smallest)) => {
            panic!("{why}\nThe smallest form of it: {smallest:#?}\n{again}")
        }
        // No case was drawn, or none was what the claim is about: that is no pass.
        Err(TestError::Abort(why)) => panic!("gave up: {why}\n{again}"),
    }
}

/// For a test that draws for itself, so many cases: those of stores do.
#[cfg(any(feature = "conformance", feature = "sqlite", feature = "postgres", feature = "redis"))]
pub fn runner(test: &str, cases: usize) -> TestRunner {
    tally(test, u32::try_from(cases).expect("a small number"));
    TestRunner::new(config(variable("HEIRLOOM_SEED").unwrap_or(0)))
}

fn config(seed: u64) -> Config {
    let asked = Config::default();
    let max_shrink_iters = match std::env::var_os("PROPTEST_MAX_SHRINK_ITERS") {
        Some(_) => asked.max_shrink_iters,
        None => 20_000,
    };
    Config { failure_persistence: None, max_shrink_iters, rng_seed: RngSeed::Fixed(seed), ..asked }
}

/// The test whose closure it is, without the crate.
fn name<T>(claim: &T) -> String {
    let name = type_name_of_val(claim).trim_start_matches('&');
    let name = name.split_once("::").map_or(name, |(_, path)| path);
    name.split("::{{closure}}").next().unwrap_or(name).to_owned()
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no such number: {text}")))
}

fn tally(test: &str, cases: u32) {
    let Some(path) = std::env::var_os("HEIRLOOM_TALLY") else { return };
    let store = std::env::var("HEIRLOOM_STORE").unwrap_or("memory".to_owned());
    let line = format!("{store} {test} {cases}\n");
    let file = OpenOptions::new().create(true).append(true).open(path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).expect("HEIRLOOM_TALLY is a file");
}
