//! `grep [-vicoqnEFwxhHlLs] [-m N] [-A N] [-B N] [-C N] [-e PATTERN] [PATTERN] [FILE]...`

use std::collections::VecDeque;

use regex_lite::Regex;

use super::args::Args;
use super::regex::{basic_to_extended, compile};
use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Grep {
    pattern: Regex,
    invert: bool,
    count: bool,
    only: bool,
    quiet: bool,
    number: bool,
    /// Names of files alone: with hits, or without.
    names_only: Option<bool>,
    named: bool,
    most: u64,
    after: usize,
    before: usize,
    name: Option<String>,
    lines: u64,
    hits: u64,
    all_hits: u64,
    /// Lines that a hit may yet want, with their numbers.
    kept: VecDeque<(u64, String)>,
    /// How many lines after a hit are still due.
    due: usize,
    /// The last line printed, for `--`.
    last: Option<u64>,
}

pub(super) fn grep(name: &str, args: &[String]) -> Made {
    let mut args = Args::parse("grep", args, "vicoqnEFGPwxahHlLsz", "emABC")?;
    let mut patterns: Vec<String> = args.values('e').map(str::to_owned).collect();
    if patterns.is_empty() {
        if args.operands.is_empty() {
            return Err(("Usage: grep [OPTION]... PATTERNS [FILE]...\nTry 'grep --help' for more information.".into(), 2));
        }
        patterns.push(args.operands.remove(0));
    }
    let (fixed, extended) = (args.flag('F') || name == "fgrep", args.flag('E') || args.flag('P') || name == "egrep");
    let alternatives = patterns.iter().flat_map(|pattern| pattern.split('\n')).map(|pattern| {
        let pattern = match (fixed, extended) {
            (true, _) => regex_lite::escape(pattern),
            (false, true) => pattern.to_owned(),
            (false, false) => basic_to_extended(pattern),
        };
        match (args.flag('x'), args.flag('w')) {
            (true, _) => format!("^({pattern})$"),
            (_, true) => format!(r"\b({pattern})\b"),
            _ if patterns.len() == 1 => pattern,
            _ => format!("({pattern})"),
        }
    });
    let joined = alternatives.collect::<Vec<_>>().join("|");
    let pattern = compile(&joined, true, args.flag('i')).map_err(|error| (format!("grep: {error}"), 2))?;
    let number = |letter: char| {
        let Some(text) = args.value(letter) else { return Ok(None) };
        let what = if letter == 'm' { "max count" } else { "context length argument" };
        text.parse::<usize>().map(|n| Some(n.min(MOST_CONTEXT))).map_err(|_| (format!("grep: {text}: invalid {what}"), 2))
    };
    let around = number('C')?.unwrap_or(0);
    let named = (args.operands.len() > 1 && !args.flag('h')) || args.flag('H');
    made(
        Grep {
            pattern,
            invert: args.flag('v'),
            count: args.flag('c'),
            only: args.flag('o'),
            quiet: args.flag('q'),
            number: args.flag('n'),
            names_only: if args.flag('l') { Some(true) } else { args.flag('L').then_some(false) },
            named,
            most: args.value('m').and_then(|most| most.parse().ok()).unwrap_or(u64::MAX),
            after: number('A')?.unwrap_or(around),
            before: number('B')?.unwrap_or(around),
            name: None,
            lines: 0,
            hits: 0,
            all_hits: 0,
            kept: VecDeque::new(),
            due: 0,
            last: None,
        },
        args.operands,
    )
}

/// So many lines around a hit at most.
const MOST_CONTEXT: usize = 10_000;

impl Grep {
    fn print(&mut self, number: u64, line: &str, hit: bool, print: &mut Printer) {
        let mark = if hit { ':' } else { '-' };
        let mut before = String::new();
        if self.named {
            before += &self.shown_name();
            before.push(mark);
        }
        if self.number {
            before += &format!("{number}{mark}");
        }
        print.line(before + line);
        self.last = Some(number);
    }

    fn shown_name(&self) -> String {
        self.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| "(standard input)".into())
    }

    fn flush(&mut self, print: &mut Printer) {
        if self.name.is_none() {
            return;
        }
        match self.names_only {
            Some(with) if (self.hits > 0) == with => print.line(self.shown_name()),
            Some(_) => {}
            None if self.count && !self.quiet => {
                let before = if self.named { format!("{}:", self.shown_name()) } else { String::new() };
                print.line(format!("{before}{}", self.hits));
            }
            None => {}
        }
        self.all_hits += self.hits;
        (self.lines, self.hits, self.due, self.last) = (0, 0, 0, None);
        self.kept.clear();
    }
}

impl Filter for Grep {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        self.lines += 1;
        let number = self.lines;
        if self.hits >= self.most && self.due == 0 {
            return None;
        }
        let is_hit = self.hits < self.most && self.pattern.is_match(&line) != self.invert;
        if !is_hit {
            if self.due > 0 && !(self.quiet || self.count || self.only || self.names_only.is_some()) {
                self.due -= 1;
                self.print(number, &line, false, print);
            } else if self.before > 0 {
                self.kept.push_back((number, line));
                if self.kept.len() > self.before {
                    self.kept.pop_front();
                }
            }
            return None;
        }
        self.hits += 1;
        if self.quiet {
            return Some(0);
        }
        if self.count || self.names_only.is_some() {
            return None;
        }
        if self.only {
            let found: Vec<String> =
                self.pattern.find_iter(&line).filter(|found| !found.is_empty()).map(|found| found.as_str().to_owned()).collect();
            if !self.invert {
                found.iter().for_each(|found| self.print(number, found, true, print));
            }
        } else {
            let kept = std::mem::take(&mut self.kept);
            let first = kept.front().map_or(number, |(n, _)| *n);
            if (self.before > 0 || self.after > 0) && self.last.is_some_and(|last| last + 1 < first) {
                print.line("--");
            }
            kept.iter().for_each(|(n, line)| self.print(*n, line, false, print));
            self.print(number, &line, true, print);
            self.due = self.after;
        }
        (self.hits == self.most && self.due == 0 && !self.named).then_some(0)
    }

    fn input(&mut self, name: &str, print: &mut Printer) {
        self.flush(print);
        self.name = Some(name.to_owned());
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        self.flush(print);
        i32::from(self.all_hits == 0)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
