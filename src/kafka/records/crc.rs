//! CRC-32C (Castagnoli), the checksum of batches and producer snapshots (`org.apache.kafka.common.utils.Crc32C`).

/// Checksum of the bytes. In hardware where the machine can, else by tables; the same value everywhere.
pub fn crc32c(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes)
}
