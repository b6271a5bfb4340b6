//! Rates, counted from events: records acknowledged and read, over the last second, and sampled for the chart.
//!
//! Bounded and cheap to copy: it is copied with every checkpoint and so is always of the instant that it belongs to.

use std::collections::BTreeMap;

use imbl::Vector;

use crate::kafka::event::Event;
use crate::kafka::names::Name;
use crate::sim::process::Recorded;
use crate::sim::time::{Duration, Time};

/// A sample covers so much virtual time.
pub const SAMPLE_EVERY: Duration = Duration::ms(250);
/// So many samples are kept: one virtual hour.
pub const MAX_SAMPLES: usize = 14_400;
/// So many names of one sort are counted; later ones are not.
const MAX_NAMES: usize = 1_024;

/// Records per second over the [`SAMPLE_EVERY`] that end at `at`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sample {
    pub at: Time,
    pub acked_per_s: u32,
    pub consumed_per_s: u32,
}

/// What flows, up to some instant.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    acked_by_topic: BTreeMap<Name, Meter>,
    acked_by_producer: BTreeMap<Name, Meter>,
    consumed_by_group: BTreeMap<Name, Meter>,
    consumed_by_client: BTreeMap<Name, Meter>,
    samples: Vector<Sample>,
    /// The end of the interval that is being counted.
    sample_end: Time,
    acked: u64,
    consumed: u64,
    total_acked: u64,
    total_consumed: u64,
}

impl Metrics {
    pub fn event(&mut self, event: &Recorded<Event>) {
        match &event.event {
            Event::BatchAcked { producer, partition, count, .. } => {
                self.pass(event.at);
                let n = u64::from(*count);
                add(&mut self.acked_by_topic, &partition.topic, event.at, n);
                add(&mut self.acked_by_producer, producer, event.at, n);
                self.acked += n;
                self.total_acked += n;
            }
            Event::Consumed { group, client, count, .. } => {
                self.pass(event.at);
                let n = u64::from(*count);
                if let Some(group) = group {
                    add(&mut self.consumed_by_group, group, event.at, n);
                }
                add(&mut self.consumed_by_client, client, event.at, n);
                self.consumed += n;
                self.total_consumed += n;
            }
            _ => {}
        }
    }

    /// Time has passed, with or without events.
    pub fn pass(&mut self, now: Time) {
        if self.sample_end == Time::ZERO {
            self.sample_end = Time(now.0 - now.0 % SAMPLE_EVERY.0) + SAMPLE_EVERY;
        }
        while self.sample_end <= now {
            let per_s = |n: u64| u32::try_from(n * 1_000_000 / SAMPLE_EVERY.0).unwrap_or(u32::MAX);
            let sample = Sample { at: self.sample_end, acked_per_s: per_s(self.acked), consumed_per_s: per_s(self.consumed) };
            self.samples.push_back(sample);
            if self.samples.len() > MAX_SAMPLES {
                self.samples.pop_front();
            }
            (self.acked, self.consumed) = (0, 0);
            self.sample_end += SAMPLE_EVERY;
        }
    }

    /// Records acknowledged over the last second, by topic.
    pub fn topic_acked_per_s(&self, topic: &str, now: Time) -> u32 {
        rate(&self.acked_by_topic, topic, now)
    }

    pub fn producer_acked_per_s(&self, producer: &str, now: Time) -> u32 {
        rate(&self.acked_by_producer, producer, now)
    }

    /// Records read over the last second by all members of a group.
    pub fn group_consumed_per_s(&self, group: &str, now: Time) -> u32 {
        rate(&self.consumed_by_group, group, now)
    }

    pub fn client_consumed_per_s(&self, client: &str, now: Time) -> u32 {
        rate(&self.consumed_by_client, client, now)
    }

    /// Records acknowledged and read since the beginning.
    pub fn totals(&self) -> (u64, u64) {
        (self.total_acked, self.total_consumed)
    }

    /// Samples, oldest first.
    pub fn samples(&self) -> impl DoubleEndedIterator<Item = &Sample> {
        self.samples.iter()
    }

    /// Samples later than an instant, oldest first.
    pub fn samples_after(&self, at: Time) -> impl Iterator<Item = &Sample> {
        let new = self.samples.iter().rev().take_while(|sample| sample.at > at).count();
        self.samples.iter().skip(self.samples.len() - new)
    }
}

/// Counts in tenths of a second.
#[derive(Clone, Copy, Debug, Default)]
struct Meter {
    /// Tenth `i` of the run is counted at `i % 11`: the last ten, and the one that runs.
    tenths: [u32; 11],
    latest: u64,
}

const TENTH: Duration = Duration::ms(100);

impl Meter {
    fn add(&mut self, now: Time, records: u64) {
        let tenth = now.0 / TENTH.0;
        for passed in (self.latest + 1..=tenth).take(self.tenths.len()) {
            self.tenths[(passed % 11) as usize] = 0;
        }
        if tenth >= self.latest + 11 {
            self.tenths = [0; 11];
        }
        self.latest = self.latest.max(tenth);
        let counted = &mut self.tenths[(tenth % 11) as usize];
        *counted = counted.saturating_add(records.min(u64::from(u32::MAX)) as u32);
    }

    /// Over the last ten whole tenths.
    fn per_second(&self, now: Time) -> u32 {
        let tenth = now.0 / TENTH.0;
        let back = (1..=10).filter_map(|back| tenth.checked_sub(back));
        back.filter(|&t| t <= self.latest && t + 11 > self.latest).fold(0, |sum, t| sum.saturating_add(self.tenths[(t % 11) as usize]))
    }
}

fn add(meters: &mut BTreeMap<Name, Meter>, name: &Name, now: Time, records: u64) {
    if let Some(meter) = meters.get_mut(name) {
        meter.add(now, records);
    } else if meters.len() < MAX_NAMES {
        meters.entry(name.clone()).or_default().add(now, records);
    }
}

fn rate(meters: &BTreeMap<Name, Meter>, name: &str, now: Time) -> u32 {
    meters.get(name).map_or(0, |meter| meter.per_second(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::names::TopicPartition;
    use crate::sim::chunk::ChunkId;
    use crate::sim::process::EventId;

    fn acked(ms: u64, count: u32) -> Recorded<Event> {
        let partition = TopicPartition::new("orders", 0);
        let event = Event::BatchAcked { producer: "p".into(), partition, base_offset: 0, count, chunk: ChunkId(0), latency_us: 0 };
        Recorded { id: EventId(0), at: Time::from_ms(ms), process: None, trigger: None, blockers: Vec::new(), event }
    }

    #[test]
    fn a_steady_flow_has_its_rate_and_a_dead_one_none() {
        let mut metrics = Metrics::default();
        (5_000..8_000).step_by(10).for_each(|ms| metrics.event(&acked(ms, 10)));
        metrics.pass(Time::from_ms(9_000));
        let at = |ms| metrics.topic_acked_per_s("orders", Time::from_ms(ms));
        assert_eq!([at(8_000), at(8_500), at(9_200), at(90_000)], [1_000, 500, 0, 0]);
        assert_eq!(metrics.producer_acked_per_s("p", Time::from_ms(8_000)), 1_000);
        assert_eq!(metrics.topic_acked_per_s("other", Time::from_ms(8_000)), 0);
        assert_eq!(metrics.totals(), (3_000, 0));
        let samples: Vec<u32> = metrics.samples().map(|sample| sample.acked_per_s).collect();
        assert_eq!(samples[..12], [1_000; 12]);
        assert_eq!(samples[12..], [0; 4]);
        assert_eq!(metrics.samples_after(Time::from_ms(8_500)).count(), 2);
    }

    #[test]
    fn samples_are_bounded() {
        let mut metrics = Metrics::default();
        metrics.pass(Time::from_ms(1));
        metrics.pass(Time::from_ms(2 * 3_600_000));
        assert_eq!(metrics.samples().count(), MAX_SAMPLES);
    }
}
