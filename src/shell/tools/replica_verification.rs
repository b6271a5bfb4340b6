//! kafka-replica-verification (`org.apache.kafka.tools.ReplicaVerificationTool`): reads every replica of every partition, and says how far they
//! agree. It reads from followers as a debugging consumer does, batch by batch up to the high watermark.

use std::collections::BTreeMap;

use kafka_protocol::messages::fetch_request::{FetchPartition, FetchTopic, ReplicaState};
use kafka_protocol::messages::list_offsets_request::{ListOffsetsPartition, ListOffsetsTopic};
use kafka_protocol::messages::{
    BrokerId as WireBrokerId, FetchRequest, FetchResponse, ListOffsetsRequest, ListOffsetsResponse, MetadataRequest, MetadataResponse,
    TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::admin::{addresses, print_log};
use super::hosts::Done;
use super::kafka::{checked, include_list, message_and_trace, usage_and_exit};
use super::program::Program;
use super::topics::args::of;
use super::{Context, INTERRUPTED};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::client::cluster::ClusterClient;
use crate::kafka::client::metadata::MetadataConfig;
use crate::kafka::client::network::{Answer, Completed, NetworkConfig, Outgoing};
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::batch::Batch;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::{Opt, Options, with};
use crate::sim::time::{Duration, Time};

pub const TABLE: &[Opt] = &[
    with("broker-list", "String: hostname:port,...,hostname:port", "REQUIRED: Where to begin."),
    with("fetch-size", "Integer: bytes", "How many bytes of a partition are fetched at once (1048576)."),
    with("max-wait-ms", "Integer: ms", "How long a fetch may wait for something new (1000)."),
    with("report-interval-ms", "Long: ms", "How often it is said how far they agree (30000)."),
    with("time", "Long: timestamp/-1(latest)/-2(earliest)", "From where on is read (-1)."),
    with("topics-include", "String: Java regex (String)", "Which topics (.*)."),
];

const CLASS: &str = "org.apache.kafka.tools.ReplicaVerificationTool";
/// `FetchRequest.DEBUGGING_CONSUMER_ID`
const DEBUGGING_CONSUMER: i32 = -2;

/// A run of kafka-replica-verification.
#[derive(Clone, Debug)]
pub struct ReplicaVerification {
    asked: Asked,
    hosts: Vec<String>,
    client: Option<ClusterClient<Token>>,
    at: At,
    partitions: BTreeMap<TopicPartition, Watched>,
    /// What each replica had in this round.
    fetched: BTreeMap<TopicPartition, BTreeMap<BrokerId, Fetched>>,
    /// Brokers that are still to be asked in this round, and those that have not answered.
    unasked: Vec<BrokerId>,
    open: u32,
    last_report: Time,
    /// Its exit status, once it has ended.
    ended: Option<i32>,
}

#[derive(Clone, Debug)]
struct Asked {
    servers: String,
    fetch_size: i32,
    max_wait_ms: i32,
    interval: Duration,
    time: i64,
    topics: regex_lite::Regex,
}

/// Which answers are waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    Topics,
    Offsets,
    Fetching,
}

#[derive(Clone, Copy, Debug)]
enum Token {
    Topics,
    Offsets,
    Fetch(BrokerId),
}

#[derive(Clone, Debug)]
struct Watched {
    topic_id: Uuid,
    leader: BrokerId,
    replicas: Vec<BrokerId>,
    /// Up to here all replicas agree.
    offset: i64,
}

#[derive(Clone, Debug, Default)]
struct Fetched {
    high_watermark: i64,
    batches: Vec<Batch>,
}

impl ReplicaVerification {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(now: Time, args: &[String], hosts: &[String]) -> Result<ReplicaVerification, Done> {
        let asked = parse(args).map_err(|done| {
            // It says so before it looks at its options.
            let err = std::iter::once(deprecated(now)).chain(done.err).collect();
            Done { err, ..done }
        })?;
        Ok(ReplicaVerification {
            asked,
            hosts: hosts.to_vec(),
            client: None,
            at: At::Start,
            partitions: BTreeMap::new(),
            fetched: BTreeMap::new(),
            unasked: Vec::new(),
            open: 0,
            last_report: now,
            ended: None,
        })
    }

    fn begin(&mut self, cx: &mut Context) -> Result<(), Exception> {
        cx.print.error(deprecated(cx.now));
        let addresses = addresses(cx.now, &self.asked.servers, &self.hosts, cx.print)
            .map_err(|_| Exception::kafka("Failed to create new KafkaAdminClient"))?;
        let context = "AdminClient clientId=adminclient-1";
        let mut client = ClusterClient::new("adminclient-1", context, addresses, NetworkConfig::default(), MetadataConfig::default());
        client.warns_of_bootstrap = false;
        self.client = Some(client);
        self.at = At::Topics;
        Ok(())
    }

    /// Sends what can be sent now.
    fn send(&mut self, cx: &mut Context) {
        let Some(client) = &mut self.client else { return };
        if client.cluster().brokers.is_empty() {
            return;
        }
        if self.at == At::Topics && self.open == 0 {
            let request = MetadataRequest::default().with_topics(None).with_allow_auto_topic_creation(false);
            if let Some(node) = client.any_ready(cx.now, cx.out) {
                self.open += u32::from(client.send(cx.now, node, Outgoing::new(request), Token::Topics, cx.out).is_ok());
            }
            return;
        }
        for node in std::mem::take(&mut self.unasked) {
            let Some(client) = &mut self.client else { return };
            if !client.ready(cx.now, node, cx.out) {
                self.unasked.push(node);
                continue;
            }
            let (request, token): (Request, Token) = match self.at {
                At::Offsets => (offsets_request(&self.partitions, node, self.asked.time).into(), Token::Offsets),
                _ => (fetch_request(&self.partitions, node, &self.asked).into(), Token::Fetch(node)),
            };
            if client.send(cx.now, node, Outgoing::new(request), token, cx.out).is_ok() {
                self.open += 1;
            } else {
                self.unasked.push(node);
            }
        }
    }

    /// Takes answers; the exit status if that was the end.
    fn take(&mut self, completed: Vec<Completed<Token>>, cx: &mut Context) -> Option<i32> {
        for Completed { token, result, .. } in completed {
            self.open = self.open.saturating_sub(1);
            match (token, result) {
                (Token::Topics, Ok(Answer { response: Response::Metadata(body), .. })) => {
                    self.choose(&body);
                    if self.partitions.is_empty() {
                        let message =
                            "No topics found. [topics-include] if specified, is either filtering out all topics or there is no topic.";
                        cx.print.error(log::line(cx.now, "ERROR", message, CLASS));
                        return Some(1);
                    }
                    self.at = At::Offsets;
                    self.unasked = unique(self.partitions.values().map(|watched| watched.leader));
                }
                (Token::Offsets, Ok(Answer { response: Response::ListOffsets(body), .. })) => self.begin_at(&body, cx),
                (Token::Offsets, _) => self.unasked = unique(self.partitions.values().map(|watched| watched.leader)),
                (Token::Fetch(node), Ok(Answer { response: Response::Fetch(body), batches, .. })) => self.put(node, &body, batches),
                // A broker that does not answer has nothing to compare.
                (Token::Fetch(node), _) => self.put(node, &FetchResponse::default(), Vec::new()),
                (Token::Topics, _) => {}
            }
        }
        if self.open > 0 || !self.unasked.is_empty() {
            return None;
        }
        match self.at {
            At::Offsets => {
                self.at = At::Fetching;
                self.last_report = cx.now;
                cx.print.line(format!("{}: verification process is started", log::timestamp(cx.now)));
            }
            At::Fetching => {
                if let Some(status) = self.verify(cx) {
                    return Some(status);
                }
            }
            At::Start | At::Topics => return None,
        }
        self.unasked = unique(self.partitions.values().flat_map(|watched| watched.replicas.iter().copied()));
        None
    }

    fn choose(&mut self, body: &MetadataResponse) {
        for topic in &body.topics {
            let Some(name) = topic.name.as_ref().filter(|name| self.asked.topics.is_match(name.as_str())) else { continue };
            for partition in &topic.partitions {
                let watched = Watched {
                    topic_id: topic.topic_id,
                    leader: BrokerId(partition.leader_id.0),
                    replicas: partition.replica_nodes.iter().map(|id| BrokerId(id.0)).collect(),
                    offset: 0,
                };
                self.partitions.insert(TopicPartition::new(name.as_str(), partition.partition_index), watched);
            }
        }
    }

    fn begin_at(&mut self, body: &ListOffsetsResponse, cx: &mut Context) {
        for topic in &body.topics {
            for partition in &topic.partitions {
                let name = TopicPartition::new(topic.name.as_str(), partition.partition_index);
                // The tool asks through a consumer to which these partitions are not assigned, and that complains.
                let message = format!(
                    "[Consumer clientId=consumer-ReplicaVerification-1, groupId=ReplicaVerification] Not updating high watermark for \
                     partition {name} as it is no longer assigned"
                );
                let class = "org.apache.kafka.clients.consumer.internals.OffsetFetcherUtils";
                cx.print.error(log::line(cx.now, "WARN", &message, class));
                if let Some(watched) = self.partitions.get_mut(&name) {
                    watched.offset = partition.offset.max(0);
                }
            }
        }
    }

    fn put(&mut self, node: BrokerId, body: &FetchResponse, batches: Vec<Vec<Batch>>) {
        for (name, _) in self.partitions.iter().filter(|(_, watched)| watched.replicas.contains(&node)) {
            self.fetched.entry(name.clone()).or_default().insert(node, Fetched { high_watermark: -1, batches: Vec::new() });
        }
        let mut batches = batches.into_iter();
        for topic in &body.responses {
            for data in &topic.partitions {
                let batches = batches.next().unwrap_or_default();
                let of = |(name, watched): (&TopicPartition, &Watched)| {
                    (watched.topic_id == topic.topic_id && name.partition == data.partition_index).then(|| name.clone())
                };
                if let Some(name) = self.partitions.iter().find_map(of) {
                    self.fetched.entry(name).or_default().insert(node, Fetched { high_watermark: data.high_watermark, batches });
                }
            }
        }
    }

    /// `ReplicaBuffer.verifyCheckSum`: batch by batch, as long as all replicas have it below their high watermark.
    fn verify(&mut self, cx: &mut Context) -> Option<i32> {
        let mut worst: Option<(i64, TopicPartition, i64)> = None;
        for (name, replicas) in std::mem::take(&mut self.fetched) {
            let highest = replicas.values().map(|fetched| fetched.high_watermark).max().unwrap_or(-1);
            let Some(watched) = self.partitions.get_mut(&name) else { continue };
            for at in 0.. {
                let batches = replicas.iter().map(|(node, fetched)| {
                    let batch = fetched.batches.get(at).filter(|batch| batch.last_offset() < fetched.high_watermark)?;
                    Some((*node, batch))
                });
                let Some(batches) = batches.collect::<Option<Vec<_>>>() else { break };
                let Some(&(first, batch)) = batches.first() else { break };
                for (node, other) in &batches[1..] {
                    let (ours, theirs) = (batch.last_offset(), other.last_offset());
                    if ours != theirs {
                        let time = log::timestamp(cx.now);
                        cx.print.line(format!(
                            "{time}: partition {name}: replica {first}'s offset {ours} doesn't match replica {node}'s offset {theirs}"
                        ));
                        return Some(1);
                    }
                    if batch.info.crc != other.info.crc {
                        cx.print.line(format!(
                            "{}: partition {name} has unmatched checksum at offset {theirs}; replica {first}'s checksum {}; replica {node}'s checksum {}",
                            log::timestamp(cx.now),
                            batch.info.crc,
                            other.info.crc
                        ));
                    }
                }
                watched.offset = batch.next_offset();
            }
            let lag = highest - watched.offset;
            if worst.as_ref().is_none_or(|(most, ..)| lag > *most) {
                worst = Some((lag, name, watched.offset));
            }
        }
        if cx.now.since(self.last_report) > self.asked.interval
            && let Some((lag, name, offset)) = worst
        {
            let (time, count) = (log::timestamp(cx.now), self.partitions.len());
            cx.print.line(format!("{time}: max lag is {lag} for partition {name} at offset {offset} among {count} partitions"));
            self.last_report = cx.now;
        }
        None
    }
}

impl Program for ReplicaVerification {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.at == At::Start
            && let Err(error) = self.begin(cx)
        {
            let done = message_and_trace(&error);
            done.err.into_iter().for_each(|line| cx.print.error(line));
            return Some(done.status);
        }
        let client = self.client.as_mut()?;
        let progress = client.poll(cx.now, cx.out);
        print_log(client.network.log.take(), cx.print);
        self.ended = self.ended.or_else(|| self.take(progress.completed, cx));
        self.send(cx);
        self.ended.inspect(|_| self.kill(cx.out))
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        let Some(client) = &mut self.client else { return };
        let progress = client.handle(cx.now, input, cx.out);
        self.ended = self.ended.or_else(|| self.take(progress.completed, cx));
        self.send(cx);
    }

    fn owns(&self, input: &Input) -> bool {
        self.client.as_ref().is_some_and(|client| client.owns(input))
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.kill(cx.out);
        Some(INTERRUPTED)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(client) = &mut self.client {
            client.close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.client.as_ref()?.next_wake()
    }
}

fn deprecated(now: Time) -> String {
    log::line(now, "WARN", "This tool is deprecated and may be removed in a future major release.", CLASS)
}

fn parse(args: &[String]) -> Result<Asked, Done> {
    let threw = |exception: Exception| message_and_trace(&exception);
    let options = Options::parse(TABLE, args).map_err(|error| threw(of(error)))?;
    if args.is_empty() || options.has("help") {
        return Err(usage_and_exit(TABLE, "Validate that all replicas for a set of topics have the same data."));
    }
    if options.has("version") {
        return Err(Done::said(vec![super::kafka::VERSION.to_owned()]));
    }
    checked(TABLE, [options.require(&["broker-list"])])?;
    let servers = options.one("broker-list").map_err(|error| threw(of(error)))?.unwrap_or_default().to_owned();
    let is_address = |server: &str| server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if servers.is_empty() || !servers.split(',').all(is_address) {
        return Err(usage_and_exit(TABLE, "Please provide valid host:port like host1:9091,host2:9092\n"));
    }
    let int =
        |name: &'static str, default: i32| options.number(name).map(|number| number.unwrap_or(default)).map_err(|error| threw(of(error)));
    let long =
        |name: &'static str, default: i64| options.number(name).map(|number| number.unwrap_or(default)).map_err(|error| threw(of(error)));
    let pattern = options.one("topics-include").map_err(|error| threw(of(error)))?.unwrap_or(".*");
    let topics =
        include_list(pattern).map_err(|_| threw(Exception::new("java.lang.RuntimeException", format!("{pattern} is an invalid regex"))))?;
    Ok(Asked {
        fetch_size: int("fetch-size", 1_048_576)?,
        max_wait_ms: int("max-wait-ms", 1_000)?,
        interval: Duration::ms(long("report-interval-ms", 30_000)?.max(0) as u64),
        time: long("time", -1)?,
        servers,
        topics,
    })
}

fn offsets_request(partitions: &BTreeMap<TopicPartition, Watched>, leader: BrokerId, time: i64) -> ListOffsetsRequest {
    let mut topics: BTreeMap<&str, Vec<ListOffsetsPartition>> = BTreeMap::new();
    for (name, _) in partitions.iter().filter(|(_, watched)| watched.leader == leader) {
        let partition =
            ListOffsetsPartition::default().with_partition_index(name.partition).with_timestamp(time).with_current_leader_epoch(-1);
        topics.entry(&name.topic).or_default().push(partition);
    }
    let topics = topics.into_iter().map(|(name, partitions)| {
        ListOffsetsTopic::default().with_name(TopicName(StrBytes::from_string(name.to_owned()))).with_partitions(partitions)
    });
    ListOffsetsRequest::default().with_replica_id(WireBrokerId(-1)).with_topics(topics.collect())
}

fn fetch_request(partitions: &BTreeMap<TopicPartition, Watched>, node: BrokerId, asked: &Asked) -> FetchRequest {
    let mut topics: Vec<FetchTopic> = Vec::new();
    for (name, watched) in partitions.iter().filter(|(_, watched)| watched.replicas.contains(&node)) {
        let partition = FetchPartition::default()
            .with_partition(name.partition)
            .with_current_leader_epoch(-1)
            .with_last_fetched_epoch(-1)
            .with_fetch_offset(watched.offset)
            .with_partition_max_bytes(asked.fetch_size);
        match topics.last_mut().filter(|topic| topic.topic_id == watched.topic_id) {
            Some(topic) => topic.partitions.push(partition),
            None => topics.push(FetchTopic::default().with_topic_id(watched.topic_id).with_partitions(vec![partition])),
        }
    }
    FetchRequest::default()
        .with_replica_state(ReplicaState::default().with_replica_id(WireBrokerId(DEBUGGING_CONSUMER)).with_replica_epoch(-1))
        .with_max_wait_ms(asked.max_wait_ms)
        .with_min_bytes(1)
        .with_max_bytes(i32::MAX)
        .with_session_epoch(-1)
        .with_topics(topics)
}

fn unique(nodes: impl Iterator<Item = BrokerId>) -> Vec<BrokerId> {
    let nodes: std::collections::BTreeSet<BrokerId> = nodes.collect();
    nodes.into_iter().collect()
}
