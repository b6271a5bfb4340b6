//! The one queue. Order: (time, target, source, the source's own sequence number), so that a new knob on one process
//! does not reorder what others do.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use super::process::{ConnId, EventId, ProcessId, ReadId, Wanted};
use super::time::Time;

/// Something due.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    pub at: Time,
    pub target: ProcessId,
    pub source: ProcessId,
    pub seq: u64,
    pub cause: Option<EventId>,
    pub due: Due<T>,
}

/// What is due at its target.
#[derive(Clone, Debug)]
pub enum Due<T> {
    /// The process runs for the first time, or again.
    Boot {
        incarnation: u32,
    },
    Wake {
        incarnation: u32,
        generation: u64,
    },
    /// A connection request reaches its host.
    Syn {
        conn: ConnId,
    },
    /// The answer to it reaches the opener.
    Established {
        conn: ConnId,
    },
    Refused {
        conn: ConnId,
        unknown_host: bool,
    },
    /// The next thing on that lane may have arrived.
    Arrive {
        conn: ConnId,
        to_opener: bool,
    },
    Read {
        incarnation: u32,
        id: ReadId,
        /// Another machine's disk, by its name.
        host: Option<String>,
        wanted: Wanted,
    },
    Terminate {
        incarnation: u32,
    },
    Tell {
        told: T,
    },
}

impl<T> Entry<T> {
    fn key(&self) -> (Time, ProcessId, ProcessId, u64) {
        (self.at, self.target, self.source, self.seq)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

/// What is due, soonest first.
#[derive(Clone, Debug)]
pub struct Queue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
}

impl<T> Default for Queue<T> {
    fn default() -> Self {
        Queue { heap: BinaryHeap::new() }
    }
}

impl<T> Queue<T> {
    pub fn push(&mut self, entry: Entry<T>) {
        self.heap.push(Reverse(entry));
    }

    pub fn pop(&mut self) -> Option<Entry<T>> {
        self.heap.pop().map(|Reverse(entry)| entry)
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.at)
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }
}
