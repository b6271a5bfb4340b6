//! kafka-share-groups (`ShareGroupCommand`) and kafka-streams-groups (`StreamsGroupCommand`): groups of one type.
//!
//! Listing and deleting are done, and deleting offsets of Kafka Streams. Descriptions and other offsets are asked for; no broker here serves them yet, and the client says so in
//! Kafka's words, so that what is printed of an answer comes with share groups.

use kafka_protocol::messages::{DeleteGroupsRequest, FindCoordinatorRequest, GroupId, ListGroupsRequest};
use kafka_protocol::protocol::StrBytes;

use super::groups::args::check_describe;
use super::groups::set_timeouts;
use super::hosts::Done;
use super::kafka::{checked, help_or_version, uncaught, usage_and_exit};
use super::reassign::requests::unexpected;
use super::script::{Failure, Logic, Plan, Script, ScriptTool, Stop, Thrown, execution};
use super::topics::args::of;
use crate::kafka::client::admin::{Outcome, Target};
use crate::kafka::protocol::api::{Request, Response};
use crate::kafka::records::murmur2::java_string_hash;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::hash;
use crate::shell::options::{Completes, Opt, Options, UsageError, flag, may, with};

const SERVER: Opt =
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers);
const CONFIG: Opt = with("command-config", "String: command config property file", "A file with properties for the admin client.");
const TIMEOUT: Opt = with("timeout", "Long: timeout (ms)", "How long to wait.");

pub const SHARE: &[Opt] = &[
    flag("all-groups", "All share groups."),
    flag("all-topics", "With --reset-offsets: all topics of the group."),
    SERVER,
    CONFIG,
    flag("delete", "Delete a share group."),
    flag("delete-offsets", "Delete the offsets of a share group for topics."),
    flag("describe", "Show a share group, its offsets or its members."),
    flag("dry-run", "With --reset-offsets: only say what would be done."),
    flag("execute", "With --reset-offsets: do it."),
    with("group", "String: share group", "The share group.").completed_by(Completes::Groups),
    flag("list", "List the share groups."),
    flag("members", "With --describe: the members."),
    flag("offsets", "With --describe: the offsets; that is the default."),
    flag("reset-offsets", "Set the offsets of a share group that nobody uses."),
    may("state", "String", "With --describe: the state. With --list: the states too, or only groups in these: Empty, Stable, Dead."),
    TIMEOUT,
    with("to-datetime", "String: datetime", "With --reset-offsets: to what was written since: YYYY-MM-DDThh:mm:ss.sss."),
    flag("to-earliest", "With --reset-offsets: to the beginning."),
    flag("to-latest", "With --reset-offsets: to the end."),
    with("topic", "String: topic", "The topic, with --reset-offsets also TOPIC:0,1,2 for partitions.").completed_by(Completes::Topics),
    flag("verbose", "With --describe: more columns."),
];

pub const STREAMS: &[Opt] = &[
    flag("all-groups", "All groups of Kafka Streams."),
    flag("all-input-topics", "With --reset-offsets: all input topics of the group."),
    SERVER,
    with("by-duration", "String: duration", "With --reset-offsets: to what was written this long ago: PnDTnHnMnS."),
    CONFIG,
    flag("delete", "Delete groups."),
    flag("delete-offsets", "Delete the offsets of a group for topics."),
    flag("describe", "Show a group and how far it is behind."),
    flag("dry-run", "With --reset-offsets: only say what would be done."),
    flag("execute", "With --reset-offsets: do it."),
    flag("export", "With --reset-offsets: print it as a file for --from-file."),
    with("from-file", "String: path to CSV file", "With --reset-offsets: to the offsets of a file."),
    with("group", "String: streams group", "The group.").completed_by(Completes::Groups),
    with("input-topic", "String: topic", "An input topic, or TOPIC:0,1,2 for partitions.").completed_by(Completes::Topics),
    flag("list", "List the groups."),
    flag("members", "With --describe: the members."),
    flag("offsets", "With --describe: the offsets; that is the default."),
    flag("reset-offsets", "Set the offsets of a group that nobody uses."),
    with("shift-by", "Long: number-of-offsets", "With --reset-offsets: by so many forward, or with a minus back."),
    may("state", "String", "With --describe: the state. With --list: the states too, or only groups in these."),
    TIMEOUT,
    flag("to-current", "With --reset-offsets: to where it is."),
    with("to-datetime", "String: datetime", "With --reset-offsets: to what was written since: YYYY-MM-DDThh:mm:ss.sss."),
    flag("to-earliest", "With --reset-offsets: to the beginning."),
    flag("to-latest", "With --reset-offsets: to the end."),
    with("to-offset", "Long: offset", "With --reset-offsets: to this offset."),
    flag("verbose", "With --describe: more columns."),
];

/// In what the two tools differ.
struct Kind {
    table: &'static [Opt],
    /// As ListGroups has it.
    name: &'static str,
    blurb: &'static str,
    actions: &'static str,
    /// Without them nothing is reset, and only groups in them are listed.
    states: &'static [&'static str],
    /// What the client calls the search for a coordinator, and the API that it then needs.
    describes: (&'static str, &'static str),
    missing: fn(&str) -> String,
    /// Of a command that failed.
    status: i32,
}

const OF_SHARE: Kind = Kind {
    table: SHARE,
    name: "share",
    blurb: "This tool helps to list, describe, reset and delete share groups.",
    actions: "--list, --describe, --delete, --reset-offsets, --delete-offsets.",
    states: &["Dead", "Empty", "Stable"],
    describes: ("describeShareGroups(api=FIND_COORDINATOR)", "SHARE_GROUP_DESCRIBE"),
    missing: |group| format!("Group '{group}' is not a share group."),
    status: 0,
};
const OF_STREAMS: Kind = Kind {
    table: STREAMS,
    name: "streams",
    blurb: "This tool helps to list, or describe streams groups.",
    actions: "--list, --describe, --delete, --reset-offsets, or --delete-offsets.",
    states: &["Assigning", "Dead", "Empty", "NotReady", "Reconciling", "Stable"],
    describes: ("describeStreamsGroups(api=FIND_COORDINATOR)", "STREAMS_GROUP_DESCRIBE"),
    missing: |group| format!("Group '{group}' does not exist or is not a streams group."),
    status: 1,
};

/// # Errors
/// What is said instead of doing anything.
pub fn start(name: &str, args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let kind = if name == "kafka-streams-groups" { &OF_STREAMS } else { &OF_SHARE };
    let is_share = kind.name == "share";
    let options = Options::parse(kind.table, args);
    let options = options.map_err(|error| if is_share { uncaught(&of(error)) } else { Done::failed(error.to_string(), 1) })?;
    if let Some(done) = help_or_version(kind.table, args, &options, kind.blurb) {
        return Err(done);
    }
    checked(kind.table, [options.require(&["bootstrap-server"]), check(&options, kind)])?;
    let actions = ["list", "describe", "delete", "reset-offsets", "delete-offsets"];
    if actions.iter().filter(|action| options.has(action)).count() != 1 {
        return Err(usage_and_exit(kind.table, &format!("Command must include exactly one action: {}", kind.actions)));
    }
    if options.has("list") {
        states(options.all("state").last().unwrap_or_default(), kind).map_err(|error| usage_and_exit(kind.table, error.text()))?;
    }
    let mut config = Plan::config(&options, files)?;
    set_timeouts(&mut config, &options).map_err(|error| match is_share {
        true => failed(kind, &Thrown::caused(error, Vec::new())),
        false => usage_and_exit(kind.table, error.text()),
    })?;
    let (run, failure): (Logic, Failure) = if kind.status == 0 { (run_share, share_failure) } else { (run_streams, streams_failure) };
    Ok(ScriptTool::new(Plan::of_options(run, failure, options, config, files), hosts))
}

/// What kafka-consumer-groups is asked for the same: offsets of a group of Kafka Streams are deleted by the request that deletes a consumer
/// group's, and told of in the same words.
pub fn offset_deletion(args: &[String]) -> Option<Vec<String>> {
    let options = Options::parse(STREAMS, args).ok()?;
    checked(STREAMS, [options.require(&["bootstrap-server"]), check(&options, &OF_STREAMS)]).ok()?;
    if !options.has("delete-offsets") || !options.has("input-topic") || options.has("all-input-topics") {
        return None;
    }
    let mut same = vec!["--delete-offsets".to_owned()];
    for (name, value) in options.found() {
        let name = match name {
            "input-topic" => "topic",
            "bootstrap-server" | "command-config" | "group" | "timeout" => name,
            "delete-offsets" => continue,
            _ => return None,
        };
        same.extend([format!("--{name}"), value.unwrap_or_default().to_owned()]);
    }
    Some(same)
}

/// `checkArgs`
fn check(options: &Options, kind: &Kind) -> Result<(), UsageError> {
    let has = |name: &str| options.has(name);
    let refuse = |sentence: &str| Err(UsageError(sentence.to_owned()));
    let no_group = !has("group") && !has("all-groups");
    let is_share = kind.name == "share";
    check_describe(options, "takes one of these options: [all-groups], [group]")?;
    if has("delete") && no_group {
        return refuse(match is_share {
            true => "Option [delete] takes the options [group] or [all-groups]",
            false => "Option [delete] takes one of these options: [all-groups], [group]",
        });
    }
    if has("reset-offsets") {
        if has("execute") && has("dry-run") {
            return refuse("Option [reset-offsets] only accepts one of [execute] and [dry-run]");
        }
        if is_share && !has("execute") && !has("dry-run") {
            return refuse("Option [reset-offsets] takes the option: [execute] or [dry-run]");
        }
        if !has("group") && (is_share || !has("all-groups")) {
            return refuse("Option [reset-offsets] takes the option: [group]");
        }
    }
    let topic = if is_share { "topic" } else { "input-topic" };
    if has("delete-offsets") && (!has("group") || !has(topic) && !has("all-input-topics")) {
        return Err(UsageError(format!("Option [delete-offsets] takes the following options: [group], [{topic}]")));
    }
    Ok(())
}

/// A sentence on standard output, and what it comes from on the other (`printError`).
fn failed(kind: &Kind, thrown: &Thrown) -> Done {
    let message = format!("Error: Executing {} group command failed due to {}", kind.name, thrown.exception.text());
    Done { out: vec![String::new(), message], err: thrown.trace(), status: kind.status, ..Done::default() }
}

fn share_failure(thrown: &Thrown) -> Done {
    failed(&OF_SHARE, thrown)
}

fn streams_failure(thrown: &Thrown) -> Done {
    failed(&OF_STREAMS, thrown)
}

fn run_share(script: &mut Script) -> Result<i32, Stop> {
    run(script, &OF_SHARE)
}

fn run_streams(script: &mut Script) -> Result<i32, Stop> {
    run(script, &OF_STREAMS)
}

fn run(script: &mut Script, kind: &Kind) -> Result<i32, Stop> {
    let options = script.options().clone();
    if options.has("list") {
        list(script, &options, kind)?;
        return Ok(0);
    }
    let mut groups: Vec<String> = options.all("group").map(str::to_owned).collect();
    if options.has("all-groups") {
        groups = listed(script, kind, &[])?.into_iter().map(|(group, _)| group).collect();
    }
    if options.has("delete") {
        return delete(script, kind, groups);
    }
    for group in &groups {
        described(script, kind, group)?;
    }
    Ok(0)
}

/// The groups of this type that are in one of these states, or in any; with their states, by name.
fn listed(script: &mut Script, kind: &Kind, states: &[String]) -> Result<Vec<(String, String)>, Stop> {
    let text = |word: &str| StrBytes::from_string(word.to_owned());
    let request = ListGroupsRequest::default()
        .with_types_filter(vec![text(kind.name)])
        .with_states_filter(states.iter().map(|state| text(state)).collect());
    let runtime = |error: Exception| {
        let future = error.in_execution();
        Stop::Threw(Thrown::caused(Exception::new("java.lang.RuntimeException", future.to_string()), vec![future, error]))
    };
    let outcome = script.outcome(&mut |client, now| client.list_groups(now, request.clone()))?.map_err(runtime)?;
    let Outcome::Groups(groups) = outcome else { return Err(unexpected()) };
    // An older broker knows no types, and lists all.
    let groups = groups.into_iter().filter(|group| group.group_type.as_str().eq_ignore_ascii_case(kind.name));
    Ok(groups.map(|group| (group.group_id.to_string(), group.group_state.to_string())).collect())
}

fn list(script: &mut Script, options: &Options, kind: &Kind) -> Result<(), Stop> {
    if !options.has("state") {
        listed(script, kind, &[])?.into_iter().for_each(|(group, _)| script.line(group));
        return Ok(());
    }
    let states = states(options.one("state").map_err(of)?.unwrap_or_default(), kind)?;
    let groups = listed(script, kind, &states)?;
    let width = groups.iter().map(|(group, _)| group.len()).max().unwrap_or(0).max(15);
    script.line(format!("{:<width$} STATE", "GROUP"));
    groups.into_iter().for_each(|(group, state)| script.line(format!("{group:<width$} {state}")));
    Ok(())
}

/// `groupStatesFromString`
fn states(text: &str, kind: &Kind) -> Result<Vec<String>, Exception> {
    let mut states = Vec::new();
    for word in text.split(',').map(str::trim).filter(|_| !text.is_empty()) {
        match kind.states.iter().find(|state| state.eq_ignore_ascii_case(word)) {
            Some(state) => states.push((*state).to_owned()),
            None => {
                let message = format!("Invalid state list '{text}'. Valid states are: {}", kind.states.join(", "));
                return Err(Exception::illegal_argument(message));
            }
        }
    }
    Ok(states)
}

/// A group's description. Its coordinator is found first; then the client sees that it does not offer what is needed.
fn described(script: &mut Script, kind: &Kind, group: &str) -> Result<(), Stop> {
    let (name, api) = kind.describes;
    let find = FindCoordinatorRequest::default().with_coordinator_keys(vec![StrBytes::from_string(group.to_owned())]);
    script.get(name, Target::Any, Request::from(find))?;
    let message = format!("The node does not support {api}");
    Err(execution(Exception::new("org.apache.kafka.common.errors.UnsupportedVersionException", message)))
}

fn delete(script: &mut Script, kind: &Kind, groups: Vec<String>) -> Result<i32, Stop> {
    let known = listed(script, kind, &[])?;
    let mut failed: Vec<(String, Exception)> = Vec::new();
    let mut succeeded = Vec::new();
    for group in groups {
        if !known.iter().any(|(name, _)| *name == group) {
            let missing = Exception::illegal_argument((kind.missing)(&group));
            failed.push((group, missing));
            continue;
        }
        let request = DeleteGroupsRequest::default().with_groups_names(vec![GroupId(StrBytes::from_string(group.clone()))]);
        let body = match script.ask("deleteConsumerGroups", Target::Coordinator(group.as_str().into()), request)? {
            Ok(Response::DeleteGroups(body)) => body,
            Ok(_) => return Err(unexpected()),
            Err(error) => {
                failed.push((group, error));
                continue;
            }
        };
        match body.results.first().map_or(0, |result| result.error_code) {
            0 => succeeded.push(group),
            code => failed.push((group, Exception::of(code, None))),
        }
    }
    let names = |groups: &[String]| groups.iter().map(|group| format!("'{group}'")).collect::<Vec<_>>().join(", ");
    if failed.is_empty() {
        script.line(format!("Deletion of requested {} groups ({}) was successful.", kind.name, names(&succeeded)));
        return Ok(0);
    }
    script.line("");
    script.line(format!("Error: Deletion of some {} groups failed:", kind.name));
    for (group, error) in hash::order(failed, 16, |(group, _)| java_string_hash(group)) {
        script.line(format!("* Group '{group}' could not be deleted due to: {error}"));
    }
    if !succeeded.is_empty() {
        script.line("");
        script.line(format!("These {} groups were deleted successfully: {}", kind.name, names(&succeeded)));
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let args: Vec<String> = line.split_whitespace().skip(1).map(str::to_owned).collect();
        let name = line.split_whitespace().next().unwrap_or_default();
        let said = start(name, &args, &Files::default(), &[]).map_or_else(|done| done.err[0].clone(), |_| "asks".into());
        assert_eq!(said, expected, "{line}");
    }

    #[test]
    fn refused_as_the_tools_refuse() {
        check("kafka-share-groups", OF_SHARE.blurb);
        check("kafka-share-groups --list", "Missing required argument \"[bootstrap-server]\"");
        let all = "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets.";
        check("kafka-share-groups --bootstrap-server a:1", all);
        let one_of = "Option [describe] takes one of these options: [all-groups], [group]";
        check("kafka-share-groups --bootstrap-server a:1 --list --describe", one_of);
        check("kafka-share-groups --bootstrap-server a:1 --delete", "Option [delete] takes the options [group] or [all-groups]");
        let either = "Option [reset-offsets] takes the option: [execute] or [dry-run]";
        check("kafka-share-groups --bootstrap-server a:1 --reset-offsets --group g", either);
        let both = "Option [delete-offsets] takes the following options: [group], [topic]";
        check("kafka-share-groups --bootstrap-server a:1 --delete-offsets --group g", both);
        check(
            "kafka-share-groups --foo",
            "Exception in thread \"main\" joptsimple.UnrecognizedOptionException: foo is not a recognized option",
        );
        check("kafka-share-groups --bootstrap-server a:1 --list --state Empty", "asks");
        check("kafka-streams-groups --bootstrap-server a:1 --delete", "Option [delete] takes one of these options: [all-groups], [group]");
    }
}
