//! Whether servers can be trusted with families.

use redis::Value;

use super::hash::unexpected;
use crate::store::StoreError;

/// Why a [`RedisStore`](super::RedisStore) cannot be opened on a server: the source of the [`StoreError`].
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RedisUnfit {
    /// It may throw families away to make room: the policy must be `noeviction`.
    #[error("{node} has the maxmemory-policy {policy}, which may drop families: set noeviction")]
    Eviction {
        /// Which server.
        node: String,
        /// Its `maxmemory-policy`.
        policy: String,
    },
    /// It is a replica: what it says may be old.
    #[error("{node} is a {role}, not a master: connect to the master")]
    Replica {
        /// Which server.
        node: String,
        /// Its role.
        role: String,
    },
    /// Its `INFO` does not say what must be known.
    #[error("{node} does not say its {field} in INFO")]
    Silent {
        /// Which server.
        node: String,
        /// What is missing.
        field: &'static str,
    },
    /// The keys were written by another release, of another format.
    #[error("the keys are of format {found}, and this release knows only those up to {known}")]
    Format {
        /// What is there.
        found: String,
        /// What this release writes; it reads the earlier ones, too.
        known: &'static str,
    },
    /// A prefix that is empty or has a character other than letters, digits, `.`, `_`, `-` and `:`.
    #[error("the prefix {0:?} is empty or has other characters than letters, digits and ._-:")]
    Prefix(String),
}

/// One field of `INFO`, for each server that was asked.
pub(super) fn field_of_each(
    reply: Value,
    field: &'static str,
) -> Result<Vec<(String, String)>, StoreError> {
    let mut found = Vec::new();
    for (node, text) in texts(reply)? {
        let lines = text.lines().filter_map(|line| line.split_once(':'));
        match lines.filter(|(name, _)| *name == field).map(|(_, value)| value.trim()).next() {
            Some(value) => found.push((node, value.to_owned())),
            None => return Err(StoreError::unavailable(RedisUnfit::Silent { node, field })),
        }
    }
    Ok(found)
}

/// A cluster connection answers with a map by node, another with one text.
fn texts(reply: Value) -> Result<Vec<(String, String)>, StoreError> {
    match reply {
        Value::Map(nodes) => {
            nodes.into_iter().map(|(node, text)| Ok((text_of(node)?, text_of(text)?))).collect()
        }
        one => Ok(vec![("the server".to_owned(), text_of(one)?)]),
    }
}

fn text_of(value: Value) -> Result<String, StoreError> {
    match value {
        Value::BulkString(bytes) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => Ok(text),
        Value::ServerError(error) => Err(StoreError::unavailable(redis::RedisError::from(error))),
        _ => Err(unexpected()),
    }
}
