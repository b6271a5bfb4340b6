//! Everything that can be wrong with a batch or a record.

use thiserror::Error;

use super::batch::RECORD_BATCH_OVERHEAD;
use super::compression::CompressionType;

/// Why bytes are not the batch or the records they claim to be. Where Kafka has a message for it, the text is Kafka's
/// (`CorruptRecordException`, `InvalidRecordException`).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordsError {
    /// The batch's own length leads beyond the bytes that are there: a torn tail, or a fetch response that was cut.
    #[error("the batch needs {needed} bytes, but only {available} are there")]
    Truncated { needed: u64, available: u64 },
    #[error("Record batch is corrupt (the size {size} is smaller than the minimum allowed overhead {})", RECORD_BATCH_OVERHEAD)]
    TooSmall { size: i64 },
    /// `ByteBufferLogInputStream.nextBatchSize`: of bytes that are to be cut into batches of any magic there ever was.
    #[error("Record size {0} is less than the minimum record overhead (14)")]
    BelowRecordOverhead(i32),
    #[error("Invalid magic found in record: {0}")]
    InvalidMagic(i8),
    /// Magic 0 and 1 were removed with Kafka 4.0 (KIP-724).
    #[error("Unsupported magic byte {0}")]
    UnsupportedMagic(i8),
    #[error("Record is corrupt (stored crc = {stored}, computed crc = {computed})")]
    CrcMismatch { stored: u32, computed: u32 },
    #[error("Unknown compression type id: {0}")]
    UnknownCompression(u8),
    #[error("Found invalid record count {0} in magic v2 batch")]
    InvalidRecordCount(i32),
    /// The records end before the promised count.
    #[error("Incorrect declared batch size, premature EOF reached")]
    RecordsMissing { read: u32, declared: u32 },
    #[error("Incorrect declared batch size, records still remaining in file")]
    TrailingBytes,
    #[error("Invalid record size: expected to read {expected} bytes in record payload, but instead read {read}")]
    RecordSize { expected: i64, read: u64 },
    #[error(
        "Invalid record size: expected {expected} bytes in record payload, but instead the buffer has only {remaining} remaining bytes."
    )]
    RecordBeyondBatch { expected: i64, remaining: u64 },
    #[error("Found invalid number of record headers {0}")]
    HeaderCount(i32),
    #[error("Invalid negative header key size {0}")]
    HeaderKeySize(i32),
    /// A length inside a record leads beyond the record.
    #[error("Found invalid record structure: a field leads beyond its record")]
    FieldBeyondRecord,
    /// The length before a record (a field within one is [`RecordsError::VarintTooLong`], which Kafka takes for a record's wrong structure).
    #[error("Varint is too long, the most significant bit in the last byte is set")]
    RecordSizeTooLong,
    #[error("Varint is too long, the most significant bit in the last byte is set")]
    VarintTooLong,
    #[error("{codec} data cannot be decompressed: {reason}")]
    Decompression { codec: CompressionType, reason: String },
    /// A small batch that swells to more than [`super::compression::DECOMPRESSED_BYTES_MAX`].
    #[error("{codec} data swells to more than {limit} bytes")]
    DecompressedTooLarge { codec: CompressionType, limit: u64 },
    #[error("the control record's {0} is malformed")]
    Control(&'static str),
}
