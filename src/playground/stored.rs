//! A run as it is stored: a log of consistent cuts, folded now and then into a base, so that opening it does not take longer and longer.
//!
//! A [`Put`] is one cut: all that came since the one before, disks, journal and what the learner earned, of one virtual instant. It is stored whole
//! or not at all, so whatever moment the tab is killed at, what is found is some instant that was. A [`Fold`] replaces the puts so far by a [`Base`]
//! and their chunks by one pack; it, too, is stored whole or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::command::Command;
use super::journal::{Entry, Journal};
use super::mirror::{Change, ChunkBytes, FileName};
use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::disk::{File, Head};

/// What is stored is read by this version of Ottla only if it has this number.
pub const FORMAT: u32 = 1;

/// The instant that is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cut {
    pub at_us: u64,
    /// When the cluster was first ready: what a person's clock counts from.
    pub ready_us: u64,
    pub steps: u64,
    /// Of every event up to here.
    pub digest: u128,
    /// Whether the seed and the journal lead here: not if the run was once opened from its disks.
    pub can_be_replayed: bool,
}

/// One cut.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Put {
    pub cut: Cut,
    pub change: Change,
    /// So many commands are as stored, and behind them come these.
    pub journal_keep: u64,
    pub journal: Vec<Entry<Command>>,
    /// What the learner has earned, as the lesson keeps it, if it has changed.
    pub earned: Option<Vec<u8>>,
}

/// All that is stored but for the chunks' bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Base {
    pub cut: Cut,
    pub files: Vec<(FileName, StoredFile)>,
    pub journal: Vec<Entry<Command>>,
    pub earned: Vec<u8>,
}

/// A file: the few bytes in front of each chunk, and the chunk.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoredFile {
    pub extents: Vec<(Vec<u8>, ChunkId)>,
    pub flushed: u64,
}

/// Chunks that were stored together.
pub type Pack = Vec<(ChunkId, ChunkBytes)>;

/// What takes the place of the puts up to number `up_to`.
#[derive(Clone, Debug, PartialEq)]
pub struct Fold {
    pub up_to: u64,
    pub base: Base,
    /// The chunks of those puts that are still in use; its number is `up_to`.
    pub pack: Pack,
    /// Packs of which nothing is in use any more.
    pub dead_packs: Vec<u64>,
}

/// What was stored makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damaged {
    #[error("the stored file {path} of {host} refers to bytes that are not stored")]
    MissingChunk { host: String, path: String },
    #[error("a stored change does not fit what it changes")]
    Misfit,
}

/// A run as it was found.
#[derive(Clone, Debug, Default)]
pub struct Stored {
    pub cut: Cut,
    files: BTreeMap<FileName, StoredFile>,
    chunks: BTreeMap<ChunkId, Bytes>,
    journal: Vec<Entry<Command>>,
    pub earned: Vec<u8>,
}

/// The files of one host's disk, by path.
pub type Files = Vec<(Arc<str>, File)>;

impl Stored {
    /// Puts together what was found; `puts` in the order in which they were stored. `None`: nothing is stored.
    ///
    /// # Errors
    /// If it does not fit together.
    pub fn open(
        base: Option<Base>,
        packs: impl IntoIterator<Item = Pack>,
        puts: impl IntoIterator<Item = Put>,
    ) -> Result<Option<Stored>, Damaged> {
        let mut found = base.is_some();
        let base = base.unwrap_or_default();
        let mut stored = Stored {
            cut: base.cut,
            files: base.files.into_iter().collect(),
            chunks: BTreeMap::new(),
            journal: base.journal,
            earned: base.earned,
        };
        stored.chunks.extend(packs.into_iter().flatten().map(|(id, bytes)| (id, bytes.0)));
        for put in puts {
            found = true;
            stored.apply(put)?;
        }
        Ok(found.then_some(stored))
    }

    /// The commands of the run.
    pub fn journal(&self) -> Journal<Command> {
        let mut journal = Journal::default();
        self.journal.iter().for_each(|entry| journal.push(entry.clone()));
        journal
    }

    /// Whether the bytes of a chunk are stored.
    pub fn has_chunk(&self, id: ChunkId) -> bool {
        self.chunks.contains_key(&id)
    }

    /// The disks, host by host. Chunks get the ids of bytes that come from outside: the processes that will write to these disks count theirs anew.
    ///
    /// # Errors
    /// If bytes are missing.
    pub fn disks(&self) -> Result<BTreeMap<Arc<str>, Files>, Damaged> {
        let chunks: BTreeMap<ChunkId, Chunk> =
            self.chunks.iter().zip(0..).map(|((&id, bytes), n)| (id, Chunk::outside(n, bytes.clone()))).collect();
        let mut disks: BTreeMap<Arc<str>, Files> = BTreeMap::new();
        for (name, file) in &self.files {
            let extent = |(head, id): &(Vec<u8>, ChunkId)| Some((Head::from_slice(head)?, chunks.get(id)?.clone()));
            let extents: Option<Vec<(Head, Chunk)>> = file.extents.iter().map(extent).collect();
            let missing = || Damaged::MissingChunk { host: name.host.to_string(), path: name.path.to_string() };
            let file = File::restore(extents.ok_or_else(missing)?, file.flushed);
            disks.entry(name.host.clone()).or_default().push((name.path.clone(), file));
        }
        Ok(disks)
    }

    fn apply(&mut self, put: Put) -> Result<(), Damaged> {
        let Put { cut, change, journal_keep, journal, earned } = put;
        self.chunks.extend(change.chunks.into_iter().map(|(id, bytes)| (id, bytes.0)));
        for (name, change) in change.files {
            let file = self.files.entry(name).or_default();
            if change.keep > file.extents.len() as u64 {
                return Err(Damaged::Misfit);
            }
            file.extents.truncate(change.keep as usize);
            file.extents.extend(change.extents);
            file.flushed = change.flushed;
        }
        change.deleted.iter().for_each(|name| drop(self.files.remove(name)));
        change.unused.iter().for_each(|id| drop(self.chunks.remove(id)));
        if journal_keep > self.journal.len() as u64 {
            return Err(Damaged::Misfit);
        }
        self.journal.truncate(journal_keep as usize);
        self.journal.extend(journal);
        self.earned = earned.unwrap_or(std::mem::take(&mut self.earned));
        self.cut = cut;
        Ok(())
    }
}
