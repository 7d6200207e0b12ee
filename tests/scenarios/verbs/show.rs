//! What shows: the text of tokens, what clients are told, what logs hold.

use std::collections::BTreeSet;

use heirloom::token::Presented;
use serde_json::Value;

use super::super::fields::{Check, Fields, texts};
use super::super::outcome::Word;
use super::super::step::{Act, Actor};
use super::super::text;
use super::super::world::World;
use super::{nested, simple};

/// What holds for the text of every token that was handed out.
pub fn assert_tokens(fields: &mut Fields) -> Check<Act> {
    let names = fields.texts("tokens")?;
    let distinct = fields.flag("all_distinct")?;
    let url_safe = fields.flag("ascii_url_safe")?;
    let max_len = fields.count("max_len")?;
    let bits = fields.count("min_entropy_bits")?;
    simple(fields, "looks at the tokens' text", move |world| {
        let tokens = match &names {
            Some(names) => world.names.texts(names)?,
            None => world.released.clone(),
        };
        let different: BTreeSet<&String> = tokens.iter().collect();
        if distinct && different.len() != tokens.len() {
            return Err("a string was handed out twice".to_owned());
        }
        let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        for token in &tokens {
            if url_safe && !token.bytes().all(unreserved) {
                return Err("a token is not URL-safe".to_owned());
            }
            if max_len.is_some_and(|max| token.len() > max) {
                return Err(format!("a token has {} characters", token.len()));
            }
            if bits.is_some_and(|bits| text::entropy_bits(token) < bits) {
                return Err("a token can be guessed".to_owned());
            }
        }
        Ok(Word::Ok)
    })
}

pub fn assert_tokens_do_not_contain(fields: &mut Fields) -> Check<Act> {
    let unwanted = fields.need_texts("texts")?;
    simple(fields, format!("looks for {} in the tokens", unwanted.join(", ")), move |world| {
        for token in &world.released {
            let bytes = text::bytes_of(token).unwrap_or([0; 72]);
            // A word of a letter or two occurs in random text by chance.
            for word in unwanted.iter().filter(|word| word.len() > 3) {
                let needle = word.as_bytes();
                if token.contains(word.as_str())
                    || bytes.windows(needle.len()).any(|window| window == needle)
                {
                    return Err(format!("a token contains {word:?}"));
                }
            }
        }
        Ok(Word::Ok)
    })
}

/// What clients are told for each of these requests.
pub fn collect_public_error(fields: &mut Fields) -> Check<Act> {
    let refreshes = fields.list("refreshes")?.ok_or("no `refreshes`")?;
    let into = fields.need_text("into")?;
    let requests = refreshes.iter().map(|value| match value {
        Value::String(token) => nested(&serde_json::json!({ "token": token })),
        value => nested(value),
    });
    let requests = requests.collect::<Check<Vec<_>>>()?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        for (at, named) in &requests {
            let made = world.make(at)?;
            world.accept(at, named.as_deref(), &made.answer, false);
            world.narrate(actor, at, &made.answer);
            world.public_errors.entry(into.clone()).or_default().push(made.answer.public);
        }
        Ok(())
    }))
}

pub fn assert_all_equal(fields: &mut Fields) -> Check<Act> {
    let of = fields.need_texts("of")?;
    simple(fields, "compares what clients were told", move |world| {
        let mut all = Vec::new();
        for name in &of {
            let told = world.public_errors.get(name);
            all.extend(told.ok_or_else(|| format!("nothing was collected into `{name}`"))?);
        }
        match all.iter().find(|told| Some(*told) != all.first()) {
            Some(other) => Err(format!("{other:?} beside {:?}", all[0])),
            None => Ok(Word::Ok),
        }
    })
}

/// Whatever `of` names: all renderings that there are, of answers, errors, events, and the engine's own parts.
pub fn assert_renderings_have_no(fields: &mut Fields) -> Check<Act> {
    let of = fields.take("of");
    if of.is_some_and(|of| texts(&of).is_none()) {
        return Err("`of` is not text".to_owned());
    }
    let names = fields.texts("tokens")?;
    simple(fields, "reads the logs", move |world| {
        let tokens = match &names {
            Some(names) => world.names.texts(names)?,
            None => world.released.clone(),
        };
        let engine = world.engine(None)?;
        let parts = tokens.iter().filter_map(|token| Presented::verify(token, world.ring()).ok());
        let parts: Vec<String> = parts.map(|presented| format!("{presented:?}")).collect();
        let families = world.store.snapshot().into_iter().map(|family| format!("{family:?}"));
        let own = [format!("{engine:?}"), format!("{:?}", world.ring())];
        for rendering in families.chain(parts).chain(own).chain(world.renderings.iter().cloned()) {
            for token in &tokens {
                if let Some(what) = text::found_in(token, rendering.as_bytes()) {
                    return Err(format!("a rendering shows {what} of a token"));
                }
            }
        }
        Ok(Word::Ok)
    })
}
