//! `uniq [-cdu] [FILE]`

use super::args::Args;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Uniq {
    count: bool,
    only_repeated: bool,
    only_unique: bool,
    current: Option<(String, u64)>,
}

pub(super) fn uniq(args: &[String], operands: &mut Vec<String>) -> Result<Uniq, (String, i32)> {
    let args = Args::parse("uniq", args, "cdu", "")?;
    *operands = args.operands.clone();
    Ok(Uniq { count: args.flag('c'), only_repeated: args.flag('d'), only_unique: args.flag('u'), current: None })
}

impl Uniq {
    pub(super) fn line(&mut self, line: String, print: &mut Printer) {
        match &mut self.current {
            Some((current, n)) if *current == line => *n += 1,
            _ => {
                self.end(print);
                self.current = Some((line, 1));
            }
        }
    }

    pub(super) fn end(&mut self, print: &mut Printer) {
        let Some((line, n)) = self.current.take() else { return };
        if (self.only_repeated && n == 1) || (self.only_unique && n > 1) {
            return;
        }
        print.line(if self.count { format!("{n:>7} {line}") } else { line });
    }
}
