//! JSON values: read, written, put in order as jq does.

use std::cmp::Ordering;
use std::fmt::Write;
use std::sync::Arc;

/// A value. Objects keep the order of their keys.
#[derive(Clone, Debug)]
pub(super) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(Arc<str>),
    /// With how many values stand within each other in it.
    Array(Arc<Vec<Json>>, u16),
    Object(Arc<Vec<(Arc<str>, Json)>>, u16),
}

/// Values may be nested so deeply.
const MAX_DEPTH: usize = 100;

impl Json {
    pub(super) fn text(text: impl Into<Arc<str>>) -> Json {
        Json::Text(text.into())
    }

    pub(super) fn array(items: Vec<Json>) -> Json {
        let depth = items.iter().map(Json::depth).max().unwrap_or(0).saturating_add(1);
        Json::Array(Arc::new(items), depth)
    }

    pub(super) fn object(entries: Vec<(Arc<str>, Json)>) -> Json {
        let depth = entries.iter().map(|(_, value)| value.depth()).max().unwrap_or(0).saturating_add(1);
        Json::Object(Arc::new(entries), depth)
    }

    /// How many values stand within each other.
    pub(super) fn depth(&self) -> u16 {
        match self {
            Json::Array(_, depth) | Json::Object(_, depth) => *depth,
            _ => 0,
        }
    }

    pub(super) fn is_true(&self) -> bool {
        !matches!(self, Json::Null | Json::Bool(false))
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "boolean",
            Json::Number(_) => "number",
            Json::Text(_) => "string",
            Json::Array(_, _) => "array",
            Json::Object(_, _) => "object",
        }
    }

    /// jq's order: null, false, true, numbers, strings, arrays, objects.
    pub(super) fn compare(&self, other: &Json) -> Ordering {
        let rank = |json: &Json| match json {
            Json::Null => 0,
            Json::Bool(false) => 1,
            Json::Bool(true) => 2,
            Json::Number(_) => 3,
            Json::Text(_) => 4,
            Json::Array(_, _) => 5,
            Json::Object(_, _) => 6,
        };
        match (self, other) {
            (Json::Number(a), Json::Number(b)) => a.partial_cmp(b).unwrap_or(Ordering::Less),
            (Json::Text(a), Json::Text(b)) => a.cmp(b),
            (Json::Array(a, _), Json::Array(b, _)) => {
                let different = a.iter().zip(b.iter()).map(|(a, b)| a.compare(b)).find(|order| *order != Ordering::Equal);
                different.unwrap_or_else(|| a.len().cmp(&b.len()))
            }
            (Json::Object(a, _), Json::Object(b, _)) => {
                let sorted = |entries: &Vec<(Arc<str>, Json)>| {
                    let mut entries = entries.clone();
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                    entries
                };
                let (a, b) = (sorted(a), sorted(b));
                let keys = a.iter().map(|entry| &entry.0).cmp(b.iter().map(|entry| &entry.0));
                let values = || a.iter().zip(&b).map(|(a, b)| a.1.compare(&b.1)).find(|order| *order != Ordering::Equal);
                keys.then_with(|| values().unwrap_or(Ordering::Equal))
            }
            (a, b) => rank(a).cmp(&rank(b)),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Json> {
        match self {
            Json::Object(entries, _) => entries.iter().find(|(found, _)| **found == *key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// On one line.
    pub(super) fn compact(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None, false, 0);
        text
    }

    /// Over several lines, with this indentation.
    pub(super) fn pretty(&self, indent: &str, sorted: bool) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(indent), sorted, 0);
        text
    }

    pub(super) fn sorted(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None, true, 0);
        text
    }

    fn write(&self, into: &mut String, indent: Option<&str>, sorted: bool, level: usize) {
        let line = |into: &mut String, level: usize| {
            if let Some(indent) = indent {
                into.push('\n');
                (0..level).for_each(|_| into.push_str(indent));
            }
        };
        match self {
            Json::Null => into.push_str("null"),
            Json::Bool(value) => into.push_str(if *value { "true" } else { "false" }),
            Json::Number(value) => into.push_str(&number(*value)),
            Json::Text(text) => quote(text, into),
            Json::Array(items, _) if items.is_empty() => into.push_str("[]"),
            Json::Array(items, _) => {
                for (n, item) in items.iter().enumerate() {
                    into.push(if n == 0 { '[' } else { ',' });
                    line(into, level + 1);
                    item.write(into, indent, sorted, level + 1);
                }
                line(into, level);
                into.push(']');
            }
            Json::Object(entries, _) if entries.is_empty() => into.push_str("{}"),
            Json::Object(entries, _) => {
                let mut entries: Vec<&(Arc<str>, Json)> = entries.iter().collect();
                if sorted {
                    entries.sort_by(|a, b| a.0.cmp(&b.0));
                }
                for (n, (key, value)) in entries.into_iter().enumerate() {
                    into.push(if n == 0 { '{' } else { ',' });
                    line(into, level + 1);
                    quote(key, into);
                    into.push_str(if indent.is_some() { ": " } else { ":" });
                    value.write(into, indent, sorted, level + 1);
                }
                line(into, level);
                into.push('}');
            }
        }
    }
}

/// Whole numbers as they are, others as short as they can be.
pub(super) fn number(value: f64) -> String {
    if value.is_nan() {
        return "null".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "1.7976931348623157e+308".into() } else { "-1.7976931348623157e+308".into() };
    }
    if value.fract() == 0.0 && value.abs() < 1e17 {
        return if value == 0.0 && value.is_sign_negative() { "-0".into() } else { format!("{}", value as i64) };
    }
    if value.abs() >= 1e17 || value.abs() < 1e-5 {
        let text = format!("{value:e}");
        let (mantissa, power) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = power.strip_prefix('-').map_or(('+', power), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    format!("{value}")
}

fn quote(text: &str, into: &mut String) {
    into.push('"');
    for c in text.chars() {
        match c {
            '"' => into.push_str("\\\""),
            '\\' => into.push_str("\\\\"),
            '\n' => into.push_str("\\n"),
            '\t' => into.push_str("\\t"),
            '\r' => into.push_str("\\r"),
            '\u{8}' => into.push_str("\\b"),
            '\u{c}' => into.push_str("\\f"),
            c if (c as u32) < 0x20 || c == '\u{7f}' => {
                // Writing to a string cannot fail.
                let _ = write!(into, "\\u{:04x}", c as u32);
            }
            c => into.push(c),
        }
    }
    into.push('"');
}

/// The values in a text, one after the other.
///
/// # Errors
/// What is wrong with one of them, after those in front of it.
pub(super) fn read_all(text: &str) -> (Vec<Json>, Option<String>) {
    let mut reader = Reader { text, at: 0 };
    let mut found = Vec::new();
    loop {
        reader.blanks();
        if reader.at == text.len() {
            return (found, None);
        }
        match reader.value(0) {
            Ok(value) => found.push(value),
            Err(said) => return (found, Some(said)),
        }
    }
}

/// One value.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read_one(text: &str) -> Result<Json, String> {
    let (mut found, wrong) = read_all(text);
    match (found.len(), wrong) {
        (1, None) => Ok(found.remove(0)),
        (_, Some(said)) => Err(said),
        (0, None) => Err("Expected JSON value".into()),
        (_, None) => Err("Unexpected extra JSON values".into()),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.text[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, token: &str) -> bool {
        self.blanks();
        let found = self.rest().starts_with(token);
        self.at += if found { token.len() } else { 0 };
        found
    }

    fn wrong(&self, what: &str) -> String {
        let before = &self.text[..self.at];
        let line = before.matches('\n').count() + 1;
        let column = before.len() - before.rfind('\n').map_or(0, |at| at + 1) + 1;
        format!("{what} at line {line}, column {column}")
    }

    fn value(&mut self, depth: usize) -> Result<Json, String> {
        if depth > MAX_DEPTH {
            return Err(self.wrong("Exceeds depth limit for parsing"));
        }
        for (word, value) in [
            ("null", Json::Null),
            ("true", Json::Bool(true)),
            ("false", Json::Bool(false)),
            ("NaN", Json::Number(f64::NAN)),
            ("nan", Json::Number(f64::NAN)),
        ] {
            if self.take(word) {
                return Ok(value);
            }
        }
        if self.take("[") {
            let mut items = Vec::new();
            if self.take("]") {
                return Ok(Json::array(items));
            }
            loop {
                items.push(self.value(depth + 1)?);
                if self.take("]") {
                    return Ok(Json::array(items));
                }
                if !self.take(",") {
                    return Err(self.wrong("Expected separator between values"));
                }
            }
        }
        if self.take("{") {
            let mut entries: Vec<(Arc<str>, Json)> = Vec::new();
            if self.take("}") {
                return Ok(Json::object(entries));
            }
            loop {
                self.blanks();
                let key: Arc<str> = self.string()?.into();
                if !self.take(":") {
                    return Err(self.wrong("Objects must consist of key:value pairs"));
                }
                let value = self.value(depth + 1)?;
                match entries.iter_mut().find(|(found, _)| *found == key) {
                    Some((_, old)) => *old = value,
                    None => entries.push((key, value)),
                }
                if self.take("}") {
                    return Ok(Json::object(entries));
                }
                if !self.take(",") {
                    return Err(self.wrong("Expected separator between values"));
                }
            }
        }
        if self.rest().starts_with('"') {
            return Ok(Json::text(self.string()?));
        }
        let end = self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c))).unwrap_or(self.rest().len());
        let token = &self.rest()[..end];
        let number = token.parse::<f64>().ok().filter(|_| token.starts_with(|c: char| c.is_ascii_digit() || c == '-'));
        let Some(number) = number else { return Err(self.wrong("Invalid literal")) };
        self.at += end;
        Ok(Json::Number(number))
    }

    fn string(&mut self) -> Result<String, String> {
        if !self.rest().starts_with('"') {
            return Err(self.wrong("Object keys must be strings"));
        }
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.rest().chars().next() else { return Err(self.wrong("Unfinished string")) };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(text),
                '\\' => {
                    let Some(c) = self.rest().chars().next() else { return Err(self.wrong("Unfinished string")) };
                    self.at += c.len_utf8();
                    match c {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'b' => text.push('\u{8}'),
                        'f' => text.push('\u{c}'),
                        'u' => {
                            let first = self.hex()?;
                            let is_high = (0xd800..0xdc00).contains(&first);
                            let code = if is_high && self.rest().starts_with("\\u") {
                                self.at += 2;
                                let second = self.hex()?;
                                0x10000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff)
                            } else {
                                first
                            };
                            text.push(char::from_u32(code).unwrap_or('\u{fffd}'));
                        }
                        '"' | '\\' | '/' => text.push(c),
                        _ => return Err(self.wrong("Invalid escape")),
                    }
                }
                c => text.push(c),
            }
        }
    }

    fn hex(&mut self) -> Result<u32, String> {
        let code = self.rest().get(..4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let Some(code) = code else { return Err(self.wrong("Invalid escape")) };
        self.at += 4;
        Ok(code)
    }
}
