//! `--delete-offsets`: a group's offsets of some topics or partitions.

use std::collections::BTreeSet;

use kafka_protocol::messages::offset_delete_request::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};
use kafka_protocol::messages::{DescribeTopicPartitionsResponse, GroupId, OffsetDeleteRequest, OffsetDeleteResponse, TopicName};

use super::{Flow, unexpected};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::java::exception::Exception;
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, response};
use crate::shell::tools::topics::requests::partitions;

/// What `--topic` arguments mean (`OffsetsUtils.parseTopicsWithPartitions`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// `orders:1,2`.
    pub partitions: Vec<TopicPartition>,
    /// `orders`: all its partitions.
    pub topics: Vec<String>,
}

impl Wanted {
    /// # Errors
    /// An argument that names partitions in a way that is none.
    pub fn read(args: &[String]) -> Result<Wanted, Exception> {
        let mut wanted = Wanted::default();
        for arg in args {
            if !arg.contains(':') {
                if !wanted.topics.contains(arg) {
                    wanted.topics.push(arg.clone());
                }
                continue;
            }
            // As Java's split: empty strings at the end do not count.
            let parts: Vec<&str> = arg.trim_end_matches(':').split(':').collect();
            let [topic, partitions] = parts[..] else {
                return Err(Exception::illegal_argument(format!("Invalid topic arg '{arg}', expected topic name and partitions")));
            };
            for text in partitions.split(',') {
                let partition = text
                    .parse()
                    .map_err(|_| Exception::illegal_argument(format!("Invalid partition '{text}' specified in topic arg '{arg}''")))?;
                wanted.partitions.push(TopicPartition::new(topic, partition));
            }
        }
        Ok(wanted)
    }
}

/// A deletion under way.
#[derive(Clone, Debug)]
pub struct DeleteOffsets {
    group: String,
    wanted: Wanted,
    /// Whose offsets are to be deleted.
    partitions: BTreeSet<TopicPartition>,
    /// Topics that could not be described.
    unknown: Vec<(String, Exception)>,
    /// The request that deletes is under way.
    deleting: bool,
}

/// A line of the table.
type Row = (TopicPartition, Result<(), Exception>);

impl DeleteOffsets {
    pub fn new(group: String, wanted: Wanted) -> DeleteOffsets {
        let partitions = wanted.partitions.iter().cloned().collect();
        DeleteOffsets { group, wanted, partitions, unknown: Vec::new(), deleting: false }
    }

    pub fn begin(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        if self.wanted.topics.is_empty() {
            return self.delete(admin, cx);
        }
        // The client looks for brokers first.
        admin.ask(cx.now, "listNodes", Target::Any, partitions(&self.wanted.topics, None));
        Ok(None)
    }

    pub fn answered(&mut self, result: Result<Outcome, Exception>, admin: &mut Admin, cx: &mut Context) -> Flow {
        match result.and_then(response) {
            Ok(Response::DescribeTopicPartitions(body)) => self.described(&body, admin, cx),
            Ok(Response::OffsetDelete(body)) => {
                self.deleted(&body, cx);
                Ok(Some(0))
            }
            Ok(other) => Err(unexpected(other.api())),
            Err(error) if !self.deleting => {
                self.unknown.extend(self.wanted.topics.iter().map(|topic| (topic.clone(), error.clone())));
                self.delete(admin, cx)
            }
            // Whatever fails, fails for each partition.
            Err(error) => {
                let class = error.class.rsplit('.').next().unwrap_or_default();
                let code = crate::kafka::protocol::errors::of_exception(class).map_or(-1, |info| info.code);
                let rows = self.partitions.iter().map(|partition| (partition.clone(), Err(error.clone()))).collect();
                self.print(Some((code, &error)), rows, cx);
                Ok(Some(0))
            }
        }
    }

    fn described(&mut self, body: &DescribeTopicPartitionsResponse, admin: &mut Admin, cx: &mut Context) -> Flow {
        for topic in &body.topics {
            let Some(name) = topic.name.as_ref().map(|name| name.as_str()) else { continue };
            if topic.error_code != 0 {
                self.unknown.push((name.to_owned(), Exception::of(topic.error_code, None)));
            }
            self.partitions.extend(topic.partitions.iter().map(|partition| TopicPartition::new(name, partition.partition_index)));
        }
        match &body.next_cursor {
            Some(next) => {
                use kafka_protocol::messages::describe_topic_partitions_request::Cursor;
                let cursor = Cursor::default().with_topic_name(next.topic_name.clone()).with_partition_index(next.partition_index);
                admin.ask(cx.now, "describeTopics", Target::Any, partitions(&self.wanted.topics, Some(cursor)));
                Ok(None)
            }
            None => self.delete(admin, cx),
        }
    }

    fn delete(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        self.deleting = true;
        let mut topics: Vec<OffsetDeleteRequestTopic> = Vec::new();
        for TopicPartition { topic, partition } in &self.partitions {
            let partition = OffsetDeleteRequestPartition::default().with_partition_index(*partition);
            match topics.last_mut().filter(|known| known.name.as_str() == &**topic) {
                Some(known) => known.partitions.push(partition),
                None => topics.push(
                    OffsetDeleteRequestTopic::default().with_name(TopicName(topic.to_string().into())).with_partitions(vec![partition]),
                ),
            }
        }
        let request = OffsetDeleteRequest::default().with_group_id(GroupId(self.group.clone().into())).with_topics(topics);
        admin.ask(cx.now, "deleteConsumerGroupOffsets", Target::Coordinator(self.group.as_str().into()), request);
        Ok(None)
    }

    fn deleted(&mut self, body: &OffsetDeleteResponse, cx: &mut Context) {
        let mut rows: Vec<Row> = Vec::new();
        let mut worst = body.error_code;
        for partition in &self.partitions {
            let mut code = body.error_code;
            if code == 0 {
                let answered = body.topics.iter().filter(|topic| topic.name.as_str() == &*partition.topic);
                let answered = answered.flat_map(|topic| &topic.partitions).find(|known| known.partition_index == partition.partition);
                code = answered.map_or(-1, |known| known.error_code);
            }
            worst = if worst == 0 { code } else { worst };
            rows.push((partition.clone(), if code == 0 { Ok(()) } else { Err(Exception::of(code, None)) }));
        }
        let error = Exception::of(worst, None);
        self.print((worst != 0).then_some((worst, &error)), rows, cx);
    }

    /// The verdict on all, and a table. Lines are sorted by what they begin with.
    fn print(&mut self, error: Option<(i16, &Exception)>, mut rows: Vec<Row>, cx: &mut Context) {
        match error {
            None => cx.print.line(format!("Request succeeded for deleting offsets from group {}.", self.group)),
            Some((code, error)) => {
                cx.print.line("");
                cx.print.line(match code {
                    INVALID_GROUP_ID | GROUP_AUTHORIZATION_FAILED | NON_EMPTY_GROUP | GROUP_ID_NOT_FOUND => {
                        format!("Error: {}", error.text())
                    }
                    GROUP_SUBSCRIBED_TO_TOPIC | TOPIC_AUTHORIZATION_FAILED | UNKNOWN_TOPIC_OR_PARTITION => {
                        "Error: Encountered some partition-level error, see the follow-up details.".to_owned()
                    }
                    code => format!("Error: Encountered some unknown error: {}", crate::kafka::protocol::errors::info(code).name),
                });
            }
        }
        rows.extend(self.unknown.drain(..).map(|(topic, error)| (TopicPartition::new(topic.as_str(), -1), Err(error))));
        rows.sort_by_key(|(partition, _)| format!("{}{}", partition.topic, partition.partition));
        let width = rows.iter().map(|(partition, _)| partition.topic.chars().count()).fold(15, usize::max);
        cx.print.line("");
        cx.print.line(format!("{:<width$} {:<10} {:<15}", "TOPIC", "PARTITION", "STATUS"));
        for (partition, result) in rows {
            let number = if partition.partition < 0 { "-".to_owned() } else { partition.partition.to_string() };
            let status = result.map_or_else(|error| format!("Error: {error}"), |()| "Successful".to_owned());
            cx.print.line(format!("{:<width$} {number:<10} {status:<15}", partition.topic));
        }
    }
}

const UNKNOWN_TOPIC_OR_PARTITION: i16 = 3;
const INVALID_GROUP_ID: i16 = 24;
const TOPIC_AUTHORIZATION_FAILED: i16 = 29;
const GROUP_AUTHORIZATION_FAILED: i16 = 30;
const NON_EMPTY_GROUP: i16 = 68;
const GROUP_ID_NOT_FOUND: i16 = 69;
const GROUP_SUBSCRIBED_TO_TOPIC: i16 = 86;
