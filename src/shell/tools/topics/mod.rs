//! kafka-topics (`org.apache.kafka.tools.TopicCommand`).
//!
//! * [`args`]: its options
//! * [`describe`]: what `--describe` prints
//! * [`requests`]: what it asks the cluster, and what it reads from the answers

pub mod args;
pub mod describe;
pub mod requests;

use self::args::{Wanted, wanted};
use self::describe::{Description, Report};
use self::requests::Listed;
use super::Context;
use super::admin::{Admin, response};
use super::hosts::Done;
use super::kafka::{message_and_trace, properties};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::Response;
use crate::kafka::protocol::topic_name;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::Options;
use crate::sim::time::Time;

/// A run of kafka-topics.
#[derive(Clone, Debug)]
pub struct Topics {
    options: Options,
    config: Config,
    hosts: Vec<String>,
    at: At,
    admin: Option<Admin>,
    wanted: Wanted,
    /// Topics that the command is about, sorted.
    names: Vec<String>,
    described: Vec<Description>,
    live: Vec<BrokerId>,
}

/// Which answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    Create,
    List,
    Partitions,
    Configs,
    Cluster,
    Reassignments,
    CreatePartitions,
    Delete,
}

/// Whether the command is over.
type Flow = Result<Option<i32>, Exception>;

impl Topics {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<Topics, Done> {
        let options = args::parse(args)?;
        let config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| message_and_trace(&error))?,
            None => Config::new(),
        };
        Ok(Topics {
            options,
            config,
            hosts: hosts.to_vec(),
            at: At::Start,
            admin: None,
            wanted: Wanted::default(),
            names: Vec::new(),
            described: Vec::new(),
            live: Vec::new(),
        })
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.at == At::Start {
            let servers = self.options.all("bootstrap-server").collect::<Vec<_>>().join(",");
            match Admin::open(cx.now, &servers, "adminclient-1", &self.config, &self.hosts, cx.print) {
                Ok(admin) => self.admin = Some(admin),
                Err(error) => {
                    let done = message_and_trace(&error);
                    done.err.into_iter().for_each(|line| cx.print.error(line));
                    return Some(done.status);
                }
            }
            let flow = self.begin(cx);
            if let Some(status) = self.over(flow, cx) {
                return Some(status);
            }
        }
        loop {
            let result = self.admin.as_mut()?.poll(cx)?;
            let flow = result.map_err(|error| self.thrown(error)).and_then(|outcome| self.answered(outcome, cx));
            if let Some(status) = self.over(flow, cx) {
                return Some(status);
            }
        }
    }

    pub fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(admin) = &mut self.admin {
            admin.input(input, cx);
        }
    }

    pub fn owns(&self, input: &Input) -> bool {
        self.admin.as_ref().is_some_and(|admin| admin.owns(input))
    }

    pub fn next_wake(&self) -> Option<Time> {
        self.admin.as_ref()?.next_wake()
    }

    pub fn close(&mut self, out: &mut Outbox) {
        if let Some(admin) = &mut self.admin {
            admin.close(out);
        }
    }

    /// `listAllReassignments` throws what it caught within an exception of its own.
    fn thrown(&self, error: Exception) -> Exception {
        match self.at {
            At::Reassignments => Exception::new("java.lang.RuntimeException", error.in_execution().to_string()),
            _ => error,
        }
    }

    /// Ends the command, if that is it; says what was thrown (`TopicCommand.printException`).
    fn over(&mut self, flow: Flow, cx: &mut Context) -> Option<i32> {
        let status = match flow {
            Ok(status) => status?,
            Err(error) => {
                cx.print.line(format!("Error while executing topic command : {}", error.text()));
                cx.print.error(log::line(cx.now, "ERROR", &format!("{error}\n"), "org.apache.kafka.tools.TopicCommand"));
                1
            }
        };
        self.close(cx.out);
        Some(status)
    }

    fn begin(&mut self, cx: &mut Context) -> Flow {
        if self.options.has("create") {
            return self.create(cx);
        }
        if self.options.has("alter") {
            self.wanted = wanted(&self.options)?;
        }
        if self.options.has("topic-id") {
            requests::topic_id(&self.options)?;
        }
        self.ask(cx.now, At::List, "listTopics", requests::list());
        Ok(None)
    }

    fn create(&mut self, cx: &mut Context) -> Flow {
        self.wanted = wanted(&self.options)?;
        let wanted = &self.wanted;
        if topic_name::has_collision_chars(&wanted.name) {
            cx.print.line(
                "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.",
            );
        }
        if wanted.replication_factor.is_some_and(|factor| !(1..=i32::from(i16::MAX)).contains(&factor)) {
            return Err(Exception::illegal_argument("The replication factor must be between 1 and 32767 inclusive"));
        }
        if wanted.partitions.is_some_and(|partitions| partitions < 1) {
            return Err(Exception::illegal_argument("The partitions must be greater than 0"));
        }
        if wanted.name.is_empty() {
            return Err(Exception::of(17, Some("The given topic name '' cannot be represented in a request.")));
        }
        let request = requests::create(wanted, self.timeout_ms());
        self.ask(cx.now, At::Create, "createTopics", request);
        Ok(None)
    }

    fn answered(&mut self, outcome: Outcome, cx: &mut Context) -> Flow {
        let answer = response(outcome)?;
        match (self.at, answer) {
            (At::Create, Response::CreateTopics(body)) => self.created(&requests::created(&body), cx),
            (At::List, Response::Metadata(body)) => self.listed(requests::listed(&body), cx),
            (At::Partitions, Response::DescribeTopicPartitions(body)) => {
                let cursor = requests::add_partitions(&body, &mut self.described)?;
                if let Some(cursor) = cursor {
                    self.ask(cx.now, At::Partitions, "describeTopics", requests::partitions(&self.names, Some(cursor)));
                    return Ok(None);
                }
                self.described.sort_by(|a, b| a.name.cmp(&b.name));
                if self.options.has("alter") {
                    let request = requests::create_partitions(&self.wanted, &self.described, self.timeout_ms());
                    self.ask(cx.now, At::CreatePartitions, "createPartitions", request);
                } else {
                    self.ask(cx.now, At::Configs, "describeConfigs", requests::configs(&self.names));
                }
                Ok(None)
            }
            (At::Configs, Response::DescribeConfigs(body)) => {
                requests::add_configs(&body, &mut self.described)?;
                self.ask(cx.now, At::Cluster, "listNodes", requests::cluster());
                Ok(None)
            }
            (At::Cluster, Response::DescribeCluster(body)) => {
                self.live = body.brokers.iter().map(|broker| BrokerId(broker.broker_id.0)).collect();
                let request = requests::reassignments(&self.described, self.timeout_ms());
                self.ask(cx.now, At::Reassignments, "listPartitionReassignments", request);
                Ok(None)
            }
            (At::Reassignments, Response::ListPartitionReassignments(body)) => {
                requests::add_reassignments(&body, &mut self.described);
                let lines = describe::lines(std::mem::take(&mut self.described), Report::of(&self.options), &self.live);
                lines.into_iter().for_each(|line| cx.print.line(line));
                Ok(Some(0))
            }
            (At::CreatePartitions, Response::CreatePartitions(body)) => {
                requests::first_error(body.results.iter().map(|result| (result.error_code, result.error_message.as_deref())))
                    .map(|()| Some(0))
            }
            (At::Delete, Response::DeleteTopics(body)) => {
                requests::first_error(body.responses.iter().map(|result| (result.error_code, result.error_message.as_deref())))
                    .map(|()| Some(0))
            }
            (_, other) => Err(Exception::kafka(format!("An unexpected {} response", other.api().name()))),
        }
    }

    fn created(&mut self, result: &Result<(), Exception>, cx: &mut Context) -> Flow {
        match result {
            Ok(()) => {
                cx.print.line(format!("Created topic {}.", self.wanted.name));
                Ok(Some(0))
            }
            Err(error) if self.options.has("if-not-exists") && error.class.ends_with(".TopicExistsException") => Ok(Some(0)),
            Err(error) => Err(error.clone()),
        }
    }

    fn listed(&mut self, topics: Vec<Listed>, cx: &mut Context) -> Flow {
        self.names = requests::chosen(&topics, &self.options)?;
        if self.options.has("list") {
            cx.print.line(self.names.join("\n"));
            return Ok(Some(0));
        }
        if self.names.is_empty() {
            let missing = match (requests::topic_id(&self.options)?, self.options.one("topic").ok().flatten()) {
                (Some(_), _) => {
                    Some(format!("TopicId '{}' does not exist as expected", self.options.all("topic-id").last().unwrap_or_default()))
                }
                (None, Some(topic)) => Some(format!("Topic '{topic}' does not exist as expected")),
                (None, None) => None,
            };
            return match missing {
                Some(message) if !self.options.has("if-exists") => Err(Exception::illegal_argument(message)),
                _ => Ok(Some(0)),
            };
        }
        if self.options.has("delete") {
            let request = requests::delete(&self.names, self.timeout_ms());
            self.ask(cx.now, At::Delete, "deleteTopics", request);
        } else {
            self.ask(cx.now, At::Partitions, "describeTopics", requests::partitions(&self.names, None));
        }
        Ok(None)
    }

    fn ask(&mut self, now: Time, at: At, name: &str, request: impl Into<crate::kafka::protocol::api::Request>) {
        self.at = at;
        if let Some(admin) = &mut self.admin {
            admin.ask(now, name, Target::Any, request);
        }
    }

    fn timeout_ms(&self) -> i32 {
        self.admin.as_ref().map_or(30_000, Admin::request_timeout_ms)
    }
}
