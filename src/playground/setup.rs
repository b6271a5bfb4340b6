//! Creates the described topics through a real CreateTopics request, as an operator would before the clients start.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use kafka_protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::spec::TopicSpec;
use crate::kafka::actor::{HostPort, Input, Outbox};
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::frame::{Body, Frame};
use crate::sim::process::{Boot, ConnId};
use crate::sim::time::{Duration, Time};

/// What is to be created, and where to ask.
#[derive(Clone, Debug)]
pub struct SetupSpec {
    pub bootstrap: Vec<HostPort>,
    pub topics: Vec<TopicSpec>,
}

/// A controller refuses a request for more new partitions than this (`QuorumController.MAX_RECORDS_PER_USER_OP`, with room for topics and
/// their configurations).
const MAX_PARTITIONS: u32 = 9_000;
/// How long to wait before asking for what did not work yet.
const RETRY: Duration = Duration::ms(200);
/// How long the brokers may take (`request.timeout.ms`).
const TIMEOUT_MS: i32 = 30_000;

/// Asks until every topic is there, and then ends.
#[derive(Clone, Debug)]
pub struct Setup {
    spec: SetupSpec,
    missing: Vec<TopicSpec>,
    refused: Option<String>,
    conn: Option<ConnId>,
    asked: usize,
    retry: Option<Time>,
}

impl Setup {
    pub fn new(spec: &SetupSpec, _boot: &Boot) -> Setup {
        Setup { spec: spec.clone(), missing: spec.topics.clone(), refused: None, conn: None, asked: 0, retry: None }
    }

    /// Why a topic can't be created, in the cluster's own words.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }

    pub fn step(&mut self, now: Time, input: Input, out: &mut Outbox) {
        match input {
            Input::Start => self.connect(out),
            Input::Wake if self.retry.is_some_and(|at| at <= now) => {
                self.retry = None;
                self.connect(out);
            }
            Input::Connected(conn) => out.send(conn, Frame::request(0, "setup", request(self.at_once()))),
            Input::Frame(conn, frame) => {
                out.close(conn);
                self.conn = None;
                let before = self.missing.len();
                if let Body::Response(Response::CreateTopics(response)) = &frame.body {
                    self.answered(response);
                }
                match (self.missing.is_empty(), &self.refused) {
                    (true, _) => out.exit(0),
                    (false, None) if self.missing.len() < before => self.connect(out),
                    (false, None) => self.retry = Some(now + RETRY),
                    (false, Some(_)) => {}
                }
            }
            Input::Closed(conn, _) if self.conn == Some(conn) => self.retry = Some(now + RETRY),
            Input::Terminate => out.exit(0),
            _ => {}
        }
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.retry
    }

    /// One broker after the other.
    fn connect(&mut self, out: &mut Outbox) {
        if self.missing.is_empty() {
            return out.exit(0);
        }
        let at = &self.spec.bootstrap[self.asked % self.spec.bootstrap.len()];
        self.asked += 1;
        self.conn = Some(out.connect(&at.host, at.port));
    }

    /// The next topics that one request may create.
    fn at_once(&self) -> &[TopicSpec] {
        let mut partitions = 0;
        let fits = |topic: &&TopicSpec| {
            partitions += topic.partitions;
            partitions <= MAX_PARTITIONS
        };
        let count = self.missing.iter().take_while(fits).count();
        // One topic alone is the controller's to refuse.
        &self.missing[..count.max(1).min(self.missing.len())]
    }

    fn answered(&mut self, response: &CreateTopicsResponse) {
        for topic in &response.topics {
            let error = ResponseError::try_from_code(topic.error_code);
            match error {
                None | Some(ResponseError::TopicAlreadyExists) => self.missing.retain(|missing| *missing.name != *topic.name.as_str()),
                // Brokers still register.
                Some(ResponseError::InvalidReplicationFactor) => {}
                Some(error) if error.is_retriable() => {}
                Some(error) => {
                    let message = topic.error_message.as_ref().map_or_else(|| error.to_string(), |text| text.to_string());
                    self.refused = Some(format!("{}: {message}", topic.name.as_str()));
                }
            }
        }
    }
}

fn request(topics: &[TopicSpec]) -> CreateTopicsRequest {
    let text = |text: &str| StrBytes::from_string(text.to_owned());
    let topics = topics.iter().map(|topic| {
        let configs =
            topic.config.iter().map(|(name, value)| CreatableTopicConfig::default().with_name(text(name)).with_value(Some(text(value))));
        CreatableTopic::default()
            .with_name(TopicName(text(&topic.name)))
            .with_num_partitions(topic.partitions as i32)
            .with_replication_factor(topic.replication_factor as i16)
            .with_configs(configs.collect())
    });
    CreateTopicsRequest::default().with_topics(topics.collect()).with_timeout_ms(TIMEOUT_MS)
}
