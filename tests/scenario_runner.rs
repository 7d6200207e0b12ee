//! The scenario runner can fail: each expectation of the copied file, falsified, is found; whatever the format does
//! not know is refused; and what the copied file leaves out is run as well (`scenarios/own.json`).

#[path = "scenarios/mod.rs"]
mod interpreter;

use interpreter::file::{Case, File};
use interpreter::run::{Line, Listener, Verdict, run};
use serde_json::{Value, json};

#[derive(Default)]
struct Heard(Vec<String>);

impl Listener for Heard {
    fn begins(&mut self, plain: bool) {
        self.0.push(format!("begins {plain}"));
    }

    fn line(&mut self, line: &Line) {
        let Line { at, who, does, verdict, state } = line;
        self.0.push(format!("{at} {who} {does} {verdict} {state}"));
    }
}

fn file(name: &str) -> File {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/");
    File::read(format!("{folder}{name}").as_ref()).unwrap()
}

/// The name and verdict of each case: `pass`, the tag that is skipped for, or why it failed.
fn verdicts(scenario: &Value, file: &File) -> Vec<(String, Result<&'static str, String>)> {
    let cases = match Case::parse(scenario) {
        Ok(cases) => cases,
        Err(why) => return vec![(String::new(), Err(why))],
    };
    let verdict = |case: &Case| {
        let title = &case.title;
        match run(case, &file.defaults, &mut Heard::default()) {
            Verdict::Pass(said) => Ok(if said.is_empty() { "pass" } else { "pass, and more" }),
            Verdict::Skip(skip) => {
                assert!(!skip.reason.is_empty(), "{title}: skipped without a reason");
                Ok(skip.tag)
            }
            Verdict::Fail(why) | Verdict::Malformed(why) => Err(why),
        }
    };
    cases.iter().map(|case| (case.name.clone(), verdict(case))).collect()
}

fn fails(scenario: &Value, file: &File) -> Option<String> {
    verdicts(scenario, file).into_iter().find_map(|(_, verdict)| verdict.err())
}

#[test]
fn what_the_copied_file_leaves_out_is_run_as_well() {
    let file = file("own.json");
    let all: Vec<_> = file.scenarios.iter().flat_map(|own| verdicts(own, &file)).collect();
    for (name, verdict) in &all {
        let wanted = match name.as_str() {
            "OWN-10" => "pass, and more",
            "OWN-20" => "access_tokens",
            "OWN-23" => "spent_expired.expired",
            _ => "pass",
        };
        assert_eq!(verdict.as_deref(), Ok(wanted), "{name}");
    }
    assert_eq!(all.len(), 40);
}

/// Every scenario with one expectation turned into its opposite.
fn falsified(scenario: &Value) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    let steps = scenario["steps"].as_array().cloned().unwrap_or_default();
    for (index, step) in steps.iter().enumerate() {
        for (what, changed) in falsified_step(step) {
            let mut scenario = scenario.clone();
            scenario["steps"][index] = changed;
            all.push((format!("step {}: {what}", index + 1), scenario));
        }
    }
    for (index, variant) in scenario["variants"].as_array().into_iter().flatten().enumerate() {
        for (what, changed) in falsified(variant) {
            let mut scenario = scenario.clone();
            scenario["variants"][index] = changed;
            all.push((format!("variant {index}, {what}"), scenario));
        }
    }
    for (group, opposite) in [("tokens", "displaced"), ("families", "?"), ("live_count", "?")] {
        for (name, state) in scenario["after"][group].as_object().into_iter().flatten() {
            let mut scenario = scenario.clone();
            scenario["after"][group][name] = match (state.as_str(), state.as_u64()) {
                (Some("active"), _) => json!("revoked"),
                (Some("revoked"), _) if group == "families" => json!("active"),
                (_, Some(count)) => json!(count + 1),
                _ => json!(opposite),
            };
            all.push((format!("after: {group} {name}"), scenario));
        }
    }
    all
}

fn falsified_step(step: &Value) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let mut with = |what, change: &dyn Fn(&mut Value)| {
        let mut changed = step.clone();
        change(&mut changed);
        all.push((what, changed));
    };
    // What only happens if it is asked for: a request of a client that no scenario lets be denied by its server.
    let elsewhere = json!("unauthorized_client");
    let (verb, expect) = (step["do"].as_str().unwrap_or_default(), &step["expect"]);
    match verb {
        "concurrent" => with("ok", &|step| step["expect"]["ok"] = json!(99)),
        "concurrent_ops" => with("each", &|step| step["expect"]["each"] = json!([["keep", "ok"]])),
        "introspect" if expect["active"].is_boolean() => with("active", &|step| {
            step["expect"]["active"] = json!(!expect["active"].as_bool().unwrap());
        }),
        "introspect" => with("expect", &|step| step["expect"] = elsewhere.clone()),
        "damage_each_record" => {
            with("try", &|step| step["between"]["try"]["expect"] = json!("keep"))
        }
        // Its token may be unbound, and then it is not asked.
        "refresh_if_any" => {}
        _ if !expect.is_null() => with("expect", &|step| step["expect"] = elsewhere.clone()),
        _ => {}
    }
    all.extend(falsified_details(step));
    all
}

/// What a step expects beside its outcome.
fn falsified_details(step: &Value) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let mut with = |what, value| {
        let mut changed = step.clone();
        changed[what] = value;
        all.push((what, changed));
    };
    if let Some(breach) = step["breach"].as_bool() {
        with("breach", json!(!breach));
    }
    if step["reason"].is_string() {
        with("reason", json!("not_yet_valid"));
    }
    if step["granted"].is_array() {
        with("granted", json!(["nothing"]));
    }
    if step["of"].is_string() {
        with("of", step["token"].clone());
    }
    if step["refresh_expires_in"].is_number() {
        with("refresh_expires_in", json!(1));
    }
    if step["emits"].is_array() {
        with("emits", json!(["breach", "purged"]));
    }
    all
}

#[test]
fn every_expectation_of_the_copied_file_can_fail() {
    assert!(falsify(&file("scenarios.json")) > 300);
}

#[test]
fn every_expectation_about_what_the_copied_file_leaves_out_can_fail() {
    let mut file = file("own.json");
    // Those of verbs and policies that clients see; the others exercise verbs that assert of themselves.
    file.scenarios.retain(|own| own["id"].as_str().is_some_and(|id| id >= "OWN-21"));
    assert!(falsify(&file) > 150);
}

/// Fails if a scenario of the file passes with an expectation turned into its opposite; says how many were tried.
fn falsify(file: &File) -> usize {
    let mut tried = 0;
    for scenario in &file.scenarios {
        // Once is enough to see it fail.
        let mut scenario = scenario.clone();
        let fields = scenario.as_object_mut().unwrap();
        fields.remove("repeat");
        fields.remove("also_with");
        if verdicts(&scenario, file)
            .iter()
            .any(|(_, verdict)| !matches!(verdict, Ok(tag) if tag.starts_with("pass")))
        {
            continue;
        }
        for (what, changed) in falsified(&scenario) {
            assert!(
                fails(&changed, file).is_some(),
                "{} passes with another {what}",
                scenario["id"]
            );
            tried += 1;
        }
    }
    tried
}

/// A scenario with one step beside the issue of `T0`.
fn with_step(step: Value) -> Value {
    let issue = json!({ "at": 0, "do": "issue", "as": "T0" });
    json!({ "id": "X-01", "title": "x", "level": "core", "policy": {}, "steps": [issue, step] })
}

#[test]
fn what_the_format_of_a_step_does_not_know_is_a_failure() {
    let file = file("scenarios.json");
    for (step, why) in [
        (json!({ "at": 1, "do": "frobnicate" }), "unknown verb"),
        (json!({ "at": 1, "do": "refresh", "token": "T0", "colour": 1 }), "unknown field `colour`"),
        (json!({ "at": 1, "do": "refresh", "token": "T0", "expect": "fine" }), "unknown outcome"),
        (json!({ "at": 1, "do": "refresh", "token": "T0", "reason": "mood" }), "unknown reason"),
        (json!({ "at": 1, "do": "refresh", "token": "T0", "emits": ["boom"] }), "unknown event"),
        (json!({ "at": 1, "do": "refresh", "token": "T9" }), "nothing is named `T9`"),
        (
            json!({ "at": 1, "do": "assert_states", "tokens": { "T0": "ill" } }),
            "unknown token state",
        ),
        (json!({ "at": 1, "do": "set_policy", "policy": { "moon": 1 } }), "unknown field `moon`"),
        (json!({ "at": 1, "do": "set_policy", "policy": { "bind": "x" } }), "unknown bind"),
        (json!({ "at": 1, "do": "fault", "op": "gravity" }), "unknown operation"),
        (
            json!({ "at": 1, "do": "derive", "from": "T0", "op": "knit", "as": "D" }),
            "unknown operation",
        ),
        (json!({ "at": 1, "do": "host_hook", "answer": "maybe" }), "unknown answer"),
        (json!({ "at": "soon", "do": "purge" }), "not a number of seconds"),
        (json!({ "do": "use_access", "token": "T0", "colour": 1 }), "unknown field `colour`"),
    ] {
        let said = fails(&with_step(step.clone()), &file).unwrap_or_default();
        assert!(said.contains(why), "{step}: {said:?}");
    }
}

#[test]
fn what_the_format_of_a_scenario_does_not_know_is_a_failure() {
    let file = file("scenarios.json");
    for (field, value, why) in [
        ("requires", json!(["telepathy"]), "unknown feature tag"),
        ("policy", json!({ "leeway_mode": "siesta" }), "unknown leeway_mode"),
        ("level", json!("basement"), "unknown level"),
        ("after", json!({ "mood": 1 }), "unknown field `mood`"),
        ("after", json!({ "families": { "F": "asleep" } }), "unknown family state"),
        ("also_with", json!([{ "colour": "red" }]), "nothing has `colour`"),
        ("colour", json!("red"), "unknown field `colour`"),
    ] {
        let mut scenario = with_step(json!({ "at": 1, "do": "purge" }));
        scenario[field] = value;
        let said = fails(&scenario, &file).unwrap_or_default();
        assert!(said.contains(why), "{field}: {said:?}");
    }
}

#[test]
fn an_unknown_word_fails_also_where_the_scenario_would_be_skipped() {
    let file = file("scenarios.json");
    let mut scenario = with_step(json!({ "at": 1, "do": "frobnicate" }));
    scenario["requires"] = json!(["access_tokens"]);
    assert!(fails(&scenario, &file).is_some());
    scenario["steps"][1] = json!({ "at": 1, "do": "purge" });
    scenario["requires"] = json!(["access_tokens", "telepathy"]);
    assert!(fails(&scenario, &file).is_some());
}

#[test]
fn a_file_of_another_form_is_refused() {
    for text in ["", "[]", "{}", r#"{ "format": "heirloom-scenarios/2", "scenarios": [] }"#] {
        assert!(File::parse(text).is_err(), "{text}");
    }
    let more = r#"{ "format": "heirloom-scenarios/1", "scenarios": [], "more": 1 }"#;
    assert!(File::parse(more).is_err());
}
