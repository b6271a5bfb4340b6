//! How kaf prints a message: the value on standard output, in one of five ways; with the first of them the rest on standard error.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::table::Table;
use crate::shell::java::{datetime, log};
use crate::shell::tools::dump_log::schema::{base64, quoted};

/// `--output`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    Default,
    Raw,
    Hex,
    Json,
    JsonEachRow,
}

/// A message as it is printed.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub key: &'a [u8],
    pub value: &'a [u8],
    pub headers: Vec<(String, Vec<u8>)>,
}

impl Output {
    /// Flags were checked: whatever is none of the others is the default.
    pub fn of(name: Option<&str>, raw: bool) -> Output {
        match name.unwrap_or("default") {
            "raw" => Output::Raw,
            "hex" => Output::Hex,
            "json" => Output::Json,
            "json-each-row" => Output::JsonEachRow,
            _ if raw => Output::Raw,
            _ => Output::Default,
        }
    }

    /// What goes to standard error, and what to standard output.
    pub fn texts(self, message: &Message) -> (String, String) {
        let value = || String::from_utf8_lossy(message.value).into_owned();
        let text = match self {
            Output::Default => return default(message),
            Output::Raw => value(),
            Output::Hex => message.value.iter().fold(String::new(), |mut text, byte| {
                let _ = write!(text, "{byte:02x}");
                text
            }),
            Output::Json => json(message),
            Output::JsonEachRow => row(message),
        };
        (String::new(), text)
    }
}

/// Whether `--header` lets a message through: then all its headers must be among those asked for.
pub fn passes(headers: &[(String, Vec<u8>)], filter: &BTreeMap<String, String>) -> bool {
    let matches = |(key, value): &(String, Vec<u8>)| filter.get(key).is_some_and(|wanted| wanted.as_bytes() == value);
    filter.is_empty() || (!headers.is_empty() && headers.iter().all(matches))
}

fn default(message: &Message) -> (String, String) {
    let mut table = Table::new();
    if !message.headers.is_empty() {
        table.write("Headers:\n");
    }
    for (key, value) in &message.headers {
        table.write(&format!("\tKey: {key}\tValue: {}\n", String::from_utf8_lossy(value)));
    }
    if !message.key.is_empty() {
        table.write(&format!("Key:\t{}\n", pretty(message.key, 0, " ")));
    }
    let time = clock(message.timestamp, ' ');
    table.write(&format!("Partition:\t{}\nOffset:\t{}\nTimestamp:\t{time} +0000 UTC\n", message.partition, message.offset));
    (table.flush(), pretty(message.value, 2, "\n"))
}

/// A map, so its fields stand in order of their names; headers as Go writes bytes.
fn json(message: &Message) -> String {
    let value = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        if is_json(&text) { compact(&Json::of(&text)) } else { string(&text) }
    };
    let headers: Vec<String> = message
        .headers
        .iter()
        .map(|(key, value)| format!(r#"{{"Key":"{}","Value":"{}"}}"#, base64(key.as_bytes()), base64(value)))
        .collect();
    let headers = if headers.is_empty() { String::new() } else { format!(r#""headers":[{}],"#, headers.join(",")) };
    format!(
        r#"{{{headers}"key":{},"offset":{},"partition":{},"payload":{},"timestamp":"{}Z"}}"#,
        value(message.key),
        message.offset,
        message.partition,
        value(message.value),
        clock(message.timestamp, 'T')
    )
}

fn row(message: &Message) -> String {
    let text = |bytes: &[u8]| string(&String::from_utf8_lossy(bytes));
    let header = |(key, value): &(String, Vec<u8>)| format!(r#"{{"key":{},"value":{}}}"#, string(key), text(value));
    format!(
        r#"{{"topic":{},"partition":{},"offset":{},"timestamp":"{}Z","headers":[{}],"key":{},"payload":{}}}"#,
        string(message.topic),
        message.partition,
        message.offset,
        clock(message.timestamp, 'T'),
        message.headers.iter().map(header).collect::<Vec<_>>().join(","),
        text(message.key),
        text(message.value)
    )
}

/// A time in UTC with the fraction that it has.
fn clock(ms: i64, between: char) -> String {
    let (year, month, day, hour, minute, second, ms) = log::fields(ms);
    let mut text = format!("{year:04}-{month:02}-{day:02}{between}{hour:02}:{minute:02}:{second:02}");
    if ms > 0 {
        let _ = write!(text, ".{}", format!("{ms:03}").trim_end_matches('0'));
    }
    text
}

/// `time.RFC3339`, in ms since 1970.
pub fn rfc3339_ms(text: &str) -> Option<i64> {
    let at = text.rfind(['Z', '+', '-']).filter(|at| *at > 10)?;
    let (clock, zone) = text.split_at(at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let ms: String = fraction.chars().chain("000".chars()).take(3).collect();
    datetime::date_time(&format!("{clock}.{ms}{zone}")).ok()
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// JSON, with numbers as they were written.
enum Json<'a> {
    /// A number, `true`, `false`, `null`.
    Plain(&'a str),
    Text(String),
    Array(Vec<Json<'a>>),
    Object(BTreeMap<String, Json<'a>>),
}

impl<'a> Json<'a> {
    /// A text that was found to be JSON (which bounds its depth).
    fn of(text: &'a str) -> Json<'a> {
        let mut rest = text;
        Json::value(&mut rest)
    }

    fn value(rest: &mut &'a str) -> Json<'a> {
        *rest = rest.trim_start();
        match rest.as_bytes().first() {
            Some(b'"') => Json::Text(Json::string(rest)),
            Some(b'[') => {
                let mut items = Vec::new();
                while Json::goes_on(rest, ']') {
                    items.push(Json::value(rest));
                }
                Json::Array(items)
            }
            Some(b'{') => {
                let mut fields = BTreeMap::new();
                while Json::goes_on(rest, '}') {
                    let name = Json::string(rest);
                    *rest = rest.trim_start().strip_prefix(':').unwrap_or(rest);
                    fields.insert(name, Json::value(rest));
                }
                Json::Object(fields)
            }
            _ => {
                let end = rest.find(|c: char| matches!(c, ',' | ']' | '}') || c.is_whitespace()).unwrap_or(rest.len());
                let (plain, behind) = rest.split_at(end);
                *rest = behind;
                Json::Plain(plain)
            }
        }
    }

    /// Steps over a bracket or a comma; whether another item stands behind it.
    fn goes_on(rest: &mut &'a str, end: char) -> bool {
        let mut chars = rest.trim_start().chars();
        let mut is_over = chars.next().is_none_or(|c| c == end);
        *rest = chars.as_str().trim_start();
        if !is_over && rest.starts_with(end) {
            *rest = &rest[end.len_utf8()..];
            is_over = true;
        }
        !is_over
    }

    fn string(rest: &mut &'a str) -> String {
        *rest = rest.trim_start();
        let mut is_escaped = false;
        let end = rest.bytes().enumerate().skip(1).find(|(_, byte)| {
            let ends = *byte == b'"' && !is_escaped;
            is_escaped = *byte == b'\\' && !is_escaped;
            ends
        });
        let (text, behind) = rest.split_at(end.map_or(rest.len(), |(at, _)| at + 1));
        *rest = behind;
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// `prettyjson` without colours, as on a terminal that has none; what is no JSON stays as it is.
fn pretty(bytes: &[u8], indent: usize, newline: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    if !is_json(&text) {
        return text.into_owned();
    }
    let mut into = String::new();
    write_pretty(&Json::of(&text), indent, newline, 1, &mut into);
    into
}

fn write_pretty(json: &Json, indent: usize, newline: &str, depth: usize, into: &mut String) {
    let (open, close, count) = match json {
        Json::Plain(text) => return into.push_str(text),
        Json::Text(text) => return into.push_str(&quoted(text)),
        Json::Array(items) => ('[', ']', items.len()),
        Json::Object(fields) => ('{', '}', fields.len()),
    };
    into.push(open);
    for n in 0..count {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(into, "{comma}{newline}{:width$}", "", width = indent * depth);
        match json {
            Json::Object(fields) => {
                let Some((name, value)) = fields.iter().nth(n) else { continue };
                let _ = write!(into, "{}: ", quoted(name));
                write_pretty(value, indent, newline, depth + 1, into);
            }
            Json::Array(items) => write_pretty(&items[n], indent, newline, depth + 1, into),
            Json::Plain(_) | Json::Text(_) => {}
        }
    }
    if count > 0 {
        let _ = write!(into, "{newline}{:width$}", "", width = indent * (depth - 1));
    }
    into.push(close);
}

/// As `json.Marshal` writes what `json.Unmarshal` read: numbers are floats.
fn compact(json: &Json) -> String {
    match json {
        Json::Plain(text) => text.parse::<f64>().map_or_else(|_| (*text).to_owned(), number),
        Json::Text(text) => string(text),
        Json::Array(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(",")),
        Json::Object(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{}:{}", string(name), compact(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
    }
}

fn number(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{value:e}");
        return if size >= 1e21 { text.replace('e', "e+") } else { text };
    }
    value.to_string()
}

/// `json.Marshal` escapes what HTML could take for its own.
fn string(text: &str) -> String {
    let mut escaped = String::new();
    for c in quoted(text).chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(escaped, "\\u{:04x}", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(output: Output, value: &str, err: &str, out: &str) {
        let message = Message {
            topic: "t",
            partition: 1,
            offset: 4,
            timestamp: 1_767_225_600_120,
            key: b"k",
            value: value.as_bytes(),
            headers: vec![("h1".into(), b"v".to_vec())],
        };
        assert_eq!(output.texts(&message), (err.to_owned(), out.to_owned()));
    }

    #[test]
    fn five_ways_to_print() {
        let head = "Headers:\n             Key: h1   Value: v\nKey:         k\nPartition:   1\nOffset:      4\nTimestamp:   2026-01-01 00:00:00.12 +0000 UTC\n";
        check(Output::Default, "plain", head, "plain");
        check(
            Output::Default,
            r#"{"b": [12.50, {}], "a":"x\"<"}"#,
            head,
            "{\n  \"a\": \"x\\\"<\",\n  \"b\": [\n    12.50,\n    {}\n  ]\n}",
        );
        check(Output::Raw, r#"{"b":1}"#, "", r#"{"b":1}"#);
        check(Output::Hex, "az", "", "617a");
        check(
            Output::Json,
            r#"{"b":12.50,"a":"<"}"#,
            "",
            r#"{"headers":[{"Key":"aDE=","Value":"dg=="}],"key":"k","offset":4,"partition":1,"payload":{"a":"\u003c","b":12.5},"timestamp":"2026-01-01T00:00:00.12Z"}"#,
        );
        check(
            Output::JsonEachRow,
            r#"{"b":1}"#,
            "",
            r#"{"topic":"t","partition":1,"offset":4,"timestamp":"2026-01-01T00:00:00.12Z","headers":[{"key":"h1","value":"v"}],"key":"k","payload":"{\"b\":1}"}"#,
        );
    }

    #[test]
    fn keys_stand_in_one_line() {
        assert_eq!(pretty(br#"{"a":1, "b":[]}"#, 0, " "), r#"{ "a": 1, "b": [] }"#);
        assert_eq!((number(1e21), number(1e-7), number(100.0), number(0.0)), ("1e+21".into(), "1e-7".into(), "100".into(), "0".into()));
        assert_eq!(rfc3339_ms("2026-01-01T01:00:00.5+01:00"), Some(1_767_225_600_500));
        assert_eq!(rfc3339_ms("2026-01-01"), None);
    }

    #[test]
    fn headers_must_all_be_asked_for() {
        let filter = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
        let headers =
            |text: &str| text.split(',').filter_map(|pair| pair.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect::<Vec<_>>();
        assert!(passes(&headers("a=1"), &filter) && !passes(&headers("a=1,b=2"), &filter) && !passes(&headers(""), &filter));
    }
}
