//! `tr SET SET`, `tr -d SET`, `tr -s SET`, `tr -c`

use super::args::Args;
use super::{Filter, Made, made};
use crate::shell::escapes::decode;
use crate::shell::expand::glob::named;
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Tr {
    from: Vec<char>,
    /// All but `from` is meant.
    complement: bool,
    delete: bool,
    /// Runs of these become one.
    squeezed: Option<Vec<char>>,
    to: Vec<char>,
    last: Option<char>,
}

pub(super) fn tr(args: &[String]) -> Made {
    let args = Args::parse("tr", args, "dscC", "")?;
    let hint = "\nTry 'tr --help' for more information.";
    let (delete, squeeze) = (args.flag('d'), args.flag('s'));
    let (from, second) = match &args.operands[..] {
        [] => return Err((format!("tr: missing operand{hint}"), 1)),
        [from] if delete || squeeze => (set(from), None),
        [from, to] if (!delete || squeeze) && !to.is_empty() => (set(from), Some(set(to))),
        [from] => return Err((format!("tr: missing operand after '{from}'\nTwo strings must be given when translating.{hint}"), 1)),
        [_, .., last] => return Err((format!("tr: extra operand '{last}'{hint}"), 1)),
    };
    let squeezed = squeeze.then(|| second.clone().unwrap_or_else(|| from.clone()));
    let to = if delete { Vec::new() } else { second.unwrap_or_default() };
    made(Tr { from, complement: args.flag('c') || args.flag('C'), delete, squeezed, to, last: None }, Vec::new())
}

impl Tr {
    fn map(&mut self, c: char) -> Option<char> {
        let at = self.from.iter().position(|from| *from == c);
        let is_meant = at.is_some() != self.complement;
        if is_meant && self.delete {
            return None;
        }
        let mapped = match (is_meant, self.complement) {
            // The last of the second set stands for all that have no partner.
            (true, false) => at.and_then(|at| self.to.get(at)).or(self.to.last()).copied().unwrap_or(c),
            (true, true) => self.to.last().copied().unwrap_or(c),
            (false, _) => c,
        };
        let is_squeezed = self.squeezed.as_ref().is_some_and(|set| set.contains(&mapped) != (self.complement && self.to.is_empty()));
        if is_squeezed && self.last == Some(mapped) {
            return None;
        }
        self.last = Some(mapped);
        Some(mapped)
    }
}

impl Filter for Tr {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        let newline = if ended { Some('\n') } else { None };
        let text: String = line.chars().chain(newline).filter_map(|c| self.map(c)).collect();
        match text.strip_suffix('\n') {
            Some(line) => print.line(line),
            None => print.push_text(text),
        }
        None
    }

    fn takes_pieces(&self) -> bool {
        true
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// `a-z`, `[:upper:]`, `\n` written out.
fn set(text: &str) -> Vec<char> {
    let chars: Vec<char> = decode(text).text.chars().collect();
    let mut set = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        if let ['[', ':', rest @ ..] = &chars[at..]
            && let Some(end) = rest.windows(2).position(|pair| pair == [':', ']'])
        {
            let name: String = rest[..end].iter().collect();
            set.extend((0_u8..128).map(char::from).filter(|c| named(&name, *c)));
            at += end + 4;
            continue;
        }
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
