//! Snappy in the framing of xerial's `SnappyOutputStream`, which Kafka's Java clients write.
//!
//! ```text
//! 82 'S' 'N' 'A' 'P' 'P' 'Y' 00 | version i32 = 1 | compatible i32 = 1 | (length i32 | raw snappy block)*
//! ```
//! librdkafka writes one raw block without framing; reading takes either, as `SnappyInputStream` does.

use super::compression::{CompressionType, DECOMPRESSED_BYTES_MAX};
use super::error::RecordsError;

const MAGIC: [u8; 8] = [0x82, b'S', b'N', b'A', b'P', b'P', b'Y', 0];
const VERSION: [u8; 8] = [0, 0, 0, 1, 0, 0, 0, 1];
/// Uncompressed bytes a block (`SnappyOutputStream`'s default, which Kafka keeps).
const BLOCK_BYTES: usize = 32 * 1024;

/// Appends the framed, compressed input.
pub fn compress(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION);
    let mut encoder = snap::raw::Encoder::new();
    for block in input.chunks(BLOCK_BYTES) {
        let length_at = out.len();
        let room = snap::raw::max_compress_len(block.len());
        out.resize(length_at + 4 + room, 0);
        let written = encoder.compress(block, &mut out[length_at + 4..]).expect("the output has the room that the encoder asks for");
        out[length_at..length_at + 4].copy_from_slice(&(written as u32).to_be_bytes());
        out.truncate(length_at + 4 + written);
    }
}

/// # Errors
/// `Decompression` or `DecompressedTooLarge`.
pub fn decompress(input: &[u8]) -> Result<Vec<u8>, RecordsError> {
    let mut out = Vec::new();
    let mut decoder = snap::raw::Decoder::new();
    if !input.starts_with(&MAGIC) {
        block(&mut decoder, input, &mut out)?;
        return Ok(out);
    }
    let mut rest = input;
    while !rest.is_empty() {
        // A header may come again where streams were joined.
        if rest.starts_with(&MAGIC) {
            rest = rest.get(MAGIC.len() + VERSION.len()..).ok_or_else(|| failed("its header is cut off"))?;
            continue;
        }
        let (length, after) = rest.split_at_checked(4).ok_or_else(|| failed("a block length is cut off"))?;
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let (compressed, after) = after.split_at_checked(length as usize).ok_or_else(|| failed("a block is cut off"))?;
        block(&mut decoder, compressed, &mut out)?;
        rest = after;
    }
    Ok(out)
}

/// One raw block. Its claimed length is believed only as far as Snappy can expand (a copy of 64 bytes takes three).
fn block(decoder: &mut snap::raw::Decoder, compressed: &[u8], out: &mut Vec<u8>) -> Result<(), RecordsError> {
    let claimed = snap::raw::decompress_len(compressed).map_err(|error| failed(&error.to_string()))?;
    if claimed > compressed.len().saturating_mul(64) {
        return Err(failed("a block claims more than it can hold"));
    }
    if (out.len() + claimed) as u64 > DECOMPRESSED_BYTES_MAX {
        return Err(RecordsError::DecompressedTooLarge { codec: CompressionType::Snappy, limit: DECOMPRESSED_BYTES_MAX });
    }
    let at = out.len();
    out.resize(at + claimed, 0);
    decoder.decompress(compressed, &mut out[at..]).map_err(|error| failed(&error.to_string()))?;
    Ok(())
}

fn failed(reason: &str) -> RecordsError {
    RecordsError::Decompression { codec: CompressionType::Snappy, reason: reason.to_owned() }
}
