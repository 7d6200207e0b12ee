//! What changes at the host, and what the engine is not told of yet.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::fields::{Check, Fields};
use super::super::host::Hook;
use super::super::op::client;
use super::super::outcome::Word;
use super::super::step::{Act, Actor};
use super::super::world::{World, locked};
use super::{Needing, simple};

/// The answer of the next issuing step.
pub fn hook(fields: &mut Fields) -> Check<Act> {
    let answer = fields.need_text("answer")?;
    let hook = match answer.as_str() {
        "allow" => None,
        "deny" => Some(Hook::Deny),
        "fail" => Some(Hook::Fail),
        other => return Err(format!("unknown answer `{other}`")),
    };
    simple(fields, format!("will {answer} the next issuing step"), move |world| {
        *locked(&world.host.hook) = hook;
        Ok(Word::Ok)
    })
}

pub fn client_status(fields: &mut Fields) -> Check<Act> {
    let client = client(fields)?;
    let active = is_active(fields)?;
    simple(fields, change("client", &client, active), move |world| {
        set(&mut world.host.disabled_clients, &client, active);
        Ok(Word::Ok)
    })
}

pub fn subject_status(fields: &mut Fields) -> Check<Act> {
    let subject = fields.text_or("subject", "S")?;
    let active = is_active(fields)?;
    simple(fields, change("subject", &subject, active), move |world| {
        set(&mut world.host.disabled_subjects, &subject, active);
        Ok(Word::Ok)
    })
}

fn change(what: &str, name: &str, active: bool) -> String {
    format!("{} {what} {name}", if active { "enables" } else { "disables" })
}

fn set(disabled: &mut BTreeSet<String>, name: &str, active: bool) {
    if active {
        disabled.remove(name);
    } else {
        disabled.insert(name.to_owned());
    }
}

/// A status by any of its usual names.
fn is_active(fields: &mut Fields) -> Check<bool> {
    const NAMES: [&str; 5] = ["status", "state", "answer", "active", "enabled"];
    let given = NAMES.into_iter().find_map(|name| fields.take(name));
    match given {
        Some(Value::Bool(active)) => Ok(active),
        Some(Value::String(word)) => match word.as_str() {
            "active" | "enabled" | "ok" | "allow" => Ok(true),
            "disabled" | "inactive" | "blocked" | "locked" | "suspended" | "deleted"
            | "removed" | "gone" | "unknown" | "revoked" | "deny" => Ok(false),
            other => Err(format!("unknown status `{other}`")),
        },
        _ => Err("no `status`".to_owned()),
    }
}

/// What a client may ask for from now on; `null`: everything again.
pub fn client_scopes(fields: &mut Fields) -> Check<Act> {
    let client = client(fields)?;
    let mut scopes = None;
    for name in ["scope", "scopes", "allowed"] {
        scopes = scopes.or(fields.texts(name)?);
    }
    let shown = scopes.as_ref().map_or("everything".to_owned(), |scopes| scopes.join(" "));
    simple(fields, format!("lets client {client} have {shown}"), move |world| {
        match &scopes {
            Some(scopes) => world.host.client_scopes.insert(client.clone(), scopes.clone()),
            None => world.host.client_scopes.remove(&client),
        };
        Ok(Word::Ok)
    })
}

/// A verb of a feature that the engine lacks: its scenario is skipped, and it is never run.
pub fn lacking(fields: &mut Fields, tag: &'static str, known: &[&str]) -> Check<Needing> {
    for name in known {
        fields.take(name);
    }
    let act: Act = Box::new(move |_: &mut World, _: &Actor| Err(format!("lacks {tag}")));
    Ok((act, vec![tag.to_owned()]))
}
