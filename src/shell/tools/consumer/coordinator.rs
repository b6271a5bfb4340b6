//! Records of `__consumer_offsets` as JSON, one after the other without line breaks (`OffsetsMessageFormatter`,
//! `GroupMetadataMessageFormatter`).

use crate::kafka::group::record::{GroupMetadata, MemberMetadata, Record};
use crate::kafka::names::uuid_text;

/// Which records are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Offsets,
    Groups,
}

/// The JSON of a record, or nothing if it is of another kind or no record of a coordinator.
pub fn format(wanted: Wanted, key: Option<&[u8]>, value: Option<&[u8]>) -> String {
    let Some(key) = key else { return String::new() };
    let version = value.and_then(|value| value.first_chunk()).map_or(0, |bytes| i16::from_be_bytes(*bytes));
    let (kind, key, data) = match (wanted, Record::parse(key, value)) {
        (Wanted::Offsets, Ok(Some(Record::Offset { group, partition, value }))) => {
            let key = format!(r#""group":{},"topic":{},"partition":{}"#, text(&group), text(&partition.topic), partition.partition);
            let data = value.map(|value| {
                let topic_id = if version >= 4 { format!(r#","topicId":"{}""#, uuid_text(value.topic_id)) } else { String::new() };
                format!(
                    r#""offset":{},"leaderEpoch":{},"metadata":{},"commitTimestamp":{}{topic_id}"#,
                    value.offset,
                    value.leader_epoch,
                    text(&value.metadata),
                    value.commit_timestamp_ms
                )
            });
            (1, key, data)
        }
        (Wanted::Groups, Ok(Some(Record::Group { group, value }))) => {
            (2, format!(r#""group":{}"#, text(&group)), value.map(|value| group_metadata(&value)))
        }
        _ => return String::new(),
    };
    let value = data.map_or_else(|| "null".to_owned(), |data| format!(r#"{{"version":{version},"data":{{{data}}}}}"#));
    format!(r#"{{"key":{{"type":{kind},"data":{{{key}}}}},"value":{value}}}"#)
}

fn group_metadata(value: &GroupMetadata) -> String {
    let members: Vec<String> = value.members.iter().map(member).collect();
    format!(
        r#""protocolType":{},"generation":{},"protocol":{},"leader":{},"currentStateTimestamp":{},"members":[{}]"#,
        text(&value.protocol_type),
        value.generation,
        optional(value.protocol.as_deref()),
        optional(value.leader.as_deref()),
        value.current_state_timestamp_ms,
        members.join(",")
    )
}

fn member(member: &MemberMetadata) -> String {
    format!(
        r#"{{"memberId":{},"groupInstanceId":{},"clientId":{},"clientHost":{},"rebalanceTimeout":{},"sessionTimeout":{},"subscription":"{}","assignment":"{}"}}"#,
        text(&member.member_id),
        optional(member.group_instance_id.as_deref()),
        text(&member.client_id),
        text(&member.client_host),
        member.rebalance_timeout_ms,
        member.session_timeout_ms,
        base64(&member.subscription),
        base64(&member.assignment)
    )
}

fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn optional(value: Option<&str>) -> String {
    value.map_or_else(|| "null".to_owned(), text)
}

/// As Jackson writes bytes: with padding.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for digit in 0..4 {
            let letter = if digit <= group.len() { DIGITS[(bits >> (18 - 6 * digit) & 63) as usize] } else { b'=' };
            text.push(char::from(letter));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_and_its_tombstone() {
        let value = GroupMetadata { generation: 2, current_state_timestamp_ms: 7, ..GroupMetadata::default() };
        let record = Record::Group { group: "g\"1".into(), value: Some(value) };
        let (key, value) = (record.key_bytes(), record.value_bytes());
        let expected = r#"{"key":{"type":2,"data":{"group":"g\"1"}},"value":{"version":3,"data":{"protocolType":"","generation":2,"protocol":null,"leader":null,"currentStateTimestamp":7,"members":[]}}}"#;
        assert_eq!(format(Wanted::Groups, Some(&key), value.as_deref()), expected);
        assert_eq!(format(Wanted::Groups, Some(&key), None), r#"{"key":{"type":2,"data":{"group":"g\"1"}},"value":null}"#);
        assert_eq!(format(Wanted::Offsets, Some(&key), None), "");
        assert_eq!(format(Wanted::Offsets, Some(b"x"), None), "");
    }

    #[test]
    fn bytes_with_padding() {
        assert_eq!([&b""[..], b"a", b"ab", b"abc", b"\xff\xfe"].map(base64), ["", "YQ==", "YWI=", "YWJj", "//4="]);
    }
}
