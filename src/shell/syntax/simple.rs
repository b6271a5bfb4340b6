//! Simple commands: assignments, words, redirections; the arrays among them.

use std::sync::Arc;

use super::command::alone;
use super::cursor::{Cursor, Parsed};
use super::word::Until;
use super::{Assign, Assigned, Command, Kind, List, SyntaxError, Word, is_name};

/// Commands whose arguments may be arrays.
const DECLARING: &[&str] = &["declare", "local", "typeset"];

impl Cursor<'_> {
    pub(super) fn simple(&mut self) -> Parsed<Command> {
        let (mut assigns, mut words, mut redirects, mut arrays) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        loop {
            self.blanks();
            if let Some(redirect) = self.redirect()? {
                redirects.push(redirect);
                continue;
            }
            match self.peek() {
                None | Some('\n' | '|' | ';' | '&' | ')') => break,
                Some('(') => {
                    let name = words.first().and_then(Word::bare).map(str::to_owned);
                    let name = name.filter(|_| words.len() == 1 && assigns.is_empty() && redirects.is_empty());
                    let Some(name) = name.filter(|_| self.rest()[1..].trim_start().starts_with(')')) else {
                        return Err(self.unexpected());
                    };
                    self.at += 1;
                    self.blanks();
                    self.at += 1;
                    return self.function(name);
                }
                Some(_) => {}
            }
            if words.is_empty()
                && let Some(assign) = self.assign()?
            {
                assigns.push(assign);
                continue;
            }
            let declares = words.first().and_then(Word::bare).is_some_and(|word| DECLARING.contains(&word));
            if declares && let Some(array) = self.declaration(&mut words)? {
                arrays.push(array);
                continue;
            }
            let start = self.at;
            words.push(self.word()?);
            if words.len() == 1 && words[0].bare().is_some() {
                self.commands.push((start, self.at));
            }
        }
        if !arrays.is_empty() {
            let simple = |assigns, words| Command { kind: Kind::Simple { assigns, words }, redirects: Vec::new() };
            let declared = Command { redirects, ..simple(assigns, words) };
            let both = [declared, simple(arrays, Vec::new())].map(|command| alone(Arc::new(command)));
            return Ok(Command { kind: Kind::Group(Arc::new(List(both.to_vec()))), redirects: Vec::new() });
        }
        if assigns.is_empty() && words.is_empty() && redirects.is_empty() {
            return Err(self.unexpected());
        }
        Ok(Command { kind: Kind::Simple { assigns, words }, redirects })
    }

    /// `X=...`, if it stands here.
    fn assign(&mut self) -> Parsed<Option<Assign>> {
        let before = self.at;
        let rest = self.rest();
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(0);
        let name = if rest[end..].starts_with(['=', '+', '[']) { &rest[..end] } else { "" };
        if !is_name(name) {
            return Ok(None);
        }
        let name = name.to_owned();
        self.at += name.len();
        let index = if self.take("[") { self.index() } else { None };
        let append = self.take("+");
        let is_whole = index.is_some() || !self.text[before..self.at].contains('[');
        if !is_whole || !self.take("=") {
            self.at = before;
            return Ok(None);
        }
        let value = if index.is_none() && self.take("(") { Assigned::Array(self.array()?) } else { Assigned::One(self.word()?) };
        Ok(Some(Assign { name, index, value, append }))
    }

    /// Behind `X[`, up to and with the `]`; `None` if it is none.
    fn index(&mut self) -> Option<Word> {
        // What cannot be read as a key is a word of its own, or is refused as that.
        let key = self.parts(Until::Brace { ends: "]", quoted: false }).ok()?;
        self.take("]").then_some(key)
    }

    /// Behind `X=(`, up to and with the `)`.
    fn array(&mut self) -> Parsed<Vec<(Option<Word>, Word)>> {
        let mut elements = Vec::new();
        loop {
            self.line_breaks()?;
            match self.peek() {
                Some(')') => {
                    self.at += 1;
                    return Ok(elements);
                }
                None => return Err(SyntaxError::Unclosed(")")),
                Some(c) if "|;&<>(".contains(c) => return Err(self.unexpected()),
                Some(_) => {}
            }
            let before = self.at;
            let key = if self.take("[") { self.index() } else { None };
            let key = key.filter(|_| self.take("="));
            if key.is_none() {
                self.at = before;
            }
            elements.push((key, self.word()?));
        }
    }

    /// `declare`, `local`: `declare X=(...)` is `declare X` and then `X=(...)`.
    fn declaration(&mut self, words: &mut Vec<Word>) -> Parsed<Option<Assign>> {
        let before = self.at;
        match self.assign()? {
            Some(assign) if matches!(assign.value, Assigned::Array(_)) => {
                words.push(Word::text(assign.name.as_str()));
                Ok(Some(assign))
            }
            _ => {
                self.at = before;
                Ok(None)
            }
        }
    }
}
