//! The values of KRaft's control records, as the JSON that Kafka's tools print (LeaderChangeMessage, SnapshotHeaderRecord,
//! SnapshotFooterRecord, KRaftVersionRecord and VotersRecord .json).

use std::fmt::Write;

use bytes::Buf;

use crate::kafka::records::control::ControlRecordType;
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::varint::Reader;

/// The record's value as Kafka prints it; `None` for a type whose values are no such message (transaction markers, unknown types).
///
/// # Errors
/// [`RecordsError::Control`] or `FieldBeyondRecord` for a value that is not the message it should be.
pub fn control_value_json(kind: ControlRecordType, value: Option<&[u8]>) -> Result<Option<String>, RecordsError> {
    let mut message = Message { reader: Reader::new(value.unwrap_or_default()), json: String::new() };
    match kind {
        ControlRecordType::LeaderChange => message.leader_change()?,
        ControlRecordType::SnapshotHeader => message.snapshot_header()?,
        ControlRecordType::SnapshotFooter => drop(message.version()?),
        ControlRecordType::KRaftVersion => message.kraft_version()?,
        ControlRecordType::KRaftVoters => message.voters()?,
        ControlRecordType::Abort | ControlRecordType::Commit | ControlRecordType::Unknown(_) => return Ok(None),
    }
    message.json.push('}');
    Ok(Some(message.json))
}

/// A UUID as Kafka prints it: base64 with `-` and `_`, 22 characters.
pub fn uuid_base64(uuid: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for group in uuid.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, &byte| bits << 8 | u32::from(byte)) << (8 * (3 - group.len()));
        for digit in 0..=group.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit) & 63) as usize]));
        }
    }
    text
}

/// A message that is read and written in one pass. All of them are flexible: compact lengths, tagged fields (of which none is known).
struct Message<'a> {
    reader: Reader<'a>,
    json: String,
}

impl Message<'_> {
    fn leader_change(&mut self) -> Result<(), RecordsError> {
        let version = self.version()?;
        self.number("leaderId", 4)?;
        for field in ["voters", "grantingVoters"] {
            self.array(field, |message| {
                message.json.push('{');
                message.number("voterId", 4)?;
                if version >= 1 {
                    message.uuid("voterDirectoryId")?;
                }
                message.tagged_fields()?;
                message.json.push('}');
                Ok(())
            })?;
        }
        Ok(())
    }

    fn snapshot_header(&mut self) -> Result<(), RecordsError> {
        self.version()?;
        self.number("lastContainedLogTimestamp", 8)
    }

    fn kraft_version(&mut self) -> Result<(), RecordsError> {
        self.version()?;
        self.number("kRaftVersion", 2)
    }

    fn voters(&mut self) -> Result<(), RecordsError> {
        self.version()?;
        self.array("voters", |message| {
            message.json.push('{');
            message.number("voterId", 4)?;
            message.uuid("voterDirectoryId")?;
            message.array("endpoints", |message| {
                message.json.push('{');
                message.string("name")?;
                message.string("host")?;
                let port = message.reader.bytes(2)?.get_u16();
                message.field("port", port);
                message.tagged_fields()?;
                message.json.push('}');
                Ok(())
            })?;
            message.name("kRaftVersionFeature");
            message.json.push('{');
            message.number("minSupportedVersion", 2)?;
            message.number("maxSupportedVersion", 2)?;
            message.tagged_fields()?;
            message.json.push('}');
            message.tagged_fields()?;
            message.json.push('}');
            Ok(())
        })
    }

    /// Every message begins with its own version.
    fn version(&mut self) -> Result<i64, RecordsError> {
        self.json.push('{');
        let version = self.reader.bytes(2)?.get_i16();
        self.field("version", version);
        Ok(version.into())
    }

    /// A signed integer of so many bytes.
    fn number(&mut self, name: &str, bytes: usize) -> Result<(), RecordsError> {
        let value = self.reader.bytes(bytes)?.get_int(bytes);
        self.field(name, value);
        Ok(())
    }

    fn uuid(&mut self, name: &str) -> Result<(), RecordsError> {
        let uuid = uuid_base64(self.reader.bytes(16)?);
        self.name(name);
        let _ = write!(self.json, "\"{uuid}\"");
        Ok(())
    }

    fn string(&mut self, name: &str) -> Result<(), RecordsError> {
        let length = self.compact_length()?;
        let text = String::from_utf8_lossy(self.reader.bytes(length)?);
        self.name(name);
        self.json.push_str(&serde_json::Value::from(text).to_string());
        Ok(())
    }

    fn array(&mut self, name: &str, mut element: impl FnMut(&mut Self) -> Result<(), RecordsError>) -> Result<(), RecordsError> {
        let length = self.compact_length()?;
        self.name(name);
        self.json.push('[');
        for index in 0..length {
            if index > 0 {
                self.json.push(',');
            }
            element(self)?;
        }
        self.json.push(']');
        Ok(())
    }

    /// Compact lengths count from 1; 0, which means null, is in none of these messages.
    fn compact_length(&mut self) -> Result<usize, RecordsError> {
        let length = self.reader.unsigned_varint()?;
        length.checked_sub(1).map(|length| length as usize).ok_or(RecordsError::Control("value"))
    }

    fn tagged_fields(&mut self) -> Result<(), RecordsError> {
        for _ in 0..self.reader.unsigned_varint()? {
            self.reader.unsigned_varint()?;
            let size = self.reader.unsigned_varint()?;
            self.reader.bytes(size as usize)?;
        }
        Ok(())
    }

    fn field(&mut self, name: &str, value: impl std::fmt::Display) {
        self.name(name);
        let _ = write!(self.json, "{value}");
    }

    fn name(&mut self, name: &str) {
        if !self.json.ends_with(['{', '[']) {
            self.json.push(',');
        }
        let _ = write!(self.json, "\"{name}\":");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_look_like_kafkas() {
        assert_eq!(uuid_base64(&[0; 16]), "AAAAAAAAAAAAAAAAAAAAAA");
        assert_eq!(uuid_base64(&[0xff; 16]), "_____________________w");
    }

    #[test]
    fn a_lying_length_is_an_error() {
        let value = [0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(control_value_json(ControlRecordType::LeaderChange, Some(&value)).is_err());
    }
}
