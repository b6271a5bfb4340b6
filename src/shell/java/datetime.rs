//! Times and durations as people write them for Java: `Utils.getDateTime` and `java.time.Duration.parse`.

use super::exception::Exception;
use crate::kafka::client::iso_duration::{self, digits};

/// `2026-01-01T00:00:00.000`, with an offset from UTC behind it or none (`yyyy-MM-dd'T'HH:mm:ss.SSSX`, strictly): ms since 1970.
///
/// # Errors
/// Java's `ParseException`.
pub fn date_time(text: &str) -> Result<i64, Exception> {
    let parse_exception = |message: String| Exception::new("java.text.ParseException", message);
    let Some((_, time)) = text.split_once('T').filter(|(_, time)| !time.is_empty()) else {
        return Err(parse_exception("Error parsing timestamp. It does not contain a 'T' according to ISO8601 format".into()));
    };
    let time = time.split('T').next().unwrap_or_default();
    let with_zone = if time.contains(['+', '-', 'Z']) { text.to_owned() } else { format!("{text}Z") };
    parse_date_time(&with_zone).ok_or_else(|| parse_exception(format!("Unparseable date: \"{with_zone}\"")))
}

fn parse_date_time(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (digits(date.next()?)?, digits(date.next()?)?, digits(date.next()?)?);
    let zone_at = time.find(['+', '-', 'Z'])?;
    let (clock, zone) = time.split_at(zone_at);
    let mut clock = clock.splitn(3, ':');
    let (hour, minute, rest) = (digits(clock.next()?)?, digits(clock.next()?)?, clock.next()?);
    let (second, ms) = rest.split_once('.')?;
    let (second, ms) = (digits(second)?, digits(ms)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_of_month).contains(&day) || hour > 23 || minute > 59 || second > 59 || ms > 999 {
        return None;
    }
    let in_day_ms = ((hour * 60 + minute) * 60 + second) * 1_000 + ms;
    Some(days_since_1970(year, month, day) * 86_400_000 + in_day_ms - zone_ms(zone)?)
}

/// `Z`, `+02`, `+0200` or `-03:30`.
fn zone_ms(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let rest = zone.get(1..)?;
    let (hours, minutes) = match (rest.len(), rest.split_once(':')) {
        (_, Some((hours, minutes))) => (digits(hours)?, digits(minutes)?),
        (4, None) => (digits(rest.get(..2)?)?, digits(rest.get(2..)?)?),
        _ => (digits(rest)?, 0),
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

/// Howard Hinnant's `days_from_civil`.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// `PnDTnHnMn.nS` in ms, in either case; each part may have a sign of its own.
///
/// # Errors
/// Java's `DateTimeParseException`.
pub fn duration_ms(text: &str) -> Result<i64, Exception> {
    let none = || Exception::new("java.time.format.DateTimeParseException", "Text cannot be parsed to a Duration");
    iso_duration::parse_ms(text).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates() {
        assert_eq!(date_time("1970-01-02T00:00:00.001"), Ok(86_400_001));
        assert_eq!(date_time("2026-11-21T07:32:33.802Z"), Ok(1_795_246_353_802));
        assert_eq!(date_time("1970-01-01T02:00:00.000+02:00"), Ok(0));
        assert_eq!(date_time("1970-01-01T02:00:00.000+0200"), Ok(0));
        let said = |text: &str| date_time(text).unwrap_err().text().to_owned();
        assert_eq!(said("yesterday"), "Error parsing timestamp. It does not contain a 'T' according to ISO8601 format");
        assert_eq!(said("2026-02-29T00:00:00.000"), "Unparseable date: \"2026-02-29T00:00:00.000Z\"");
        assert_eq!(said("2026-02-28T00:00:00"), "Unparseable date: \"2026-02-28T00:00:00Z\"");
    }

    #[test]
    fn durations() {
        for (text, ms) in [("PT1H", 3_600_000), ("P1DT2M", 86_520_000), ("pt0.5s", 500), ("-PT1S", -1_000), ("PT-1M", -60_000), ("PT0S", 0)]
        {
            assert_eq!(duration_ms(text), Ok(ms), "{text}");
        }
        for text in ["1h", "P", "PT", "PT1", "P1H", "PT1S2H", "PT1.5M", ""] {
            assert_eq!(duration_ms(text).unwrap_err().text(), "Text cannot be parsed to a Duration", "{text}");
        }
    }
}
