//! The stage in sentences: what each thing says to somebody who does not see it.

use super::column::state_word;
use super::frame::KINDS;
use super::item::Item;
use super::shape::{bytes, grouped};
use crate::playground::snapshot::{FrameView, NodeView, PartitionView, Snapshot, TopicView};

/// What a thing is and how it is, in one sentence.
pub fn describe(snapshot: &Snapshot, item: &Item) -> Option<String> {
    match item {
        Item::Node(id) => snapshot.nodes.iter().find(|n| n.id == *id).map(|n| node(snapshot, n)),
        Item::Topic(name) => snapshot.topics.iter().find(|t| *t.name == **name).map(topic),
        Item::Partition(name, number) => find(snapshot, name, *number).map(|(t, p)| partition(t, p)),
        Item::Replica(name, number, broker) => {
            let (topic, partition) = find(snapshot, name, *number)?;
            replica(topic, partition, *broker)
        }
        Item::Producer(process) => snapshot.producers.iter().find(|p| p.process == *process).map(|p| {
            let stuck = p.stuck.as_ref().map_or(String::new(), |why| format!(", stuck: {why}"));
            format!("producer {} to {}: {} records a second, {} waiting{stuck}", p.name, p.topic, p.acked_per_s, p.buffered_records)
        }),
        Item::Group(name) => snapshot.groups.iter().find(|g| *g.name == **name).map(|g| {
            let members = g.members.len();
            format!(
                "group {}: {}, generation {}, {members} members, {} records a second",
                g.name,
                g.state.as_str(),
                g.generation,
                g.consumed_per_s
            )
        }),
        Item::Member(process) => snapshot.groups.iter().flat_map(|g| &g.members).find(|m| m.process == *process).map(|m| {
            let owned: Vec<String> = m.owned.iter().map(|o| format!("{}-{}", o.topic, o.partition)).collect();
            let owned = if owned.is_empty() { "owns nothing".to_owned() } else { format!("owns {}", owned.join(", ")) };
            format!("consumer {}: {owned}{}", m.client_id, if m.stopped { ", stopped" } else { "" })
        }),
        Item::Frame(key) => snapshot.frames.iter().find(|f| f.key == *key).map(|f| frame(snapshot, f)),
        Item::Stage | Item::Link(..) => None,
    }
}

/// The whole cluster in two sentences.
pub fn summary(snapshot: &Snapshot) -> String {
    let health = &snapshot.health;
    let controller = snapshot.controller.map_or("no active controller".to_owned(), |id| format!("the controller is kafka-{id}"));
    let topics = snapshot.topics.iter().filter(|t| !t.internal).count();
    let trouble = match (health.offline, health.under_replicated) {
        (0, 0) => "Every partition has all its replicas in sync.".to_owned(),
        (0, n) => format!("{n} partitions lack in-sync replicas."),
        (off, n) => format!("{off} partitions have no leader, {n} lack in-sync replicas."),
    };
    format!("{} of {} brokers run, {controller}, {topics} topics. {trouble}", health.brokers_up, health.brokers)
}

fn find<'a>(snapshot: &'a Snapshot, name: &str, number: i32) -> Option<(&'a TopicView, &'a PartitionView)> {
    let topic = snapshot.topics.iter().find(|t| t.name == name)?;
    Some((topic, topic.partitions.iter().find(|p| p.partition == number)?))
}

fn node(snapshot: &Snapshot, node: &NodeView) -> String {
    let role = if node.is_broker { "broker" } else { "controller" };
    let active = if snapshot.controller == Some(node.id) { ", active controller" } else { "" };
    let fenced = if node.is_broker && node.fenced { ", fenced" } else { "" };
    let load = if node.is_broker {
        format!(", leads {} of {} replicas, {}", node.leaders, node.replicas, bytes(node.disk_bytes))
    } else {
        String::new()
    };
    format!("{role} {}: {}{fenced}{active}{load}", node.host, state_word(node))
}

fn frame(snapshot: &Snapshot, frame: &FrameView) -> String {
    let kind = KINDS.iter().find(|(kind, _)| *kind == frame.kind).map_or("frame", |(_, word)| *word);
    let about = frame.about.as_ref().map_or(String::new(), |(topic, partition)| format!(" for {topic}-{partition}"));
    let records = if frame.records > 0 { format!(", {} records", frame.records) } else { String::new() };
    let state = match () {
        _ if frame.waits => ", waits at a cut",
        _ if frame.retry => ", sent again",
        _ => "",
    };
    format!("{kind}{about} from {} to {}{records}{state}", process(snapshot, frame.from), process(snapshot, frame.to))
}

fn process(snapshot: &Snapshot, process: u32) -> String {
    let node = snapshot.nodes.iter().find(|n| n.process == process).map(|n| n.host.clone());
    let producer = || snapshot.producers.iter().find(|p| p.process == process).map(|p| p.name.clone());
    let member = || snapshot.groups.iter().flat_map(|g| &g.members).find(|m| m.process == process).map(|m| m.client_id.clone());
    node.or_else(producer).or_else(member).unwrap_or_else(|| "a terminal".to_owned())
}

fn topic(topic: &TopicView) -> String {
    let n = topic.partitions.len();
    format!("topic {}: {n} partitions, replication factor {}, min ISR {}", topic.name, topic.replication_factor, topic.min_isr)
}

fn partition(topic: &TopicView, partition: &PartitionView) -> String {
    let leader = partition.leader.map_or("no leader".to_owned(), |id| format!("leader {id}"));
    format!(
        "partition {}-{}: {leader}, epoch {}, replicas {}, ISR {}",
        topic.name,
        partition.partition,
        partition.leader_epoch,
        list(&partition.replicas),
        list(&partition.isr)
    )
}

fn replica(topic: &TopicView, partition: &PartitionView, broker: i32) -> Option<String> {
    let log = partition.logs.iter().find(|log| log.broker == broker)?;
    let role = match () {
        _ if partition.leader == Some(broker) => "leader",
        _ if partition.isr.contains(&broker) => "follower in sync",
        // A broker's copy of the metadata log.
        _ if !partition.replicas.contains(&broker) => "observer",
        _ => "follower out of sync",
    };
    let (end, hw) = (grouped(log.log_end), grouped(log.high_watermark));
    Some(format!(
        "{}-{} on kafka-{broker}: {role}, log end {end}, high watermark {hw}, {}",
        topic.name,
        partition.partition,
        bytes(log.size_bytes)
    ))
}

fn list(ids: &[i32]) -> String {
    let ids: Vec<String> = ids.iter().map(i32::to_string).collect();
    if ids.is_empty() { "none".to_owned() } else { ids.join(", ") }
}
