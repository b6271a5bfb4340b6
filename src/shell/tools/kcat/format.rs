//! How kcat prints a message (format.c, json.c).

use super::args::Asked;
use super::fatal;
use crate::shell::tools::dump_log::schema::quoted;
use crate::shell::tools::hosts::Done;

/// A message as it is printed.
#[derive(Clone, Debug, Default)]
pub struct Message<'a> {
    pub topic: &'a str,
    pub partition: i32,
    pub offset: i64,
    pub timestamp: i64,
    pub log_append_time: bool,
    pub broker: i32,
    pub key: Option<&'a [u8]>,
    pub value: Option<&'a [u8]>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// The parts of a format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    parts: Vec<Part>,
    json: bool,
    /// What null is shown as.
    null: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Field(char),
}

impl Format {
    /// # Errors
    /// A formatter that does not exist.
    pub fn of(asked: &Asked) -> Result<Format, Done> {
        let default = match &asked.key_delimiter {
            Some(delimiter) => format!("%k{}%s{}", delimiter.replace('%', "%%"), asked.delimiter),
            None => format!("%s{}", asked.delimiter),
        };
        let mut parts = Vec::new();
        let mut text = String::new();
        let format = asked.format.as_deref().unwrap_or(&default);
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match (c, c == '%') {
                (_, false) => text.push(c),
                _ => match chars.next() {
                    Some('%') => text.push('%'),
                    Some(field) if "okKsStpTh".contains(field) => {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                        parts.push(Part::Field(field));
                    }
                    Some(other) => return Err(fatal(format!("Unsupported formatter: %{other}"))),
                    None => return Err(fatal("Empty formatter")),
                },
            }
        }
        parts.push(Part::Text(text));
        Ok(Format { parts, json: asked.json, null: if asked.nulls { "NULL" } else { "" } })
    }

    pub fn text(&self, message: &Message) -> String {
        if self.json {
            return json(message);
        }
        self.parts.iter().map(|part| if let Part::Field(field) = part { self.field(*field, message) } else { part.plain() }).collect()
    }

    fn field(&self, field: char, message: &Message) -> String {
        let text = |bytes: Option<&[u8]>| bytes.map_or(self.null.to_owned(), |bytes| String::from_utf8_lossy(bytes).into_owned());
        let length = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64).to_string();
        match field {
            'o' => message.offset.to_string(),
            'k' => text(message.key),
            'K' => length(message.key),
            's' => text(message.value),
            'S' => length(message.value),
            't' => message.topic.to_owned(),
            'p' => message.partition.to_string(),
            'T' => message.timestamp.to_string(),
            _ => {
                let header = |(name, value): &(String, Option<Vec<u8>>)| {
                    format!("{name}={}", value.as_deref().map_or("NULL".into(), String::from_utf8_lossy))
                };
                message.headers.iter().map(header).collect::<Vec<_>>().join(",")
            }
        }
    }
}

impl Part {
    fn plain(&self) -> String {
        if let Part::Text(text) = self { text.clone() } else { String::new() }
    }
}

fn json(message: &Message) -> String {
    let text = |bytes: Option<&[u8]>| bytes.map_or("null".to_owned(), |bytes| quoted(&String::from_utf8_lossy(bytes)));
    let mut headers = String::new();
    if !message.headers.is_empty() {
        let pairs: Vec<String> = message.headers.iter().flat_map(|(name, value)| [quoted(name), text(value.as_deref())]).collect();
        headers = format!(r#""headers":[{}],"#, pairs.join(","));
    }
    format!(
        "{{\"topic\":{},\"partition\":{},\"offset\":{},\"tstype\":\"{}\",\"ts\":{},\"broker\":{},{headers}\"key\":{},\"payload\":{}}}\n",
        quoted(message.topic),
        message.partition,
        message.offset,
        if message.log_append_time { "logappend" } else { "create" },
        message.timestamp,
        message.broker,
        text(message.key),
        text(message.value)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::tools::kcat::args::parse;

    fn check(options: &[&str], expected: &str) {
        let args: Vec<String> = ["-b", "k:1", "-C", "-t", "t"].iter().chain(options).map(|arg| (*arg).to_owned()).collect();
        let asked = parse(&args, true).unwrap();
        let message =
            Message { topic: "t", offset: 4, key: Some(b"a"), headers: vec![("h".into(), Some(b"1".to_vec()))], ..Message::default() };
        assert_eq!(Format::of(&asked).map(|format| format.text(&message)).unwrap_or_else(|done| done.err[0].clone()), expected);
    }

    #[test]
    fn parts_of_a_message() {
        check(&[], "\n");
        check(&["-K:", "-Z"], "a:NULL\n");
        check(&["-f", "%t [%p] %o: %k (%K bytes) = %s (%S bytes) %h 100%%\\n"], "t [0] 4: a (1 bytes) =  (-1 bytes) h=1 100%\n");
        check(&["-f", "%x"], "% ERROR: Unsupported formatter: %x");
        check(
            &["-J"],
            "{\"topic\":\"t\",\"partition\":0,\"offset\":4,\"tstype\":\"create\",\"ts\":0,\"broker\":0,\"headers\":[\"h\",\"1\"],\"key\":\"a\",\"payload\":null}\n",
        );
    }
}
