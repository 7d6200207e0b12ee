//! Where the keys lie, and how long the server keeps what has ended.

use std::time::Duration;

/// The choices of a [`RedisStore`](super::RedisStore).
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct RedisSettings {
    prefix: String,
    keep: Duration,
}

impl RedisSettings {
    const DAY: Duration = Duration::from_secs(86_400);

    /// What every key begins with, before a colon. Default `heirloom`.
    ///
    /// One letter, digit, `.`, `_`, `-` or `:` at least, and no other character: [`open_with`](super::RedisStore::open_with)
    /// refuses it otherwise. Stores of different prefixes know nothing of each other.
    pub fn prefix(mut self, prefix: &str) -> Self {
        prefix.clone_into(&mut self.prefix);
        self
    }

    /// How long the server keeps a family that has ended, whether purge runs or not. Default 14 days, at least one day.
    ///
    /// More than the engine's retention, or families go before [`Engine::purge`](crate::Engine::purge) sees them.
    pub fn keep(mut self, length: Duration) -> Self {
        self.keep = length.max(Self::DAY);
        self
    }

    pub(super) fn prefix_text(&self) -> &str {
        &self.prefix
    }

    pub(super) fn is_prefix_valid(&self) -> bool {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-:".contains(&byte);
        !self.prefix.is_empty() && self.prefix.bytes().all(plain)
    }

    pub(super) fn kept_millis(&self) -> u128 {
        self.keep.as_millis()
    }
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self { prefix: "heirloom".to_owned(), keep: 14 * Self::DAY }
    }
}
