//! What of the disks is stored already, and so what has to be stored next: the difference between two instants.
//!
//! The mirror shares everything with the world, so it costs little more than the list of files. Nothing here knows IndexedDB: a [`Change`] is
//! plain data, and whoever stores the changes one after another has the disks as they were at the last (see [`super::stored`]).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::disk::{Disk, File};

/// A file of a host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileName {
    pub host: Arc<str>,
    pub path: Arc<str>,
}

/// How the disks of all hosts differ from what was stored before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Bytes that were not stored yet, each chunk once, however many files share it.
    pub chunks: Vec<(ChunkId, ChunkBytes)>,
    pub files: Vec<(FileName, FileChange)>,
    pub deleted: Vec<FileName>,
    /// Chunks that no file holds any more.
    pub unused: Vec<ChunkId>,
}

/// How one file differs from what was stored of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FileChange {
    /// So many of its extents are as stored.
    pub keep: u64,
    /// And behind them come these: the few bytes in front, and the chunk.
    pub extents: Vec<(Vec<u8>, ChunkId)>,
    /// Bytes from the start that a flush has made stable.
    pub flushed: u64,
}

/// Bytes, stored in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChunkBytes(pub Bytes);

impl Change {
    pub fn is_empty(&self) -> bool {
        self.chunks.is_empty() && self.files.is_empty() && self.deleted.is_empty() && self.unused.is_empty()
    }

    /// Bytes of all chunks.
    pub fn bytes(&self) -> u64 {
        self.chunks.iter().map(|(_, bytes)| bytes.0.len() as u64).sum()
    }
}

/// What was stored.
#[derive(Clone, Debug, Default)]
pub struct Mirror {
    files: BTreeMap<FileName, Arc<File>>,
    /// In how many places each stored chunk stands.
    holders: BTreeMap<ChunkId, u32>,
}

impl Mirror {
    /// What has to be stored so that the disks of these hosts are stored as they are now; from then on it counts as stored.
    ///
    /// `forked`: time was not simply running on since the last call, so that a file may have grown anew from an earlier state.
    pub fn advance<'a>(&mut self, disks: impl IntoIterator<Item = (&'a str, &'a Disk)>, forked: bool) -> Change {
        let mut change = Change::default();
        let mut gone: BTreeSet<FileName> = self.files.keys().cloned().collect();
        let mut loose = Vec::new();
        for (host, disk) in disks {
            let host: Arc<str> = host.into();
            for (path, file) in disk.files() {
                let name = FileName { host: host.clone(), path: path.clone() };
                gone.remove(&name);
                if self.files.get(&name).is_some_and(|stored| Arc::ptr_eq(stored, file)) {
                    continue;
                }
                self.file(name, file, forked, &mut change, &mut loose);
            }
        }
        for name in gone {
            loose.extend(self.files.remove(&name).iter().flat_map(|file| file.extents().map(|extent| extent.body.id())));
            change.deleted.push(name);
        }
        // Only now: a chunk may have gone from one file into another (a rename).
        change.unused = loose.into_iter().filter(|id| self.let_go(*id)).collect();
        change
    }

    /// The chunks that are stored and in use.
    pub fn chunks(&self) -> impl Iterator<Item = ChunkId> {
        self.holders.keys().copied()
    }

    /// The files that are stored.
    pub fn files(&self) -> impl Iterator<Item = (&FileName, &Arc<File>)> {
        self.files.iter()
    }

    fn file(&mut self, name: FileName, file: &Arc<File>, forked: bool, change: &mut Change, loose: &mut Vec<ChunkId>) {
        let stored = self.files.insert(name.clone(), file.clone());
        let keep = stored.as_ref().map_or(0, |stored| in_common(stored, file, forked));
        loose.extend(stored.iter().flat_map(|stored| stored.extents_from(keep)).map(|extent| extent.body.id()));
        let mut extents = Vec::new();
        for extent in file.extents_from(keep) {
            self.hold(&extent.body, change);
            extents.push((extent.head.as_slice().to_vec(), extent.body.id()));
        }
        change.files.push((name, FileChange { keep, extents, flushed: file.flushed() }));
    }

    fn hold(&mut self, chunk: &Chunk, change: &mut Change) {
        let holders = self.holders.entry(chunk.id()).or_default();
        *holders += 1;
        if *holders == 1 {
            change.chunks.push((chunk.id(), ChunkBytes(chunk.bytes().clone())));
        }
    }

    /// Whether that was the last holder.
    fn let_go(&mut self, id: ChunkId) -> bool {
        let Some(holders) = self.holders.get_mut(&id) else { return false };
        *holders -= 1;
        if *holders == 0 {
            self.holders.remove(&id);
        }
        !self.holders.contains_key(&id)
    }
}

/// How many extents two states of one file have in common, from the start.
fn in_common(before: &File, after: &File, forked: bool) -> u64 {
    let (old, new) = (before.extent_count(), after.extent_count());
    let shorter = old.min(new);
    // The usual case: the file has grown. An extent knows when it was written, so where time only ran on, the first and the last old one being still
    // in their places mean that all between them are. (A file that is replaced has another first one.)
    if !forked && ends_are_same(before, after, shorter) {
        return shorter;
    }
    before.extents().zip(after.extents()).take_while(|(a, b)| a == b).count() as u64
}

fn ends_are_same(before: &File, after: &File, count: u64) -> bool {
    let Some(last) = count.checked_sub(1) else { return true };
    let is_same = |at: u64| before.extent(at) == after.extent(at);
    is_same(last) && is_same(0) && before.extent(last).is_some_and(|extent| extent.written() > crate::sim::time::Time::ZERO)
}

impl Serialize for ChunkBytes {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for ChunkBytes {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<ChunkBytes, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = ChunkBytes;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<ChunkBytes, E> {
                Ok(ChunkBytes(Bytes::copy_from_slice(bytes)))
            }

            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<ChunkBytes, E> {
                Ok(ChunkBytes(bytes.into()))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}
