//! Faults: what is done to hosts and links, and what follows at once.

use std::sync::Arc;

use super::{Sim, State};
use crate::sim::fault::{Fault, FaultError, Occurrence};
use crate::sim::net::HostId;
use crate::sim::process::{CloseReason, EventId, Model, ProcessId};
use crate::sim::queue::{Due, Entry};

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
                let cut: Vec<(String, String)> = self.cuts().map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
                cut.iter().try_for_each(|(a, b)| self.heal(a, b, cause))
            }
        }
    }

    /// Whether a fault could be done now, without doing it.
    pub fn check(&self, fault: &Fault) -> Result<(), FaultError> {
        self.clone().inject(fault, None)
    }

    pub(super) fn exited(&mut self, id: ProcessId, status: i32) {
        let host = self.host_name(self.slots[id.0 as usize].host).to_owned();
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
        if self.link(from, to).cut.is_none() && self.link(to, from).cut.is_none() {
            return Ok(());
        }
        self.occur(cause, Occurrence::LinkHealed { a: a.to_owned(), b: b.to_owned() });
        for (from, to) in [(from, to), (to, from)] {
            self.link(from, to).cut = None;
            self.resume_lanes(from, to);
        }
        Ok(())
    }

    fn end(&mut self, id: ProcessId, state: State, event: EventId) {
        let slot = Arc::make_mut(&mut self.slots[id.0 as usize]);
        slot.process = None;
        slot.state = state;
        slot.down = Some(event);
        slot.incarnation += 1;
        slot.alarm = None;
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
