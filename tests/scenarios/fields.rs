//! Reads JSON objects field by field; a field that nobody has asked for is an error.

use std::time::Duration;

use serde_json::{Map, Value};

/// The result of reading or checking; the error is the reason in words.
pub type Check<T = ()> = Result<T, String>;

/// An object, and what has been read of it.
pub struct Fields {
    what: String,
    rest: Map<String, Value>,
}

impl Fields {
    pub fn new(what: impl Into<String>, value: &Value) -> Check<Self> {
        let what = what.into();
        match value {
            Value::Object(rest) => Ok(Self { what, rest: rest.clone() }),
            other => Err(format!("{what}: not an object: {other}")),
        }
    }

    /// Takes a field out; `null` is a value.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.rest.remove(name)
    }

    pub fn text(&mut self, name: &str) -> Check<Option<String>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong(name, "text", &other)),
        }
    }

    pub fn need_text(&mut self, name: &str) -> Check<String> {
        self.text(name)?.ok_or_else(|| format!("{}: no `{name}`", self.what))
    }

    pub fn text_or(&mut self, name: &str, default: &str) -> Check<String> {
        Ok(self.text(name)?.unwrap_or_else(|| default.to_owned()))
    }

    pub fn count(&mut self, name: &str) -> Check<Option<usize>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let count = value.as_u64().and_then(|count| usize::try_from(count).ok());
        count.map(Some).ok_or_else(|| self.wrong(name, "a count", &value))
    }

    pub fn seconds(&mut self, name: &str) -> Check<Option<Duration>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let length = value.as_f64().and_then(duration);
        length.map(Some).ok_or_else(|| self.wrong(name, "a number of seconds", &value))
    }

    /// A point on the scenario's clock, which may lie before its zero.
    pub fn moment(&mut self, name: &str) -> Check<Option<Moment>> {
        let Some(value) = self.take(name) else { return Ok(None) };
        let moment = value.as_f64().and_then(Moment::new);
        moment.map(Some).ok_or_else(|| self.wrong(name, "a number of seconds", &value))
    }

    pub fn flag(&mut self, name: &str) -> Check<bool> {
        Ok(self.flag_or_absent(name)?.unwrap_or(false))
    }

    pub fn flag_or_absent(&mut self, name: &str) -> Check<Option<bool>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(name, "true or false", &other)),
        }
    }

    /// One text or a list of texts.
    pub fn texts(&mut self, name: &str) -> Check<Option<Vec<String>>> {
        match self.take(name) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => {
                texts(&value).map(Some).ok_or_else(|| self.wrong(name, "text or texts", &value))
            }
        }
    }

    pub fn need_texts(&mut self, name: &str) -> Check<Vec<String>> {
        self.texts(name)?.ok_or_else(|| format!("{}: no `{name}`", self.what))
    }

    pub fn object(&mut self, name: &str) -> Check<Option<Map<String, Value>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => Err(self.wrong(name, "an object", &other)),
        }
    }

    pub fn list(&mut self, name: &str) -> Check<Option<Vec<Value>>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(self.wrong(name, "a list", &other)),
        }
    }

    /// Nothing may be left over.
    pub fn finish(self) -> Check {
        match self.rest.keys().next() {
            None => Ok(()),
            Some(name) => Err(format!("{}: unknown field `{name}`", self.what)),
        }
    }

    fn wrong(&self, name: &str, wanted: &str, got: &Value) -> String {
        format!("{}: `{name}` is not {wanted}: {got}", self.what)
    }
}

/// One text, or a list of nothing but texts.
pub fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(list) => list.iter().map(|one| one.as_str().map(str::to_owned)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Seconds, to the millisecond.
fn duration(seconds: f64) -> Option<Duration> {
    let exact = Duration::try_from_secs_f64(seconds).ok()?;
    let millis = exact.checked_add(Duration::from_micros(500))?.as_millis();
    u64::try_from(millis).ok().map(Duration::from_millis)
}

/// A point on the scenario's clock.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    before_zero: bool,
    distance: Duration,
}

impl Moment {
    pub const ZERO: Self = Self { before_zero: false, distance: Duration::ZERO };

    fn new(seconds: f64) -> Option<Self> {
        duration(seconds.abs()).map(|distance| Self { before_zero: seconds < 0.0, distance })
    }

    /// Later by a length.
    pub fn later(self, length: Duration) -> Self {
        if !self.before_zero {
            Self { distance: self.distance.saturating_add(length), ..self }
        } else if let Some(distance) = self.distance.checked_sub(length) {
            Self { distance, ..self }
        } else {
            Self { before_zero: false, distance: length.saturating_sub(self.distance) }
        }
    }

    /// The instant, when the scenario's zero is this one.
    pub fn after(self, zero: heirloom::Timestamp) -> heirloom::Timestamp {
        if self.before_zero {
            zero.saturating_sub(self.distance)
        } else {
            zero.saturating_add(self.distance)
        }
    }
}

/// As `1d 02:03:04.500`, without what is zero on the left: for people.
impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (seconds, millis) = (self.distance.as_secs(), self.distance.subsec_millis());
        let sign = if self.before_zero { "-" } else { "" };
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => write!(f, "{sign}{}", seconds % 60)?,
            (0, 0, _) => write!(f, "{sign}{minutes}:{:02}", seconds % 60)?,
            (0, _, _) => write!(f, "{sign}{hours}:{minutes:02}:{:02}", seconds % 60)?,
            _ => write!(f, "{sign}{days}d {hours:02}:{minutes:02}:{:02}", seconds % 60)?,
        }
        if millis > 0 { write!(f, ".{millis:03}") } else { Ok(()) }
    }
}
