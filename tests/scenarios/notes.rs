//! Prose of the scenario file that asks for something: where it is asserted, and what is run once more.

use serde_json::{Value, json};

use super::file::{Case, Script};

/// `checks` and where they are assertions. One that is not here is named in the report.
const CHECKS: [(&str, &str); 4] = [
    (
        "generation of T130 is 130 above T0's, all 131 strings are distinct, one family id throughout",
        "request.rs, of every refresh",
    ),
    (
        "neither string, nor its base64/hex decoding, occurs anywhere in the dumped store bytes",
        "text.rs, `found_in`",
    ),
    (
        "`new` for A0 is acceptable only when the damaged bytes do not matter for A0's validity; it must then be client C, subject S, scope as issued",
        "request.rs, of every success",
    ),
    (
        "swapping in B's bytes must never make A0 answer with B's subject",
        "request.rs, of every success",
    ),
];

/// The checks in prose that no code asserts.
pub fn unasserted(case: &Case) -> Vec<&str> {
    let known = |check: &&String| !CHECKS.iter().any(|(text, _)| text == check);
    case.checks.iter().filter(known).map(String::as_str).collect()
}

/// A change of a script that a note asks for.
type Change = fn(&mut Script);

/// Notes that ask for a further run: the scenario, what the note says, the name of the run, and the change.
const FURTHER: [(&str, &str, &str, Change); 3] = [
    ("REU-08", "run it again with at 10.0, 10.2, 10.4, 10.6", "within one second", within_a_second),
    ("EXP-03", "repeat with idle_s 300", "idle_s 300", longer_idle),
    (
        "MIG-01",
        "run with that policy and the last step is new",
        "on_reuse reject",
        reuse_is_refused,
    ),
];

/// Further runs, each with its name.
pub fn further_runs(case: &Case) -> Vec<(String, Script)> {
    let asked =
        FURTHER.iter().filter(|(id, note, _, _)| *id == case.name && case.notes.contains(note));
    asked
        .map(|(_, _, name, change)| {
            let mut script = case.script.clone();
            change(&mut script);
            ((*name).to_owned(), script)
        })
        .collect()
}

fn within_a_second(script: &mut Script) {
    let moments = [10.0, 10.2, 10.4, 10.6, 10.6];
    for (step, at) in script.steps.iter_mut().zip(moments) {
        step["at"] = json!(at);
    }
}

/// The absolute lifetime, 250 s, is then the nearer end of every token.
fn longer_idle(script: &mut Script) {
    script.policy.insert("idle_s".to_owned(), json!(300));
    for step in &mut script.steps {
        let at = step["at"].as_u64().unwrap_or_default();
        if let Some(expires_in) = step.get_mut("refresh_expires_in") {
            *expires_in = json!(250_u64.saturating_sub(at));
        }
    }
}

fn reuse_is_refused(script: &mut Script) {
    script.policy.insert("on_reuse".to_owned(), json!("reject"));
    if let Some(last) = script.steps.last_mut() {
        last["expect"] = json!("new");
        last["as"] = json!("R3");
    }
    script.after = Some(Value::Object(serde_json::Map::new()));
}
