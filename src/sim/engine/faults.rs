//! Faults: what is done to hosts and links, and what follows at once.

use std::sync::Arc;

use super::{Host, Sim, State};
use crate::sim::fault::{Fault, FaultError, Occurrence, Shaping};
use crate::sim::net::HostId;
use crate::sim::process::{CloseReason, EventId, Model, ProcessId};
use crate::sim::queue::{Due, Entry};
use crate::sim::time::{Duration, Time};

impl<M: Model> Sim<M> {
    /// Does it, now. A fault that makes no sense at present is an error and changes nothing.
    pub fn inject(&mut self, fault: &Fault, cause: Option<EventId>) -> Result<(), FaultError> {
        match fault {
            Fault::Kill { host } => self.take_down(host, State::Killed, cause),
            Fault::PowerCut { host } => self.take_down(host, State::PoweredOff, cause),
            Fault::Stop { host } => self.stop(host, cause),
            Fault::Start { host } => self.start(host, cause),
            Fault::Pause { host } => self.pause(host, cause),
            Fault::Resume { host } => self.resume(host, cause),
            Fault::Cut { a, b } => self.cut(a, b, cause),
            Fault::Heal { a, b } => self.heal(a, b, cause),
            Fault::HealAll => {
                let bad = self.links.iter().filter(|(_, link)| link.cut.is_some() || link.loss_permille > 0);
                let bad: Vec<(String, String)> =
                    bad.map(|(&(a, b), _)| (self.host_name(a).to_owned(), self.host_name(b).to_owned())).collect();
                let shaped: Vec<String> = self.hosts().filter(|host| host.shaping.is_some()).map(|host| host.name.clone()).collect();
                shaped.iter().try_for_each(|host| self.shape(host, Shaping::default(), cause))?;
                bad.iter().try_for_each(|(a, b)| self.heal(a, b, cause))
            }
            Fault::CutOneWay { from, to } => self.cut_one_way(from, to, false, cause),
            Fault::CutAtSender { from, to } => self.cut_one_way(from, to, true, cause),
            Fault::Shape { host, shaping } => self.shape(host, *shaping, cause),
            Fault::HealOneWay { from, to } => self.heal_one_way(from, to, cause),
            Fault::Lose { a, b, permille } => self.lose(a, b, *permille, cause),
            Fault::SlowDisk { host, delay_us } => {
                let occurrence = Occurrence::DiskSlow { host: host.clone(), delay_us: *delay_us };
                self.change_host(host, cause, occurrence, |host| host.write_delay = Duration::us(u64::from(*delay_us)))
            }
            Fault::FillDisk { host } => {
                self.change_host(host, cause, Occurrence::DiskFilled { host: host.clone() }, |host| host.disk.set_full(true))
            }
            Fault::FreeDisk { host } => {
                self.change_host(host, cause, Occurrence::DiskFreed { host: host.clone() }, |host| host.disk.set_full(false))
            }
            Fault::BreakDisk { host, folder } => {
                let occurrence = Occurrence::DiskBroken { host: host.clone(), folder: folder.clone() };
                self.change_host(host, cause, occurrence, |host| host.disk.set_broken(folder, true))
            }
            Fault::MendDisk { host, folder } => {
                let occurrence = Occurrence::DiskMended { host: host.clone(), folder: folder.clone() };
                self.change_host(host, cause, occurrence, |host| host.disk.set_broken(folder, false))
            }
            Fault::SkewClock { host, ms } => {
                let occurrence = Occurrence::ClockSkewed { host: host.clone(), ms: *ms };
                self.change_host(host, cause, occurrence, |host| host.clock_skew_ms = *ms)?;
                // Its timers are looked at anew.
                self.wake_all_on(host);
                Ok(())
            }
            Fault::FlipBit { host, path } => self.flip_bit(host, path, cause),
        }
    }

    /// Whether a fault could be done now, without doing it.
    pub fn check(&self, fault: &Fault) -> Result<(), FaultError> {
        self.clone().inject(fault, None)
    }

    pub(super) fn exited(&mut self, id: ProcessId, status: i32) {
        // What ends in two of its parts at once ends once.
        let slot = &self.slots[id.0 as usize];
        if slot.process.is_none() {
            return;
        }
        let host = self.host_name(slot.host).to_owned();
        let event = self.occur(None, Occurrence::Exited { host, status });
        self.drop_connections(id, Some(event), Some(CloseReason::Closed));
        self.end(id, State::Exited(status), event);
    }

    /// What comes for a paused process waits, in order.
    pub(super) fn hold(&mut self, entry: Entry<M::Tell>) {
        Arc::make_mut(&mut self.slots[entry.target.0 as usize]).held.push_back(entry);
    }

    fn take_down(&mut self, host: &str, state: State, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        let running = self.on_host(id, |state| matches!(state, State::Running | State::Paused | State::Booting(_)));
        if running.is_empty() {
            return Err(self.not_running(host, id));
        }
        let power = state == State::PoweredOff;
        let host_name = host.to_owned();
        let event =
            self.occur(cause, if power { Occurrence::PowerLost { host: host_name } } else { Occurrence::Killed { host: host_name } });
        for process in running {
            // Without power nobody is told; a killed process's kernel resets its connections.
            self.drop_connections(process, Some(event), (!power).then_some(CloseReason::Reset));
            self.end(process, state, event);
        }
        let now = self.now;
        if power {
            let host = Arc::make_mut(&mut self.hosts[usize::from(id.0)]);
            host.powered = false;
            host.disk.lose_power(now);
        }
        Ok(())
    }

    fn stop(&mut self, host: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        let running = self.on_host(id, |state| matches!(state, State::Running | State::Paused));
        if running.is_empty() {
            return Err(self.not_running(host, id));
        }
        let event = self.occur(cause, Occurrence::Stopping { host: host.to_owned() });
        for process in running {
            let incarnation = self.slots[process.0 as usize].incarnation;
            self.schedule(process, process, self.now, Some(event), Due::Terminate { incarnation });
        }
        Ok(())
    }

    fn start(&mut self, host: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        let down = self.on_host(id, |state| matches!(state, State::Killed | State::PoweredOff | State::Exited(_)));
        if down.is_empty() {
            return Err(FaultError::AlreadyRunning(host.to_owned()));
        }
        let event = self.occur(cause, Occurrence::Started { host: host.to_owned() });
        Arc::make_mut(&mut self.hosts[usize::from(id.0)]).powered = true;
        for process in down {
            let at = self.now + M::start_up(&self.slots[process.0 as usize].spec);
            let slot = Arc::make_mut(&mut self.slots[process.0 as usize]);
            slot.state = State::Booting(at);
            slot.since = self.now;
            let due = Due::Boot { incarnation: slot.incarnation };
            self.schedule(process, process, at, Some(event), due);
        }
        Ok(())
    }

    fn pause(&mut self, host: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        let running = self.on_host(id, |state| state == State::Running);
        if running.is_empty() {
            return Err(self.not_running(host, id));
        }
        let event = self.occur(cause, Occurrence::Paused { host: host.to_owned() });
        for process in running {
            let slot = Arc::make_mut(&mut self.slots[process.0 as usize]);
            slot.state = State::Paused;
            slot.down = Some(event);
        }
        Ok(())
    }

    fn resume(&mut self, host: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        let paused = self.on_host(id, |state| state == State::Paused);
        if paused.is_empty() {
            return Err(FaultError::NotPaused(host.to_owned()));
        }
        let event = self.occur(cause, Occurrence::Resumed { host: host.to_owned() });
        for process in paused {
            let slot = Arc::make_mut(&mut self.slots[process.0 as usize]);
            slot.state = State::Running;
            slot.down = None;
            let accepted = std::mem::take(&mut slot.accepted_while_paused);
            let held = std::mem::take(&mut slot.held);
            for input in accepted {
                self.run(process, Some(event), input);
            }
            for mut entry in held {
                entry.at = self.now;
                self.handle(entry);
            }
        }
        Ok(())
    }

    fn cut(&mut self, a: &str, b: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let (from, to) = (self.host_id(a)?, self.host_id(b)?);
        let event = self.occur(cause, Occurrence::LinkCut { a: a.to_owned(), b: b.to_owned() });
        for (from, to) in [(from, to), (to, from)] {
            let link = self.link(from, to);
            link.cut = link.cut.or(Some(event));
        }
        Ok(())
    }

    fn heal(&mut self, a: &str, b: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let (from, to) = (self.host_id(a)?, self.host_id(b)?);
        if self.link(from, to).is_good() && self.link(to, from).is_good() {
            return Ok(());
        }
        self.occur(cause, Occurrence::LinkHealed { a: a.to_owned(), b: b.to_owned() });
        for (from, to) in [(from, to), (to, from)] {
            let link = self.link(from, to);
            (link.cut, link.cut_at_sender, link.loss_permille) = (None, false, 0);
            self.resume_lanes(from, to);
        }
        Ok(())
    }

    fn cut_one_way(&mut self, from: &str, to: &str, at_sender: bool, cause: Option<EventId>) -> Result<(), FaultError> {
        let (a, b) = (self.host_id(from)?, self.host_id(to)?);
        let event = self.occur(cause, Occurrence::LinkCutOneWay { from: from.to_owned(), to: to.to_owned() });
        let link = self.link(a, b);
        if link.cut.is_none() {
            (link.cut, link.cut_at_sender) = (Some(event), at_sender);
        }
        Ok(())
    }

    fn heal_one_way(&mut self, from: &str, to: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let (a, b) = (self.host_id(from)?, self.host_id(to)?);
        if self.link(a, b).cut.is_some() {
            self.occur(cause, Occurrence::LinkHealedOneWay { from: from.to_owned(), to: to.to_owned() });
            self.reopen(a, b);
        }
        Ok(())
    }

    fn reopen(&mut self, from: HostId, to: HostId) {
        let link = self.link(from, to);
        (link.cut, link.cut_at_sender) = (None, false);
        self.resume_lanes(from, to);
    }

    fn shape(&mut self, name: &str, shaping: Shaping, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(name)?;
        let before = self.hosts[usize::from(id.0)].shaping;
        if before.map(|(before, _)| before).unwrap_or_default() == shaping {
            return Ok(());
        }
        let event = self.occur(cause, Occurrence::Shaped { host: name.to_owned(), shaping });
        Arc::make_mut(&mut self.hosts[usize::from(id.0)]).shaping = (!shaping.is_nothing()).then_some((shaping, event));
        // What loses everything cuts the links that were not cut before.
        let all_lost = |shaping: &Shaping| shaping.lost_ppm >= Shaping::ALL_LOST;
        for other in (0..self.hosts.len() as u16).map(HostId).filter(|other| *other != id) {
            if before.is_some_and(|(before, since)| all_lost(&before) && self.link(id, other).cut == Some(since)) {
                self.reopen(id, other);
            }
            if all_lost(&shaping) && self.link(id, other).cut.is_none() {
                let link = self.link(id, other);
                (link.cut, link.cut_at_sender) = (Some(event), true);
            }
        }
        Ok(())
    }

    fn lose(&mut self, a: &str, b: &str, permille: u16, cause: Option<EventId>) -> Result<(), FaultError> {
        let (from, to) = (self.host_id(a)?, self.host_id(b)?);
        self.occur(cause, Occurrence::LinkLossy { a: a.to_owned(), b: b.to_owned(), permille });
        for (from, to) in [(from, to), (to, from)] {
            self.link(from, to).loss_permille = permille;
        }
        Ok(())
    }

    fn change_host(
        &mut self,
        name: &str,
        cause: Option<EventId>,
        occurrence: Occurrence,
        change: impl FnOnce(&mut Host),
    ) -> Result<(), FaultError> {
        let id = self.host_id(name)?;
        self.occur(cause, occurrence);
        change(Arc::make_mut(&mut self.hosts[usize::from(id.0)]));
        Ok(())
    }

    fn wake_all_on(&mut self, host: &str) {
        let Ok(id) = self.host_id(host) else { return };
        for process in self.on_host(id, |state| state == State::Running) {
            self.set_alarm(process, self.now);
        }
    }

    fn flip_bit(&mut self, host: &str, path: &str, cause: Option<EventId>) -> Result<(), FaultError> {
        let id = self.host_id(host)?;
        if !self.on_host(id, |state| matches!(state, State::Running | State::Paused | State::Booting(_))).is_empty() {
            return Err(FaultError::Runs(host.to_owned()));
        }
        if !Arc::make_mut(&mut self.hosts[usize::from(id.0)]).disk.flip_bit(path) {
            return Err(FaultError::NoFile(host.to_owned(), path.to_owned()));
        }
        self.occur(cause, Occurrence::BitFlipped { host: host.to_owned(), path: path.to_owned() });
        Ok(())
    }

    fn end(&mut self, id: ProcessId, state: State, event: EventId) {
        let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
        slot.process = None;
        slot.state = state;
        slot.since = self.now;
        slot.down = Some(event);
        slot.incarnation += 1;
        slot.alarm = None;
        slot.busy_until = Time::ZERO;
        slot.ports.clear();
        slot.held.clear();
        slot.accepted_while_paused.clear();
    }

    fn host_id(&self, name: &str) -> Result<HostId, FaultError> {
        self.host_ids.get(name).copied().ok_or_else(|| FaultError::UnknownHost(name.to_owned()))
    }

    fn on_host(&self, host: HostId, is: impl Fn(State) -> bool) -> Vec<ProcessId> {
        self.slots.iter().filter(|slot| slot.host == host && is(slot.state)).map(|slot| slot.id).collect()
    }

    fn not_running(&self, name: &str, host: HostId) -> FaultError {
        let how = self.slots.iter().find(|slot| slot.host == host).map_or("never started", |slot| match slot.state {
            State::Killed => "killed",
            State::PoweredOff => "cut off from power",
            State::Exited(_) => "stopped",
            State::Paused => "paused",
            State::Booting(_) | State::Running => "not yet up",
        });
        FaultError::NotRunning(name.to_owned(), how)
    }
}
