//! The part of `kafka-dump-log` that prints indexes and compares them with their segment (`DumpLogSegments.dumpIndex`, `dumpTimeIndex`).

use bytes::Bytes;

use super::dump::{Dump, Exception, exception_of, start_offset};
use super::file_name::{LOG_SUFFIX, OFFSET_INDEX_SUFFIX, sibling};
use super::offset_index::{self, CorruptIndex, OffsetIndex};
use super::segment_file::SegmentReader;
use super::time_index::{self, TimeIndex};
use crate::kafka::records::batch::{Batch, NO_TIMESTAMP};
use crate::sim::chunk::ChunkId;

pub(super) fn offset_index(dump: &mut Dump<'_>, path: &str) -> Result<(), Exception> {
    let base_offset = start_offset(path)?;
    let segment = dump.read(&dump.files.absolute_path(&sibling(path, LOG_SUFFIX)))?;
    let index = read_index(dump, path)?;
    if offset_index::file_entries(base_offset, &index).next().is_none() {
        dump.sink.out(&format!("{path} is empty."));
        return Ok(());
    }
    if dump.options.index_sanity_check {
        return sanity_checked(dump, path, "index", OffsetIndex::sanity_check_file(base_offset, &index));
    }
    for (slot, entry) in offset_index::file_entries(base_offset, &index).enumerate() {
        // Zeros follow where the file was preallocated and not trimmed.
        if entry.offset == base_offset && slot > 0 {
            break;
        }
        let batch = first_batch(&segment, entry.position, dump.options.max_message_size)?;
        if batch.last_offset() != entry.offset {
            dump.findings.index_mismatches.add(dump.files, path, entry.offset, batch.last_offset());
        }
        if !dump.options.verify_index_only {
            dump.sink.out(&format!("offset: {} position: {}", entry.offset, entry.position));
        }
    }
    Ok(())
}

pub(super) fn time_index(dump: &mut Dump<'_>, path: &str) -> Result<(), Exception> {
    let base_offset = start_offset(path)?;
    let segment = dump.read(&dump.files.absolute_path(&sibling(path, LOG_SUFFIX)))?;
    let offsets = read_index(dump, &sibling(path, OFFSET_INDEX_SUFFIX))?;
    let offsets = OffsetIndex::parse(base_offset, &offsets, u32::MAX);
    let index = read_index(dump, path)?;
    if dump.options.index_sanity_check {
        return sanity_checked(dump, path, "time index", TimeIndex::sanity_check_file(base_offset, &index));
    }
    let mut previous = NO_TIMESTAMP;
    for (slot, entry) in time_index::file_entries(base_offset, &index).enumerate() {
        // Zeros follow where the file was preallocated and not trimmed.
        if entry.offset == base_offset && slot > 0 {
            break;
        }
        match batch_with_offset(&segment, offsets.lookup(entry.offset).position, entry.offset) {
            Some(batch) if batch.last_offset() == entry.offset => {
                let latest = latest_timestamp(&batch)?;
                if latest != entry.timestamp {
                    dump.findings.timestamp_mismatches.add(dump.files, path, entry.timestamp, latest);
                }
                if previous >= entry.timestamp {
                    dump.findings.timestamps_out_of_order.add(dump.files, path, entry.timestamp, previous);
                }
            }
            found => {
                let found = found.map_or(-1, |batch| batch.last_offset());
                dump.findings.offsets_not_found.add(dump.files, path, entry.offset, found);
            }
        }
        if !dump.options.verify_index_only {
            dump.sink.out(&format!("timestamp: {} offset: {}", entry.timestamp, entry.offset));
        }
        previous = entry.timestamp;
    }
    Ok(())
}

/// Kafka's tool opens an index for writing, and fails to make one that is not there.
fn read_index(dump: &Dump<'_>, path: &str) -> Result<Bytes, Exception> {
    dump.files.read(path).ok_or_else(|| Exception("java.lang.IllegalArgumentException: Invalid max index size: -1".to_owned()))
}

fn sanity_checked(dump: &mut Dump<'_>, path: &str, kind: &str, outcome: Result<(), CorruptIndex>) -> Result<(), Exception> {
    let message = match outcome {
        Ok(()) => {
            dump.sink.out(&format!("{path} passed sanity check."));
            return Ok(());
        }
        Err(error @ CorruptIndex::PartialEntry { .. }) => match kind {
            "time index" => format!("Time index file {path} is corrupt, {error}"),
            _ => format!("Index file {path} is corrupt, {error}"),
        },
        Err(error) if kind == "index" => format!("Corrupt index found, index file {path} has non-zero size but {error}"),
        Err(CorruptIndex::LastOffset { last, base }) => {
            format!(
                "Corrupt {kind} found, {kind} file ({path}) has non-zero size but the last offset is {last} which is less than the first offset {base}"
            )
        }
        Err(error) => format!("Corrupt {kind} found, {kind} file ({path}) has non-zero size but {error}"),
    };
    Err(Exception(format!("org.apache.kafka.storage.internals.log.CorruptIndexException: {message}")))
}

/// The batch that begins at this position, looked for in so many bytes.
fn first_batch(segment: &Bytes, position: u32, max_bytes: u32) -> Result<Batch, Exception> {
    let start = position as usize;
    let end = segment.len().min(start.saturating_add(max_bytes as usize));
    if start > end {
        let message = format!("Slice from position {position} exceeds end position of a file of {} bytes", segment.len());
        return Err(Exception(format!("java.lang.IllegalArgumentException: {message}")));
    }
    let first = SegmentReader::new(segment.slice(start..end), || ChunkId(0)).next();
    first.map(|first| first.batch).ok_or_else(|| Exception("java.util.NoSuchElementException".to_owned()))
}

/// From this position on, the first batch that reaches the offset.
fn batch_with_offset(segment: &Bytes, position: u32, offset: i64) -> Option<Batch> {
    let rest = segment.slice(segment.len().min(position as usize)..);
    SegmentReader::new(rest, || ChunkId(0)).map(|positioned| positioned.batch).find(|batch| batch.last_offset() >= offset)
}

fn latest_timestamp(batch: &Batch) -> Result<i64, Exception> {
    let mut latest = NO_TIMESTAMP;
    for record in &batch.records().map_err(exception_of)? {
        latest = latest.max(record.map_err(exception_of)?.timestamp);
    }
    Ok(latest)
}
