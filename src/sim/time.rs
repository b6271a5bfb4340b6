//! Virtual time: whole microseconds since the start of the run.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// An instant of virtual time, in microseconds since the start of the run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

/// A length of virtual time, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Duration(pub u64);

/// The wall clock that processes read at [`Time`] zero: 2026-01-01T00:00:00Z, in milliseconds of the Unix epoch.
pub const EPOCH_MS: i64 = 1_767_225_600_000;

impl Time {
    pub const ZERO: Time = Time(0);

    pub const fn from_ms(ms: u64) -> Time {
        Time(ms * 1_000)
    }

    /// What a process's wall clock shows, in milliseconds of the Unix epoch (Kafka's unit).
    pub const fn wall_ms(self) -> i64 {
        EPOCH_MS + (self.0 / 1_000) as i64
    }

    /// Whole milliseconds since the start of the run.
    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000
    }

    /// How long ago `earlier` was; zero if it is not earlier.
    pub const fn since(self, earlier: Time) -> Duration {
        Duration(self.0.saturating_sub(earlier.0))
    }
}

impl Duration {
    pub const ZERO: Duration = Duration(0);

    pub const fn us(us: u64) -> Duration {
        Duration(us)
    }

    pub const fn ms(ms: u64) -> Duration {
        Duration(ms * 1_000)
    }

    pub const fn secs(secs: u64) -> Duration {
        Duration(secs * 1_000_000)
    }

    pub const fn as_ms(self) -> u64 {
        self.0 / 1_000
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, d: Duration) -> Time {
        Time(self.0.saturating_add(d.0))
    }
}

impl AddAssign<Duration> for Time {
    fn add_assign(&mut self, d: Duration) {
        *self = *self + d;
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(d.0))
    }
}

impl Add for Duration {
    type Output = Duration;
    fn add(self, d: Duration) -> Duration {
        Duration(self.0.saturating_add(d.0))
    }
}

impl fmt::Display for Time {
    /// Seconds with milliseconds: `41.870 s`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}.{:03} s", self.0 / 1_000_000, self.0 / 1_000 % 1_000)
    }
}
