//! The controller is told in which log directories replicas are, or are about to be (`AssignmentsManager`, KIP-858).
//!
//! What is told within a tenth of a second goes in one request; one request is on its way at a time; what is refused or lost is told again.

use std::collections::BTreeMap;

use kafka_protocol::messages::assign_replicas_to_dirs_request::{DirectoryData, PartitionData, TopicData};
use kafka_protocol::messages::{AssignReplicasToDirsRequest, AssignReplicasToDirsResponse};
use uuid::Uuid;

use super::forward::Call;
use super::process::Broker;
use crate::kafka::actor::Outbox;
use crate::kafka::names::TopicPartition;
use crate::sim::time::{Duration, Time};

/// `AssignReplicasToDirsRequest.MAX_ASSIGNMENTS_PER_REQUEST`
const MAX_ASSIGNMENTS_PER_REQUEST: usize = 2_250;
/// `AssignmentsManager.STANDARD_BACKOFF`: 100 ms, doubled by every failure in a row, up to 10 s.
const INITIAL_INTERVAL: Duration = Duration::ms(100);
const MAX_INTERVAL: Duration = Duration::secs(10);

/// One replica of this broker, and where it is.
#[derive(Clone, Debug)]
struct Assignment {
    name: TopicPartition,
    directory: Uuid,
    /// A future replica there waits for the controller to know it.
    promotes: bool,
}

/// A partition, by its topic's id.
type Key = (Uuid, i32);

/// What the controller is to be told. At most one assignment a replica of this broker.
#[derive(Clone, Debug, Default)]
pub struct Assignments {
    ready: BTreeMap<Key, Assignment>,
    in_flight: BTreeMap<Key, Assignment>,
    send_at: Option<Time>,
    /// Requests that failed as a whole, since the last that did not.
    failures: u32,
}

impl Assignments {
    pub fn next_wake(&self) -> Option<Time> {
        self.send_at
    }

    /// `rescheduleMaybeSendAssignmentsEvent`
    fn reschedule(&mut self, now: Time) {
        let delay = match self.failures {
            0 if self.ready.len() > MAX_ASSIGNMENTS_PER_REQUEST && self.in_flight.is_empty() => Duration::ms(0),
            failures => Duration(INITIAL_INTERVAL.0 << failures.min(7)).min(MAX_INTERVAL),
        };
        let at = now + delay;
        self.send_at = Some(self.send_at.map_or(at, |before| before.min(at)));
    }

    /// Tells it again, unless something newer is to be told of this replica.
    fn put_back(&mut self, key: Key, assignment: Assignment) {
        self.ready.entry(key).or_insert(assignment);
    }
}

impl Broker {
    /// `onAssignment`: the newest of a replica counts.
    pub(super) fn assign(&mut self, now: Time, name: &TopicPartition, topic_id: Uuid, directory: Uuid, promotes: bool) {
        let assignment = Assignment { name: name.clone(), directory, promotes };
        self.assignments.ready.insert((topic_id, name.partition), assignment);
        self.assignments.reschedule(now);
    }

    /// `maybeUpdateTopicAssignment`: of replicas that are in another directory than the metadata say.
    pub(super) fn assign_where_they_are(&mut self, now: Time, names: &[TopicPartition]) {
        for name in names {
            let known = self.image.partition(name).and_then(|partition| partition.directory(self.spec.id.0));
            let Some(topic_id) = self.replicas.get(name).map(|partition| partition.topic_id) else { continue };
            let Some(actual) = self.directory_of(name).filter(|actual| known.is_some_and(|known| known != *actual)) else { continue };
            self.assign(now, name, topic_id, actual, false);
        }
    }

    /// `maybeSendAssignments`: it is time to.
    #[inline(never)]
    pub(super) fn send_assignments(&mut self, now: Time, out: &mut Outbox) {
        if !self.assignments.in_flight.is_empty() {
            self.assignments.send_at = None;
            return;
        }
        let Some(broker_epoch) = self.lifecycle.broker_epoch() else { return };
        if !self.controller_ready(now, out) {
            return;
        }
        self.assignments.send_at = None;
        let mut ready = std::mem::take(&mut self.assignments.ready);
        // What was deleted or is somebody else's now is nobody's business any more (`Assignment.valid`).
        ready.retain(|(topic_id, partition), _| {
            let known = self.image.topic_by_id(*topic_id).and_then(|topic| topic.partition(*partition));
            known.is_some_and(|known| known.replicas.contains(&self.spec.id.0))
        });
        if let Some(next) = ready.keys().nth(MAX_ASSIGNMENTS_PER_REQUEST).copied() {
            self.assignments.ready = ready.split_off(&next);
        }
        if ready.is_empty() {
            return;
        }
        let request = request_of(&ready).with_broker_id(self.spec.id.0.into()).with_broker_epoch(broker_epoch);
        self.assignments.in_flight = ready;
        if !self.call_controller(now, request, Call::AssignDirectories, out) {
            self.assigned(now, None);
        }
    }

    /// `handleResponse`. `None`: there was none.
    #[inline(never)]
    pub(super) fn assigned(&mut self, now: Time, response: Option<AssignReplicasToDirsResponse>) {
        let mut sent = std::mem::take(&mut self.assignments.in_flight);
        match response.filter(|response| response.error_code == 0) {
            None => self.assignments.failures += 1,
            Some(response) => {
                self.assignments.failures = 0;
                let topics = response.directories.iter().flat_map(|directory| &directory.topics);
                for (topic_id, answer) in topics.flat_map(|topic| topic.partitions.iter().map(|answer| (topic.topic_id, answer))) {
                    if answer.error_code != 0 {
                        continue;
                    }
                    if let Some(accepted) = sent.remove(&(topic_id, answer.partition_index)).filter(|accepted| accepted.promotes) {
                        self.future_accepted(now, &accepted.name, accepted.directory);
                    }
                }
            }
        }
        sent.into_iter().for_each(|(key, assignment)| self.assignments.put_back(key, assignment));
        if !self.assignments.ready.is_empty() {
            self.assignments.reschedule(now);
        }
    }
}

/// `buildRequestData`
fn request_of(assignments: &BTreeMap<Key, Assignment>) -> AssignReplicasToDirsRequest {
    let mut directories: Vec<DirectoryData> = Vec::new();
    for ((topic_id, partition), assignment) in assignments {
        let at = directories.iter().position(|directory| directory.id == assignment.directory).unwrap_or_else(|| {
            directories.push(DirectoryData::default().with_id(assignment.directory));
            directories.len() - 1
        });
        let (topics, asked) = (&mut directories[at].topics, PartitionData::default().with_partition_index(*partition));
        match topics.last_mut().filter(|topic| topic.topic_id == *topic_id) {
            Some(topic) => topic.partitions.push(asked),
            None => topics.push(TopicData::default().with_topic_id(*topic_id).with_partitions(vec![asked])),
        }
    }
    AssignReplicasToDirsRequest::default().with_directories(directories)
}
