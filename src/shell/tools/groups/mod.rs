//! kafka-consumer-groups (`org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`): `--list` and `--describe`.
//!
//! * [`args`]: its options
//! * [`tables`]: what it prints
//! * [`requests`]: what it asks the cluster, and what it reads from the answers

pub mod args;
pub mod requests;
pub mod tables;

use std::collections::{BTreeMap, VecDeque};

use self::args::{Action, Groups as Which, View};
use self::requests::Described;
use super::Context;
use super::admin::{Admin, response};
use super::hosts::Done;
use super::kafka::properties;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::fanout::{LATEST_TIMESTAMP, ListedOffsets};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::sim::time::Time;

/// A run of kafka-consumer-groups.
#[derive(Clone, Debug)]
pub struct Groups {
    action: Action,
    servers: String,
    config: Config,
    hosts: Vec<String>,
    at: At,
    admin: Option<Admin>,
    /// Groups that are still to be asked about, in this stage.
    ahead: VecDeque<String>,
    described: Vec<Described>,
}

/// Which answer is waited for; of several groups it is the front of `ahead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Start,
    List,
    Describe,
    Coordinator,
    Committed,
    Ends,
}

type Flow = Result<Option<i32>, Exception>;

impl Groups {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<Groups, Done> {
        let (options, action) = args::parse(args)?;
        let failed = |error: &Exception| {
            let out = vec![String::new(), format!("Error: Executing consumer group command failed due to {}", error.text())];
            Done { out, err: vec![error.to_string()], ..Done::default() }
        };
        let mut config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| failed(&error))?,
            None => Config::new(),
        };
        // Each call has this time (`withTimeoutMs`).
        let timeout_ms: u64 = options.number("timeout").ok().flatten().unwrap_or(5_000);
        config.insert("default.api.timeout.ms".into(), timeout_ms.to_string());
        let request_ms = config.get("request.timeout.ms").and_then(|ms| ms.parse().ok()).unwrap_or(30_000);
        config.insert("request.timeout.ms".into(), timeout_ms.min(request_ms).to_string());
        let servers = options.all("bootstrap-server").collect::<Vec<_>>().join(",");
        let (hosts, ahead, described) = (hosts.to_vec(), VecDeque::new(), Vec::new());
        Ok(Groups { action, servers, config, hosts, at: At::Start, admin: None, ahead, described })
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.at == At::Start {
            let opened = Admin::open(cx.now, &self.servers, "adminclient-1", &self.config, &self.hosts, cx.print);
            let flow = opened.map(|admin| {
                self.admin = Some(admin);
                self.begin(cx);
                None
            });
            if let Some(status) = self.over(flow, cx) {
                return Some(status);
            }
        }
        loop {
            let result = self.admin.as_mut()?.poll(cx)?;
            let listing = self.at == At::List;
            let flow = result.map_err(|error| if listing { in_runtime(&error) } else { error.in_execution() });
            let flow = flow.and_then(|outcome| self.answered(outcome, cx));
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

    /// Ends the command, if that is it. What was thrown is said, and is no failure (`ConsumerGroupCommand.printError`).
    fn over(&mut self, flow: Flow, cx: &mut Context) -> Option<i32> {
        let status = match flow {
            Ok(status) => status?,
            Err(error) => {
                cx.print.line("");
                cx.print.line(format!("Error: Executing consumer group command failed due to {}", error.text()));
                cx.print.error(error.to_string());
                0
            }
        };
        self.close(cx.out);
        Some(status)
    }

    fn begin(&mut self, cx: &mut Context) {
        match &self.action {
            Action::Describe { groups: Which::Named(names), .. } => {
                self.ahead = names.iter().cloned().collect();
                self.next(At::Describe, cx);
            }
            Action::List { states, types } => {
                let request = requests::list(&states.only, &types.only);
                self.list(request, cx.now);
            }
            Action::Describe { groups: Which::All, .. } => self.list(requests::list(&[], &[]), cx.now),
        }
    }

    fn list(&mut self, request: kafka_protocol::messages::ListGroupsRequest, now: Time) {
        self.at = At::List;
        if let Some(admin) = &mut self.admin {
            admin.begin(|client| client.list_groups(now, request));
        }
    }

    /// Asks about the next group, or goes on to what comes after the last.
    fn next(&mut self, at: At, cx: &mut Context) {
        self.at = at;
        let Some(admin) = &mut self.admin else { return };
        let Some(group) = self.ahead.front() else { return };
        let target = Target::Coordinator(group.as_str().into());
        match at {
            At::Describe => admin.ask(cx.now, "describeConsumerGroups", target, requests::describe(group)),
            At::Coordinator => admin.ask(cx.now, "findCoordinator", Target::Any, requests::coordinator(group)),
            At::Committed => admin.ask(cx.now, "listConsumerGroupOffsets", target, requests::committed(group)),
            At::Start | At::List | At::Ends => {}
        }
    }

    fn answered(&mut self, outcome: Outcome, cx: &mut Context) -> Flow {
        match (self.at, outcome) {
            (At::List, Outcome::Groups(groups)) => self.listed(requests::listed(&groups), cx),
            (At::Ends, Outcome::Offsets(ends)) => {
                self.print_offsets(&ends, cx);
                Ok(Some(0))
            }
            (_, outcome) => match (self.at, response(outcome)?) {
                (At::Describe, Response::DescribeGroups(body)) => {
                    let described = requests::described(&body).map_err(|error| error.in_execution())?;
                    self.described.push(described);
                    self.ahead.pop_front();
                    if !self.ahead.is_empty() {
                        self.next(At::Describe, cx);
                        return Ok(None);
                    }
                    self.after_description(cx)
                }
                (At::Coordinator, Response::FindCoordinator(body)) => {
                    self.take_front(|described| described.coordinator = requests::found(&body));
                    self.go_on(At::Coordinator, cx)
                }
                (At::Committed, Response::OffsetFetch(body)) => {
                    let committed = requests::offsets(&body).map_err(|error| error.in_execution())?;
                    self.take_front(|described| described.committed = committed);
                    self.go_on(At::Committed, cx)
                }
                (_, other) => Err(Exception::kafka(format!("An unexpected {} response", other.api().name()))),
            },
        }
    }

    fn listed(&mut self, groups: Vec<tables::Listed>, cx: &mut Context) -> Flow {
        match &self.action {
            Action::List { states, types } => {
                let lines = tables::list(&groups, states.column, types.column);
                lines.into_iter().for_each(|line| cx.print.line(line));
                Ok(Some(0))
            }
            Action::Describe { .. } => {
                self.ahead = groups.into_iter().map(|group| group.group).collect();
                if self.ahead.is_empty() {
                    return Ok(Some(0));
                }
                self.next(At::Describe, cx);
                Ok(None)
            }
        }
    }

    /// All groups are described; what more is needed depends on the view.
    fn after_description(&mut self, cx: &mut Context) -> Flow {
        let Action::Describe { view, verbose, .. } = self.action else { return Ok(Some(0)) };
        self.ahead = self.described.iter().map(|described| described.group.clone()).collect();
        match view {
            View::Members => {
                for described in std::mem::take(&mut self.described) {
                    let rows = described.members();
                    print(&described, || tables::members(&described.group, &rows, verbose), cx);
                }
                return Ok(Some(0));
            }
            View::State => self.next(At::Coordinator, cx),
            View::Offsets => self.next(At::Committed, cx),
        }
        Ok(None)
    }

    /// Gives an answer to the group that was asked about.
    fn take_front(&mut self, take: impl FnOnce(&mut Described)) {
        let Some(group) = self.ahead.pop_front() else { return };
        if let Some(described) = self.described.iter_mut().find(|described| described.group == group) {
            take(described);
        }
    }

    fn go_on(&mut self, at: At, cx: &mut Context) -> Flow {
        if !self.ahead.is_empty() {
            self.next(at, cx);
            return Ok(None);
        }
        let Action::Describe { verbose, .. } = self.action else { return Ok(Some(0)) };
        if at == At::Coordinator {
            for described in std::mem::take(&mut self.described) {
                let row = described.state();
                print(&described, || tables::state(&described.group, &row, verbose), cx);
            }
            return Ok(Some(0));
        }
        let wanted: BTreeMap<TopicPartition, i64> =
            self.described.iter().flat_map(Described::partitions).map(|partition| (partition, LATEST_TIMESTAMP)).collect();
        if wanted.is_empty() {
            self.print_offsets(&ListedOffsets::new(), cx);
            return Ok(Some(0));
        }
        self.at = At::Ends;
        if let Some(admin) = &mut self.admin {
            let now = cx.now;
            admin.begin(|client| client.list_offsets(now, wanted, 0));
        }
        Ok(None)
    }

    fn print_offsets(&mut self, ends: &ListedOffsets, cx: &mut Context) {
        let Action::Describe { verbose, .. } = self.action else { return };
        for described in std::mem::take(&mut self.described) {
            let rows = described.offsets(ends);
            let (remarks, shown) = tables::remark(&described.group, &described.state);
            remarks.into_iter().for_each(|line| cx.print.error(line));
            if shown && !rows.is_empty() {
                cx.print.line("");
                tables::offsets(&described.group, rows, verbose).into_iter().for_each(|line| cx.print.line(line));
            }
        }
    }
}

/// A group's table behind an empty line, and on standard error what there is to say of its state.
fn print(described: &Described, table: impl FnOnce() -> Vec<String>, cx: &mut Context) {
    let (remarks, shown) = tables::remark(&described.group, &described.state);
    remarks.into_iter().for_each(|line| cx.print.error(line));
    if shown {
        cx.print.line("");
        table().into_iter().for_each(|line| cx.print.line(line));
    }
}

/// As `listGroups` in this tool throws it.
fn in_runtime(error: &Exception) -> Exception {
    Exception::new("java.lang.RuntimeException", error.in_execution().to_string())
}
