//! What a claim may be made of: the ratio of two costs that were measured in turns.
//!
//! A round runs both, and gives one ratio. Each is timed in slices that are far shorter than what a scheduler gives at a
//! time, and the median slice counts: a busy machine takes the processor away in few of them.

use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};

const ROUNDS: usize = 500;
/// As many slices are one pass over all families, so that what is measured finds its own data in the caches.
const SLICES: usize = 50;
const CALLS: u32 = 20;

/// A claim: one call costs at most so many times another.
pub struct Limit {
    pub measured: &'static str,
    pub beside: &'static str,
    pub at_most: f64,
}

/// What was measured of a claim.
pub struct Ratio {
    limit: &'static Limit,
    /// Of the ratios of the rounds.
    median: f64,
    lower_quartile: f64,
    /// The median of each, for a call.
    nanoseconds: [f64; 2],
}

impl Ratio {
    pub fn measure(
        limit: &'static Limit,
        mut measured: impl FnMut(),
        mut beside: impl FnMut(),
    ) -> Self {
        let rounds = (0..ROUNDS).map(|round| {
            // Who is first changes, so that a clock rate that drifts favours nobody.
            if round % 2 == 0 {
                let cost = cost(&mut measured);
                [cost, self::cost(&mut beside)]
            } else {
                let base = cost(&mut beside);
                [cost(&mut measured), base]
            }
        });
        let rounds: Vec<[f64; 2]> = rounds.collect();
        let ratios = sorted(rounds.iter().map(|[cost, base]| cost / base));
        Self {
            limit,
            median: ratios[ROUNDS / 2],
            lower_quartile: ratios[ROUNDS / 4],
            nanoseconds: [0, 1].map(|of| sorted(rounds.iter().map(|it| it[of]))[ROUNDS / 2]),
        }
    }

    /// Three rounds of four are over the limit: chance does not do that, on a busy machine neither.
    fn is_over(&self) -> bool {
        self.lower_quartile > self.limit.at_most
    }
}

/// Prints the ratios and writes them to `ratios.json`. Fails if one is over its limit.
pub fn report(directory: &Path, ratios: &[Ratio]) -> ExitCode {
    for Ratio { limit, median, lower_quartile, nanoseconds: [cost, base] } in ratios {
        println!("{}: {cost:.0} ns; {}: {base:.0} ns", limit.measured, limit.beside);
        println!("    ratio {median:.2}, in three of four rounds over {lower_quartile:.2}");
    }
    println!();
    for ratio in ratios {
        let Limit { measured, beside, at_most } = ratio.limit;
        let verdict = if ratio.is_over() { "OVER" } else { "within" };
        println!("{measured} / {beside}: {:.2}, {verdict} {at_most}", ratio.median);
    }
    let file = directory.join("ratios.json");
    let text = ratios.iter().map(as_json).collect::<Value>().to_string();
    match fs::create_dir_all(directory).and_then(|()| fs::write(&file, text)) {
        Ok(()) => println!("written to {}", file.display()),
        Err(error) => println!("not written to {}: {error}", file.display()),
    }
    if ratios.iter().any(Ratio::is_over) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn as_json(ratio: &Ratio) -> Value {
    json!({
        "measured": ratio.limit.measured,
        "beside": ratio.limit.beside,
        "at_most": ratio.limit.at_most,
        "median": ratio.median,
        "lower_quartile": ratio.lower_quartile,
        "nanoseconds": ratio.nanoseconds,
    })
}

/// Nanoseconds for a call: the median slice.
fn cost(call: &mut impl FnMut()) -> f64 {
    sorted((0..SLICES).map(|_| slice(call)))[SLICES / 2] / f64::from(CALLS)
}

#[expect(clippy::disallowed_methods, reason = "what is measured is a length of real time")]
fn slice(call: &mut impl FnMut()) -> f64 {
    let begun = Instant::now();
    for _ in 0..CALLS {
        call();
    }
    begun.elapsed().as_secs_f64() * 1e9
}

fn sorted(numbers: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    numbers
}
