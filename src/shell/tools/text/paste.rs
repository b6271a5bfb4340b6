//! `paste [-s] [-d SEPARATORS] [FILE]...`: lines side by side.

use super::args::Args;
use super::{Filter, KEPT_LINES, Made, made};
use crate::shell::escapes::decode;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Paste {
    serial: bool,
    separators: Vec<char>,
    columns: Vec<Vec<String>>,
    /// `paste - -`: so many lines of standard input side by side.
    standard: usize,
    kept: usize,
}

pub(super) fn paste(args: &[String]) -> Made {
    let mut args = Args::parse("paste", args, "s", "d")?;
    let separators = args.value('d').map_or(vec!['\t'], |text| decode(text).text.chars().collect());
    let standard = args.operands.iter().filter(|operand| *operand == "-").count();
    if standard > 1 && standard < args.operands.len() {
        return Err(("paste: `-` several times and files beside it are not here".into(), 1));
    }
    if standard > 1 {
        args.operands.truncate(1);
    }
    made(Paste { serial: args.flag('s'), separators, columns: Vec::new(), standard, kept: 0 }, args.operands)
}

impl Paste {
    fn join(&self, cells: &[&str]) -> String {
        let mut line = String::new();
        for (n, cell) in cells.iter().enumerate() {
            if n > 0 {
                line.extend(self.separators.get((n - 1) % self.separators.len().max(1)));
            }
            line += cell;
        }
        line
    }
}

impl Filter for Paste {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        self.kept += 1;
        if self.kept > KEPT_LINES {
            print.error(format!("paste: more than {KEPT_LINES} lines"));
            return Some(1);
        }
        self.columns.last_mut().into_iter().for_each(|column| column.push(line.clone()));
        None
    }

    fn input(&mut self, _name: &str, _print: &mut Printer) {
        self.columns.push(Vec::new());
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        let columns = std::mem::take(&mut self.columns);
        if self.serial || self.standard > 1 {
            for column in &columns {
                let cells: Vec<&str> = column.iter().map(String::as_str).collect();
                let size = if self.serial { cells.len().max(1) } else { self.standard };
                for row in cells.chunks(size) {
                    let filled: Vec<&str> = (0..size).map(|n| row.get(n).copied().unwrap_or("")).collect();
                    print.line(self.join(&filled));
                }
            }
            return 0;
        }
        let rows = columns.iter().map(Vec::len).max().unwrap_or(0);
        for row in 0..rows {
            let cells: Vec<&str> = columns.iter().map(|column| column.get(row).map_or("", String::as_str)).collect();
            print.line(self.join(&cells));
        }
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
