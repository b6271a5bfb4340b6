//! Connections: requests, frames, ends. What a TCP stack does, as far as processes can tell.

use std::sync::Arc;

use super::{Sim, State};
use crate::sim::net::{Conn, End, HostId, Lane, Link, LinkSpec, Packet};
use crate::sim::process::{CloseReason, ConnId, EventId, Frame, Input, Model, ProcessId};
use crate::sim::queue::Due;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

impl<M: Model> Sim<M> {
    pub(super) fn connect(&mut self, opener: ProcessId, id: ConnId, host: &str, port: u16) {
        let slot = &self.slots[opener.0 as usize];
        let end = End { process: opener, incarnation: slot.incarnation, host: slot.host, open: true };
        let target = self.resolve(slot.host, host);
        let conn = Conn {
            id,
            port,
            opener: end,
            acceptor: None,
            to_acceptor: Lane::default(),
            to_opener: Lane::default(),
            target: target.unwrap_or(slot.host),
            syn_waits: false,
            established: false,
        };
        let from = slot.host;
        self.conns.insert(id, Arc::new(conn));
        match target {
            Some(to) => {
                let at = self.arrival(from, to, 64);
                self.schedule(opener, opener, at, None, Due::Syn { conn: id });
            }
            None => self.schedule(opener, opener, self.now, None, Due::Refused { conn: id, unknown_host: true }),
        }
    }

    /// A request to connect reaches its host: accepted, refused, or lost.
    pub(super) fn syn_arrived(&mut self, id: ConnId, cause: Option<EventId>) {
        let Some(conn) = self.conns.get(&id) else { return };
        let (from, to, port, opener) = (conn.opener.host, conn.target, conn.port, conn.opener.process);
        // The answer has to come through too.
        let cut = self.link(from, to).cut.is_some() || self.link(to, from).cut.is_some();
        let powered = self.hosts[usize::from(to.0)].powered;
        if cut || !powered {
            // Retransmitted by the kernel; goes through when the link heals, unless the opener gives up.
            self.change(id, |conn| conn.syn_waits = cut);
            return;
        }
        let listener = self.slots.iter().find(|slot| slot.host == to && slot.process.is_some() && slot.ports.contains(&port));
        let listener = listener.map(|slot| (slot.id, slot.incarnation));
        let back = self.arrival(to, from, 64);
        match listener {
            Some((process, incarnation)) => {
                self.change(id, |conn| conn.acceptor = Some(End { process, incarnation, host: to, open: true }));
                self.schedule(opener, process, back, cause, Due::Established { conn: id });
                let from = self.host_name(from).to_owned();
                self.run_or_hold(process, cause, Input::Accepted { conn: id, port, from });
            }
            None => self.schedule(opener, opener, back, cause, Due::Refused { conn: id, unknown_host: false }),
        }
    }

    pub(super) fn established(&mut self, id: ConnId, cause: Option<EventId>) {
        let Some(conn) = self.conns.get(&id) else { return };
        if conn.opener.open && self.is_alive(conn.opener.process, conn.opener.incarnation) {
            let opener = conn.opener.process;
            self.change(id, |conn| conn.established = true);
            self.run(opener, cause, Input::Connected(id));
        }
    }

    pub(super) fn refused(&mut self, id: ConnId, unknown_host: bool, cause: Option<EventId>) {
        let Some(conn) = self.conns.remove(&id) else { return };
        let reason = if unknown_host { CloseReason::UnknownHost } else { CloseReason::Refused };
        if conn.opener.open && self.is_alive(conn.opener.process, conn.opener.incarnation) {
            self.run(conn.opener.process, cause, Input::Closed(id, reason));
        }
    }

    pub(super) fn send(&mut self, sender: ProcessId, id: ConnId, frame: Arc<M::Frame>, cause: Option<EventId>) {
        let frame = match self.recode {
            Some(recode) => Arc::new(recode(Arc::unwrap_or_clone(frame))),
            None => frame,
        };
        self.put(sender, id, Packet::Frame(frame), cause);
    }

    pub(super) fn close(&mut self, closer: ProcessId, id: ConnId) {
        self.put(closer, id, Packet::Fin(CloseReason::Closed), None);
        self.change(id, |conn| match conn.opener.process == closer {
            true => conn.opener.open = false,
            false => conn.acceptor.iter_mut().for_each(|end| end.open = false),
        });
        self.forget_if_over(id);
    }

    /// The front of a lane may have arrived.
    pub(super) fn arrive(&mut self, id: ConnId, to_opener: bool) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(acceptor) = conn.acceptor.clone() else { return };
        let (from, to) = if to_opener { (acceptor, conn.opener.clone()) } else { (conn.opener.clone(), acceptor) };
        if self.link(from.host, to.host).cut.is_some() {
            self.change(id, |conn| conn.lane(to_opener).stalled = true);
            return;
        }
        let now = self.now;
        let Some(arrived) = self.change(id, |conn| conn.lane(to_opener).arrived(now)).flatten() else { return };
        let alive = self.is_alive(to.process, to.incarnation);
        match arrived.what {
            Packet::Frame(frame) if to.open && alive => self.run(to.process, arrived.cause, Input::Frame(id, Arc::unwrap_or_clone(frame))),
            // A packet for a connection that the host knows nothing of (any more): RST. A host without power says nothing.
            Packet::Frame(_) if !to.open || alive || self.hosts[usize::from(to.host.0)].powered => self.reset(id, !to_opener),
            Packet::Frame(_) => {}
            Packet::Fin(reason) => {
                self.change(id, |conn| match to_opener {
                    true => conn.opener.open = false,
                    false => conn.acceptor.iter_mut().for_each(|end| end.open = false),
                });
                if to.open && alive {
                    self.run(to.process, arrived.cause, Input::Closed(id, reason));
                }
            }
        }
        self.forget_if_over(id);
    }

    /// All connections of a process are gone. Its peers are told, unless its host has lost power; then what waited to be sent again is gone, too.
    pub(super) fn drop_connections(&mut self, process: ProcessId, cause: Option<EventId>, tell: Option<CloseReason>) {
        let of_process =
            |conn: &Conn<M::Frame>| conn.opener.process == process || conn.acceptor.as_ref().is_some_and(|end| end.process == process);
        let ids: Vec<ConnId> = self.conns.values().filter(|conn| of_process(conn)).map(|conn| conn.id).collect();
        for id in ids {
            if let Some(reason) = tell {
                self.put(process, id, Packet::Fin(reason), cause);
            }
            self.change(id, |conn| {
                if tell.is_none() {
                    conn.lane(conn.opener.process != process).lose_stalled();
                }
                let accepted = conn.acceptor.as_mut().filter(|end| end.process == process);
                accepted.into_iter().for_each(|end| end.open = false);
                if conn.opener.process == process {
                    conn.opener.open = false;
                }
            });
            self.forget_if_over(id);
        }
    }

    /// What waited at a cut between these hosts travels again.
    pub(super) fn resume_lanes(&mut self, from: HostId, to: HostId) {
        let ids: Vec<ConnId> = self.conns.keys().copied().collect();
        for id in ids {
            let Some(conn) = self.conns.get(&id) else { continue };
            let (opener, target, syn_waits) = (conn.opener.clone(), conn.target, conn.syn_waits);
            if syn_waits && [(from, to), (to, from)].contains(&(opener.host, target)) {
                let at = self.arrival(opener.host, target, 64);
                self.change(id, |conn| conn.syn_waits = false);
                self.schedule(opener.process, opener.process, at, None, Due::Syn { conn: id });
            }
            for to_opener in [false, true] {
                let ends = if to_opener { (target, opener.host) } else { (opener.host, target) };
                if ends == (from, to) {
                    self.resume_lane(id, to_opener, from, to);
                }
            }
        }
    }

    pub(super) fn link(&mut self, from: HostId, to: HostId) -> &mut Link {
        let settings = &self.settings;
        let hosts = &self.hosts;
        self.links.entry((from, to)).or_insert_with(|| {
            let name = format!("{} -> {}", hosts[usize::from(from.0)].name, hosts[usize::from(to.0)].name);
            let loopback = LinkSpec { latency: Duration::us(20), jitter: Duration::ZERO, bytes_per_us: 0 };
            Link::new(if from == to { loopback } else { settings.link }, Rng::derive(settings.seed, &name))
        })
    }

    fn arrival(&mut self, from: HostId, to: HostId, size_bytes: u64) -> Time {
        self.arrival_at(self.now, from, to, size_bytes)
    }

    fn arrival_at(&mut self, now: Time, from: HostId, to: HostId, size_bytes: u64) -> Time {
        let shaping = self.hosts[usize::from(from.0)].shaping.filter(|_| from != to);
        let link = self.link(from, to);
        let at = link.arrival(now, size_bytes);
        shaping.map_or(at, |(shaping, _)| link.shaped(at, &shaping))
    }

    pub(super) fn is_alive(&self, process: ProcessId, incarnation: u32) -> bool {
        self.slots.get(process.0 as usize).is_some_and(|slot| slot.process.is_some() && slot.incarnation == incarnation)
    }

    fn resume_lane(&mut self, id: ConnId, to_opener: bool, from: HostId, to: HostId) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(acceptor) = conn.acceptor.as_ref().map(|end| end.process) else { return };
        let (sender, receiver) = if to_opener { (acceptor, conn.opener.process) } else { (conn.opener.process, acceptor) };
        let waiting = if to_opener { conn.to_opener.in_flight.len() } else { conn.to_acceptor.in_flight.len() };
        let mut due = Time::ZERO;
        let mut dues = Vec::with_capacity(waiting);
        for _ in 0..waiting {
            due = self.arrival(from, to, 0).max(due);
            dues.push(due);
        }
        self.change(id, |conn| {
            let lane = conn.lane(to_opener);
            lane.stalled = false;
            for (packet, &due) in lane.in_flight.iter_mut().zip(&dues) {
                packet.due = packet.due.max(due);
                lane.last_due = lane.last_due.max(packet.due);
            }
        });
        for due in dues {
            self.schedule(receiver, sender, due, None, Due::Arrive { conn: id, to_opener });
        }
    }

    fn put(&mut self, sender: ProcessId, id: ConnId, packet: Packet<M::Frame>, cause: Option<EventId>) {
        let Some(conn) = self.conns.get(&id) else { return };
        // No process connects to itself: what it says to itself needs no network.
        let to_opener = conn.opener.process != sender;
        let Some(acceptor) = conn.acceptor.clone() else { return };
        let (from, to) = if to_opener { (acceptor, conn.opener.clone()) } else { (conn.opener.clone(), acceptor) };
        if !from.open {
            return;
        }
        let size = if let Packet::Frame(frame) = &packet { frame.size_bytes() } else { 0 };
        // What a process says after writing to a slow disk it says when that is done.
        let now = self.slots.get(sender.0 as usize).map_or(self.now, |slot| slot.busy_until.max(self.now));
        let due = self.arrival_at(now, from.host, to.host, size);
        let due = self.change(id, |conn| conn.lane(to_opener).push(now, due, cause, packet)).unwrap_or(due);
        self.schedule(to.process, sender, due, cause, Due::Arrive { conn: id, to_opener });
    }

    /// A host answers a packet that it can do nothing with.
    fn reset(&mut self, id: ConnId, to_opener: bool) {
        let Some(conn) = self.conns.get(&id) else { return };
        let Some(acceptor) = conn.acceptor.clone() else { return };
        let (from, to) = if to_opener { (acceptor, conn.opener.clone()) } else { (conn.opener.clone(), acceptor) };
        if !to.open {
            return;
        }
        let now = self.now;
        let due = self.arrival(from.host, to.host, 0);
        let due = self.change(id, |conn| conn.lane(to_opener).push(now, due, None, Packet::Fin(CloseReason::Reset))).unwrap_or(due);
        self.schedule(to.process, from.process, due, None, Due::Arrive { conn: id, to_opener });
    }

    fn run_or_hold(&mut self, process: ProcessId, cause: Option<EventId>, input: Input<M::Frame, M::Tell>) {
        // A paused process's kernel completes the handshake; the process hears of it when it goes on.
        if self.slots[process.0 as usize].state == State::Paused {
            Arc::make_mut(&mut self.slots[process.0 as usize]).accepted_while_paused.push_back(input);
        } else {
            self.run(process, cause, input);
        }
    }

    fn change<R>(&mut self, id: ConnId, with: impl FnOnce(&mut Conn<M::Frame>) -> R) -> Option<R> {
        self.conns.get_mut(&id).map(|conn| with(Arc::make_mut(conn)))
    }

    fn forget_if_over(&mut self, id: ConnId) {
        if self.conns.get(&id).is_some_and(|conn| conn.is_over()) {
            self.conns.remove(&id);
        }
    }
}
