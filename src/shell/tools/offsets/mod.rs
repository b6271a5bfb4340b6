//! kafka-get-offsets (`org.apache.kafka.tools.GetOffsetShell`).

pub mod args;

use std::collections::BTreeMap;

use self::args::{Asked, occurred};
use super::Context;
use super::admin::{Admin, response, thrown};
use super::hosts::Done;
use super::kafka::properties;
use super::topics::requests;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::fanout::ListedOffsets;
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::Options;
use crate::sim::time::Time;

/// A run of kafka-get-offsets.
#[derive(Clone, Debug)]
pub struct Offsets {
    asked: Asked,
    config: Config,
    hosts: Vec<String>,
    admin: Option<Admin>,
}

/// What ends the tool: a sentence of its own, or an exception with its trace.
enum Failed {
    Said(String),
    Threw(Exception),
}

impl Offsets {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<Offsets, Done> {
        let asked = args::parse(args)?;
        let options = Options::parse(args::TABLE, args).map_err(occurred)?;
        let config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| occurred(error.text()))?,
            None => Config::new(),
        };
        Ok(Offsets { asked, config, hosts: hosts.to_vec(), admin: None })
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.admin.is_none() {
            match Admin::open(cx.now, &self.asked.servers, "GetOffsetShell", &self.config, &self.hosts, cx.print) {
                Ok(mut admin) => {
                    admin.ask(cx.now, "listTopics", Target::Any, requests::list());
                    self.admin = Some(admin);
                }
                Err(error) => return Some(fail(Failed::Threw(error), cx)),
            }
        }
        loop {
            let result = self.admin.as_mut()?.poll(cx)?;
            let flow = result.map_err(|error| Failed::Threw(error.in_execution())).and_then(|outcome| self.answered(outcome, cx));
            let status = match flow {
                Ok(false) => continue,
                Ok(true) => 0,
                Err(failed) => fail(failed, cx),
            };
            self.close(cx.out);
            return Some(status);
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

    /// Whether that was the last answer.
    fn answered(&mut self, outcome: Outcome, cx: &mut Context) -> Result<bool, Failed> {
        let outcome = match outcome {
            Outcome::Offsets(offsets) => {
                print(&offsets, cx);
                return Ok(true);
            }
            other => response(other).map_err(Failed::Threw)?,
        };
        let Response::Metadata(body) = outcome else {
            return Err(Failed::Threw(Exception::kafka(format!("An unexpected {} response", outcome.api().name()))));
        };
        let mut wanted = BTreeMap::new();
        for topic in body.topics.iter().filter(|topic| !(self.asked.exclude_internal && topic.is_internal)) {
            let Some(name) = &topic.name else { continue };
            for partition in &topic.partitions {
                let index = partition.partition_index;
                if self.asked.filters.iter().any(|filter| filter.takes(name.as_str(), index)) {
                    wanted.insert(TopicPartition::new(name.as_str(), index), self.asked.time);
                }
            }
        }
        if wanted.is_empty() {
            return Err(Failed::Said("Could not match any topic-partitions with the specified filters".into()));
        }
        let now = cx.now;
        if let Some(admin) = &mut self.admin {
            admin.begin(|client| client.list_offsets(now, wanted, 0));
        }
        Ok(false)
    }
}

/// A line for each partition that has such an offset, in their order.
fn print(offsets: &ListedOffsets, cx: &mut Context) {
    for (partition, listed) in offsets {
        match listed {
            Ok(listed) if listed.offset >= 0 => cx.print.line(format!("{}:{}:{}", partition.topic, partition.partition, listed.offset)),
            Ok(_) => {}
            Err(error) => {
                let error = thrown(error);
                cx.print.error(format!("Skip getting offsets for topic-partition {partition} due to error: {}", error.text()));
            }
        }
    }
}

fn fail(failed: Failed, cx: &mut Context) -> i32 {
    match failed {
        Failed::Said(said) => cx.print.error(format!("Error occurred: {said}")),
        Failed::Threw(error) => {
            cx.print.error(format!("Error occurred: {}", error.text()));
            cx.print.error(error.to_string());
        }
    }
    1
}
