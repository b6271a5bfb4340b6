//! The quotas that a broker holds its clients to (`ClientQuotaManager`, `ClientRequestQuotaManager`).

use std::collections::BTreeMap;

use super::Sampling;
use super::limits::{CONSUMER_BYTE_RATE, PRODUCER_BYTE_RATE, Quotas, REQUEST_PERCENTAGE, Tags, is_enabled, quota_of};
use super::rate::Rate;

/// `INACTIVE_SENSOR_EXPIRATION_TIME_SECONDS`
const IDLE_MS: u64 = 3_600_000;
/// From so many on, those that are idle are forgotten.
const MANY: usize = 1_000;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Measured {
    /// Bytes of Produce requests.
    Produced,
    /// Bytes of Fetch responses.
    Fetched,
    /// Percent of a request handler.
    Handled,
}

const ALL: [Measured; 3] = [Measured::Produced, Measured::Fetched, Measured::Handled];

impl Measured {
    fn quota(self) -> &'static str {
        match self {
            Measured::Produced => PRODUCER_BYTE_RATE,
            Measured::Fetched => CONSUMER_BYTE_RATE,
            Measured::Handled => REQUEST_PERCENTAGE,
        }
    }
}

/// What clients did lately. Nothing is counted while there is no quota.
#[derive(Clone, Debug)]
pub struct ClientQuotas {
    sampling: Sampling,
    enabled: [bool; 3],
    rates: BTreeMap<(Measured, Tags), Rate>,
}

impl ClientQuotas {
    pub fn new(sampling: Sampling) -> ClientQuotas {
        ClientQuotas { sampling, enabled: [false; 3], rates: BTreeMap::new() }
    }

    /// Quotas have changed.
    pub fn configure(&mut self, quotas: &Quotas) {
        self.enabled = ALL.map(|measured| is_enabled(quotas, measured.quota()));
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled.contains(&true)
    }

    /// Counts what a client did; returns for how many milliseconds it is throttled.
    pub fn record(&mut self, now_ms: u64, quotas: &Quotas, measured: Measured, user: &str, client: &str, amount: f64) -> u64 {
        let Some((rate, bound)) = self.rate(now_ms, quotas, measured, user, client) else { return 0 };
        rate.record(now_ms, amount);
        let throttle_ms = bound.map_or(0, |bound| rate.throttle_ms(now_ms, bound));
        match measured {
            // Nobody waits longer than a window for having taken too much time.
            Measured::Handled => throttle_ms.min(self.sampling.window_ms),
            _ => throttle_ms,
        }
    }

    /// What was counted did not happen: nothing is sent to a client that is throttled.
    pub fn unrecord(&mut self, now_ms: u64, quotas: &Quotas, measured: Measured, user: &str, client: &str, amount: f64) {
        if let Some((rate, _)) = self.rate(now_ms, quotas, measured, user, client) {
            rate.record(now_ms, -amount);
        }
    }

    /// The most that a client could fetch in all windows (`getMaxValueInQuotaWindow`).
    pub fn most_fetched(&self, quotas: &Quotas, user: &str, client: &str) -> Option<u64> {
        let bound = quota_of(quotas, CONSUMER_BYTE_RATE, user, client).1.filter(|_| self.enabled[Measured::Fetched as usize])?;
        Some((bound * f64::from(self.sampling.samples - 1) * (self.sampling.window_ms as f64 / 1_000.0)) as u64)
    }

    fn rate(&mut self, now_ms: u64, quotas: &Quotas, measured: Measured, user: &str, client: &str) -> Option<(&mut Rate, Option<f64>)> {
        if !self.enabled[measured as usize] {
            return None;
        }
        let (tags, bound) = quota_of(quotas, measured.quota(), user, client);
        if self.rates.len() >= MANY {
            self.rates.retain(|_, rate| now_ms.saturating_sub(rate.last_ms()) < IDLE_MS);
        }
        let sampling = self.sampling;
        Some((self.rates.entry((measured, tags)).or_insert_with(|| Rate::new(sampling)), bound))
    }
}
