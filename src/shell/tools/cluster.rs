//! kafka-cluster (`org.apache.kafka.tools.ClusterTool`): the cluster's id, its nodes, forgetting a broker.

use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse, UnregisterBrokerRequest};

use super::hosts::Done;
use super::kafka::message_and_trace;
use super::reassign::requests::unexpected;
use super::script::{Plan, Script, ScriptTool, Stop, execution, message_with_trace};
use super::topics::requests::first_error;
use crate::kafka::client::admin::Target;
use crate::kafka::protocol::api::Response;
use crate::shell::argparse::{Argument, Command, Kind, Need, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;

const SERVERS: Argument = argument(
    &["--bootstrap-server", "-b"],
    "BOOTSTRAP_SERVER",
    Kind::Text,
    Need::OneOf,
    "Brokers to begin with: HOST:PORT, or several with commas.",
);
const CONTROLLERS: Argument = argument(
    &["--bootstrap-controller", "-C"],
    "BOOTSTRAP_CONTROLLER",
    Kind::Text,
    Need::OneOf,
    "Controllers to begin with, instead of brokers.",
);
const CONFIG: Argument = argument(&["--config"], "CONFIG", Kind::Text, Need::Optional, "DEPRECATED: as --command-config.");
const COMMAND_CONFIG: Argument =
    argument(&["--command-config", "-c"], "COMMAND_CONFIG", Kind::Text, Need::Optional, "A file with properties for the admin client.");

/// Its options, as argparse4j reads them.
pub const PARSER: Parser = Parser {
    prog: "kafka-cluster",
    blurb: "What a cluster is called and who belongs to it.",
    arguments: &[],
    commands: &[
        Command { name: "cluster-id", blurb: "Print the id of the cluster.", arguments: &[SERVERS, CONTROLLERS, CONFIG, COMMAND_CONFIG] },
        Command {
            name: "unregister",
            blurb: "Forget a broker that will not come back.",
            arguments: &[
                SERVERS,
                CONTROLLERS,
                CONFIG,
                COMMAND_CONFIG,
                argument(&["--id", "-i"], "ID", Kind::Integer, Need::Required, "The id of the broker."),
            ],
        },
        Command {
            name: "list-endpoints",
            blurb: "List the nodes of the cluster with their addresses.",
            arguments: &[
                SERVERS,
                CONTROLLERS,
                CONFIG,
                COMMAND_CONFIG,
                argument(
                    &["--include-fenced-brokers"],
                    "",
                    Kind::Flag,
                    Need::Optional,
                    "Brokers that are registered and not counted on, too.",
                ),
            ],
        },
    ],
};

const DEPRECATED: &str = "Option --config has been deprecated and will be removed in a future version. Use --command-config instead.";
/// `EndpointType`
const BROKERS: i8 = 1;
const CONTROLLER_NODES: i8 = 2;

/// The files that it reads before it starts.
pub fn reads(args: &[String]) -> Vec<String> {
    let parsed = PARSER.parse(args).unwrap_or_default();
    ["--config", "--command-config"].iter().filter_map(|flag| parsed.get(flag)).map(str::to_owned).collect()
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let parsed = PARSER.parse(args)?;
    if parsed.has("--config") && parsed.has("--command-config") {
        let class = "net.sourceforge.argparse4j.inf.ArgumentParserException";
        return Err(message_and_trace(&Exception::new(class, "--config and --command-config cannot be specified together.")));
    }
    let path = ["--config", "--command-config"].iter().find_map(|flag| parsed.get(flag));
    let config = Plan::properties(path, files).map_err(|error| message_and_trace(&error))?;
    Ok(ScriptTool::new(Plan::of_parsed(run, message_with_trace, parsed, config, files), hosts))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    if script.parsed().has("--config") {
        script.line(DEPRECATED);
    }
    match script.parsed().command {
        Some("unregister") => unregister(script)?,
        Some("list-endpoints") => list_endpoints(script)?,
        _ => {
            let id = describe(script, "listNodes", false)?.cluster_id.to_string();
            script.line(format!("Cluster ID: {id}"));
        }
    }
    Ok(0)
}

fn describe(script: &mut Script, name: &'static str, fenced: bool) -> Result<DescribeClusterResponse, Stop> {
    let endpoints = if script.parsed().has("--bootstrap-controller") { CONTROLLER_NODES } else { BROKERS };
    let request = DescribeClusterRequest::default().with_endpoint_type(endpoints).with_include_fenced_brokers(fenced);
    let Response::DescribeCluster(body) = script.get(name, Target::Any, request)? else { return Err(unexpected()) };
    first_error([(body.error_code, body.error_message.as_deref())].into_iter()).map_err(execution)?;
    Ok(body)
}

fn unregister(script: &mut Script) -> Result<(), Stop> {
    let id: i32 = script.parsed().number("--id").unwrap_or_default();
    let request = UnregisterBrokerRequest::default().with_broker_id(id.into());
    let Response::UnregisterBroker(body) = script.get("unregisterBroker", Target::Any, request)? else { return Err(unexpected()) };
    if body.error_code != 0 {
        let error = Exception::of(body.error_code, body.error_message.as_deref());
        let message = format!("[AdminClient clientId=adminclient-1] Unregister broker request for broker ID {id} failed: {}", error.text());
        script.log("ERROR", &message, "org.apache.kafka.clients.admin.KafkaAdminClient");
        return Err(execution(error));
    }
    script.line(format!("Broker {id} is no longer registered."));
    Ok(())
}

fn list_endpoints(script: &mut Script) -> Result<(), Stop> {
    let from_controllers = script.parsed().has("--bootstrap-controller");
    let fenced = script.parsed().has("--include-fenced-brokers");
    if from_controllers && fenced {
        let message = "The option --include-fenced-brokers is only supported with --bootstrap-server option";
        return Err(Exception::illegal_argument(message).into());
    }
    let body = describe(script, "listNodes", fenced)?;
    let width = body.brokers.iter().map(|node| node.host.len()).max().unwrap_or(100);
    let racks = body.brokers.iter().filter_map(|node| Some(node.rack.as_ref()?.len())).max().unwrap_or(10);
    let state = |text: &str| if from_controllers { String::new() } else { format!("{text:<10} ") };
    script.line(format!("{:<10} {:<width$} {:<10} {:<racks$} {}{:<15}", "ID", "HOST", "PORT", "RACK", state("STATE"), "ENDPOINT_TYPE"));
    for node in &body.brokers {
        let rack = node.rack.as_deref().unwrap_or("null");
        let state = state(if node.is_fenced { "fenced" } else { "unfenced" });
        let kind = if from_controllers { "controller" } else { "broker" };
        script.line(format!("{:<10} {:<width$} {:<10} {rack:<racks$} {state}{kind:<15}", node.broker_id.0, node.host.as_str(), node.port));
    }
    Ok(())
}
