//! What a process is: it owns its state, is stepped with one input at a time, and answers only through its outbox.

use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::chunk::{Chunk, ChunkId};
use super::disk::{Disk, File};
use super::fault::{Fault, Occurrence};
use super::rng::Rng;
use super::time::{Duration, Time};

/// A process's number: given in the order of spawning, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessId(pub u32);

/// A connection: who opened it, as the how-manieth. Both ends use the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId {
    pub opener: ProcessId,
    pub n: u32,
}

/// An event's number in its run, from 0 without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u64);

/// A request for bytes of the own disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReadId(pub u32);

/// The types that a simulation is about.
pub trait Model: Clone + Debug + 'static {
    /// What travels on connections.
    type Frame: Frame;
    /// What processes report; tests, goals, metrics and the stage read nothing else.
    type Event: Clone + Debug + Hash + From<Occurrence>;
    /// What is said to a process from outside (a line typed into a terminal).
    type Tell: Clone + Debug;
    /// From what a process is made, again at each start.
    type Spec: Clone + Debug;
    type Process: Process<Self>;

    /// A fresh process, as at its start: all that it kept is on its disk.
    fn boot(spec: &Self::Spec, boot: &Boot) -> Self::Process;

    /// From asking for a start until the process runs (a JVM takes seconds).
    fn start_up(spec: &Self::Spec) -> Duration;
}

/// What a process knows at its start.
#[derive(Clone, Debug)]
pub struct Boot {
    pub id: ProcessId,
    pub host: String,
    /// How often this process was started before.
    pub incarnation: u32,
}

/// A message on a connection.
pub trait Frame: Clone + Debug {
    /// Bytes on the wire.
    fn size_bytes(&self) -> u64;
}

/// A process: one synchronous entry, state of its own.
pub trait Process<M: Model>: Clone + Debug {
    fn step(&mut self, now: Time, input: Input<M::Frame, M::Tell>, out: &mut Outbox<M::Frame, M::Event>);

    /// When the process wants [`Input::Wake`] at the latest. Asked after every step; waking early is harmless.
    fn next_wake(&self) -> Option<Time>;
}

/// What reaches a process.
#[derive(Clone, Debug)]
pub enum Input<F, T> {
    /// The first input of every incarnation.
    Start,
    /// The time of [`Process::next_wake`] has come (or an earlier one's).
    Wake,
    /// A connection this process opened is established.
    Connected(ConnId),
    /// Somebody connected to a port this process listens on; `from`: the name of its host.
    Accepted {
        conn: ConnId,
        port: u16,
        from: String,
    },
    Frame(ConnId, F),
    /// The connection is gone; nothing more comes on it.
    Closed(ConnId, CloseReason),
    /// The answer to `Outbox::read`; `None` if there is no such file.
    Read(ReadId, Option<Arc<File>>),
    /// SIGTERM: end in an orderly way, then `Outbox::exit`.
    Terminate,
    Told(T),
}

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum CloseReason {
    /// The peer closed it, or its process ended in an orderly way.
    Closed,
    /// The peer's process was killed, or knows nothing of this connection.
    Reset,
    /// Nothing listens there.
    Refused,
    /// The host name does not resolve.
    UnknownHost,
}

/// What must be missing for an event to happen, named so that "why?" can find out why it was missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Absent {
    /// Something from this host did not come.
    Host(String),
    /// Something between these hosts did not come.
    Between(String, String),
}

/// What a step wants done, in order.
#[derive(Debug)]
pub enum Effect<F> {
    Connect {
        conn: ConnId,
        host: String,
        port: u16,
    },
    Send {
        conn: ConnId,
        frame: Arc<F>,
        cause: Option<EventId>,
    },
    Close {
        conn: ConnId,
    },
    Listen {
        port: u16,
    },
    /// Of the own disk, or another host's.
    Read {
        id: ReadId,
        host: Option<String>,
        wanted: Wanted,
    },
    Fault {
        fault: Fault,
        cause: Option<EventId>,
    },
    Exit {
        status: i32,
    },
}

/// What is wanted of a disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A file's contents; of a path that ends in `/` the names in that folder, a line each.
    File(String),
    /// A line for each file: its length, when it was last written (microseconds), its path, with tabs between them.
    Listing,
    /// How all machines are, as somebody at their consoles sees it; no network is needed for that. A line each, with tabs between its parts:
    /// `host NAME STATE SINCE_US DELAY_US JITTER_US LOST_PPM`, then `cut FROM TO sender|receiver` for each direction that is cut.
    Machines,
    /// How a machine's disk is, as somebody at its console sees it: `there` or `nothing`, by whether anything lies in the folder; then a line for
    /// each folder below which the disk is broken.
    Disk { host: String, folder: String },
}

/// An event as it happened.
#[derive(Clone, Debug)]
pub struct Recorded<E> {
    pub id: EventId,
    pub at: Time,
    /// Who reported it; `None`: the simulation itself.
    pub process: Option<ProcessId>,
    /// What set it off.
    pub trigger: Option<EventId>,
    /// What kept the expected thing from happening.
    pub blockers: Vec<EventId>,
    pub event: E,
}

/// Everything a process can do to the world.
pub struct Outbox<'a, F, E> {
    pub(super) now: Time,
    pub(super) process: ProcessId,
    pub(super) effects: &'a mut Vec<Effect<F>>,
    pub(super) events: &'a mut Vec<(Recorded<E>, Vec<Absent>)>,
    pub(super) disk: &'a mut Disk,
    pub(super) rng: &'a mut Rng,
    pub(super) next_event: &'a mut EventId,
    pub(super) counters: &'a mut Counters,
    pub(super) branch: u16,
    pub(super) cause: Option<EventId>,
}

/// What a process has handed out so far; kept across its restarts, so that ids never come twice.
#[derive(Clone, Debug, Default)]
pub struct Counters {
    pub(super) conns: u32,
    pub(super) reads: u32,
    pub(super) chunks: u64,
}

/// A process's disk, its time, and fresh chunk ids: all that writing files needs.
pub struct Store<'a> {
    pub now: Time,
    pub disk: &'a mut Disk,
    pub ids: ChunkIds<'a>,
}

/// Hands out chunk ids: 11 bits of branch, 12 of process, 40 of counter.
pub struct ChunkIds<'a> {
    branch: u16,
    process: ProcessId,
    next: &'a mut u64,
}

impl<'a> ChunkIds<'a> {
    /// Ids of a process on the first branch of time, counted by `next`.
    pub fn new(process: ProcessId, next: &'a mut u64) -> ChunkIds<'a> {
        ChunkIds { branch: 0, process, next }
    }

    pub fn next_id(&mut self) -> ChunkId {
        let n = *self.next;
        *self.next += 1;
        ChunkId(u64::from(self.branch & 0x7ff) << 52 | u64::from(self.process.0 & 0xfff) << 40 | (n & 0xff_ffff_ffff))
    }
}

impl Store<'_> {
    pub fn chunk(&mut self, bytes: Bytes) -> Chunk {
        Chunk::new(self.ids.next_id(), bytes)
    }

    /// Replaces a small file (a checkpoint) by this text, stable at once. A full disk leaves the old one; returns whether it was replaced.
    /// (A checkpoint that cannot be written is written again at the next chance, as in Kafka.)
    pub fn replace_text(&mut self, path: &str, text: String) -> bool {
        let chunk = self.chunk(Bytes::from(text));
        self.disk.replace(self.now, path, chunk).is_ok()
    }
}

impl<F, E> Outbox<'_, F, E> {
    pub fn now(&self) -> Time {
        self.now
    }

    /// This process's own number.
    pub fn process(&self) -> ProcessId {
        self.process
    }

    /// Opens a connection to a host by name. `Connected` or `Closed` follows, or nothing if packets are lost.
    pub fn connect(&mut self, host: &str, port: u16) -> ConnId {
        let conn = ConnId { opener: self.process, n: self.counters.conns };
        self.counters.conns += 1;
        self.effects.push(Effect::Connect { conn, host: host.to_owned(), port });
        conn
    }

    /// Accepts connections on a port from now on.
    pub fn listen(&mut self, port: u16) {
        self.effects.push(Effect::Listen { port });
    }

    /// Sends a frame; on a connection that is gone it is lost.
    pub fn send(&mut self, conn: ConnId, frame: F) {
        self.effects.push(Effect::Send { conn, frame: Arc::new(frame), cause: self.cause });
    }

    /// Closes a connection behind what was sent; no `Closed` comes back.
    pub fn close(&mut self, conn: ConnId) {
        self.effects.push(Effect::Close { conn });
    }

    /// Reports an event, set off by [`Outbox::cause`].
    pub fn emit(&mut self, event: E) -> EventId {
        self.emit_without(event, Vec::new())
    }

    /// Reports an event that happened because something was absent.
    pub fn emit_without(&mut self, event: E, absent: Vec<Absent>) -> EventId {
        let id = *self.next_event;
        self.next_event.0 += 1;
        let recorded = Recorded { id, at: self.now, process: Some(self.process), trigger: self.cause, blockers: Vec::new(), event };
        self.events.push((recorded, absent));
        id
    }

    /// What set this step off, and so what it sends and emits.
    pub fn cause(&self) -> Option<EventId> {
        self.cause
    }

    /// From here on, what this step sends and emits was set off by `cause`.
    pub fn because(&mut self, cause: Option<EventId>) {
        self.cause = cause;
    }

    /// The own disk, to write to. Reading goes through [`Outbox::read`].
    pub fn disk(&mut self) -> &mut Disk {
        self.disk
    }

    /// The own disk together with what writing to it needs.
    pub fn store(&mut self) -> Store<'_> {
        let ids = ChunkIds { branch: self.branch, process: self.process, next: &mut self.counters.chunks };
        Store { now: self.now, disk: self.disk, ids }
    }

    /// Asks for a file's contents; they come as [`Input::Read`].
    pub fn read(&mut self, path: &str) -> ReadId {
        self.ask_for(None, Wanted::File(path.to_owned()))
    }

    /// As [`Outbox::read`] of another host's disk, as a person who is logged in there reads it. Of a path that ends in `/` the answer is the
    /// names in that folder, a line each.
    pub fn read_of(&mut self, host: &str, path: &str) -> ReadId {
        self.ask_for(Some(host.to_owned()), Wanted::File(path.to_owned()))
    }

    /// Asks for the [`Wanted::Listing`] of another host's disk; it comes as a file's contents, or nothing if the host cannot be reached.
    pub fn list_of(&mut self, host: &str) -> ReadId {
        self.ask_for(Some(host.to_owned()), Wanted::Listing)
    }

    /// Asks for [`Wanted::Machines`]; they come as a file's contents.
    pub fn machines(&mut self) -> ReadId {
        self.ask_for(None, Wanted::Machines)
    }

    /// Asks for [`Wanted::Disk`]; it comes as a file's contents, or nothing if there is no such host.
    pub fn disk_of(&mut self, host: &str, folder: &str) -> ReadId {
        self.ask_for(None, Wanted::Disk { host: host.to_owned(), folder: folder.to_owned() })
    }

    fn ask_for(&mut self, host: Option<String>, wanted: Wanted) -> ReadId {
        let id = ReadId(self.counters.reads);
        self.counters.reads = self.counters.reads.wrapping_add(1);
        self.effects.push(Effect::Read { id, host, wanted });
        id
    }

    /// Gives bytes an identity.
    pub fn chunk(&mut self, bytes: Bytes) -> Chunk {
        Chunk::new(self.chunk_id(), bytes)
    }

    pub fn chunk_id(&mut self) -> ChunkId {
        self.store().ids.next_id()
    }

    pub fn rng(&mut self) -> &mut Rng {
        self.rng
    }

    /// Does something to a host or link, as a person at a terminal would.
    pub fn fault(&mut self, fault: Fault) {
        self.effects.push(Effect::Fault { fault, cause: self.cause });
    }

    /// Ends this process: its connections are closed, its memory is gone.
    pub fn exit(&mut self, status: i32) {
        self.effects.push(Effect::Exit { status });
    }

    /// A wait of `base` plus up to `jitter`, from this process's stream.
    pub fn jittered(&mut self, base: Duration, jitter: Duration) -> Duration {
        Duration(base.0 + self.rng.below(jitter.0 + 1))
    }
}
