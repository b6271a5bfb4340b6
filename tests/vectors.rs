//! Does our code compute what Apache Kafka's own classes computed? Every case of `tests/golden/vectors` for formats and hashes.

use bytes::Bytes;
use ottla::kafka::log::checkpoint_file::{leader_epochs_text, parse_leader_epochs};
use ottla::kafka::log::epoch_cache::{EpochEntry, LeaderEpochCache};
use ottla::kafka::log::offset_index::{IndexError, OffsetIndex, OffsetPosition};
use ottla::kafka::log::time_index::TimeIndex;
use ottla::kafka::protocol::topic_name;
use ottla::kafka::records::batch::{Batch, BatchInfo, TIMESTAMP_TYPE_MASK, TimestampType};
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::CompressionType;
use ottla::kafka::records::crc::crc32c;
use ottla::kafka::records::error::RecordsError;
use ottla::kafka::records::murmur2::{coordinator_partition, java_abs, java_string_hash, murmur2, to_positive};
use ottla::kafka::records::partitioner::partition_for_key;
use ottla::kafka::records::record::Header;
use ottla::kafka::records::varint::{self, Reader};
use ottla::sim::chunk::ChunkId;
use serde_json::Value;

#[test]
fn murmur2_and_partition_for_key() {
    check("murmur2", 200, |case| {
        let key = hex(&case["hex"]);
        assert_eq!(i64::from(murmur2(&key)), int(&case["murmur2"]));
        assert_eq!(i64::from(to_positive(murmur2(&key))), int(&case["toPositive"]));
        for (partitions, expected) in case["partitionForKey"].as_object().unwrap() {
            assert_eq!(i64::from(partition_for_key(&key, partitions.parse().unwrap())), int(expected), "of {partitions}");
        }
    });
}

#[test]
fn coordinator_partitions() {
    check("coordinator-partition", 150, |case| {
        let id = case["id"].as_str().unwrap();
        assert_eq!(i64::from(java_string_hash(id)), int(&case["javaHashCode"]));
        assert_eq!(i64::from(java_abs(java_string_hash(id))), int(&case["abs"]));
        assert_eq!(i64::from(coordinator_partition(id, 50)), int(&case["partition50"]));
        assert_eq!(i64::from(coordinator_partition(id, 7)), int(&case["partition7"]));
    });
}

#[test]
fn crc32c_of_bytes() {
    check("crc32c", 100, |case| assert_eq!(i64::from(crc32c(&hex(&case["hex"]))), int(&case["crc32c"])));
}

#[test]
fn varints() {
    check("varint", 253, |case| {
        let value = || int(&case["value"]);
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut out = Vec::new();
            write(&mut out);
            out
        };
        match case["type"].as_str().unwrap() {
            "varint" => {
                let value = i32::try_from(value()).unwrap();
                assert_eq!(written(&|out| varint::write_varint(out, value)), hex(&case["zigzag"]));
                assert_eq!(i64::from(varint::size_of_varint(value)), int(&case["size"]));
                assert_eq!(written(&|out| varint::write_unsigned_varint(out, value as u32)), hex(&case["unsigned"]));
                assert_eq!(i64::from(varint::size_of_unsigned_varint(value as u32)), int(&case["unsignedSize"]));
                assert_eq!(Reader::new(&hex(&case["zigzag"])).varint(), Ok(value));
                assert_eq!(Reader::new(&hex(&case["unsigned"])).unsigned_varint(), Ok(value as u32));
            }
            "varlong" => {
                assert_eq!(written(&|out| varint::write_varlong(out, value())), hex(&case["zigzag"]));
                assert_eq!(i64::from(varint::size_of_varlong(value())), int(&case["size"]));
                assert_eq!(written(&|out| varint::write_unsigned_varlong(out, value() as u64)), hex(&case["unsigned"]));
                assert_eq!(Reader::new(&hex(&case["zigzag"])).varlong(), Ok(value()));
                assert_eq!(Reader::new(&hex(&case["unsigned"])).unsigned_varlong(), Ok(value() as u64));
            }
            "readVarint" => check_read(case, |reader| reader.varint().map(i64::from)),
            "readVarlong" => check_read(case, |reader| reader.varlong()),
            "readUnsignedVarint" => check_read(case, |reader| reader.unsigned_varint().map(|value| i64::from(value as i32))),
            other => panic!("unknown type {other}"),
        }
    });
}

fn check_read(case: &Value, read: impl Fn(&mut Reader<'_>) -> Result<i64, RecordsError>) {
    let bytes = hex(&case["hex"]);
    let mut reader = Reader::new(&bytes);
    let outcome = read(&mut reader);
    match case["error"].as_str() {
        None => {
            assert_eq!(outcome, Ok(int(&case["value"])));
            assert_eq!((bytes.len() - reader.remaining()) as i64, int(&case["bytesRead"]));
        }
        Some(error) if error.starts_with("BufferUnderflowException") => assert_eq!(outcome, Err(RecordsError::FieldBeyondRecord)),
        Some(_) => assert_eq!(outcome, Err(RecordsError::VarintTooLong)),
    }
}

#[test]
fn record_batches_are_read_and_written() {
    check("record-batches", 120, |case| {
        let bytes = Bytes::from(hex(&case["hex"]));
        let batch = Batch::parse(&bytes, ChunkId(1)).unwrap();
        check_header(case, &batch);
        check_records(case, &batch);
        let rewritten = rewrite(case, &batch);
        match batch.info.compression().unwrap() {
            CompressionType::None => assert_eq!(rewritten.to_bytes(), bytes),
            _ => check_records(case, &rewritten),
        }
    });
}

fn check_header(case: &Value, batch: &Batch) {
    let info = batch.info;
    assert_eq!(batch.check_crc(), Ok(()));
    assert_eq!(batch.base_offset, int(&case["baseOffset"]));
    assert_eq!(batch.last_offset(), int(&case["lastOffset"]));
    assert_eq!(i64::from(info.record_count), int(&case["count"]));
    assert_eq!(i64::from(batch.size_bytes()), int(&case["size"]));
    assert_eq!(i64::from(batch.leader_epoch), int(&case["partitionLeaderEpoch"]));
    assert_eq!(i64::from(info.crc), int(&case["crc"]));
    assert_eq!(info.compression().unwrap().name(), case["compression"]);
    assert_eq!(info.timestamp_type().name(), case["timestampType"]);
    assert_eq!(info.max_timestamp, int(&case["maxTimestamp"]));
    assert_eq!(info.producer_id, int(&case["producerId"]));
    assert_eq!(i64::from(info.producer_epoch), int(&case["producerEpoch"]));
    assert_eq!(i64::from(info.base_sequence), int(&case["baseSequence"]));
    assert_eq!(i64::from(info.last_sequence()), int(&case["lastSequence"]));
    assert_eq!(info.is_transactional(), case["isTransactional"].as_bool().unwrap());
    assert_eq!(info.is_control(), case["isControl"].as_bool().unwrap());
}

fn check_records(case: &Value, batch: &Batch) {
    let records = batch.records().unwrap();
    let mut expected = case["records"].as_array().unwrap().iter();
    for record in &records {
        let (record, case) = (record.unwrap(), expected.next().expect("a record too many"));
        assert_eq!(record.offset, int(&case["offset"]));
        assert_eq!(record.timestamp, int(&case["timestamp"]));
        assert_eq!(i64::from(batch.info.sequence_at((record.offset - batch.base_offset) as i32)), int(&case["sequence"]));
        assert_eq!(record.key.map(<[u8]>::to_vec), nullable_hex(&case["key"]));
        assert_eq!(record.value.map(<[u8]>::to_vec), nullable_hex(&case["value"]));
        let headers: Vec<_> = record.headers.iter().map(|header| (header.name().into_owned(), header.value.map(<[u8]>::to_vec))).collect();
        assert_eq!(headers, headers_of(case));
    }
    assert!(expected.next().is_none(), "a record is missing");
}

/// The same records through the builder.
fn rewrite(case: &Value, original: &Batch) -> Batch {
    let info = original.info;
    let mut builder = BatchBuilder::new(info.compression().unwrap(), 16_384);
    builder.set_base_offset(original.base_offset);
    builder.set_producer_state(info.producer_id, info.producer_epoch, info.base_sequence);
    builder.set_transactional(info.is_transactional());
    builder.set_control(info.is_control());
    builder.set_leader_epoch(original.leader_epoch);
    if info.timestamp_type() == TimestampType::LogAppendTime {
        builder.set_log_append_time(info.max_timestamp);
    }
    // Under LogAppendTime the producer's times still stand in the records, though no reader sees them.
    let as_created = original.with_info(BatchInfo { attributes: info.attributes & !TIMESTAMP_TYPE_MASK, ..info }, ChunkId(3));
    let created = as_created.records().unwrap();
    let mut created = created.iter().map(|record| record.unwrap().timestamp);
    for record in case["records"].as_array().unwrap() {
        let (key, value, headers) = (nullable_hex(&record["key"]), nullable_hex(&record["value"]), headers_of(record));
        let headers: Vec<Header<'_>> = headers.iter().map(|(name, value)| Header::new(name, value.as_deref())).collect();
        let offset_delta = (int(&record["offset"]) - original.base_offset) as i32;
        builder.append_at(offset_delta, created.next().unwrap(), key.as_deref(), value.as_deref(), &headers);
    }
    builder.build(ChunkId(2))
}

fn headers_of(record: &Value) -> Vec<(String, Option<Vec<u8>>)> {
    let pairs = record["headers"].as_array().unwrap().iter();
    pairs.map(|pair| (pair[0].as_str().unwrap().to_owned(), nullable_hex(&pair[1]))).collect()
}

#[test]
fn index_lookup() {
    check("index-lookup", 80, |case| match case["type"].as_str().unwrap() {
        "offset" => check_offset_index(case),
        "time" => check_time_index(case),
        other => panic!("unknown type {other}"),
    });
}

fn check_offset_index(case: &Value) {
    let base_offset = int(&case["baseOffset"]);
    let mut index = OffsetIndex::new(base_offset, 10_485_760);
    for entry in rows(&case["append"]) {
        assert_eq!(index.append(int(&entry[0]), int(&entry[1]) as u32), Ok(()));
    }
    if !case["truncateTo"].is_null() {
        index.truncate_to(int(&case["truncateTo"]));
    }
    assert_eq!(index.to_bytes(), hex(&case["file"]));
    assert_eq!(OffsetIndex::parse(base_offset, &index.to_bytes(), 10_485_760), index);
    for row in rows(&case["lookup"]) {
        let found = index.lookup(int(&row[0]));
        assert_eq!((found.offset, i64::from(found.position)), (int(&row[1]), int(&row[2])), "lookup {}", row[0]);
    }
    for row in rows(&case["fetchUpperBoundOffset"]) {
        let from = OffsetPosition { offset: int(&row[0]), position: int(&row[1]) as u32 };
        let bound = index.fetch_upper_bound_offset(from, int(&row[2]) as u32);
        assert_eq!(bound.map(|bound| bound.offset), row[3].as_i64(), "upper bound {row}");
    }
    assert_eq!(index.last_offset(), int(&case["lastOffset"]));
}

fn check_time_index(case: &Value) {
    let base_offset = int(&case["baseOffset"]);
    let max_bytes = int(&case["maxIndexSize"]) as u32;
    let mut index = TimeIndex::new(base_offset, max_bytes);
    for row in rows(&case["maybeAppend"]) {
        let skip_full_check = row[2].as_bool().unwrap();
        let outcome = match index.maybe_append(int(&row[0]), int(&row[1]), skip_full_check) {
            Ok(()) => "ok",
            Err(IndexError::Full { .. }) if skip_full_check => "BufferOverflowException",
            Err(IndexError::Full { .. }) => "IllegalArgumentException",
            Err(IndexError::OffsetOrder { .. }) => "InvalidOffsetException",
            Err(IndexError::TimestampOrder { .. }) => "IllegalStateException",
            Err(other) => panic!("{other}"),
        };
        assert_eq!(outcome, row[3].as_str().unwrap(), "append {row}");
        assert_eq!(i64::from(index.len()), int(&row[4]), "entries after {row}");
    }
    if !case["truncateTo"].is_null() {
        index.truncate_to(int(&case["truncateTo"]));
    }
    assert_eq!(index.is_full(), case["isFull"].as_bool().unwrap());
    assert_eq!(index.to_bytes(), hex(&case["file"]));
    assert_eq!(TimeIndex::parse(base_offset, &index.to_bytes(), max_bytes), index);
    for row in rows(&case["lookup"]) {
        let found = index.lookup(int(&row[0]));
        assert_eq!((found.timestamp, found.offset), (int(&row[1]), int(&row[2])), "lookup {}", row[0]);
    }
}

#[test]
fn leader_epoch_cache() {
    check("leader-epoch-cache", 70, |case| {
        let mut cache = LeaderEpochCache::default();
        for op in rows(&case["ops"]) {
            match op[0].as_str().unwrap() {
                "assign" => drop(cache.assign(int(&op[1]) as i32, int(&op[2]))),
                "truncateFromEnd" => cache.truncate_from_end(int(&op[1])),
                "truncateFromStart" => cache.truncate_from_start(int(&op[1])),
                other => panic!("unknown op {other}"),
            }
            let after: Vec<EpochEntry> = rows(op.as_array().unwrap().last().unwrap()).map(epoch_entry).collect();
            assert_eq!(cache.entries(), after, "after {op}");
        }
        assert_eq!(cache.entries(), rows(&case["entries"]).map(epoch_entry).collect::<Vec<_>>());
        for row in rows(&case["endOffsetFor"]) {
            let (epoch, end) = cache.end_offset_for(int(&row[0]) as i32, int(&case["logEndOffset"]));
            assert_eq!((i64::from(epoch), end), (int(&row[1]), int(&row[2])), "endOffsetFor {}", row[0]);
        }
        for row in rows(&case["epochForOffset"]) {
            assert_eq!(cache.epoch_for_offset(int(&row[0])).map(i64::from), row[1].as_i64(), "epochForOffset {}", row[0]);
        }
        for row in rows(&case["previousAndNextEpoch"]) {
            let epoch = int(&row[0]) as i32;
            assert_eq!(cache.previous_epoch(epoch).map(i64::from), row[1].as_i64(), "previousEpoch {epoch}");
            assert_eq!(cache.next_epoch(epoch).map(i64::from), row[2].as_i64(), "nextEpoch {epoch}");
        }
        let file = case["file"].as_str().unwrap();
        if !file.is_empty() {
            // Kafka writes the file with the first change only.
            assert_eq!(leader_epochs_text(cache.entries()), file);
            assert_eq!(parse_leader_epochs(file.as_bytes()).as_deref(), Ok(cache.entries()));
        }
    });
}

fn epoch_entry(row: &Value) -> EpochEntry {
    EpochEntry { epoch: int(&row[0]) as i32, start_offset: int(&row[1]) }
}

#[test]
fn topic_names() {
    check("topic-names", 156, |case| {
        if let Some(name) = case["name"].as_str() {
            assert_eq!(topic_name::is_valid(name), case["isValid"].as_bool().unwrap());
            assert_eq!(topic_name::has_collision_chars(name), case["hasCollisionChars"].as_bool().unwrap());
            assert_eq!(topic_name::is_internal(name), case["isInternal"].as_bool().unwrap());
            assert_eq!(topic_name::validate(name).err().map(|error| error.to_string()).as_deref(), case["error"].as_str());
        } else {
            let (a, b) = (case["a"].as_str().unwrap(), case["b"].as_str().unwrap());
            assert_eq!(topic_name::has_collision(a, b), case["hasCollision"].as_bool().unwrap());
            assert_eq!(topic_name::unify_collision_chars(a), case["unifyA"].as_str().unwrap());
        }
    });
}

/// Runs all cases of a file; the number guards against a file that is read as empty. A failing case is named by its place.
fn check(file: &str, cases: usize, one: impl Fn(&Value)) {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let all = vectors["cases"].as_array().unwrap();
    assert_eq!(all.len(), cases);
    for (place, case) in all.iter().enumerate() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(case)));
        assert!(outcome.is_ok(), "{file}.json, case {place}: {}", case.to_string().chars().take(600).collect::<String>());
    }
}

/// An integer; beyond 2^53 some stand as strings.
fn int(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_str()?.parse().ok()).unwrap_or_else(|| panic!("not an integer: {value}"))
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn nullable_hex(value: &Value) -> Option<Vec<u8>> {
    (!value.is_null()).then(|| hex(value))
}

fn hex(value: &Value) -> Vec<u8> {
    let digits = value.as_str().unwrap().as_bytes().chunks(2);
    digits.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
