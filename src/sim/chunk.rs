//! Immutable bytes with an identity, shared by every log, checkpoint, branch and mirror that holds them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

/// Names a chunk within one world and all its branches: who made it, on which branch, as the how-manieth.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct ChunkId(pub u64);

/// Immutable bytes, cheap to clone. Equality is identity (`id`), since the same id always has the same bytes.
#[derive(Clone, Debug)]
pub struct Chunk(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    id: ChunkId,
    bytes: Bytes,
    /// A checksum over these bytes was computed and fitted. Memory only: a chunk that was reloaded or damaged is a new one.
    verified: AtomicBool,
    /// This program's own encoder wrote what is in these bytes. Memory only, as above.
    well_formed: AtomicBool,
}

impl Chunk {
    pub fn new(id: ChunkId, bytes: Bytes) -> Chunk {
        Chunk(Arc::new(Inner { id, bytes, verified: AtomicBool::new(false), well_formed: AtomicBool::new(false) }))
    }

    /// Bytes that come from outside the simulation (a stored disk): the `n`th of them. No process ever makes such an id.
    pub fn outside(n: u64, bytes: Bytes) -> Chunk {
        Chunk::new(ChunkId(1 << 62 | n), bytes)
    }

    pub fn id(&self) -> ChunkId {
        self.0.id
    }

    pub fn bytes(&self) -> &Bytes {
        &self.0.bytes
    }

    pub fn len(&self) -> u64 {
        self.0.bytes.len() as u64
    }

    pub fn is_empty(&self) -> bool {
        self.0.bytes.is_empty()
    }

    /// Whether somebody already found the checksum of these bytes right.
    pub fn is_verified(&self) -> bool {
        self.0.verified.load(Ordering::Relaxed)
    }

    pub fn mark_verified(&self) {
        self.0.verified.store(true, Ordering::Relaxed);
    }

    /// Whether what is in these bytes need not be looked through: this program's own encoder wrote it.
    pub fn is_well_formed(&self) -> bool {
        self.0.well_formed.load(Ordering::Relaxed)
    }

    pub fn mark_well_formed(&self) {
        self.0.well_formed.store(true, Ordering::Relaxed);
    }

    /// How many holders share these bytes.
    pub fn holders(&self) -> usize {
        Arc::strong_count(&self.0)
    }
}

impl PartialEq for Chunk {
    fn eq(&self, other: &Chunk) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Chunk {}
