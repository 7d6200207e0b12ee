//! Changes of policy and keys.

use serde_json::{Map, Value};

use super::super::fields::{Check, Fields};
use super::super::outcome::Word;
use super::super::policy::Spec;
use super::super::step::{Act, Actor};
use super::super::world::World;
use super::{Needing, simple};

/// New engines over the same store, with the changed keys.
pub fn set(fields: &mut Fields) -> Check<Act> {
    let changes = fields.object("policy")?.ok_or("no `policy`")?;
    Spec::parse(&Map::new(), &[&changes])?;
    simple(fields, format!("sets the policy {}", shown(&changes)), move |world| {
        let mut keys = world.keys().clone();
        keys.base.extend(changes.clone());
        world.set_policy(keys)?;
        Ok(Word::Ok)
    })
}

/// Whether a policy can be built at all.
pub fn build(fields: &mut Fields) -> Check<Needing> {
    let changes = fields.object("policy")?.ok_or("no `policy`")?;
    let wanted = fields.texts("expect")?.unwrap_or_default();
    if let Some(unknown) =
        wanted.iter().find(|word| !["ok", "policy_error", "clamped"].contains(&word.as_str()))
    {
        return Err(format!("unknown outcome `{unknown}`"));
    }
    // A value that the engine lacks cannot be built: where that will do, nothing is missing.
    let refused = wanted.iter().any(|word| word == "policy_error");
    let spec = Spec::parse(&Map::new(), &[&changes])?;
    let needs = if refused { &[] } else { spec.lacking() };
    let needs = needs.iter().map(|tag| (*tag).to_owned()).collect();
    let act: Act = Box::new(move |world: &mut World, actor: &Actor| {
        let spec = Spec::parse(&world.keys().defaults, &[&world.keys().base, &changes])?;
        let (word, why) = match spec.build(None) {
            Ok(_) if spec.lacking().is_empty() => ("ok", String::new()),
            Ok(_) => ("policy_error", format!(": the engine lacks {}", spec.lacking().join(", "))),
            Err(why) => ("policy_error", format!(": {why}")),
        };
        let does = format!("builds the policy {}", shown(&changes));
        world.tell(actor.or("operator"), does, format!("{word}{why}"), None);
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == word) {
            Ok(())
        } else {
            Err(format!("expected {}, got {word}{why}", wanted.join(" or ")))
        }
    });
    Ok((act, needs))
}

fn shown(changes: &Map<String, Value>) -> String {
    let keys: Vec<String> = changes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    keys.join(" ").replace('"', "")
}

/// The key that mints, and those that are accepted.
pub fn engine_keys(fields: &mut Fields) -> Check<Act> {
    let active = fields.need_text("active")?;
    let known = fields.texts("known")?.unwrap_or_default();
    simple(fields, format!("mints with {active}, accepts {}", known.join(" ")), move |world| {
        world.set_ring(&active, &known)?;
        Ok(Word::Ok)
    })
}
