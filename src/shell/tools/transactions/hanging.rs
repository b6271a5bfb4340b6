//! `kafka-transactions find-hanging` (`FindHangingTransactionsCommand`): partitions remember a transaction as open, and its coordinator has
//! forgotten it, so that nobody will ever end it.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::ListTransactionsRequest;
use kafka_protocol::messages::describe_producers_response::ProducerState;
use kafka_protocol::messages::describe_transactions_response::TransactionState;

use super::{described, give_up, listed, print, producers};
use crate::kafka::client::admin::Target;
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::shell::argparse::Parsed;
use crate::shell::java::hash;
use crate::shell::tools::reassign::requests::{topics, unexpected};
use crate::shell::tools::script::{Script, Stop, Thrown, terse};
use crate::shell::tools::topics::requests as topic_requests;

const HEADERS: [&str; 8] =
    ["Topic", "Partition", "ProducerId", "ProducerEpoch", "CoordinatorEpoch", "StartOffset", "LastTimestamp", "Duration(min)"];
/// What is open for less, in minutes, may be ended yet.
const MAX_TRANSACTION_TIMEOUT: i64 = 15;

type Open = (TopicPartition, ProducerState);

pub fn find(script: &mut Script, parsed: &Parsed) -> Result<(), Stop> {
    let (broker, topic) = (parsed.number("--broker-id"), parsed.get("--topic"));
    if topic.is_none() && broker.is_none() {
        return Err(terse("The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search"));
    }
    if topic.is_none() && parsed.has("--partition") {
        return Err(terse("The --partition argument requires --topic to be provided"));
    }
    let minutes = parsed.number("--max-transaction-timeout").unwrap_or(MAX_TRANSACTION_TIMEOUT);
    let partitions = match (topic, parsed.number("--partition")) {
        (Some(topic), Some(partition)) => vec![TopicPartition::new(topic, partition)],
        (topic, _) => partitions(script, topic, broker)?,
    };
    let of = broker.map_or_else(|| "Optional.empty".to_owned(), |id: i32| format!("Optional[{id}]"));
    let failed = give_up(format!("Failed to describe producers for {} partitions on broker {of}", partitions.len()));
    let known = producers(script, &partitions, broker)?.map_err(failed)?;
    let now_ms = script.now_ms();
    let mut open: BTreeMap<i64, Vec<Open>> = BTreeMap::new();
    for (at, states) in hash::order(known, 16, |(at, _)| hash::of_partition(at)) {
        let long = |state: &ProducerState| state.current_txn_start_offset >= 0 && now_ms - state.last_timestamp > minutes * 60_000;
        for state in states.into_iter().filter(long) {
            open.entry(state.producer_id.0).or_default().push((at.clone(), state));
        }
    }
    let hanging = if open.is_empty() { Vec::new() } else { forgotten(script, open)? };
    let row = |(at, state): &Open| {
        vec![
            at.topic.to_string(),
            at.partition.to_string(),
            state.producer_id.0.to_string(),
            state.producer_epoch.to_string(),
            state.coordinator_epoch.max(-1).to_string(),
            state.current_txn_start_offset.to_string(),
            state.last_timestamp.to_string(),
            ((now_ms - state.last_timestamp) / 60_000).to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = hanging.iter().map(row).collect();
    print(script, &HEADERS, &rows);
    Ok(())
}

/// The partitions to look at: of a topic or of all, and only those that a broker has a replica of.
fn partitions(script: &mut Script, topic: Option<&str>, broker: Option<i32>) -> Result<Vec<TopicPartition>, Stop> {
    let names: BTreeSet<String> = match topic {
        Some(topic) => [topic.to_owned()].into(),
        None => {
            let answer = script.ask("listTopics", Target::Any, topic_requests::list())?;
            let Response::Metadata(body) = answer.map_err(give_up("Failed to list topics"))? else { return Err(unexpected()) };
            topic_requests::listed(&body).into_iter().map(|topic| topic.name).collect()
        }
    };
    let count = names.len();
    let failed = || give_up(format!("Failed to describe {count} topics"));
    let described = match topics(script, &names) {
        // What describeTopics throws is said in a sentence.
        Err(Stop::Threw(Thrown { causes, exception, .. })) => return Err(failed()(causes.into_iter().next().unwrap_or(exception))),
        other => other?,
    };
    let mut partitions = Vec::new();
    for (name, topic) in described {
        let topic = topic.map_err(failed())?;
        let here = topic.iter().filter(|(_, replicas)| broker.is_none_or(|broker| replicas.contains(&broker)));
        partitions.extend(here.map(|(n, _)| TopicPartition::new(name.as_str(), *n)));
    }
    Ok(partitions)
}

/// Those of the open transactions whose coordinator does not count their partition among those it has still to end.
fn forgotten(script: &mut Script, open: BTreeMap<i64, Vec<Open>>) -> Result<Vec<Open>, Stop> {
    let ids = open.keys().map(|id| (*id).into()).collect();
    let request = ListTransactionsRequest::default().with_duration_filter(-1).with_producer_id_filters(ids);
    let failed = give_up(format!("Failed to list transactions for {} producers", open.len()));
    let listings = listed(script, &request)?.map_err(failed)?;
    let by_producer: BTreeMap<i64, String> =
        listings.into_iter().filter(|(_, one)| open.contains_key(&one.producer_id)).map(|(_, one)| (one.producer_id, one.id)).collect();
    let mut states: BTreeMap<String, Option<TransactionState>> = BTreeMap::new();
    for id in by_producer.values() {
        let state = match described(script, id)? {
            Ok(state) => Some(state),
            Err(error) if error.class.ends_with(".TransactionalIdNotFoundException") => None,
            Err(error) => return Err(give_up(format!("Failed to describe {} transactions", by_producer.len()))(error)),
        };
        states.insert(id.clone(), state);
    }
    let mut hanging = Vec::new();
    for (producer_id, transactions) in open {
        let state = by_producer.get(&producer_id).and_then(|id| states.get(id)?.as_ref());
        let awaited = |at: &TopicPartition| {
            let topics = state.into_iter().flat_map(|state| &state.topics);
            topics.filter(|topic| topic.topic.as_str() == &*at.topic).any(|topic| topic.partitions.contains(&at.partition))
        };
        hanging.extend(transactions.into_iter().filter(|(at, _)| !awaited(at)));
    }
    Ok(hanging)
}
