//! kcat -L: brokers, topics and partitions as a broker tells them; kcat -Q: offsets by time.

use std::collections::BTreeMap;

use kafka_protocol::messages::metadata_request::MetadataRequestTopic;
use kafka_protocol::messages::metadata_response::MetadataResponseTopic;
use kafka_protocol::messages::{MetadataRequest, MetadataResponse, TopicName};

use super::args::{Asked, Mode};
use super::{broker_error, fatal};
use crate::kafka::actor::{Input, Outbox};
use crate::kafka::client::admin::{AdminClient, CallId, Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::tools::Context;
use crate::shell::tools::asking::Asking;
use crate::shell::tools::dump_log::schema::quoted;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::program::Program;
use crate::sim::time::Time;

/// A run of `kcat -L` or `kcat -Q`.
#[derive(Clone, Debug)]
pub struct List {
    asked: Asked,
    hosts: Vec<String>,
    asking: Option<Asking>,
    /// `-Q`: what is asked of which partition, in the order of the command line.
    wanted: Vec<(TopicPartition, i64)>,
}

impl List {
    pub fn start(asked: Asked, hosts: &[String]) -> List {
        List { asked, hosts: hosts.to_vec(), asking: None, wanted: Vec::new() }
    }

    fn open(&mut self, cx: &mut Context) -> Result<(), Done> {
        if self.asked.mode == Mode::Query {
            self.wanted = self.asked.topics.iter().map(|text| wanted(text)).collect::<Result<_, _>>()?;
        }
        let topics: Option<Vec<String>> = match self.asked.mode {
            Mode::Query => Some(self.wanted.iter().map(|(partition, _)| partition.topic.to_string()).collect()),
            _ => self.asked.topics.last().map(|topic| vec![topic.clone()]),
        };
        let now = cx.now;
        self.asking = Some(super::ask(&self.asked.servers, &self.hosts, cx, |client| ask_metadata(client, now, topics))?);
        Ok(())
    }

    /// Takes an answer; whether that was all.
    fn answered(&mut self, outcome: Outcome, cx: &mut Context) -> Result<bool, Done> {
        match outcome {
            Outcome::Response(Response::Metadata(body)) if self.asked.mode == Mode::List => {
                if self.asked.json {
                    cx.print.text(metadata_json(&body, &self.asked));
                    cx.print.line("");
                } else {
                    metadata_lines(&body, &self.asked).into_iter().for_each(|line| cx.print.line(line));
                }
                Ok(true)
            }
            Outcome::Response(Response::Metadata(body)) => {
                let exists = |partition: &TopicPartition| {
                    let topic =
                        body.topics.iter().find(|topic| topic.name.as_ref().is_some_and(|name| name.0.as_str() == &*partition.topic));
                    topic.is_some_and(|topic| topic.partitions.iter().any(|found| found.partition_index == partition.partition))
                };
                if !self.wanted.iter().all(|(partition, _)| exists(partition)) {
                    return Err(fatal("offsets_for_times failed: Local: Unknown partition"));
                }
                let (now, wanted) = (cx.now, self.wanted.clone());
                if let Some(asking) = &mut self.asking {
                    // Of a partition that is asked for twice, the last question counts.
                    asking.ask(|client| client.list_offsets(now, wanted.into_iter().collect::<BTreeMap<_, _>>(), 0));
                }
                Ok(false)
            }
            Outcome::Offsets(listed) => {
                let mut wanted = self.wanted.clone();
                wanted.sort_by(|a, b| a.0.cmp(&b.0));
                for (partition, _) in wanted {
                    let head = format!("{} [{}] offset", partition.topic, partition.partition);
                    match listed.get(&partition) {
                        Some(Ok(found)) => cx.print.line(format!("{head} {}", found.offset)),
                        Some(Err(error)) => cx.print.line(format!("{head} -1001: {}", broker_error(error.code))),
                        None => {}
                    }
                }
                Ok(true)
            }
            _ => Err(fatal("Local: Bad message format")),
        }
    }
}

impl Program for List {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        let opened = if self.asking.is_none() { self.open(cx) } else { Ok(()) };
        let mut result = opened.map(|()| false);
        while let (Ok(false), Some(asking)) = (&result, &mut self.asking) {
            let answer = asking.poll(cx)?;
            result = super::answer(answer).and_then(|outcome| self.answered(outcome, cx));
        }
        self.kill(cx.out);
        Some(match result {
            Ok(_) => 0,
            Err(said) => {
                said.err.iter().for_each(|line| cx.print.error(line));
                said.status
            }
        })
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(asking) = &mut self.asking {
            asking.input(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.asking.as_ref().is_some_and(|asking| asking.owns(input))
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(asking) = &mut self.asking {
            asking.close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.asking.as_ref()?.next_wake()
    }
}

/// Asks any broker for topics, or for all of them.
pub fn ask_metadata(client: &mut AdminClient, now: Time, topics: Option<Vec<String>>) -> CallId {
    let topic = |name: String| MetadataRequestTopic::default().with_name(Some(TopicName(name.into())));
    let topics = topics.map(|names| names.into_iter().map(topic).collect());
    let request = MetadataRequest::default().with_topics(topics).with_allow_auto_topic_creation(false);
    client.call(now, "metadata", Target::Any, request)
}

/// `topic:partition:time`
fn wanted(text: &str) -> Result<(TopicPartition, i64), Done> {
    let mut parts = text.rsplitn(3, ':');
    let parsed = (|| {
        let (time, partition, topic) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?);
        Some((TopicPartition::new(topic, partition), time))
    })();
    parsed.ok_or_else(|| fatal(format!("-t <topic>:<partition>:<timestamp> expected, not {text}")))
}

/// The broker that is said to have answered: the one of the first address, by its name.
fn originator(body: &MetadataResponse, asked: &Asked) -> (i32, String) {
    let first = asked.servers.split(',').next().unwrap_or_default().trim();
    let broker = body.brokers.iter().find(|broker| format!("{}:{}", broker.host.as_str(), broker.port) == first);
    broker.map_or((-1, format!("{first}/bootstrap")), |broker| (broker.node_id.0, format!("{first}/{}", broker.node_id.0)))
}

fn topic_name(topic: &MetadataResponseTopic) -> &str {
    topic.name.as_ref().map_or("", |name| name.0.as_str())
}

fn metadata_lines(body: &MetadataResponse, asked: &Asked) -> Vec<String> {
    let (id, name) = originator(body, asked);
    let mut lines = vec![format!("Metadata for {} (from broker {id}: {name}):", asked.topics.last().map_or("all topics", String::as_str))];
    lines.push(format!(" {} brokers:", body.brokers.len()));
    for broker in &body.brokers {
        let controller = if broker.node_id == body.controller_id { " (controller)" } else { "" };
        lines.push(format!("  broker {} at {}:{}{controller}", broker.node_id.0, broker.host.as_str(), broker.port));
    }
    lines.push(format!(" {} topics:", body.topics.len()));
    for topic in &body.topics {
        let error = if topic.error_code == 0 { String::new() } else { format!(" {}", broker_error(topic.error_code)) };
        lines.push(format!("  topic \"{}\" with {} partitions:{error}", topic_name(topic), topic.partitions.len()));
        for partition in &topic.partitions {
            let ids = |ids: &[kafka_protocol::messages::BrokerId]| ids.iter().map(|id| id.0.to_string()).collect::<Vec<_>>().join(",");
            let error = if partition.error_code == 0 { String::new() } else { format!(", {}", broker_error(partition.error_code)) };
            lines.push(format!(
                "    partition {}, leader {}, replicas: {}, isrs: {}{error}",
                partition.partition_index,
                partition.leader_id.0,
                ids(&partition.replica_nodes),
                ids(&partition.isr_nodes)
            ));
        }
    }
    lines
}

fn metadata_json(body: &MetadataResponse, asked: &Asked) -> String {
    let (id, name) = originator(body, asked);
    let broker = |broker: &kafka_protocol::messages::metadata_response::MetadataResponseBroker| {
        format!(r#"{{"id":{},"name":{}}}"#, broker.node_id.0, quoted(&format!("{}:{}", broker.host.as_str(), broker.port)))
    };
    let error = |code: i16| if code == 0 { String::new() } else { format!(r#""error":{},"#, quoted(&broker_error(code))) };
    let ids =
        |ids: &[kafka_protocol::messages::BrokerId]| ids.iter().map(|id| format!(r#"{{"id":{}}}"#, id.0)).collect::<Vec<_>>().join(",");
    let partition = |partition: &kafka_protocol::messages::metadata_response::MetadataResponsePartition| {
        format!(
            r#"{{"partition":{},{}"leader":{},"replicas":[{}],"isrs":[{}]}}"#,
            partition.partition_index,
            error(partition.error_code),
            partition.leader_id.0,
            ids(&partition.replica_nodes),
            ids(&partition.isr_nodes)
        )
    };
    let topic = |topic: &MetadataResponseTopic| {
        let partitions: Vec<String> = topic.partitions.iter().map(partition).collect();
        format!(r#"{{"topic":{},{}"partitions":[{}]}}"#, quoted(topic_name(topic)), error(topic.error_code), partitions.join(","))
    };
    let brokers: Vec<String> = body.brokers.iter().map(broker).collect();
    let topics: Vec<String> = body.topics.iter().map(topic).collect();
    format!(
        r#"{{"originating_broker":{{"id":{id},"name":{}}},"query":{{"topic":{}}},"controllerid":{},"brokers":[{}],"topics":[{}]}}"#,
        quoted(&name),
        quoted(asked.topics.last().map_or("*", String::as_str)),
        body.controller_id.0,
        brokers.join(","),
        topics.join(",")
    )
}
