//! What the worker and the page say to each other: plain data, encoded by gloo-worker's codec (bincode), so nothing here may need a
//! self-describing format.
//!
//! The worker owns the world and time. The page draws, and sends what a person wants. Virtual times are microseconds since the run began;
//! the page shows them from `ready_us` on.

use serde::{Deserialize, Serialize};

use crate::lesson::model::Lesson;
use crate::playground::command::Command;
use crate::playground::snapshot::Snapshot;
use crate::playground::spec::ClusterSpec;

/// From the page to the worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum ToWorker {
    /// The first message: what to run. Answered by [`FromWorker::Ready`] or [`FromWorker::Choice`].
    Open(Open),
    Play,
    Pause,
    /// Virtual seconds for each real second, at most: 0.001 to 100 (0 = as fast as it goes).
    Speed(f64),
    /// To the next event, then stand still.
    StepEvent,
    /// By so many microseconds, then stand still.
    StepBy(u64),
    /// To an instant, back or forth; stands still there.
    Seek(u64),
    /// Done now. While rewound it forks: the old future becomes a branch.
    Do(Command),
    /// What could stand at the cursor (in bytes) of a terminal line.
    Complete {
        session: u32,
        line: String,
        cursor: u32,
    },
    /// Lines of the event list that contain `text`, newest first, at most `limit`.
    Events {
        text: String,
        limit: u32,
    },
    /// Why this event happened.
    Why {
        event: u64,
    },
    /// A `predict` block was answered.
    Predict {
        id: String,
        choice: u32,
    },
    /// A frame of the view of this instant, in full: time goes back to it and stands still, for it may have arrived since.
    /// Answered by [`FromWorker::FrameReport`].
    Frame {
        key: u64,
        at_us: u64,
    },
    /// An alert line for a rate, in records per second; `None` removes it.
    Alert {
        below: Option<u32>,
    },
    /// A file of the terminals' folder is wanted. Answered by [`FromWorker::Exported`].
    TakeFile {
        name: String,
    },
    /// A file was dropped on the page.
    File {
        name: String,
        bytes: Vec<u8>,
    },
    /// The page is hidden (`false`): no views are wanted until it is shown again.
    Visible(bool),
    /// What to do about a stored run that cannot simply be opened.
    Choose(StoredChoice),
    /// Everything of this run, to be saved by the person.
    Export,
    /// In the place of [`ToWorker::Open`], to another worker after the first one died: the run that this would open, as it is stored.
    /// Answered by [`FromWorker::Exported`] or [`FromWorker::Refused`].
    ExportStored(Open),
    /// In the place of [`ToWorker::Open`]: run the measured load, and answer with [`FromWorker::Benched`].
    Bench,
}

/// What to run.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Open {
    /// With it comes the lesson's cluster. Without: `cluster`.
    pub lesson: Option<Box<Lesson>>,
    pub cluster: Option<ClusterSpec>,
    pub seed: Option<u64>,
    /// Begin anew even if a run of this lesson is stored.
    pub fresh: bool,
    /// Keep nothing in IndexedDB.
    pub memory_only: bool,
}

/// From the worker to the page.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum FromWorker {
    /// The cluster runs. Everything else follows.
    Ready {
        ready_us: u64,
        restored: Restored,
    },
    /// How virtual time runs, when that changes and at most ten times a second.
    Clock(Clock),
    /// What is visible, at most once a frame while it changes.
    View(Box<Snapshot>),
    /// The time bar: at most ten times a second, when it changes.
    Timeline(Timeline),
    /// Text for a terminal session, in order.
    Terminal {
        session: u32,
        output: Vec<TerminalOutput>,
        prompt: Prompt,
    },
    /// A terminal session as a whole: after a seek, a fork, or at the start.
    TerminalReset {
        session: u32,
        output: Vec<TerminalOutput>,
        prompt: Prompt,
        /// The commands that were entered, oldest first.
        commands: Vec<String>,
    },
    Completions {
        session: u32,
        line: String,
        from: u32,
        candidates: Vec<String>,
    },
    /// The files of the terminals' folder, by name, when they change.
    Folder(Vec<FolderFile>),
    Goals(Vec<GoalView>),
    /// Throughput samples since the last message; `reset` after a seek.
    Metrics {
        reset: bool,
        samples: Vec<Sample>,
    },
    Events(Vec<EventLine>),
    /// Another future: events from this number on will not be.
    EventsCut {
        from: u64,
    },
    /// The chain of causes, the asked-for event first.
    Why {
        event: u64,
        chain: Vec<EventLine>,
    },
    /// The answer to a prediction: which choices are right.
    Predicted {
        id: String,
        right: Vec<u32>,
    },
    Storage(Storage),
    /// A stored run cannot simply be opened: the person chooses.
    Choice {
        message: String,
        options: Vec<StoredChoice>,
    },
    Exported {
        name: String,
        bytes: Vec<u8>,
    },
    /// What a dropped file holds, as kafka-dump-log prints it; where it stops making sense, the text says so.
    FileReport {
        name: String,
        text: String,
    },
    /// What a frame says, field by field.
    FrameReport {
        title: String,
        text: String,
    },
    /// Something the page asked for could not be done.
    Refused(String),
    Benched(Benched),
    /// The worker is about to die of a bug.
    Panicked {
        message: String,
    },
}

/// What `ottla bench --browser` measures in the worker; the names are those of BENCHMARKS.md.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Benched {
    /// Records acknowledged and consumed once, per real second, with the stage and the mirror on.
    pub tab_records_per_s: f64,
    /// Megabytes of chunks a second, from what changed on the disks until it is stored.
    pub persist_mb_per_s: f64,
    /// Blobs of 1 MiB, a transaction each.
    pub raw_idb_mb_per_s: f64,
    /// Of the run that every build must agree on, as 32 hexadecimal digits.
    pub digest: String,
}

/// A goal of the lesson, as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoalView {
    pub id: String,
    /// What the author says it is.
    pub say: String,
    pub state: GoalState,
    /// What holds, what does not, and why not yet: made by the engine.
    pub detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GoalState {
    /// Another goal comes first.
    Waiting,
    /// Not reached yet.
    Open,
    /// It holds, and must go on holding for a while.
    Holding,
    Done,
    /// It can't be reached any more on this branch of time: rewind, or begin anew.
    Failed,
}

/// How the run began.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Restored {
    Fresh,
    /// The stored journal was replayed and reached the saved digest.
    Replayed {
        to_us: u64,
    },
    /// The hosts were restarted from their stored disks.
    FromDisks {
        because: String,
    },
}

/// Virtual time against real time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Clock {
    /// Virtual now, at the moment this was sent.
    pub now_us: u64,
    /// Events up to here are known; drawing never runs past it.
    pub horizon_us: u64,
    pub playing: bool,
    /// The speed asked for, and the one reached.
    pub speed: f64,
    pub reached: f64,
}

/// What the time bar shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    /// The earliest instant that can still be sought.
    pub from_us: u64,
    /// The end of the known future (later than now while rewound).
    pub end_us: u64,
    pub now_us: u64,
    pub marks: Vec<Mark>,
    pub branches: Vec<Branch>,
}

/// A mark on the time bar; neighbours of one kind may be joined ("5 elections").
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mark {
    pub at_us: u64,
    pub kind: MarkKind,
    pub label: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MarkKind {
    Command,
    Fault,
    Election,
    Rebalance,
    Alert,
    Goal,
}

/// An old future that was left by acting while rewound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Branch {
    pub id: u16,
    pub from_us: u64,
    pub to_us: u64,
    pub label: String,
}

/// A file of the terminals' folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderFile {
    pub name: String,
    pub size_bytes: u64,
}

/// A piece of terminal text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TerminalOutput {
    pub stream: Stream,
    /// Without its line break, if it is a whole line.
    pub text: String,
    /// Whether a line break follows.
    pub newline: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stream {
    /// What was typed, after the prompt.
    Input,
    Out,
    Err,
    /// The playground's own words (a bound was reached, a job ended).
    Note,
}

/// What the terminal waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Prompt {
    #[default]
    Command,
    /// A job runs in the foreground and reads no input.
    Busy,
    /// A job in the foreground reads lines (console producer).
    Input,
    /// The rest of a construct that is not closed yet.
    Continuation,
}

impl Prompt {
    /// Whether the shell itself reads, and no job.
    pub fn is_shell(self) -> bool {
        matches!(self, Prompt::Command | Prompt::Continuation)
    }
}

/// Records per second over one interval of virtual time that ends at `at_us`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    pub at_us: u64,
    pub acked_per_s: f32,
    pub consumed_per_s: f32,
}

/// A line of the event list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventLine {
    pub id: u64,
    pub at_us: u64,
    /// "orders-0: leader 1 → 2, epoch 2"
    pub text: String,
    pub kind: MarkKind,
}

/// Where the run is kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Storage {
    /// All that was on any disk at this instant is in IndexedDB.
    Saved { to_us: u64 },
    /// IndexedDB is not to be had (why); everything works from memory and is gone with the tab.
    MemoryOnly { because: String },
    /// IndexedDB is full: what is later than `to_us` is not kept.
    Full { to_us: u64 },
    /// Another tab writes this cluster.
    OtherTab,
}

/// What can be done about a stored run of an unknown version, or one that another tab holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoredChoice {
    /// Leave it as it is and run from memory.
    KeepAndRunFromMemory,
    /// Download it, changing nothing.
    Export,
    /// Delete it and begin anew.
    DeleteAndBegin,
}
