//! Producers and groups.

use std::collections::{BTreeMap, BTreeSet};

use super::logs::Logs;
use crate::kafka::broker::process::Broker;
use crate::kafka::client::consumer::load::ConsumerProcess;
use crate::kafka::event::GroupState;
use crate::kafka::group::assignor::protocol::decode_assignment;
use crate::kafka::group::classic_group::ClassicGroup;
use crate::kafka::group::consumer::assignment::Held;
use crate::kafka::group::consumer::group::{ConsumerGroup, ConsumerMember};
use crate::kafka::group::member::Member;
use crate::kafka::metadata::image::Image;
use crate::kafka::names::{Name, TopicPartition};
use crate::playground::metrics::Metrics;
use crate::playground::model::{Cluster, Process, Spec};
use crate::playground::snapshot::{GroupOffset, GroupView, MemberView, Position, ProducerView};
use crate::playground::world::World;
use crate::sim::engine::{Slot, State};

pub fn producers(world: &World, metrics: &Metrics) -> Vec<ProducerView> {
    let mut views = Vec::new();
    for slot in world.sim().slots() {
        let Spec::Producer(load) = &slot.spec else { continue };
        let running = match &slot.process {
            Some(Process::Producer(process)) => Some(process),
            _ => None,
        };
        let producer = running.and_then(|process| process.producer());
        let stats = producer.map(|producer| producer.stats());
        let acks = load.config.get("acks").map_or("all", String::as_str);
        views.push(ProducerView {
            process: slot.id.0,
            name: load.name.clone(),
            topic: load.topic.clone(),
            acks: acks.parse().unwrap_or(-1),
            acked_per_s: metrics.producer_acked_per_s(&load.name, world.now()),
            acked: stats.map_or(0, |stats| stats.acked),
            failed: stats.map_or(0, |stats| stats.failed),
            buffered_records: producer.map_or(0, |producer| producer.buffered_records().min(u64::from(u32::MAX)) as u32),
            buffered_bytes: producer.map_or(0, |producer| producer.buffered_bytes()),
            in_flight: producer.map_or(0, |producer| producer.in_flight_batches() as u32),
            stuck: match running {
                Some(process) => process.why_stuck().map(str::to_owned),
                None => Some(how_down(slot.state).to_owned()),
            },
        });
    }
    views
}

/// A group as its coordinator knows it, whatever its protocol.
struct Known {
    broker: i32,
    state: GroupState,
    generation: i32,
    assignor: String,
    committed: BTreeMap<TopicPartition, i64>,
    members: Vec<KnownMember>,
}

struct KnownMember {
    id: Name,
    client_id: Name,
    client_host: Name,
    owned: Vec<TopicPartition>,
}

pub fn groups(world: &World, image: Option<&Image>, logs: &Logs, metrics: &Metrics) -> Vec<GroupView> {
    let mut known: BTreeMap<Name, Known> = BTreeMap::new();
    let mut add = |id: &Name, found: Known| {
        let newer = known.get(id).is_none_or(|other| other.generation < found.generation);
        if newer && found.state != GroupState::Dead {
            known.insert(id.clone(), found);
        }
    };
    for (id, _, broker) in world.brokers() {
        let Some(coordinator) = broker.map(Broker::coordinator) else { continue };
        coordinator.groups().for_each(|group| add(&group.id, classic(id.0, group)));
        coordinator.consumer_groups().for_each(|group| add(&group.id, by_the_consumer_protocol(id.0, group, image)));
    }
    let mut names: BTreeSet<Name> = known.keys().cloned().collect();
    names.extend(world.consumers().map(|(_, load, _)| load.group.clone()));
    names.into_iter().map(|name| group(world, image, logs, metrics, &name, known.get(&name))).collect()
}

fn classic(broker: i32, group: &ClassicGroup) -> Known {
    let member = |member: &Member| KnownMember {
        id: member.id.clone(),
        client_id: member.client_id.clone(),
        client_host: member.client_host.clone(),
        // Outside of Stable assignments may be of different generations.
        owned: if group.state == GroupState::Stable { decode_assignment(&member.assignment).unwrap_or_default() } else { Vec::new() },
    };
    Known {
        broker,
        state: group.state,
        generation: group.generation,
        assignor: group.protocol_name.as_deref().unwrap_or("").to_owned(),
        committed: group.offsets().map(|(at, committed)| (at.clone(), committed.offset)).collect(),
        members: group.members().map(member).collect(),
    }
}

fn by_the_consumer_protocol(broker: i32, group: &ConsumerGroup, image: Option<&Image>) -> Known {
    let owned = |held: &Held| {
        let named = held.iter().filter_map(|(id, partitions)| Some((image?.topic_by_id(*id)?.name.clone(), partitions)));
        named.flat_map(|(topic, partitions)| partitions.keys().map(move |&at| TopicPartition::new(&*topic, at))).collect()
    };
    let member = |(id, member): (&Name, &ConsumerMember)| KnownMember {
        id: id.clone(),
        client_id: member.metadata.client_id.clone(),
        client_host: member.metadata.client_host.clone(),
        owned: owned(&member.current.assigned),
    };
    Known {
        broker,
        state: group.state(),
        generation: group.epoch,
        assignor: group.assignor().name().to_owned(),
        committed: group.offsets().map(|(at, committed)| (at.clone(), committed.offset)).collect(),
        members: group.members().map(member).collect(),
    }
}

fn group(world: &World, image: Option<&Image>, logs: &Logs, metrics: &Metrics, name: &Name, known: Option<&Known>) -> GroupView {
    let members = members(world, metrics, name, known);
    let committed = known.into_iter().flat_map(|known| &known.committed).map(|(at, offset)| (at.clone(), Some(*offset)));
    let mut offsets: BTreeMap<TopicPartition, Option<i64>> = committed.collect();
    for owned in members.iter().flat_map(|member| &member.owned) {
        offsets.entry(TopicPartition::new(owned.topic.as_str(), owned.partition)).or_default();
    }
    let offsets = offsets.into_iter().map(|(at, committed)| {
        let leader = image.and_then(|image| image.partition(&at)?.leader());
        // Without a leader nobody can say; then nothing is known to be behind.
        let log_end = logs.end(&at, leader).or(committed).unwrap_or(0);
        GroupOffset { topic: at.topic.to_string(), partition: at.partition, committed, log_end }
    });
    GroupView {
        name: name.to_string(),
        state: known.map_or(GroupState::Empty, |known| known.state),
        generation: known.map_or(0, |known| known.generation),
        assignor: known.map_or_else(String::new, |known| known.assignor.clone()),
        coordinator: known.map(|known| known.broker),
        offsets: offsets.collect(),
        consumed_per_s: metrics.group_consumed_per_s(name, world.now()),
        members,
    }
}

/// The consumers that are there, whether or not the coordinator knows them, then those that only it knows (in a terminal).
fn members(world: &World, metrics: &Metrics, name: &Name, known: Option<&Known>) -> Vec<MemberView> {
    let mut views = Vec::new();
    let mut seen: BTreeSet<Name> = BTreeSet::new();
    for (id, load, running) in world.consumers().filter(|(_, load, _)| load.group == *name) {
        let member_id = running.and_then(ConsumerProcess::member_id).cloned();
        seen.extend(member_id.clone());
        views.push(MemberView {
            process: id.0,
            member_id: member_id.map_or_else(String::new, |id| id.to_string()),
            client_id: load.client_id.to_string(),
            owned: running.map_or_else(Vec::new, positions),
            stopped: running.is_none_or(ConsumerProcess::is_stopped),
            consumed_per_s: metrics.client_consumed_per_s(&load.client_id, world.now()),
        });
    }
    for (known, member) in known.into_iter().flat_map(|known| known.members.iter().map(move |member| (known, member))) {
        if seen.contains(&member.id) {
            continue;
        }
        let host = member.client_host.trim_start_matches('/');
        // Of the terminals, which share a host, the one that it runs in.
        let is_it = |slot: &Slot<Cluster>| match &slot.process {
            Some(Process::Session(session)) => session.has_member(&member.id),
            _ => !matches!(slot.spec, Spec::Session(_)),
        };
        let slot = world.sim().slots().find(|slot| world.sim().host_name(slot.host) == host && is_it(slot));
        // One of ours that is known under an id from before its restart is shown already.
        if slot.is_some_and(|slot| matches!(slot.spec, Spec::Consumer(_))) {
            continue;
        }
        views.push(MemberView {
            process: slot.map_or(u32::MAX, |slot| slot.id.0),
            member_id: member.id.to_string(),
            client_id: member.client_id.to_string(),
            owned: member.owned.iter().map(|at| assigned(known, at)).collect(),
            stopped: false,
            consumed_per_s: metrics.client_consumed_per_s(&member.client_id, world.now()),
        });
    }
    views
}

fn positions(consumer: &ConsumerProcess) -> Vec<Position> {
    let owned = consumer.owned();
    owned.map(|(at, position)| Position { topic: at.topic.to_string(), partition: at.partition, position: position.unwrap_or(0) }).collect()
}

/// What the coordinator has given to a member, from where it was committed: all that is known of one that lives in a terminal.
fn assigned(group: &Known, at: &TopicPartition) -> Position {
    Position { position: group.committed.get(at).copied().unwrap_or(0), topic: at.topic.to_string(), partition: at.partition }
}

fn how_down(state: State) -> &'static str {
    match state {
        State::Booting(_) => "it starts",
        State::Killed => "it was killed",
        State::PoweredOff => "it has no power",
        State::Exited(_) => "it has ended",
        State::Paused => "it is paused",
        State::Running => "",
    }
}
