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
    /// All links are mended.
    HealAll,
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
}
