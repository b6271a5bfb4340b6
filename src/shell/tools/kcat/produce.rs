//! kcat -P: each line of its input is a message, or each file.

use std::collections::VecDeque;

use super::args::Asked;
use super::{broker_error, fatal};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::records::murmur2::{crc32, murmur2, to_positive};
use crate::shell::files::Files;
use crate::shell::tools::program::Program;
use crate::shell::tools::sending::{Outgoing, Refused, Sending};
use crate::shell::tools::{Context, INTERRUPTED};
use crate::sim::time::{Duration, Time};

/// A run of `kcat -P`.
#[derive(Clone, Debug)]
pub struct Produce {
    asked: Asked,
    hosts: Vec<String>,
    sending: Option<Box<Sending<()>>>,
    /// Messages out of files; `None`: the input is read.
    from_files: Option<VecDeque<String>>,
    /// What was read of a message whose end has not come (with `-D`).
    partial: String,
    blocked: Option<Outgoing>,
    sent: u64,
    failed: bool,
    /// Where messages without a key go for now, and until when.
    sticky: Option<(i32, Time)>,
    ending: Option<i32>,
    /// The topic is not known before: it does not exist.
    gives_up_at: Time,
}

/// At most so many messages wait for their acknowledgement (`queue.buffering.max.messages`).
const QUEUE: u64 = 100_000;
/// `sticky.partitioning.linger.ms`
const STICKY: Duration = Duration::ms(10);
/// `topic.metadata.propagation.max.ms`: for so long a new topic may be unknown.
const PROPAGATION: Duration = Duration::secs(30);

impl Produce {
    pub fn start(now: Time, mut asked: Asked, files: &Files, hosts: &[String]) -> Produce {
        let paths = std::mem::take(&mut asked.rest);
        let mut from_files = None;
        for path in &paths {
            let messages = from_files.get_or_insert_with(VecDeque::new);
            match files.get(path) {
                None => asked.notes.push(format!("% Failed to open {path}: No such file or directory")),
                Some(text) if asked.lines => messages.extend(text.split(asked.delimiter.as_str()).map(str::to_owned)),
                Some(text) => messages.push_back(text.to_owned()),
            }
        }
        let failed = !paths.is_empty() && from_files.as_ref().is_some_and(VecDeque::is_empty);
        Produce {
            asked,
            hosts: hosts.to_vec(),
            sending: None,
            from_files,
            partial: String::new(),
            blocked: None,
            sent: 0,
            failed,
            sticky: None,
            ending: None,
            gives_up_at: now + PROPAGATION,
        }
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), String> {
        self.asked.notes.drain(..).for_each(|note| cx.print.error(note));
        // librdkafka's defaults, where they are not Java's.
        let mut config: Config = [("enable.idempotence", "false"), ("linger.ms", "5"), ("delivery.timeout.ms", "300000")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        config.extend(self.asked.config.clone());
        let topic = self.asked.topics.last().cloned().unwrap_or_default();
        let mut sending = Sending::open(&self.asked.servers, "rdkafka", &config, &topic, &self.hosts, cx)
            .map_err(|error| format!("Failed to create producer: {}", error.text()))?;
        sending.quiet = true;
        self.sending = Some(Box::new(sending));
        Ok(())
    }

    /// The next message of the input.
    fn next_message(&mut self, cx: &mut Context) -> Option<Outgoing> {
        loop {
            let text = match &mut self.from_files {
                Some(messages) => messages.pop_front()?,
                None => self.next_of_input(cx)?,
            };
            if text.is_empty() {
                continue;
            }
            if self.asked.tee {
                cx.print.text(format!("{text}{}", self.asked.delimiter));
            }
            return Some(self.message(&text));
        }
    }

    fn next_of_input(&mut self, cx: &mut Context) -> Option<String> {
        if self.asked.delimiter == "\n" {
            return cx.stdin.take();
        }
        loop {
            if let Some((message, rest)) = self.partial.split_once(self.asked.delimiter.as_str()) {
                let (message, rest) = (message.to_owned(), rest.to_owned());
                self.partial = rest;
                return Some(message);
            }
            match cx.stdin.take() {
                Some(line) => self.partial += &format!("{line}\n"),
                // The line break at the end of the input was the shell's.
                None if cx.stdin.at_end() && !self.partial.is_empty() => {
                    return Some(std::mem::take(&mut self.partial).trim_end_matches('\n').to_owned());
                }
                None => return None,
            }
        }
    }

    fn message(&self, text: &str) -> Outgoing {
        let bytes = |text: &str| Some(text.as_bytes().to_vec());
        let null_if_empty = |text: &str| bytes(text).filter(|bytes| !self.asked.nulls || !bytes.is_empty());
        let split = self.asked.key_delimiter.as_deref().and_then(|delimiter| text.split_once(delimiter));
        let (key, value) = match split {
            Some((key, value)) => (null_if_empty(key), null_if_empty(value)),
            None => (None, bytes(text)),
        };
        let key = key.or_else(|| self.asked.key.as_deref().and_then(bytes));
        Outgoing { key, value, headers: self.asked.headers.clone(), partition: self.asked.partition, ..Outgoing::default() }
    }

    /// librdkafka's partitioners. An empty key is no key to those that choose at random.
    fn partition(&mut self, key: Option<&[u8]>, count: i32, cx: &mut Context) -> i32 {
        let name = self.asked.config.get("partitioner").map_or("consistent_random", String::as_str);
        let by_crc = |key: &[u8]| (crc32(key) % count.unsigned_abs()).cast_signed();
        match (name, key) {
            ("consistent", key) => by_crc(key.unwrap_or_default()),
            ("consistent_random", Some(key)) if !key.is_empty() => by_crc(key),
            ("murmur2", key) => to_positive(murmur2(key.unwrap_or_default())) % count,
            ("murmur2_random", Some(key)) => to_positive(murmur2(key)) % count,
            _ => self.random(count, cx),
        }
    }

    fn random(&mut self, count: i32, cx: &mut Context) -> i32 {
        if let Some((partition, _)) = self.sticky.filter(|(_, until)| *until > cx.now) {
            return partition;
        }
        let partition = cx.out.rng().below(u64::from(count.unsigned_abs())) as i32;
        self.sticky = Some((partition, cx.now + STICKY));
        partition
    }

    fn send_messages(&mut self, cx: &mut Context) -> Result<(), String> {
        while self.ending.is_none() {
            let Some(sending) = self.sending.as_deref_mut() else { return Ok(()) };
            if sending.producer.buffered_records() >= QUEUE {
                return Ok(());
            }
            let count = sending.partition_count(cx.now);
            let message = match self.blocked.take() {
                Some(message) => Some(message),
                None if self.asked.count.is_some_and(|count| self.sent >= count) => None,
                None => self.next_message(cx),
            };
            let Some(mut message) = message else {
                let all = self.from_files.is_some() || cx.stdin.at_end() || self.asked.count.is_some_and(|count| self.sent >= count);
                if all {
                    self.end(i32::from(self.failed));
                }
                return Ok(());
            };
            let Some(count) = count else {
                // An unknown topic's messages wait until it is known, or is sure not to exist; trying asks for it again.
                if let Some(sending) = self.sending.as_deref_mut() {
                    let _ = sending.send(&message, (), cx);
                }
                self.blocked = Some(message);
                if cx.now >= self.gives_up_at {
                    return Err("Failed to produce message: Local: Unknown topic".into());
                }
                return Ok(());
            };
            let chosen = match message.partition {
                Some(partition) if partition >= count => {
                    self.failed = true;
                    self.sent += 1;
                    if !self.asked.quiet {
                        cx.print.error("% Delivery failed for message: Local: Unknown partition");
                    }
                    continue;
                }
                Some(partition) => partition,
                None => self.partition(message.key.as_deref(), count, cx),
            };
            message.partition = Some(chosen);
            let Some(sending) = self.sending.as_deref_mut() else { return Ok(()) };
            match sending.send(&message, (), cx) {
                Ok(()) => self.sent += 1,
                Err(Refused::Blocked(())) => {
                    self.blocked = Some(message);
                    return Ok(());
                }
                Err(Refused::Failed((), error)) => {
                    return Err(format!(
                        "Failed to produce message ({} bytes): {}",
                        message.value.map_or(0, |value| value.len()),
                        error.text()
                    ));
                }
            }
        }
        Ok(())
    }

    fn tell(&mut self, cx: &mut Context) {
        let Some(sending) = self.sending.as_deref_mut() else { return };
        for fate in sending.poll(cx) {
            if fate.result.is_ok() {
                continue;
            }
            self.failed = true;
            if !self.asked.quiet {
                // Of that code librdkafka knows only its own case: no answer in `message.timeout.ms`.
                let words = if fate.code == 7 { "Local: Message timed out".to_owned() } else { broker_error(fate.code) };
                cx.print.error(format!("% Delivery failed for message: {words}"));
            }
        }
    }

    fn end(&mut self, status: i32) {
        self.ending.get_or_insert(status);
        if let Some(sending) = &mut self.sending {
            sending.producer.close();
        }
    }
}

impl Program for Produce {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        let opened = if self.sending.is_none() { self.open(cx) } else { Ok(()) };
        if let Err(message) = opened.and_then(|()| self.send_messages(cx)) {
            fatal(message).err.iter().for_each(|line| cx.print.error(line));
            self.kill(cx.out);
            return Some(1);
        }
        self.tell(cx);
        let status = self.ending.filter(|_| self.sending.as_ref().is_some_and(|sending| sending.is_done()))?;
        self.kill(cx.out);
        Some(if self.failed { status.max(1) } else { status })
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

    /// SIGINT: what was read is sent still.
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
        let patience = self.blocked.as_ref().map(|_| self.gives_up_at).filter(|_| self.ending.is_none() && self.sent == 0);
        [patience, self.sending.as_ref().and_then(|sending| sending.next_wake())].into_iter().flatten().min()
    }

    fn reads_input(&self) -> bool {
        self.ending.is_none() && self.from_files.is_none()
    }
}
