//! The hashes that decide where a key, a group or a transactional id lives.

/// Kafka's murmur2 (`Utils.murmur2`): 32 bit, with its own seed.
pub fn murmur2(data: &[u8]) -> i32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    let mut h = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(M);
        k ^= k >> 24;
        h = h.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let tail = words.remainder();
    if !tail.is_empty() {
        for (i, &byte) in tail.iter().enumerate() {
            h ^= u32::from(byte) << (8 * i);
        }
        h = h.wrapping_mul(M);
    }
    h ^= h >> 13;
    h = h.wrapping_mul(M);
    (h ^ (h >> 15)) as i32
}

/// Drops the sign bit (`Utils.toPositive`), which is not the absolute value.
pub fn to_positive(number: i32) -> i32 {
    number & i32::MAX
}

/// CRC-32 (ISO-HDLC), by which librdkafka's default partitioner `consistent_random` places a key.
pub fn crc32(data: &[u8]) -> u32 {
    let mut crc = flate2::Crc::new();
    crc.update(data);
    crc.sum()
}

/// `java.lang.String.hashCode`: over UTF-16 code units.
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16().fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// `Utils.abs`: of `i32::MIN` it is 0.
pub fn java_abs(number: i32) -> i32 {
    number.checked_abs().unwrap_or(0)
}

/// The partition of `__consumer_offsets` or `__transaction_state` that a group's or transactional id's coordinator leads
/// (`GroupCoordinatorService.partitionFor`, `TransactionStateManager.partitionFor`). `partitions` is at least 1.
pub fn coordinator_partition(id: &str, partitions: i32) -> i32 {
    java_abs(java_string_hash(id)) % partitions.max(1)
}
