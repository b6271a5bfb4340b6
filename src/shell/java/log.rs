//! Lines of log4j, as Kafka's tools write them to standard error: `[yyyy-MM-dd HH:mm:ss,SSS] LEVEL message (class)`.

use crate::sim::time::Time;

/// A log line. A message that ends in a line break puts its class on a line of its own; what stands behind a line break is a throwable, below it.
pub fn line(now: Time, level: &str, message: &str, class: &str) -> String {
    if let Some((first, thrown)) = message.split_once('\n').filter(|_| !message.ends_with('\n')) {
        return format!("[{}] {level} {first} ({class})\n{thrown}", timestamp(now));
    }
    format!("[{}] {level} {message} ({class})", timestamp(now))
}

/// The wall clock in UTC: `2026-01-01 00:00:41,870`.
pub fn timestamp(now: Time) -> String {
    let (year, month, day, hour, minute, second, ms) = fields(now.wall_ms());
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{ms:03}")
}

/// Year, month, day, hour, minute, second and ms of a time since 1970.
pub fn fields(ms: i64) -> (i64, i64, i64, i64, i64, i64, i64) {
    let (days, in_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    (year, month, day, in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1_000 % 60, in_day % 1_000)
}

/// Year, month and day of a day since 1970-01-01 (Howard Hinnant's `civil_from_days`).
fn civil(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let day_of_era = z.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::time::Duration;

    #[test]
    fn the_clock_of_the_run() {
        assert_eq!(timestamp(Time::ZERO), "2026-01-01 00:00:00,000");
        let later = Time::ZERO + Duration::secs((31 + 28) * 86_400 + 7 * 3_600 + 9 * 60 + 21) + Duration::ms(152);
        assert_eq!(timestamp(later), "2026-03-01 07:09:21,152");
        assert_eq!(line(Time::ZERO, "ERROR", "no\n", "a.B"), "[2026-01-01 00:00:00,000] ERROR no\n (a.B)");
        assert_eq!(line(Time::ZERO, "WARN", "no\nx.Y: z", "a.B"), "[2026-01-01 00:00:00,000] WARN no (a.B)\nx.Y: z");
    }
}
