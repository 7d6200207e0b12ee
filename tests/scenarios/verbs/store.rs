//! What happens to the store: failures, restarts, backups, and what is asserted of it.

use heirloom::record;
use heirloom::testing::{Fault, Operation};
use serde_json::Value;

use super::super::fields::{Check, Fields};
use super::super::outcome::Word;
use super::super::step::Act;
use super::super::text;
use super::super::world::World;
use super::simple;

/// Something will go wrong.
pub fn fault(fields: &mut Fields) -> Check<Act> {
    let op = fields.need_text("op")?;
    let mode = fields.text_or("mode", "before")?;
    let times = fields.count("times")?.unwrap_or(1);
    let like = fields.text("like")?.map(|like| format!(", like {like}")).unwrap_or_default();
    let fault = match mode.as_str() {
        "before" => Fault::Before,
        "after" => Fault::After,
        "conflict" => Fault::Conflict,
        other => return Err(format!("unknown mode `{other}`")),
    };
    let does = format!("breaks: the next {times} {op} fail ({mode}{like})");
    // One statement both reads and writes a rotation, and it is the only write: the parts of a transaction that
    // other stores have fall together in it. A read that fails must not have written.
    let read = if fault == Fault::After { Fault::Before } else { fault };
    let planned: (Fault, fn(Operation) -> bool) = match op.as_str() {
        "commit" | "write_successor" | "mark_spent" => (fault, Operation::writes),
        "begin" => (read, |_| true),
        "read" => (read, |op| matches!(op, Operation::Load | Operation::Advance)),
        "replay_record" => (fault, |op| matches!(op, Operation::Load | Operation::Advance)),
        "rng" => {
            return simple(fields, does, move |world| {
                world.entropy.fail(times);
                Ok(Word::Ok)
            });
        }
        "rng_repeats" => {
            return simple(fields, does, move |world| {
                world.entropy.repeat(times);
                Ok(Word::Ok)
            });
        }
        other => return Err(format!("unknown operation `{other}`")),
    };
    simple(fields, does, move |world| {
        let (fault, matches) = planned;
        world.store.faults().fail(fault, times, matches);
        Ok(Word::Ok)
    })
}

/// The engines are gone, and new ones run over what the store kept.
pub fn restart(fields: &mut Fields) -> Check<Act> {
    simple(fields, "restarts", |world| {
        world.restart();
        Ok(Word::Ok)
    })
}

pub fn snapshot(fields: &mut Fields) -> Check<Act> {
    let name = fields.text_or("name", "")?;
    simple(fields, format!("backs the store up as {name}"), move |world| {
        let families = world.store.snapshot();
        world.snapshots.insert(name.clone(), families);
        Ok(Word::Ok)
    })
}

pub fn restore(fields: &mut Fields) -> Check<Act> {
    let name = fields.text_or("name", "")?;
    simple(fields, format!("restores the backup {name}"), move |world| {
        restore_named(world, &name)?;
        Ok(Word::Ok)
    })
}

pub fn restore_named(world: &World, name: &str) -> Check {
    let families = world.snapshots.get(name).ok_or_else(|| format!("no snapshot `{name}`"))?;
    world.store.restore(families.clone());
    Ok(())
}

/// Neither the strings, nor what their encodings hide, occur in what is stored.
pub fn assert_has_no(fields: &mut Fields) -> Check<Act> {
    let names = fields.need_texts("tokens")?;
    simple(fields, format!("looks for {} in the store", names.join(", ")), move |world| {
        for token in world.names.texts(&names)? {
            for (_, record) in world.store.dump() {
                if let Some(what) = text::found_in(&token, &record) {
                    return Err(format!("a record holds {what} of a token"));
                }
            }
        }
        Ok(Word::Ok)
    })
}

pub fn assert_size(fields: &mut Fields) -> Check<Act> {
    let family = fields.text("family")?;
    let (records, bytes) = (fields.count("max_records")?, fields.count("max_bytes")?);
    simple(fields, "measures the store", move |world| {
        let only =
            family.as_ref().map(|family| world.family(family).map(|it| it.id)).transpose()?;
        let stored = world.store.snapshot();
        let counted: Vec<usize> = stored
            .iter()
            .filter(|family| only.is_none_or(|id| family.id == id))
            .map(|family| record::encode(family).len())
            .collect();
        if records.is_some_and(|max| counted.len() > max) {
            return Err(format!("{} records", counted.len()));
        }
        let size: usize = counted.iter().sum();
        if bytes.is_some_and(|max| size > max) {
            return Err(format!("{size} bytes"));
        }
        Ok(Word::Ok)
    })
}

/// How many store calls there may have been: all named counts, or single ones, also against each other.
pub fn assert_ops(fields: &mut Fields) -> Check<Act> {
    let bound = fields.take("at_most").ok_or("no `at_most`")?;
    let of = fields.texts("of")?;
    simple(fields, "counts the store calls", move |world| {
        let names: Vec<&str> = match &of {
            Some(of) => of.iter().map(String::as_str).collect(),
            None if world.counted.len() == 1 => vec![""],
            None => world.counted.keys().map(String::as_str).filter(|n| !n.is_empty()).collect(),
        };
        match &bound {
            Value::Object(map) => {
                map.iter().try_for_each(|(name, bound)| at_most(world, name, bound))?;
            }
            bound => names.into_iter().try_for_each(|name| at_most(world, name, bound))?,
        }
        Ok(Word::Ok)
    })
}

fn at_most(world: &World, name: &str, bound: &Value) -> Check {
    let counted = |name: &str| {
        world.counted.get(name).copied().ok_or_else(|| format!("nothing was counted as `{name}`"))
    };
    let max = match bound {
        Value::String(other) => counted(other)?,
        bound => {
            let max = bound.as_u64().and_then(|max| usize::try_from(max).ok());
            max.ok_or_else(|| format!("`at_most` is neither a count nor a name: {bound}"))?
        }
    };
    let found = counted(name)?;
    if found > max { Err(format!("`{name}` took {found} store calls")) } else { Ok(()) }
}
