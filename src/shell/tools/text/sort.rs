//! `sort [-nru] [-t SEPARATOR] [-k FIELD] [FILE]...`, by bytes (the C locale).

use std::cmp::Ordering;

use super::KEPT_LINES;
use super::args::Args;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Sort {
    numeric: bool,
    reverse: bool,
    unique: bool,
    separator: Option<char>,
    /// The field from which on lines are compared, from 1.
    key: usize,
    lines: Vec<String>,
}

pub(super) fn sort(args: &[String], operands: &mut Vec<String>) -> Result<Sort, (String, i32)> {
    let args = Args::parse("sort", args, "nru", "tk")?;
    let key = args.value('k').unwrap_or("1");
    let digits: String = key.chars().take_while(char::is_ascii_digit).collect();
    let letters = key.trim_start_matches(|c: char| c.is_ascii_digit() || c == ',');
    let key = digits
        .parse()
        .ok()
        .filter(|n| *n > 0)
        .ok_or_else(|| (format!("sort: invalid number at field start: invalid count at start of '{key}'"), 2))?;
    *operands = args.operands.clone();
    Ok(Sort {
        numeric: args.flag('n') || letters.contains('n'),
        reverse: args.flag('r') || letters.contains('r'),
        unique: args.flag('u'),
        separator: args.value('t').and_then(|t| t.chars().next()),
        key,
        lines: Vec::new(),
    })
}

impl Sort {
    pub(super) fn line(&mut self, line: String, print: &mut Printer) -> Option<i32> {
        if self.lines.len() == KEPT_LINES {
            print.error(format!("sort: more than {KEPT_LINES} lines"));
            return Some(2);
        }
        self.lines.push(line);
        None
    }

    pub(super) fn end(&mut self, print: &mut Printer) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.sort_by(|a, b| {
            let order = self.compare(a, b).then_with(|| if self.unique { Ordering::Equal } else { a.cmp(b) });
            if self.reverse { order.reverse() } else { order }
        });
        if self.unique {
            lines.dedup_by(|a, b| self.compare(a, b) == Ordering::Equal);
        }
        lines.into_iter().for_each(|line| print.line(line));
    }

    fn compare(&self, a: &str, b: &str) -> Ordering {
        let (a, b) = (self.key_of(a), self.key_of(b));
        if self.numeric { number(a).cmp(&number(b)) } else { a.cmp(b) }
    }

    /// The line from its key field on. Without a separator a field begins with the blanks before it.
    fn key_of<'a>(&self, line: &'a str) -> &'a str {
        let mut rest = line;
        for _ in 1..self.key {
            let end = match self.separator {
                Some(separator) => rest.find(separator).map(|at| at + separator.len_utf8()),
                None => {
                    let word = rest.len() - rest.trim_start().len();
                    rest[word..].find(char::is_whitespace).map(|at| word + at)
                }
            };
            rest = end.map_or("", |end| &rest[end..]);
        }
        rest
    }
}

/// A leading whole number; text without one counts as 0.
fn number(text: &str) -> i128 {
    let text = text.trim_start();
    let digits = text.len() - text.trim_start_matches('-').trim_start_matches(|c: char| c.is_ascii_digit()).len();
    text[..digits].parse().unwrap_or(0)
}
