//! `seq [-w] [-s SEPARATOR] [FIRST [STEP]] LAST`

use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Seq {
    /// In units of the last decimal.
    next: i128,
    step: i128,
    last: i128,
    decimals: usize,
    width: usize,
    separator: String,
    begun: bool,
}

pub(super) fn seq(args: &[String]) -> Made {
    let hint = "\nTry 'seq --help' for more information.";
    let (mut width, mut separator, mut numbers) = (false, "\n".to_owned(), Vec::new());
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-w" => width = true,
            "-s" => separator = args.next().cloned().unwrap_or_default(),
            arg => numbers.push(arg.to_owned()),
        }
    }
    let decimals = numbers.iter().map(|arg| arg.split_once('.').map_or(0, |(_, fraction)| fraction.len())).max().unwrap_or(0);
    let parsed: Result<Vec<i128>, &String> = numbers.iter().map(|arg| parse(arg, decimals).ok_or(arg)).collect();
    let parsed = parsed.map_err(|arg| (format!("seq: invalid floating point argument: '{arg}'{hint}"), 1))?;
    let one = 10_i128.pow(decimals.min(9) as u32);
    let (first, step, last) = match parsed[..] {
        [last] => (one, one, last),
        [first, last] => (first, one, last),
        [_, 0, _] => return Err((format!("seq: invalid Zero increment value: '{}'{hint}", numbers[1]), 1)),
        [first, step, last] => (first, step, last),
        [] => return Err((format!("seq: missing operand{hint}"), 1)),
        _ => return Err((format!("seq: extra operand '{}'{hint}", numbers[3]), 1)),
    };
    let width = if width { shown(first, decimals).len().max(shown(last, decimals).len()) } else { 0 };
    made(Seq { next: first, step, last, decimals, width, separator, begun: false }, Vec::new())
}

/// A number in units of the last decimal.
fn parse(text: &str, decimals: usize) -> Option<i128> {
    let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number =
        text.len() < 18 && text.bytes().any(|b| b.is_ascii_digit()) && whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit());
    let value: i128 = format!("{whole}{fraction:0<decimals$}").parse().ok().filter(|_| is_number && decimals <= 9)?;
    Some(if negative { -value } else { value })
}

fn shown(value: i128, decimals: usize) -> String {
    if decimals == 0 {
        return value.to_string();
    }
    let one = 10_u128.pow(decimals as u32);
    let (sign, value) = (if value < 0 { "-" } else { "" }, value.unsigned_abs());
    format!("{sign}{}.{:0decimals$}", value / one, value % one)
}

impl Filter for Seq {
    fn line(&mut self, _line: String, _ended: bool, _print: &mut Printer) -> Option<i32> {
        None
    }

    fn is_done(&self) -> bool {
        if self.step > 0 { self.next > self.last } else { self.next < self.last }
    }

    fn produce(&mut self, print: &mut Printer) -> Option<i32> {
        while print.room > 0 && !self.is_done() {
            if print.broken && print.pieces.len() > 1 {
                return Some(super::BROKEN_PIPE);
            }
            let text = shown(self.next, self.decimals);
            let text = if self.width > text.len() {
                let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
                format!("{sign}{digits:0>0$}", self.width - sign.len())
            } else {
                text
            };
            self.next += self.step;
            if self.separator == "\n" {
                print.line(text);
            } else {
                let before = if self.begun { self.separator.as_str() } else { "" };
                print.push_text(format!("{before}{text}"));
            }
            self.begun = true;
        }
        if !self.is_done() {
            return None;
        }
        if self.separator != "\n" && self.begun {
            print.line("");
        }
        Some(0)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
