//! Parameters: `$X`, `$1`, `$@`, `$?`, and what `${X...}` makes of them.

use super::field::Fields;
use super::{Expanded, Expansion, Stop, glob};
use crate::shell::syntax::{Change, Index, Unset, Word, is_name};

/// Values up to this length are compared with patterns.
const PATTERN_BYTES: usize = 4 << 10;

impl Expansion<'_> {
    pub(super) fn parameter(
        &mut self,
        name: &str,
        index: Option<&Index>,
        change: &Change,
        quoted: bool,
        fields: &mut Fields,
    ) -> Expanded<()> {
        let value = match index {
            None => self.value(name),
            Some(Index::At(key)) => self.element(name, key)?,
            Some(index) => return self.elements(name, index, change, quoted, fields),
        };
        if (name == "@" || name == "*") && matches!(change, Change::None) {
            return self.arguments(name, quoted, fields);
        }
        if (name == "@" || name == "*") && !matches!(change, Change::Length | Change::Unset { .. }) {
            // `${@:0}` begins with `$0`.
            let whole = matches!(change, Change::Substring { .. }).then(|| self.state.name.to_string());
            let values = whole.into_iter().chain(self.state.args.iter().cloned()).collect();
            return self.listed(name, (Vec::new(), values), name == "*", change, quoted, fields);
        }
        let changed = match change {
            Change::Length if name == "@" || name == "*" => self.state.args.len().to_string(),
            Change::Unset { or_empty, then, word } => {
                let missing = value.as_ref().is_none_or(|value| *or_empty && value.is_empty());
                return self.unset(name, value.unwrap_or_default(), missing, *then, word, quoted, fields);
            }
            change => self.change(name, value, change)?,
        };
        self.put(&changed, quoted, fields)
    }

    /// What a change makes of one value.
    pub(super) fn change(&mut self, name: &str, value: Option<String>, change: &Change) -> Expanded<String> {
        Ok(match change {
            Change::None | Change::Unset { .. } => self.bound(name, value)?,
            Change::Length => self.bound(name, value)?.chars().count().to_string(),
            Change::Bang => {
                let named = self.bound(name, value)?;
                let value = self.value(&named);
                self.bound(&named, value)?
            }
            Change::Prefix { longest, pattern } => {
                let (value, pattern) = self.with_pattern(name, value, pattern)?;
                let cut = glob::prefix(&pattern, &value, *longest).unwrap_or(0);
                value[cut..].to_owned()
            }
            Change::Suffix { longest, pattern } => {
                let (value, pattern) = self.with_pattern(name, value, pattern)?;
                let cut = glob::suffix(&pattern, &value, *longest).unwrap_or(value.len());
                value[..cut].to_owned()
            }
            Change::Replace { all, pattern, with } => {
                let (value, pattern) = self.with_pattern(name, value, pattern)?;
                let with = self.text(with)?;
                replace(&value, &pattern, &with, *all)
            }
            Change::Substring { offset, length } => {
                let value = self.bound(name, value)?;
                let offset = self.number(offset)?;
                let length = length.as_ref().map(|length| self.number(length)).transpose()?;
                substring(&value, offset, length).map_err(|length| Stop::Error(format!("{length}: substring expression < 0")))?
            }
            Change::Letters { upper, all } => letters(&self.bound(name, value)?, *upper, *all),
        })
    }

    /// `$@`, `$*`
    fn arguments(&mut self, name: &str, quoted: bool, fields: &mut Fields) -> Expanded<()> {
        let args = self.state.args.clone();
        self.all(&args, name == "*", quoted, fields)
    }

    /// Several values; `joined`: as `$*` does it.
    pub(super) fn all(&mut self, args: &[String], joined: bool, quoted: bool, fields: &mut Fields) -> Expanded<()> {
        if quoted && (joined || !fields.is_split()) {
            let separator = self.state.field_separators().chars().next().filter(|_| joined);
            let separator = separator.map_or(if joined { String::new() } else { " ".into() }, String::from);
            return self.put(&args.join(&separator), true, fields);
        }
        for (n, arg) in args.iter().enumerate() {
            if n > 0 {
                fields.next();
            }
            self.put(arg, quoted, fields)?;
        }
        Ok(())
    }

    /// A parameter's value, if it has one.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        if is_name(name) {
            let value = self.state.get(name).map(str::to_owned);
            return value.or_else(|| match name {
                "RANDOM" => Some((self.random % 32_768).to_string()),
                "SECONDS" => Some(self.seconds.to_string()),
                _ => None,
            });
        }
        match name {
            "?" => Some(self.state.status.to_string()),
            "$" => Some(self.state.pid.to_string()),
            "!" => self.state.last_background.map(|pid| pid.to_string()),
            "#" => Some(self.state.args.len().to_string()),
            "-" => Some("himBHs".into()),
            "0" => Some(self.state.name.to_string()),
            "@" | "*" => (!self.state.args.is_empty()).then(|| self.state.args.join(" ")),
            number => number.parse::<usize>().ok().and_then(|n| self.state.args.get(n.checked_sub(1)?).cloned()),
        }
    }

    pub(super) fn bound(&self, name: &str, value: Option<String>) -> Expanded<String> {
        match value {
            Some(value) => Ok(value),
            None if self.state.options.nounset => Err(Stop::Error(format!("{name}: unbound variable"))),
            None => Ok(String::new()),
        }
    }

    #[allow(clippy::too_many_arguments)] // What `${X:-word}` says, piece by piece.
    pub(super) fn unset(
        &mut self,
        name: &str,
        value: String,
        missing: bool,
        then: Unset,
        word: &Word,
        quoted: bool,
        fields: &mut Fields,
    ) -> Expanded<()> {
        match (then, missing) {
            (Unset::Instead, true) => Ok(()),
            (Unset::Instead, false) | (Unset::Use, true) => self.inner(word, quoted, fields),
            (Unset::Assign, true) => {
                if !is_name(name) {
                    return Err(Stop::Error(format!("${name}: cannot assign in this way")));
                }
                let text = self.text(word)?;
                self.state.set(name, &text).map_err(Stop::Error)?;
                self.put(&text, quoted, fields)
            }
            (Unset::Fail, true) => {
                let text = self.text(word)?;
                Err(Stop::Error(format!("{name}: {}", if text.is_empty() { "parameter null or not set" } else { &text })))
            }
            (_, false) => self.put(&value, quoted, fields),
        }
    }

    /// The word of `${X:-word}`: its own quotes count.
    fn inner(&mut self, word: &Word, quoted: bool, fields: &mut Fields) -> Expanded<()> {
        if quoted {
            let text = self.text(word)?;
            return self.put(&text, true, fields);
        }
        for part in &word.0 {
            match part {
                crate::shell::syntax::Part::Bare(text) => self.put(text, false, fields)?,
                other => self.add_fields(&Word(vec![other.clone()]), fields)?,
            }
        }
        Ok(())
    }

    fn with_pattern(&mut self, name: &str, value: Option<String>, pattern: &Word) -> Expanded<(String, String)> {
        let value = self.bound(name, value)?;
        let pattern = self.pattern(pattern)?;
        if value.len() > PATTERN_BYTES && glob::is_pattern(&pattern) || pattern.len() > PATTERN_BYTES {
            return Err(Stop::Error(format!("{name}: a value of more than {PATTERN_BYTES} bytes is not compared with patterns here")));
        }
        Ok((value, pattern))
    }
}

fn replace(value: &str, pattern: &str, with: &str, all: bool) -> String {
    // `#` and `%` in front hold the pattern to the value's beginning or end.
    if let Some(pattern) = pattern.strip_prefix('#').filter(|_| !all) {
        return match glob::prefix(pattern, value, true) {
            Some(end) => format!("{with}{}", &value[end..]),
            None => value.to_owned(),
        };
    }
    if let Some(pattern) = pattern.strip_prefix('%').filter(|_| !all) {
        return match glob::suffix(pattern, value, true) {
            Some(start) => format!("{}{with}", &value[..start]),
            None => value.to_owned(),
        };
    }
    if pattern.is_empty() {
        return value.to_owned();
    }
    if !glob::is_pattern(pattern) {
        let plain = unescape(pattern);
        return if all { value.replace(&plain, with) } else { value.replacen(&plain, with, 1) };
    }
    let mut result = String::new();
    let mut rest = value;
    let (mut left, is_open) = (MOST_TRIES, glob::is_open(pattern));
    while let Some(c) = rest.chars().next() {
        left = left.saturating_sub(if is_open { rest.len() * rest.len() } else { 1 });
        let found = if left > 0 { glob::prefix(pattern, rest, true).filter(|end| *end > 0) } else { None };
        match found {
            Some(end) => {
                result += with;
                rest = &rest[end..];
                if !all {
                    break;
                }
            }
            None => {
                result.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    result + rest
}

/// So many ends are tried for one `${X//pattern/with}`; what comes behind stays as it is.
const MOST_TRIES: usize = 1 << 26;

fn unescape(pattern: &str) -> String {
    let mut chars = pattern.chars();
    let mut text = String::new();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    text
}

/// # Errors
/// A length that ends before the offset.
fn substring(value: &str, offset: i64, length: Option<i64>) -> Result<String, i64> {
    let chars: Vec<char> = value.chars().collect();
    let count = chars.len() as i64;
    let start = if offset < 0 { count.saturating_add(offset) } else { offset };
    if start < 0 || start > count {
        return Ok(String::new());
    }
    let end = match length {
        None => count,
        Some(length) if length < 0 => {
            let end = count.saturating_add(length);
            if end < start {
                return Err(length);
            }
            end
        }
        Some(length) => start.saturating_add(length).min(count),
    };
    Ok(chars[start as usize..end as usize].iter().collect())
}

fn letters(value: &str, upper: bool, all: bool) -> String {
    let change = |c: char| if upper { c.to_uppercase().collect::<String>() } else { c.to_lowercase().collect() };
    value.chars().enumerate().map(|(n, c)| if all || n == 0 { change(c) } else { c.to_string() }).collect()
}
