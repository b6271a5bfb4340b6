//! Is a batch what was put into it, and does no malformed byte ever bring us down?

use bytes::Bytes;
use ottla::kafka::log::dump::{DumpFiles, DumpOptions, DumpSink, dump};
use ottla::kafka::log::inspect::inspect;
use ottla::kafka::records::batch::{Batch, HEAD_BYTES};
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::{CompressionType, compress, decompress};
use ottla::kafka::records::crc::crc32c;
use ottla::kafka::records::record::Header;
use ottla::sim::chunk::ChunkId;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

#[derive(Clone, Debug)]
struct TestRecord {
    timestamp: i64,
    key: Option<Vec<u8>>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

fn records() -> impl Strategy<Value = Vec<TestRecord>> {
    // Few different bytes, so that codecs find something to do.
    let bytes = || prop_oneof![vec(any::<u8>(), 0..300), vec(97u8..100, 0..3000)];
    let headers = vec(("[a-c]{0,3}", option::of(vec(any::<u8>(), 0..20))), 0..4);
    let timestamp = prop_oneof![any::<i64>(), 1_700_000_000_000i64..1_700_000_100_000];
    let record = (timestamp, option::of(bytes()), option::of(bytes()), headers);
    vec(record.prop_map(|(timestamp, key, value, headers)| TestRecord { timestamp, key, value, headers }), 1..40)
}

fn codec() -> impl Strategy<Value = CompressionType> {
    proptest::sample::select(CompressionType::ALL.to_vec())
}

fn build(records: &[TestRecord], codec: CompressionType) -> Batch {
    let mut builder = BatchBuilder::new(codec, u32::MAX);
    for record in records {
        let headers: Vec<Header<'_>> = record.headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect();
        builder.append(record.timestamp, record.key.as_deref(), record.value.as_deref(), &headers);
    }
    let estimated = builder.estimated_size_bytes();
    let batch = builder.build(ChunkId(1));
    if codec == CompressionType::None {
        assert_eq!(batch.size_bytes(), estimated);
    }
    batch
}

/// Everything that reads: none of it may panic, whatever the outcome.
fn read_all(bytes: &Bytes) {
    if let Ok(batch) = Batch::parse(bytes, ChunkId(2)) {
        let _ = (batch.check_crc(), batch.next_offset(), batch.info.last_sequence());
        if let Ok(records) = batch.records() {
            let read = records.iter().map_while(Result::ok).map(|record| record.headers.iter().count()).sum::<usize>();
            assert!(read <= bytes.len().max(records.uncompressed_bytes().len()));
        }
    }
    for suffix in ["log", "index", "timeindex", "txnindex", "snapshot"] {
        inspect(&format!("00000000000000000000.{suffix}"), bytes);
        let (paths, options) = (format!("00000000000000000000.{suffix}"), DumpOptions { print_data_log: true, ..DumpOptions::default() });
        dump([paths.as_str()], &options, &OneFile(bytes.clone()), &mut Nowhere);
    }
    for name in ["leader-epoch-checkpoint", "replication-offset-checkpoint", "meta.properties", "0-1.checkpoint", "other"] {
        inspect(name, bytes);
    }
}

struct OneFile(Bytes);

impl DumpFiles for OneFile {
    fn read(&self, _path: &str) -> Option<Bytes> {
        Some(self.0.clone())
    }

    fn absolute_path(&self, path: &str) -> String {
        path.to_owned()
    }
}

struct Nowhere;

impl DumpSink for Nowhere {
    fn out(&mut self, _line: &str) {}
    fn err(&mut self, _line: &str) {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_was_appended_is_read(records in records(), codec in codec()) {
        let bytes = build(&records, codec).to_bytes();
        let batch = Batch::parse(&bytes, ChunkId(2)).unwrap();
        prop_assert_eq!(batch.check_crc(), Ok(()));
        prop_assert_eq!(batch.next_offset(), records.len() as i64);
        prop_assert_eq!(batch.info.max_timestamp, records.iter().map(|record| record.timestamp).max().unwrap().max(-1));
        let mut cursor = batch.cursor().unwrap();
        let decoded = batch.records().unwrap();
        let mut iter = decoded.iter();
        for (offset, expected) in (0..).zip(&records) {
            for record in [iter.next(), cursor.next_record()] {
                let record = record.unwrap().unwrap();
                prop_assert_eq!((record.offset, record.timestamp), (offset, expected.timestamp));
                prop_assert_eq!((record.key, record.value), (expected.key.as_deref(), expected.value.as_deref()));
                let headers: Vec<_> = record.headers.iter().map(|header| (header.name().into_owned(), header.value.map(<[u8]>::to_vec))).collect();
                prop_assert_eq!(&headers, &expected.headers);
            }
        }
        prop_assert!(iter.next().is_none() && cursor.next_record().is_none());
    }

    #[test]
    fn a_flipped_bit_is_found_and_survived(records in records(), codec in codec(), place in any::<prop::sample::Index>(), bit in 0u8..8) {
        let mut bytes = build(&records, codec).to_bytes().to_vec();
        let place = place.index(bytes.len());
        bytes[place] ^= 1 << bit;
        let bytes = Bytes::from(bytes);
        if place > HEAD_BYTES as usize {
            prop_assert!(Batch::parse(&bytes, ChunkId(2)).unwrap().check_crc().is_err());
        }
        read_all(&bytes);
    }

    #[test]
    fn a_truncation_is_survived(records in records(), codec in codec(), place in any::<prop::sample::Index>()) {
        let bytes = build(&records, codec).to_bytes();
        let cut = bytes.slice(..place.index(bytes.len()));
        prop_assert!(Batch::parse(&cut, ChunkId(2)).is_err());
        read_all(&cut);
    }

    /// Bytes that begin like a batch, so that more than the length is looked at.
    #[test]
    fn noise_is_survived(noise in vec(any::<u8>(), 0..300), attributes in 0u8..128, count in -1i32..100) {
        read_all(&Bytes::from(noise.clone()));
        let mut batch = vec![0; 61];
        batch[8..12].copy_from_slice(&(49 + noise.len() as u32).to_be_bytes());
        batch[16] = 2;
        batch[22] = attributes;
        batch[57..61].copy_from_slice(&count.to_be_bytes());
        batch.extend_from_slice(&noise);
        read_all(&Bytes::from(batch));
    }

    #[test]
    fn codecs_survive_noise_and_damage(input in vec(97u8..101, 0..5000), noise in vec(any::<u8>(), 0..200), place in any::<prop::sample::Index>()) {
        for codec in CompressionType::ALL {
            let _ = decompress(codec, &noise);
            let mut compressed = Vec::new();
            compress(codec, &input, &mut compressed);
            prop_assert_eq!(decompress(codec, &compressed).unwrap(), &input[..]);
            if let Some(byte) = compressed.len().checked_sub(1).map(|_| place.index(compressed.len())) {
                compressed[byte] ^= 0x55;
                let _ = decompress(codec, &compressed);
                compressed.truncate(byte);
                let _ = decompress(codec, &compressed);
            }
        }
    }
}

/// Sizes around the blocks of snappy (32 KiB), lz4 (64 KiB) and zstd (128 KiB).
#[test]
fn codecs_keep_large_inputs() {
    let text: Vec<u8> = (0..400_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 29) as u8 + b'a').collect();
    let noise: Vec<u8> = (0..400_000u32).map(|i| (i.wrapping_mul(2_654_435_761) ^ i.rotate_left(7)).to_le_bytes()[2]).collect();
    for codec in CompressionType::ALL {
        for length in [0, 1, 4, 12, 13, 32_767, 32_768, 65_535, 65_536, 65_537, 131_072, 131_073, 400_000] {
            for input in [&text[..length], &noise[..length], &vec![7; length]] {
                let mut compressed = Vec::new();
                compress(codec, input, &mut compressed);
                assert_eq!(decompress(codec, &compressed).as_deref(), Ok(input), "{codec}, {length} bytes");
            }
        }
    }
}

/// The bytes that our encoders write are part of every run's history: an update of a codec that changes them must be noticed. The same
/// digests were computed on x86-64 and on wasm32.
#[test]
fn encoders_write_the_same_bytes_everywhere() {
    let mut inputs = Vec::new();
    for length in [0u32, 1, 5, 12, 13, 100, 1000, 5000, 32_768, 40_000, 65_536, 70_000, 131_073, 300_000] {
        inputs.push((0..length).map(|i| (i.wrapping_mul(2_654_435_761) >> 29) as u8 + b'a').collect());
        inputs.push((0..length).map(|i| (i.wrapping_mul(2_654_435_761) ^ i.rotate_left(7)).to_le_bytes()[2]).collect());
        inputs.push(vec![7; length as usize]);
        inputs.push(orders(length as usize));
    }
    let digests = CompressionType::ALL.map(|codec| {
        let mut all = Vec::new();
        inputs.iter().for_each(|input| compress(codec, input, &mut all));
        (codec.name(), all.len(), crc32c(&all))
    });
    let expected = [
        ("none", 2_582_032, 4_118_646_315),
        ("gzip", 426_822, 911_353_204),
        ("snappy", 927_564, 683_459_111),
        ("lz4", 670_346, 4_130_477_578),
        ("zstd", 504_202, 3_048_565_355),
    ];
    assert_eq!(digests, expected);
}

/// JSON as a producer might send it, cut at this length.
fn orders(length: usize) -> Vec<u8> {
    let order = |i: u32| {
        let user = i.wrapping_mul(2_654_435_761) >> 24;
        format!("{{\"order\":{i},\"user\":\"user-{user}\",\"item\":\"coffee\",\"price\":{}}}", i * 37 % 1000)
    };
    (0..).flat_map(|i| order(i).into_bytes()).take(length).collect()
}

/// A few bytes that claim to be very many must not take memory for them.
#[test]
fn a_bomb_is_an_error() {
    for codec in [CompressionType::Gzip, CompressionType::Lz4, CompressionType::Zstd] {
        let mut bomb = Vec::new();
        compress(codec, &vec![0; 65 << 20], &mut bomb);
        assert!(decompress(codec, &bomb).unwrap_err().to_string().contains("swells"), "{codec}");
    }
    let snappy_that_claims_4_gib = [0xff, 0xff, 0xff, 0xff, 0x0f, 0x00];
    assert!(decompress(CompressionType::Snappy, &snappy_that_claims_4_gib).is_err());
}
