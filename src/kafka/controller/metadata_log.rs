//! The controller's log: records in, batches out to the brokers that fetch it.

use std::sync::Arc;

use bytes::Bytes;
use kafka_protocol::ResponseError;
use kafka_protocol::messages::fetch_response::{FetchableTopicResponse, PartitionData};
use kafka_protocol::messages::{FetchRequest, FetchResponse};

use super::METADATA_TOPIC_ID;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::protocol::frame::{Batches, Frame};
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::sim::process::{ConnId, Store};
use crate::sim::time::{Duration, Time};

/// The folder of the metadata log, on controllers and brokers.
pub const METADATA_DIR: &str = "__cluster_metadata-0";

/// A broker's fetch that waits for the next record.
#[derive(Clone, Debug)]
pub struct WaitingFetch {
    pub conn: ConnId,
    pub correlation_id: i32,
    pub version: i16,
    pub offset: i64,
    pub deadline: Time,
}

/// Writes records as one batch. Returns the offset of the first.
pub fn append(log: &mut PartitionLog, epoch: i32, records: &[MetadataRecord], store: &mut Store) -> Result<i64, ResponseError> {
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX >> 1);
    let now_ms = store.now.wall_ms();
    for record in records {
        builder.append(now_ms, None, Some(&record.encode()), &[]);
    }
    let batch = builder.build(store.ids.next_id());
    log.append_as_leader(batch, epoch, store).map(|appended| appended.base_offset)
}

/// All records from `offset` on, with the offset after each batch. Used when a log is opened, and by brokers on what they fetched.
pub fn records_from(log: &PartitionLog, offset: i64) -> Vec<(i64, Vec<MetadataRecord>)> {
    let batches = log.read(offset, u32::MAX, i64::MAX).unwrap_or_default();
    batches.iter().map(|batch| (batch.next_offset(), decode(batch))).collect()
}

/// The records of a batch. What cannot be read (a later version's) is left out, as by a broker of an older version.
pub fn decode(batch: &crate::kafka::records::batch::Batch) -> Vec<MetadataRecord> {
    let Ok(records) = batch.records() else { return Vec::new() };
    let values = records.iter().filter_map(|record| record.ok()?.value.map(Bytes::copy_from_slice));
    values.filter_map(|value| MetadataRecord::decode(&value).ok()).collect()
}

/// What a fetch of the metadata log gets now: data, an error, or nothing yet.
pub fn fetch(log: &PartitionLog, epoch: i32, leader: i32, request: &FetchRequest) -> Option<(FetchResponse, Vec<Batches>)> {
    let asked = request.topics.iter().find(|topic| topic.topic_id == METADATA_TOPIC_ID)?.partitions.first()?;
    let end = log.log_end_offset();
    let mut partition = partition_data(log, epoch, leader);
    let mut batches = Vec::new();
    if asked.last_fetched_epoch >= 0 {
        let (epoch, end_offset) = log.epochs().end_offset_for(asked.last_fetched_epoch, end);
        if epoch < asked.last_fetched_epoch || end_offset < asked.fetch_offset {
            partition.diverging_epoch.epoch = epoch;
            partition.diverging_epoch.end_offset = end_offset;
            return Some((response(partition), vec![batches]));
        }
    }
    match log.read(asked.fetch_offset, asked.partition_max_bytes.max(0) as u32, i64::MAX) {
        Ok(read) => batches = read,
        Err(error) => partition.error_code = error.code(),
    }
    (!batches.is_empty() || partition.error_code != 0).then(|| (response(partition), vec![batches]))
}

/// The answer to a fetch whose wait is over: no records, but the high watermark.
pub fn nothing_new(log: &PartitionLog, epoch: i32, leader: i32) -> FetchResponse {
    response(partition_data(log, epoch, leader))
}

/// How long a fetch may wait.
pub fn deadline(now: Time, request: &FetchRequest) -> Time {
    now + Duration::ms(request.max_wait_ms.max(0) as u64)
}

/// A fetch as it waits.
pub fn waiting(now: Time, conn: ConnId, frame: &Frame, request: &FetchRequest) -> WaitingFetch {
    let offset = request.topics.first().and_then(|topic| topic.partitions.first()).map_or(0, |asked| asked.fetch_offset);
    WaitingFetch { conn, correlation_id: frame.correlation_id, version: frame.version, offset, deadline: deadline(now, request) }
}

/// What a waiting fetch gets once there is more.
pub fn fetch_waiting(log: &PartitionLog, epoch: i32, leader: i32, waiting: &WaitingFetch) -> (FetchResponse, Vec<Batches>) {
    let batches = log.read(waiting.offset, 1 << 20, i64::MAX).unwrap_or_default();
    (response(partition_data(log, epoch, leader)), vec![batches])
}

fn partition_data(log: &PartitionLog, epoch: i32, leader: i32) -> PartitionData {
    // One voter: what is in its log is committed.
    let mut partition = PartitionData::default().with_high_watermark(log.log_end_offset()).with_log_start_offset(log.log_start_offset());
    partition.current_leader.leader_id = leader.into();
    partition.current_leader.leader_epoch = epoch;
    partition
}

fn response(partition: PartitionData) -> FetchResponse {
    let topic = FetchableTopicResponse::default().with_topic_id(METADATA_TOPIC_ID).with_partitions(vec![partition]);
    FetchResponse::default().with_responses(vec![topic])
}

/// The settings of the metadata log.
pub fn log_config() -> Arc<crate::kafka::log::config::LogConfig> {
    Arc::new(crate::kafka::log::config::LogConfig { retention_ms: -1, max_message_bytes: u32::MAX >> 1, ..Default::default() })
}
