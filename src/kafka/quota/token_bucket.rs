//! A bucket of tokens (KIP-599, `org.apache.kafka.common.metrics.stats.TokenBucket`): it fills at the quota's rate, holds what all windows
//! together may bring, and may be overdrawn once.

use super::Sampling;
use super::rate::round;

#[derive(Clone, Copy, Debug, Default)]
pub struct TokenBucket {
    tokens: f64,
    refilled_ms: u64,
}

impl TokenBucket {
    pub fn record(&mut self, now_ms: u64, amount: f64, sampling: Sampling, bound: f64) {
        let burst = self.refill(now_ms, sampling, bound);
        self.tokens = burst.min(self.tokens - amount);
    }

    /// How long until it is no longer overdrawn; 0 if it is not.
    pub fn throttle_ms(&mut self, now_ms: u64, sampling: Sampling, bound: f64) -> u64 {
        self.refill(now_ms, sampling, bound);
        if self.tokens >= 0.0 { 0 } else { round(-self.tokens / bound * 1_000.0) }
    }

    pub fn last_ms(&self) -> u64 {
        self.refilled_ms
    }

    fn refill(&mut self, now_ms: u64, sampling: Sampling, bound: f64) -> f64 {
        let burst = f64::from(sampling.samples) * (sampling.window_ms as f64 / 1_000.0) * bound;
        let since_ms = now_ms.saturating_sub(self.refilled_ms);
        self.tokens = burst.min(self.tokens + bound * (since_ms as f64 / 1_000.0));
        self.refilled_ms = now_ms;
        burst
    }

    /// A bucket that is full at first.
    pub fn full(now_ms: u64, sampling: Sampling, bound: f64) -> TokenBucket {
        let burst = f64::from(sampling.samples) * (sampling.window_ms as f64 / 1_000.0) * bound;
        TokenBucket { tokens: burst, refilled_ms: now_ms }
    }
}
