//! kafka-groups (`org.apache.kafka.tools.GroupsCommand`): groups of every type.

use kafka_protocol::messages::ListGroupsRequest;
use kafka_protocol::messages::list_groups_response::ListedGroup;

use super::Context;
use super::admin::{Admin, unexpected};
use super::hosts::Done;
use super::kafka::{help_or_version, message_and_trace, properties, usage_and_exit};
use super::program::Program;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Outcome;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::{Completes, Opt, OptionError, Options, UsageError, flag, with};
use crate::sim::time::Time;

const TYPES: &[&str] = &["classic", "consumer", "share", "streams"];

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
    flag("consumer", "Only consumer groups, of either protocol."),
    with("group-type", "String: type", "Only groups of this type.").completed_by(Completes::Words(TYPES)),
    flag("list", "List the groups."),
    with("protocol", "String: protocol", "Only groups with this protocol type."),
    flag("share", "Only share groups."),
    flag("streams", "Only groups of Kafka Streams."),
];

/// A run of kafka-groups.
#[derive(Clone, Debug)]
pub struct AllGroups {
    options: Options,
    config: Config,
    hosts: Vec<String>,
    admin: Option<Box<Admin>>,
}

impl AllGroups {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<AllGroups, Done> {
        let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
        let usage = |UsageError(sentence)| usage_and_exit(TABLE, &sentence);
        let options = Options::parse(TABLE, args).map_err(option)?;
        if !options.has("help") && !options.has("version") && !options.has("bootstrap-server") {
            return Err(usage_and_exit(TABLE, "Missing required option(s) [bootstrap-server]"));
        }
        if let Some(done) = help_or_version(TABLE, args, &options, "This tool helps to list groups of all types.") {
            return Err(done);
        }
        if !options.has("list") {
            return Err(usage_and_exit(TABLE, "Command must include exactly one action: --list."));
        }
        let filters = ["consumer", "share", "streams", "group-type", "protocol"];
        for (at, filter) in filters.iter().enumerate().take(3) {
            options.exclude(filter, &filters[at + 1..]).map_err(usage)?;
        }
        if options.all("group-type").last().is_some_and(|kind| !TYPES.contains(&kind.to_ascii_lowercase().as_str())) {
            return Err(message_and_trace(&Exception::illegal_argument("--group-type must be a valid group type.")));
        }
        let config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| message_and_trace(&error))?,
            None => Config::new(),
        };
        Ok(AllGroups { options, config, hosts: hosts.to_vec(), admin: None })
    }

    fn wanted(&self, group: &ListedGroup) -> bool {
        let (kind, protocol) = (group.group_type.as_str().to_ascii_lowercase(), group.protocol_type.as_str());
        let classic_consumer = kind == "classic" && (protocol.is_empty() || protocol == "consumer");
        let is = |name: &str, holds: bool| !self.options.has(name) || holds;
        is("consumer", kind == "consumer" || classic_consumer)
            && is("share", kind == "share")
            && is("streams", kind == "streams")
            && self.options.all("group-type").last().is_none_or(|wanted| wanted.eq_ignore_ascii_case(&kind))
            && self.options.all("protocol").last().is_none_or(|wanted| wanted == protocol)
    }

    fn print(&self, groups: &[ListedGroup], cx: &mut Context) {
        let groups: Vec<&ListedGroup> = groups.iter().filter(|group| self.wanted(group)).collect();
        let width = groups.iter().map(|group| group.group_id.as_str().len()).max().unwrap_or(0).max(20);
        cx.print.line(format!("{:<width$} {:<20} {:<20}", "GROUP", "TYPE", "PROTOCOL"));
        // Each row ends in a blank more than the heading.
        let mut row = |group: &str, kind: &str, protocol: &str| cx.print.line(format!("{group:<width$} {kind:<20} {protocol:<20} "));
        for group in groups {
            let kind = group.group_type.as_str();
            let kind = kind.chars().take(1).map(|c| c.to_ascii_uppercase()).chain(kind.chars().skip(1)).collect::<String>();
            row(group.group_id.as_str(), if kind.is_empty() { "Unknown" } else { &kind }, group.protocol_type.as_str());
        }
    }
}

impl Program for AllGroups {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        let mut result = None;
        if self.admin.is_none() {
            let servers = self.options.all("bootstrap-server").last().unwrap_or_default();
            match Admin::open(cx.now, servers, "adminclient-1", &self.config, &self.hosts, cx.print) {
                Ok(mut admin) => {
                    let now = cx.now;
                    admin.begin(|client| client.list_groups(now, ListGroupsRequest::default()));
                    self.admin = Some(Box::new(admin));
                }
                Err(error) => result = Some(Err(error)),
            }
        }
        let result = match result {
            Some(result) => result,
            None => self.admin.as_mut()?.poll(cx)?,
        };
        let status = match result {
            Ok(Outcome::Groups(groups)) => {
                self.print(&groups, cx);
                0
            }
            Ok(other) => {
                cx.print.error(unexpected(&other).to_string());
                1
            }
            // Of what another thread threw, the cause is shown.
            Err(error) if self.admin.is_some() => {
                cx.print.line(format!("Error while executing groups command : {}", error.text()));
                cx.print.error(log::line(cx.now, "ERROR", &format!("{error}\n"), "org.apache.kafka.tools.GroupsCommand"));
                1
            }
            Err(error) => {
                cx.print.error(error.text());
                cx.print.error(error.to_string());
                1
            }
        };
        self.kill(cx.out);
        Some(status)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(admin) = &mut self.admin {
            admin.input(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.admin.as_ref().is_some_and(|admin| admin.owns(input))
    }

    fn kill(&mut self, out: &mut Outbox) {
        if let Some(admin) = &mut self.admin {
            admin.close(out);
        }
    }

    fn next_wake(&self) -> Option<Time> {
        self.admin.as_ref()?.next_wake()
    }
}
