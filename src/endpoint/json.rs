//! A JSON object, member by member.

use serde::{Serialize, Serializer};

/// The value of a member.
pub(super) enum Value<'a> {
    Text(&'a str),
    Number(u64),
    Flag(bool),
    List(&'a [String]),
    /// An object with one member.
    Object(&'a str, &'a str),
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Flag(flag) => serializer.serialize_bool(*flag),
            Self::List(list) => serializer.collect_seq(*list),
            Self::Object(name, value) => serializer.collect_map([(name, value)]),
        }
    }
}

impl Value<'_> {
    /// About how many bytes it takes.
    fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len() + 2,
            Self::Number(_) | Self::Flag(_) => 20,
            Self::List(list) => list.iter().map(|text| text.len() + 3).sum::<usize>() + 2,
            Self::Object(name, value) => name.len() + value.len() + 7,
        }
    }
}

/// The object's members, in their order.
pub(super) struct Members<'a>(Vec<(&'a str, Value<'a>)>);

impl<'a> Members<'a> {
    pub(super) fn new() -> Self {
        Self(Vec::new())
    }

    /// One more, unless there is none, or one of this name already.
    pub(super) fn with(mut self, name: &'a str, value: Option<Value<'a>>) -> Self {
        if let Some(value) = value
            && self.0.iter().all(|(there, _)| *there != name)
        {
            self.0.push((name, value));
        }
        self
    }

    pub(super) fn to_json(&self) -> String {
        // Room for all of it: a buffer that grows leaves copies of what it held.
        let size: usize = self.0.iter().map(|(name, value)| name.len() + 4 + value.size()).sum();
        let mut json = Vec::with_capacity(size + 2);
        // Cannot fail: every name is text, and the buffer takes all.
        let written = serde_json::to_writer(&mut json, self).is_ok();
        String::from_utf8(json).ok().filter(|_| written).unwrap_or_default()
    }
}

impl Serialize for Members<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}
