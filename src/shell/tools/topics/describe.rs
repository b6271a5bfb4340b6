//! What `kafka-topics --describe` prints (`TopicCommand.PartitionDescription`, `TopicDescription`).

use crate::kafka::names::BrokerId;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::java::hash;
use crate::shell::options::Options;

/// A topic, as the cluster describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    /// In Kafka's base64.
    pub id: String,
    /// Ordered by number.
    pub partitions: Vec<Partition>,
    /// Configurations that are not Kafka's defaults.
    pub configs: Vec<(String, String)>,
    /// `min.insync.replicas`, its own or inherited.
    pub min_isr: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Partition {
    pub partition: i32,
    pub leader: Option<BrokerId>,
    pub replicas: Vec<BrokerId>,
    pub isr: Vec<BrokerId>,
    pub elr: Vec<BrokerId>,
    pub last_known_elr: Vec<BrokerId>,
    /// Replicas that a reassignment adds and removes; empty: none is going on.
    pub adding: Vec<BrokerId>,
    pub removing: Vec<BrokerId>,
}

/// Which lines are wanted (`DescribeOptions`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    pub under_replicated: bool,
    pub under_min_isr: bool,
    pub at_min_isr: bool,
    pub unavailable: bool,
    pub overrides: bool,
}

impl Report {
    pub fn of(options: &Options) -> Report {
        Report {
            under_replicated: options.has("under-replicated-partitions"),
            under_min_isr: options.has("under-min-isr-partitions"),
            at_min_isr: options.has("at-min-isr-partitions"),
            unavailable: options.has("unavailable-partitions"),
            overrides: options.has("topics-with-overrides"),
        }
    }

    /// Whether topics are shown with their configurations: unless only certain partitions are asked for.
    fn topics(self) -> bool {
        !(self.under_replicated || self.under_min_isr || self.at_min_isr || self.unavailable)
    }

    fn wants(self, partition: &Partition, min_isr: usize, live: &[BrokerId]) -> bool {
        let in_sync = partition.isr.len();
        self.topics()
            || (self.under_replicated && in_sync < replication_factor(partition))
            || (self.under_min_isr && in_sync < min_isr)
            || (self.at_min_isr && in_sync == min_isr)
            || (self.unavailable && partition.leader.is_none_or(|leader| !live.contains(&leader)))
    }
}

/// The lines for these topics, which come sorted by name and are shown in the order of Java's map.
pub fn lines(topics: Vec<Description>, report: Report, live: &[BrokerId]) -> Vec<String> {
    let count = topics.len() as u32;
    let mut lines = Vec::new();
    for topic in hash::order(topics, count, |topic| java_string_hash(&topic.name)) {
        if report.topics() && (!report.overrides || !topic.configs.is_empty()) {
            lines.push(topic_line(&topic));
        }
        if !report.overrides {
            let wanted = topic.partitions.iter().filter(|partition| report.wants(partition, topic.min_isr, live));
            lines.extend(wanted.map(|partition| partition_line(&topic.name, partition)));
        }
    }
    lines
}

fn topic_line(topic: &Description) -> String {
    let factor = topic.partitions.first().map_or(0, replication_factor);
    let mut configs: Vec<&(String, String)> = topic.configs.iter().collect();
    configs.sort_by_key(|(name, _)| CONFIG_ORDER.iter().position(|known| known == name).unwrap_or(CONFIG_ORDER.len()));
    let configs: Vec<String> = configs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!(
        "Topic: {}\tTopicId: {}\tPartitionCount: {}\tReplicationFactor: {factor}\tConfigs: {}",
        topic.name,
        topic.id,
        topic.partitions.len(),
        configs.join(",")
    )
}

/// The order of the broker's map of a topic's configurations, whichever of them are shown.
const CONFIG_ORDER: &[&str] = &[
    "compression.type",
    "remote.log.delete.on.disable",
    "leader.replication.throttled.replicas",
    "remote.storage.enable",
    "min.insync.replicas",
    "segment.jitter.ms",
    "remote.log.copy.disable",
    "local.retention.ms",
    "cleanup.policy",
    "flush.ms",
    "follower.replication.throttled.replicas",
    "compression.lz4.level",
    "segment.bytes",
    "retention.ms",
    "compression.gzip.level",
    "flush.messages",
    "compression.zstd.level",
    "max.compaction.lag.ms",
    "file.delete.delay.ms",
    "max.message.bytes",
    "min.compaction.lag.ms",
    "message.timestamp.type",
    "local.retention.bytes",
    "preallocate",
    "index.interval.bytes",
    "min.cleanable.dirty.ratio",
    "unclean.leader.election.enable",
    "retention.bytes",
    "delete.retention.ms",
    "message.timestamp.after.max.ms",
    "message.timestamp.before.max.ms",
    "segment.ms",
    "segment.index.bytes",
];

fn partition_line(topic: &str, partition: &Partition) -> String {
    let leader = partition.leader.map_or("none".to_owned(), |leader| leader.to_string());
    let reassigned = if partition.adding.is_empty() && partition.removing.is_empty() {
        String::new()
    } else {
        format!("\tAdding Replicas: {}\tRemoving Replicas: {}", ids(&partition.adding), ids(&partition.removing))
    };
    format!(
        "\tTopic: {topic}\tPartition: {}\tLeader: {leader}\tReplicas: {}\tIsr: {}{reassigned}\tElr: {}\tLastKnownElr: {}",
        partition.partition,
        ids(&partition.replicas),
        ids(&partition.isr),
        ids(&partition.elr),
        ids(&partition.last_known_elr)
    )
}

/// Replicas without those that a reassignment is adding.
fn replication_factor(partition: &Partition) -> usize {
    partition.replicas.len().saturating_sub(partition.adding.len())
}

fn ids(brokers: &[BrokerId]) -> String {
    brokers.iter().map(BrokerId::to_string).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brokers(text: &str) -> Vec<BrokerId> {
        text.split(',').filter(|id| !id.is_empty()).map(|id| BrokerId(id.parse().unwrap())).collect()
    }

    /// `LEADER REPLICAS ISR ELR LAST_KNOWN_ELR` of each partition, `-` for nothing.
    fn topic(name: &str, min_isr: usize, partitions: &[&str]) -> Description {
        let partitions = partitions.iter().enumerate().map(|(partition, text)| {
            let part: Vec<Vec<BrokerId>> = text.split(' ').map(|ids| brokers(ids.trim_matches('-'))).collect();
            Partition {
                partition: partition as i32,
                leader: part[0].first().copied(),
                replicas: part[1].clone(),
                isr: part[2].clone(),
                elr: part[3].clone(),
                last_known_elr: part[4].clone(),
                ..Partition::default()
            }
        });
        let partitions = partitions.collect();
        let configs = vec![("min.insync.replicas".into(), min_isr.to_string())];
        Description { name: name.into(), id: "JNMgInzDQuuqe5ohAcxbrQ".into(), partitions, configs, min_isr }
    }

    /// The cluster of golden/tools/topics-describe-filters.txt after broker 3 was killed.
    fn cluster() -> Vec<Description> {
        vec![
            topic("lonely", 1, &["- 3 - 3 3"]),
            topic("orders", 3, &["1 1,2,3 1,2 3 -", "2 2,3,1 2,1 3 -"]),
            topic("pair", 1, &["1 3,1 1 - -"]),
            topic("safe", 1, &["1 1,2 1,2 - -"]),
        ]
    }

    fn check(filter: &[&str], expected: &[&str]) {
        let args: Vec<String> = filter.iter().map(|name| format!("--{name}")).collect();
        let options = Options::parse(super::super::args::TABLE, &args).unwrap();
        assert_eq!(lines(cluster(), Report::of(&options), &brokers("1,2")), expected, "{filter:?}");
    }

    const SAFE: &str = "\tTopic: safe\tPartition: 0\tLeader: 1\tReplicas: 1,2\tIsr: 1,2\tElr: \tLastKnownElr: ";
    const ORDERS_0: &str = "\tTopic: orders\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2\tElr: 3\tLastKnownElr: ";
    const ORDERS_1: &str = "\tTopic: orders\tPartition: 1\tLeader: 2\tReplicas: 2,3,1\tIsr: 2,1\tElr: 3\tLastKnownElr: ";
    const LONELY: &str = "\tTopic: lonely\tPartition: 0\tLeader: none\tReplicas: 3\tIsr: \tElr: 3\tLastKnownElr: 3";
    const PAIR: &str = "\tTopic: pair\tPartition: 0\tLeader: 1\tReplicas: 3,1\tIsr: 1\tElr: \tLastKnownElr: ";

    #[test]
    fn each_filter_shows_its_partitions() {
        check(&["under-replicated-partitions"], &[ORDERS_0, ORDERS_1, LONELY, PAIR]);
        check(&["unavailable-partitions"], &[LONELY]);
        check(&["under-min-isr-partitions"], &[ORDERS_0, ORDERS_1, LONELY]);
        check(&["at-min-isr-partitions"], &[PAIR]);
        check(&["under-replicated-partitions", "unavailable-partitions"], &[ORDERS_0, ORDERS_1, LONELY, PAIR]);
    }

    #[test]
    fn everything_in_the_order_of_java() {
        let head = |name: &str, partitions: u32, factor: u32, min_isr: u32| {
            format!(
                "Topic: {name}\tTopicId: JNMgInzDQuuqe5ohAcxbrQ\tPartitionCount: {partitions}\tReplicationFactor: {factor}\tConfigs: min.insync.replicas={min_isr}"
            )
        };
        let (safe, orders, lonely, pair) = (head("safe", 1, 2, 1), head("orders", 2, 3, 3), head("lonely", 1, 1, 1), head("pair", 1, 2, 1));
        check(&[], &[&safe, SAFE, &orders, ORDERS_0, ORDERS_1, &lonely, LONELY, &pair, PAIR]);
        check(&["topics-with-overrides"], &[&safe, &orders, &lonely, &pair]);
    }

    #[test]
    fn configs_in_the_order_of_java() {
        let names = "compression.type,min.insync.replicas,cleanup.policy,flush.ms,segment.bytes,retention.ms,max.message.bytes,preallocate,retention.bytes,delete.retention.ms,segment.ms";
        let mut configs: Vec<(String, String)> = names.split(',').map(|name| (name.to_owned(), "1".to_owned())).collect();
        configs.sort();
        let line = topic_line(&Description { configs, ..topic("all", 1, &[]) });
        assert_eq!(line.split("Configs: ").nth(1).unwrap().replace("=1", ""), names);
    }
}
