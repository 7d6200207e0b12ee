//! The scenario file: its layout, and the cases that it makes.

use std::path::Path;

use serde_json::{Map, Value};

use super::fields::{Check, Fields};
use super::tags::{self, Skip};

/// A scenario file.
pub struct File {
    pub defaults: Map<String, Value>,
    /// Scenarios as they stand in the file; each is read on its own, so that a bad one spoils no other.
    pub scenarios: Vec<Value>,
}

impl File {
    pub fn read(path: &Path) -> Check<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
        Self::parse(&text)
    }

    pub fn parse(text: &str) -> Check<Self> {
        let value: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut fields = Fields::new("file", &value)?;
        let format = fields.need_text("format")?;
        if format != "heirloom-scenarios/1" {
            return Err(format!("unknown format `{format}`"));
        }
        let defaults = fields.object("policy_defaults")?.unwrap_or_default();
        let scenarios = fields.list("scenarios")?.ok_or("no `scenarios`")?;
        // Prefixes of ids, and what randomised runs assert: nothing to run.
        fields.object("themes")?;
        fields.list("invariants")?;
        fields.finish()?;
        Ok(Self { defaults, scenarios })
    }
}

/// A scenario, or one variant of it.
pub struct Case {
    /// `REU-01`, or `SED-03/B_same_token`.
    pub name: String,
    pub title: String,
    pub requires: Vec<String>,
    pub repeat: usize,
    /// If building the policy errors, that is a pass.
    pub policy_may_be_refused: bool,
    pub also_with: Vec<Map<String, Value>>,
    pub checks: Vec<String>,
    pub notes: String,
    pub script: Script,
}

/// What is run: policy, steps, and the state they must leave. As it stands in the file, for runs with other values.
#[derive(Clone)]
pub struct Script {
    pub policy: Map<String, Value>,
    pub client_policy: Map<String, Value>,
    pub steps: Vec<Value>,
    pub after: Option<Value>,
}

impl Case {
    /// All cases of a scenario: itself if it has steps, and each of its variants.
    pub fn parse(scenario: &Value) -> Check<Vec<Self>> {
        let mut fields = Fields::new("scenario", scenario)?;
        let id = fields.need_text("id")?;
        let variants = fields.list("variants")?.unwrap_or_default();
        for name in ["variant_of", "variant_pair"] {
            fields.texts(name)?;
        }
        match fields.need_text("level")?.as_str() {
            "core" | "policy" | "advisory" => {}
            other => return Err(format!("unknown level `{other}`")),
        }
        let title = fields.need_text("title")?;
        let base = Self::read(&mut fields, id, title, None)?;
        fields.finish()?;
        let mut cases = Vec::new();
        for variant in &variants {
            let mut fields = Fields::new("variant", variant)?;
            let name = format!("{}/{}", base.name, fields.need_text("name")?);
            let title = fields.text_or("title", &base.title)?;
            cases.push(Self::read(&mut fields, name, title, Some(&base))?);
            fields.finish()?;
        }
        if !base.script.steps.is_empty() || variants.is_empty() {
            cases.insert(0, base);
        }
        Ok(cases)
    }

    /// What scenarios and variants have alike; a variant is laid over its scenario.
    fn read(fields: &mut Fields, name: String, title: String, base: Option<&Self>) -> Check<Self> {
        let mut script = base.map_or_else(Script::empty, |base| base.script.clone());
        script.policy.extend(fields.object("policy")?.unwrap_or_default());
        script.client_policy.extend(fields.object("client_policy")?.unwrap_or_default());
        if let Some(steps) = fields.list("steps")? {
            // A state after other steps says nothing of these.
            if !script.steps.is_empty() {
                script.after = None;
            }
            script.steps = steps;
        }
        script.after = fields.take("after").or(script.after);
        let mut requires = base.map_or_else(Vec::new, |base| base.requires.clone());
        requires.extend(fields.texts("requires")?.unwrap_or_default());
        let of_base = |read: fn(&Self) -> usize| base.map_or(1, read);
        let also_with = fields.list("also_with")?.unwrap_or_default();
        fields.text("difficulty")?;
        fields.flag("clock_goes_back")?;
        Ok(Self {
            name,
            title,
            requires,
            repeat: fields.count("repeat")?.unwrap_or(of_base(|base| base.repeat)),
            policy_may_be_refused: fields
                .flag_or_absent("policy_may_be_refused")?
                .unwrap_or(base.is_some_and(|base| base.policy_may_be_refused)),
            also_with: match (also_with.is_empty(), base) {
                (true, Some(base)) => base.also_with.clone(),
                _ => also_with.iter().map(object).collect::<Check<_>>()?,
            },
            checks: fields.texts("checks")?.unwrap_or_default(),
            notes: fields.texts("notes")?.unwrap_or_default().join(" "),
            script,
        })
    }

    /// The first feature that the scenario asks for and the engine lacks.
    pub fn skip(&self) -> Check<Option<Skip>> {
        let mut skipped = None;
        for tag in &self.requires {
            skipped = skipped.or(tags::skip(tag)?);
        }
        Ok(skipped)
    }

    /// Any leeway mode will do.
    pub fn some_leeway(&self) -> bool {
        self.requires.iter().any(|tag| tag == "leeway.some")
    }
}

impl Script {
    fn empty() -> Self {
        Self { policy: Map::new(), client_policy: Map::new(), steps: Vec::new(), after: None }
    }

    /// The same script with one substitution of `also_with`.
    ///
    /// # Errors
    ///
    /// When nothing in the script is of that name.
    pub fn substituted(
        &self,
        key: &str,
        value: &Value,
        defaults: &Map<String, Value>,
    ) -> Check<Self> {
        let mut script = self.clone();
        if defaults.contains_key(key) {
            script.policy.insert(key.to_owned(), value.clone());
            return Ok(script);
        }
        if let (true, Value::Object(changes)) = (key == "policy", value) {
            script.policy.extend(changes.clone());
            return Ok(script);
        }
        let mut changed = 0;
        for step in &mut script.steps {
            changed += match key {
                "revoke" => with_revocation(step, value),
                key => with_field(step, key, value),
            };
        }
        if changed == 0 { Err(format!("also_with: nothing has `{key}`")) } else { Ok(script) }
    }
}

/// Revokes in another way, wherever a token is revoked.
fn with_revocation(step: &mut Value, verb: &Value) -> usize {
    match step {
        Value::Object(map) if map.get("do").is_some_and(|own| own == "revoke_token") => {
            map.insert("do".to_owned(), verb.clone());
            // The others default to the family, subject and client that all steps default to.
            map.remove("token");
            1
        }
        Value::Object(map) => map.values_mut().map(|inner| with_revocation(inner, verb)).sum(),
        Value::Array(list) => list.iter_mut().map(|inner| with_revocation(inner, verb)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Another value, wherever the field stands; an operation that stands inside a step is not one.
fn with_field(step: &mut Value, key: &str, value: &Value) -> usize {
    match step {
        Value::Object(map) => {
            let own = map.get(key).is_some_and(|own| own.is_object() == value.is_object());
            if own {
                map.insert(key.to_owned(), value.clone());
                return 1;
            }
            map.values_mut().map(|inner| with_field(inner, key, value)).sum()
        }
        Value::Array(list) => list.iter_mut().map(|inner| with_field(inner, key, value)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

fn object(value: &Value) -> Check<Map<String, Value>> {
    value.as_object().cloned().ok_or_else(|| format!("also_with: not an object: {value}"))
}
