//! `--reset-offsets` (`ConsumerGroupService.resetOffsets`): group by group, first where to ([`scenario`]), then, with `--execute`, a commit.

mod scenario;

use std::collections::{BTreeSet, VecDeque};

use kafka_protocol::messages::DescribeTopicPartitionsResponse;
use kafka_protocol::messages::describe_topic_partitions_request::Cursor;

use super::args::Groups as Which;
use super::commit::{commit, committed};
use super::delete_offsets::Wanted;
use super::plan::{self, Offsets};
use super::requests;
use super::{Flow, in_runtime, tables, unexpected};
use crate::kafka::client::admin::fanout::ListedOffsets;
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::options::{OptionError, Options};
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, response};
use crate::shell::tools::topics::requests::partitions as describe_topics;

/// The scenarios, by option.
pub const SCENARIOS: &[&str] =
    &["to-offset", "to-datetime", "by-duration", "to-earliest", "to-latest", "to-current", "shift-by", "from-file"];

/// A reset under way.
#[derive(Clone, Debug)]
pub struct Reset {
    which: Which,
    scenario: Option<Scenario>,
    /// `None`: all topics that a group has offsets of.
    topics: Option<Vec<String>>,
    execute: bool,
    export: bool,
    files: Files,

    at: At,
    /// Groups that are still to be reset; the front one is being worked on.
    ahead: VecDeque<String>,
    work: Work,
    done: Vec<(String, Offsets)>,
}

/// Where offsets are reset to.
#[derive(Clone, Debug)]
enum Scenario {
    ToOffset(i64),
    ToEarliest,
    ToLatest,
    ShiftBy(i64),
    ToDatetime(String),
    ByDuration(String),
    FromFile(String),
    ToCurrent,
}

/// Which answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    List,
    Describe,
    /// The offsets of a group whose topics were not named.
    AllTopics,
    Topics,
    Current,
    /// Offsets by the scenario's time; the ends where there is none so late.
    ByTime,
    Ends,
    /// Between which offsets the wanted ones must be.
    Earliest,
    Latest,
    Commit,
}

/// What is known of the group that is being worked on.
#[derive(Clone, Debug, Default)]
struct Work {
    wanted: Wanted,
    partitions: Vec<TopicPartition>,
    known: BTreeSet<TopicPartition>,
    without_leader: BTreeSet<TopicPartition>,
    requested: Offsets,
    starts: ListedOffsets,
    prepared: Offsets,
}

impl Reset {
    /// # Errors
    /// A number that is none.
    pub fn new(which: Which, options: &Options, files: &Files) -> Result<Reset, Exception> {
        let thrown = |error: OptionError| Exception::new(error.class(), error.to_string());
        let text = |name| options.one(name).map(|text| text.map(str::to_owned)).map_err(thrown);
        let scenario = if let Some(offset) = options.number("to-offset").map_err(thrown)? {
            Some(Scenario::ToOffset(offset))
        } else if options.has("to-earliest") {
            Some(Scenario::ToEarliest)
        } else if options.has("to-latest") {
            Some(Scenario::ToLatest)
        } else if let Some(by) = options.number("shift-by").map_err(thrown)? {
            Some(Scenario::ShiftBy(by))
        } else if let Some(time) = text("to-datetime")? {
            Some(Scenario::ToDatetime(time))
        } else if let Some(duration) = text("by-duration")? {
            Some(Scenario::ByDuration(duration))
        } else if let Some(path) = text("from-file")? {
            Some(Scenario::FromFile(path))
        } else {
            options.has("to-current").then_some(Scenario::ToCurrent)
        };
        Ok(Reset {
            which,
            scenario,
            topics: (!options.has("all-topics")).then(|| options.all("topic").map(str::to_owned).collect()),
            execute: options.has("execute") && !options.has("dry-run"),
            export: options.has("export"),
            files: files.clone(),
            at: At::List,
            ahead: VecDeque::new(),
            work: Work::default(),
            done: Vec::new(),
        })
    }

    pub fn begin(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        match &self.which {
            Which::Named(names) => {
                self.ahead = names.iter().cloned().collect();
                self.next_group(admin, cx)
            }
            Which::All => {
                let now = cx.now;
                admin.begin(|client| client.list_groups(now, requests::list(&[], &[])));
                Ok(None)
            }
        }
    }

    pub fn answered(&mut self, result: Result<Outcome, Exception>, admin: &mut Admin, cx: &mut Context) -> Flow {
        let outcome = match (self.at, result) {
            (At::List, Ok(Outcome::Groups(groups))) => {
                self.ahead = requests::listed(&groups).into_iter().map(|group| group.group).collect();
                return self.next_group(admin, cx);
            }
            (_, Ok(Outcome::Offsets(offsets))) => return self.listed(offsets, admin, cx),
            (_, Ok(outcome)) => response(outcome)?,
            (At::List | At::Describe | At::Current | At::AllTopics, Err(error)) => return Err(in_runtime(&error)),
            (_, Err(error)) => return Err(error),
        };
        match (self.at, outcome) {
            (At::Describe, Response::ConsumerGroupDescribe(body)) => match requests::consumer_described(&body) {
                Ok(None) => {
                    let Some(group) = self.ahead.front() else { return Ok(None) };
                    let target = Target::Coordinator(group.as_str().into());
                    admin.ask(cx.now, "describeConsumerGroups", target, requests::describe_classic(group));
                    Ok(None)
                }
                Ok(Some(described)) => self.group_described(described, admin, cx),
                Err(error) => Err(in_runtime(&error)),
            },
            (At::Describe, Response::DescribeGroups(body)) => match requests::described(&body) {
                Ok(described) => self.group_described(described, admin, cx),
                Err(error) if !error.class.ends_with(".GroupIdNotFoundException") => Err(in_runtime(&error)),
                Err(_) => self.partitions_to_reset(admin, cx),
            },
            (At::AllTopics, Response::OffsetFetch(body)) => {
                let committed = requests::offsets(&body).map_err(|error| in_runtime(&error))?;
                self.work.wanted = Wanted { partitions: committed.into_keys().collect(), topics: Vec::new() };
                self.describe_topics(None, admin, cx)
            }
            (At::Topics, Response::DescribeTopicPartitions(body)) => self.described(&body, admin, cx),
            (At::Current, Response::OffsetFetch(body)) => {
                let committed = requests::offsets(&body).map_err(|error| in_runtime(&error))?;
                self.reset_from_current(&committed, admin, cx)
            }
            (At::Commit, Response::OffsetCommit(body)) => {
                committed(&body)?;
                let prepared = std::mem::take(&mut self.work.prepared);
                self.group_done(prepared, admin, cx)
            }
            (_, other) => Err(unexpected(other.api())),
        }
    }

    /// Only a group without members can be reset.
    fn group_described(&mut self, described: requests::Described, admin: &mut Admin, cx: &mut Context) -> Flow {
        if matches!(described.state.as_str(), "Empty" | "Dead") {
            return self.partitions_to_reset(admin, cx);
        }
        let group = described.group;
        cx.print.line("");
        cx.print.line(format!(
            "Error: Assignments can only be reset if the group '{group}' is inactive, but the current state is {}.",
            described.state
        ));
        self.group_done(Vec::new(), admin, cx)
    }

    fn next_group(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        // Kafka walks through its map of groups.
        let ahead = hash::order(std::mem::take(&mut self.ahead), 16, |group| java_string_hash(group));
        self.ahead = ahead.into();
        self.describe_front(admin, cx)
    }

    fn describe_front(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        let Some(group) = self.ahead.front().cloned() else {
            self.print(cx);
            return Ok(Some(0));
        };
        self.work = Work::default();
        self.at = At::Describe;
        admin.ask(cx.now, "describeConsumerGroups", Target::Coordinator(group.as_str().into()), requests::describe(&group));
        Ok(None)
    }

    /// `getPartitionsToReset`.
    fn partitions_to_reset(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        match &self.topics {
            None => self.ask_committed(At::AllTopics, admin, cx),
            Some(topics) if !topics.is_empty() => {
                self.work.wanted = Wanted::read(topics)?;
                self.describe_topics(None, admin, cx)
            }
            Some(_) if matches!(self.scenario, Some(Scenario::FromFile(_))) => self.prepare(admin, cx),
            Some(_) => Err(Exception::illegal_argument("One of the reset scopes should be defined: --all-topics, --topic.")),
        }
    }

    fn ask_committed(&mut self, at: At, admin: &mut Admin, cx: &mut Context) -> Flow {
        self.at = at;
        let Some(group) = self.ahead.front() else { return Ok(Some(0)) };
        admin.ask(cx.now, "listConsumerGroupOffsets", Target::Coordinator(group.as_str().into()), requests::committed(group));
        Ok(None)
    }

    /// Asks which partitions there are: of topics that were named without, and whether the named ones exist and have leaders.
    fn describe_topics(&mut self, cursor: Option<Cursor>, admin: &mut Admin, cx: &mut Context) -> Flow {
        let wanted = &self.work.wanted;
        let mut topics: BTreeSet<String> = wanted.topics.iter().cloned().collect();
        topics.extend(wanted.partitions.iter().map(|partition| partition.topic.to_string()));
        if topics.is_empty() {
            return self.prepare(admin, cx);
        }
        self.at = At::Topics;
        let topics: Vec<String> = topics.into_iter().collect();
        admin.ask(cx.now, "describeTopics", Target::Any, describe_topics(&topics, cursor));
        Ok(None)
    }

    fn described(&mut self, body: &DescribeTopicPartitionsResponse, admin: &mut Admin, cx: &mut Context) -> Flow {
        for topic in &body.topics {
            let Some(name) = topic.name.as_ref().map(|name| name.as_str()) else { continue };
            if topic.error_code != 0 {
                let error = Exception::of(topic.error_code, None);
                let whole = self.work.wanted.topics.iter().any(|wanted| wanted == name);
                return Err(if whole { error } else { in_runtime(&error) });
            }
            for partition in &topic.partitions {
                let at = TopicPartition::new(name, partition.partition_index);
                if partition.leader_id.0 < 0 {
                    self.work.without_leader.insert(at.clone());
                }
                self.work.known.insert(at);
            }
        }
        if let Some(next) = &body.next_cursor {
            let cursor = Cursor::default().with_topic_name(next.topic_name.clone()).with_partition_index(next.partition_index);
            return self.describe_topics(Some(cursor), admin, cx);
        }
        let Work { wanted, known, .. } = &self.work;
        let whole = wanted.topics.iter().flat_map(|topic| known.iter().filter(move |at| *at.topic == **topic));
        self.work.partitions = wanted.partitions.iter().chain(whole).cloned().collect();
        self.check_partitions()?;
        self.prepare(admin, cx)
    }

    /// `checkAllTopicPartitionsValid`.
    fn check_partitions(&self) -> Result<(), Exception> {
        let Work { partitions, known, without_leader, .. } = &self.work;
        let named = |chosen: Vec<&TopicPartition>| chosen.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let missing: Vec<&TopicPartition> = partitions.iter().filter(|at| !known.contains(at)).collect();
        if !missing.is_empty() {
            return Err(Exception::of(3, Some(&format!("The partitions \"{}\" do not exist", named(missing)))));
        }
        let leaderless: Vec<&TopicPartition> = without_leader.iter().filter(|at| partitions.contains(at)).collect();
        if !leaderless.is_empty() {
            return Err(Exception::of(5, Some(&format!("The partitions \"{}\" have no leader", named(leaderless)))));
        }
        Ok(())
    }

    /// It is known where to: commit it, if that was asked for.
    fn prepared(&mut self, prepared: Offsets, admin: &mut Admin, cx: &mut Context) -> Flow {
        let prepared = in_map_order(prepared);
        let Some(group) = self.ahead.front().filter(|_| self.execute && !prepared.is_empty()) else {
            return self.group_done(prepared, admin, cx);
        };
        let target = Target::Coordinator(group.as_str().into());
        admin.ask(cx.now, "alterConsumerGroupOffsets", target, commit(group, &prepared));
        self.at = At::Commit;
        self.work.prepared = prepared;
        Ok(None)
    }

    fn group_done(&mut self, offsets: Offsets, admin: &mut Admin, cx: &mut Context) -> Flow {
        if let Some(group) = self.ahead.pop_front() {
            self.done.push((group, offsets));
        }
        self.describe_front(admin, cx)
    }

    fn print(&mut self, cx: &mut Context) {
        let named = match &self.which {
            Which::Named(names) => names.len(),
            Which::All => 0,
        };
        let lines = if self.export {
            plan::export(&self.done, named).into_iter().chain([String::new()]).collect()
        } else {
            tables::reset(&self.done)
        };
        lines.into_iter().for_each(|line| cx.print.line(line));
    }
}

/// As a Java map of partitions gives them back.
fn in_map_order(offsets: Offsets) -> Offsets {
    hash::order(offsets, 16, |(at, _)| hash::of_partition(at))
}
