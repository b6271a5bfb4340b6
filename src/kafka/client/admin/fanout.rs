//! Calls that are several requests: offsets and the deletion of records, which are each partition's leader's, and groups, of which each
//! broker knows its own.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::list_groups_response::ListedGroup;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsRequest, ListOffsetsTopic};
use kafka_protocol::messages::list_offsets_response::ListOffsetsResponse;
use kafka_protocol::messages::{BrokerId as WireBrokerId, DeleteRecordsRequest, DeleteRecordsResponse, ListGroupsRequest, TopicName};

use super::{AdminClient, Call, CallId, Outcome, Target, no_controller_answers};
use crate::kafka::client::error::ClientError;
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::errors;
use crate::sim::time::{Duration, Time};

/// `OffsetSpec`: special timestamps of a ListOffsets request.
pub const LATEST_TIMESTAMP: i64 = -1;
pub const EARLIEST_TIMESTAMP: i64 = -2;
pub const MAX_TIMESTAMP: i64 = -3;

/// By partition; offset -1 where no record is as late as asked for.
pub type ListedOffsets = BTreeMap<TopicPartition, Result<ListedOffset, ClientError>>;

/// The low watermark by partition.
pub type DeletedRecords = BTreeMap<TopicPartition, Result<i64, ClientError>>;

/// The groups of all brokers, in the order of their answers.
pub type ListedGroups = Vec<ListedGroup>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedOffset {
    pub offset: i64,
    pub timestamp: i64,
    pub leader_epoch: i32,
}

/// A call in parts.
#[derive(Clone, Debug)]
pub(super) struct Fanout {
    kind: Kind,
    pub deadline: Time,
    /// Not before this time, after an error that may pass.
    pub retry_at: Time,
    attempts: u32,
    /// Parts on their way.
    open: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Offsets { isolation_level: i8, waiting: BTreeMap<TopicPartition, i64>, asked: BTreeMap<TopicPartition, i64>, listed: ListedOffsets },
    Records { waiting: BTreeMap<TopicPartition, i64>, asked: BTreeMap<TopicPartition, i64>, deleted: DeletedRecords },
    Groups { request: ListGroupsRequest, asked: bool, listed: ListedGroups, error: Option<ClientError> },
}

impl AdminClient {
    /// `listOffsets`: for each partition the offset of the first record with this timestamp or a later one, or of a special one.
    /// Ends with [`Outcome::Offsets`].
    pub fn list_offsets(&mut self, now: Time, wanted: impl IntoIterator<Item = (TopicPartition, i64)>, isolation_level: i8) -> CallId {
        let waiting = wanted.into_iter().collect();
        self.fan_out(now, Kind::Offsets { isolation_level, waiting, asked: BTreeMap::new(), listed: BTreeMap::new() })
    }

    /// `deleteRecords`: what is before an offset of each partition (-1: before its high watermark). Ends with [`Outcome::Records`].
    pub fn delete_records(&mut self, now: Time, before: impl IntoIterator<Item = (TopicPartition, i64)>) -> CallId {
        let waiting = before.into_iter().collect();
        self.fan_out(now, Kind::Records { waiting, asked: BTreeMap::new(), deleted: BTreeMap::new() })
    }

    /// `listGroups`: the groups of all brokers. Ends with [`Outcome::Groups`].
    pub fn list_groups(&mut self, now: Time, request: ListGroupsRequest) -> CallId {
        self.fan_out(now, Kind::Groups { request, asked: false, listed: Vec::new(), error: None })
    }

    fn fan_out(&mut self, now: Time, kind: Kind) -> CallId {
        let id = self.next_id();
        let deadline = now + self.config.api_timeout;
        self.fanouts.insert(id, Fanout { kind, deadline, retry_at: Time::ZERO, attempts: 0, open: 0 });
        if self.client.from_controllers {
            self.finish(id, Some(&no_controller_answers()));
        }
        id
    }

    /// Begins the parts that can be begun, and ends what is complete or out of time.
    pub(super) fn spread(&mut self, now: Time) {
        for id in self.fanouts.keys().copied().collect::<Vec<_>>() {
            let Some(fanout) = self.fanouts.get(&id) else { continue };
            if fanout.is_complete() || fanout.open == 0 && fanout.deadline <= now {
                self.finish(id, None);
                continue;
            }
            if fanout.retry_at > now || self.client.cluster().brokers.is_empty() {
                continue;
            }
            match &fanout.kind {
                Kind::Offsets { .. } => self.spread_offsets(now, id),
                Kind::Records { .. } => self.spread_records(now, id),
                Kind::Groups { asked: false, .. } => self.spread_groups(id),
                Kind::Groups { .. } => {}
            }
        }
    }

    fn spread_offsets(&mut self, now: Time, id: CallId) {
        let cluster = self.client.cluster().clone();
        let Some(fanout) = self.fanouts.get_mut(&id) else { return };
        let deadline = fanout.deadline;
        let Kind::Offsets { isolation_level, waiting, asked, .. } = &mut fanout.kind else { return };
        let mut by_leader: BTreeMap<BrokerId, BTreeMap<Name, Vec<ListOffsetsPartition>>> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for (at, timestamp) in std::mem::take(waiting) {
            let Some(leader) = cluster.leader(&at) else {
                unknown.insert(at.topic.clone());
                waiting.insert(at, timestamp);
                continue;
            };
            let epoch = cluster.partition(&at).map_or(-1, |partition| partition.leader_epoch);
            let partition = ListOffsetsPartition::default()
                .with_partition_index(at.partition)
                .with_timestamp(timestamp)
                .with_current_leader_epoch(epoch);
            by_leader.entry(leader).or_default().entry(at.topic.clone()).or_default().push(partition);
            asked.insert(at, timestamp);
        }
        let isolation_level = *isolation_level;
        fanout.open += by_leader.len() as u32;
        for topic in unknown {
            self.want_leader(now, &topic);
        }
        for (leader, topics) in by_leader {
            let topics = topics.into_iter().map(|(name, partitions)| {
                ListOffsetsTopic::default().with_name(TopicName(name.to_string().into())).with_partitions(partitions)
            });
            let request = ListOffsetsRequest::default()
                .with_replica_id(WireBrokerId(-1))
                .with_isolation_level(isolation_level)
                .with_topics(topics.collect())
                .with_timeout_ms(self.config.network.request_timeout.as_ms() as i32);
            let part = self.next_id();
            self.begin(part, "listOffsets(api=LIST_OFFSETS)", Target::Node(leader), request.into(), deadline, Some(id));
        }
    }

    fn spread_records(&mut self, now: Time, id: CallId) {
        let cluster = self.client.cluster().clone();
        let Some(fanout) = self.fanouts.get_mut(&id) else { return };
        let deadline = fanout.deadline;
        let Kind::Records { waiting, asked, .. } = &mut fanout.kind else { return };
        let mut by_leader: BTreeMap<BrokerId, BTreeMap<Name, Vec<DeleteRecordsPartition>>> = BTreeMap::new();
        let mut unknown = BTreeSet::new();
        for (at, offset) in std::mem::take(waiting) {
            let Some(leader) = cluster.leader(&at) else {
                unknown.insert(at.topic.clone());
                waiting.insert(at, offset);
                continue;
            };
            let partition = DeleteRecordsPartition::default().with_partition_index(at.partition).with_offset(offset);
            by_leader.entry(leader).or_default().entry(at.topic.clone()).or_default().push(partition);
            asked.insert(at, offset);
        }
        fanout.open += by_leader.len() as u32;
        for topic in unknown {
            self.want_leader(now, &topic);
        }
        for (leader, topics) in by_leader {
            let topics = topics.into_iter().map(|(name, partitions)| {
                DeleteRecordsTopic::default().with_name(TopicName(name.to_string().into())).with_partitions(partitions)
            });
            let request = DeleteRecordsRequest::default()
                .with_topics(topics.collect())
                .with_timeout_ms(self.config.network.request_timeout.as_ms() as i32);
            let part = self.next_id();
            self.begin(part, "deleteRecords(api=DELETE_RECORDS)", Target::Node(leader), request.into(), deadline, Some(id));
        }
    }

    fn spread_groups(&mut self, id: CallId) {
        let brokers = self.client.cluster().broker_ids();
        let Some(fanout) = self.fanouts.get_mut(&id) else { return };
        let (deadline, Kind::Groups { request, asked, .. }) = (fanout.deadline, &mut fanout.kind) else { return };
        *asked = true;
        fanout.open += brokers.len() as u32;
        let request = request.clone();
        for broker in brokers {
            let part = self.next_id();
            self.begin(part, "listGroups", Target::Node(broker), request.clone().into(), deadline, Some(id));
        }
    }

    pub(super) fn part_ended(&mut self, parent: CallId, call: Call, result: Result<Response, ClientError>) {
        let Some(fanout) = self.fanouts.get_mut(&parent) else { return };
        fanout.open -= 1;
        let backoff = Duration(self.config.retry.initial.0 << fanout.attempts.min(3));
        match (&mut fanout.kind, result) {
            (Kind::Offsets { waiting, asked, listed, .. }, Ok(Response::ListOffsets(response))) => {
                if take_offsets(&response, waiting, asked, listed) {
                    fanout.attempts += 1;
                    fanout.retry_at = self.polled + backoff;
                    self.client.metadata.request_update(false);
                }
            }
            (Kind::Offsets { asked, listed, .. }, result) => {
                // The leader could not be asked to the end of the time: that is the answer for its partitions.
                let error = result.err().unwrap_or_else(|| ClientError::of_code(-1, None));
                for at in partitions_of(&call.request) {
                    asked.remove(&at);
                    listed.insert(at, Err(error.clone()));
                }
            }
            (Kind::Records { waiting, asked, deleted }, Ok(Response::DeleteRecords(response))) => {
                let (again, failed) = take_deleted(&response, waiting, asked, deleted);
                for (at, name) in failed {
                    let message = format!("DeleteRecords request for topic partition {at} failed due to an unexpected error {name}");
                    self.client.network.log.error(self.polled, DELETE_RECORDS_HANDLER, &message);
                }
                if again {
                    fanout.attempts += 1;
                    fanout.retry_at = self.polled + backoff;
                    self.client.metadata.request_update(false);
                }
            }
            (Kind::Records { asked, deleted, .. }, result) => {
                let error = result.err().unwrap_or_else(|| ClientError::of_code(-1, None));
                for at in partitions_of(&call.request) {
                    asked.remove(&at);
                    deleted.insert(at, Err(error.clone()));
                }
            }
            (Kind::Groups { listed, error, .. }, Ok(Response::ListGroups(response))) => match response.error_code {
                errors::NONE => listed.extend(response.groups),
                code => *error = error.take().or_else(|| Some(ClientError::of_code(code, None))),
            },
            (Kind::Groups { error, .. }, result) => {
                let failed = result.err().unwrap_or_else(|| ClientError::of_code(-1, None));
                *error = error.take().or(Some(failed));
            }
        }
        if self.fanouts.get(&parent).is_some_and(Fanout::is_complete) {
            self.finish(parent, None);
        }
    }

    /// Ends a call; what it has no answer to, failed with this error, or took too long.
    pub(super) fn finish(&mut self, id: CallId, error: Option<&ClientError>) {
        let Some(fanout) = self.fanouts.remove(&id) else { return };
        let timed_out = |call: &str| match error {
            Some(error) => error.clone(),
            None => ClientError::timeout(format!("Timed out waiting for a node assignment. Call: {call}")),
        };
        let result = match fanout.kind {
            Kind::Offsets { waiting, mut listed, .. } => {
                for (at, _) in waiting {
                    listed.insert(at, Err(timed_out("listOffsets(api=METADATA)")));
                }
                Ok(Outcome::Offsets(listed))
            }
            Kind::Records { waiting, mut deleted, .. } => {
                for (at, _) in waiting {
                    deleted.insert(at, Err(timed_out("deleteRecords(api=METADATA)")));
                }
                Ok(Outcome::Records(deleted))
            }
            Kind::Groups { asked: false, .. } => {
                Err(ClientError::kafka("Failed to find brokers to send ListGroups").caused_by(timed_out("findAllBrokers")))
            }
            Kind::Groups { error: Some(error), .. } => Err(error),
            Kind::Groups { listed, .. } => Ok(Outcome::Groups(listed)),
        };
        self.results.push_back((id, result));
    }
}

impl Fanout {
    fn is_complete(&self) -> bool {
        self.open == 0
            && match &self.kind {
                Kind::Offsets { waiting, asked, .. } | Kind::Records { waiting, asked, .. } => waiting.is_empty() && asked.is_empty(),
                Kind::Groups { asked, .. } => *asked,
            }
    }
}

/// Sorts an answer's partitions into those that are known now and those to be asked again; says whether there are any of the latter.
fn take_offsets(
    response: &ListOffsetsResponse,
    waiting: &mut BTreeMap<TopicPartition, i64>,
    asked: &mut BTreeMap<TopicPartition, i64>,
    listed: &mut ListedOffsets,
) -> bool {
    let mut again = false;
    for topic in &response.topics {
        for partition in &topic.partitions {
            let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let Some(timestamp) = asked.remove(&at) else { continue };
            match partition.error_code {
                errors::NONE => {
                    let (offset, timestamp, leader_epoch) = (partition.offset, partition.timestamp, partition.leader_epoch);
                    listed.insert(at, Ok(ListedOffset { offset, timestamp, leader_epoch }));
                }
                code if errors::info(code).is_retriable() => {
                    again = true;
                    waiting.insert(at, timestamp);
                }
                code => drop(listed.insert(at, Err(ClientError::of_code(code, None)))),
            }
        }
    }
    again
}

/// As [`take_offsets`], of deletions; also what is to be logged: partitions with the names of their errors.
fn take_deleted(
    response: &DeleteRecordsResponse,
    waiting: &mut BTreeMap<TopicPartition, i64>,
    asked: &mut BTreeMap<TopicPartition, i64>,
    deleted: &mut DeletedRecords,
) -> (bool, Vec<(TopicPartition, &'static str)>) {
    let (mut again, mut failed) = (false, Vec::new());
    for topic in &response.topics {
        for partition in &topic.partitions {
            let at = TopicPartition::new(topic.name.as_str(), partition.partition_index);
            let Some(offset) = asked.remove(&at) else { continue };
            let info = errors::info(partition.error_code);
            match partition.error_code {
                errors::NONE => drop(deleted.insert(at, Ok(partition.low_watermark))),
                _ if info.is_retriable() => {
                    again = true;
                    waiting.insert(at, offset);
                }
                code => {
                    failed.push((at.clone(), info.name));
                    deleted.insert(at, Err(ClientError::of_code(code, None)));
                }
            }
        }
    }
    (again, failed)
}

/// The class that logs what became of a deletion.
const DELETE_RECORDS_HANDLER: &str = "org.apache.kafka.clients.admin.internals.DeleteRecordsHandler";

fn partitions_of(request: &Request) -> Vec<TopicPartition> {
    match request {
        Request::ListOffsets(body) => {
            let of_topic = |topic: &ListOffsetsTopic| -> Vec<TopicPartition> {
                topic.partitions.iter().map(|partition| TopicPartition::new(topic.name.as_str(), partition.partition_index)).collect()
            };
            body.topics.iter().flat_map(of_topic).collect()
        }
        Request::DeleteRecords(body) => {
            let of_topic = |topic: &DeleteRecordsTopic| -> Vec<TopicPartition> {
                topic.partitions.iter().map(|partition| TopicPartition::new(topic.name.as_str(), partition.partition_index)).collect()
            };
            body.topics.iter().flat_map(of_topic).collect()
        }
        _ => Vec::new(),
    }
}
