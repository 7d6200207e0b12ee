//! What a step expects of an answer, and whether it is so.

use std::collections::BTreeSet;
use std::time::Duration;

use heirloom::{Event, How};
use serde_json::Value;

use super::fields::{Check, Fields};
use super::op::resources;
use super::outcome::{Answer, Got, REASONS, Word};
use super::signal::{Attributed, Signal};
use super::world::World;

/// The expectations of one request. What is absent is not asserted.
#[derive(Default)]
pub struct Expect {
    words: Vec<Word>,
    of: Option<String>,
    breach: Option<bool>,
    reasons: Vec<String>,
    granted: Option<BTreeSet<String>>,
    granted_subset_of: Option<BTreeSet<String>>,
    granted_resource: Option<BTreeSet<String>>,
    expires_in: Option<ExpiresIn>,
    attributed: Option<Attributed>,
    emits: Vec<Signal>,
    emits_none_of: Vec<Signal>,
}

impl Expect {
    pub fn parse(fields: &mut Fields) -> Check<Self> {
        let reasons = fields.texts("reason")?.unwrap_or_default();
        if let Some(unknown) = reasons.iter().find(|word| !REASONS.contains(&word.as_str())) {
            return Err(format!("unknown reason `{unknown}`"));
        }
        let set = |list: Option<Vec<String>>| list.map(|list| list.into_iter().collect());
        Ok(Self {
            words: words(fields)?,
            of: fields.text("of")?,
            breach: breach(fields)?,
            reasons,
            granted: set(fields.texts("granted")?),
            granted_subset_of: set(fields.texts("granted_subset_of")?),
            granted_resource: set(resources(fields, "granted_resource")?),
            expires_in: ExpiresIn::parse(fields)?,
            attributed: fields
                .take("attributed")
                .map(|value| Attributed::parse(&value))
                .transpose()?,
            emits: Signal::parse_all(fields, "emits")?,
            emits_none_of: Signal::parse_all(fields, "emits_none_of")?,
        })
    }

    /// Nothing but one of these words.
    pub fn words(words: Vec<Word>) -> Self {
        Self { words, ..Self::default() }
    }

    pub fn check(&self, world: &World, answer: &Answer, events: &[Event]) -> Check {
        self.check_word(world, answer)?;
        if self.breach.is_some_and(|breach| breach != answer.breach) {
            let found = if answer.breach { "a breach" } else { "no breach" };
            return Err(format!("found {found}: {}", answer.said));
        }
        if !self.reasons.is_empty()
            && !answer.reasons.iter().any(|reason| self.reasons.iter().any(|one| one == reason))
        {
            let (wanted, found) = (self.reasons.join(" or "), answer.reasons.join(", "));
            return Err(format!("reason should be {wanted} and is {found} ({})", answer.said));
        }
        if let Some(got) = &answer.grant {
            self.check_grant(got)?;
        }
        self.check_events(world, events)
    }

    fn check_word(&self, world: &World, answer: &Answer) -> Check {
        let of = self.of.as_deref().map(|of| world.names.text(of)).transpose()?.flatten();
        let mut fits = false;
        for word in &self.words {
            fits |= fits_word(*word, answer, of, &world.released);
        }
        if self.words.is_empty() || fits {
            return Ok(());
        }
        let wanted: Vec<&str> = self.words.iter().map(|word| word.as_str()).collect();
        let of = self.of.as_ref().map(|of| format!(" of {of}")).unwrap_or_default();
        let known = answer.token().and_then(|token| world.names.name_of(token)).unwrap_or_default();
        let found = format!("{} {known} {}", answer.word.as_str(), answer.said);
        Err(format!("expected {}{of}, got {}", wanted.join(" or "), found.trim()))
    }

    fn check_grant(&self, got: &Got) -> Check {
        let scope: BTreeSet<String> = got.scope.iter().cloned().collect();
        let resources: BTreeSet<String> = got.resources.iter().cloned().collect();
        if self.granted.as_ref().is_some_and(|granted| *granted != scope) {
            return Err(format!("granted {scope:?}"));
        }
        if self.granted_subset_of.as_ref().is_some_and(|bound| !scope.is_subset(bound)) {
            return Err(format!("granted {scope:?}"));
        }
        if self.granted_resource.as_ref().is_some_and(|wanted| *wanted != resources) {
            return Err(format!("granted resources {resources:?}"));
        }
        match &self.expires_in {
            Some(wanted) if !wanted.fits(got.expires_in) => {
                Err(format!("refresh_expires_in should be {wanted:?} and is {:?}", got.expires_in))
            }
            _ => Ok(()),
        }
    }

    fn check_events(&self, world: &World, events: &[Event]) -> Check {
        let seen = |signal: &Signal| events.iter().any(|event| signal.matches(&event.kind));
        if let Some(missing) = self.emits.iter().find(|signal| !seen(signal)) {
            return Err(format!("did not emit {}", missing.0));
        }
        if let Some(emitted) = self.emits_none_of.iter().find(|signal| seen(signal)) {
            return Err(format!("emitted {}", emitted.0));
        }
        self.attributed.as_ref().map_or(Ok(()), |attributed| attributed.check(world, events))
    }
}

/// `expect` as outcome words; absent: any.
pub fn words(fields: &mut Fields) -> Check<Vec<Word>> {
    Word::parse_all(&fields.texts("expect")?.unwrap_or_default())
}

/// Whether an answer is this outcome. `new` differs from every earlier string; `replay` is an earlier one.
pub fn fits_word(word: Word, answer: &Answer, of: Option<&str>, released: &[String]) -> bool {
    let known = |token: &str| released.iter().any(|earlier| earlier == token);
    match (word, answer.token()) {
        (Word::New, Some(token)) => !known(token),
        (Word::Replay, Some(token)) => match of {
            Some(of) => token == of,
            None => answer.grant.as_ref().is_some_and(|got| got.how == How::Replayed),
        },
        (Word::New | Word::Replay, None) => false,
        (word, _) => answer.word == word,
    }
}

fn breach(fields: &mut Fields) -> Check<Option<bool>> {
    match fields.take("breach") {
        None => Ok(None),
        Some(Value::Bool(breach)) => Ok(Some(breach)),
        Some(Value::String(any)) if any == "any" => Ok(None),
        Some(other) => Err(format!("`breach` is neither true, false nor any: {other}")),
    }
}

/// `refresh_expires_in`.
#[derive(Debug)]
pub enum ExpiresIn {
    Never,
    Exactly(Duration),
    AtMost(Duration),
}

impl ExpiresIn {
    pub fn parse(fields: &mut Fields) -> Check<Option<Self>> {
        const NAME: &str = "refresh_expires_in";
        match fields.take(NAME) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(Self::Never)),
            Some(value @ Value::Object(_)) => {
                let mut bound = Fields::new(NAME, &value)?;
                let max = bound.seconds("max")?.ok_or_else(|| format!("{NAME}: no `max`"))?;
                bound.finish()?;
                Ok(Some(Self::AtMost(max)))
            }
            Some(value) => {
                let mut number = Fields::new(NAME, &serde_json::json!({ NAME: value }))?;
                Ok(number.seconds(NAME)?.map(Self::Exactly))
            }
        }
    }

    fn fits(&self, found: Option<Duration>) -> bool {
        match (self, found) {
            (Self::Never, found) => found.is_none(),
            (Self::Exactly(wanted), Some(found)) => {
                // A response has whole seconds, rounded down.
                *wanted == found || *wanted == Duration::from_secs(found.as_secs())
            }
            (Self::AtMost(max), Some(found)) => found <= *max,
            (Self::Exactly(_) | Self::AtMost(_), None) => false,
        }
    }
}
