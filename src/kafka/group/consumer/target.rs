//! The target assignment (`TargetAssignmentBuilder`), and when it is computed.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::assignor::Subscriber;
use super::heartbeat::{Writing, subscribed};
use super::record::ConsumerRecord;
use crate::kafka::group::out::Context;
use crate::kafka::names::Name;

impl Writing<'_> {
    /// `maybeUpdateTargetAssignment`: a new target follows the one before no sooner than `group.consumer.assignment.interval.ms`; until then
    /// members stay with that one.
    pub(super) fn maybe_update_target_assignment(&mut self, ctx: &mut Context) {
        let now = ctx.now.wall_ms();
        let interval = ctx.group_duration(&self.group.id, "consumer.assignment.interval.ms", ctx.config.consumer_assignment_interval);
        if now - self.group.target_timestamp_ms < interval.as_ms() as i64 {
            return;
        }
        let ids = self.group.member_ids();
        let mut topics: BTreeMap<Uuid, i32> = BTreeMap::new();
        let mut members = Vec::new();
        for id in &ids {
            let metadata = self.group.members[id].metadata.clone();
            let wanted = subscribed(ctx, &metadata);
            topics.extend(wanted.iter().copied());
            members.push(Subscriber {
                member_id: id.clone(),
                instance_id: metadata.instance_id,
                topics: wanted.into_iter().map(|(topic, _)| topic).collect(),
                previous: self.group.target.get(id).cloned().unwrap_or_default(),
            });
        }
        let targets = self.group.assignor().assign(&topics, &members);
        for (id, target) in ids.into_iter().zip(targets) {
            if self.group.target.get(&id) != Some(&target) {
                self.write(ConsumerRecord::Target { member: id, value: Some(target) });
            }
        }
        self.write(ConsumerRecord::TargetEpoch(Some((self.group.epoch, now))));
    }

    /// A number that changes when the subscribed topics do. Kafka hashes with XXH3 what we hash with FNV; it is only ever compared with
    /// itself.
    pub(super) fn compute_metadata_hash(&self, ctx: &mut Context) -> i64 {
        let names: BTreeSet<Name> =
            self.group.members.values().flat_map(|member| member.metadata.subscribed_topic_names.iter().cloned()).collect();
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        let mut any = false;
        for name in names {
            let Some((id, partitions)) = ctx.out.topic(&name) else { continue };
            any = true;
            for byte in name.bytes().chain(*id.as_bytes()).chain(partitions.to_be_bytes()) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        }
        if any { hash as i64 } else { 0 }
    }
}
