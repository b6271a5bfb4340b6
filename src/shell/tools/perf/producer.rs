//! kafka-producer-perf-test (`org.apache.kafka.tools.ProducerPerformance`).

use std::sync::Arc;

use super::metrics;
use super::stats::Stats;
use super::throttle::Throttle;
use super::transactions::InitTransactions;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::shell::argparse::{Kind, Need, Parsed, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::properties;
use crate::shell::tools::program::Program;
use crate::shell::tools::sending::{Outgoing, Refused, Sending};
use crate::shell::tools::{Context, INTERRUPTED};
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

pub const PARSER: Parser = Parser {
    prog: "kafka-producer-perf-test",
    blurb: "Sends records as fast as it can, or as fast as it is told to, and says how long the acknowledgements took.",
    commands: &[],
    arguments: &[
        argument(
            &["--bootstrap-server"],
            "BOOTSTRAP-SERVER",
            Kind::Text,
            Need::Optional,
            "Where to begin: HOST:PORT, or several with commas.",
        ),
        argument(&["--topic"], "TOPIC", Kind::Text, Need::Required, "The topic to write to."),
        argument(&["--num-records"], "NUM-RECORDS", Kind::Long, Need::Required, "How many records."),
        argument(
            &["--payload-delimiter"],
            "PAYLOAD-DELIMITER",
            Kind::Text,
            Need::Optional,
            "What stands between two payloads in --payload-file (default: \\n).",
        ),
        argument(
            &["--throughput"],
            "THROUGHPUT",
            Kind::Double,
            Need::Required,
            "At most so many records a second; -1: as many as possible.",
        ),
        argument(&["--producer-props"], "PROP-NAME=PROP-VALUE", Kind::Many, Need::Optional, "(DEPRECATED) As --command-property."),
        argument(
            &["--command-property"],
            "PROP-NAME=PROP-VALUE",
            Kind::Many,
            Need::Optional,
            "Properties of the producer: linger.ms=10 batch.size=32768",
        ),
        argument(&["--producer.config"], "CONFIG-FILE", Kind::Text, Need::Optional, "(DEPRECATED) As --command-config."),
        argument(&["--command-config"], "CONFIG-FILE", Kind::Text, Need::Optional, "A file with properties for the producer."),
        argument(&["--print-metrics"], "", Kind::Flag, Need::Optional, "Print the producer's metrics at the end."),
        argument(&["--transactional-id"], "TRANSACTIONAL-ID", Kind::Text, Need::Optional, "Send in transactions, under this id."),
        argument(
            &["--transaction-duration-ms"],
            "TRANSACTION-DURATION",
            Kind::Long,
            Need::Optional,
            "How old a transaction may get (default: 3000).",
        ),
        argument(&["--warmup-records"], "WARMUP-RECORDS", Kind::Long, Need::Optional, "So many records are left out of a second summary."),
        argument(&["--reporting-interval"], "INTERVAL-MS", Kind::Long, Need::Optional, "How often to report (default: 5000)."),
        argument(&["--record-size"], "RECORD-SIZE", Kind::Integer, Need::OneOf, "Send random letters, so many bytes a record."),
        argument(&["--payload-file"], "PAYLOAD-FILE", Kind::Text, Need::OneOf, "Send lines of this file, chosen at random."),
        argument(&["--payload-monotonic"], "", Kind::Flag, Need::OneOf, "Send 0, 1, 2, ..."),
    ],
};

/// A run as it was asked for.
#[derive(Clone, Debug)]
struct Asked {
    servers: String,
    topic: String,
    num_records: u64,
    throughput: f64,
    payload: Payload,
    config: Config,
    print_metrics: bool,
    transactional_id: Option<String>,
    warmup_records: u64,
    reporting_interval: Duration,
}

#[derive(Clone, Debug)]
enum Payload {
    Size(usize),
    Lines(Vec<Vec<u8>>),
    Monotonic,
}

/// A run of kafka-producer-perf-test.
#[derive(Clone, Debug)]
pub struct ProducerPerf {
    asked: Arc<Asked>,
    hosts: Vec<String>,
    /// Said before anything else.
    notes: Vec<String>,
    init: Option<InitTransactions>,
    sending: Option<Box<Sending<Sent>>>,
    started: Time,
    throttle: Throttle,
    stats: Stats,
    steady: Option<Stats>,
    rng: Rng,
    /// The number of the next record.
    next: u64,
    /// A record for which there was no room.
    blocked: Option<(Outgoing, Sent)>,
    now: Time,
}

/// What is remembered of a record: when it was handed over, its bytes, and whether the steady state had begun.
#[derive(Clone, Copy, Debug)]
struct Sent {
    at: Time,
    bytes: u64,
    steady: bool,
}

/// The files that it will read.
pub fn reads(args: &[String]) -> Vec<String> {
    let Ok(parsed) = PARSER.parse(args) else { return Vec::new() };
    ["--payload-file", "--producer.config", "--command-config"].iter().filter_map(|flag| parsed.get(flag)).map(str::to_owned).collect()
}

impl ProducerPerf {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(now: Time, args: &[String], files: &Files, hosts: &[String], rng: &mut Rng) -> Result<ProducerPerf, Done> {
        if args.is_empty() {
            return Err(PARSER.help());
        }
        let parsed = PARSER.parse(args)?;
        let mut notes = Vec::new();
        let asked = Arc::new(parse(&parsed, files, rng, &mut notes).map_err(|mut done| {
            done.out.splice(0..0, notes.clone());
            done
        })?);
        let (throttle, stats) = (Throttle::new(asked.throughput, now), Stats::new(now, asked.reporting_interval, false));
        let (hosts, rng) = (hosts.to_vec(), Rng::derive(0, "kafka-producer-perf-test"));
        Ok(ProducerPerf {
            asked,
            hosts,
            notes,
            init: None,
            sending: None,
            started: now,
            throttle,
            stats,
            steady: None,
            rng,
            next: 0,
            blocked: None,
            now,
        })
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        self.notes.drain(..).for_each(|line| cx.print.line(line));
        let Asked { servers, topic, config, transactional_id, .. } = &*self.asked;
        let sending = Sending::open(servers, "perf-producer-client", config, topic, &self.hosts, cx)?;
        if let Some(id) = transactional_id {
            self.init = Some(InitTransactions::begin(id, servers, &self.hosts, sending.producer.config().max_block, cx)?);
        }
        self.sending = Some(Box::new(sending));
        Ok(())
    }

    fn send_records(&mut self, cx: &mut Context) {
        while self.next < self.asked.num_records && self.throttle.may_send(cx.now) {
            let (outgoing, sent) = match self.blocked.take() {
                Some(blocked) => blocked,
                None => self.next_record(cx.now),
            };
            let Some(sending) = &mut self.sending else { return };
            match sending.send(&outgoing, sent, cx) {
                Ok(()) => {}
                Err(Refused::Blocked(sent)) => {
                    self.blocked = Some((outgoing, sent));
                    return;
                }
                Err(Refused::Failed(_, error)) => cx.print.error(error.to_string()),
            }
            let drawn_bytes = if let Payload::Size(size) = self.asked.payload { size as u64 } else { 0 };
            self.throttle.sent(self.next, drawn_bytes, cx.now);
            self.next += 1;
        }
        if self.next == self.asked.num_records
            && let Some(sending) = &mut self.sending
        {
            sending.producer.close();
        }
    }

    fn next_record(&mut self, now: Time) -> (Outgoing, Sent) {
        let Asked { payload, warmup_records, num_records, reporting_interval, .. } = &*self.asked;
        if *warmup_records > 0 && self.next == *warmup_records && num_records > warmup_records {
            self.steady = Some(Stats::new(now, *reporting_interval, true));
            self.stats.suppress_printing();
        }
        let value = match payload {
            Payload::Size(size) => (0..*size).map(|_| b'A' + self.rng.below(26) as u8).collect(),
            Payload::Lines(lines) => lines[self.rng.below(lines.len() as u64) as usize].clone(),
            Payload::Monotonic => self.next.to_string().into_bytes(),
        };
        let sent = Sent { at: now, bytes: value.len() as u64, steady: self.steady.is_some() };
        (Outgoing { value: Some(value), ..Outgoing::default() }, sent)
    }

    fn count(&mut self, cx: &mut Context) {
        let Some(sending) = &mut self.sending else { return };
        for fate in sending.poll(cx) {
            let Sent { at, bytes, steady } = fate.record;
            if let Err(error) = fate.result {
                cx.print.error(error.to_string());
                continue;
            }
            let latency = cx.now.since(at);
            let steady = self.steady.as_mut().filter(|_| steady).and_then(|stats| stats.record(cx.now, latency, bytes));
            let whole = self.stats.record(cx.now, latency, bytes);
            whole.into_iter().chain(steady).for_each(|line| cx.print.line(line));
        }
    }

    fn print_totals(&mut self, cx: &mut Context) {
        cx.print.line(self.stats.total(cx.now));
        if let Some(steady) = &self.steady {
            cx.print.line(steady.total(cx.now));
        }
        if let Some(sending) = self.sending.as_ref().filter(|_| self.asked.print_metrics) {
            let client_id = self.asked.config.get("client.id").map_or("perf-producer-client", String::as_str);
            let lines = metrics::of_producer(&sending.producer, client_id, &self.asked.topic, self.started, cx.now);
            lines.into_iter().for_each(|line| cx.print.line(line));
        }
    }
}

impl Program for ProducerPerf {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        self.now = cx.now;
        if self.sending.is_none()
            && let Err(error) = self.open(cx)
        {
            cx.print.error(format!("Exception in thread \"main\" {error}"));
            return Some(1);
        }
        if let Some(init) = &mut self.init {
            let error = init.poll(cx)?;
            cx.print.error(format!("Exception in thread \"main\" {error}"));
            self.kill(cx.out);
            return Some(1);
        }
        self.send_records(cx);
        self.count(cx);
        let done = self.next == self.asked.num_records && self.sending.as_ref().is_some_and(|sending| sending.is_done());
        if !done {
            return None;
        }
        self.print_totals(cx);
        self.kill(cx.out);
        Some(0)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(init) = self.init.as_mut().filter(|init| init.owns(&input)) {
            init.input(input, cx);
        } else if let Some(sending) = &mut self.sending {
            sending.handle(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.init.as_ref().is_some_and(|init| init.owns(input)) || self.sending.as_ref().is_some_and(|sending| sending.owns(input))
    }

    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.kill(cx.out);
        Some(INTERRUPTED)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(init) = &mut self.init {
            init.close(out);
        }
        if let Some(sending) = &mut self.sending {
            sending.disconnect(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        if let Some(init) = &self.init {
            return init.next_wake();
        }
        let sends = self.next < self.asked.num_records && self.blocked.is_none();
        let pace = if sends { self.throttle.next_wake(self.now) } else { None };
        let client = self.sending.as_ref().and_then(|sending| sending.next_wake());
        [pace, client].into_iter().flatten().min()
    }
}

/// `ConfigPostProcessor`
fn parse(parsed: &Parsed, files: &Files, rng: &mut Rng, notes: &mut Vec<String>) -> Result<Asked, Done> {
    let at_least_one = |flag: &str, found: Option<i64>| match found {
        Some(number) if number <= 0 => Err(PARSER.error(&format!("{flag} should be greater than zero."))),
        _ => Ok(()),
    };
    for flag in ["--num-records", "--record-size"] {
        at_least_one(flag, parsed.number(flag))?;
    }
    if parsed.number("--warmup-records").is_some_and(|number: i64| number < 0) {
        return Err(PARSER.error("--warmup-records should be non-negative."));
    }
    let sources = ["--bootstrap-server", "--command-property", "--producer-props", "--producer.config", "--command-config"];
    if !sources.iter().any(|flag| parsed.has(flag)) {
        return Err(PARSER.error(
            "At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified.",
        ));
    }
    for (old, new) in [("--producer-props", "--command-property"), ("--producer.config", "--command-config")] {
        if parsed.has(old) && parsed.has(new) {
            return Err(PARSER.error(&format!("Only one of {new} and {old} can be specified.")));
        }
        if parsed.has(old) {
            notes.push(format!("Option {old} has been deprecated and will be removed in a future version. Use {new} instead."));
        }
    }
    at_least_one("--transaction-duration-ms", parsed.number("--transaction-duration-ms"))?;
    let thrown = |error: Exception| Done::failed(format!("Exception in thread \"main\" {error}"), 1);
    let payload = payload(parsed, files, notes).map_err(thrown)?;
    let config = config(parsed, files).map_err(thrown)?;
    let in_transactions = ["--transactional-id", "--transaction-duration-ms"].iter().any(|flag| parsed.has(flag));
    let id = parsed.get("--transactional-id").or_else(|| config.get("transactional.id").map(String::as_str)).map(str::to_owned);
    let mut drawn = || format!("performance-producer-{}", crate::kafka::names::uuid_text(uuid::Uuid::from_bytes(rng.bytes16())));
    let warmup_records = parsed.number::<i64>("--warmup-records").unwrap_or(0).cast_unsigned();
    if warmup_records > 0 {
        notes.push(format!("Warmup first {warmup_records} records. Steady state results will print after the complete test summary."));
    }
    Ok(Asked {
        servers: config.get("bootstrap.servers").cloned().unwrap_or_default(),
        topic: parsed.get("--topic").unwrap_or_default().to_owned(),
        num_records: parsed.number::<i64>("--num-records").unwrap_or(0).cast_unsigned(),
        throughput: parsed.number("--throughput").unwrap_or(-1.0),
        payload,
        print_metrics: parsed.has("--print-metrics"),
        transactional_id: if id.is_none() && in_transactions { Some(drawn()) } else { id },
        warmup_records,
        reporting_interval: Duration::ms(parsed.number::<i64>("--reporting-interval").unwrap_or(5_000).max(1).cast_unsigned()),
        config,
    })
}

fn payload(parsed: &Parsed, files: &Files, notes: &mut Vec<String>) -> Result<Payload, Exception> {
    if let Some(size) = parsed.number::<i32>("--record-size") {
        return Ok(Payload::Size(size.max(0).cast_unsigned() as usize));
    }
    let Some(path) = parsed.get("--payload-file") else { return Ok(Payload::Monotonic) };
    notes.push(format!("Reading payloads from: {path}"));
    let text = files.get(path).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| Exception::illegal_argument("File does not exist or empty file provided."))?;
    let delimiter = parsed.get("--payload-delimiter").unwrap_or("\\n").replace("\\n", "\n");
    let mut lines: Vec<Vec<u8>> = text.split(delimiter.as_str()).map(|line| line.as_bytes().to_vec()).collect();
    while lines.len() > 1 && lines.last().is_some_and(Vec::is_empty) {
        lines.pop();
    }
    notes.push(format!("Number of records read: {}", lines.len()));
    Ok(Payload::Lines(lines))
}

fn config(parsed: &Parsed, files: &Files) -> Result<Config, Exception> {
    let mut config = Config::new();
    for path in parsed.all("--producer.config").chain(parsed.all("--command-config")) {
        config.extend(properties(path, files)?);
    }
    for pair in parsed.all("--producer-props").chain(parsed.all("--command-property")) {
        let (name, value) = pair
            .split_once('=')
            .filter(|(_, value)| !value.is_empty() && !value.contains('='))
            .ok_or_else(|| Exception::illegal_argument(format!("Invalid property: {pair}")))?;
        config.insert(name.to_owned(), value.to_owned());
    }
    if let Some(servers) = parsed.get("--bootstrap-server") {
        config.insert("bootstrap.servers".into(), servers.to_owned());
    }
    Ok(config)
}
