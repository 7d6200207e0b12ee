//! A clock set by hand.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::{Clock, Timestamp};

/// A clock that stands still until it is set, forward or back. Clones share the time.
///
/// ```
/// # use std::time::Duration;
/// # use heirloom::{Clock, Timestamp, testing::ManualClock};
/// let clock = ManualClock::at(Timestamp::from_millis(1_000));
/// clock.advance(Duration::from_millis(1));
/// assert_eq!(clock.now(), Timestamp::from_millis(1_001));
/// ```
#[derive(Clone, Debug, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows this instant.
    pub fn at(instant: Timestamp) -> Self {
        Self(Arc::new(AtomicU64::new(instant.as_millis())))
    }

    /// Shows another instant, earlier ones too.
    pub fn set(&self, instant: Timestamp) {
        self.0.store(instant.as_millis(), Ordering::SeqCst);
    }

    /// Moves on, at most to [`Timestamp::MAX`].
    pub fn advance(&self, length: Duration) {
        self.set(self.now().saturating_add(length));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }
}
