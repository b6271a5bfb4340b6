//! Moves between the log directories of a broker: where replicas are, and asking brokers to move them.

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::alter_replica_log_dirs_request::{AlterReplicaLogDir, AlterReplicaLogDirTopic};
use kafka_protocol::messages::describe_log_dirs_request::DescribableLogDirTopic;
use kafka_protocol::messages::{AlterReplicaLogDirsRequest, DescribeLogDirsRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::data::{Assignment, Replica, failed, joined};
use super::requests::unexpected;
use crate::kafka::client::admin::Target;
use crate::kafka::names::{BrokerId, TopicPartition};
use crate::kafka::protocol::api::{Request, Response};
use crate::shell::java::exception::Exception;
use crate::shell::tools::script::{Script, Stop, Thrown, execution};
use crate::sim::time::Duration;

/// How often a move is tried that cannot begin yet: its replica is still to come.
const RETRY_MS: i64 = 100;

/// Where a replica is, and where it is on its way to (`ReplicaLogDirInfo`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Place {
    current: Option<String>,
    future: Option<String>,
}

/// How far a move is (`LogDirMoveState`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoveState {
    /// The replica is in no directory.
    MissingLogDir,
    Active {
        current: String,
        future: String,
        target: String,
    },
    Cancelled {
        current: String,
        target: String,
    },
    Completed,
}

impl MoveState {
    pub fn is_done(&self) -> bool {
        matches!(self, MoveState::Cancelled { .. } | MoveState::Completed)
    }

    /// Where the replica is now, if it moves.
    pub fn active_in(self) -> Option<String> {
        if let MoveState::Active { current, .. } = self { Some(current) } else { None }
    }

    /// `replicaMoveStatesToString`
    pub fn describe(&self, (name, broker): &Replica) -> String {
        match self {
            MoveState::MissingLogDir => {
                format!(
                    "Partition {name} is not found in any live log dir on broker {broker}. There is likely an offline log directory on the broker."
                )
            }
            MoveState::Active { future, target, .. } if future == target => {
                format!("Reassignment of replica {name}-{broker} is still in progress.")
            }
            MoveState::Active { future, target, .. } => {
                format!("Partition {name} on broker {broker} is being moved to log dir {future} instead of {target}.")
            }
            MoveState::Cancelled { current, target } => {
                format!("Partition {name} on broker {broker} is not being moved from log dir {current} to {target}.")
            }
            MoveState::Completed => format!("Reassignment of replica {name}-{broker} completed successfully."),
        }
    }
}

/// How far these moves are, by broker and partition (`findLogDirMoveStates`).
///
/// # Errors
/// The answers are not there yet, or one is an error.
pub fn states(script: &mut Script, targets: &BTreeMap<Replica, String>) -> Result<BTreeMap<Replica, MoveState>, Stop> {
    let places = places(script, &targets.keys().cloned().collect())?;
    let state = |(replica, target): (&Replica, &String)| {
        let place = places.get(replica).cloned().unwrap_or_default();
        let target = target.clone();
        let state = match (place.current, place.future) {
            (None, _) => MoveState::MissingLogDir,
            (Some(current), Some(future)) => MoveState::Active { current, future, target },
            (Some(current), None) if current == target => MoveState::Completed,
            (Some(current), None) => MoveState::Cancelled { current, target },
        };
        (replica.clone(), state)
    };
    Ok(targets.iter().map(state).collect())
}

/// The directories of the replicas that are on brokers that are up (`getReplicaToLogDir`).
///
/// # Errors
/// The answers are not there yet, or one is an error.
pub fn current(script: &mut Script, assignment: &Assignment, nodes: &[(i32, Option<String>)]) -> Result<BTreeMap<Replica, String>, Stop> {
    let up = |broker: &&i32| nodes.iter().any(|(id, _)| id == *broker);
    let replicas = assignment.iter().flat_map(|(name, brokers)| brokers.iter().filter(up).map(move |broker| (name.clone(), *broker)));
    let places = places(script, &replicas.collect())?;
    Ok(places.into_iter().filter_map(|(replica, place)| Some((replica, place.current?))).collect())
}

/// Asks brokers to move replicas to these directories, until each move has begun (`executeMoves`).
///
/// # Errors
/// The answers are not there yet, a broker will not, or the time is over.
pub fn execute(script: &mut Script, targets: BTreeMap<Replica, String>, timeout_ms: i64) -> Result<(), Stop> {
    let mut pending = targets;
    let mut waited = 0;
    while !pending.is_empty() {
        for replica in begin(script, &pending)? {
            let (name, broker) = &replica;
            if let Some(dir) = pending.remove(&replica) {
                script.line(format!("Successfully started moving log directory to {dir} for replica {name} with broker {broker} "));
            }
        }
        if pending.is_empty() {
            break;
        }
        if waited >= timeout_ms {
            let mut left: Vec<&Replica> = pending.keys().collect();
            left.sort_by_key(|(name, broker)| (*broker, name));
            let names: Vec<String> = left.iter().map(|(name, broker)| format!("{name}-{broker}")).collect();
            let plural = if names.len() == 1 { "" } else { "s" };
            return Err(super::terse(format!("Timed out before log directory move{plural} could be started for: {}", joined(&names, ","))));
        }
        script.sleep(Duration::ms(RETRY_MS as u64))?;
        waited += RETRY_MS;
    }
    Ok(())
}

/// One try; the moves that have begun.
fn begin(script: &mut Script, pending: &BTreeMap<Replica, String>) -> Result<Vec<Replica>, Stop> {
    let mut by_broker: BTreeMap<i32, BTreeMap<&str, BTreeMap<&str, Vec<i32>>>> = BTreeMap::new();
    for ((name, broker), dir) in pending {
        by_broker.entry(*broker).or_default().entry(dir).or_default().entry(&name.topic).or_default().push(name.partition);
    }
    let brokers: Vec<i32> = by_broker.keys().copied().collect();
    let asked = by_broker.into_iter().map(|(broker, dirs)| {
        let dirs = dirs.into_iter().map(|(dir, topics)| {
            let topics = topics
                .into_iter()
                .map(|(topic, partitions)| AlterReplicaLogDirTopic::default().with_name(topic_name(topic)).with_partitions(partitions));
            AlterReplicaLogDir::default().with_path(StrBytes::from_string(dir.to_owned())).with_topics(topics.collect())
        });
        let request = AlterReplicaLogDirsRequest::default().with_dirs(dirs.collect());
        ("alterReplicaLogDirs", Target::Node(BrokerId(broker)), Request::from(request))
    });
    let answers = script.ask_all(asked.collect())?;
    let mut begun = Vec::new();
    for (broker, answer) in brokers.into_iter().zip(answers) {
        let body = match answer {
            Ok(Response::AlterReplicaLogDirs(body)) => body,
            Ok(_) => return Err(unexpected()),
            Err(error) => {
                let replica = pending.keys().find(|(_, of)| *of == broker).map(|(name, _)| format!("{name}-{broker}")).unwrap_or_default();
                return Err(refused(&replica, error));
            }
        };
        for topic in &body.results {
            for partition in &topic.partitions {
                let name = TopicPartition::new(topic.topic_name.as_str(), partition.partition_index);
                let error = Exception::of(partition.error_code, None);
                match partition.error_code {
                    0 => begun.push((name, broker)),
                    _ if error.class.ends_with(".ReplicaNotAvailableException") => {}
                    _ => return Err(refused(&format!("{name}-{broker}"), error)),
                }
            }
        }
    }
    Ok(begun)
}

fn refused(replica: &str, error: Exception) -> Stop {
    Stop::Threw(Thrown::caused(failed(format!("Failed to alter dir for {replica}")), vec![error.in_execution(), error]))
}

/// Where replicas are (`describeReplicaLogDirs`).
fn places(script: &mut Script, replicas: &BTreeSet<Replica>) -> Result<BTreeMap<Replica, Place>, Stop> {
    let mut by_broker: BTreeMap<i32, BTreeMap<&str, Vec<i32>>> = BTreeMap::new();
    for (name, broker) in replicas {
        by_broker.entry(*broker).or_default().entry(&name.topic).or_default().push(name.partition);
    }
    if by_broker.is_empty() {
        return Ok(BTreeMap::new());
    }
    let brokers: Vec<i32> = by_broker.keys().copied().collect();
    let asked = by_broker.into_iter().map(|(broker, topics)| {
        let topics = topics
            .into_iter()
            .map(|(topic, partitions)| DescribableLogDirTopic::default().with_topic(topic_name(topic)).with_partitions(partitions));
        let request = DescribeLogDirsRequest::default().with_topics(Some(topics.collect()));
        ("describeReplicaLogDirs", Target::Node(BrokerId(broker)), Request::from(request))
    });
    let answers = script.ask_all(asked.collect())?;
    let mut places: BTreeMap<Replica, Place> = BTreeMap::new();
    for (broker, answer) in brokers.into_iter().zip(answers) {
        let Response::DescribeLogDirs(body) = answer.map_err(execution)? else { return Err(unexpected()) };
        for dir in body.results.iter().filter(|dir| dir.error_code == 0) {
            for topic in &dir.topics {
                for partition in &topic.partitions {
                    let replica = (TopicPartition::new(topic.name.as_str(), partition.partition_index), broker);
                    let place = places.entry(replica).or_default();
                    let path = Some(dir.log_dir.to_string());
                    if partition.is_future_key { place.future = path } else { place.current = path }
                }
            }
        }
    }
    Ok(places)
}

fn topic_name(name: &str) -> TopicName {
    TopicName(StrBytes::from_string(name.to_owned()))
}
