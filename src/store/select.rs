//! Which families, by subject and client.

use crate::family::{Family, Impossible};
use crate::token::FamilyId;

/// Which families.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Selector {
    /// All of a subject's.
    Subject(Box<str>),
    /// All of a client's.
    Client(Box<str>),
    /// A subject's at one client.
    SubjectAndClient(Box<str>, Box<str>),
}

impl Selector {
    /// All families of a subject.
    pub fn subject(subject: &str) -> Self {
        Self::Subject(subject.into())
    }

    /// All families of a client.
    pub fn client(client: &str) -> Self {
        Self::Client(client.into())
    }

    /// A subject's families at one client.
    pub fn subject_and_client(subject: &str, client: &str) -> Self {
        Self::SubjectAndClient(subject.into(), client.into())
    }

    /// Whether a family is among them.
    pub fn matches(&self, family: &Family) -> bool {
        let grant = &family.grant;
        match self {
            Self::Subject(subject) => *grant.subject == **subject,
            Self::Client(client) => *grant.client == **client,
            Self::SubjectAndClient(subject, client) => {
                *grant.subject == **subject && *grant.client == **client
            }
        }
    }
}

/// A page of a selection: each family, or why its record cannot be. One damaged record does not hide the others.
pub type Selected = Vec<Result<Family, Impossible>>;

/// A part of a selection.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Page {
    /// Begin after this id; `None`: at the first.
    pub after: Option<FamilyId>,
    /// At most so many, and at least one.
    pub limit: usize,
}
