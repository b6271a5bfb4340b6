//! `tr SET SET`, `tr -d SET`

use super::args::Args;
use super::escapes;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
pub(super) struct Tr {
    from: Vec<char>,
    /// Empty: delete.
    to: Vec<char>,
}

pub(super) fn tr(args: &[String]) -> Result<Tr, (String, i32)> {
    let args = Args::parse("tr", args, "d", "")?;
    let hint = "\nTry 'tr --help' for more information.";
    match (args.flag('d'), &args.operands[..]) {
        (true, [from]) => Ok(Tr { from: set(from), to: Vec::new() }),
        (false, [from, to]) if !to.is_empty() => Ok(Tr { from: set(from), to: set(to) }),
        (_, []) => Err((format!("tr: missing operand{hint}"), 1)),
        (_, [.., last]) => Err((format!("tr: missing or extra operand after '{last}'{hint}"), 1)),
    }
}

impl Tr {
    pub(super) fn line(&self, line: &str, print: &mut Printer) {
        let text: String = line.chars().chain(['\n']).filter_map(|c| self.map(c)).collect();
        print.text(text);
    }

    fn map(&self, c: char) -> Option<char> {
        match self.from.iter().position(|from| *from == c) {
            None => Some(c),
            // The last of the second set stands for all that have no partner.
            Some(at) => self.to.get(at).or(self.to.last()).copied(),
        }
    }
}

/// `a-z`, `[:upper:]`, `\n` written out.
fn set(text: &str) -> Vec<char> {
    let text = escapes(text).replace("[:upper:]", "A-Z").replace("[:lower:]", "a-z").replace("[:digit:]", "0-9");
    let chars: Vec<char> = text.chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        match chars[at..] {
            [first, '-', last, ..] if first <= last => {
                set.extend(first..=last);
                at += 3;
            }
            _ => {
                set.push(chars[at]);
                at += 1;
            }
        }
    }
    set
}
