//! A consumer as a process of the world: subscribes, reads, takes its time over each record, and leaves in an orderly way.

use super::config::ConsumerConfig;
use super::kafka_consumer::{KafkaConsumer, Receiver};
use crate::kafka::actor::{Config, HostPort, Input, Outbox};
use crate::kafka::client::error::ClientError;
use crate::kafka::names::{Name, TopicPartition};
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::sim::process::Boot;
use crate::sim::time::{Duration, Time};

/// What such a consumer does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerLoad {
    /// Its `group.id`.
    pub group: Name,
    pub client_id: Name,
    pub topics: Vec<Name>,
    /// Consumer settings; `group.id` is set from `group`.
    pub config: Config,
    pub bootstrap: Vec<HostPort>,
    /// How long the application works on one record. While it works it does not poll.
    pub record_cost: Duration,
}

/// A running one.
#[derive(Clone, Debug)]
pub struct ConsumerProcess {
    load: ConsumerLoad,
    consumer: Option<KafkaConsumer>,
    /// The application works on what it polled until then.
    busy_until: Time,
    now: Time,
    consumed: Consumed,
    /// Why it ended or could not begin.
    failed: Option<ClientError>,
}

/// What an application has got so far, since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumed {
    pub records: u64,
    /// Of keys and values.
    pub bytes: u64,
}

impl Receiver for Consumed {
    #[inline]
    fn record(&mut self, _: &TopicPartition, _: &Batch, record: &Record<'_>) {
        self.records += 1;
        self.bytes += (record.key.map_or(0, <[u8]>::len) + record.value.map_or(0, <[u8]>::len)) as u64;
    }
}

impl ConsumerProcess {
    pub fn new(load: &ConsumerLoad, _boot: &Boot) -> ConsumerProcess {
        ConsumerProcess {
            load: load.clone(),
            consumer: None,
            busy_until: Time::ZERO,
            now: Time::ZERO,
            consumed: Consumed::default(),
            failed: None,
        }
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.now = now;
        match input {
            Input::Start => self.start(now, out),
            Input::Terminate => match &mut self.consumer {
                Some(consumer) => consumer.close(now, out),
                None => out.exit(0),
            },
            _ => {}
        }
        let Some(consumer) = &mut self.consumer else { return };
        consumer.handle(now, input, out);
        if consumer.is_closed() {
            return out.exit(i32::from(self.failed.is_some()));
        }
        while self.busy_until <= now {
            match consumer.poll(now, &mut self.consumed, out) {
                Ok(0) => break,
                Ok(count) => self.busy_until = self.busy_until.max(now + Duration(self.load.record_cost.0.saturating_mul(count.into()))),
                Err(error) => {
                    // As an application without error handling: it ends, through its `finally`.
                    self.failed = Some(error);
                    consumer.close(now, out);
                    if consumer.is_closed() {
                        out.exit(1);
                    }
                    return;
                }
            }
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        let consumer = self.consumer.as_ref()?;
        let application = if self.busy_until > self.now { Some(self.busy_until) } else { consumer.poll_wake() };
        [consumer.background_wake(), application].into_iter().flatten().min()
    }

    pub fn load(&self) -> &ConsumerLoad {
        &self.load
    }

    /// The id that the coordinator gave, once it did.
    pub fn member_id(&self) -> Option<&Name> {
        self.consumer.as_ref()?.member_id()
    }

    /// The partitions that it owns, with the next offset that it will be handed; `None` before that is known.
    pub fn owned(&self) -> impl Iterator<Item = (&TopicPartition, Option<i64>)> {
        let subscriptions = self.consumer.iter().map(KafkaConsumer::subscriptions);
        subscriptions.flat_map(|s| s.partitions().map(|(at, _)| (at, s.position(at).map(|position| position.offset))))
    }

    /// The leader epoch up to which it knows that the position in a partition of its own is right (KIP-320).
    pub fn validated_epoch(&self, partition: &TopicPartition) -> Option<i32> {
        self.consumer.as_ref()?.subscriptions().validated_epoch(partition)
    }

    /// It fetches nothing at present: it is about to join or rebalances.
    pub fn is_stopped(&self) -> bool {
        self.consumer.as_ref().is_none_or(|consumer| !consumer.is_joined())
    }

    pub fn consumed(&self) -> Consumed {
        self.consumed
    }

    /// What its `poll` threw, if it did.
    pub fn failed(&self) -> Option<&ClientError> {
        self.failed.as_ref()
    }

    pub fn consumer(&self) -> Option<&KafkaConsumer> {
        self.consumer.as_ref()
    }

    fn start(&mut self, now: Time, out: &mut Outbox) {
        let mut settings = self.load.config.clone();
        settings.insert("group.id".to_owned(), self.load.group.to_string());
        match ConsumerConfig::parse(&settings) {
            Ok(config) => {
                let mut consumer = KafkaConsumer::new(&self.load.client_id, config, self.load.bootstrap.clone());
                consumer.subscribe(now, self.load.topics.clone());
                self.consumer = Some(consumer);
            }
            Err(error) => {
                self.failed =
                    Some(ClientError::kafka("Failed to construct kafka consumer").caused_by(ClientError::kafka(error.to_string())));
                out.exit(1);
            }
        }
    }
}
