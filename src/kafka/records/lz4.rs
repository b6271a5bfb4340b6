//! An LZ4 encoder whose bytes do not depend on the machine's word width, in the frame that Kafka's `Lz4BlockOutputStream` writes: independent
//! blocks of 64 KiB, no checksums but the header's.
//!
//! The block format is LZ4's own (lz4_Block_format.md): greedy matching with a table of four-byte hashes, as the reference's fast mode.

/// Magic number, FLG (version 1, independent blocks), BD (64 KiB), and the second byte of their xxHash32.
const FRAME_HEADER: [u8; 7] = [0x04, 0x22, 0x4d, 0x18, 0x60, 0x40, 0x82];
const END_MARK: [u8; 4] = [0; 4];
const BLOCK_BYTES: usize = 64 * 1024;
/// Set in a block's length where it is stored as it is.
const UNCOMPRESSED_FLAG: u32 = 1 << 31;

const MIN_MATCH: usize = 4;
/// No match begins in the last 12 bytes of a block, and the last 5 are literals: decoders copy in words and rely on it.
const MATCH_START_MARGIN: usize = 12;
const LAST_LITERALS: usize = 5;
const HASH_BITS: u32 = 12;
/// After so many misses in a row (a power of two) the search takes longer steps: what does not compress is passed quickly.
const SKIP_TRIGGER: u32 = 6;

/// Appends one whole frame.
pub fn compress(input: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&FRAME_HEADER);
    for block in input.chunks(BLOCK_BYTES) {
        let length_at = out.len();
        out.extend_from_slice(&[0; 4]);
        compress_block(block, out);
        let mut length = (out.len() - length_at - 4) as u32;
        if length as usize >= block.len() {
            out.truncate(length_at + 4);
            out.extend_from_slice(block);
            length = block.len() as u32 | UNCOMPRESSED_FLAG;
        }
        out[length_at..length_at + 4].copy_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(&END_MARK);
}

/// One block of at most 64 KiB, so that positions and distances fit 16 bits.
fn compress_block(block: &[u8], out: &mut Vec<u8>) {
    let mut table = [0u16; 1 << HASH_BITS];
    let search_end = block.len().saturating_sub(MATCH_START_MARGIN);
    let mut literals_from = 0;
    let mut at = 1; // position 0 is in the (zeroed) table already
    let mut misses = 1 << SKIP_TRIGGER;
    while at < search_end {
        let word = word_at(block, at);
        let slot = &mut table[hash(word)];
        let candidate = usize::from(std::mem::replace(slot, at as u16));
        if word_at(block, candidate) != word {
            at += (misses >> SKIP_TRIGGER) as usize;
            misses += 1;
            continue;
        }
        let (from, candidate) = extend_back(block, at, candidate, literals_from);
        let length = match_length(block, from, candidate);
        write_sequence(&block[literals_from..from], (from - candidate) as u16, length, out);
        at = from + length;
        literals_from = at;
        misses = 1 << SKIP_TRIGGER;
    }
    write_last_literals(&block[literals_from..], out);
}

/// A match may begin before the place where it was found.
fn extend_back(block: &[u8], mut at: usize, mut candidate: usize, floor: usize) -> (usize, usize) {
    while at > floor && candidate > 0 && block[at - 1] == block[candidate - 1] {
        at -= 1;
        candidate -= 1;
    }
    (at, candidate)
}

fn match_length(block: &[u8], at: usize, candidate: usize) -> usize {
    let end = block.len() - LAST_LITERALS;
    block[at..end].iter().zip(&block[candidate..]).take_while(|(a, b)| a == b).count()
}

/// Token, literals, distance, length of the match.
fn write_sequence(literals: &[u8], distance: u16, match_length: usize, out: &mut Vec<u8>) {
    let extra = match_length - MIN_MATCH;
    out.push((literals.len().min(15) << 4 | extra.min(15)) as u8);
    write_length_rest(literals.len(), out);
    out.extend_from_slice(literals);
    out.extend_from_slice(&distance.to_le_bytes());
    write_length_rest(extra, out);
}

fn write_last_literals(literals: &[u8], out: &mut Vec<u8>) {
    out.push((literals.len().min(15) << 4) as u8);
    write_length_rest(literals.len(), out);
    out.extend_from_slice(literals);
}

/// What a length has beyond the 15 of its token: bytes of 255, then the remainder.
fn write_length_rest(length: usize, out: &mut Vec<u8>) {
    let Some(mut rest) = length.checked_sub(15) else { return };
    while rest >= 255 {
        out.push(255);
        rest -= 255;
    }
    out.push(rest as u8);
}

fn word_at(block: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([block[at], block[at + 1], block[at + 2], block[at + 3]])
}

fn hash(word: u32) -> usize {
    (word.wrapping_mul(2_654_435_761) >> (32 - HASH_BITS)) as usize
}
