//! The things on the stage, which can be pointed at, asked about and remembered from one snapshot to the next.

use crate::kafka::names::Name;

/// A thing on the stage, named as the cluster names it, not by its place in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Stage,
    /// A broker or controller, by its node id.
    Node(i32),
    Topic(Name),
    Partition(Name, i32),
    Replica(Name, i32, i32),
    /// A producer, by its process.
    Producer(u32),
    Group(Name),
    /// A consumer, by its process.
    Member(u32),
    /// A link between two hosts.
    Link(Name, Name),
    /// A frame on its way, by its key.
    Frame(u64),
}
