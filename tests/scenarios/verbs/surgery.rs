//! Records that vanish, or are damaged behind the engine's back.

use heirloom::FamilyId;
use heirloom::family::Family;
use heirloom::record;
use serde_json::Value;

use super::super::expect::Expect;
use super::super::fields::{Check, Fields};
use super::super::names::Bound;
use super::super::op::At;
use super::super::outcome::Word;
use super::super::step::{Act, Actor};
use super::super::world::World;
use super::{simple, store};

pub fn delete_family(fields: &mut Fields) -> Check<Act> {
    let family = fields.text_or("family", "F")?;
    simple(fields, format!("loses the record of family {family}"), move |world| {
        world.store.delete(world.family(&family)?.id);
        Ok(Word::Ok)
    })
}

/// A token's record is its family's, which names the current one; a spent token has none that could be lost.
pub fn delete_token(fields: &mut Fields) -> Check<Act> {
    let token = fields.need_text("token")?;
    simple(fields, format!("loses the record of {token}"), move |world| {
        let text = world.names.text(&token)?.unwrap_or_default();
        let position = world.position(text).ok_or("none of ours")?;
        let current = |family: &Family| {
            let head = family.head_of(position.branch);
            head.is_some_and(|head| head.generation == position.generation)
        };
        if world.store.family(position.family).as_ref().is_some_and(current) {
            world.store.delete(position.family);
        }
        Ok(Word::Ok)
    })
}

/// Everything in the store that could be mistaken for a token: ids, digests, salts, names, whole records.
pub fn extract_identifiers(fields: &mut Fields) -> Check<Act> {
    let name = fields.need_text("as")?;
    simple(fields, "reads all identifiers from the store", move |world| {
        let mut found = Vec::new();
        for family in world.store.snapshot() {
            found.push(Bound::Text(family.id.to_string()));
            found.push(Bound::Text(family.grant.subject.to_string()));
            found.push(Bound::Text(family.grant.client.to_string()));
            found.push(Bound::Bytes(family.id.as_bytes().to_vec()));
            let branches = family.branches.live.iter().map(|branch| &branch.head);
            for head in std::iter::once(&family.head).chain(branches) {
                found.push(Bound::Bytes(head.digest.as_bytes().to_vec()));
                if let Some(predecessor) = &head.predecessor {
                    found.push(Bound::Bytes(predecessor.digest.as_bytes().to_vec()));
                    found.push(Bound::Bytes(predecessor.salt.as_bytes().to_vec()));
                }
            }
            found.push(Bound::Bytes(record::encode(&family)));
        }
        world.names.bind(&name, Bound::List(found));
        Ok(Word::Ok)
    })
}

/// Each kind of damage to one record, with requests between.
pub fn damage(fields: &mut Fields) -> Check<Act> {
    let family = fields.text_or("family", "F")?;
    let kinds = fields.need_texts("with")?;
    for kind in &kinds {
        Damage::parse(kind)?;
    }
    let between = Between::parse(&fields.take("between").ok_or("no `between`")?)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let mut tried = 0;
        for kind in &kinds {
            for (what, bytes) in Damage::parse(kind)?.versions(world, &family)? {
                between.run(world, &family, &bytes).map_err(|why| format!("{what}: {why}"))?;
                tried += 1;
            }
        }
        let verdict = "each time closed, and no other family touched".to_owned();
        world.tell(actor.or("disk"), format!("damages {family}, {tried} ways"), verdict, None);
        Ok(())
    }))
}

/// What is done after each damage: restore, damage, try, try another.
struct Between {
    restore: Option<String>,
    tries: Vec<(At, Expect)>,
}

impl Between {
    fn parse(value: &Value) -> Check<Self> {
        let mut fields = Fields::new("between", value)?;
        let restore = fields.text("restore")?;
        let mut tries = Vec::new();
        for name in ["try", "then_try"] {
            let Some(value) = fields.take(name) else { continue };
            let mut one = Fields::new(name, &value)?;
            // A panic fails every scenario, this one too.
            match one.text("panic")?.as_deref() {
                None | Some("never") => {}
                Some(other) => return Err(format!("unknown `panic`: `{other}`")),
            }
            let verb = one.text_or("do", "refresh")?;
            tries.push((At::parse(&verb, &mut one)?, Expect::parse(&mut one)?));
            one.finish()?;
        }
        fields.finish()?;
        Ok(Self { restore, tries })
    }

    fn run(&self, world: &mut World, family: &str, bytes: &[u8]) -> Check {
        if let Some(name) = &self.restore {
            store::restore_named(world, name)?;
        }
        let id = world.family(family)?.id;
        world.store.damage(id, bytes);
        let tried = self.tries.iter().try_for_each(|(at, expect)| {
            let made = world.make(at)?;
            expect.check(world, &made.answer, &made.events)?;
            world.release(&made.answer);
            Ok(())
        });
        world.store.heal(id);
        if let Some(name) = &self.restore {
            store::restore_named(world, name)?;
        }
        tried
    }
}

enum Damage {
    TruncateHalf,
    TruncateTo(usize),
    FlipEachByte,
    FillFf,
    AppendJunk,
    SwapWith(String),
}

impl Damage {
    fn parse(text: &str) -> Check<Self> {
        if let Some(other) = text.strip_prefix("swap_with_family_") {
            return Ok(Self::SwapWith(other.to_owned()));
        }
        if let Some(Ok(len)) = text.strip_prefix("truncate_to_").map(str::parse) {
            return Ok(Self::TruncateTo(len));
        }
        match text {
            "truncate_half" => Ok(Self::TruncateHalf),
            "flip_each_byte" => Ok(Self::FlipEachByte),
            "fill_ff" => Ok(Self::FillFf),
            "append_junk" => Ok(Self::AppendJunk),
            other => Err(format!("unknown damage `{other}`")),
        }
    }

    /// The record in all its damaged forms, each with what was done to it.
    fn versions(&self, world: &World, family: &str) -> Check<Vec<(String, Vec<u8>)>> {
        let good = stored(world, world.family(family)?.id)?;
        let one = |what: &str, bytes: Vec<u8>| vec![(what.to_owned(), bytes)];
        Ok(match self {
            Self::TruncateHalf => one("half", good[..good.len() / 2].to_vec()),
            Self::TruncateTo(len) => one("cut", good[..good.len().min(*len)].to_vec()),
            Self::FillFf => one("all ff", vec![0xff; good.len()]),
            Self::AppendJunk => one("junk", [good.as_slice(), b"junk"].concat()),
            Self::SwapWith(other) => one("swapped", stored(world, world.family(other)?.id)?),
            Self::FlipEachByte => (0..good.len())
                .map(|place| {
                    let mut bytes = good.clone();
                    bytes[place] ^= 0xff;
                    (format!("byte {place} flipped"), bytes)
                })
                .collect(),
        })
    }
}

fn stored(world: &World, id: FamilyId) -> Check<Vec<u8>> {
    let family = world.store.family(id).ok_or("the family is not stored")?;
    Ok(record::encode(&family))
}
