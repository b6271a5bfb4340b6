//! `cut -f LIST [-d SEPARATOR]`, `cut -c LIST`

use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Cut {
    /// First and last of each range, from 1.
    ranges: Vec<(usize, usize)>,
    /// `None`: characters, not fields.
    separator: Option<String>,
    only_delimited: bool,
}

pub(super) fn cut(args: &[String]) -> Made {
    let args = Args::parse("cut", args, "s", "fdcb")?;
    let hint = "\nTry 'cut --help' for more information.";
    let (list, fields) = match (args.value('f'), args.value('c').or(args.value('b'))) {
        (Some(list), None) => (list, true),
        (None, Some(list)) => (list, false),
        (None, None) => return Err((format!("cut: you must specify a list of bytes, characters, or fields{hint}"), 1)),
        (Some(_), Some(_)) => return Err((format!("cut: only one type of list may be specified{hint}"), 1)),
    };
    let ranges: Option<Vec<(usize, usize)>> = list.split(',').map(range).collect();
    let ranges = ranges.ok_or_else(|| (format!("cut: invalid field value '{list}'{hint}"), 1))?;
    let separator = args.value('d').unwrap_or("\t");
    if fields && separator.chars().count() != 1 {
        return Err((format!("cut: the delimiter must be a single character{hint}"), 1));
    }
    let separator = fields.then(|| separator.to_owned());
    let only_delimited = args.flag('s');
    made(Cut { ranges, separator, only_delimited }, args.operands)
}

impl Filter for Cut {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        let chosen = |n: usize| self.ranges.iter().any(|(first, last)| (*first..=*last).contains(&n));
        match &self.separator {
            None => print.line(line.chars().enumerate().filter(|(n, _)| chosen(n + 1)).map(|(_, c)| c).collect::<String>()),
            Some(separator) if !line.contains(separator.as_str()) => {
                if !self.only_delimited {
                    print.line(line);
                }
            }
            Some(separator) => {
                let fields = line.split(separator.as_str()).enumerate().filter(|(n, _)| chosen(n + 1)).map(|(_, field)| field);
                print.line(fields.collect::<Vec<_>>().join(separator));
            }
        }
        None
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// `3`, `2-4`, `2-`, `-4`
fn range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first = if first.is_empty() { 1 } else { first.parse().ok()? };
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    (first >= 1 && first <= last && text != "-").then_some((first, last))
}
