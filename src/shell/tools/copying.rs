//! Records from one cluster or topic to another: what kafka-mirror-maker (`kafka.tools.MirrorMaker`, until 3.9) and
//! kafka-replay-log-producer (`kafka.tools.ReplayLogProducer`, until 1.1) did, with a consumer and a producer.

use std::collections::{BTreeMap, VecDeque};

use super::admin::{Admin, print_log, response, thrown};
use super::hosts::Done;
use super::kafka::{include_list, message_and_trace, option_error, parse, properties, usage_and_exit};
use super::program::Program;
use super::sending::{Outgoing, Refused, Sending};
use super::topics::requests;
use super::{Context, INTERRUPTED, Start, reading};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Target;
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, flag, with};
use crate::sim::time::{Duration, Time};

pub const MIRROR: &[Opt] = &[
    with("abort.on.send.failure", "String: Stop the entire mirror maker when a send failure occurs", "true or false; it always ends here."),
    with("consumer.config", "String: config file", "REQUIRED: A file with properties for the consumer: which cluster is read."),
    with("include", "String: Java regex (String)", "REQUIRED: The topics to mirror, as a regular expression."),
    flag("new.consumer", "Accepted: there is no other consumer."),
    with("num.streams", "Integer: Number of threads", "Accepted: one consumer does it."),
    with("offset.commit.interval.ms", "Integer: offset commit interval in millisecond", "How often offsets are committed."),
    with("producer.config", "String: config file", "REQUIRED: A file with properties for the producer: which cluster is written to."),
    with("whitelist", "String: Java regex (String)", "DEPRECATED: as --include."),
];
pub const REPLAY: &[Opt] = &[
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("broker-list", "String: hostname:port", "As --bootstrap-server.").completed_by(Completes::Servers),
    with("inputtopic", "String: input-topic", "REQUIRED: The topic to read from its beginning.").completed_by(Completes::Topics),
    with("messages", "Integer: count", "End after so many records; default: go on."),
    with("outputtopic", "String: output-topic", "REQUIRED: The topic to write to.").completed_by(Completes::Topics),
    with("property", "String: producer properties", "A property of the producer: key=value."),
    with("reporting-interval", "Integer: size", "Accepted; nothing is reported."),
    flag("sync", "Accepted."),
    with("threads", "Integer: threads", "Accepted: one consumer does it."),
    with("zookeeper", "String: zookeeper url", "Accepted: there is none any more."),
];

/// Records that wait for a producer, at the most.
const QUEUE: usize = 1_000;
/// How long until it looks again for topics, while there is none.
const LOOK_AGAIN: Duration = Duration::secs(5);

/// A run of one of these tools.
#[derive(Clone, Debug)]
pub struct Copying {
    from: (String, Config),
    to: (String, Config),
    hosts: Vec<String>,
    /// A pattern of topics that keep their names, or two topics.
    pattern: Option<String>,
    topics: Option<(String, String)>,
    /// So many are left to be copied.
    left: Option<u64>,
    consumer: Option<Box<KafkaConsumer>>,
    /// With a pattern: which topics there are.
    looking: Option<Box<Admin>>,
    look_at: Option<Time>,
    producers: BTreeMap<Name, Sending<()>>,
    waiting: Waiting,
    ending: Option<i32>,
}

/// Records that were read and not sent.
#[derive(Clone, Debug, Default)]
struct Waiting(VecDeque<(Name, Outgoing)>);

impl Receiver for Waiting {
    fn record(&mut self, partition: &TopicPartition, _: &Batch, record: &Record<'_>) {
        let bytes = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        let headers = record.headers.iter().map(|header| (header.name().into_owned(), bytes(header.value)));
        let outgoing = Outgoing {
            partition: None,
            timestamp: Some(record.timestamp),
            key: bytes(record.key),
            value: bytes(record.value),
            headers: headers.collect(),
        };
        self.0.push_back((partition.topic.clone(), outgoing));
    }
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(start: &Start) -> Result<Copying, Done> {
    let copying = |from, to| Copying {
        from,
        to,
        hosts: start.hosts.to_vec(),
        pattern: None,
        topics: None,
        left: None,
        consumer: None,
        looking: None,
        look_at: None,
        producers: BTreeMap::new(),
        waiting: Waiting::default(),
        ending: None,
    };
    if start.name == "kafka-mirror-maker" {
        let options = parse(MIRROR, start.args, "This tool helps to continuously copy data between two Kafka clusters.")?;
        let file = |name| {
            let missing = || usage_and_exit(MIRROR, &format!("Missing required argument \"[{name}]\""));
            let path = options.all(name).last().ok_or_else(missing)?;
            let config = properties(path, start.files).map_err(|error| message_and_trace(&error))?;
            Ok((config.get("bootstrap.servers").cloned().unwrap_or_default(), config))
        };
        let (from, to) = (file("consumer.config")?, file("producer.config")?);
        let pattern = options.all("include").chain(options.all("whitelist")).last();
        let pattern = pattern.ok_or_else(|| usage_and_exit(MIRROR, "include must be specified"))?;
        include_list(pattern).map_err(|error| message_and_trace(&error))?;
        return Ok(Copying { pattern: Some(pattern.to_owned()), ..copying(from, to) });
    }
    let options = parse(REPLAY, start.args, "Consume from one topic and replay those messages and produce to another topic")?;
    let wanted = |name: &'static str| {
        let missing = || usage_and_exit(REPLAY, &format!("Missing required argument \"[{name}]\""));
        options.all(name).last().map(str::to_owned).ok_or_else(missing)
    };
    let servers = match options.all("broker-list").last() {
        Some(servers) => servers.to_owned(),
        None => wanted("bootstrap-server")?,
    };
    let topics = Some((wanted("inputtopic")?, wanted("outputtopic")?));
    let left = options.number("messages").map_err(|error| option_error(&error))?;
    // Its group remembers nothing: every run begins at the beginning.
    let consumer = [("group.id", "replay-log-producer"), ("auto.offset.reset", "earliest"), ("enable.auto.commit", "false")];
    let consumer: Config = consumer.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    let producer = super::kafka::key_values(options.all("property"));
    Ok(Copying { topics, left, ..copying((servers.clone(), consumer), (servers, producer)) })
}

impl Copying {
    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        let (servers, config) = &self.from;
        let mut config = config.clone();
        // A mirror never skips: where its group has nothing yet it begins at the beginning.
        config.entry("auto.offset.reset".into()).or_insert_with(|| "earliest".into());
        let mut consumer = reading::open(servers, "consumer-1", &config, &self.hosts, cx)?;
        match &self.topics {
            Some((from, _)) => consumer.subscribe(cx.now, vec![from.as_str().into()]),
            None => self.look_at = Some(cx.now),
        }
        self.consumer = Some(consumer);
        Ok(())
    }

    /// Finds the topics that the pattern means, once there are any.
    fn look(&mut self, cx: &mut Context) -> Result<(), Exception> {
        if self.look_at.is_some_and(|at| at <= cx.now) {
            self.look_at = None;
            let mut admin = Admin::open(cx.now, &self.from.0, "consumer-1", &Config::new(), &self.hosts, cx.print)?;
            admin.ask(cx.now, "listTopics", Target::Any, requests::list());
            self.looking = Some(Box::new(admin));
        }
        let Some(answer) = self.looking.as_mut().and_then(|admin| admin.poll(cx)) else { return Ok(()) };
        if let Some(mut admin) = self.looking.take() {
            admin.close(cx.out);
        }
        let pattern = include_list(self.pattern.as_deref().unwrap_or_default())?;
        let topics: Vec<Name> = match answer.and_then(response) {
            Ok(Response::Metadata(body)) => requests::listed(&body)
                .into_iter()
                .filter(|topic| !topic.internal && pattern.is_match(&topic.name))
                .map(|topic| topic.name.as_str().into())
                .collect(),
            _ => Vec::new(),
        };
        match (&mut self.consumer, topics.is_empty()) {
            (Some(consumer), false) => consumer.subscribe(cx.now, topics),
            _ => self.look_at = Some(cx.now + LOOK_AGAIN),
        }
        Ok(())
    }

    /// Reads what can be read, and sends what was read.
    fn copy(&mut self, cx: &mut Context) -> Result<(), Exception> {
        self.look(cx)?;
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        consumer.handle(cx.now, Input::Wake, cx.out);
        print_log(consumer.client_mut().network.log.take(), cx.print);
        let is_looking = self.looking.is_some() || self.look_at.is_some();
        while !is_looking && self.waiting.0.len() < QUEUE && self.left != Some(0) {
            if consumer.poll(cx.now, &mut self.waiting, cx.out).map_err(|error| thrown(&error))? == 0 {
                break;
            }
        }
        while self.left != Some(0) {
            let Some((topic, record)) = self.waiting.0.pop_front() else { break };
            let target: Name = self.topics.as_ref().map_or_else(|| topic.clone(), |(_, to)| to.as_str().into());
            if !self.producers.contains_key(&target) {
                let (servers, config) = &self.to;
                let sending = Sending::open(servers, "producer-1", config, &target, &self.hosts, cx)?;
                self.producers.insert(target.clone(), sending);
            }
            let Some(sending) = self.producers.get_mut(&target) else { break };
            match sending.send(&record, (), cx) {
                Ok(()) => self.left = self.left.map(|left| left - 1),
                Err(Refused::Blocked(())) => {
                    self.waiting.0.push_front((topic, record));
                    break;
                }
                Err(Refused::Failed((), error)) => return Err(error),
            }
        }
        for sending in self.producers.values_mut() {
            for fate in sending.poll(cx) {
                fate.result?;
            }
        }
        if self.left == Some(0) && self.producers.values().all(Sending::is_done) {
            self.end(0, cx);
        }
        Ok(())
    }

    fn end(&mut self, status: i32, cx: &mut Context) {
        if self.ending.is_none() {
            self.ending = Some(status);
            self.producers.values_mut().for_each(|sending| sending.disconnect(cx.out));
            if let Some(consumer) = &mut self.consumer {
                consumer.close(cx.now, cx.out);
            }
        }
    }
}

impl Program for Copying {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.ending.is_none() {
            let opened = if self.consumer.is_none() { self.open(cx) } else { Ok(()) };
            if let Err(error) = opened.and_then(|()| self.copy(cx)) {
                cx.print.error(error.to_string());
                self.kill(cx.out);
                return Some(1);
            }
        }
        let consumer = self.consumer.as_mut()?;
        if self.ending.is_some() {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        self.ending.filter(|_| consumer.is_closed())
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(admin) = self.looking.as_mut().filter(|admin| admin.owns(&input)) {
            admin.input(input, cx);
        } else if let Some(sending) = self.producers.values_mut().find(|sending| sending.owns(&input)) {
            sending.handle(input, cx);
        } else if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, input, cx.out);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.producers.values().any(|sending| sending.owns(input))
            || self.looking.as_ref().is_some_and(|admin| admin.owns(input))
            || self.consumer.as_ref().is_some_and(|consumer| consumer.client().owns(input))
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.end(INTERRUPTED, cx);
        self.step(cx)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(admin) = &mut self.looking {
            admin.close(out);
        }
        self.producers.values_mut().for_each(|sending| sending.disconnect(out));
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let producers = self.producers.values().filter_map(Sending::next_wake);
        let looking = self.looking.as_ref().and_then(|admin| admin.next_wake());
        producers.chain(looking).chain(self.look_at).chain(self.consumer.as_ref().and_then(|consumer| consumer.next_wake())).min()
    }
}
