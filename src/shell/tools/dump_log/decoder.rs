//! How kafka-dump-log shows keys and values (`DumpLogSegments.messageParser`).

use super::schema::{self, Malformed, Message};
use crate::kafka::log::dump::RecordDecoder;
use crate::kafka::records::java_utf8::java_utf8;
use crate::kafka::records::record::Record;

/// What the records are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decoder {
    /// Each by a decoder class.
    Classes {
        key: Class,
        value: Class,
    },
    Offsets,
    Transactions,
    ClusterMetadata,
    ShareGroupState,
}

/// A class of `org.apache.kafka.tools.api` that makes text of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    String,
    Integer,
    Long,
}

impl Class {
    /// By its full name. `DefaultDecoder` is not here: what it prints is the address of an object in Java's memory.
    pub fn named(name: &str) -> Option<Class> {
        match name.strip_prefix("org.apache.kafka.tools.api.")? {
            "StringDecoder" => Some(Class::String),
            "IntegerDecoder" => Some(Class::Integer),
            "LongDecoder" => Some(Class::Long),
            _ => None,
        }
    }

    fn decode(self, bytes: &[u8]) -> Result<String, String> {
        let underflow = || "java.nio.BufferUnderflowException".to_owned();
        Ok(match self {
            Class::String => java_utf8(bytes).into_owned(),
            Class::Integer => i32::from_be_bytes(*bytes.first_chunk().ok_or_else(underflow)?).to_string(),
            Class::Long => i64::from_be_bytes(*bytes.first_chunk().ok_or_else(underflow)?).to_string(),
        })
    }
}

impl RecordDecoder for Decoder {
    fn decode(&self, record: &Record<'_>) -> Result<(Option<String>, Option<String>), String> {
        match self {
            Decoder::Classes { key, value } => {
                let text = |class: Class, bytes: Option<&[u8]>| bytes.map(|bytes| class.decode(bytes)).transpose();
                Ok((text(*key, record.key)?, text(*value, record.value)?))
            }
            Decoder::Offsets => keyed("offsets", "version", "offset topic decoder", record),
            Decoder::Transactions => keyed("transaction", "version", "transaction log decoder", record),
            Decoder::ShareGroupState => keyed("share", "type", "share group state topic decoder", record),
            Decoder::ClusterMetadata => Ok((None, Some(metadata(record)))),
        }
    }
}

/// A record whose key begins with its type and whose value begins with its version.
fn keyed(family: &str, label: &str, decoder: &str, record: &Record<'_>) -> Result<(Option<String>, Option<String>), String> {
    let offset = record.offset;
    let Some(key) = record.key else {
        let message = format!("Failed to decode message at offset {offset} using {decoder} (message had a missing key)");
        return Err(format!("java.lang.RuntimeException: {message}"));
    };
    let Some(id) = key.first_chunk().map(|bytes| i16::from_be_bytes(*bytes)) else {
        return Ok((Some(format!("Error at offset {offset}, skipping. Could not read the record key's version")), None));
    };
    // Both types of an offset's key have the same fields.
    let known = if family == "offsets" && id == 0 { 1 } else { id };
    let (Some(key_message), Some(value_message)) = (schema::find(family, known, "key"), schema::find(family, known, "value")) else {
        return Ok((Some(format!("Unknown record type {id} at offset {offset}, skipping.")), None));
    };
    let read = || -> Result<(String, String), Malformed> {
        let key = format!(r#"{{"type":"{id}","data":{}}}"#, key_message.json(id, &key[2..])?);
        let value = match record.value {
            None => "<DELETE>".to_owned(),
            Some(value) => versioned(&value_message, label, value)?,
        };
        Ok((key, value))
    };
    Ok(match read() {
        Ok((key, value)) => (Some(key), Some(value)),
        Err(error) => (Some(format!("Error at offset {offset}, skipping. {error}")), None),
    })
}

fn versioned(message: &Message, label: &str, value: &[u8]) -> Result<String, Malformed> {
    let version = value.first_chunk().map(|bytes| i16::from_be_bytes(*bytes)).ok_or(Malformed)?;
    Ok(format!(r#"{{"{label}":"{version}","data":{}}}"#, message.json(version, &value[2..])?))
}

/// `ClusterMetadataLogMessageParser`: frame version, type and version stand in front, as unsigned varints (of one byte, so far).
fn metadata(record: &Record<'_>) -> String {
    let read = || -> Result<String, String> {
        let Some(&[frame, id, version, ref fields @ ..]) = record.value else { return Err("null".into()) };
        if frame != 1 {
            return Err(format!(
                "Could not deserialize metadata record due to unknown frame version {frame}(only frame version 1 is supported)"
            ));
        }
        let message = schema::find("metadata", i16::from(id), "value").ok_or_else(|| format!("Unknown metadata id {id}"))?;
        let data = message.json(i16::from(version), fields).map_err(|error| error.to_string())?;
        Ok(format!(r#"{{"type":"{}","version":{version},"data":{data}}}"#, screaming(message.name)))
    };
    read().unwrap_or_else(|error| format!("Error at {}, skipping. {error}", record.offset))
}

/// `TopicRecord` to `TOPIC_RECORD`.
fn screaming(name: &str) -> String {
    let mut screaming = String::new();
    for (at, letter) in name.chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            screaming.push('_');
        }
        screaming.push(letter.to_ascii_uppercase());
    }
    screaming
}
