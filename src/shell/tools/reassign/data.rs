//! The JSON files of kafka-reassign-partitions, and what it prints in their form.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::kafka::names::TopicPartition;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::java::json::{self, as_array, as_int, as_object, as_text, field};

/// "Whatever directory the broker chooses."
pub const ANY_LOG_DIR: &str = "any";

/// A replica: partition and broker.
pub type Replica = (TopicPartition, i32);
/// Replicas by partition.
pub type Assignment = BTreeMap<TopicPartition, Vec<i32>>;

/// What a reassignment file asks for, in its order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reassignments {
    pub partitions: Vec<(TopicPartition, Vec<i32>)>,
    /// Where a directory is named.
    pub log_dirs: BTreeMap<Replica, String>,
}

/// `parsePartitionReassignmentData`
///
/// # Errors
/// What is wrong with the text.
pub fn reassignments(text: &str) -> Result<Reassignments, Exception> {
    let value = json::parse(text)?;
    version(&value)?;
    let mut asked = Reassignments::default();
    let Some(partitions) = as_object(&value)?.get("partitions") else { return Ok(asked) };
    for entry in as_array(partitions)? {
        let (topic, partition) = (as_text(field(entry, "topic")?)?, as_int(field(entry, "partition")?)?);
        let name = TopicPartition::new(topic, partition);
        let replicas: Vec<i32> = as_array(field(entry, "replicas")?)?.iter().map(as_int).collect::<Result<_, _>>()?;
        let dirs: Vec<String> = match as_object(entry)?.get("log_dirs") {
            Some(dirs) => as_array(dirs)?.iter().map(|dir| as_text(dir).map(str::to_owned)).collect::<Result<_, _>>()?,
            None => vec![ANY_LOG_DIR.to_owned(); replicas.len()],
        };
        if replicas.len() != dirs.len() {
            return Err(failed(format!(
                "Size of replicas list [{}] is different from size of log dirs list [{}] for partition {name}",
                joined(&replicas, ", "),
                dirs.join(", ")
            )));
        }
        let named = replicas.iter().zip(dirs).filter(|(_, dir)| dir != ANY_LOG_DIR);
        asked.log_dirs.extend(named.map(|(replica, dir)| ((name.clone(), *replica), dir)));
        asked.partitions.push((name, replicas));
    }
    Ok(asked)
}

/// `parseExecuteAssignmentArgs`: what may be executed.
///
/// # Errors
/// What is wrong with the text.
pub fn to_execute(text: &str) -> Result<(Assignment, BTreeMap<Replica, String>), Exception> {
    let Reassignments { partitions, log_dirs } = reassignments(text)?;
    if partitions.is_empty() {
        return Err(failed("Partition reassignment list cannot be empty"));
    }
    if partitions.iter().any(|(_, replicas)| replicas.is_empty()) {
        return Err(failed("Partition replica list cannot be empty"));
    }
    let twice = duplicates(partitions.iter().map(|(name, _)| name.clone()));
    if !twice.is_empty() {
        let twice = hash::order(twice, 16, hash::of_partition);
        return Err(failed(format!("Partition reassignment contains duplicate topic partitions: {}", joined(&twice, ","))));
    }
    let repeated: Vec<String> = partitions
        .iter()
        .map(|(name, replicas)| (name, duplicates(replicas.iter().copied())))
        .filter(|(_, twice)| !twice.is_empty())
        .map(|(name, twice)| format!("{name} contains multiple entries for {}", joined(&twice, ",")))
        .collect();
    if !repeated.is_empty() {
        return Err(failed(format!("Partition replica lists may not contain duplicate entries: {}", repeated.join(". "))));
    }
    Ok((partitions.into_iter().collect(), log_dirs))
}

/// `parseGenerateAssignmentArgs`: brokers and topics.
///
/// # Errors
/// What is wrong with them.
pub fn to_generate(text: &str, broker_list: &str) -> Result<(Vec<i32>, Vec<String>), Exception> {
    let number =
        |id: &str| id.parse::<i32>().map_err(|_| Exception::new("java.lang.NumberFormatException", format!("For input string: \"{id}\"")));
    let brokers: Vec<i32> = broker_list.split(',').map(number).collect::<Result<_, _>>()?;
    let twice = duplicates(brokers.iter().copied());
    if !twice.is_empty() {
        return Err(failed(format!("Broker list contains duplicate entries: [{}]", joined(&twice, ", "))));
    }
    // Json.parseFull does not say what is wrong.
    let value = json::parse(text).map_err(|_| operation("The input string is not a valid JSON"))?;
    version(&value)?;
    let mut topics = Vec::new();
    if let Some(list) = as_object(&value)?.get("topics") {
        for entry in as_array(list)? {
            topics.push(as_text(field(entry, "topic")?)?.to_owned());
        }
    }
    let twice = duplicates(topics.iter().cloned());
    if !twice.is_empty() {
        return Err(failed(format!("List of topics to reassign contains duplicate entries: [{}]", joined(&twice, ", "))));
    }
    Ok((brokers, topics))
}

/// `formatAsReassignmentJson`
pub fn formatted(assignment: &Assignment, log_dirs: &BTreeMap<Replica, String>) -> String {
    let partitions = assignment.iter().map(|(name, replicas)| {
        let dir = |replica: &i32| log_dirs.get(&(name.clone(), *replica)).map_or(ANY_LOG_DIR, String::as_str);
        format!(
            "{{\"topic\":{},\"partition\":{},\"replicas\":[{}],\"log_dirs\":{}}}",
            json::text(&name.topic),
            name.partition,
            joined(replicas, ","),
            json::array(replicas.iter().map(|replica| json::text(dir(replica))))
        )
    });
    format!("{{\"version\":1,\"partitions\":{}}}", json::array(partitions))
}

/// Things with a separator between them.
pub fn joined<T: ToString>(things: &[T], separator: &str) -> String {
    things.iter().map(T::to_string).collect::<Vec<_>>().join(separator)
}

/// `AdminCommandFailedException`
pub fn failed(message: impl Into<String>) -> Exception {
    Exception::new("org.apache.kafka.tools.AdminCommandFailedException", message)
}

/// `AdminOperationException`
pub fn operation(message: impl Into<String>) -> Exception {
    Exception::new("org.apache.kafka.tools.AdminOperationException", message)
}

fn version(value: &Value) -> Result<(), Exception> {
    match as_object(value)?.get("version").map(as_int).transpose()? {
        None | Some(1) => Ok(()),
        Some(other) => Err(operation(format!("Not supported version field value {other}"))),
    }
}

/// What stands there more than once, in order of value.
fn duplicates<T: Ord + Clone>(things: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = BTreeSet::new();
    let twice: BTreeSet<T> = things.filter(|thing| !seen.insert(thing.clone())).collect();
    twice.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_read_and_written_again() {
        let text = r#"{"version":1,"partitions":[{"topic":"orders","partition":0,"replicas":[2,3],"log_dirs":["any","/d"]}]}"#;
        let (assignment, log_dirs) = to_execute(text).unwrap();
        assert_eq!(formatted(&assignment, &log_dirs), text);
    }

    #[test]
    fn what_is_wrong_is_said() {
        let said = |text: &str| to_execute(text).unwrap_err().text().to_owned();
        assert_eq!(said("{}"), "Partition reassignment list cannot be empty");
        assert_eq!(said(r#"{"version":2,"partitions":[]}"#), "Not supported version field value 2");
        assert_eq!(said(r#"{"partitions":[{"topic":"a","partition":0}]}"#), "No such field exists: `replicas`");
        assert_eq!(said(r#"{"partitions":[{"topic":"a","partition":"x","replicas":[1]}]}"#), "Expected `Integer` value, received \"x\"");
        let uneven = r#"{"partitions":[{"topic":"a","partition":0,"replicas":[1,2],"log_dirs":["any"]}]}"#;
        assert_eq!(said(uneven), "Size of replicas list [1, 2] is different from size of log dirs list [any] for partition a-0");
        assert_eq!(to_generate("{}", "1,x").unwrap_err().text(), "For input string: \"x\"");
    }
}
