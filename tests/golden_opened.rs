//! Does our log do with the folders of `tests/golden/logs` what Apache Kafka's did: clean the dirty ones, open the damaged ones?

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use ottla::kafka::actor::Config;
use ottla::kafka::config::topic::log_config;
use ottla::kafka::log::cleanable::LogToClean;
use ottla::kafka::log::cleaner::clean;
use ottla::kafka::log::partition_log::PartitionLog;
use ottla::kafka::log::producer_state::Origin;
use ottla::kafka::log::recovery::{Reopen, open};
use ottla::kafka::records::batch::{Batch, COMPRESSION_CODEC_MASK};
use ottla::sim::chunk::{Chunk, ChunkId};
use ottla::sim::disk::{Disk, File, Head};
use ottla::sim::process::{ChunkIds, ProcessId, Store};
use ottla::sim::time::{EPOCH_MS, Time};
use serde_json::{Value, json};

const KINDS: [&str; 3] = ["compact", "compact-lz4", "compact-txn"];
/// delete.retention.ms of all of them
const DELETE_RETENTION_MS: i64 = 20_000;

/// A folder of the recordings, opened as a broker opens it.
struct Opened {
    disk: Disk,
    chunks: u64,
    now: Time,
    log: PartitionLog,
}

impl Opened {
    /// `configured_as`: the folder whose topic configuration counts: before a cleaning it was one that hinders cleaning.
    fn new(folder: &str, configured_as: &str, now_ms: i64) -> Opened {
        let opened = Opened::after_a_stop(folder, configured_as, now_ms, true);
        assert!(opened.log.segments().all(|segment| segment.torn.is_none()));
        opened
    }

    /// `clean`: there is the mark of a clean stop.
    fn after_a_stop(folder: &str, configured_as: &str, now_ms: i64, clean: bool) -> Opened {
        let (mut disk, mut chunks, now) = (Disk::new(1 << 30), 0, Time::from_ms((now_ms - EPOCH_MS) as u64));
        let mut files = BTreeMap::new();
        // Two files of each folder are ours.
        let entries = std::fs::read_dir(path_of(folder)).unwrap().map(Result::unwrap);
        for entry in entries.filter(|entry| !["dump.txt", "expect.json"].contains(&&*entry.file_name().to_string_lossy())) {
            let bytes = std::fs::read(entry.path()).unwrap().into();
            let path = format!("t-0/{}", entry.file_name().to_string_lossy());
            let file = File::restore([(Head::EMPTY, Chunk::outside(files.len() as u64, bytes))], u64::MAX);
            disk.restore(&path, file.clone());
            files.insert(path, Arc::new(file));
        }
        // Where the recording does not say: what it was made with.
        let made_with = || [("index.interval.bytes".to_owned(), "512".to_owned())].into();
        let own = expect(configured_as);
        let own = own["topicConfig"].as_object();
        let own: Config = own.map_or_else(made_with, |own| own.iter().map(|(name, value)| (name.clone(), text(value))).collect());
        let config = Arc::new(log_config(&own, &Config::default(), &Config::default()));
        let reopen = Reopen {
            dir: "t-0",
            config,
            files: &files,
            clean,
            recovery_point: expect(folder)["checkpoints"]["recovery-point-offset-checkpoint"].as_i64().unwrap(),
            log_start_offset: 0,
        };
        let mut store = Store { now, disk: &mut disk, ids: ChunkIds::new(ProcessId(0), &mut chunks) };
        let (mut log, _) = open(reopen, &mut store);
        log.high_watermark_moved(log.log_end_offset());
        Opened { disk, chunks, now, log }
    }

    fn with<R>(&mut self, act: impl FnOnce(&mut PartitionLog, &mut Store) -> R) -> R {
        let mut store = Store { now: self.now, disk: &mut self.disk, ids: ChunkIds::new(ProcessId(0), &mut self.chunks) };
        act(&mut self.log, &mut store)
    }

    /// As the cleaner's thread does. Returns the first dirty offset then.
    fn clean(&mut self, checkpoint: Option<i64>) -> i64 {
        let (end, now_ms) = (self.log.log_end_offset(), self.now.wall_ms());
        let to_clean = LogToClean::of(&self.log, checkpoint, end, now_ms);
        assert!(to_clean.is_cleanable(self.log.config().min_cleanable_dirty_ppm));
        self.with(|log, store| clean(log, &to_clean, now_ms, 1 << 20, store)).unwrap().0
    }

    /// Batches as they stand, segment after segment: without what an encoder decides where they are compressed.
    fn segments(&self) -> Vec<(i64, Vec<String>)> {
        let batches = |segment: &ottla::kafka::log::segment::Segment| segment.batches.iter().map(|stored| shown(&stored.batch)).collect();
        self.log.segments().map(|segment| (segment.base_offset, batches(segment))).collect()
    }
}

fn shown(batch: &Batch) -> String {
    let mut info = batch.info;
    if info.attributes & COMPRESSION_CODEC_MASK != 0 {
        info.crc = 0;
    }
    let records = batch.records().unwrap();
    let records: Vec<String> = records.iter().map(|record| format!("{:?}", record.unwrap())).collect();
    let records: Vec<&str> = records.iter().map(|record| record.split(", size_bytes").next().unwrap()).collect();
    format!("{} {} {info:?} {records:#?}", batch.base_offset, batch.leader_epoch)
}

fn path_of(folder: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs").join(folder)
}

fn expect(folder: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path_of(folder).join("expect.json")).unwrap()).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// When Kafka's cleaner last went over it: what it gave a delete horizon says so.
fn cleaned_at(folder: &str) -> i64 {
    let expect = expect(folder);
    let batches = expect["segments"].as_array().unwrap().iter().flat_map(|segment| segment["batches"].as_array().unwrap());
    batches.filter_map(|batch| batch["deleteHorizonMs"].as_i64()).max().unwrap() - DELETE_RETENTION_MS
}

fn assert_same(folder: &str, ours: &[(i64, Vec<String>)], theirs: &[(i64, Vec<String>)]) {
    for (ours, theirs) in ours.iter().zip(theirs) {
        assert_eq!(ours.0, theirs.0, "{folder}");
        for (place, (ours, theirs)) in ours.1.iter().zip(&theirs.1).enumerate() {
            assert_eq!(ours, theirs, "{folder}, batch {place}");
        }
        assert_eq!(ours.1.len(), theirs.1.len(), "{folder}, segment {}", ours.0);
    }
    assert_eq!(ours.len(), theirs.len(), "{folder}");
}

#[test]
fn the_first_cleaning() {
    for kind in KINDS {
        let (dirty, cleaned) = (format!("{kind}-1-dirty"), format!("{kind}-2-cleaned"));
        let mut ours = Opened::new(&dirty, &cleaned, cleaned_at(&cleaned));
        let checkpoint = ours.clean(None);
        assert_eq!(checkpoint, expect(&cleaned)["checkpoints"]["cleaner-offset-checkpoint"].as_i64().unwrap(), "{kind}");
        let theirs = Opened::new(&cleaned, &cleaned, cleaned_at(&cleaned));
        assert_same(&cleaned, &ours.segments(), &theirs.segments());
        if kind == "compact-lz4" {
            continue;
        }
        // Nothing was encoded anew: file by file.
        for (path, file) in theirs.disk.list("t-0/") {
            let compared = [".log", "index"].iter().any(|suffix| path.ends_with(suffix)) && file.size() == file.len();
            if compared {
                assert_eq!(ours.disk.file(path).map(|file| file.written()), Some(file.written()), "{kind}: {path}");
            }
        }
    }
}

/// More was written, delete.retention.ms went by, and the cleaner came again. What it superseded of the later part is not known any more; that
/// part is taken as the cleaner left it.
#[test]
fn the_second_cleaning() {
    for kind in KINDS {
        let (before, after) = (format!("{kind}-2-cleaned"), format!("{kind}-3-cleaned-again"));
        // In the compressed one nothing is left that would say when: late enough for its tombstones to go.
        let now_ms = if kind == "compact-lz4" { cleaned_at(&before) + 2 * DELETE_RETENTION_MS } else { cleaned_at(&after) };
        let (mut ours, theirs) = (Opened::new(&before, &before, now_ms), Opened::new(&after, &after, now_ms));
        let first_cleaned = expect(&before)["checkpoints"]["cleaner-offset-checkpoint"].as_i64().unwrap();
        let end = ours.log.log_end_offset();
        for segment in theirs.log.segments() {
            for stored in segment.batches.iter().filter(|stored| stored.batch.base_offset >= end) {
                let rolls = ours.log.segments().next_back().unwrap().base_offset < segment.base_offset;
                ours.with(|log, store| {
                    if rolls {
                        log.roll(store);
                    }
                    log.append_as_follower(stored.batch.clone(), store).unwrap();
                });
            }
        }
        ours.log.high_watermark_moved(ours.log.log_end_offset());
        let checkpoint = ours.clean(Some(first_cleaned));
        assert_eq!(checkpoint, expect(&after)["checkpoints"]["cleaner-offset-checkpoint"].as_i64().unwrap(), "{kind}");
        let all = |log: &Opened| vec![(0, log.segments().into_iter().flat_map(|(_, batches)| batches).collect())];
        assert_same(&after, &all(&ours), &all(&theirs));
    }
}

impl Opened {
    /// The folder's files and their sizes, as the recordings have them.
    fn files(&self) -> Value {
        let files = self.disk.list("t-0/").map(|(path, file)| (path["t-0/".len()..].to_owned(), json!(file.size())));
        Value::Object(files.collect())
    }

    /// What a consumer gets that begins at the beginning: all records, up to a batch whose checksum is wrong.
    fn consumed(&self) -> Value {
        let mut offsets = Vec::new();
        let mut next = 0;
        while let Ok(batches) = self.log.read(next, 1 << 10, self.log.log_end_offset())
            && !batches.is_empty()
        {
            for batch in &batches {
                if batch.check_crc().is_err() {
                    return json!([offsets, true]);
                }
                offsets.extend(batch.records().unwrap().iter().map(|record| record.unwrap().offset).filter(|offset| *offset >= next));
                next = batch.next_offset();
            }
        }
        json!([offsets, false])
    }
}

fn consumed(read: &Value) -> Value {
    json!([read["offsets"], !read["error"].is_null()])
}

/// Started, read, one batch of three records appended, read, stopped: all that the recordings of damaged folders hold.
#[test]
fn damaged_folders() {
    for case in 0..6 {
        let (before, after) = (format!("damage-{case}-before"), format!("damage-{case}-after"));
        let theirs = expect(&after);
        let clean = theirs["case"].as_str().unwrap().ends_with("present");
        let started = &theirs["brokerAfterStart"];
        let producer = &started["activeProducers"][0];
        let mut ours = Opened::after_a_stop(&before, &after, producer["lastTimestamp"].as_i64().unwrap() + 5_000, clean);
        let epoch = theirs["leaderEpochs"].as_array().unwrap().last().unwrap()[0].as_i64().unwrap() as i32;
        ours.with(|log, store| log.begin_epoch(epoch, store));
        assert_eq!(ours.files(), theirs["filesAfterStart"], "{before}");
        assert_eq!(json!(ours.log.log_end_offset()), started["highWatermark"], "{before}");
        let newest = ours.log.newest_timestamp().map_or(-1, |(offset, _)| offset);
        assert_eq!(json!(newest), started["offsetOfMaxTimestamp"], "{before}");
        let producers: Vec<_> = ours.log.producers().active().map(|producer| (producer.producer_id, producer.last_sequence)).collect();
        let known = |name: &str| producer[name].as_i64().unwrap();
        assert_eq!(producers, [(known("producerId"), known("lastSequence") as i32)], "{before}");
        assert_eq!(ours.consumed(), consumed(&theirs["readFromBeginning"]), "{before}");

        // The batch that was appended then stands at the end of the active segment.
        let active = ours.log.segments().next_back().unwrap();
        let stored = std::fs::read(path_of(&after).join(&active.log_path()["t-0/".len()..])).unwrap();
        let appended = Batch::parse(&stored[active.size_bytes as usize..].to_vec().into(), ChunkId(1)).unwrap();
        ours.with(|log, store| log.append(Batch { base_offset: 0, ..appended }, epoch, Origin::Client, store)).unwrap();
        assert_eq!(ours.files(), theirs["filesAfterOneMoreBatch"], "{before}");
        assert_eq!(ours.consumed(), consumed(&theirs["readAfterOneMoreBatch"]), "{before}");

        ours.with(|log, store| log.close(store));
        for name in theirs["files"].as_object().unwrap().keys() {
            let expected = std::fs::read(path_of(&after).join(name)).unwrap();
            let file = ours.disk.file(&format!("t-0/{name}")).unwrap_or_else(|| panic!("{after}: no {name}"));
            assert_eq!(file.read(), expected, "{after}: {name}");
        }
        assert_eq!(ours.files(), theirs["files"], "{after}");
    }
}
