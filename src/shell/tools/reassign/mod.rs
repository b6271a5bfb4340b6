//! kafka-reassign-partitions (`org.apache.kafka.tools.reassign.ReassignPartitionsCommand`).
//!
//! * [`args`]: its options
//! * [`data`]: its JSON files
//! * [`moves`]: what is copied from where, throttles, proposals
//! * [`requests`]: what it asks the cluster
//! * [`log_dirs`]: moves between the directories of a broker

pub mod args;
pub mod data;
pub mod log_dirs;
pub mod moves;
pub mod requests;

use std::collections::{BTreeMap, BTreeSet};

use self::data::{Assignment, Reassignments, Replica, failed, formatted, joined, operation};
use self::moves::Ongoing;
use super::hosts::Done;
use super::script::{Plan, Script, ScriptTool, Stop, TERSE, Thrown, terse};
use super::topics::args::of;
use crate::kafka::names::TopicPartition;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::options::Options;

const EXISTING: &str = "Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new \
                        partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by \
                        resubmitting the current reassignment.";
const VERIFY_PERIODICALLY: &str =
    "Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.";
/// Configurations that `--verify` takes away again.
const BROKER_THROTTLES: &[&str] =
    &["leader.replication.throttled.rate", "follower.replication.throttled.rate", "replica.alter.log.dirs.io.max.bytes.per.second"];
const TOPIC_THROTTLES: &[&str] = &["leader.replication.throttled.replicas", "follower.replication.throttled.replicas"];

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let options = args::parse(args)?;
    let config = Plan::config(&options, files)?;
    let plan = Plan { client_id: "reassign-partitions-tool", ..Plan::of_options(run, failure, options, config, files) };
    Ok(ScriptTool::new(plan, hosts))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options().clone();
    if options.has("verify") {
        verify(script, &options)?;
    } else if options.has("generate") {
        generate(script, &options)?;
    } else if options.has("execute") {
        execute(script, &options)?;
    } else if options.has("cancel") {
        cancel(script, &options)?;
    } else {
        list(script)?;
    }
    Ok(0)
}

fn failure(thrown: &Thrown) -> Done {
    let message = thrown.exception.text();
    // A sentence is said without "Error:".
    if thrown.exception.class == TERSE {
        return Done { status: 1, ..Done::said(message.lines().map(str::to_owned).collect()) };
    }
    let mut out: Vec<String> = format!("Error: {message}").lines().map(str::to_owned).collect();
    out.extend(thrown.trace());
    out.push(String::new());
    Done { status: 1, ..Done::said(out) }
}

/// `Utils.readFileAsString` of the file of an option.
fn file(script: &Script, option: &'static str) -> Result<String, Stop> {
    let path = script.options().one(option).map_err(of)?.unwrap_or_default().to_owned();
    match script.files().get(&path) {
        Some(text) => Ok(text.to_owned()),
        None => {
            let exception = Exception::new("java.io.IOException", format!("Unable to read file {path}"));
            Err(Stop::Threw(Thrown::caused(exception, vec![Exception::new("java.nio.file.NoSuchFileException", path)])))
        }
    }
}

/// What is wrong with a file; where Jackson found it, as its own exception is the cause of the tool's.
fn wrong(error: Exception) -> Stop {
    match error.class.ends_with(".JsonParseException") {
        true => Stop::Threw(Thrown::caused(operation(error.text()), vec![error])),
        false => error.into(),
    }
}

fn verify(script: &mut Script, options: &Options) -> Result<(), Stop> {
    let Reassignments { partitions, log_dirs } = data::reassignments(&file(script, "reassignment-json-file")?).map_err(wrong)?;
    let ongoing = requests::ongoing(script, None)?;
    let lines = states(script, &partitions, &ongoing)?;
    script.line("Status of partition reassignment:");
    lines.into_iter().for_each(|line| script.line(line));
    let moves = log_dirs::states(script, &log_dirs)?;
    let moving = moves.values().any(|state| !state.is_done());
    let moves: Vec<String> = moves.iter().map(|(replica, state)| state.describe(replica)).collect();
    script.line(moves.join("\n"));
    if ongoing.is_empty() && !moving && !options.has("preserve-throttles") {
        clear_throttles(script, &partitions)?;
    }
    Ok(())
}

/// A line for each partition of the file (`findPartitionReassignmentStates`).
fn states(
    script: &mut Script,
    partitions: &[(TopicPartition, Vec<i32>)],
    ongoing: &BTreeMap<TopicPartition, Ongoing>,
) -> Result<Vec<String>, Stop> {
    let resting: BTreeSet<String> =
        partitions.iter().filter(|(name, _)| !ongoing.contains_key(name)).map(|(name, _)| name.topic.to_string()).collect();
    let topics = if resting.is_empty() { BTreeMap::new() } else { requests::topics(script, &resting)? };
    let mut lines = BTreeMap::new();
    for (name, target) in partitions {
        if ongoing.contains_key(name) {
            lines.insert(name, format!("Reassignment of partition {name} is still in progress."));
            continue;
        }
        let current = match topics.get(&*name.topic) {
            Some(Ok(topic)) if (topic.len() as i64) < i64::from(name.partition) => Vec::new(),
            Some(Ok(topic)) => topic.get(&name.partition).cloned().ok_or_else(|| {
                let message = format!("Index {} out of bounds for length {}", name.partition, topic.len());
                Exception::new("java.lang.ArrayIndexOutOfBoundsException", message)
            })?,
            Some(Err(error)) if !error.class.ends_with(".UnknownTopicOrPartitionException") => {
                return Err(super::script::execution(error.clone()));
            }
            _ => Vec::new(),
        };
        let line = if current == *target {
            format!("Reassignment of partition {name} is completed.")
        } else {
            let (is, shall) = (joined(&current, ","), joined(target, ","));
            format!("There is no active reassignment of partition {name}, but replica set is {is} rather than {shall}.")
        };
        lines.insert(name, line);
    }
    Ok(lines.into_values().collect())
}

fn generate(script: &mut Script, options: &Options) -> Result<(), Stop> {
    let text = file(script, "topics-to-move-json-file")?;
    let broker_list = options.one("broker-list").map_err(of)?.unwrap_or_default();
    let (wanted, topics) = data::to_generate(&text, broker_list)?;
    let mut current = Assignment::new();
    let names: BTreeSet<String> = topics.into_iter().collect();
    for (topic, partitions) in requests::found_topics(script, &names)? {
        current.extend(partitions.into_iter().map(|(n, replicas)| (TopicPartition::new(topic.as_str(), n), replicas)));
    }
    let nodes = requests::nodes(script)?;
    let log_dirs = log_dirs::current(script, &current, &nodes)?;
    let by_rack = !options.has("disable-rack-aware");
    let brokers: Vec<(i32, Option<String>)> =
        nodes.into_iter().filter(|(id, _)| wanted.contains(id)).map(|(id, rack)| (id, rack.filter(|_| by_rack))).collect();
    let rackless = brokers.iter().filter(|(_, rack)| rack.is_none()).count();
    if by_rack && rackless != 0 && rackless != brokers.len() {
        let message = "Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack \
                       information.";
        return Err(operation(message).into());
    }
    let mut proposed = Assignment::new();
    let mut by_topic: BTreeMap<&str, Vec<&Vec<i32>>> = BTreeMap::new();
    current.iter().for_each(|(name, replicas)| by_topic.entry(&name.topic).or_default().push(replicas));
    for (topic, partitions) in by_topic {
        let factor = partitions.first().map_or(0, |replicas| replicas.len());
        let placed = moves::assign(&brokers, partitions.len(), factor, |n| script.draw(n))?;
        proposed.extend(placed.into_iter().zip(0..).map(|(replicas, n)| (TopicPartition::new(topic, n), replicas)));
    }
    script.line("Current partition replica assignment");
    script.line(formatted(&current, &log_dirs));
    script.line("");
    script.line("Proposed partition reassignment configuration");
    script.line(formatted(&proposed, &BTreeMap::new()));
    Ok(())
}

fn execute(script: &mut Script, options: &Options) -> Result<(), Stop> {
    let text = file(script, "reassignment-json-file")?;
    let throttle: i64 = options.number("throttle").map_err(of)?.unwrap_or(-1);
    let dirs_throttle: i64 = options.number("replica-alter-log-dirs-throttle").map_err(of)?.unwrap_or(-1);
    let timeout_ms: i64 = options.number("timeout").map_err(of)?.unwrap_or(10_000);
    let (proposed, log_dirs) = data::to_execute(&text).map_err(wrong)?;
    let ongoing = requests::ongoing(script, None)?;
    if !options.has("additional") && !ongoing.is_empty() {
        return Err(terse(EXISTING));
    }
    let nodes = requests::nodes(script)?;
    let known = |broker: &i32| nodes.iter().any(|(id, _)| id == broker);
    if let Some(unknown) = proposed.values().flatten().filter(|broker| !known(broker)).min() {
        return Err(failed(format!("Unknown broker id {unknown}")).into());
    }
    let current = requests::current(script, &proposed)?;
    let dirs = log_dirs::current(script, &current, &nodes)?;
    script.line("Current partition replica assignment");
    script.line("");
    script.line(formatted(&current, &dirs));
    script.line("");
    script.line("Save this to use as the --reassignment-json-file option during rollback");
    if throttle >= 0 || dirs_throttle >= 0 {
        script.line(VERIFY_PERIODICALLY);
        throttle_moves(script, throttle, dirs_throttle, &moves::proposed(&ongoing, &proposed, &current), &log_dirs)?;
    }
    let targets = proposed.iter().map(|(name, replicas)| (name.clone(), Some(replicas.clone()))).collect();
    let errors = requests::alter(script, &targets, !options.has("disallow-replication-factor-change"))?;
    if !errors.is_empty() {
        return Err(terse(format!("Error reassigning partition(s):\n{}", errors.join("\n"))));
    }
    let names: Vec<&TopicPartition> = proposed.keys().collect();
    script.line(format!("Successfully started partition reassignment{} for {}", plural(names.len()), joined(&names, ",")));
    log_dirs::execute(script, log_dirs, timeout_ms)
}

fn throttle_moves(
    script: &mut Script,
    throttle: i64,
    dirs_throttle: i64,
    moves: &moves::MoveMap,
    log_dirs: &BTreeMap<Replica, String>,
) -> Result<(), Stop> {
    if throttle >= 0 {
        let topics = moves::throttled_replicas(moves).into_iter().map(|(topic, (leaders, followers))| {
            let values = [leaders, followers].into_iter().map(Some);
            (topic, TOPIC_THROTTLES.iter().copied().zip(values).collect())
        });
        requests::alter_topic_configs(script, topics.collect())?;
        let rates: Vec<(&str, Option<String>)> = BROKER_THROTTLES[..2].iter().map(|name| (*name, Some(throttle.to_string()))).collect();
        requests::alter_broker_configs(script, &moves::brokers(moves).into_iter().collect::<Vec<_>>(), &rates)?;
        script.line(format!("The inter-broker throttle limit was set to {throttle} B/s"));
    }
    if dirs_throttle >= 0 {
        let brokers: BTreeSet<i32> = log_dirs.keys().map(|(_, broker)| *broker).collect();
        let rate = [(BROKER_THROTTLES[2], Some(dirs_throttle.to_string()))];
        requests::alter_broker_configs(script, &brokers.into_iter().collect::<Vec<_>>(), &rate)?;
        script.line(format!("The replica-alter-dir throttle limit was set to {dirs_throttle} B/s"));
    }
    Ok(())
}

fn cancel(script: &mut Script, options: &Options) -> Result<(), Stop> {
    let text = file(script, "reassignment-json-file")?;
    let timeout_ms: i64 = options.number("timeout").map_err(of)?.unwrap_or(10_000);
    let Reassignments { partitions, log_dirs } = data::reassignments(&text).map_err(wrong)?;
    let asked: BTreeSet<TopicPartition> = partitions.iter().map(|(name, _)| name.clone()).collect();
    // What only adds replicas is not cancelled: so the tool has it.
    let cancels = |ongoing: &Ongoing| ongoing.adding.is_empty() || !ongoing.removing.is_empty();
    let active: Vec<TopicPartition> =
        requests::ongoing(script, Some(&asked))?.into_iter().filter(|(_, ongoing)| cancels(ongoing)).map(|(name, _)| name).collect();
    if active.is_empty() {
        script.line("None of the specified partition reassignments are active.");
    } else {
        let targets = active.iter().map(|name| (name.clone(), None)).collect();
        let errors = requests::alter(script, &targets, true)?;
        if !errors.is_empty() {
            return Err(terse(format!("Error cancelling partition reassignment{} for:\n{}", plural(errors.len()), errors.join("\n"))));
        }
        script.line(format!("Successfully cancelled partition reassignment{} for: {}", plural(active.len()), joined(&active, ",")));
    }
    let moving = log_dirs::states(script, &log_dirs)?;
    let moving: BTreeMap<Replica, String> = moving.into_iter().filter_map(|(replica, state)| Some((replica, state.active_in()?))).collect();
    if moving.is_empty() {
        // No line break: so the tool has it.
        script.text("None of the specified partition moves are active.");
    } else {
        log_dirs::execute(script, moving, timeout_ms)?;
    }
    if !options.has("preserve-throttles") {
        clear_throttles(script, &partitions)?;
    }
    Ok(())
}

/// `clearAllThrottles`: of every broker, since nobody knows any more which ones were involved.
fn clear_throttles(script: &mut Script, partitions: &[(TopicPartition, Vec<i32>)]) -> Result<(), Stop> {
    let mut brokers: Vec<i32> = requests::nodes(script)?.into_iter().map(|(id, _)| id).collect();
    brokers.extend(partitions.iter().flat_map(|(_, replicas)| replicas));
    brokers.sort_unstable();
    brokers.dedup();
    let brokers = hash::order(brokers, 16, |id| *id);
    script.line(format!("Clearing broker-level throttles on broker{} {}", plural(brokers.len()), joined(&brokers, ",")));
    let none = |names: &[&'static str]| -> Vec<(&'static str, Option<String>)> { names.iter().map(|name| (*name, None)).collect() };
    requests::alter_broker_configs(script, &brokers, &none(BROKER_THROTTLES))?;
    let mut topics: Vec<String> = Vec::new();
    for (name, _) in partitions {
        if !topics.contains(&name.topic.to_string()) {
            topics.push(name.topic.to_string());
        }
    }
    let topics = hash::order(topics, 16, |topic| java_string_hash(topic));
    script.line(format!("Clearing topic-level throttles on topic{} {}", plural(topics.len()), topics.join(",")));
    requests::alter_topic_configs(script, topics.into_iter().map(|topic| (topic, none(TOPIC_THROTTLES))).collect())
}

fn list(script: &mut Script) -> Result<(), Stop> {
    let ongoing = requests::ongoing(script, None)?;
    if ongoing.is_empty() {
        script.line("No partition reassignments found.");
        return Ok(());
    }
    script.line("Current partition reassignments:");
    for (name, Ongoing { replicas, adding, removing }) in ongoing {
        let some = |what: &str, ids: &[i32]| if ids.is_empty() { String::new() } else { format!(" {what}: {}.", joined(ids, ",")) };
        let (adding, removing) = (some("adding", &adding), some("removing", &removing));
        script.line(format!("{name}: replicas: {}.{adding}{removing}", joined(&replicas, ",")));
    }
    Ok(())
}

fn plural(n: usize) -> &'static str {
    if n == 1 { "" } else { "s" }
}
