//! kafka-verifiable-consumer (`org.apache.kafka.tools.VerifiableConsumer`): reads in a group, and says what it was assigned, read and
//! committed.

use std::sync::Arc;

use super::{event, text};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::TopicPartition;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::shell::argparse::{Kind, Need, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::tools::admin::{print_log, thrown};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::properties;
use crate::shell::tools::program::Program;
use crate::shell::tools::{Context, INTERRUPTED, reading};
use crate::sim::time::Time;

pub const PARSER: Parser = Parser {
    prog: "verifiable-consumer",
    blurb: "Reads a topic in a group and prints a line of JSON for each thing that happens: partitions assigned and revoked, records, commits.",
    commands: &[],
    arguments: &[
        argument(&["--topic"], "TOPIC", Kind::Text, Need::Required, "The topic to read."),
        argument(&["--group-protocol"], "GROUP-PROTOCOL", Kind::Text, Need::Optional, "CLASSIC or CONSUMER (default: classic)."),
        argument(&["--group-remote-assignor"], "GROUP-REMOTE-ASSIGNOR", Kind::Text, Need::Optional, "The group's assignor, with CONSUMER."),
        argument(&["--group-id"], "GROUP-ID", Kind::Text, Need::Required, "The group to be a member of."),
        argument(&["--group-instance-id"], "GROUP-INSTANCE-ID", Kind::Text, Need::Optional, "Makes it a static member."),
        argument(
            &["--max-messages"],
            "MAX-MESSAGES",
            Kind::Integer,
            Need::Optional,
            "So many messages; -1: until it is ended (default: -1).",
        ),
        argument(&["--session-timeout"], "TIMEOUT-MS", Kind::Integer, Need::Optional, "session.timeout.ms"),
        argument(&["--verbose"], "", Kind::Flag, Need::Optional, "Print each record."),
        argument(&["--enable-autocommit"], "", Kind::Flag, Need::Optional, "Commit now and then, not after each poll."),
        argument(&["--reset-policy"], "RESET-POLICY", Kind::Text, Need::Optional, "earliest, latest or none (default: earliest)."),
        argument(&["--assignment-strategy"], "ASSIGNMENT-STRATEGY", Kind::Text, Need::Optional, "The assignor's class, with CLASSIC."),
        argument(&["--consumer.config"], "CONFIG-FILE", Kind::Text, Need::Optional, "(DEPRECATED) As --command-config."),
        argument(&["--command-config"], "CONFIG-FILE", Kind::Text, Need::Optional, "A file with properties for the consumer."),
        argument(&["--bootstrap-server"], "HOST1:PORT1[,HOST2:PORT2[...]]", Kind::Text, Need::OneOf, "Where to begin."),
    ],
};

/// A run as it was asked for.
#[derive(Clone, Debug)]
struct Asked {
    servers: String,
    topic: String,
    config: Config,
    /// `None`: without end.
    max_messages: Option<u64>,
    verbose: bool,
    warnings: Vec<String>,
}

/// A run of kafka-verifiable-consumer.
#[derive(Clone, Debug)]
pub struct VerifiableConsumer {
    asked: Arc<Asked>,
    hosts: Vec<String>,
    consumer: Option<Box<KafkaConsumer>>,
    /// What it has, as far as it was said.
    assigned: Option<Vec<TopicPartition>>,
    consumed: u64,
    /// What is being committed: it does not poll meanwhile.
    committing: Option<Vec<(TopicPartition, i64)>>,
    ending: Option<i32>,
}

/// What one poll brought.
#[derive(Default)]
struct Polled(Vec<Polling>);

/// A record of it.
struct Polling {
    partition: TopicPartition,
    offset: i64,
    key: Option<String>,
    value: Option<String>,
}

impl Receiver for Polled {
    fn record(&mut self, partition: &TopicPartition, _batch: &Batch, record: &Record<'_>) {
        let text = |bytes: Option<&[u8]>| bytes.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        self.0.push(Polling { partition: partition.clone(), offset: record.offset, key: text(record.key), value: text(record.value) });
    }
}

/// The files that it will read.
pub fn reads(args: &[String]) -> Vec<String> {
    let Ok(parsed) = PARSER.parse(args) else { return Vec::new() };
    ["--consumer.config", "--command-config"].iter().filter_map(|flag| parsed.get(flag)).map(str::to_owned).collect()
}

impl VerifiableConsumer {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<VerifiableConsumer, Done> {
        if args.is_empty() {
            return Err(PARSER.help());
        }
        let asked = Arc::new(parse(args, files)?);
        Ok(VerifiableConsumer { asked, hosts: hosts.to_vec(), consumer: None, assigned: None, consumed: 0, committing: None, ending: None })
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        self.asked.warnings.iter().for_each(|line| cx.print.line(line));
        let group = self.asked.config.get("group.id").map_or("", String::as_str);
        let client_id = format!("consumer-{group}-1");
        let mut consumer = reading::open(&self.asked.servers, &client_id, &self.asked.config, &self.hosts, cx)?;
        cx.print.line(event(cx.now, "startup_complete", ""));
        consumer.subscribe(cx.now, vec![self.asked.topic.as_str().into()]);
        self.consumer = Some(consumer);
        Ok(())
    }

    fn consume(&mut self, cx: &mut Context) -> Result<(), Exception> {
        while self.ending.is_none() && cx.print.room > 0 {
            self.tell_assignment(cx);
            if self.committing.is_some() && !self.committed(cx) {
                return Ok(());
            }
            if self.asked.max_messages.is_some_and(|max| self.consumed >= max) {
                self.end(0, cx);
                return Ok(());
            }
            let Some(consumer) = &mut self.consumer else { return Ok(()) };
            let mut polled = Polled::default();
            if consumer.poll(cx.now, &mut polled, cx.out).map_err(|error| thrown(&error))? == 0 {
                self.tell_assignment(cx);
                return Ok(());
            }
            self.received(polled.0, cx);
        }
        Ok(())
    }

    /// `onRecordsReceived`, and the commit after it.
    fn received(&mut self, polled: Vec<Polling>, cx: &mut Context) {
        let count = polled.len();
        let mut offsets: Vec<(TopicPartition, i64)> = Vec::new();
        let mut summaries: Vec<String> = Vec::new();
        let mut rest = polled.as_slice();
        while let Some(first) = rest.first() {
            let (of_partition, after) = rest.split_at(rest.iter().take_while(|record| record.partition == first.partition).count());
            rest = after;
            let room = self.asked.max_messages.map_or(u64::MAX, |max| max - self.consumed);
            let taken = &of_partition[..of_partition.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
            let Some(last) = taken.last() else { break };
            if taken.len() < of_partition.len()
                && let Some(consumer) = &mut self.consumer
            {
                // What is over the limit is not consumed.
                consumer.seek(&first.partition, last.offset + 1);
            }
            for record in taken.iter().filter(|_| self.asked.verbose) {
                let (key, value) = (text(record.key.as_deref()), text(record.value.as_deref()));
                let rest = format!(r#","key":{key},"value":{value},{},"offset":{}"#, place(&record.partition), record.offset);
                cx.print.line(event(cx.now, "record_data", &rest));
            }
            offsets.push((first.partition.clone(), last.offset + 1));
            let numbers = format!(r#""count":{},"minOffset":{},"maxOffset":{}"#, taken.len(), first.offset, last.offset);
            summaries.push(format!("{{{},{numbers}}}", place(&first.partition)));
            self.consumed += taken.len() as u64;
        }
        cx.print.line(event(cx.now, "records_consumed", &format!(r#","count":{count},"partitions":[{}]"#, summaries.join(","))));
        let Some(consumer) = &mut self.consumer else { return };
        if !consumer.config().enable_auto_commit && consumer.commit_async(cx.now, cx.out) {
            self.committing = Some(offsets);
        }
    }

    /// Says what came of the commit, if that is known.
    fn committed(&mut self, cx: &mut Context) -> bool {
        let Some(result) = self.consumer.as_mut().and_then(|consumer| consumer.take_commit_result()) else { return false };
        let offsets = self.committing.take().unwrap_or_default();
        let offsets: Vec<String> =
            offsets.iter().map(|(partition, offset)| format!(r#"{{{},"offset":{offset}}}"#, place(partition))).collect();
        let error = result.as_ref().err().map_or_else(String::new, |error| format!(r#","error":{}"#, text(Some(&error.message))));
        let rest = format!(r#","offsets":[{}]{error},"success":{}"#, offsets.join(","), result.is_ok());
        cx.print.line(event(cx.now, "offsets_committed", &rest));
        true
    }

    fn tell_assignment(&mut self, cx: &mut Context) {
        let Some(consumer) = &self.consumer else { return };
        let joined = consumer.is_joined().then(|| consumer.subscriptions().partitions().map(|(partition, _)| partition.clone()).collect());
        let joined: Option<Vec<TopicPartition>> = joined;
        if joined == self.assigned {
            return;
        }
        if let Some(before) = self.assigned.take() {
            cx.print.line(event(cx.now, "partitions_revoked", &partitions(&before)));
        }
        if let Some(now) = &joined {
            cx.print.line(event(cx.now, "partitions_assigned", &partitions(now)));
        }
        self.assigned = joined;
    }

    fn end(&mut self, status: i32, cx: &mut Context) {
        if self.ending.is_some() {
            return;
        }
        self.ending = Some(status);
        if let Some(before) = self.assigned.take() {
            cx.print.line(event(cx.now, "partitions_revoked", &partitions(&before)));
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.close(cx.now, cx.out);
        }
    }
}

/// `"topic":"orders","partition":0`
fn place(partition: &TopicPartition) -> String {
    format!(r#""topic":{},"partition":{}"#, text(Some(&partition.topic)), partition.partition)
}

fn partitions(partitions: &[TopicPartition]) -> String {
    let places: Vec<String> = partitions.iter().map(|partition| format!("{{{}}}", place(partition))).collect();
    format!(r#","partitions":[{}]"#, places.join(","))
}

impl Program for VerifiableConsumer {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.consumer.is_none()
            && let Err(error) = self.open(cx)
        {
            cx.print.error(format!("Exception in thread \"main\" {error}"));
            return Some(1);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        if let Err(error) = self.consume(cx) {
            let class = "org.apache.kafka.tools.VerifiableConsumer";
            cx.print.error(log::line(cx.now, "ERROR", "Error during processing, terminating consumer process: ", class));
            cx.print.error(error.to_string());
            self.end(0, cx);
        }
        let consumer = self.consumer.as_mut()?;
        print_log(consumer.client_mut().network.log.take(), cx.print);
        let status = self.ending.filter(|_| consumer.is_closed())?;
        cx.print.line(event(cx.now, "shutdown_complete", ""));
        cx.print.line(event(cx.now, "shutdown_requested", ""));
        Some(status)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, input, cx.out);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.consumer.as_ref().is_some_and(|consumer| consumer.client().owns(input))
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.end(INTERRUPTED, cx);
        self.step(cx)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let consumer = self.consumer.as_ref()?;
        // It does not poll while it commits.
        if self.committing.is_some() { consumer.background_wake() } else { consumer.next_wake() }
    }
}

fn parse(args: &[String], files: &Files) -> Result<Asked, Done> {
    let parsed = PARSER.parse(args)?;
    let mut config = Config::new();
    let mut warnings = Vec::new();
    if parsed.has("--consumer.config") {
        warnings.push(
            "Option --consumer.config has been deprecated and will be removed in a future version. Use --command-config instead.".into(),
        );
    }
    for path in parsed.all("--consumer.config").chain(parsed.all("--command-config")) {
        config.extend(properties(path, files).map_err(|_| PARSER.error(path))?);
    }
    let mut put = |name: &str, value: &str| config.insert(name.to_owned(), value.to_owned());
    if parsed.get("--group-protocol").is_some_and(|protocol| protocol.eq_ignore_ascii_case("consumer")) {
        put("group.protocol", "consumer");
    } else {
        let range = "org.apache.kafka.clients.consumer.RangeAssignor";
        put("partition.assignment.strategy", parsed.get("--assignment-strategy").unwrap_or(range));
    }
    put("group.id", parsed.get("--group-id").unwrap_or_default());
    put("enable.auto.commit", if parsed.has("--enable-autocommit") { "true" } else { "false" });
    put("auto.offset.reset", parsed.get("--reset-policy").unwrap_or("earliest"));
    for (flag, name) in [("--group-instance-id", "group.instance.id"), ("--session-timeout", "session.timeout.ms")] {
        if let Some(value) = parsed.get(flag) {
            put(name, value);
        }
    }
    Ok(Asked {
        servers: parsed.get("--bootstrap-server").unwrap_or_default().to_owned(),
        topic: parsed.get("--topic").unwrap_or_default().to_owned(),
        config,
        max_messages: parsed.number::<i64>("--max-messages").filter(|number| *number >= 0).map(i64::cast_unsigned),
        verbose: parsed.has("--verbose"),
        warnings,
    })
}
