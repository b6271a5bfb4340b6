//! `MemoryRecordsBuilder`: writing a batch record by record into one buffer.

use super::batch::{
    BODY_OVERHEAD, Batch, BatchInfo, CONTROL_FLAG_MASK, DELETE_HORIZON_FLAG_MASK, NO_PARTITION_LEADER_EPOCH, NO_PRODUCER_EPOCH,
    NO_PRODUCER_ID, NO_SEQUENCE, NO_TIMESTAMP, RECORD_BATCH_OVERHEAD, TIMESTAMP_TYPE_MASK, TRANSACTIONAL_FLAG_MASK, seal,
};
use super::compression::{CompressionType, compress};
use super::record::Header;
use super::varint::{size_of_varint, size_of_varlong, write_varint, write_varlong};
use crate::sim::chunk::ChunkId;

/// `DefaultRecord.MAX_RECORD_OVERHEAD`: the most that length, attributes and the two deltas of a record take.
pub const MAX_RECORD_OVERHEAD: u32 = 21;
/// Capacity to begin with, so that many small batches do not each hold a `batch.size` of memory.
const INITIAL_CAPACITY: usize = 512;

/// Writes records into one buffer, then makes it a [`Batch`]. No allocation per record.
///
/// A producer appends with [`BatchBuilder::append`] while [`BatchBuilder::has_room_for`]; a broker or a cleaner sets offsets itself with
/// [`BatchBuilder::append_at`].
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    compression: CompressionType,
    flags: i16,
    base_offset: i64,
    leader_epoch: i32,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
    log_append_time: Option<i64>,
    base_timestamp: Option<i64>,
    max_timestamp: i64,
    last_offset_delta: i32,
    record_count: i32,
    /// Body header (filled in last), then uncompressed records.
    buffer: Vec<u8>,
    /// Bytes the batch may reach (`batch.size`), and the compression ratio expected of this topic, in thousandths.
    write_limit: u32,
    compression_ratio_per_mille: u32,
}

impl BatchBuilder {
    /// An empty batch with base offset 0, no producer id, and room for one record at least, however small the limit.
    pub fn new(compression: CompressionType, write_limit_bytes: u32) -> BatchBuilder {
        let mut buffer = Vec::with_capacity(INITIAL_CAPACITY);
        buffer.resize(BODY_OVERHEAD, 0);
        BatchBuilder {
            compression,
            flags: 0,
            base_offset: 0,
            leader_epoch: NO_PARTITION_LEADER_EPOCH,
            producer_id: NO_PRODUCER_ID,
            producer_epoch: NO_PRODUCER_EPOCH,
            base_sequence: NO_SEQUENCE,
            log_append_time: None,
            base_timestamp: None,
            max_timestamp: NO_TIMESTAMP,
            last_offset_delta: -1,
            record_count: 0,
            buffer,
            write_limit: write_limit_bytes,
            compression_ratio_per_mille: 1000,
        }
    }

    /// An empty batch that will keep what identifies `batch` (offsets, producer, flags, times, leader epoch): for whoever rewrites it with
    /// other records or another codec. Its last offset stays even if its last record does not come again.
    pub fn rewriting(batch: &Batch, compression: CompressionType) -> BatchBuilder {
        let info = &batch.info;
        let mut builder = BatchBuilder::new(compression, u32::MAX);
        builder.flags = info.attributes & (TRANSACTIONAL_FLAG_MASK | CONTROL_FLAG_MASK | DELETE_HORIZON_FLAG_MASK);
        builder.base_offset = batch.base_offset;
        builder.leader_epoch = batch.leader_epoch;
        builder.set_producer_state(info.producer_id, info.producer_epoch, info.base_sequence);
        builder.log_append_time = (info.attributes & TIMESTAMP_TYPE_MASK != 0).then_some(info.max_timestamp);
        builder.base_timestamp = info.delete_horizon_ms();
        builder.last_offset_delta = info.last_offset_delta;
        builder
    }

    /// The offset of the first record; a producer leaves it at 0 and the leader sets it on append.
    pub fn set_base_offset(&mut self, base_offset: i64) {
        self.base_offset = base_offset;
    }

    pub fn set_leader_epoch(&mut self, leader_epoch: i32) {
        self.leader_epoch = leader_epoch;
    }

    /// Set when a batch is drained, since a sequence number belongs to the batch, not to its filling.
    pub fn set_producer_state(&mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) {
        self.producer_id = producer_id;
        self.producer_epoch = producer_epoch;
        self.base_sequence = base_sequence;
    }

    pub fn set_transactional(&mut self, transactional: bool) {
        self.set_flag(TRANSACTIONAL_FLAG_MASK, transactional);
    }

    pub fn set_control(&mut self, control: bool) {
        self.set_flag(CONTROL_FLAG_MASK, control);
    }

    /// All records get the broker's time (`message.timestamp.type=LogAppendTime`).
    pub fn set_log_append_time(&mut self, timestamp_ms: i64) {
        self.log_append_time = Some(timestamp_ms);
    }

    /// The batch's tombstones or marker may go from this time on (KIP-534). To be set before the first record: timestamps count from it.
    pub fn set_delete_horizon(&mut self, horizon_ms: i64) {
        debug_assert!(self.record_count == 0, "timestamp deltas were already written");
        self.set_flag(DELETE_HORIZON_FLAG_MASK, true);
        self.base_timestamp = Some(horizon_ms);
    }

    /// Where the batch reaches further than the last record that is appended.
    pub fn set_last_offset_delta(&mut self, last_offset_delta: i32) {
        self.last_offset_delta = last_offset_delta;
    }

    /// The ratio that this topic's earlier batches reached, in thousandths (`CompressionRatioEstimator`).
    pub fn set_compression_ratio_per_mille(&mut self, ratio: u32) {
        self.compression_ratio_per_mille = ratio;
    }

    /// Appends behind the last offset.
    pub fn append(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) {
        self.append_at(self.last_offset_delta.wrapping_add(1), timestamp, key, value, headers);
    }

    /// Appends with this offset minus the base offset; deltas grow. The last offset is at least this one.
    pub fn append_at(&mut self, offset_delta: i32, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) {
        let base_timestamp = *self.base_timestamp.get_or_insert(timestamp);
        let timestamp_delta = timestamp.wrapping_sub(base_timestamp);
        let size = body_size(offset_delta, timestamp_delta, key, value, headers);
        self.write(size, offset_delta, timestamp, timestamp_delta, key, value, headers);
    }

    /// Appends behind the last offset if there is room ([`BatchBuilder::has_room_for`]); says whether there was.
    pub fn try_append(&mut self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> bool {
        let timestamp_delta = self.base_timestamp.map_or(0, |base| timestamp.wrapping_sub(base));
        let offset_delta = self.last_offset_delta.wrapping_add(1);
        let size = body_size(offset_delta, timestamp_delta, key, value, headers);
        if !self.has_room(size) {
            return false;
        }
        self.base_timestamp.get_or_insert(timestamp);
        self.write(size, offset_delta, timestamp, timestamp_delta, key, value, headers);
        true
    }

    /// `MemoryRecordsBuilder.hasRoomFor`: the first record always has room; of later ones none may lead beyond the limit, its own
    /// compression not counted.
    pub fn has_room_for(&self, timestamp: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> bool {
        let timestamp_delta = self.base_timestamp.map_or(0, |base| timestamp.wrapping_sub(base));
        self.has_room(body_size(self.last_offset_delta.wrapping_add(1), timestamp_delta, key, value, headers))
    }

    /// `MemoryRecordsBuilder.isFull`.
    pub fn is_full(&self) -> bool {
        self.record_count > 0 && self.write_limit <= self.estimated_size_bytes()
    }

    /// The size the batch would have if it were closed now: exact without a codec, else estimated by the expected ratio with Kafka's margin
    /// of 5 % (`estimatedBytesWritten`).
    pub fn estimated_size_bytes(&self) -> u32 {
        let records = self.uncompressed_records_bytes();
        match self.compression {
            CompressionType::None => RECORD_BATCH_OVERHEAD + records,
            _ => RECORD_BATCH_OVERHEAD + (u64::from(records) * u64::from(self.compression_ratio_per_mille) * 105 / 100_000) as u32,
        }
    }

    /// The records so far, before compression, in bytes.
    pub fn uncompressed_records_bytes(&self) -> u32 {
        (self.buffer.len() - BODY_OVERHEAD) as u32
    }

    pub fn record_count(&self) -> u32 {
        self.record_count as u32
    }

    pub fn is_empty(&self) -> bool {
        self.record_count == 0
    }

    pub fn write_limit_bytes(&self) -> u32 {
        self.write_limit
    }

    /// Closes the batch. The producer computed the checksum and wrote each record itself, so its chunk starts as verified and well formed.
    ///
    /// Without records it is the header alone, with the last offset that was set: what a cleaner keeps of an emptied batch.
    pub fn build(self, id: ChunkId) -> Batch {
        let info = self.info();
        let body = match self.compression {
            CompressionType::None => fit(self.buffer),
            codec => {
                let mut body = Vec::with_capacity(BODY_OVERHEAD + (self.buffer.len() - BODY_OVERHEAD) / 2);
                body.resize(BODY_OVERHEAD, 0);
                if self.record_count > 0 {
                    compress(codec, &self.buffer[BODY_OVERHEAD..], &mut body);
                }
                fit(body)
            }
        };
        let batch = seal(self.base_offset, self.leader_epoch, info, body, id);
        batch.body.mark_well_formed();
        batch
    }

    /// `size` is the record's without its own length.
    fn has_room(&self, size: u32) -> bool {
        let written = self.estimated_size_bytes();
        let limit = u64::from(self.write_limit);
        self.record_count == 0
            || written < self.write_limit && u64::from(written) + u64::from(size) + u64::from(size_of_varint(size as i32)) <= limit
    }

    #[expect(clippy::too_many_arguments, reason = "the fields of one record, its size computed before")]
    #[inline]
    fn write(
        &mut self,
        size: u32,
        offset_delta: i32,
        timestamp: i64,
        timestamp_delta: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[Header<'_>],
    ) {
        let out = &mut self.buffer;
        out.reserve(size as usize + 5);
        write_varint(out, size as i32);
        out.push(0); // record attributes: all bits unused so far
        write_varlong(out, timestamp_delta);
        write_varint(out, offset_delta);
        write_nullable(out, key);
        write_nullable(out, value);
        write_varint(out, headers.len() as i32);
        for header in headers {
            write_nullable(out, Some(header.key));
            write_nullable(out, header.value);
        }
        self.record_count += 1;
        self.max_timestamp = self.max_timestamp.max(timestamp);
        self.last_offset_delta = self.last_offset_delta.max(offset_delta);
    }

    fn info(&self) -> BatchInfo {
        let timestamp_type = if self.log_append_time.is_some() { TIMESTAMP_TYPE_MASK } else { 0 };
        BatchInfo {
            crc: 0,
            attributes: i16::from(self.compression.id()) | timestamp_type | self.flags,
            last_offset_delta: self.last_offset_delta,
            base_timestamp: self.base_timestamp.unwrap_or(NO_TIMESTAMP),
            max_timestamp: self.log_append_time.unwrap_or(self.max_timestamp),
            producer_id: self.producer_id,
            producer_epoch: self.producer_epoch,
            base_sequence: self.base_sequence,
            record_count: self.record_count,
        }
    }

    fn set_flag(&mut self, mask: i16, on: bool) {
        self.flags = if on { self.flags | mask } else { self.flags & !mask };
    }
}

/// The whole record as it would be written, its length included (`DefaultRecord.sizeInBytes`).
pub fn record_size(offset_delta: i32, timestamp_delta: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> u32 {
    let body = body_size(offset_delta, timestamp_delta, key, value, headers);
    body + size_of_varint(body as i32)
}

/// What a batch of this one record takes at most (`AbstractRecords.estimateSizeInBytesUpperBound`); compared with `max.request.size`, and
/// the size of the buffer where it is beyond `batch.size`.
pub fn batch_size_upper_bound(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> u32 {
    RECORD_BATCH_OVERHEAD + MAX_RECORD_OVERHEAD + fields_size(key, value, headers)
}

fn body_size(offset_delta: i32, timestamp_delta: i64, key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> u32 {
    1 + size_of_varint(offset_delta) + size_of_varlong(timestamp_delta) + fields_size(key, value, headers)
}

fn fields_size(key: Option<&[u8]>, value: Option<&[u8]>, headers: &[Header<'_>]) -> u32 {
    let pairs: u32 = headers.iter().map(|header| nullable_size(Some(header.key)) + nullable_size(header.value)).sum();
    nullable_size(key) + nullable_size(value) + size_of_varint(headers.len() as i32) + pairs
}

fn nullable_size(bytes: Option<&[u8]>) -> u32 {
    bytes.map_or(1, |bytes| size_of_varint(bytes.len() as i32) + bytes.len() as u32)
}

#[inline]
fn write_nullable(out: &mut Vec<u8>, bytes: Option<&[u8]>) {
    match bytes {
        None => write_varint(out, -1),
        Some(bytes) => {
            write_varint(out, bytes.len() as i32);
            out.extend_from_slice(bytes);
        }
    }
}

/// Batches live long and are many: give back what the buffer has beyond an eighth of its content.
fn fit(mut buffer: Vec<u8>) -> Vec<u8> {
    if buffer.capacity() - buffer.len() > buffer.len() / 8 {
        buffer.shrink_to_fit();
    }
    buffer
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `ProducerBatch` with `batch.size`: records go in while the whole batch, header included, stays within the limit.
    #[test]
    fn a_batch_is_filled_up_to_its_limit_and_not_beyond() {
        let mut builder = BatchBuilder::new(CompressionType::None, 16_384);
        let mut appended = 0;
        while builder.try_append(1_700_000_000_000, Some(b"key"), Some(&[b'v'; 100]), &[]) {
            appended += 1;
        }
        let next = record_size(appended, 0, Some(b"key"), Some(&[b'v'; 100]), &[]);
        let size = builder.estimated_size_bytes();
        assert!(size <= 16_384 && size + next > 16_384);
        assert_eq!(builder.build(ChunkId(1)).size_bytes(), size);
    }

    #[test]
    fn the_first_record_always_has_room() {
        let mut builder = BatchBuilder::new(CompressionType::None, 0);
        assert!(builder.has_room_for(0, None, Some(&[0; 1000]), &[]));
        builder.append(0, None, Some(&[0; 1000]), &[]);
        assert!(builder.is_full() && !builder.try_append(0, None, None, &[]));
    }

    /// With a codec the limit counts expected bytes. A record here takes 102 bytes (103 from the 64th on): the last one that fits finds
    /// 61 + 1.05 x ratio x records so far + 103 <= 10000, which is so up to 9309 bytes before it at a ratio of 1, and 18682 at a half.
    #[test]
    fn an_expected_ratio_makes_room() {
        let filled = |ratio| {
            let mut builder = BatchBuilder::new(CompressionType::Lz4, 10_000);
            builder.set_compression_ratio_per_mille(ratio);
            while builder.try_append(0, None, Some(&[b'v'; 93]), &[]) {}
            builder.record_count()
        };
        assert_eq!((filled(1000), filled(500)), (92, 183));
    }

    #[test]
    fn a_sizes_upper_bound_is_one() {
        let (key, value, headers) = (Some(&b"k"[..]), Some(&[0; 70_000][..]), [Header::new("name", None)]);
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
        builder.append(i64::MAX, key, value, &headers);
        assert!(builder.estimated_size_bytes() <= batch_size_upper_bound(key, value, &headers));
    }
}
