//! `LeaderEpochFileCache`: which leader epoch began at which offset, so that replicas find where their logs part (KIP-101, KIP-279).

/// A leader epoch and the offset of the first batch that its leader may have written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct EpochEntry {
    pub epoch: i32,
    pub start_offset: i64,
}

pub const UNDEFINED_EPOCH: i32 = -1;
pub const UNDEFINED_EPOCH_OFFSET: i64 = -1;

/// The entries of one partition; epochs and offsets both grow strictly.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LeaderEpochCache {
    entries: Vec<EpochEntry>,
}

impl LeaderEpochCache {
    /// From a checkpoint file's entries. Entries that contradict later ones go, as if they had been assigned one by one.
    pub fn from_entries(entries: impl IntoIterator<Item = EpochEntry>) -> LeaderEpochCache {
        let mut cache = LeaderEpochCache::default();
        for entry in entries {
            cache.assign(entry.epoch, entry.start_offset);
        }
        cache
    }

    /// Notes that `epoch` begins at `start_offset`. Later entries that contradict it are removed; the present epoch keeps its offset unless the
    /// new one is lower. Negative values, which Kafka answers with an exception, change nothing. Returns whether anything changed.
    pub fn assign(&mut self, epoch: i32, start_offset: i64) -> bool {
        let needed = self.latest().is_none_or(|latest| epoch != latest.epoch || start_offset < latest.start_offset);
        if epoch < 0 || start_offset < 0 || !needed {
            return false;
        }
        self.remove_from_end(|entry| entry.epoch >= epoch || entry.start_offset >= start_offset);
        self.entries.push(EpochEntry { epoch, start_offset });
        true
    }

    /// Removes what begins at or after the new end of the log.
    pub fn truncate_from_end(&mut self, end_offset: i64) {
        if end_offset >= 0 {
            self.remove_from_end(|entry| entry.start_offset >= end_offset);
        }
    }

    /// Moves the first entry along with the log start: the epoch that covers it begins there now.
    pub fn truncate_from_start(&mut self, start_offset: i64) {
        let covered = self.entries.iter().take_while(|entry| entry.start_offset <= start_offset).count();
        if let Some(last_covered) = covered.checked_sub(1) {
            self.entries.drain(..last_covered);
            self.entries[0].start_offset = start_offset;
        }
    }

    /// The largest epoch not above the requested one and the offset where it ends: what `OffsetForLeaderEpoch` answers. (-1, -1) if it is
    /// unknown; below the first entry the requested epoch and the first start offset.
    pub fn end_offset_for(&self, requested_epoch: i32, log_end_offset: i64) -> (i32, i64) {
        if requested_epoch == UNDEFINED_EPOCH {
            return (UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET);
        }
        if self.latest().is_some_and(|latest| latest.epoch == requested_epoch) {
            return (requested_epoch, log_end_offset);
        }
        match self.entries.iter().position(|entry| entry.epoch > requested_epoch) {
            None => (UNDEFINED_EPOCH, UNDEFINED_EPOCH_OFFSET),
            Some(0) => (requested_epoch, self.entries[0].start_offset),
            Some(higher) => (self.entries[higher - 1].epoch, self.entries[higher].start_offset),
        }
    }

    /// The epoch in which this offset was (or would be) written.
    pub fn epoch_for_offset(&self, offset: i64) -> Option<i32> {
        self.entries.iter().rev().find(|entry| entry.start_offset <= offset).map(|entry| entry.epoch)
    }

    /// The largest known epoch below this one.
    pub fn previous_epoch(&self, epoch: i32) -> Option<i32> {
        self.entries.iter().rev().find(|entry| entry.epoch < epoch).map(|entry| entry.epoch)
    }

    /// The smallest known epoch above this one.
    pub fn next_epoch(&self, epoch: i32) -> Option<i32> {
        self.entries.iter().find(|entry| entry.epoch > epoch).map(|entry| entry.epoch)
    }

    pub fn latest(&self) -> Option<EpochEntry> {
        self.entries.last().copied()
    }

    pub fn latest_epoch(&self) -> Option<i32> {
        self.latest().map(|entry| entry.epoch)
    }

    pub fn entries(&self) -> &[EpochEntry] {
        &self.entries
    }

    fn remove_from_end(&mut self, goes: impl Fn(&EpochEntry) -> bool) {
        let kept = self.entries.iter().rposition(|entry| !goes(entry)).map_or(0, |last| last + 1);
        self.entries.truncate(kept);
    }
}
