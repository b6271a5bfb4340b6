//! `grep [-vicoqnEFw] [-e PATTERN] [PATTERN] [FILE]...`

use regex_lite::Regex;

use super::args::Args;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Grep {
    pattern: Regex,
    invert: bool,
    count: bool,
    only: bool,
    quiet: bool,
    number: bool,
    lines: u64,
    hits: u64,
}

pub(super) fn grep(args: &[String], operands: &mut Vec<String>) -> Result<Grep, (String, i32)> {
    let args = Args::parse("grep", args, "vicoqnEFwa", "e")?;
    *operands = args.operands.clone();
    let mut patterns: Vec<String> = args.values('e').map(str::to_owned).collect();
    if patterns.is_empty() {
        if operands.is_empty() {
            return Err(("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.".into(), 2));
        }
        patterns.push(operands.remove(0));
    }
    let alternatives = patterns.iter().map(|pattern| {
        let pattern = match (args.flag('F'), args.flag('E')) {
            (true, _) => regex_lite::escape(pattern),
            (false, true) => pattern.clone(),
            (false, false) => extended(pattern),
        };
        if args.flag('w') { format!(r"\b(?:{pattern})\b") } else { format!("(?:{pattern})") }
    });
    let joined = alternatives.collect::<Vec<_>>().join("|");
    let pattern = regex_lite::RegexBuilder::new(&joined).case_insensitive(args.flag('i')).build();
    let pattern = pattern.map_err(|error| (format!("grep: {error}"), 2))?;
    Ok(Grep {
        pattern,
        invert: args.flag('v'),
        count: args.flag('c'),
        only: args.flag('o'),
        quiet: args.flag('q'),
        number: args.flag('n'),
        lines: 0,
        hits: 0,
    })
}

impl Grep {
    pub(super) fn line(&mut self, line: &str, print: &mut Printer) -> Option<i32> {
        self.lines += 1;
        if self.pattern.is_match(line) == self.invert {
            return None;
        }
        self.hits += 1;
        let before = if self.number { format!("{}:", self.lines) } else { String::new() };
        match (self.quiet, self.count, self.only) {
            (true, _, _) => return Some(0),
            (_, true, _) => {}
            (_, _, true) if self.invert => {}
            (_, _, true) => self
                .pattern
                .find_iter(line)
                .filter(|found| !found.is_empty())
                .for_each(|found| print.line(format!("{before}{}", found.as_str()))),
            _ => print.line(before + line),
        }
        None
    }

    pub(super) fn end(&self, print: &mut Printer) -> i32 {
        if self.count && !self.quiet {
            print.line(self.hits.to_string());
        }
        i32::from(self.hits == 0)
    }
}

/// A basic regular expression as an extended one: `\(`, `\|`, `\{`, `\+`, `\?` mean what the bare letters mean there, and the other way round.
fn extended(basic: &str) -> String {
    let mut chars = basic.chars();
    let (mut extended, mut class) = (String::new(), false);
    while let Some(c) = chars.next() {
        match c {
            '[' => {
                class = true;
                extended.push(c);
            }
            ']' => {
                class = false;
                extended.push(c);
            }
            '\\' if !class => match chars.next() {
                Some(c) if "(){}|+?".contains(c) => extended.push(c),
                Some(c) => extended.extend(['\\', c]),
                None => extended.push_str("\\\\"),
            },
            c if !class && "(){}|+?".contains(c) => extended.extend(['\\', c]),
            c => extended.push(c),
        }
    }
    extended
}
