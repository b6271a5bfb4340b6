//! `head [-n LINES] [-c BYTES]`, `tail [-n LINES] [-n +LINE] [-c BYTES]`

use std::collections::VecDeque;

use super::args::Args;
use super::{Filter, KEPT_BYTES, KEPT_LINES, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Head {
    left: u64,
    bytes: bool,
    names: Names,
    all: u64,
}

/// All but the last of them (`head -n -3`), only the last of them (`tail`), or from one on (`tail -n +3`).
#[derive(Clone, Debug)]
struct Tail {
    keep: usize,
    kept: VecDeque<(String, bool)>,
    /// What they hold.
    bytes: usize,
    how: How,
    seen: u64,
    names: Names,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Last,
    LastBytes,
    AllButLast,
    From,
}

/// `==> name <==`, where there are several files.
#[derive(Clone, Copy, Debug)]
struct Names {
    shown: bool,
    begun: bool,
}

impl Names {
    fn show(&mut self, name: &str, print: &mut Printer) {
        if self.shown {
            let name = if name.is_empty() { "standard input" } else { name };
            print.line(format!("{}==> {name} <==", if self.begun { "\n" } else { "" }));
        }
        self.begun = true;
    }
}

pub(super) fn head_or_tail(name: &str, args: &[String]) -> Made {
    // `head -3` is the old way of saying `head -n 3`.
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let is_value = |n: usize| n > 0 && matches!(args[n - 1].as_str(), "-n" | "-c");
    let old = |(n, arg): (usize, &String)| match arg.strip_prefix('-') {
        Some(digits) if is_number(digits) && !is_value(n) => vec!["-n".to_owned(), digits.to_owned()],
        _ => vec![arg.clone()],
    };
    let args: Vec<String> = args.iter().enumerate().flat_map(old).collect();
    let args = Args::parse(name, &args, "qvfF", "nc")?;
    if args.flag('f') || args.flag('F') {
        return Err((format!("{name}: -f does not follow files in this terminal"), 1));
    }
    let bytes = args.value('c').is_some();
    let count = args.value('c').or(args.value('n')).unwrap_or("10");
    let unit = if bytes { "bytes" } else { "lines" };
    let n: u64 = count.trim_start_matches(['-', '+']).parse().map_err(|_| (format!("{name}: invalid number of {unit}: '{count}'"), 1))?;
    let names = Names { shown: (args.operands.len() > 1 && !args.flag('q')) || args.flag('v'), begun: false };
    let how = match (name, count.chars().next()) {
        ("head", Some('-')) => How::AllButLast,
        ("head", _) => return made(Head { left: n, bytes, names, all: n }, args.operands),
        (_, Some('+')) => How::From,
        _ if bytes => How::LastBytes,
        _ => How::Last,
    };
    let most = if how == How::LastBytes { usize::MAX } else { KEPT_LINES };
    made(Tail { keep: usize::try_from(n).unwrap_or(most).min(most), kept: VecDeque::new(), bytes: 0, how, seen: 0, names }, args.operands)
}

impl Filter for Head {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        if self.left == 0 {
            return None;
        }
        if self.bytes {
            let whole = line + if ended { "\n" } else { "" };
            let take = usize::try_from(self.left).unwrap_or(usize::MAX).min(whole.len());
            let end = (0..=take).rev().find(|at| whole.is_char_boundary(*at)).unwrap_or(0);
            print.text(&whole[..end]);
            self.left -= take as u64;
        } else {
            if ended {
                print.line(line)
            } else {
                print.text(line)
            }
            self.left -= 1;
        }
        (self.left == 0 && !self.names.shown).then_some(0)
    }

    fn input(&mut self, name: &str, print: &mut Printer) {
        self.left = self.all;
        self.names.show(name, print);
    }

    fn takes_pieces(&self) -> bool {
        self.bytes
    }

    fn is_done(&self) -> bool {
        self.all == 0 && !self.names.shown
    }

    fn produce(&mut self, _print: &mut Printer) -> Option<i32> {
        self.is_done().then_some(0)
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Tail {
    /// Whether the oldest line that is kept ends before the last bytes, whether or not a line break ends all.
    fn is_behind(&self) -> bool {
        let oldest = self.kept.front().map_or(0, |(line, _)| line.len() + 1);
        self.how == How::LastBytes && oldest > 0 && self.bytes - oldest > self.keep
    }

    fn flush(&mut self, print: &mut Printer) {
        let kept = std::mem::take(&mut self.kept);
        (self.seen, self.bytes) = (0, 0);
        match self.how {
            How::Last => kept.into_iter().for_each(|(line, ended)| if ended { print.line(line) } else { print.text(line) }),
            How::LastBytes => {
                let text: String = kept.into_iter().map(|(line, ended)| line + if ended { "\n" } else { "" }).collect();
                let start = (text.len().saturating_sub(self.keep)..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                print.text(&text[start..]);
            }
            How::AllButLast | How::From => {}
        }
    }
}

impl Filter for Tail {
    fn line(&mut self, line: String, ended: bool, print: &mut Printer) -> Option<i32> {
        self.seen += 1;
        let mut put = |line: String, ended: bool| if ended { print.line(line) } else { print.text(line) };
        if self.how == How::From {
            if self.seen >= self.keep as u64 {
                put(line, ended);
            }
            return None;
        }
        self.bytes += line.len() + 1;
        self.kept.push_back((line, ended));
        while self.kept.len() > self.keep && self.how != How::LastBytes || self.is_behind() {
            let first = self.kept.pop_front();
            self.bytes -= first.as_ref().map_or(self.bytes, |(line, _)| line.len() + 1);
            if let Some((line, ended)) = first.filter(|_| self.how == How::AllButLast) {
                put(line, ended);
            }
        }
        if self.bytes > KEPT_BYTES || self.kept.len() > KEPT_LINES {
            print.error(if self.how == How::AllButLast { "head: memory exhausted" } else { "tail: memory exhausted" });
            return Some(1);
        }
        None
    }

    fn kept_bytes(&self) -> usize {
        self.bytes
    }

    fn input(&mut self, name: &str, print: &mut Printer) {
        if self.names.shown {
            self.flush(print);
        }
        self.names.show(name, print);
    }

    fn end(&mut self, print: &mut Printer) -> i32 {
        self.flush(print);
        0
    }

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
