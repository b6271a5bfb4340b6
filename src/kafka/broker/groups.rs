//! The group coordinator's place in a broker: its requests, its appends to `__consumer_offsets`, its leaderships.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::PartitionProduceResponse;
use uuid::Uuid;

use super::process::Broker;
use super::replicas::{Asker, WaitsFor};
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::group::coordinator::GroupCoordinator;
use crate::kafka::group::out::{AppendId, ClientInfo, GroupOut, Token};
use crate::kafka::log::producer_state::Origin;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::GROUP_RESOURCE;
use crate::kafka::names::{BrokerId, Name, OFFSETS_TOPIC, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;
use crate::sim::process::{Absent, EventId};
use crate::sim::time::{Duration, Time};

/// The coordinator, and what it asked for and has not heard of yet.
#[derive(Clone, Debug)]
pub struct Groups {
    pub coordinator: GroupCoordinator,
    /// Requests that it owes an answer, by token.
    askers: std::collections::BTreeMap<u64, Asker>,
    next_token: u64,
    next_append: u64,
    /// Appends that are committed or failed.
    appended: Vec<(AppendId, Result<(), i16>)>,
}

impl Groups {
    pub fn new(coordinator: GroupCoordinator) -> Groups {
        Groups { coordinator, askers: Default::default(), next_token: 0, next_append: 0, appended: Vec::new() }
    }
}

/// How long an append of the coordinator may wait for its replicas (`offsets.commit.timeout.ms`).
const COMMIT_TIMEOUT: Duration = Duration::secs(5);

/// What the coordinator said in one call, carried out after it.
struct Said<'a, 'b> {
    out: &'a mut Outbox<'b>,
    image: &'a Image,
    broker: BrokerId,
    next_append: &'a mut u64,
    responses: Vec<(Token, Response)>,
    appends: Vec<(AppendId, i32, Batch)>,
}

impl GroupOut for Said<'_, '_> {
    fn respond(&mut self, token: Token, response: Response) {
        self.responses.push((token, response));
    }

    fn append(&mut self, partition: i32, batch: Batch) -> AppendId {
        *self.next_append += 1;
        let id = AppendId(*self.next_append);
        self.appends.push((id, partition, batch));
        id
    }

    fn emit(&mut self, event: Event, absent: Vec<Absent>) -> EventId {
        self.out.emit_without(event, absent)
    }

    fn chunk_id(&mut self) -> ChunkId {
        self.out.chunk_id()
    }

    fn member_uuid(&mut self) -> [u8; 16] {
        self.out.rng().bytes16()
    }

    fn topic_id(&mut self, topic: &str) -> Uuid {
        self.image.topic(topic).map_or(Uuid::nil(), |topic| topic.id)
    }

    fn topic(&mut self, name: &str) -> Option<(Uuid, i32)> {
        self.image.topic(name).map(|topic| (topic.id, topic.partitions.len() as i32))
    }

    fn topic_name(&mut self, id: &Uuid) -> Option<Name> {
        self.image.topic_by_id(*id).map(|topic| Name::from(&*topic.name))
    }

    fn group_config(&mut self, group: &str, name: &str) -> Option<u64> {
        self.image.configs(GROUP_RESOURCE, group).get(name)?.parse().ok()
    }

    fn log(&mut self, partition: i32, message: String) {
        let context = format!("[GroupCoordinator id={} topic={OFFSETS_TOPIC} partition={partition}]", self.broker);
        let line = format!("INFO {context} {message} (org.apache.kafka.coordinator.group.GroupMetadataManager)");
        self.out.emit(Event::ServerLog { broker: self.broker, line: line.into() });
    }

    fn has_partition(&mut self, partition: &TopicPartition) -> bool {
        self.image.partition(partition).is_some()
    }
}

impl Broker {
    /// A request for the coordinator.
    pub(super) fn group_request(&mut self, now: Time, asker: Asker, client_id: &str, request: &Request, out: &mut Outbox) {
        let client_host = self.conns.get(&asker.conn).map_or("", |conn| conn.host.as_str());
        let client = ClientInfo { client_id: client_id.into(), client_host: format!("/{client_host}").into() };
        self.groups.next_token += 1;
        let token = self.groups.next_token;
        self.groups.askers.insert(token, asker);
        let version = asker.version;
        self.with_coordinator(now, out, |coordinator, said| coordinator.handle(now, Token(token), client, version, request, said));
    }

    /// A leadership of `__consumer_offsets` came or went.
    pub(super) fn offsets_leadership(&mut self, now: Time, partition: i32, leads: bool, out: &mut Outbox) {
        let name = TopicPartition::new(OFFSETS_TOPIC, partition);
        let Some(replica) = self.replicas.get(&name) else { return };
        let epoch = replica.registration.leader_epoch;
        let batches = replica.log.read_to(replica.log.log_start_offset(), i64::MAX).unwrap_or_default();
        self.with_coordinator(now, out, |coordinator, said| match leads {
            true => coordinator.elected(partition, epoch, batches.into_iter(), now, said),
            false => coordinator.resigned(partition, said),
        });
    }

    /// Timers of the coordinator, and appends that have come to an end.
    pub(super) fn poll_groups(&mut self, now: Time, out: &mut Outbox) {
        loop {
            for (append, result) in std::mem::take(&mut self.groups.appended) {
                self.with_coordinator(now, out, |coordinator, said| coordinator.appended(now, append, result, said));
            }
            if self.groups.coordinator.next_wake().is_some_and(|at| at <= now) {
                self.with_coordinator(now, out, |coordinator, said| coordinator.poll(now, said));
            }
            if self.groups.appended.is_empty() {
                break;
            }
        }
    }

    pub(super) fn coordinator_appended(&mut self, append: u64, error: i16) {
        self.groups.appended.push((AppendId(append), if error == 0 { Ok(()) } else { Err(error) }));
    }

    fn with_coordinator(&mut self, now: Time, out: &mut Outbox, call: impl FnOnce(&mut GroupCoordinator, &mut dyn GroupOut)) {
        let groups = &mut self.groups;
        let mut said = Said {
            out,
            image: &self.image,
            broker: self.spec.id,
            next_append: &mut groups.next_append,
            responses: Vec::new(),
            appends: Vec::new(),
        };
        call(&mut groups.coordinator, &mut said);
        let Said { responses, appends, .. } = said;
        for (append, partition, batch) in appends {
            self.append_for_coordinator(now, append, partition, batch, out);
        }
        for (token, response) in responses {
            if let Some(asker) = self.groups.askers.remove(&token.0) {
                self.respond(now, asker, response, Vec::new(), out);
            }
        }
    }

    /// Appends as with acks=all; the coordinator hears of it once it is committed.
    fn append_for_coordinator(&mut self, now: Time, append: AppendId, partition: i32, batch: Batch, out: &mut Outbox) {
        let name = TopicPartition::new(OFFSETS_TOPIC, partition);
        match self.append_batches(now, &name, vec![batch], -1, Origin::Coordinator { transaction_version: 0 }, out) {
            Err(refused) => self.groups.appended.push((append, Err(refused.error.code()))),
            Ok((appended, _)) => {
                let topic_id = self.replicas.get(&name).map_or(Uuid::nil(), |replica| replica.topic_id);
                let answers = vec![(topic_id, partition, PartitionProduceResponse::default(), false)];
                let from = WaitsFor::Coordinator(append.0);
                self.wait_for_replicas(now, from, now + COMMIT_TIMEOUT, answers, vec![(name, appended.last_offset + 1, 0)], out);
            }
        }
    }

    /// The partition of `__consumer_offsets` that a group belongs to, and who leads it.
    pub(super) fn coordinator_of(&self, group: &str) -> Result<i32, ResponseError> {
        let topic = self.image.topic(OFFSETS_TOPIC).ok_or(ResponseError::CoordinatorNotAvailable)?;
        let partition = topic.partition(self.groups.coordinator.partition_for(group)).ok_or(ResponseError::CoordinatorNotAvailable)?;
        partition.leader().ok_or(ResponseError::CoordinatorNotAvailable)
    }
}
