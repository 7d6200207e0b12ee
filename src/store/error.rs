//! What a store could not do.

use std::fmt;

use crate::family::Impossible;

/// The store could not do its duty: an error of ours, never reported as `invalid_grant`.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// What a [`StoreError`] means for the engine.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// Not reached, timed out, full, read-only: the write may or may not have happened.
    Unavailable,
    /// A lost race or a serialization failure: the engine tries again at once.
    Conflict,
    /// Not to be used as it is: a schema of another release, or settings that break the contract. An operator must act.
    Unusable,
    /// A record that cannot be (S9).
    Impossible(Impossible),
}

impl StoreError {
    /// The store did not answer, or did not write; with what it said.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: Some(source.into()) }
    }

    /// A serialization failure or a lost race inside the store; with what it said.
    pub fn conflict(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Conflict, source: Some(source.into()) }
    }

    /// A store that must not be used as it is found, and why.
    pub fn unusable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unusable, source: Some(source.into()) }
    }

    /// What it means for the engine.
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }

    pub(crate) fn is_conflict(&self) -> bool {
        self.kind == StoreErrorKind::Conflict
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        match self.kind {
            StoreErrorKind::Unavailable | StoreErrorKind::Conflict => true,
            StoreErrorKind::Unusable | StoreErrorKind::Impossible(_) => false,
        }
    }
}

impl From<Impossible> for StoreError {
    fn from(impossible: Impossible) -> Self {
        Self { kind: StoreErrorKind::Impossible(impossible), source: None }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StoreErrorKind::Unavailable => f.write_str("the store is unavailable"),
            StoreErrorKind::Conflict => f.write_str("a conflicting write"),
            StoreErrorKind::Unusable => f.write_str("the store must not be used as it is"),
            StoreErrorKind::Impossible(impossible) => impossible.fmt(f),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(self.source.as_deref()?)
    }
}
