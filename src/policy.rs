//! The operator's choices, validated once.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::leeway::{Leeway, LeewayEnd, LeewayMode};
use crate::limit::FamilyLimit;
use crate::recovery::Recovery;

/// What the engine does on a refresh. Immutable; made by [`Policy::builder`].
///
/// The default rotates at every use, replays for 10 s, and ends a family after 30 days without use and
/// after 365 days in any case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    rotation: Rotation,
    leeway: Option<Leeway>,
    idle: Option<Duration>,
    absolute: Option<Duration>,
    ends: Ends,
    wrong_client: Mismatch,
    wrong_binding: Mismatch,
    displaced: Mismatch,
    on_reuse: Reaction,
    limit: Option<FamilyLimit>,
    recovery: Option<Recovery>,
}

impl Policy {
    /// The longest lifetime or leeway: a hundred years of 365 days.
    pub const MAX_LENGTH: Duration = Duration::from_secs(100 * 365 * 86_400);

    /// Starts from the defaults.
    pub fn builder() -> PolicyBuilder {
        PolicyBuilder(Self::default())
    }

    /// The choices so far, to change some of them.
    pub fn to_builder(&self) -> PolicyBuilder {
        PolicyBuilder(self.clone())
    }

    /// When a refresh mints a new token.
    pub fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// What a second use of the predecessor means for a while; `None`: reuse, at once.
    pub fn leeway(&self) -> Option<Leeway> {
        self.leeway
    }

    /// How long a token lasts unused.
    pub fn idle(&self) -> Option<Duration> {
        self.idle
    }

    /// How long a family lasts from its issue.
    pub fn absolute(&self) -> Option<Duration> {
        self.absolute
    }

    /// Whose ends count.
    pub fn ends(&self) -> Ends {
        self.ends
    }

    /// What the wrong client does.
    pub fn wrong_client(&self) -> Mismatch {
        self.wrong_client
    }

    /// What a wrong or missing key does.
    pub fn wrong_binding(&self) -> Mismatch {
        self.wrong_binding
    }

    /// What a token does that a later answer to its predecessor has displaced ([`LeewayMode::Newest`]).
    pub fn displaced(&self) -> Mismatch {
        self.displaced
    }

    /// What reuse ends.
    pub fn on_reuse(&self) -> Reaction {
        self.on_reuse
    }

    /// How many families may live for a subject at a client.
    pub fn limit(&self) -> Option<FamilyLimit> {
        self.limit
    }

    /// The recovery window, if one is open.
    pub fn recovery(&self) -> Option<Recovery> {
        self.recovery
    }

    /// The same policy in a recovery window. [`Engine::open_recovery`](crate::Engine::open_recovery) does this to the policies of all calls.
    #[must_use]
    pub fn recovering(mut self, recovery: Recovery) -> Self {
        self.recovery = Some(recovery);
        self
    }
}

impl Default for Policy {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(86_400);
        Self {
            rotation: Rotation::EveryUse,
            leeway: Some(Leeway::replay(Duration::from_secs(10))),
            idle: Some(30 * DAY),
            absolute: Some(365 * DAY),
            ends: Ends::Stored,
            wrong_client: Mismatch::Refuse,
            wrong_binding: Mismatch::Refuse,
            displaced: Mismatch::Refuse,
            on_reuse: Reaction::Family,
            limit: None,
            recovery: None,
        }
    }
}

/// When a refresh mints a new token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// At every use: RFC 9700 section 4.14.2 asks for this with public clients, or for sender-constrained tokens.
    EveryUse,
    /// Never: the presented token stays good. For confidential clients (FAPI 2.0 section 5.3.2.1) and
    /// sender-constrained tokens; a copied token is not detected.
    Never,
}

/// Whether a change of the lifetimes reaches tokens that are already out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ends {
    /// No: the ends are those that were stored when they were made.
    Stored,
    /// Yes: the ends are counted anew under the policy of now.
    ///
    /// Purge goes by the stored ends and the last use that was written, so a lengthened lifetime reaches a family only
    /// until a retention after both; a token that does not rotate writes its use every sixteenth of the idle lifetime. A grant's own [`not_after`](crate::Grant::not_after) holds in either case.
    Live,
}

/// What a genuine token does when the wrong client or the wrong key shows it, or when it has been displaced.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch {
    /// It is refused, and the family is none the worse for it.
    Refuse,
    /// It ends the family. Whoever obtains any token of it, spent ones too, can then log its owner out. A displaced token is
    /// then reuse, with all that [`Reaction`] says.
    Revoke,
}

/// What a spent token outside its leeway ends: the family first, and after it what is wider, each whatever fails at another. What the
/// store has failed at is an error of the call, and an event,
/// [`RelatedLeft`](crate::EventKind::RelatedLeft). What a call that is dropped, or a process that dies, had not come to yet lives on, and
/// nothing tells of it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reaction {
    /// Nothing: the token is refused, and the family lives.
    ///
    /// # Security
    ///
    /// Nobody is logged out by a client that mixes up its tokens; and a thief who was first goes on, with only an event to
    /// tell of it. Watch [`Refusal::Spent`](crate::Refusal::Spent).
    Refuse,
    /// The family: RFC 9700 section 4.14.2.
    ///
    /// # Security
    ///
    /// Whoever shows an old token as its client logs its owner out. A thief who was first keeps the access tokens that he has, until
    /// the host ends them.
    Family,
    /// All families of the subject at the client. For a client whose storage as a whole must be taken for stolen.
    ///
    /// # Security
    ///
    /// One old token, out of a backup or a log, shown as its client ends all of these.
    SubjectAndClient,
    /// All families of the subject, at every client.
    ///
    /// # Security
    ///
    /// As [`SubjectAndClient`](Self::SubjectAndClient), and one flaky client logs the user out everywhere.
    Subject,
}

/// Collects choices; [`build`](PolicyBuilder::build) checks them together.
#[derive(Clone, Debug)]
#[must_use]
pub struct PolicyBuilder(Policy);

impl PolicyBuilder {
    /// When a refresh mints a new token. Default: at every use.
    pub fn rotation(mut self, rotation: Rotation) -> Self {
        self.0.rotation = rotation;
        self
    }

    /// The leeway, or none. Default: replay for 10 s.
    pub fn leeway(mut self, leeway: impl Into<Option<Leeway>>) -> Self {
        self.0.leeway = leeway.into();
        self
    }

    /// How long a token lasts unused, or no such end. Default: 30 days.
    pub fn idle(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.0.idle = lifetime.into();
        self
    }

    /// How long a family lasts from its issue, or no such end. Default: 365 days.
    pub fn absolute(mut self, lifetime: impl Into<Option<Duration>>) -> Self {
        self.0.absolute = lifetime.into();
        self
    }

    /// Whose ends count. Default: the stored ones.
    pub fn ends(mut self, ends: Ends) -> Self {
        self.0.ends = ends;
        self
    }

    /// What the wrong client does. Default: it is refused.
    pub fn wrong_client(mut self, reaction: Mismatch) -> Self {
        self.0.wrong_client = reaction;
        self
    }

    /// What a wrong or missing key does. Default: it is refused.
    pub fn wrong_binding(mut self, reaction: Mismatch) -> Self {
        self.0.wrong_binding = reaction;
        self
    }

    /// What a displaced token does. Default: it is refused.
    pub fn displaced(mut self, reaction: Mismatch) -> Self {
        self.0.displaced = reaction;
        self
    }

    /// What reuse ends. Default: the family.
    pub fn on_reuse(mut self, reaction: Reaction) -> Self {
        self.0.on_reuse = reaction;
        self
    }

    /// How many families may live for a subject at a client. Default: any number.
    pub fn limit(mut self, limit: impl Into<Option<FamilyLimit>>) -> Self {
        self.0.limit = limit.into();
        self
    }

    /// The choices as they are, for those of this crate's own that its tests check.
    pub(crate) fn unchecked(self) -> Policy {
        self.0
    }

    /// Checks the choices.
    ///
    /// An idle lifetime may exceed the absolute one, and a leeway either: the earliest end comes first.
    ///
    /// # Errors
    ///
    /// [`PolicyError`]: what contradicts itself, or could never do anything.
    pub fn build(self) -> Result<Policy, PolicyError> {
        let policy = self.0;
        length("idle lifetime", policy.idle)?;
        length("absolute lifetime", policy.absolute)?;
        if let Some(leeway) = policy.leeway {
            check_leeway(&leeway)?;
        }
        if policy.limit.is_some_and(|limit| limit.families() == 0) {
            return Err(PolicyError::Zero { field: "families" });
        }
        if policy.displaced == Mismatch::Revoke && policy.on_reuse == Reaction::Refuse {
            return Err(PolicyError::Contradiction(
                "a displaced token is reuse, and reuse ends nothing",
            ));
        }
        if policy.ends == Ends::Live && policy.idle.is_none() && policy.absolute.is_none() {
            return Err(PolicyError::LiveWithoutEnds);
        }
        Ok(policy)
    }
}

fn check_leeway(leeway: &Leeway) -> Result<(), PolicyError> {
    let counted = match leeway.max_uses().map(NonZeroU32::new) {
        Some(None) => return Err(PolicyError::Zero { field: "leeway uses" }),
        uses => uses.is_some(),
    };
    let brief = match leeway.end() {
        LeewayEnd::After(window) => {
            length("leeway", Some(window))?;
            window <= Leeway::UNCOUNTED
        }
        LeewayEnd::At(_) | LeewayEnd::SuccessorUsed => false,
    };
    match leeway.mode() {
        LeewayMode::Fork { branches } if !(2..=Leeway::MAX_BRANCHES).contains(&branches) => {
            Err(PolicyError::Branches(branches))
        }
        LeewayMode::Newest | LeewayMode::Fork { .. } if !brief && !counted => {
            Err(PolicyError::Uncounted)
        }
        LeewayMode::Refuse if counted => {
            Err(PolicyError::Contradiction("a leeway that refuses has no uses to count"))
        }
        LeewayMode::Replay | LeewayMode::Newest | LeewayMode::Fork { .. } | LeewayMode::Refuse => {
            Ok(())
        }
    }
}

fn length(field: &'static str, length: Option<Duration>) -> Result<(), PolicyError> {
    match length {
        Some(length) if length < Duration::from_millis(1) => Err(PolicyError::Zero { field }),
        Some(length) if length > Policy::MAX_LENGTH => Err(PolicyError::TooLong { field }),
        // Instants are whole milliseconds: a finer length would be cut off in one place and not in another.
        Some(length) if length.subsec_nanos() % 1_000_000 != 0 => Err(PolicyError::Finer { field }),
        _ => Ok(()),
    }
}

/// A policy that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A length below a millisecond. For no lifetime or no leeway, say `None`.
    #[error("{field}: zero; say None for none")]
    Zero {
        /// The field.
        field: &'static str,
    },
    /// A length over [`Policy::MAX_LENGTH`].
    #[error("{field}: over a hundred years")]
    TooLong {
        /// The field.
        field: &'static str,
    },
    /// A length that is not whole milliseconds.
    #[error("{field}: not whole milliseconds")]
    Finer {
        /// The field.
        field: &'static str,
    },
    /// Ends counted under a policy that has none: every stored end would be lifted.
    #[error("live ends, and neither an idle nor an absolute lifetime to count them by")]
    LiveWithoutEnds,
    /// A leeway of newest or fork that lasts longer than [`Leeway::UNCOUNTED`] without a number of uses.
    #[error("a leeway over five minutes that makes new tokens needs a number of uses")]
    Uncounted,
    /// A number of branches that is not 2 to [`Leeway::MAX_BRANCHES`].
    #[error("{0} branches: 2 to 32 are possible")]
    Branches(u8),
    /// Two choices of which one makes the other void.
    #[error("{0}")]
    Contradiction(&'static str),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_whole_milliseconds_from_one_to_a_hundred_years() {
        let ms = Duration::from_millis(1);
        let field = "idle lifetime";
        for (length, result) in [
            (Duration::ZERO, Err(PolicyError::Zero { field })),
            (ms - Duration::from_nanos(1), Err(PolicyError::Zero { field })),
            (ms, Ok(())),
            (ms + Duration::from_nanos(1), Err(PolicyError::Finer { field })),
            (Policy::MAX_LENGTH, Ok(())),
            (Policy::MAX_LENGTH + ms, Err(PolicyError::TooLong { field })),
            (Duration::MAX, Err(PolicyError::TooLong { field })),
        ] {
            assert_eq!(Policy::builder().idle(length).build().map(|_| ()), result, "{length:?}");
        }
        let zero = Policy::builder().leeway(Leeway::replay(Duration::ZERO)).build();
        assert_eq!(zero, Err(PolicyError::Zero { field: "leeway" }));
    }

    #[test]
    fn live_ends_need_a_lifetime() {
        let live = Policy::builder().ends(Ends::Live).idle(None).absolute(None);
        assert_eq!(live.build(), Err(PolicyError::LiveWithoutEnds));
    }
}
