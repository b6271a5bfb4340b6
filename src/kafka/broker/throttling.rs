//! Holding clients to their quotas (KIP-13, KIP-124, KIP-219): an answer goes out at once and says for how long the client is throttled;
//! that long the broker takes up nothing more from its connection (`ClientQuotaManager.throttle`).

use kafka_protocol::messages::FetchResponse;

use super::process::Broker;
use super::replicas::Asker;
use super::requests::ClientConn;
use crate::kafka::actor::Outbox;
use crate::kafka::names::Name;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::frame::{Batches, Frame};
use crate::kafka::protocol::throttle::throttle_time_ms;
use crate::kafka::quota::client_quotas::Measured;
use crate::sim::process::ConnId;
use crate::sim::time::{Duration, Time};

/// What the request that is being answered is charged with.
#[derive(Clone, Debug, Default)]
pub struct Charge {
    /// Known once somebody needs it: while there are quotas, and of requests that are passed on.
    pub client_id: Option<Name>,
    pub request_bytes: u64,
    pub service_us: u64,
    /// Of a follower, or a request that the controller charges: no quota of this broker is for it.
    pub is_exempt: bool,
}

impl Broker {
    /// Charges an answer to the quotas; writes the throttle time into it and returns it. A throttled fetch gets no records.
    pub(super) fn throttle_of(&mut self, now: Time, asker: Asker, response: &mut Response, batches: &mut Vec<Batches>) -> u64 {
        // What the controller throttles is throttled here.
        let said_ms = throttle_time_ms(response).map_or(0, |ms| (*ms).max(0) as u64);
        if said_ms > 0 || !self.quotas.is_enabled() {
            return said_ms;
        }
        let Some(client) = self.conns.get(&asker.conn).filter(|client| !client.charge.is_exempt) else { return 0 };
        let now_ms = now.as_ms();
        let (user, id, quotas) = (client.user(), client.client_id(), &self.image.quotas);
        // Microseconds to percent of a second.
        let percent = client.charge.service_us as f64 / 10_000.0;
        let request_ms = self.quotas.record(now_ms, quotas, Measured::Handled, user, id, percent);
        let bytes_ms = match response {
            Response::Produce(_) => self.quotas.record(now_ms, quotas, Measured::Produced, user, id, client.charge.request_bytes as f64),
            Response::Fetch(body) => {
                let size =
                    body.responses.len() as u64 * 26 + batches.iter().flatten().map(|batch| u64::from(batch.size_bytes())).sum::<u64>();
                let bytes_ms = self.quotas.record(now_ms, quotas, Measured::Fetched, user, id, size as f64);
                if bytes_ms.max(request_ms) > 0 {
                    self.quotas.unrecord(now_ms, quotas, Measured::Fetched, user, id, size as f64);
                    *response = FetchResponse::default().into();
                    batches.clear();
                }
                bytes_ms
            }
            _ => 0,
        };
        let throttle_ms = bytes_ms.max(request_ms);
        if let Some(field) = throttle_time_ms(response) {
            *field = i32::try_from(throttle_ms).unwrap_or(i32::MAX);
        }
        throttle_ms
    }

    /// A Produce with acks=0 has no answer, but is charged; the time of its handler is not.
    pub(super) fn charge_unanswered(&mut self, now: Time, conn: ConnId) {
        let Some(client) = self.conns.get(&conn).filter(|_| self.quotas.is_enabled()) else { return };
        let bytes = client.charge.request_bytes as f64;
        let (user, id) = (client.user(), client.client_id());
        let throttle_ms = self.quotas.record(now.as_ms(), &self.image.quotas, Measured::Produced, user, id, bytes);
        self.mute(now, conn, throttle_ms);
    }

    /// Takes up nothing more from a connection for so long.
    pub(super) fn mute(&mut self, now: Time, conn: ConnId, throttle_ms: u64) {
        if throttle_ms == 0 {
            return;
        }
        let until = now + Duration::ms(throttle_ms);
        if let Some(client) = self.conns.get_mut(&conn) {
            client.muted_until = Some(until);
            self.muted.insert((until, conn));
        }
    }

    /// Connections whose time is over go on.
    #[inline(never)]
    pub(super) fn unmute(&mut self, now: Time, out: &mut Outbox) {
        while let Some((_, conn)) = self.muted.first().copied().filter(|(until, _)| *until <= now) {
            self.muted.pop_first();
            if self.conns.get(&conn).is_some_and(|client| client.muted_until.is_some_and(|until| until <= now)) {
                self.no_response(now, conn, out);
            }
        }
    }

    /// No fetch gets more than its client's quota allows in all windows together.
    pub(super) fn fetch_allowance(&self, conn: ConnId) -> Option<u64> {
        let client = self.conns.get(&conn).filter(|_| self.quotas.is_enabled())?;
        self.quotas.most_fetched(&self.image.quotas, client.user(), client.client_id())
    }
}

impl ClientConn {
    /// Its user, as quotas name it.
    pub fn user(&self) -> &str {
        self.principal().split_once(':').map_or("", |(_, name)| name)
    }

    pub fn client_id(&self) -> &str {
        self.charge.client_id.as_deref().unwrap_or("")
    }
}

/// Bytes of a request as Kafka counts them: without the length in front.
pub(super) fn charged_bytes(frame: &Frame) -> u64 {
    crate::sim::process::Frame::size_bytes(frame).saturating_sub(4)
}
