//! Issuing: what a grant says in a scenario, and what the engine is given.

use std::collections::BTreeMap;

use heirloom::grant::GrantError;
use heirloom::{Binding, Error, Grant, Timestamp};
use pollster::block_on;
use serde_json::Value;

use super::fields::{Check, Fields, Moment};
use super::op::{client, key, resources};
use super::outcome::{Answer, Word};
use super::policy::Bind;
use super::world::{Issued, World};

#[derive(Clone)]
pub struct Issue {
    pub family: String,
    pub client: String,
    subject: String,
    scope: Vec<String>,
    resources: Vec<String>,
    key: Option<Binding>,
    public: bool,
    attributes: BTreeMap<String, String>,
    not_after: Option<Moment>,
}

impl Issue {
    pub fn parse(fields: &mut Fields) -> Check<Self> {
        let both = || vec!["read".to_owned(), "write".to_owned()];
        Ok(Self {
            family: fields.text_or("family", "F")?,
            client: client(fields)?,
            subject: fields.text_or("subject", "S")?,
            scope: fields.texts("scope")?.unwrap_or_else(both),
            resources: resources(fields, "resource")?.unwrap_or_default(),
            key: key(fields)?,
            public: fields.flag("public")?,
            attributes: attributes(fields.take("data")),
            not_after: fields.moment("not_after")?,
        })
    }

    /// The default grant of a family.
    pub fn of(family: &str) -> Check<Self> {
        Self::parse(&mut Fields::new("issue", &serde_json::json!({ "family": family }))?)
    }

    pub fn perform(&self, world: &World, node: Option<&str>) -> Check<Answer> {
        let spec = world.keys().spec(Some(&self.client))?;
        let engine = world.engine(node)?;
        let grant = self.grant(spec.bind, |moment| world.instant(moment));
        Ok(match block_on(engine.issue_under(&spec.build(None)?, grant)) {
            Ok(granted) => Answer::granted(granted, &[]),
            Err(Error::Grant(error)) => {
                let word = match &error {
                    GrantError::Form { field: "scope" }
                    | GrantError::TooLong { field: "scope", .. } => Word::InvalidScope,
                    GrantError::Form { field: "resources" } => Word::InvalidTarget,
                    _ => Word::InvalidRequest,
                };
                Answer::plain(word, &error.to_string(), &error)
            }
            Err(error) => Answer::error(&error),
        })
    }

    fn grant(&self, bind: Bind, instant: impl Fn(Moment) -> Timestamp) -> Grant {
        let mut grant = Grant::new(&self.subject, &self.client).scope(&self.scope.join(" "));
        grant.resources.clone_from(&self.resources);
        grant.attributes.clone_from(&self.attributes);
        grant.not_after = self.not_after.map(instant);
        grant.binding = self.key.filter(|_| match bind {
            Bind::IfKey => true,
            Bind::PublicOnly => self.public,
            Bind::Off => false,
        });
        grant
    }

    /// What the family is known by from now on.
    pub fn issued(&self, answer: &Answer) -> Option<Issued> {
        let got = answer.grant.as_ref()?;
        Some(Issued {
            id: got.family,
            subject: self.subject.clone(),
            client: self.client.clone(),
            scope: self.scope.iter().cloned().collect(),
            attributes: self.attributes.clone(),
            keyed: self.key.is_some(),
        })
    }
}

/// The host's data of a family: one attribute each.
fn attributes(data: Option<Value>) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match data {
        None | Some(Value::Null) => BTreeMap::new(),
        Some(Value::Object(map)) => map.iter().map(|(name, v)| (name.clone(), text(v))).collect(),
        Some(other) => BTreeMap::from([("data".to_owned(), text(&other))]),
    }
}
