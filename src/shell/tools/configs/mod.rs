//! kafka-configs (`kafka.admin.ConfigCommand`).
//!
//! * [`args`]: its options
//! * [`resources`]: topics, brokers, groups, client metrics: shown and altered
//! * [`quotas`]: quotas of clients, users and addresses

pub mod args;
pub mod quotas;
pub mod resources;

use super::Start;
use super::hosts::Done;
use super::kafka::{bootstrap, properties};
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, execution};
use crate::kafka::client::admin::{AdminConfig, Target};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::java::exception::Exception;

/// What the caller is told in one line.
const OWN_FAULT: &[&str] =
    &["java.lang.IllegalArgumentException", "org.apache.kafka.common.errors.InvalidConfigurationException", "joptsimple."];

/// # Errors
/// What is said instead of doing anything.
pub fn start(start: &Start) -> Result<ScriptTool, Done> {
    let Start { now, args, files, hosts, .. } = *start;
    let options = args::parse(args, hosts)?;
    let framed = |error: &Exception| framed(&args.join(" "), &Thrown::caused(error.clone(), Vec::new()));
    let config = Plan::properties(options.all("command-config").last(), files).map_err(|error| framed(&error))?;
    let given = ["bootstrap-server", "bootstrap-controller"].into_iter().find(|name| options.has(name)).unwrap_or_default();
    let servers = options.all(given).collect::<Vec<_>>().join(",");
    if let Err((_, warnings)) = bootstrap(now, &servers, hosts) {
        let mut done = framed(&Exception::kafka("Failed to create new KafkaAdminClient"));
        done.err.splice(0..0, warnings);
        return Err(done);
    }
    AdminConfig::parse(&config).map_err(|_| framed(&Exception::kafka("Failed to create new KafkaAdminClient")))?;
    Ok(ScriptTool::new(Plan::of_options(run, failure, options, config, files), hosts))
}

/// What it does; what it throws is said here, since that takes the arguments as they were typed.
fn run(script: &mut Script) -> Result<i32, Stop> {
    match work(script) {
        Err(Stop::Threw(thrown)) => {
            let done = if OWN_FAULT.iter().any(|class| thrown.exception.class.starts_with(class)) {
                args::message(&thrown.exception)
            } else {
                framed(script.options().typed(), &thrown)
            };
            done.err.into_iter().for_each(|line| script.error(line));
            Ok(done.status)
        }
        other => other.map(|()| 0),
    }
}

fn work(script: &mut Script) -> Result<(), Stop> {
    let options = script.options().clone();
    let (types, names) = (args::entity_types(&options), args::entity_names(&options));
    if options.has("alter") && types.len() != names.len() {
        return Err(Exception::illegal_argument("An entity name must be specified for every entity type").into());
    }
    let kind = types.first().map_or("", String::as_str);
    let of_quotas = matches!(kind, "users" | "clients" | "ips");
    match (options.has("alter"), of_quotas) {
        (true, true) => quotas::alter(script, &types, &names),
        (true, false) => resources::alter(script, kind, names.first().map_or("", String::as_str)),
        (false, true) => quotas::describe(script, &types, &names),
        (false, false) => resources::describe(script, kind, names.first().map(String::as_str), options.has("all")),
    }
}

/// What is to be set, and what is to be removed.
pub struct Changes {
    pub add: Vec<(String, String)>,
    pub delete: Vec<String>,
}

impl Changes {
    /// # Errors
    /// What is no list of configurations, or a file that is not there.
    fn read(script: &Script) -> Result<Changes, Exception> {
        let options = script.options();
        let mut add = Vec::new();
        if let Some(path) = options.one("add-config-file").map_err(super::topics::args::of)? {
            add.extend(properties(path, script.files())?);
        }
        if let Some(text) = options.one("add-config").map_err(super::topics::args::of)? {
            add.extend(args::configs_to_add(text)?);
        }
        args::check_keys(add.iter().map(|(name, _)| name))?;
        // Of a name that is given twice the last counts, as in Java's Properties.
        let last: std::collections::BTreeMap<String, String> = add.into_iter().collect();
        let delete = options.all("delete-config").flat_map(|list| list.split(',')).map(|name| name.trim().to_owned());
        Ok(Changes { add: last.into_iter().collect(), delete: delete.collect() })
    }
}

/// A call whose answer must be of its own API.
pub(super) fn get(script: &mut Script, name: &'static str, target: Target, request: impl Into<Request>) -> Result<Response, Stop> {
    script.ask(name, target, request)?.map_err(execution)
}

/// An answer of another API than was asked for.
pub(super) fn unexpected(response: &Response) -> Stop {
    Exception::kafka(format!("An unexpected {} response", response.api().name())).into()
}

/// `Completed updating config for topic orders.`
fn completed(script: &mut Script, kind: &str, name: &str) {
    script.line(match name {
        "" => format!("Completed updating default config for {kind} in the cluster."),
        name => format!("Completed updating config for {} {name}.", singular(kind)),
    });
}

/// `topics` as `topic` (`dropRight(1)`, also where it is no plural).
pub(super) fn singular(kind: &str) -> &str {
    kind.get(..kind.len().saturating_sub(1)).unwrap_or(kind)
}

fn framed(typed: &str, thrown: &Thrown) -> Done {
    let mut err = vec![format!("Error while executing config command with args '{typed}'")];
    err.extend(thrown.trace());
    Done { err, status: 1, ..Done::default() }
}

/// What could not be seen before: [`run`] says the rest itself.
fn failure(thrown: &Thrown) -> Done {
    framed("", thrown)
}
