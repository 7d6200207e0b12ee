//! How long, and how, a token that has been exchanged may be presented again.

use std::time::Duration;

use crate::time::Timestamp;

/// How long, and how, the predecessor of the current token may be presented again.
///
/// It begins with the predecessor's first use, is never extended, and is closed by the first use of its successor. For
/// the predecessor alone: an older token is reuse.
///
/// ```
/// # use std::time::Duration;
/// use heirloom::{Leeway, LeewayMode, Policy};
///
/// // At most three retries, whenever they come, until the successor is used.
/// let patient = Leeway::until_used(LeewayMode::Replay).uses(3);
/// let policy = Policy::builder().leeway(patient).build()?;
/// # assert_eq!(policy.leeway(), Some(patient));
/// # Ok::<(), heirloom::policy::PolicyError>(())
/// ```
///
/// # Security
///
/// Inside the leeway a thief who has copied the predecessor is answered like its owner. With replay both
/// then hold one and the same chain: the first round in which one of the two is second by more than the leeway ends the family. One who
/// is always second inside it is never told apart from a second tab: watch [`Replayed`](crate::EventKind::Replayed).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Leeway {
    mode: LeewayMode,
    end: LeewayEnd,
    uses: Option<u32>,
}

/// What the predecessor is answered inside the leeway.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LeewayMode {
    /// The very same successor again. No write, but one if uses are counted.
    Replay,
    /// Another successor in place of the earlier one, which is displaced and good no more.
    Newest,
    /// Another successor beside the earlier ones: a branch with a chain of its own.
    Fork {
        /// How many branches may live at once, the first included: 2 to [`Leeway::MAX_BRANCHES`].
        branches: u8,
    },
    /// A refusal that is no breach.
    Refuse,
}

/// When a leeway ends, at the latest; the first use of the successor ends it in any case.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum LeewayEnd {
    /// So long after the predecessor's first use; the end itself is outside.
    After(Duration),
    /// At an instant, for all tokens alike; it is outside.
    At(Timestamp),
    /// Only with the first use of the successor.
    SuccessorUsed,
}

impl Leeway {
    /// How many branches a family can have at once.
    pub const MAX_BRANCHES: u8 = 32;

    /// The longest leeway of [`Newest`](LeewayMode::Newest) and [`Fork`](LeewayMode::Fork) without a number of uses.
    pub const UNCOUNTED: Duration = Duration::from_secs(300);

    /// Answer with the very same successor: a lost response and a second tab cost nothing.
    ///
    /// # Security
    ///
    /// As said of [`Leeway`]: a thief inside it has the owner's chain, until one of the two is late.
    pub const fn replay(window: Duration) -> Self {
        Self::after(window, LeewayMode::Replay)
    }

    /// Answer with another successor, which takes the place of the earlier one.
    ///
    /// # Security
    ///
    /// For clients that cannot be told the same thing twice. Of two tabs the second takes the token of the first: what
    /// the first holds is displaced, and refused, or taken for theft, as [`Policy::displaced`](crate::Policy::displaced) says. A
    /// thief inside the leeway so shuts the owner out and goes on with the family; the owner notices, and only if displaced tokens are taken
    /// for theft does what he holds end it. What is displaced is known as that while its place is the current or the preceding one; two rotations
    /// later it is reuse, like any older token. A response that is lost after it has displaced an earlier one costs the session.
    pub const fn newest(window: Duration) -> Self {
        Self::after(window, LeewayMode::Newest)
    }

    /// Answer with another successor, and let all of them live, up to a number of branches, the first included.
    ///
    /// Each branch rotates by itself and detects reuse by itself; a breach in one ends the family. At the number, a
    /// further presentation is refused without a breach. Two store round trips for each exchange of a family that has
    /// branched.
    ///
    /// A branch that nobody uses any more, as after a lost answer, keeps its place until its idle end. When all places are taken a lost
    /// answer costs the session, for `TooManyBranches` is `invalid_grant` to the client: allow many.
    ///
    /// # Security
    ///
    /// A thief inside the leeway gets a chain of his own and keeps it: owner and thief never meet again, and nothing ever tells
    /// them apart. Prefer replay wherever clients can live with the same answer twice.
    pub const fn fork(window: Duration, branches: u8) -> Self {
        Self::after(window, LeewayMode::Fork { branches })
    }

    /// Refuse without taking it for theft: the family lives, and the client must have kept the successor.
    ///
    /// # Security
    ///
    /// A thief who is first goes unnoticed until the owner's next use after the window: an owner who gives up at the refusal
    /// leaves the family to the thief. A client that lost the response has lost the family.
    pub const fn refuse(window: Duration) -> Self {
        Self::after(window, LeewayMode::Refuse)
    }

    /// A leeway without a timer: it lasts until the successor is used.
    ///
    /// # Security
    ///
    /// A predecessor stays good for as long as the client does not come back. A thief and an owner who present the same
    /// token at the same cadence are never told apart: each is answered with what the other has.
    pub const fn until_used(mode: LeewayMode) -> Self {
        Self { mode, end: LeewayEnd::SuccessorUsed, uses: None }
    }

    /// A leeway until an instant, for the predecessors of all families alike: the deprecation window when a client moves from persistent to
    /// rotating tokens, during which a client that has not learnt to store the new token goes on with the old one. A replay moves no idle
    /// end: for that the policy's idle lifetime must be longer than the window. The first use of the new token closes it, here too.
    ///
    /// # Security
    ///
    /// Until then as [`until_used`](Self::until_used).
    pub const fn until(end: Timestamp, mode: LeewayMode) -> Self {
        Self { mode, end: LeewayEnd::At(end), uses: None }
    }

    /// At most so many presentations of one predecessor after its first use; the next one is reuse. Default: any number.
    ///
    /// Demanded for [`Newest`](LeewayMode::Newest) and [`Fork`](LeewayMode::Fork) beyond [`UNCOUNTED`](Self::UNCOUNTED). To
    /// count a replay costs a write; where a driver sends that write twice, or the store does it and reports a failure, the retry finds one use
    /// less. Where a store reports a lost race as a conflict, presentations that race may be counted as one. Allow more than honest clients need.
    #[must_use]
    pub const fn uses(mut self, uses: u32) -> Self {
        self.uses = Some(uses);
        self
    }

    /// What the predecessor is answered.
    pub fn mode(&self) -> LeewayMode {
        self.mode
    }

    /// When it ends, unless the successor is used before.
    pub fn end(&self) -> LeewayEnd {
        self.end
    }

    /// How many presentations are answered, if they are counted.
    pub fn max_uses(&self) -> Option<u32> {
        self.uses
    }

    /// The last instant of a leeway that began at an instant, exclusive; `None`: it has no timer.
    pub fn end_from(&self, rotated_at: Timestamp) -> Option<Timestamp> {
        match self.end {
            LeewayEnd::After(window) => Some(rotated_at.saturating_add(window)),
            LeewayEnd::At(end) => Some(end),
            LeewayEnd::SuccessorUsed => None,
        }
    }

    /// Whether a leeway that began at an instant lasts, as far as its timer goes. A clock that has stepped back reads as the
    /// beginning.
    pub(crate) fn lasts(&self, rotated_at: Timestamp, now: Timestamp) -> bool {
        match self.end {
            LeewayEnd::After(window) => now.saturating_since(rotated_at) < window,
            LeewayEnd::At(end) => now < end,
            LeewayEnd::SuccessorUsed => true,
        }
    }

    /// Whether so many presentations leave one more.
    pub(crate) fn allows(&self, replays: u32) -> bool {
        self.uses.is_none_or(|uses| replays < uses)
    }

    const fn after(window: Duration, mode: LeewayMode) -> Self {
        Self { mode, end: LeewayEnd::After(window), uses: None }
    }
}
