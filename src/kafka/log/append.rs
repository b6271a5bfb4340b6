//! What is written to a partition's log (`UnifiedLog.append`): a client's batch as a leader checks and changes it, or a leader's as it is.

use kafka_protocol::ResponseError;

use super::file_name::file_name;
use super::partition_log::{Appended, PartitionLog};
use super::producer_state::{Origin, Verdict};
use super::validator::{Refused, validate};
use crate::kafka::records::batch::{Batch, NO_TIMESTAMP, TimestampType};
use crate::kafka::rules::Rule;
use crate::sim::process::Store;

impl PartitionLog {
    /// Appends a batch of the server's own, which needs no checks, under the next offsets.
    ///
    /// # Errors
    /// As [`PartitionLog::append`].
    pub fn append_as_leader(&mut self, mut batch: Batch, leader_epoch: i32, store: &mut Store) -> Result<Appended, ResponseError> {
        if batch.size_bytes() > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        (batch.base_offset, batch.leader_epoch) = (self.log_end_offset, leader_epoch);
        self.write(batch, store)
    }

    /// Appends a client's or a coordinator's batch under the next offsets (`appendAsLeader`).
    ///
    /// # Errors
    /// MessageTooLarge, CorruptMessage, RecordListTooLarge, what the validator finds, or the producer's own errors; KafkaStorageError if the
    /// disk takes no more. Nothing is written then.
    pub fn append(&mut self, batch: Batch, leader_epoch: i32, origin: Origin, store: &mut Store) -> Result<Appended, Refused> {
        self.analyze(&batch, origin)?;
        let mut batch = validate(batch, file_name(&self.dir), &self.config, origin, store)?;
        if batch.size_bytes() > self.config.segment_bytes {
            return Err(ResponseError::RecordListTooLarge.into());
        }
        if self.config.rules.holds(Rule::SequenceCheck)
            && let Verdict::Duplicate(known) = self.producers.check(&batch, origin)?
        {
            let last_offset = known.base_offset + i64::from(known.offset_delta);
            let (base_offset, log_append_time_ms) = (known.base_offset, known.timestamp);
            return Ok(Appended { base_offset, last_offset, duplicate: true, rolled: false, log_append_time_ms });
        }
        (batch.base_offset, batch.leader_epoch) = (self.log_end_offset, leader_epoch);
        let log_append_time = self.config.timestamp_type == TimestampType::LogAppendTime;
        let log_append_time_ms = if log_append_time { batch.info.max_timestamp } else { NO_TIMESTAMP };
        Ok(Appended { log_append_time_ms, ..self.write(batch, store)? })
    }

    /// What the head of a batch tells (`analyzeAndValidateRecords`).
    fn analyze(&self, batch: &Batch, origin: Origin) -> Result<(), ResponseError> {
        if origin == Origin::Client && batch.base_offset != 0 {
            return Err(ResponseError::InvalidRecord);
        }
        if batch.size_bytes() > self.config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge);
        }
        self.check_crc(batch)?;
        // Kafka has no error of its own for a codec that it does not know.
        batch.info.compression().map_or(Err(ResponseError::UnknownServerError), |_| Ok(()))
    }

    /// Appends a batch as a leader stored it (`appendAsFollower`). It must begin at or after the log end, unless the log is empty.
    ///
    /// # Errors
    /// CorruptMessage, OffsetOutOfRange, KafkaStorageError.
    pub fn append_as_follower(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        self.check_crc(&batch)?;
        if batch.base_offset < self.log_end_offset {
            // An empty log that begins inside of a batch, where DeleteRecords left its leader's beginning, takes all of that batch
            // (`Partition.appendRecordsToFollowerOrFutureReplica`).
            if self.log_end_offset != self.log_start_offset || batch.last_offset() < self.log_end_offset {
                return Err(ResponseError::OffsetOutOfRange);
            }
            self.start_anew_at(batch.base_offset, store);
        }
        self.write(batch, store)
    }

    fn check_crc(&self, batch: &Batch) -> Result<(), ResponseError> {
        let checked = !self.config.rules.holds(Rule::CrcCheck) || batch.check_crc().is_ok();
        if checked { Ok(()) } else { Err(ResponseError::CorruptMessage) }
    }

    fn write(&mut self, batch: Batch, store: &mut Store) -> Result<Appended, ResponseError> {
        let rolled = self.must_roll(&batch, store);
        if rolled {
            self.roll_at(batch.base_offset, store);
        }
        let (base_offset, last_offset) = (batch.base_offset, batch.last_offset());
        let interval = self.config.index_interval_bytes;
        self.active_mut().append(batch.clone(), interval, store).map_err(|_| ResponseError::KafkaStorageError)?;
        if self.epochs.latest_epoch() != Some(batch.leader_epoch) && self.epochs.assign(batch.leader_epoch, base_offset) {
            self.write_epochs(store);
        }
        self.log_end_offset = last_offset + 1;
        if let Some(completed) = self.producers.remember(&batch) {
            if let Some(aborted) = completed.index_entry(&self.producers) {
                self.active_mut().append_aborted(aborted, store).map_err(|_| ResponseError::KafkaStorageError)?;
            }
            self.producers.complete(&completed);
        }
        self.flush_if_many(store);
        Ok(Appended { base_offset, last_offset, duplicate: false, rolled, log_append_time_ms: NO_TIMESTAMP })
    }
}
