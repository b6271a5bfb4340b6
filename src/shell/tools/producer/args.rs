//! The options of kafka-console-producer (`ConsoleProducer.ConsoleProducerOptions`).

use super::reader::LineReader;
use crate::kafka::actor::Config;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, OptionError, Options, UsageError, flag, may, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{help_or_version, key_values, properties, usage_and_exit};

pub const TABLE: &[Opt] = &[
    with("batch-size", "Integer: size", "Bytes of a batch before it is sent (batch.size)."),
    with("bootstrap-server", "String: server to connect to", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: config file", "A file with properties for the producer."),
    with("command-property", "String: producer_prop", "A property of the producer: key=value."),
    may("compression-codec", "String: compression-codec", "none, gzip, snappy, lz4 or zstd; gzip if none is named.")
        .completed_by(Completes::Words(&["none", "gzip", "snappy", "lz4", "zstd"])),
    with("line-reader", "String: reader_class", "The class that reads the lines; here only Kafka's own LineMessageReader."),
    with("max-block-ms", "Long: max block on send", "How long a send may wait for metadata or memory (max.block.ms)."),
    with("max-memory-bytes", "Long: total memory in bytes", "Memory for records that wait to be sent (buffer.memory)."),
    with("max-partition-memory-bytes", "Integer: memory in bytes per partition", "(Deprecated) As --batch-size."),
    with("message-send-max-retries", "Integer", "How often a send is tried again (retries)."),
    with("metadata-expiry-ms", "Long: metadata expiration interval", "After so long metadata is asked for anew (metadata.max.age.ms)."),
    with("producer-property", "String: producer_prop", "(DEPRECATED) As --command-property."),
    with("producer.config", "String: config file", "(DEPRECATED) As --command-config."),
    with("property", "String: prop", "(DEPRECATED) As --reader-property."),
    with("reader-config", "String: config file", "A file with properties for the line reader."),
    with(
        "reader-property",
        "String: prop",
        "How lines are read: parse.key, key.separator, parse.headers, headers.delimiter, headers.separator, headers.key.separator, null.marker, ignore.error.",
    ),
    with("request-required-acks", "String: request required acks", "Which replicas must have a record: 0, 1, all (acks).")
        .completed_by(Completes::Words(&["all", "1", "0"])),
    with("request-timeout-ms", "Integer: request timeout ms", "How long an answer is waited for (request.timeout.ms)."),
    with("retry-backoff-ms", "Long", "How long before a send is tried again (retry.backoff.ms)."),
    with("socket-buffer-size", "Integer: size", "The size of the socket's buffer (send.buffer.bytes)."),
    flag("sync", "Wait for each record to be acknowledged before the next is read."),
    with("timeout", "Long: timeout_ms", "How long a batch waits to be filled (linger.ms)."),
    with("topic", "String: topic", "REQUIRED: The topic to write to.").completed_by(Completes::Topics),
];

/// The class of the line reader that is here.
const LINE_READER: &str = "org.apache.kafka.tools.LineMessageReader";

/// A producer as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub topic: String,
    pub servers: String,
    pub sync: bool,
    pub config: Config,
    pub reader: LineReader,
    /// Said on standard output before anything else.
    pub warnings: Vec<String>,
}

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String], files: &Files) -> Result<Asked, Done> {
    let option = |error: OptionError| usage_and_exit(TABLE, &error.to_string());
    let options = Options::parse(TABLE, args).map_err(option)?;
    let blurb = "This tool helps to read data from standard input and publish it to Kafka.";
    if let Some(done) = help_or_version(TABLE, args, &options, blurb) {
        return Err(done);
    }
    let usage = |UsageError(sentence)| usage_and_exit(TABLE, &sentence);
    options.require(&["topic"]).map_err(usage)?;
    for (new, old) in REPLACED {
        if options.has(new) && options.has(old) {
            return Err(usage_and_exit(TABLE, &format!("Options --{new} and --{old} cannot be specified together.")));
        }
    }
    let mut warnings: Vec<String> =
        [("command-property", "producer-property"), ("command-config", "producer.config"), ("reader-property", "property")]
            .iter()
            .filter(|(_, old)| options.has(old))
            .map(|(new, old)| format!("Warning: --{old} is deprecated and will be removed in a future version. Use --{new} instead."))
            .collect();
    if options.has("max-partition-memory-bytes") {
        warnings.push(
            "Warning: --max-partition-memory-bytes is deprecated and will be removed in Apache Kafka 5.0. Use --batch-size instead.".into(),
        );
    }
    let servers = options.one("bootstrap-server").map_err(option)?.unwrap_or_default().to_owned();
    if !are_servers(&servers) {
        return Err(usage_and_exit(TABLE, "Error while validating the bootstrap address"));
    }
    let thrown = |error: Exception| Done { out: warnings.clone(), ..trace(&error) };
    let numbers = FROM_OPTIONS.iter().filter(|(_, property, _)| *property != "acks");
    if let Some(error) = numbers.filter_map(|(option, ..)| options.number::<i64>(option).err()).next() {
        return Err(Done { out: warnings.clone(), ..Done::failed(error.to_string(), 1) });
    }
    let config = config(&options, files).map_err(thrown)?;
    let reader_class = options.one("line-reader").map_err(option)?.unwrap_or(LINE_READER);
    if reader_class != LINE_READER {
        return Err(thrown(Exception::new("java.lang.ClassNotFoundException", reader_class)));
    }
    let reader = reader(&options, files).map_err(thrown)?;
    let topic = options.one("topic").map_err(option)?.unwrap_or_default().to_owned();
    let sync = options.has("sync");
    Ok(Asked { topic, servers, sync, config, reader, warnings })
}

const REPLACED: [(&str, &str); 3] =
    [("command-config", "producer.config"), ("command-property", "producer-property"), ("reader-property", "property")];

/// An exception that ends the tool (`Throwable.printStackTrace`).
pub fn trace(error: &Exception) -> Done {
    Done::failed(error.to_string(), 1)
}

/// `ToolsUtils.validateBootstrapServer`: HOST:PORT everywhere.
fn are_servers(servers: &str) -> bool {
    let valid = |server: &str| server.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    !servers.is_empty() && servers.split(',').map(str::trim).all(valid)
}

/// The producer's configuration: files first, then properties; options count where no property says otherwise.
fn config(options: &Options, files: &Files) -> Result<Config, Exception> {
    let mut config = Config::new();
    for path in options.all("command-config").chain(options.all("producer.config")) {
        config.extend(properties(path, files)?);
    }
    config.extend(key_values(options.all("command-property").chain(options.all("producer-property"))));
    config.entry("client.id".into()).or_insert_with(|| "console-producer".into());
    if options.has("compression-codec") {
        let codec = options.all("compression-codec").next().unwrap_or("gzip");
        config.insert("compression.type".into(), codec.into());
    }
    for (option, property, default) in FROM_OPTIONS {
        match (options.all(option).last(), default) {
            (Some(value), _) => {
                config.insert((*property).into(), value.into());
            }
            (None, Some(default)) => {
                config.entry((*property).into()).or_insert_with(|| (*default).into());
            }
            (None, None) => {}
        }
    }
    Ok(config)
}

/// An option, the property that it sets, and its default in this tool (`CommandLineUtils.maybeMergeOptions`).
const FROM_OPTIONS: &[(&str, &str, Option<&str>)] = &[
    ("timeout", "linger.ms", Some("1000")),
    ("request-required-acks", "acks", Some("-1")),
    ("request-timeout-ms", "request.timeout.ms", Some("1500")),
    ("message-send-max-retries", "retries", Some("3")),
    ("retry-backoff-ms", "retry.backoff.ms", Some("100")),
    ("socket-buffer-size", "send.buffer.bytes", Some("102400")),
    ("max-memory-bytes", "buffer.memory", Some("33554432")),
    ("max-partition-memory-bytes", "batch.size", None),
    ("batch-size", "batch.size", Some("16384")),
    ("metadata-expiry-ms", "metadata.max.age.ms", Some("300000")),
    ("max-block-ms", "max.block.ms", Some("60000")),
];

fn reader(options: &Options, files: &Files) -> Result<LineReader, Exception> {
    let mut props = Config::new();
    for path in options.all("reader-config") {
        props.extend(properties(path, files)?);
    }
    props.extend(key_values(options.all("reader-property").chain(options.all("property"))));
    LineReader::new(&props)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Asked, String> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args, &Files::default()).map_err(|done| done.err[0].clone())
    }

    #[test]
    fn as_the_tool_reads_its_options() {
        let said = |line: &str| check(line).unwrap_err();
        assert_eq!(said("--bootstrap-server kafka-1:9092"), "Missing required argument \"[topic]\"");
        assert_eq!(said("--topic orders"), "Error while validating the bootstrap address");
        assert_eq!(said("--topic orders --bootstrap-server kafka-1"), "Error while validating the bootstrap address");
        assert_eq!(said("--x"), "x is not a recognized option");
        let base = "--bootstrap-server kafka-1:9092 --topic orders";
        let asked = check(&format!("{base} --producer-property linger.ms=1")).unwrap();
        assert_eq!(
            asked.warnings,
            ["Warning: --producer-property is deprecated and will be removed in a future version. Use --command-property instead."]
        );
        assert_eq!((asked.config["linger.ms"].as_str(), asked.config["acks"].as_str()), ("1", "-1"));
        assert_eq!(check(&format!("{base} --request-required-acks all --sync")).unwrap().config["acks"], "all");
        assert_eq!(check(&format!("{base} --compression-codec --sync")).unwrap().config["compression.type"], "gzip");
        assert_eq!(check(base).unwrap().config["client.id"], "console-producer");
    }
}
