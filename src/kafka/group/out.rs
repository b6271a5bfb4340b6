//! What the coordinator asks of the broker that embeds it.

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::classic_group::ClassicGroup;
use super::config::GroupConfig;
use super::consumer::group::ConsumerGroup;
use super::offsets::CommittedOffset;
use super::record::Record;
use crate::kafka::event::Event;
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::{Batch, NO_PRODUCER_EPOCH, NO_PRODUCER_ID};
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::kafka::security::address_of;
use crate::sim::chunk::ChunkId;
use crate::sim::process::{Absent, EventId};
use crate::sim::time::{Duration, Time};

/// Names a request whose answer is owed. The broker gives it, and finds connection and correlation id by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token(pub u64);

/// Names an append to a partition of `__consumer_offsets`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientInfo {
    pub client_id: Name,
    /// As Kafka shows it: `/` and the client's host. Behind the slash stands the host's name, by which "why?" finds what became of it.
    pub client_host: Name,
}

/// What the coordinator can ask for.
pub trait GroupOut {
    /// The answer to a request, in the version of that request.
    fn respond(&mut self, token: Token, response: Response);

    /// Append to a partition of `__consumer_offsets` that is led here, as with acks=all. What became of it comes back through
    /// [`super::coordinator::GroupCoordinator::appended`], later or in a later step, never from inside this call.
    fn append(&mut self, partition: i32, batch: Batch) -> AppendId;

    fn emit(&mut self, event: Event, absent: Vec<Absent>) -> EventId;

    fn chunk_id(&mut self) -> ChunkId;

    /// 16 bytes of the broker's random stream, for a member id.
    fn member_uuid(&mut self) -> [u8; 16];

    /// The id of a topic, nil if the broker knows none (it stands beside committed offsets).
    fn topic_id(&mut self, _topic: &str) -> Uuid {
        Uuid::nil()
    }

    /// A topic's id and number of partitions, if it exists.
    fn topic(&mut self, _name: &str) -> Option<(Uuid, i32)> {
        None
    }

    /// The name of a topic by its id, if it exists.
    fn topic_name(&mut self, _id: &Uuid) -> Option<Name> {
        None
    }

    /// What a group is configured with for itself (`GroupConfig`), as a number.
    fn group_config(&mut self, _group: &str, _name: &str) -> Option<u64> {
        None
    }

    /// Writes a line into the broker's log, about a group of this partition (`GroupMetadataManager`'s logger).
    fn log(&mut self, _partition: i32, _message: String) {}

    /// Whether the cluster has this partition.
    fn has_partition(&mut self, _partition: &TopicPartition) -> bool {
        true
    }
}

/// What a rule works with besides its group.
pub(super) struct Context<'a> {
    pub now: Time,
    pub config: &'a GroupConfig,
    /// Of `__consumer_offsets`.
    pub partition: i32,
    pub out: &'a mut dyn GroupOut,
    pub pending: &'a mut BTreeMap<AppendId, Pending>,
}

/// What waits for an append.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    pub partition: i32,
    pub group: Name,
    pub then: Then,
    /// A request that is answered with this if the append succeeds, or with its API's error if not.
    pub answer: Option<(Token, Response)>,
}

/// What follows once an append is committed.
#[derive(Clone, Debug)]
pub(super) enum Then {
    /// A new group is known to be written; it goes if that failed.
    Created,
    /// An emptied group's metadata, or a deletion: nothing more to do.
    Nothing,
    /// The leader's assignment for this generation is handed out.
    Assign { generation: i32, assignments: BTreeMap<Name, bytes::Bytes> },
    /// A static member that came back under a new id is told so, or gets its old id again.
    StaticMember { old: Box<super::member::Member>, new_id: Name },
    /// Offsets count as committed.
    Commit { offsets: Vec<(TopicPartition, CommittedOffset)> },
    /// Offsets are forgotten.
    DeleteOffsets { partitions: Vec<TopicPartition> },
    /// The group is gone, unless that failed. `at`: its place in the request, which may name others.
    DeleteGroup { token: Token, at: usize, group: Arc<ClassicGroup> },
    /// The same of a group of the consumer protocol.
    DeleteConsumerGroup { token: Token, at: usize, group: Arc<ConsumerGroup> },
    /// A group of the consumer protocol changed; this is what it was, if it was there, in case that failed.
    ConsumerGroup { before: Option<Arc<ConsumerGroup>> },
}

impl Context<'_> {
    /// Writes records as one batch. Kafka's coordinators number their records from sequence 0 though they have no producer id.
    /// (Kafka may put several operations into one batch, `group.coordinator.append.linger.ms`; here each has its own.)
    pub fn append(&mut self, group: &Name, records: &[Record], then: Then) -> AppendId {
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
        builder.set_producer_state(NO_PRODUCER_ID, NO_PRODUCER_EPOCH, 0);
        for record in records {
            builder.append(self.now.wall_ms(), Some(&record.key_bytes()), record.value_bytes().as_deref(), &[]);
        }
        let batch = builder.build(self.out.chunk_id());
        let id = self.out.append(self.partition, batch);
        self.pending.insert(id, Pending { partition: self.partition, group: group.clone(), then, answer: None });
        id
    }

    pub fn respond(&mut self, token: Token, response: impl Into<Response>) {
        self.out.respond(token, response.into());
    }

    /// A group's own setting in ms, or the broker's.
    pub fn group_duration(&mut self, group: &str, name: &str, broker: Duration) -> Duration {
        self.out.group_config(group, name).map_or(broker, Duration::ms)
    }

    /// An INFO line of the broker's log.
    pub fn log(&mut self, message: String) {
        self.out.log(self.partition, message);
    }

    pub fn emit(&mut self, event: Event) {
        self.out.emit(event, Vec::new());
    }
}

/// What a client is told if a group's metadata could not be written (`appendGroupMetadataErrorToResponseError`).
pub(super) fn append_error(error: ResponseError) -> ResponseError {
    use ResponseError::*;
    match error {
        UnknownTopicOrPartition | NotEnoughReplicas | NotEnoughReplicasAfterAppend | RequestTimedOut => CoordinatorNotAvailable,
        NotLeaderOrFollower | KafkaStorageError => NotCoordinator,
        MessageTooLarge | RecordListTooLarge | InvalidFetchSize => UnknownServerError,
        other => other,
    }
}

/// A member's host as its coordinator tells of it: by its address. (What is kept is the name, by which "why?" finds it.)
pub fn address(client_host: &str) -> String {
    format!("/{}", address_of(client_host.trim_start_matches('/')))
}

pub(super) fn str_bytes(text: &str) -> StrBytes {
    StrBytes::from_string(text.to_owned())
}

pub(super) fn name(text: &StrBytes) -> Name {
    Name::from(text.as_str())
}
