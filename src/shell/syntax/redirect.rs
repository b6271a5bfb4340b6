//! Redirections: `<f >f 2>>f 2>&1 &>f <<EOF <<<word`.

use super::cursor::{Cursor, Parsed};
use super::{Part, Redirect, SyntaxError, Target};

impl Cursor<'_> {
    /// The redirection that stands here, if one does.
    pub(super) fn redirect(&mut self) -> Parsed<Option<Redirect>> {
        let start = self.at;
        if self.rest().starts_with("&>") {
            self.at += 2;
            let append = self.take(">");
            let path = self.path()?;
            return Ok(Some(Redirect { stream: 1, target: Target::WriteBoth { path, append } }));
        }
        if self.rest().starts_with("<(") {
            return Ok(None);
        }
        let digits = self.rest().len() - self.rest().trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number = &self.rest()[..digits];
        if !self.rest()[digits..].starts_with(['<', '>']) {
            return Ok(None);
        }
        self.at += digits;
        let reads = self.peek() == Some('<');
        let stream = match number {
            "" if reads => 0,
            "" => 1,
            "0" => 0,
            "1" => 1,
            "2" => 2,
            _ => {
                self.at = start;
                return Err(SyntaxError::Unsupported("streams but 0, 1 and 2"));
            }
        };
        let target = if self.take("<<<") {
            let word = self.path()?;
            let mut parts = word.0;
            parts.push(Part::Quoted("\n".into()));
            Target::Text(super::Word(parts))
        } else if self.take("<<") {
            let strip = self.take("-");
            self.here_document(strip)?
        } else if self.rest().starts_with(">(") {
            return Err(SyntaxError::Unsupported(">(...): cmd | tee >(other) can be cmd | tee file; other < file"));
        } else if self.rest().starts_with("<>") {
            return Err(SyntaxError::Unsupported("<>"));
        } else if self.take("<&") || self.take(">&") {
            return self.same(stream, start).map(Some);
        } else if self.take("<") {
            Target::Read(self.path()?)
        } else if self.take(">>") {
            Target::Write { path: self.path()?, append: true }
        } else {
            self.at += 1;
            self.take("|");
            Target::Write { path: self.path()?, append: false }
        };
        Ok(Some(Redirect { stream, target }))
    }

    /// Behind `>&`.
    fn same(&mut self, stream: u8, start: usize) -> Parsed<Redirect> {
        self.blanks();
        let target = match self.peek_word() {
            "-" => Target::Nowhere,
            "0" => Target::Same(0),
            "1" => Target::Same(1),
            "2" => Target::Same(2),
            // `>&file` is `&>file`.
            _ if self.text[start..].starts_with('>') => {
                return Ok(Redirect { stream: 1, target: Target::WriteBoth { path: self.path()?, append: false } });
            }
            _ => return Err(SyntaxError::Unsupported("streams but 0, 1 and 2")),
        };
        self.at += 1;
        Ok(Redirect { stream, target })
    }

    /// The word that a redirection needs.
    fn path(&mut self) -> Parsed<super::Word> {
        self.blanks();
        match self.peek() {
            Some(c) if self.rest().starts_with("<(") || (!c.is_whitespace() && !"|;&<>()".contains(c)) => self.word(),
            // A line that ends here never becomes whole.
            _ => Err(match self.unexpected() {
                SyntaxError::UnexpectedEnd => SyntaxError::Unexpected("newline".into()),
                other => other,
            }),
        }
    }

    /// Behind `<<`.
    fn here_document(&mut self, strip: bool) -> Parsed<Target> {
        let (mut delimiter, mut literal) = (String::new(), false);
        for part in self.path()?.0 {
            match part {
                Part::Bare(text) => delimiter += &text,
                Part::Quoted(text) => {
                    literal = true;
                    delimiter += &text;
                }
                _ => return Err(SyntaxError::Unsupported("expansions in a here-document's delimiter")),
            }
        }
        Ok(self.reserve(delimiter, literal, strip))
    }
}
