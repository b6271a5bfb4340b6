//! A cluster at random: brokers and controllers, topics, who writes and who reads.

use super::Dice;
use crate::playground::spec::{ClusterSpec, Config, GroupSpec, KeySpec, ProducerSpec, TopicSpec, ValueSpec};

const TOPICS: [&str; 3] = ["t0", "t1", "t2"];

pub fn draw(dice: &mut Dice) -> ClusterSpec {
    let brokers: u32 = dice.weighted(&[(1, 1), (2, 2), (12, 3), (3, 4), (2, 5)]);
    let (controllers, combined) = draw_quorum(dice, brokers);
    let lag_max = dice.within(800, 4_000);
    // Timeouts of seconds, so that much happens within a short run; the relations between them are those of the defaults.
    let mut config = settings([
        ("broker.heartbeat.interval.ms", "400".to_owned()),
        ("broker.session.timeout.ms", dice.within(1_500, 3_000).to_string()),
        ("replica.lag.time.max.ms", lag_max.to_string()),
        ("replica.fetch.wait.max.ms", (lag_max / 4).min(500).to_string()),
        ("replica.fetch.backoff.ms", "200".to_owned()),
        ("replica.high.watermark.checkpoint.interval.ms", dice.within(300, 2_000).to_string()),
        ("log.retention.check.interval.ms", "3000".to_owned()),
        ("log.initial.task.delay.ms", "500".to_owned()),
        ("log.flush.offset.checkpoint.interval.ms", dice.within(300, 3_000).to_string()),
        ("offsets.topic.num.partitions", "1".to_owned()),
        ("offsets.topic.replication.factor", brokers.min(3).to_string()),
        ("group.initial.rebalance.delay.ms", "0".to_owned()),
        ("group.min.session.timeout.ms", "1000".to_owned()),
        ("group.consumer.min.session.timeout.ms", "1000".to_owned()),
        ("group.consumer.session.timeout.ms", "2500".to_owned()),
        ("group.consumer.min.heartbeat.interval.ms", "300".to_owned()),
        ("group.consumer.heartbeat.interval.ms", "500".to_owned()),
    ]);
    if dice.one_in(3) {
        // The balancer gives leaderships back to who is first, every few seconds.
        config.insert("leader.imbalance.check.interval.seconds".into(), dice.within(1, 4).to_string());
    }
    let topics = dice.weighted(&[(9, 1), (3, 2), (1, 3)]);
    let topics: Vec<TopicSpec> = TOPICS[..topics].iter().map(|name| draw_topic(dice, name, brokers)).collect();
    let producers: u32 = dice.weighted(&[(8, 1), (4, 2), (1, 3)]);
    let producers = (0..producers).map(|n| draw_producer(dice, n, &topics)).collect();
    let groups: usize = dice.weighted(&[(4, 0), (8, 1), (1, 2)]);
    let groups = ["g", "h"][..groups].iter().map(|name| draw_group(dice, name, &topics)).collect();
    ClusterSpec { brokers, controllers, combined, config, topics, producers, groups, ..ClusterSpec::default() }
}

/// How many controllers are apart, and which brokers are controllers as well.
fn draw_quorum(dice: &mut Dice, brokers: u32) -> (u32, Vec<u32>) {
    match dice.below(10) {
        0..=4 => (1, Vec::new()),
        5 | 6 => (3, Vec::new()),
        7 => (0, vec![1]),
        _ => (0, (1..=brokers.min(3)).collect()),
    }
}

fn draw_topic(dice: &mut Dice, name: &str, brokers: u32) -> TopicSpec {
    let replication_factor = dice.weighted(&[(1, 1), (3, 2), (14, 3), (2, 5)]).min(brokers);
    let mut config = Config::new();
    let min_isr = dice.weighted(&[(6, 1), (12, 2), (2, 3)]);
    config.insert("min.insync.replicas".into(), min_isr.to_string());
    if dice.one_in(6) {
        config.insert("unclean.leader.election.enable".into(), "true".into());
    }
    if dice.one_in(2) {
        config.insert("internal.segment.bytes".into(), dice.within(1_500, 15_000).to_string());
    }
    if dice.one_in(6) {
        config.insert("retention.bytes".into(), dice.within(10_000, 60_000).to_string());
    }
    if dice.one_in(8) {
        config.insert("index.interval.bytes".into(), dice.within(100, 2_000).to_string());
    }
    let partitions = dice.weighted(&[(10, 1), (4, 2), (1, 3)]);
    TopicSpec { name: name.into(), partitions, replication_factor, config }
}

fn draw_producer(dice: &mut Dice, n: u32, topics: &[TopicSpec]) -> ProducerSpec {
    let acks = dice.weighted(&[(1, "0"), (1, "1"), (6, "all")]);
    let request_timeout = dice.within(500, 2_000);
    let mut config = settings([
        ("acks", acks.to_owned()),
        ("linger.ms", dice.below(60).to_string()),
        ("batch.size", dice.within(100, 2_000).to_string()),
        ("request.timeout.ms", request_timeout.to_string()),
        ("delivery.timeout.ms", (request_timeout + dice.within(1_000, 8_000)).to_string()),
        ("max.in.flight.requests.per.connection", dice.within(1, 5).to_string()),
        ("retry.backoff.ms", "50".to_owned()),
        ("metadata.max.age.ms", "2000".to_owned()),
        ("max.block.ms", "3000".to_owned()),
    ]);
    if dice.one_in(6) {
        config.insert("enable.idempotence".into(), "false".into());
    }
    if dice.one_in(6) {
        config.insert("compression.type".into(), (*dice.pick(&["gzip", "snappy", "lz4", "zstd"])).into());
    }
    ProducerSpec {
        name: format!("p{n}"),
        topic: dice.pick(topics).name.clone(),
        records_per_second: dice.within(5, 40) as u32,
        key: if dice.one_in(2) { KeySpec::OneOf(4) } else { KeySpec::None },
        value: ValueSpec::Unique(format!("p{n}")),
        config,
    }
}

fn draw_group(dice: &mut Dice, name: &str, topics: &[TopicSpec]) -> GroupSpec {
    let mut config = settings([
        ("auto.offset.reset", "earliest".to_owned()),
        ("auto.commit.interval.ms", "500".to_owned()),
        // A JoinGroup waits so long and 5 s for its answer, also if its coordinator has lost its power.
        ("max.poll.interval.ms", dice.within(3_000, 6_000).to_string()),
        ("request.timeout.ms", "2000".to_owned()),
        ("metadata.max.age.ms", "2000".to_owned()),
        ("retry.backoff.ms", "50".to_owned()),
        ("max.poll.records", if dice.one_in(2) { "7" } else { "500" }.to_owned()),
    ]);
    if dice.one_in(4) {
        config.insert("group.protocol".into(), "consumer".into());
    } else {
        config.insert("session.timeout.ms".into(), "2500".into());
        config.insert("heartbeat.interval.ms".into(), "500".into());
        if dice.one_in(3) {
            let assignors = ["RoundRobinAssignor", "StickyAssignor", "CooperativeStickyAssignor"];
            let assignor = format!("org.apache.kafka.clients.consumer.{}", dice.pick(&assignors));
            config.insert("partition.assignment.strategy".into(), assignor);
        }
    }
    GroupSpec {
        name: name.into(),
        topics: topics.iter().map(|topic| topic.name.clone()).collect(),
        members: dice.within(1, 3) as u32,
        config,
    }
}

fn settings<const N: usize>(of: [(&str, String); N]) -> Config {
    of.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
