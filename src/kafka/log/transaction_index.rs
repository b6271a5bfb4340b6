//! `TransactionIndex`: the aborted transactions whose **marker** lies in a segment, for consumers that read only what is committed.

use bytes::{BufMut, BytesMut};

/// Bytes an entry takes on disk.
pub const ABORTED_TXN_BYTES: u32 = 34;
/// `AbortedTxn.CURRENT_VERSION`
const VERSION: i16 = 0;

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AbortedTxn {
    pub version: i16,
    pub producer_id: i64,
    /// Of the transaction's data.
    pub first_offset: i64,
    /// Of its marker.
    pub last_offset: i64,
    /// As of the abort; far below where another transaction was open.
    pub last_stable_offset: i64,
}

impl AbortedTxn {
    pub fn new(producer_id: i64, first_offset: i64, last_offset: i64, last_stable_offset: i64) -> AbortedTxn {
        AbortedTxn { version: VERSION, producer_id, first_offset, last_offset, last_stable_offset }
    }

    pub fn write_to(&self, out: &mut BytesMut) {
        out.put_i16(self.version);
        out.put_i64(self.producer_id);
        out.put_i64(self.first_offset);
        out.put_i64(self.last_offset);
        out.put_i64(self.last_stable_offset);
    }
}

/// Reads a `.txnindex` file: the whole entries, and how many bytes are left of an incomplete one.
pub fn parse(bytes: &[u8]) -> (Vec<AbortedTxn>, u32) {
    let chunks = bytes.chunks_exact(ABORTED_TXN_BYTES as usize);
    let rest = chunks.remainder().len() as u32;
    let entries = chunks.map(|entry| {
        let long = |at: usize| entry[at..at + 8].iter().fold(0, |value: i64, &byte| value << 8 | i64::from(byte));
        AbortedTxn {
            version: i16::from_be_bytes([entry[0], entry[1]]),
            producer_id: long(2),
            first_offset: long(10),
            last_offset: long(18),
            last_stable_offset: long(26),
        }
    });
    (entries.collect(), rest)
}
