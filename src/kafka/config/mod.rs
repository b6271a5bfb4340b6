//! Configuration: names, types and defaults as Kafka has them.

pub mod broker;
mod broker_table;
pub mod client_metrics;
pub mod group;
pub mod helper;
pub mod topic;

/// `ConfigDef.Importance`: how much it matters to who sets a cluster up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    High,
    Medium,
    Low,
}
