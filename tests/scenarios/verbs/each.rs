//! The same request for each of many strings, and many grants at once.

use std::time::{Duration, Instant};

use serde_json::Value;

use super::super::expect::{Expect, words};
use super::super::fields::{Check, Fields, texts};
use super::super::issue::Issue;
use super::super::names::Bound;
use super::super::op::{At, Op};
use super::super::outcome::Word;
use super::super::step::{Act, Actor};
use super::super::text;
use super::super::world::World;

/// The name that the string at hand gets while it is presented.
const AT_HAND: &str = "(this one)";

/// How often a string is presented that took too long: a machine that is busy lets one wait now and then, and not always.
const TRIES: usize = 100;

/// Every string must meet the expectation.
pub fn refresh(fields: &mut Fields) -> Check<Act> {
    let values = fields.texts("values")?.unwrap_or_default();
    let names = fields.texts("tokens")?.unwrap_or_default();
    let encodings = fields.texts("encodings")?.unwrap_or_else(|| vec!["raw_utf8".to_owned()]);
    let limit = fields.count("max_ms")?.and_then(|limit| u64::try_from(limit).ok());
    let limit = limit.map(Duration::from_millis);
    let mut at = At::parse("refresh", fields)?;
    at.present(AT_HAND);
    let expect = Expect::parse(fields)?;
    for encoding in &encodings {
        text::encode(encoding, b"")?;
    }
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let mut strings = values.clone();
        for bound in world.names.all(&names)? {
            for encoding in &encodings {
                strings.push(encoded(&bound, encoding)?);
            }
        }
        let count = strings.len();
        for string in strings {
            world.names.bind_text(AT_HAND, &string);
            let shown: String = string.chars().take(100).collect();
            let mut shortest = Duration::MAX;
            for _ in 0..TRIES {
                let (made, spent) = timed(|| world.make(&at));
                let made = made?;
                expect
                    .check(world, &made.answer, &made.events)
                    .map_err(|why| format!("{shown:?}: {why}"))?;
                world.release(&made.answer);
                shortest = shortest.min(spent);
                if limit.is_none_or(|limit| shortest <= limit) {
                    break;
                }
            }
            if limit.is_some_and(|limit| shortest > limit) {
                return Err(format!("{shown:?} took {shortest:?}"));
            }
        }
        let verdict = "each is answered as it should be".to_owned();
        world.tell(actor.or("attacker"), format!("presents {count} strings"), verdict, None);
        Ok(())
    }))
}

fn encoded(bound: &Bound, encoding: &str) -> Check<String> {
    match bound {
        Bound::Text(own) if encoding == "raw_utf8" => Ok(own.clone()),
        Bound::Text(own) => text::encode(encoding, own.as_bytes()),
        Bound::Bytes(bytes) => text::encode(encoding, bytes),
        Bound::List(_) | Bound::Absent => Err("a list is not one string".to_owned()),
    }
}

#[expect(clippy::disallowed_methods, reason = "`max_ms` is a length of real time")]
fn timed<T>(act: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = act();
    (result, start.elapsed())
}

pub fn revoke(fields: &mut Fields) -> Check<Act> {
    let names = fields.need_texts("tokens")?;
    let mut at = At::parse("revoke_token", fields)?;
    at.present(AT_HAND);
    let wanted = words(fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let strings = world.names.texts(&names)?;
        let count = strings.len();
        for string in strings {
            world.names.bind_text(AT_HAND, &string);
            let made = world.make(&at)?;
            Expect::words(wanted.clone()).check(world, &made.answer, &made.events)?;
        }
        let verdict = "each is answered as it should be".to_owned();
        world.tell(actor.or("attacker"), format!("revokes {count} strings"), verdict, None);
        Ok(())
    }))
}

/// Families by the dozen: `families` and `as` are their names, or what their names begin with.
pub fn issue(fields: &mut Fields) -> Check<Act> {
    let count = fields.count("count")?;
    let families = fields.take("families").unwrap_or(Value::from("F"));
    let token = fields.text_or("as", "T")?;
    let families = names(&families, count)?;
    let wanted = words(fields)?;
    let node = fields.text("node")?;
    let mut issues = Vec::new();
    for family in &families {
        let op = Op::Issue(Box::new(Issue::of(family)?));
        issues.push(At { op, node: node.clone() });
    }
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let mut all = Vec::new();
        for (index, at) in issues.iter().enumerate() {
            let made = world.make(at)?;
            if made.answer.word != Word::New {
                Expect::words(wanted.clone()).check(world, &made.answer, &made.events)?;
                return Err(made.answer.said);
            }
            world.accept(at, Some(&format!("{token}{index}")), &made.answer, false);
            all.extend(made.answer.token().map(|token| Bound::Text(token.to_owned())));
        }
        // Whether a scenario counts from 0 or from 1: the last name of the one is the first of the other.
        if let Some(first) = all.first() {
            world.names.bind(&format!("{token}{}", all.len()), first.clone());
        }
        world.names.bind(&token, Bound::List(all));
        world.tell(
            actor.or("C"),
            format!("is granted {} families", issues.len()),
            String::new(),
            None,
        );
        Ok(())
    }))
}

/// Names as listed, or a stem and a number each.
pub fn names(value: &Value, count: Option<usize>) -> Check<Vec<String>> {
    let (stem, count) = match value {
        Value::Array(_) => return texts(value).ok_or_else(|| format!("not names: {value}")),
        Value::String(stem) => (stem.as_str(), count.ok_or("no `count`")?),
        Value::Number(number) => {
            let count = number.as_u64().and_then(|count| usize::try_from(count).ok());
            ("F", count.ok_or("`families` is not a count")?)
        }
        Value::Null | Value::Bool(_) | Value::Object(_) => {
            return Err(format!("not names: {value}"));
        }
    };
    Ok((0..count).map(|index| format!("{stem}{index}")).collect())
}
