//! How many families a subject may have at a client.

/// How many families may live at once for a subject at a client.
///
/// Counted after a family was issued, so that two issues at once never leave more. A family that was adopted is counted, but to adopt one ends none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilyLimit {
    families: u32,
    full: Full,
}

/// What happens at the limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Full {
    /// The oldest families are ended, as [`Reason::Evicted`](crate::Reason::Evicted).
    Evict,
    /// The issue is refused, as [`Error::TooManyFamilies`](crate::Error::TooManyFamilies). Two issues at once may both be refused the
    /// last place.
    Refuse,
}

impl FamilyLimit {
    /// At most so many; the oldest are ended.
    pub const fn evict(families: u32) -> Self {
        Self { families, full: Full::Evict }
    }

    /// At most so many; one more is refused.
    ///
    /// A family whose first answer was lost counts until it ends: at a limit of one, a lost answer keeps the user out for the idle lifetime, unless
    /// the host ends it.
    pub const fn refuse(families: u32) -> Self {
        Self { families, full: Full::Refuse }
    }

    /// How many.
    pub fn families(&self) -> u32 {
        self.families
    }

    /// What happens at the limit.
    pub fn full(&self) -> Full {
        self.full
    }
}
