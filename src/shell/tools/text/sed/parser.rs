//! How a sed script is read.

use regex_lite::Regex;

use super::script::{Action, Address, Command, Piece};
use crate::shell::tools::text::regex::compile;

pub(super) struct Parser<'a> {
    pub(super) script: &'a str,
    pub(super) at: usize,
    pub(super) extended: bool,
    pub(super) commands: Vec<Command>,
    pub(super) open: Vec<usize>,
    pub(super) last: Option<Regex>,
}

pub(super) type Parsed<T> = Result<T, String>;

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

    pub(super) fn commands(&mut self) -> Parsed<()> {
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

pub(super) fn plain(text: &str) -> String {
    crate::shell::escapes::decode(text).text
}
