//! `KafkaConsumer`: what an application calls.
//!
//! Kafka's consumer has two threads: the application's, which does nothing but in `poll`, and one that sends heartbeats. So here: `handle`
//! is to be called with every input and lets the background go on, `poll` stands for the application's call. An application that is busy
//! with records does not poll, and its group notices no sooner than `max.poll.interval.ms`.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::commit::CommitKind;
use super::completed_fetch::CompletedFetch;
use super::config::{ConsumerConfig, GroupProtocol, OffsetReset};
use super::heartbeats::Heartbeats;
use super::membership::{MemberState, Membership};
use super::subscription::{FetchState, Position, Subscriptions, Wanted};
use super::validation::Questioned;
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::client::cluster::ClusterClient;
use crate::kafka::client::error::{ClientError, TOPIC_AUTHORIZATION_FAILED};
use crate::kafka::client::fetch_session::FetchSessionHandler;
use crate::kafka::client::network::{Completed, Failed};
use crate::kafka::names::{BrokerId, Name, TopicPartition};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::batch::Batch;
use crate::kafka::records::record::Record;
use crate::sim::time::{Duration, Time};

/// Takes records as they are read, without a copy.
pub trait Receiver {
    fn record(&mut self, partition: &TopicPartition, batch: &Batch, record: &Record<'_>);
}

/// A consumer: alone (`assign`) or in a group (`subscribe`).
#[derive(Clone, Debug)]
pub struct KafkaConsumer {
    pub(super) config: Arc<ConsumerConfig>,
    pub(super) client_id: Name,
    pub(super) client: ClusterClient<Token>,
    pub(super) subscriptions: Subscriptions,
    pub(super) membership: Option<Membership>,
    /// Of a member by the consumer protocol (`group.protocol=consumer`).
    pub(super) heartbeats: Option<Heartbeats>,
    /// Answers whose records wait to be handed out.
    pub(super) buffer: VecDeque<CompletedFetch>,
    /// Nodes that have not answered a Fetch yet.
    pub(super) fetching: BTreeSet<BrokerId>,
    /// With each node that was fetched from.
    pub(super) sessions: BTreeMap<BrokerId, FetchSessionHandler>,
    pub(super) sessionless: bool,
    /// Nodes that have not said yet whether positions are sound.
    pub(super) validating: BTreeSet<BrokerId>,
    pub(super) lookups_in_flight: u32,
    pub(super) lookup_retry_at: Time,
    /// To be told at the next poll.
    pub(super) error: Option<ClientError>,
    /// What came of the commit that the application asked for.
    pub(super) commit_result: Option<Result<(), ClientError>>,
    pub(super) closing: Closing,
    polled: Time,
    handled: Time,
}

/// What a request was for.
#[derive(Clone, Debug)]
pub enum Token {
    FindCoordinator,
    JoinGroup { attempt: u32 },
    SyncGroup { attempt: u32 },
    Heartbeat { generation: i32 },
    ConsumerHeartbeat { epoch: i32 },
    LeaveGroup,
    Commit(CommitKind),
    OffsetFetch,
    ListOffsets(Vec<(TopicPartition, OffsetReset)>),
    OffsetForLeaderEpoch(Questioned),
    Fetch,
    CloseFetchSession,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closing {
    No,
    Committing {
        until: Time,
    },
    Leaving {
        until: Time,
    },
    /// The brokers are told that their fetch sessions end.
    Sessions {
        until: Time,
    },
    Closed,
}

/// How long closing may take (`ConsumerUtils.DEFAULT_CLOSE_TIMEOUT_MS`).
const CLOSE_TIMEOUT: Duration = Duration::secs(30);

impl KafkaConsumer {
    /// A consumer that knows nothing but where to ask. It does nothing before `subscribe` or `assign`.
    pub fn new(client_id: &str, config: ConsumerConfig, bootstrap: Vec<HostPort>) -> KafkaConsumer {
        let context = match &config.group_id {
            Some(group) => match &config.group_instance_id {
                Some(instance) => format!("Consumer instanceId={instance}, clientId={client_id}, groupId={group}"),
                None => format!("Consumer clientId={client_id}, groupId={group}"),
            },
            None => format!("Consumer clientId={client_id}, groupId=null"),
        };
        let mut client = ClusterClient::new(client_id, &context, bootstrap, config.network.clone(), config.metadata.clone());
        client.wants_telemetry = true;
        KafkaConsumer {
            membership: config.group_id.clone().map(Membership::new),
            heartbeats: (config.group_protocol == GroupProtocol::Consumer).then(Heartbeats::new),
            config: Arc::new(config),
            client_id: client_id.into(),
            client,
            subscriptions: Subscriptions::default(),
            buffer: VecDeque::new(),
            fetching: BTreeSet::new(),
            sessions: BTreeMap::new(),
            sessionless: false,
            validating: BTreeSet::new(),
            lookups_in_flight: 0,
            lookup_retry_at: Time::ZERO,
            error: None,
            commit_result: None,
            closing: Closing::No,
            polled: Time::ZERO,
            handled: Time::ZERO,
        }
    }

    /// For who stands for another client than Apache Kafka's, which knows no fetch sessions (librdkafka, sarama): each Fetch names all its
    /// partitions.
    pub fn fetch_without_sessions(&mut self) {
        self.sessionless = true;
    }

    /// Shares these topics with the group. Without a `group.id`, poll reports an error.
    pub fn subscribe(&mut self, now: Time, topics: Vec<Name>) {
        self.client.metadata.set_topics(now, topics.iter().cloned());
        self.subscriptions.wanted = Wanted::Topics(topics);
        if let Some(membership) = &mut self.membership {
            membership.request_rejoin();
        } else {
            self.error = Some(ClientError::of_code(INVALID_GROUP_ID, Some(NO_GROUP_ID)));
        }
    }

    /// Reads these partitions, without sharing.
    pub fn assign(&mut self, now: Time, partitions: Vec<TopicPartition>) {
        let topics: BTreeSet<Name> = partitions.iter().map(|partition| partition.topic.clone()).collect();
        self.client.metadata.set_topics(now, topics);
        self.subscriptions.wanted = Wanted::Partitions;
        self.subscriptions.assign(partitions, true);
        if let Some(membership) = &mut self.membership {
            membership.schedule_auto_commit(now + self.config.auto_commit_interval);
        }
    }

    /// The next record to be read of an assigned partition.
    pub fn seek(&mut self, partition: &TopicPartition, offset: i64) {
        self.subscriptions.set(partition, FetchState::Fetching(Position { offset, leader_epoch: None }));
    }

    pub fn seek_to_beginning(&mut self, partition: &TopicPartition) {
        self.subscriptions.set(partition, FetchState::AwaitReset(OffsetReset::Earliest));
    }

    pub fn seek_to_end(&mut self, partition: &TopicPartition) {
        self.subscriptions.set(partition, FetchState::AwaitReset(OffsetReset::Latest));
    }

    /// Every input is to be shown to the consumer, also one that is not about it. The background goes on: answers, heartbeats.
    pub fn handle(&mut self, now: Time, input: Input, out: &mut Outbox) {
        self.handled = now;
        if self.closing == Closing::Closed {
            return;
        }
        let progress = self.client.handle(now, input, out);
        if progress.metadata_updated {
            self.subscriptions.forget_waits();
            self.note_forbidden_topics();
        }
        if let Some(fatal) = progress.fatal {
            self.error = Some(fatal);
        }
        progress.disconnected.into_iter().for_each(|node| self.forget_closest(node));
        for completed in progress.completed {
            self.completed(now, completed, out);
        }
        self.heartbeat(now, out);
        self.go_on_closing(now, out);
    }

    /// What the application does again and again: keeps up its place in the group, commits if it is time, hands out at most
    /// `max.poll.records` records, and asks for more. Returns how many.
    ///
    /// # Errors
    /// What Kafka's `poll` throws. Most consumers end then; this one may be polled again.
    pub fn poll(&mut self, now: Time, receiver: &mut dyn Receiver, out: &mut Outbox) -> Result<u32, ClientError> {
        if self.closing != Closing::No {
            return Ok(0);
        }
        self.polled = now;
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        self.poll_group(now, out);
        self.update_positions(now, out);
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let count = self.collect(receiver, out)?;
        self.send_fetches(now, out);
        Ok(count)
    }

    /// When `handle` is due (with `Input::Wake`).
    pub fn background_wake(&self) -> Option<Time> {
        let own = match self.closing {
            Closing::Closed => return None,
            Closing::Committing { until } | Closing::Leaving { until } | Closing::Sessions { until } => Some(until),
            Closing::No => None,
        };
        let group = self.membership.as_ref().and_then(|membership| membership.background_wake(self.heartbeats.as_ref()));
        [own, group, self.client.next_wake()].into_iter().flatten().filter(|&at| at > self.handled).min()
    }

    /// When polling again can bring something though nothing came in: commits, second attempts.
    pub fn poll_wake(&self) -> Option<Time> {
        if self.closing != Closing::No {
            return None;
        }
        let group = self.membership.as_ref().and_then(|membership| membership.poll_wake(&self.config, self.polled));
        let waits = self.subscriptions.partitions().map(|(_, state)| state.not_before);
        let lookup = (self.lookups_in_flight == 0).then_some(self.lookup_retry_at);
        waits.chain(lookup).chain(group).filter(|&at| at > self.polled).min()
    }

    /// Either of the two: for an application that polls in every step.
    pub fn next_wake(&self) -> Option<Time> {
        [self.background_wake(), self.poll_wake()].into_iter().flatten().min()
    }

    /// Begins to close: commits if it commits by itself, leaves the group. `handle` until `is_closed`.
    pub fn close(&mut self, now: Time, out: &mut Outbox) {
        if self.closing != Closing::No {
            return;
        }
        self.buffer.clear();
        let until = now + CLOSE_TIMEOUT.min(self.config.default_api_timeout);
        self.warn_of_what_is_not_committed(now);
        let commits = self.config.enable_auto_commit && self.commit(now, CommitKind::Close, out);
        self.closing = if commits { Closing::Committing { until } } else { self.leave_to_close(now, until, out) };
        self.go_on_closing(now, out);
    }

    pub fn is_closed(&self) -> bool {
        self.closing == Closing::Closed
    }

    pub fn config(&self) -> &ConsumerConfig {
        &self.config
    }

    /// The connections and what is known of the cluster; its log is the consumer's.
    pub fn client(&self) -> &ClusterClient<Token> {
        &self.client
    }

    pub fn client_mut(&mut self) -> &mut ClusterClient<Token> {
        &mut self.client
    }

    pub fn subscriptions(&self) -> &Subscriptions {
        &self.subscriptions
    }

    /// The id that the coordinator gave.
    pub fn member_id(&self) -> Option<&Name> {
        self.membership.as_ref().map(Membership::member_id).filter(|id| !id.is_empty())
    }

    /// Whether it can fetch: it has its partitions by hand, or its group is stable.
    pub fn is_joined(&self) -> bool {
        match self.subscriptions.wanted {
            Wanted::Nothing => false,
            Wanted::Partitions => true,
            Wanted::Topics(_) => self.membership.as_ref().is_some_and(|membership| membership.state() == MemberState::Stable),
        }
    }

    /// `Metadata.maybeThrowAnyException`: topics of interest that one may not describe.
    fn note_forbidden_topics(&mut self) {
        let errors = &self.client.cluster().errors;
        let forbidden: Vec<Name> =
            errors.iter().filter(|(_, code)| **code == TOPIC_AUTHORIZATION_FAILED).map(|(name, _)| name.clone()).collect();
        if !forbidden.is_empty() {
            let names: Vec<&str> = forbidden.iter().map(|name| &**name).collect();
            self.error = Some(ClientError::forbidden(TOPIC_AUTHORIZATION_FAILED, &names));
        }
    }

    fn completed(&mut self, now: Time, completed: Completed<Token>, out: &mut Outbox) {
        let Completed { token, node, result, .. } = completed;
        match token {
            Token::Fetch => self.fetched(now, node, result),
            Token::CloseFetchSession => self.session_closed(node),
            Token::OffsetForLeaderEpoch(asked) => self.validated(now, node, asked, result.map(|answer| answer.response), out),
            Token::ListOffsets(asked) => {
                let result = result.and_then(|answer| match answer.response {
                    Response::ListOffsets(response) => Ok(response),
                    _ => Err(Failed::Disconnected),
                });
                self.offsets_listed(now, asked, result, out);
            }
            token => self.group_answered(now, token, result.map(|answer| answer.response), out),
        }
    }

    /// `updateFetchPositions`: committed offsets first, then the policy, then a look at new leaders.
    fn update_positions(&mut self, now: Time, out: &mut Outbox) {
        if self.membership.is_some() {
            self.fetch_committed(now, out);
        } else {
            let reset = FetchState::AwaitReset(self.config.auto_offset_reset);
            let fresh = |(partition, state): (&TopicPartition, FetchState)| (state == FetchState::Initializing).then(|| partition.clone());
            let fresh: Vec<TopicPartition> = self.subscriptions.unpositioned().filter_map(fresh).collect();
            for partition in fresh {
                self.subscriptions.set(&partition, reset);
            }
        }
        self.reset_positions(now, out);
        self.validate_positions(now, out);
    }

    #[inline(never)]
    fn go_on_closing(&mut self, now: Time, out: &mut Outbox) {
        if let Closing::Committing { until } | Closing::Leaving { until } | Closing::Sessions { until } = self.closing
            && until <= now
        {
            self.closing = Closing::Closed;
        }
        if self.closing == Closing::Closed {
            self.client.close(out);
        }
    }

    /// The next state of closing, once the commit is over.
    #[inline(never)]
    pub(super) fn leave_to_close(&mut self, now: Time, until: Time, out: &mut Outbox) -> Closing {
        if self.leave_group(now, "the consumer is being closed", out) {
            Closing::Leaving { until }
        } else {
            self.close_sessions(now, until, out)
        }
    }
}

const INVALID_GROUP_ID: i16 = 24;
const NO_GROUP_ID: &str =
    "To use the group management or offset commit APIs, you must provide a valid group.id in the consumer configuration.";
