//! Tools that print without reading: `echo`, `printf`, `date`, `basename`, `dirname`, and what went wrong with arguments.

use super::{Filter, Made, made};
use crate::shell::escapes::decode;
use crate::shell::pipe::Printer;

/// A tool that knows what it prints.
#[derive(Clone, Debug)]
pub(super) struct Says {
    out: String,
    err: Option<String>,
    status: i32,
}

impl Says {
    pub(super) fn status(status: i32) -> Says {
        Says { out: String::new(), err: None, status }
    }

    pub(super) fn text(out: String) -> Says {
        Says { out, err: None, status: 0 }
    }

    pub(super) fn failed(said: String, status: i32) -> Says {
        Says { out: String::new(), err: Some(said), status }
    }
}

impl Filter for Says {
    fn line(&mut self, _line: String, _ended: bool, _print: &mut Printer) -> Option<i32> {
        Some(self.status)
    }

    fn is_done(&self) -> bool {
        true
    }

    fn produce(&mut self, print: &mut Printer) -> Option<i32> {
        let out = std::mem::take(&mut self.out);
        match out.strip_suffix('\n') {
            Some(line) => print.line(line),
            None if out.is_empty() => {}
            None => print.text(out),
        }
        self.err.take().into_iter().for_each(|said| print.error(said));
        if print.broken && !print.pieces.is_empty() {
            return Some(super::BROKEN_PIPE);
        }
        Some(self.status)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// `echo [-neE] WORD...`
pub(super) fn echo(args: &[String]) -> Made {
    let is_flags = |arg: &&String| arg.len() > 1 && arg.starts_with('-') && arg[1..].chars().all(|c| "neE".contains(c));
    let flags: Vec<&String> = args.iter().take_while(is_flags).collect();
    let has = |flag: char| flags.iter().any(|arg| arg.contains(flag));
    let mut text = args[flags.len()..].join(" ");
    let mut stop = has('n');
    if has('e') {
        let decoded = decode(&text);
        stop |= decoded.stop;
        text = decoded.text;
    }
    if !stop {
        text.push('\n');
    }
    made(Says::text(text), Vec::new())
}

/// `printf FORMAT [ARG]...`; the format is used again while arguments are left.
pub(super) fn printf(args: &[String]) -> Made {
    let Some((format, args)) = args.split_first() else {
        return Err(("printf: usage: printf [-v var] format [arguments]".into(), 2));
    };
    let (mut left, mut text, mut wrong) = (args, String::new(), Vec::new());
    loop {
        let before = left.len();
        let mut next = || {
            let (first, rest) = left.split_first()?;
            left = rest;
            Some(first.clone())
        };
        let stop = formatted(format, &mut next, &mut text, &mut wrong);
        if stop || left.is_empty() || left.len() == before || text.len() > MOST_BYTES {
            break;
        }
    }
    let status = i32::from(!wrong.is_empty());
    made(Says { out: text, err: (!wrong.is_empty()).then(|| wrong.join("\n")), status }, Vec::new())
}

/// `printf` prints at most this much.
const MOST_BYTES: usize = 1 << 20;

/// Puts one round of a format into `text`; whether `\c` ended it.
fn formatted(format: &str, next: &mut dyn FnMut() -> Option<String>, text: &mut String, wrong: &mut Vec<String>) -> bool {
    let mut rest = format;
    while let Some(at) = rest.find('%') {
        let decoded = decode(&rest[..at]);
        *text += &decoded.text;
        if decoded.stop {
            return true;
        }
        rest = &rest[at + 1..];
        let mut spec = Spec::default();
        rest = spec.read(rest, next);
        let Some(letter) = rest.chars().next() else {
            text.push('%');
            return false;
        };
        rest = &rest[letter.len_utf8()..];
        let piece = match letter {
            '%' => "%".to_owned(),
            's' => next().unwrap_or_default(),
            'b' => {
                let decoded = decode(&next().unwrap_or_default());
                if decoded.stop {
                    *text += &decoded.text;
                    return true;
                }
                decoded.text
            }
            'q' => quoted(&next().unwrap_or_default()),
            'c' => next().unwrap_or_default().chars().take(1).collect(),
            letter => {
                let arg = next().unwrap_or_default();
                match spec.number(letter, &arg) {
                    Some((piece, fits)) => {
                        if !fits {
                            wrong.push(format!("bash: printf: {arg}: invalid number"));
                        }
                        piece
                    }
                    None => {
                        wrong.push(format!("bash: printf: `{letter}': invalid format character"));
                        return true;
                    }
                }
            }
        };
        let cut = if "sb".contains(letter) { spec.precision } else { None };
        let piece: String = if let Some(most) = cut { piece.chars().take(most).collect() } else { piece };
        *text += &spec.pad(&piece, letter);
    }
    let decoded = decode(rest);
    *text += &decoded.text;
    decoded.stop
}

/// What stands between `%` and its letter.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Spec {
    left: bool,
    zeros: bool,
    plus: bool,
    space: bool,
    other: bool,
    width: usize,
    pub(super) precision: Option<usize>,
}

/// A field is at most so wide.
const MOST_WIDTH: usize = 4_096;

impl Spec {
    /// Reads flags, width and precision; what is left of the format.
    pub(super) fn read<'a>(&mut self, format: &'a str, next: &mut dyn FnMut() -> Option<String>) -> &'a str {
        let mut rest = format;
        while let Some(flag) = rest.chars().next().filter(|c| "-0+ #".contains(*c)) {
            match flag {
                '-' => self.left = true,
                '0' => self.zeros = true,
                '+' => self.plus = true,
                ' ' => self.space = true,
                _ => self.other = true,
            }
            rest = &rest[1..];
        }
        let mut number = |rest: &mut &'a str| {
            if let Some(after) = rest.strip_prefix('*') {
                *rest = after;
                return next().and_then(|arg| arg.parse().ok()).unwrap_or(0);
            }
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let value: usize = rest[..digits].parse().unwrap_or(0);
            *rest = &rest[digits..];
            value
        };
        self.width = number(&mut rest).min(MOST_WIDTH);
        if let Some(after) = rest.strip_prefix('.') {
            rest = after;
            self.precision = Some(number(&mut rest).min(MOST_WIDTH));
        }
        rest.trim_start_matches(['l', 'h', 'z'])
    }

    /// A number as this letter shows it, and whether the argument was one; `None`: no such letter.
    pub(super) fn number(&self, letter: char, arg: &str) -> Option<(String, bool)> {
        let text = arg.trim();
        if let Some(c) = text.strip_prefix(['"', '\'']) {
            let code = c.chars().next().map_or(0, u32::from);
            return self.number(letter, &code.to_string());
        }
        let whole = text.strip_prefix("0x").map_or_else(|| text.parse::<i64>().ok(), |hex| i64::from_str_radix(hex, 16).ok());
        Some(match letter {
            'd' | 'i' => {
                let value = whole.unwrap_or_else(|| number(text) as i64);
                (self.signed(value >= 0, value.to_string()), whole.is_some() || text.is_empty())
            }
            'u' => (whole.unwrap_or(0).to_string(), whole.is_some() || text.is_empty()),
            'x' => (format!("{:x}", whole.unwrap_or(0)), whole.is_some() || text.is_empty()),
            'X' => (format!("{:X}", whole.unwrap_or(0)), whole.is_some() || text.is_empty()),
            'o' => (format!("{:o}", whole.unwrap_or(0)), whole.is_some() || text.is_empty()),
            'f' | 'F' | 'e' | 'E' | 'g' | 'G' => {
                let value = number(text);
                (self.signed(value >= 0.0, self.float(letter, value)), text.parse::<f64>().is_ok() || text.is_empty())
            }
            _ => return None,
        })
    }

    pub(super) fn float(&self, letter: char, value: f64) -> String {
        if !value.is_finite() {
            return if value.is_nan() {
                "nan".into()
            } else if value > 0.0 {
                "inf".into()
            } else {
                "-inf".into()
            };
        }
        let precision = self.precision.unwrap_or(6);
        match letter {
            'f' | 'F' => format!("{value:.precision$}"),
            'e' | 'E' => exponent(value, precision),
            _ => general(value, precision.max(1)),
        }
    }

    fn signed(&self, positive: bool, text: String) -> String {
        match (positive, self.plus, self.space) {
            (true, true, _) => format!("+{text}"),
            (true, _, true) => format!(" {text}"),
            _ => text,
        }
    }

    /// The piece in its width.
    pub(super) fn pad(&self, piece: &str, letter: char) -> String {
        let missing = self.width.saturating_sub(piece.chars().count());
        if self.left {
            return format!("{piece}{}", " ".repeat(missing));
        }
        if self.zeros && "diuxXofFeEgG".contains(letter) {
            let sign = piece.len() - piece.trim_start_matches(['-', '+', ' ']).len();
            return format!("{}{}{}", &piece[..sign], "0".repeat(missing), &piece[sign..]);
        }
        format!("{}{piece}", " ".repeat(missing))
    }
}

/// `%e`
fn exponent(value: f64, precision: usize) -> String {
    let text = format!("{value:.precision$e}");
    let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
    format!("{mantissa}e{sign}{digits:0>2}")
}

/// `%g`
pub(super) fn general(value: f64, precision: usize) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let text = format!("{value:.*e}", precision - 1);
    let power: i64 = text.split_once('e').and_then(|(_, power)| power.parse().ok()).unwrap_or(0);
    let trimmed = |text: String| if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    if power < -4 || power >= precision as i64 {
        let text = exponent(value, precision - 1);
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "+00"));
        return format!("{}e{power}", trimmed(mantissa.to_owned()));
    }
    let decimals = usize::try_from(precision as i64 - 1 - power).unwrap_or(0);
    trimmed(format!("{value:.decimals$}"))
}

/// The number that a text begins with.
pub(super) fn number(text: &str) -> f64 {
    let text = text.trim_start();
    let bytes = text.as_bytes();
    let mut end = usize::from(text.starts_with(['-', '+']));
    while bytes.get(end).is_some_and(u8::is_ascii_digit) {
        end += 1;
    }
    if bytes.get(end) == Some(&b'.') {
        end += 1;
        while bytes.get(end).is_some_and(u8::is_ascii_digit) {
            end += 1;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'-' | b'+')));
        let mut power = end + 1 + sign;
        if bytes.get(power).is_some_and(u8::is_ascii_digit) {
            while bytes.get(power).is_some_and(u8::is_ascii_digit) {
                power += 1;
            }
            end = power;
        }
    }
    text[..end].trim_start_matches('+').parse().unwrap_or(0.0)
}

fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:=@%+,".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

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
fn instant(text: &str, now_ms: i64) -> Option<i64> {
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

fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = (shifted + 2) % 12 + 1;
    (era * 400 + year_of_era + i64::from(month <= 2), month, of_year - (153 * shifted + 2) / 5 + 1)
}

/// `basename PATH [SUFFIX]`, `dirname PATH`
pub(super) fn path(name: &str, args: &[String]) -> Made {
    let Some(path) = args.first() else {
        return Err((format!("{name}: missing operand\nTry '{name} --help' for more information."), 1));
    };
    let trimmed = path.trim_end_matches('/');
    let trimmed = if trimmed.is_empty() && !path.is_empty() { "/" } else { trimmed };
    let text = match (name, trimmed.rsplit_once('/')) {
        ("basename", _) if trimmed == "/" => "/",
        ("basename", Some((_, last))) => last,
        ("basename", None) => trimmed,
        (_, Some(("", _))) => "/",
        (_, Some((folder, _))) => folder.trim_end_matches('/'),
        (_, None) => ".",
    };
    let suffix = args.get(1).filter(|suffix| name == "basename" && suffix.as_str() != text);
    let text = suffix.and_then(|suffix| text.strip_suffix(suffix.as_str())).unwrap_or(text);
    made(Says::text(format!("{text}\n")), Vec::new())
}
