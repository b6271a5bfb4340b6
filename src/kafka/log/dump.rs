//! The text of `kafka-dump-log` (`DumpLogSegments`), as a pure function over files: the terminal, the native tool and the page print it.
//!
//! What is whole is printed; where a file stops making sense the tool ends as Kafka's does, with the exception on standard error and exit
//! status 1 (a torn tail is no exception there: `Found N invalid bytes at the end of FILE`).

use std::fmt::Write;

use bytes::Bytes;

use super::control_json::control_value_json;
use super::dump_index;
use super::file_name::{FileKind, file_name, metadata_snapshot_id, offset_of};
use super::producer_snapshot::{self, SnapshotError};
use super::segment_file::{PositionedBatch, SegmentReader, SegmentStop};
use super::transaction_index;
use crate::kafka::records::batch::{Batch, MAGIC};
use crate::kafka::records::control::{ControlRecordType, EndTransactionMarker};
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::java_utf8::java_utf8;
use crate::kafka::records::murmur2::java_string_hash;
use crate::kafka::records::record::Record;
use crate::sim::chunk::ChunkId;

/// The tool's flags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// Records, not only batches. [`DumpOptions::print_data_log`] implies it.
    pub deep_iteration: bool,
    /// Keys and values, as UTF-8.
    pub print_data_log: bool,
    /// Only keys and values; leaves control records out.
    pub skip_record_metadata: bool,
    /// Check an index as a broker does when it starts, without printing it.
    pub index_sanity_check: bool,
    /// Compare an index with its segment, without printing it.
    pub verify_index_only: bool,
    /// So many bytes of each segment file at most.
    pub max_bytes: u32,
    /// The largest batch that is looked for at an index entry's position, in bytes.
    pub max_message_size: u32,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions {
            deep_iteration: false,
            print_data_log: false,
            skip_record_metadata: false,
            index_sanity_check: false,
            verify_index_only: false,
            max_bytes: i32::MAX as u32,
            max_message_size: 5 * 1024 * 1024,
        }
    }
}

/// Where files come from: a broker's disk, a folder of this machine, what was dropped on the page.
pub trait DumpFiles {
    /// The file's bytes, if there is such a file.
    fn read(&self, path: &str) -> Option<Bytes>;
    /// The path from the root, by which the tool names files at its end.
    fn absolute_path(&self, path: &str) -> String;
}

/// Takes what the tool prints, line by line (a value with line ends in it comes as one line).
pub trait DumpSink {
    fn out(&mut self, line: &str);
    fn err(&mut self, line: &str);
}

/// What a record's key and value are printed as (`MessageParser`).
pub trait RecordDecoder {
    /// `None`: nothing is printed of it.
    ///
    /// # Errors
    /// The exception, by class and message, that ends the tool.
    fn decode(&self, record: &Record<'_>) -> Result<(Option<String>, Option<String>), String>;
}

/// Keys and values are UTF-8 (`DecoderMessageParser` with two `StringDecoder`s).
pub struct TextDecoder;

impl RecordDecoder for TextDecoder {
    fn decode(&self, record: &Record<'_>) -> Result<(Option<String>, Option<String>), String> {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| java_utf8(bytes).into_owned());
        Ok((text(record.key), text(record.value)))
    }
}

/// Dumps files one after another, keys and values as text. Returns the exit status: 1 where Kafka's tool ends with an exception.
pub fn dump<'a>(paths: impl IntoIterator<Item = &'a str>, options: &DumpOptions, files: &dyn DumpFiles, sink: &mut dyn DumpSink) -> i32 {
    dump_with(paths, options, &TextDecoder, files, sink)
}

/// As [`dump`] with a decoder.
pub fn dump_with<'a>(
    paths: impl IntoIterator<Item = &'a str>,
    options: &DumpOptions,
    decoder: &dyn RecordDecoder,
    files: &dyn DumpFiles,
    sink: &mut dyn DumpSink,
) -> i32 {
    let mut dump = Dump { options, decoder, files, sink, findings: Findings::default() };
    for path in paths {
        dump.sink.out(&format!("Dumping {path}"));
        if let Err(exception) = dump.file(path) {
            dump.sink.err(&format!("Exception in thread \"main\" {}", exception.0));
            return 1;
        }
    }
    let Dump { sink, findings, .. } = dump;
    findings.print(sink);
    0
}

/// A Java exception that ends the tool: its class and message.
#[derive(Debug)]
pub(super) struct Exception(pub String);

/// One run of the tool.
pub(super) struct Dump<'a> {
    pub options: &'a DumpOptions,
    pub decoder: &'a dyn RecordDecoder,
    pub files: &'a dyn DumpFiles,
    pub sink: &'a mut dyn DumpSink,
    pub findings: Findings,
}

/// What is reported at the end, per file. Kafka keeps each in a HashMap by absolute path, which decides the order.
#[derive(Default)]
pub(super) struct Findings {
    pub index_mismatches: FindingsByFile,
    pub timestamp_mismatches: FindingsByFile,
    pub timestamps_out_of_order: FindingsByFile,
    pub offsets_not_found: FindingsByFile,
    pub non_consecutive: FindingsByFile,
}

/// Pairs of numbers found in a file, files in the order of their first finding.
#[derive(Default)]
pub(super) struct FindingsByFile(Vec<(String, Vec<(i64, i64)>)>);

impl Dump<'_> {
    fn file(&mut self, path: &str) -> Result<(), Exception> {
        match FileKind::of(path) {
            FileKind::Segment | FileKind::MetadataSnapshot => self.segment(path),
            FileKind::OffsetIndex => dump_index::offset_index(self, path),
            FileKind::TimeIndex => dump_index::time_index(self, path),
            FileKind::ProducerSnapshot => self.producer_snapshot(path),
            FileKind::TransactionIndex => self.transaction_index(path),
            _ => {
                self.sink.err(&format!("Ignoring unknown file {path}"));
                Ok(())
            }
        }
    }

    fn segment(&mut self, path: &str) -> Result<(), Exception> {
        match (FileKind::of(path), metadata_snapshot_id(path)) {
            (FileKind::Segment, _) => self.sink.out(&format!("Log starting offset: {}", start_offset(path)?)),
            (_, Some((end, epoch))) => self.sink.out(&format!("Snapshot end offset: {end}, epoch: {epoch}")),
            (_, None) if file_name(path) == "bootstrap.checkpoint" => self.sink.out("KRaft bootstrap snapshot"),
            (_, None) => return Err(Exception("java.util.NoSuchElementException: No value present".to_owned())),
        }
        let whole = self.read(path)?;
        let bytes = whole.slice(..whole.len().min(self.options.max_bytes as usize));
        let mut reader = SegmentReader::new(bytes, || ChunkId(0));
        let mut last_offset = -1;
        for positioned in &mut reader {
            self.batch(path, &positioned, &mut last_offset)?;
        }
        let trailing = whole.len() as u64 - u64::from(reader.position());
        match reader.stop() {
            Some(SegmentStop::RecordSize { size, .. }) => Err(Exception(format!(
                "org.apache.kafka.common.errors.CorruptRecordException: Found record size {size} smaller than minimum record overhead (14) \
                 in file {path}."
            ))),
            Some(SegmentStop::Corrupt { error, .. }) => {
                Err(Exception(format!("org.apache.kafka.common.errors.CorruptRecordException: {error}")))
            }
            _ => {
                if trailing > 0 && self.options.max_bytes == i32::MAX as u32 {
                    self.sink.out(&format!("Found {trailing} invalid bytes at the end of {}", file_name(path)));
                }
                Ok(())
            }
        }
    }

    /// A batch's line, and its records' lines if they are wanted.
    fn batch(&mut self, path: &str, positioned: &PositionedBatch, last_offset: &mut i64) -> Result<(), Exception> {
        let batch = &positioned.batch;
        let (line, complete) = batch_line(positioned.position, batch);
        self.sink.out(&line);
        complete?;
        if !self.options.deep_iteration && !self.options.print_data_log {
            return Ok(());
        }
        for record in &batch.records().map_err(exception_of)? {
            let record = record.map_err(exception_of)?;
            if record.offset != last_offset.wrapping_add(1) {
                self.findings.non_consecutive.add(self.files, path, *last_offset, record.offset);
            }
            *last_offset = record.offset;
            let line = self.record_line(batch, &record)?;
            self.sink.out(&line);
        }
        Ok(())
    }

    fn record_line(&self, batch: &Batch, record: &Record<'_>) -> Result<String, Exception> {
        let mut line = String::new();
        if !self.options.skip_record_metadata {
            line.push('|');
            write_record_metadata(&mut line, batch, record).map_err(exception_of)?;
        }
        if self.options.print_data_log && !batch.info.is_control() {
            let (key, payload) = self.decoder.decode(record).map_err(Exception)?;
            for (label, text) in [("key", key), ("payload", payload)] {
                if let Some(text) = text {
                    // Without metadata and without key or payload the line stays empty, as in Kafka.
                    let prefix = if line.is_empty() { "|" } else { "" };
                    let _ = write!(line, "{prefix} {label}: {text}");
                }
            }
        }
        Ok(line)
    }

    fn producer_snapshot(&mut self, path: &str) -> Result<(), Exception> {
        match producer_snapshot::parse(&self.read(path)?) {
            Ok(entries) => entries.iter().for_each(|entry| self.sink.out(&producer_line(entry))),
            // Kafka's reader runs off its buffer, and that exception has no message.
            Err(SnapshotError::Schema(_)) => self.sink.err("Snapshot failed schema validation: null"),
            Err(error) => self.sink.err(&error.to_string()),
        }
        Ok(())
    }

    fn transaction_index(&mut self, path: &str) -> Result<(), Exception> {
        start_offset(path)?;
        // A missing file is an empty index, and an incomplete entry at the end is passed over, as in Kafka.
        let (entries, _) = transaction_index::parse(&self.files.read(path).unwrap_or_default());
        for txn in entries {
            self.sink.out(&format!(
                "version: {} producerId: {} firstOffset: {} lastOffset: {} lastStableOffset: {}",
                txn.version, txn.producer_id, txn.first_offset, txn.last_offset, txn.last_stable_offset
            ));
        }
        Ok(())
    }

    pub(super) fn read(&self, path: &str) -> Result<Bytes, Exception> {
        self.files.read(path).ok_or_else(|| Exception(format!("java.nio.file.NoSuchFileException: {path}")))
    }
}

/// The batch's line (`printBatchLevel`). With a codec that does not exist it breaks off where Kafka's does.
fn batch_line(position: u32, batch: &Batch) -> (String, Result<(), Exception>) {
    let info = &batch.info;
    let mut line = format!(
        "baseOffset: {} lastOffset: {} count: {} baseSequence: {} lastSequence: {} producerId: {} producerEpoch: {} partitionLeaderEpoch: {} \
         isTransactional: {} isControl: {} deleteHorizonMs: {}",
        batch.base_offset,
        batch.last_offset(),
        info.record_count,
        info.base_sequence,
        info.last_sequence(),
        info.producer_id,
        info.producer_epoch,
        batch.leader_epoch,
        info.is_transactional(),
        info.is_control(),
        optional_long(info.delete_horizon_ms())
    );
    let codec = match info.compression() {
        Ok(codec) => codec,
        Err(error) => return (line, Err(exception_of(error))),
    };
    let _ = write!(
        line,
        " position: {position} {}: {} size: {} magic: {MAGIC} compresscodec: {codec} crc: {} isvalid: {}",
        info.timestamp_type().name(),
        info.max_timestamp,
        batch.size_bytes(),
        info.crc,
        batch.check_crc().is_ok()
    );
    (line, Ok(()))
}

fn write_record_metadata(line: &mut String, batch: &Batch, record: &Record<'_>) -> Result<(), RecordsError> {
    let size = |bytes: Option<&[u8]>| bytes.map_or(-1, |bytes| bytes.len() as i64);
    let names: Vec<_> = record.headers.iter().map(|header| header.name()).collect();
    let _ = write!(
        line,
        " offset: {} {}: {} keySize: {} valueSize: {} sequence: {} headerKeys: [{}]",
        record.offset,
        batch.info.timestamp_type().name(),
        record.timestamp,
        size(record.key),
        size(record.value),
        batch.info.sequence_at(record.offset.wrapping_sub(batch.base_offset) as i32),
        names.join(",")
    );
    if batch.info.is_control() {
        write_control_record(line, record)?;
    }
    Ok(())
}

fn write_control_record(line: &mut String, record: &Record<'_>) -> Result<(), RecordsError> {
    let kind = ControlRecordType::from_key(record.key)?;
    if let Some(marker) = EndTransactionMarker::parse(record.key, record.value)? {
        let _ = write!(line, " endTxnMarker: {} coordinatorEpoch: {}", kind.name(), marker.coordinator_epoch);
        return Ok(());
    }
    let label = match kind {
        ControlRecordType::LeaderChange => "LeaderChange:",
        ControlRecordType::SnapshotHeader => "SnapshotHeader",
        ControlRecordType::SnapshotFooter => "SnapshotFooter",
        ControlRecordType::KRaftVersion => "KRaftVersion",
        _ => "KRaftVoters",
    };
    let _ = match control_value_json(kind, record.value)? {
        Some(json) => write!(line, " {label} {json}"),
        None => write!(line, " controlType: {}({})", kind.name(), kind.id()),
    };
    Ok(())
}

fn producer_line(entry: &producer_snapshot::ProducerSnapshotEntry) -> String {
    let first_offset = (entry.current_txn_first_offset >= 0).then_some(entry.current_txn_first_offset);
    let mut line = format!(
        "producerId: {} producerEpoch: {} coordinatorEpoch: {} currentTxnFirstOffset: {} lastTimestamp: {}",
        entry.producer_id,
        entry.producer_epoch,
        entry.coordinator_epoch,
        optional_long(first_offset),
        entry.timestamp
    );
    if entry.last_offset >= 0 {
        let _ = write!(
            line,
            " firstSequence: {} lastSequence: {} lastOffset: {} offsetDelta: {} timestamp: {}",
            entry.first_sequence(),
            entry.last_sequence,
            entry.last_offset,
            entry.offset_delta,
            entry.timestamp
        );
    }
    line
}

/// `java.util.OptionalLong.toString`.
fn optional_long(value: Option<i64>) -> String {
    value.map_or("OptionalLong.empty".to_owned(), |value| format!("OptionalLong[{value}]"))
}

/// The offset in a file's name, which Kafka's tool insists on.
pub(super) fn start_offset(path: &str) -> Result<i64, Exception> {
    offset_of(path).ok_or_else(|| {
        let name = file_name(path).split('.').next().unwrap_or_default();
        Exception(format!("java.lang.NumberFormatException: For input string: \"{name}\""))
    })
}

/// The exception that Kafka's reader throws for it.
pub(super) fn exception_of(error: RecordsError) -> Exception {
    let class = match &error {
        RecordsError::UnknownCompression(_) => "java.lang.IllegalArgumentException",
        RecordsError::Decompression { .. } | RecordsError::DecompressedTooLarge { .. } => "org.apache.kafka.common.KafkaException",
        _ => "org.apache.kafka.common.InvalidRecordException",
    };
    Exception(format!("{class}: {error}"))
}

impl Findings {
    fn print(self, sink: &mut dyn DumpSink) {
        self.index_mismatches.print(sink, "Mismatches in :", ["  Index offset: ", ", log offset: "]);
        self.timestamp_mismatches.print(sink, "Found timestamp mismatch in :", ["  Index timestamp: ", ", log timestamp: "]);
        let words = ["  Index timestamp: ", ", Previously indexed timestamp: "];
        self.timestamps_out_of_order.print(sink, "Found out of order timestamp in :", words);
        let words = ["Indexed offset: ", ", found log offset: "];
        self.offsets_not_found.print(sink, "The following indexed offsets are not found in :", words);
        self.non_consecutive.print(sink, "Non-consecutive offsets in ", ["  ", " is followed by "]);
    }
}

impl FindingsByFile {
    pub(super) fn add(&mut self, files: &dyn DumpFiles, path: &str, first: i64, second: i64) {
        let path = files.absolute_path(path);
        match self.0.iter_mut().find(|(known, _)| *known == path) {
            Some((_, pairs)) => pairs.push((first, second)),
            None => self.0.push((path, vec![(first, second)])),
        }
    }

    fn print(mut self, sink: &mut dyn DumpSink, heading: &str, words: [&str; 2]) {
        let buckets = hash_map_buckets(self.0.len());
        // `computeIfAbsent` puts a new key before those of its bucket.
        self.0.reverse();
        self.0.sort_by_key(|(path, _)| hash_map_bucket(path, buckets));
        for (path, pairs) in self.0 {
            sink.err(&format!("{heading}{path}"));
            for (first, second) in pairs {
                sink.err(&format!("{}{first}{}{second}", words[0], words[1]));
            }
        }
    }
}

/// Buckets of a `java.util.HashMap` that grew to so many keys: at most three quarters full.
fn hash_map_buckets(keys: usize) -> u32 {
    let mut buckets = 16;
    while keys as u64 * 4 > u64::from(buckets) * 3 {
        buckets *= 2;
    }
    buckets
}

fn hash_map_bucket(key: &str, buckets: u32) -> u32 {
    let hash = java_string_hash(key) as u32;
    (hash ^ hash >> 16) & (buckets - 1)
}
