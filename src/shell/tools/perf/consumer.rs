//! kafka-consumer-perf-test (`org.apache.kafka.tools.ConsumerPerformance`).

use std::sync::Arc;

use super::metrics;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::consumer::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::names::TopicPartition;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log::timestamp;
use crate::shell::options::{Completes, Opt, OptionError, Options, UsageError, flag, with};
use crate::shell::tools::admin::{print_log, thrown};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{help_or_version, key_values, properties, usage_and_exit};
use crate::shell::tools::program::Program;
use crate::shell::tools::{Context, INTERRUPTED, reading};
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: config file", "A file with properties for the consumer."),
    with("command-property", "String: prop1=val1", "A property of the consumer: key=value."),
    with("consumer.config", "String: config file", "(DEPRECATED) As --command-config."),
    with("date-format", "String: date format", "Accepted; times are printed as yyyy-MM-dd HH:mm:ss:SSS."),
    with("fetch-size", "Integer: size", "Fetch so many bytes of a partition at most (default: 1048576)."),
    flag("from-latest", "Begin at the end where the group has no committed offset, not at the beginning."),
    with("group", "String: gid", "The group to be a member of (default: perf-consumer- and a number).").completed_by(Completes::Groups),
    flag("hide-header", "Leave out the line with the names of the columns."),
    with("include", "String: Java regex (String)", "Accepted instead of --topic if it is one topic's name."),
    with("messages", "Long: count", "(DEPRECATED) As --num-records."),
    with("num-records", "Long: count", "REQUIRED: Read so many records."),
    flag("print-metrics", "Print the consumer's metrics at the end."),
    with("reporting-interval", "Long: interval_ms", "With --show-detailed-stats: how often to report (default: 5000)."),
    flag("show-detailed-stats", "Report while reading."),
    with("socket-buffer-size", "Integer: size", "Accepted; sockets have no buffers here."),
    with("timeout", "Long: milliseconds", "End if no record comes for so long (default: 10000)."),
    with("topic", "String: topic", "The topic to read.").completed_by(Completes::Topics),
];

const COLUMNS: &str =
    "data.consumed.in.MB, MB.sec, data.consumed.in.nMsg, nMsg.sec, rebalance.time.ms, fetch.time.ms, fetch.MB.sec, fetch.nMsg.sec";
const MIB: f64 = 1024.0 * 1024.0;

/// A run as it was asked for.
#[derive(Clone, Debug)]
struct Asked {
    servers: String,
    topic: String,
    config: Config,
    num_records: u64,
    timeout: Duration,
    reporting_interval: Duration,
    detailed: bool,
    hide_header: bool,
    print_metrics: bool,
    deprecated: bool,
}

/// A run of kafka-consumer-perf-test.
#[derive(Clone, Debug)]
pub struct ConsumerPerf {
    asked: Arc<Asked>,
    hosts: Vec<String>,
    consumer: Option<Box<KafkaConsumer>>,
    read: Read,
    started: Time,
    /// When the group last began to rebalance; `None`: it has its partitions.
    joining_since: Option<Time>,
    rebalance: Duration,
    /// Of `rebalance`, what fell into the reported interval.
    rebalance_in_interval: Duration,
    last_consumed: Time,
    reported: Read,
    reported_at: Time,
    ending: Option<(i32, Time)>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Read {
    records: u64,
    bytes: u64,
    /// Both as they were after the first record of the last poll: that one makes Kafka's tool report.
    at_first: Option<(u64, u64)>,
}

impl Receiver for Read {
    fn record(&mut self, _partition: &TopicPartition, _batch: &Batch, record: &Record<'_>) {
        self.records += 1;
        self.bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
        self.at_first.get_or_insert((self.records, self.bytes));
    }
}

impl ConsumerPerf {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(now: Time, args: &[String], files: &Files, hosts: &[String], rng: &mut Rng) -> Result<ConsumerPerf, Done> {
        let asked = Arc::new(parse(args, files, rng)?);
        Ok(ConsumerPerf {
            asked,
            hosts: hosts.to_vec(),
            consumer: None,
            read: Read::default(),
            started: now,
            joining_since: Some(now),
            rebalance: Duration::ZERO,
            rebalance_in_interval: Duration::ZERO,
            last_consumed: now,
            reported: Read::default(),
            reported_at: now,
            ending: None,
        })
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        head(self.asked.deprecated, self.asked.hide_header, self.asked.detailed).into_iter().for_each(|line| cx.print.line(line));
        let mut consumer = reading::open(&self.asked.servers, client_id(&self.asked.config), &self.asked.config, &self.hosts, cx)?;
        consumer.subscribe(cx.now, vec![self.asked.topic.as_str().into()]);
        self.consumer = Some(consumer);
        Ok(())
    }

    /// Reads while there is something to read.
    fn consume(&mut self, cx: &mut Context) -> Result<(), Exception> {
        while self.ending.is_none() {
            let Some(consumer) = &mut self.consumer else { return Ok(()) };
            let wanted = self.asked.num_records;
            if self.read.records >= wanted || cx.now.since(self.last_consumed) > self.asked.timeout {
                if self.read.records < wanted {
                    let ms = self.asked.timeout.as_ms();
                    cx.print.line(format!("WARNING: Exiting before consuming the expected number of records: timeout ({ms} ms) exceeded. You can use the --timeout option to increase the timeout."));
                }
                consumer.close(cx.now, cx.out);
                self.ending = Some((0, cx.now));
                return Ok(());
            }
            self.read.at_first = None;
            let count = consumer.poll(cx.now, &mut self.read, cx.out).map_err(|error| thrown(&error))?;
            match (consumer.is_joined(), self.joining_since) {
                (true, Some(since)) => {
                    self.rebalance = self.rebalance + cx.now.since(since);
                    self.rebalance_in_interval = self.rebalance_in_interval + cx.now.since(since);
                    self.joining_since = None;
                }
                (false, None) => self.joining_since = Some(cx.now),
                _ => {}
            }
            if count == 0 {
                return Ok(());
            }
            self.last_consumed = cx.now;
            self.report(cx);
        }
        Ok(())
    }

    /// A line of `--show-detailed-stats`, if it is time.
    fn report(&mut self, cx: &mut Context) {
        let elapsed = cx.now.since(self.reported_at);
        if elapsed < self.asked.reporting_interval {
            return;
        }
        let (records_read, bytes_read) = self.read.at_first.unwrap_or_default();
        if self.asked.detailed {
            let fetch_ms = elapsed.as_ms().saturating_sub(self.rebalance_in_interval.as_ms());
            let mb = (bytes_read - self.reported.bytes) as f64 / MIB;
            let records = (records_read - self.reported.records) as f64;
            let per_second = |amount: f64, ms: u64| if ms == 0 { 0.0 } else { 1_000.0 * amount / ms as f64 };
            cx.print.line(format!(
                "{}, 0, {:.4}, {:.4}, {}, {:.4}, {}, {fetch_ms}, {:.4}, {:.4}",
                time(cx.now),
                bytes_read as f64 / MIB,
                per_second(mb, elapsed.as_ms()),
                records_read,
                per_second(records, elapsed.as_ms()),
                self.rebalance_in_interval.as_ms(),
                per_second(mb, fetch_ms),
                per_second(records, fetch_ms),
            ));
        }
        self.rebalance_in_interval = Duration::ZERO;
        self.reported = Read { records: records_read, bytes: bytes_read, at_first: None };
        self.reported_at = cx.now;
    }

    fn print_total(&self, end: Time, cx: &mut Context) {
        let elapsed = end.since(self.started);
        let fetch_ms = elapsed.as_ms().saturating_sub(self.rebalance.as_ms());
        let (mb, records) = (self.read.bytes as f64 / MIB, self.read.records as f64);
        let per_second = |amount: f64, ms: u64| decimal(amount / (ms as f64 / 1_000.0));
        if !self.asked.detailed {
            cx.print.line(format!(
                "{}, {}, {mb:.4}, {}, {}, {}, {}, {fetch_ms}, {}, {}",
                time(self.started),
                time(end),
                per_second(mb, elapsed.as_ms()),
                self.read.records,
                per_second(records, elapsed.as_ms()),
                self.rebalance.as_ms(),
                per_second(mb, fetch_ms),
                per_second(records, fetch_ms),
            ));
        }
        if self.asked.print_metrics {
            let lines = metrics::of_consumer(client_id(&self.asked.config), self.read.records, self.read.bytes, self.started, end);
            lines.into_iter().for_each(|line| cx.print.line(line));
        }
    }

    fn fail(&mut self, error: &Exception, cx: &mut Context) -> Option<i32> {
        cx.print.error(error.text());
        cx.print.error(error.to_string());
        self.kill(cx.out);
        Some(1)
    }
}

impl Program for ConsumerPerf {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.consumer.is_none()
            && let Err(error) = self.open(cx)
        {
            return self.fail(&error, cx);
        }
        if let Some(consumer) = &mut self.consumer {
            consumer.handle(cx.now, Input::Wake, cx.out);
        }
        if let Err(error) = self.consume(cx) {
            return self.fail(&error, cx);
        }
        let consumer = self.consumer.as_mut()?;
        print_log(consumer.client_mut().network.log.take(), cx.print);
        let (status, end) = self.ending.filter(|_| consumer.is_closed())?;
        self.print_total(end, cx);
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
        self.kill(cx.out);
        Some(INTERRUPTED)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(consumer) = &mut self.consumer {
            consumer.client_mut().close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let consumer = self.consumer.as_ref()?;
        let timeout = self.ending.is_none().then(|| self.last_consumed + self.asked.timeout + Duration::ms(1));
        [timeout, consumer.next_wake()].into_iter().flatten().min()
    }
}

fn parse(args: &[String], files: &Files, rng: &mut Rng) -> Result<Asked, Done> {
    let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
    let refuse = |sentence: &str| Err(usage_and_exit(TABLE, sentence));
    let options = Options::parse(TABLE, args).map_err(option)?;
    if let Some(done) = help_or_version(TABLE, args, &options, "This tool is used to verify the consumer performance.") {
        return Err(done);
    }
    options.require(&["bootstrap-server"]).map_err(|UsageError(sentence)| usage_and_exit(TABLE, &sentence))?;
    if options.has("topic") == options.has("include") {
        return refuse("Exactly one of the following arguments is required: [topic], [include]");
    }
    if options.has("messages") == options.has("num-records") {
        return refuse("Exactly one of the following arguments is required: [messages], [num-records]");
    }
    let thrown = |error: Exception| Done { err: vec![error.text().to_owned(), error.to_string()], status: 1, ..Done::default() };
    let config = config(&options, files, rng).map_err(thrown)?;
    // Numbers are read when they are used: then the head of the table is printed, and it is an exception like any other.
    let head = head(options.has("messages"), options.has("hide-header"), options.has("show-detailed-stats"));
    let number = |name, default: i64| -> Result<u64, Done> {
        let thrown = |error: OptionError| Done { out: head.clone(), ..thrown(Exception::new(error.class(), error.to_string())) };
        let number = options.number::<i64>(name).map_err(thrown)?;
        Ok(number.unwrap_or(default).max(0).cast_unsigned())
    };
    let wanted = if options.has("messages") { "messages" } else { "num-records" };
    Ok(Asked {
        servers: options.one("bootstrap-server").map_err(option)?.unwrap_or_default().to_owned(),
        topic: options.all("topic").chain(options.all("include")).last().unwrap_or_default().to_owned(),
        config,
        num_records: number(wanted, 0)?,
        timeout: Duration::ms(number("timeout", 10_000)?),
        reporting_interval: Duration::ms(number("reporting-interval", 5_000)?),
        detailed: options.has("show-detailed-stats"),
        hide_header: options.has("hide-header"),
        print_metrics: options.has("print-metrics"),
        deprecated: options.has("messages"),
    })
}

/// What is printed before anything is read.
fn head(deprecated: bool, hidden: bool, detailed: bool) -> Vec<String> {
    let warning = deprecated.then(|| "Warning: --messages is deprecated. Use --num-records instead.".to_owned());
    let columns = (!hidden).then(|| format!("{}, {COLUMNS}", if detailed { "time, threadId" } else { "start.time, end.time" }));
    warning.into_iter().chain(columns).collect()
}

fn config(options: &Options, files: &Files, rng: &mut Rng) -> Result<Config, Exception> {
    let mut config = Config::new();
    for path in options.all("command-config").chain(options.all("consumer.config")) {
        config.extend(properties(path, files)?);
    }
    config.extend(key_values(options.all("command-property")));
    let group = options.all("group").last().map_or_else(|| format!("perf-consumer-{}", rng.below(100_000)), str::to_owned);
    config.insert("group.id".into(), group);
    config.insert("max.partition.fetch.bytes".into(), options.all("fetch-size").last().unwrap_or("1048576").to_owned());
    config.insert("auto.offset.reset".into(), if options.has("from-latest") { "latest" } else { "earliest" }.to_owned());
    config.insert("check.crcs".into(), "false".into());
    Ok(config)
}

fn client_id(config: &Config) -> &str {
    config.get("client.id").map_or("perf-consumer-client", String::as_str)
}

/// `yyyy-MM-dd HH:mm:ss:SSS`
fn time(at: Time) -> String {
    timestamp(at).replace(',', ":")
}

/// `%.4f`; a rate of nothing in no time is no number.
fn decimal(value: f64) -> String {
    match (value.is_nan(), value.is_infinite()) {
        (true, _) => "NaN".into(),
        (_, true) => "Infinity".into(),
        _ => format!("{value:.4}"),
    }
}
