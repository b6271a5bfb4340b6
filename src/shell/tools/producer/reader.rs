//! How the console producer makes a record of a line (`org.apache.kafka.tools.LineMessageReader`).

use crate::kafka::actor::Config;
use crate::shell::java::exception::Exception;

/// A line's parts; `None` is null.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineRecord {
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<LineHeader>,
}

/// A header's name and value.
pub type LineHeader = (String, Option<Vec<u8>>);

/// The reader's properties.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineReader {
    parse_key: bool,
    key_separator: String,
    parse_headers: bool,
    headers_delimiter: String,
    headers_separator: String,
    headers_key_separator: String,
    null_marker: Option<String>,
    ignore_error: bool,
    lines: u64,
}

impl LineReader {
    /// # Errors
    /// Markers that cannot be told apart.
    pub fn new(props: &Config) -> Result<LineReader, Exception> {
        let flag = |name: &str| props.get(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
        let text = |name: &str, default: &str| props.get(name).map_or(default, String::as_str).to_owned();
        let reader = LineReader {
            parse_key: flag("parse.key"),
            key_separator: text("key.separator", "\t"),
            parse_headers: flag("parse.headers"),
            headers_delimiter: text("headers.delimiter", "\t"),
            headers_separator: text("headers.separator", ","),
            headers_key_separator: text("headers.key.separator", ":"),
            null_marker: props.get("null.marker").cloned(),
            ignore_error: flag("ignore.error"),
            lines: 0,
        };
        let LineReader { headers_delimiter: d, headers_separator: s, headers_key_separator: k, null_marker, key_separator, .. } = &reader;
        let equal = [
            (d, s, "headers.delimiter and headers.separator"),
            (d, k, "headers.delimiter and headers.key.separator"),
            (s, k, "headers.separator and headers.key.separator"),
        ];
        if let Some((.., names)) = equal.into_iter().find(|(a, b, _)| a == b) {
            return Err(Exception::kafka(format!("{names} may not be equal")));
        }
        if let Some(marker) = null_marker {
            let others =
                [(key_separator, "key.separator"), (d, "headers.delimiter"), (s, "headers.separator"), (k, "headers.key.separator")];
            if let Some((_, name)) = others.into_iter().find(|(other, _)| *other == marker) {
                return Err(Exception::kafka(format!("null.marker and {name} may not be equal")));
            }
        }
        Ok(reader)
    }

    /// The record that a line is.
    ///
    /// # Errors
    /// What is missing in it; that ends the tool.
    pub fn read(&mut self, line: &str) -> Result<LineRecord, Exception> {
        self.lines += 1;
        let headers = self.split(line, self.parse_headers, &self.headers_delimiter, "headers delimiter")?;
        let (headers, rest) = headers;
        let (key, value) = self.split(rest, self.parse_key, &self.key_separator, "key separator")?;
        let bytes = |text: &str| (self.null_marker.as_deref() != Some(text)).then(|| text.as_bytes().to_vec());
        let headers = match headers.filter(|headers| self.null_marker.as_deref() != Some(headers)) {
            Some(headers) => self.headers(headers)?,
            None => Vec::new(),
        };
        Ok(LineRecord { key: key.and_then(bytes), value: bytes(value), headers })
    }

    /// What stands before the separator, and what behind it.
    fn split<'a>(&self, text: &'a str, wanted: bool, separator: &str, name: &str) -> Result<(Option<&'a str>, &'a str), Exception> {
        match text.split_once(separator) {
            _ if !wanted => Ok((None, text)),
            Some((before, behind)) => Ok((Some(before), behind)),
            None if self.ignore_error => Ok((None, text)),
            None => Err(Exception::kafka(format!("No {name} found on line number {}: '{text}'", self.lines))),
        }
    }

    fn headers(&self, text: &str) -> Result<Vec<LineHeader>, Exception> {
        let pair = |pair: &str| match pair.split_once(self.headers_key_separator.as_str()) {
            Some((key, _)) if self.null_marker.as_deref() == Some(key) => {
                Err(Exception::kafka(format!("Header keys should not be equal to the null marker '{key}' as they can't be null")))
            }
            Some((key, value)) => Ok((key.to_owned(), (self.null_marker.as_deref() != Some(value)).then(|| value.as_bytes().to_vec()))),
            None if self.ignore_error => Ok((pair.to_owned(), None)),
            None => Err(Exception::kafka(format!("No header key separator found in pair '{pair}' on line number {}", self.lines))),
        };
        text.split(self.headers_separator.as_str()).map(pair).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `headers|key=value` of each line, or the message that ends the tool.
    fn check(props: &[(&str, &str)], lines: &[&str], expected: &[&str]) {
        let props = props.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut reader = LineReader::new(&props).unwrap();
        let shown = |bytes: Option<Vec<u8>>| bytes.map_or("null".to_owned(), |bytes| String::from_utf8(bytes).unwrap());
        let found: Vec<String> = lines
            .iter()
            .map(|line| match reader.read(line) {
                Ok(LineRecord { key, value, headers }) => {
                    let headers: Vec<String> = headers.into_iter().map(|(key, value)| format!("{key}>{}", shown(value))).collect();
                    format!("{}|{}={}", headers.join(";"), shown(key), shown(value))
                }
                Err(error) => error.text().to_owned(),
            })
            .collect();
        assert_eq!(found, expected);
    }

    const KEY: (&str, &str) = ("parse.key", "true");
    const COLON: (&str, &str) = ("key.separator", ":");
    const HEADERS: [(&str, &str); 2] = [("parse.headers", "true"), ("headers.delimiter", "|")];

    #[test]
    fn lines_become_records() {
        check(&[], &["apple", "", " a b "], &["|null=apple", "|null=", "|null= a b "]);
        check(
            &[KEY, COLON],
            &["bob:2 pears: ripe", ":empty key", "carol:", "no separator here"],
            &["|bob=2 pears: ripe", "|=empty key", "|carol=", "No key separator found on line number 4: 'no separator here'"],
        );
        check(&[KEY, COLON, ("ignore.error", "true")], &["still none"], &["|null=still none"]);
        check(&[KEY, COLON, ("null.marker", "NULL")], &["alice:NULL", "NULL:x", "NULL:NULL"], &["|alice=null", "|null=x", "|null=null"]);
    }

    #[test]
    fn headers_before_the_key() {
        check(
            &[HEADERS[0], HEADERS[1], KEY, COLON],
            &["trace:17,source:web|alice:3 apples", "trace:18|bob:2", "|carol:no headers"],
            &["trace>17;source>web|alice=3 apples", "trace>18|bob=2", "No header key separator found in pair '' on line number 3"],
        );
        check(
            &HEADERS,
            &["no delimiter", "broken header|value"],
            &[
                "No headers delimiter found on line number 1: 'no delimiter'",
                "No header key separator found in pair 'broken header' on line number 2",
            ],
        );
    }
}
