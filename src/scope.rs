//! Scope: a set of words, narrowed and never widened (RFC 6749 section 3.3).

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// A set of scope tokens, in the order first given. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Scope(Arc<str>);

impl Scope {
    /// The words of a space-separated list, each once.
    pub fn new(text: &str) -> Self {
        let mut seen = BTreeSet::new();
        let words: Vec<&str> = words(text).filter(|word| seen.insert(*word)).collect();
        Self(words.join(" ").into())
    }

    /// The scope tokens.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        words(&self.0)
    }

    /// Whether the scope has this token.
    pub fn contains(&self, token: &str) -> bool {
        self.iter().any(|word| word == token)
    }

    /// Whether there is no token in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens, separated by single spaces, as in a token response.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What a request gets: the requested part of this scope, or all of it when nothing is requested.
    /// A parameter without a value counts as omitted (RFC 6749 section 3.2).
    /// `None` when it asks for anything beyond (RFC 6749 section 6).
    pub(crate) fn narrow(&self, requested: Option<&str>) -> Option<Self> {
        let requested = requested.unwrap_or_default().trim_matches(' ');
        if requested.is_empty() {
            return Some(self.clone());
        }
        if requested.len() > 2 * self.0.len() + 64 {
            // Longer than any honest subset, so not worth the comparison: only repetition could make it valid.
            return None;
        }
        let narrowed = Self::new(requested);
        if narrowed.is_empty() {
            return Some(self.clone());
        }
        let within = narrowed.iter().all(|token| self.contains(token));
        within.then_some(narrowed)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(' ').filter(|word| !word.is_empty())
}

/// RFC 6749 section 3.3: `scope-token = 1*( %x21 / %x23-5B / %x5D-7E )`.
pub(crate) fn is_scope_token(word: &str) -> bool {
    word.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrowing_never_widens_and_an_empty_request_means_the_grant() {
        let scope = Scope::new("read  write read");
        assert_eq!(scope.as_str(), "read write");
        assert_eq!(scope.narrow(None), Some(scope.clone()));
        assert_eq!(scope.narrow(Some("")), Some(scope.clone()));
        assert_eq!(scope.narrow(Some("write")), Some(Scope::new("write")));
        assert_eq!(scope.narrow(Some("write admin")), None);
        assert_eq!(scope.narrow(Some("READ")), None);
        assert_eq!(Scope::default().narrow(Some("read")), None);
    }
}
