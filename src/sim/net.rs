//! Links and connections. TCP-like: in order, nothing doubled, nothing lost while both ends and the link live; loss is delay.

use std::collections::VecDeque;
use std::sync::Arc;

use super::fault::Shaping;
use super::process::{CloseReason, ConnId, EventId, ProcessId};
use super::rng::Rng;
use super::time::{Duration, Time};

/// A host's number, in the order of their creation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HostId(pub u16);

/// How packets travel one way between two hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkSpec {
    pub latency: Duration,
    /// Up to this much is added at random.
    pub jitter: Duration,
    /// 0 = unlimited.
    pub bytes_per_us: u64,
}

impl Default for LinkSpec {
    /// Two machines in one data centre: 250 to 350 µs, 10 Gbit/s.
    fn default() -> LinkSpec {
        LinkSpec { latency: Duration::us(250), jitter: Duration::us(100), bytes_per_us: 1_250 }
    }
}

/// One direction between two hosts.
#[derive(Clone, Debug)]
pub struct Link {
    pub spec: LinkSpec,
    rng: Rng,
    busy_until: Time,
    /// The event that cut it, while it is cut.
    pub cut: Option<EventId>,
    /// It is the sender's rule that cuts it, not the receiver's.
    pub cut_at_sender: bool,
    /// Of a thousand packets so many are lost, and sent again.
    pub loss_permille: u16,
}

/// After this long without an acknowledgement a packet is sent again (Linux: TCP_RTO_MIN), and after twice as long again, and so on.
const RETRANSMIT_AFTER: Duration = Duration::ms(200);
/// So often at most: whatever the loss, a packet arrives in the end.
const RETRANSMISSIONS: u32 = 6;

impl Link {
    pub fn new(spec: LinkSpec, rng: Rng) -> Link {
        Link { spec, rng, busy_until: Time::ZERO, cut: None, cut_at_sender: false, loss_permille: 0 }
    }

    /// When something of this size, handed over now, is at the other end.
    pub fn arrival(&mut self, now: Time, size_bytes: u64) -> Time {
        let start = self.busy_until.max(now);
        let wire = size_bytes.checked_div(self.spec.bytes_per_us).unwrap_or(0);
        self.busy_until = start + Duration::us(wire);
        self.busy_until + self.spec.latency + Duration(self.rng.below(self.spec.jitter.0 + 1)) + self.retransmissions()
    }

    pub fn is_good(&self) -> bool {
        self.cut.is_none() && self.loss_permille == 0
    }

    /// What the sender's shaping makes of an arrival.
    pub fn shaped(&mut self, arrival: Time, shaping: &Shaping) -> Time {
        let Shaping { delay_us, jitter_us, lost_ppm } = *shaping;
        let delay = (delay_us + self.rng.below(2 * jitter_us + 1)).saturating_sub(jitter_us);
        arrival + Duration::us(delay) + self.late(lost_ppm)
    }

    fn retransmissions(&mut self) -> Duration {
        self.late(u32::from(self.loss_permille) * (Shaping::ALL_LOST / 1_000))
    }

    /// How much later a packet arrives because it was lost a few times.
    fn late(&mut self, lost_ppm: u32) -> Duration {
        let mut late = Duration::ZERO;
        for times in 0..RETRANSMISSIONS {
            if lost_ppm == 0 || self.rng.below(u64::from(Shaping::ALL_LOST)) >= u64::from(lost_ppm) {
                break;
            }
            late = late + Duration(RETRANSMIT_AFTER.0 << times);
        }
        late
    }
}

/// One end of a connection.
#[derive(Clone, Debug)]
pub struct End {
    pub process: ProcessId,
    pub incarnation: u32,
    pub host: HostId,
    /// This end's process still cares.
    pub open: bool,
}

/// Something on a lane.
#[derive(Clone, Debug)]
pub struct InFlight<F> {
    pub n: u64,
    pub sent: Time,
    pub due: Time,
    pub cause: Option<EventId>,
    pub what: Packet<F>,
}

#[derive(Clone, Debug)]
pub enum Packet<F> {
    Frame(Arc<F>),
    Fin(CloseReason),
}

/// One direction of a connection: what is on its way, in order.
#[derive(Clone, Debug)]
pub struct Lane<F> {
    pub in_flight: VecDeque<InFlight<F>>,
    /// The front has reached a cut and waits there.
    pub stalled: bool,
    pub last_due: Time,
    pub sent: u64,
}

impl<F> Default for Lane<F> {
    fn default() -> Self {
        Lane { in_flight: VecDeque::new(), stalled: false, last_due: Time::ZERO, sent: 0 }
    }
}

impl<F> Lane<F> {
    /// Puts something behind all that is on the lane; returns when it is due.
    pub fn push(&mut self, now: Time, due: Time, cause: Option<EventId>, what: Packet<F>) -> Time {
        let due = due.max(self.last_due);
        self.last_due = due;
        self.in_flight.push_back(InFlight { n: self.sent, sent: now, due, cause, what });
        self.sent += 1;
        due
    }

    /// The front, if it has arrived by now and no cut holds it.
    pub fn arrived(&mut self, now: Time) -> Option<InFlight<F>> {
        if self.stalled || self.in_flight.front()?.due > now {
            return None;
        }
        self.in_flight.pop_front()
    }

    /// The sender lost power: what it would have sent again, once the cut is mended, was in its memory.
    pub fn lose_stalled(&mut self) {
        if self.stalled {
            self.in_flight.clear();
        }
    }
}

/// A connection: two ends, two lanes.
#[derive(Clone, Debug)]
pub struct Conn<F> {
    pub id: ConnId,
    pub port: u16,
    pub opener: End,
    /// Unknown until the request has reached the host.
    pub acceptor: Option<End>,
    pub to_acceptor: Lane<F>,
    pub to_opener: Lane<F>,
    /// Where the request goes.
    pub target: HostId,
    /// The request waits at a cut since then.
    pub syn_waits: bool,
    pub established: bool,
}

impl<F> Conn<F> {
    pub fn lane(&mut self, to_opener: bool) -> &mut Lane<F> {
        if to_opener { &mut self.to_opener } else { &mut self.to_acceptor }
    }

    /// Nobody cares any more and nothing is on its way.
    pub fn is_over(&self) -> bool {
        let ends = !self.opener.open && self.acceptor.as_ref().is_none_or(|end| !end.open);
        ends && self.to_acceptor.in_flight.is_empty() && self.to_opener.in_flight.is_empty()
    }
}
