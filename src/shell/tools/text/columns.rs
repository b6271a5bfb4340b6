//! `column -t [-s SEPARATORS] [-o SEPARATOR]`: lines as a table.

use super::args::Args;
use super::{Filter, KEPT_LINES, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Column {
    separators: Option<String>,
    between: String,
    rows: Vec<Vec<String>>,
}

pub(super) fn column(args: &[String]) -> Made {
    let args = Args::parse("column", args, "tx", "so")?;
    if !args.flag('t') {
        return Err(("column: only -t is here".into(), 1));
    }
    let separators = args.value('s').map(str::to_owned);
    let between = args.value('o').unwrap_or("  ").to_owned();
    made(Column { separators, between, rows: Vec::new() }, args.operands)
}

impl Filter for Column {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        if self.rows.len() == KEPT_LINES {
            print.error(format!("column: more than {KEPT_LINES} lines"));
            return Some(1);
        }
        let cells: Vec<String> = match &self.separators {
            Some(separators) => line.split(|c| separators.contains(c)).map(str::to_owned).collect(),
            None => line.split_whitespace().map(str::to_owned).collect(),
        };
        if !line.trim().is_empty() {
            self.rows.push(cells);
        }
        None
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        let rows = std::mem::take(&mut self.rows);
        let mut widths: Vec<usize> = Vec::new();
        for row in &rows {
            for (n, cell) in row.iter().enumerate() {
                let width = cell.chars().count();
                if n == widths.len() {
                    widths.push(width);
                }
                widths[n] = widths[n].max(width);
            }
        }
        for row in rows {
            let mut line = String::new();
            for (n, cell) in row.iter().enumerate() {
                line += cell;
                if n + 1 < row.len() {
                    line += &" ".repeat(widths[n] - cell.chars().count());
                    line += &self.between;
                }
            }
            print.line(line);
        }
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
