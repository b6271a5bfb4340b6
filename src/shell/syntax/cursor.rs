//! Where the reader stands in a script, and the small steps it takes.

use super::{MAX_DEPTH, SyntaxError, Target, Word};

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// A reader of a script.
pub(super) struct Cursor<'a> {
    pub text: &'a str,
    pub at: usize,
    depth: usize,
    /// Here-documents whose text begins after the next line break.
    pub pending: Vec<Pending>,
    /// The texts of here-documents, by the number that [`Target::Text`] holds until the script was read.
    pub here: Vec<Word>,
    /// Where the first words of simple commands stand, for aliases.
    pub commands: Vec<(usize, usize)>,
    /// So often a `((` that is no arithmetic may still be read as parentheses within parentheses.
    pub second_tries: u8,
}

/// A here-document that was announced.
pub(super) struct Pending {
    pub delimiter: String,
    /// Nothing is expanded in it.
    pub literal: bool,
    /// `<<-`: tabs in front are dropped.
    pub strip: bool,
    pub slot: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, depth: usize) -> Cursor<'a> {
        Cursor { text, at: 0, depth, pending: Vec::new(), here: Vec::new(), commands: Vec::new(), second_tries: 8 }
    }

    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        self.at += if found { text.len() } else { 0 };
        found
    }

    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Runs `inner` one level deeper.
    pub(super) fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= MAX_DEPTH {
            return Err(SyntaxError::TooDeep);
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Skips spaces, comments and joined lines, up to the line's end.
    pub(super) fn blanks(&mut self) {
        loop {
            match self.peek() {
                Some(' ' | '\t' | '\r') => self.at += 1,
                Some('\\') if self.rest().starts_with("\\\n") => self.at += 2,
                Some('#') => self.at += self.rest().find('\n').unwrap_or(self.rest().len()),
                Some(c) if c.is_whitespace() && c != '\n' => self.at += c.len_utf8(),
                _ => return,
            }
        }
    }

    /// Skips line breaks too, and reads the here-documents that begin there.
    pub(super) fn line_breaks(&mut self) -> Parsed<()> {
        loop {
            self.blanks();
            if !self.take("\n") {
                return Ok(());
            }
            self.here_documents()?;
        }
    }

    pub(super) fn here_documents(&mut self) -> Parsed<()> {
        for Pending { delimiter, literal, strip, slot } in std::mem::take(&mut self.pending) {
            let mut text = String::new();
            loop {
                if self.rest().is_empty() {
                    return Err(SyntaxError::HereDocument(delimiter));
                }
                let end = self.rest().find('\n').unwrap_or(self.rest().len());
                let line = &self.rest()[..end];
                self.at += (end + 1).min(self.rest().len());
                let line = if strip { line.trim_start_matches('\t') } else { line };
                if line == delimiter {
                    break;
                }
                text += line;
                text.push('\n');
            }
            self.here[slot] = if literal { Word::text(text) } else { Cursor::new(&text, self.depth + 1).here_text()? };
        }
        Ok(())
    }

    /// The next word, if it stands there without quotes and expansions; it is not taken.
    pub(super) fn peek_word(&self) -> &'a str {
        let end = self.rest().find(|c: char| c.is_whitespace() || "|;&<>()$`'\"\\".contains(c)).unwrap_or(self.rest().len());
        match self.rest()[end..].chars().next() {
            Some('$' | '`' | '\'' | '"' | '\\') => "",
            _ => &self.rest()[..end],
        }
    }

    /// Takes a reserved word, if it stands there.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == word;
        self.at += if found { word.len() } else { 0 };
        found
    }

    /// Takes a reserved word that must follow.
    pub(super) fn expect_word(&mut self, word: &str) -> Parsed<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// What is wrong about the token that stands here.
    pub(super) fn unexpected(&self) -> SyntaxError {
        const OPERATORS: &[&str] = &[";;", "&&", "||", "<<", ">>", ";", "&", "|", "(", ")", "<", ">"];
        match self.peek() {
            None => SyntaxError::UnexpectedEnd,
            Some('\n') => SyntaxError::Unexpected("newline".into()),
            Some(c) => {
                let operator = OPERATORS.iter().find(|operator| self.rest().starts_with(**operator));
                let token = operator.map_or_else(|| self.peek_word(), |operator| *operator);
                SyntaxError::Unexpected(if token.is_empty() { c.to_string() } else { token.to_owned() })
            }
        }
    }

    /// A place for a here-document's text, read later.
    pub(super) fn reserve(&mut self, delimiter: String, literal: bool, strip: bool) -> Target {
        let slot = self.here.len();
        self.here.push(Word::default());
        self.pending.push(Pending { delimiter, literal, strip, slot });
        // Until the text is known, the place says which one it is.
        Target::Text(Word(vec![super::Part::Bare(slot.to_string())]))
    }
}
