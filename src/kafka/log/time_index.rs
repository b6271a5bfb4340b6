//! `TimeIndex`: from timestamps to offsets. An entry (timestamp, offset) says: no record up to this offset is later than this time.
//!
//! On disk an entry is twelve bytes: the timestamp and the offset minus the segment's base offset. The offset is the **last** of the batch
//! that holds the largest timestamp so far.

use bytes::{BufMut, Bytes, BytesMut};
use imbl::Vector;

use super::offset_index::{CorruptIndex, IndexError, check_relative};
use crate::kafka::records::batch::NO_TIMESTAMP;

/// Bytes an entry takes on disk.
pub const TIME_INDEX_ENTRY_BYTES: u32 = 12;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimestampOffset {
    /// In ms; -1 where there is none.
    pub timestamp: i64,
    pub offset: i64,
}

/// The entries of one segment's time index, in order. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeIndex {
    base_offset: i64,
    max_entries: u32,
    entries: Vector<TimestampOffset>,
}

impl TimeIndex {
    /// An empty index of at most `max_bytes` (`segment.index.bytes`).
    pub fn new(base_offset: i64, max_bytes: u32) -> TimeIndex {
        TimeIndex { base_offset, max_entries: max_bytes / TIME_INDEX_ENTRY_BYTES, entries: Vector::new() }
    }

    /// Reads a file. An incomplete entry at the end is left out; zeros of a preallocated file end it.
    pub fn parse(base_offset: i64, bytes: &[u8], max_bytes: u32) -> TimeIndex {
        let entries = bytes.chunks_exact(TIME_INDEX_ENTRY_BYTES as usize).take_while(|entry| entry.iter().any(|&byte| byte != 0));
        let entries = entries.map(|entry| entry_at(base_offset, entry)).collect();
        TimeIndex { entries, ..TimeIndex::new(base_offset, max_bytes) }
    }

    /// What makes a broker rebuild an index when it starts (`sanityCheck`).
    ///
    /// # Errors
    /// [`CorruptIndex`]
    pub fn sanity_check_file(base_offset: i64, bytes: &[u8]) -> Result<(), CorruptIndex> {
        let mut entries = file_entries(base_offset, bytes);
        if let (Some(first), Some(last)) = (entries.clone().next(), entries.next_back()) {
            if last.timestamp < first.timestamp {
                return Err(CorruptIndex::LastTimestamp { last: last.timestamp, first: first.timestamp });
            }
            if last.offset < base_offset {
                return Err(CorruptIndex::LastOffset { last: last.offset, base: base_offset });
            }
        }
        if !bytes.len().is_multiple_of(TIME_INDEX_ENTRY_BYTES as usize) {
            return Err(CorruptIndex::PartialEntry { size_bytes: bytes.len() as u64, entry_bytes: TIME_INDEX_ENTRY_BYTES });
        }
        Ok(())
    }

    /// Appends if the timestamp is beyond the last one. `skip_full_check` is for the entry made when a segment is closed, for which one slot
    /// is kept free.
    ///
    /// # Errors
    /// `Full`; `OffsetOrder` or `TimestampOrder` if it is below the last one; `OffsetOverflow`.
    pub fn maybe_append(&mut self, timestamp: i64, offset: i64, skip_full_check: bool) -> Result<(), IndexError> {
        let (entries, last) = (self.len(), self.last_entry());
        if !skip_full_check && self.is_full() {
            return Err(IndexError::Full { entries });
        }
        if entries > 0 && offset < last.offset {
            return Err(IndexError::OffsetOrder { offset, last: last.offset, entries });
        }
        if entries > 0 && timestamp < last.timestamp {
            return Err(IndexError::TimestampOrder { timestamp, last: last.timestamp, entries });
        }
        if timestamp > last.timestamp {
            if entries >= self.max_entries {
                return Err(IndexError::Full { entries });
            }
            check_relative(self.base_offset, offset)?;
            self.entries.push_back(TimestampOffset { timestamp, offset });
        }
        Ok(())
    }

    /// The entry with the largest timestamp that is not above the target; (-1, base offset) if there is none.
    pub fn lookup(&self, target: i64) -> TimestampOffset {
        match self.first_slot(|entry| entry.timestamp > target) {
            0 => self.none(),
            slot => self.entries[slot - 1],
        }
    }

    /// Removes the entries from this offset on.
    pub fn truncate_to(&mut self, offset: i64) {
        self.entries.truncate(self.first_slot(|entry| entry.offset >= offset));
    }

    /// (-1, base offset) where there is none.
    pub fn last_entry(&self) -> TimestampOffset {
        self.entries.last().copied().unwrap_or(self.none())
    }

    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// One entry earlier than the room says: the last slot is for the entry made on close.
    pub fn is_full(&self) -> bool {
        self.len() + 1 >= self.max_entries
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = TimestampOffset> + '_ {
        self.entries.iter().copied()
    }

    pub fn size_bytes(&self) -> u64 {
        u64::from(self.len() * TIME_INDEX_ENTRY_BYTES)
    }

    /// How long the file may become: whole entries.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_entries * TIME_INDEX_ENTRY_BYTES)
    }

    /// The file after a clean stop: entries only, nothing preallocated.
    pub fn to_bytes(&self) -> Bytes {
        self.to_bytes_from(0)
    }

    /// The bytes of the entries from this slot on.
    pub fn to_bytes_from(&self, slot: u32) -> Bytes {
        let mut out = BytesMut::with_capacity(((self.len() - slot) * TIME_INDEX_ENTRY_BYTES) as usize);
        for entry in (slot..self.len()).map(|slot| &self.entries[slot as usize]) {
            out.put_i64(entry.timestamp);
            out.put_i32((entry.offset - self.base_offset) as i32);
        }
        out.freeze()
    }

    fn none(&self) -> TimestampOffset {
        TimestampOffset { timestamp: NO_TIMESTAMP, offset: self.base_offset }
    }

    /// The first slot for which `beyond` holds; `beyond` never turns false again.
    fn first_slot(&self, beyond: impl Fn(&TimestampOffset) -> bool) -> usize {
        self.entries
            .binary_search_by(|entry| if beyond(entry) { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less })
            .unwrap_err()
    }
}

/// All whole entries of a file as they stand there, the zeros of a preallocated one included.
pub fn file_entries(base_offset: i64, bytes: &[u8]) -> impl DoubleEndedIterator<Item = TimestampOffset> + Clone + '_ {
    bytes.chunks_exact(TIME_INDEX_ENTRY_BYTES as usize).map(move |entry| entry_at(base_offset, entry))
}

fn entry_at(base_offset: i64, entry: &[u8]) -> TimestampOffset {
    let (timestamp, relative) = entry.split_at(8);
    let mut high = [0; 8];
    high.copy_from_slice(timestamp);
    let relative = i32::from_be_bytes([relative[0], relative[1], relative[2], relative[3]]);
    TimestampOffset { timestamp: i64::from_be_bytes(high), offset: base_offset.saturating_add(relative.into()) }
}
