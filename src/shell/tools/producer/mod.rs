//! kafka-console-producer (`org.apache.kafka.tools.ConsoleProducer`): each line of its input becomes a record.
//!
//! * [`args`]: its options
//! * [`reader`]: how a line is read

pub mod args;
pub mod reader;

use std::collections::BTreeMap;

use self::args::Asked;
use self::reader::LineRecord;
use super::admin::{print_log, thrown};
use super::hosts::Done;
use super::{Context, INTERRUPTED, sending};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::client::producer::accumulator::{ProducerRecord, TopicIndex};
use crate::kafka::client::producer::batch::BatchId;
use crate::kafka::client::producer::{Completion, Producer, SendError};
use crate::kafka::records::record::Header;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::sim::time::Time;

/// A run of kafka-console-producer.
#[derive(Clone, Debug)]
pub struct ConsoleProducer {
    asked: Box<Asked>,
    hosts: Vec<String>,
    producer: Option<Box<(Producer, TopicIndex)>>,
    /// A record for which there is no room or no metadata yet.
    blocked: Option<LineRecord>,
    /// Of records that were sent: how long key and value are, for what is said if they fail.
    sent: BTreeMap<BatchId, Vec<Lengths>>,
    /// Somebody types: each line is asked for with a `>`.
    interactive: bool,
    prompted: bool,
    /// The status with which it ends once all is sent.
    ending: Option<i32>,
}

/// Bytes of a record's key and value; `None` is null.
type Lengths = (Option<usize>, Option<usize>);

/// At most this many records are read from the input before an answer is waited for: more would only fill `buffer.memory`.
const RECORDS_AHEAD: u64 = 100_000;

impl ConsoleProducer {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String], interactive: bool) -> Result<ConsoleProducer, Done> {
        let asked = Box::new(args::parse(args, files)?);
        let (hosts, sent) = (hosts.to_vec(), BTreeMap::new());
        Ok(ConsoleProducer { asked, hosts, producer: None, blocked: None, sent, interactive, prompted: false, ending: None })
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.producer.is_none()
            && let Err(error) = self.open(cx)
        {
            cx.print.error(error.to_string());
            return Some(1);
        }
        // What was logged since the last step was logged before what comes of it.
        self.print_log(cx);
        self.send_lines(cx);
        if let Some((producer, _)) = self.producer.as_deref_mut() {
            producer.poll(cx.now, cx.out);
        }
        self.tell(cx);
        let (producer, _) = self.producer.as_deref_mut()?;
        let status = self.ending.filter(|_| producer.is_flushed())?;
        producer.disconnect(cx.out);
        Some(status)
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some((producer, _)) = self.producer.as_deref_mut() {
            producer.handle(cx.now, input, cx.out);
        }
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.producer.as_ref().is_some_and(|producer| producer.0.owns(input))
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.producer.as_ref()?.0.next_wake()
    }

    /// SIGINT: what was read is sent still (the shutdown hook closes the producer).
    pub fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.blocked = None;
        self.end(INTERRUPTED);
        self.step(cx)
    }

    /// Gives up at once.
    pub fn kill(&mut self, out: &mut Outbox) {
        if let Some((producer, _)) = self.producer.as_deref_mut() {
            producer.disconnect(out);
        }
    }

    /// Whether it waits for lines.
    pub fn reads_input(&self) -> bool {
        self.ending.is_none()
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Exception> {
        std::mem::take(&mut self.asked.warnings).into_iter().for_each(|line| cx.print.line(line));
        let mut producer = sending::open(&self.asked.servers, "console-producer", &self.asked.config, &self.hosts, cx)?;
        let topic = producer.topic(&self.asked.topic);
        self.producer = Some(Box::new((producer, topic)));
        Ok(())
    }

    fn send_lines(&mut self, cx: &mut Context) {
        loop {
            let Some((producer, _)) = self.producer.as_deref() else { return };
            let waits = if self.asked.sync { 1 } else { RECORDS_AHEAD };
            if self.ending.is_some() || producer.buffered_records() >= waits {
                return;
            }
            let record = match self.blocked.take() {
                Some(record) => record,
                None => match cx.stdin.take() {
                    Some(line) => {
                        self.prompted = false;
                        match self.asked.reader.read(&line) {
                            Ok(record) => record,
                            Err(error) => {
                                cx.print.error(error.to_string());
                                return self.end(1);
                            }
                        }
                    }
                    None if cx.stdin.at_end() => return self.end(0),
                    None => return self.prompt(cx),
                },
            };
            if let Some(record) = self.send(record, cx) {
                self.blocked = Some(record);
                return;
            }
        }
    }

    fn prompt(&mut self, cx: &mut Context) {
        if self.interactive && !std::mem::replace(&mut self.prompted, true) {
            cx.print.text(">");
        }
    }

    /// Hands a record to the producer; gives it back if that cannot take it now.
    fn send(&mut self, record: LineRecord, cx: &mut Context) -> Option<LineRecord> {
        let (producer, topic) = self.producer.as_deref_mut()?;
        let headers: Vec<Header> =
            record.headers.iter().map(|(key, value)| Header { key: key.as_bytes(), value: value.as_deref() }).collect();
        let (key, value) = (record.key.as_deref(), record.value.as_deref());
        let lengths = (key.map(<[u8]>::len), value.map(<[u8]>::len));
        let wanted = ProducerRecord { topic: *topic, partition: None, timestamp: Some(cx.now.wall_ms()), key, value, headers: &headers };
        match producer.send(cx.now, &wanted, cx.out) {
            Ok(appended) => {
                self.sent.entry(appended.batch).or_default().push(lengths);
                if self.asked.sync {
                    producer.flush();
                }
                None
            }
            Err(SendError::Blocked(_)) => Some(record),
            Err(SendError::Failed(error)) => {
                self.failed(lengths, &thrown(&error), cx);
                None
            }
        }
    }

    /// Says what failed (`ErrorLoggingCallback`), and what the client logs.
    fn tell(&mut self, cx: &mut Context) {
        self.print_log(cx);
        let Some((producer, _)) = self.producer.as_deref_mut() else { return };
        for completion in producer.take_completions() {
            let Completion { batch, count, first_index, .. } = completion;
            let lengths = self.sent.get(&batch).cloned().unwrap_or_default();
            for (index, lengths) in (first_index..first_index + count).zip(lengths.into_iter().skip(first_index as usize)) {
                if let Some(error) = completion.error_of(index) {
                    self.failed(lengths, &thrown(&error), cx);
                }
            }
            let all = self.sent.get(&batch).map_or(0, Vec::len);
            if (first_index + count) as usize >= all {
                self.sent.remove(&batch);
            }
        }
    }

    fn print_log(&mut self, cx: &mut Context) {
        if let Some((producer, _)) = self.producer.as_deref_mut() {
            print_log(producer.log().take(), cx.print);
        }
    }

    fn failed(&mut self, (key, value): Lengths, error: &Exception, cx: &mut Context) {
        if self.asked.sync {
            // `send(...).get()` throws it, and that ends the tool.
            cx.print.error(error.in_execution().to_string());
            return self.end(1);
        }
        let size = |length: Option<usize>| length.map_or("null".to_owned(), |length| format!("{length} bytes"));
        let message =
            format!("Error when sending message to topic {} with key: {}, value: {} with error:", self.asked.topic, size(key), size(value));
        let class = "org.apache.kafka.clients.producer.internals.ErrorLoggingCallback";
        cx.print.error(log::line(cx.now, "ERROR", &message, class));
        cx.print.error(error.to_string());
    }

    /// Reads no more; ends when all is sent.
    fn end(&mut self, status: i32) {
        self.ending.get_or_insert(status);
        if let Some((producer, _)) = self.producer.as_deref_mut() {
            producer.close();
        }
    }
}
