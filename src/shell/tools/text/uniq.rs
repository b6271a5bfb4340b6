//! `uniq [-cdui] [-f FIELDS] [FILE]`

use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Uniq {
    count: bool,
    only_repeated: bool,
    only_unique: bool,
    ignore_case: bool,
    skip_fields: usize,
    current: Option<(String, u64)>,
}

pub(super) fn uniq(args: &[String]) -> Made {
    let args = Args::parse("uniq", args, "cdui", "f")?;
    let skip = args.value('f').unwrap_or("0");
    let skip_fields = skip.parse().map_err(|_| (format!("uniq: {skip}: invalid number of fields to skip"), 1))?;
    made(
        Uniq {
            count: args.flag('c'),
            only_repeated: args.flag('d'),
            only_unique: args.flag('u'),
            ignore_case: args.flag('i'),
            skip_fields,
            current: None,
        },
        args.operands,
    )
}

impl Uniq {
    fn key(&self, line: &str) -> String {
        let mut rest = line;
        for _ in 0..self.skip_fields {
            rest = rest.trim_start();
            rest = rest.find(char::is_whitespace).map_or("", |end| &rest[end..]);
        }
        if self.ignore_case { rest.to_lowercase() } else { rest.to_owned() }
    }

    fn flush(&mut self, print: &mut Printer) {
        let Some((line, n)) = self.current.take() else { return };
        if (self.only_repeated && n == 1) || (self.only_unique && n > 1) {
            return;
        }
        print.line(if self.count { format!("{n:>7} {line}") } else { line });
    }
}

impl Filter for Uniq {
    fn line(&mut self, line: String, _ended: bool, print: &mut Printer) -> Option<i32> {
        let same = self.current.as_ref().is_some_and(|(current, _)| self.key(current) == self.key(&line));
        match &mut self.current {
            Some((_, n)) if same => *n += 1,
            _ => {
                self.flush(print);
                self.current = Some((line, 1));
            }
        }
        None
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        self.flush(print);
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
