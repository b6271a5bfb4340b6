//! `wc [-lwcm] [FILE]...`

use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Wc {
    shown: [bool; 4],
    files: usize,
    /// The input at hand, and its counts.
    name: Option<String>,
    counts: [u64; 4],
    total: [u64; 4],
}

pub(super) fn wc(args: &[String]) -> Made {
    let args = Args::parse("wc", args, "lwcmL", "")?;
    let all = args.flags.is_empty();
    let shown = [all || args.flag('l'), all || args.flag('w'), args.flag('m'), all || args.flag('c')];
    let wc = Wc { shown, files: args.operands.len(), name: None, counts: [0; 4], total: [0; 4] };
    made(wc, args.operands)
}

impl Wc {
    fn report(&mut self, name: &str, counts: [u64; 4], print: &mut Printer) {
        let shown: Vec<String> = self.shown.iter().zip(counts).filter(|(shown, _)| **shown).map(|(_, n)| n.to_string()).collect();
        // GNU wc pads several numbers to seven columns where it cannot know the size of its input, and aligns those of files.
        let width = match (shown.len(), self.files) {
            (1, 0 | 1) => 0,
            (_, 0) => 7,
            _ => self.total.iter().chain(&counts).map(|n| n.to_string().len()).max().unwrap_or(1),
        };
        let numbers = shown.iter().map(|n| format!("{n:>width$}")).collect::<Vec<_>>().join(" ");
        print.line(if name.is_empty() { numbers } else { format!("{numbers} {name}") });
    }

    fn flush(&mut self, print: &mut Printer) {
        let Some(name) = self.name.take() else { return };
        let counts = std::mem::take(&mut self.counts);
        for (total, count) in self.total.iter_mut().zip(counts) {
            *total += count;
        }
        self.report(&name, counts, print);
    }
}

impl Filter for Wc {
    fn line(&mut self, line: String, ended: bool, _print: &mut Printer) -> Option<i32> {
        let ended = u64::from(ended);
        let more = [ended, line.split_whitespace().count() as u64, line.chars().count() as u64 + ended, line.len() as u64 + ended];
        for (count, more) in self.counts.iter_mut().zip(more) {
            *count += more;
        }
        None
    }

    fn input(&mut self, name: &str, print: &mut Printer) {
        self.flush(print);
        self.name = Some(name.to_owned());
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        self.flush(print);
        if self.files > 1 {
            let total = self.total;
            self.report("total", total, print);
        }
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
