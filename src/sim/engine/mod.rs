//! The loop: takes what is due, steps its process, carries out what the step wants.
//!
//! A [`Sim`] is cheap to clone: processes, disks and connections are shared until one of the two changes them.

mod connections;
mod faults;
mod reads;
mod slot;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

pub use self::slot::{Host, Slot, State};
use super::chunk::{Chunk, ChunkId};
use super::digest::Digest;
use super::disk::Disk;
use super::fault::Shaping;
use super::net::{Conn, HostId, Link, LinkSpec};
use super::process::{Absent, Boot, ConnId, Counters, Effect, EventId, Input, Model, Outbox, Process, ProcessId, Recorded};
use super::queue::{Due, Entry, Queue};
use super::rng::Rng;
use super::time::{Duration, Time};

/// Settings of the simulated machines.
#[derive(Clone, Debug)]
pub struct Settings {
    pub seed: u64,
    /// Between hosts, unless a link has its own.
    pub link: LinkSpec,
    /// Room on each host's disk, in bytes.
    pub disk_bytes: u64,
    /// From asking for a file to its bytes: this, and `disk_bytes_per_us`.
    pub read_latency: Duration,
    pub read_bytes_per_us: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { seed: 0, link: LinkSpec::default(), disk_bytes: 64 << 30, read_latency: Duration::us(100), read_bytes_per_us: 500 }
    }
}

/// A whole simulated world.
#[derive(Clone, Debug)]
pub struct Sim<M: Model> {
    now: Time,
    settings: Arc<Settings>,
    queue: Queue<M::Tell>,
    slots: Vec<Arc<Slot<M>>>,
    hosts: Vec<Arc<Host>>,
    host_ids: BTreeMap<String, HostId>,
    links: BTreeMap<(HostId, HostId), Link>,
    conns: BTreeMap<ConnId, Arc<Conn<M::Frame>>>,
    next_event: EventId,
    digest: Digest,
    branch: u16,
    outside_seq: u64,
    /// Events since they were last taken, oldest first.
    fresh: Vec<Recorded<M::Event>>,
    /// Every frame passes through here (a mode that encodes and decodes).
    recode: Option<fn(M::Frame) -> M::Frame>,
    /// Who was stepped last.
    stepped: Option<ProcessId>,
}

/// The source of what comes from outside.
const OUTSIDE: ProcessId = ProcessId(u32::MAX);

impl<M: Model> Sim<M> {
    pub fn new(settings: Settings) -> Sim<M> {
        Sim {
            now: Time::ZERO,
            settings: Arc::new(settings),
            queue: Queue::default(),
            slots: Vec::new(),
            hosts: Vec::new(),
            host_ids: BTreeMap::new(),
            links: BTreeMap::new(),
            conns: BTreeMap::new(),
            next_event: EventId(0),
            digest: Digest::default(),
            branch: 0,
            outside_seq: 0,
            fresh: Vec::new(),
            recode: None,
            stepped: None,
        }
    }

    pub fn now(&self) -> Time {
        self.now
    }

    /// The process that was stepped last, for who looks at what has changed.
    pub fn last_stepped(&self) -> Option<ProcessId> {
        self.stepped
    }

    /// When the next thing is due.
    pub fn next_at(&self) -> Option<Time> {
        self.queue.next_at()
    }

    /// The digest of every event so far, with its time.
    pub fn digest(&self) -> u128 {
        self.digest.value()
    }

    /// The id the next event will have.
    pub fn next_event(&self) -> EventId {
        self.next_event
    }

    /// From now on chunks get ids of this branch of time.
    pub fn set_branch(&mut self, branch: u16) {
        self.branch = branch;
    }

    /// Makes every frame pass through `recode` when it is sent.
    pub fn set_recode(&mut self, recode: fn(M::Frame) -> M::Frame) {
        self.recode = Some(recode);
    }

    /// Takes the events since the last call, oldest first.
    pub fn take_events(&mut self) -> Vec<Recorded<M::Event>> {
        std::mem::take(&mut self.fresh)
    }

    pub fn has_events(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Adds a machine. Its name is how others find it.
    pub fn add_host(&mut self, name: &str) -> HostId {
        if let Some(&id) = self.host_ids.get(name) {
            return id;
        }
        let id = HostId(self.hosts.len() as u16);
        self.hosts.push(Arc::new(Host {
            name: name.to_owned(),
            disk: Disk::new(self.settings.disk_bytes),
            powered: true,
            write_delay: Duration::ZERO,
            clock_skew_ms: 0,
            shaping: None,
            forwards_to: None,
        }));
        self.host_ids.insert(name.to_owned(), id);
        id
    }

    /// `localhost` on a host is another one from now on, as if its ports were published there.
    pub fn forward(&mut self, host: &str, to: &str) {
        let to = self.host_ids.get(to).copied();
        if let Some(id) = self.host_ids.get(host) {
            Arc::make_mut(&mut self.hosts[usize::from(id.0)]).forwards_to = to;
        }
    }

    /// The host that a name means on another one.
    fn resolve(&self, on: HostId, name: &str) -> Option<HostId> {
        match name {
            "localhost" | "127.0.0.1" => Some(self.hosts[usize::from(on.0)].forwards_to.unwrap_or(on)),
            name => self.host_ids.get(name).copied(),
        }
    }

    pub fn host(&self, name: &str) -> Option<&Host> {
        self.host_ids.get(name).map(|&id| &*self.hosts[usize::from(id.0)])
    }

    pub fn hosts(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter().map(|host| &**host)
    }

    /// To put a stored disk back before anything runs.
    pub fn disk_mut(&mut self, host: &str) -> Option<&mut Disk> {
        let id = *self.host_ids.get(host)?;
        Some(&mut Arc::make_mut(&mut self.hosts[usize::from(id.0)]).disk)
    }

    /// Adds a process to a host and starts it after `delay`.
    pub fn spawn(&mut self, host: &str, name: &str, spec: M::Spec, delay: Duration) -> ProcessId {
        let host = self.add_host(host);
        let id = ProcessId(self.slots.len() as u32);
        self.slots.push(Arc::new(Slot {
            id,
            name: name.to_owned(),
            host,
            spec,
            state: State::Booting(self.now + delay),
            since: self.now,
            process: None,
            down: None,
            incarnation: 0,
            rng: Rng::derive(self.settings.seed, name),
            seq: 0,
            counters: Counters::default(),
            ports: BTreeSet::new(),
            alarm: None,
            alarm_generation: 0,
            last_wake: Time::ZERO,
            woken_at_once: 0,
            busy_until: Time::ZERO,
            held: VecDeque::new(),
            accepted_while_paused: VecDeque::new(),
        }));
        self.schedule(id, id, self.now + delay, None, Due::Boot { incarnation: 0 });
        id
    }

    pub fn slots(&self) -> impl Iterator<Item = &Slot<M>> {
        self.slots.iter().map(|slot| &**slot)
    }

    pub fn slot(&self, id: ProcessId) -> Option<&Slot<M>> {
        self.slots.get(id.0 as usize).map(|slot| &**slot)
    }

    /// The process of that number, while it has any state.
    pub fn process(&self, id: ProcessId) -> Option<&M::Process> {
        self.slot(id)?.process.as_ref()
    }

    pub fn host_name(&self, id: HostId) -> &str {
        &self.hosts[usize::from(id.0)].name
    }

    /// Connections with what is on them, in the order of their ids.
    pub fn conns(&self) -> impl Iterator<Item = &Conn<M::Frame>> {
        self.conns.values().map(|conn| &**conn)
    }

    /// Links that are cut at present, one way each.
    pub fn cuts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.links.iter().filter(|(_, link)| link.cut.is_some()).map(|(&(a, b), _)| (self.host_name(a), self.host_name(b)))
    }

    /// Says something to a process from outside, now.
    pub fn tell(&mut self, id: ProcessId, told: M::Tell) {
        self.schedule(id, OUTSIDE, self.now, None, Due::Tell { told });
    }

    /// Replaces the spec from which a process is made at its next start.
    pub fn set_spec(&mut self, id: ProcessId, spec: M::Spec) {
        if let Some(slot) = self.slots.get_mut(id.0 as usize) {
            Arc::make_mut(slot).spec = spec;
        }
    }

    /// Carries out the next thing that is due, if it is due by `until`; returns whether there was one.
    pub fn step(&mut self, until: Time) -> bool {
        if self.queue.next_at().is_none_or(|at| at > until) {
            return false;
        }
        let Some(entry) = self.queue.pop() else { return false };
        debug_assert!(entry.at >= self.now, "time runs forward");
        self.now = entry.at;
        self.handle(entry);
        true
    }

    /// Runs to `until` and sets the clock there.
    pub fn run_until(&mut self, until: Time) {
        while self.step(until) {}
        self.now = self.now.max(until);
    }

    fn handle(&mut self, entry: Entry<M::Tell>) {
        let target = entry.target.0 as usize;
        if self.slots.get(target).is_some_and(|slot| slot.state == State::Paused) && !matches!(entry.due, Due::Boot { .. }) {
            return self.hold(entry);
        }
        if let Some(free_at) = self.slots.get(target).map(|slot| slot.busy_until).filter(|at| *at > self.now) {
            return self.queue.push(Entry { at: free_at, ..entry });
        }
        let cause = entry.cause;
        match entry.due {
            Due::Boot { incarnation } => self.boot(entry.target, incarnation, cause),
            Due::Wake { incarnation, generation } => {
                let Some(slot) = self.slots.get(target) else { return };
                if slot.incarnation == incarnation && slot.alarm_generation == generation {
                    Arc::make_mut(&mut self.slots[target]).alarm = None;
                    self.run(entry.target, cause, Input::Wake);
                }
            }
            Due::Syn { conn } => self.syn_arrived(conn, cause),
            Due::Established { conn } => self.established(conn, cause),
            Due::Refused { conn, unknown_host } => self.refused(conn, unknown_host, cause),
            Due::Arrive { conn, to_opener } => self.arrive(conn, to_opener),
            Due::Read { incarnation, id, host, wanted } => {
                if self.slots[target].incarnation == incarnation {
                    let file = self.wanted(entry.target, host.as_deref(), &wanted);
                    self.run(entry.target, cause, Input::Read(id, file));
                }
            }
            Due::Terminate { incarnation } => {
                if self.slots[target].incarnation == incarnation {
                    self.run(entry.target, cause, Input::Terminate);
                }
            }
            Due::Tell { told } => self.run(entry.target, cause, Input::Told(told)),
        }
    }

    fn boot(&mut self, id: ProcessId, incarnation: u32, cause: Option<EventId>) {
        let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
        if slot.incarnation != incarnation || !matches!(slot.state, State::Booting(_)) {
            return;
        }
        let host = self.hosts[usize::from(slot.host.0)].name.clone();
        slot.process = Some(M::boot(&slot.spec, &Boot { id, host, incarnation }));
        slot.state = State::Running;
        slot.since = self.now;
        slot.down = None;
        self.run(id, cause, Input::Start);
    }

    /// Steps a process with one input and carries out what it wants.
    fn run(&mut self, id: ProcessId, cause: Option<EventId>, input: Input<M::Frame, M::Tell>) {
        self.stepped = Some(id);
        let mut effects = Vec::new();
        let mut events = Vec::new();
        let (wake, now) = {
            let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
            let Some(process) = slot.process.as_mut() else { return };
            let host = Arc::make_mut(&mut self.hosts[usize::from(slot.host.0)]);
            let clock = host.clock(self.now);
            let mut out = Outbox {
                now: self.now,
                process: id,
                effects: &mut effects,
                events: &mut events,
                disk: &mut host.disk,
                rng: &mut slot.rng,
                next_event: &mut self.next_event,
                counters: &mut slot.counters,
                branch: self.branch,
                cause,
            };
            let writes = out.disk.writes();
            process.step(clock, input, &mut out);
            if host.write_delay > Duration::ZERO && host.disk.writes() > writes {
                slot.busy_until = self.now + host.write_delay;
            }
            (process.next_wake().map(|at| host.when(at)), self.now)
        };
        for (recorded, absent) in events {
            self.record(recorded, absent);
        }
        if let Some(at) = wake {
            self.check_progress(id, at, now);
            self.set_alarm(id, at.max(now));
        }
        for effect in effects {
            self.carry_out(id, effect);
        }
    }

    /// A process that keeps asking to be woken at an instant that has come stands still for ever: a bug of the process.
    fn check_progress(&mut self, id: ProcessId, at: Time, now: Time) {
        let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
        slot.woken_at_once = match slot.last_wake == now && at <= now {
            true => slot.woken_at_once + 1,
            false => 0,
        };
        slot.last_wake = now;
        assert!(slot.woken_at_once < 10_000, "{} asks to be woken at {at} again and again, and it is {now}", slot.name);
    }

    fn record(&mut self, mut recorded: Recorded<M::Event>, absent: Vec<Absent>) {
        for missing in absent {
            recorded.blockers.extend(self.why_absent(&missing));
        }
        recorded.blockers.sort();
        recorded.blockers.dedup();
        self.digest.add(&recorded.at);
        self.digest.add(&recorded.event);
        self.fresh.push(recorded);
    }

    /// An event of the simulation itself.
    fn occur(&mut self, cause: Option<EventId>, occurrence: super::fault::Occurrence) -> EventId {
        let id = self.next_event;
        self.next_event.0 += 1;
        self.record(
            Recorded { id, at: self.now, process: None, trigger: cause, blockers: Vec::new(), event: occurrence.into() },
            Vec::new(),
        );
        id
    }

    /// The events that took a host or a link down, while they are down.
    fn why_absent(&self, absent: &Absent) -> Vec<EventId> {
        match absent {
            Absent::Host(name) => {
                let Some(&id) = self.host_ids.get(name) else { return Vec::new() };
                let down = self.slots.iter().filter(|slot| slot.host == id).filter_map(|slot| slot.down);
                let cut = self.links.iter().filter(|((a, b), _)| *a == id || *b == id).filter_map(|(_, link)| link.cut);
                down.chain(cut).collect()
            }
            Absent::Between(a, b) => {
                let (Some(&a), Some(&b)) = (self.host_ids.get(a), self.host_ids.get(b)) else { return Vec::new() };
                let down = self.slots.iter().filter(|slot| slot.host == a || slot.host == b).filter_map(|slot| slot.down);
                let cut = [(a, b), (b, a)].into_iter().filter_map(|pair| self.links.get(&pair)?.cut);
                down.chain(cut).collect()
            }
        }
    }

    fn set_alarm(&mut self, id: ProcessId, at: Time) {
        let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
        // An alarm that rings too early is harmless; one that rings too late is not.
        if slot.process.is_none() || slot.alarm.is_some_and(|set| set <= at) {
            return;
        }
        slot.alarm = Some(at);
        slot.alarm_generation += 1;
        let due = Due::Wake { incarnation: slot.incarnation, generation: slot.alarm_generation };
        self.schedule(id, id, at, None, due);
    }

    fn schedule(&mut self, target: ProcessId, source: ProcessId, at: Time, cause: Option<EventId>, due: Due<M::Tell>) {
        let seq = match self.slots.get_mut(source.0 as usize) {
            Some(slot) => {
                let slot = Arc::make_mut(slot);
                slot.seq += 1;
                slot.seq
            }
            // From outside: in the order of the calls, which the journal keeps.
            None => {
                self.outside_seq += 1;
                self.outside_seq
            }
        };
        self.queue.push(Entry { at, target, source, seq, cause, due });
    }

    fn carry_out(&mut self, id: ProcessId, effect: Effect<M::Frame>) {
        match effect {
            Effect::Connect { conn, host, port } => self.connect(id, conn, &host, port),
            Effect::Send { conn, frame, cause } => self.send(id, conn, frame, cause),
            Effect::Close { conn } => self.close(id, conn),
            Effect::Listen { port } => {
                Arc::make_mut(&mut self.slots[id.0 as usize]).ports.insert(port);
            }
            Effect::Read { id: read, host, wanted } => self.read(id, read, host, wanted),
            // A fault that cannot be done (a typo of a host) was already refused by who asked for it.
            Effect::Fault { fault, cause } => drop(self.inject(&fault, cause)),
            Effect::Exit { status } => self.exited(id, status),
        }
    }

    /// A chunk for bytes that come from outside the simulation (a restored disk).
    pub fn outside_chunk(id: u64, bytes: bytes::Bytes) -> Chunk {
        Chunk::new(ChunkId(1 << 62 | id), bytes)
    }
}
