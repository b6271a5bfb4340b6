//! kafka-verifiable-producer (`org.apache.kafka.tools.VerifiableProducer`): sends 0, 1, 2, ... and says what was acknowledged where.

use std::sync::Arc;

use super::{event, text};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::shell::argparse::{Kind, Need, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::double;
use crate::shell::java::exception::Exception;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::properties;
use crate::shell::tools::perf::throttle::Throttle;
use crate::shell::tools::program::Program;
use crate::shell::tools::sending::{Outgoing, Refused, Sending};
use crate::shell::tools::{Context, INTERRUPTED};
use crate::sim::time::Time;

pub const PARSER: Parser = Parser {
    prog: "verifiable-producer",
    blurb: "Sends growing numbers to a topic and prints a line of JSON for each that was acknowledged, or was not.",
    commands: &[],
    arguments: &[
        argument(&["--topic"], "TOPIC", Kind::Text, Need::Required, "The topic to write to."),
        argument(
            &["--max-messages"],
            "MAX-MESSAGES",
            Kind::Integer,
            Need::Optional,
            "So many messages; -1: until it is ended (default: -1).",
        ),
        argument(&["--throughput"], "THROUGHPUT", Kind::Integer, Need::Optional, "At most so many messages a second (default: -1)."),
        argument(&["--acks"], "ACKS", Kind::Choice(&["0", "1", "-1"]), Need::Optional, "What is waited for (default: -1)."),
        argument(&["--producer.config"], "CONFIG-FILE", Kind::Text, Need::Optional, "(DEPRECATED) As --command-config."),
        argument(&["--message-create-time"], "CREATE-TIME", Kind::Long, Need::Optional, "The first message's time, in ms since 1970."),
        argument(&["--value-prefix"], "VALUE-PREFIX", Kind::Integer, Need::Optional, "Stands before each value, with a dot."),
        argument(&["--repeating-keys"], "REPEATING-KEYS", Kind::Integer, Need::Optional, "Keys 0, 1, ... up to this, and again."),
        argument(&["--command-config"], "CONFIG-FILE", Kind::Text, Need::Optional, "A file with properties for the producer."),
        argument(&["--bootstrap-server"], "HOST1:PORT1[,HOST2:PORT2[...]]", Kind::Text, Need::OneOf, "Where to begin."),
    ],
};

/// A run as it was asked for.
#[derive(Clone, Debug)]
struct Asked {
    servers: String,
    topic: String,
    /// `None`: without end.
    max_messages: Option<u64>,
    throughput: i64,
    config: Config,
    create_time: Option<i64>,
    value_prefix: Option<i32>,
    repeating_keys: Option<u64>,
    warnings: Vec<String>,
}

/// A run of kafka-verifiable-producer.
#[derive(Clone, Debug)]
pub struct VerifiableProducer {
    asked: Arc<Asked>,
    hosts: Vec<String>,
    sending: Option<Box<Sending<Sent>>>,
    throttle: Throttle,
    started: Time,
    sent: u64,
    acked: u64,
    create_time: Option<i64>,
    blocked: Option<(Outgoing, Sent)>,
    /// The status with which it ends once all is sent.
    ending: Option<i32>,
    now: Time,
}

/// A record's key and value, as they were.
type Sent = (Option<String>, String);

/// The files that it will read.
pub fn reads(args: &[String]) -> Vec<String> {
    let Ok(parsed) = PARSER.parse(args) else { return Vec::new() };
    ["--producer.config", "--command-config"].iter().filter_map(|flag| parsed.get(flag)).map(str::to_owned).collect()
}

impl VerifiableProducer {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(now: Time, args: &[String], files: &Files, hosts: &[String]) -> Result<VerifiableProducer, Done> {
        if args.is_empty() {
            return Err(PARSER.help());
        }
        let asked = Arc::new(parse(args, files)?);
        let (throttle, create_time) = (Throttle::new(asked.throughput as f64, now), asked.create_time);
        Ok(VerifiableProducer {
            asked,
            hosts: hosts.to_vec(),
            sending: None,
            throttle,
            started: now,
            sent: 0,
            acked: 0,
            create_time,
            blocked: None,
            ending: None,
            now,
        })
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        self.asked.warnings.iter().for_each(|line| cx.print.line(line));
        let Asked { servers, topic, config, .. } = &*self.asked;
        self.sending = Some(Box::new(Sending::open(servers, "producer-1", config, topic, &self.hosts, cx)?));
        cx.print.line(event(cx.now, "startup_complete", ""));
        Ok(())
    }

    fn send_messages(&mut self, cx: &mut Context) {
        while self.ending.is_none() && self.throttle.may_send(cx.now) && cx.print.room > 0 {
            if self.asked.max_messages.is_some_and(|max| self.sent >= max) {
                // The program ends when the last sleep of the throttle is over.
                return self.end(0);
            }
            let (outgoing, sent) = self.blocked.take().unwrap_or_else(|| self.next_message(cx.now));
            let Some(sending) = &mut self.sending else { return };
            match sending.send(&outgoing, sent, cx) {
                Ok(()) => {}
                Err(Refused::Blocked(sent)) => {
                    self.blocked = Some((outgoing, sent));
                    return;
                }
                Err(Refused::Failed(sent, error)) => cx.print.line(failed(&self.asked.topic, &sent, &error, cx.now)),
            }
            self.throttle.sent(self.sent, 0, cx.now);
            self.sent += 1;
        }
    }

    fn next_message(&mut self, now: Time) -> (Outgoing, Sent) {
        let key = self.asked.repeating_keys.map(|keys| (self.sent % keys.max(1)).to_string());
        let value = match self.asked.value_prefix {
            Some(prefix) => format!("{prefix}.{}", self.sent),
            None => self.sent.to_string(),
        };
        let timestamp = self.create_time;
        // As Kafka has it: what passed since the start is added at every message.
        self.create_time = timestamp.map(|time| time + now.since(self.started).as_ms().cast_signed());
        let outgoing = Outgoing {
            timestamp,
            key: key.as_ref().map(|key| key.as_bytes().to_vec()),
            value: Some(value.as_bytes().to_vec()),
            ..Outgoing::default()
        };
        (outgoing, (key, value))
    }

    fn tell(&mut self, cx: &mut Context) {
        let Some(sending) = &mut self.sending else { return };
        for fate in sending.poll(cx) {
            match &fate.result {
                Ok(offset) => {
                    self.acked += 1;
                    let (key, value) = &fate.record;
                    let rest = format!(
                        r#","key":{},"value":{},"offset":{offset},"topic":{},"partition":{}"#,
                        text(key.as_deref()),
                        text(Some(value)),
                        text(Some(&self.asked.topic)),
                        fate.partition
                    );
                    cx.print.line(event(cx.now, "producer_send_success", &rest));
                }
                Err(error) => cx.print.line(failed(&self.asked.topic, &fate.record, error, cx.now)),
            }
        }
    }

    /// Sends no more; ends when all is acknowledged.
    fn end(&mut self, status: i32) {
        self.ending.get_or_insert(status);
        if let Some(sending) = &mut self.sending {
            sending.producer.close();
        }
    }
}

fn failed(topic: &str, (key, value): &Sent, error: &Exception, now: Time) -> String {
    let rest = format!(
        r#","topic":{},"key":{},"value":{},"exception":"class {}","message":{}"#,
        text(Some(topic)),
        text(key.as_deref()),
        text(Some(value)),
        error.class,
        text(Some(error.text()))
    );
    event(now, "producer_send_error", &rest)
}

impl Program for VerifiableProducer {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        self.now = cx.now;
        if self.sending.is_none()
            && let Err(error) = self.open(cx)
        {
            cx.print.error(format!("Exception in thread \"main\" {error}"));
            return Some(1);
        }
        self.send_messages(cx);
        self.tell(cx);
        let status = self.ending.filter(|_| self.sending.as_ref().is_some_and(|sending| sending.is_done()))?;
        cx.print.line(event(cx.now, "shutdown_complete", ""));
        let elapsed_ms = cx.now.since(self.started).as_ms() as f64;
        let average = double(1_000.0 * (self.acked as f64 / elapsed_ms));
        let (sent, acked, target) = (self.sent, self.acked, self.asked.throughput);
        let rest = format!(r#","sent":{sent},"acked":{acked},"target_throughput":{target},"avg_throughput":{average}"#);
        cx.print.line(event(cx.now, "tool_data", &rest));
        self.kill(cx.out);
        Some(status)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(sending) = &mut self.sending {
            sending.handle(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.sending.as_ref().is_some_and(|sending| sending.owns(input))
    }

    /// SIGINT: the shutdown hook stops sending, and waits for what was sent.
    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.blocked = None;
        self.end(INTERRUPTED);
        self.step(cx)
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(sending) = &mut self.sending {
            sending.disconnect(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let sends = self.ending.is_none() && self.blocked.is_none();
        let pace = if sends { self.throttle.next_wake(self.now) } else { None };
        [pace, self.sending.as_ref().and_then(|sending| sending.next_wake())].into_iter().flatten().min()
    }
}

fn parse(args: &[String], files: &Files) -> Result<Asked, Done> {
    let parsed = PARSER.parse(args)?;
    let mut config = Config::new();
    let mut warnings = Vec::new();
    if parsed.has("--producer.config") {
        warnings.push(
            "Option --producer.config has been deprecated and will be removed in a future version. Use --command-config instead.".into(),
        );
    }
    for path in parsed.all("--producer.config").chain(parsed.all("--command-config")) {
        // A file that cannot be read is an error of the arguments; its name is all that is said.
        config.extend(properties(path, files).map_err(|_| PARSER.error(path))?);
    }
    config.insert("acks".into(), parsed.get("--acks").unwrap_or("-1").to_owned());
    // Retries are off, so that what is said of a record is said once.
    config.insert("retries".into(), "0".into());
    let not_negative = |number: i64| (number >= 0).then_some(number);
    Ok(Asked {
        servers: parsed.get("--bootstrap-server").unwrap_or_default().to_owned(),
        topic: parsed.get("--topic").unwrap_or_default().to_owned(),
        max_messages: parsed.number("--max-messages").and_then(not_negative).map(i64::cast_unsigned),
        throughput: parsed.number("--throughput").unwrap_or(-1),
        config,
        create_time: parsed.number("--message-create-time").and_then(not_negative),
        value_prefix: parsed.number("--value-prefix"),
        repeating_keys: parsed.number::<i64>("--repeating-keys").and_then(not_negative).map(i64::cast_unsigned),
        warnings,
    })
}
