//! Requests that clients and administrators make: alone, or several at once.

use heirloom::{Binding, Reason, Request, RevokeOutcome, Selector};
use pollster::block_on;
use serde_json::Value;

use super::fields::{Check, Fields};
use super::host::Meet;
use super::issue::Issue;
use super::outcome::{Answer, Word};
use super::world::World;

/// Stands for the client where a system has none.
const CLIENTLESS: &str = "urn:clientless";

/// A request at an engine.
#[derive(Clone)]
pub enum Op {
    Refresh(Refresh),
    Issue(Box<Issue>),
    RevokeToken(RevokeToken),
    RevokeFamily(String),
    RevokeAll(Selector),
    Purge,
}

/// An operation with the node that it is made at.
#[derive(Clone)]
pub struct At {
    pub op: Op,
    pub node: Option<String>,
}

#[derive(Clone)]
pub struct Refresh {
    /// `None`: the parameter is missing.
    pub token: Option<String>,
    pub client: String,
    pub scope: Option<String>,
    pub resources: Vec<String>,
    pub key: Option<Binding>,
    /// For people.
    pub key_name: Option<String>,
    pub rotate: Option<bool>,
    pub node: Option<String>,
}

#[derive(Clone)]
pub struct RevokeToken {
    pub token: Option<String>,
    pub client: String,
    key: Option<Binding>,
}

impl At {
    /// Reads the fields of one of the verbs that make a request.
    pub fn parse(verb: &str, fields: &mut Fields) -> Check<Self> {
        let node = fields.text("node")?;
        let op = match verb {
            "refresh" => Op::Refresh(Refresh::parse(fields, node.clone())?),
            "issue" => Op::Issue(Box::new(Issue::parse(fields)?)),
            "revoke_token" => Op::RevokeToken(RevokeToken {
                token: fields.text("token")?,
                client: client(fields)?,
                key: key(fields)?,
            }),
            "revoke_family" => Op::RevokeFamily(fields.text_or("family", "F")?),
            "revoke_subject" => Op::RevokeAll(Selector::subject(&fields.text_or("subject", "S")?)),
            "revoke_client" => Op::RevokeAll(Selector::client(&client(fields)?)),
            "revoke_subject_client" => {
                let subject = fields.text_or("subject", "S")?;
                Op::RevokeAll(Selector::subject_and_client(&subject, &client(fields)?))
            }
            "purge" => Op::Purge,
            other => return Err(format!("`{other}` is not a request")),
        };
        Ok(Self { op, node })
    }

    /// The name of the token that is presented; `None` when the request presents none.
    pub fn presents(&self) -> Option<&str> {
        match &self.op {
            Op::Refresh(Refresh { token, .. }) | Op::RevokeToken(RevokeToken { token, .. }) => {
                token.as_deref()
            }
            Op::Issue(_) | Op::RevokeFamily(_) | Op::RevokeAll(_) | Op::Purge => None,
        }
    }

    /// The same request at another node.
    pub fn at_node(&self, node: Option<String>) -> Self {
        let mut other = Self { node: node.clone(), ..self.clone() };
        if let Op::Refresh(refresh) = &mut other.op {
            refresh.node = node;
        }
        other
    }

    /// Presents another token.
    pub fn present(&mut self, name: &str) {
        match &mut self.op {
            Op::Refresh(Refresh { token, .. }) | Op::RevokeToken(RevokeToken { token, .. }) => {
                *token = Some(name.to_owned());
            }
            Op::Issue(_) | Op::RevokeFamily(_) | Op::RevokeAll(_) | Op::Purge => {}
        }
    }

    /// Makes the request. Nothing but the store changes, so several can be made at once.
    ///
    /// # Errors
    ///
    /// When the scenario asks for what cannot be, never for what the engine answers.
    pub fn perform(&self, world: &World, mut meet: Meet<'_>) -> Check<Answer> {
        if let Op::Refresh(refresh) = &self.op {
            return world.refresh(&text(world, refresh.token.as_deref())?, refresh, meet);
        }
        meet.wait();
        let engine = world.engine(self.node.as_deref())?;
        Ok(match &self.op {
            Op::Refresh(_) => return Err("made above".to_owned()),
            Op::Issue(issue) => return issue.perform(world, self.node.as_deref()),
            Op::RevokeToken(revoke) => {
                let request = Request::new(&revoke.client).binding(revoke.key);
                let text = text(world, revoke.token.as_deref())?;
                let spec = world.keys().spec(Some(&revoke.client))?;
                if spec.spare_on_spent {
                    match world.is_rotated_away(&engine, &text, request) {
                        Ok(false) => {}
                        Ok(true) => {
                            return Ok(Answer::plain(
                                Word::Ok,
                                "rotated away: nothing changed",
                                &(),
                            ));
                        }
                        Err(error) => return Ok(Answer::error(&error)),
                    }
                }
                let outcome = block_on(engine.revoke(&text, request));
                if let Ok(RevokeOutcome::Ended) = outcome {
                    world.end(&engine, world.whole_of(&text), Reason::ClientRequest)?;
                }
                Answer::revoked(&outcome, spec.silent_on_foreign)
            }
            Op::RevokeFamily(family) => {
                let id = world.family(family)?.id;
                Answer::revoked(&block_on(engine.revoke_family(id, Reason::Administrator)), false)
            }
            Op::RevokeAll(selector) => {
                let ended = block_on(engine.revoke_all(selector, Reason::Logout));
                Answer::counted(ended, "families ended")
            }
            Op::Purge => {
                let purged = block_on(async {
                    let mut purged = 0;
                    loop {
                        let batch = engine.purge(100).await?;
                        purged += batch;
                        if batch < 100 {
                            return Ok(purged);
                        }
                    }
                });
                Answer::counted(purged, "families purged")
            }
        })
    }
}

impl Refresh {
    fn parse(fields: &mut Fields, node: Option<String>) -> Check<Self> {
        let scope = fields.texts("scope")?.map(|words| words.join(" "));
        let key_name = fields.text("key")?;
        Ok(Self {
            token: fields.text("token")?,
            client: client(fields)?,
            scope: fields.take("scope_repeat").map(|value| repeated(&value)).transpose()?.or(scope),
            resources: resources(fields, "resource")?.unwrap_or_default(),
            key: key_name.as_deref().map(binding),
            key_name,
            rotate: fields.flag_or_absent("rotate")?,
            node,
        })
    }
}

/// The string that is presented: a missing parameter is an empty one.
fn text(world: &World, name: Option<&str>) -> Check<String> {
    match name {
        None => Ok(String::new()),
        Some(name) => match world.names.text(name)? {
            Some(text) => Ok(text.to_owned()),
            None => Err(format!("`{name}` is absent")),
        },
    }
}

pub fn client(fields: &mut Fields) -> Check<String> {
    match fields.take("client") {
        None => Ok("C".to_owned()),
        Some(Value::Null) => Ok(CLIENTLESS.to_owned()),
        Some(Value::String(client)) => Ok(client),
        Some(other) => Err(format!("`client` is not text: {other}")),
    }
}

/// Resources; a bare name stands for an absolute URI (RFC 8707 section 2).
pub fn resources(fields: &mut Fields, name: &str) -> Check<Option<Vec<String>>> {
    let uri = |name: String| if name.contains(':') { name } else { format!("urn:resource:{name}") };
    Ok(fields.texts(name)?.map(|names| names.into_iter().map(uri).collect()))
}

/// A key by its name.
pub fn key(fields: &mut Fields) -> Check<Option<Binding>> {
    Ok(fields.text("key")?.as_deref().map(binding))
}

/// The thumbprint is the name, over and over.
fn binding(name: &str) -> Binding {
    let mut thumbprint = [0; 32];
    for (place, byte) in thumbprint.iter_mut().zip(name.bytes().chain([0]).cycle()) {
        *place = byte;
    }
    Binding::Jkt(thumbprint)
}

/// A scope list of that size.
fn repeated(value: &Value) -> Check<String> {
    let mut fields = Fields::new(
        "scope_repeat",
        &match value {
            Value::Number(_) => serde_json::json!({ "times": value }),
            other => other.clone(),
        },
    )?;
    let word = fields.text_or("scope", "read")?;
    let times = fields.count("times")?.ok_or("scope_repeat: no `times`")?;
    fields.finish()?;
    Ok(vec![word; times].join(" "))
}
