//! The tokens that can be presented of a family; all of them genuine.

use heirloom::KeyRing;
use heirloom::family::Family;
use heirloom::testing;
use heirloom::token::{Position, Presented};

use super::states::{key, secret_of};

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
    /// Of branch 1, or of the place that it would have.
    Beside(Part),
    Second,
}

/// What a token is to its branch.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Part {
    Current,
    Predecessor,
    TwoBehind,
    Ahead,
    CurrentOtherDigest,
    PredecessorOtherDigest,
}

impl Shown {
    /// Those of a family that has not branched.
    pub const ALL: [Self; 7] = [
        Self::Current,
        Self::Predecessor,
        Self::TwoBehind,
        Self::Ahead,
        Self::OtherBranch,
        Self::CurrentOtherDigest,
        Self::PredecessorOtherDigest,
    ];

    /// Those that differ once it has.
    pub const OF_BRANCHES: [Self; 9] = [
        Self::Current,
        Self::Predecessor,
        Self::Beside(Part::Current),
        Self::Beside(Part::Predecessor),
        Self::Beside(Part::TwoBehind),
        Self::Beside(Part::Ahead),
        Self::Beside(Part::CurrentOtherDigest),
        Self::Beside(Part::PredecessorOtherDigest),
        Self::Second,
    ];

    /// All but those that two names fit.
    pub const EVERY: [Self; 13] = [
        Self::Current,
        Self::Predecessor,
        Self::TwoBehind,
        Self::Ahead,
        Self::CurrentOtherDigest,
        Self::PredecessorOtherDigest,
        Self::Beside(Part::Current),
        Self::Beside(Part::Predecessor),
        Self::Beside(Part::TwoBehind),
        Self::Beside(Part::Ahead),
        Self::Beside(Part::CurrentOtherDigest),
        Self::Beside(Part::PredecessorOtherDigest),
        Self::Second,
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
            Self::Beside(Part::Current) => "1 current",
            Self::Beside(Part::Predecessor) => "1 predec.",
            Self::Beside(Part::TwoBehind) => "1 two behind",
            Self::Beside(Part::Ahead) => "1 ahead",
            Self::Beside(Part::CurrentOtherDigest) => "1 current*",
            Self::Beside(Part::PredecessorOtherDigest) => "1 predec.*",
            Self::Second => "2 current",
        }
    }

    /// The token; `None` when there can be none, as before generation 0 or before a branch was made.
    pub fn of(self, family: &Family) -> Option<Presented> {
        let (branch, part) = match self {
            Self::Current => (0, Part::Current),
            Self::Predecessor => (0, Part::Predecessor),
            Self::TwoBehind => (0, Part::TwoBehind),
            Self::Ahead => (0, Part::Ahead),
            Self::CurrentOtherDigest => (0, Part::CurrentOtherDigest),
            Self::PredecessorOtherDigest => (0, Part::PredecessorOtherDigest),
            Self::OtherBranch => (1, Part::Current),
            Self::Beside(part) => (1, part),
            Self::Second => (2, Part::Current),
        };
        let head = family.head_of(branch).unwrap_or(&family.head).generation;
        let (generation, other) = match part {
            Part::Current => (Some(head), false),
            Part::Predecessor => (head.checked_sub(1), false),
            Part::TwoBehind => (head.checked_sub(2), false),
            Part::Ahead => (head.checked_add(1), false),
            Part::CurrentOtherDigest => (Some(head), true),
            Part::PredecessorOtherDigest => (head.checked_sub(1), true),
        };
        let made = family.branches.live.iter().find(|it| it.number == branch);
        let born = made.map_or(0, |it| it.born);
        let generation = generation.filter(|generation| *generation >= born)?;
        let position = Position { family: family.id, branch, generation };
        let secret = if other { [0xff; 32] } else { secret_of(branch, generation) };
        Some(present(position, secret))
    }
}

/// A genuine token of any place and secret, its tag verified.
pub fn present(position: Position, secret: [u8; 32]) -> Presented {
    let token = testing::token(&key(), position, secret);
    Presented::verify(token.expose(), &KeyRing::new(key())).unwrap()
}
