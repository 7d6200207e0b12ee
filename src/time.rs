//! Time is an argument: instants, and where they come from.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// An instant: whole milliseconds since 1970-01-01T00:00:00Z.
///
/// Bounded by [`Timestamp::MAX`], so that every store (SQL `bigint`, Lua and JSON numbers) holds it exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The Unix epoch.
    pub const ZERO: Self = Self(0);

    /// The last instant: 2^53 - 1 ms, in the year 287396.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// The instant so many milliseconds after the epoch, at most [`Timestamp::MAX`].
    pub const fn from_millis(millis: u64) -> Self {
        if millis > Self::MAX.0 { Self::MAX } else { Self(millis) }
    }

    /// Milliseconds since the epoch.
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down: the `iat` and `exp` of RFC 7662 section 2.2.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1000
    }

    /// The instant a length of time later, or `None` past [`Timestamp::MAX`]. Below a millisecond is cut off.
    pub fn checked_add(self, length: Duration) -> Option<Self> {
        let sum = self.0.checked_add(u64::try_from(length.as_millis()).ok()?)?;
        (sum <= Self::MAX.0).then_some(Self(sum))
    }

    /// The instant a length of time later, at most [`Timestamp::MAX`].
    pub fn saturating_add(self, length: Duration) -> Self {
        self.checked_add(length).unwrap_or(Self::MAX)
    }

    /// The instant a length of time earlier, or `None` before [`Timestamp::ZERO`]. Below a millisecond is cut off.
    pub fn checked_sub(self, length: Duration) -> Option<Self> {
        self.0.checked_sub(u64::try_from(length.as_millis()).ok()?).map(Self)
    }

    /// The instant a length of time earlier, at least [`Timestamp::ZERO`].
    pub fn saturating_sub(self, length: Duration) -> Self {
        self.checked_sub(length).unwrap_or(Self::ZERO)
    }

    /// The time since an earlier instant; zero when that lies ahead, as after a clock has stepped back.
    pub fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}s", self.0 / 1000, self.0 % 1000)
    }
}

/// Where the engine reads the time; it reads once per decision.
///
/// Nodes that share a store may differ by less than the leeway minus the longest delay of a retry;
/// see the guide.
pub trait Clock: Send + Sync {
    /// The present instant.
    fn now(&self) -> Timestamp;
}

/// A fixed instant is a clock.
impl Clock for Timestamp {
    fn now(&self) -> Timestamp {
        *self
    }
}

impl<C: Clock + ?Sized> Clock for Arc<C> {
    fn now(&self) -> Timestamp {
        (**self).now()
    }
}

/// The operating system's wall clock. Before 1970 it reads zero.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::ZERO.saturating_add(since)
    }
}

/// Measures how long something takes, whatever the wall clock does: for figures, never for a decision.
#[cfg(feature = "metrics")]
pub(crate) struct Stopwatch(std::time::Instant);

#[cfg(feature = "metrics")]
impl Stopwatch {
    pub(crate) fn start() -> Self {
        #[expect(
            clippy::disallowed_methods,
            reason = "the one place that reads the monotonic clock"
        )]
        Self(std::time::Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_never_passes_the_maximum() {
        let ms = Duration::from_millis(1);
        assert_eq!(Timestamp::from_millis(u64::MAX), Timestamp::MAX);
        assert_eq!(Timestamp::MAX.checked_add(ms), None);
        assert_eq!(Timestamp::MAX.saturating_add(Duration::MAX), Timestamp::MAX);
        let last_but_one = Timestamp::from_millis(Timestamp::MAX.as_millis() - 1);
        assert_eq!(last_but_one.checked_add(ms), Some(Timestamp::MAX));
    }

    #[test]
    fn the_time_since_a_later_instant_is_zero() {
        assert_eq!(Timestamp::ZERO.saturating_since(Timestamp::MAX), Duration::ZERO);
    }
}
