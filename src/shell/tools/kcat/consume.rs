//! kcat -C and -G: prints messages of a topic's partitions, or of those that a group gives it.

use std::collections::{BTreeMap, VecDeque};

use kafka_protocol::messages::MetadataResponse;

use super::args::{Asked, Begin, Mode};
use super::format::{Format, Message};
use super::list::ask_metadata;
use super::{broker_error, fatal};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Outcome;
use crate::kafka::client::admin::fanout::LATEST_TIMESTAMP;
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::{Batch, TimestampType};
use crate::kafka::records::record::Record;
use crate::shell::tools::asking::Asking;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::program::Program;
use crate::shell::tools::{BROKEN_PIPE, Context, INTERRUPTED, reading};
use crate::sim::time::Time;

/// A run of `kcat -C` or `kcat -G`.
#[derive(Clone, Debug)]
pub struct Consume {
    asked: Asked,
    hosts: Vec<String>,
    /// Finds out partitions and where they begin.
    asking: Option<Asking>,
    consumer: Option<Box<KafkaConsumer>>,
    fetched: Fetched,
    printed: u64,
    /// Where the end of a partition was said.
    ended: BTreeMap<TopicPartition, i64>,
    /// With a group: what it has.
    assigned: Option<Vec<TopicPartition>>,
    ending: Option<i32>,
    broken: bool,
}

/// Messages that were fetched and are not printed yet.
#[derive(Clone, Debug, Default)]
struct Fetched {
    format: Option<Format>,
    /// Leaders, for `-J`.
    leaders: BTreeMap<TopicPartition, i32>,
    stop_at: Option<i64>,
    lines: VecDeque<(TopicPartition, i64, String)>,
}

impl Receiver for Fetched {
    fn record(&mut self, partition: &TopicPartition, batch: &Batch, record: &Record<'_>) {
        if self.stop_at.is_some_and(|stop| record.timestamp > stop) {
            return;
        }
        let message = Message {
            topic: &partition.topic,
            partition: partition.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            log_append_time: batch.info.timestamp_type() == TimestampType::LogAppendTime,
            broker: self.leaders.get(partition).copied().unwrap_or(-1),
            key: record.key,
            value: record.value,
            headers: record.headers.iter().map(|header| (header.name().into_owned(), header.value.map(<[u8]>::to_vec))).collect(),
        };
        let text = self.format.as_ref().map_or_else(String::new, |format| format.text(&message));
        self.lines.push_back((partition.clone(), record.offset, text));
    }
}

impl Consume {
    pub fn start(_now: Time, asked: Asked, hosts: &[String]) -> Consume {
        let fetched = Fetched { stop_at: asked.stop_at, ..Fetched::default() };
        Consume {
            asked,
            hosts: hosts.to_vec(),
            asking: None,
            consumer: None,
            fetched,
            printed: 0,
            ended: BTreeMap::new(),
            assigned: None,
            ending: None,
            broken: false,
        }
    }

    fn say(&self, text: String, cx: &mut Context) {
        if !self.asked.quiet {
            cx.print.error(text);
        }
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Done> {
        self.asked.notes.drain(..).for_each(|note| cx.print.error(note));
        self.fetched.format = Some(Format::of(&self.asked)?);
        if self.asked.mode == Mode::Group {
            let topics: Vec<Name> = self.asked.topics.iter().map(|topic| topic.as_str().into()).collect();
            self.new_consumer(cx)?.subscribe(cx.now, topics);
            self.say("% Waiting for group rebalance".into(), cx);
            return Ok(());
        }
        let (now, topics) = (cx.now, self.asked.topics.last().cloned().into_iter().collect());
        self.asking = Some(super::ask(&self.asked.servers, &self.hosts, cx, |client| ask_metadata(client, now, Some(topics)))?);
        Ok(())
    }

    fn new_consumer(&mut self, cx: &mut Context) -> Result<&mut KafkaConsumer, Done> {
        let in_group = self.asked.mode == Mode::Group;
        let mut config: Config = self.asked.config.clone();
        if in_group {
            config.insert("group.id".into(), self.asked.group.clone());
        } else {
            config.remove("group.id");
        }
        let reset = if in_group { "latest" } else { "earliest" };
        config.entry("auto.offset.reset".into()).or_insert_with(|| reset.into());
        let opened = reading::open_quietly(&self.asked.servers, "rdkafka", &config, &self.hosts, cx);
        let mut consumer = opened.map_err(|error| fatal(format!("Failed to create consumer: {}", error.text())))?;
        consumer.fetch_without_sessions();
        Ok(self.consumer.insert(consumer))
    }

    /// Takes an answer of the cluster: first the partitions, then where to begin in them.
    fn answered(&mut self, outcome: Outcome, cx: &mut Context) -> Result<(), Done> {
        match outcome {
            Outcome::Response(Response::Metadata(body)) => {
                let partitions = self.partitions(&body)?;
                let time = match self.asked.begin {
                    Some(Begin::Tail(_)) => Some(LATEST_TIMESTAMP),
                    Some(Begin::Time(ms)) => Some(ms),
                    _ => None,
                };
                let Some((time, asking)) = time.zip(self.asking.as_mut()) else { return self.begin(&partitions, &BTreeMap::new(), cx) };
                let now = cx.now;
                asking.ask(|client| client.list_offsets(now, partitions.into_iter().map(|partition| (partition, time)), 0));
                Ok(())
            }
            Outcome::Offsets(listed) => {
                let offsets = listed.into_iter().filter_map(|(partition, found)| Some((partition, found.ok()?.offset)));
                let offsets: BTreeMap<TopicPartition, i64> = offsets.collect();
                let partitions: Vec<TopicPartition> = offsets.keys().cloned().collect();
                self.begin(&partitions, &offsets, cx)
            }
            _ => Err(fatal("Local: Bad message format")),
        }
    }

    /// The partitions that are read.
    fn partitions(&mut self, body: &MetadataResponse) -> Result<Vec<TopicPartition>, Done> {
        let name = self.asked.topics.last().cloned().unwrap_or_default();
        let topic = body.topics.first().ok_or_else(|| fatal(format!("Topic {name} error: {}", broker_error(3))))?;
        if topic.error_code != 0 {
            return Err(fatal(format!("Topic {name} error: {}", broker_error(topic.error_code))));
        }
        let mut partitions = Vec::new();
        for found in &topic.partitions {
            let partition = TopicPartition::new(name.as_str(), found.partition_index);
            self.fetched.leaders.insert(partition.clone(), found.leader_id.0);
            partitions.push(partition);
        }
        partitions.sort();
        if let Some(wanted) = self.asked.partition {
            let last = partitions.len() as i64 - 1;
            partitions.retain(|partition| partition.partition == wanted);
            if partitions.is_empty() {
                return Err(fatal(format!("Topic {name} (with partitions 0..{last}): partition {wanted} does not exist")));
            }
        }
        Ok(partitions)
    }

    /// Assigns the partitions and goes to where reading begins.
    fn begin(&mut self, partitions: &[TopicPartition], offsets: &BTreeMap<TopicPartition, i64>, cx: &mut Context) -> Result<(), Done> {
        if let Some(mut asking) = self.asking.take() {
            asking.close(cx.out);
        }
        let begin = self.asked.begin;
        let consumer = self.new_consumer(cx)?;
        consumer.assign(cx.now, partitions.to_vec());
        for partition in partitions {
            seek(consumer, partition, begin.unwrap_or(Begin::Beginning), offsets.get(partition).copied());
        }
        self.assigned = Some(partitions.to_vec());
        Ok(())
    }

    fn consume(&mut self, cx: &mut Context) -> Result<(), Done> {
        while self.ending.is_none() {
            if self.asked.count.is_some_and(|count| self.printed >= count) {
                self.end(0, cx);
                return Ok(());
            }
            if cx.print.broken && self.printed > 0 {
                self.broken = true;
                self.end(BROKEN_PIPE, cx);
                return Ok(());
            }
            if cx.print.room == 0 {
                return Ok(());
            }
            if let Some((_, _, text)) = self.fetched.lines.pop_front() {
                self.printed += 1;
                match text.strip_suffix('\n') {
                    Some(line) => cx.print.line(line),
                    None => cx.print.text(text),
                }
                continue;
            }
            self.tell_assignment(cx);
            let Some(consumer) = &mut self.consumer else { return Ok(()) };
            let count = consumer.poll(cx.now, &mut self.fetched, cx.out).map_err(|error| fatal(error.message))?;
            if count == 0 {
                self.tell_assignment(cx);
                self.tell_ends(cx);
                return Ok(());
            }
        }
        Ok(())
    }

    /// With a group: says what it was given and what was taken from it.
    fn tell_assignment(&mut self, cx: &mut Context) {
        let (Some(consumer), Mode::Group) = (&mut self.consumer, self.asked.mode) else { return };
        let joined = consumer.is_joined().then(|| consumer.subscriptions().partitions().map(|(partition, _)| partition.clone()).collect());
        let joined: Option<Vec<TopicPartition>> = joined;
        if joined == self.assigned {
            return;
        }
        let head = format!("% Group {} rebalanced (memberid {}):", self.asked.group, consumer.member_id().map_or("", |id| id));
        if let (Some(begin), Some(partitions)) = (self.asked.begin, &joined) {
            partitions.iter().for_each(|partition| seek(consumer, partition, begin, None));
        }
        let revoked = self.assigned.take().map(|before| format!("{head} revoked: {}", names(&before)));
        let assigned = joined.as_ref().map(|partitions| format!("{head} assigned: {}", names(partitions)));
        revoked.into_iter().chain(assigned).for_each(|text| self.say(text, cx));
        self.ended.clear();
        self.assigned = joined;
    }

    /// Says which partitions have come to their end.
    fn tell_ends(&mut self, cx: &mut Context) {
        let Some(consumer) = &self.consumer else { return };
        let at_end = |partition: &TopicPartition| {
            let state = consumer.subscriptions().get(partition)?;
            let position = consumer.subscriptions().position(partition)?.offset;
            state.high_watermark.filter(|end| position >= *end).map(|_| position)
        };
        let partitions = self.assigned.clone().unwrap_or_default();
        let ends: Vec<(TopicPartition, i64)> =
            partitions.iter().filter_map(|partition| Some((partition.clone(), at_end(partition)?))).collect();
        for (partition, offset) in ends {
            if self.ended.get(&partition) == Some(&offset) {
                continue;
            }
            self.ended.insert(partition.clone(), offset);
            let exits = self.asked.exit_at_end && self.ended.len() == partitions.len();
            let tail = if exits { ": exiting" } else { "" };
            self.say(format!("% Reached end of topic {} [{}] at offset {offset}{tail}", partition.topic, partition.partition), cx);
            if exits {
                self.end(0, cx);
            }
        }
    }

    /// Closes the consumer; what was not printed counts as not read.
    fn end(&mut self, status: i32, cx: &mut Context) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(status);
        if let Some(mut asking) = self.asking.take() {
            asking.close(cx.out);
        }
        let Some(consumer) = &mut self.consumer else { return };
        let mut unprinted: BTreeMap<TopicPartition, i64> = BTreeMap::new();
        for (partition, offset, _) in self.fetched.lines.drain(..) {
            unprinted.entry(partition).or_insert(offset);
        }
        unprinted.into_iter().for_each(|(partition, offset)| consumer.seek(&partition, offset));
        let head = format!("% Group {} rebalanced (memberid {}):", self.asked.group, consumer.member_id().map_or("", |id| id));
        consumer.close(cx.now, cx.out);
        if let (Mode::Group, Some(before)) = (self.asked.mode, self.assigned.take()) {
            self.say(format!("{head} revoked: {}", names(&before)), cx);
        }
    }
}

fn seek(consumer: &mut KafkaConsumer, partition: &TopicPartition, begin: Begin, found: Option<i64>) {
    match (begin, found) {
        (Begin::Beginning, _) => consumer.seek_to_beginning(partition),
        (Begin::At(offset), _) => consumer.seek(partition, offset),
        (Begin::Tail(count), Some(end)) => consumer.seek(partition, (end - count).max(0)),
        (Begin::Time(_), Some(offset)) if offset >= 0 => consumer.seek(partition, offset),
        (Begin::Stored, _) => {}
        (Begin::End | Begin::Tail(_) | Begin::Time(_), _) => consumer.seek_to_end(partition),
    }
}

/// `orders [0], orders [1]`
fn names(partitions: &[TopicPartition]) -> String {
    partitions.iter().map(|partition| format!("{} [{}]", partition.topic, partition.partition)).collect::<Vec<_>>().join(", ")
}

impl Program for Consume {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        let mut result = if self.fetched.format.is_none() { self.open(cx) } else { Ok(()) };
        while let (Ok(()), Some(asking)) = (&result, &mut self.asking) {
            let answer = asking.poll(cx)?;
            result = super::answer(answer).and_then(|outcome| self.answered(outcome, cx));
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        if let Err(said) = result.and_then(|()| self.consume(cx)) {
            said.err.iter().for_each(|line| cx.print.error(line));
            self.kill(cx.out);
            return Some(said.status);
        }
        let Some(consumer) = &mut self.consumer else { return self.ending };
        consumer.client_mut().network.log.take().for_each(drop);
        self.ending.filter(|_| consumer.is_closed())
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(asking) = self.asking.as_mut().filter(|asking| asking.owns(&input)) {
            asking.input(input, cx);
        } else if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, input, cx.out);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.owns(input))
            || self.consumer.as_ref().is_some_and(|consumer| consumer.client().owns(input))
    }

    /// SIGINT: kcat closes its consumer and ends without an error.
    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.end(if self.asked.mode == Mode::Group || self.consumer.is_some() { 0 } else { INTERRUPTED }, cx);
        self.step(cx)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(asking) = &mut self.asking {
            asking.close(out);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let asking = self.asking.as_ref().and_then(Asking::next_wake);
        [asking, self.consumer.as_ref().and_then(|consumer| consumer.next_wake())].into_iter().flatten().min()
    }
}
