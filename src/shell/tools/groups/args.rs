//! The options of kafka-consumer-groups (`ConsumerGroupCommandOptions`).

use super::reset::SCENARIOS;
use crate::shell::options::{Completes, Opt, Options, UsageError, flag, may, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version, usage_and_exit};

pub const TABLE: &[Opt] = &[
    flag("all-groups", "Apply to all consumer groups."),
    flag("all-topics", "With --reset-offsets: all topics of the group."),
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("by-duration", "String: duration", "With --reset-offsets: so long ago (PnDTnHnMnS)."),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
    flag("delete", "Delete groups."),
    flag("delete-offsets", "Delete a group's offsets of topics."),
    flag("describe", "Show a group's partitions, offsets and lag."),
    flag("dry-run", "With --reset-offsets: only show what it would do."),
    flag("execute", "With --reset-offsets: do it."),
    flag("export", "With --reset-offsets: print CSV."),
    with("from-file", "String: path to CSV file", "With --reset-offsets: to the values in the file."),
    with("group", "String: consumer group", "The group. May be given several times.").completed_by(Completes::Groups),
    flag("list", "List all consumer groups."),
    flag("members", "With --describe: the group's members."),
    flag("offsets", "With --describe: partitions and their offsets (the default)."),
    flag("reset-offsets", "Set a group's offsets."),
    with("shift-by", "Long: number-of-offsets", "With --reset-offsets: by so many."),
    may("state", "String", "With --describe: the group's state. With --list: each group's state, or only groups in these states."),
    with("timeout", "Long: timeout (ms)", "How long an answer is waited for (5000)."),
    flag("to-current", "With --reset-offsets: to the current offset."),
    with("to-datetime", "String: datetime", "With --reset-offsets: to a time."),
    flag("to-earliest", "With --reset-offsets: to the earliest offset."),
    flag("to-latest", "With --reset-offsets: to the latest offset."),
    with("to-offset", "Long: offset", "With --reset-offsets: to this offset."),
    with("topic", "String: topic", "With --reset-offsets and --delete-offsets: the topic.").completed_by(Completes::Topics),
    may("type", "String", "With --list: each group's type, or only groups of these types."),
    with("validate-regex", "String: regex", "Whether a regular expression is one."),
    flag("verbose", "With --describe: more columns."),
];

/// The states that a consumer group can be in. (Kafka lists them in the order of a hash map of constants, another each time.)
const STATES: &[&str] = &["Empty", "Dead", "Assigning", "Reconciling", "CompletingRebalance", "PreparingRebalance", "Stable"];
const TYPES: &[&str] = &["Classic", "Consumer"];

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    List { states: Shown, types: Shown },
    Describe { groups: Groups, view: View, verbose: bool },
    Delete(Groups),
    DeleteOffsets { group: String, topics: Vec<String> },
    Reset(Groups),
    ValidateRegex(String),
}

/// Whether a column is shown, and which values are wanted (empty: all).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    pub column: bool,
    pub only: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Groups {
    All,
    /// In the order given, none twice.
    Named(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum View {
    Offsets,
    Members,
    State,
}

/// Reads and checks the arguments; also what is to be said before anything else.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<(Options, Action, Vec<String>), Done> {
    let options =
        Options::parse(TABLE, args).map_err(|error| Done::failed(format!("Exception in thread \"main\" {}: {error}", error.class()), 1))?;
    let blurb = "This tool helps to list all consumer groups, describe a consumer group, delete consumer group info, or reset consumer group offsets.";
    if let Some(done) = help_or_version(TABLE, args, &options, blurb) {
        return Err(done);
    }
    let warnings = check(&options)?;
    let actions = ["list", "describe", "delete", "reset-offsets", "delete-offsets", "validate-regex"];
    if actions.iter().filter(|action| options.has(action)).count() != 1 {
        let sentence =
            "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets, --validate-regex";
        return Err(warned(warnings, usage_and_exit(TABLE, sentence)));
    }
    let action = if options.has("list") {
        Action::List { states: shown(&options, "state", "states", STATES)?, types: shown(&options, "type", "types", TYPES)? }
    } else if options.has("delete") {
        Action::Delete(groups(&options))
    } else if options.has("delete-offsets") {
        let group = options.one("group").map_err(|error| usage_and_exit(TABLE, &error.to_string()))?.unwrap_or_default().to_owned();
        Action::DeleteOffsets { group, topics: options.all("topic").map(str::to_owned).collect() }
    } else if options.has("reset-offsets") {
        Action::Reset(groups(&options))
    } else if let Some(pattern) = options.all("validate-regex").last() {
        Action::ValidateRegex(pattern.to_owned())
    } else {
        let view = match (options.has("members"), options.has("state")) {
            (true, _) => View::Members,
            (_, true) => View::State,
            _ => View::Offsets,
        };
        Action::Describe { groups: groups(&options), view, verbose: options.has("verbose") }
    };
    Ok((options, action, warnings))
}

/// `--all-groups`, or those that were named.
fn groups(options: &Options) -> Groups {
    if options.has("all-groups") {
        return Groups::All;
    }
    let mut named: Vec<String> = Vec::new();
    for group in options.all("group") {
        if !named.iter().any(|known| known == group) {
            named.push(group.to_owned());
        }
    }
    Groups::Named(named)
}

/// What was said before the tool gave up stands first.
fn warned(warnings: Vec<String>, mut done: Done) -> Done {
    done.err.splice(0..0, warnings);
    done
}

const GROUP_SCOPES: &str = "takes one of these options: [group], [all-groups]";
const NO_EXECUTE: &str = "WARN: No action will be performed as the --execute option is missing. In version 5.0, this command will require either --dry-run or --execute to be specified. You should add the --dry-run option explicitly if you are scripting this command and want to keep the current default behavior without prompting.";

/// `ConsumerGroupCommandOptions.checkArgs`; the warnings that it printed.
fn check(options: &Options) -> Result<Vec<String>, Done> {
    if !options.has("validate-regex") {
        checked(TABLE, [options.require(&["bootstrap-server"])])?;
    }
    let no_group = !options.has("group") && !options.has("all-groups");
    checked(TABLE, [check_describe(options, GROUP_SCOPES)])?;
    if options.has("delete") {
        if no_group {
            return Err(usage_and_exit(TABLE, &format!("Option [delete] {GROUP_SCOPES}")));
        }
        if options.has("topic") {
            return Err(usage_and_exit(TABLE, "The consumer does not support topic-specific offset deletion from a consumer group."));
        }
    }
    if options.has("delete-offsets") && !(options.has("group") && options.has("topic")) {
        return Err(usage_and_exit(TABLE, "Option [delete-offsets] takes the following options: [group], [topic]"));
    }
    let mut warnings = Vec::new();
    if options.has("reset-offsets") {
        check_reset(options, no_group, &mut warnings).map_err(|done| warned(warnings.clone(), done))?;
    }
    let group: Result<(), UsageError> = options.exclude("group", &["all-groups"]);
    let invalid = checked(
        TABLE,
        [
            options.exclude("list", &["members", "offsets"]),
            group,
            options.exclude("group", &["list"]),
            options.exclude("topic", &["list", "describe"]),
        ],
    );
    invalid.map_err(|done| warned(warnings.clone(), done))?;
    Ok(warnings)
}

/// What the tools of groups of each kind check of `--describe`; `scopes` is how they list whose groups they mean.
///
/// # Errors
/// What is wrong with it.
pub fn check_describe(options: &Options, scopes: &str) -> Result<(), UsageError> {
    let sentence = if !options.has("describe") {
        return Ok(());
    } else if !options.has("group") && !options.has("all-groups") {
        scopes
    } else if ["members", "offsets", "state"].iter().filter(|name| options.has(name)).count() > 1 {
        "takes at most one of these options: [members], [offsets], [state]"
    } else if options.all("state").next().is_some() {
        "does not take a value for [state]"
    } else {
        return Ok(());
    };
    Err(UsageError(format!("Option [describe] {sentence}")))
}

fn check_reset(options: &Options, no_group: bool, warnings: &mut Vec<String>) -> Result<(), Done> {
    match (options.has("dry-run"), options.has("execute")) {
        (true, true) => return Err(usage_and_exit(TABLE, "Option [reset-offsets] only accepts one of [execute] and [dry-run]")),
        (false, false) => warnings.push(NO_EXECUTE.to_owned()),
        _ => {}
    }
    if no_group {
        return Err(usage_and_exit(TABLE, &format!("Option [reset-offsets] {GROUP_SCOPES}")));
    }
    let others = |used: &str| SCENARIOS.iter().copied().filter(|other| *other != used).collect::<Vec<_>>();
    checked(TABLE, SCENARIOS.iter().map(|used| options.exclude(used, &others(used))))
}

/// A column of `--list`: `--state`, `--state Stable,Empty`.
fn shown(options: &Options, name: &'static str, plural: &str, known: &[&str]) -> Result<Shown, Done> {
    let mut only = Vec::new();
    // Java's message says "types list", but "state list".
    let list_of = if name == "type" { plural } else { name };
    for list in options.all(name) {
        for word in list.split(',').map(str::trim) {
            let Some(known) = known.iter().find(|known| known.eq_ignore_ascii_case(word)) else {
                let said = format!("Invalid {list_of} list '{list}'. Valid {plural} are: {}", known.join(", "));
                return Err(usage_and_exit(TABLE, &said));
            };
            only.push((*known).to_owned());
        }
    }
    Ok(Shown { column: options.has(name), only })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_as_the_tool_refuses() {
        let cases = [
            ("--bootstrap-server k:1 --describe", "Option [describe] takes one of these options: [group], [all-groups]"),
            (
                "--bootstrap-server k:1 --group g1",
                "Command must include exactly one action: --list, --describe, --delete, --reset-offsets, --delete-offsets, --validate-regex",
            ),
            ("--bootstrap-server k:1 --describe --list", "Option [describe] takes one of these options: [group], [all-groups]"),
            (
                "--bootstrap-server k:1 --describe --group g1 --members --state",
                "Option [describe] takes at most one of these options: [members], [offsets], [state]",
            ),
            ("--bootstrap-server k:1 --describe --group g1 --topic orders", "Option \"[topic]\" can't be used with option \"[describe]\""),
            ("--list", "Missing required argument \"[bootstrap-server]\""),
            ("--lists", "Exception in thread \"main\" joptsimple.UnrecognizedOptionException: lists is not a recognized option"),
        ];
        for (line, expected) in cases {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            assert_eq!(parse(&args).unwrap_err().err[0], expected, "{line}");
        }
    }
}
