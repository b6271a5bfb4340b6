//! kafka-transactions (`org.apache.kafka.tools.TransactionsCommand`): transactions as their coordinators know them, and as partitions do.
//!
//! * [`args`]: its options
//! * [`hanging`]: `find-hanging`: transactions of which partitions know and no coordinator does

pub mod args;
pub mod hanging;

use kafka_protocol::messages::describe_producers_request::TopicRequest;
use kafka_protocol::messages::describe_producers_response::{PartitionResponse, ProducerState};
use kafka_protocol::messages::describe_transactions_response::TransactionState;
use kafka_protocol::messages::write_txn_markers_request::{WritableTxnMarker, WritableTxnMarkerTopic};
use kafka_protocol::messages::{
    DescribeProducersRequest, DescribeTransactionsRequest, InitProducerIdRequest, ListTransactionsRequest, MetadataRequest, TopicName,
    TransactionalId, WriteTxnMarkersRequest,
};
use kafka_protocol::protocol::StrBytes;

use self::args::PARSER;
use super::hosts::Done;
use super::kafka::uncaught;
use super::reassign::requests::unexpected;
use super::script::{Asked, Plan, Script, ScriptTool, Stop, TERSE, Thrown, terse};
use crate::kafka::client::admin::Target;
use crate::kafka::client::error::{INVALID_PRODUCER_EPOCH, NOT_LEADER_OR_FOLLOWER, TRANSACTION_COORDINATOR_FENCED};
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::argparse::Parsed;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::table;

/// The files that it reads before it starts.
pub fn reads(args: &[String]) -> Vec<String> {
    PARSER.parse(args).unwrap_or_default().get("--command-config").map(str::to_owned).into_iter().collect()
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    // Asking for help is an error of the command line like any other here; asking for the version is none.
    let parsed = PARSER.parse(args).map_err(|done| Done { status: i32::from(done.out.len() != 1), ..done })?;
    let config = Plan::properties(parsed.get("--command-config"), files)
        .map_err(|error| Done::failed(because("Failed to load admin client properties", &error), 1))?;
    Ok(ScriptTool::new(Plan::of_parsed(run, failure, parsed, config, files), hosts))
}

fn failure(thrown: &Thrown) -> Done {
    match thrown.exception.class.as_str() {
        TERSE => Done::failed(thrown.exception.text(), 1),
        _ => uncaught(&thrown.exception),
    }
}

/// `printErrorAndExit(message, cause)`
fn because(message: &str, cause: &Exception) -> String {
    format!("{message}: {}. Enable debug logging for additional detail.", cause.text())
}

/// What failed of what was asked for, as this tool ends with it.
fn give_up(message: impl Into<String>) -> impl FnOnce(Exception) -> Stop {
    let message = message.into();
    move |cause| terse(because(&message, &cause))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let parsed = script.parsed().clone();
    let text = |flag: &str| parsed.get(flag).unwrap_or_default();
    match parsed.command {
        Some("describe") => describe(script, text("--transactional-id"))?,
        Some("describe-producers") => describe_producers(script, &parsed)?,
        Some("abort") => abort(script, &parsed)?,
        Some("find-hanging") => hanging::find(script, &parsed)?,
        Some("forceTerminateTransaction") => force_terminate(script, text("--transactionalId"))?,
        _ => list(script, &parsed)?,
    }
    Ok(0)
}

fn print(script: &mut Script, headers: &[&str], rows: &[Vec<String>]) {
    table::pretty(headers, rows).into_iter().for_each(|line| script.line(line));
}

fn list(script: &mut Script, parsed: &Parsed) -> Result<(), Stop> {
    let mut request = ListTransactionsRequest::default().with_duration_filter(parsed.number("--duration-filter").unwrap_or(-1));
    request.transactional_id_pattern = parsed.get("--transactional-id-pattern").map(|text| StrBytes::from_string(text.to_owned()));
    let listings = listed(script, &request)?.map_err(give_up("Failed to list transactions"))?;
    let row = |(broker, listing): &(i32, Listing)| {
        let Listing { id, producer_id, state } = listing.clone();
        vec![id, broker.to_string(), producer_id.to_string(), state]
    };
    let rows: Vec<Vec<String>> = listings.iter().map(row).collect();
    print(script, &["TransactionalId", "Coordinator", "ProducerId", "TransactionState"], &rows);
    Ok(())
}

/// A transaction as its coordinator lists it.
#[derive(Clone, Debug)]
struct Listing {
    id: String,
    producer_id: i64,
    state: String,
}

/// `Admin.listTransactions`: those of all coordinators, with the coordinator.
fn listed(script: &mut Script, request: &ListTransactionsRequest) -> Result<Result<Vec<(i32, Listing)>, Exception>, Stop> {
    const CALL: &str = "listTransactions(api=METADATA)";
    let body = match script.ask(CALL, Target::Any, MetadataRequest::default().with_topics(Some(Vec::new())))? {
        Ok(Response::Metadata(body)) => body,
        Ok(_) => return Err(unexpected()),
        Err(error) => return Ok(Err(error)),
    };
    let brokers: Vec<i32> = body.brokers.iter().map(|broker| broker.node_id.0).collect();
    let ask = |id: &i32| ("listTransactions(api=LIST_TRANSACTIONS)", Target::Node(BrokerId(*id)), Request::from(request.clone()));
    let answers = script.ask_all(brokers.iter().map(ask).collect())?;
    let mut listings = Vec::new();
    for (broker, answer) in brokers.into_iter().zip(answers) {
        match answer {
            Ok(Response::ListTransactions(body)) if body.error_code == 0 => {
                let listing = body.transaction_states.iter().map(|state| Listing {
                    id: state.transactional_id.to_string(),
                    producer_id: state.producer_id.0,
                    state: state.transaction_state.to_string(),
                });
                listings.extend(listing.map(|listing| (broker, listing)));
            }
            Ok(Response::ListTransactions(body)) => {
                let message = format!("ListTransactions request sent to broker {broker} failed with an unexpected exception");
                return Ok(Err(Exception::of(body.error_code, Some(&message))));
            }
            Ok(_) => return Err(unexpected()),
            Err(error) => return Ok(Err(error)),
        }
    }
    listings.sort_by_key(|(broker, _)| *broker);
    Ok(Ok(listings))
}

/// `Admin.describeTransactions`, of one.
fn described(script: &mut Script, id: &str) -> Result<Result<TransactionState, Exception>, Stop> {
    let request = DescribeTransactionsRequest::default().with_transactional_ids(vec![transactional(id)]);
    let state = match script.ask("describeTransactions", Target::TransactionCoordinator(id.into()), request)? {
        Ok(Response::DescribeTransactions(body)) => body.transaction_states.into_iter().next().ok_or_else(unexpected)?,
        Ok(_) => return Err(unexpected()),
        Err(error) => return Ok(Err(error)),
    };
    let why = match Exception::of(state.error_code, None).class.rsplit('.').next() {
        _ if state.error_code == 0 => return Ok(Ok(state)),
        Some("TransactionalIdNotFoundException") => "because the ID could not be found",
        Some("TransactionalIdAuthorizationException") => "due to authorization failure",
        _ => "due to unexpected error",
    };
    let message = format!("DescribeTransactions request for transactionalId `{id}` failed {why}");
    Ok(Err(Exception::of(state.error_code, Some(&message))))
}

fn describe(script: &mut Script, id: &str) -> Result<(), Stop> {
    let failed = || give_up(format!("Failed to describe transaction state of transactional-id `{id}`"));
    let state = described(script, id)?.map_err(failed())?;
    // The client knows who its coordinator is; a description says it.
    let coordinator = script.coordinator(&Target::TransactionCoordinator(id.into()));
    let (start, duration) = match state.transaction_start_time_ms {
        ms if ms < 0 => ("None".to_owned(), "None".to_owned()),
        ms => (ms.to_string(), (script.now_ms() - ms).to_string()),
    };
    let partitions = state.topics.iter().flat_map(|topic| topic.partitions.iter().map(|n| format!("{}-{n}", topic.topic.as_str())));
    let row = vec![
        coordinator.map_or(-1, |id| id.0).to_string(),
        id.to_owned(),
        state.producer_id.0.to_string(),
        state.producer_epoch.to_string(),
        state.transaction_state.to_string(),
        state.transaction_timeout_ms.to_string(),
        start,
        duration,
        partitions.collect::<Vec<_>>().join(","),
    ];
    const HEADERS: [&str; 9] = [
        "CoordinatorId",
        "TransactionalId",
        "ProducerId",
        "ProducerEpoch",
        "TransactionState",
        "TransactionTimeoutMs",
        "CurrentTransactionStartTimeMs",
        "TransactionDurationMs",
        "TopicPartitions",
    ];
    print(script, &HEADERS, &[row]);
    Ok(())
}

/// Producers by the partition that knows them.
type Known = Vec<(TopicPartition, Vec<ProducerState>)>;

/// `Admin.describeProducers`: the producers that these partitions know, on a broker or on their leaders.
fn producers(script: &mut Script, partitions: &[TopicPartition], broker: Option<i32>) -> Result<Result<Known, Exception>, Stop> {
    let asked = |at: &TopicPartition| -> Asked {
        let topic = TopicRequest::default().with_name(topic_name(&at.topic)).with_partition_indexes(vec![at.partition]);
        let request = DescribeProducersRequest::default().with_topics(vec![topic]);
        match broker {
            Some(id) => ("describeProducers(api=DESCRIBE_PRODUCERS)", Target::Node(BrokerId(id)), request.into()),
            None => ("describeProducers", Target::Leader(at.clone()), request.into()),
        }
    };
    let answers = script.ask_all(partitions.iter().map(asked).collect())?;
    let mut known = Vec::new();
    for (at, answer) in partitions.iter().zip(answers) {
        let body = match answer {
            Ok(Response::DescribeProducers(body)) => body,
            Ok(_) => return Err(unexpected()),
            Err(error) => return Ok(Err(error)),
        };
        let PartitionResponse { error_code, active_producers, .. } =
            body.topics.into_iter().flat_map(|topic| topic.partitions).next().ok_or_else(unexpected)?;
        let why = match (error_code, broker) {
            (0, _) => {
                known.push((at.clone(), active_producers));
                continue;
            }
            (NOT_LEADER_OR_FOLLOWER, Some(id)) => format!("on brokerId {id}"),
            _ => "due to unexpected error".to_owned(),
        };
        return Ok(Err(Exception::of(error_code, Some(&format!("Failed to describe active producers for partition {at} {why}")))));
    }
    Ok(Ok(known))
}

fn partition(parsed: &Parsed) -> TopicPartition {
    TopicPartition::new(parsed.get("--topic").unwrap_or_default(), parsed.number("--partition").unwrap_or_default())
}

fn describe_producers(script: &mut Script, parsed: &Parsed) -> Result<(), Stop> {
    let (at, broker) = (partition(parsed), parsed.number("--broker-id"));
    let of = broker.map_or_else(|| "leader".to_owned(), |id: i32| format!("broker {id}"));
    let failed = give_up(format!("Failed to describe producers for partition {at} on {of}"));
    let known = producers(script, &[at], broker)?.map_err(failed)?;
    let row = |state: &ProducerState| {
        let start = state.current_txn_start_offset;
        vec![
            state.producer_id.0.to_string(),
            state.producer_epoch.to_string(),
            state.coordinator_epoch.max(-1).to_string(),
            state.last_sequence.to_string(),
            state.last_timestamp.to_string(),
            if start < 0 { "None".to_owned() } else { start.to_string() },
        ]
    };
    let rows: Vec<Vec<String>> = known.iter().flat_map(|(_, states)| states).map(row).collect();
    const HEADERS: [&str; 6] =
        ["ProducerId", "ProducerEpoch", "LatestCoordinatorEpoch", "LastSequence", "LastTimestamp", "CurrentTransactionStartOffset"];
    print(script, &HEADERS, &rows);
    Ok(())
}

/// Who is to be aborted (`AbortTransactionSpec`).
struct Spec {
    at: TopicPartition,
    producer_id: i64,
    producer_epoch: i16,
    coordinator_epoch: i32,
}

impl std::fmt::Display for Spec {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let Spec { at, producer_id, producer_epoch, coordinator_epoch } = self;
        write!(f, "AbortTransactionSpec(topicPartition={at}, producerId={producer_id}, ")?;
        write!(f, "producerEpoch={producer_epoch}, coordinatorEpoch={coordinator_epoch})")
    }
}

fn abort(script: &mut Script, parsed: &Parsed) -> Result<(), Stop> {
    let at = partition(parsed);
    let spec = match (parsed.number("--start-offset"), parsed.number("--producer-id")) {
        (None, None) => {
            return Err(terse(
                "The transaction to abort must be identified either with --start-offset (for brokers on 3.0 or above) or with \
                 --producer-id, --producer-epoch, and --coordinator-epoch (for older brokers)",
            ));
        }
        (Some(start), _) => open_at(script, at, start)?,
        (None, Some(producer_id)) => {
            let missing = |flag: &str| terse(format!("Missing required argument {flag}"));
            let producer_epoch = parsed.number("--producer-epoch").ok_or_else(|| missing("--producer-epoch"))?;
            let epoch: i32 = parsed.number("--coordinator-epoch").ok_or_else(|| missing("--coordinator-epoch"))?;
            Spec { at, producer_id, producer_epoch, coordinator_epoch: epoch.max(0) }
        }
    };
    let topic = WritableTxnMarkerTopic::default().with_name(topic_name(&spec.at.topic)).with_partition_indexes(vec![spec.at.partition]);
    let marker = WritableTxnMarker::default()
        .with_producer_id(spec.producer_id.into())
        .with_producer_epoch(spec.producer_epoch)
        .with_coordinator_epoch(spec.coordinator_epoch)
        .with_transaction_result(false)
        .with_topics(vec![topic]);
    let request = WriteTxnMarkersRequest::default().with_markers(vec![marker]);
    let failed = || give_up(format!("Failed to abort transaction {spec}"));
    let answer = script.ask("abortTransaction", Target::Leader(spec.at.clone()), request)?;
    let Response::WriteTxnMarkers(body) = answer.map_err(failed())? else { return Err(unexpected()) };
    let topics = body.markers.iter().flat_map(|marker| &marker.topics);
    let code = topics.flat_map(|topic| &topic.partitions).next().ok_or_else(unexpected)?.error_code;
    let why = match code {
        0 => return Ok(()),
        INVALID_PRODUCER_EPOCH => "due an invalid producer epoch".to_owned(),
        TRANSACTION_COORDINATOR_FENCED => {
            format!("since the provided coordinator epoch {} has been fenced by the active coordinator", spec.coordinator_epoch)
        }
        code => format!("due to unexpected error: {}", Exception::of(code, None).text()),
    };
    Err(failed()(Exception::of(code, Some(&format!("WriteTxnMarkers request with {spec} failed {why}")))))
}

/// The transaction that is open on a partition from this offset on (`buildAbortSpec`).
fn open_at(script: &mut Script, at: TopicPartition, start: i64) -> Result<Spec, Stop> {
    let failed = give_up(format!("Failed to validate producer state for partition {at}"));
    let known = producers(script, std::slice::from_ref(&at), None)?.map_err(failed)?;
    let state = known.iter().flat_map(|(_, states)| states).find(|state| start >= 0 && state.current_txn_start_offset == start);
    let none = || terse(format!("Could not find any open transactions starting at offset {start} on partition {at}"));
    let ProducerState { producer_id, producer_epoch, coordinator_epoch, .. } = state.ok_or_else(none)?;
    let (producer_epoch, coordinator_epoch) = (*producer_epoch as i16, (*coordinator_epoch).max(0));
    Ok(Spec { at, producer_id: producer_id.0, producer_epoch, coordinator_epoch })
}

/// `Admin.forceTerminateTransaction`: whoever gets a producer id for this transactional id fences the one before.
fn force_terminate(script: &mut Script, id: &str) -> Result<(), Stop> {
    let request = InitProducerIdRequest::default()
        .with_transactional_id(Some(transactional(id)))
        .with_producer_id((-1).into())
        .with_producer_epoch(-1)
        .with_transaction_timeout_ms(script.timeout_ms());
    let failed = || give_up(format!("Failed to force terminate transactionalId `{id}`"));
    let answer = script.ask("fenceProducer", Target::TransactionCoordinator(id.into()), request)?;
    let Response::InitProducerId(body) = answer.map_err(failed())? else { return Err(unexpected()) };
    let why = match Exception::of(body.error_code, None).class.rsplit('.').next() {
        _ if body.error_code == 0 => return Ok(()),
        Some("ClusterAuthorizationException") => "cluster authorization failure",
        Some("TransactionalIdAuthorizationException") => "transactional ID authorization failure",
        _ => "unexpected error",
    };
    let message = format!("InitProducerId request for transactionalId `{id}` failed due to {why}");
    Err(failed()(Exception::of(body.error_code, Some(&message))))
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}

fn transactional(id: &str) -> TransactionalId {
    TransactionalId(StrBytes::from_string(id.to_owned()))
}
