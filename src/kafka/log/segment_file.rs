//! Reading a segment file: batch after batch, up to where it ends, is torn or is corrupt (`FileLogInputStream`).

use bytes::Bytes;
use thiserror::Error;

use crate::kafka::records::batch::{Batch, HEAD_BYTES, LOG_OVERHEAD};
use crate::kafka::records::error::RecordsError;
use crate::sim::chunk::ChunkId;

/// Base offset, length, leader epoch and magic: with fewer bytes left Kafka's reader does not even look (`HEADER_SIZE_UP_TO_MAGIC`).
const HEADER_SIZE_UP_TO_MAGIC: u32 = HEAD_BYTES + 1;
/// Lengths below this are corruption even for the oldest message format (`LegacyRecord.RECORD_OVERHEAD_V0`).
const RECORD_OVERHEAD_V0: i32 = 14;

/// A batch and where it begins in its file, in bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PositionedBatch {
    pub position: u32,
    pub batch: Batch,
}

/// Why reading ended before the end of the file. All batches before `position` were whole.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SegmentStop {
    /// What follows `position` is less than the batch that begins there: a write that did not reach the disk, or a file cut short.
    #[error("torn at position {position}: {trailing_bytes} bytes do not make a whole batch")]
    Torn { position: u32, trailing_bytes: u32 },
    /// A length that no batch can have.
    #[error("corrupt at position {position}: found record size {size} smaller than minimum record overhead ({RECORD_OVERHEAD_V0})")]
    RecordSize { position: u32, size: i32 },
    /// The header cannot be one, or the checksum does not fit (the latter only for [`SegmentReader::checking_crc`]).
    #[error("corrupt at position {position}: {error}")]
    Corrupt { position: u32, error: RecordsError },
    /// Positions in a segment are 31 bits in Kafka.
    #[error("the file is longer than a segment can be: 2147483647 bytes")]
    TooLong,
}

/// Iterates over the batches of a segment file's bytes, without copying them.
pub struct SegmentReader<I> {
    bytes: Bytes,
    position: u32,
    check_crc: bool,
    stop: Option<SegmentStop>,
    next_id: I,
}

impl<I: FnMut() -> ChunkId> SegmentReader<I> {
    /// `next_id` names the chunk of each batch; a caller that only looks may give all the same.
    pub fn new(bytes: Bytes, next_id: I) -> SegmentReader<I> {
        let stop = (bytes.len() > i32::MAX as usize).then_some(SegmentStop::TooLong);
        SegmentReader { bytes, position: 0, check_crc: false, stop, next_id }
    }

    /// Stops at the first batch whose checksum does not fit, as log recovery does.
    pub fn checking_crc(mut self) -> SegmentReader<I> {
        self.check_crc = true;
        self
    }

    /// The bytes read so far: once the iterator has ended, the length of the valid part.
    pub fn position(&self) -> u32 {
        self.position
    }

    /// Why the iterator ended, if not at the end of the file.
    pub fn stop(&self) -> Option<&SegmentStop> {
        self.stop.as_ref()
    }

    fn read_next(&mut self) -> Result<Option<PositionedBatch>, SegmentStop> {
        let position = self.position;
        let rest = self.bytes.slice(position as usize..);
        if rest.is_empty() {
            return Ok(None);
        }
        let torn = SegmentStop::Torn { position, trailing_bytes: rest.len() as u32 };
        if rest.len() <= HEADER_SIZE_UP_TO_MAGIC as usize {
            return Err(torn);
        }
        let size = i32::from_be_bytes([rest[8], rest[9], rest[10], rest[11]]);
        if size < RECORD_OVERHEAD_V0 {
            return Err(SegmentStop::RecordSize { position, size });
        }
        if size as u64 + u64::from(LOG_OVERHEAD) > rest.len() as u64 {
            return Err(torn);
        }
        let corrupt = |error| SegmentStop::Corrupt { position, error };
        let batch = Batch::parse(&rest, (self.next_id)()).map_err(corrupt)?;
        if self.check_crc {
            batch.check_crc().map_err(corrupt)?;
        }
        self.position += batch.size_bytes();
        Ok(Some(PositionedBatch { position, batch }))
    }
}

impl<I: FnMut() -> ChunkId> Iterator for SegmentReader<I> {
    type Item = PositionedBatch;

    fn next(&mut self) -> Option<PositionedBatch> {
        if self.stop.is_some() {
            return None;
        }
        match self.read_next() {
            Ok(next) => next,
            Err(stop) => {
                self.stop = Some(stop);
                None
            }
        }
    }
}
