//! The things on the stage, which can be pointed at, asked about and remembered from one snapshot to the next.

/// A thing on the stage, named as the cluster names it, not by its place in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Item {
    Stage,
    /// A broker or controller, by its node id.
    Node(i32),
    Topic(String),
    Partition(String, i32),
    Replica(String, i32, i32),
    /// A producer, by its process.
    Producer(u32),
    Group(String),
    /// A consumer, by its process.
    Member(u32),
    /// A link between two hosts.
    Link(String, String),
    /// A frame on its way, by its key.
    Frame(u64),
}
