//! Opening a log again after a restart (`LogLoader`): what a clean stop left is believed, after anything else the segments from the recovery
//! point on are checked.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checkpoint_file::parse_leader_epochs;
use super::config::LogConfig;
use super::epoch_cache::LeaderEpochCache;
use super::file_name::{
    CLEANED_SUFFIX, DELETED_SUFFIX, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, PRODUCER_SNAPSHOT_SUFFIX, SWAP_SUFFIX, TIME_INDEX_SUFFIX,
    TRANSACTION_INDEX_SUFFIX, offset_file_name, offset_of,
};
use super::offset_index::OffsetIndex;
use super::partition_log::PartitionLog;
use super::producer_loader::ProducerLoader;
use super::segment::{Segment, Torn};
use super::segment_file::SegmentReader;
use super::segment_index::SegmentIndexes;
use super::time_index::TimeIndex;
use super::transaction_index;
use crate::kafka::records::batch::Batch;
use crate::kafka::rules::Rule;
use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::disk::{Extent, File};
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
    /// From recovery-point-offset-checkpoint; after an unclean stop the segment with it and all later ones are checked.
    pub recovery_point: i64,
    /// From log-start-offset-checkpoint.
    pub log_start_offset: i64,
}

/// Opens a log. Returns the log and, if its tail was cut, the offset up to where it was whole.
pub fn open(reopen: Reopen, store: &mut Store) -> (PartitionLog, Option<i64>) {
    let mut files = reopen.files.clone();
    finish_swaps(&mut files, reopen.dir, store);
    let snapshots = files.iter().filter(|(path, _)| path.ends_with(PRODUCER_SNAPSHOT_SUFFIX));
    let snapshots = snapshots.filter_map(|(path, file)| Some((offset_of(path)?, file.written()))).collect();
    let mut loader = Loader {
        epochs: LeaderEpochCache::from_entries(
            file_in(&files, reopen.dir, "leader-epoch-checkpoint")
                .and_then(|file| parse_leader_epochs(&file.written()).ok())
                .unwrap_or_default(),
        ),
        producers: ProducerLoader::new(reopen.dir, snapshots, reopen.log_start_offset),
        segments: Vec::new(),
        reopen: &reopen,
        files: &files,
        doomed: Vec::new(),
    };
    loader.load_segment_files(store);
    let cut = if reopen.clean { None } else { loader.recover_log(store) };
    let Loader { epochs, producers: mut loaded, mut segments, doomed, .. } = loader;
    let mut end = segments.last().map_or(reopen.log_start_offset, Segment::next_offset);
    if end < reopen.log_start_offset {
        // Its files were taken away: begin where the log is known to begin.
        segments.drain(..).for_each(|segment| segment.delete_files(store));
        end = reopen.log_start_offset;
    }
    match segments.last_mut() {
        Some(active) => {
            // What was preallocated and not written to is gone, and does not come back (`LogSegment.open`).
            store.disk.trim(active.log_path());
            active.preallocate_indexes(store);
        }
        None => {
            let mut first = Segment::empty(reopen.dir, reopen.log_start_offset, reopen.config.segment_index_bytes);
            first.create_files(&reopen.config, true, store);
            segments.push(first);
        }
    }
    let start = reopen.log_start_offset.max(segments[0].base_offset);
    loaded.remove_stray_snapshots(&segments, store);
    let (producers, snapshot_offset) = loaded.load(&segments, start, end, reopen.clean, store);
    let segments = segments.into_iter().map(Arc::new).collect();
    let mut log = PartitionLog::from_segments(reopen.dir, reopen.config.clone(), segments, start, epochs);
    // After an unclean stop not all of it may be on stable storage: who loses power now has to look at it again (`LogLoader.recoverLog`).
    let is_flushed = reopen.clean || !reopen.config.rules.holds(Rule::FlushOrder);
    log.recovery_point = if is_flushed { end } else { reopen.recovery_point.min(end) };
    log.last_flush = store.now;
    (log.producers, log.snapshot_offset) = (producers, snapshot_offset);
    log.epochs.truncate_from_end(end);
    log.epochs.truncate_from_start(reopen.log_start_offset);
    log.write_epochs(store);
    log.doom(doomed, store);
    (log, cut)
}

struct Loader<'a> {
    reopen: &'a Reopen<'a>,
    files: &'a BTreeMap<String, Arc<File>>,
    epochs: LeaderEpochCache,
    producers: ProducerLoader,
    segments: Vec<Segment>,
    doomed: Vec<Arc<str>>,
}

impl Loader<'_> {
    /// `loadSegmentFiles`: a segment with no offset index, or with a broken index, is read from its beginning.
    fn load_segment_files(&mut self, store: &mut Store) {
        for (path, file) in self.files.iter() {
            let Some(base_offset) = offset_of(path) else { continue };
            let beside = |suffix| file_in(self.files, self.reopen.dir, &offset_file_name(base_offset, suffix));
            if path.ends_with(OFFSET_INDEX_SUFFIX) || path.ends_with(TIME_INDEX_SUFFIX) || path.ends_with(TRANSACTION_INDEX_SUFFIX) {
                if beside(LOG_SUFFIX).is_none() {
                    // An orphaned index.
                    let _ = store.disk.delete(path);
                }
                continue;
            }
            if !path.ends_with(LOG_SUFFIX) {
                continue;
            }
            let mut segment = Segment::empty(self.reopen.dir, base_offset, self.reopen.config.segment_index_bytes);
            let written = file.extents().next_back().map(Extent::written).unwrap_or_default();
            (segment.created_ms, segment.last_modified_ms) = (store.now.wall_ms(), written.wall_ms());
            read_segment(file, &mut segment);
            if let Some(txn_index) = beside(TRANSACTION_INDEX_SUFFIX) {
                segment.aborted = transaction_index::parse(&txn_index.written()).0;
            }
            match indexes(base_offset, beside(OFFSET_INDEX_SUFFIX), beside(TIME_INDEX_SUFFIX), self.reopen.config.segment_index_bytes) {
                Some(indexes) => {
                    segment.indexes = indexes;
                    self.segments.push(segment);
                }
                None => {
                    self.segments.push(segment);
                    self.recover_segment(self.segments.len() - 1, store);
                }
            }
        }
    }

    /// `recoverLog`: the segments that may not be whole. Behind the first wrong byte nothing is kept.
    fn recover_log(&mut self, store: &mut Store) -> Option<i64> {
        let first = self.segments.iter().rposition(|segment| segment.base_offset <= self.reopen.recovery_point).unwrap_or(0);
        for at in first..self.segments.len() {
            if self.recover_segment(at, store) {
                for segment in self.segments.drain(at + 1..) {
                    self.doomed.extend(segment.mark_deleted(true, store));
                    self.producers.forget(segment.base_offset);
                }
                return self.segments.last().map(Segment::next_offset);
            }
        }
        None
    }

    /// `LogSegment.recover`: checksums, and all indexes anew. Returns whether its tail was cut.
    fn recover_segment(&mut self, at: usize, store: &mut Store) -> bool {
        let (before, rest) = self.segments.split_at_mut(at);
        let Some(segment) = rest.first_mut() else { return false };
        let start = self.reopen.log_start_offset;
        let (mut producers, _) = self.producers.load(before, start, segment.base_offset, false, store);
        let checks_crc = self.reopen.config.rules.holds(Rule::CrcCheck);
        let whole = segment.batches.iter().take_while(|stored| !checks_crc || stored.batch.check_crc().is_ok()).count();
        let cut = segment.torn.take().is_some() || whole < segment.batches.len();
        let batches = std::mem::take(&mut segment.batches);
        segment.indexes = SegmentIndexes::new(segment.base_offset, self.reopen.config.segment_index_bytes);
        segment.aborted.clear();
        (segment.size_bytes, segment.first_timestamp) = (0, None);
        for batch in batches.into_iter().take(whole).map(|stored| stored.batch) {
            if batch.leader_epoch >= 0 && self.epochs.latest_epoch().is_none_or(|latest| batch.leader_epoch > latest) {
                self.epochs.assign(batch.leader_epoch, batch.base_offset);
            }
            if let Some(completed) = producers.remember(&batch) {
                segment.aborted.extend(completed.index_entry(&producers));
                producers.complete(&completed);
            }
            segment.remember(batch, self.reopen.config.index_interval_bytes);
        }
        segment.indexes.count_anew();
        let _ = segment.indexes.closed();
        let _ = store.disk.truncate(segment.log_path(), u64::from(segment.size_bytes));
        segment.write_indexes(store);
        self.producers.take_snapshot(segment.next_offset(), &producers, store);
        cut
    }
}

/// `removeTempFilesAndCollectSwapFiles` and what follows: a cleaning that had come to its end is finished, of any other nothing is left.
fn finish_swaps(files: &mut BTreeMap<String, Arc<File>>, dir: &str, store: &mut Store) {
    let delete = |files: &mut BTreeMap<String, Arc<File>>, store: &mut Store, goes: &dyn Fn(&str) -> bool| {
        let gone: Vec<String> = files.keys().filter(|path| goes(path)).cloned().collect();
        for path in gone {
            files.remove(&path);
            let _ = store.disk.delete(&path);
        }
    };
    let cleaned = files.keys().filter(|path| path.ends_with(CLEANED_SUFFIX)).filter_map(|path| offset_of(path)).min();
    let unfinished = |path: &str| path.ends_with(SWAP_SUFFIX) && cleaned.is_some_and(|cleaned| offset_of(path) >= Some(cleaned));
    delete(files, store, &|path| path.ends_with(DELETED_SUFFIX) || path.ends_with(CLEANED_SUFFIX) || unfinished(path));
    let swap_log = format!("{LOG_SUFFIX}{SWAP_SUFFIX}");
    let (mut from, mut to) = (i64::MAX, i64::MIN);
    for (path, file) in files.iter().filter(|(path, _)| path.ends_with(&swap_log)) {
        let Some(base_offset) = offset_of(path) else { continue };
        let mut segment = Segment::empty(dir, base_offset, 0);
        read_segment(file, &mut segment);
        (from, to) = (from.min(base_offset), to.max(segment.next_offset()));
    }
    let replaced = |path: &str| !path.ends_with(SWAP_SUFFIX) && offset_of(path).is_some_and(|offset| (from..to).contains(&offset));
    delete(files, store, &replaced);
    let swaps: Vec<String> = files.keys().filter(|path| path.ends_with(SWAP_SUFFIX)).cloned().collect();
    for path in swaps {
        let own = path.trim_end_matches(SWAP_SUFFIX).to_owned();
        let _ = store.disk.rename(&path, &own);
        if let Some(file) = files.remove(&path) {
            files.insert(own, file);
        }
    }
}

fn file_in<'a>(files: &'a BTreeMap<String, Arc<File>>, dir: &str, name: &str) -> Option<&'a Arc<File>> {
    files.get(&format!("{dir}/{name}"))
}

/// The indexes as they were found; `None` if the segment must be read to make them. A time index that is missing is taken for an empty one.
fn indexes(base_offset: i64, offsets: Option<&Arc<File>>, times: Option<&Arc<File>>, max_bytes: u32) -> Option<SegmentIndexes> {
    let offsets = offsets?.written();
    let times = times.map(|file| file.written()).unwrap_or_default();
    // What is preallocated is no entry, whoever wrote the file.
    OffsetIndex::sanity_check_file(base_offset, trim_zeros(&offsets, 8)).ok()?;
    TimeIndex::sanity_check_file(base_offset, trim_zeros(&times, 12)).ok()?;
    let offset_index = OffsetIndex::parse(base_offset, &offsets, max_bytes);
    Some(SegmentIndexes::open(offset_index, TimeIndex::parse(base_offset, &times, max_bytes)))
}

fn trim_zeros(bytes: &[u8], entry_bytes: usize) -> &[u8] {
    let used = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| (last + 1).next_multiple_of(entry_bytes));
    if used < bytes.len() { &bytes[..used] } else { bytes }
}

/// Takes in the batches of a segment file, unchecked, up to where it is torn. An extent is a batch as it was written; bytes of any other
/// shape are read as a stream.
fn read_segment(file: &File, segment: &mut Segment) {
    for extent in file.extents() {
        let batch = <[u8; 16]>::try_from(extent.head.as_slice()).ok().and_then(|head| from_parts(&head, &extent.body));
        match batch.filter(|batch| batch.base_offset >= segment.next_offset()) {
            Some(batch) => segment.take_in(batch),
            None if extent.head.as_slice().is_empty() => {
                let mut reader = SegmentReader::new(extent.body.bytes().clone(), || ChunkId(extent.body.id().0 ^ 1 << 61));
                reader.by_ref().for_each(|positioned| segment.take_in(positioned.batch));
                if reader.stop().is_some() {
                    break;
                }
            }
            None => break,
        }
    }
    if u64::from(segment.size_bytes) < file.len() {
        let bytes = file.written().slice(segment.size_bytes as usize..);
        segment.torn = Some(Torn { after: segment.batches.len(), position: segment.size_bytes, bytes });
        segment.size_bytes = file.len() as u32;
    }
}

fn from_parts(head: &[u8; 16], body: &Chunk) -> Option<Batch> {
    let base_offset = i64::from_be_bytes(head[..8].try_into().ok()?);
    let leader_epoch = i32::from_be_bytes(head[12..].try_into().ok()?);
    Batch::from_body(base_offset, leader_epoch, body.clone()).ok()
}
