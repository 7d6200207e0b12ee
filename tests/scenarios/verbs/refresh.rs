//! One request, and chains of refreshes.

use heirloom::How;

use super::super::expect::{Expect, words};
use super::super::fields::{Check, Fields};
use super::super::op::At;
use super::super::outcome::Answer;
use super::super::step::{Act, Actor};
use super::super::world::World;

/// A request as a step makes it.
struct Asking {
    at: At,
    named: Option<String>,
    expect: Expect,
    may_be_refused: bool,
    count_as: Option<String>,
}

impl Asking {
    fn parse(verb: &str, fields: &mut Fields) -> Check<Self> {
        Ok(Self {
            at: At::parse(verb, fields)?,
            named: fields.text("as")?,
            expect: Expect::parse(fields)?,
            may_be_refused: fields.flag("may_be_refused")?,
            count_as: fields.text("count_store_ops")?,
        })
    }

    fn run(&self, world: &mut World, actor: &Actor) -> Check {
        if world.is_moot(&self.at)? {
            return Ok(());
        }
        let made = world.make(&self.at)?;
        if let Some(name) = &self.count_as {
            world.counted.insert(name.clone(), made.store_calls);
        }
        let refused = self.may_be_refused && !made.answer.word.is_success();
        let checked = match refused {
            true => Ok(()),
            false => self.expect.check(world, &made.answer, &made.events),
        };
        world.accept(&self.at, self.named.as_deref(), &made.answer, refused);
        world.narrate(actor, &self.at, &made.answer);
        checked
    }
}

/// Any of the verbs that make one request.
pub fn request(verb: &str, fields: &mut Fields) -> Check<Act> {
    let asking = Asking::parse(verb, fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| asking.run(world, actor)))
}

/// Only if the name of the token got bound.
pub fn if_any(fields: &mut Fields) -> Check<Act> {
    let asking = Asking::parse("refresh", fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let bound = asking.at.presents().is_some_and(|name| world.names.is_bound(name));
        if bound { asking.run(world, actor) } else { Ok(()) }
    }))
}

/// Only if the name for the answer is still unbound.
pub fn if_none(fields: &mut Fields) -> Check<Act> {
    let asking = Asking::parse("refresh", fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let bound = asking.named.as_ref().is_some_and(|name| world.names.is_bound(name));
        if bound { Ok(()) } else { asking.run(world, actor) }
    }))
}

/// So many refreshes in a row, each with what the last one gave.
pub fn chain(fields: &mut Fields) -> Check<Act> {
    let count = fields.count("count")?.ok_or("no `count`")?;
    let every = fields.seconds("every_s")?.unwrap_or_default();
    let first = fields.need_text("token")?;
    let last = fields.text("as")?;
    let At { op, node } = {
        let mut rest = Fields::new("refresh", &serde_json::json!({ "token": first }))?;
        At::parse("refresh", &mut rest)?
    };
    let node = fields.text("node")?.or(node);
    let wanted = words(fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let mut at = At { op: op.clone(), node: node.clone() };
        for turn in 1..=count {
            if turn > 1 {
                world.set_clock(world.now.later(every));
            }
            let made = world.make(&at)?;
            let name = match (turn == count, &last) {
                (true, Some(last)) => last.clone(),
                _ => between(&first, turn),
            };
            Expect::words(wanted.clone())
                .check(world, &made.answer, &made.events)
                .map_err(|why| format!("turn {turn}: {why}"))?;
            world.accept(&at, Some(&name), &made.answer, false);
            if turn == count || count <= 4 {
                world.narrate(actor, &at, &made.answer);
            }
            if how(&made.answer) != Some(How::Kept) {
                at.present(&name);
            }
        }
        Ok(())
    }))
}

fn how(answer: &Answer) -> Option<How> {
    answer.grant.as_ref().map(|got| got.how)
}

/// The names between `T0` and `T9`; for others, made up.
fn between(first: &str, turn: usize) -> String {
    let digits = first.trim_start_matches(|letter: char| !letter.is_ascii_digit());
    let stem = &first[..first.len() - digits.len()];
    match digits.parse::<usize>() {
        Ok(start) => format!("{stem}{}", start + turn),
        Err(_) => format!("{first}+{turn}"),
    }
}
