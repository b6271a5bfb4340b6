//! A producer at work for a tool that wants to know of every record what became of it.

use std::collections::BTreeMap;

use super::Context;
use super::admin::{addresses, print_log, thrown};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::producer::accumulator::{ProducerRecord, TopicIndex};
use crate::kafka::client::producer::batch::BatchId;
use crate::kafka::client::producer::config::ProducerConfig;
use crate::kafka::client::producer::{Completion, Producer, SendError};
use crate::kafka::records::record::Header;
use crate::shell::java::exception::Exception;
use crate::sim::time::Time;

/// The producer, and what the tool remembers of each record (`T`) until it is acknowledged or given up.
#[derive(Clone, Debug)]
pub struct Sending<T> {
    pub producer: Producer,
    topic: TopicIndex,
    sent: BTreeMap<BatchId, Vec<T>>,
    /// What the client logs is not printed: the tool is none of Java's.
    pub quiet: bool,
}

/// A record to be sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outgoing {
    pub partition: Option<i32>,
    /// `None`: now.
    pub timestamp: Option<i64>,
    pub key: Option<Vec<u8>>,
    pub value: Option<Vec<u8>>,
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

/// What became of a record.
#[derive(Clone, Debug)]
pub struct Fate<T> {
    pub record: T,
    pub partition: i32,
    /// The protocol's code of what went wrong, 0 if nothing did.
    pub code: i16,
    /// The offset (-1 with acks=0), or why there is none.
    pub result: Result<i64, Exception>,
}

/// The record was not taken.
#[derive(Clone, Debug)]
pub enum Refused<T> {
    /// Not now: send it again after the next step.
    Blocked(T),
    Failed(T, Exception),
}

/// A producer for these servers; warnings about addresses are printed. `client_id`: where the configuration sets none.
///
/// # Errors
/// What the constructor of `KafkaProducer` throws.
pub fn open(servers: &str, client_id: &str, config: &Config, hosts: &[String], cx: &mut Context) -> Result<Producer, Exception> {
    let parsed = ProducerConfig::parse(config).map_err(|error| Exception::config(error.to_string()))?;
    let addresses = addresses(cx.now, servers, hosts, cx.print).map_err(|_| Exception::kafka("Failed to construct kafka producer"))?;
    let client_id = config.get("client.id").map_or(client_id, String::as_str);
    Ok(Producer::new(client_id, addresses, parsed))
}

impl<T: Clone> Sending<T> {
    /// A producer for one topic; warnings about addresses are printed.
    ///
    /// # Errors
    /// What the constructor of `KafkaProducer` throws.
    pub fn open(
        servers: &str,
        client_id: &str,
        config: &Config,
        topic: &str,
        hosts: &[String],
        cx: &mut Context,
    ) -> Result<Sending<T>, Exception> {
        let mut producer = open(servers, client_id, config, hosts, cx)?;
        let topic = producer.topic(topic);
        Ok(Sending { producer, topic, sent: BTreeMap::new(), quiet: false })
    }

    /// Hands a record to the producer.
    ///
    /// # Errors
    /// If it was not taken.
    pub fn send(&mut self, outgoing: &Outgoing, record: T, cx: &mut Context) -> Result<(), Refused<T>> {
        let headers: Vec<Header> =
            outgoing.headers.iter().map(|(key, value)| Header { key: key.as_bytes(), value: value.as_deref() }).collect();
        let wanted = ProducerRecord {
            topic: self.topic,
            partition: outgoing.partition,
            timestamp: Some(outgoing.timestamp.unwrap_or(cx.now.wall_ms())),
            key: outgoing.key.as_deref(),
            value: outgoing.value.as_deref(),
            headers: &headers,
        };
        match self.producer.send(cx.now, &wanted, cx.out) {
            Ok(appended) => {
                self.sent.entry(appended.batch).or_default().push(record);
                Ok(())
            }
            Err(SendError::Blocked(_)) => Err(Refused::Blocked(record)),
            Err(SendError::Failed(error)) => Err(Refused::Failed(record, thrown(&error))),
        }
    }

    /// Moves what can be moved; what became of records meanwhile, in order. What the client logs is printed.
    pub fn poll(&mut self, cx: &mut Context) -> Vec<Fate<T>> {
        self.producer.poll(cx.now, cx.out);
        let log = self.producer.log().take();
        if !self.quiet {
            print_log(log, cx.print);
        }
        let mut fates = Vec::new();
        for completion in self.producer.take_completions() {
            let Completion { batch, count, first_index, base_offset, .. } = completion;
            let Some(records) = self.sent.get(&batch) else { continue };
            let total = records.len();
            for (index, record) in (first_index..first_index + count).zip(records.iter().skip(first_index as usize)) {
                let offset = if base_offset < 0 { -1 } else { base_offset + i64::from(index - first_index) };
                let error = completion.error_of(index);
                let code = error.as_ref().map_or(0, |error| error.code);
                let result = error.map_or(Ok(offset), |error| Err(thrown(&error)));
                fates.push(Fate { record: record.clone(), partition: completion.partition.partition, code, result });
            }
            if (first_index + count) as usize >= total {
                self.sent.remove(&batch);
            }
        }
        fates
    }

    /// How many partitions the topic has, once that is known.
    pub fn partition_count(&mut self, now: Time) -> Option<i32> {
        self.producer.partition_count(now, self.topic)
    }

    pub fn handle(&mut self, input: Input, cx: &mut Context) {
        self.producer.handle(cx.now, input, cx.out);
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.producer.owns(input)
    }

    /// Whether nothing is on its way any more.
    pub fn is_done(&self) -> bool {
        self.producer.is_flushed()
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.producer.next_wake()
    }

    /// Closes the connections; what is on its way is given up.
    pub fn disconnect(&mut self, out: &mut Outbox) {
        self.producer.disconnect(out);
    }
}
