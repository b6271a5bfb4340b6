//! Fields: what the parts of a word add up to, split where unquoted values hold separators.

use super::glob;

/// A word after expansion.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub text: String,
    /// The text as a pattern, with `\` in front of what was quoted.
    pub pattern: String,
    /// Whether names of files may stand for it.
    pub is_pattern: bool,
}

/// Fields that are being put together.
pub(super) struct Fields {
    done: Vec<Field>,
    current: Option<Field>,
    /// `None`: nothing is split.
    separators: Option<String>,
}

impl Fields {
    pub(super) fn new(separators: &str) -> Fields {
        Fields { done: Vec::new(), current: None, separators: Some(separators.to_owned()) }
    }

    /// All in one field.
    pub(super) fn whole() -> Fields {
        Fields { done: Vec::new(), current: Some(Field::default()), separators: None }
    }

    pub(super) fn quoted(&mut self, text: &str) {
        let field = self.current.get_or_insert_default();
        field.text += text;
        field.pattern += &glob::escape(text);
    }

    pub(super) fn bare(&mut self, text: &str) {
        let field = self.current.get_or_insert_default();
        field.text += text;
        field.pattern += text;
        field.is_pattern |= text.contains(['*', '?', '[']);
    }

    /// An unquoted value: separators in it end fields.
    pub(super) fn split(&mut self, value: &str) {
        let Some(separators) = self.separators.clone() else { return self.bare(value) };
        let is_blank = |c: char| c.is_whitespace() && separators.contains(c);
        let mut rest = value;
        while !rest.is_empty() {
            let end = rest.find(|c| separators.contains(c)).unwrap_or(rest.len());
            if end > 0 {
                self.bare(&rest[..end]);
            }
            rest = &rest[end..];
            if rest.is_empty() {
                return;
            }
            // Spaces around one other separator belong to it.
            let after = rest.trim_start_matches(is_blank);
            let after = match after.chars().next() {
                Some(c) if separators.contains(c) => {
                    self.current.get_or_insert_default();
                    after[c.len_utf8()..].trim_start_matches(is_blank)
                }
                _ => after,
            };
            self.next();
            rest = after;
        }
    }

    /// Ends the field at hand, if there is one.
    pub(super) fn next(&mut self) {
        self.done.extend(self.current.take());
    }

    pub(super) fn is_split(&self) -> bool {
        self.separators.is_some()
    }

    pub(super) fn finish(mut self) -> Vec<Field> {
        self.next();
        self.done
    }
}
