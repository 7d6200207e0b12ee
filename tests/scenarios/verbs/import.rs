//! Tokens of another system, which the host hands to the engine as its own table has them.

use std::collections::{BTreeMap, BTreeSet};

use heirloom::adoption::Legacy;
use heirloom::{FamilyId, Grant, Outcome, Policy, Request, Timestamp};
use pollster::block_on;
use serde_json::Value;

use super::super::fields::{Check, Fields, Moment};
use super::super::op::client;
use super::super::outcome::Word;
use super::super::step::Act;
use super::super::world::{Engine, Issued, World};
use super::simple;

/// A row of the other system's table.
struct Row {
    /// `None`: a token that belongs to no family.
    family: Option<String>,
    client: String,
    subject: String,
    scope: Vec<String>,
    value: String,
    issued_at: Option<Moment>,
    spent: bool,
    named: Option<String>,
}

pub fn legacy(fields: &mut Fields) -> Check<Act> {
    let family = match fields.take("family") {
        None => Some("F".to_owned()),
        Some(Value::Null) => None,
        Some(Value::String(name)) => Some(name),
        Some(other) => return Err(format!("`family` is not text: {other}")),
    };
    let both = || vec!["read".to_owned(), "write".to_owned()];
    let value = fields.text("value")?;
    let value = match fields.take("value_repeat") {
        None => value.ok_or("neither `value` nor `value_repeat`")?,
        Some(repeat) => repeated(value.as_deref(), &repeat)?,
    };
    let row = Row {
        family,
        client: client(fields)?,
        subject: fields.text_or("subject", "S")?,
        scope: fields.texts("scope")?.unwrap_or_else(both),
        value,
        issued_at: fields.moment("issued_at")?,
        spent: fields.flag("spent")?,
        named: fields.text("as")?,
    };
    let what = if row.spent { "a spent legacy token" } else { "a legacy token" };
    let does = format!("imports {what} as {}", row.named.as_deref().unwrap_or("nothing"));
    simple(fields, does, move |world| row.import(world))
}

/// A text so many times: as `literal_repeat` says it, as a pair, or as the number alone.
fn repeated(value: Option<&str>, repeat: &Value) -> Check<String> {
    let wrong = || format!("`value_repeat` is no text and number: {repeat}");
    let text = |field: &str| repeat.get(field).and_then(Value::as_str);
    let times = |value: &Value| value.as_u64().and_then(|times| usize::try_from(times).ok());
    let (part, times) = match repeat {
        Value::Array(pair) => (pair.first().and_then(Value::as_str), pair.get(1).and_then(times)),
        Value::Object(map) => {
            let count = map.get("times").or(map.get("count")).and_then(times);
            (text("char").or(text("value")), count)
        }
        number => (value.or(Some("x")), times(number)),
    };
    Ok(part.ok_or_else(wrong)?.repeat(times.ok_or_else(wrong)?))
}

impl Row {
    fn import(&self, world: &mut World) -> Check<Word> {
        world.adopt()?;
        if let Some(name) = &self.named {
            world.names.bind_text(name, &self.value);
        }
        let Ok(legacy) = Legacy::token(&self.value) else { return Ok(Word::InvalidRequest) };
        let engine = world.engine(None)?;
        let grant = Grant::new(&self.subject, &self.client).scope(&self.scope.join(" "));
        let id = if self.spent {
            self.adopt_spent(&engine, &legacy, grant, world.now())?
        } else {
            let issued_at = world.instant(self.issued_at.unwrap_or(world.now));
            let policy = world.keys().spec(Some(&self.client))?.build(None)?;
            let ends = [policy.idle(), policy.absolute(), Some(Policy::MAX_LENGTH)];
            let ends = ends.into_iter().flatten().map(|length| issued_at.saturating_add(length));
            let until = ends.min().unwrap_or(Timestamp::MAX);
            if until <= world.now() {
                world.host.expired_legacy.insert(self.value.clone());
                return Ok(Word::Ok);
            }
            let absolute = policy.absolute().map(|length| issued_at.saturating_add(length));
            let grant = absolute.map_or(grant.clone(), |end| grant.not_after(end));
            let adopted = block_on(engine.adopt_under(&policy, &legacy, grant, until));
            adopted.map_err(|error| error.to_string())?.family()
        };
        self.remember(world, id);
        Ok(Word::Ok)
    }

    /// The other system had exchanged it. Its successors that the engine makes here are given to nobody; two of them, so
    /// that it is no predecessor any more, and whoever shows it is met as with any spent token.
    fn adopt_spent(
        &self,
        engine: &Engine,
        legacy: &Legacy,
        grant: Grant,
        now: Timestamp,
    ) -> Check<FamilyId> {
        let endless = Policy::builder().idle(None).absolute(None).build();
        let endless = endless.map_err(|error| error.to_string())?;
        let until = now.saturating_add(Policy::MAX_LENGTH);
        let adopted = block_on(engine.adopt_under(&endless, legacy, grant, until));
        let id = adopted.map_err(|error| error.to_string())?.family();
        let mut text = self.value.clone();
        for _ in 0..2 {
            let request = Request::new(&self.client).policy(&endless);
            match block_on(engine.refresh(&text, request)) {
                Ok(Outcome::Granted(granted)) => {
                    let token = granted.token.ok_or("no token")?;
                    text = token.into_exposed();
                }
                Ok(Outcome::Refused(why)) => return Err(why.to_string()),
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(id)
    }

    fn remember(&self, world: &mut World, id: FamilyId) {
        let own = || format!("({})", self.named.as_deref().unwrap_or(&self.value));
        let name = self.family.clone().unwrap_or_else(own);
        world.host.adopted.insert(self.value.clone(), id);
        if self.spent {
            world.host.spent_legacy.insert(id, name.clone());
        }
        let known = world.families.get(&name).map(|known| known.id);
        let replaced = known.is_none_or(|known| world.host.spent_legacy.contains_key(&known));
        if replaced && !(self.spent && known.is_some()) {
            let scope: BTreeSet<String> = self.scope.iter().cloned().collect();
            let (subject, client) = (self.subject.clone(), self.client.clone());
            let attributes = BTreeMap::new();
            let issued = Issued { id, subject, client, scope, attributes, keyed: false };
            world.families.insert(name, issued);
        }
    }
}
