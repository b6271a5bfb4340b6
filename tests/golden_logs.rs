//! Do we read partition folders that Apache Kafka wrote as Kafka does, and does our dump print what its dump tool printed?

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use ottla::kafka::log::checkpoint_file;
use ottla::kafka::log::dump::{DumpFiles, DumpOptions, DumpSink, dump, dump_with};
use ottla::kafka::log::file_name::{FileKind, offset_of};
use ottla::kafka::log::offset_index::OffsetIndex;
use ottla::kafka::log::producer_snapshot;
use ottla::kafka::log::properties_file;
use ottla::kafka::log::segment_file::{PositionedBatch, SegmentReader};
use ottla::kafka::log::segment_index::SegmentIndexes;
use ottla::kafka::log::time_index::TimeIndex;
use ottla::kafka::log::transaction_index;
use ottla::kafka::records::batch::{Batch, MAGIC};
use ottla::kafka::records::control::ControlRecordType;
use ottla::kafka::records::record::Record;
use ottla::shell::tools::dump_log::args;
use ottla::sim::chunk::ChunkId;
use serde_json::{Value, json};

/// Partition folders in `tests/golden/logs`.
const FOLDERS: usize = 50;

#[test]
fn batches_and_records() {
    each_folder(|folder, expect| {
        for segment in expect["segments"].as_array().unwrap() {
            let name = format!("{:020}.log", segment["baseOffset"].as_i64().unwrap());
            let read: Vec<Value> = batches_of(&folder.read(&name)).iter().map(batch_json).collect();
            assert_same(&folder.name, &name, &Value::from(read), &segment["batches"]);
        }
        for snapshot in expect["metadataSnapshots"].as_array().into_iter().flatten() {
            let name = snapshot["file"].as_str().unwrap();
            let read: Vec<Value> = batches_of(&folder.read(name)).iter().map(batch_json).collect();
            assert_same(&folder.name, name, &Value::from(read), &snapshot["batches"]);
        }
    });
}

#[test]
fn indexes() {
    each_folder(|folder, expect| {
        for segment in expect["segments"].as_array().unwrap() {
            let base_offset = segment["baseOffset"].as_i64().unwrap();
            if segment["offsetIndex"].is_array() {
                let name = format!("{base_offset:020}.index");
                let index = OffsetIndex::parse(base_offset, &folder.read(&name), u32::MAX);
                let entries: Vec<Value> = index.iter().map(|entry| json!([entry.offset, entry.position])).collect();
                assert_same(&folder.name, &name, &Value::from(entries), &segment["offsetIndex"]);
            }
            if segment["timeIndex"].is_array() {
                let name = format!("{base_offset:020}.timeindex");
                let index = TimeIndex::parse(base_offset, &folder.read(&name), u32::MAX);
                let entries: Vec<Value> = index.iter().map(|entry| json!([entry.timestamp, entry.offset])).collect();
                assert_same(&folder.name, &name, &Value::from(entries), &segment["timeIndex"]);
            }
            if segment["txnIndex"].is_array() {
                let name = format!("{base_offset:020}.txnindex");
                let (entries, rest) = transaction_index::parse(&folder.read(&name));
                let entries: Vec<Value> = entries
                    .iter()
                    .map(|txn| {
                        json!({"version": txn.version, "producerId": txn.producer_id, "firstOffset": txn.first_offset,
                               "lastOffset": txn.last_offset, "lastStableOffset": txn.last_stable_offset})
                    })
                    .collect();
                assert_eq!(rest, 0);
                assert_same(&folder.name, &name, &Value::from(entries), &segment["txnIndex"]);
            }
        }
    });
}

/// Folders whose brokers never restarted: there the writing rule alone must give the files, byte by byte.
#[test]
fn the_writing_rule_makes_the_same_index_files() {
    let mut entries = 0;
    each_folder(|folder, expect| {
        let restarted = ["failover", "damage", "compact", "cluster-metadata", "consumer-offsets", "transaction-state"];
        if restarted.iter().any(|kind| folder.name.starts_with(kind)) {
            return;
        }
        let interval = expect["topicConfig"]["index.interval.bytes"].as_str().map_or(4096, |bytes| bytes.parse().unwrap());
        for segment in expect["segments"].as_array().unwrap() {
            let base_offset = segment["baseOffset"].as_i64().unwrap();
            let mut indexes = SegmentIndexes::new(base_offset, 10_485_760);
            for positioned in batches_of(&folder.read(&format!("{base_offset:020}.log"))) {
                indexes.appended(&positioned.batch, positioned.position, interval).unwrap();
            }
            indexes.closed().unwrap();
            let place = format!("{}, segment {base_offset}", folder.name);
            assert_eq!(indexes.offset_index.to_bytes(), folder.read(&format!("{base_offset:020}.index")), "{place}");
            assert_eq!(indexes.time_index.to_bytes(), folder.read(&format!("{base_offset:020}.timeindex")), "{place}");
            entries += indexes.offset_index.len() + indexes.time_index.len();
        }
    });
    assert!(entries > 100, "only {entries} entries were compared");
}

#[test]
fn epochs_snapshots_and_metadata() {
    each_folder(|folder, expect| {
        let epochs = checkpoint_file::parse_leader_epochs(&folder.read("leader-epoch-checkpoint")).unwrap();
        let read: Vec<Value> = epochs.iter().map(|entry| json!([entry.epoch, entry.start_offset])).collect();
        assert_same(&folder.name, "leader-epoch-checkpoint", &Value::from(read), &expect["leaderEpochs"]);
        assert_eq!(checkpoint_file::leader_epochs_text(&epochs), folder.read("leader-epoch-checkpoint"));
        for snapshot in expect["snapshots"].as_array().unwrap() {
            let name = snapshot["file"].as_str().unwrap();
            let entries = producer_snapshot::parse(&folder.read(name)).unwrap();
            let producers: Vec<Value> = entries.iter().map(producer_json).collect();
            assert_same(&folder.name, name, &Value::from(producers), &snapshot["producers"]);
            assert_eq!(producer_snapshot::to_bytes(&entries), folder.read(name));
            assert_eq!(offset_of(name), snapshot["offset"].as_i64());
        }
        let pairs = properties_file::parse(&folder.read("partition.metadata"));
        let pairs: BTreeMap<String, String> = pairs.into_iter().collect();
        assert_same(&folder.name, "partition.metadata", &json!(pairs), &expect["partitionMetadata"]);
        assert_eq!(properties_file::partition_metadata_text(&pairs["topic_id"]), folder.read("partition.metadata"));
    });
}

/// `dump.txt` is a whole run of Kafka's tool, with the decoders of internal topics.
#[test]
fn dump_text() {
    each_folder(|folder, _| {
        let expected = String::from_utf8_lossy(&folder.read("dump.txt")).into_owned();
        let (command, expected) = expected.split_once('\n').unwrap();
        let words: Vec<String> = command.split(' ').skip(2).map(str::to_owned).collect();
        let asked = args::parse(&words).unwrap_or_else(|said| panic!("{command}: {said:?}"));
        let mut printed = Printed::default();
        let paths = asked.files.iter().map(String::as_str);
        assert_eq!(dump_with(paths, &asked.options, &asked.decoder, folder, &mut printed), 0, "{}", folder.name);
        // Carriage returns inside values became line ends when the output was recorded.
        let printed = printed.0.replace("\r\n", "\n").replace('\r', "\n");
        assert_same_text(&folder.name, &in_stable_order(&printed), &in_stable_order(expected));
    });
}

/// The findings at the end come in the order of a HashMap of absolute paths, which the recording left out: sort them by file.
fn in_stable_order(text: &str) -> String {
    let Some(at) = text.find("Non-consecutive offsets in ") else { return text.to_owned() };
    let mut blocks: Vec<&str> = text[at..].split_inclusive('\n').collect();
    let mut sorted: Vec<String> = Vec::new();
    for line in blocks.drain(..) {
        match sorted.last_mut() {
            Some(block) if line.starts_with("  ") => block.push_str(line),
            _ => sorted.push(line.to_owned()),
        }
    }
    sorted.sort();
    format!("{}{}", &text[..at], sorted.concat())
}

struct Folder {
    name: String,
    path: PathBuf,
}

impl Folder {
    fn read(&self, name: &str) -> Bytes {
        DumpFiles::read(self, name).unwrap_or_else(|| panic!("no {name} in {}", self.name))
    }
}

impl DumpFiles for Folder {
    fn read(&self, path: &str) -> Option<Bytes> {
        std::fs::read(self.path.join(path)).ok().map(Bytes::from)
    }

    fn absolute_path(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// Both streams in one text, as in the recording.
#[derive(Default)]
struct Printed(String);

impl DumpSink for Printed {
    fn out(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn err(&mut self, line: &str) {
        self.out(line);
    }
}

fn each_folder(mut check: impl FnMut(&Folder, &Value)) {
    let logs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs");
    let mut paths: Vec<PathBuf> = std::fs::read_dir(logs).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut checked = 0;
    for path in paths.into_iter().filter(|path| path.join("expect.json").exists()) {
        let expect = serde_json::from_slice(&std::fs::read(path.join("expect.json")).unwrap()).unwrap();
        let folder = Folder { name: path.file_name().unwrap().to_string_lossy().into_owned(), path };
        check(&folder, &expect);
        checked += 1;
    }
    assert_eq!(checked, FOLDERS);
}

fn batches_of(bytes: &Bytes) -> Vec<PositionedBatch> {
    SegmentReader::new(bytes.clone(), || ChunkId(0)).collect()
}

fn batch_json(positioned: &PositionedBatch) -> Value {
    let (batch, info) = (&positioned.batch, &positioned.batch.info);
    let valid = batch.check_crc().is_ok();
    let mut json = json!({
        "position": positioned.position, "size": batch.size_bytes(), "baseOffset": batch.base_offset, "lastOffset": batch.last_offset(),
        "count": info.record_count, "magic": MAGIC, "crc": info.crc, "valid": valid, "compression": info.compression().unwrap().name(),
        "timestampType": info.timestamp_type().name(), "maxTimestamp": info.max_timestamp, "producerId": info.producer_id,
        "producerEpoch": info.producer_epoch, "baseSequence": info.base_sequence, "lastSequence": info.last_sequence(),
        "partitionLeaderEpoch": batch.leader_epoch, "isTransactional": info.is_transactional(), "isControl": info.is_control(),
        "deleteHorizonMs": info.delete_horizon_ms(),
    });
    if valid {
        let records = batch.records().unwrap();
        json["records"] = records.iter().map(|record| record_json(batch, &record.unwrap())).collect();
    }
    json
}

fn record_json(batch: &Batch, record: &Record<'_>) -> Value {
    let sequence = batch.info.sequence_at((record.offset - batch.base_offset) as i32);
    let mut json = json!({
        "offset": record.offset, "timestamp": record.timestamp, "sequence": sequence,
        "key": bytes_json(record.key), "value": bytes_json(record.value),
    });
    if !record.headers.is_empty() {
        json["headers"] = record.headers.iter().map(|header| json!([header.name(), bytes_json(header.value)])).collect();
    }
    if batch.info.is_control() {
        json["controlType"] = ControlRecordType::from_key(record.key).unwrap().name().into();
    }
    json
}

fn bytes_json(bytes: Option<&[u8]>) -> Value {
    bytes.map_or(Value::Null, |bytes| json!({ "base64": base64(bytes) }))
}

/// The recording shows printable bytes as text; here all are compared as bytes.
fn without_text(expected: &Value) -> Value {
    match expected {
        Value::Object(fields) => match fields.get("utf8").and_then(Value::as_str) {
            Some(text) => bytes_json(Some(text.as_bytes())),
            None => fields.iter().map(|(name, value)| (name.clone(), without_text(value))).collect(),
        },
        Value::Array(elements) => elements.iter().map(without_text).collect(),
        other => other.clone(),
    }
}

fn base64(bytes: &[u8]) -> String {
    let url = ottla::kafka::log::control_json::uuid_base64(bytes).replace('-', "+").replace('_', "/");
    format!("{url}{}", ["", "==", "="][bytes.len() % 3])
}

fn producer_json(entry: &producer_snapshot::ProducerSnapshotEntry) -> Value {
    let batch = json!({"lastSeq": entry.last_sequence, "lastOffset": entry.last_offset, "offsetDelta": entry.offset_delta,
                       "timestamp": entry.timestamp});
    json!({
        "producerId": entry.producer_id, "producerEpoch": entry.producer_epoch, "coordinatorEpoch": entry.coordinator_epoch,
        "lastTimestamp": entry.timestamp, "currentTxnFirstOffset": entry.current_txn_first_offset,
        "batches": if entry.last_offset >= 0 { json!([batch]) } else { json!([]) },
    })
}

/// Equal, or the first element that differs.
fn assert_same(folder: &str, file: &str, ours: &Value, theirs: &Value) {
    let theirs = &without_text(theirs);
    let (ours, theirs) = match (ours.as_array(), theirs.as_array()) {
        (Some(ours), Some(theirs)) => (ours.clone(), theirs.clone()),
        _ => (vec![ours.clone()], vec![theirs.clone()]),
    };
    for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        assert_eq!(ours, theirs, "{folder}/{file}, element {place}");
    }
    assert_eq!(ours.len(), theirs.len(), "{folder}/{file}");
}

fn assert_same_text(folder: &str, ours: &str, theirs: &str) {
    for (line, (ours, theirs)) in (1..).zip(ours.lines().zip(theirs.lines())) {
        assert_eq!(ours, theirs, "{folder}, line {line}");
    }
    assert_eq!(ours.lines().count(), theirs.lines().count(), "{folder}");
}

/// What the cleaner left of a batch all whose records went is, byte by byte, what we make of the dirty one.
#[test]
fn emptied_batches() {
    let mut dirty = BTreeMap::new();
    let mut compared = 0;
    each_folder(|folder, expect| {
        if !folder.name.starts_with("compact") {
            return;
        }
        for segment in expect["segments"].as_array().unwrap() {
            let bytes = folder.read(&format!("{:020}.log", segment["baseOffset"].as_i64().unwrap()));
            for PositionedBatch { batch, .. } in batches_of(&bytes) {
                let key = (expect["topic"].to_string(), batch.base_offset);
                match dirty.get(&key) {
                    Some(before) if batch.info.record_count == 0 => {
                        assert_eq!(
                            Batch::emptied(before, ChunkId(1)).to_bytes(),
                            batch.to_bytes(),
                            "{} at {}",
                            folder.name,
                            batch.base_offset
                        );
                        compared += 1;
                    }
                    _ => drop(dirty.insert(key, batch)),
                }
            }
        }
    });
    assert!(compared > 0, "no batch was empty");
}

/// A segment that was damaged in its second batch, at position 405: what Kafka's tool printed for the same bytes, from there on.
#[test]
fn damaged_files_end_as_in_kafka() {
    type Damage = fn(&mut Vec<u8>);
    let header = "baseOffset: 8 lastOffset: 10 count: 3";
    let cases: [(&str, Damage, i32, &[&str]); 8] = [
        ("whole", |_| {}, 0, &[header, "| offset: 8"]),
        (
            "a negative length",
            |bytes| bytes[413..417].copy_from_slice(&[0xff, 0xff, 0xff, 0xf0]),
            1,
            &[
                "Exception in thread \"main\" org.apache.kafka.common.errors.CorruptRecordException: Found record size -16 smaller than minimum record \
             overhead (14) in file 00000000000000000000.log.",
            ],
        ),
        (
            "zeros",
            |bytes| bytes[405..].fill(0),
            1,
            &[
                "Exception in thread \"main\" org.apache.kafka.common.errors.CorruptRecordException: Found record size 0 smaller than minimum record \
             overhead (14) in file 00000000000000000000.log.",
            ],
        ),
        ("a huge length", |bytes| bytes[413] = 0x7f, 0, &["Found 2815 invalid bytes at the end of 00000000000000000000.log"]),
        ("torn in the header", |bytes| bytes.truncate(415), 0, &["Found 10 invalid bytes at the end of 00000000000000000000.log"]),
        (
            "a record too long",
            |bytes| bytes[405 + 61] = 0x7e,
            1,
            &[
                header,
                "Exception in thread \"main\" org.apache.kafka.common.InvalidRecordException: Invalid record size: expected to read 63 bytes in record \
             payload, but instead read 16",
            ],
        ),
        (
            "too many records promised",
            |bytes| bytes[405 + 60] = 99,
            1,
            &[
                "baseOffset: 8 lastOffset: 10 count: 99",
                "| offset: 8",
                "| offset: 9",
                "| offset: 10",
                "Exception in thread \"main\" org.apache.kafka.common.InvalidRecordException: Incorrect declared batch size, premature EOF reached",
            ],
        ),
        (
            "too few records promised",
            |bytes| bytes[405 + 60] = 1,
            1,
            &[
                "baseOffset: 8 lastOffset: 10 count: 1 ",
                "Exception in thread \"main\" org.apache.kafka.common.InvalidRecordException: Incorrect declared batch size, records still remaining in \
             file",
            ],
        ),
    ];
    let plain = Folder { name: "plain".to_owned(), path: Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs/plain") };
    let whole = plain.read("00000000000000000000.log");
    for (what, damage, status, expected) in cases {
        let mut bytes = whole.to_vec();
        damage(&mut bytes);
        let options = DumpOptions { deep_iteration: true, ..DumpOptions::default() };
        let mut printed = Printed::default();
        assert_eq!(dump(["00000000000000000000.log"], &options, &OneFile(bytes.into()), &mut printed), status, "{what}");
        // Two lines of heading, then the first batch with its eight records.
        let lines: Vec<&str> = printed.0.lines().skip(2 + 1 + 8).collect();
        assert!(lines.len() >= expected.len(), "{what}: {lines:?}");
        for (line, expected) in lines.iter().zip(expected) {
            assert!(line.starts_with(expected), "{what}: {line}");
        }
        assert_eq!(what == "whole", lines.len() != expected.len(), "{what}: {lines:?}");
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

#[test]
fn every_file_of_a_partition_has_a_kind() {
    each_folder(|folder, expect| {
        for name in expect["files"].as_object().unwrap().keys() {
            let ours = ["quorum-state"];
            assert!(FileKind::of(name) != FileKind::Unknown || ours.contains(&name.as_str()), "{}/{name}", folder.name);
        }
    });
}
