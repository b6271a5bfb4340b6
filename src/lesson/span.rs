//! A length of virtual time as lessons write it: `"30s"`, `"500ms"`, `"2m"`.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Microseconds of virtual time, written with a unit where people read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeSpan(u64);

const UNITS: [(&str, u64); 4] = [("ms", 1_000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000)];

/// No wait in a lesson is longer than a day.
const LONGEST: TimeSpan = TimeSpan(24 * 3_600_000_000);

impl TimeSpan {
    pub const ZERO: TimeSpan = TimeSpan(0);

    pub const fn from_micros(us: u64) -> TimeSpan {
        TimeSpan(us)
    }

    pub const fn from_seconds(s: u64) -> TimeSpan {
        TimeSpan(s * 1_000_000)
    }

    pub const fn micros(self) -> u64 {
        self.0
    }

    /// A whole number and a unit: ms, s, m or h. `None` if it is anything else or longer than a day.
    pub fn parse(text: &str) -> Option<TimeSpan> {
        let digits = text.trim_end_matches(|c: char| c.is_ascii_lowercase());
        let unit = &text[digits.len()..];
        let (_, us) = UNITS.iter().find(|(name, _)| *name == unit)?;
        let number: u64 = digits.parse().ok()?;
        number.checked_mul(*us).map(TimeSpan).filter(|span| *span <= LONGEST)
    }
}

impl fmt::Display for TimeSpan {
    /// The largest unit that leaves a whole number: `90s`, `2m`, `500ms`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for (unit, us) in UNITS.iter().rev() {
            if self.0 >= *us && self.0.is_multiple_of(*us) {
                return write!(f, "{}{unit}", self.0 / us);
            }
        }
        match self.0 {
            0 => f.write_str("0s"),
            us => write!(f, "{us}us"),
        }
    }
}

impl Serialize for TimeSpan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match serializer.is_human_readable() {
            true => serializer.collect_str(self),
            false => self.0.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for TimeSpan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TimeSpan, D::Error> {
        match deserializer.is_human_readable() {
            true => deserializer.deserialize_str(Text),
            false => u64::deserialize(deserializer).map(TimeSpan),
        }
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = TimeSpan;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a time with its unit, such as \"30s\", \"500ms\" or \"2m\"")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<TimeSpan, E> {
        TimeSpan::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_prints() {
        for (text, us) in [("30s", 30_000_000), ("500ms", 500_000), ("2m", 120_000_000), ("1h", 3_600_000_000)] {
            assert_eq!(TimeSpan::parse(text), Some(TimeSpan(us)));
            assert_eq!(TimeSpan(us).to_string(), text);
        }
        for bad in ["", "30", "s", "-1s", "1.5s", "3 s", "30sec", "25h", "99999999999999999999s"] {
            assert_eq!(TimeSpan::parse(bad), None, "{bad}");
        }
    }
}
