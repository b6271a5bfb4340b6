//! Words: quotes, backslashes, and where expansions stand in them.

use std::sync::Arc;

use super::cursor::{Cursor, Parsed};
use super::{List, Part, SyntaxError, Word};

/// What ends a run of parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Space or an operator.
    Word,
    /// As [`Until::Word`], but `(`, `)` and `|` belong to it (the right side of `=~`).
    Pattern,
    /// The closing `"`.
    Quote,
    /// The text's end (here-documents).
    End,
    /// One of these characters, in `${...}`; `quoted`: the whole stands in double quotes.
    Brace { ends: &'static str, quoted: bool },
    /// `))`, or for `for ((;;))` a `;` too.
    Arithmetic { semicolon: bool },
}

impl Cursor<'_> {
    pub(super) fn word(&mut self) -> Parsed<Word> {
        self.parts(Until::Word)
    }

    /// A here-document's text.
    pub(super) fn here_text(&mut self) -> Parsed<Word> {
        self.parts(Until::End)
    }

    /// Parts up to what ends them, which is not taken (but a closing quote is).
    pub(super) fn parts(&mut self, until: Until) -> Parsed<Word> {
        self.deeper(|cursor| cursor.parts_here(until))
    }

    fn parts_here(&mut self, until: Until) -> Parsed<Word> {
        let mut word = Builder::default();
        let quoted = matches!(until, Until::Quote | Until::End | Until::Brace { quoted: true, .. });
        let mut parentheses = 0_usize;
        loop {
            let Some(c) = self.peek() else {
                return match until {
                    Until::Quote => Err(SyntaxError::Unclosed("\"")),
                    Until::Brace { .. } => Err(SyntaxError::Unclosed("}")),
                    Until::Arithmetic { .. } => Err(SyntaxError::Unclosed(")")),
                    Until::Word | Until::Pattern | Until::End => Ok(word.finish()),
                };
            };
            match until {
                Until::Word if self.rest().starts_with("<(") => {
                    self.at += 2;
                    let list = self.nested()?;
                    word.push(Part::Process(Arc::new(list)));
                    continue;
                }
                Until::Word if c.is_whitespace() || "|;&<>()".contains(c) => return Ok(word.finish()),
                Until::Pattern if c.is_whitespace() => return Ok(word.finish()),
                Until::Quote if c == '"' => {
                    self.at += 1;
                    word.quoted();
                    return Ok(word.finish());
                }
                Until::Brace { ends, .. } if ends.contains(c) => return Ok(word.finish()),
                Until::Arithmetic { semicolon } if parentheses == 0 && (self.rest().starts_with("))") || (semicolon && c == ';')) => {
                    return Ok(word.finish());
                }
                _ => {}
            }
            match c {
                '(' => parentheses += 1,
                ')' => parentheses = parentheses.saturating_sub(1),
                _ => {}
            }
            self.at += c.len_utf8();
            match c {
                '\\' => self.backslash(until, quoted, &mut word)?,
                '\'' if !quoted && !matches!(until, Until::Arithmetic { .. }) => word.quote(self.until("'")?),
                '"' if !quoted || matches!(until, Until::Brace { .. }) => {
                    let inner = self.parts(Until::Quote)?;
                    word.append(inner);
                }
                '$' => self.dollar(quoted, &mut word)?,
                '`' => word.push(self.backquotes(quoted)?),
                c if quoted => word.quote_char(c),
                c => word.bare(c),
            }
        }
    }

    fn backslash(&mut self, until: Until, quoted: bool, word: &mut Builder) -> Parsed<()> {
        let Some(next) = self.bump() else {
            return match until {
                Until::Word | Until::Pattern => Err(SyntaxError::UnexpectedEnd),
                _ => {
                    word.quote_char('\\');
                    Ok(())
                }
            };
        };
        match next {
            '\n' => {}
            c if !quoted => {
                // In a pattern of `=~` the backslash stays: it quotes for the regular expression.
                if until == Until::Pattern {
                    word.bare('\\');
                    word.bare(c);
                } else {
                    word.quote_char(c);
                }
            }
            c if "\\$`".contains(c) || (c == '"' && until != Until::End) || (c == '}' && matches!(until, Until::Brace { .. })) => {
                word.quote_char(c);
            }
            c => {
                word.quote_char('\\');
                word.quote_char(c);
            }
        }
        Ok(())
    }

    /// Everything up to `end`, which is taken too.
    fn until(&mut self, end: &'static str) -> Parsed<&str> {
        let length = self.rest().find(end).ok_or(SyntaxError::Unclosed(end))?;
        let start = self.at;
        self.at += length + end.len();
        Ok(&self.text[start..start + length])
    }

    /// Behind a `$`.
    fn dollar(&mut self, quoted: bool, word: &mut Builder) -> Parsed<()> {
        if self.rest().starts_with("((") {
            word.push(match self.arithmetic_or_subshell()? {
                Ok(expression) => Part::Arithmetic { expression, quoted },
                // `$((a) | b)`: the inner parentheses are a subshell's.
                Err(list) => Part::Output { list: Arc::new(list), quoted },
            });
        } else if self.take("(") {
            let list = self.nested()?;
            word.push(Part::Output { list: Arc::new(list), quoted });
        } else if self.take("{") {
            word.push(self.parameter(quoted)?);
        } else if !quoted && self.take("'") {
            word.quote(&self.ansi_quoted()?);
        } else if !quoted && self.take("\"") {
            let inner = self.parts(Until::Quote)?;
            word.append(inner);
        } else {
            match self.plain_name() {
                "" if quoted => word.quote_char('$'),
                "" => word.bare('$'),
                name => {
                    let name = name.to_owned();
                    self.at += name.len();
                    word.push(Part::Parameter { name, index: None, change: super::Change::None, quoted });
                }
            }
        }
        Ok(())
    }

    /// `X`, `1`, `?` and their like at the cursor.
    pub(super) fn plain_name(&self) -> &str {
        let rest = self.rest();
        match rest.chars().next() {
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(rest.len());
                &rest[..end]
            }
            Some(c) if c.is_ascii_digit() || "?!$#@*-".contains(c) => &rest[..1],
            _ => "",
        }
    }

    /// From `((` on: an expression up to `))`, or else commands in parentheses that begin with a subshell, up to their `)`.
    pub(super) fn arithmetic_or_subshell(&mut self) -> Parsed<Result<Word, List>> {
        let (start, here) = (self.at, self.here.len());
        self.at += 2;
        let error = match self.parts(Until::Arithmetic { semicolon: false }) {
            Ok(expression) => {
                self.at += 2;
                return Ok(Ok(expression));
            }
            Err(error) => error,
        };
        // Each doubles the work for what stands inside, so there are only a few.
        if self.second_tries == 0 {
            return Err(error);
        }
        self.second_tries -= 1;
        self.at = start + 1;
        self.here.truncate(here);
        self.nested().map(Err).map_err(|_| error)
    }

    /// Commands up to a `)`, which is taken too.
    pub(super) fn nested(&mut self) -> Parsed<List> {
        // Here-documents of the outer line begin behind its end, not within the parentheses.
        let outer = std::mem::take(&mut self.pending);
        let list = self.deeper(|cursor| cursor.list())?;
        if !self.pending.is_empty() && self.peek().is_some() {
            return Err(SyntaxError::Unsupported("here-documents whose text begins behind the parentheses they stand in"));
        }
        self.pending = outer;
        match self.peek() {
            Some(')') => {
                self.at += 1;
                Ok(list)
            }
            None => Err(SyntaxError::Unclosed(")")),
            Some(_) => Err(self.unexpected()),
        }
    }

    /// `` `...` ``, of which the opening was taken: read as a script of its own, without one level of backslashes.
    fn backquotes(&mut self, quoted: bool) -> Parsed<Part> {
        let mut inner = String::new();
        loop {
            match self.bump() {
                None => return Err(SyntaxError::Unclosed("`")),
                Some('`') => break,
                Some('\\') => match self.bump() {
                    Some(c) if "\\`$".contains(c) || (quoted && c == '"') => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => return Err(SyntaxError::Unclosed("`")),
                },
                Some(c) => inner.push(c),
            }
        }
        let list = super::command::parse_at(&inner, self.depth() + 1)?;
        Ok(Part::Output { list: Arc::new(list), quoted })
    }

    /// `$'...'`, of which the opening was taken.
    fn ansi_quoted(&mut self) -> Parsed<String> {
        let mut text = String::new();
        loop {
            match self.bump() {
                None => return Err(SyntaxError::Unclosed("'")),
                Some('\'') => return Ok(crate::shell::escapes::decode(&text).text),
                Some('\\') => {
                    let next = self.bump().ok_or(SyntaxError::Unclosed("'"))?;
                    match next {
                        '\'' | '"' => text.push(next),
                        c => text.extend(['\\', c]),
                    }
                }
                Some(c) => text.push(c),
            }
        }
    }
}

/// A word that is being read.
#[derive(Default)]
pub(super) struct Builder(Vec<Part>);

impl Builder {
    fn bare(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Bare(text)) => text.push(c),
            _ => self.0.push(Part::Bare(c.into())),
        }
    }

    fn quote_char(&mut self, c: char) {
        match self.0.last_mut() {
            Some(Part::Quoted(text)) => text.push(c),
            _ => self.0.push(Part::Quoted(c.into())),
        }
    }

    fn quote(&mut self, text: &str) {
        self.quoted();
        text.chars().for_each(|c| self.quote_char(c));
    }

    /// Nothing stands between the quotes: `""` is a word too. (But `"$@"` may be none.)
    fn quoted(&mut self) {
        if self.0.is_empty() {
            self.0.push(Part::Quoted(String::new()));
        }
    }

    fn push(&mut self, part: Part) {
        self.0.push(part);
    }

    fn append(&mut self, word: Word) {
        self.0.extend(word.0);
    }

    fn finish(self) -> Word {
        Word(self.0)
    }
}
