//! The loads that are measured and proved: the same on a native machine and in a tab.

use super::build::{BuildError, Machine};
use super::metrics::Metrics;
use super::spec::{ClusterSpec, Config, GroupSpec, KeySpec, ProducerSpec, TopicSpec, ValueSpec};
use super::timeline::{Timeline, Watcher};
use super::world::World;
use crate::kafka::event::Event;
use crate::sim::engine::Settings;
use crate::sim::net::LinkSpec;
use crate::sim::process::Recorded;
use crate::sim::time::Duration;

/// A run under load: events and checkpoints are on, as on the page.
pub type LoadedTimeline = Timeline<World, Metrics>;

/// Records a second that the measured producer offers: more than any machine takes, so that batches are full.
const OFFERED: u32 = 1_000_000;

impl Watcher<World> for Metrics {
    fn event(&mut self, event: &Recorded<Event>) {
        Metrics::event(self, event);
    }

    fn look(&mut self, world: &World) {
        self.pass(world.now());
    }
}

/// Records of 100 bytes through three brokers: replication factor 3, acks=all, 6 partitions, batch.size 16384, linger.ms 5.
pub fn throughput_cluster() -> ClusterSpec {
    let config = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<Config>();
    ClusterSpec {
        topics: vec![TopicSpec { name: "load".into(), partitions: 6, replication_factor: 3, config: Config::new() }],
        producers: vec![ProducerSpec {
            name: "producer".into(),
            topic: "load".into(),
            records_per_second: OFFERED,
            key: KeySpec::None,
            value: ValueSpec::SizeBytes(100),
            config: config(&[("acks", "all"), ("batch.size", "16384"), ("linger.ms", "5")]),
        }],
        groups: vec![GroupSpec { name: "readers".into(), topics: vec!["load".into()], members: 3, config: Config::new() }],
        ..ClusterSpec::default()
    }
}

/// The cluster of `replication/01-kill-a-node`: a thousand unique records a second, read by two consumers.
pub fn lesson_cluster() -> ClusterSpec {
    let config = |name: &str, value: &str| Config::from([(name.to_owned(), value.to_owned())]);
    ClusterSpec {
        topics: vec![TopicSpec { name: "orders".into(), partitions: 3, replication_factor: 3, config: config("min.insync.replicas", "2") }],
        producers: vec![ProducerSpec {
            name: "checkout".into(),
            topic: "orders".into(),
            records_per_second: 1_000,
            key: KeySpec::None,
            value: ValueSpec::Unique("order".into()),
            config: config("acks", "all"),
        }],
        groups: vec![GroupSpec { name: "billing".into(), topics: vec!["orders".into()], members: 2, config: Config::new() }],
        ..ClusterSpec::default()
    }
}

/// Machines whose network costs nothing but its latency.
pub fn unlimited() -> Machine {
    let link = LinkSpec { bytes_per_us: 0, ..LinkSpec::default() };
    Machine { settings: Settings { link, disk_bytes: u64::MAX / 2, read_bytes_per_us: 0, ..Settings::default() }, ..Machine::default() }
}

/// The throughput load, ready to be run.
///
/// # Errors
/// If the cluster does not get ready.
pub fn throughput(seed: u64) -> Result<LoadedTimeline, BuildError> {
    Ok(Timeline::new(World::build_on(&unlimited(), &throughput_cluster(), seed)?, Metrics::default()))
}

/// The lesson's load, ready to be run.
///
/// # Errors
/// If the cluster does not get ready.
pub fn lesson(seed: u64) -> Result<LoadedTimeline, BuildError> {
    Ok(Timeline::new(World::build(&lesson_cluster(), seed)?, Metrics::default()))
}

/// The most partitions of one of the topics of [`partitions`].
const A_TOPIC: u32 = 5_000;

/// Many partitions on three brokers, and a producer of so many records of 100 bytes a second to as many of them as one topic has.
///
/// # Errors
/// If the cluster does not get ready.
pub fn partitions(count: u32, replication_factor: u32, records_per_second: u32, seed: u64) -> Result<LoadedTimeline, BuildError> {
    let sizes = (0..count.div_ceil(A_TOPIC)).map(|n| (n, A_TOPIC.min(count - n * A_TOPIC)));
    let topic = |(n, partitions)| TopicSpec { name: format!("load-{n}"), partitions, replication_factor, config: Config::new() };
    let producer = ProducerSpec {
        name: "producer".into(),
        topic: "load-0".into(),
        records_per_second,
        key: KeySpec::None,
        value: ValueSpec::SizeBytes(100),
        config: Config::new(),
    };
    let producers = if records_per_second == 0 { Vec::new() } else { vec![producer] };
    let spec = ClusterSpec { topics: sizes.map(topic).collect(), producers, ..ClusterSpec::default() };
    Ok(Timeline::new(World::build_on(&unlimited(), &spec, seed)?, Metrics::default()))
}

/// How far a load is run between two looks at the clock.
pub const SLICE: Duration = Duration::ms(20);

/// Records that were acknowledged and read: the lesser of both.
pub fn records_through(timeline: &LoadedTimeline) -> u64 {
    let (acked, consumed) = timeline.watcher().totals();
    acked.min(consumed)
}
