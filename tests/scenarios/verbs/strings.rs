//! Strings that are not tokens, or not any more.

use heirloom::entropy::Entropy;
use heirloom::testing::SeededEntropy;
use heirloom::{Engine, Grant, KeyRing, MemoryStore, Policy};
use pollster::block_on;

use super::super::fields::{Check, Fields};
use super::super::names::Bound;
use super::super::outcome::Word;
use super::super::step::Act;
use super::super::text;
use super::super::world::key;
use super::simple;

pub fn literal(fields: &mut Fields) -> Check<Act> {
    let value = fields.need_text("value")?;
    let name = fields.need_text("as")?;
    simple(fields, format!("makes up {name}: {value:?}"), move |world| {
        world.names.bind_text(&name, &value);
        Ok(Word::Ok)
    })
}

pub fn literal_repeat(fields: &mut Fields) -> Check<Act> {
    let part = fields.need_text("char")?;
    let times = fields.count("times")?.ok_or("no `times`")?;
    let name = fields.need_text("as")?;
    simple(fields, format!("makes up {name}: {times} times {part:?}"), move |world| {
        world.names.bind_text(&name, &part.repeat(times));
        Ok(Word::Ok)
    })
}

pub fn literal_family_id(fields: &mut Fields) -> Check<Act> {
    let family = fields.text_or("family", "F")?;
    let name = fields.need_text("as")?;
    simple(fields, format!("makes up {name}: the id of {family}"), move |world| {
        let id = world.family(&family)?.id.to_string();
        world.names.bind_text(&name, &id);
        Ok(Word::Ok)
    })
}

/// A string of another system: by its kind, or a genuine token of an engine with another key and store.
pub fn foreign_token(fields: &mut Fields) -> Check<Act> {
    let kind = fields.text_or("kind", "other_engine")?;
    let name = fields.need_text("as")?;
    simple(fields, format!("finds {name}: a foreign token ({kind})"), move |world| {
        let text = match kind.as_str() {
            "jwt" | "access_token_jwt" | "id_token" => {
                "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJTIiwiY2xpZW50X2lkIjoiQyJ9.c2lnbmF0dXJl".to_owned()
            }
            "uuid" => "3f2b8c1e-9d47-4a6b-8c55-0e1f2a3b4c5d".to_owned(),
            "opaque" | "access_token" | "authorization_code" => {
                text::encode("base64url", b"thirty-two bytes of another one.")?
            }
            // Whatever else it is called, nothing is closer to the real thing than this.
            _ => token_of_another_engine(&world.entropy)?,
        };
        world.names.bind_text(&name, &text);
        Ok(Word::Ok)
    })
}

/// With the id of our key, but not the key.
fn token_of_another_engine(entropy: &impl Entropy) -> Check<String> {
    let mut seed = [0; 8];
    entropy.fill(&mut seed).map_err(|error| error.to_string())?;
    let engine = Engine::new(
        MemoryStore::new(),
        KeyRing::new(key(1, "another engine's")?),
        Policy::default(),
    )
    .with_entropy(SeededEntropy::new(u64::from_be_bytes(seed)));
    let granted = block_on(engine.issue(Grant::new("S", "C").scope("read write")));
    let token = granted.map_err(|error| error.to_string())?.token;
    Ok(token.ok_or("no token was issued")?.into_exposed())
}

/// One string from one or two others. Absent when the operation does not apply or changes nothing.
pub fn derive(fields: &mut Fields) -> Check<Act> {
    let from = fields.need_texts("from")?;
    let op = fields.need_text("op")?;
    let name = fields.need_text("as")?;
    text::derive(&op, "rt_x", Some("rt_y"), &[0; 32])?;
    simple(fields, format!("derives {name} from {}: {op}", from.join(" and ")), move |world| {
        let texts = world.names.texts(&from)?;
        let first = texts.first().ok_or("nothing to derive from")?;
        let random = random(&world.entropy)?;
        let derived = text::derive(&op, first, texts.get(1).map(String::as_str), &random)?;
        world.names.bind(&name, derived.map_or(Bound::Absent, Bound::Text));
        Ok(Word::Ok)
    })
}

pub fn derive_all(fields: &mut Fields) -> Check<Act> {
    let from = fields.need_texts("from")?;
    let ops = fields.need_texts("ops")?;
    let name = fields.need_text("as")?;
    for op in &ops {
        text::derive(op, "rt_x", Some("rt_y"), &[0; 32])?;
    }
    let does = format!("derives {name} from {}, {} ways", from.join(" and "), ops.len());
    simple(fields, does, move |world| {
        let texts = world.names.texts(&from)?;
        let mut all = Vec::new();
        for (index, first) in texts.iter().enumerate() {
            let other = texts.get((index + 1) % texts.len()).map(String::as_str);
            for op in &ops {
                let random = random(&world.entropy)?;
                all.extend(text::derive(op, first, other, &random)?.map(Bound::Text));
            }
        }
        world.names.bind(&name, Bound::List(all));
        Ok(Word::Ok)
    })
}

fn random(entropy: &impl Entropy) -> Check<[u8; 32]> {
    let mut random = [0; 32];
    entropy.fill(&mut random).map_err(|error| error.to_string())?;
    Ok(random)
}
