//! Do brokers that get what Apache Kafka's brokers got write the folders that Kafka's wrote? What was done to the real cluster for the folders
//! of `tests/golden/logs` (its README.md tells) is done to a simulated one, and the folders are compared file by file.

#[allow(dead_code)] // What the other tests use of it.
mod cluster;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use cluster::World;
use kafka_protocol::messages::create_topics_request::{CreatableReplicaAssignment, CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::delete_records_request::{DeleteRecordsPartition, DeleteRecordsTopic};
use kafka_protocol::messages::elect_leaders_request::TopicPartitions;
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{
    BrokerId as NodeId, CreateTopicsRequest, DeleteRecordsRequest, ElectLeadersRequest, ListOffsetsRequest, ProduceRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use ottla::kafka::actor::Config;
use ottla::kafka::config::topic::log_config;
use ottla::kafka::log::checkpoint_file::{offsets_text, parse_offsets};
use ottla::kafka::log::partition_log::PartitionLog;
use ottla::kafka::log::producer_snapshot::{self, ProducerSnapshotEntry};
use ottla::kafka::log::producer_state::Origin;
use ottla::kafka::log::properties_file;
use ottla::kafka::log::segment_file::SegmentReader;
use ottla::kafka::log::segment_index::SegmentIndexes;
use ottla::kafka::names::{TopicPartition, uuid_text};
use ottla::kafka::protocol::api::Response;
use ottla::kafka::records::batch::{Batch, BatchInfo, COMPRESSION_CODEC_MASK, TIMESTAMP_TYPE_MASK, TimestampType};
use ottla::kafka::records::builder::BatchBuilder;
use ottla::kafka::records::compression::CompressionType;
use ottla::kafka::records::record::Header;
use ottla::playground::command::Command;
use ottla::playground::spec::ClusterSpec;
use ottla::playground::timeline::Replayable;
use ottla::playground::world as playground;
use ottla::sim::chunk::ChunkId;
use ottla::sim::disk::Disk;
use ottla::sim::fault::Fault;
use ottla::sim::process::{ChunkIds, ProcessId, Store};
use ottla::sim::time::{Duration, EPOCH_MS, Time};
use serde_json::{Value, json};

/// When the recordings were made, about: where the records' own times are far from it.
const RECORDED_MS: i64 = 1_795_246_560_000;
const CHECKPOINTS: [&str; 4] =
    ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint", "cleaner-offset-checkpoint"];

/// A recorded folder.
struct Folder {
    name: String,
    path: PathBuf,
    expect: Value,
}

impl Folder {
    fn open(name: &str) -> Folder {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs").join(name);
        let expect = serde_json::from_slice(&std::fs::read(path.join("expect.json")).unwrap()).unwrap();
        Folder { name: name.to_owned(), path, expect }
    }

    fn read(&self, name: &str) -> Bytes {
        std::fs::read(self.path.join(name)).unwrap().into()
    }

    fn topic(&self) -> &str {
        self.expect["topic"].as_str().unwrap()
    }

    fn config(&self) -> Config {
        let own = self.expect["topicConfig"].as_object().unwrap();
        own.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    }

    /// The batches of all segments as they stand there.
    fn batches(&self) -> Vec<Batch> {
        let segments = self.expect["segments"].as_array().unwrap().iter();
        let of = |segment: &Value| {
            let bytes = self.read(&format!("{:020}.log", segment["baseOffset"].as_i64().unwrap()));
            SegmentReader::new(bytes, || ChunkId(0)).map(|positioned| positioned.batch).collect::<Vec<_>>()
        };
        segments.flat_map(of).collect()
    }

    /// Its files, but for the one with the topic's id.
    fn files(&self) -> impl Iterator<Item = (&str, u64)> {
        let files = self.expect["files"].as_object().unwrap().iter();
        files.map(|(name, size)| (name.as_str(), size.as_u64().unwrap())).filter(|(name, _)| *name != "partition.metadata")
    }
}

/// A cluster that is given what was recorded.
struct Again {
    world: World,
    topic: String,
    topic_id: uuid::Uuid,
}

impl Again {
    /// Brokers that are ready when the first record is due, with the folder's topic.
    fn of(folder: &Folder, brokers: i32) -> Again {
        let config: Config = [("log.retention.check.interval.ms", "1000"), ("log.initial.task.delay.ms", "500")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        let first_ms = folder.batches().first().map_or(0, |batch| batch.info.max_timestamp);
        let first_ms = if first_ms > RECORDED_MS - 3_600_000 { first_ms } else { RECORDED_MS };
        let world = World::of(brokers, &config, at(first_ms - 20_000));
        let mut again = Again { world, topic: folder.topic().to_owned(), topic_id: uuid::Uuid::nil() };
        let replicas = (1..=brokers).map(NodeId).collect();
        let assignment = CreatableReplicaAssignment::default().with_partition_index(0).with_broker_ids(replicas);
        let configs = folder.config().into_iter().map(|(name, value)| {
            CreatableTopicConfig::default().with_name(StrBytes::from_string(name)).with_value(Some(StrBytes::from_string(value)))
        });
        let topic = CreatableTopic::default()
            .with_name(again.name())
            .with_num_partitions(-1)
            .with_replication_factor(-1)
            .with_assignments(vec![assignment])
            .with_configs(configs.collect());
        again.world.ask(1, CreateTopicsRequest::default().with_topics(vec![topic]).with_timeout_ms(10_000), vec![]);
        again.world.run(500);
        assert_eq!(again.leader(1), 1);
        again.topic_id = again.world.broker(1).image().topic(&again.topic).unwrap().id;
        again
    }

    fn name(&self) -> TopicName {
        TopicName(StrBytes::from_string(self.topic.clone()))
    }

    fn partition(&self) -> TopicPartition {
        TopicPartition::new(self.topic.as_str(), 0)
    }

    fn leader(&self, on: i32) -> i32 {
        self.world.broker(on).image().partition(&self.partition()).unwrap().leader
    }

    /// Sends a batch as its producer did, so that it comes in the millisecond of its last record, if that is still to come.
    fn produce(&mut self, to: i32, batch: &Batch, acks: i16) {
        const ON_THE_WAY_US: u64 = 500;
        let due = Time(at(batch.info.max_timestamp).0.saturating_sub(ON_THE_WAY_US));
        self.world.sim.run_until(due.max(self.world.sim.now()));
        self.world.chunks += 2;
        let ids = 1 << 60 | self.world.chunks;
        // Bytes of its own: the ones that were read have no id.
        let batch = Batch::parse(&as_sent(batch, ChunkId(ids)).to_bytes(), ChunkId(ids + 1)).unwrap();
        let topic = TopicProduceData::default().with_topic_id(self.topic_id).with_partition_data(vec![PartitionProduceData::default()]);
        let request = ProduceRequest::default().with_acks(acks).with_timeout_ms(30_000).with_topic_data(vec![topic]);
        self.world.ask(to, request, vec![vec![batch]]);
        self.world.run(4);
    }

    fn delete_records(&mut self, before: i64) {
        let partition = DeleteRecordsPartition::default().with_offset(before);
        let topic = DeleteRecordsTopic::default().with_name(self.name()).with_partitions(vec![partition]);
        self.world.ask(1, DeleteRecordsRequest::default().with_topics(vec![topic]).with_timeout_ms(5_000), vec![]);
        self.world.run(100);
    }

    /// The recordings' brokers were asked for the offset of the largest timestamp, which makes an index that is not there yet.
    fn ask_for_the_newest(&mut self) {
        let partition = ListOffsetsPartition::default().with_timestamp(-3);
        let topic = ListOffsetsTopic::default().with_name(self.name()).with_partitions(vec![partition]);
        self.world.ask(1, ListOffsetsRequest::default().with_replica_id(NodeId(-1)).with_topics(vec![topic]), vec![]);
        self.world.run(100);
    }

    fn host(id: i32) -> String {
        format!("kafka-{id}")
    }

    fn stop(&mut self, broker: i32) {
        self.world.inject(Fault::Stop { host: Again::host(broker) });
        self.world.run(5_000);
        assert!(self.disk(broker).exists(".kafka_cleanshutdown"));
    }

    fn disk(&self, broker: i32) -> &Disk {
        &self.world.sim.host(&Again::host(broker)).unwrap().disk
    }

    /// All produce requests were answered, none with an error.
    fn assert_all_taken(&self, batches: usize) {
        let taken = self.world.answers().into_iter().filter_map(|(_, answer)| match answer {
            Response::Produce(response) => Some(response.responses[0].partition_responses[0].clone()),
            _ => None,
        });
        let taken: Vec<i16> = taken.map(|partition| partition.error_code).collect();
        assert_eq!(taken, vec![0; batches], "{}", self.topic);
    }

    /// What the running broker says of its replica, as `expect.json` has it.
    fn assert_broker_says(&self, broker: i32, folder: &Folder) {
        let partition = self.world.broker(broker).replicas().get(&self.partition()).unwrap();
        let newest = partition.log.newest_timestamp().map_or(-1, |(offset, _)| offset);
        let said = &folder.expect["broker"];
        assert_eq!(
            json!([partition.log.log_start_offset(), partition.high_watermark, newest]),
            json!([said["logStartOffset"], said["highWatermark"], said["offsetOfMaxTimestamp"]]),
            "{}",
            folder.name
        );
        assert_eq!(json!(partition.log.last_stable_offset(partition.high_watermark)), said["lastStableOffset"], "{}", folder.name);
        let mut active: Vec<Value> = partition
            .log
            .producers()
            .active()
            .map(|producer| {
                json!({
                    "producerId": producer.producer_id, "producerEpoch": producer.epoch, "lastSequence": producer.last_sequence,
                    "lastTimestamp": producer.last_timestamp, "coordinatorEpoch": producer.coordinator_epoch,
                    "currentTransactionStartOffset": producer.current_txn_first_offset.unwrap_or(-1),
                })
            })
            .collect();
        active.sort_by_key(|producer| producer["producerId"].as_i64());
        assert_eq!(json!(active), said["activeProducers"], "{}", folder.name);
    }

    /// Every file of the folder, and no other, byte by byte; and what the checkpoints beside it say.
    fn assert_written(&self, broker: i32, folder: &Folder) {
        let disk = self.disk(broker);
        assert_same_files(disk, &format!("{}-0", self.topic), folder);
        let metadata = disk.file(&format!("{}-0/partition.metadata", self.topic)).unwrap().read();
        assert_eq!(metadata, properties_file::partition_metadata_text(&uuid_text(self.topic_id)));
        for name in CHECKPOINTS {
            let text = disk.file(name).map(|file| file.read()).unwrap_or_default();
            let lines = parse_offsets(&text).unwrap_or_default();
            let line = lines.iter().find(|line| line.topic == self.topic).map(|line| line.offset);
            assert_eq!(json!(line), folder.expect["checkpoints"][name], "{}: {name}", folder.name);
        }
    }
}

/// Times before the simulation's first instant are this one.
fn at(ms: i64) -> Time {
    Time::from_ms((ms - EPOCH_MS).max(0) as u64)
}

/// A stored batch as its producer had sent it: without what the leader set.
fn as_sent(stored: &Batch, id: ChunkId) -> Batch {
    let mut info = stored.info;
    if info.timestamp_type() == TimestampType::LogAppendTime {
        info.attributes &= !TIMESTAMP_TYPE_MASK;
        let created = stored.with_info(BatchInfo { max_timestamp: i64::MAX, ..info }, id);
        let times = created.records().unwrap();
        info.max_timestamp = times.iter().map(|record| record.unwrap().timestamp).max().unwrap();
    }
    Batch { base_offset: 0, leader_epoch: -1, ..stored.with_info(info, id) }
}

/// The same records in another codec, as a producer makes them.
fn encoded(batch: &Batch, codec: CompressionType) -> Batch {
    let mut builder = BatchBuilder::new(codec, u32::MAX);
    for record in &batch.records().unwrap() {
        let record = record.unwrap();
        let headers: Vec<Header<'_>> = record.headers.iter().collect();
        builder.append(record.timestamp, record.key, record.value, &headers);
    }
    builder.build(ChunkId(0))
}

/// A batch of so many records that fills about so many bytes: what had been in the log before the oldest batch that is left.
fn filler(records: i64, size_bytes: usize, timestamp: i64) -> Batch {
    let value = vec![b'x'; (size_bytes - 61) / records as usize - 8];
    let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX);
    (0..records).for_each(|_| builder.append(timestamp, None, Some(&value), &[]));
    builder.build(ChunkId(0))
}

fn assert_same_files(disk: &Disk, dir: &str, folder: &Folder) {
    let prefix = format!("{dir}/");
    let ours =
        disk.list(&prefix).map(|(path, file)| (&path[prefix.len()..], file.size())).filter(|(name, _)| *name != "partition.metadata");
    let ours: BTreeMap<&str, u64> = ours.collect();
    assert_eq!(ours, folder.files().collect(), "{}", folder.name);
    for (name, _) in folder.files() {
        let (ours, theirs) = (disk.file(&format!("{prefix}{name}")).unwrap().read(), folder.read(name));
        if name.ends_with(".snapshot") {
            // Two producers whose ids fall into one bucket of a hash map stand there in the order of the map's history.
            assert_eq!(producers(&ours), producers(&theirs), "{}: {name}", folder.name);
            continue;
        }
        assert_eq!(ours, theirs, "{}: {name}", folder.name);
    }
}

fn producers(snapshot: &[u8]) -> Vec<ProducerSnapshotEntry> {
    let mut entries = producer_snapshot::parse(snapshot).unwrap();
    entries.sort_by_key(|entry| entry.producer_id);
    entries
}

/// Sent again batch by batch, and the broker stopped.
#[test]
fn appended_and_stopped() {
    let folders = [
        "plain",
        "keys-headers",
        "gzip",
        "snappy",
        "lz4",
        "zstd",
        "idempotent",
        "log-append-time",
        "compact-1-dirty",
        "compact-lz4-1-dirty",
    ];
    for name in folders {
        let folder = Folder::open(name);
        let mut again = Again::of(&folder, 1);
        let batches = folder.batches();
        batches.iter().for_each(|batch| again.produce(1, batch, -1));
        again.assert_all_taken(batches.len());
        again.assert_broker_says(1, &folder);
        again.stop(1);
        again.assert_written(1, &folder);
    }
}

/// The producers' batches had codecs of their own, which the recording does not tell: these.
const CODECS: [CompressionType; 4] = [CompressionType::Gzip, CompressionType::Lz4, CompressionType::None, CompressionType::Snappy];

#[test]
fn a_codec_taken_off_by_the_broker() {
    let folder = Folder::open("uncompressed");
    let mut again = Again::of(&folder, 1);
    let batches = folder.batches();
    for (batch, codec) in batches.iter().zip(CODECS.into_iter().cycle()) {
        again.produce(1, &encoded(batch, codec), -1);
    }
    again.assert_all_taken(batches.len());
    again.assert_broker_says(1, &folder);
    again.stop(1);
    again.assert_written(1, &folder);
}

/// Compressors differ, so sizes do: compared are the batches as they were decoded, the files that do not depend on sizes, and the rule by which the
/// others are written.
#[test]
fn a_codec_put_on_by_the_broker() {
    let folder = Folder::open("recompress-zstd");
    let mut again = Again::of(&folder, 1);
    let theirs = folder.batches();
    for (batch, codec) in theirs.iter().zip(CODECS.into_iter().cycle()) {
        again.produce(1, &encoded(batch, codec), -1);
    }
    again.assert_all_taken(theirs.len());
    again.assert_broker_says(1, &folder);
    again.stop(1);
    let file = |name: &str| again.disk(1).file(&format!("recompress-zstd-0/{name}")).unwrap().read();
    let (log, mut ours, mut indexes) = (file("00000000000000000000.log"), Vec::new(), SegmentIndexes::new(0, 10_485_760));
    for positioned in SegmentReader::new(log, || ChunkId(0)) {
        indexes.appended(&positioned.batch, positioned.position, 512).unwrap();
        ours.push(positioned.batch);
    }
    indexes.closed().unwrap();
    assert_eq!(ours.iter().map(decoded).collect::<Vec<_>>(), theirs.iter().map(decoded).collect::<Vec<_>>());
    assert_eq!(file("00000000000000000000.index"), indexes.offset_index.to_bytes());
    assert_eq!(file("00000000000000000000.timeindex"), indexes.time_index.to_bytes());
    for (name, _) in folder.files().filter(|(name, _)| !name.starts_with("00000000000000000000.")) {
        assert_eq!(file(name), folder.read(name), "{name}");
    }
}

/// A batch without what its compressor decides.
fn decoded(batch: &Batch) -> String {
    assert_ne!(batch.info.attributes & COMPRESSION_CODEC_MASK, 0);
    let info = BatchInfo { crc: 0, ..batch.info };
    let records = batch.records().unwrap();
    let records: Vec<String> = records.iter().map(|record| format!("{:?}", record.unwrap())).collect();
    let records: Vec<&str> = records.iter().map(|record| record.split(", size_bytes").next().unwrap()).collect();
    format!("{} {} {info:?} {records:#?}", batch.base_offset, batch.leader_epoch)
}

#[test]
fn deleted_by_size() {
    let folder = Folder::open("retention");
    let mut again = Again::of(&folder, 1);
    let batches = folder.batches();
    let now = batches[0].info.max_timestamp;
    (0..2).for_each(|_| again.produce(1, &filler(23, 1_150, now), -1));
    batches.iter().for_each(|batch| again.produce(1, batch, -1));
    again.assert_all_taken(2 + batches.len());
    again.world.run(2_000);
    again.assert_broker_says(1, &folder);
    again.stop(1);
    again.assert_written(1, &folder);
}

#[test]
fn deleted_up_to_an_offset_within_a_segment() {
    let folder = Folder::open("delete-records");
    let mut again = Again::of(&folder, 1);
    let batches = folder.batches();
    again.produce(1, &filler(18, 1_450, batches[0].info.max_timestamp), -1);
    batches.iter().for_each(|batch| again.produce(1, batch, -1));
    again.assert_all_taken(1 + batches.len());
    again.delete_records(31);
    again.world.run(2_000);
    again.assert_broker_says(1, &folder);
    again.stop(1);
    again.assert_written(1, &folder);
}

#[test]
fn expired_as_it_was_written() {
    let folder = Folder::open("expired");
    let mut again = Again::of(&folder, 1);
    (0..4).for_each(|_| again.produce(1, &filler(5, 600, 1_750_000_000_000), -1));
    again.assert_all_taken(4);
    again.world.run(2_000);
    again.assert_broker_says(1, &folder);
    again.ask_for_the_newest();
    again.stop(1);
    again.assert_written(1, &folder);
}

/// As `story` in its files has it: a follower is killed, the leader stops and gets the lead back, is cut off, takes what nobody else gets, is
/// killed, comes back and cuts that.
#[test]
fn a_leader_that_diverged() {
    let folder = |at: &str, broker: i32| Folder::open(&format!("failover-{at}-broker-{broker}"));
    let stored = folder("3-after", 2).batches();
    let lost = &folder("2-diverged", 1).batches()[16..];
    let mut again = Again::of(&folder("1-before", 1), 3);
    let next = |again: &mut Again, from: usize, count: usize, to: i32| {
        stored[from..from + count].iter().for_each(|batch| again.produce(to, batch, 1));
    };
    next(&mut again, 0, 6, 1);
    again.world.run(5_500);
    (1..=3).for_each(|broker| again.assert_written(broker, &folder("1-before", broker)));
    again.assert_broker_says(1, &folder("1-before", 1));

    again.world.inject(Fault::Kill { host: Again::host(2) });
    next(&mut again, 6, 3, 1);
    again.world.run(1_000);
    again.world.inject(Fault::Start { host: Again::host(2) });
    again.world.run(7_000);
    again.stop(1);
    assert_eq!(again.leader(2), 2);
    next(&mut again, 9, 4, 2);
    again.world.run(500);
    again.world.inject(Fault::Start { host: Again::host(1) });
    again.world.run(7_000);
    let partitions = TopicPartitions::default().with_topic(again.name()).with_partitions(vec![0]);
    let elect = ElectLeadersRequest::default().with_topic_partitions(Some(vec![partitions])).with_timeout_ms(5_000);
    again.world.ask(2, elect, vec![]);
    again.world.run(1_000);
    assert_eq!(again.leader(1), 1);
    next(&mut again, 13, 3, 1);
    again.world.run(2_000);
    for other in [2, 3, 100] {
        again.world.inject(Fault::Cut { a: Again::host(1), b: Again::host(other) });
    }
    lost.iter().for_each(|batch| again.produce(1, batch, 1));
    again.world.run(12_000);
    assert_eq!(again.leader(2), 2);
    next(&mut again, 16, 4, 2);
    again.world.run(6_000);
    again.world.inject(Fault::Kill { host: Again::host(1) });
    (1..=3).for_each(|broker| again.assert_written(broker, &folder("2-diverged", broker)));
    again.assert_broker_says(2, &folder("2-diverged", 2));

    again.world.inject(Fault::HealAll);
    again.world.inject(Fault::Start { host: Again::host(1) });
    again.world.run(9_000);
    next(&mut again, 20, 2, 2);
    again.world.run(6_000);
    (1..=3).for_each(|broker| again.assert_written(broker, &folder("3-after", broker)));
    (1..=3).for_each(|broker| again.assert_broker_says(broker, &folder("3-after", broker)));
    again.assert_all_taken(stored.len() + lost.len());
}

/// Transactions' data and markers, as coordinators and producers had sent them, in a log by itself.
#[test]
fn transactions() {
    for name in ["txn", "compact-txn-1-dirty"] {
        let folder = Folder::open(name);
        let config = Arc::new(log_config(&folder.config(), &Config::default(), &Config::default()));
        let (mut disk, mut chunks) = (Disk::new(1 << 30), 0);
        let mut store = |disk: &mut Disk, ms: i64, act: &mut dyn FnMut(&mut Store)| {
            act(&mut Store { now: at(ms), disk, ids: ChunkIds::new(ProcessId(0), &mut chunks) });
        };
        let mut log = None;
        store(&mut disk, RECORDED_MS, &mut |store| log = Some(PartitionLog::create("t-0", config.clone(), store)));
        let mut log = log.unwrap();
        store(&mut disk, RECORDED_MS, &mut |store| log.begin_epoch(0, store));
        for batch in folder.batches() {
            let origin = if batch.info.is_control() { Origin::Coordinator { transaction_version: 2 } } else { Origin::Client };
            store(&mut disk, batch.info.max_timestamp, &mut |store| {
                log.append(as_sent(&batch, ChunkId(1)), 0, origin, store).unwrap();
            });
            log.high_watermark_moved(log.log_end_offset());
        }
        assert_eq!(json!(log.last_stable_offset(log.log_end_offset())), folder.expect["broker"]["lastStableOffset"]);
        store(&mut disk, RECORDED_MS, &mut |store| log.close(store));
        assert_same_files(&disk, "t-0", &folder);
    }
}

/// The files beside the partitions' folders, after a clean stop: `data-folder`, and which files its metadata log has (`cluster-metadata`).
#[test]
fn the_files_of_a_data_folder() {
    let spec = ClusterSpec { brokers: 1, controllers: 0, combined: vec![1], ..ClusterSpec::default() };
    let mut world = playground::World::build(&spec, 1).unwrap();
    world.apply(&Command::Line { session: 1, text: "kafka-topics.sh --bootstrap-server kafka-1:9092 --create --topic t".into() }).unwrap();
    world.wait(world.now() + Duration::secs(40));
    world.apply(&Command::Fault(Fault::Stop { host: "kafka-1".into() })).unwrap();
    world.wait(world.now() + Duration::secs(10));
    let disk = &world.sim().host("kafka-1").unwrap().disk;
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/logs");
    let recorded = |path: &str| Bytes::from(std::fs::read(golden.join(path)).unwrap());
    let ours = |path: &str| disk.file(path).unwrap_or_else(|| panic!("no {path}")).read();

    let names: BTreeSet<String> =
        disk.files().filter(|(path, _)| !path.contains('/')).map(|(path, _)| path.trim_start_matches('.').to_owned()).collect();
    let theirs = std::fs::read_dir(golden.join("data-folder")).unwrap();
    assert_eq!(names, theirs.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect());
    for name in ["recovery-point-offset-checkpoint", "replication-offset-checkpoint", "log-start-offset-checkpoint"] {
        let text = recorded(&format!("data-folder/{name}"));
        assert_eq!(
            text,
            offsets_text(parse_offsets(&text).unwrap().iter().map(|entry| (&*entry.topic, entry.partition, entry.offset))),
            "{name}"
        );
    }
    assert_eq!(ours("recovery-point-offset-checkpoint"), "0\n1\nt 0 0\n");
    assert_eq!(ours("replication-offset-checkpoint"), "0\n1\nt 0 0\n");
    assert_eq!(ours("log-start-offset-checkpoint"), "0\n0\n");
    assert_eq!(ours("cleaner-offset-checkpoint"), recorded("data-folder/cleaner-offset-checkpoint"));
    // The same lines, but for ids, dates and the broker's epoch.
    assert_eq!(without_values(&ours("meta.properties")), without_values(&recorded("data-folder/meta.properties")));
    assert_eq!(without_values(&ours(".kafka_cleanshutdown")), without_values(&recorded("data-folder/kafka_cleanshutdown")));
    let records = |bytes: Bytes| -> Vec<String> {
        let batches = SegmentReader::new(bytes, || ChunkId(0));
        let values = batches.flat_map(|positioned| {
            let records = positioned.batch.records().unwrap();
            records.iter().map(|record| format!("{:?} {:?}", record.clone().unwrap().key, record.unwrap().value)).collect::<Vec<_>>()
        });
        values.collect()
    };
    let (bootstrap, theirs) = (records(ours("bootstrap.checkpoint")), records(recorded("data-folder/bootstrap.checkpoint")));
    // The first, of the snapshot's head, has a time in it.
    assert_eq!((bootstrap.len(), &bootstrap[1..]), (theirs.len(), &theirs[1..]));

    // Later snapshots belong to the recording's longer life; the snapshot of producers is the clean stop's, named by the log's end.
    let names: BTreeSet<&str> = disk.list("__cluster_metadata-0/").map(|(path, _)| &path["__cluster_metadata-0/".len()..]).collect();
    let theirs = std::fs::read_dir(golden.join("cluster-metadata")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let theirs: BTreeSet<String> = theirs
        .filter(|name| {
            !["dump.txt", "expect.json"].contains(&&**name) && (!name.starts_with("000") || name.starts_with("00000000000000000000"))
        })
        .collect();
    assert_eq!(names.iter().filter(|name| name.ends_with(".snapshot")).count(), 1);
    let names: BTreeSet<String> = names.into_iter().filter(|name| !name.ends_with(".snapshot")).map(str::to_owned).collect();
    assert_eq!(names, theirs);
    assert_eq!(without_values(&ours("__cluster_metadata-0/quorum-state")), without_values(&recorded("cluster-metadata/quorum-state")));
}

/// Keys and punctuation of properties or of JSON, with `?` for each value.
fn without_values(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text).into_owned();
    if text.starts_with('{') {
        let json: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap();
        return json
            .into_iter()
            .map(|(name, value)| if value.is_number() { format!("{name}: a number") } else { format!("{name}: {value}") })
            .collect();
    }
    text.lines()
        .map(|line| line.split_once('=').map_or_else(|| line.len().to_string(), |(name, value)| format!("{name}={}", value.len())))
        .collect()
}
