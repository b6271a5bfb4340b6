//! kafka-client-metrics (`org.apache.kafka.tools.ClientMetricsCommand`).

use super::Start;
use super::configs::resources::{alter_resource, config, describe_resource, list_resources};
use super::hosts::Done;
use super::kafka::{checked, help_or_version, message_and_trace, usage_and_exit};
use super::script::{Plan, Script, ScriptTool, Stop, execution, message_with_trace};
use super::topics::args::of;
use crate::kafka::metadata::record::CLIENT_METRICS_RESOURCE;
use crate::kafka::names::uuid_text;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, Options, flag, with};

pub const TABLE: &[Opt] = &[
    flag("alter", "Make a subscription, or change it."),
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
    flag("delete", "Delete a subscription."),
    flag("describe", "Show a subscription, or all."),
    flag("generate-name", "With --alter: a name of its own."),
    with("interval", "String: push interval", "With --alter: how often clients push, in ms."),
    flag("list", "List the subscriptions."),
    with("match", "String: k1=v1,k2=v2", "With --alter: which clients: client_id, client_software_name and others, with patterns."),
    with("metrics", "String: m1,m2", "With --alter: which metrics, by the beginnings of their names."),
    with("name", "String: name", "The subscription."),
];

const BLURB: &str = "This tool helps to manipulate and describe client metrics configurations.";
const SET: i8 = 0;
const DELETE: i8 = 1;

/// # Errors
/// What is said instead of doing anything.
pub fn start(start: &Start) -> Result<ScriptTool, Done> {
    let Start { args, files, hosts, .. } = *start;
    let options = Options::parse(TABLE, args).map_err(|error| usage_and_exit(TABLE, &error.to_string()))?;
    if let Some(done) = help_or_version(TABLE, args, &options, BLURB) {
        return Err(done);
    }
    if ["alter", "delete", "describe", "list"].iter().filter(|action| options.has(action)).count() != 1 {
        return Err(usage_and_exit(TABLE, "Command must include exactly one action: --alter, --delete, --describe or --list."));
    }
    let refuse = |message: &str| Err(message_and_trace(&Exception::illegal_argument(message)));
    if !options.has("bootstrap-server") {
        return refuse("--bootstrap-server must be specified.");
    }
    let of_alter = ["generate-name", "interval", "match", "metrics"];
    let of_list = ["name", "generate-name", "interval", "match", "metrics"];
    checked(TABLE, [options.exclude("delete", &of_alter), options.exclude("describe", &of_alter), options.exclude("list", &of_list)])?;
    if options.has("alter") && options.has("name") == options.has("generate-name") {
        return refuse("One of --name or --generate-name must be specified with --alter.");
    }
    if options.all("interval").any(|text| !text.is_empty() && text.parse::<i32>().is_err()) {
        return refuse("Invalid interval value. Enter an integer, or leave empty to reset.");
    }
    if options.has("delete") && !options.has("name") {
        return refuse("A client metrics resource name must be specified with --delete.");
    }
    let config = Plan::config(&options, files)?;
    Ok(ScriptTool::new(Plan::of_options(run, message_with_trace, options, config, files), hosts))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    match work(script) {
        Err(Stop::Threw(thrown)) => {
            // Of what another thread threw, the cause is shown.
            let shown = thrown.causes.first().unwrap_or(&thrown.exception).clone();
            script.line(format!("Error while executing client metrics command : {}", shown.text()));
            script.log("ERROR", &format!("{shown}\n"), "org.apache.kafka.tools.ClientMetricsCommand");
            Ok(1)
        }
        other => other.map(|()| 0),
    }
}

fn work(script: &mut Script) -> Result<(), Stop> {
    let options = script.options().clone();
    let name = options.one("name").map_err(of)?.map(str::to_owned);
    if options.has("alter") {
        return alter(script, &options, name);
    }
    if options.has("list") {
        let names = list_resources(script, CLIENT_METRICS_RESOURCE)?;
        script.line(names.join("\n"));
        return Ok(());
    }
    if options.has("delete") {
        let name = name.unwrap_or_default();
        let set = describe_resource(script, CLIENT_METRICS_RESOURCE, &name)?;
        let ops = set.iter().map(|entry| config(entry.name.as_str(), Some(""), DELETE)).collect();
        alter_resource(script, CLIENT_METRICS_RESOURCE, &name, ops)?.map_err(execution)?;
        script.line(format!("Deleted client metrics config for {name}."));
        return Ok(());
    }
    let known = list_resources(script, CLIENT_METRICS_RESOURCE)?;
    let names = match name {
        Some(name) if !known.contains(&name) => {
            script.line(format!("The client metric resource {name} doesn't exist and doesn't have dynamic config."));
            return Ok(());
        }
        Some(name) => vec![name],
        None => known,
    };
    for name in names {
        script.line(format!("Client metrics configs for {name} are:"));
        for entry in describe_resource(script, CLIENT_METRICS_RESOURCE, &name)? {
            script.line(format!("  {}={}", entry.name.as_str(), entry.value.as_deref().unwrap_or("null")));
        }
    }
    Ok(())
}

fn alter(script: &mut Script, options: &Options, name: Option<String>) -> Result<(), Stop> {
    let name = match name {
        Some(name) => name,
        None => {
            let (high, low) = (script.draw(u64::MAX), script.draw(u64::MAX));
            uuid_text(uuid::Uuid::from_u64_pair(high, low))
        }
    };
    let interval = options.one("interval").map_err(of)?.map(str::to_owned);
    let joined = |name| -> Option<String> { options.has(name).then(|| options.all(name).collect::<Vec<_>>().join(",")) };
    let wanted = [("interval.ms", interval), ("metrics", joined("metrics")), ("match", joined("match"))];
    let ops = wanted.iter().filter_map(|(name, value)| {
        let value = value.as_deref()?;
        Some(config(name, Some(value), if value.is_empty() { DELETE } else { SET }))
    });
    alter_resource(script, CLIENT_METRICS_RESOURCE, &name, ops.collect())?.map_err(execution)?;
    script.line(format!("Altered client metrics config for {name}."));
    Ok(())
}
