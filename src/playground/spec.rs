//! What a cluster is made of at time zero: the description a lesson's front matter, a permalink or a bench gives, and the world is built from.
//!
//! Boundary types only: they are read from TOML (unknown fields are errors) and travel to the worker in a compact form, so nothing here needs a
//! self-describing format. Counts are `u32`, names are Kafka's names, and a configuration is what would stand in a `.properties` file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lines of a `.properties` file, ordered by name. TOML scalars are taken as they print: `2`, `true`, `"all"`.
pub type Config = BTreeMap<String, String>;

/// At most this many brokers; the stage has a column for each.
pub const MAX_BROKERS: u32 = 99;
/// At most this many records a second from one described producer: a bench sets its own load.
pub const MAX_RECORDS_PER_SECOND: u32 = 10_000_000;
/// At most this many members of one described group.
pub const MAX_MEMBERS: u32 = 1_000;
/// At most this many partitions of one described topic.
pub const MAX_PARTITIONS: u32 = 10_000;

/// A cluster and the clients that run beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSpec {
    /// How many brokers: `kafka-1` to `kafka-N`.
    pub brokers: u32,
    /// How many controllers apart from the brokers; 0 if some brokers are controllers: `kafka-100`, `kafka-101`, ...
    pub controllers: u32,
    /// Brokers, by number, that are controllers as well, in the same process (process.roles=broker,controller).
    pub combined: Vec<u32>,
    /// server.properties of every broker and controller.
    #[serde(with = "scalars")]
    pub config: Config,
    /// What stands in one broker's server.properties besides, by its number: `[cluster.broker.2]`.
    pub broker: BTreeMap<String, BrokerConfig>,
    /// Levels of features that the cluster is formatted with (`kafka-storage format --feature`), where they differ from the release's.
    pub features: BTreeMap<String, i16>,
    #[serde(rename = "topic")]
    pub topics: Vec<TopicSpec>,
    #[serde(rename = "producer")]
    pub producers: Vec<ProducerSpec>,
    #[serde(rename = "group")]
    pub groups: Vec<GroupSpec>,
}

/// One broker's own lines of server.properties.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BrokerConfig(#[serde(with = "scalars")] pub Config);

/// A topic that exists before the clients start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TopicSpec {
    pub name: String,
    #[serde(default = "one")]
    pub partitions: u32,
    /// Replicas of each partition, the leader among them.
    #[serde(default = "one")]
    pub replication_factor: u32,
    /// The topic's own configuration (`min.insync.replicas`, `retention.ms`, ...).
    #[serde(default, with = "scalars")]
    pub config: Config,
}

/// A producer that sends a steady stream from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProducerSpec {
    /// Its `client.id`, and its name on the stage.
    pub name: String,
    pub topic: String,
    /// Records handed to `send()` each second of virtual time.
    pub records_per_second: u32,
    #[serde(default)]
    pub key: KeySpec,
    #[serde(default)]
    pub value: ValueSpec,
    /// Producer configuration (`acks`, `linger.ms`, ...).
    #[serde(default, with = "scalars")]
    pub config: Config,
}

/// Where a record's key comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeySpec {
    /// No key: the producer's sticky partitioner chooses (KIP-794).
    #[default]
    None,
    /// `key-0` to `key-(N-1)`, drawn evenly from the producer's random stream.
    OneOf(u32),
    /// These, in turn.
    List(Vec<String>),
}

/// What a record's value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ValueSpec {
    /// `prefix-1`, `prefix-2`, ...: no value twice, so that a loss or a double can be told from the values alone.
    Unique(String),
    /// Always this many bytes.
    SizeBytes(u32),
}

/// A consumer group that reads from the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Its `group.id`.
    pub name: String,
    pub topics: Vec<String>,
    /// How many consumers; member *i* (from 1) has the client id `NAME-i`.
    #[serde(default = "one")]
    pub members: u32,
    /// Consumer configuration (`auto.offset.reset`, `partition.assignment.strategy`, ...).
    #[serde(default, with = "scalars")]
    pub config: Config,
}

impl Default for ClusterSpec {
    /// Three brokers, one controller, nothing on them.
    fn default() -> ClusterSpec {
        ClusterSpec {
            brokers: 3,
            controllers: 1,
            combined: Vec::new(),
            config: Config::new(),
            features: BTreeMap::new(),
            broker: BTreeMap::new(),
            topics: Vec::new(),
            producers: Vec::new(),
            groups: Vec::new(),
        }
    }
}

impl Default for ValueSpec {
    /// A hundred bytes, the size Kafka's performance tools are mostly quoted with.
    fn default() -> ValueSpec {
        ValueSpec::SizeBytes(100)
    }
}

fn one() -> u32 {
    1
}

/// Why no cluster can be built from a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SpecProblem {
    /// Where in the description: `topic.0.replication_factor`, the keys of tables and the positions in arrays joined by dots.
    pub path: String,
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

impl ClusterSpec {
    /// Everything that makes this cluster impossible; empty if it can be built.
    pub fn problems(&self) -> Vec<SpecProblem> {
        let mut found = Problems::default();
        found.within("brokers", self.brokers, 1, MAX_BROKERS);
        found.within("controllers", self.controllers, u32::from(self.combined.is_empty()), 9);
        for (i, id) in self.combined.iter().enumerate() {
            found.within(&format!("combined.{i}"), *id, 1, self.brokers);
            if self.combined[..i].contains(id) {
                found.add(&format!("combined.{i}"), &format!("broker {id} is named twice"), "name each broker once");
            }
        }
        for id in self.broker.keys() {
            if !id.parse().is_ok_and(|id: u32| (1..=self.brokers).contains(&id)) {
                found.add(&format!("broker.{id}"), "there is no such broker", &format!("brokers go from 1 to {}", self.brokers));
            }
        }
        for (i, topic) in self.topics.iter().enumerate() {
            self.topic_problems(i, topic, &mut found);
        }
        for (i, producer) in self.producers.iter().enumerate() {
            let at = |field: &str| format!("producer.{i}.{field}");
            found.unique(&at("name"), "producer", &producer.name, self.producers[..i].iter().map(|p| &p.name));
            found.known_topic(&at("topic"), &producer.topic, &self.topics);
            found.within(&at("records_per_second"), producer.records_per_second, 1, MAX_RECORDS_PER_SECOND);
            let nothing_to_choose = match &producer.key {
                KeySpec::None => false,
                KeySpec::OneOf(n) => *n == 0,
                KeySpec::List(keys) => keys.is_empty(),
            };
            if nothing_to_choose {
                found.add(
                    &at("key"),
                    "there is no key to choose from",
                    "give at least one key, or leave `key` out for records without keys",
                );
            }
        }
        for (i, group) in self.groups.iter().enumerate() {
            let at = |field: &str| format!("group.{i}.{field}");
            found.unique(&at("name"), "group", &group.name, self.groups[..i].iter().map(|g| &g.name));
            found.within(&at("members"), group.members, 0, MAX_MEMBERS);
            if group.topics.is_empty() {
                found.add(&at("topics"), &format!("the group {} reads no topic", group.name), "name at least one topic");
            }
            for (t, topic) in group.topics.iter().enumerate() {
                found.known_topic(&at(&format!("topics.{t}")), topic, &self.topics);
            }
        }
        found.0
    }

    fn topic_problems(&self, i: usize, topic: &TopicSpec, found: &mut Problems) {
        let at = |field: &str| format!("topic.{i}.{field}");
        if !is_topic_name(&topic.name) {
            let message = format!("{:?} is no name for a topic", topic.name);
            found.add(&at("name"), &message, "use 1 to 249 of the letters a-z A-Z 0-9 . _ - (and neither \".\" nor \"..\")");
        }
        found.unique(&at("name"), "topic", &topic.name, self.topics[..i].iter().map(|t| &t.name));
        found.within(&at("partitions"), topic.partitions, 1, MAX_PARTITIONS);
        if topic.replication_factor == 0 || topic.replication_factor > self.brokers {
            found.add(
                &at("replication_factor"),
                &format!(
                    "the replication factor of {} is {}, and there are {} brokers",
                    topic.name, topic.replication_factor, self.brokers
                ),
                &format!("a replica needs a broker of its own: choose 1 to {}, or more brokers", self.brokers),
            );
        }
        let min_isr = topic.config.get("min.insync.replicas");
        if min_isr.is_some_and(|v| v.parse::<u32>().is_ok_and(|min| min == 0)) {
            found.add(&at("config"), "min.insync.replicas must be at least 1", "Kafka refuses 0; 1 means that the leader alone is enough");
        }
    }
}

/// Whether Kafka would accept this as a topic's name (org.apache.kafka.common.internals.Topic#validate).
pub fn is_topic_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    (1..=249).contains(&name.len()) && name.chars().all(legal) && name != "." && name != ".."
}

#[derive(Default)]
struct Problems(Vec<SpecProblem>);

impl Problems {
    fn add(&mut self, path: &str, message: &str, remedy: &str) {
        self.0.push(SpecProblem { path: path.into(), message: message.into(), remedy: remedy.into() });
    }

    fn within(&mut self, path: &str, n: u32, low: u32, high: u32) {
        if !(low..=high).contains(&n) {
            let field = path.rsplit('.').next().unwrap_or(path);
            self.add(path, &format!("{field} = {n}"), &format!("choose a number from {low} to {high}"));
        }
    }

    fn unique<'a>(&mut self, path: &str, what: &str, name: &str, mut before: impl Iterator<Item = &'a String>) {
        if before.any(|other| other == name) {
            self.add(path, &format!("a second {what} is called {name}"), "give each its own name");
        }
    }

    fn known_topic(&mut self, path: &str, name: &str, topics: &[TopicSpec]) {
        if !topics.iter().any(|t| t.name == name) {
            let known: Vec<&str> = topics.iter().map(|t| t.name.as_str()).collect();
            let remedy = match known.is_empty() {
                true => format!("add a [[cluster.topic]] with name = {name:?}"),
                false => format!("add a [[cluster.topic]] with name = {name:?}, or use one of: {}", known.join(", ")),
            };
            self.add(path, &format!("there is no topic {name}"), &remedy);
        }
    }
}

/// A map of strings that may be written with any scalar: `{ "min.insync.replicas" = 2, acks = "all" }`.
mod scalars {
    use std::collections::BTreeMap;
    use std::fmt;

    use serde::de::{Deserializer, Error, Visitor};
    use serde::{Deserialize, Serialize, Serializer};

    use super::Config;

    pub fn serialize<S: Serializer>(config: &Config, serializer: S) -> Result<S::Ok, S::Error> {
        config.serialize(serializer)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Config, D::Error> {
        if !deserializer.is_human_readable() {
            return Config::deserialize(deserializer);
        }
        let read = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
        Ok(read.into_iter().map(|(name, value)| (name, value.0)).collect())
    }

    struct Scalar(String);

    impl<'de> Deserialize<'de> for Scalar {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Scalar, D::Error> {
            deserializer.deserialize_any(ScalarVisitor)
        }
    }

    struct ScalarVisitor;

    impl Visitor<'_> for ScalarVisitor {
        type Value = Scalar;

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a string, a number or a boolean")
        }

        fn visit_bool<E: Error>(self, v: bool) -> Result<Scalar, E> {
            Ok(Scalar(v.to_string()))
        }

        fn visit_i64<E: Error>(self, v: i64) -> Result<Scalar, E> {
            Ok(Scalar(v.to_string()))
        }

        fn visit_u64<E: Error>(self, v: u64) -> Result<Scalar, E> {
            Ok(Scalar(v.to_string()))
        }

        fn visit_f64<E: Error>(self, v: f64) -> Result<Scalar, E> {
            Ok(Scalar(v.to_string()))
        }

        fn visit_str<E: Error>(self, v: &str) -> Result<Scalar, E> {
            Ok(Scalar(v.to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const THOUSAND: &str = r#"
        brokers = 3
        [[topic]]
        name = "orders"
        partitions = 3
        replication_factor = 3
        config = { "min.insync.replicas" = 2 }
        [[producer]]
        name = "checkout"
        topic = "orders"
        records_per_second = 1000
        value = { unique = "order" }
        config = { acks = "all", "enable.idempotence" = true }
        [[group]]
        name = "billing"
        topics = ["orders"]
        members = 2
    "#;

    #[test]
    fn reads_a_description() {
        let spec: ClusterSpec = toml::from_str(THOUSAND).unwrap();
        assert_eq!(spec.problems(), vec![]);
        assert_eq!(spec.controllers, 1);
        assert_eq!(spec.topics[0].config["min.insync.replicas"], "2");
        assert_eq!(spec.producers[0].config["enable.idempotence"], "true");
        assert_eq!(spec.producers[0].key, KeySpec::None);
        assert_eq!(spec.producers[0].value, ValueSpec::Unique("order".into()));
        let json = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<ClusterSpec>(&json).unwrap(), spec);
    }

    #[test]
    fn says_everything_that_is_impossible() {
        let mut spec: ClusterSpec = toml::from_str(THOUSAND).unwrap();
        spec.brokers = 2;
        spec.producers[0].topic = "order".into();
        spec.producers[0].key = KeySpec::OneOf(0);
        spec.groups.push(spec.groups[0].clone());
        spec.topics[0].partitions = 0;
        let paths: Vec<String> = spec.problems().into_iter().map(|p| p.path).collect();
        let expected = ["topic.0.partitions", "topic.0.replication_factor", "producer.0.topic", "producer.0.key", "group.1.name"];
        assert_eq!(paths, expected);
    }

    #[test]
    fn an_unknown_field_is_an_error() {
        assert!(toml::from_str::<ClusterSpec>("broker = 3").is_err());
        assert!(toml::from_str::<ClusterSpec>("[[topic]]\nname = \"a\"\nreplicas = 3").is_err());
    }
}
