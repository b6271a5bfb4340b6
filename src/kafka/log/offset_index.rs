//! `OffsetIndex`: from offsets to positions in a segment, one entry about every `index.interval.bytes`.
//!
//! On disk an entry is eight bytes: the offset minus the segment's base offset, and the position. Entries hold the **last** offset of the
//! batch at their position.

use bytes::{BufMut, Bytes, BytesMut};
use imbl::Vector;
use thiserror::Error;

/// Bytes an entry takes on disk.
pub const OFFSET_INDEX_ENTRY_BYTES: u32 = 8;

/// The batch that begins at `position` ends with `offset`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetPosition {
    pub offset: i64,
    /// In bytes from the start of the segment.
    pub position: u32,
}

/// Why an entry cannot be appended to an index, or a file is no index.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IndexError {
    #[error("Attempt to append to a full index (size = {entries}).")]
    Full { entries: u32 },
    /// `InvalidOffsetException`
    #[error("Attempt to append an offset ({offset}) to position {entries} no larger than the last offset appended ({last})")]
    OffsetOrder { offset: i64, last: i64, entries: u32 },
    /// `IllegalStateException`
    #[error("Attempt to append a timestamp ({timestamp}) to slot {entries} no larger than the last timestamp appended ({last})")]
    TimestampOrder { timestamp: i64, last: i64, entries: u32 },
    /// `IndexOffsetOverflowException`: a segment spans at most 2^31 - 1 offsets.
    #[error("Integer overflow for offset: {offset} (base offset {base_offset})")]
    OffsetOverflow { offset: i64, base_offset: i64 },
}

/// Why a broker rebuilds an index when it starts: `CorruptIndexException` of `sanityCheck`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CorruptIndex {
    #[error("found {size_bytes} bytes which is neither positive nor a multiple of {entry_bytes}")]
    PartialEntry { size_bytes: u64, entry_bytes: u32 },
    #[error("the last offset is {last} which is less than the base offset {base}")]
    LastOffset { last: i64, base: i64 },
    #[error("the last timestamp is {last} which is less than the first timestamp {first}")]
    LastTimestamp { last: i64, first: i64 },
}

/// The entries of one segment's offset index, in order. A clone shares them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OffsetIndex {
    base_offset: i64,
    max_entries: u32,
    entries: Vector<OffsetPosition>,
}

impl OffsetIndex {
    /// An empty index of at most `max_bytes` (`segment.index.bytes`).
    pub fn new(base_offset: i64, max_bytes: u32) -> OffsetIndex {
        OffsetIndex { base_offset, max_entries: max_bytes / OFFSET_INDEX_ENTRY_BYTES, entries: Vector::new() }
    }

    /// Reads a file. An incomplete entry at the end is left out (see [`OffsetIndex::sanity_check_file`]); zeros of a preallocated file end it.
    pub fn parse(base_offset: i64, bytes: &[u8], max_bytes: u32) -> OffsetIndex {
        // Only the first entry may have relative offset 0: a first batch of one record (with an interval of 0 bytes).
        let preallocated = |(slot, entry): &(usize, OffsetPosition)| entry.offset == base_offset && (*slot > 0 || entry.position == 0);
        let entries =
            file_entries(base_offset, bytes).enumerate().take_while(|entry| !preallocated(entry)).map(|(_, entry)| entry).collect();
        OffsetIndex { entries, ..OffsetIndex::new(base_offset, max_bytes) }
    }

    /// What makes a broker rebuild an index when it starts (`sanityCheck`).
    ///
    /// # Errors
    /// [`CorruptIndex`]
    pub fn sanity_check_file(base_offset: i64, bytes: &[u8]) -> Result<(), CorruptIndex> {
        if !bytes.len().is_multiple_of(OFFSET_INDEX_ENTRY_BYTES as usize) {
            return Err(CorruptIndex::PartialEntry { size_bytes: bytes.len() as u64, entry_bytes: OFFSET_INDEX_ENTRY_BYTES });
        }
        match file_entries(base_offset, bytes).next_back().map(|entry| entry.offset) {
            Some(last) if last < base_offset => Err(CorruptIndex::LastOffset { last, base: base_offset }),
            _ => Ok(()),
        }
    }

    /// # Errors
    /// `Full`, `OffsetOrder` (offsets only grow) or `OffsetOverflow`.
    pub fn append(&mut self, offset: i64, position: u32) -> Result<(), IndexError> {
        let entries = self.len();
        if self.is_full() {
            return Err(IndexError::Full { entries });
        }
        if entries > 0 && offset <= self.last_offset() {
            return Err(IndexError::OffsetOrder { offset, last: self.last_offset(), entries });
        }
        check_relative(self.base_offset, offset)?;
        self.entries.push_back(OffsetPosition { offset, position });
        Ok(())
    }

    /// The entry with the largest offset that is not above the target; the start of the segment if there is none.
    pub fn lookup(&self, target: i64) -> OffsetPosition {
        match self.first_slot(|entry| entry.offset > target) {
            0 => OffsetPosition { offset: self.base_offset, position: 0 },
            slot => self.entries[slot - 1],
        }
    }

    /// The first entry at least `fetch_bytes` behind `from`: an upper bound of what a fetch of that size can return.
    pub fn fetch_upper_bound_offset(&self, from: OffsetPosition, fetch_bytes: u32) -> Option<OffsetPosition> {
        let end = u64::from(from.position) + u64::from(fetch_bytes);
        self.entries.get(self.first_slot(|entry| u64::from(entry.position) >= end)).copied()
    }

    /// Removes the entries from this offset on.
    pub fn truncate_to(&mut self, offset: i64) {
        self.entries.truncate(self.first_slot(|entry| entry.offset >= offset));
    }

    pub fn base_offset(&self) -> i64 {
        self.base_offset
    }

    /// The last entry's offset, or the base offset.
    pub fn last_offset(&self) -> i64 {
        self.entries.last().map_or(self.base_offset, |entry| entry.offset)
    }

    pub fn len(&self) -> u32 {
        self.entries.len() as u32
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// No entry more fits: the segment must roll.
    pub fn is_full(&self) -> bool {
        self.len() >= self.max_entries
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = OffsetPosition> + '_ {
        self.entries.iter().copied()
    }

    pub fn size_bytes(&self) -> u64 {
        u64::from(self.len() * OFFSET_INDEX_ENTRY_BYTES)
    }

    /// How long the file may become: whole entries.
    pub fn max_bytes(&self) -> u64 {
        u64::from(self.max_entries * OFFSET_INDEX_ENTRY_BYTES)
    }

    /// The file after a clean stop: entries only, nothing preallocated.
    pub fn to_bytes(&self) -> Bytes {
        self.to_bytes_from(0)
    }

    /// The bytes of the entries from this slot on.
    pub fn to_bytes_from(&self, slot: u32) -> Bytes {
        let mut out = BytesMut::with_capacity(((self.len() - slot) * OFFSET_INDEX_ENTRY_BYTES) as usize);
        for entry in (slot..self.len()).map(|slot| &self.entries[slot as usize]) {
            out.put_i32((entry.offset - self.base_offset) as i32);
            out.put_u32(entry.position);
        }
        out.freeze()
    }

    /// The first slot for which `beyond` holds; `beyond` never turns false again.
    fn first_slot(&self, beyond: impl Fn(&OffsetPosition) -> bool) -> usize {
        self.entries
            .binary_search_by(|entry| if beyond(entry) { std::cmp::Ordering::Greater } else { std::cmp::Ordering::Less })
            .unwrap_err()
    }
}

/// All whole entries of a file as they stand there, the zeros of a preallocated one included.
pub fn file_entries(base_offset: i64, bytes: &[u8]) -> impl DoubleEndedIterator<Item = OffsetPosition> + '_ {
    bytes.chunks_exact(OFFSET_INDEX_ENTRY_BYTES as usize).map(move |entry| entry_at(base_offset, entry))
}

/// Offsets in an index are stored relative to the base, in 31 bits (`AbstractIndex.relativeOffset`).
pub(super) fn check_relative(base_offset: i64, offset: i64) -> Result<(), IndexError> {
    match offset.checked_sub(base_offset).map(i32::try_from) {
        Some(Ok(0..)) => Ok(()),
        _ => Err(IndexError::OffsetOverflow { offset, base_offset }),
    }
}

fn entry_at(base_offset: i64, entry: &[u8]) -> OffsetPosition {
    let relative = i32::from_be_bytes([entry[0], entry[1], entry[2], entry[3]]);
    let position = u32::from_be_bytes([entry[4], entry[5], entry[6], entry[7]]);
    OffsetPosition { offset: base_offset.saturating_add(relative.into()), position }
}
