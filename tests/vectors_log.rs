//! Does our log do what Apache Kafka's own `UnifiedLog` did? Every case of log-segments.json and producer-state.json.

use std::sync::Arc;

use kafka_protocol::ResponseError;
use ottla::kafka::actor::Config;
use ottla::kafka::config::topic::log_config;
use ottla::kafka::log::partition_log::PartitionLog;
use ottla::kafka::log::producer_snapshot;
use ottla::kafka::log::producer_state::Origin;
use ottla::kafka::records::batch::Batch;
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::CompressionType;
use ottla::kafka::records::control::EndTransactionMarker;
use ottla::sim::chunk::ChunkId;
use ottla::sim::disk::Disk;
use ottla::sim::process::{ChunkIds, ProcessId, Store};
use ottla::sim::time::{EPOCH_MS, Time};
use serde_json::{Value, json};

/// The vectors' clock is earlier than our epoch: all times are moved by this much.
const SHIFT_MS: i64 = 100_000_000_000;

/// A log on a disk of its own, and a high watermark.
struct Log {
    disk: Disk,
    chunks: u64,
    now: Time,
    log: PartitionLog,
    high_watermark: i64,
}

impl Log {
    fn new(config: &Value, start_ms: i64) -> Log {
        let own: Config = config.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), text(value))).collect();
        let config = Arc::new(log_config(&own, &Config::default(), &Config::default()));
        let (mut disk, mut chunks, now) = (Disk::new(1 << 30), 0, at(start_ms));
        let log = PartitionLog::create("t-0", config, &mut Store { now, disk: &mut disk, ids: ChunkIds::new(ProcessId(0), &mut chunks) });
        Log { disk, chunks, now, log, high_watermark: 0 }
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut PartitionLog, i64, &mut Store) -> R) -> R {
        let mut store = Store { now: self.now, disk: &mut self.disk, ids: ChunkIds::new(ProcessId(0), &mut self.chunks) };
        act(&mut self.log, self.high_watermark, &mut store)
    }

    fn move_high_watermark(&mut self, to: i64) {
        self.high_watermark = to.min(self.log.log_end_offset()).max(self.high_watermark);
        self.log.high_watermark_moved(self.high_watermark);
    }

    fn segments(&self) -> Value {
        let segment = |segment: &Arc<ottla::kafka::log::segment::Segment>| {
            let (indexes, empty) = (&segment.indexes, segment.size_bytes == 0);
            let largest = if empty { -1 } else { indexes.max_timestamp_so_far().timestamp - SHIFT_MS };
            json!([segment.base_offset, segment.size_bytes, indexes.offset_index.len(), indexes.time_index.len(), largest])
        };
        self.log.segments().map(segment).collect()
    }
}

fn at(ms: i64) -> Time {
    Time::from_ms((ms + SHIFT_MS - EPOCH_MS) as u64)
}

#[test]
fn log_segments() {
    check("log-segments", 50, |case| {
        let mut log = Log::new(&case["config"], int(&case["startMs"]));
        for (n, op) in case["ops"].as_array().unwrap().iter().enumerate() {
            log.now = at(int(&op["nowMs"]));
            match op["op"].as_str().unwrap() {
                "append" => {
                    let batch = batch_of(&op["records"]);
                    let appended = log.with(|log, _, store| log.append(batch, 0, Origin::Client, store));
                    match op.get("error") {
                        Some(_) => assert_eq!(appended.unwrap_err().error, ResponseError::RecordListTooLarge, "op {n}"),
                        None => {
                            let appended = appended.unwrap();
                            assert_eq!(appended.base_offset, int(&op["firstOffset"]), "op {n}");
                            let size = log.log.tail(i64::MAX).next().unwrap().size_bytes();
                            assert_eq!(i64::from(size), int(&op["batchSize"]), "op {n}");
                        }
                    }
                    if let Some(to) = op.get("highWatermarkTo") {
                        log.move_high_watermark(int(to));
                    }
                }
                "roll" => log.with(|log, _, store| log.roll(store)),
                "truncateTo" => {
                    let cut = log.with(|log, _, store| log.truncate_to(int(&op["offset"]), store));
                    assert_eq!(cut, op["truncated"].as_bool().unwrap(), "op {n}");
                    log.high_watermark = log.high_watermark.min(log.log.log_end_offset());
                }
                "deleteOldSegments" => {
                    let before = log.log.segments().count() as i64;
                    let rolled = log.with(|log, high_watermark, store| {
                        let before = log.segments().next_back().unwrap().base_offset;
                        log.delete_old_segments(store.now.wall_ms(), high_watermark, store);
                        i64::from(log.segments().next_back().unwrap().base_offset != before)
                    });
                    assert_eq!(before + rolled - log.log.segments().count() as i64, int(&op["deleted"]), "op {n}");
                }
                other => panic!("unknown operation {other}"),
            }
            assert_eq!(log.segments(), op["segments"], "op {n}: {op}");
            let state = [log.log.log_start_offset(), log.log.log_end_offset(), log.high_watermark];
            assert_eq!(state, ["logStartOffset", "logEndOffset", "highWatermark"].map(|name| int(&op[name])), "op {n}");
        }
        let kept = |path: &str| [".log", ".snapshot", "-checkpoint"].iter().any(|suffix| path.ends_with(suffix));
        let files = log.disk.list("t-0/").filter(|(path, _)| kept(path)).map(|(path, file)| json!([path["t-0/".len()..], file.len()]));
        assert_eq!(Value::from(files.collect::<Vec<_>>()), case["files"]);
        for asked in case["offsetForTimestamp"].as_array().unwrap() {
            let found = match int(&asked[0]) {
                -1 => Some((log.log.log_end_offset(), -1)),
                -2 => Some((log.log.log_start_offset(), -1)),
                -3 => log.log.newest_timestamp(),
                timestamp => log.log.offset_for_time(timestamp + SHIFT_MS),
            };
            let found = found.map(|(offset, timestamp)| json!([if timestamp < 0 { -1 } else { timestamp - SHIFT_MS }, offset]));
            let expected = if asked[1].is_null() { None } else { Some(json!([asked[1], asked[2]])) };
            assert_eq!(found, expected, "{asked}");
        }
    });
}

/// Records as [timestamp, length of the value, key null].
fn batch_of(records: &Value) -> Batch {
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
    for record in records.as_array().unwrap() {
        builder.append(int(&record[0]) + SHIFT_MS, None, Some(&vec![b'v'; int(&record[1]) as usize]), &[]);
    }
    builder.build(ChunkId(0))
}

#[test]
fn producer_state() {
    check("producer-state", 70, |case| {
        let mut log = Log::new(&json!({}), 1_700_000_000_000);
        for (n, op) in case["ops"].as_array().unwrap().iter().enumerate() {
            let result = match op["op"].as_str().unwrap() {
                "updateHighWatermark" => {
                    log.move_high_watermark(int(&op["to"]));
                    None
                }
                "append" => Some((data(op, produced_at(n)), Origin::Client)),
                marker @ ("commitMarker" | "abortMarker") => {
                    let transaction_version = int(&op["transactionVersion"]) as i16;
                    Some((end_of_transaction(op, marker == "commitMarker", produced_at(n)), Origin::Coordinator { transaction_version }))
                }
                other => panic!("unknown operation {other}"),
            };
            if let Some((batch, origin)) = result {
                let result = match log.with(|log, _, store| log.append(batch, 0, origin, store)) {
                    Ok(appended) => {
                        assert_eq!(appended.base_offset, int(&op["firstOffset"]), "op {n}");
                        if let Some(last) = op.get("lastOffset") {
                            assert_eq!(appended.last_offset, int(last), "op {n}");
                        }
                        if appended.duplicate { "duplicate" } else { "ok" }
                    }
                    Err(refused) => exception(refused.error),
                };
                assert_eq!(result, op["result"], "op {n}: {op}");
            }
            let state = [log.log.log_end_offset(), log.high_watermark, log.log.last_stable_offset(log.high_watermark)];
            assert_eq!(state, ["logEndOffset", "highWatermark", "lastStableOffset"].map(|name| int(&op[name])), "op {n}: {op}");
        }
        let producers = log.log.producers();
        let described: Vec<Value> = producers.active().map(|producer| producer_json(&log.log, &producer)).collect();
        assert_eq!(Value::from(described), case["producers"]);
        // The times within are the vector's.
        let mut snapshot = producers.snapshot();
        snapshot.iter_mut().for_each(|entry| entry.timestamp -= SHIFT_MS);
        assert_eq!(hex(&producer_snapshot::to_bytes(&snapshot)), case["snapshotFile"]);
        let end = log.log.log_end_offset();
        let aborted = log.log.aborted_transactions(0, end).into_iter();
        let aborted: Vec<Value> =
            aborted.map(|txn| json!([txn.producer_id, txn.first_offset, txn.last_offset, txn.last_stable_offset])).collect();
        assert_eq!(Value::from(aborted), case["abortedTransactions"]);
    });
}

/// The vectors' records are ten milliseconds apart.
fn produced_at(op: usize) -> i64 {
    1_700_000_000_000 + SHIFT_MS + 10 * (op as i64 + 1)
}

fn data(op: &Value, timestamp: i64) -> Batch {
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
    for _ in 0..int(&op["count"]) {
        builder.append(timestamp, None, Some(b"v"), &[]);
    }
    builder.set_producer_state(int(&op["producerId"]), int(&op["epoch"]) as i16, int(&op["baseSequence"]) as i32);
    builder.set_transactional(op["transactional"].as_bool().unwrap());
    builder.build(ChunkId(0))
}

fn end_of_transaction(op: &Value, commit: bool, timestamp: i64) -> Batch {
    let marker = EndTransactionMarker { commit, coordinator_epoch: int(&op["coordinatorEpoch"]) as i32 };
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
    builder.append(timestamp, Some(&marker.record_type().key()), Some(&marker.value()), &[]);
    builder.set_producer_state(int(&op["producerId"]), int(&op["epoch"]) as i16, -1);
    builder.set_transactional(true);
    builder.set_control(true);
    builder.build(ChunkId(0))
}

fn producer_json(log: &PartitionLog, producer: &ottla::kafka::log::producer_state::ActiveProducer) -> Value {
    let batches = log.producers().batches_of(producer.producer_id);
    let batches: Vec<Value> = batches
        .map(|batch| {
            let last_offset = batch.base_offset + i64::from(batch.offset_delta);
            json!([batch.first_sequence, batch.last_sequence, batch.base_offset, last_offset])
        })
        .collect();
    json!({
        "producerId": producer.producer_id, "epoch": producer.epoch, "coordinatorEpoch": producer.coordinator_epoch,
        "currentTxnFirstOffset": producer.current_txn_first_offset.unwrap_or(-1), "batches": batches,
    })
}

fn exception(error: ResponseError) -> &'static str {
    match error {
        ResponseError::InvalidProducerEpoch => "InvalidProducerEpochException",
        ResponseError::OutOfOrderSequenceNumber => "OutOfOrderSequenceException",
        ResponseError::InvalidTxnState => "InvalidTxnStateException",
        ResponseError::TransactionCoordinatorFenced => "TransactionCoordinatorFencedException",
        _ => "another",
    }
}

fn check(file: &str, cases: usize, check: impl Fn(&Value)) {
    let path = format!("{}/tests/golden/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let found = vectors["cases"].as_array().unwrap();
    assert_eq!(found.len(), cases);
    for (n, case) in found.iter().enumerate() {
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| check(case)));
        assert!(outcome.is_ok(), "{file}, case {n}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn int(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no number: {value}"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
