//! A file of a host's disk: immutable extents, and how much of them is on stable storage.

use bytes::{Bytes, BytesMut};

use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::time::{Duration, Time};

/// After this long the kernel has written a dirty page back by itself (Linux: vm.dirty_expire_centisecs = 30 s).
pub const WRITEBACK: Duration = Duration::secs(30);

/// So much of a hole is read: a segment that is preallocated in full (1 GiB) takes no room on the disk, and must not take it in memory.
/// An index is shorter (10 MiB).
pub const HOLE_READ: u64 = 16 << 20;

/// A run of a file's bytes: up to 16 of its own, then a shared chunk. (A record batch: what the leader sets, then the rest.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    pub head: Head,
    pub body: Chunk,
    pub(super) written: Time,
}

/// The few bytes in front of a shared chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    len: u8,
    bytes: [u8; 16],
}

impl Head {
    pub const EMPTY: Head = Head { len: 0, bytes: [0; 16] };

    pub fn new(bytes: [u8; 16]) -> Head {
        Head { len: 16, bytes }
    }

    /// As it stands in a stored file: nothing, or sixteen bytes.
    pub fn from_slice(bytes: &[u8]) -> Option<Head> {
        match bytes.len() {
            0 => Some(Head::EMPTY),
            _ => bytes.try_into().ok().map(Head::new),
        }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl Extent {
    /// When it was written; zero if it was found on a stored disk.
    pub fn written(&self) -> Time {
        self.written
    }

    pub fn len(&self) -> u64 {
        u64::from(self.head.len) + self.body.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A file: extents in order. Cloning shares them.
#[derive(Clone, Debug, Default)]
pub struct File {
    extents: imbl::Vector<Extent>,
    pub(super) len: u64,
    /// Bytes from the start that an explicit flush has made stable.
    pub(super) flushed: u64,
    /// The file reaches at least so far: behind what was written it is a hole, which reads as zeros and takes no room.
    pub(super) allocated: u64,
}

impl File {
    /// The bytes that were written.
    pub fn len(&self) -> u64 {
        self.len
    }

    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// What `ls` shows: the bytes that were written, and the hole behind them.
    pub fn size(&self) -> u64 {
        self.len.max(self.allocated)
    }

    pub fn flushed(&self) -> u64 {
        self.flushed
    }

    pub fn extents(&self) -> impl DoubleEndedIterator<Item = &Extent> {
        self.extents.iter()
    }

    /// The extents from number `from` on.
    pub fn extents_from(&self, from: u64) -> impl Iterator<Item = &Extent> {
        (from as usize..self.extents.len()).map(|i| &self.extents[i])
    }

    pub fn extent(&self, number: u64) -> Option<&Extent> {
        self.extents.get(number as usize)
    }

    pub fn extent_count(&self) -> u64 {
        self.extents.len() as u64
    }

    /// All bytes in one piece, zeros for a hole, at most [`HOLE_READ`] of them (a copy, unless the file is one chunk).
    pub fn read(&self) -> Bytes {
        if self.allocated > self.len {
            let mut bytes = BytesMut::from(&self.written()[..]);
            bytes.resize(self.allocated.min(self.len + HOLE_READ) as usize, 0);
            return bytes.freeze();
        }
        self.written()
    }

    /// As [`File::read`], without a hole.
    pub fn written(&self) -> Bytes {
        if self.extents.len() == 1 && self.extents[0].head.len == 0 {
            return self.extents[0].body.bytes().clone();
        }
        let mut bytes = BytesMut::with_capacity(self.len as usize);
        for extent in &self.extents {
            bytes.extend_from_slice(extent.head.as_slice());
            bytes.extend_from_slice(extent.body.bytes());
        }
        bytes.freeze()
    }

    /// Appends bytes as they were found on a stored disk; used when a world is opened again.
    pub fn restore(extents: impl IntoIterator<Item = (Head, Chunk)>, flushed: u64) -> File {
        let mut file = File::default();
        for (head, body) in extents {
            file.push(Extent { head, body, written: Time::ZERO });
        }
        file.flushed = flushed.min(file.len);
        file
    }

    pub(super) fn push(&mut self, extent: Extent) {
        self.len += extent.len();
        self.extents.push_back(extent);
    }

    /// Keeps the first `len` bytes. An extent that is cut in two keeps sharing its bytes under its chunk's id.
    pub(super) fn truncate(&mut self, len: u64) {
        while self.len > len {
            let Some(last) = self.extents.pop_back() else { break };
            self.len -= last.len();
            if self.len < len {
                let keep = (len - self.len) as usize;
                let mut bytes = BytesMut::with_capacity(keep);
                bytes.extend_from_slice(last.head.as_slice());
                bytes.extend_from_slice(last.body.bytes());
                bytes.truncate(keep);
                // A torn extent is new content: it must not pass for the whole chunk.
                let torn = ChunkId(last.body.id().0 ^ (keep as u64) << 48 ^ 1 << 63);
                self.push(Extent { head: Head::EMPTY, body: Chunk::new(torn, bytes.freeze()), written: last.written });
            }
        }
        self.flushed = self.flushed.min(self.len);
    }

    /// Flips a bit in the middle of the last extent. Returns whether there is one.
    pub(super) fn flip_bit(&mut self) -> bool {
        let Some(last) = self.extents.last().filter(|last| !last.body.bytes().is_empty()) else { return false };
        let mut bytes = BytesMut::from(&last.body.bytes()[..]);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        // New content: it must not pass for the old.
        let id = ChunkId(last.body.id().0 ^ 1 << 63);
        let flipped = Extent { body: Chunk::new(id, bytes.freeze()), ..last.clone() };
        self.extents.pop_back();
        self.extents.push_back(flipped);
        true
    }

    /// What survives a power cut at `now`.
    pub(super) fn lose_unstable(&mut self, now: Time) {
        let mut stable = 0;
        for extent in &self.extents {
            let end = stable + extent.len();
            if end > self.flushed && extent.written + WRITEBACK > now {
                break;
            }
            stable = end;
        }
        self.truncate(stable.max(self.flushed));
    }
}
