//! How fast a tool sends: what it was told (`ThroughputThrottler`), and no faster than a program can.

use crate::sim::time::{Duration, Time};

/// A Java program hands about 250,000 records a second to a producer (measured on two cores, one broker: 190,000 to 290,000).
const RECORD: Duration = Duration::us(4);
/// So long it draws the bytes of a random payload: 1,000 records of 100 kB take 0.8 s (golden/scenarios/retention-by-size).
const DRAWN_BYTE_NS: u64 = 8;
/// Shorter sleeps are saved up.
const LEAST_SLEEP: Duration = Duration::ms(2);

/// The pace of one run.
#[derive(Clone, Debug)]
pub struct Throttle {
    start: Time,
    /// Records a second; negative: as fast as possible.
    target: f64,
    sleep_deficit: Duration,
    /// Until when it sleeps.
    sleeps_until: Option<Time>,
    /// What the records so far took.
    spent: Duration,
}

impl Throttle {
    pub fn new(target: f64, start: Time) -> Throttle {
        Throttle { start, target, sleep_deficit: Duration::ZERO, sleeps_until: None, spent: Duration::ZERO }
    }

    /// Whether the next record may be sent now.
    pub fn may_send(&self, now: Time) -> bool {
        let elapsed_ms = now.since(self.start).as_ms() + 1;
        self.sleeps_until.is_none_or(|until| until <= now) && self.spent < Duration::ms(elapsed_ms)
    }

    /// A record was sent, the how-manieth (from 0) at what time; so many bytes were drawn for it.
    pub fn sent(&mut self, index: u64, drawn_bytes: u64, now: Time) {
        self.spent = self.spent + RECORD.max(Duration::us(drawn_bytes * DRAWN_BYTE_NS / 1_000));
        if self.target < 0.0 {
            return;
        }
        // Sending takes no time here, so that the first millisecond counts as one that has passed.
        let elapsed_s = now.since(self.start).as_ms().max(1) as f64 / 1_000.0;
        if (index as f64 / elapsed_s) <= self.target {
            return;
        }
        if self.target == 0.0 {
            self.sleeps_until = Some(Time(u64::MAX));
            return;
        }
        self.sleep_deficit = self.sleep_deficit + Duration((1_000_000.0 / self.target) as u64);
        if self.sleep_deficit >= LEAST_SLEEP {
            self.sleeps_until = Some(now + self.sleep_deficit);
            self.sleep_deficit = Duration::ZERO;
        }
    }

    /// When to look again.
    pub fn next_wake(&self, now: Time) -> Option<Time> {
        match self.sleeps_until.filter(|until| *until > now) {
            Some(Time(u64::MAX)) => None,
            Some(until) => Some(until),
            None => Some(now + Duration::ms(1)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many records go out in so many seconds.
    fn sent_in(target: f64, drawn_bytes: u64, seconds: u64) -> u64 {
        let mut throttle = Throttle::new(target, Time::ZERO);
        let mut sent = 0;
        for ms in 0..seconds * 1_000 {
            let now = Time::from_ms(ms);
            while throttle.may_send(now) {
                throttle.sent(sent, drawn_bytes, now);
                sent += 1;
            }
        }
        sent
    }

    #[test]
    fn keeps_to_what_it_was_told() {
        assert!((48..=53).contains(&sent_in(5.0, 100, 10)), "{}", sent_in(5.0, 100, 10));
        assert!((9_900..=10_300).contains(&sent_in(1_000.0, 100, 10)), "{}", sent_in(1_000.0, 100, 10));
        assert_eq!(sent_in(-1.0, 100, 1), 250_000);
        assert_eq!(sent_in(-1.0, 100_000, 1), 1_250);
    }
}
