//! The file of kafka-delete-records: up to where, partition by partition (`DeleteRecordsCommand.parseOffsetJsonStringWithoutDedup`).

use serde_json::{Map, Value};

use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;

/// Partitions with the offset before which their records go, each once.
///
/// # Errors
/// What Kafka's tool says of a file that is none.
pub fn parse(text: &str) -> Result<Vec<(TopicPartition, i64)>, Exception> {
    let operation = |message: String| Exception::new("org.apache.kafka.tools.AdminOperationException", message);
    let json: Value = serde_json::from_str(text).map_err(|_| operation("The input string is not a valid JSON".into()))?;
    let json = object(&json)?;
    match json.get("version").map_or(Ok(1), |version| integer(version, "Integer"))? {
        1 => {}
        other => return Err(operation(format!("Not supported version field value {other}"))),
    }
    let partitions = json.get("partitions").ok_or_else(|| operation("Missing partitions field".into()))?;
    let partitions = partitions.as_array().ok_or_else(|| mapping(format!("Expected JSON array, received {partitions}")))?;
    let mut before: Vec<(TopicPartition, i64)> = Vec::new();
    let mut twice: Vec<TopicPartition> = Vec::new();
    for partition in partitions {
        let partition = object(partition)?;
        let topic = field(partition, "topic")?;
        let topic = topic.as_str().ok_or_else(|| mapping(format!("Expected `String` value, received {topic}")))?;
        let index = integer(field(partition, "partition")?, "Integer")?;
        let index = i32::try_from(index).map_err(|_| mapping(format!("Expected `Integer` value, received {index}")))?;
        let at = TopicPartition::new(topic, index);
        let offset = integer(field(partition, "offset")?, "Long")?;
        if before.iter().any(|(known, _)| *known == at) {
            if !twice.contains(&at) {
                twice.push(at);
            }
        } else {
            before.push((at, offset));
        }
    }
    if !twice.is_empty() {
        let twice = hash::order(twice, 16, hash::of_partition);
        let names = twice.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let message = format!("Offset json file contains duplicate topic partitions: {names}");
        return Err(Exception::new("org.apache.kafka.tools.AdminCommandFailedException", message));
    }
    Ok(before)
}

fn mapping(message: String) -> Exception {
    Exception::new("com.fasterxml.jackson.databind.JsonMappingException", message)
}

fn object(value: &Value) -> Result<&Map<String, Value>, Exception> {
    value.as_object().ok_or_else(|| mapping(format!("Expected JSON object, received {value}")))
}

fn field<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a Value, Exception> {
    object.get(name).ok_or_else(|| mapping(format!("No such field exists: `{name}`")))
}

fn integer(value: &Value, kind: &str) -> Result<i64, Exception> {
    value.as_i64().ok_or_else(|| mapping(format!("Expected `{kind}` value, received {value}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_and_what_is_wrong_with_them() {
        let one = r#"{"partitions":[{"topic":"orders","partition":0,"offset":-1}]}"#;
        assert_eq!(parse(one), Ok(vec![(TopicPartition::new("orders", 0), -1)]));
        for (text, expected) in [
            ("{\"partitions\":", "The input string is not a valid JSON"),
            (r#"{"version":1}"#, "Missing partitions field"),
            (r#"{"partitions":[],"version":2}"#, "Not supported version field value 2"),
            (r#"{"partitions":[{"topic":"orders","offset":1}]}"#, "No such field exists: `partition`"),
            (r#"{"partitions":[{"topic":"orders","partition":"0","offset":1}]}"#, "Expected `Integer` value, received \"0\""),
            (
                r#"{"partitions":[{"topic":"o","partition":0,"offset":1},{"topic":"o","partition":0,"offset":2}]}"#,
                "Offset json file contains duplicate topic partitions: o-0",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err().text(), expected);
        }
    }
}
