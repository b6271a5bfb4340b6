//! Whether a cluster is well again: somebody leads each partition, all replicas are in sync, all is committed and read.

use std::collections::BTreeMap;

use super::plan::Plan;
use super::run::leading;
use crate::kafka::names::TopicPartition;
use crate::playground::model::Spec;
use crate::playground::world::World;
use crate::sim::engine::State;

/// What is not yet as it should be, with nothing broken any more.
pub fn missing(world: &World, plan: &Plan) -> Option<String> {
    let Some(controller) = world.controller() else { return Some("no controller".into()) };
    let image = &controller.state().image;
    for (topic, n, registration) in image.partitions() {
        let name = TopicPartition { topic: topic.name.clone(), partition: n };
        let Some(leader) = registration.leader() else { return Some(format!("{name} has no leader: {registration:?}")) };
        // Who cannot append what its leader has gave the partition up, and stays out of sync until there is another.
        let gave_up =
            |id: &i32| world.brokers().any(|(other, _, broker)| other.0 == *id && broker.is_some_and(|broker| broker.has_failed(&name)));
        let expected = registration.replicas.iter().filter(|id| !gave_up(id)).count();
        if registration.isr.len() < expected || registration.is_reassigning() {
            let known = leading(world, &name).map(|(id, epoch, partition)| {
                let (knows, followers) =
                    (partition.registration.partition_epoch, partition.leading.as_ref().map(|leading| &leading.followers));
                format!("; {id} leads in epoch {epoch}, knows partition epoch {knows}, {followers:?}")
            });
            return Some(format!("{name} is not in sync: {registration:?}{}", known.collect::<String>()));
        }
        let led = leading(world, &name).find(|(id, epoch, _)| id.0 == leader && *epoch == registration.leader_epoch);
        let Some((.., partition)) = led else { return Some(format!("{leader} does not lead {name}")) };
        let (end, high_watermark) = (partition.log.log_end_offset(), partition.high_watermark);
        if high_watermark != end {
            return Some(format!("the high watermark of {name} is {high_watermark}, and its log ends at {end}"));
        }
    }
    let ended = |state: State| matches!(state, State::Exited(_) | State::Killed | State::PoweredOff);
    let producing = world.sim().slots().find(|slot| matches!(slot.spec, Spec::Producer(_)) && !ended(slot.state));
    if let Some(slot) = producing {
        return Some(format!("{} has not ended", slot.name));
    }
    plan.cluster.groups.iter().find_map(|group| unread(world, &group.name, &group.topics))
}

/// A partition that a group has not read to the end.
fn unread(world: &World, group: &str, topics: &[String]) -> Option<String> {
    let members = || world.consumers().filter(|(_, load, _)| &*load.group == group);
    for (_, load, consumer) in members() {
        if let Some(error) = consumer.and_then(|consumer| consumer.failed()) {
            return Some(format!("{} failed: {error}", load.client_id));
        }
    }
    let mut positions: BTreeMap<&TopicPartition, (i64, Option<i32>)> = BTreeMap::new();
    for consumer in members().filter_map(|(.., consumer)| consumer) {
        let owned = consumer.owned();
        positions.extend(owned.map(|(name, position)| (name, (position.unwrap_or(-1), consumer.validated_epoch(name)))));
    }
    let controller = world.controller()?;
    let subscribed = controller.state().image.partitions().filter(|(topic, ..)| topics.iter().any(|name| **name == *topic.name));
    for (topic, n, registration) in subscribed {
        let name = TopicPartition { topic: topic.name.clone(), partition: n };
        let end = leading(world, &name).map(|(.., partition)| partition.high_watermark).max()?;
        match positions.get(&name) {
            // A leader that lost records may have others at the same offsets, which a consumer learns when it asks that leader.
            Some((_, epoch)) if epoch.is_none_or(|epoch| epoch < registration.leader_epoch) => {
                return Some(format!(
                    "the group {group} has not confirmed its position in {name} with the leader of epoch {}",
                    registration.leader_epoch
                ));
            }
            Some((position, _)) if *position == end => {}
            Some((position, _)) => return Some(format!("the group {group} is at {position} of {name}, which ends at {end}")),
            None => return Some(format!("nobody of the group {group} reads {name}")),
        }
    }
    None
}
