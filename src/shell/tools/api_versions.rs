//! kafka-broker-api-versions (`org.apache.kafka.tools.BrokerApiVersionsCommand`): which APIs in which versions each broker serves.

use kafka_protocol::messages::{ApiVersionsRequest, ApiVersionsResponse, MetadataRequest};

use super::hosts::Done;
use super::kafka::{checked, message_and_trace, option_error, parse};
use super::reassign::requests::unexpected;
use super::script::{Plan, Script, ScriptTool, Stop, Thrown};
use super::topics::args::of;
use crate::kafka::client::admin::Target;
use crate::kafka::names::BrokerId;
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::protocol::api_versions::{API_KEYS, ApiKey};
use crate::kafka::protocol::errors;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::options::{Completes, Opt, with};

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server(s) to use for bootstrapping", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
];

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let options = parse(TABLE, args, "This tool helps to retrieve broker version information.")?;
    checked(TABLE, [options.require(&["bootstrap-server"])])?;
    let config = Plan::config(&options, files)?;
    options.one("bootstrap-server").map_err(|error| option_error(&error))?;
    let plan = Plan { client_id: "admin-1", is_legacy: true, ..Plan::of_options(run, failure, options, config, files) };
    Ok(ScriptTool::new(plan, hosts))
}

fn failure(thrown: &Thrown) -> Done {
    message_and_trace(&thrown.exception)
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let answer = script.ask("metadata", Target::Any, MetadataRequest::default().with_topics(None))?;
    let servers = script.options().one("bootstrap-server").map_err(of)?.unwrap_or_default().to_owned();
    let body = match answer {
        Ok(Response::Metadata(body)) => body,
        Ok(_) => return Err(unexpected()),
        Err(_) => {
            let nodes: Vec<String> =
                servers.split(',').zip(1..).map(|(server, n)| format!("{server} (id: -{n} rack: null isFenced: false)")).collect();
            let message = format!("Request METADATA failed on brokers [{}]", nodes.join(", "));
            return Err(Exception::new("java.lang.RuntimeException", message).into());
        }
    };
    // A map by node: its hash is made of host, id, port and rack.
    let node_hash = |host: &str, id: i32, port: i32, rack: Option<&str>| {
        let mut hash = 31 + java_string_hash(host);
        for part in [id, port, rack.map_or(0, java_string_hash), 1237] {
            hash = hash.wrapping_mul(31).wrapping_add(part);
        }
        hash
    };
    let brokers = hash::order(body.brokers.iter(), 16, |one| node_hash(&one.host, one.node_id.0, one.port, one.rack.as_deref()));
    let asked = brokers.iter().map(|broker| {
        let request = Request::from(ApiVersionsRequest::default());
        ("apiVersions", Target::Node(BrokerId(broker.node_id.0)), request)
    });
    let answers = script.ask_all(asked.collect())?;
    for (broker, answer) in brokers.into_iter().zip(answers) {
        let rack = broker.rack.as_deref().unwrap_or("null");
        let node = format!("{}:{} (id: {} rack: {rack} isFenced: false)", broker.host.as_str(), broker.port, broker.node_id.0);
        match answer {
            Ok(Response::ApiVersions(body)) if body.error_code == 0 => {
                script.line(format!("{node} -> ("));
                let lines = lines(&body);
                let last = lines.len().saturating_sub(1);
                for (at, line) in lines.into_iter().enumerate() {
                    script.line(format!("\t{line}{}", if at == last { "" } else { "," }));
                }
                script.line(")");
            }
            Ok(Response::ApiVersions(body)) => script.line(format!("{node} -> ERROR: {}", errors::info(body.error_code).message)),
            Ok(_) => return Err(unexpected()),
            Err(error) => script.line(format!("{node} -> ERROR: {}", error.text())),
        }
    }
    Ok(0)
}

/// `NodeApiVersions.toString`: what the broker offers, and what it should and does not.
fn lines(body: &ApiVersionsResponse) -> Vec<String> {
    let line = |known: &ApiKey| {
        let offered = body.api_keys.iter().find(|offered| offered.api_key == known.key);
        let head = format!("{}({}): ", known.name, known.key);
        let Some(offered) = offered else { return known.is_on_brokers().then(|| format!("{head}UNSUPPORTED")) };
        let (min, max) = (offered.min_version, offered.max_version);
        let range = if min == max { min.to_string() } else { format!("{min} to {max}") };
        let usable = if known.latest < min {
            "unusable: node too new".to_owned()
        } else if max < known.oldest {
            "unusable: node too old".to_owned()
        } else {
            format!("usable: {}", known.latest.min(max))
        };
        Some(format!("{head}{range} [{usable}]"))
    };
    API_KEYS.iter().filter_map(line).collect()
}
