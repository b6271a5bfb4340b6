//! `DefaultRecordBatch`: what travels between clients and brokers, and what stands in a segment file.
//!
//! ```text
//! baseOffset 0(8) length 8(4) partitionLeaderEpoch 12(4) | magic 16(1) crc 17(4) attributes 21(2) lastOffsetDelta 23(4)
//! baseTimestamp 27(8) maxTimestamp 35(8) producerId 43(8) producerEpoch 51(2) baseSequence 53(4) recordCount 57(4) records 61..
//! ```
//! The checksum covers byte 21 to the end, so a leader sets base offset and leader epoch without touching the rest: that is where
//! [`Batch`] is cut into its own fields and its shared body.

use bytes::{BufMut, Bytes, BytesMut};

use super::compression::CompressionType;
use super::crc::crc32c;
use super::error::RecordsError;
use crate::sim::chunk::{Chunk, ChunkId};

/// Base offset and length: what a reader needs before it knows how long the batch is (`Records.LOG_OVERHEAD`).
pub const LOG_OVERHEAD: u32 = 12;
/// Bytes of a batch before its first record (`DefaultRecordBatch.RECORD_BATCH_OVERHEAD`).
pub const RECORD_BATCH_OVERHEAD: u32 = 61;
/// Bytes before [`Batch::body`].
pub const HEAD_BYTES: u32 = 16;
/// Bytes of a body before its first record.
pub const BODY_OVERHEAD: usize = (RECORD_BATCH_OVERHEAD - HEAD_BYTES) as usize;
/// Where in a body the checksum begins to count.
const CRC_COVERS_FROM: usize = 5;

/// What a message of magic 0 takes without key and value (`LegacyRecord.RECORD_OVERHEAD_V0`).
const RECORD_OVERHEAD_V0: i32 = 14;

/// The only magic that Kafka 4 writes.
pub const MAGIC: i8 = 2;
pub const NO_PRODUCER_ID: i64 = -1;
pub const NO_PRODUCER_EPOCH: i16 = -1;
pub const NO_SEQUENCE: i32 = -1;
pub const NO_PARTITION_LEADER_EPOCH: i32 = -1;
/// `RecordBatch.NO_TIMESTAMP`.
pub const NO_TIMESTAMP: i64 = -1;

pub const COMPRESSION_CODEC_MASK: i16 = 0x07;
pub const TIMESTAMP_TYPE_MASK: i16 = 0x08;
pub const TRANSACTIONAL_FLAG_MASK: i16 = 0x10;
pub const CONTROL_FLAG_MASK: i16 = 0x20;
pub const DELETE_HORIZON_FLAG_MASK: i16 = 0x40;

/// Who set the records' timestamps: the producer, or the broker when it appended them (`message.timestamp.type`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampType {
    CreateTime,
    LogAppendTime,
}

impl TimestampType {
    /// As in configs and in the dump tool.
    pub fn name(self) -> &'static str {
        match self {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        }
    }
}

/// A stored or travelling batch: what the leader may set (base offset, leader epoch) beside the shared, immutable rest.
///
/// A clone costs one reference count, whatever the number of records. Two are equal if heads are and bodies are the same chunk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub base_offset: i64,
    pub leader_epoch: i32,
    /// The body's header fields, read once.
    pub info: BatchInfo,
    /// The bytes from `magic` (byte 16 of the batch) to the end.
    pub body: Chunk,
}

/// The fields of a body's header. Times in ms, `-1` where Kafka writes -1 for "none".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchInfo {
    /// As stored; nothing was checked yet. See [`Batch::check_crc`].
    pub crc: u32,
    pub attributes: i16,
    /// Last offset minus base offset. Stays when the cleaner takes the last record away.
    pub last_offset_delta: i32,
    /// What record timestamps count from; the delete horizon where [`BatchInfo::delete_horizon_ms`] is some.
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    /// Records that are still there; 0 in an emptied batch that is kept for its producer's sequence.
    pub record_count: i32,
}

impl Batch {
    /// The batch at the start of `bytes`, without copying. What follows it is ignored: go on at `size_bytes()`.
    ///
    /// Reads the header only: the checksum is [`Batch::check_crc`]'s, the records are [`Batch::records`]'s.
    ///
    /// # Errors
    /// [`RecordsError::Truncated`] where the batch is not whole, `TooSmall` or `UnsupportedMagic` where it cannot be one.
    pub fn parse(bytes: &Bytes, id: ChunkId) -> Result<Batch, RecordsError> {
        let size = peek_size(bytes)?;
        let body = bytes.slice(HEAD_BYTES as usize..size as usize);
        Batch::from_body(i64_at(bytes, 0), i32_at(bytes, 12), Chunk::new(id, body))
    }

    /// A batch from a stored body and the head that belongs to it.
    ///
    /// # Errors
    /// `TooSmall` or `UnsupportedMagic`.
    pub fn from_body(base_offset: i64, leader_epoch: i32, body: Chunk) -> Result<Batch, RecordsError> {
        let info = BatchInfo::parse(body.bytes())?;
        Ok(Batch { base_offset, leader_epoch, info, body })
    }

    /// The offset of the last record, also if the cleaner took that record away.
    pub fn last_offset(&self) -> i64 {
        self.base_offset.saturating_add(i64::from(self.info.last_offset_delta))
    }

    /// The first offset after this batch.
    pub fn next_offset(&self) -> i64 {
        self.last_offset().saturating_add(1)
    }

    /// The whole batch, head included, in bytes.
    pub fn size_bytes(&self) -> u32 {
        HEAD_BYTES + self.body.len() as u32
    }

    /// Base offset, length and leader epoch: the 16 bytes before the body.
    pub fn head(&self) -> [u8; HEAD_BYTES as usize] {
        let mut head = [0; HEAD_BYTES as usize];
        head[..8].copy_from_slice(&self.base_offset.to_be_bytes());
        head[8..12].copy_from_slice(&(self.size_bytes() - LOG_OVERHEAD).to_be_bytes());
        head[12..].copy_from_slice(&self.leader_epoch.to_be_bytes());
        head
    }

    pub fn write_to(&self, out: &mut BytesMut) {
        out.reserve(self.size_bytes() as usize);
        out.put_slice(&self.head());
        out.put_slice(self.body.bytes());
    }

    /// The whole batch as bytes (a copy).
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::new();
        self.write_to(&mut out);
        out.freeze()
    }

    /// Whether the stored checksum fits the bytes (`ensureValid`). Computed once a chunk: whoever finds it right marks the chunk.
    ///
    /// # Errors
    /// [`RecordsError::CrcMismatch`].
    pub fn check_crc(&self) -> Result<(), RecordsError> {
        if self.body.is_verified() {
            return Ok(());
        }
        let computed = crc32c(&self.body.bytes()[CRC_COVERS_FROM..]);
        if computed != self.info.crc {
            return Err(RecordsError::CrcMismatch { stored: self.info.crc, computed });
        }
        self.body.mark_verified();
        Ok(())
    }

    /// The record bytes as stored: compressed, if the batch is.
    pub fn stored_records(&self) -> &[u8] {
        &self.body.bytes()[BODY_OVERHEAD..]
    }

    /// What a leader does to a batch on a topic with `message.timestamp.type=LogAppendTime`: all records get this time. The body changes,
    /// so it is a new chunk with a new checksum.
    pub fn with_log_append_time(&self, timestamp_ms: i64, id: ChunkId) -> Batch {
        let attributes = self.info.attributes | TIMESTAMP_TYPE_MASK;
        self.with_info(BatchInfo { attributes, max_timestamp: timestamp_ms, ..self.info }, id)
    }

    /// What the cleaner leaves of a batch all whose records went, if it holds its producer's last sequence: the header alone, uncompressed,
    /// with the offsets it had (`DefaultRecordBatch.writeEmptyHeader`).
    pub fn emptied(&self, id: ChunkId) -> Batch {
        let attributes = self.info.attributes & (TIMESTAMP_TYPE_MASK | TRANSACTIONAL_FLAG_MASK | CONTROL_FLAG_MASK);
        let info = BatchInfo { attributes, base_timestamp: NO_TIMESTAMP, record_count: 0, ..self.info };
        seal(self.base_offset, self.leader_epoch, info, vec![0; BODY_OVERHEAD], id)
    }

    /// The same stored records under another header (and thus another checksum).
    pub fn with_info(&self, info: BatchInfo, id: ChunkId) -> Batch {
        let mut body = Vec::with_capacity(self.body.bytes().len());
        body.extend_from_slice(&[0; BODY_OVERHEAD]);
        body.extend_from_slice(self.stored_records());
        seal(self.base_offset, self.leader_epoch, info, body, id)
    }
}

impl BatchInfo {
    /// The header fields of a body (the bytes from `magic` on).
    ///
    /// # Errors
    /// `TooSmall` or `UnsupportedMagic`.
    pub fn parse(body: &[u8]) -> Result<BatchInfo, RecordsError> {
        if body.len() < BODY_OVERHEAD {
            return Err(RecordsError::TooSmall { size: body.len() as i64 + i64::from(HEAD_BYTES) });
        }
        if body[0] as i8 != MAGIC {
            return Err(RecordsError::UnsupportedMagic(body[0] as i8));
        }
        Ok(BatchInfo {
            crc: i32_at(body, 1) as u32,
            attributes: i16_at(body, 5),
            last_offset_delta: i32_at(body, 7),
            base_timestamp: i64_at(body, 11),
            max_timestamp: i64_at(body, 19),
            producer_id: i64_at(body, 27),
            producer_epoch: i16_at(body, 35),
            base_sequence: i32_at(body, 37),
            record_count: i32_at(body, 41),
        })
    }

    /// # Errors
    /// [`RecordsError::UnknownCompression`] for the three ids that name no codec.
    pub fn compression(&self) -> Result<CompressionType, RecordsError> {
        let id = (self.attributes & COMPRESSION_CODEC_MASK) as u8;
        CompressionType::from_id(id).ok_or(RecordsError::UnknownCompression(id))
    }

    pub fn timestamp_type(&self) -> TimestampType {
        if self.attributes & TIMESTAMP_TYPE_MASK == 0 { TimestampType::CreateTime } else { TimestampType::LogAppendTime }
    }

    pub fn is_transactional(&self) -> bool {
        self.attributes & TRANSACTIONAL_FLAG_MASK != 0
    }

    /// Written by a coordinator or a quorum leader, not by a producer: see [`super::control`].
    pub fn is_control(&self) -> bool {
        self.attributes & CONTROL_FLAG_MASK != 0
    }

    pub fn has_producer_id(&self) -> bool {
        self.producer_id > NO_PRODUCER_ID
    }

    /// From when on the cleaner may drop this batch's tombstones or marker (KIP-534): it stands in the base timestamp's place.
    pub fn delete_horizon_ms(&self) -> Option<i64> {
        (self.attributes & DELETE_HORIZON_FLAG_MASK != 0).then_some(self.base_timestamp)
    }

    /// The sequence number of the last record, or -1 without a producer's sequence.
    pub fn last_sequence(&self) -> i32 {
        self.sequence_at(self.last_offset_delta)
    }

    /// The sequence number of the record with this offset delta, or -1.
    pub fn sequence_at(&self, offset_delta: i32) -> i32 {
        if self.base_sequence == NO_SEQUENCE { NO_SEQUENCE } else { increment_sequence(self.base_sequence, offset_delta) }
    }
}

/// Sequence numbers wrap from `i32::MAX` to 0 (`DefaultRecordBatch.incrementSequence`).
pub fn increment_sequence(sequence: i32, increment: i32) -> i32 {
    if sequence > i32::MAX.wrapping_sub(increment) {
        increment.wrapping_sub(i32::MAX.wrapping_sub(sequence)).wrapping_sub(1)
    } else {
        sequence.wrapping_add(increment)
    }
}

/// The size of the batch at the start of `bytes`, head included, if all of it is there.
///
/// # Errors
/// `Truncated` (with 12 bytes as the need where not even the length is there) or `TooSmall`.
pub fn peek_size(bytes: &[u8]) -> Result<u32, RecordsError> {
    let available = bytes.len() as u64;
    if available < u64::from(LOG_OVERHEAD) {
        return Err(RecordsError::Truncated { needed: LOG_OVERHEAD.into(), available });
    }
    let size = i64::from(i32_at(bytes, 8)) + i64::from(LOG_OVERHEAD);
    if size < i64::from(RECORD_BATCH_OVERHEAD) {
        return Err(RecordsError::TooSmall { size });
    }
    if size as u64 > available {
        return Err(RecordsError::Truncated { needed: size as u64, available });
    }
    Ok(size as u32)
}

/// The size of the batch of any magic at the start of bytes that a client sent, if all of it is there
/// (`ByteBufferLogInputStream.nextBatchSize`). What is not whole counts as nothing.
///
/// # Errors
/// `BelowRecordOverhead` or `InvalidMagic`.
pub fn next_batch_size(bytes: &[u8]) -> Result<Option<u32>, RecordsError> {
    if bytes.len() < LOG_OVERHEAD as usize {
        return Ok(None);
    }
    let size = i32_at(bytes, 8);
    if size < RECORD_OVERHEAD_V0 {
        return Err(RecordsError::BelowRecordOverhead(size));
    }
    let Some(&magic) = bytes.get(HEAD_BYTES as usize) else { return Ok(None) };
    if !(0..=MAGIC).contains(&(magic as i8)) {
        return Err(RecordsError::InvalidMagic(magic as i8));
    }
    let whole = size as u32 + LOG_OVERHEAD;
    Ok((u64::from(whole) <= bytes.len() as u64).then_some(whole))
}

/// Fills the header into a body whose first [`BODY_OVERHEAD`] bytes are free, computes the checksum and makes it a batch. `info.crc` is
/// ignored. Whoever computes a checksum has checked it: the chunk starts verified.
pub(super) fn seal(base_offset: i64, leader_epoch: i32, mut info: BatchInfo, mut body: Vec<u8>, id: ChunkId) -> Batch {
    body[0] = MAGIC as u8;
    body[5..7].copy_from_slice(&info.attributes.to_be_bytes());
    body[7..11].copy_from_slice(&info.last_offset_delta.to_be_bytes());
    body[11..19].copy_from_slice(&info.base_timestamp.to_be_bytes());
    body[19..27].copy_from_slice(&info.max_timestamp.to_be_bytes());
    body[27..35].copy_from_slice(&info.producer_id.to_be_bytes());
    body[35..37].copy_from_slice(&info.producer_epoch.to_be_bytes());
    body[37..41].copy_from_slice(&info.base_sequence.to_be_bytes());
    body[41..45].copy_from_slice(&info.record_count.to_be_bytes());
    info.crc = crc32c(&body[CRC_COVERS_FROM..]);
    body[1..5].copy_from_slice(&info.crc.to_be_bytes());
    let body = Chunk::new(id, Bytes::from(body));
    body.mark_verified();
    Batch { base_offset, leader_epoch, info, body }
}

fn i16_at(bytes: &[u8], at: usize) -> i16 {
    i16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn i32_at(bytes: &[u8], at: usize) -> i32 {
    i32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

fn i64_at(bytes: &[u8], at: usize) -> i64 {
    (i64::from(i32_at(bytes, at)) << 32) | i64::from(i32_at(bytes, at + 4) as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_wrap() {
        for (sequence, increment, expected) in [(0, 5, 5), (i32::MAX, 1, 0), (i32::MAX - 1, 3, 1), (i32::MAX, 0, i32::MAX)] {
            assert_eq!(increment_sequence(sequence, increment), expected);
        }
    }

    /// A leader's fields are beside the body: they change neither checksum nor chunk.
    #[test]
    fn a_leader_sets_offset_and_epoch_without_touching_the_body() {
        let hex = "00000000000000000000003a0000000002e99b8dd80000000000000000018bcfe568000000018bcfe56800ffffffffffffffffffffffffffff\
                   0000000110000000026b027600";
        let bytes: Vec<u8> = (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
        let bytes = Bytes::from(bytes);
        let mut batch = Batch::parse(&bytes, ChunkId(1)).unwrap();
        assert_eq!(batch.to_bytes(), bytes);
        (batch.base_offset, batch.leader_epoch) = (42, 7);
        let moved = Batch::parse(&batch.to_bytes(), ChunkId(1)).unwrap();
        assert_eq!((moved.base_offset, moved.leader_epoch, moved.next_offset()), (42, 7, 43));
        assert_eq!((moved.check_crc(), moved.info), (Ok(()), batch.info));
        assert!(moved.body.is_verified() && !batch.body.is_verified());
    }
}
