//! kafka-metadata-quorum (`org.apache.kafka.tools.MetadataQuorumCommand`): who keeps the cluster's metadata, and how far everybody has got.

use kafka_protocol::messages::add_raft_voter_request::Listener;
use kafka_protocol::messages::describe_quorum_request::{PartitionData as AskedPartition, TopicData as AskedTopic};
use kafka_protocol::messages::describe_quorum_response::{PartitionData, ReplicaState};
use kafka_protocol::messages::{
    AddRaftVoterRequest, DescribeClusterRequest, DescribeQuorumRequest, DescribeQuorumResponse, RemoveRaftVoterRequest, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::hosts::Done;
use super::reassign::requests::unexpected;
use super::script::{Plan, Script, ScriptTool, Stop, execution, message_with_trace, terse};
use super::topics::requests::{first_error, parse_id};
use crate::kafka::actor::Config;
use crate::kafka::client::admin::Target;
use crate::kafka::names::{METADATA_TOPIC, uuid_text};
use crate::kafka::protocol::api::Response;
use crate::shell::argparse::{Command, Kind, Need, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::table;

/// Its options, as argparse4j reads them.
pub const PARSER: Parser = Parser {
    prog: "kafka-metadata-quorum",
    blurb: "The controllers, and who follows them.",
    arguments: &[
        argument(&["--command-config"], "COMMAND_CONFIG", Kind::Text, Need::Optional, "A file with properties for the admin client."),
        argument(
            &["--bootstrap-server"],
            "BOOTSTRAP_SERVER",
            Kind::Text,
            Need::OneOf,
            "Brokers to begin with: HOST:PORT, or several with commas.",
        ),
        argument(
            &["--bootstrap-controller"],
            "BOOTSTRAP_CONTROLLER",
            Kind::Text,
            Need::OneOf,
            "Controllers to begin with, instead of brokers.",
        ),
    ],
    commands: &[
        Command {
            name: "describe",
            blurb: "Show the quorum.",
            arguments: &[
                argument(&["--status"], "", Kind::Flag, Need::Optional, "Who leads, and who belongs to it."),
                argument(&["--replication"], "", Kind::Flag, Need::Optional, "How far each node has got in the metadata log."),
                argument(&["--human-readable"], "", Kind::Flag, Need::Optional, "With --replication: times as how long ago."),
            ],
        },
        Command {
            name: "add-controller",
            blurb: "Make a controller a voter.",
            arguments: &[argument(&["--dry-run"], "", Kind::Flag, Need::Optional, "Only say what would be done.")],
        },
        Command {
            name: "remove-controller",
            blurb: "Take a voter out of the quorum.",
            arguments: &[
                argument(&["--controller-id", "-i"], "CONTROLLER_ID", Kind::Integer, Need::Required, "Its node id."),
                argument(
                    &["--controller-directory-id", "-d"],
                    "CONTROLLER_DIRECTORY_ID",
                    Kind::Text,
                    Need::Required,
                    "The id of its directory, as describe shows it.",
                ),
                argument(&["--dry-run"], "", Kind::Flag, Need::Optional, "Only say what would be done."),
            ],
        },
    ],
};

const COLUMNS: [&str; 7] = ["NodeId", "DirectoryId", "LogEndOffset", "Lag", "LastFetchTimestamp", "LastCaughtUpTimestamp", "Status"];

/// The files that it reads before it starts.
pub fn reads(args: &[String]) -> Vec<String> {
    PARSER.parse(args).unwrap_or_default().get("--command-config").map(str::to_owned).into_iter().collect()
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let parsed = PARSER.parse(args)?;
    let config = Plan::properties(parsed.get("--command-config"), files)
        .map_err(|error| Done::failed(format!("Properties file {} does not exists!", error.text()), 1))?;
    Ok(ScriptTool::new(Plan::of_parsed(run, message_with_trace, parsed, config, files), hosts))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let parsed = script.parsed().clone();
    let (status, replication, human) = (parsed.has("--status"), parsed.has("--replication"), parsed.has("--human-readable"));
    match parsed.command {
        Some("add-controller") => add_controller(script)?,
        Some("remove-controller") => remove_controller(script)?,
        _ if status && replication => {
            return Err(terse("Only one of --status or --replication should be specified with describe sub-command"));
        }
        _ if replication => describe_replication(script, human)?,
        _ if status && human => return Err(terse("The option --human-readable is only supported along with --replication")),
        _ if status => describe_status(script)?,
        _ => return Err(terse("One of --status or --replication must be specified with describe sub-command")),
    }
    Ok(0)
}

/// The quorum, with its metadata partition.
fn quorum(script: &mut Script) -> Result<(DescribeQuorumResponse, PartitionData), Stop> {
    let topic = AskedTopic::default()
        .with_topic_name(TopicName(StrBytes::from_static_str(METADATA_TOPIC)))
        .with_partitions(vec![AskedPartition::default()]);
    let request = DescribeQuorumRequest::default().with_topics(vec![topic]);
    let Response::DescribeQuorum(body) = script.get("describeMetadataQuorum", Target::Any, request)? else { return Err(unexpected()) };
    first_error([(body.error_code, body.error_message.as_deref())].into_iter()).map_err(execution)?;
    let partition = body.topics.first().and_then(|topic| topic.partitions.first()).cloned().ok_or_else(unexpected)?;
    first_error([(partition.error_code, partition.error_message.as_deref())].into_iter()).map_err(execution)?;
    Ok((body, partition))
}

/// The leader among the voters; `Optional.get` of one that is not there.
fn leader(partition: &PartitionData) -> Result<&ReplicaState, Stop> {
    let leads = |voter: &&ReplicaState| voter.replica_id == partition.leader_id;
    let none = || Exception::new("java.util.NoSuchElementException", "No value present");
    Ok(partition.current_voters.iter().find(leads).ok_or_else(none)?)
}

fn describe_replication(script: &mut Script, human: bool) -> Result<(), Stop> {
    let (_, partition) = quorum(script)?;
    let leader = leader(&partition)?;
    let now_ms = script.now_ms();
    let time = |ms: i64| match ms {
        -1 => "-1".to_owned(),
        ms if human => format!("{} ms ago", now_ms - ms),
        ms => ms.to_string(),
    };
    let row = |replica: &ReplicaState, status: &str| {
        vec![
            replica.replica_id.0.to_string(),
            uuid_text(replica.replica_directory_id),
            replica.log_end_offset.to_string(),
            (leader.log_end_offset - replica.log_end_offset).to_string(),
            time(replica.last_fetch_timestamp),
            time(replica.last_caught_up_timestamp),
            status.to_owned(),
        ]
    };
    let followers = partition.current_voters.iter().filter(|voter| voter.replica_id != leader.replica_id);
    let mut rows = vec![row(leader, "Leader")];
    rows.extend(followers.map(|voter| row(voter, "Follower")));
    rows.extend(partition.observers.iter().map(|observer| row(observer, "Observer")));
    table::pretty(&COLUMNS, &rows).into_iter().for_each(|line| script.line(line));
    Ok(())
}

fn describe_status(script: &mut Script) -> Result<(), Stop> {
    let endpoints = if script.parsed().has("--bootstrap-controller") { 2 } else { 1 };
    let request = DescribeClusterRequest::default().with_endpoint_type(endpoints);
    let Response::DescribeCluster(cluster) = script.get("listNodes", Target::Any, request)? else { return Err(unexpected()) };
    let (body, partition) = quorum(script)?;
    let leader = leader(&partition)?;
    let slowest = partition.current_voters.iter().min_by_key(|voter| voter.log_end_offset).unwrap_or(leader);
    let lag_ms = match (leader.last_caught_up_timestamp, slowest.last_caught_up_timestamp) {
        _ if slowest.replica_id == leader.replica_id => 0,
        (-1, _) | (_, -1) => -1,
        (leaders, slowests) => leaders - slowests,
    };
    let replicas = |replicas: &[ReplicaState]| {
        let shown: Vec<String> = replicas.iter().map(|replica| described(replica, &body)).collect();
        format!("[{}]", shown.join(", "))
    };
    let rows = [
        ("ClusterId", cluster.cluster_id.to_string()),
        ("LeaderId", leader.replica_id.0.to_string()),
        ("LeaderEpoch", partition.leader_epoch.to_string()),
        ("HighWatermark", partition.high_watermark.to_string()),
        ("MaxFollowerLag", (leader.log_end_offset - slowest.log_end_offset).to_string()),
        ("MaxFollowerLagTimeMs", lag_ms.to_string()),
        ("CurrentVoters", replicas(&partition.current_voters)),
        ("CurrentObservers", replicas(&partition.observers)),
    ];
    for (name, value) in rows {
        script.line(format!("{:<24}{value}", format!("{name}:")));
    }
    Ok(())
}

/// `{"id": 1, "directoryId": "...", "endpoints": ["CONTROLLER://kafka-1:9093"]}`
fn described(replica: &ReplicaState, body: &DescribeQuorumResponse) -> String {
    let directory = match replica.replica_directory_id {
        id if id.is_nil() => "null".to_owned(),
        id => format!("\"{}\"", uuid_text(id)),
    };
    let listeners = body.nodes.iter().filter(|node| node.node_id == replica.replica_id).flat_map(|node| &node.listeners);
    let endpoints: Vec<String> =
        listeners.map(|listener| format!("\"{}://{}:{}\"", listener.name.as_str(), listener.host.as_str(), listener.port)).collect();
    let endpoints = if endpoints.is_empty() { String::new() } else { format!(", \"endpoints\": [{}]", endpoints.join(", ")) };
    format!("{{\"id\": {}, \"directoryId\": {directory}{endpoints}}}", replica.replica_id.0)
}

/// Where `add-controller` finds out which replica it adds: in the folder that its configuration names.
pub fn reads_further(args: &[String], files: &Files) -> Option<String> {
    let parsed = PARSER.parse(args).ok().filter(|parsed| parsed.command == Some("add-controller"))?;
    let config = Plan::properties(parsed.get("--command-config"), files).ok()?;
    Some(meta_properties(metadata_directory(&config)?))
}

fn metadata_directory(config: &Config) -> Option<&str> {
    let dirs = config.get("metadata.log.dir").or_else(|| config.get("log.dirs"))?;
    dirs.trim().split(',').next()
}

fn meta_properties(directory: &str) -> String {
    format!("{}/meta.properties", directory.trim_end_matches('/'))
}

/// The controller's own configuration says who it is and where, its directory which replica of the log it keeps.
fn add_controller(script: &mut Script) -> Result<(), Stop> {
    if !script.parsed().has("--command-config") {
        return Err(terse("You must supply the configuration file of the controller you are adding when using add-controller."));
    }
    let config = script.config().clone();
    let id: i32 = controller_id(&config)?;
    let directory = directory_id(&config, script.files())?;
    let endpoints = controller_endpoints(&config)?;
    let dry_run = script.parsed().has("--dry-run");
    if !dry_run {
        let text = |text: &str| StrBytes::from_string(text.to_owned());
        let listener =
            |(name, host, port): &(String, String, u16)| Listener::default().with_name(text(name)).with_host(text(host)).with_port(*port);
        let request = AddRaftVoterRequest::default()
            .with_cluster_id(None)
            .with_timeout_ms(ADD_TIMEOUT_MS)
            .with_voter_id(id)
            .with_voter_directory_id(directory)
            .with_listeners(endpoints.iter().map(listener).collect());
        let Response::AddRaftVoter(body) = script.get("addRaftVoter", Target::Any, request)? else { return Err(unexpected()) };
        first_error([(body.error_code, body.error_message.as_deref())].into_iter()).map_err(execution)?;
    }
    let shown: Vec<String> = endpoints.iter().map(|(name, host, port)| format!("{name}://{host}:{port}")).collect();
    let what = if dry_run { "DRY RUN of adding" } else { "Added" };
    script.line(format!("{what} controller {id} with directory id {} and endpoints: {}", uuid_text(directory), shown.join(", ")));
    Ok(())
}

const QUESTION: &str = "Is this a valid controller configuration file?";
/// request.timeout.ms of the admin client
const ADD_TIMEOUT_MS: i32 = 30_000;

/// getControllerId
fn controller_id(config: &Config) -> Result<i32, Stop> {
    let id = config.get("node.id").ok_or_else(|| terse(format!("node.id not found in configuration file. {QUESTION}")))?;
    let id: i32 = id.parse().map_err(|_| Exception::new("java.lang.NumberFormatException", format!("For input string: \"{id}\"")))?;
    if id < 0 {
        return Err(terse(format!("node.id was negative in configuration file. {QUESTION}")));
    }
    if !config.get("process.roles").is_some_and(|roles| roles.contains("controller")) {
        return Err(terse(format!("process.roles did not contain 'controller' in configuration file. {QUESTION}")));
    }
    Ok(id)
}

/// getMetadataDirectoryId
fn directory_id(config: &Config, files: &Files) -> Result<Uuid, Stop> {
    let none = || terse(format!("Neither metadata.log.dir nor log.dirs were found. {QUESTION}"));
    let directory = metadata_directory(config).ok_or_else(none)?;
    let unreadable = || terse(format!("Unable to read meta.properties from {directory}"));
    let text = files.get(&meta_properties(directory)).ok_or_else(unreadable)?;
    let id = text.lines().find_map(|line| line.strip_prefix("directory.id="));
    let id = id.ok_or_else(|| terse(format!("No directory id found in {directory}")))?;
    parse_id(id.trim()).map_err(|error| terse(error.text().to_owned()))
}

/// getControllerAdvertisedListeners: name, host, port.
fn controller_endpoints(config: &Config) -> Result<Vec<(String, String, u16)>, Stop> {
    let names =
        config.get("controller.listener.names").ok_or_else(|| terse(format!("controller.listener.names was not found. {QUESTION}")))?;
    let endpoint = |text: &str| {
        let (name, address) = text.trim().split_once("://")?;
        let (host, port) = address.rsplit_once(':')?;
        let host = if host.is_empty() { "localhost" } else { host };
        Some((name.to_uppercase(), host.to_owned(), port.parse().ok()?))
    };
    // What is advertised counts more than what is listened on.
    let listed = ["advertised.listeners", "listeners"].map(|name| config.get(name).map_or("", String::as_str));
    let all: Vec<_> = listed.iter().flat_map(|list| list.split(',')).filter_map(endpoint).collect();
    let found = names.split(',').map(|name| {
        let name = name.trim().to_uppercase();
        let known = all.iter().find(|(listener, ..)| *listener == name).cloned();
        known.ok_or_else(|| terse(format!("Cannot find information about controller listener name: {name}")))
    });
    found.collect()
}

fn remove_controller(script: &mut Script) -> Result<(), Stop> {
    let parsed = script.parsed().clone();
    let id: i32 = parsed.number("--controller-id").unwrap_or_default();
    if id < 0 {
        return Err(terse(format!("Invalid negative --controller-id: {id}")));
    }
    let text = parsed.get("--controller-directory-id").unwrap_or_default();
    let directory = parse_id(text).map_err(|error| terse(format!("Failed to parse --controller-directory-id: {}", error.text())))?;
    let dry_run = parsed.has("--dry-run");
    if !dry_run {
        let request = RemoveRaftVoterRequest::default().with_cluster_id(None).with_voter_id(id).with_voter_directory_id(directory);
        let Response::RemoveRaftVoter(body) = script.get("removeRaftVoter", Target::Any, request)? else { return Err(unexpected()) };
        first_error([(body.error_code, body.error_message.as_deref())].into_iter()).map_err(execution)?;
    }
    // Two blanks: so the tool has it.
    let what = if dry_run { "DRY RUN of removing " } else { "Removed " };
    script.line(format!("{what} KRaft controller {id} with directory id {}", uuid_text(directory)));
    Ok(())
}
