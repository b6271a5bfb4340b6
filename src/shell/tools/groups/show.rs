//! `--list` and `--describe`.

use std::collections::{BTreeMap, VecDeque};

use super::args::{Action, Groups as Which, View};
use super::requests::Described;
use super::{Flow, in_runtime, requests, tables, unexpected};
use crate::kafka::client::admin::fanout::{LATEST_TIMESTAMP, ListedOffsets};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::java::exception::Exception;
use crate::shell::tools::Context;
use crate::shell::tools::admin::{Admin, response};
use crate::sim::time::Time;

/// A listing or a description under way.
#[derive(Clone, Debug)]
pub struct Show {
    action: Action,
    at: At,
    /// Groups that are still to be asked about, in this stage.
    ahead: VecDeque<String>,
    described: Vec<Described>,
}

/// Which answer is waited for; of several groups it is the front of `ahead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    List,
    Describe,
    Coordinator,
    Committed,
    Ends,
}

impl Show {
    /// `action` lists or describes.
    pub fn new(action: Action) -> Show {
        Show { action, at: At::List, ahead: VecDeque::new(), described: Vec::new() }
    }

    pub fn answered(&mut self, result: Result<Outcome, Exception>, admin: &mut Admin, cx: &mut Context) -> Flow {
        let listing = self.at == At::List;
        let outcome = result.map_err(|error| if listing { in_runtime(&error) } else { error.in_execution() })?;
        self.take(outcome, admin, cx)
    }

    pub fn begin(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
        match &self.action {
            Action::Describe { groups: Which::Named(names), .. } => {
                self.ahead = names.iter().cloned().collect();
                self.next(At::Describe, admin, cx);
            }
            Action::List { states, types } => {
                let request = requests::list(&states.only, &types.only);
                self.list(request, admin, cx.now);
            }
            _ => self.list(requests::list(&[], &[]), admin, cx.now),
        }
        Ok(None)
    }

    fn list(&mut self, request: kafka_protocol::messages::ListGroupsRequest, admin: &mut Admin, now: Time) {
        self.at = At::List;
        admin.begin(|client| client.list_groups(now, request));
    }

    /// Asks about the next group, or goes on to what comes after the last.
    fn next(&mut self, at: At, admin: &mut Admin, cx: &mut Context) {
        self.at = at;
        let Some(group) = self.ahead.front() else { return };
        let target = Target::Coordinator(group.as_str().into());
        match at {
            At::Describe => admin.ask(cx.now, "describeConsumerGroups", target, requests::describe(group)),
            At::Coordinator => admin.ask(cx.now, "findCoordinator", Target::Any, requests::coordinator(group)),
            At::Committed => admin.ask(cx.now, "listConsumerGroupOffsets", target, requests::committed(group)),
            At::List | At::Ends => {}
        }
    }

    fn take(&mut self, outcome: Outcome, admin: &mut Admin, cx: &mut Context) -> Flow {
        match (self.at, outcome) {
            (At::List, Outcome::Groups(groups)) => self.listed(requests::listed(&groups), admin, cx),
            (At::Ends, Outcome::Offsets(ends)) => {
                self.print_offsets(&ends, cx);
                Ok(Some(0))
            }
            (_, outcome) => match (self.at, response(outcome)?) {
                (At::Describe, Response::ConsumerGroupDescribe(body)) => {
                    match requests::consumer_described(&body).map_err(|error| error.in_execution())? {
                        Some(described) => self.take_described(described, admin, cx),
                        None => {
                            let Some(group) = self.ahead.front() else { return Ok(None) };
                            let target = Target::Coordinator(group.as_str().into());
                            admin.ask(cx.now, "describeConsumerGroups", target, requests::describe_classic(group));
                            Ok(None)
                        }
                    }
                }
                (At::Describe, Response::DescribeGroups(body)) => {
                    let described = requests::described(&body).map_err(|error| error.in_execution())?;
                    self.take_described(described, admin, cx)
                }
                (At::Coordinator, Response::FindCoordinator(body)) => {
                    self.take_front(|described| described.coordinator = requests::found(&body));
                    self.go_on(At::Coordinator, admin, cx)
                }
                (At::Committed, Response::OffsetFetch(body)) => {
                    let committed = requests::offsets(&body).map_err(|error| error.in_execution())?;
                    self.take_front(|described| described.committed = committed);
                    self.go_on(At::Committed, admin, cx)
                }
                (_, other) => Err(unexpected(other.api())),
            },
        }
    }

    fn take_described(&mut self, described: Described, admin: &mut Admin, cx: &mut Context) -> Flow {
        self.described.push(described);
        self.ahead.pop_front();
        if !self.ahead.is_empty() {
            self.next(At::Describe, admin, cx);
            return Ok(None);
        }
        self.after_description(admin, cx)
    }

    fn listed(&mut self, groups: Vec<tables::Listed>, admin: &mut Admin, cx: &mut Context) -> Flow {
        match &self.action {
            Action::List { states, types } => {
                let lines = tables::list(&groups, states.column, types.column);
                lines.into_iter().for_each(|line| cx.print.line(line));
                Ok(Some(0))
            }
            _ => {
                self.ahead = groups.into_iter().map(|group| group.group).collect();
                if self.ahead.is_empty() {
                    return Ok(Some(0));
                }
                self.next(At::Describe, admin, cx);
                Ok(None)
            }
        }
    }

    /// All groups are described; what more is needed depends on the view.
    fn after_description(&mut self, admin: &mut Admin, cx: &mut Context) -> Flow {
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
            View::State => self.next(At::Coordinator, admin, cx),
            View::Offsets => self.next(At::Committed, admin, cx),
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

    fn go_on(&mut self, at: At, admin: &mut Admin, cx: &mut Context) -> Flow {
        if !self.ahead.is_empty() {
            self.next(at, admin, cx);
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
        let now = cx.now;
        admin.begin(|client| client.list_offsets(now, wanted, 0));
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
