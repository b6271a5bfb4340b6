//! When a log does not wait for the kernel (`UnifiedLog.flush`): after so many records or so long a time, if its topic says so. By default never:
//! Kafka leaves that to replicas on other machines.

use super::partition_log::PartitionLog;
use crate::sim::process::Store;
use crate::sim::time::Time;

impl PartitionLog {
    /// flush.messages: so many have come since the last flush.
    pub(super) fn flush_if_many(&mut self, store: &mut Store) {
        if self.log_end_offset - self.recovery_point >= self.config().flush_messages {
            self.flush(store);
        }
    }

    /// flush.ms, looked at from time to time (`LogManager.flushDirtyLogs`): the last flush is so long ago.
    pub fn is_flush_due(&self, now: Time) -> bool {
        let since_ms = i64::try_from(now.since(self.last_flush).as_ms()).unwrap_or(i64::MAX);
        self.log_end_offset > self.recovery_point && since_ms >= self.config().flush_ms
    }

    /// Makes all that was written stable. (Segments before the active one were flushed when they ended.)
    pub fn flush(&mut self, store: &mut Store) {
        if let Some(active) = self.segments.back() {
            active.flush(store);
        }
        self.recovery_point = self.log_end_offset;
        self.last_flush = store.now;
    }
}
