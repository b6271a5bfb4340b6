//! DeleteRecords (`ReplicaManager.deleteRecords`, `DelayedDeleteRecords`): the leader's log begins later from now on, its followers hear of it
//! with their fetches, and the answer waits until they have followed.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::delete_records_response::{DeleteRecordsPartitionResult, DeleteRecordsTopicResult};
use kafka_protocol::messages::{DeleteRecordsRequest, DeleteRecordsResponse};

use super::process::Broker;
use super::replicas::Asker;
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::names::{TopicPartition, is_internal};
use crate::sim::time::{Duration, Time};

/// "Up to the high watermark."
const HIGH_WATERMARK: i64 = -1;
/// The low watermark where there is an error.
const INVALID_LOW_WATERMARK: i64 = -1;

/// A deletion that not all followers have followed yet.
#[derive(Clone, Debug)]
pub struct WaitingDelete {
    pub asker: Asker,
    pub deadline: Time,
    partitions: Vec<Deleted>,
}

/// What became of one partition of a request.
#[derive(Clone, Debug)]
struct Deleted {
    partition: TopicPartition,
    /// The low watermark must reach this.
    required: i64,
    /// The low watermark in the end, or an error.
    result: Option<Result<i64, ResponseError>>,
}

impl Broker {
    #[inline(never)]
    pub(super) fn delete_records(&mut self, now: Time, asker: Asker, request: &DeleteRecordsRequest, out: &mut Outbox) {
        let mut partitions = Vec::new();
        for topic in &request.topics {
            for asked in &topic.partitions {
                let partition = TopicPartition::new(topic.name.as_str(), asked.partition_index);
                let begun = self.delete_records_on_leader(&partition, asked.offset, out);
                let required = *begun.as_ref().unwrap_or(&INVALID_LOW_WATERMARK);
                partitions.push(Deleted { partition, required, result: begun.err().map(Err) });
            }
        }
        let deadline = now + Duration::ms(request.timeout_ms.max(0) as u64);
        let number = self.replicas.number();
        self.replicas.waiting_deletes.insert(number, WaitingDelete { asker, deadline, partitions });
        self.complete_deletes(now, out);
    }

    /// Deletions whose partitions have all followed, or whose time is over, are answered.
    #[inline(never)]
    pub(super) fn complete_deletes(&mut self, now: Time, out: &mut Outbox) {
        if self.replicas.waiting_deletes.is_empty() {
            return;
        }
        let mut waiting = std::mem::take(&mut self.replicas.waiting_deletes);
        for delete in waiting.values_mut() {
            for deleted in delete.partitions.iter_mut().filter(|deleted| deleted.result.is_none()) {
                let is_alive = |broker| self.image.brokers.get(&broker).is_some_and(|broker| !broker.fenced);
                let low_watermark = self.replicas.get(&deleted.partition).and_then(|partition| partition.low_watermark(is_alive));
                let future = self.futures.log_start_of(&deleted.partition);
                let low_watermark = low_watermark.map(|low_watermark| future.map_or(low_watermark, |future| future.min(low_watermark)));
                deleted.result = match low_watermark {
                    None => Some(Err(ResponseError::NotLeaderOrFollower)),
                    Some(low_watermark) if low_watermark >= deleted.required => Some(Ok(low_watermark)),
                    Some(_) if delete.deadline <= now => Some(Err(ResponseError::RequestTimedOut)),
                    Some(_) => None,
                };
            }
        }
        let is_done = |delete: &WaitingDelete| delete.partitions.iter().all(|deleted| deleted.result.is_some());
        let (done, waiting) = waiting.into_iter().partition(|(_, delete)| is_done(delete));
        self.replicas.waiting_deletes = waiting;
        for delete in std::collections::BTreeMap::into_values(done) {
            self.respond(now, delete.asker, delete_records_response(delete.partitions), Vec::new(), out);
        }
    }

    /// `deleteRecordsOnLeader`. Returns what the low watermark must reach.
    fn delete_records_on_leader(&mut self, name: &TopicPartition, offset: i64, out: &mut Outbox) -> Result<i64, ResponseError> {
        if self.image.partition(name).is_none() {
            return Err(ResponseError::UnknownTopicOrPartition);
        }
        if is_internal(&name.topic) {
            return Err(ResponseError::InvalidTopicException);
        }
        let partition = self.replicas.get_mut(name).ok_or(ResponseError::NotLeaderOrFollower)?;
        if !partition.is_leader() {
            return Err(ResponseError::NotLeaderOrFollower);
        }
        if !partition.log.config().delete {
            return Err(ResponseError::PolicyViolation);
        }
        let offset = if offset == HIGH_WATERMARK { partition.high_watermark } else { offset };
        if offset < 0 || offset > partition.high_watermark {
            return Err(ResponseError::OffsetOutOfRange);
        }
        if partition.log.increment_log_start(offset, &mut out.store()) {
            out.emit(Event::LogStartMoved { partition: name.clone(), broker: self.spec.id, log_start: offset });
            // The next answers say so; Kafka does not hurry them.
            self.mark_for_sessions(name);
        }
        Ok(offset)
    }
}

fn delete_records_response(partitions: Vec<Deleted>) -> DeleteRecordsResponse {
    let mut topics: Vec<DeleteRecordsTopicResult> = Vec::new();
    for deleted in partitions {
        let name = deleted.partition.topic.to_string();
        let answer = DeleteRecordsPartitionResult::default().with_partition_index(deleted.partition.partition);
        let answer = match deleted.result {
            Some(Ok(low_watermark)) => answer.with_low_watermark(low_watermark),
            Some(Err(error)) => answer.with_low_watermark(INVALID_LOW_WATERMARK).with_error_code(error.code()),
            None => answer.with_low_watermark(INVALID_LOW_WATERMARK).with_error_code(ResponseError::RequestTimedOut.code()),
        };
        match topics.iter_mut().find(|topic| topic.name.as_str() == name) {
            Some(topic) => topic.partitions.push(answer),
            None => {
                let topic = kafka_protocol::messages::TopicName(name.into());
                topics.push(DeleteRecordsTopicResult::default().with_name(topic).with_partitions(vec![answer]));
            }
        }
    }
    DeleteRecordsResponse::default().with_topics(topics)
}
