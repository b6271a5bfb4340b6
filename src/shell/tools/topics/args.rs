//! The options of kafka-topics, and the checks on them (`TopicCommand.TopicCommandOptions`).

use std::collections::BTreeMap;

use crate::kafka::actor::Config;
use crate::kafka::config::topic;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, OptionError, Options, flag, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version, message_and_trace, usage_and_exit};

pub const TABLE: &[Opt] = &[
    flag("alter", "Raise a topic's number of partitions. (Its configuration is altered with kafka-configs.)"),
    flag("at-min-isr-partitions", "With --describe: only partitions with exactly min.insync.replicas in their ISR."),
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
    with("config", "String: name=value", "With --create: a configuration of the topic. May be given several times."),
    flag("create", "Create a topic."),
    flag("delete", "Delete topics."),
    with("delete-config", "String: name", "No longer supported since 4.0."),
    flag("describe", "Show partitions, leaders, replicas and ISRs of topics."),
    flag("exclude-internal", "Leave internal topics out when listing or describing."),
    flag("if-exists", "With --alter, --delete and --describe: a topic that does not exist is no error."),
    flag("if-not-exists", "With --create: a topic that exists already is no error."),
    flag("list", "List topics."),
    with(
        "partition-size-limit-per-response",
        "Integer: maximum number of partitions per response",
        "At most this many partitions in one response.",
    ),
    with(
        "partitions",
        "Integer: # of partitions",
        "How many partitions; without it the broker's num.partitions. More partitions later send keys elsewhere.",
    ),
    with(
        "replica-assignment",
        "String: broker_id_for_part1_replica1 : broker_id_for_part1_replica2 , ...",
        "Which brokers hold which partition: 1:2,2:3.",
    ),
    with(
        "replication-factor",
        "Integer: replication factor",
        "How many replicas of each partition; without it the broker's default.replication.factor.",
    ),
    with("topic", "String: topic", "The topic; except for --create also a regular expression.").completed_by(Completes::Topics),
    with("topic-id", "String: topic-id", "With --describe: the topic by its id."),
    flag("topics-with-overrides", "With --describe: only topics with configurations of their own, without partitions."),
    flag("unavailable-partitions", "With --describe: only partitions whose leader is not available."),
    flag("under-min-isr-partitions", "With --describe: only partitions with fewer than min.insync.replicas in their ISR."),
    flag("under-replicated-partitions", "With --describe: only partitions with replicas that are not in the ISR."),
];

const ACTIONS: &[&str] = &["alter", "create", "describe", "list", "delete"];
const REPORTS: &[&str] = &["under-replicated-partitions", "under-min-isr-partitions", "at-min-isr-partitions", "unavailable-partitions"];

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Options, Done> {
    let options = Options::parse(TABLE, args).map_err(|error| message_and_trace(&of(error)))?;
    if args.is_empty() {
        return Err(usage_and_exit(TABLE, "Create, delete, describe, or change a topic."));
    }
    if let Some(done) = help_or_version(TABLE, args, &options, "This tool helps to create, delete, describe, or change a topic.") {
        return Err(done);
    }
    if ACTIONS.iter().filter(|action| options.has(action)).count() != 1 {
        let sentence = "Command must include exactly one action: --list, --describe, --create, --alter or --delete";
        return Err(usage_and_exit(TABLE, sentence));
    }
    check_required(&options)?;
    check_invalid(&options)?;
    Ok(options)
}

fn check_required(options: &Options) -> Result<(), Done> {
    if !options.has("bootstrap-server") {
        return Err(message_and_trace(&Exception::illegal_argument("--bootstrap-server must be specified")));
    }
    if options.has("describe") && options.has("if-exists") && !options.has("topic") && !options.has("topic-id") {
        return Err(usage_and_exit(TABLE, "--topic or --topic-id is required to describe a topic"));
    }
    if !options.has("list") && !options.has("describe") {
        checked(TABLE, [options.require(&["topic"])])?;
    }
    if options.has("alter") {
        if options.has("config") {
            let sentence = "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" (To alter topic configurations, the kafka-configs tool can be used.)";
            return Err(usage_and_exit(TABLE, sentence));
        }
        checked(TABLE, [options.require(&["partitions"])])?;
    }
    Ok(())
}

fn check_invalid(options: &Options) -> Result<(), Done> {
    /// `used` goes with these actions only.
    fn only<'a>(
        options: &Options,
        used: &'a str,
        actions: &'a [&'a str],
        besides: &'a [&'a str],
    ) -> Result<(), crate::shell::options::UsageError> {
        let others: Vec<&str> = ACTIONS.iter().copied().filter(|action| !actions.contains(action)).chain(besides.iter().copied()).collect();
        options.exclude(used, &others)
    }
    checked(
        TABLE,
        [
            only(options, "config", &["alter", "create"], &[]),
            only(options, "partitions", &["alter", "create"], &[]),
            only(options, "replication-factor", &["create"], &[]),
            only(options, "replica-assignment", &["alter", "create"], &[]),
            if options.has("create") { options.exclude("replica-assignment", &["partitions", "replication-factor"]) } else { Ok(()) },
            only(options, "under-replicated-partitions", &["describe"], &["topics-with-overrides"]),
            only(options, "under-min-isr-partitions", &["describe"], &["topics-with-overrides"]),
            only(options, "at-min-isr-partitions", &["describe"], &["topics-with-overrides"]),
            only(options, "unavailable-partitions", &["describe"], &["topics-with-overrides"]),
            only(options, "topics-with-overrides", &["describe"], REPORTS),
            only(options, "if-exists", &["alter", "delete", "describe"], &[]),
            only(options, "if-not-exists", &["create"], &[]),
            only(options, "exclude-internal", &["list", "describe"], &[]),
        ],
    )
}

/// What a topic is created or altered with (`CommandTopicPartition`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    pub name: String,
    pub partitions: Option<i32>,
    pub replication_factor: Option<i32>,
    pub assignment: Option<BTreeMap<i32, Vec<i32>>>,
    pub configs: Config,
}

/// Reads what is wanted of a topic. Done when it is needed, as TopicCommand does it: what is wrong with it is an error of the command.
///
/// # Errors
/// What is wrong with it.
pub fn wanted(options: &Options) -> Result<Wanted, Exception> {
    let name = options.one("topic").map_err(of)?.unwrap_or_default().to_owned();
    let partitions = options.number("partitions").map_err(of)?;
    let replication_factor = options.number("replication-factor").map_err(of)?;
    let assignment = match options.one("replica-assignment").map_err(of)?.filter(|text| !text.is_empty()) {
        Some(text) => Some(assignment(text)?),
        None => None,
    };
    let configs = configs(options)?;
    Ok(Wanted { name, partitions, replication_factor, assignment, configs })
}

/// An option's error as an exception.
pub fn of(error: OptionError) -> Exception {
    Exception::new(error.class(), error.to_string())
}

/// `1:2,2:3`
fn assignment(text: &str) -> Result<BTreeMap<i32, Vec<i32>>, Exception> {
    let mut partitions: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for (partition, brokers) in text.split(',').enumerate() {
        let ids = brokers
            .split(':')
            .map(str::trim)
            .map(|id| id.parse().map_err(|_| Exception::new("java.lang.NumberFormatException", format!("For input string: \"{id}\""))));
        let ids: Vec<i32> = ids.collect::<Result<_, _>>()?;
        let twice: Vec<String> = ids.iter().enumerate().filter(|(at, id)| ids[..*at].contains(id)).map(|(_, id)| id.to_string()).collect();
        if !twice.is_empty() {
            let message = format!("Partition replica lists may not contain duplicate entries: {}", twice.join(","));
            return Err(Exception::new("org.apache.kafka.tools.AdminCommandFailedException", message));
        }
        if partitions.get(&0).is_some_and(|first| first.len() != ids.len()) {
            let message = format!("Partition {partition} has different replication factor: {ids:?}");
            return Err(Exception::new("org.apache.kafka.tools.AdminOperationException", message));
        }
        partitions.insert(partition as i32, ids);
    }
    Ok(partitions)
}

/// `--config name=value`, checked as `LogConfig.validate` does; names that nobody knows are left to the broker.
fn configs(options: &Options) -> Result<Config, Exception> {
    let mut configs = Config::new();
    for text in options.all("config") {
        // Java's split leaves out what is empty at the end.
        let parts: Vec<&str> = text.trim_end_matches('=').split('=').collect();
        let [name, value] = parts[..] else {
            let message = "requirement failed: Invalid topic config: all configs to be added must be in the format \"key=val\".";
            return Err(Exception::illegal_argument(message));
        };
        configs.insert(name.trim().to_owned(), value.trim().to_owned());
    }
    for (name, value) in &configs {
        if let Some(def) = topic::find(name) {
            topic::validate(def, value).map_err(Exception::config)?;
        }
    }
    Ok(configs)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first line on standard error, or what is wrong with what is wanted, or `fine`.
    fn check(line: &str) -> String {
        let args = crate::shell::expand::words_of(&format!("x {line}")).split_off(1);
        match parse(&args) {
            Err(done) => done.err[0].clone(),
            Ok(options) => wanted(&options).map_or_else(|error| error.to_string(), |_| "fine".into()),
        }
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        let cases = [
            ("--create --topic a --partitions 3", "fine"),
            ("--create", "Missing required argument \"[topic]\""),
            ("--topic orders", "Command must include exactly one action: --list, --describe, --create, --alter or --delete"),
            (
                "--create --list --topic orders",
                "Command must include exactly one action: --list, --describe, --create, --alter or --delete",
            ),
            ("--create --topic a --if-exists", "Option \"[if-exists]\" can't be used with option \"[create]\""),
            ("--create --topic a --partitons 3", "partitons is not a recognized option"),
            ("--alter --topic orders", "Missing required argument \"[partitions]\""),
            (
                "--alter --topic orders --config retention.ms=1000",
                "Option combination \"[[bootstrap-server], [config]]\" can't be used with option \"[alter]\" (To alter topic configurations, the kafka-configs tool can be used.)",
            ),
            ("--alter --topic orders --replication-factor 2", "Missing required argument \"[partitions]\""),
            ("--delete --topic a --partitions 1", "Option \"[partitions]\" can't be used with option \"[delete]\""),
            (
                "--create --topic both --partitions 1 --replica-assignment 1:2:3",
                "Option \"[replica-assignment]\" can't be used with option \"[partitions]\"",
            ),
            (
                "--create --topic u --replica-assignment 1:2,3",
                "org.apache.kafka.tools.AdminOperationException: Partition 1 has different replication factor: [3]",
            ),
            (
                "--create --topic t --replica-assignment 1:1",
                "org.apache.kafka.tools.AdminCommandFailedException: Partition replica lists may not contain duplicate entries: 1",
            ),
            ("--create --topic w --replica-assignment one:two", "java.lang.NumberFormatException: For input string: \"one\""),
            (
                "--create --topic t --partitions three",
                "joptsimple.OptionArgumentConversionException: Cannot parse argument 'three' of option partitions",
            ),
            (
                "--create --topic t --config retention.ms=soon",
                "org.apache.kafka.common.config.ConfigException: Invalid value soon for configuration retention.ms: Not a number of type LONG",
            ),
            (
                "--create --topic t --config cleanup.policy=shred",
                "org.apache.kafka.common.config.ConfigException: Invalid value shred for configuration cleanup.policy: String must be one of: compact, delete",
            ),
            ("--create --topic t --config retention=5", "fine"),
        ];
        for (line, expected) in cases {
            assert_eq!(check(&format!("--bootstrap-server kafka-1:9092 {line}")), expected, "{line}");
        }
        assert_eq!(check("--create --topic orders"), "--bootstrap-server must be specified");
        assert_eq!(check(""), "Create, delete, describe, or change a topic.");
    }
}
