//! The options of kafka-console-consumer (`ConsoleConsumerOptions`).

use super::formatter::Formatter;
use crate::kafka::actor::Config;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, OptionError, Options, UsageError, flag, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{help_or_version, key_values, properties, usage_and_exit};
use crate::sim::rng::Rng;

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: config file", "A file with properties for the consumer."),
    with("command-property", "String: consumer_prop", "A property of the consumer: key=value."),
    with("consumer-property", "String: consumer_prop", "(DEPRECATED) As --command-property."),
    with("consumer.config", "String: config file", "(DEPRECATED) As --command-config."),
    flag("enable-systest-events", "Accepted; nothing more is said."),
    with("formatter", "String: class", "The class that prints records."),
    with("formatter-config", "String: config file", "A file with properties for the formatter."),
    with(
        "formatter-property",
        "String: prop",
        "How records are printed: print.timestamp, print.key, print.offset, print.partition, print.headers, print.value, print.delivery, print.epoch, key.separator, line.separator, headers.separator, null.literal.",
    ),
    flag("from-beginning", "Begin with the earliest record, where the group has no committed offset."),
    with("group", "String: consumer group id", "The group to be a member of.").completed_by(Completes::Groups),
    with("include", "String: Java regex (String)", "Read all topics with such names."),
    with("isolation-level", "String", "read_committed: without records of aborted or open transactions.")
        .completed_by(Completes::Words(&["read_uncommitted", "read_committed"])),
    with("key-deserializer", "String: deserializer for keys", "Accepted: keys are shown as text."),
    with("max-messages", "Integer: num_messages", "End after so many records."),
    with("offset", "String: consume offset", "With --partition: where to begin: a number, earliest or latest.")
        .completed_by(Completes::Words(&["earliest", "latest"])),
    with("partition", "Integer: partition", "Read this partition only, in no group."),
    with("property", "String: prop", "(DEPRECATED) As --formatter-property."),
    flag("skip-message-on-error", "Go on after a record that cannot be printed."),
    with("timeout-ms", "Long: timeout_ms", "End if no record comes for so long."),
    with("topic", "String: topic", "The topic to read.").completed_by(Completes::Topics),
    with("value-deserializer", "String: deserializer for values", "Accepted: values are shown as text."),
];

/// What is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    Topic(String),
    /// All topics whose names match.
    Include(String),
    Partition {
        topic: String,
        partition: i32,
        from: From,
    },
}

/// Where reading a partition begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Earliest,
    Latest,
    Offset(i64),
}

/// A consumer as it was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    pub source: Source,
    pub servers: String,
    pub config: Config,
    /// `-1`: all there ever are.
    pub max_messages: Result<i64, Exception>,
    /// `None`: for ever.
    pub timeout_ms: Option<u64>,
    pub formatter: Formatter,
    /// Said on standard output before anything else.
    pub warnings: Vec<String>,
}

/// Reads and checks the arguments. A group's name is drawn if none is given.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String], files: &Files, rng: &mut Rng) -> Result<Asked, Done> {
    let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
    let usage = |UsageError(sentence)| usage_and_exit(TABLE, &sentence);
    let refuse = |sentence: &str| Err(usage_and_exit(TABLE, sentence));
    let options = Options::parse(TABLE, args).map_err(option)?;
    let blurb = "This tool helps to read data from Kafka topics and outputs it to standard output.";
    if let Some(done) = help_or_version(TABLE, args, &options, blurb) {
        return Err(done);
    }
    if options.has("topic") == options.has("include") {
        return refuse("Exactly one of the following arguments is required: [topic], [include]");
    }
    if options.has("partition") && !options.has("topic") {
        return refuse("The topic is required when partition is specified.");
    }
    if options.has("partition") && options.has("offset") && options.has("from-beginning") {
        return refuse("Options from-beginning and offset cannot be specified together.");
    }
    if options.has("offset") && !options.has("partition") {
        return refuse("The partition is required when offset is specified.");
    }
    options.require(&["bootstrap-server"]).map_err(usage)?;
    for (new, old) in [("consumer-property", "command-property"), ("consumer.config", "command-config"), ("property", "formatter-property")]
    {
        if options.has(new) && options.has(old) {
            return refuse(&format!("Options --{new} and --{old} cannot be specified together."));
        }
    }
    let replaced = [("command-property", "consumer-property"), ("command-config", "consumer.config"), ("formatter-property", "property")];
    let warnings: Vec<String> = replaced
        .iter()
        .filter(|(_, old)| options.has(old))
        .map(|(new, old)| format!("Option --{old} is deprecated and will be removed in a future version. Use --{new} instead."))
        .collect();
    let offset = offset(&options)?;
    let config = config(&options, files, rng)?;
    let topic = options.one("topic").map_err(option)?.map(str::to_owned);
    let uncaught = |error: OptionError| Done::failed(format!("Exception in thread \"main\" {}: {error}", error.class()), 1);
    let source = match (topic, options.number("partition").map_err(uncaught)?) {
        (Some(topic), Some(partition)) => Source::Partition { topic, partition, from: offset },
        (Some(topic), None) => Source::Topic(topic),
        (None, _) => Source::Include(options.one("include").map_err(option)?.unwrap_or_default().to_owned()),
    };
    // It is read when the consumer is there already.
    let max_messages = options.number("max-messages").map_err(|error| Exception::new(error.class(), error.to_string()));
    let max_messages = max_messages.map(|number| number.unwrap_or(-1));
    let timeout: i64 = options.number("timeout-ms").map_err(option)?.unwrap_or(-1);
    let servers = options.one("bootstrap-server").map_err(option)?.unwrap_or_default().to_owned();
    let formatter = formatter(&options, files)?;
    Ok(Asked { source, servers, config, max_messages, timeout_ms: u64::try_from(timeout).ok(), formatter, warnings })
}

fn offset(options: &Options) -> Result<From, Done> {
    let Some(text) = options.all("offset").last() else {
        return Ok(if options.has("from-beginning") { From::Earliest } else { From::Latest });
    };
    match text.to_ascii_lowercase().as_str() {
        "earliest" => Ok(From::Earliest),
        "latest" => Ok(From::Latest),
        _ => match text.parse::<i64>().ok().filter(|offset| *offset >= 0) {
            Some(offset) => Ok(From::Offset(offset)),
            None => {
                let valid = "Valid values are 'earliest', 'latest', or a non-negative long.";
                Err(usage_and_exit(TABLE, &format!("The provided offset value '{text}' is incorrect. {valid}")))
            }
        },
    }
}

fn config(options: &Options, files: &Files, rng: &mut Rng) -> Result<Config, Done> {
    let refuse = |sentence: &str| Err(usage_and_exit(TABLE, sentence));
    let file = options.all("command-config").chain(options.all("consumer.config")).last();
    let file = file.map_or(Ok(Config::new()), |path| properties(path, files)).map_err(|error| unknown_error(&error))?;
    let given = key_values(options.all("command-property").chain(options.all("consumer-property")));
    let mut config: Config = file.clone();
    config.extend(given.clone());
    group(options, &file, &given, &mut config, rng)?;
    config.insert("isolation.level".into(), options.all("isolation-level").last().unwrap_or("read_uncommitted").into());
    config.entry("client.id".into()).or_insert_with(|| "console-consumer".into());
    let begin = if options.has("from-beginning") { "earliest" } else { "latest" };
    match config.get("auto.offset.reset").map(String::as_str) {
        Some(asked) if options.has("from-beginning") && asked != "earliest" => {
            let said = format!("Can't simultaneously specify --from-beginning and 'auto.offset.reset={asked}', please remove one option");
            return Err(Done::failed(said, 1));
        }
        Some(_) => {}
        None => {
            config.insert("auto.offset.reset".into(), begin.into());
        }
    }
    if options.has("partition") && options.has("group") {
        return refuse("Options group and partition cannot be specified together.");
    }
    Ok(config)
}

/// The group: named in one place, or drawn (and then nothing is committed).
fn group(options: &Options, file: &Config, given: &Config, config: &mut Config, rng: &mut Rng) -> Result<(), Done> {
    let mut ids: Vec<&str> = options.all("group").take(1).collect();
    ids.extend([given, file].iter().filter_map(|config| config.get("group.id")).map(String::as_str));
    if ids.iter().any(|id| *id != ids[0]) {
        let mut seen: Vec<String> = Vec::new();
        for id in ids.iter().map(|id| format!("'{id}'")) {
            if !seen.contains(&id) {
                seen.push(id);
            }
        }
        let sentence = format!(
            "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: {}",
            seen.join(", ")
        );
        return Err(usage_and_exit(TABLE, &sentence));
    }
    match ids.first() {
        Some(id) => {
            let id = (*id).to_owned();
            config.insert("group.id".into(), id);
        }
        None => {
            config.insert("group.id".into(), format!("console-consumer-{}", rng.below(100_000)));
            config.entry("enable.auto.commit".into()).or_insert_with(|| "false".into());
        }
    }
    Ok(())
}

/// What the tool says of an exception that nothing else says better.
pub fn unknown_error(error: &Exception) -> Done {
    Done::failed(error.to_string(), 1)
}

fn formatter(options: &Options, files: &Files) -> Result<Formatter, Done> {
    let thrown = |error: Exception| unknown_error(&error);
    let mut props = Config::new();
    for path in options.all("formatter-config") {
        props.extend(properties(path, files).map_err(thrown)?);
    }
    props.extend(key_values(options.all("formatter-property").chain(options.all("property"))));
    let class = options.all("formatter").last().unwrap_or("org.apache.kafka.tools.consumer.DefaultMessageFormatter");
    // An unknown class is a usage error whose sentence is the class's name.
    Formatter::new(class, &props).ok_or_else(|| usage_and_exit(TABLE, class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Asked, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args, &Files::default(), &mut Rng::derive(7, "args")).map_err(|done| done.err[0].clone())
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        let cases = [
            (
                "--offset -3 --partition 1",
                "The provided offset value '-3' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.",
            ),
            (
                "--partition 1 --offset middle",
                "The provided offset value 'middle' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long.",
            ),
            ("--offset 1", "The partition is required when offset is specified."),
            ("--partition 1 --group g", "Options group and partition cannot be specified together."),
            ("--partition 1 --offset 0 --from-beginning", "Options from-beginning and offset cannot be specified together."),
            (
                "--group g4 --from-beginning --command-property auto.offset.reset=latest",
                "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one option",
            ),
            (
                "--group g5 --command-property group.id=g6",
                "The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer.config') do not match. Detected group ids: 'g5', 'g6'",
            ),
            ("--formatter kafka.Nonsense", "kafka.Nonsense"),
            ("--timeout-ms many", "Cannot parse argument 'many' of option timeout-ms"),
        ];
        for (line, expected) in cases {
            assert_eq!(check(&format!("--bootstrap-server kafka-1:9092 --topic orders {line}")).unwrap_err(), expected, "{line}");
        }
        assert_eq!(
            check("--bootstrap-server kafka-1:9092 --partition 1").unwrap_err(),
            "Exactly one of the following arguments is required: [topic], [include]"
        );
        assert_eq!(check("--topic orders").unwrap_err(), "Missing required argument \"[bootstrap-server]\"");
    }

    #[test]
    fn a_group_is_drawn() {
        let asked = check("--bootstrap-server kafka-1:9092 --topic orders --from-beginning --max-messages 3").unwrap();
        assert!(asked.config["group.id"].starts_with("console-consumer-"));
        assert_eq!((asked.config["enable.auto.commit"].as_str(), asked.config["auto.offset.reset"].as_str()), ("false", "earliest"));
        assert_eq!((asked.source, asked.max_messages, asked.timeout_ms), (Source::Topic("orders".into()), Ok(3), None));
        let asked = check("--bootstrap-server kafka-1:9092 --topic orders --group g").unwrap();
        assert_eq!((asked.config["group.id"].as_str(), asked.config.get("enable.auto.commit")), ("g", None));
    }
}
