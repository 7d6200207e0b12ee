//! Looking: introspection and states.

use std::collections::BTreeSet;

use heirloom::{Binding, Introspection, oauth};
use pollster::block_on;
use serde_json::Value;

use super::super::fields::{Check, Fields};
use super::super::op::{key, resources};
use super::super::outcome::{Answer, Word};
use super::super::peek::States;
use super::super::step::{Act, Actor};
use super::super::world::World;
use super::simple;

pub fn assert_states(fields: &mut Fields) -> Check<Act> {
    let states = States::parse(fields, "tokens")?;
    simple(fields, "looks at the tokens", move |world| states.check(world).map(|()| Word::Ok))
}

/// What introspection should answer: a word, or facts.
enum Wanted {
    Word(Word),
    Facts(Facts),
}

#[derive(Default)]
struct Facts {
    active: Option<bool>,
    only: bool,
    client: Option<String>,
    subject: Option<String>,
    scope: Option<BTreeSet<String>>,
    resource: Option<BTreeSet<String>>,
    key: Option<Binding>,
    expires_in: Option<u64>,
}

impl Wanted {
    fn parse_all(fields: &mut Fields) -> Check<Vec<Self>> {
        match fields.take("expect") {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => list.iter().map(Self::parse).collect(),
            Some(value) => Ok(vec![Self::parse(&value)?]),
        }
    }

    fn parse(value: &Value) -> Check<Self> {
        if let Value::String(word) = value {
            return Word::parse(word).map(Self::Word);
        }
        let mut facts = Fields::new("expect", value)?;
        let set = |list: Option<Vec<String>>| list.map(|list| list.into_iter().collect());
        let read = Facts {
            active: facts.flag_or_absent("active")?,
            only: facts.flag("only")?,
            client: facts.text("client")?,
            subject: facts.text("subject")?,
            scope: set(facts.texts("scope")?),
            resource: set(resources(&mut facts, "resource")?),
            key: key(&mut facts)?,
            expires_in: facts.count("expires_in")?.and_then(|count| count.try_into().ok()),
        };
        facts.finish()?;
        Ok(Self::Facts(read))
    }

    fn check(&self, world: &World, answer: &Result<Introspection, Answer>) -> Check {
        match (self, answer) {
            (Self::Word(word), Err(answer)) if answer.word == *word => Ok(()),
            (Self::Word(word), _) => Err(format!("not {}", word.as_str())),
            (Self::Facts(_), Err(answer)) => Err(answer.said.clone()),
            (Self::Facts(facts), Ok(introspection)) => facts.check(world, introspection),
        }
    }
}

impl Facts {
    fn check(&self, world: &World, introspection: &Introspection) -> Check {
        let response = oauth::introspection(introspection);
        let silent = oauth::IntrospectionResponse::default();
        if self.only && response != oauth::introspection(&Introspection::Inactive) {
            return Err(format!("more than {silent:?}: {response:?}"));
        }
        let scope = response.scope.as_deref().map(|scope| {
            scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        });
        let left = response.exp.map(|end| end.saturating_sub(world.now().as_secs()));
        let bound = self.key.map(|key| (key.method(), key.thumbprint()));
        let differs = [
            ("active", self.active.is_some_and(|active| active != response.active)),
            ("client", self.client.is_some() && self.client != response.client_id),
            ("subject", self.subject.is_some() && self.subject != response.sub),
            ("scope", self.scope.is_some() && self.scope != scope),
            (
                "resource",
                self.resource
                    .as_ref()
                    .is_some_and(|wanted| *wanted != response.aud.iter().cloned().collect()),
            ),
            ("key", bound.is_some() && bound != response.cnf),
            ("expires_in", self.expires_in.is_some() && self.expires_in != left),
        ];
        match differs.iter().find(|(_, differs)| *differs) {
            Some((field, _)) => Err(format!("another {field}: {response:?}")),
            None => Ok(()),
        }
    }
}

pub fn introspect(fields: &mut Fields) -> Check<Act> {
    let token = fields.text("token")?;
    let client = fields.text("client")?;
    let key = key(fields)?;
    let node = fields.text("node")?;
    let wanted = Wanted::parse_all(fields)?;
    Ok(Box::new(move |world: &mut World, actor: &Actor| {
        let text = match &token {
            None => "",
            Some(name) => match world.names.text(name)? {
                Some(text) => text,
                None => return Ok(()),
            },
        };
        let answer = look(world, text, client.as_deref(), key, node.as_deref())?;
        let whys: Vec<Check> = wanted.iter().map(|wanted| wanted.check(world, &answer)).collect();
        let verdict = match &answer {
            Ok(Introspection::Active(_)) => "active".to_owned(),
            Ok(Introspection::Inactive) => "inactive".to_owned(),
            Err(answer) => answer.said.clone(),
        };
        world.renderings.push(format!("{answer:?}"));
        let does = format!("introspects {}", token.as_deref().unwrap_or("nothing"));
        world.tell(actor.or(client.as_deref().unwrap_or("C")), does, verdict, None);
        let fits = whys.is_empty() || whys.iter().any(Result::is_ok);
        if fits { Ok(()) } else { whys.into_iter().collect() }
    }))
}

/// The host shows the facts to the token's own client alone, and to whoever proves the key if one is shown.
fn look(
    world: &World,
    text: &str,
    client: Option<&str>,
    key: Option<Binding>,
    node: Option<&str>,
) -> Check<Result<Introspection, Answer>> {
    let id = world.position(text).map(|own| own.family);
    let owner = id.and_then(|id| world.store.family(id)).map(|family| family.grant);
    let policy = world.keys().spec(owner.as_ref().map(|grant| &*grant.client))?.build(None)?;
    let foreign = owner.is_some_and(|grant| {
        client.is_some_and(|client| client != &*grant.client)
            || (grant.binding.is_some() && key.is_some() && key != grant.binding)
    });
    let answer = block_on(world.engine(node)?.introspect_by(text, |_| &policy));
    Ok(match answer {
        Ok(_) if foreign => Ok(Introspection::Inactive),
        Ok(introspection) => Ok(introspection),
        Err(error) => Err(Answer::error(&error)),
    })
}
