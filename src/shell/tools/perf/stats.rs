//! What kafka-producer-perf-test counts and prints (`ProducerPerformance.Stats`).

use std::collections::BTreeMap;

use crate::sim::time::{Duration, Time};

/// Counts of a whole run, and of the window since the last report.
#[derive(Clone, Debug)]
pub struct Stats {
    start: Time,
    reporting_interval: Duration,
    is_steady_state: bool,
    prints: bool,
    /// How many records took so many ms. (Kafka keeps up to half a million samples.)
    latencies: BTreeMap<u64, u64>,
    whole: Count,
    window: Count,
    window_start: Time,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    records: u64,
    bytes: u64,
    total_latency_ms: u64,
    max_latency_ms: u64,
}

impl Stats {
    pub fn new(now: Time, reporting_interval: Duration, is_steady_state: bool) -> Stats {
        let (whole, window) = (Count::default(), Count::default());
        Stats {
            start: now,
            reporting_interval,
            is_steady_state,
            prints: true,
            latencies: BTreeMap::new(),
            whole,
            window,
            window_start: now,
        }
    }

    /// Says nothing more of windows: those of the steady state are said.
    pub fn suppress_printing(&mut self) {
        self.prints = false;
    }

    /// A record of so many bytes was acknowledged after this time; the line of a window that is over.
    pub fn record(&mut self, now: Time, latency: Duration, bytes: u64) -> Option<String> {
        *self.latencies.entry(latency.as_ms()).or_default() += 1;
        for count in [&mut self.whole, &mut self.window] {
            count.records += 1;
            count.bytes += bytes;
            count.total_latency_ms += latency.as_ms();
            count.max_latency_ms = count.max_latency_ms.max(latency.as_ms());
        }
        if now.since(self.window_start) < self.reporting_interval {
            return None;
        }
        let (per_second, mb_per_second) = self.window.rates(now.since(self.window_start));
        let line = format!(
            "{}{} records sent, {per_second:.1} records/sec ({mb_per_second:.2} MB/sec), {:.1} ms avg latency, {:.1} ms max latency.",
            self.window.records,
            self.kind(),
            self.window.average_latency(),
            self.window.max_latency_ms as f64,
        );
        self.window = Count::default();
        self.window_start = now;
        self.prints.then_some(line)
    }

    /// The last line.
    pub fn total(&self, now: Time) -> String {
        let (per_second, mb_per_second) = self.whole.rates(now.since(self.start));
        let [p50, p95, p99, p999] = [500, 950, 990, 999].map(|permille| self.percentile(permille));
        format!(
            "{}{} records sent, {per_second:.6} records/sec ({mb_per_second:.2} MB/sec), {:.2} ms avg latency, {:.2} ms max latency, {p50} ms 50th, {p95} ms 95th, {p99} ms 99th, {p999} ms 99.9th.",
            self.whole.records,
            self.kind(),
            self.whole.average_latency(),
            self.whole.max_latency_ms as f64,
        )
    }

    fn kind(&self) -> &'static str {
        if self.is_steady_state { " steady state" } else { "" }
    }

    /// The latency at this place of all, sorted.
    fn percentile(&self, permille: u64) -> u64 {
        let place = self.whole.records * permille / 1_000;
        let mut seen = 0;
        let reached = self.latencies.iter().find(|(_, count)| {
            seen += **count;
            seen > place
        });
        reached.map_or(0, |(latency, _)| *latency)
    }
}

impl Count {
    /// Records and MiB a second.
    fn rates(&self, elapsed: Duration) -> (f64, f64) {
        let elapsed_ms = elapsed.as_ms() as f64;
        (1_000.0 * self.records as f64 / elapsed_ms, 1_000.0 * self.bytes as f64 / elapsed_ms / (1024.0 * 1024.0))
    }

    fn average_latency(&self) -> f64 {
        self.total_latency_ms as f64 / self.records as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_and_the_whole() {
        let mut stats = Stats::new(Time::ZERO, Duration::secs(5), false);
        let mut windows = Vec::new();
        for n in 0..20u64 {
            windows.extend(stats.record(Time::from_ms(n * 500), Duration::ms(10 + n), 1_024));
        }
        assert_eq!(windows, ["11 records sent, 2.2 records/sec (0.00 MB/sec), 15.0 ms avg latency, 20.0 ms max latency."]);
        let expected = "20 records sent, 2.000000 records/sec (0.00 MB/sec), 19.50 ms avg latency, 29.00 ms max latency, 20 ms 50th, 29 ms 95th, 29 ms 99th, 29 ms 99.9th.";
        assert_eq!(stats.total(Time::from_ms(10_000)), expected);
    }
}
