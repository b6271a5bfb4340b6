//! Kafka's messages as JSON, by their definitions (`schemas.txt`): what Kafka's generated `JsonConverter` classes write.

use std::fmt::Write;

use crate::kafka::names::uuid_text;
use crate::shell::java::double;

/// A message's definition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub name: &'static str,
    /// The first version in the flexible encoding (KIP-482).
    flexible_from: Option<i16>,
    fields: Vec<Field>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    name: &'static str,
    /// Of an array, of its elements.
    kind: &'static str,
    is_array: bool,
    versions: Versions,
    /// In which it may be null.
    nullable: Option<Versions>,
    tag: Option<u32>,
    /// Of a struct.
    fields: Vec<Field>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Versions {
    from: i16,
    to: i16,
}

/// Bytes that are not what the definition says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("null")]
pub struct Malformed;

const TEXT: &str = include_str!("schemas.txt");

/// The definition of a family's key or value of this type.
pub fn find(family: &str, id: i16, side: &str) -> Option<Message> {
    let id = id.to_string();
    lookup(|words| words[0] == family && words[1] == id && words[2] == side)
}

fn named(name: &str) -> Option<Message> {
    lookup(|words| words[3] == name)
}

fn lookup(wanted: impl Fn(&[&str]) -> bool) -> Option<Message> {
    let mut lines = TEXT.lines().filter(|line| !line.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let words: Vec<&'static str> = line.split_whitespace().collect();
        if line.starts_with(' ') || words.len() < 4 || !wanted(&words) {
            continue;
        }
        let flexible_from = words.iter().position(|word| *word == "flexible").and_then(|at| words.get(at + 1)?.parse().ok());
        let mut body: Vec<&'static str> = Vec::new();
        while let Some(field) = lines.next_if(|line| line.starts_with(' ')) {
            body.push(field);
        }
        return Some(Message { name: words[3], flexible_from, fields: fields(&body, 2) });
    }
    None
}

/// The fields among these lines that are indented by `indent`, with what is indented deeper below them.
fn fields(lines: &[&'static str], indent: usize) -> Vec<Field> {
    let depth = |line: &str| line.len() - line.trim_start().len();
    let mut fields_found = Vec::new();
    for (at, line) in lines.iter().enumerate().filter(|(_, line)| depth(line) == indent) {
        let inner = lines[at + 1..].iter().take_while(|line| depth(line) > indent).count();
        let mut words = line.split_whitespace();
        let (name, kind) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let mut field = Field {
            name,
            kind: kind.trim_start_matches("[]"),
            is_array: kind.starts_with("[]"),
            versions: Versions::parse(""),
            nullable: None,
            tag: None,
            fields: fields(&lines[at + 1..at + 1 + inner], indent + 2),
        };
        for word in words {
            match (word.strip_prefix('?'), word.strip_prefix('@')) {
                (Some(versions), _) => field.nullable = Some(Versions::parse(versions)),
                (_, Some(tag)) => field.tag = tag.parse().ok(),
                _ => field.versions = Versions::parse(word),
            }
        }
        fields_found.push(field);
    }
    fields_found
}

impl Versions {
    /// `2+`, `1-3`; nothing is all.
    fn parse(text: &str) -> Versions {
        let (from, to) = text.split_once('-').unwrap_or((text.trim_end_matches('+'), ""));
        Versions { from: from.parse().unwrap_or(0), to: to.parse().unwrap_or(i16::MAX) }
    }

    fn has(self, version: i16) -> bool {
        (self.from..=self.to).contains(&version)
    }
}

impl Message {
    /// The JSON of a message of this version.
    ///
    /// # Errors
    /// Bytes that end too early or make no sense.
    pub fn json(&self, version: i16, bytes: &[u8]) -> Result<String, Malformed> {
        let mut reader = Reader { bytes, version, flexible: self.flexible_from.is_some_and(|from| version >= from), consumer: false };
        reader.object(&self.fields)
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    version: i16,
    flexible: bool,
    /// The group's protocol type is `consumer`, so that what its members sent is known (`prepareGroupMetadataValue`).
    consumer: bool,
}

impl<'a> Reader<'a> {
    fn object(&mut self, fields: &[Field]) -> Result<String, Malformed> {
        let mut values: Vec<Option<String>> = vec![None; fields.len()];
        let known = |reader: &Self, field: &Field| field.versions.has(reader.version);
        for (field, value) in fields.iter().zip(&mut values).filter(|(field, _)| field.tag.is_none()) {
            if known(self, field) {
                *value = Some(self.value(field)?);
            }
        }
        if self.flexible {
            for _ in 0..self.uvarint()? {
                let (tag, size) = (self.uvarint()?, self.uvarint()? as usize);
                let rest = self.bytes.get(size..).ok_or(Malformed)?;
                if let Some(at) = fields.iter().position(|field| field.tag == Some(tag) && known(self, field)) {
                    values[at] = Some(self.value(&fields[at])?);
                }
                self.bytes = rest;
            }
        }
        let members: Vec<String> =
            fields.iter().zip(values).filter_map(|(field, value)| Some(format!("\"{}\":{}", field.name, value?))).collect();
        Ok(format!("{{{}}}", members.join(",")))
    }

    fn value(&mut self, field: &Field) -> Result<String, Malformed> {
        if field.is_array {
            let Some(count) = self.length(4)? else { return Ok("null".into()) };
            let mut items = Vec::new();
            for _ in 0..count {
                items.push(if field.fields.is_empty() { self.scalar(field)? } else { self.object(&field.fields)? });
            }
            return Ok(format!("[{}]", items.join(",")));
        }
        if field.kind == "{}" {
            let is_null = field.nullable.is_some_and(|versions| versions.has(self.version)) && self.take(1)?[0] != 1;
            return if is_null { Ok("null".into()) } else { self.object(&field.fields) };
        }
        self.scalar(field)
    }

    fn scalar(&mut self, field: &Field) -> Result<String, Malformed> {
        Ok(match field.kind {
            "bool" => (self.take(1)?[0] != 0).to_string(),
            "int8" => self.take(1)?[0].cast_signed().to_string(),
            "int16" => i16::from_be_bytes(self.array()?).to_string(),
            "uint16" => u16::from_be_bytes(self.array()?).to_string(),
            "int32" => i32::from_be_bytes(self.array()?).to_string(),
            "int64" => i64::from_be_bytes(self.array()?).to_string(),
            "float64" => double(f64::from_be_bytes(self.array()?)),
            "uuid" => format!("\"{}\"", uuid_text(uuid::Uuid::from_bytes(self.array()?))),
            "string" => match self.length(2)? {
                None => "null".into(),
                Some(size) => {
                    let text = quoted(&String::from_utf8_lossy(self.take(size)?));
                    self.consumer |= field.name == "protocolType" && text == "\"consumer\"";
                    text
                }
            },
            kind => match self.length(4)? {
                None => "null".into(),
                Some(size) => {
                    let bytes = self.take(size)?;
                    let embedded = if self.consumer { embedded(kind, bytes) } else { None };
                    embedded.unwrap_or_else(|| format!("\"{}\"", base64(bytes)))
                }
            },
        })
    }

    /// A length in front of a string, of bytes or of an array: `None` is null. `wide`: how many bytes it takes where it is not flexible.
    fn length(&mut self, wide: usize) -> Result<Option<usize>, Malformed> {
        let length = match (self.flexible, wide) {
            (true, _) => i64::from(self.uvarint()?) - 1,
            (false, 2) => i64::from(i16::from_be_bytes(self.array()?)),
            (false, _) => i64::from(i32::from_be_bytes(self.array()?)),
        };
        if length < 0 {
            return Ok(None);
        }
        // Each element takes a byte at least, so that no length can ask for more than there is.
        usize::try_from(length).ok().filter(|length| *length <= self.bytes.len()).map(Some).ok_or(Malformed)
    }

    fn uvarint(&mut self) -> Result<u32, Malformed> {
        let mut value = 0u32;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.take(1)?[0];
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.take(N)?.try_into().map_err(|_| Malformed)
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(Malformed)?;
        self.bytes = rest;
        Ok(taken)
    }
}

/// What members of a `consumer` group sent, decoded; a version stands in front.
fn embedded(kind: &str, bytes: &[u8]) -> Option<String> {
    let version = i16::from_be_bytes(*bytes.first_chunk()?);
    named(kind)?.json(version, &bytes[2..]).ok()
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// As Jackson writes bytes: with padding.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let letter = if digit <= group.len() { DIGITS[(bits >> (18 - 6 * digit) & 63) as usize] } else { b'=' };
            let _ = write!(text, "{}", char::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::metadata::record::MetadataRecord;

    #[test]
    fn every_definition_can_be_read() {
        let heads: Vec<&str> = TEXT.lines().filter(|line| !line.starts_with(['#', ' '])).collect();
        assert!(heads.len() > 60);
        for head in heads {
            let words: Vec<&str> = head.split(' ').collect();
            let message = find(words[0], words[1].parse().unwrap(), words[2]).unwrap_or_else(|| panic!("{head}"));
            assert!(words[0] == "embedded" || message.name == words[3], "{head}");
        }
    }

    #[test]
    fn a_topic_as_kafka_writes_it() {
        let record = MetadataRecord::Topic { name: "or\"ders".into(), topic_id: uuid::Uuid::nil() }.encode();
        let json = find("metadata", 2, "value").unwrap().json(0, &record[3..]);
        assert_eq!(json.unwrap(), r#"{"name":"or\"ders","topicId":"AAAAAAAAAAAAAAAAAAAAAA"}"#);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let message = find("offsets", 2, "value").unwrap();
        for len in 0..12 {
            for byte in [0, 1, 0x7f, 0x80, 0xff] {
                let _ = message.json(3, &vec![byte; len]);
                let _ = message.json(4, &vec![byte; len]);
            }
        }
    }
}
