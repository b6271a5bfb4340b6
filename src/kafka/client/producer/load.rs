//! A process that produces at a steady rate, as `kafka-verifiable-producer` does.

use std::sync::Arc;

use super::accumulator::{ProducerRecord, TopicIndex};
use super::config::ProducerConfig;
use super::{Blocked, Producer, SendError};
use crate::kafka::actor::{Config, HostPort, Input, Outbox};
use crate::kafka::client::error::ClientError;
use crate::kafka::event::Event;
use crate::sim::process::Boot;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// At most this many records a step; what is left comes a millisecond later.
pub const RECORDS_PER_STEP: u64 = 20_000;
/// Above [`QUANTA_ABOVE`] records a second, records are handed over together this often.
const QUANTUM: Duration = Duration::ms(5);
const QUANTA_ABOVE: u32 = 200;

/// What a producer does from its start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerLoad {
    /// Its `client.id`.
    pub name: String,
    pub topic: String,
    /// Records handed to `send()` each second; 0: as many as it takes.
    pub records_per_second: u32,
    pub key: KeyChoice,
    pub value: ValueChoice,
    pub config: Config,
    pub bootstrap: Vec<HostPort>,
}

/// Where a record's key comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum KeyChoice {
    #[default]
    None,
    /// `key-0` to `key-(N-1)`, drawn evenly.
    OneOf(u32),
    /// These, in turn.
    List(Vec<String>),
}

/// What a record's value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValueChoice {
    /// `prefix-1`, `prefix-2`, ...: no value twice.
    Unique(String),
    /// Always the same bytes, this many.
    SizeBytes(u32),
}

/// The process. Records it could not hand over yet (a blocked `send`) are made up for as soon as it can, as by the tool.
#[derive(Clone, Debug)]
pub struct ProducerProcess {
    load: Arc<ProducerLoad>,
    producer: Option<Producer>,
    /// Why there is no producer, or what the last refused record met.
    error: Option<String>,
    topic: TopicIndex,
    started: Time,
    /// Records handed over, or refused for good.
    produced: u64,
    refused: u64,
    /// There was more to hand over than a step takes.
    behind: bool,
    ending: bool,
    stepped: Time,
    payload: Payload,
}

/// The bytes of the record to be sent next, in buffers that are used again.
#[derive(Clone, Debug, Default)]
struct Payload {
    key: Vec<u8>,
    value: Vec<u8>,
    /// The record of this number is in the buffers.
    number: Option<u64>,
}

impl ProducerProcess {
    pub fn new(load: &ProducerLoad, _boot: &Boot) -> ProducerProcess {
        let parsed = ProducerConfig::parse(&load.config);
        let error = parsed.as_ref().err().map(|error| error.to_string());
        let mut producer = parsed.ok().map(|config| Producer::new(&load.name, load.bootstrap.clone(), config));
        let topic = producer.as_mut().map_or(TopicIndex(0), |producer| producer.topic(&load.topic));
        ProducerProcess {
            load: Arc::new(load.clone()),
            producer,
            error,
            topic,
            started: Time::ZERO,
            produced: 0,
            refused: 0,
            behind: false,
            ending: false,
            stepped: Time::ZERO,
            payload: Payload::default(),
        }
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.stepped = now;
        let Some(producer) = &mut self.producer else {
            // A configuration that no producer can be made of: the program ends with the exception.
            return out.exit(1);
        };
        match &input {
            Input::Start => {
                self.started = now;
                out.emit(Event::ProducerStarted { producer: self.load.name.as_str().into() });
            }
            Input::Terminate => {
                self.ending = true;
                producer.close();
            }
            _ => {}
        }
        producer.handle(now, input, out);
        if !self.ending {
            self.produce(now, out);
        }
        let Some(producer) = &mut self.producer else { return };
        if let Some(error) = producer.take_completions().into_iter().rev().find_map(|completion| completion.error) {
            self.error = Some(error.to_string());
        }
        if self.ending && producer.is_flushed() {
            producer.disconnect(out);
            out.exit(0);
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        let producer = self.producer.as_ref()?;
        [producer.next_wake(), self.next_record(producer)].into_iter().flatten().min()
    }

    pub fn load(&self) -> &ProducerLoad {
        &self.load
    }

    /// `None`: its configuration cannot be.
    pub fn producer(&self) -> Option<&Producer> {
        self.producer.as_ref()
    }

    /// Records handed over to `send()`, those that it refused for good among them.
    pub fn produced(&self) -> u64 {
        self.produced
    }

    /// Records that `send()` refused for good.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// What the last failed record or batch met.
    pub fn last_error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// What it waits for, in a few words; `None` if it waits for nothing but its own rate.
    pub fn why_stuck(&self) -> Option<&'static str> {
        let Some(producer) = &self.producer else { return Some("its configuration is refused") };
        match producer.blocked() {
            Some((_, Blocked::Metadata)) => Some("it does not know the topic's partitions yet"),
            Some((_, Blocked::Memory)) => Some("buffer.memory is full of records that are not acknowledged"),
            None if producer.awaits_producer_id() && producer.buffered_records() > 0 => Some("no broker gave it a producer id yet"),
            None => None,
        }
    }

    /// Hands over what is due by now.
    fn produce(&mut self, now: Time, out: &mut Outbox) {
        let Some(producer) = &mut self.producer else { return };
        let due = match self.load.records_per_second {
            0 => u64::MAX,
            // The first at once, as the tool does.
            rate => (u128::from(now.since(self.started).0) * u128::from(rate) / 1_000_000) as u64 + 1,
        };
        let until = due.min(self.produced.saturating_add(RECORDS_PER_STEP));
        while self.produced < until {
            self.payload.fill(self.produced, &self.load, out.rng());
            let key = (self.load.key != KeyChoice::None).then_some(&self.payload.key[..]);
            let value = Some(&self.payload.value[..]);
            let record = ProducerRecord { topic: self.topic, partition: None, timestamp: None, key, value, headers: &[] };
            match producer.send(now, &record, out) {
                Ok(_) => self.produced += 1,
                Err(SendError::Blocked(_)) => break,
                Err(SendError::Failed(error)) => {
                    self.produced += 1;
                    self.refuse(&error);
                    break;
                }
            }
        }
        self.behind = self.produced == until && until < due;
        if let Some(producer) = &mut self.producer {
            producer.poll(now, out);
        }
    }

    fn refuse(&mut self, error: &ClientError) {
        self.refused += 1;
        self.error = Some(error.to_string());
    }

    /// When the next record is due, unless `send` blocks: then the producer wakes us.
    fn next_record(&self, producer: &Producer) -> Option<Time> {
        let rate = u128::from(self.load.records_per_second);
        if self.ending || producer.blocked().is_some() {
            return None;
        }
        if rate == 0 || self.behind {
            return Some(self.stepped + Duration::ms(1));
        }
        let exact = self.started.0 + (u128::from(self.produced) * 1_000_000).div_ceil(rate) as u64;
        let at = if rate > u128::from(QUANTA_ABOVE) { exact.next_multiple_of(QUANTUM.0) } else { exact };
        Some(Time(at.max(self.stepped.0 + 1)))
    }
}

impl Payload {
    /// Puts the record of this number into the buffers. A record that was refused for now is still in them.
    fn fill(&mut self, number: u64, load: &ProducerLoad, rng: &mut Rng) {
        if self.number == Some(number) {
            return;
        }
        match &load.key {
            KeyChoice::None => {}
            KeyChoice::OneOf(n) => numbered(&mut self.key, "key", rng.below(u64::from((*n).max(1)))),
            KeyChoice::List(keys) => {
                self.key.clear();
                self.key.extend_from_slice(keys.get((number % (keys.len() as u64).max(1)) as usize).map_or(b"", |key| key.as_bytes()));
            }
        }
        match &load.value {
            ValueChoice::Unique(prefix) => numbered(&mut self.value, prefix, number + 1),
            ValueChoice::SizeBytes(size) if self.number.is_none() => {
                self.value = (0..*size).map(|_| b'A' + rng.below(26) as u8).collect();
            }
            ValueChoice::SizeBytes(_) => {}
        }
        self.number = Some(number);
    }
}

/// `prefix-17`, without an allocation.
fn numbered(buffer: &mut Vec<u8>, prefix: &str, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    buffer.clear();
    buffer.extend_from_slice(prefix.as_bytes());
    buffer.push(b'-');
    buffer.extend_from_slice(&digits[at..]);
}
