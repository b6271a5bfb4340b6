//! Produce (`KafkaApis.handleProduceRequest`, `ReplicaManager.appendRecords`, `DelayedProduce`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_response::{BatchIndexAndErrorMessage, PartitionProduceResponse, TopicProduceResponse};
use kafka_protocol::messages::{ProduceRequest, ProduceResponse};
use uuid::Uuid;

use super::isr::is_isr_eligible;
use super::process::Broker;
use super::produce_request::is_corrupt;
use super::replicas::{Asker, WaitingProduce, WaitsFor};
use crate::kafka::actor::Outbox;
use crate::kafka::event::Event;
use crate::kafka::log::partition_log::Appended;
use crate::kafka::log::producer_state::Origin;
use crate::kafka::log::validator::Refused;
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::frame::{Batches, Corrupt};
use crate::kafka::records::batch::Batch;
use crate::sim::chunk::ChunkId;
use crate::sim::time::{Duration, Time};

/// acks=all
const ALL: i16 = -1;

impl Broker {
    /// Appends what it can, answers at once, or once every in-sync replica has it.
    pub(super) fn produce(
        &mut self,
        now: Time,
        asker: Asker,
        request: &ProduceRequest,
        batches: Vec<Batches>,
        corrupt: Option<&Corrupt>,
        out: &mut Outbox,
    ) {
        let acks = request.acks;
        let mut batches = batches.into_iter();
        let mut answers = Vec::new();
        let mut waits = Vec::new();
        for topic in &request.topic_data {
            for partition in &topic.partition_data {
                let batches = batches.next().unwrap_or_default();
                let batches = if is_corrupt(&batches, corrupt) { Err(ResponseError::CorruptMessage) } else { Ok(batches) };
                let appended = self.append_to_partition(now, topic.topic_id, partition.index, batches, acks, out);
                let (answer, required) = match appended {
                    Ok((answer, name, required)) => (answer, Some((name, required))),
                    Err(refused) => (answer_of(refused), None),
                };
                let answer = answer.with_index(partition.index);
                let done = required.is_none();
                waits.extend(required.map(|(name, offset)| (name, offset, answers.len())));
                answers.push((topic.topic_id, partition.index, answer, done));
            }
        }
        match acks {
            // Kafka closes the connection on an error, since there is no answer to put it into.
            0 if answers.iter().any(|(_, _, answer, _)| answer.error_code != 0) => self.close_client(asker.conn, out),
            0 => {
                self.charge_unanswered(now, asker.conn);
                self.no_response(now, asker.conn, out);
            }
            ALL => {
                let deadline = now + Duration::ms(request.timeout_ms.max(0) as u64);
                self.wait_for_replicas(now, WaitsFor::Producer(asker), deadline, answers, waits, out);
            }
            _ => self.respond_produced(now, asker, answers, out),
        }
    }

    /// Registers a produce that waits for the high watermark, and looks whether it still has to.
    pub(super) fn wait_for_replicas(
        &mut self,
        now: Time,
        from: WaitsFor,
        deadline: Time,
        answers: Vec<(Uuid, i32, PartitionProduceResponse, bool)>,
        waits: Vec<(TopicPartition, i64, usize)>,
        out: &mut Outbox,
    ) {
        let number = self.replicas.number();
        self.replicas.waiting_produces.insert(number, WaitingProduce { from, deadline, answers });
        for (name, required, _) in &waits {
            if let Some(partition) = self.replicas.get_mut(name) {
                partition.waiting_produces.push_back((*required, number));
            }
        }
        for (name, _, _) in waits {
            self.complete_produces(now, &name, out);
        }
        self.finish_produce_if_done(now, number, out);
    }

    /// The high watermark of a partition moved, or its leadership ended: who waited for it goes on.
    pub(super) fn complete_produces(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        let Some(partition) = self.replicas.get(name) else { return };
        if partition.waiting_produces.is_empty() {
            return;
        }
        let (leads, high_watermark) = (partition.is_leader(), partition.high_watermark);
        // DelayedProduce.tryComplete: reached, but by too few in-sync replicas.
        let reached = if partition.has_too_few_acks() { ResponseError::NotEnoughReplicasAfterAppend.code() } else { 0 };
        let topic_id = partition.topic_id;
        let mut finished = Vec::new();
        let Some(partition) = self.replicas.get_mut(name) else { return };
        while let Some(&(required, number)) = partition.waiting_produces.front() {
            if leads && required > high_watermark {
                break;
            }
            partition.waiting_produces.pop_front();
            finished.push((number, if leads { reached } else { ResponseError::NotLeaderOrFollower.code() }));
        }
        for (number, error) in finished {
            self.settle_produce(number, topic_id, name.partition, error);
            self.finish_produce_if_done(now, number, out);
        }
    }

    /// Produces that waited too long: the records are written, but not known to be everywhere.
    #[inline(never)]
    pub(super) fn expire_produces(&mut self, now: Time, out: &mut Outbox) {
        let over: Vec<u64> =
            self.replicas.waiting_produces.iter().filter(|(_, waiting)| waiting.deadline <= now).map(|(&n, _)| n).collect();
        for number in over {
            if let Some(waiting) = self.replicas.waiting_produces.get_mut(&number) {
                for (_, _, answer, done) in waiting.answers.iter_mut().filter(|(_, _, _, done)| !done) {
                    answer.error_code = ResponseError::RequestTimedOut.code();
                    *done = true;
                }
            }
            self.finish_produce_if_done(now, number, out);
        }
    }

    /// What follows from an append here: the log has grown, and alone in the ISR it is committed at once.
    pub(super) fn after_append(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        if !self.advance_high_watermark(now, name, out) {
            self.wake_fetches(now, name, out);
        }
    }

    /// Moves the high watermark if it can move, and tells everybody who waits. Returns whether it moved.
    pub(super) fn advance_high_watermark(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) -> bool {
        let (me, lag_max) = (self.spec.id.0, Duration::ms(self.settings.replica_lag_time_max_ms));
        let Some(partition) = self.replicas.get_mut(name) else { return false };
        let image = &self.image;
        let is_eligible = |broker, epoch| is_isr_eligible(image, broker, epoch);
        let Some(high_watermark) = partition.maybe_increment_high_watermark(me, now, lag_max, is_eligible) else { return false };
        out.emit(Event::HighWatermarkMoved { partition: name.clone(), broker: self.spec.id, high_watermark });
        self.replicas.high_watermarks.changed(name);
        self.complete_produces(now, name, out);
        self.wake_fetches(now, name, out);
        true
    }

    /// Appends batches to a partition that is led here, if they are any. Returns the answer so far and the offset that the high watermark must
    /// reach.
    pub(super) fn append_to_partition(
        &mut self,
        now: Time,
        topic_id: Uuid,
        index: i32,
        batches: Result<Batches, ResponseError>,
        acks: i16,
        out: &mut Outbox,
    ) -> Result<(PartitionProduceResponse, TopicPartition, i64), Refused> {
        let topic = self.image.topic_by_id(topic_id).ok_or(ResponseError::UnknownTopicId)?;
        let name = TopicPartition { topic: topic.name.clone(), partition: index };
        if topic.partition(index).is_none() {
            return Err(ResponseError::UnknownTopicOrPartition.into());
        }
        let (appended, log_start) = self.append_batches(now, &name, batches?, acks, Origin::Client, out)?;
        let answer = PartitionProduceResponse::default()
            .with_base_offset(appended.base_offset)
            .with_log_append_time_ms(appended.log_append_time_ms)
            .with_log_start_offset(log_start);
        Ok((answer, name, appended.last_offset + 1))
    }

    /// Appends batches to a log that is led here. Returns where they went, and the log start.
    pub(super) fn append_batches(
        &mut self,
        now: Time,
        name: &TopicPartition,
        batches: Batches,
        acks: i16,
        origin: Origin,
        out: &mut Outbox,
    ) -> Result<(Appended, i64), Refused> {
        let broker = self.spec.id;
        let last_fetches = std::mem::take(&mut self.replicas.last_fetches);
        let result = (|| {
            let missing = self.replicas.missing(name, true);
            let partition = self.replicas.get_mut(name).ok_or(missing)?;
            // A client sends one batch a partition (`ProduceRequest.validateRecords`).
            let [batch] = <[Batch; 1]>::try_from(batches).map_err(|_| ResponseError::InvalidRecord)?;
            let appended = partition.append_to_leader(batch, acks, origin, &last_fetches, &mut out.store())?;
            // As it was stored: a topic's codec and its kind of timestamps may have changed it.
            let stored = partition.log.tail(i64::MAX).next().map_or((0, ChunkId(0)), |batch| (batch.size_bytes(), batch.body.id()));
            Ok::<_, Refused>((appended, stored, partition.log.log_start_offset()))
        })();
        self.replicas.last_fetches = last_fetches;
        if matches!(&result, Err(Refused { error: ResponseError::KafkaStorageError, .. }))
            && let Some(id) = self.directory_of(name)
        {
            self.log_dir_failed(now, id, out);
        }
        let (appended, (size_bytes, chunk), log_start) = result?;
        if appended.rolled {
            out.emit(Event::SegmentRolled { partition: name.clone(), broker, base_offset: appended.base_offset });
        }
        if !appended.duplicate {
            let (base_offset, last_offset) = (appended.base_offset, appended.last_offset);
            let event = Event::Appended { partition: name.clone(), broker, base_offset, last_offset, size_bytes, chunk };
            let event = out.emit(event);
            out.because(Some(event));
            self.after_append(now, name, out);
        }
        Ok((appended, log_start))
    }

    fn settle_produce(&mut self, number: u64, topic_id: Uuid, index: i32, error: i16) {
        let Some(waiting) = self.replicas.waiting_produces.get_mut(&number) else { return };
        for (id, partition, answer, done) in &mut waiting.answers {
            if *id == topic_id && *partition == index {
                answer.error_code = error;
                *done = true;
            }
        }
    }

    fn respond_produced(&mut self, now: Time, asker: Asker, answers: Vec<(Uuid, i32, PartitionProduceResponse, bool)>, out: &mut Outbox) {
        let mut response = produce_response(answers);
        self.name_leaders_to_producer(asker, &mut response);
        self.respond(now, asker, response, Vec::new(), out);
    }

    fn finish_produce_if_done(&mut self, now: Time, number: u64, out: &mut Outbox) {
        let done = self.replicas.waiting_produces.get(&number).is_some_and(|waiting| waiting.answers.iter().all(|(_, _, _, done)| *done));
        if !done {
            return;
        }
        let Some(waiting) = self.replicas.waiting_produces.remove(&number) else { return };
        match waiting.from {
            WaitsFor::Producer(asker) => self.respond_produced(now, asker, waiting.answers, out),
            WaitsFor::Coordinator(append) => {
                let error = waiting.answers.first().map_or(0, |(_, _, answer, _)| answer.error_code);
                self.coordinator_appended(append, error);
            }
        }
    }
}

/// The answer to a batch of which nothing was written.
fn answer_of(refused: Refused) -> PartitionProduceResponse {
    let of_record = |(index, message): (i32, String)| {
        BatchIndexAndErrorMessage::default().with_batch_index(index).with_batch_index_error_message(Some(message.into()))
    };
    PartitionProduceResponse::default()
        .with_error_code(refused.error.code())
        .with_base_offset(-1)
        .with_log_append_time_ms(-1)
        .with_error_message(refused.message.map(Into::into))
        .with_record_errors(refused.records.into_iter().map(of_record).collect())
}

fn produce_response(answers: Vec<(Uuid, i32, PartitionProduceResponse, bool)>) -> ProduceResponse {
    let mut topics: Vec<TopicProduceResponse> = Vec::new();
    for (id, _, answer, _) in answers {
        let answer = if answer.error_code != 0 { answer.with_base_offset(-1) } else { answer };
        match topics.last_mut().filter(|topic| topic.topic_id == id) {
            Some(topic) => topic.partition_responses.push(answer),
            None => topics.push(TopicProduceResponse::default().with_topic_id(id).with_partition_responses(vec![answer])),
        }
    }
    ProduceResponse::default().with_responses(topics)
}
