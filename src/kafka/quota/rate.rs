//! A rate over samples (`org.apache.kafka.common.metrics.stats.Rate` of a `WindowedSum`).
//!
//! A sample takes what comes within a window of its start; then the next begins, in a ring of one more than the configured number. What is
//! older than all windows counts no more. A rate that is young is measured over nearly all windows all the same, so that somebody new may
//! do the work of ten windows at once.

use super::Sampling;

/// What was done, and when.
#[derive(Clone, Debug)]
pub struct Rate {
    sampling: Sampling,
    samples: Vec<Sample>,
    current: u32,
}

#[derive(Clone, Copy, Debug)]
struct Sample {
    start_ms: u64,
    last_ms: u64,
    sum: f64,
}

impl Sample {
    fn new(now_ms: u64) -> Sample {
        Sample { start_ms: now_ms, last_ms: now_ms, sum: 0.0 }
    }
}

impl Rate {
    pub fn new(sampling: Sampling) -> Rate {
        Rate { sampling, samples: Vec::new(), current: 0 }
    }

    pub fn record(&mut self, now_ms: u64, amount: f64) {
        let window_ms = self.sampling.window_ms;
        match self.samples.get(self.current as usize) {
            None => self.samples.push(Sample::new(now_ms)),
            Some(sample) if now_ms.saturating_sub(sample.start_ms) >= window_ms => {
                self.current = (self.current + 1) % (self.sampling.samples + 1);
                match self.samples.get_mut(self.current as usize) {
                    Some(sample) => *sample = Sample::new(now_ms),
                    None => self.samples.push(Sample::new(now_ms)),
                }
            }
            Some(_) => {}
        }
        if let Some(sample) = self.samples.get_mut(self.current as usize) {
            sample.sum += amount;
            sample.last_ms = now_ms;
        }
    }

    /// How much a second, and over how many milliseconds that is measured.
    pub fn measure(&mut self, now_ms: u64) -> (f64, u64) {
        let Sampling { samples, window_ms } = self.sampling;
        let expiry_ms = u64::from(samples) * window_ms;
        for sample in self.samples.iter_mut().filter(|sample| now_ms.saturating_sub(sample.last_ms) >= expiry_ms) {
            *sample = Sample::new(now_ms);
        }
        let total: f64 = self.samples.iter().map(|sample| sample.sum).sum();
        let oldest = self.samples.iter().map(|sample| sample.start_ms).min().unwrap_or(now_ms);
        let elapsed_ms = now_ms.saturating_sub(oldest);
        let missing = u64::from(samples - 1).saturating_sub(elapsed_ms / window_ms);
        let span_ms = (elapsed_ms + missing * window_ms).max(1);
        (total / (span_ms as f64 / 1_000.0), span_ms)
    }

    /// How long to wait until the rate is back at its bound (`QuotaUtils.throttleTime`); 0 while it is not above it.
    pub fn throttle_ms(&mut self, now_ms: u64, bound: f64) -> u64 {
        let (rate, span_ms) = self.measure(now_ms);
        if rate <= bound { 0 } else { round((rate - bound) / bound * span_ms as f64) }
    }

    /// When something was recorded last.
    pub fn last_ms(&self) -> u64 {
        self.samples.iter().map(|sample| sample.last_ms).max().unwrap_or(0)
    }
}

/// `Math.round` of what is not negative.
pub(super) fn round(value: f64) -> u64 {
    libm::floor(value + 0.5) as u64
}
