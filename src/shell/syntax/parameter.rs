//! `${...}`

use super::cursor::{Cursor, Parsed};
use super::word::Until;
use super::{Change, Index, Part, SyntaxError, Unset, Word, is_name};

impl Cursor<'_> {
    /// Behind `${`, up to and with the `}`.
    pub(super) fn parameter(&mut self, quoted: bool) -> Parsed<Part> {
        let start = self.at;
        if self.rest().starts_with('#') && !self.rest().starts_with("#}") {
            self.at += 1;
            let (name, index) = self.element()?;
            return self.close(start, (name, index), Change::Length, quoted);
        }
        if self.rest().starts_with('!') && self.rest()[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
            self.at += 1;
            let (name, index) = self.element()?;
            return self.close(start, (name, index), Change::Bang, quoted);
        }
        let (name, index) = self.element()?;
        let change = self.change(quoted)?;
        self.close(start, (name, index), change, quoted)
    }

    /// A name, and which elements of it.
    fn element(&mut self) -> Parsed<(String, Option<Index>)> {
        let name = self.long_name().to_owned();
        self.at += name.len();
        let index = if self.take("[@]") {
            Some(Index::Each)
        } else if self.take("[*]") {
            Some(Index::All)
        } else if is_name(&name) && self.take("[") {
            let key = self.inner("]", false)?;
            self.take("]");
            Some(Index::At(key))
        } else {
            None
        };
        Ok((name, index))
    }

    /// A name, where several digits are one number.
    fn long_name(&self) -> &str {
        let rest = self.rest();
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        if digits > 0 { &rest[..digits] } else { self.plain_name() }
    }

    fn change(&mut self, quoted: bool) -> Parsed<Change> {
        const UNSET: &[(&str, bool, Unset)] = &[
            (":-", true, Unset::Use),
            (":=", true, Unset::Assign),
            (":?", true, Unset::Fail),
            (":+", true, Unset::Instead),
            ("-", false, Unset::Use),
            ("=", false, Unset::Assign),
            ("?", false, Unset::Fail),
            ("+", false, Unset::Instead),
        ];
        for (text, or_empty, then) in UNSET {
            if self.take(text) {
                return Ok(Change::Unset { or_empty: *or_empty, then: *then, word: self.inner("}", quoted)? });
            }
        }
        Ok(if self.take("##") {
            Change::Prefix { longest: true, pattern: self.inner("}", false)? }
        } else if self.take("#") {
            Change::Prefix { longest: false, pattern: self.inner("}", false)? }
        } else if self.take("%%") {
            Change::Suffix { longest: true, pattern: self.inner("}", false)? }
        } else if self.take("%") {
            Change::Suffix { longest: false, pattern: self.inner("}", false)? }
        } else if self.take("/") {
            let all = self.take("/");
            let pattern = self.inner("/}", false)?;
            let with = if self.take("/") { self.inner("}", false)? } else { Word::default() };
            Change::Replace { all, pattern, with }
        } else if self.take(":") {
            let offset = self.inner(":}", false)?;
            let length = if self.take(":") { Some(self.inner("}", false)?) } else { None };
            Change::Substring { offset, length }
        } else if self.take("^^") {
            Change::Letters { upper: true, all: true }
        } else if self.take("^") {
            Change::Letters { upper: true, all: false }
        } else if self.take(",,") {
            Change::Letters { upper: false, all: true }
        } else if self.take(",") {
            Change::Letters { upper: false, all: false }
        } else {
            Change::None
        })
    }

    fn inner(&mut self, ends: &'static str, quoted: bool) -> Parsed<Word> {
        self.parts(Until::Brace { ends, quoted })
    }

    fn close(&mut self, start: usize, (name, index): (String, Option<Index>), change: Change, quoted: bool) -> Parsed<Part> {
        match self.peek() {
            Some('}') if !name.is_empty() => {
                self.at += 1;
                Ok(Part::Parameter { name, index, change, quoted })
            }
            None => Err(SyntaxError::Unclosed("}")),
            Some(_) => {
                let end = self.text[start..].find('}').map_or(self.text.len(), |end| start + end + 1);
                Err(SyntaxError::BadSubstitution(format!("${{{}", &self.text[start..end])))
            }
        }
    }
}
