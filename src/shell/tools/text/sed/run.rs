//! A sed script at work.

use regex_lite::Regex;

use super::Sed;
use super::script::{Action, Address, Piece};
use crate::shell::pipe::Printer;
use crate::shell::tools::text::{Filter, KEPT_BYTES, KEPT_LINES};

/// So many commands are carried out for one line.
pub(super) const MOST_STEPS: usize = 100_000;

/// What a line grows to at most.
pub(super) const MOST_BYTES: usize = 1 << 20;

impl Sed {
    fn applies(&mut self, n: usize, space: &str) -> bool {
        let command = &self.commands[n];
        let is_last = self.at_end && self.buffer.is_empty();
        let number = self.number;
        let fits = |address: &Address| match address {
            Address::Line(line) => *line == number,
            Address::Last => is_last,
            Address::Matches(regex) => regex.is_match(space),
            Address::Step(first, step) => {
                if *step == 0 {
                    number == *first
                } else {
                    number >= *first && (number - first).is_multiple_of(*step)
                }
            }
            Address::More(_) => false,
        };
        let holds = match (&command.from, &command.to) {
            (None, _) => true,
            (Some(from), None) => fits(from),
            (Some(from), Some(to)) => {
                if self.active[n] {
                    let ends = match to {
                        Address::Line(line) => number >= *line,
                        Address::More(_) => number >= self.until[n],
                        to => fits(to),
                    };
                    self.active[n] = !ends;
                    true
                } else if fits(from) {
                    self.active[n] = !matches!(to, Address::Line(line) if *line <= number) && !is_last;
                    if let Address::More(more) = to {
                        self.until[n] = number.saturating_add(*more);
                        self.active[n] = *more > 0;
                    }
                    true
                } else {
                    false
                }
            }
        };
        holds != self.commands[n].negated
    }

    /// One round of the script over a line.
    fn cycle(&mut self, line: String, mut ended: bool, print: &mut Printer) -> Option<i32> {
        self.number += 1;
        let (mut space, mut behind) = (line, Vec::new());
        let (mut at, mut steps, mut replaced, mut quiet) = (0, 0, false, self.quiet);
        while at < self.commands.len() {
            steps += 1;
            if steps > MOST_STEPS || space.len() > MOST_BYTES {
                print.error("sed: the script does not end, or a line grows without end");
                return Some(4);
            }
            let applies = self.applies(at, &space);
            let action = self.commands[at].action.clone();
            at += 1;
            if !applies {
                if let Action::Block(end) = action {
                    at = end;
                }
                continue;
            }
            let jump = |label: &str| {
                let found = self.commands.iter().position(|command| matches!(&command.action, Action::Label(name) if name == label));
                found.unwrap_or(self.commands.len())
            };
            match action {
                Action::Substitute { pattern, with, all, which, print: shown } => {
                    if let Some(text) = substitute(&space, &pattern, &with, all, which) {
                        space = text;
                        replaced = true;
                        if shown {
                            print.line(space.as_str());
                        }
                    }
                }
                Action::Translate(pairs) => {
                    let map = |c: char| pairs.iter().find(|(from, _)| *from == c).map_or(c, |(_, to)| *to);
                    space = space.chars().map(map).collect();
                }
                Action::Print => print.line(space.as_str()),
                Action::PrintFirst => print.line(space.split('\n').next().unwrap_or_default()),
                Action::Delete => {
                    quiet = true;
                    break;
                }
                Action::DeleteFirst => {
                    if let Some((_, rest)) = space.split_once('\n') {
                        self.buffer.push_front((rest.to_owned(), ended));
                        self.number -= 1;
                    }
                    quiet = true;
                    break;
                }
                Action::Quit(status, shown) => {
                    if shown && !quiet {
                        print.line(space.as_str());
                    }
                    behind.into_iter().for_each(|text: String| print.line(text));
                    return Some(status);
                }
                Action::Number => print.line(self.number.to_string()),
                Action::Append(text) => behind.push(text),
                Action::Insert(text) => print.line(text),
                Action::Change(text) => {
                    if !self.active[at - 1] {
                        print.line(text);
                    }
                    quiet = true;
                    break;
                }
                Action::Next | Action::Join => {
                    let join = matches!(action, Action::Join);
                    let Some((next, next_ended)) = self.buffer.pop_front() else { break };
                    self.number += 1;
                    ended = next_ended;
                    if join {
                        space.push('\n');
                        space += &next;
                    } else {
                        if !quiet {
                            print.line(space.as_str());
                        }
                        space = next;
                    }
                }
                Action::Hold { append } => self.hold = if append { format!("{}\n{space}", self.hold) } else { space.clone() },
                Action::Get { append } => space = if append { format!("{space}\n{}", self.hold) } else { self.hold.clone() },
                Action::Exchange => std::mem::swap(&mut self.hold, &mut space),
                Action::Branch(label) => at = jump(&label),
                Action::BranchIf(label) if std::mem::take(&mut replaced) => at = jump(&label),
                Action::BranchIf(_) | Action::Label(_) | Action::Block(_) | Action::End => {}
            }
            if self.hold.len() > MOST_BYTES {
                print.error("sed: the hold space grows without end");
                return Some(4);
            }
        }
        if !quiet {
            if ended { print.line(space) } else { print.text(space) }
        }
        behind.into_iter().for_each(|text| print.line(text));
        None
    }
}

pub(super) fn substitute(space: &str, pattern: &Regex, with: &[Piece], all: bool, which: usize) -> Option<String> {
    let mut text = String::new();
    let mut from = 0;
    let mut replaced = false;
    for (n, found) in pattern.captures_iter(space).enumerate() {
        let Some(whole) = found.get(0) else { continue };
        if n + 1 < which {
            continue;
        }
        text += &space[from..whole.start()];
        let mut letters = None;
        for piece in with {
            let piece = match piece {
                Piece::Letters(how) => {
                    letters = *how;
                    continue;
                }
                Piece::Text(piece) => piece.as_str(),
                Piece::Group(n) => found.get(*n).map_or("", |group| group.as_str()),
            };
            match letters {
                None => text += piece,
                Some(true) => text += &piece.to_uppercase(),
                Some(false) => text += &piece.to_lowercase(),
            }
        }
        from = whole.end();
        replaced = true;
        if !all || text.len() > MOST_BYTES {
            break;
        }
    }
    replaced.then(|| text + &space[from..])
}

impl Filter for Sed {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        self.buffer.push_back((line, ended));
        if self.whole {
            self.kept += self.buffer.back().map_or(0, |(line, _)| line.len() + 1);
            if self.buffer.len() > KEPT_LINES || self.kept > KEPT_BYTES {
                print.error("sed: memory exhausted");
                return Some(4);
            }
            return None;
        }
        if self.buffer.len() < 2 {
            return None;
        }
        let (line, ended) = self.buffer.pop_front()?;
        self.cycle(line, ended, print)
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        self.at_end = true;
        let mut rounds = 0;
        while let Some((line, ended)) = self.buffer.pop_front() {
            rounds += 1;
            if rounds > 4 * KEPT_LINES {
                print.error("sed: the script does not end");
                return 4;
            }
            if let Some(status) = self.cycle(line, ended, print) {
                return status;
            }
        }
        self.status.unwrap_or(0)
    }

    fn kept_bytes(&self) -> usize {
        self.kept + self.hold.len()
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
