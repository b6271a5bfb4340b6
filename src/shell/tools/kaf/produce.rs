//! `kaf produce`: each line of the input is a record; the next is sent when the one before was acknowledged (Sarama's `SyncProducer`).

use std::collections::VecDeque;

use serde_json::Value;

use super::error_exit;
use super::flags::Asked;
use super::format::rfc3339_ms;
use super::sarama::{self, Client, cannot, error};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::records::murmur2::{murmur2, to_positive};
use crate::shell::tools::Context;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::program::Program;
use crate::shell::tools::sending::{Outgoing, Refused, Sending};
use crate::shell::tools::topics::requests::decode_base64;
use crate::sim::time::{Duration, Time};

/// `Producer.MaxMessageBytes`, and what a record needs beside its key and value (`maximumRecordOverhead`).
const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
const OVERHEAD: usize = 5 * 5 + 10 + 1;
/// `bufio.MaxScanTokenSize`
const LINE_BYTES: i64 = 64 * 1024;
/// For so long a topic is looked for.
const PATIENCE: Duration = Duration::ms(1_000);

/// A run of `kaf produce`.
#[derive(Clone, Debug)]
pub struct Produce {
    asked: Asked,
    servers: String,
    hosts: Vec<String>,
    key: Vec<u8>,
    client: Option<Client>,
    sending: Option<Box<Sending<()>>>,
    /// Records of the line that was read last.
    waiting: VecDeque<Outgoing>,
    in_flight: bool,
    /// Since when the topic is not known.
    blocked: Option<Time>,
    next_partition: i32,
}

impl Produce {
    /// # Errors
    /// What kaf says instead.
    pub fn start(asked: Asked, servers: String, hosts: &[String]) -> Result<Produce, Done> {
        let key = asked.get("key").unwrap_or_default();
        let key = if asked.is_set("raw-key") {
            let text: String = key
                .chars()
                .map(|c| {
                    if c == '+' {
                        '-'
                    } else if c == '/' {
                        '_'
                    } else {
                        c
                    }
                })
                .collect();
            let decoded = decode_base64(&text).filter(|_| !key.contains(['=', '-', '_']) && key.len() % 4 != 1);
            decoded.ok_or_else(|| error_exit("--raw-key is given, but value of --key is not base64"))?
        } else {
            key.as_bytes().to_vec()
        };
        if asked.is_set("template") {
            return Err(error_exit("failed to parse go template: this terminal has no Go to read it with"));
        }
        let hosts = hosts.to_vec();
        let (client, sending, waiting) = (None, None, VecDeque::new());
        Ok(Produce { asked, servers, hosts, key, client, sending, waiting, in_flight: false, blocked: None, next_partition: 0 })
    }

    /// Connects, as the constructor does, and then opens the producer.
    fn open(&mut self, cx: &mut Context) -> Result<bool, Done> {
        if self.sending.is_some() {
            return Ok(true);
        }
        let failed = |why: String| error_exit(&format!("{}: {why}\n", cannot("produce")));
        if self.client.is_none() {
            self.client = Some(Client::connect(&self.servers, &self.hosts, cx).map_err(failed)?);
        }
        let Some(answer) = self.client.as_mut().and_then(|client| client.poll(cx)) else { return Ok(false) };
        answer.map_err(failed)?;
        if let Some(mut client) = self.client.take() {
            client.close(cx.out);
        }
        let has = |flag: &str| self.asked.number(flag).is_some_and(|id| id != -1);
        if has("avro-schema-id") || has("avro-key-schema-id") {
            return Err(error_exit("Could not connect to schema registry"));
        }
        if self.asked.get("key-proto-type").is_some_and(|name| !name.is_empty()) {
            return Err(error_exit("Failed to load key proto type"));
        }
        let settings = [
            ("acks", "1"),
            ("enable.idempotence", "false"),
            ("linger.ms", "0"),
            ("retries", "3"),
            ("retry.backoff.ms", "100"),
            ("retry.backoff.max.ms", "100"),
            ("request.timeout.ms", "30000"),
        ];
        let config: Config = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let opened = Sending::open(&self.servers, "sarama", &config, self.asked.arg(), &self.hosts, cx);
        let mut sending = opened.map_err(|error| failed(error.text().to_owned()))?;
        sending.quiet = true;
        self.sending = Some(Box::new(sending));
        Ok(true)
    }

    /// Takes the next line; whether there was one.
    fn read(&mut self, cx: &mut Context) -> Result<bool, Done> {
        let line = if self.asked.get("input-mode") == Some("full") {
            if !cx.stdin.is_closed() {
                return Ok(false);
            }
            let mut all = None;
            while let Some((line, is_ended)) = cx.stdin.take_piece() {
                let text: &mut String = all.get_or_insert_default();
                text.push_str(&line);
                text.push_str(if is_ended { "\n" } else { "" });
            }
            all
        } else {
            cx.stdin.take()
        };
        let Some(line) = line else { return Ok(false) };
        let limit = self.asked.number("line-length-limit").filter(|limit| *limit > 0).unwrap_or(LINE_BYTES);
        if self.asked.get("input-mode") != Some("full") && line.len() as i64 >= limit {
            return Err(error_exit("scanning input failed: bufio.Scanner: token too long\n"));
        }
        if self.asked.get("proto-type").is_some_and(|name| !name.is_empty()) {
            return Err(error_exit("Failed to load payload proto type"));
        }
        let record = self.record(&line, cx);
        let repeat = self.asked.number("repeat").unwrap_or(1).clamp(0, 1_000_000);
        self.waiting.extend((0..repeat).map(|_| record.clone()));
        Ok(true)
    }

    fn record(&mut self, line: &str, cx: &mut Context) -> Outgoing {
        let mut record = Outgoing {
            partition: self.asked.number("partition").filter(|partition| *partition != -1).map(|partition| partition as i32),
            timestamp: self.asked.get("timestamp").and_then(rfc3339_ms),
            key: Some(self.key.clone()),
            value: Some(line.as_bytes().to_vec()),
            headers: Vec::new(),
        };
        match self.asked.get("input") {
            Some("json-each-row") => {
                if let Some((key, value, headers)) = row(line) {
                    if self.asked.get("key").unwrap_or_default().is_empty() {
                        // From then on it is the key of lines, too, that are no such rows.
                        self.key = key.into_bytes();
                        record.key = Some(self.key.clone());
                    }
                    (record.value, record.headers) = (Some(value.into_bytes()), headers);
                }
            }
            Some("hex") => match hex(line) {
                Ok(bytes) => record.value = Some(bytes),
                Err(why) => cx.print.text(format!("Failed to decode hex input: encoding/hex: {why}.")),
            },
            _ => {}
        }
        let given = self.asked.all("header").filter_map(|header| header.split_once(':'));
        let given: Vec<(String, Option<Vec<u8>>)> = given.map(|(key, value)| (key.to_owned(), Some(value.as_bytes().to_vec()))).collect();
        if !given.is_empty() {
            record.headers = given;
        }
        record
    }

    /// Sarama's partitioners. That of the hash is FNV-1a's, of an empty key, too.
    fn partition(&mut self, key: &[u8], count: i32, cx: &mut Context) -> i32 {
        match self.asked.get("partitioner") {
            Some("jvm") => to_positive(murmur2(key)) % count,
            Some("rand") => cx.out.rng().below(u64::from(count.unsigned_abs())) as i32,
            Some("rr") => {
                let partition = if self.next_partition >= count { 0 } else { self.next_partition };
                self.next_partition = partition + 1;
                partition
            }
            _ => (fnv1a(key).cast_signed() % count).abs(),
        }
    }

    /// Sends what waits; whether all of the input was sent.
    fn send(&mut self, cx: &mut Context) -> Result<bool, String> {
        if let (false, Some(sending)) = (self.in_flight, self.sending.as_deref_mut()) {
            // It has timers of its own, whatever there is to send.
            sending.poll(cx);
        }
        loop {
            if self.in_flight {
                let Some(sending) = self.sending.as_deref_mut() else { return Ok(false) };
                let Some(fate) = sending.poll(cx).pop() else { return Ok(false) };
                self.in_flight = false;
                match fate.result {
                    Ok(offset) => cx.print.line(format!("Sent record to partition {} at offset {offset}.", fate.partition)),
                    Err(_) => return Err(error(fate.code)),
                }
            }
            let Some(mut record) = self.waiting.front().cloned() else { return Ok(cx.stdin.at_end()) };
            let Some(sending) = self.sending.as_deref_mut() else { return Ok(false) };
            let size = record.key.as_ref().map_or(0, Vec::len) + record.value.as_ref().map_or(0, Vec::len) + OVERHEAD;
            if size > MAX_MESSAGE_BYTES {
                return Err(format!(
                    "kafka: invalid configuration (Attempt to produce message larger than configured Producer.MaxMessageBytes: {size} > {MAX_MESSAGE_BYTES})"
                ));
            }
            let count = sending.partition_count(cx.now);
            if let Some(count) = count {
                self.blocked = None;
                let chosen = match record.partition {
                    Some(partition) if !(0..count).contains(&partition) => {
                        return Err("kafka: partitioner returned an invalid partition index".into());
                    }
                    Some(partition) => partition,
                    None => self.partition(&record.key.clone().unwrap_or_default(), count, cx),
                };
                record.partition = Some(chosen);
            }
            let Some(sending) = self.sending.as_deref_mut() else { return Ok(false) };
            if count.is_none() {
                self.blocked.get_or_insert(cx.now);
            }
            // An attempt asks for the topic, too.
            match sending.send(&record, (), cx) {
                Ok(()) => {
                    self.waiting.pop_front();
                    self.in_flight = true;
                }
                Err(Refused::Blocked(())) if self.blocked.is_some_and(|since| since + PATIENCE <= cx.now) => return Err(error(3)),
                Err(Refused::Blocked(())) => {
                    sending.poll(cx);
                    return Ok(false);
                }
                Err(Refused::Failed((), why)) => return Err(sarama::thrown(&why)),
            }
        }
    }
}

impl Program for Produce {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        loop {
            match self.open(cx) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(said) => return Some(said_and_closed(&said, self, cx)),
            }
            match self.send(cx) {
                Ok(true) => {
                    self.kill(cx.out);
                    return Some(0);
                }
                Ok(false) if !self.waiting.is_empty() || self.in_flight => return None,
                Ok(false) => {}
                Err(why) => {
                    cx.print.text(format!("Failed to send record: {why}."));
                    self.kill(cx.out);
                    return Some(1);
                }
            }
            match self.read(cx) {
                Ok(true) => {}
                Ok(false) => return None,
                Err(said) => return Some(said_and_closed(&said, self, cx)),
            }
        }
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(client) = self.client.as_mut().filter(|client| client.owns(&input)) {
            client.input(input, cx);
        } else if let Some(sending) = &mut self.sending {
            sending.handle(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.client.as_ref().is_some_and(|client| client.owns(input)) || self.sending.as_ref().is_some_and(|sending| sending.owns(input))
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(client) = &mut self.client {
            client.close(out);
        }
        if let Some(sending) = &mut self.sending {
            sending.disconnect(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        let client = self.client.as_ref().and_then(Client::next_wake);
        let sending = self.sending.as_ref().and_then(|sending| sending.next_wake());
        [client, sending, self.blocked.map(|since| since + PATIENCE)].into_iter().flatten().min()
    }

    fn reads_input(&self) -> bool {
        true
    }
}

/// Prints what a program says at its end.
pub fn said_and_closed(said: &Done, program: &mut dyn Program, cx: &mut Context) -> i32 {
    said.err.iter().for_each(|line| cx.print.error(line));
    program.kill(cx.out);
    said.status
}

/// Key, value and headers of a line that `--output json-each-row` printed; `None`: it is none.
#[allow(clippy::type_complexity)]
fn row(line: &str) -> Option<(String, String, Vec<(String, Option<Vec<u8>>)>)> {
    let value: Value = serde_json::from_str(line).ok()?;
    let object = value.as_object()?;
    let text = |object: &serde_json::Map<String, Value>, name: &str| match object.get(name) {
        None | Some(Value::Null) => Some(String::new()),
        Some(value) => value.as_str().map(str::to_owned),
    };
    match object.get("timestamp") {
        None | Some(Value::Null) => {}
        Some(time) => _ = rfc3339_ms(time.as_str()?)?,
    }
    for (name, bits) in [("partition", 32), ("offset", 64)] {
        let fits = |value: &Value| value.as_i64().is_some_and(|number| bits == 64 || i32::try_from(number).is_ok());
        if !object.get(name).is_none_or(|value| value.is_null() || fits(value)) {
            return None;
        }
    }
    let mut headers = Vec::new();
    match object.get("headers") {
        None | Some(Value::Null) => {}
        Some(list) => {
            for header in list.as_array()? {
                let header = header.as_object()?;
                headers.push((text(header, "key")?, Some(text(header, "value")?.into_bytes())));
            }
        }
    }
    text(object, "topic")?;
    Some((text(object, "key")?, text(object, "payload")?, headers))
}

/// `hex.Decode`, and what it says of what is no such text.
fn hex(text: &str) -> Result<Vec<u8>, String> {
    let digit = |byte: u8| (byte as char).to_digit(16);
    if let Some(wrong) = text.bytes().find(|byte| digit(*byte).is_none()) {
        return Err(format!("invalid byte: U+{wrong:04X} '{}'", wrong as char));
    }
    if text.len() % 2 == 1 {
        return Err("odd length hex string".into());
    }
    let pair = |pair: &[u8]| pair.iter().fold(0, |value, byte| value << 4 | digit(*byte).unwrap_or(0) as u8);
    Ok(text.as_bytes().chunks(2).map(pair).collect())
}

/// `hash/fnv`'s `New32a`
fn fnv1a(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_hex() {
        let line = r#"{"topic":"t","partition":0,"offset":1,"timestamp":"2025-07-04T12:53:46.841+02:00","headers":[{"key":"h","value":"v"}],"key":"k","payload":"{}"}"#;
        assert_eq!(row(line), Some(("k".into(), "{}".into(), vec![("h".into(), Some(b"v".to_vec()))])));
        assert_eq!(row(r#"{"key":1}"#), None);
        assert_eq!(hex("617A"), Ok(b"az".to_vec()));
        assert_eq!(hex("6z").unwrap_err(), "invalid byte: U+007A 'z'");
        assert_eq!(hex("6").unwrap_err(), "odd length hex string");
        // hash/fnv's own test vectors.
        assert_eq!((fnv1a(b""), fnv1a(b"a"), fnv1a(b"foobar")), (0x811c_9dc5, 0xe40c_292c, 0xbf9c_f968));
    }
}
