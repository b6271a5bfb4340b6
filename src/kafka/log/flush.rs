//! When a log does not wait for the kernel (`UnifiedLog.flush`): after so many records, if its topic says so. By default never: Kafka leaves that to
//! replicas on other machines.

use super::partition_log::PartitionLog;
use crate::sim::process::Store;

impl PartitionLog {
    /// flush.messages: so many have come since the last flush.
    pub(super) fn flush_if_many(&mut self, store: &mut Store) {
        if self.log_end_offset - self.recovery_point >= self.config().flush_messages {
            self.flush(store);
        }
    }

    /// Makes all that was written stable. (Segments before the active one were flushed when they ended.)
    fn flush(&mut self, store: &mut Store) {
        if let Some(active) = self.segments.back() {
            active.flush(store);
        }
        self.recovery_point = self.log_end_offset;
    }
}
