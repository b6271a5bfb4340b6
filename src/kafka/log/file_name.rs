//! The names of the files in a partition's folder (`LogFileUtils`).

/// What a file of a broker's disk is, told by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum FileKind {
    /// `00000000000000000000.log`
    Segment,
    /// `.index`
    OffsetIndex,
    /// `.timeindex`
    TimeIndex,
    /// `.txnindex`
    TransactionIndex,
    /// `.snapshot`: a partition's producers
    ProducerSnapshot,
    /// `END-EPOCH.checkpoint`: a snapshot of the metadata log, itself record batches (KIP-630)
    MetadataSnapshot,
    /// `leader-epoch-checkpoint`
    LeaderEpochCheckpoint,
    /// `recovery-point-`, `replication-`, `log-start-`, `cleaner-offset-checkpoint`
    OffsetCheckpoint,
    /// `meta.properties`
    MetaProperties,
    /// `partition.metadata`
    PartitionMetadata,
    Unknown,
}

pub const LOG_SUFFIX: &str = ".log";
pub const OFFSET_INDEX_SUFFIX: &str = ".index";
pub const TIME_INDEX_SUFFIX: &str = ".timeindex";
pub const TRANSACTION_INDEX_SUFFIX: &str = ".txnindex";
pub const PRODUCER_SNAPSHOT_SUFFIX: &str = ".snapshot";
/// Behind the suffix of a file that goes after file.delete.delay.ms.
pub const DELETED_SUFFIX: &str = ".deleted";
/// Behind the suffix of what the cleaner writes, and of what it is about to put in the place of others.
pub const CLEANED_SUFFIX: &str = ".cleaned";
pub const SWAP_SUFFIX: &str = ".swap";
pub const METADATA_SNAPSHOT_SUFFIX: &str = ".checkpoint";

impl FileKind {
    /// By the last part of a path.
    pub fn of(path: &str) -> FileKind {
        match file_name(path) {
            "leader-epoch-checkpoint" => FileKind::LeaderEpochCheckpoint,
            "meta.properties" => FileKind::MetaProperties,
            "partition.metadata" => FileKind::PartitionMetadata,
            name if name.ends_with("-offset-checkpoint") => FileKind::OffsetCheckpoint,
            name => match name.rfind('.').map(|dot| &name[dot..]) {
                Some(LOG_SUFFIX) => FileKind::Segment,
                Some(OFFSET_INDEX_SUFFIX) => FileKind::OffsetIndex,
                Some(TIME_INDEX_SUFFIX) => FileKind::TimeIndex,
                Some(TRANSACTION_INDEX_SUFFIX) => FileKind::TransactionIndex,
                Some(PRODUCER_SNAPSHOT_SUFFIX) => FileKind::ProducerSnapshot,
                Some(METADATA_SNAPSHOT_SUFFIX) => FileKind::MetadataSnapshot,
                _ => FileKind::Unknown,
            },
        }
    }
}

/// `00000000000000000042.log` for offset 42 and [`LOG_SUFFIX`]: twenty digits, so that names sort as offsets do.
pub fn offset_file_name(offset: i64, suffix: &str) -> String {
    format!("{offset:020}{suffix}")
}

/// The offset before the first dot of a file's name, if it is one.
pub fn offset_of(path: &str) -> Option<i64> {
    file_name(path).split('.').next()?.parse().ok()
}

/// End offset and epoch of a metadata snapshot's name.
pub fn metadata_snapshot_id(path: &str) -> Option<(i64, i32)> {
    let (offset, epoch) = file_name(path).strip_suffix(METADATA_SNAPSHOT_SUFFIX)?.split_once('-')?;
    Some((offset.parse().ok()?, epoch.parse().ok()?))
}

/// The last part of a path.
pub fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// A file of the same folder and the same offset: the `.log` beside an `.index`.
pub fn sibling(path: &str, suffix: &str) -> String {
    let name = file_name(path);
    let folder = &path[..path.len() - name.len()];
    format!("{folder}{}{suffix}", name.split('.').next().unwrap_or(name))
}
