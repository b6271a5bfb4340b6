//! The four codecs of a batch (`CompressionType`), each with the framing Kafka uses.
//!
//! Every encoder must give the same bytes on 32 and on 64 bit, since sizes decide when batches, requests and segments are full:
//! * gzip: `flate2` on `miniz_oxide`. Its word-width code is in the decoder only.
//! * snappy: `snap` hashes 32-bit words whatever the machine; framing is our own ([`super::snappy`]).
//! * lz4: `lz4_flex` decodes, but its encoder hashes five bytes on 64 bit and four on 32, so encoding is our own ([`super::lz4`]).
//! * zstd: `ruzstd` both ways; its matcher hashes in `u64` everywhere. No content checksum, as Kafka's.
//!
//! Bytes differ from those of Java's encoders, as they differ between versions of those; every decoder reads either.

use std::fmt;
use std::io::{Read, Write};

use super::error::RecordsError;
use super::{lz4, snappy};

/// The most that one batch may swell to. Kafka reads record by record and needs no such limit; a tab has to have one.
pub const DECOMPRESSED_BYTES_MAX: u64 = 64 << 20;

/// Bits 0 to 2 of a batch's attributes; also `compression.type` of a producer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CompressionType {
    #[default]
    None,
    Gzip,
    Snappy,
    Lz4,
    Zstd,
}

impl CompressionType {
    pub const ALL: [CompressionType; 5] =
        [CompressionType::None, CompressionType::Gzip, CompressionType::Snappy, CompressionType::Lz4, CompressionType::Zstd];

    pub fn from_id(id: u8) -> Option<CompressionType> {
        CompressionType::ALL.get(usize::from(id)).copied()
    }

    pub fn id(self) -> u8 {
        self as u8
    }

    /// As in configs and in the dump tool.
    pub fn name(self) -> &'static str {
        match self {
            CompressionType::None => "none",
            CompressionType::Gzip => "gzip",
            CompressionType::Snappy => "snappy",
            CompressionType::Lz4 => "lz4",
            CompressionType::Zstd => "zstd",
        }
    }

    pub fn from_name(name: &str) -> Option<CompressionType> {
        CompressionType::ALL.into_iter().find(|codec| codec.name() == name)
    }
}

impl fmt::Display for CompressionType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Appends `input`, compressed, to `out`.
pub fn compress(codec: CompressionType, input: &[u8], out: &mut Vec<u8>) {
    match codec {
        CompressionType::None => out.extend_from_slice(input),
        CompressionType::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(out, flate2::Compression::default());
            encoder.write_all(input).and_then(|()| encoder.finish().map(drop)).expect("writing to memory cannot fail");
        }
        CompressionType::Snappy => snappy::compress(input, out),
        CompressionType::Lz4 => lz4::compress(input, out),
        CompressionType::Zstd => ruzstd::encoding::compress(input, out, ruzstd::encoding::CompressionLevel::Fastest),
    }
}

/// All of `input`, decompressed; never more than [`DECOMPRESSED_BYTES_MAX`], whatever lengths the input claims.
///
/// # Errors
/// `Decompression` or `DecompressedTooLarge`.
pub fn decompress(codec: CompressionType, input: &[u8]) -> Result<Vec<u8>, RecordsError> {
    match codec {
        CompressionType::None => Ok(input.to_vec()),
        // What a cleaner or an empty transaction leaves: no records, and no frame around them.
        _ if input.is_empty() => Ok(Vec::new()),
        CompressionType::Gzip => read_all(codec, flate2::read::MultiGzDecoder::new(input), Vec::new()),
        CompressionType::Snappy => snappy::decompress(input),
        CompressionType::Lz4 => read_all(codec, lz4_flex::frame::FrameDecoder::new(input), Vec::new()),
        CompressionType::Zstd => unzstd(input),
    }
}

/// Zstandard frames may follow each other.
fn unzstd(mut input: &[u8]) -> Result<Vec<u8>, RecordsError> {
    let codec = CompressionType::Zstd;
    let mut out = Vec::new();
    while !input.is_empty() {
        let decoder = ruzstd::decoding::StreamingDecoder::new(&mut input).map_err(|error| failed(codec, &error))?;
        out = read_all(codec, decoder, out)?;
    }
    Ok(out)
}

/// Reads to the end or to the limit; memory grows with what really comes, not with what a header claims.
fn read_all(codec: CompressionType, reader: impl Read, mut out: Vec<u8>) -> Result<Vec<u8>, RecordsError> {
    let room = DECOMPRESSED_BYTES_MAX - out.len() as u64;
    let read = reader.take(room + 1).read_to_end(&mut out).map_err(|error| failed(codec, &error))?;
    if read as u64 > room {
        return Err(RecordsError::DecompressedTooLarge { codec, limit: DECOMPRESSED_BYTES_MAX });
    }
    Ok(out)
}

fn failed(codec: CompressionType, error: &dyn fmt::Display) -> RecordsError {
    RecordsError::Decompression { codec, reason: error.to_string() }
}
