//! A window in which tokens ahead of a store that has lost writes are taken.

use std::time::Duration;

use crate::time::Timestamp;

/// A window after a restored backup, or a failover that lost writes: a token ahead of the store is taken, and its family
/// catches up.
///
/// Whoever then shows another token in the new head's own place, or in the one before, ends the family as
/// [`Diverged`](crate::Reason::Diverged); an older one is reuse, and one that is ahead is taken again. Without a window such tokens are refused, never as a breach. A branch that the store does
/// not know at all is not recovered: its tokens are refused as ahead of the store.
///
/// # Security
///
/// Inside the window a token ahead of the store is taken on its tag alone: one lock instead of two. Whoever holds a key of the
/// ring can then make a token for any family that was issued before [`issued_before`](Self::issued_before); whoever only reads the
/// database still cannot. And what was spent in the lost stretch is taken from whoever comes first, a thief with an old copy too: the
/// owner is then refused or ends the family, by what the store has seen when he comes. Close the window as soon as the clients have come back, and never open one while a key may have leaked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recovery {
    until: Timestamp,
    issued_before: Timestamp,
}

impl Recovery {
    /// The longest window.
    pub const MAX_LENGTH: Duration = Duration::from_secs(30 * 86_400);

    /// A window that is open now and closes at an instant, for families that were issued before another one: when the store's last writes were lost.
    ///
    /// # Errors
    ///
    /// [`RecoveryError`]: it would be closed already or stay open for more than 30 days, or takes families from the future.
    pub fn new(
        now: Timestamp,
        until: Timestamp,
        issued_before: Timestamp,
    ) -> Result<Self, RecoveryError> {
        if until <= now {
            return Err(RecoveryError::Closed);
        }
        if until.saturating_since(now) > Self::MAX_LENGTH {
            return Err(RecoveryError::TooLong);
        }
        if issued_before > now {
            return Err(RecoveryError::Future);
        }
        Ok(Self { until, issued_before })
    }

    /// When it closes; the end itself is outside.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Only families that were created before this instant are recovered.
    pub fn issued_before(&self) -> Timestamp {
        self.issued_before
    }

    /// Whether a family that was created at an instant is recovered now.
    pub(crate) fn covers(&self, created_at: Timestamp, now: Timestamp) -> bool {
        now < self.until && created_at < self.issued_before
    }
}

/// A recovery window that cannot be.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoveryError {
    /// Its end is not after now.
    #[error("the window's end has passed")]
    Closed,
    /// It would be open for more than [`Recovery::MAX_LENGTH`]: a window has an end that is meant.
    #[error("the window is longer than 30 days")]
    TooLong,
    /// Families from after now: nothing of them can have been lost.
    #[error("families that are issued in the future need no recovery")]
    Future,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_has_an_end_ahead_and_not_far() {
        let at = Timestamp::from_millis;
        let month = 30 * 86_400_000;
        let window = |until, issued| Recovery::new(at(1000), at(until), at(issued)).map(|_| ());
        assert_eq!(window(1000, 1000), Err(RecoveryError::Closed));
        assert_eq!(window(1001, 1000), Ok(()));
        assert_eq!(window(1001, 1001), Err(RecoveryError::Future));
        assert_eq!(window(1000 + month, 0), Ok(()));
        assert_eq!(window(1001 + month, 0), Err(RecoveryError::TooLong));
    }

    #[test]
    fn a_window_covers_what_is_older_than_the_loss_until_its_end() {
        let at = Timestamp::from_millis;
        let window = Recovery::new(at(1000), at(2000), at(500)).unwrap();
        for (created, now, covered) in
            [(499, 1999, true), (499, 2000, false), (500, 1999, false), (0, 0, true)]
        {
            assert_eq!(window.covers(at(created), at(now)), covered, "{created} {now}");
        }
    }
}
