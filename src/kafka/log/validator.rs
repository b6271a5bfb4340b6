//! What a leader checks in a batch before it appends it, and what it changes (`LogValidator`): keys, timestamps, the topic's codec.
//!
//! Records are only looked at where a rule is about them, and once in a batch that somebody else's encoder wrote; a batch of our own that
//! goes in as it came costs nothing a record.

use kafka_protocol::ResponseError;

use super::config::LogConfig;
use super::producer_state::Origin;
use crate::kafka::records::batch::{Batch, BatchInfo, NO_TIMESTAMP, TIMESTAMP_TYPE_MASK, TimestampType};
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::record::Header;
use crate::sim::process::Store;

/// Why nothing of a batch was written; which of its records are to blame, if only some are (`RecordValidationException`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    pub error: ResponseError,
    /// Kafka's words, where they are not those of the error code.
    pub message: Option<String>,
    /// By place in the batch, from 0.
    pub records: Vec<(i32, String)>,
}

impl From<ResponseError> for Refused {
    fn from(error: ResponseError) -> Refused {
        Refused { error, message: None, records: Vec::new() }
    }
}

/// So many record errors an exception's message shows.
const SHOWN_ERRORS: usize = 3;

/// What was seen of a batch's records.
struct Seen {
    max_timestamp: i64,
    /// Each record's offset is the one after that of the record before, from the base offset on.
    consecutive: bool,
}

/// The batch as it is to be stored, but for its offsets.
///
/// # Errors
/// InvalidRecord, InvalidTimestamp, with the records to blame; MessageTooLarge where another codec made it so; InvalidRecord or
/// UnknownServerError where the records cannot be read.
pub fn validate(batch: Batch, partition: &str, config: &LogConfig, origin: Origin, store: &mut Store) -> Result<Batch, Refused> {
    if origin == Origin::Client {
        check_batch(&batch)?;
    }
    let now_ms = store.now.wall_ms();
    let (info, log_append_time) = (batch.info, config.timestamp_type == TimestampType::LogAppendTime);
    let source = info.compression().map_err(error_of)?;
    // A marker stays as it is: nobody compresses control records.
    let target = config.compression.filter(|_| !info.is_control()).unwrap_or(source);
    let trusted = batch.body.is_well_formed() && timestamps_fit(&batch, config, now_ms);
    let mut seen = Seen { max_timestamp: info.max_timestamp, consecutive: true };
    if config.compact || target != source || !trusted {
        seen = check_records(&batch, partition, config, now_ms)?;
    }
    // Kafka numbers compressed records anew where a client numbered them otherwise, and leaves uncompressed ones as they are.
    if target != source || !seen.consecutive && source != CompressionType::None {
        let rebuilt = recompressed(&batch, target, log_append_time.then_some(now_ms), store).map_err(error_of)?;
        if rebuilt.size_bytes() > config.max_message_bytes {
            return Err(ResponseError::MessageTooLarge.into());
        }
        return Ok(rebuilt);
    }
    if log_append_time {
        return Ok(batch.with_log_append_time(now_ms, store.ids.next_id()));
    }
    // `setMaxTimestamp`: the head says what the records say.
    if info.max_timestamp == seen.max_timestamp && info.timestamp_type() == TimestampType::CreateTime {
        return Ok(batch);
    }
    let attributes = info.attributes & !TIMESTAMP_TYPE_MASK;
    Ok(batch.with_info(BatchInfo { attributes, max_timestamp: seen.max_timestamp, ..info }, store.ids.next_id()))
}

/// `validateBatch`: what a client may not send. Kafka has words for each, which no client gets to see.
fn check_batch(batch: &Batch) -> Result<(), ResponseError> {
    let info = &batch.info;
    let count_from_offsets = batch.last_offset() - batch.base_offset + 1;
    let counts = info.record_count > 0 && count_from_offsets == i64::from(info.record_count);
    if !counts || info.is_control() || info.has_producer_id() && info.base_sequence < 0 {
        return Err(ResponseError::InvalidRecord);
    }
    Ok(())
}

/// The code of the exception that Kafka throws: what it throws itself for records that are none is an InvalidRecordException, what comes from
/// a codec or from reading a length has no code of its own.
fn error_of(error: RecordsError) -> ResponseError {
    match error {
        RecordsError::RecordSizeTooLong
        | RecordsError::UnknownCompression(_)
        | RecordsError::Decompression { .. }
        | RecordsError::DecompressedTooLarge { .. } => ResponseError::UnknownServerError,
        _ => ResponseError::InvalidRecord,
    }
}

/// Whether all timestamps are in order as far as the header tells: the largest is there; how early the others may be, it does not say.
fn timestamps_fit(batch: &Batch, config: &LogConfig, now_ms: i64) -> bool {
    let create_time = config.timestamp_type == TimestampType::CreateTime;
    batch.info.timestamp_type() == TimestampType::CreateTime
        && (!create_time
            || batch.info.max_timestamp.saturating_sub(now_ms) <= config.timestamp_after_max_ms
                && config.timestamp_before_max_ms == i64::MAX)
}

/// `validateRecord` of each: its form, its key, its timestamp.
fn check_records(batch: &Batch, partition: &str, config: &LogConfig, now_ms: i64) -> Result<Seen, Refused> {
    let records = batch.records().map_err(error_of)?;
    let mut seen = Seen { max_timestamp: NO_TIMESTAMP, consecutive: true };
    let mut blamed = Vec::new();
    let mut error = ResponseError::InvalidRecord;
    for (record, index) in records.iter().zip(0..) {
        let record = record.map_err(error_of)?;
        seen.max_timestamp = seen.max_timestamp.max(record.timestamp);
        seen.consecutive &= record.offset == batch.base_offset.wrapping_add(index.into());
        if config.compact && record.key.is_none() {
            blamed.push((index, format!("Compacted topic cannot accept message without key in topic partition {partition}")));
        } else if let Some(said) = check_timestamp(batch, record.offset, record.timestamp, config, now_ms) {
            error = ResponseError::InvalidTimestamp;
            blamed.push((index, said));
        }
    }
    if blamed.is_empty() {
        return Ok(seen);
    }
    let message = match error {
        ResponseError::InvalidTimestamp => "One or more records have been rejected due to invalid timestamp".to_owned(),
        _ => {
            let shown = blamed.iter().take(SHOWN_ERRORS);
            let shown: Vec<String> =
                shown.map(|(index, message)| format!("RecordError(batchIndex={index}, message='{message}')")).collect();
            format!(
                "One or more records have been rejected due to {} record errors in total, and only showing the first three errors at most: [{}]",
                blamed.len(),
                shown.join(", ")
            )
        }
    };
    Err(Refused { error, message: Some(message), records: blamed })
}

/// `validateTimestamp`. Both differences wrap in Kafka; they are shown as they wrap.
fn check_timestamp(batch: &Batch, offset: i64, timestamp: i64, config: &LogConfig, now_ms: i64) -> Option<String> {
    let (before, after) = (config.timestamp_before_max_ms, config.timestamp_after_max_ms);
    if config.timestamp_type == TimestampType::CreateTime && timestamp != NO_TIMESTAMP {
        let difference = now_ms.wrapping_sub(timestamp);
        return (difference > before || difference.wrapping_neg() > after).then(|| {
            let (from, to) = (now_ms.wrapping_sub(before), now_ms.wrapping_add(after));
            format!("Timestamp {timestamp} of message with offset {offset} is out of range. The timestamp should be within [{from}, {to}]")
        });
    }
    (batch.info.timestamp_type() == TimestampType::LogAppendTime)
        .then(|| "Invalid timestamp type in message. Producer should not set timestamp type to LogAppendTime.".to_owned())
}

/// `buildRecordsAndAssignOffsets`: the same records in the topic's codec.
fn recompressed(batch: &Batch, target: CompressionType, append_time: Option<i64>, store: &mut Store) -> Result<Batch, RecordsError> {
    let mut builder = BatchBuilder::rewriting(batch, target);
    if let Some(now_ms) = append_time {
        builder.set_log_append_time(now_ms);
    }
    let mut headers: Vec<Header> = Vec::new();
    let records = batch.records()?;
    for (record, delta) in records.iter().zip(0..) {
        let record = record?;
        headers.clear();
        headers.extend(record.headers.iter());
        builder.append_at(delta, append_time.unwrap_or(record.timestamp), record.key, record.value, &headers);
    }
    Ok(builder.build(store.ids.next_id()))
}
