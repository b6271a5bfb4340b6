//! `kaf consume`: prints the messages of a topic's partitions up to their ends, or those that a group gives it.

use std::collections::{BTreeMap, VecDeque};

use super::error_exit;
use super::flags::Asked;
use super::format::{Message, Output, passes};
use super::produce::said_and_closed;
use super::sarama::{Client, cannot, error};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Outcome;
use crate::kafka::client::admin::fanout::{EARLIEST_TIMESTAMP, LATEST_TIMESTAMP, ListedOffsets};
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::program::Program;
use crate::shell::tools::{BROKEN_PIPE, Context, reading};
use crate::sim::time::Time;

/// A run of `kaf consume`.
#[derive(Clone, Debug)]
pub struct Consume {
    asked: Asked,
    servers: String,
    hosts: Vec<String>,
    begin: Begin,
    client: Option<Client>,
    stage: Stage,
    /// The partitions that are read: their last message's neighbour, and how many of theirs were printed.
    partitions: BTreeMap<i32, Progress>,
    consumer: Option<Box<KafkaConsumer>>,
    fetched: Fetched,
    was_joined: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    Oldest,
    Newest,
    At(i64),
}

/// What the client is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Cluster,
    Topic,
    Ends,
    Beginnings,
    Reading,
}

#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    newest: i64,
    printed: i64,
    is_over: bool,
}

/// What is printed of a message: on standard error and on standard output.
type Printed = (String, String);

/// Messages that were fetched and are not printed yet.
#[derive(Clone, Debug)]
struct Fetched {
    output: Output,
    filter: BTreeMap<String, String>,
    /// By partition and offset.
    messages: VecDeque<(i32, i64, Option<Printed>)>,
}

impl Receiver for Fetched {
    fn record(&mut self, partition: &TopicPartition, _batch: &Batch, record: &Record<'_>) {
        let headers: Vec<(String, Vec<u8>)> =
            record.headers.iter().map(|header| (header.name().into_owned(), header.value.unwrap_or_default().to_vec())).collect();
        let texts = passes(&headers, &self.filter).then(|| {
            self.output.texts(&Message {
                topic: &partition.topic,
                partition: partition.partition,
                offset: record.offset,
                timestamp: record.timestamp,
                key: record.key.unwrap_or_default(),
                value: record.value.unwrap_or_default(),
                headers,
            })
        });
        self.messages.push_back((partition.partition, record.offset, texts));
    }
}

impl Consume {
    /// # Errors
    /// What kaf says instead.
    pub fn start(asked: Asked, servers: String, hosts: &[String]) -> Result<Consume, Done> {
        let begin = match asked.get("offset").unwrap_or("oldest") {
            "oldest" => Begin::Oldest,
            "newest" => Begin::Newest,
            // kaf prints the error with a verb that Go's Fprintf does not know.
            text => Begin::At(text.parse().map_err(|_| {
                error_exit(&format!("Could not parse '{text}' to int64: %!w(*strconv.NumError=&{{ParseInt {text} 0xc00001a140}})"))
            })?),
        };
        let mut filter = BTreeMap::new();
        for text in asked.all("header") {
            let wrong = || error_exit(&format!("Invalid header filter format: {text}. Expected format: key:value"));
            let (key, value) = text.split_once(':').ok_or_else(wrong)?;
            filter.insert(key.to_owned(), value.to_owned());
        }
        let output = Output::of(asked.get("output"), asked.is_set("raw"));
        let fetched = Fetched { output, filter, messages: VecDeque::new() };
        let (client, consumer, partitions) = (None, None, BTreeMap::new());
        let (hosts, stage) = (hosts.to_vec(), Stage::Cluster);
        Ok(Consume { asked, servers, hosts, begin, client, stage, partitions, consumer, fetched, was_joined: false })
    }

    fn partition(&self, partition: i32) -> TopicPartition {
        TopicPartition::new(self.asked.arg(), partition)
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Done> {
        if self.asked.get("raw").is_some() {
            cx.print.error("Flag --raw has been deprecated, use --output raw instead");
        }
        let client = Client::connect(&self.servers, &self.hosts, cx);
        self.client = Some(client.map_err(|why| error_exit(&format!("{}: {why}\n", cannot("consume"))))?);
        Ok(())
    }

    /// Takes an answer, and asks for what is needed next.
    fn answered(&mut self, answer: Result<Outcome, String>, cx: &mut Context) -> Result<(), Done> {
        let offsets_failed = |partition: i32, code: i16| {
            error_exit(&format!("Failed to get {} offsets for partition {partition}: %!w(sarama.KError={code})", self.asked.arg()))
        };
        match (self.stage, answer) {
            (Stage::Cluster, Err(why)) => Err(error_exit(&format!("{}: {why}\n", cannot("consume")))),
            (Stage::Cluster, Ok(_)) if self.asked.get("group").is_some_and(|group| !group.is_empty()) => self.read(true, cx),
            (Stage::Cluster, Ok(_)) => {
                self.stage = Stage::Topic;
                let (now, topic) = (cx.now, self.asked.arg().to_owned());
                self.client.iter_mut().for_each(|client| client.ask_topic(&topic, now));
                Ok(())
            }
            (Stage::Topic, Err(why)) => Err(error_exit(&format!("Unable to get partitions: {why}\n"))),
            (Stage::Topic, Ok(Outcome::Response(Response::Metadata(body)))) => {
                let known = body.topics.first().map_or(&[][..], |topic| &topic.partitions);
                let mut wanted: Vec<i32> = self.asked.all("partitions").filter_map(|id| id.parse().ok()).collect();
                if wanted.is_empty() {
                    wanted = known.iter().map(|partition| partition.partition_index).collect();
                }
                for partition in wanted {
                    match known.iter().find(|found| found.partition_index == partition) {
                        None => return Err(offsets_failed(partition, 3)),
                        Some(found) if found.leader_id.0 < 0 => return Err(offsets_failed(partition, 5)),
                        Some(_) => self.partitions.insert(partition, Progress::default()),
                    };
                }
                self.stage = Stage::Ends;
                self.ask_offsets(LATEST_TIMESTAMP, cx.now);
                Ok(())
            }
            (Stage::Ends, Ok(Outcome::Offsets(listed))) => {
                let ends = found(listed).map_err(|(partition, code)| offsets_failed(partition, code))?;
                for (partition, end) in ends {
                    self.partitions.entry(partition).or_default().newest = end;
                }
                self.stage = Stage::Beginnings;
                self.ask_offsets(EARLIEST_TIMESTAMP, cx.now);
                Ok(())
            }
            (Stage::Beginnings, Ok(Outcome::Offsets(listed))) => {
                let beginnings = found(listed).map_err(|(partition, code)| offsets_failed(partition, code))?;
                self.begin(&beginnings, cx)
            }
            (_, Err(why)) => Err(error_exit(&format!("Unable to get available offsets: {why}\n"))),
            (_, Ok(_)) => Err(error_exit(&error(-1))),
        }
    }

    fn ask_offsets(&mut self, time: i64, now: Time) {
        let wanted: Vec<(TopicPartition, i64)> = self.partitions.keys().map(|partition| (self.partition(*partition), time)).collect();
        if let Some(client) = &mut self.client {
            client.ask(|client| client.list_offsets(now, wanted, 0));
        }
    }

    /// Goes to where reading begins in each partition.
    fn begin(&mut self, beginnings: &BTreeMap<i32, i64>, cx: &mut Context) -> Result<(), Done> {
        let (tail, follows) = (self.asked.number("tail").unwrap_or(0), self.asked.is_set("follow"));
        let mut starts = Vec::new();
        for (partition, oldest) in beginnings {
            let Some(progress) = self.partitions.get_mut(partition) else { continue };
            if !follows && progress.newest == *oldest {
                progress.is_over = true;
                continue;
            }
            let (start, named) = match self.begin {
                _ if tail != 0 => ((progress.newest - tail).max(*oldest), progress.newest - tail),
                Begin::Oldest => (*oldest, -2),
                Begin::Newest => (progress.newest, -1),
                Begin::At(offset) => (offset, offset),
            };
            if !(*oldest..=progress.newest).contains(&start) {
                let message = format!("Unable to consume partition: {} {partition} {named} {}\n", self.asked.arg(), error(1));
                return Err(error_exit(&message));
            }
            starts.push((TopicPartition::new(self.asked.arg(), *partition), start));
        }
        self.read(false, cx)?;
        let Some(consumer) = &mut self.consumer else { return Ok(()) };
        consumer.assign(cx.now, starts.iter().map(|(partition, _)| partition.clone()).collect());
        starts.iter().for_each(|(partition, start)| consumer.seek(partition, *start));
        Ok(())
    }

    /// Opens the consumer.
    fn read(&mut self, in_group: bool, cx: &mut Context) -> Result<(), Done> {
        if let Some(mut client) = self.client.take() {
            client.close(cx.out);
        }
        self.stage = Stage::Reading;
        let mut settings = vec![
            ("auto.offset.reset", if self.begin == Begin::Newest { "latest" } else { "earliest" }),
            ("isolation.level", if self.asked.is_set("read-committed") { "read_committed" } else { "read_uncommitted" }),
        ];
        if in_group {
            settings.extend([
                ("group.id", self.asked.get("group").unwrap_or_default()),
                ("session.timeout.ms", "10000"),
                ("max.poll.interval.ms", "60000"),
                ("auto.commit.interval.ms", "1000"),
                ("enable.auto.commit", if self.asked.is_set("commit") { "true" } else { "false" }),
            ]);
        }
        let config: Config = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let opened = reading::open_quietly(&self.servers, "sarama", &config, &self.hosts, cx);
        let mut consumer = opened.map_err(|why| error_exit(&format!("Failed to create consumer group: {}", why.text())))?;
        consumer.fetch_without_sessions();
        if in_group {
            consumer.subscribe(cx.now, vec![self.asked.arg().into()]);
        }
        self.consumer = Some(consumer);
        Ok(())
    }

    /// Prints what there is; the exit status if that was all.
    fn consume(&mut self, cx: &mut Context) -> Result<Option<i32>, Done> {
        let in_group = self.partitions.is_empty() && self.asked.get("group").is_some();
        let (limit, follows) = (self.asked.number("limit-messages").unwrap_or(0), self.asked.is_set("follow"));
        loop {
            if !in_group && self.partitions.values().all(|progress| progress.is_over) {
                return Ok(Some(0));
            }
            if cx.print.broken {
                return Ok(Some(BROKEN_PIPE));
            }
            if cx.print.room == 0 {
                return Ok(None);
            }
            let Some(consumer) = &mut self.consumer else { return Ok(None) };
            let Some((partition, offset, texts)) = self.fetched.messages.pop_front() else {
                if in_group {
                    let is_joined = consumer.is_joined();
                    // It takes part in one generation of the group, and ends with it.
                    if self.was_joined && !is_joined {
                        return Ok(Some(0));
                    }
                    self.was_joined = is_joined;
                }
                let polled = consumer.poll(cx.now, &mut self.fetched, cx.out);
                match polled.map_err(|failed| error_exit(&format!("Error on consume: {}", error(failed.code))))? {
                    0 => return Ok(None),
                    _ => continue,
                }
            };
            if self.partitions.get(&partition).is_some_and(|progress| progress.is_over) {
                continue;
            }
            if let Some((err, out)) = texts {
                err.lines().for_each(|line| cx.print.error(line));
                cx.print.line(out);
            }
            let at = TopicPartition::new(self.asked.arg(), partition);
            let end = consumer.subscriptions().get(&at).and_then(|state| state.high_watermark);
            if let Some(progress) = self.partitions.get_mut(&partition) {
                progress.printed += 1;
                let is_last = !follows && offset + 1 >= end.unwrap_or(0).max(progress.newest);
                progress.is_over = is_last || (limit > 0 && progress.printed >= limit);
            }
        }
    }
}

/// Offsets by partition, or the first error.
fn found(listed: ListedOffsets) -> Result<BTreeMap<i32, i64>, (i32, i16)> {
    let found = listed.into_iter().map(|(partition, found)| match found {
        Ok(found) => Ok((partition.partition, found.offset)),
        Err(error) => Err((partition.partition, error.code)),
    });
    found.collect()
}

impl Program for Consume {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        let mut result = if self.client.is_none() && self.stage == Stage::Cluster { self.open(cx) } else { Ok(()) };
        while let (Ok(()), Some(client)) = (&result, &mut self.client) {
            let answer = client.poll(cx)?;
            result = self.answered(answer, cx);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        let status = match result.and_then(|()| self.consume(cx)) {
            Ok(status) => status,
            Err(said) => return Some(said_and_closed(&said, self, cx)),
        };
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().network.log.take().for_each(drop);
        }
        let status = status?;
        self.kill(cx.out);
        Some(status)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(client) = self.client.as_mut().filter(|client| client.owns(&input)) {
            client.input(input, cx);
        } else if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, input, cx.out);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.client.as_ref().is_some_and(|client| client.owns(input))
            || self.consumer.as_ref().is_some_and(|consumer| consumer.client().owns(input))
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(client) = &mut self.client {
            client.close(out);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let client = self.client.as_ref().and_then(Client::next_wake);
        [client, self.consumer.as_ref().and_then(|consumer| consumer.next_wake())].into_iter().flatten().min()
    }
}
