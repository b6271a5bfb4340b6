//! Everything that can be observed: one closed enum for tests, checkers, goals, metrics, the narration and the stage.
//!
//! A batch's events, never a record's: their number must not follow the records.

use serde::{Deserialize, Serialize};

use super::names::{BrokerId, Name, TopicPartition};
use crate::sim::chunk::ChunkId;
use crate::sim::fault::Occurrence;

/// Something that happened. Who reported it, when and why stand beside it (`sim::process::Recorded`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Event {
    /// Hosts, processes and links.
    Sim(Occurrence),

    // --- brokers and the controller ---
    /// A broker has read its logs and asks to be registered. `clean`: it had been stopped in an orderly way.
    BrokerStarted {
        broker: BrokerId,
        clean: bool,
    },
    /// The controller took a broker in; it is fenced until it has caught up with the metadata.
    BrokerRegistered {
        broker: BrokerId,
        epoch: i64,
    },
    BrokerUnfenced {
        broker: BrokerId,
    },
    /// The controller no longer counts on a broker.
    BrokerFenced {
        broker: BrokerId,
        why: Fenced,
    },
    /// A broker asked to hand over its leaderships before it stops.
    ControlledShutdown {
        broker: BrokerId,
    },
    ControllerElected {
        controller: BrokerId,
        epoch: i32,
    },
    /// A replica of the metadata log is something else in its quorum, or is it in another epoch. (A leader is reported as elected.)
    QuorumRoleChanged {
        node: BrokerId,
        role: QuorumRole,
        epoch: i32,
    },
    /// A voter answered a candidate. `pre_vote`: it only said what it would do.
    VoteCast {
        voter: BrokerId,
        candidate: BrokerId,
        epoch: i32,
        granted: bool,
        pre_vote: bool,
    },
    /// A majority of the voters has the metadata log up to and without `high_watermark`.
    MetadataCommitted {
        leader: BrokerId,
        epoch: i32,
        high_watermark: i64,
    },

    // --- topics and partitions, as the controller decides ---
    TopicCreated {
        topic: Name,
        partitions: i32,
        replication_factor: i32,
    },
    TopicDeleted {
        topic: Name,
    },
    PartitionsAdded {
        topic: Name,
        from: i32,
        to: i32,
    },
    /// A partition has another leader, or none (`leader` is `None`).
    LeaderElected {
        partition: TopicPartition,
        leader: Option<BrokerId>,
        before: Option<BrokerId>,
        leader_epoch: i32,
        isr: Vec<BrokerId>,
        unclean: bool,
    },
    IsrChanged {
        partition: TopicPartition,
        before: Vec<BrokerId>,
        isr: Vec<BrokerId>,
        leader_epoch: i32,
    },
    ConfigChanged {
        resource: Name,
        name: Name,
        value: Option<Name>,
    },

    // --- logs ---
    /// A leader appended a batch. `size_bytes`: of the batch.
    Appended {
        partition: TopicPartition,
        broker: BrokerId,
        base_offset: i64,
        last_offset: i64,
        size_bytes: u32,
        chunk: ChunkId,
    },
    /// A follower appended what it fetched, up to and without `log_end`.
    Replicated {
        partition: TopicPartition,
        broker: BrokerId,
        log_end: i64,
    },
    /// The leader's high watermark moved.
    HighWatermarkMoved {
        partition: TopicPartition,
        broker: BrokerId,
        high_watermark: i64,
    },
    /// A log was cut back, because it had diverged or its tail was torn.
    Truncated {
        partition: TopicPartition,
        broker: BrokerId,
        from: i64,
        to: i64,
    },
    SegmentRolled {
        partition: TopicPartition,
        broker: BrokerId,
        base_offset: i64,
    },
    /// A broker can no longer use one of its log directories: the replicas in it are offline there.
    LogDirFailed {
        broker: BrokerId,
        dir: Name,
    },
    /// Old segments were deleted; the log now starts at `log_start`.
    LogStartMoved {
        partition: TopicPartition,
        broker: BrokerId,
        log_start: i64,
    },
    /// The log cleaner went over a log: of each key only the newest value is left before `first_dirty`.
    LogCleaned {
        partition: TopicPartition,
        broker: BrokerId,
        first_dirty: i64,
        bytes_before: u64,
        bytes_after: u64,
    },
    /// A checksum did not fit.
    CorruptBatch {
        partition: TopicPartition,
        broker: BrokerId,
        offset: i64,
    },

    // --- producers ---
    ProducerStarted {
        producer: Name,
    },
    /// A batch left for its leader; `attempt` counts from 1.
    BatchSent {
        producer: Name,
        partition: TopicPartition,
        count: u32,
        chunk: ChunkId,
        attempt: u32,
    },
    /// `base_offset` is -1 if the producer does not wait for acknowledgements (acks=0).
    BatchAcked {
        producer: Name,
        partition: TopicPartition,
        base_offset: i64,
        count: u32,
        chunk: ChunkId,
        latency_us: u64,
    },
    /// The producer gave a batch up; its application was told.
    BatchFailed {
        producer: Name,
        partition: TopicPartition,
        count: u32,
        chunk: ChunkId,
        error: i16,
    },

    // --- groups ---
    /// A group's state machine moved (classic: the generation; KIP-848: the epoch).
    GroupChanged {
        group: Name,
        state: GroupState,
        generation: i32,
    },
    MemberJoined {
        group: Name,
        member: Name,
        client: Name,
    },
    MemberLeft {
        group: Name,
        member: Name,
        why: Left,
    },
    /// A member learned what it owns.
    Assigned {
        group: Name,
        member: Name,
        generation: i32,
        partitions: Vec<TopicPartition>,
    },
    /// A member read records `from..=to` (offsets) of the batch that begins at `base_offset`.
    Consumed {
        group: Option<Name>,
        client: Name,
        partition: TopicPartition,
        base_offset: i64,
        from: i64,
        to: i64,
        count: u32,
        chunk: ChunkId,
    },
    OffsetCommitted {
        group: Name,
        partition: TopicPartition,
        offset: i64,
    },
    /// A consumer's position was out of range or unknown, and was set by `auto.offset.reset`.
    OffsetReset {
        group: Option<Name>,
        client: Name,
        partition: TopicPartition,
        to: i64,
    },

    /// A broker wrote this into its server.log: level, text and logger, as Kafka does.
    ServerLog {
        broker: BrokerId,
        line: Name,
    },

    // --- the terminal ---
    /// A person (or a solution) entered a line.
    LineEntered {
        session: u32,
        line: Name,
    },
    /// A tool of a pipeline began, with its arguments as split.
    ToolStarted {
        session: u32,
        job: u32,
        tool: Name,
        args: Vec<Name>,
    },
    /// It ended; `output` is the first of what it printed on standard output (at most 2 KiB).
    ToolEnded {
        session: u32,
        job: u32,
        tool: Name,
        args: Vec<Name>,
        status: i32,
        output: Name,
    },
}

/// What a replica of the metadata log is in its quorum (`EpochState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum QuorumRole {
    Unattached,
    Prospective,
    Candidate,
    Leader,
    Follower,
    Resigned,
}

/// Why a broker was fenced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fenced {
    /// No heartbeat came for broker.session.timeout.ms.
    SessionExpired,
    /// It shut down in an orderly way.
    ShutDown,
    /// It registered anew.
    Restarted,
}

/// Why a member is no longer in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Left {
    /// It said so.
    Closed,
    /// No heartbeat came for session.timeout.ms.
    SessionExpired,
    /// It did not rejoin in time (max.poll.interval.ms).
    RebalanceTimedOut,
}

/// ClassicGroupState, and ConsumerGroupState.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GroupState {
    #[default]
    Empty,
    PreparingRebalance,
    CompletingRebalance,
    /// Of KIP-848: a new target is to be computed.
    Assigning,
    /// Of KIP-848: members are on their way to the target.
    Reconciling,
    Stable,
    Dead,
}

impl GroupState {
    /// As Kafka's tools print it.
    pub fn as_str(self) -> &'static str {
        match self {
            GroupState::Empty => "Empty",
            GroupState::PreparingRebalance => "PreparingRebalance",
            GroupState::CompletingRebalance => "CompletingRebalance",
            GroupState::Assigning => "Assigning",
            GroupState::Reconciling => "Reconciling",
            GroupState::Stable => "Stable",
            GroupState::Dead => "Dead",
        }
    }
}

impl From<Occurrence> for Event {
    fn from(occurrence: Occurrence) -> Event {
        Event::Sim(occurrence)
    }
}
