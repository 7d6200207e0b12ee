//! The ratios of medians that a claim may be made of.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

/// A claim: one benchmark costs at most so many times another of the same run.
pub struct Limit {
    pub name: &'static str,
    pub measured: &'static str,
    pub beside: &'static str,
    pub at_most: f64,
}

/// Prints the ratios and writes them beside the measurements. Nothing, when nothing was measured.
pub fn report(directory: &Path, limits: &[Limit]) {
    let mut ratios = Vec::new();
    for Limit { name, measured, beside, at_most } in limits {
        let (Some(cost), Some(base)) = (median(directory, measured), median(directory, beside))
        else {
            continue;
        };
        let ratio = cost / base;
        let verdict = if ratio <= *at_most { "within" } else { "OVER" };
        println!("{measured} / {beside}: {ratio:.2}, {verdict} {at_most}");
        ratios.push(json!({
            "name": name, "nanoseconds": cost, "beside": base, "ratio": ratio, "at_most": at_most,
        }));
    }
    let file = directory.join("ratios.json");
    if !ratios.is_empty() && fs::write(&file, Value::from(ratios).to_string()).is_ok() {
        println!("written to {}", file.display());
    }
}

/// The median in nanoseconds of a benchmark's latest run.
fn median(directory: &Path, benchmark: &str) -> Option<f64> {
    let file = directory.join(benchmark).join("new/estimates.json");
    let estimates: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    estimates["median"]["point_estimate"].as_f64()
}
