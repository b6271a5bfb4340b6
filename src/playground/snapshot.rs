//! What is visible of the world at one instant: plain data for the stage, the panels, the goals and the wire.
//!
//! Everything here is bounded: [`TAIL`] records a strip, [`MAX_FRAMES`] frames, and what is left out is counted.

use serde::{Deserialize, Serialize};

use crate::kafka::event::GroupState;
use crate::kafka::protocol::frame::Kind;

/// The last so many offsets of each replica come with their records' hues.
pub const TAIL: usize = 32;
/// At most so many frames on their way are shown.
pub const MAX_FRAMES: usize = 400;

/// The visible state of a cluster and its clients.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Virtual time in microseconds since the run began, and when the cluster was first ready.
    pub now_us: u64,
    pub ready_us: u64,
    pub nodes: Vec<NodeView>,
    /// The active controller and the epoch of its leadership.
    pub controller: Option<i32>,
    pub controller_epoch: i32,
    /// Sorted by name; internal topics last.
    pub topics: Vec<TopicView>,
    pub producers: Vec<ProducerView>,
    pub groups: Vec<GroupView>,
    pub frames: Vec<FrameView>,
    /// Frames on their way that did not fit into `frames`.
    pub more_frames: u32,
    /// Pairs of hosts whose link is cut both ways, by name.
    pub cuts: Vec<(String, String)>,
    /// Links that are cut one way only: from whom, to whom nothing comes.
    pub one_way_cuts: Vec<(String, String)>,
    pub health: Health,
}

/// The few numbers that tell whether a cluster is well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    pub brokers_up: u32,
    pub brokers: u32,
    pub under_replicated: u32,
    pub under_min_isr: u32,
    pub offline: u32,
}

/// A broker or controller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NodeView {
    pub id: i32,
    pub host: String,
    /// Its process's number: frames name their ends by it.
    pub process: u32,
    pub is_broker: bool,
    pub is_controller: bool,
    pub state: NodeState,
    /// The controller counts on it (registered and not fenced).
    pub fenced: bool,
    /// The controller will fence it at this time (µs), unless a heartbeat comes.
    pub session_ends_us: Option<u64>,
    pub disk_bytes: u64,
    pub leaders: u32,
    pub replicas: u32,
}

/// How a node's process is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum NodeState {
    /// Its start was asked for, or it reads its logs.
    Starting,
    #[default]
    Running,
    /// It hands over its leaderships.
    Stopping,
    Paused,
    Killed,
    PoweredOff,
    Stopped,
}

impl NodeState {
    /// Whether the process exists and runs.
    pub fn is_up(self) -> bool {
        matches!(self, NodeState::Running | NodeState::Stopping | NodeState::Starting)
    }
}

/// A topic and its partitions, by number.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TopicView {
    pub name: String,
    pub internal: bool,
    pub replication_factor: i32,
    pub min_isr: i32,
    pub partitions: Vec<PartitionView>,
    /// Records acknowledged to producers per second, over the last second.
    pub acked_per_s: u32,
}

/// A partition as the controller sees it, and its replicas as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionView {
    pub partition: i32,
    pub leader: Option<i32>,
    pub leader_epoch: i32,
    pub partition_epoch: i32,
    /// In assignment order.
    pub replicas: Vec<i32>,
    pub isr: Vec<i32>,
    pub elr: Vec<i32>,
    /// One each in the order of `replicas`; of the metadata log also those of the brokers, which observe it.
    pub logs: Vec<ReplicaView>,
}

/// One replica's log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReplicaView {
    pub broker: i32,
    pub log_start: i64,
    /// The next offset to be written (LEO).
    pub log_end: i64,
    /// As this replica knows it.
    pub high_watermark: i64,
    pub size_bytes: u64,
    /// The last [`TAIL`] offsets before `log_end`, oldest first.
    pub tail: Vec<Hue>,
    /// Leader epochs within the tail: (epoch, first offset).
    pub epochs: Vec<(i32, i64)>,
    /// Base offsets of the segments within the tail.
    pub segments: Vec<i64>,
    /// The broker believes that it leads this partition.
    pub leads: bool,
}

/// What a record looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hue {
    /// There is no record at this offset (compacted away), or it is not read.
    #[default]
    Gap,
    /// A record without a key.
    Plain,
    /// A record whose key falls on this one of twelve hues.
    Key(u8),
    Tombstone,
    Control,
}

/// A steady producer, or a console producer in the terminal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProducerView {
    pub process: u32,
    pub name: String,
    pub topic: String,
    pub acks: i16,
    /// Records acknowledged in the last second.
    pub acked_per_s: u32,
    pub acked: u64,
    pub failed: u64,
    /// In the accumulator, not yet sent or waiting for a retry.
    pub buffered_records: u32,
    pub buffered_bytes: u64,
    pub in_flight: u32,
    /// Why nothing moves, in words, if it does not.
    pub stuck: Option<String>,
}

/// A consumer group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GroupView {
    pub name: String,
    pub state: GroupState,
    pub generation: i32,
    /// The assignor that the group chose ("range"), empty if none.
    pub assignor: String,
    pub coordinator: Option<i32>,
    pub members: Vec<MemberView>,
    /// By topic and partition: committed, and the distance to the high watermark.
    pub offsets: Vec<GroupOffset>,
    pub consumed_per_s: u32,
}

/// A consumer, whether or not the coordinator knows it yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberView {
    pub process: u32,
    /// Empty until the coordinator has given one.
    pub member_id: String,
    pub client_id: String,
    pub owned: Vec<Position>,
    /// It fetches nothing at present: it rebalances, or cannot reach its coordinator.
    pub stopped: bool,
    pub consumed_per_s: u32,
}

/// A partition that a member owns, and the offset it reads next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub topic: String,
    pub partition: i32,
    pub position: i64,
}

/// What a group has committed of a partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOffset {
    pub topic: String,
    pub partition: i32,
    pub committed: Option<i64>,
    pub log_end: i64,
}

/// A frame on its way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrameView {
    /// The same frame has the same key from one snapshot to the next.
    pub key: u64,
    pub from: u32,
    pub to: u32,
    pub kind: Kind,
    pub sent_us: u64,
    pub due_us: u64,
    /// It waits at a cut.
    pub waits: bool,
    pub retry: bool,
    pub records: u32,
    /// The first topic and partition that it speaks of.
    pub about: Option<(String, i32)>,
    pub hue: Hue,
}
