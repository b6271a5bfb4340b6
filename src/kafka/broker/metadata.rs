//! What the committed records of the metadata log mean for this broker (`BrokerMetadataPublisher`).

use std::collections::BTreeSet;
use std::sync::Arc;

use super::lifecycle::State;
use super::partition::Partition;
use super::process::Broker;
use super::replicas::log_config_of;
use crate::kafka::actor::Outbox;
use crate::kafka::log::config::LogConfig;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::{PARTITION_METADATA, partition_metadata_text};
use crate::kafka::metadata::image::Image;
use crate::kafka::metadata::record::{MetadataRecord, TOPIC_RESOURCE};
use crate::kafka::names::{BrokerId, Name, OFFSETS_TOPIC, TopicPartition, uuid_text};
use crate::kafka::rules::Rule;
use crate::sim::time::Time;

/// How far this broker has applied the metadata log.
#[derive(Clone, Debug, Default)]
pub struct Metadata {
    /// The offset after the last record that was applied.
    pub next_offset: i64,
    /// What was on the disk at the start may be old: leaderships are taken up only after the controller has taken this broker in.
    published: bool,
    /// Who leads the quorum, when it was last looked.
    pub(super) leader: Option<BrokerId>,
}

impl Metadata {
    /// The offset of the last record that was applied; -1 if none.
    pub fn applied_offset(&self) -> i64 {
        self.next_offset - 1
    }

    pub fn is_published(&self) -> bool {
        self.published
    }
}

/// Partitions that a run of records touches.
#[derive(Default)]
struct Touched {
    partitions: BTreeSet<TopicPartition>,
    deleted: BTreeSet<TopicPartition>,
    configs: bool,
    quotas: bool,
    acls: bool,
    /// Brokers that came, went, or count again.
    brokers: BTreeSet<i32>,
}

impl Touched {
    /// A snapshot may say anything: all that was and all that is.
    fn everything(&mut self, image: &Image) {
        self.partitions.extend(image.partitions().map(|(topic, n, _)| TopicPartition { topic: topic.name.clone(), partition: n }));
        self.configs = true;
        self.acls = true;
        self.brokers.extend(image.brokers.keys());
    }
}

impl Broker {
    /// Applies what is committed and not yet in the image. What was on the disk at the start may be old: leaderships are taken up only once the
    /// quorum has said what is committed.
    pub(super) fn apply_metadata(&mut self, now: Time, out: &mut Outbox) {
        let Some(high_watermark) = self.quorum.raft.high_watermark().filter(|_| self.lifecycle.state != State::Starting) else { return };
        if self.metadata.published && self.metadata.next_offset >= high_watermark {
            return;
        }
        let mut touched = Touched::default();
        for committed in self.quorum.raft.committed(self.metadata.next_offset) {
            if committed.is_snapshot {
                let before = std::mem::take(&mut self.image);
                touched.everything(&before);
            }
            for record in committed.records {
                touch(&mut touched, &self.image, &record);
                self.image.apply(&record);
            }
            if committed.is_snapshot {
                touched.everything(&self.image);
            }
            self.metadata.next_offset = committed.next_offset;
        }
        self.quorum.raft.published(now, self.metadata.next_offset, &self.image, out);
        // Before this broker has caught up, all is published at once then.
        if self.metadata.published {
            self.publish(now, touched, out);
        }
    }

    /// The controller says that this broker has caught up with its own registration: only now it leads and follows (`BrokerServer.startup`
    /// installs its publishers after `initialCatchUpFuture`). Before, the metadata may still count on what this broker lost.
    pub(super) fn caught_up(&mut self, now: Time, out: &mut Outbox) {
        if !self.metadata.published {
            self.metadata.published = true;
            self.publish_everything(now, out);
        }
    }

    /// All partitions of the image that concern this broker: after its start.
    fn publish_everything(&mut self, now: Time, out: &mut Outbox) {
        self.set_strays_aside(out);
        self.recover_abandoned_futures(now, out);
        let partitions = self.image.partitions().map(|(topic, n, _)| TopicPartition { topic: topic.name.clone(), partition: n }).collect();
        self.publish(now, Touched { partitions, configs: true, quotas: true, ..Touched::default() }, out);
    }

    fn publish(&mut self, now: Time, touched: Touched, out: &mut Outbox) {
        for name in touched.deleted {
            self.delete_replica(now, &name, out);
        }
        let names: Vec<TopicPartition> = touched.partitions.into_iter().collect();
        for name in &names {
            self.publish_partition(now, name, out);
        }
        self.assign_where_they_are(now, &names);
        self.replicas.sessions.acls += u64::from(touched.acls);
        if touched.quotas {
            self.quotas.configure(&self.image.quotas);
        }
        if touched.configs {
            self.publish_configs(now, out);
        }
        for broker in touched.brokers {
            self.reconsider_follower(now, broker, out);
        }
        // A leadership may have gone, a follower that was waited for may have died.
        self.complete_deletes(now, out);
        self.shed_fetchers();
        self.send_fetches(now, out);
    }

    fn publish_partition(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        let me = self.spec.id.0;
        let Some(topic) = self.image.topic(&name.topic).cloned() else { return };
        let Some(registration) = topic.partition(name.partition).cloned() else { return };
        if !registration.replicas.contains(&me) {
            return self.delete_replica(now, name, out);
        }
        if self.replicas.offline.contains(name) {
            return;
        }
        if self.replicas.get(name).is_none() {
            // What the metadata says lies in a directory that failed is not begun anew in another one.
            let Some(folder) = self.folder_for(name, registration.directory(me).unwrap_or_default()) else {
                self.replicas.offline.insert(name.clone());
                return;
            };
            let config = log_config_of(&self.image, &name.topic, &self.spec);
            let log = PartitionLog::create(&folder, config, &mut out.store());
            out.store().replace_text(&format!("{folder}/{PARTITION_METADATA}"), partition_metadata_text(&uuid_text(topic.id)));
            self.insert_partition(name.clone(), topic.id, log, 0);
            self.futures.preferred.remove(name);
        }
        let leads = registration.leader == me;
        let Some(partition) = self.replicas.get_mut(name) else { return };
        let changed = match leads {
            true => partition.make_leader(me, registration.clone(), now, &mut out.store()),
            false => partition.make_follower(registration.clone()),
        };
        self.mark_for_sessions(name);
        self.forget_overtaken_proposal(name);
        let Some(partition) = self.replicas.get_mut(name) else { return };
        if !leads && changed && !partition.holds(Rule::TruncationByEpoch) {
            partition.log.truncate_to(partition.high_watermark, &mut out.store());
        }
        if leads {
            self.follow(name, topic.id, None);
            self.note_waiting_followers(name);
            self.advance_high_watermark(now, name, out);
            self.complete_produces(now, name, out);
        } else if changed {
            self.complete_produces(now, name, out);
            self.wake_fetches(now, name, out);
            self.follow(name, topic.id, registration.leader());
        } else if !self.is_followed(name, registration.leader()) {
            self.follow(name, topic.id, registration.leader());
        }
        if changed && &*name.topic == OFFSETS_TOPIC {
            self.offsets_leadership(now, name.partition, leads, out);
        }
        self.maybe_add_log_dir_fetcher(now, name);
    }

    /// A broker counts again: where it has caught up already, it may join the ISR. (Kafka finds that out at its next idle fetch.)
    fn reconsider_follower(&mut self, now: Time, broker: i32, out: &mut Outbox) {
        if !self.image.is_active(broker) {
            return;
        }
        let led = self.replicas.partitions.values().filter(|partition| partition.should_expand_isr(broker));
        let names: Vec<TopicPartition> = led.map(|partition| partition.name.clone()).collect();
        for name in names {
            self.propose_expanded_isr(now, &name, broker, out);
        }
    }

    fn delete_replica(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        self.replicas.offline.remove(name);
        self.delete_future(now, name, out);
        if let Some(partition) = self.let_go(now, name, out) {
            self.log_truncated(name, -1, out);
            self.delete_folder_later(now, partition.log.dir(), out);
        }
    }

    /// A replica is not this broker's any more: it is neither led nor followed here, and whoever waits is told.
    pub(super) fn let_go(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) -> Option<Arc<Partition>> {
        let topic_id = self.replicas.get(name)?.topic_id;
        self.follow(name, topic_id, None);
        if let Some(partition) = self.replicas.get_mut(name) {
            partition.leading = None;
        }
        self.complete_produces(now, name, out);
        self.wake_fetches(now, name, out);
        self.replicas.remove(name)
    }

    fn publish_configs(&mut self, now: Time, out: &mut Outbox) {
        self.configure_throttles();
        self.configure_cordoned(now, out);
        for (name, future) in &mut self.futures.logs {
            future.log.set_config(log_config_of(&self.image, &name.topic, &self.spec));
        }
        let names: Vec<TopicPartition> = self.replicas.partitions.keys().cloned().collect();
        // A topic's partitions share theirs.
        let mut last: Option<(Name, Arc<LogConfig>)> = None;
        for name in names {
            let (_, config) = last
                .take_if(|(topic, _)| *topic == name.topic)
                .unwrap_or_else(|| (name.topic.clone(), log_config_of(&self.image, &name.topic, &self.spec)));
            last = Some((name.topic.clone(), config.clone()));
            let changes = self.replicas.get(&name).is_some_and(|partition| **partition.log.config() != *config);
            if changes {
                if let Some(partition) = self.replicas.get_mut(&name) {
                    partition.log.set_config(config);
                }
                self.advance_high_watermark(now, &name, out);
            }
        }
    }

    pub(super) fn insert_partition(&mut self, name: TopicPartition, topic_id: uuid::Uuid, log: PartitionLog, high_watermark: i64) {
        let high_watermark = high_watermark.clamp(log.log_start_offset(), log.log_end_offset());
        let mut log = log;
        log.high_watermark_moved(high_watermark);
        let partition = Partition {
            name,
            topic_id,
            log,
            high_watermark,
            registration: Default::default(),
            leading: None,
            waiting_fetches: BTreeSet::new(),
            waiting_produces: Default::default(),
        };
        self.replicas.insert(partition);
    }
}

fn touch(touched: &mut Touched, before: &Image, record: &MetadataRecord) {
    let mut partition = |id, partition| {
        if let Some(topic) = before.topic_by_id(id) {
            touched.partitions.insert(TopicPartition { topic: topic.name.clone(), partition });
        }
    };
    match record {
        MetadataRecord::Partition(record) => partition(record.topic_id, record.partition_id),
        MetadataRecord::PartitionChange(change) => partition(change.topic_id, change.partition_id),
        MetadataRecord::ClearElr { topic_name } => {
            let changed = before.with_elr(topic_name).into_iter();
            touched.partitions.extend(changed.map(|(topic, partition)| TopicPartition { topic, partition }));
        }
        MetadataRecord::RemoveTopic { topic_id } => {
            if let Some(topic) = before.topic_by_id(*topic_id) {
                let all = (0..topic.partitions.len() as i32).map(|n| TopicPartition { topic: topic.name.clone(), partition: n });
                touched.deleted.extend(all);
                touched.partitions.retain(|name| name.topic != topic.name);
            }
        }
        // One that only lost a directory may have no replica any more where it had caught up.
        MetadataRecord::BrokerRegistrationChange { broker_id, log_dirs: None, .. } => {
            touched.brokers.insert(*broker_id);
        }
        MetadataRecord::AccessControlEntry { .. } | MetadataRecord::RemoveAccessControlEntry { .. } => touched.acls = true,
        MetadataRecord::ClientQuota { .. } => touched.quotas = true,
        MetadataRecord::Config { resource_type, .. } => touched.configs |= *resource_type == TOPIC_RESOURCE || *resource_type == 4,
        _ => {}
    }
}
