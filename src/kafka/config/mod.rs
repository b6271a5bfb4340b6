//! Configuration: names, types and defaults as Kafka has them.

pub mod broker;
mod broker_table;
pub mod client_metrics;
pub mod group;
pub mod helper;
pub mod topic;

/// A list with these words added, those that it has not, or taken away (`AlterConfigOp.OpType` APPEND and SUBTRACT).
pub fn altered_list(old: &str, words: &str, append: bool) -> String {
    let mut parts: Vec<&str> = old.split(',').filter(|part| !part.is_empty()).collect();
    for word in words.split(',') {
        match parts.iter().position(|part| *part == word) {
            None if append => parts.push(word),
            Some(at) if !append => drop(parts.remove(at)),
            _ => {}
        }
    }
    parts.join(",")
}

/// `ConfigDef.Importance`: how much it matters to who sets a cluster up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}
