//! The tokens that can be presented of a family; all of them genuine.

use heirloom::KeyRing;
use heirloom::family::Family;
use heirloom::testing;
use heirloom::token::{Position, Presented};

use super::states::{key, secret};

/// A token, by what it is to the family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    Current,
    Predecessor,
    TwoBehind,
    Ahead,
    OtherBranch,
    CurrentOtherDigest,
    PredecessorOtherDigest,
}

impl Shown {
    pub const ALL: [Self; 7] = [
        Self::Current,
        Self::Predecessor,
        Self::TwoBehind,
        Self::Ahead,
        Self::OtherBranch,
        Self::CurrentOtherDigest,
        Self::PredecessorOtherDigest,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Predecessor => "predecessor",
            Self::TwoBehind => "two behind",
            Self::Ahead => "ahead",
            Self::OtherBranch => "branch 1",
            Self::CurrentOtherDigest => "current*",
            Self::PredecessorOtherDigest => "predecessor*",
        }
    }

    /// The token; `None` when there can be none, as before generation 0.
    pub fn of(self, family: &Family) -> Option<Presented> {
        let head = family.head.generation;
        let (generation, branch, other) = match self {
            Self::Current => (Some(head), 0, false),
            Self::Predecessor => (head.checked_sub(1), 0, false),
            Self::TwoBehind => (head.checked_sub(2), 0, false),
            Self::Ahead => (head.checked_add(1), 0, false),
            Self::OtherBranch => (Some(head), 1, false),
            Self::CurrentOtherDigest => (Some(head), 0, true),
            Self::PredecessorOtherDigest => (head.checked_sub(1), 0, true),
        };
        let generation = generation?;
        let position = Position { family: family.id, branch, generation };
        let secret = if other { [0xff; 32] } else { secret(generation) };
        Some(present(position, secret))
    }
}

/// A genuine token of any place and secret, its tag verified.
pub fn present(position: Position, secret: [u8; 32]) -> Presented {
    let token = testing::token(&key(), position, secret);
    Presented::verify(token.expose(), &KeyRing::new(key())).unwrap()
}
