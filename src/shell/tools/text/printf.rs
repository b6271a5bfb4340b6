//! `printf`, and the formats that awk shares with it.

use super::echo::Says;
use super::{Made, made};
use crate::shell::escapes::decode;

/// `printf FORMAT [ARG]...`; the format is used again while arguments are left.
pub(super) fn printf(args: &[String]) -> Made {
    if args.is_empty() {
        return Err(("printf: usage: printf [-v var] format [arguments]".into(), 2));
    }
    let (out, err, status) = print_formatted(args);
    made(Says { out, err, status }, Vec::new())
}

/// What `printf` prints, what it says about arguments that do not fit, and its status.
pub(super) fn print_formatted(args: &[String]) -> (String, Option<String>, i32) {
    let Some((format, args)) = args.split_first() else { return (String::new(), None, 2) };
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
    (text, (!wrong.is_empty()).then(|| wrong.join("\n")), status)
}

/// `printf` prints at most this much.
pub(super) const MOST_BYTES: usize = 1 << 20;

/// Puts one round of a format into `text`; whether `\c` ended it.
pub(super) fn formatted(format: &str, next: &mut dyn FnMut() -> Option<String>, text: &mut String, wrong: &mut Vec<String>) -> bool {
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
pub(super) const MOST_WIDTH: usize = 4_096;

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
pub(super) fn exponent(value: f64, precision: usize) -> String {
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

pub(super) fn quoted(text: &str) -> String {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_./:=@%+,".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', "'\\''")) }
}
