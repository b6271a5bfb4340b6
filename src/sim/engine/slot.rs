//! Processes and hosts, as the simulation keeps them.

use super::*;

/// How a process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its start was asked for and it will run at that time.
    Booting(Time),
    Running,
    Paused,
    Killed,
    PoweredOff,
    Exited(i32),
}

/// A process with what belongs to it.
#[derive(Clone, Debug)]
pub struct Slot<M: Model> {
    pub id: ProcessId,
    pub name: String,
    pub host: HostId,
    pub spec: M::Spec,
    pub state: State,
    /// When it was started, began to run, or ended; being paused does not count.
    pub since: Time,
    pub process: Option<M::Process>,
    /// The event that took it down, while it is down or paused.
    pub down: Option<EventId>,
    pub incarnation: u32,
    pub(super) rng: Rng,
    pub(super) seq: u64,
    pub(super) counters: Counters,
    pub(super) ports: BTreeSet<u16>,
    /// The earliest wake in the queue that still counts.
    pub(super) alarm: Option<Time>,
    pub(super) alarm_generation: u64,
    pub(super) last_wake: Time,
    pub(super) woken_at_once: u32,
    /// It waits for its slow disk until then.
    pub(super) busy_until: Time,
    /// What came while it was paused.
    pub(super) held: VecDeque<Entry<M::Tell>>,
    /// Handshakes that its kernel completed meanwhile.
    pub(super) accepted_while_paused: VecDeque<Input<M::Frame, M::Tell>>,
}

/// A machine.
#[derive(Clone, Debug)]
pub struct Host {
    pub name: String,
    pub disk: Disk,
    pub powered: bool,
    /// What its disk takes over each step that writes.
    pub write_delay: Duration,
    /// How far its clock is ahead of the world's.
    pub clock_skew_ms: i64,
    /// What is done to all that leaves it, and the event since which it is.
    pub shaping: Option<(Shaping, EventId)>,
    /// Whoever connects to this host from itself gets to that one (published ports).
    pub forwards_to: Option<HostId>,
}

impl Host {
    /// What its clock shows. (Kafka's timers are of the wall clock, so that they jump with it.)
    pub(super) fn clock(&self, now: Time) -> Time {
        Time(now.0.saturating_add_signed(self.clock_skew_ms.saturating_mul(1_000)))
    }

    /// When its clock will show that.
    pub(super) fn when(&self, shown: Time) -> Time {
        Time(shown.0.saturating_add_signed(self.clock_skew_ms.saturating_mul(-1_000)))
    }
}
