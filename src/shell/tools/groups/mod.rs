//! kafka-consumer-groups (`org.apache.kafka.tools.consumer.group.ConsumerGroupCommand`).
//!
//! * [`args`]: its options
//! * [`show`]: `--list`, `--describe`; [`delete`]: `--delete`; [`delete_offsets`]: `--delete-offsets`; [`reset`]: `--reset-offsets`; [`commit`]: what it commits
//! * [`plan`]: `--from-file` and `--export`; [`regex`]: `--validate-regex`
//! * [`tables`]: what it prints
//! * [`requests`]: what it asks the cluster, and what it reads from the answers

pub mod args;
pub mod commit;
pub mod delete;
pub mod delete_offsets;
pub mod plan;
pub mod regex;
pub mod requests;
pub mod reset;
pub mod show;
pub mod tables;

use self::args::Action;
use self::delete::Delete;
use self::delete_offsets::DeleteOffsets;
use self::reset::Reset;
use self::show::Show;
use super::Context;
use super::admin::Admin;
use super::hosts::Done;
use super::kafka::{properties, usage_and_exit};
use crate::kafka::actor::{Config, Input, Outbox};
use crate::kafka::client::admin::Outcome;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::Options;
use crate::sim::time::Time;

/// A run of kafka-consumer-groups.
#[derive(Clone, Debug)]
pub struct Groups {
    servers: String,
    config: Config,
    hosts: Vec<String>,
    /// Said while the arguments were read: it comes before everything else.
    warnings: Vec<String>,
    job: Job,
    admin: Option<Admin>,
}

/// What it was asked to do.
#[derive(Clone, Debug)]
enum Job {
    Show(Show),
    Delete(Delete),
    DeleteOffsets(DeleteOffsets),
    Reset(Box<Reset>),
}

/// Whether that was the last step, and with which status.
pub(super) type Flow = Result<Option<i32>, Exception>;

impl Groups {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<Groups, Done> {
        let (options, action, warnings) = args::parse(args)?;
        let failed = |error: &Exception| {
            let out = vec![String::new(), format!("Error: Executing consumer group command failed due to {}", error.text())];
            let err = warnings.iter().cloned().chain([error.to_string()]);
            Done { out, err: err.collect(), ..Done::default() }
        };
        let mut config = match options.all("command-config").last() {
            Some(path) => properties(path, files).map_err(|error| failed(&error))?,
            None => Config::new(),
        };
        let job = match action {
            Action::List { .. } | Action::Describe { .. } => Job::Show(Show::new(action)),
            Action::Delete(groups) => Job::Delete(Delete::new(groups)),
            Action::DeleteOffsets { group, topics } => {
                let topics = delete_offsets::Wanted::read(&topics).map_err(|error| usage_and_exit(args::TABLE, error.text()))?;
                Job::DeleteOffsets(DeleteOffsets::new(group, topics))
            }
            Action::Reset(groups) => {
                let reset = Reset::new(groups, &options, files).map_err(|error| failed(&error))?;
                Job::Reset(Box::new(reset))
            }
            Action::ValidateRegex(pattern) => return Err(Done::said(vec![regex::verdict(&pattern)])),
        };
        set_timeouts(&mut config, &options).map_err(|error| failed(&error))?;
        let servers = options.all("bootstrap-server").collect::<Vec<_>>().join(",");
        Ok(Groups { servers, config, hosts: hosts.to_vec(), warnings, job, admin: None })
    }

    pub fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.admin.is_none() {
            self.warnings.drain(..).for_each(|line| cx.print.error(line));
            let opened = Admin::open(cx.now, &self.servers, "adminclient-1", &self.config, &self.hosts, cx.print);
            let flow = opened.and_then(|mut admin| {
                let flow = match &mut self.job {
                    Job::Show(job) => job.begin(&mut admin, cx),
                    Job::Delete(job) => job.begin(&mut admin, cx),
                    Job::DeleteOffsets(job) => job.begin(&mut admin, cx),
                    Job::Reset(job) => job.begin(&mut admin, cx),
                };
                self.admin = Some(admin);
                flow
            });
            if let Some(status) = self.over(flow, cx) {
                return Some(status);
            }
        }
        loop {
            let result = self.admin.as_mut()?.poll(cx)?;
            let flow = self.answered(result, cx);
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

    fn answered(&mut self, result: Result<Outcome, Exception>, cx: &mut Context) -> Flow {
        let Some(admin) = &mut self.admin else { return Ok(Some(0)) };
        match &mut self.job {
            Job::Show(job) => job.answered(result, admin, cx),
            Job::Delete(job) => job.answered(result, admin, cx),
            Job::DeleteOffsets(job) => job.answered(result, admin, cx),
            Job::Reset(job) => job.answered(result, admin, cx),
        }
    }

    /// Ends the command, if that is it. What was thrown is said, and is no failure (`ConsumerGroupCommand.printError`), unless it was the
    /// caller's fault: then the help table follows.
    fn over(&mut self, flow: Flow, cx: &mut Context) -> Option<i32> {
        let status = match flow {
            Ok(status) => status?,
            Err(error) if error.class == "java.lang.IllegalArgumentException" => {
                usage_and_exit(args::TABLE, error.text()).err.into_iter().for_each(|line| cx.print.error(line));
                1
            }
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
}

/// Each call has `--timeout` (`withTimeoutMs`).
///
/// # Errors
/// A timeout that is no number.
pub fn set_timeouts(config: &mut Config, options: &Options) -> Result<(), Exception> {
    let timeout_ms = options.number::<u64>("timeout").map_err(|error| Exception::new(error.class(), error.to_string()))?.unwrap_or(5_000);
    config.insert("default.api.timeout.ms".into(), timeout_ms.to_string());
    let request_ms = config.get("request.timeout.ms").and_then(|ms| ms.parse().ok()).unwrap_or(30_000);
    config.insert("request.timeout.ms".into(), timeout_ms.min(request_ms).to_string());
    Ok(())
}

/// An exception as another thread's `Future.get` throws it, wrapped where no checked exception may pass.
pub(super) fn in_runtime(error: &Exception) -> Exception {
    Exception::new("java.lang.RuntimeException", error.in_execution().to_string())
}

/// An answer of another API than was asked for.
pub(super) fn unexpected(api: crate::kafka::protocol::api::Api) -> Exception {
    Exception::kafka(format!("An unexpected {} response", api.name()))
}
