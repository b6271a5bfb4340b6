//! The logs of partitions: from the broker that runs, or from the disk of one that does not.

use std::collections::BTreeMap;

use super::hues::HueCache;
use crate::kafka::log::checkpoint_file::{parse_leader_epochs, parse_offsets};
use crate::kafka::log::epoch_cache::EpochEntry;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::metadata::image::PartitionRegistration;
use crate::kafka::names::{METADATA_TOPIC, TopicPartition, host_of};
use crate::kafka::records::batch::Batch;
use crate::playground::snapshot::{Hue, PartitionView, ReplicaView, TAIL};
use crate::playground::world::{Quorate, World};
use crate::sim::disk::{Disk, Extent};

/// Where brokers note how far their logs are committed.
const HIGH_WATERMARKS: &str = "replication-offset-checkpoint";

/// Where the logs of each broker are found.
pub struct Logs<'w> {
    brokers: BTreeMap<i32, Place<'w>>,
}

enum Place<'w> {
    Running(&'w crate::kafka::broker::process::Broker),
    Stored { disk: &'w Disk, high_watermarks: BTreeMap<(String, i32), i64> },
}

impl<'w> Logs<'w> {
    pub fn of(world: &'w World) -> Logs<'w> {
        let place = |id: crate::kafka::names::BrokerId, broker: Option<&'w _>| match broker {
            Some(broker) => Some(Place::Running(broker)),
            None => world.sim().host(&host_of(id)).map(|host| stored(&host.disk)),
        };
        let brokers = world.brokers().filter_map(|(id, _, broker)| Some((id.0, place(id, broker)?)));
        Logs { brokers: brokers.collect() }
    }

    /// A partition; its records' hues only with a cache.
    pub fn partition(&self, topic: &str, number: i32, decided: &PartitionRegistration, mut hues: Option<&mut HueCache>) -> PartitionView {
        let name = TopicPartition::new(topic, number);
        let logs = decided.replicas.iter().map(|&broker| self.replica(broker, &name, hues.as_deref_mut()));
        PartitionView {
            partition: number,
            leader: decided.leader(),
            leader_epoch: decided.leader_epoch,
            partition_epoch: decided.partition_epoch,
            logs: logs.collect(),
            replicas: decided.replicas.clone(),
            isr: decided.isr.clone(),
            elr: decided.elr.clone(),
        }
    }

    /// The log of the controllers, and what each broker has copied of it; a broker's high watermark is how far it has applied it.
    pub fn metadata(&self, world: &World, mut hues: Option<&mut HueCache>) -> Option<PartitionView> {
        let mut logs = Vec::new();
        for (id, _, controller) in world.controllers() {
            let view = match controller {
                Some(Quorate { raft, .. }) => raft.log().map(|log| {
                    let committed = raft.high_watermark().unwrap_or(log.log_start_offset());
                    facts(log, committed, raft.is_leader()).view(id.0, hues.as_deref_mut())
                }),
                None => {
                    let disk = world.sim().host(&host_of(id)).map(|host| &host.disk);
                    disk.map(|disk| stored_facts(disk, &format!("{METADATA_TOPIC}-0"), i64::MAX).view(id.0, hues.as_deref_mut()))
                }
            };
            logs.push(view.unwrap_or_else(|| empty(id.0)));
        }
        let ids: Vec<i32> = logs.iter().map(|log| log.broker).collect();
        let observers = self.brokers.iter().filter(|(id, _)| !ids.contains(id));
        logs.extend(observers.map(|(id, place)| observed(*id, place, hues.as_deref_mut())));
        let active = world.controller();
        Some(PartitionView {
            partition: 0,
            leader: active.map(|controller| controller.id().0),
            leader_epoch: active.map_or(0, |controller| controller.epoch()),
            partition_epoch: 0,
            isr: world.controllers().filter(|(_, _, controller)| controller.is_some()).map(|(id, ..)| id.0).collect(),
            replicas: ids,
            elr: Vec::new(),
            logs,
        })
        .filter(|partition| !partition.replicas.is_empty())
    }

    /// The end of the leader's log, and its high watermark.
    pub fn end(&self, partition: &TopicPartition, leader: Option<i32>) -> Option<i64> {
        match self.brokers.get(&leader?)? {
            Place::Running(broker) => broker.replicas().get(partition).map(|partition| partition.log.log_end_offset()),
            Place::Stored { .. } => None,
        }
    }

    fn replica(&self, broker: i32, name: &TopicPartition, hues: Option<&mut HueCache>) -> ReplicaView {
        match self.brokers.get(&broker) {
            Some(Place::Running(process)) => match process.replicas().get(name) {
                Some(partition) => facts(&partition.log, partition.high_watermark, partition.is_leader()).view(broker, hues),
                None => empty(broker),
            },
            Some(Place::Stored { disk, high_watermarks }) => {
                let high_watermark = high_watermarks.get(&(name.topic.to_string(), name.partition)).copied().unwrap_or(0);
                stored_facts(disk, &name.to_string(), high_watermark).view(broker, hues)
            }
            None => empty(broker),
        }
    }
}

/// What there is to be told of a log.
struct Facts {
    log_start: i64,
    log_end: i64,
    high_watermark: i64,
    size_bytes: u64,
    leads: bool,
    /// The last batches, newest first, as many as the tail needs.
    newest: Vec<Batch>,
    epochs: Vec<EpochEntry>,
    segments: Vec<i64>,
}

impl Facts {
    fn view(self, broker: i32, hues: Option<&mut HueCache>) -> ReplicaView {
        let mut view = ReplicaView {
            broker,
            log_start: self.log_start,
            log_end: self.log_end,
            high_watermark: self.high_watermark,
            size_bytes: self.size_bytes,
            tail: Vec::new(),
            epochs: Vec::new(),
            segments: Vec::new(),
            leads: self.leads,
        };
        let Some(hues) = hues else { return view };
        let begin = (self.log_end - TAIL as i64).max(self.log_start);
        view.tail = vec![Hue::Gap; (self.log_end - begin).max(0) as usize];
        for batch in &self.newest {
            let of_batch = hues.of(batch);
            let first = batch.next_offset() - of_batch.tail.len() as i64 - begin;
            for (hue, place) in of_batch.tail.iter().zip(first..) {
                if let Some(slot) = usize::try_from(place).ok().and_then(|place| view.tail.get_mut(place)) {
                    *slot = *hue;
                }
            }
        }
        let first = self.epochs.iter().rposition(|entry| entry.start_offset <= begin).unwrap_or(0);
        view.epochs = self.epochs[first..].iter().map(|entry| (entry.epoch, entry.start_offset)).collect();
        view.segments = self.segments.into_iter().filter(|base| *base >= begin).collect();
        view
    }
}

fn facts(log: &PartitionLog, high_watermark: i64, leads: bool) -> Facts {
    let log_end = log.log_end_offset();
    let begin = log_end - TAIL as i64;
    Facts {
        log_start: log.log_start_offset(),
        log_end,
        high_watermark,
        size_bytes: log.size_bytes(),
        leads,
        newest: log.tail(i64::MAX).take_while(|batch| batch.next_offset() > begin).take(TAIL).cloned().collect(),
        epochs: log.epochs().entries().to_vec(),
        segments: log.segments().rev().map(|segment| segment.base_offset).take_while(|base| *base >= begin).collect(),
    }
}

fn stored(disk: &Disk) -> Place<'_> {
    let read = disk.file(HIGH_WATERMARKS).and_then(|file| parse_offsets(&file.read()).ok());
    let entries = read.unwrap_or_default().into_iter().map(|entry| ((entry.topic, entry.partition), entry.offset));
    Place::Stored { disk, high_watermarks: entries.collect() }
}

/// A broker's copy of the metadata log.
fn observed(id: i32, place: &Place, hues: Option<&mut HueCache>) -> ReplicaView {
    match place {
        Place::Running(broker) => {
            let applied = broker.metadata().next_offset;
            broker.raft().log().map_or_else(|| empty(id), |log| facts(log, applied, false).view(id, hues))
        }
        Place::Stored { disk, .. } => stored_facts(disk, &format!("{METADATA_TOPIC}-0"), i64::MAX).view(id, hues),
    }
}

/// As recovery would find it, at a glance: from the last batches of the files.
fn stored_facts(disk: &Disk, dir: &str, high_watermark: i64) -> Facts {
    let prefix = format!("{dir}/");
    let logs: Vec<_> = disk.list(&prefix).filter(|(path, _)| path.ends_with(".log")).collect();
    let base = |path: &str| path[prefix.len()..].trim_end_matches(".log").parse::<i64>().unwrap_or(0);
    let bases: Vec<i64> = logs.iter().map(|(path, _)| base(path)).collect();
    let batches = logs.iter().rev().flat_map(|(_, file)| file.extents().rev()).filter_map(batch_of);
    let newest: Vec<Batch> = batches.take(TAIL).collect();
    let log_end = newest.first().map(Batch::next_offset).or(bases.last().copied()).unwrap_or(0);
    let epochs = disk.file(&format!("{dir}/leader-epoch-checkpoint")).and_then(|file| parse_leader_epochs(&file.read()).ok());
    Facts {
        log_start: bases.first().copied().unwrap_or(0),
        log_end,
        high_watermark: high_watermark.min(log_end),
        size_bytes: logs.iter().map(|(_, file)| file.len()).sum(),
        leads: false,
        newest,
        epochs: epochs.unwrap_or_default(),
        segments: bases,
    }
}

/// A batch as it was written; `None` for a torn one.
fn batch_of(extent: &Extent) -> Option<Batch> {
    let head = extent.head.as_slice();
    let base_offset = i64::from_be_bytes(head.get(..8)?.try_into().ok()?);
    let leader_epoch = i32::from_be_bytes(head.get(12..16)?.try_into().ok()?);
    Batch::from_body(base_offset, leader_epoch, extent.body.clone()).ok()
}

fn empty(broker: i32) -> ReplicaView {
    let facts = Facts {
        log_start: 0,
        log_end: 0,
        high_watermark: 0,
        size_bytes: 0,
        leads: false,
        newest: Vec::new(),
        epochs: Vec::new(),
        segments: Vec::new(),
    };
    facts.view(broker, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::command::Command;
    use crate::playground::metrics::Metrics;
    use crate::playground::spec::ClusterSpec;
    use crate::playground::timeline::Replayable;
    use crate::playground::view::{Detail, Viewer};
    use crate::sim::fault::Fault;
    use crate::sim::time::Duration;

    #[test]
    fn brokers_copies_of_the_metadata_log_are_seen() {
        let mut world = World::build(&ClusterSpec::default(), 1).unwrap();
        let ends = |world: &World| {
            let snapshot = Viewer::default().snapshot(world, &Metrics::default(), Detail::Stage);
            let topic = snapshot.topics.into_iter().find(|topic| topic.name == METADATA_TOPIC).unwrap();
            let logs = topic.partitions[0].logs.clone();
            assert_eq!(topic.partitions[0].replicas, [100]);
            logs.into_iter().map(|log| (log.broker, log.log_end, log.high_watermark)).collect::<Vec<_>>()
        };
        world.wait(world.now() + Duration::secs(2));
        let before = ends(&world);
        let end = before[0].1;
        assert!(end > 0);
        assert_eq!(before, [100, 1, 2, 3].map(|id| (id, end, end)));
        // A dead broker's copy is what lies on its disk.
        world.apply(&Command::Fault(Fault::Kill { host: "kafka-2".into() })).unwrap();
        world.wait(world.now() + Duration::secs(20));
        let after = ends(&world);
        assert_eq!(after[2].1, end);
        assert!(after[0].1 > end && after[1].1 == after[0].1, "{after:?}");
    }
}
