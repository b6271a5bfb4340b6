//! Predicates that one snapshot decides: topics, records, in-sync replicas, groups and lag.

use super::watch::Verdict;
use super::words::{are, count, list, number};
use super::*;
use crate::kafka::event::GroupState;
use crate::kafka::names::{BrokerId, host_of};
use crate::playground::snapshot::{GroupView, NodeState, PartitionView, ReplicaView, Snapshot, TopicView};

/// Whether a predicate about a state holds in this one.
pub fn look(predicate: &Predicate, snapshot: &Snapshot) -> Verdict {
    let why_not = match predicate {
        Predicate::Topic(topic) => topic_is(topic, snapshot),
        Predicate::Records(records) => records_are(records, snapshot),
        Predicate::Isr(isr) => isr_is(isr, snapshot),
        Predicate::Group(group) => group_is(group, snapshot),
        Predicate::Lag(lag) => lag_is(lag, snapshot),
        Predicate::Ran(_) | Predicate::Event(_) | Predicate::Rate(_) | Predicate::History(_) | Predicate::Consumed(_) => {
            Some("this is seen in events".into())
        }
    };
    why_not.map_or(Verdict::Holds, Verdict::NotYet)
}

/// The leader's replica of a partition; without a leader, the longest.
pub fn leader_log(partition: &PartitionView) -> Option<&ReplicaView> {
    let led = partition.logs.iter().find(|log| Some(log.broker) == partition.leader);
    led.or_else(|| partition.logs.iter().max_by_key(|log| log.log_end))
}

fn find<'s>(name: &str, snapshot: &'s Snapshot) -> Result<&'s TopicView, String> {
    let found = snapshot.topics.iter().find(|topic| topic.name == name);
    found.ok_or_else(|| match snapshot.topics.iter().find(|topic| topic.name.eq_ignore_ascii_case(name)) {
        Some(other) => format!("there is no topic {name}, but one called {}: case matters", other.name),
        None => format!("there is no topic {name}"),
    })
}

fn topic_is(wanted: &TopicIs, snapshot: &Snapshot) -> Option<String> {
    let topic = match (find(&wanted.name, snapshot), wanted.exists) {
        (Ok(topic), true) => topic,
        (Ok(topic), false) => return Some(format!("the topic {} is still there", topic.name)),
        (Err(why), true) => return Some(why),
        (Err(_), false) => return None,
    };
    let partitions = topic.partitions.len() as u64;
    if let Some(asked) = wanted.partitions.filter(|asked| u64::from(*asked) != partitions) {
        let has = count(partitions, "partition");
        return Some(format!("{} has {has}, and {asked} {} asked for", topic.name, are(asked.into())));
    }
    let replicas = topic.replication_factor;
    wanted
        .replication_factor
        .filter(|asked| i64::from(*asked) != i64::from(replicas))
        .map(|asked| format!("{} has the replication factor {replicas}, and {asked} is asked for", topic.name))
}

fn records_are(wanted: &RecordsAre, snapshot: &Snapshot) -> Option<String> {
    let topic = match find(&wanted.topic, snapshot) {
        Ok(topic) => topic,
        Err(why) => return Some(why),
    };
    let within = topic.partitions.iter().filter(|p| wanted.partition.is_none_or(|n| n == p.partition));
    let held = |p: &PartitionView| leader_log(p).map_or(0, |log| (log.high_watermark - log.log_start).max(0) as u64);
    let records: u64 = within.map(held).sum();
    let place = wanted.partition.map_or(topic.name.clone(), |n| format!("{}-{n}", topic.name));
    let asked = wanted.at_least;
    (records < asked).then(|| format!("{place} holds {}, and {} {} asked for", count(records, "record"), number(asked), are(asked)))
}

fn isr_is(wanted: &IsrIs, snapshot: &Snapshot) -> Option<String> {
    let topic = match find(&wanted.topic, snapshot) {
        Ok(topic) => topic,
        Err(why) => return Some(why),
    };
    let out: Vec<String> = topic.partitions.iter().filter_map(|p| isr_of_partition(wanted, topic, p, snapshot)).collect();
    let (first, more) = out.split_first()?;
    Some(match more.len() as u64 {
        0 => first.clone(),
        n => format!("{first} (and {} more)", count(n, "partition")),
    })
}

fn isr_of_partition(wanted: &IsrIs, topic: &TopicView, p: &PartitionView, snapshot: &Snapshot) -> Option<String> {
    let name = format!("{}-{}", topic.name, p.partition);
    let in_sync = p.isr.len();
    let isr = match p.isr.is_empty() {
        true => "no replica is in sync".to_owned(),
        false => format!("ISR is {}", p.isr.iter().map(i32::to_string).collect::<Vec<_>>().join(", ")),
    };
    if let Some(most) = wanted.at_most.filter(|most| in_sync > *most as usize) {
        return Some(format!("{name}: {isr}, and at most {most} {} asked for", are(most.into())));
    }
    let least = if wanted.full { p.replicas.len() } else { wanted.at_least.unwrap_or(0) as usize };
    if in_sync >= least {
        return None;
    }
    let missing = p.replicas.iter().filter(|id| !p.isr.contains(id)).map(|id| behind(*id, p, snapshot));
    Some(format!("{name}: {isr}; {}", list(missing)))
}

/// Why a replica is not in sync.
fn behind(id: i32, p: &PartitionView, snapshot: &Snapshot) -> String {
    let host = host_of(BrokerId(id));
    let state = snapshot.nodes.iter().find(|node| node.id == id).map(|node| node.state);
    match state {
        Some(NodeState::Killed | NodeState::PoweredOff | NodeState::Stopped) => return format!("{host} is down: start {host}"),
        Some(NodeState::Starting) => return format!("{host} is starting"),
        Some(NodeState::Paused) => return format!("{host} is paused"),
        Some(NodeState::Running | NodeState::Stopping) | None => {}
    }
    let end = |id: i32| p.logs.iter().find(|log| log.broker == id).map_or(0, |log| log.log_end);
    match p.leader.map_or(0, end) - end(id) {
        lag if lag > 0 => format!("{host} is {} behind", count(lag as u64, "record")),
        _ => format!("{host} has caught up, and its leader is about to say so"),
    }
}

fn group_is(wanted: &GroupIs, snapshot: &Snapshot) -> Option<String> {
    let Some(group) = snapshot.groups.iter().find(|group| group.name == wanted.name) else {
        return Some(format!("there is no group {}", wanted.name));
    };
    let members = group.members.len() as u64;
    let has = || format!("{} has {}", group.name, count(members, "member"));
    if let Some(asked) = wanted.members.map(u64::from).filter(|asked| *asked != members) {
        return Some(format!("{}, and {asked} {} asked for", has(), are(asked)));
    }
    if let Some(asked) = wanted.members_at_least.map(u64::from).filter(|asked| members < *asked) {
        return Some(format!("{}, and at least {asked} {} asked for", has(), are(asked)));
    }
    if let Some(state) = wanted.state.map(GroupState::from).filter(|state| *state != group.state) {
        return Some(format!("{} is {}, and {} is asked for", group.name, group.state.as_str(), state.as_str()));
    }
    let shares = wanted.idle_members.is_some() || wanted.each_owns.is_some();
    if shares && group.state != GroupState::Stable {
        return Some(format!("{} is {}: it is being decided who owns what", group.name, group.state.as_str()));
    }
    shares_are(wanted, group)
}

/// Who owns how much.
fn shares_are(wanted: &GroupIs, group: &GroupView) -> Option<String> {
    let name = |member: &crate::playground::snapshot::MemberView| match member.client_id.is_empty() {
        true => "a member".to_owned(),
        false => member.client_id.clone(),
    };
    let idle: Vec<String> = group.members.iter().filter(|member| member.owned.is_empty()).map(name).collect();
    if let Some(asked) = wanted.idle_members.filter(|asked| *asked as usize != idle.len()) {
        let who = match idle.is_empty() {
            true => format!("every member of {} owns something", group.name),
            false => format!("{} of {} {} idle ({})", idle.len(), group.name, are(idle.len() as u64), list(idle)),
        };
        return Some(format!("{who}, and {asked} idle {} asked for", are(asked.into())));
    }
    let asked = wanted.each_owns?;
    let other = group.members.iter().find(|member| member.owned.len() != asked as usize)?;
    let owns = count(other.owned.len() as u64, "partition");
    Some(format!("{} of {} owns {owns}, and {asked} for each is asked for", name(other), group.name))
}

fn lag_is(wanted: &LagIs, snapshot: &Snapshot) -> Option<String> {
    let Some(group) = snapshot.groups.iter().find(|group| group.name == wanted.group) else {
        return Some(format!("there is no group {}", wanted.group));
    };
    let within = group.offsets.iter().filter(|at| wanted.topic.as_ref().is_none_or(|topic| *topic == at.topic));
    let lag: u64 = within.map(|at| (at.log_end - at.committed.unwrap_or(0)).max(0) as u64).sum();
    let now = format!("{} is {} behind", group.name, count(lag, "record"));
    match (wanted.at_least, wanted.at_most) {
        (Some(least), _) if lag < least => Some(format!("{now}, and at least {} {} asked for", number(least), are(least))),
        (_, Some(most)) if lag > most => Some(format!("{now}, and at most {} {} asked for", number(most), are(most))),
        _ => None,
    }
}

impl From<GroupStateIs> for GroupState {
    fn from(state: GroupStateIs) -> GroupState {
        match state {
            GroupStateIs::Empty => GroupState::Empty,
            GroupStateIs::PreparingRebalance => GroupState::PreparingRebalance,
            GroupStateIs::CompletingRebalance => GroupState::CompletingRebalance,
            GroupStateIs::Stable => GroupState::Stable,
            GroupStateIs::Dead => GroupState::Dead,
        }
    }
}
