//! What a seed means: a cluster with clients, and what is done to it when. Drawn as a whole before anything runs, so that leaving a step out
//! changes no other.

use std::fmt;

use crate::kafka::rules::{RULES_OFF, Rule};
use crate::playground::spec::{ClusterSpec, Config, GroupSpec, KeySpec, ProducerSpec, TopicSpec, ValueSpec};
use crate::sim::rng::Rng;
use crate::sim::time::Duration;

/// How long faults go on, from when the cluster is ready.
pub const CHAOS: Duration = Duration::secs(20);

/// A run to be carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    pub seed: u64,
    /// How many steps were drawn.
    pub drawn: u32,
    pub cluster: ClusterSpec,
    /// Those that are carried out, with their numbers.
    pub steps: Vec<(u32, Step)>,
    /// A rule that does not hold, to see that it is missed.
    pub off: Option<Rule>,
}

/// Something done at a time, and undone later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// After the cluster was ready.
    pub at: Duration,
    /// How long until it is undone.
    pub lasts: Duration,
    pub act: Act,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    Outage {
        host: String,
        how: Outage,
    },
    Cut {
        a: String,
        b: String,
        one_way: bool,
    },
    Lose {
        a: String,
        b: String,
        permille: u16,
    },
    SlowDisk {
        host: String,
        delay_us: u32,
    },
    FullDisk {
        host: String,
    },
    SkewClock {
        host: String,
        ms: i64,
    },
    /// A line at a terminal.
    Type(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    Kill,
    PowerCut,
    /// Killed, and a bit of the last unflushed batch of some log flips before it starts again.
    KillAndFlip,
    /// SIGTERM
    Stop,
    Pause,
}

/// The groups' and producers' names.
const TOPICS: [&str; 2] = ["t0", "t1"];

impl Plan {
    /// The plan of a seed, with so many steps.
    pub fn draw(seed: u64, steps: u32, off: Option<Rule>) -> Plan {
        let mut dice = Dice(Rng::derive(seed, "fuzz"));
        let mut cluster = draw_cluster(&mut dice);
        if let Some(rule) = off {
            cluster.config.insert(RULES_OFF.into(), rule.name().into());
        }
        let hosts = Hosts::of(&cluster);
        // Some runs break one kind of thing only: what a crowd of faults hides shows there.
        let only = dice.one_in(3).then(|| dice.below(KINDS));
        let steps = (0..steps).map(|n| (n, draw_step(&mut dice, &cluster, &hosts, only))).collect::<Vec<_>>();
        Plan { seed, drawn: steps.len() as u32, cluster, steps, off }
    }
}

struct Dice(Rng);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0.below(bound)
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn within(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high - low + 1)
    }

    fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len() as u64) as usize]
    }
}

fn draw_cluster(dice: &mut Dice) -> ClusterSpec {
    let brokers = match dice.below(10) {
        0 => 2,
        1 | 2 => 4,
        _ => 3,
    };
    let lag_max = dice.within(800, 4_000);
    // Timeouts of seconds, so that much happens within a short run; the relations between them are those of the defaults.
    let config: Config = [
        ("broker.heartbeat.interval.ms", "400".to_owned()),
        ("broker.session.timeout.ms", dice.within(1_500, 3_000).to_string()),
        ("replica.lag.time.max.ms", lag_max.to_string()),
        ("replica.fetch.wait.max.ms", (lag_max / 4).min(500).to_string()),
        ("replica.fetch.backoff.ms", "200".to_owned()),
        ("replica.high.watermark.checkpoint.interval.ms", dice.within(300, 2_000).to_string()),
        ("log.retention.check.interval.ms", "3000".to_owned()),
        ("offsets.topic.num.partitions", "1".to_owned()),
        ("offsets.topic.replication.factor", brokers.min(3).to_string()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("group.min.session.timeout.ms", "1000".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let topics = 1 + u32::from(dice.one_in(4));
    let topics: Vec<TopicSpec> = (0..topics).map(|n| draw_topic(dice, TOPICS[n as usize], brokers)).collect();
    let producers = 1 + u32::from(dice.one_in(3));
    let producers = (0..producers).map(|n| draw_producer(dice, n, &topics)).collect();
    let groups = if dice.one_in(3) { Vec::new() } else { vec![draw_group(dice, &topics)] };
    ClusterSpec { brokers, config, topics, producers, groups, ..ClusterSpec::default() }
}

fn draw_topic(dice: &mut Dice, name: &str, brokers: u32) -> TopicSpec {
    let replication_factor = if dice.one_in(5) { 2 } else { brokers.min(3) };
    let mut config = Config::new();
    let min_isr = if dice.one_in(3) { 1 } else { 2 };
    config.insert("min.insync.replicas".into(), min_isr.to_string());
    if dice.one_in(6) {
        config.insert("unclean.leader.election.enable".into(), "true".into());
    }
    if dice.one_in(2) {
        config.insert("internal.segment.bytes".into(), dice.within(2_000, 40_000).to_string());
    }
    if dice.one_in(6) {
        config.insert("retention.bytes".into(), dice.within(10_000, 60_000).to_string());
    }
    TopicSpec { name: name.into(), partitions: 1 + u32::from(dice.one_in(3)), replication_factor, config }
}

fn draw_producer(dice: &mut Dice, n: u32, topics: &[TopicSpec]) -> ProducerSpec {
    let acks = match dice.below(8) {
        0 => "0",
        1 => "1",
        _ => "all",
    };
    let request_timeout = dice.within(500, 2_000);
    let mut config: Config = [
        ("acks", acks.to_owned()),
        ("linger.ms", dice.below(30).to_string()),
        ("batch.size", dice.within(100, 2_000).to_string()),
        ("request.timeout.ms", request_timeout.to_string()),
        ("delivery.timeout.ms", (request_timeout + dice.within(1_000, 8_000)).to_string()),
        ("max.in.flight.requests.per.connection", dice.within(1, 5).to_string()),
        ("retry.backoff.ms", "50".to_owned()),
        ("metadata.max.age.ms", "2000".to_owned()),
        ("max.block.ms", "3000".to_owned()),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    if dice.one_in(6) {
        config.insert("enable.idempotence".into(), "false".into());
    }
    let topic = dice.below(topics.len() as u64) as usize;
    ProducerSpec {
        name: format!("p{n}"),
        topic: topics[topic].name.clone(),
        records_per_second: dice.within(10, 80) as u32,
        key: if dice.one_in(2) { KeySpec::OneOf(4) } else { KeySpec::None },
        value: ValueSpec::Unique(format!("p{n}")),
        config,
    }
}

fn draw_group(dice: &mut Dice, topics: &[TopicSpec]) -> GroupSpec {
    let config = [
        ("auto.offset.reset", "earliest"),
        ("session.timeout.ms", "2500"),
        ("heartbeat.interval.ms", "500"),
        ("auto.commit.interval.ms", "500"),
        ("request.timeout.ms", "2000"),
        ("metadata.max.age.ms", "2000"),
        ("retry.backoff.ms", "50"),
        ("max.poll.records", if dice.one_in(2) { "7" } else { "500" }),
    ];
    GroupSpec {
        name: "g".into(),
        topics: topics.iter().map(|topic| topic.name.clone()).collect(),
        members: 1 + dice.below(2) as u32,
        config: config.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    }
}

/// Who can be hit.
struct Hosts {
    brokers: Vec<String>,
    all: Vec<String>,
}

impl Hosts {
    fn of(cluster: &ClusterSpec) -> Hosts {
        let brokers: Vec<String> = (1..=cluster.brokers).map(|id| format!("kafka-{id}")).collect();
        let clients = cluster.producers.iter().map(|producer| producer.name.clone());
        let members = cluster.groups.iter().flat_map(|group| (1..=group.members).map(|n| format!("{}-{n}", group.name)));
        let controllers = (0..cluster.controllers).map(|n| format!("kafka-{}", 100 + n));
        let all = brokers.iter().cloned().chain(controllers).chain(clients).chain(members).collect();
        Hosts { brokers, all }
    }

    fn broker(&self, dice: &mut Dice) -> String {
        self.brokers[dice.below(self.brokers.len() as u64) as usize].clone()
    }

    /// Mostly a broker, sometimes a controller.
    fn server(&self, dice: &mut Dice) -> String {
        if dice.one_in(10) { "kafka-100".into() } else { self.broker(dice) }
    }

    /// A broker and anybody else.
    fn two(&self, dice: &mut Dice) -> (String, String) {
        let a = self.broker(dice);
        let others: Vec<&String> = self.all.iter().filter(|host| **host != a).collect();
        let b = others[dice.below(others.len() as u64) as usize].clone();
        if dice.one_in(2) { (a, b) } else { (b, a) }
    }
}

/// How many kinds of steps there are.
const KINDS: u64 = 7;

fn draw_step(dice: &mut Dice, cluster: &ClusterSpec, hosts: &Hosts, only: Option<u64>) -> Step {
    let at = Duration::ms(dice.below(CHAOS.as_ms()));
    let lasts = Duration::ms(match dice.below(3) {
        0 => dice.within(20, 1_000),
        1 => dice.within(500, 4_000),
        _ => dice.within(2_000, 9_000),
    });
    let kind = only.filter(|_| !dice.one_in(4)).unwrap_or_else(|| match dice.below(20) {
        0..=6 => 0,
        7..=11 => 1,
        12 => 2,
        13 => 3,
        14 => 4,
        15 => 5,
        _ => 6,
    });
    let act = match kind {
        0 => {
            let how = match dice.below(10) {
                0..=2 => Outage::Kill,
                3..=4 => Outage::PowerCut,
                5 => Outage::KillAndFlip,
                6..=7 => Outage::Stop,
                _ => Outage::Pause,
            };
            Act::Outage { host: hosts.server(dice), how }
        }
        1 => {
            let (a, b) = hosts.two(dice);
            Act::Cut { a, b, one_way: dice.one_in(2) }
        }
        2 => {
            let (a, b) = hosts.two(dice);
            Act::Lose { a, b, permille: dice.within(10, 600) as u16 }
        }
        3 => Act::SlowDisk { host: hosts.server(dice), delay_us: dice.within(1_000, 400_000) as u32 },
        4 => Act::FullDisk { host: hosts.server(dice) },
        5 => Act::SkewClock { host: hosts.broker(dice), ms: dice.within(0, 8_000) as i64 - 4_000 },
        _ => Act::Type(draw_line(dice, cluster)),
    };
    Step { at, lasts, act }
}

fn draw_line(dice: &mut Dice, cluster: &ClusterSpec) -> String {
    let topic = &cluster.topics[dice.below(cluster.topics.len() as u64) as usize];
    let name = &topic.name;
    let server = (1..=cluster.brokers).map(|id| format!("kafka-{id}:9092")).collect::<Vec<_>>().join(",");
    let partition = dice.below(u64::from(topic.partitions));
    match dice.below(10) {
        0..=1 => format!("kafka-leader-election --bootstrap-server {server} --election-type preferred --all-topic-partitions"),
        2 => format!("kafka-leader-election --bootstrap-server {server} --election-type unclean --topic {name} --partition {partition}"),
        3..=6 => {
            let mut ids: Vec<u64> = (1..=u64::from(cluster.brokers)).collect();
            for i in (1..ids.len()).rev() {
                ids.swap(i, dice.below(i as u64 + 1) as usize);
            }
            // Not to one: below min.insync.replicas the ELR would name who has no replica any more, and nobody could lead (so does Kafka).
            ids.truncate(dice.within(2, ids.len() as u64) as usize);
            let json = format!(r#"{{"version":1,"partitions":[{{"topic":"{name}","partition":{partition},"replicas":{ids:?}}}]}}"#);
            let file = format!("r{}.json", dice.below(1_000_000));
            format!(
                "echo '{json}' > {file}; kafka-reassign-partitions --bootstrap-server {server} --reassignment-json-file {file} --execute"
            )
        }
        _ => {
            let config = dice.pick(&[
                "min.insync.replicas=1",
                "min.insync.replicas=2",
                "min.insync.replicas=2",
                "unclean.leader.election.enable=false",
                "internal.segment.bytes=5000",
                "retention.bytes=20000",
                "max.message.bytes=500",
                "max.message.bytes=1048588",
            ]);
            format!("kafka-configs --bootstrap-server {server} --alter --entity-type topics --entity-name {name} --add-config {config}")
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (at, until) = (self.at.as_ms(), self.at.as_ms() + self.lasts.as_ms());
        match &self.act {
            Act::Outage { host, how: Outage::Kill } => write!(f, "{at} ms: kill {host}, start it at {until}"),
            Act::Outage { host, how: Outage::PowerCut } => write!(f, "{at} ms: cut the power of {host}, start it at {until}"),
            Act::Outage { host, how: Outage::KillAndFlip } => write!(f, "{at} ms: kill {host}, flip a bit, start it at {until}"),
            Act::Outage { host, how: Outage::Stop } => write!(f, "{at} ms: stop {host}, start it at {until}"),
            Act::Outage { host, how: Outage::Pause } => write!(f, "{at} ms: pause {host} until {until}"),
            Act::Cut { a, b, one_way: false } => write!(f, "{at} ms: cut {a} off from {b} until {until}"),
            Act::Cut { a, b, one_way: true } => write!(f, "{at} ms: drop what {a} sends to {b} until {until}"),
            Act::Lose { a, b, permille } => write!(f, "{at} ms: lose {permille} of 1,000 packets between {a} and {b} until {until}"),
            Act::SlowDisk { host, delay_us } => write!(f, "{at} ms: {delay_us} us a write on {host} until {until}"),
            Act::FullDisk { host } => write!(f, "{at} ms: the disk of {host} is full until {until}"),
            Act::SkewClock { host, ms } => write!(f, "{at} ms: the clock of {host} is off by {ms} ms until {until}"),
            Act::Type(line) => write!(f, "{at} ms: {line}"),
        }
    }
}
