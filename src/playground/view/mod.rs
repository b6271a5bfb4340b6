//! Builds what is visible at one instant from the world, 60 times a second.
//!
//! What is shown is the truth: leaders and ISRs as the controller has decided, each log as its own broker has it (or as it lies on the disk of a
//! broker that is dead), committed offsets as the coordinator knows them.

mod clients;
mod frame_report;
mod frames;
mod hues;
mod logs;
mod nodes;

pub use frame_report::{FrameReport, frame_report};
pub use hues::HueCache;

use std::collections::BTreeSet;

use super::metrics::Metrics;
use super::snapshot::{Health, Snapshot, TopicView};
use super::world::World;
use crate::kafka::config::topic::effective;
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{BROKER_RESOURCE, TOPIC_RESOURCE};
use crate::kafka::names::METADATA_TOPIC;
use logs::Logs;

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// All that the stage draws.
    Stage,
    /// What goals look at: no records' hues, no frames.
    Goals,
}

/// Makes snapshots. Remembers the hues of records between them; it may be thrown away at any time.
#[derive(Clone, Debug, Default)]
pub struct Viewer {
    hues: HueCache,
}

impl Viewer {
    /// The world as it is now.
    pub fn snapshot(&mut self, world: &World, metrics: &Metrics, detail: Detail) -> Snapshot {
        let image = image(world);
        let logs = Logs::of(world);
        let mut topics = self.topics(world, image, &logs, metrics, detail);
        topics.extend(self.metadata_topic(world, &logs, detail));
        let controller = world.controller();
        let frames = if detail == Detail::Stage { frames::frames(world, image, &mut self.hues) } else { (Vec::new(), 0) };
        let nodes = nodes::nodes(world, image, &topics);
        let health = health(&nodes, &topics);
        let (cuts, one_way_cuts) = cuts(world);
        Snapshot {
            now_us: world.now().0,
            ready_us: world.ready_at().0,
            controller: controller.map(|controller| controller.id().0),
            controller_epoch: controller.map_or(0, |controller| controller.epoch()),
            producers: clients::producers(world, metrics),
            groups: clients::groups(world, image, &logs, metrics),
            frames: frames.0,
            more_frames: frames.1,
            cuts,
            one_way_cuts,
            nodes,
            topics,
            health,
        }
    }

    fn topics(&mut self, world: &World, image: Option<&Image>, logs: &Logs, metrics: &Metrics, detail: Detail) -> Vec<TopicView> {
        let mut topics = Vec::new();
        for topic in image.into_iter().flat_map(|image| image.topics.values()) {
            let internal = crate::kafka::names::is_internal(&topic.name);
            // Internal topics are folded: nobody sees their records.
            let tails = detail == Detail::Stage && !internal;
            let partitions = topic.partitions.iter().zip(0..).map(|(partition, number)| {
                let hues = tails.then_some(&mut self.hues);
                logs.partition(&topic.name, number, partition, hues)
            });
            let partitions: Vec<_> = partitions.collect();
            let replicas = topic.partitions.iter().next().map_or(0, |first| first.replicas.len());
            let min_isr = image.map_or(1, |image| min_isr(image, world, &topic.name)).min(replicas as i32);
            topics.push(TopicView {
                name: topic.name.to_string(),
                internal,
                replication_factor: replicas as i32,
                min_isr,
                partitions,
                acked_per_s: metrics.topic_acked_per_s(&topic.name, world.now()),
            });
        }
        topics.sort_by_key(|topic| topic.internal);
        topics
    }

    /// The controllers' own log, in the language of topics.
    fn metadata_topic(&mut self, world: &World, logs: &Logs, detail: Detail) -> Option<TopicView> {
        let hues = (detail == Detail::Stage).then_some(&mut self.hues);
        let partition = logs.metadata(world, hues)?;
        let replication_factor = partition.replicas.len() as i32;
        Some(TopicView {
            name: METADATA_TOPIC.to_owned(),
            internal: true,
            replication_factor,
            min_isr: replication_factor / 2 + 1,
            partitions: vec![partition],
            acked_per_s: 0,
        })
    }
}

/// The controller's metadata; without a controller, that of the broker that knows the most.
fn image(world: &World) -> Option<&Image> {
    let of_controller = world.controller().map(|node| node.controller.image());
    let of_brokers = || world.brokers().filter_map(|(_, _, broker)| broker).max_by_key(|broker| broker.metadata().applied_offset());
    of_controller.or_else(|| of_brokers().map(|broker| broker.image()))
}

/// Pairs of hosts.
type Pairs = Vec<(String, String)>;

/// Pairs that are cut both ways, in the order of names, and links that are cut one way.
fn cuts(world: &World) -> (Pairs, Pairs) {
    let cut: BTreeSet<(&str, &str)> = world.sim().cuts().collect();
    let (both, one): (Vec<_>, Vec<_>) = cut.iter().copied().partition(|(a, b)| cut.contains(&(*b, *a)));
    let owned = |(a, b): (&str, &str)| (a.to_owned(), b.to_owned());
    (both.into_iter().filter(|(a, b)| a < b).map(owned).collect(), one.into_iter().map(owned).collect())
}

/// As the controller that is, or comes, counts it (`getTopicEffectiveMinIsr`).
fn min_isr(image: &Image, world: &World, topic: &str) -> i32 {
    let (own, cluster) = (image.configs(TOPIC_RESOURCE, topic), image.configs(BROKER_RESOURCE, ""));
    effective("min.insync.replicas", &own, &cluster, &world.spec().config).and_then(|set| set.parse().ok()).unwrap_or(1)
}

fn health(nodes: &[super::snapshot::NodeView], topics: &[TopicView]) -> Health {
    let brokers = nodes.iter().filter(|node| node.is_broker);
    let partitions = topics.iter().filter(|topic| topic.name != METADATA_TOPIC);
    let partitions = || partitions.clone().flat_map(|topic| topic.partitions.iter().map(move |partition| (topic, partition)));
    let count = |n: usize| n as u32;
    Health {
        brokers: count(brokers.clone().count()),
        brokers_up: count(brokers.filter(|node| node.state.is_up()).count()),
        under_replicated: count(partitions().filter(|(_, p)| p.isr.len() < p.replicas.len()).count()),
        under_min_isr: count(partitions().filter(|(topic, p)| (p.isr.len() as i32) < topic.min_isr).count()),
        offline: count(partitions().filter(|(_, p)| p.leader.is_none()).count()),
    }
}
