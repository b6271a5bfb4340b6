//! What an operator does meanwhile, with Kafka's tools.

use super::Dice;
use crate::kafka::names::TopicPartition;
use crate::playground::spec::ClusterSpec;

/// A line at a terminal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tool {
    /// `--bootstrap-server`
    server: String,
    doing: Doing,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Doing {
    ElectPreferred,
    ElectUnclean(TopicPartition),
    Reassign { partition: TopicPartition, replicas: Vec<u64>, file: String },
    ConfigureTopic { topic: String, config: &'static str },
    ConfigureBrokers { config: &'static str },
    DeleteRecords { partition: TopicPartition, before: i64, file: String },
}

impl Tool {
    /// An unclean election of this partition.
    pub fn elect_uncleanly(cluster: &ClusterSpec, partition: TopicPartition) -> Tool {
        Tool { server: bootstrap(cluster), doing: Doing::ElectUnclean(partition) }
    }

    /// What kind of thing it is, for counting.
    pub fn kind(&self) -> &'static str {
        match self.doing {
            Doing::ElectPreferred => "preferred election",
            Doing::ElectUnclean(_) => "unclean election",
            Doing::Reassign { .. } => "reassignment",
            Doing::ConfigureTopic { .. } => "topic config",
            Doing::ConfigureBrokers { .. } => "broker config",
            Doing::DeleteRecords { .. } => "delete records",
        }
    }

    /// The partition that it lets somebody lead who may have lost records.
    pub fn elects_uncleanly(&self) -> Option<&TopicPartition> {
        if let Doing::ElectUnclean(partition) = &self.doing { Some(partition) } else { None }
    }

    /// As it is typed.
    pub fn line(&self) -> String {
        let server = &self.server;
        match &self.doing {
            Doing::ElectPreferred => {
                format!("kafka-leader-election --bootstrap-server {server} --election-type preferred --all-topic-partitions")
            }
            Doing::ElectUnclean(TopicPartition { topic, partition }) => {
                format!("kafka-leader-election --bootstrap-server {server} --election-type unclean --topic {topic} --partition {partition}")
            }
            Doing::Reassign { partition: TopicPartition { topic, partition }, replicas, file } => {
                let json =
                    format!(r#"{{"version":1,"partitions":[{{"topic":"{topic}","partition":{partition},"replicas":{replicas:?}}}]}}"#);
                format!(
                    "echo '{json}' > {file}; kafka-reassign-partitions --bootstrap-server {server} --reassignment-json-file {file} --execute"
                )
            }
            Doing::ConfigureTopic { topic, config } => {
                format!(
                    "kafka-configs --bootstrap-server {server} --alter --entity-type topics --entity-name {topic} --add-config {config}"
                )
            }
            Doing::ConfigureBrokers { config } => {
                format!("kafka-configs --bootstrap-server {server} --alter --entity-type brokers --entity-default --add-config {config}")
            }
            Doing::DeleteRecords { partition: TopicPartition { topic, partition }, before, file } => {
                let json = format!(r#"{{"version":1,"partitions":[{{"topic":"{topic}","partition":{partition},"offset":{before}}}]}}"#);
                format!("echo '{json}' > {file}; kafka-delete-records --bootstrap-server {server} --offset-json-file {file}")
            }
        }
    }
}

fn bootstrap(cluster: &ClusterSpec) -> String {
    (1..=cluster.brokers).map(|id| format!("kafka-{id}:9092")).collect::<Vec<_>>().join(",")
}

pub fn draw(dice: &mut Dice, cluster: &ClusterSpec) -> Tool {
    let topic = dice.pick(&cluster.topics);
    let partition = TopicPartition::new(topic.name.as_str(), dice.below(u64::from(topic.partitions)) as i32);
    let doing = match dice.below(14) {
        0..=1 => Doing::ElectPreferred,
        2..=3 => Doing::ElectUnclean(partition),
        4..=7 => {
            let mut replicas: Vec<u64> = (1..=u64::from(cluster.brokers)).collect();
            for i in (1..replicas.len()).rev() {
                replicas.swap(i, dice.below(i as u64 + 1) as usize);
            }
            // Not to one: below min.insync.replicas the ELR would name who has no replica any more, and nobody could lead (so does Kafka).
            let least = 2.min(replicas.len() as u64);
            replicas.truncate(dice.within(least, replicas.len() as u64) as usize);
            Doing::Reassign { partition, replicas, file: format!("r{}.json", dice.below(1_000_000)) }
        }
        8..=11 => {
            let config = dice.pick(&[
                "min.insync.replicas=1",
                "min.insync.replicas=2",
                "min.insync.replicas=2",
                "min.insync.replicas=3",
                "unclean.leader.election.enable=false",
                "unclean.leader.election.enable=true",
                "internal.segment.bytes=5000",
                "retention.bytes=20000",
                "max.message.bytes=500",
                "max.message.bytes=1048588",
            ]);
            Doing::ConfigureTopic { topic: topic.name.clone(), config }
        }
        12 => {
            let config =
                dice.pick(&["log.retention.bytes=30000", "min.insync.replicas=2", "min.insync.replicas=1", "message.max.bytes=2000"]);
            Doing::ConfigureBrokers { config }
        }
        _ => {
            let before = if dice.one_in(3) { -1 } else { dice.below(500) as i64 };
            Doing::DeleteRecords { partition, before, file: format!("d{}.json", dice.below(1_000_000)) }
        }
    };
    Tool { server: bootstrap(cluster), doing }
}
