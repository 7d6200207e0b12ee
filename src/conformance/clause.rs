//! What was promised, and what was seen instead.

use std::fmt;

/// A clause of the [store contract](crate::store).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Clause {
    /// S1.
    Create,
    /// S2.
    Load,
    /// S3.
    Advance,
    /// S4.
    Revoke,
    /// S5.
    Replace,
    /// S6.
    Select,
    /// S7.
    Purge,
    /// S8.
    Durable,
    /// S9.
    Honest,
    /// S10.
    Scan,
}

impl Clause {
    /// All clauses, S1 to S10.
    pub const ALL: [Self; 10] = [
        Self::Create,
        Self::Load,
        Self::Advance,
        Self::Revoke,
        Self::Replace,
        Self::Select,
        Self::Purge,
        Self::Durable,
        Self::Honest,
        Self::Scan,
    ];
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Create => "S1 create",
            Self::Load => "S2 load",
            Self::Advance => "S3 advance",
            Self::Revoke => "S4 revoke",
            Self::Replace => "S5 replace",
            Self::Select => "S6 select",
            Self::Purge => "S7 purge",
            Self::Durable => "S8 durable",
            Self::Honest => "S9 honest",
            Self::Scan => "S10 scan",
        })
    }
}

/// A clause that a store breaks. `Debug` says it in the words of `Display`, so that `unwrap` in a test tells the
/// story.
pub struct Violation {
    clause: Clause,
    promise: String,
    seen: String,
    /// The store could not be opened, so that no other clause can be run either.
    unopened: bool,
}

impl Violation {
    pub(super) fn new(clause: Clause, promise: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { clause, promise: promise.into(), seen: seen.into(), unopened: false }
    }

    pub(super) fn unopened(clause: Clause, seen: impl Into<String>) -> Self {
        Self { unopened: true, ..Self::new(clause, "the factory opens the store", seen) }
    }

    pub(super) fn is_unopened(&self) -> bool {
        self.unopened
    }

    /// The clause.
    pub fn clause(&self) -> Clause {
        self.clause
    }

    /// What it promises.
    pub fn promise(&self) -> &str {
        &self.promise
    }

    /// What was seen instead.
    pub fn seen(&self) -> &str {
        &self.seen
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: promised: {}; seen: {}", self.clause, self.promise, self.seen)
    }
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violation {}

/// The clauses that a store breaks, one [`Violation`] for each.
pub struct Violations(Vec<Violation>);

impl Violations {
    pub(super) fn none_or(violations: Vec<Violation>) -> Result<(), Self> {
        if violations.is_empty() { Ok(()) } else { Err(Self(violations)) }
    }

    /// Each of them, in the order of the clauses.
    pub fn iter(&self) -> impl Iterator<Item = &Violation> {
        self.0.iter()
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} clauses are broken", self.0.len(), Clause::ALL.len())?;
        self.0.iter().try_for_each(|violation| write!(f, "\n{violation}"))?;
        match self.0.last() {
            Some(last) if last.unopened => f.write_str("\nclauses after it were not run"),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Violations {}
