//! kafka-delete-records (`org.apache.kafka.tools.DeleteRecordsCommand`).

pub mod args;
pub mod json;

use super::Context;
use super::admin::{Admin, thrown, unexpected};
use super::hosts::Done;
use super::kafka::{message_and_trace, properties};
use super::program::Program;
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Outcome;
use crate::kafka::client::admin::fanout::DeletedRecords;
use crate::kafka::names::TopicPartition;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::sim::time::Time;

/// A run of kafka-delete-records.
#[derive(Clone, Debug)]
pub struct DeleteRecords {
    servers: String,
    config: Config,
    hosts: Vec<String>,
    before: Vec<(TopicPartition, i64)>,
    admin: Option<Admin>,
}

impl DeleteRecords {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<DeleteRecords, Done> {
        let options = args::parse(args)?;
        let config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| message_and_trace(&error))?,
            None => Config::new(),
        };
        let path = options.all("offset-json-file").last().unwrap_or_default();
        let missing = || Exception::new("java.io.IOException", format!("Unable to read file {path}"));
        let before = files.get(path).ok_or_else(missing).and_then(json::parse).map_err(|error| message_and_trace(&error))?;
        let servers = options.all("bootstrap-server").collect::<Vec<_>>().join(",");
        Ok(DeleteRecords { servers, config, hosts: hosts.to_vec(), before, admin: None })
    }

    fn close(&mut self, out: &mut Outbox) {
        if let Some(admin) = &mut self.admin {
            admin.close(out);
        }
    }
}

impl Program for DeleteRecords {
    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.admin.is_none() {
            let mut admin = match Admin::open(cx.now, &self.servers, "adminclient-1", &self.config, &self.hosts, cx.print) {
                Ok(admin) => admin,
                Err(error) => return Some(fail(&error, cx)),
            };
            cx.print.line("Executing records delete operation");
            let (now, before) = (cx.now, std::mem::take(&mut self.before));
            admin.begin(|client| client.delete_records(now, before));
            self.admin = Some(admin);
        }
        let result = self.admin.as_mut()?.poll(cx)?;
        self.close(cx.out);
        Some(match result {
            Ok(Outcome::Records(deleted)) => {
                report(deleted, cx);
                0
            }
            Ok(other) => fail(&unexpected(&other), cx),
            Err(error) => fail(&error, cx),
        })
    }

    fn input(&mut self, input: Input, cx: &mut Context) {
        if let Some(admin) = &mut self.admin {
            admin.input(input, cx);
        }
    }

    fn owns(&self, input: &Input) -> bool {
        self.admin.as_ref().is_some_and(|admin| admin.owns(input))
    }

    fn next_wake(&self) -> Option<Time> {
        self.admin.as_ref()?.next_wake()
    }

    fn kill(&mut self, out: &mut Outbox) {
        self.close(out);
    }
}

fn report(deleted: DeletedRecords, cx: &mut Context) {
    cx.print.line("Records delete operation completed:");
    for (partition, result) in hash::order(deleted, 16, |(partition, _)| hash::of_partition(partition)) {
        cx.print.line(match result {
            Ok(low_watermark) => format!("partition: {partition}\tlow_watermark: {low_watermark}"),
            Err(error) => format!("partition: {partition}\terror: {}", thrown(&error)),
        });
    }
}

fn fail(error: &Exception, cx: &mut Context) -> i32 {
    cx.print.error(error.text().to_owned());
    cx.print.error(error.to_string());
    1
}
