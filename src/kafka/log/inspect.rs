//! A file as data: what the page's inspector shows of a broker's file, or of one that was dropped on it.
//!
//! Everything is bounded: of a large file the first batches, entries and records are shown, and the report says how many more there are.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::checkpoint_file::{self, OffsetCheckpointEntry};
use super::control_json::control_value_json;
use super::epoch_cache::EpochEntry;
use super::file_name::{FileKind, file_name, offset_of};
use super::offset_index;
use super::producer_snapshot::{self, ProducerSnapshotEntry};
use super::properties_file;
use super::segment_file::SegmentReader;
use super::time_index;
use super::transaction_index::{self, AbortedTxn};
use crate::kafka::records::batch::Batch;
use crate::kafka::records::control::{ControlRecordType, EndTransactionMarker};
use crate::kafka::records::error::RecordsError;
use crate::kafka::records::java_utf8::java_utf8;
use crate::kafka::records::record::Record;
use crate::sim::chunk::ChunkId;

/// Batches shown of one file.
pub const BATCHES_MAX: u64 = 500;
/// Records shown of one file, over all its batches.
pub const RECORDS_MAX: u64 = 2_000;
/// Entries shown of an index, snapshot or checkpoint.
pub const ENTRIES_MAX: u64 = 2_000;
/// Bytes shown of a key, a value or a header.
pub const TEXT_BYTES_MAX: usize = 512;
/// Headers shown of a record.
pub const HEADERS_MAX: usize = 32;

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FileReport {
    pub name: String,
    pub kind: FileKind,
    pub size_bytes: u64,
    pub content: Content,
    /// Where and why the file stops making sense; all that is shown stands before it.
    pub stop: Option<Stop>,
    /// Batches or entries that are whole but not shown.
    pub left_out: u64,
    /// Records of shown batches that are not shown.
    pub records_left_out: u64,
}

/// The content by kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Batches(Vec<BatchReport>),
    OffsetIndex(Vec<OffsetEntry>),
    TimeIndex(Vec<TimeEntry>),
    AbortedTransactions(Vec<AbortedTxn>),
    Producers(Vec<ProducerSnapshotEntry>),
    LeaderEpochs(Vec<EpochEntry>),
    OffsetCheckpoint(Vec<OffsetCheckpointEntry>),
    Properties(Vec<(String, String)>),
    /// No file of Kafka's.
    Unknown,
}

/// The end of what can be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stop {
    /// Bytes from the start of the file.
    pub position: u64,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetEntry {
    pub offset: i64,
    pub position: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeEntry {
    pub timestamp: i64,
    pub offset: i64,
}

/// A batch's header, in Kafka's words, and its records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchReport {
    pub position: u32,
    pub size_bytes: u32,
    pub base_offset: i64,
    pub last_offset: i64,
    pub record_count: i32,
    pub leader_epoch: i32,
    pub crc: u32,
    pub crc_is_valid: bool,
    /// `none`, `gzip`, ...; `?5` for a codec that does not exist.
    pub compression: String,
    pub timestamp_type: String,
    pub base_timestamp: i64,
    pub max_timestamp: i64,
    pub delete_horizon_ms: Option<i64>,
    pub producer_id: i64,
    pub producer_epoch: i16,
    pub base_sequence: i32,
    pub last_sequence: i32,
    pub is_transactional: bool,
    pub is_control: bool,
    pub records: Vec<RecordReport>,
    /// Why the records cannot be read, or not all of them.
    pub records_stop: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordReport {
    pub offset: i64,
    pub timestamp: i64,
    pub sequence: i32,
    /// Null is `None`.
    pub key: Option<Text>,
    pub value: Option<Text>,
    pub headers: Vec<(Text, Option<Text>)>,
    /// What a control record says: `COMMIT coordinatorEpoch: 0`.
    pub control: Option<String>,
}

/// Bytes as text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    /// At most [`TEXT_BYTES_MAX`] bytes: UTF-8 as Java reads it.
    pub text: String,
    /// Of the whole.
    pub size_bytes: u32,
    /// Some bytes were no UTF-8, and stand as replacement characters.
    pub is_binary: bool,
    pub is_cut: bool,
}

/// Reads a file by what its name says it is. Never fails: what cannot be read is said in the report.
pub fn inspect(name: &str, bytes: &Bytes) -> FileReport {
    let kind = FileKind::of(name);
    let mut report = FileReport {
        name: file_name(name).to_owned(),
        kind,
        size_bytes: bytes.len() as u64,
        content: Content::Unknown,
        stop: None,
        left_out: 0,
        records_left_out: 0,
    };
    report.content = match kind {
        FileKind::Segment | FileKind::MetadataSnapshot => Content::Batches(report.batches(bytes)),
        FileKind::OffsetIndex => Content::OffsetIndex(report.offset_entries(bytes)),
        FileKind::TimeIndex => Content::TimeIndex(report.time_entries(bytes)),
        FileKind::TransactionIndex => Content::AbortedTransactions(report.aborted_transactions(bytes)),
        FileKind::ProducerSnapshot => Content::Producers(report.whole(producer_snapshot::parse(bytes))),
        FileKind::LeaderEpochCheckpoint => Content::LeaderEpochs(report.whole(checkpoint_file::parse_leader_epochs(bytes))),
        FileKind::OffsetCheckpoint => Content::OffsetCheckpoint(report.whole(checkpoint_file::parse_offsets(bytes))),
        FileKind::MetaProperties | FileKind::PartitionMetadata => {
            let pairs = properties_file::parse(bytes);
            Content::Properties(report.bounded(pairs.into_iter()))
        }
        FileKind::Unknown => Content::Unknown,
    };
    report
}

impl FileReport {
    fn batches(&mut self, bytes: &Bytes) -> Vec<BatchReport> {
        let mut reader = SegmentReader::new(bytes.clone(), || ChunkId(0));
        let mut batches = Vec::new();
        let mut room = RECORDS_MAX;
        for positioned in &mut reader {
            if batches.len() as u64 == BATCHES_MAX {
                self.left_out += 1;
                continue;
            }
            let report = BatchReport::of(positioned.position, &positioned.batch, room);
            let shown = report.records.len() as u64;
            room -= shown;
            if report.records_stop.is_none() {
                self.records_left_out += (positioned.batch.info.record_count.max(0) as u64).saturating_sub(shown);
            }
            batches.push(report);
        }
        self.stop = reader.stop().map(|stop| Stop { position: reader.position().into(), reason: stop.to_string() });
        batches
    }

    fn offset_entries(&mut self, bytes: &[u8]) -> Vec<OffsetEntry> {
        let Some(base_offset) = self.base_offset() else { return Vec::new() };
        self.partial_entry(bytes, offset_index::OFFSET_INDEX_ENTRY_BYTES);
        let entries = offset_index::OffsetIndex::parse(base_offset, bytes, u32::MAX);
        let entries = entries.iter().map(|entry| OffsetEntry { offset: entry.offset, position: entry.position });
        self.bounded(entries)
    }

    fn time_entries(&mut self, bytes: &[u8]) -> Vec<TimeEntry> {
        let Some(base_offset) = self.base_offset() else { return Vec::new() };
        self.partial_entry(bytes, time_index::TIME_INDEX_ENTRY_BYTES);
        let entries = time_index::TimeIndex::parse(base_offset, bytes, u32::MAX);
        let entries = entries.iter().map(|entry| TimeEntry { timestamp: entry.timestamp, offset: entry.offset });
        self.bounded(entries)
    }

    fn aborted_transactions(&mut self, bytes: &[u8]) -> Vec<AbortedTxn> {
        self.partial_entry(bytes, transaction_index::ABORTED_TXN_BYTES);
        self.bounded(transaction_index::parse(bytes).0.into_iter())
    }

    /// Index entries are relative to the offset in the file's name.
    fn base_offset(&mut self) -> Option<i64> {
        let offset = offset_of(&self.name);
        if offset.is_none() {
            self.stop =
                Some(Stop { position: 0, reason: "the name does not begin with an offset, from which its entries count".to_owned() });
        }
        offset
    }

    fn partial_entry(&mut self, bytes: &[u8], entry_bytes: u32) {
        let rest = bytes.len() % entry_bytes as usize;
        if rest > 0 {
            let reason = format!("{rest} bytes do not make a whole entry of {entry_bytes}");
            self.stop = Some(Stop { position: (bytes.len() - rest) as u64, reason });
        }
    }

    /// A file that is read as a whole or not at all.
    fn whole<T, E: std::fmt::Display>(&mut self, outcome: Result<Vec<T>, E>) -> Vec<T> {
        match outcome {
            Ok(entries) => self.bounded(entries.into_iter()),
            Err(error) => {
                self.stop = Some(Stop { position: 0, reason: error.to_string() });
                Vec::new()
            }
        }
    }

    fn bounded<T>(&mut self, mut entries: impl Iterator<Item = T>) -> Vec<T> {
        let shown = entries.by_ref().take(ENTRIES_MAX as usize).collect();
        self.left_out = entries.count() as u64;
        shown
    }
}

impl BatchReport {
    fn of(position: u32, batch: &Batch, room: u64) -> BatchReport {
        let info = &batch.info;
        let (records, records_stop) = records_of(batch, room);
        BatchReport {
            position,
            size_bytes: batch.size_bytes(),
            base_offset: batch.base_offset,
            last_offset: batch.last_offset(),
            record_count: info.record_count,
            leader_epoch: batch.leader_epoch,
            crc: info.crc,
            crc_is_valid: batch.check_crc().is_ok(),
            compression: info.compression().map_or_else(|_| format!("?{}", info.attributes & 7), |codec| codec.name().to_owned()),
            timestamp_type: info.timestamp_type().name().to_owned(),
            base_timestamp: info.base_timestamp,
            max_timestamp: info.max_timestamp,
            delete_horizon_ms: info.delete_horizon_ms(),
            producer_id: info.producer_id,
            producer_epoch: info.producer_epoch,
            base_sequence: info.base_sequence,
            last_sequence: info.last_sequence(),
            is_transactional: info.is_transactional(),
            is_control: info.is_control(),
            records,
            records_stop: records_stop.map(|error| error.to_string()),
        }
    }
}

fn records_of(batch: &Batch, room: u64) -> (Vec<RecordReport>, Option<RecordsError>) {
    let mut reports = Vec::new();
    // Decompressing for nothing would make the bound a lie.
    if room == 0 {
        return (reports, None);
    }
    let records = match batch.records() {
        Ok(records) => records,
        Err(error) => return (reports, Some(error)),
    };
    for record in records.iter().take(room as usize) {
        match record.and_then(|record| RecordReport::of(batch, &record)) {
            Ok(report) => reports.push(report),
            Err(error) => return (reports, Some(error)),
        }
    }
    (reports, None)
}

impl RecordReport {
    fn of(batch: &Batch, record: &Record<'_>) -> Result<RecordReport, RecordsError> {
        let headers = record.headers.iter().take(HEADERS_MAX).map(|header| (Text::of(header.key), header.value.map(Text::of)));
        Ok(RecordReport {
            offset: record.offset,
            timestamp: record.timestamp,
            sequence: batch.info.sequence_at(record.offset.wrapping_sub(batch.base_offset) as i32),
            key: record.key.map(Text::of),
            value: record.value.map(Text::of),
            headers: headers.collect(),
            control: if batch.info.is_control() { Some(control_text(record)?) } else { None },
        })
    }
}

fn control_text(record: &Record<'_>) -> Result<String, RecordsError> {
    let kind = ControlRecordType::from_key(record.key)?;
    if let Some(marker) = EndTransactionMarker::parse(record.key, record.value)? {
        return Ok(format!("{} coordinatorEpoch: {}", kind.name(), marker.coordinator_epoch));
    }
    let json = control_value_json(kind, record.value)?;
    Ok(json.map_or_else(|| format!("{}({})", kind.name(), kind.id()), |json| format!("{} {json}", kind.name())))
}

impl Text {
    fn of(bytes: &[u8]) -> Text {
        let is_binary = std::str::from_utf8(bytes).is_err();
        let mut end = bytes.len().min(TEXT_BYTES_MAX);
        // Do not cut a character in two.
        while !is_binary && end < bytes.len() && bytes[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        Text { text: java_utf8(&bytes[..end]).into_owned(), size_bytes: bytes.len() as u32, is_binary, is_cut: end < bytes.len() }
    }
}
