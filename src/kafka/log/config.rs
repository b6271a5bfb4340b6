//! The settings of a log (`LogConfig`), from its topic's configuration and the broker's.

use crate::kafka::records::batch::TimestampType;
use crate::kafka::records::compression::CompressionType;
use crate::kafka::rules::Rules;

/// One field a topic configuration. Times in ms, sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogConfig {
    /// segment.bytes, or internal.segment.bytes
    pub segment_bytes: u32,
    /// segment.ms
    pub segment_ms: i64,
    /// segment.jitter.ms
    pub segment_jitter_ms: i64,
    /// segment.index.bytes
    pub segment_index_bytes: u32,
    /// index.interval.bytes
    pub index_interval_bytes: u32,
    /// max.message.bytes
    pub max_message_bytes: u32,
    /// retention.ms and retention.bytes; -1 = for ever, without bound
    pub retention_ms: i64,
    pub retention_bytes: i64,
    /// min.insync.replicas
    pub min_insync_replicas: i32,
    /// preallocate: the active segment's file is as long as segment.bytes from the beginning
    pub preallocate: bool,
    /// flush.messages
    pub flush_messages: i64,
    /// flush.ms
    pub flush_ms: i64,
    /// file.delete.delay.ms
    pub file_delete_delay_ms: i64,
    /// cleanup.policy contains `compact`
    pub compact: bool,
    /// cleanup.policy contains `delete`
    pub delete: bool,
    /// All hold, outside tests.
    #[doc(hidden)]
    pub rules: Rules,
    /// compression.type; `None` is `producer`: as it came
    pub compression: Option<CompressionType>,
    /// message.timestamp.type
    pub timestamp_type: TimestampType,
    /// message.timestamp.before.max.ms, message.timestamp.after.max.ms
    pub timestamp_before_max_ms: i64,
    pub timestamp_after_max_ms: i64,
    /// delete.retention.ms
    pub delete_retention_ms: i64,
    /// min.cleanable.dirty.ratio, in millionths
    pub min_cleanable_dirty_ppm: u32,
    /// min.compaction.lag.ms, max.compaction.lag.ms
    pub min_compaction_lag_ms: i64,
    pub max_compaction_lag_ms: i64,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig {
            segment_bytes: 1 << 30,
            segment_ms: 604_800_000,
            segment_jitter_ms: 0,
            segment_index_bytes: 10 << 20,
            index_interval_bytes: 4096,
            max_message_bytes: 1_048_588,
            retention_ms: 604_800_000,
            retention_bytes: -1,
            min_insync_replicas: 1,
            preallocate: false,
            flush_messages: i64::MAX,
            flush_ms: i64::MAX,
            file_delete_delay_ms: 60_000,
            compact: false,
            delete: true,
            rules: Rules::default(),
            compression: None,
            timestamp_type: TimestampType::CreateTime,
            timestamp_before_max_ms: i64::MAX,
            timestamp_after_max_ms: 3_600_000,
            delete_retention_ms: 86_400_000,
            min_cleanable_dirty_ppm: 500_000,
            min_compaction_lag_ms: 0,
            max_compaction_lag_ms: i64::MAX,
        }
    }
}

impl LogConfig {
    /// `maxSegmentMs`: a compacted log must also roll early enough for max.compaction.lag.ms.
    pub fn max_segment_ms(&self) -> i64 {
        match self.compact && self.max_compaction_lag_ms > 0 {
            true => self.segment_ms.min(self.max_compaction_lag_ms),
            false => self.segment_ms,
        }
    }
}
