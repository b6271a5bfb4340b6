//! JSON as Jackson reads and writes it: what is wrong with a text is said in its words, with its line and column; a map is written in the
//! order of Java's hash map.

use serde_json::Value;

use super::exception::Exception;
use super::hash;
use crate::kafka::records::murmur2::java_string_hash;

/// What Jackson says of the place (the text itself is never shown).
const SOURCE: &str = "[Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)";
/// Deeper than this is refused, as by Jackson (`StreamReadConstraints.DEFAULT_MAX_DEPTH`).
const MAX_DEPTH: usize = 1_000;

/// Reads a text (`Json.tryParseFull`).
///
/// # Errors
/// `JsonParseException`.
pub fn parse(text: &str) -> Result<Value, Exception> {
    if text.is_empty() {
        return Err(Exception::new(PARSE, "The input string shouldn't be empty"));
    }
    let chars: Vec<char> = text.chars().collect();
    Checker { chars: &chars, at: 0, starts: Vec::new() }.document()?;
    // What passed the check above and is refused here is a number that no Java number takes.
    serde_json::from_str(text).map_err(|error| Exception::new(PARSE, error.to_string()))
}

/// A field that must be there (`JsonObject.apply`).
///
/// # Errors
/// `JsonMappingException`.
pub fn field<'a>(object: &'a Value, name: &str) -> Result<&'a Value, Exception> {
    as_object(object)?.get(name).ok_or_else(|| mapping(format!("No such field exists: `{name}`")))
}

/// # Errors
/// `JsonMappingException` if it is none.
pub fn as_object(value: &Value) -> Result<&serde_json::Map<String, Value>, Exception> {
    value.as_object().ok_or_else(|| mapping(format!("Expected JSON object, received {value}")))
}

/// # Errors
/// `JsonMappingException` if it is none.
pub fn as_array(value: &Value) -> Result<&Vec<Value>, Exception> {
    value.as_array().ok_or_else(|| mapping(format!("Expected JSON array, received {value}")))
}

/// # Errors
/// `JsonMappingException` if it is none.
pub fn as_int(value: &Value) -> Result<i32, Exception> {
    let number = value.as_i64().and_then(|number| i32::try_from(number).ok());
    number.ok_or_else(|| mapping(format!("Expected `Integer` value, received {value}")))
}

/// # Errors
/// `JsonMappingException` if it is none.
pub fn as_text(value: &Value) -> Result<&str, Exception> {
    value.as_str().ok_or_else(|| mapping(format!("Expected `String` value, received {value}")))
}

/// A `HashMap` of these fields, as it is written.
pub fn object(fields: &[(&str, String)]) -> String {
    let ordered = hash::order(fields.iter(), 16, |(name, _)| java_string_hash(name));
    let fields: Vec<String> = ordered.into_iter().map(|(name, value)| format!("\"{name}\":{value}")).collect();
    format!("{{{}}}", fields.join(","))
}

/// A list of what is JSON already.
pub fn array(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(","))
}

/// A string with its quotes and escapes.
pub fn text(text: &str) -> String {
    Value::from(text).to_string()
}

const PARSE: &str = "com.fasterxml.jackson.core.JsonParseException";

fn mapping(message: String) -> Exception {
    Exception::new("com.fasterxml.jackson.databind.JsonMappingException", message)
}

/// Goes over a text and stops where Jackson would (`ReaderBasedJsonParser`).
struct Checker<'a> {
    chars: &'a [char],
    at: usize,
    /// Where the objects and arrays begin in which it is.
    starts: Vec<(char, usize)>,
}

impl Checker<'_> {
    fn document(&mut self) -> Result<(), Exception> {
        self.blank();
        self.value()
    }

    fn value(&mut self) -> Result<(), Exception> {
        match self.peek() {
            None => Err(self.end_within()),
            Some('{') => self.nested('{'),
            Some('[') => self.nested('['),
            Some('"') => self.string(),
            Some(c) if c == '-' || c.is_ascii_digit() => {
                let number = |c: char| c.is_ascii_digit() || "+-.eE".contains(c);
                while self.peek().is_some_and(number) {
                    self.at += 1;
                }
                Ok(())
            }
            Some(c) if c.is_alphanumeric() => self.word(),
            Some(c) => {
                let wanted = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')";
                Err(self.unexpected(c, wanted))
            }
        }
    }

    fn nested(&mut self, open: char) -> Result<(), Exception> {
        if self.starts.len() >= MAX_DEPTH {
            let message = format!("Document nesting depth ({}) exceeds the maximum allowed ({MAX_DEPTH})", MAX_DEPTH + 1);
            return Err(Exception::new("com.fasterxml.jackson.core.exc.StreamConstraintsException", message));
        }
        self.starts.push((open, self.at));
        self.at += 1;
        let close = if open == '{' { '}' } else { ']' };
        self.blank();
        if self.peek() == Some(close) {
            return self.close();
        }
        loop {
            if open == '{' {
                self.name()?;
            }
            self.value()?;
            self.blank();
            match self.peek() {
                None => return Err(self.end_unclosed()),
                Some(c) if c == close => return self.close(),
                Some(',') => self.at += 1,
                Some(c) => return Err(self.unexpected(c, &format!("was expecting comma to separate {} entries", kind(open)))),
            }
            self.blank();
            if self.peek().is_none() {
                return Err(self.end_within());
            }
        }
    }

    fn close(&mut self) -> Result<(), Exception> {
        self.starts.pop();
        self.at += 1;
        Ok(())
    }

    fn name(&mut self) -> Result<(), Exception> {
        match self.peek() {
            None => return Err(self.end_unclosed()),
            Some('"') => self.string()?,
            Some(c) => return Err(self.unexpected(c, "was expecting double-quote to start field name")),
        }
        self.blank();
        match self.peek() {
            None => return Err(self.end_within()),
            Some(':') => self.at += 1,
            Some(c) => return Err(self.unexpected(c, "was expecting a colon to separate field name and value")),
        }
        self.blank();
        Ok(())
    }

    fn string(&mut self) -> Result<(), Exception> {
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(self.error("Unexpected end-of-input: was expecting closing quote for a string value", self.at)),
                Some('"') => break,
                Some('\\') => self.at += 2,
                Some(_) => self.at += 1,
            }
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self) -> Result<(), Exception> {
        let from = self.at;
        while self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            self.at += 1;
        }
        let word: String = self.chars[from..self.at].iter().collect();
        if ["true", "false", "null"].contains(&word.as_str()) {
            return Ok(());
        }
        let message =
            format!("Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')");
        Err(self.error(&message, self.at))
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn blank(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn end_within(&self) -> Exception {
        let within = self.starts.last().map_or("root", |(open, _)| kind(*open));
        self.error(&format!("Unexpected end-of-input within/between {within} entries"), self.at)
    }

    fn end_unclosed(&self) -> Exception {
        let Some((open, start)) = self.starts.last() else { return self.end_within() };
        let start = self.place(*start);
        self.error(&format!("Unexpected end-of-input: expected close marker for {} (start marker at {start})", kind(*open)), self.at)
    }

    fn unexpected(&self, c: char, wanted: &str) -> Exception {
        self.error(&format!("Unexpected character ('{c}' (code {})): {wanted}", c as u32), self.at)
    }

    fn error(&self, message: &str, at: usize) -> Exception {
        Exception::new(PARSE, format!("{message}\n at {}", self.place(at)))
    }

    fn place(&self, at: usize) -> String {
        let before = &self.chars[..at.min(self.chars.len())];
        let line = before.iter().filter(|c| **c == '\n').count() + 1;
        let column = before.iter().rev().take_while(|c| **c != '\n').count() + 1;
        format!("{SOURCE}; line: {line}, column: {column}]")
    }
}

fn kind(open: char) -> &'static str {
    if open == '{' { "Object" } else { "Array" }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> String {
        parse(text).map_or_else(|error| error.text().replace(SOURCE, "S"), |value| value.to_string())
    }

    #[test]
    fn what_is_wrong_is_said_as_by_jackson() {
        assert_eq!(said(r#"{"version":1,"#), "Unexpected end-of-input within/between Object entries\n at S; line: 1, column: 14]");
        assert_eq!(
            said(r#"{"version":1"#),
            "Unexpected end-of-input: expected close marker for Object (start marker at S; line: 1, column: 1])\n at S; line: 1, column: 13]"
        );
        assert_eq!(
            said("{\n x}"),
            "Unexpected character ('x' (code 120)): was expecting double-quote to start field name\n at S; line: 2, column: 2]"
        );
        assert!(said("[one]").starts_with("Unrecognized token 'one': was expecting (JSON String"));
        assert!(
            said(r#"{"a":1 "b":2}"#).starts_with("Unexpected character ('\"' (code 34)): was expecting comma to separate Object entries")
        );
        assert_eq!(said(r#"{"a":[1,"x",null]}"#), r#"{"a":[1,"x",null]}"#);
    }

    #[test]
    fn maps_in_the_order_of_java() {
        let fields = ["partition", "size", "offsetLag", "isFuture"].map(|name| (name, "0".to_owned()));
        assert_eq!(object(&fields), r#"{"partition":0,"size":0,"offsetLag":0,"isFuture":0}"#);
        let fields = ["version", "brokers"].map(|name| (name, "0".to_owned()));
        assert_eq!(object(&fields), r#"{"brokers":0,"version":0}"#);
        let fields = ["logDir", "error", "partitions"].map(|name| (name, "0".to_owned()));
        assert_eq!(object(&fields), r#"{"partitions":0,"error":0,"logDir":0}"#);
    }

    #[test]
    fn no_text_makes_it_panic() {
        for text in ["\\", "\"\\", "[", "]", "{\"a\"", "{\"a\":", "-", "1e", "[1,", "{,", "\u{0}", "tru"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
