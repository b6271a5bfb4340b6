//! `.snapshot`: the producers a partition knows at an offset (`ProducerStateManager.readSnapshot`, ProducerSnapshot.json).

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

use crate::kafka::records::crc::crc32c;

const VERSION: i16 = 1;
/// Version and checksum; the checksum covers what follows.
const CRC_COVERS_FROM: usize = 6;
const HEADER_BYTES: usize = 10;
const ENTRY_BYTES: usize = 46;

/// One producer. Of its last five batches a snapshot holds only the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ProducerSnapshotEntry {
    pub producer_id: i64,
    pub producer_epoch: i16,
    /// Of the last batch; -1 if the last write was a marker.
    pub last_sequence: i32,
    /// Of the last batch; -1 if there is none.
    pub last_offset: i64,
    pub offset_delta: i32,
    pub timestamp: i64,
    pub coordinator_epoch: i32,
    /// -1 outside a transaction.
    pub current_txn_first_offset: i64,
}

/// Why a file is no snapshot of producers. Texts are those of Kafka's `CorruptSnapshotException`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SnapshotError {
    #[error("Snapshot failed schema validation: {0}")]
    Schema(&'static str),
    #[error("Snapshot contained an unknown file version {0}")]
    Version(i16),
    #[error("Snapshot is corrupt (CRC is no longer valid). Stored crc: {stored}. Computed crc: {computed}")]
    Crc { stored: u32, computed: u32 },
}

/// # Errors
/// [`SnapshotError`].
pub fn parse(bytes: &[u8]) -> Result<Vec<ProducerSnapshotEntry>, SnapshotError> {
    if bytes.len() < HEADER_BYTES {
        return Err(SnapshotError::Schema("the file is shorter than its header"));
    }
    let mut header = &bytes[..HEADER_BYTES];
    let (version, stored, count) = (header.get_i16(), header.get_u32(), header.get_i32());
    if version != VERSION {
        return Err(SnapshotError::Version(version));
    }
    let entries = &bytes[HEADER_BYTES..];
    if count < 0 || entries.len() / ENTRY_BYTES < count as usize {
        return Err(SnapshotError::Schema("the file is shorter than its entries"));
    }
    let computed = crc32c(&bytes[CRC_COVERS_FROM..]);
    if stored != computed {
        return Err(SnapshotError::Crc { stored, computed });
    }
    Ok(entries.chunks_exact(ENTRY_BYTES).take(count as usize).map(entry_at).collect())
}

pub fn to_bytes(entries: &[ProducerSnapshotEntry]) -> Bytes {
    let mut out = BytesMut::with_capacity(HEADER_BYTES + entries.len() * ENTRY_BYTES);
    out.put_i16(VERSION);
    out.put_u32(0);
    out.put_i32(entries.len() as i32);
    for entry in entries {
        out.put_i64(entry.producer_id);
        out.put_i16(entry.producer_epoch);
        out.put_i32(entry.last_sequence);
        out.put_i64(entry.last_offset);
        out.put_i32(entry.offset_delta);
        out.put_i64(entry.timestamp);
        out.put_i32(entry.coordinator_epoch);
        out.put_i64(entry.current_txn_first_offset);
    }
    let crc = crc32c(&out[CRC_COVERS_FROM..]);
    out[2..6].copy_from_slice(&crc.to_be_bytes());
    out.freeze()
}

impl ProducerSnapshotEntry {
    /// The sequence of the last batch's first record (`BatchMetadata.firstSeq`).
    pub fn first_sequence(&self) -> i32 {
        let (last, delta) = (self.last_sequence, self.offset_delta);
        if last < delta { i32::MAX.wrapping_sub(delta.wrapping_sub(last)).wrapping_add(1) } else { last.wrapping_sub(delta) }
    }
}

fn entry_at(mut entry: &[u8]) -> ProducerSnapshotEntry {
    ProducerSnapshotEntry {
        producer_id: entry.get_i64(),
        producer_epoch: entry.get_i16(),
        last_sequence: entry.get_i32(),
        last_offset: entry.get_i64(),
        offset_delta: entry.get_i32(),
        timestamp: entry.get_i64(),
        coordinator_epoch: entry.get_i32(),
        current_txn_first_offset: entry.get_i64(),
    }
}
