//! What scenarios give names to: tokens, strings, byte strings, and lists of them.

use std::collections::BTreeMap;

use super::fields::Check;

/// What a name stands for.
#[derive(Clone, Debug)]
pub enum Bound {
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Bound>),
    /// Nothing on purpose: the string could not be derived, or the grant was refused as it might be.
    Absent,
}

#[derive(Default)]
pub struct Names(BTreeMap<String, Bound>);

impl Names {
    pub fn bind(&mut self, name: &str, bound: Bound) {
        self.0.insert(name.to_owned(), bound);
    }

    pub fn bind_text(&mut self, name: &str, text: &str) {
        self.bind(name, Bound::Text(text.to_owned()));
    }

    pub fn is_bound(&self, name: &str) -> bool {
        matches!(self.0.get(name), Some(Bound::Text(_) | Bound::Bytes(_) | Bound::List(_)))
    }

    fn get(&self, name: &str) -> Check<&Bound> {
        self.0.get(name).ok_or_else(|| format!("nothing is named `{name}`"))
    }

    /// The one string that a name stands for; `None`: absent on purpose.
    pub fn text(&self, name: &str) -> Check<Option<&str>> {
        match self.get(name)? {
            Bound::Text(text) => Ok(Some(text)),
            Bound::Absent => Ok(None),
            Bound::Bytes(_) | Bound::List(_) => Err(format!("`{name}` is not one string")),
        }
    }

    /// All that the names stand for, lists opened.
    pub fn all(&self, names: &[String]) -> Check<Vec<Bound>> {
        let mut all = Vec::new();
        for name in names {
            open(self.get(name)?, &mut all);
        }
        Ok(all)
    }

    /// All strings that the names stand for.
    pub fn texts(&self, names: &[String]) -> Check<Vec<String>> {
        let texts = self.all(names)?.into_iter().filter_map(|bound| match bound {
            Bound::Text(text) => Some(text),
            Bound::Bytes(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
            Bound::List(_) | Bound::Absent => None,
        });
        Ok(texts.collect())
    }

    /// The first name of a string, for people.
    pub fn name_of(&self, text: &str) -> Option<&str> {
        let is = |bound: &Bound| matches!(bound, Bound::Text(own) if own == text);
        self.0.iter().find(|(_, bound)| is(bound)).map(|(name, _)| name.as_str())
    }
}

fn open(bound: &Bound, all: &mut Vec<Bound>) {
    match bound {
        Bound::Text(_) | Bound::Bytes(_) => all.push(bound.clone()),
        Bound::List(list) => list.iter().for_each(|bound| open(bound, all)),
        Bound::Absent => {}
    }
}
