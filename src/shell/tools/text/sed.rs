//! `sed [-nE] [-e SCRIPT]... [SCRIPT] [FILE]...`

use std::collections::VecDeque;

use regex_lite::Regex;

use super::args::Args;
use super::regex::compile;
use super::{Filter, KEPT_LINES, Made, made};
use crate::shell::pipe::Printer;

#[derive(Clone, Debug)]
struct Sed {
    commands: Vec<Command>,
    /// Which ranges have begun, by command.
    active: Vec<bool>,
    /// On which line those end that hold for a number of lines.
    until: Vec<u64>,
    quiet: bool,
    /// The script looks at further lines (`n`, `N`): all input is taken first.
    whole: bool,
    buffer: VecDeque<(String, bool)>,
    at_end: bool,
    hold: String,
    number: u64,
    status: Option<i32>,
}

#[derive(Clone, Debug)]
struct Command {
    from: Option<Address>,
    to: Option<Address>,
    negated: bool,
    action: Action,
}

#[derive(Clone, Debug)]
enum Address {
    Line(u64),
    Last,
    Matches(Regex),
    /// `1~2`
    Step(u64, u64),
    /// `/a/,+2`
    More(u64),
}

#[derive(Clone, Debug)]
enum Action {
    Substitute {
        pattern: Regex,
        with: Vec<Piece>,
        all: bool,
        which: usize,
        print: bool,
    },
    Translate(Vec<(char, char)>),
    Print,
    PrintFirst,
    Delete,
    DeleteFirst,
    Quit(i32, bool),
    Number,
    Append(String),
    Insert(String),
    Change(String),
    Next,
    Join,
    Hold {
        append: bool,
    },
    Get {
        append: bool,
    },
    Exchange,
    Label(String),
    Branch(String),
    BranchIf(String),
    /// `{`, with the number of the command behind its `}`.
    Block(usize),
    End,
}

/// A piece of what `s` puts in.
#[derive(Clone, Debug)]
enum Piece {
    Text(String),
    Group(usize),
    /// `\U`, `\L`, `\E`
    Letters(Option<bool>),
}

/// So many commands are carried out for one line.
const MOST_STEPS: usize = 100_000;
/// What a line grows to at most.
const MOST_BYTES: usize = 1 << 20;

pub(super) fn sed(args: &[String]) -> Made {
    let mut args = Args::parse("sed", args, "nErsuz", "eil")?;
    if args.value('i').is_some() {
        return Err(("sed: -i is not here: write to another file and mv it".into(), 1));
    }
    let mut scripts: Vec<String> = args.values('e').map(str::to_owned).collect();
    if scripts.is_empty() {
        if args.operands.is_empty() {
            return Err(("Usage: sed [OPTION]... {script-only-if-no-other-script} [input-file]...".into(), 1));
        }
        scripts.push(args.operands.remove(0));
    }
    let script = scripts.join("\n");
    let mut parser =
        Parser { script: &script, at: 0, extended: args.flag('E') || args.flag('r'), commands: Vec::new(), open: Vec::new(), last: None };
    parser.commands().map_err(|said| (format!("sed: -e expression #1, char {}: {said}", parser.at), 1))?;
    let commands = parser.commands;
    let whole = commands.iter().any(|command| matches!(command.action, Action::Next | Action::Join | Action::DeleteFirst));
    let (active, until) = (vec![false; commands.len()], vec![0; commands.len()]);
    made(
        Sed {
            commands,
            active,
            until,
            quiet: args.flag('n'),
            whole,
            buffer: VecDeque::new(),
            at_end: false,
            hold: String::new(),
            number: 0,
            status: None,
        },
        args.operands,
    )
}

struct Parser<'a> {
    script: &'a str,
    at: usize,
    extended: bool,
    commands: Vec<Command>,
    open: Vec<usize>,
    last: Option<Regex>,
}

type Parsed<T> = Result<T, String>;

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.script[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn skip(&mut self, what: impl Fn(char) -> bool) {
        while self.peek().is_some_and(&what) {
            self.bump();
        }
    }

    fn commands(&mut self) -> Parsed<()> {
        loop {
            self.skip(|c| c.is_whitespace() || c == ';');
            if self.peek() == Some('#') {
                self.skip(|c| c != '\n');
                continue;
            }
            if self.peek().is_none() {
                return if self.open.is_empty() { Ok(()) } else { Err("unmatched `{'".into()) };
            }
            if self.commands.len() > 1_000 {
                return Err("more than 1000 commands".into());
            }
            let from = self.address()?;
            let mut to = None;
            if from.is_some() && self.peek() == Some(',') {
                self.bump();
                to = Some(self.address()?.ok_or("unexpected `,'")?);
            }
            self.skip(|c| c == ' ');
            let mut negated = false;
            while self.peek() == Some('!') {
                self.bump();
                negated = true;
                self.skip(|c| c == ' ');
            }
            let action = self.action()?;
            let Some(action) = action else { continue };
            self.commands.push(Command { from, to, negated, action });
        }
    }

    fn address(&mut self) -> Parsed<Option<Address>> {
        match self.peek() {
            Some(c) if c.is_ascii_digit() => {
                let first = self.number();
                if self.peek() == Some('~') {
                    self.bump();
                    return Ok(Some(Address::Step(first, self.number())));
                }
                Ok(Some(Address::Line(first)))
            }
            Some('+') => {
                self.bump();
                Ok(Some(Address::More(self.number())))
            }
            Some('$') => {
                self.bump();
                Ok(Some(Address::Last))
            }
            Some('/') => {
                self.bump();
                self.regex('/').map(Some)
            }
            Some('\\') => {
                self.bump();
                let end = self.bump().ok_or("unexpected end")?;
                self.regex(end).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn regex(&mut self, end: char) -> Parsed<Address> {
        let text = self.until(end, "unterminated address regex")?;
        let ignore_case = self.peek() == Some('I');
        if ignore_case {
            self.bump();
        }
        Ok(Address::Matches(self.compile(&text, ignore_case)?))
    }

    fn compile(&mut self, text: &str, ignore_case: bool) -> Parsed<Regex> {
        if text.is_empty() {
            return self.last.clone().ok_or_else(|| "no previous regular expression".into());
        }
        let regex = compile(text, self.extended, ignore_case)?;
        self.last = Some(regex.clone());
        Ok(regex)
    }

    fn number(&mut self) -> u64 {
        let start = self.at;
        self.skip(|c| c.is_ascii_digit());
        self.script[start..self.at].parse().unwrap_or(u64::MAX)
    }

    /// Text up to a delimiter, which is taken; `\` in front of the delimiter goes.
    fn until(&mut self, end: char, missing: &str) -> Parsed<String> {
        let (mut text, mut class) = (String::new(), false);
        loop {
            match self.bump() {
                None => return Err(missing.into()),
                Some(c) if c == end && !class => return Ok(text),
                Some('\\') => match self.bump() {
                    Some(c) if c == end => text.push(c),
                    Some('n') => text.push_str("\\n"),
                    Some(c) => text.extend(['\\', c]),
                    None => return Err(missing.into()),
                },
                Some(c) => {
                    class = match c {
                        '[' if end != '[' => true,
                        ']' => false,
                        _ => class,
                    };
                    text.push(c);
                }
            }
        }
    }

    fn action(&mut self) -> Parsed<Option<Action>> {
        let letter = self.bump().ok_or("missing command")?;
        Ok(Some(match letter {
            's' => self.substitute()?,
            'y' => {
                let end = self.bump().ok_or("unterminated `y' command")?;
                let from: Vec<char> = plain(&self.until(end, "unterminated `y' command")?).chars().collect();
                let to: Vec<char> = plain(&self.until(end, "unterminated `y' command")?).chars().collect();
                if from.len() != to.len() {
                    return Err("strings for `y' command are different lengths".into());
                }
                Action::Translate(from.into_iter().zip(to).collect())
            }
            'p' => Action::Print,
            'P' => Action::PrintFirst,
            'd' => Action::Delete,
            'D' => Action::DeleteFirst,
            'q' | 'Q' => {
                self.skip(|c| c == ' ');
                let status = if self.peek().is_some_and(|c| c.is_ascii_digit()) { self.number() } else { 0 };
                Action::Quit((status & 255) as i32, letter == 'q')
            }
            '=' => Action::Number,
            'n' => Action::Next,
            'N' => Action::Join,
            'h' => Action::Hold { append: false },
            'H' => Action::Hold { append: true },
            'g' => Action::Get { append: false },
            'G' => Action::Get { append: true },
            'x' => Action::Exchange,
            'a' | 'i' | 'c' => {
                self.skip(|c| c == ' ');
                if self.script[self.at..].starts_with("\\\n") {
                    self.at += 2;
                } else if self.peek() == Some('\\') {
                    self.bump();
                }
                let start = self.at;
                self.skip(|c| c != '\n');
                let text = crate::shell::escapes::decode(&self.script[start..self.at]).text;
                match letter {
                    'a' => Action::Append(text),
                    'i' => Action::Insert(text),
                    _ => Action::Change(text),
                }
            }
            ':' | 'b' | 't' => {
                self.skip(|c| c == ' ');
                let start = self.at;
                self.skip(|c| !c.is_whitespace() && c != ';' && c != '}');
                let label = self.script[start..self.at].to_owned();
                match letter {
                    ':' => Action::Label(label),
                    'b' => Action::Branch(label),
                    _ => Action::BranchIf(label),
                }
            }
            '{' => {
                self.open.push(self.commands.len());
                Action::Block(0)
            }
            '}' => {
                let open = self.open.pop().ok_or("unexpected `}'")?;
                let behind = self.commands.len();
                if let Some(Command { action: Action::Block(end), .. }) = self.commands.get_mut(open) {
                    *end = behind;
                }
                Action::End
            }
            other => return Err(format!("unknown command: `{other}'")),
        }))
    }

    fn substitute(&mut self) -> Parsed<Action> {
        let missing = "unterminated `s' command";
        let end = self.bump().ok_or(missing)?;
        let pattern = self.until(end, missing)?;
        let with = self.replacement(end)?;
        let (mut all, mut print, mut ignore_case, mut which) = (false, false, false, 1);
        loop {
            match self.peek() {
                Some('g') => all = true,
                Some('p') => print = true,
                Some('i' | 'I') => ignore_case = true,
                Some(c) if c.is_ascii_digit() => {
                    which = usize::try_from(self.number()).unwrap_or(usize::MAX).max(1);
                    continue;
                }
                Some(c) if c.is_whitespace() || c == ';' || c == '}' => break,
                None => break,
                Some(_) => return Err("unknown option to `s'".into()),
            }
            self.bump();
        }
        let pattern = self.compile(&pattern, ignore_case)?;
        Ok(Action::Substitute { pattern, with, all, which, print })
    }

    fn replacement(&mut self, end: char) -> Parsed<Vec<Piece>> {
        let (mut pieces, mut text) = (Vec::new(), String::new());
        loop {
            let c = self.bump().ok_or("unterminated `s' command")?;
            let piece = match c {
                c if c == end => break,
                '&' => Some(Piece::Group(0)),
                '\\' => match self.bump().ok_or("unterminated `s' command")? {
                    c if c.is_ascii_digit() => Some(Piece::Group(c.to_digit(10).unwrap_or(0) as usize)),
                    'n' => {
                        text.push('\n');
                        None
                    }
                    't' => {
                        text.push('\t');
                        None
                    }
                    'U' => Some(Piece::Letters(Some(true))),
                    'L' => Some(Piece::Letters(Some(false))),
                    'E' => Some(Piece::Letters(None)),
                    c => {
                        text.push(c);
                        None
                    }
                },
                c => {
                    text.push(c);
                    None
                }
            };
            if let Some(piece) = piece {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(piece);
            }
        }
        pieces.push(Piece::Text(text));
        Ok(pieces)
    }
}

fn plain(text: &str) -> String {
    crate::shell::escapes::decode(text).text
}

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

fn substitute(space: &str, pattern: &Regex, with: &[Piece], all: bool, which: usize) -> Option<String> {
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
            if self.buffer.len() > KEPT_LINES {
                print.error(format!("sed: more than {KEPT_LINES} lines"));
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

    fn boxed(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}
