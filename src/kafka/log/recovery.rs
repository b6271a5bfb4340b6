//! Opening a log again after a restart (`LogLoader`): what a clean stop left is believed, after anything else the tail is checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checkpoint_file::parse_leader_epochs;
use super::epoch_cache::LeaderEpochCache;
use super::file_name::{LOG_SUFFIX, file_name, offset_of};
use super::partition_log::{LogConfig, PartitionLog};
use super::segment::Segment;
use super::segment_file::SegmentReader;
use crate::kafka::records::batch::Batch;
use crate::kafka::rules::Rule;
use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::disk::File;
use crate::sim::process::Store;

/// What is known about a log that is opened again.
pub struct Reopen<'a> {
    /// `orders-0`
    pub dir: &'a str,
    pub config: Arc<LogConfig>,
    /// The folder's files, by path.
    pub files: &'a BTreeMap<String, Arc<File>>,
    /// The broker left `.kafka_cleanshutdown`.
    pub clean: bool,
    /// From recovery-point-offset-checkpoint; after an unclean stop everything from here on is checked.
    pub recovery_point: i64,
    /// From log-start-offset-checkpoint.
    pub log_start_offset: i64,
}

/// Opens a log. Returns the log and, if its tail was cut, the offset where it ended before.
pub fn open(reopen: Reopen, store: &mut Store) -> (PartitionLog, Option<i64>) {
    let mut segments = imbl::Vector::new();
    let mut cut = None;
    let checks_crc = reopen.config.rules.holds(Rule::CrcCheck);
    for (path, file) in reopen.files.iter().filter(|(path, _)| path.ends_with(LOG_SUFFIX)) {
        let Some(base_offset) = offset_of(file_name(path)) else { continue };
        if cut.is_some() {
            // What lies behind a torn segment cannot be joined to the log any more.
            Segment::empty(reopen.dir, base_offset, 0).delete_files(store);
            continue;
        }
        let mut segment = Segment::empty(reopen.dir, base_offset, reopen.config.segment_index_bytes);
        let mut whole = true;
        for batch in batches(file) {
            let unchecked = reopen.clean || batch.next_offset() <= reopen.recovery_point;
            let in_order = batch.base_offset >= segment.next_offset();
            if !in_order || (!unchecked && checks_crc && batch.check_crc().is_err()) {
                whole = false;
                break;
            }
            segment.remember(batch, reopen.config.index_interval_bytes);
        }
        if !whole || u64::from(segment.size_bytes) < file.len() {
            cut = Some(segment.next_offset());
            let _ = store.disk.truncate(path, u64::from(segment.size_bytes));
        }
        if !reopen.clean {
            segment.write_indexes(store);
        }
        segments.push_back(Arc::new(segment));
    }
    if segments.is_empty() {
        let first = Segment::empty(reopen.dir, reopen.log_start_offset, reopen.config.segment_index_bytes);
        first.create_files(store);
        segments.push_back(Arc::new(first));
    }
    let epochs = reopen.files.get(&format!("{}/leader-epoch-checkpoint", reopen.dir)).map(|file| file.read());
    let epochs = epochs.and_then(|bytes| parse_leader_epochs(&bytes).ok()).unwrap_or_default();
    let first_offset = segments.front().map_or(0, |segment| segment.base_offset);
    let mut log = PartitionLog::from_segments(
        reopen.dir,
        reopen.config,
        segments,
        reopen.log_start_offset.max(first_offset),
        LeaderEpochCache::from_entries(epochs),
    );
    log.recovered(reopen.clean, reopen.recovery_point, store);
    (log, cut)
}

/// The batches of a segment file: an extent is a batch as it was written; bytes of any other shape are read as a stream.
fn batches(file: &File) -> Vec<Batch> {
    let mut batches = Vec::new();
    for extent in file.extents() {
        match <[u8; 16]>::try_from(extent.head.as_slice()) {
            Ok(head) => match from_parts(&head, &extent.body) {
                Some(batch) => batches.push(batch),
                None => return batches,
            },
            Err(_) => {
                let mut reader = SegmentReader::new(extent.body.bytes().clone(), || ChunkId(extent.body.id().0 ^ 1 << 61));
                batches.extend(reader.by_ref().map(|positioned| positioned.batch));
                if reader.stop().is_some() {
                    return batches;
                }
            }
        }
    }
    batches
}

fn from_parts(head: &[u8; 16], body: &Chunk) -> Option<Batch> {
    let base_offset = i64::from_be_bytes(head[..8].try_into().ok()?);
    let leader_epoch = i32::from_be_bytes(head[12..].try_into().ok()?);
    Batch::from_body(base_offset, leader_epoch, body.clone()).ok()
}
