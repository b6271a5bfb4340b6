//! `cut -f LIST [-d SEPARATOR]`, `cut -c LIST`

use super::args::Args;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Cut {
    /// First and last of each range, from 1.
    ranges: Vec<(usize, usize)>,
    /// `None`: characters, not fields.
    separator: Option<String>,
    only_delimited: bool,
}

pub(super) fn cut(args: &[String], operands: &mut Vec<String>) -> Result<Cut, (String, i32)> {
    let args = Args::parse("cut", args, "s", "fdcb")?;
    let hint = "\nTry 'cut --help' for more information.";
    *operands = args.operands.clone();
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
    Ok(Cut { ranges, separator: fields.then(|| separator.to_owned()), only_delimited: args.flag('s') })
}

impl Cut {
    pub(super) fn line(&self, line: &str, print: &mut Printer) {
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
    }
}

/// `3`, `2-4`, `2-`, `-4`
fn range(text: &str) -> Option<(usize, usize)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let first = if first.is_empty() { 1 } else { first.parse().ok()? };
    let last = if last.is_empty() { usize::MAX } else { last.parse().ok()? };
    (first >= 1 && first <= last && text != "-").then_some((first, last))
}
