//! kafka-console-consumer (`org.apache.kafka.tools.consumer.ConsoleConsumer`): prints records as they come.
//!
//! * [`args`]: its options
//! * [`formatter`]: how a record is printed; [`coordinator`]: how one of `__consumer_offsets` is

pub mod args;
pub mod coordinator;
pub mod formatter;

use std::collections::{BTreeMap, VecDeque};

use self::args::{Asked, From, Source};
use self::formatter::{Formatter, Shown};
use super::admin::{Admin, print_log, response, thrown};
use super::hosts::Done;
use super::topics::requests;
use super::{Context, INTERRUPTED, reading};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Target;
use crate::kafka::client::consumer::config::GroupProtocol;
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::{Batch, TimestampType};
use crate::kafka::records::record::Record;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::tools::kafka::include_list;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

const CLASS: &str = "org.apache.kafka.tools.consumer.ConsoleConsumer";
/// How long until the topics are asked for again that `--include` means, if there is none yet.
const INCLUDE_RETRY: Duration = Duration::secs(5);

/// A run of kafka-console-consumer.
#[derive(Clone, Debug)]
pub struct ConsoleConsumer {
    asked: Box<Asked>,
    hosts: Vec<String>,
    consumer: Option<Box<KafkaConsumer>>,
    /// Finds the topics that `--include` means.
    including: Option<Box<Admin>>,
    include_at: Option<Time>,
    /// Polled and not yet printed.
    fetched: Fetched,
    printed: i64,
    /// Since when the next record is waited for.
    waiting_since: Time,
    /// The status with which it ends once the consumer has left its group.
    ending: Option<i32>,
}

/// Records as they will be printed.
#[derive(Clone, Debug)]
struct Fetched {
    formatter: Formatter,
    lines: VecDeque<(TopicPartition, i64, String)>,
}

impl Receiver for Fetched {
    fn record(&mut self, partition: &TopicPartition, batch: &Batch, record: &Record<'_>) {
        let headers: Vec<(Vec<u8>, Option<Vec<u8>>)> =
            record.headers.iter().map(|header| (header.key.to_vec(), header.value.map(<[u8]>::to_vec))).collect();
        let shown = Shown {
            partition: partition.partition,
            offset: record.offset,
            timestamp: record.timestamp,
            log_append_time: batch.info.timestamp_type() == TimestampType::LogAppendTime,
            key: record.key,
            value: record.value,
            headers: &headers,
        };
        self.lines.push_back((partition.clone(), record.offset, self.formatter.format(&shown)));
    }
}

impl ConsoleConsumer {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(now: Time, args: &[String], files: &Files, hosts: &[String], rng: &mut Rng) -> Result<ConsoleConsumer, Done> {
        let asked = args::parse(args, files, rng)?;
        let fetched = Fetched { formatter: asked.formatter.clone(), lines: VecDeque::new() };
        Ok(ConsoleConsumer {
            asked: Box::new(asked),
            hosts: hosts.to_vec(),
            consumer: None,
            including: None,
            include_at: None,
            fetched,
            printed: 0,
            waiting_since: now,
            ending: None,
        })
    }

    /// The id that its group's coordinator gave it.
    pub fn member_id(&self) -> Option<&Name> {
        self.consumer.as_ref()?.member_id()
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.consumer.is_none()
            && let Err(error) = self.open(cx)
        {
            self.kill(cx.out);
            cx.print.error(log::line(cx.now, "ERROR", "Unknown error when running consumer: ", CLASS));
            cx.print.error(error.to_string());
            return Some(1);
        }
        self.include(cx);
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        self.consume(cx);
        let consumer = self.consumer.as_mut()?;
        print_log(consumer.client_mut().network.log.take(), cx.print);
        let status = self.ending.filter(|_| consumer.is_closed())?;
        cx.print.error(format!("Processed a total of {} messages", self.printed));
        Some(status)
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(admin) = self.including.as_mut().filter(|admin| admin.owns(&input)) {
            admin.input(input, cx);
        } else if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, input, cx.out);
        }
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| consumer.client().owns(input))
            || self.including.as_ref().is_some_and(|admin| admin.owns(input))
    }

    pub fn next_wake(&self) -> Option<Time> {
        let timeout = self.asked.timeout_ms.filter(|_| self.ending.is_none()).map(|ms| self.waiting_since + Duration::ms(ms));
        let including = self.including.as_ref().and_then(|admin| admin.next_wake());
        let consumer = self.consumer.as_ref().and_then(|consumer| consumer.next_wake());
        [timeout, including, consumer, self.include_at].into_iter().flatten().min()
    }

    /// SIGINT: the shutdown hook closes the consumer, which leaves its group.
    pub fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.end(INTERRUPTED, cx);
        self.step(cx)
    }

    /// Gives up at once; its group finds out by itself.
    pub fn kill(&mut self, out: &mut Outbox) {
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
        if let Some(admin) = &mut self.including {
            admin.close(out);
        }
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        std::mem::take(&mut self.asked.warnings).into_iter().for_each(|line| cx.print.line(line));
        let mut consumer = reading::open(&self.asked.servers, "console-consumer", &self.asked.config, &self.hosts, cx)?;
        let classic = consumer.config().group_protocol == GroupProtocol::Classic;
        if classic && !matches!(self.asked.source, Source::Partition { .. }) {
            cx.print.error("The consumer rebalance protocol (KIP-848) is production-ready! Set group.protocol=consumer to try it out. See https://kafka.apache.org/documentation/#consumer_rebalance_protocol");
        }
        match &self.asked.source {
            Source::Topic(topic) => consumer.subscribe(cx.now, vec![topic.as_str().into()]),
            Source::Partition { topic, partition, from } => {
                let partition = TopicPartition::new(topic.as_str(), *partition);
                consumer.assign(cx.now, vec![partition.clone()]);
                match from {
                    From::Earliest => consumer.seek_to_beginning(&partition),
                    From::Latest => consumer.seek_to_end(&partition),
                    From::Offset(offset) => consumer.seek(&partition, *offset),
                }
            }
            Source::Include(pattern) => {
                include_list(pattern)?;
                self.include_at = Some(cx.now);
            }
        }
        self.consumer = Some(consumer);
        if let Err(error) = &self.asked.max_messages {
            cx.print.error("Processed a total of 0 messages");
            return Err(error.clone());
        }
        Ok(())
    }

    /// Looks which topics `--include` means, until there is one. (Kafka's consumer goes on looking after that; this one does not.)
    fn include(&mut self, cx: &mut Context) {
        let Source::Include(pattern) = &self.asked.source else { return };
        if self.include_at.is_some_and(|at| at <= cx.now) {
            self.include_at = None;
            let opened = Admin::open(cx.now, &self.asked.servers, "console-consumer", &Config::new(), &self.hosts, cx.print);
            if let Ok(mut admin) = opened {
                admin.ask(cx.now, "listTopics", Target::Any, requests::list());
                self.including = Some(Box::new(admin));
            }
        }
        let Some(result) = self.including.as_mut().and_then(|admin| admin.poll(cx)) else { return };
        if let Some(mut admin) = self.including.take() {
            admin.close(cx.out);
        }
        let pattern = include_list(pattern).ok();
        let means = |topic: &requests::Listed| !topic.internal && pattern.as_ref().is_some_and(|pattern| pattern.is_match(&topic.name));
        let topics: Vec<Name> = match result.and_then(response) {
            Ok(Response::Metadata(body)) => requests::listed(&body).into_iter().filter(means).map(|topic| topic.name.into()).collect(),
            _ => Vec::new(),
        };
        match &mut self.consumer {
            Some(consumer) if !topics.is_empty() => consumer.subscribe(cx.now, topics),
            _ => self.include_at = Some(cx.now + INCLUDE_RETRY),
        }
    }

    fn consume(&mut self, cx: &mut Context) {
        while self.ending.is_none() {
            if self.asked.max_messages.as_ref().is_ok_and(|most| *most >= 0 && self.printed >= *most) {
                return self.end(0, cx);
            }
            if cx.print.broken && self.printed > 0 {
                cx.print.error("Unable to write to standard out, closing consumer.");
                return self.end(0, cx);
            }
            if cx.print.room == 0 {
                return;
            }
            if let Some((_, _, text)) = self.fetched.lines.pop_front() {
                self.print(&text, cx);
                continue;
            }
            match self.poll(cx) {
                Ok(0) => return self.check_timeout(cx),
                Ok(_) => {}
                Err(error) => {
                    // What led to it was logged before it was thrown.
                    if let Some(consumer) = &mut self.consumer {
                        print_log(consumer.client_mut().network.log.take(), cx.print);
                    }
                    cx.print.error(log::line(cx.now, "ERROR", "Error processing message, terminating consumer process: ", CLASS));
                    cx.print.error(error.to_string());
                    return self.end(0, cx);
                }
            }
        }
    }

    fn poll(&mut self, cx: &mut Context) -> Result<u32, Exception> {
        let Some(consumer) = &mut self.consumer else { return Ok(0) };
        consumer.poll(cx.now, &mut self.fetched, cx.out).map_err(|error| thrown(&error))
    }

    /// Prints a record's text; a line break at its end is one.
    fn print(&mut self, text: &str, cx: &mut Context) {
        self.printed += 1;
        self.waiting_since = cx.now;
        match text.strip_suffix('\n') {
            Some(line) => cx.print.line(line),
            None if text.is_empty() => {}
            None => cx.print.text(text),
        }
    }

    fn check_timeout(&mut self, cx: &mut Context) {
        let Some(ms) = self.asked.timeout_ms else { return };
        if cx.now.since(self.waiting_since) >= Duration::ms(ms) {
            cx.print.error(log::line(cx.now, "ERROR", "Error processing message, terminating consumer process: ", CLASS));
            cx.print.error("org.apache.kafka.common.errors.TimeoutException");
            self.end(0, cx);
        }
    }

    /// Goes back to what was not printed (`resetUnconsumedOffsets`), and closes the consumer.
    fn end(&mut self, status: i32, cx: &mut Context) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(status);
        let Some(consumer) = &mut self.consumer else { return };
        let mut unprinted: BTreeMap<TopicPartition, i64> = BTreeMap::new();
        for (partition, offset, _) in self.fetched.lines.drain(..) {
            unprinted.entry(partition).or_insert(offset);
        }
        for (partition, offset) in unprinted {
            consumer.seek(&partition, offset);
        }
        consumer.close(cx.now, cx.out);
        if let Some(mut admin) = self.including.take() {
            admin.close(cx.out);
        }
    }
}
