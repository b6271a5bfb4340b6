//! `date`, and the calendar.

use super::echo::Says;
use super::{Made, made};

/// `date [-u] [-d @SECONDS] [+FORMAT]`; virtual time, in UTC.
pub(super) fn date(args: &[String], wall_ms: i64) -> Made {
    let (mut ms, mut format) = (wall_ms, "%a %b %e %H:%M:%S UTC %Y".to_owned());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        if let Some(given) = arg.strip_prefix('+') {
            format = given.to_owned();
            continue;
        }
        let given = match arg.as_str() {
            "-u" | "--utc" => continue,
            "-d" | "--date" => args.next().cloned().unwrap_or_default(),
            "-Iseconds" | "--iso-8601=seconds" => {
                format = "%Y-%m-%dT%H:%M:%S+00:00".into();
                continue;
            }
            arg => match arg.strip_prefix("--date=").or_else(|| arg.strip_prefix("-d")) {
                Some(given) => given.to_owned(),
                None => return Err((format!("date: invalid option or operand '{arg}'\nTry 'date --help' for more information."), 1)),
            },
        };
        let Some(at) = instant(&given, wall_ms) else { return Err((format!("date: invalid date '{given}'"), 1)) };
        ms = at;
    }
    made(Says::text(strftime(&format, ms) + "\n"), Vec::new())
}

/// `@1700000000`, `now`, `5 minutes ago`, `+2 hours`, `2026-01-01 10:00:00`.
pub(super) fn instant(text: &str, now_ms: i64) -> Option<i64> {
    let text = text.trim();
    if let Some(seconds) = text.strip_prefix('@') {
        let seconds: f64 = seconds.parse().ok()?;
        return (seconds.abs() < 1e11).then(|| libm::round(seconds * 1_000.0) as i64);
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words[..] {
        ["now"] => Some(now_ms),
        [number, unit, ref rest @ ..] if rest.is_empty() || rest == ["ago"] => {
            let number: i64 = number.trim_start_matches('+').parse().ok()?;
            let unit = match unit.trim_end_matches('s') {
                "second" | "sec" => 1_000,
                "minute" | "min" => 60_000,
                "hour" => 3_600_000,
                "day" => 86_400_000,
                _ => return None,
            };
            let span = number.checked_mul(unit)?;
            now_ms.checked_add(if rest.is_empty() { span } else { -span })
        }
        _ => {
            let text = text.trim_end_matches('Z').replace('T', " ");
            let (day, time) = text.split_once(' ').unwrap_or((&text, "00:00:00"));
            let mut day = day.splitn(3, '-').map(|part| part.parse::<i64>().ok());
            let (year, month, day) = (day.next()??, day.next()??, day.next()??);
            let mut time = time.splitn(3, ':').map(|part| part.parse::<f64>().ok());
            let (hour, minute, second) = (time.next()??, time.next()??, time.next().flatten().unwrap_or(0.0));
            let days = days_from_civil(year.clamp(0, 9_999), month.clamp(1, 12), day.clamp(1, 31));
            Some(days * 86_400_000 + libm::round((hour * 3_600.0 + minute * 60.0 + second) * 1_000.0) as i64)
        }
    }
}

/// An instant as `strftime` writes it, in UTC.
pub(super) fn strftime(format: &str, ms: i64) -> String {
    const MONTHS: [&str; 12] =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    const DAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];
    let (days, of_day) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let (year, month, day) = civil_from_days(days);
    let (hour, minute, second, millis) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1_000 % 60, of_day % 1_000);
    let month_name = MONTHS[(month - 1) as usize % 12];
    let day_name = DAYS[days.rem_euclid(7) as usize];
    let mut text = String::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        let plain = chars.next_if_eq(&'-').is_some();
        let digits = chars.next_if(char::is_ascii_digit).and_then(|c| c.to_digit(10));
        let two = |n: i64| if plain { n.to_string() } else { format!("{n:02}") };
        let Some(letter) = chars.next() else {
            text.push('%');
            break;
        };
        text += &match letter {
            'Y' => year.to_string(),
            'm' => two(month),
            'd' => two(day),
            'e' => format!("{day:>2}"),
            'H' => two(hour),
            'I' => two((hour + 11) % 12 + 1),
            'M' => two(minute),
            'S' => two(second),
            'N' => {
                let nanos = format!("{:09}", millis * 1_000_000);
                nanos[..digits.unwrap_or(9).min(9) as usize].to_owned()
            }
            's' => ms.div_euclid(1_000).to_string(),
            'y' => two(year % 100),
            'j' => format!("{:03}", days - days_from_civil(year, 1, 1) + 1),
            'F' => format!("{year}-{month:02}-{day:02}"),
            'T' => format!("{hour:02}:{minute:02}:{second:02}"),
            'R' => format!("{hour:02}:{minute:02}"),
            'D' => format!("{month:02}/{day:02}/{:02}", year % 100),
            'p' => if hour < 12 { "AM" } else { "PM" }.to_owned(),
            'a' => day_name[..3].to_owned(),
            'A' => day_name.to_owned(),
            'b' | 'h' => month_name[..3].to_owned(),
            'B' => month_name.to_owned(),
            'u' => ((days + 3).rem_euclid(7) + 1).to_string(),
            'w' => (days + 4).rem_euclid(7).to_string(),
            'Z' => "UTC".to_owned(),
            'z' => "+0000".to_owned(),
            'n' => "\n".to_owned(),
            't' => "\t".to_owned(),
            '%' => "%".to_owned(),
            other => format!("%{other}"),
        };
    }
    text
}

/// Howard Hinnant's algorithms for the proleptic Gregorian calendar.
pub(super) fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

pub(super) fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}
