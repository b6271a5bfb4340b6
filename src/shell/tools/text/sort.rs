//! `sort [-bcdfghnruV] [-t SEPARATOR] [-k FIELD[.CHAR][LETTERS][,FIELD[LETTERS]]]... [FILE]...`, by bytes (the C locale).

use std::cmp::Ordering;

use super::args::Args;
use super::printf::number;
use super::{Filter, KEPT_LINES, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Sort {
    keys: Vec<Key>,
    reverse: bool,
    unique: bool,
    check: bool,
    separator: Option<char>,
    lines: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Key {
    /// Fields from 1; characters of it from 1, or 0.
    from: (usize, usize),
    /// Up to this field, with it.
    to: Option<(usize, usize)>,
    how: How,
    reverse: bool,
    blanks: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum How {
    #[default]
    Bytes,
    Number,
    /// `2K`, `1.5G`
    Human,
    Folded,
    /// `kafka-10` behind `kafka-9`
    Version,
}

pub(super) fn sort(args: &[String]) -> Made {
    let args = Args::parse("sort", args, "nrubcdfghVs", "tk")?;
    let how = |has: &dyn Fn(char) -> bool| {
        if has('n') || has('g') {
            How::Number
        } else if has('h') {
            How::Human
        } else if has('V') {
            How::Version
        } else if has('f') {
            How::Folded
        } else {
            How::Bytes
        }
    };
    let all = how(&|letter| args.flag(letter));
    let mut keys = Vec::new();
    for text in args.values('k') {
        let wrong = || (format!("sort: invalid number at field start: invalid count at start of '{text}'"), 2);
        let (from, to) = text.split_once(',').map_or((text, None), |(from, to)| (from, Some(to)));
        let letters: String = text.chars().filter(char::is_ascii_alphabetic).collect();
        let own = how(&|letter| letters.contains(letter));
        keys.push(Key {
            from: place(from).filter(|(field, _)| *field > 0).ok_or_else(wrong)?,
            to: to.map(|to| place(to).ok_or_else(wrong)).transpose()?,
            how: if letters.is_empty() { all } else { own },
            reverse: if letters.is_empty() { args.flag('r') } else { letters.contains('r') },
            blanks: args.flag('b') || letters.contains('b'),
        });
    }
    if keys.is_empty() {
        keys.push(Key { from: (1, 0), to: None, how: all, reverse: args.flag('r'), blanks: args.flag('b') });
    }
    let separator = args.value('t').map(|t| if t == "\\t" { '\t' } else { t.chars().next().unwrap_or('\t') });
    made(Sort { keys, reverse: args.flag('r'), unique: args.flag('u'), check: args.flag('c'), separator, lines: Vec::new() }, args.operands)
}

/// `2`, `2.3`, with letters behind.
fn place(text: &str) -> Option<(usize, usize)> {
    let text = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    match text.split_once('.') {
        Some((field, char)) => Some((field.parse().ok()?, char.parse().ok()?)),
        None => Some((text.parse().ok()?, 0)),
    }
}

impl Sort {
    fn compare(&self, a: &str, b: &str) -> Ordering {
        for key in &self.keys {
            let (x, y) = (self.part(a, key), self.part(b, key));
            let order = match key.how {
                How::Bytes => x.cmp(y),
                How::Number => number(x).total_cmp(&number(y)),
                How::Human => human(x).total_cmp(&human(y)),
                How::Folded => x.to_uppercase().cmp(&y.to_uppercase()),
                How::Version => version(x, y),
            };
            if order != Ordering::Equal {
                return if key.reverse { order.reverse() } else { order };
            }
        }
        Ordering::Equal
    }

    /// What of a line a key compares. Without a separator a field begins with the blanks before it.
    fn part<'a>(&self, line: &'a str, key: &Key) -> &'a str {
        let start = self.field(line, key.from.0 - 1);
        let mut start_at = start;
        if key.blanks {
            start_at += line[start..].len() - line[start..].trim_start().len();
        }
        if key.from.1 > 1 {
            start_at += line[start_at..].char_indices().nth(key.from.1 - 1).map_or(line.len() - start_at, |(at, _)| at);
        }
        let end = match key.to {
            None => line.len(),
            Some((field, 0)) => {
                let end = self.field(line, field);
                // The separator behind a field is no part of it.
                let is_inner = self.separator.is_some() && end > 0 && self.has_field(line, field);
                if is_inner { end - self.separator.map_or(0, char::len_utf8) } else { end }
            }
            Some((field, chars)) => {
                let from = self.field(line, field.saturating_sub(1));
                from + line[from..].char_indices().nth(chars).map_or(line.len() - from, |(at, _)| at)
            }
        };
        line.get(start_at..end.max(start_at)).unwrap_or("")
    }

    /// Where a field begins, from 0; the line's end if there are fewer.
    fn field(&self, line: &str, n: usize) -> usize {
        let mut at = 0;
        for _ in 0..n {
            let rest = &line[at..];
            at += match self.separator {
                Some(separator) => rest.find(separator).map_or(rest.len(), |end| end + separator.len_utf8()),
                None => {
                    let word = rest.len() - rest.trim_start().len();
                    rest[word..].find(char::is_whitespace).map_or(rest.len(), |end| word + end)
                }
            };
        }
        at
    }

    fn has_field(&self, line: &str, n: usize) -> bool {
        self.separator.is_some_and(|separator| line.matches(separator).count() >= n)
    }
}

/// A number with a unit behind.
fn human(text: &str) -> f64 {
    let digits = text.trim_start().trim_start_matches(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    let power = digits.chars().next().and_then(|unit| "KMGTPE".find(unit.to_ascii_uppercase())).map_or(0, |n| n + 1);
    number(text) * [1.0, 1024.0, 1_048_576.0, 1_073_741_824.0, 1.099e12, 1.125e15, 1.152e18][power]
}

/// Runs of digits count as numbers.
fn version(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    loop {
        let digits = |text: &str| text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (x, y) = (digits(a), digits(b));
        if x > 0 && y > 0 {
            let (left, right) = (a[..x].trim_start_matches('0'), b[..y].trim_start_matches('0'));
            let order = left.len().cmp(&right.len()).then_with(|| left.cmp(right));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (&a[x..], &b[y..]);
            continue;
        }
        match (a.chars().next(), b.chars().next()) {
            (Some(x), Some(y)) if x == y => (a, b) = (&a[x.len_utf8()..], &b[y.len_utf8()..]),
            (x, y) => return x.cmp(&y),
        }
    }
}

impl Filter for Sort {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        if self.lines.len() == KEPT_LINES {
            print.error(format!("sort: more than {KEPT_LINES} lines"));
            return Some(2);
        }
        if let Some(last) = self.lines.last().filter(|_| self.check)
            && self.compare(last, &line) == Ordering::Greater
        {
            print.error(format!("sort: -:{}: disorder: {line}", self.lines.len() + 1));
            return Some(1);
        }
        self.lines.push(line);
        None
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        let mut lines = std::mem::take(&mut self.lines);
        if self.check {
            return 0;
        }
        let last_resort = |a: &String, b: &String| {
            let order = if self.unique { Ordering::Equal } else { a.cmp(b) };
            if self.reverse { order.reverse() } else { order }
        };
        lines.sort_by(|a, b| self.compare(a, b).then_with(|| last_resort(a, b)));
        if self.unique {
            lines.dedup_by(|a, b| self.compare(a, b) == Ordering::Equal);
        }
        lines.into_iter().for_each(|line| print.line(line));
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
