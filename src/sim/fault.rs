//! What can be done to processes, hosts and links. A closed set; a person, a lesson, a fuzzer and a terminal all use it.

use serde::{Deserialize, Serialize};

/// Something done to a host or a link from outside. Hosts go by name (`kafka-1`).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Fault {
    /// SIGKILL of the host's processes: memory is lost, the disk's page cache is not, connections are reset.
    Kill { host: String },
    /// The plug is pulled: memory and unflushed bytes are lost, peers hear nothing.
    PowerCut { host: String },
    /// SIGTERM: the process may end in its own orderly way.
    Stop { host: String },
    /// Start what was killed, stopped or cut off from power.
    Start { host: String },
    /// SIGSTOP: nothing runs, connections stay open (a very long GC pause).
    Pause { host: String },
    /// SIGCONT.
    Resume { host: String },
    /// Packets between two hosts are dropped, both ways.
    Cut { a: String, b: String },
    /// Packets between two hosts flow again.
    Heal { a: String, b: String },
    /// All links are mended: nothing is cut, nothing is lost, nothing is slowed.
    HealAll,
    /// Packets from one host to another are dropped; the other way they flow.
    CutOneWay { from: String, to: String },
    /// Packets from one host to another flow again.
    HealOneWay { from: String, to: String },
    /// So many packets in a thousand between two hosts are lost, both ways: TCP sends them again, which takes time. 0: none.
    Lose { a: String, b: String, permille: u16 },
    /// The host's disk takes so long over each step in which something is written, and the process waits for it. 0: as fast as ever.
    SlowDisk { host: String, delay_us: u32 },
    /// Another program has filled the host's disk: nothing more can be written.
    FillDisk { host: String },
    /// There is room on the host's disk again.
    FreeDisk { host: String },
    /// The device below a folder of the host (below all, if it is empty) breaks: what is there can be neither read nor written.
    BreakDisk { host: String, folder: String },
    /// It works again, with all that was on it.
    MendDisk { host: String, folder: String },
    /// The host's clock is wrong by so much (ahead: positive) from now on; 0: it is right.
    SkewClock { host: String, ms: i64 },
    /// A bit of the last thing written to a file flips, while nothing runs on its host.
    FlipBit { host: String, path: String },
    /// As [`Fault::CutOneWay`], but it is the sender that drops them, by its own rule (iptables' OUTPUT).
    CutAtSender { from: String, to: String },
    /// What leaves a host is slowed, and lost in part.
    Shape { host: String, shaping: Shaping },
}

/// What a host does to all that leaves it (`tc qdisc ... netem`). All zero: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Shaping {
    pub delay_us: u64,
    /// Up to so much more or less, at random.
    pub jitter_us: u64,
    /// So many packets of a million are lost. A connection sends them again after a while; at a million it is as if the links were cut.
    pub lost_ppm: u32,
}

impl Shaping {
    /// Everything is lost.
    pub const ALL_LOST: u32 = 1_000_000;

    pub fn is_nothing(&self) -> bool {
        *self == Shaping::default()
    }
}

/// Why a fault could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    #[error("there is no host called {0}")]
    UnknownHost(String),
    #[error("nothing runs on {0}: it was {1}")]
    NotRunning(String, &'static str),
    #[error("{0} is already running")]
    AlreadyRunning(String),
    #[error("{0} is not paused")]
    NotPaused(String),
    #[error("{0} runs")]
    Runs(String),
    #[error("there is nothing in {1} on {0}")]
    NoFile(String, String),
}

/// What the simulation itself reports of its hosts and links. Embedded into the model's own event type.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Occurrence {
    Started {
        host: String,
    },
    Killed {
        host: String,
    },
    PowerLost {
        host: String,
    },
    /// The process was asked to end (SIGTERM).
    Stopping {
        host: String,
    },
    /// The process ended by itself.
    Exited {
        host: String,
        status: i32,
    },
    Paused {
        host: String,
    },
    Resumed {
        host: String,
    },
    LinkCut {
        a: String,
        b: String,
    },
    LinkHealed {
        a: String,
        b: String,
    },
    LinkCutOneWay {
        from: String,
        to: String,
    },
    LinkHealedOneWay {
        from: String,
        to: String,
    },
    /// Of a thousand packets so many are lost from now on.
    LinkLossy {
        a: String,
        b: String,
        permille: u16,
    },
    DiskSlow {
        host: String,
        delay_us: u32,
    },
    DiskFilled {
        host: String,
    },
    DiskFreed {
        host: String,
    },
    DiskBroken {
        host: String,
        folder: String,
    },
    DiskMended {
        host: String,
        folder: String,
    },
    ClockSkewed {
        host: String,
        ms: i64,
    },
    BitFlipped {
        host: String,
        path: String,
    },
    /// What leaves the host is treated so from now on.
    Shaped {
        host: String,
        shaping: Shaping,
    },
}
