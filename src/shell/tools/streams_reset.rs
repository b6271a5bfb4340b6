//! kafka-streams-application-reset (`org.apache.kafka.tools.StreamsResetter`): sets the offsets of an application's group back, and deletes
//! the topics that Kafka Streams made for it. (The real tool asks and commits with a consumer, ours with its admin client: the same requests.)

use std::collections::{BTreeMap, BTreeSet};

use kafka_protocol::messages::delete_topics_request::DeleteTopicState;
use kafka_protocol::messages::leave_group_request::MemberIdentity;
use kafka_protocol::messages::{DeleteTopicsRequest, DescribeGroupsResponse, GroupId, LeaveGroupRequest, TopicName};
use kafka_protocol::protocol::StrBytes;

use super::groups::commit::{commit, committed};
use super::groups::requests::{self as group_requests, Described};
use super::hosts::Done;
use super::kafka::{help_or_version, usage_and_exit};
use super::reassign::requests::{topics, unexpected};
use super::script::{Plan, Script, ScriptTool, Stop, Thrown, execution};
use super::topics::args::of;
use super::topics::requests as topic_requests;
use crate::kafka::client::admin::fanout::{EARLIEST_TIMESTAMP, LATEST_TIMESTAMP};
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::names::TopicPartition;
use crate::kafka::protocol::api::Response;
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::{datetime, hash};
use crate::shell::options::{Completes, Opt, OptionError, Options, UsageError, flag, with};
use crate::sim::time::Duration;

pub const TABLE: &[Opt] = &[
    with("application-id", "String: id", "REQUIRED: The application's application.id, which is its group too.")
        .completed_by(Completes::Groups),
    with("bootstrap-server", "String: server to connect to", "Where to begin: HOST:PORT, or several with commas; default: localhost:9092.")
        .completed_by(Completes::Servers),
    with("by-duration", "String", "Reset to what was written this long ago: PnDTnHnMnS."),
    with("command-config", "String: file name", "A file with properties for its clients."),
    with("config-file", "String: file name", "DEPRECATED: as --command-config."),
    flag("dry-run", "Only say what would be done."),
    flag("force", "Remove the members that the group still has."),
    with("from-file", "String", "Reset to the offsets of a file: TOPIC,PARTITION,OFFSET."),
    with("input-topics", "String: list", "The application's input topics, with commas: reset to their beginning, or to what else is said.")
        .completed_by(Completes::Topics),
    with("intermediate-topics", "String: list", "DEPRECATED: topics that are its input and its output, with commas: set to their end.")
        .completed_by(Completes::Topics),
    with("internal-topics", "String: list", "Which of its internal topics to delete, with commas; default: all.")
        .completed_by(Completes::Topics),
    with("shift-by", "Long: number-of-offsets", "Reset by so many forward, or with a minus back."),
    with("to-datetime", "String", "Reset to what was written since: YYYY-MM-DDThh:mm:ss.sss."),
    flag("to-earliest", "Reset to the beginning."),
    flag("to-latest", "Reset to the end."),
    with("to-offset", "Long", "Reset to this offset."),
];

const BLURB: &str = "This tool helps to quickly reset an application in order to reprocess its data from scratch: it resets the offsets of input \
                     topics, and deletes the internal topics that Kafka Streams created (--dry-run shows which). It deletes no output topics, and \
                     no local state: call KafkaStreams#cleanUp() for that.";
const SCENARIOS: [&str; 7] = ["to-offset", "to-datetime", "by-duration", "to-earliest", "to-latest", "from-file", "shift-by"];
const DEPRECATED: &str = "Option --config-file has been deprecated and will be removed in a future version. Use --command-config instead.";
const DESCRIBE_TIMEOUT: Duration = Duration::secs(10);

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
    let options = Options::parse(TABLE, args).map_err(option)?;
    if !options.has("help") && !options.has("version") && !options.has("application-id") {
        return Err(usage_and_exit(TABLE, "Missing required option(s) [application-id]"));
    }
    if let Some(done) = help_or_version(TABLE, args, &options, BLURB) {
        return Err(done);
    }
    for scenario in SCENARIOS {
        let others: Vec<&str> = SCENARIOS.into_iter().filter(|other| *other != scenario).collect();
        options.exclude(scenario, &others).map_err(|UsageError(sentence)| usage_and_exit(TABLE, &sentence))?;
    }
    options.exclude("config-file", &["command-config"]).map_err(|UsageError(sentence)| usage_and_exit(TABLE, &sentence))?;
    let failed = |error: Exception| {
        let out = if options.has("config-file") { vec![DEPRECATED.to_owned()] } else { Vec::new() };
        Done { out, ..failure(&Thrown::caused(error, Vec::new())) }
    };
    options.one("application-id").map_err(|error| failed(of(error)))?;
    let path = ["command-config", "config-file"].into_iter().find_map(|name| options.all(name).last());
    let config = Plan::properties(path, files).map_err(failed)?;
    let plan = Plan::of_options(run, failure, options, config, files);
    let servers = if plan.servers.is_empty() { "localhost:9092".to_owned() } else { plan.servers.clone() };
    Ok(ScriptTool::new(Plan { servers, ..plan }, hosts))
}

fn failure(thrown: &Thrown) -> Done {
    let mut err = vec![format!("ERROR: {}", thrown.exception)];
    err.extend(thrown.trace());
    Done { err, status: 1, ..Done::default() }
}

/// Words with commas between.
fn words(options: &Options, name: &'static str) -> Vec<String> {
    options.all(name).flat_map(|text| text.split(',')).map(str::to_owned).collect()
}

fn listed(names: &[String]) -> String {
    format!("[{}]", names.join(", "))
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    let options = script.options().clone();
    if options.has("config-file") {
        script.line(DEPRECATED);
    }
    let group = options.one("application-id").map_err(of)?.unwrap_or_default().to_owned();
    remove_members(script, &options, &group)?;
    let answer = script.get("listTopics", Target::Any, topic_requests::list())?;
    let Response::Metadata(body) = answer else { return Err(unexpected()) };
    let all = topic_requests::listed(&body).into_iter().filter(|topic| !topic.internal).map(|topic| topic.name);
    let all = hash::order(all, 16, |name| java_string_hash(name));
    if options.has("dry-run") {
        script.line("----Dry run displays the actions which will be performed when running Streams Reset Tool----");
    }
    if script.config().get("group.protocol").is_some_and(|protocol| !protocol.eq_ignore_ascii_case("classic")) {
        script.line("WARNING: provided group protocol will be ignored. Using supported classic protocol instead");
    }
    let status = reset(script, &options, &group, &all)?;
    delete_internal(script, &options, &group, &all)?;
    Ok(status)
}

/// `maybeDeleteActiveConsumers`
fn remove_members(script: &mut Script, options: &Options, group: &str) -> Result<(), Stop> {
    let coordinator = Target::Coordinator(group.into());
    let request = group_requests::describe_classic(group);
    let answer = script.outcome(&mut |client, now| {
        client.call_with_timeout(now, "describeConsumerGroups", coordinator.clone(), request.clone(), DESCRIBE_TIMEOUT)
    })?;
    let Outcome::Response(Response::DescribeGroups(body)) = answer.map_err(execution)? else { return Err(unexpected()) };
    match group_requests::described(&body) {
        Ok(Described { .. }) if body.groups.iter().all(|group| group.members.is_empty()) => return Ok(()),
        Ok(_) => {}
        Err(error) if error.class.ends_with(".GroupIdNotFoundException") => return Ok(()),
        Err(error) => return Err(execution(error)),
    }
    if !options.has("force") {
        let message = format!(
            "Consumer group '{group}' is still active and has following members: [{}]. Make sure to stop all running application instances \
             before running the reset tool. You can use option '--force' to remove active members from the group.",
            members(&body)
        );
        return Err(Exception::new("java.lang.IllegalStateException", message).into());
    }
    script.line(format!("Force deleting all active members in the group: {group}"));
    let leaving = body.groups.iter().flat_map(|group| &group.members).map(|member| {
        MemberIdentity::default().with_member_id(member.member_id.clone()).with_group_instance_id(member.group_instance_id.clone())
    });
    let request = LeaveGroupRequest::default().with_group_id(GroupId(group.to_owned().into())).with_members(leaving.collect());
    let Response::LeaveGroup(body) = script.get("leaveGroup", coordinator, request)? else { return Err(unexpected()) };
    let codes = std::iter::once(body.error_code).chain(body.members.iter().map(|member| member.error_code));
    topic_requests::first_error(codes.map(|code| (code, None))).map_err(execution)
}

/// `MemberDescription.toString`, of all.
fn members(body: &DescribeGroupsResponse) -> String {
    let all = body.groups.iter().flat_map(|group| &group.members).map(|member| {
        let assigned = group_requests::assignment(member.member_assignment.clone());
        let assigned = assigned.iter().flat_map(|(topic, partitions)| partitions.iter().map(move |n| format!("{topic}-{n}")));
        format!(
            "(memberId={}, groupInstanceId={}, rackId=null, clientId={}, host={}, assignment=(topicPartitions={}), \
             targetAssignment=Optional.empty, memberEpoch=Optional.empty, upgraded=Optional.empty)",
            member.member_id.as_str(),
            member.group_instance_id.as_ref().map_or("null", |id| id.as_str()),
            member.client_id.as_str(),
            member.client_host.as_str(),
            assigned.collect::<Vec<_>>().join(",")
        )
    });
    all.collect::<Vec<_>>().join(", ")
}

/// `maybeResetInputAndSeekToEndIntermediateTopicOffsets`; 1 if a topic is not there.
fn reset(script: &mut Script, options: &Options, group: &str, all: &[String]) -> Result<i32, Stop> {
    let inputs = words(options, "input-topics");
    if options.has("intermediate-topics") {
        script.line("WARN: `--intermediate-topics` is deprecated and will be removed in a future release");
    }
    let intermediates = words(options, "intermediate-topics");
    if inputs.is_empty() && intermediates.is_empty() {
        script.line("No input or intermediate topics specified. Skipping seek.");
        return Ok(0);
    }
    if !inputs.is_empty() {
        script.line(format!("Reset-offsets for input topics {}", listed(&inputs)));
    }
    if !intermediates.is_empty() {
        script.line(format!("Seek-to-end for intermediate topics {}", listed(&intermediates)));
    }
    let mut status = 0;
    for (names, what, head) in [(&inputs, "input", "Topic: "), (&intermediates, "intermediate", "Topic:")] {
        let missing: Vec<&String> = names.iter().filter(|name| !all.contains(name)).collect();
        if !missing.is_empty() {
            script.line(format!("Following {what} topics are not found, skipping them"));
            missing.iter().for_each(|name| script.line(format!("{head}{name}")));
            status = 1;
        }
    }
    let found: BTreeSet<String> = inputs.iter().chain(&intermediates).filter(|name| all.contains(name)).cloned().collect();
    if found.is_empty() {
        return Ok(status);
    }
    match reset_offsets(script, options, group, &found, &inputs) {
        Err(Stop::Threw(thrown)) if is_checked(&thrown.exception) => {
            script.error("ERROR: Resetting offsets failed.");
            Err(Stop::Threw(thrown))
        }
        other => other,
    }?;
    script.line("Done.");
    Ok(status)
}

/// What the tool catches for a sentence of its own, before it throws it again.
fn is_checked(exception: &Exception) -> bool {
    exception.class == PARSE_EXCEPTION || exception.class == NO_FILE
}

const PARSE_EXCEPTION: &str = "java.text.ParseException";
const NO_FILE: &str = "java.nio.file.NoSuchFileException";

fn reset_offsets(script: &mut Script, options: &Options, group: &str, found: &BTreeSet<String>, inputs: &[String]) -> Result<(), Stop> {
    let mut partitions = Vec::new();
    for (name, topic) in topics(script, found)? {
        partitions.extend(topic.map_err(Stop::from)?.keys().map(|n| TopicPartition::new(name.as_str(), *n)));
    }
    let (inputs, intermediates): (Vec<_>, Vec<_>) = partitions.into_iter().partition(|at| inputs.iter().any(|name| **name == *at.topic));
    let in_order = |set: Vec<TopicPartition>| hash::order(set, 16, hash::of_partition);
    let (inputs, intermediates) = (in_order(inputs), in_order(intermediates));
    let mut positions: Vec<(TopicPartition, i64)> = Vec::new();
    if !inputs.is_empty() {
        script.line(format!("Following input topics offsets will be reset to (for consumer group {group})"));
        let wanted = input_offsets(script, options, group, &inputs)?;
        for at in &inputs {
            let offset = wanted.get(at).copied().unwrap_or_default();
            script.line(format!("Topic: {} Partition: {} Offset: {offset}", at.topic, at.partition));
            positions.push((at.clone(), offset));
        }
    }
    if !intermediates.is_empty() {
        script.line(format!("Following intermediate topics offsets will be reset to end (for consumer group {group})"));
        intermediates.iter().for_each(|at| script.line(format!("Topic: {}", at.topic)));
    }
    if options.has("dry-run") {
        return Ok(());
    }
    positions.extend(offsets(script, &intermediates, LATEST_TIMESTAMP)?);
    let Response::OffsetCommit(body) = script.ask("commit", Target::Coordinator(group.into()), commit(group, &positions))?? else {
        return Err(unexpected());
    };
    Ok(committed(&body)?)
}

type Offsets = BTreeMap<TopicPartition, i64>;

/// Where the scenario resets input topics to.
fn input_offsets(script: &mut Script, options: &Options, group: &str, inputs: &[TopicPartition]) -> Result<Offsets, Stop> {
    if let Some(offset) = options.number::<i64>("to-offset").map_err(of)? {
        return in_range(script, inputs.iter().map(|at| (at.clone(), offset)).collect());
    }
    if options.has("to-latest") {
        return offsets(script, inputs, LATEST_TIMESTAMP);
    }
    if let Some(by) = options.number::<i64>("shift-by").map_err(of)? {
        let positions = positions(script, group, inputs)?;
        return in_range(script, positions.into_iter().map(|(at, offset)| (at, offset.saturating_add(by))).collect());
    }
    if let Some(text) = options.one("to-datetime").map_err(of)? {
        return by_time(script, inputs, datetime::date_time(text)?);
    }
    if let Some(text) = options.one("by-duration").map_err(of)? {
        let time_ms = script.now_ms().saturating_sub(datetime::duration_ms(text)?);
        return by_time(script, inputs, time_ms);
    }
    if let Some(path) = options.one("from-file").map_err(of)? {
        let plan = read_plan(script.files().get(path).ok_or_else(|| Exception::new(NO_FILE, path))?)?;
        // The plan must have every partition: Java's seek of what it has not throws.
        let none = || {
            Exception::new(
                "java.lang.NullPointerException",
                "Cannot invoke \"java.lang.Long.longValue()\" because the return value of \"java.util.Map.get(Object)\" is null",
            )
        };
        let wanted: Option<Offsets> = inputs.iter().map(|at| Some((at.clone(), *plan.get(at)?))).collect();
        return in_range(script, wanted.ok_or_else(none)?);
    }
    offsets(script, inputs, EARLIEST_TIMESTAMP)
}

fn read_plan(text: &str) -> Result<Offsets, Exception> {
    let wrong = |message: &str| Exception::new(PARSE_EXCEPTION, message);
    if text.is_empty() {
        return Err(wrong("Error parsing reset plan CSV file. It is empty,"));
    }
    let number = |text: &str| Exception::new("java.lang.NumberFormatException", format!("For input string: \"{text}\""));
    let line = |line: &str| {
        let [topic, partition, offset] = line.split(',').collect::<Vec<_>>()[..] else {
            return Err(wrong("Reset plan CSV file is not following the format `TOPIC,PARTITION,OFFSET`."));
        };
        let partition = partition.parse().map_err(|_| number(partition))?;
        Ok((TopicPartition::new(topic, partition), offset.parse().map_err(|_| number(offset))?))
    };
    text.trim_end_matches('\n').split('\n').map(line).collect()
}

/// Offsets at a time, or one of the special ones; -1 where none is so late.
fn offsets(script: &mut Script, partitions: &[TopicPartition], time: i64) -> Result<Offsets, Stop> {
    if partitions.is_empty() {
        return Ok(Offsets::new());
    }
    let outcome = script.outcome(&mut |client, now| client.list_offsets(now, partitions.iter().map(|at| (at.clone(), time)), 0))?;
    let Outcome::Offsets(listed) = outcome? else { return Err(unexpected()) };
    listed.into_iter().map(|(at, offset)| Ok((at, offset.map_err(|error| super::admin::thrown(&error))?.offset))).collect()
}

/// `resetToDatetime`
fn by_time(script: &mut Script, partitions: &[TopicPartition], time_ms: i64) -> Result<Offsets, Stop> {
    let mut found = offsets(script, partitions, time_ms)?;
    let none: Vec<TopicPartition> = partitions.iter().filter(|at| found.get(at).is_none_or(|offset| *offset < 0)).cloned().collect();
    for TopicPartition { topic, partition } in &none {
        let why = "is empty, without a committed record. Falling back to latest known offset.";
        script.line(format!("Partition {partition} from topic {topic} {why}"));
    }
    found.extend(offsets(script, &none, LATEST_TIMESTAMP)?);
    Ok(found)
}

/// Where the group is: what it committed, or else the end (`auto.offset.reset`).
fn positions(script: &mut Script, group: &str, partitions: &[TopicPartition]) -> Result<Offsets, Stop> {
    let answer = script.ask("offsetFetch", Target::Coordinator(group.into()), group_requests::committed(group))?;
    let Response::OffsetFetch(body) = answer? else { return Err(unexpected()) };
    let committed = group_requests::offsets(&body)?;
    let ends = offsets(script, partitions, LATEST_TIMESTAMP)?;
    Ok(ends.into_iter().map(|(at, end)| (at.clone(), committed.get(&at).map_or(end, |(offset, _)| *offset))).collect())
}

/// `checkOffsetRange`
fn in_range(script: &mut Script, wanted: Offsets) -> Result<Offsets, Stop> {
    let partitions: Vec<TopicPartition> = wanted.keys().cloned().collect();
    let ends = offsets(script, &partitions, LATEST_TIMESTAMP)?;
    let beginnings = offsets(script, &partitions, EARLIEST_TIMESTAMP)?;
    let mut valid = Offsets::new();
    for (at, offset) in hash::order(wanted, 16, |(at, _)| hash::of_partition(at)) {
        let (end, beginning) = (ends.get(&at).copied().unwrap_or_default(), beginnings.get(&at).copied().unwrap_or_default());
        let (offset, what) = match offset {
            _ if offset >= end => (end, Some(format!("New offset ({offset}) is higher than latest offset. Value will be set to {end}"))),
            _ if offset <= beginning => {
                (beginning, Some(format!("New offset ({offset}) is lower than earliest offset. Value will be set to {beginning}")))
            }
            offset => (offset, None),
        };
        what.into_iter().for_each(|line| script.line(line));
        valid.insert(at, offset);
    }
    Ok(valid)
}

/// `maybeDeleteInternalTopics`
fn delete_internal(script: &mut Script, options: &Options, group: &str, all: &[String]) -> Result<(), Stop> {
    let named = [words(options, "input-topics"), words(options, "intermediate-topics")].concat();
    let own = format!("{group}-");
    let inferred: Vec<String> =
        all.iter().filter(|name| name.starts_with(&own) && !named.contains(name) && is_internal(name)).cloned().collect();
    let specified = words(options, "internal-topics");
    let (what, topics) = if specified.is_empty() { ("inferred", inferred) } else { ("specified", check(specified, &inferred)?) };
    script.line(format!("Deleting {what} internal topics {}", listed(&topics)));
    if !options.has("dry-run") && !topics.is_empty() {
        let wanted = topics.iter().map(|name| DeleteTopicState::default().with_name(Some(TopicName(StrBytes::from_string(name.clone())))));
        let request = DeleteTopicsRequest::default().with_topics(wanted.collect()).with_timeout_ms(script.timeout_ms());
        let Response::DeleteTopics(body) = script.get("deleteTopics", Target::Any, request)? else { return Err(unexpected()) };
        let failed: Vec<_> = body.responses.iter().filter(|topic| topic.error_code != 0).collect();
        for topic in &failed {
            script.error(format!("ERROR: deleting topic {}", topic.name.as_ref().map_or("null", |name| name.as_str())));
            let cause = Exception::of(topic.error_code, topic.error_message.as_deref());
            script.error(cause.in_execution().to_string());
        }
        if !failed.is_empty() {
            return Err(Exception::new("java.lang.RuntimeException", "Encountered an error deleting one or more topics").into());
        }
    }
    script.line("Done.");
    Ok(())
}

fn check(specified: Vec<String>, inferred: &[String]) -> Result<Vec<String>, Exception> {
    if specified.iter().all(|name| inferred.contains(name)) {
        return Ok(specified);
    }
    Err(Exception::illegal_argument(
        "Invalid topic specified in the --internal-topics option. Ensure that the topics specified are all internal topics. Do a dry run \
         without the --internal-topics option to see the list of all internal topics that can be deleted.",
    ))
}

/// `matchesInternalTopicFormat`
fn is_internal(name: &str) -> bool {
    let ends = ["-changelog", "-repartition", "-subscription-registration-topic", "-subscription-response-topic"];
    let numbered = |kind: &str| {
        let body = name.strip_suffix("-topic").and_then(|body| body.rsplit_once(kind));
        body.is_some_and(|(before, n)| !before.is_empty() && !n.is_empty() && n.bytes().all(|byte| byte.is_ascii_digit()))
    };
    ends.iter().any(|end| name.ends_with(end))
        || numbered("-KTABLE-FK-JOIN-SUBSCRIPTION-REGISTRATION-")
        || numbered("-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_topics_streams_made() {
        for name in ["a-x-changelog", "a-x-repartition", "a-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-0012-topic"] {
            assert!(is_internal(name), "{name}");
        }
        for name in ["a-x", "a-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-x-topic", "-KTABLE-FK-JOIN-SUBSCRIPTION-RESPONSE-1-topic"] {
            assert!(!is_internal(name), "{name}");
        }
    }

    #[test]
    fn plans_as_the_tool_reads_them() {
        let plan = read_plan("text,0,3\ntext,1,4\n").unwrap();
        assert_eq!(plan.into_values().collect::<Vec<_>>(), [3, 4]);
        assert_eq!(read_plan("").unwrap_err().to_string(), "java.text.ParseException: Error parsing reset plan CSV file. It is empty,");
        assert!(read_plan("text,0").unwrap_err().text().contains("is not following the format"));
        assert_eq!(read_plan("text,x,1").unwrap_err().text(), "For input string: \"x\"");
    }
}
