//! The options of kafka-dump-log (`DumpLogSegmentsOptions`).

use super::decoder::{Class, Decoder};
use crate::kafka::log::dump::DumpOptions;
use crate::shell::options::{Opt, OptionError, Options, UsageError, flag, may, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{help_or_version, usage_and_exit};

pub const TABLE: &[Opt] = &[
    flag("cluster-metadata-decoder", "Records are of __cluster_metadata."),
    flag("deep-iteration", "Print records, not only batches. --print-data-log implies it."),
    with("files", "String: file1, file2, ...", "REQUIRED: The files to print: /var/lib/kafka-1/orders-0/00000000000000000000.log"),
    flag("index-sanity-check", "Check an index as a broker does when it starts, without printing it."),
    may("key-decoder-class", "String", "The class that decodes keys (default: org.apache.kafka.tools.api.StringDecoder)."),
    with("max-bytes", "Integer: size", "Read so many bytes of each segment at most (default: 2147483647)."),
    with("max-message-size", "Integer: size", "Size of the largest batch (default: 5242880)."),
    flag("offsets-decoder", "Records are of __consumer_offsets."),
    flag("print-data-log", "Print keys and values too. Every decoder implies it."),
    flag("remote-log-metadata-decoder", "Records are of __remote_log_metadata."),
    flag("share-group-state-decoder", "Records are of __share_group_state."),
    flag("skip-record-metadata", "Print nothing but keys and values of records."),
    flag("transaction-log-decoder", "Records are of __transaction_state."),
    may("value-decoder-class", "String", "The class that decodes values (default: org.apache.kafka.tools.api.StringDecoder)."),
    flag("verify-index-only", "Compare an index with its segment, without printing it."),
];

const BLURB: &str =
    "This tool helps to parse a log file and dump its contents to the console, useful for debugging a seemingly corrupt log segment.";

/// A run as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub files: Vec<String>,
    pub options: DumpOptions,
    pub decoder: Decoder,
}

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Asked, Done> {
    // Nothing catches joptsimple's exceptions in this tool.
    let thrown = |error: OptionError| Done::failed(format!("Exception in thread \"main\" {}: {error}", error.class()), 1);
    let options = Options::parse(TABLE, args).map_err(thrown)?;
    if let Some(done) = help_or_version(TABLE, args, &options, BLURB) {
        return Err(done);
    }
    options.require(&["files"]).map_err(|UsageError(sentence)| usage_and_exit(TABLE, &sentence))?;
    let size = |name| -> Result<Option<u32>, Done> {
        let number: Option<i32> = options.number(name).map_err(thrown)?;
        Ok(number.map(|number| u32::try_from(number).unwrap_or(0)))
    };
    let files = options.one("files").map_err(thrown)?.unwrap_or_default().to_owned();
    // It is read only for what stands in an index.
    let max_message_size = if files.contains(".index") { size("max-message-size")? } else { size("max-message-size").ok().flatten() };
    let decoder = decoder(&options)?;
    let decoders = [
        "offsets-decoder",
        "transaction-log-decoder",
        "cluster-metadata-decoder",
        "share-group-state-decoder",
        "key-decoder-class",
        "value-decoder-class",
    ];
    let defaults = DumpOptions::default();
    Ok(Asked {
        files: files.split(',').map(|file| file.trim().to_owned()).collect(),
        options: DumpOptions {
            deep_iteration: options.has("deep-iteration"),
            print_data_log: options.has("print-data-log") || decoders.iter().any(|name| options.has(name)),
            skip_record_metadata: options.has("skip-record-metadata"),
            index_sanity_check: options.has("index-sanity-check"),
            verify_index_only: options.has("verify-index-only"),
            max_bytes: size("max-bytes")?.unwrap_or(defaults.max_bytes),
            max_message_size: max_message_size.unwrap_or(defaults.max_message_size),
        },
        decoder,
    })
}

fn decoder(options: &Options) -> Result<Decoder, Done> {
    let fixed = [
        ("offsets-decoder", Decoder::Offsets),
        ("transaction-log-decoder", Decoder::Transactions),
        ("cluster-metadata-decoder", Decoder::ClusterMetadata),
        ("share-group-state-decoder", Decoder::ShareGroupState),
    ];
    if let Some((_, decoder)) = fixed.into_iter().find(|(name, _)| options.has(name)) {
        return Ok(decoder);
    }
    if options.has("remote-log-metadata-decoder") {
        return Err(Done::failed("There is no tiered storage in this cluster, and so no __remote_log_metadata.", 1));
    }
    let class = |name| {
        let class = options.all(name).last().unwrap_or("org.apache.kafka.tools.api.StringDecoder");
        Class::named(class)
            .ok_or_else(|| Done::failed(format!("Exception in thread \"main\" java.lang.ClassNotFoundException: {class}"), 1))
    };
    Ok(Decoder::Classes { key: class("key-decoder-class")?, value: class("value-decoder-class")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str) -> Result<Asked, Vec<String>> {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        parse(&args).map_err(|done| done.err)
    }

    #[test]
    fn a_decoder_prints_data() {
        let asked = check("--files a.log,b.index --offsets-decoder").unwrap();
        assert_eq!((asked.files, asked.decoder), (vec!["a.log".to_owned(), "b.index".into()], Decoder::Offsets));
        assert!(asked.options.print_data_log && !check("--files a.log").unwrap().options.print_data_log);
        let asked = check("--files a.log --value-decoder-class org.apache.kafka.tools.api.LongDecoder").unwrap();
        assert_eq!(asked.decoder, Decoder::Classes { key: Class::String, value: Class::Long });
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        assert_eq!(check("--deep-iteration").unwrap_err()[0], "Missing required argument \"[files]\"");
        let unknown = "Exception in thread \"main\" joptsimple.UnrecognizedOptionException: x is not a recognized option";
        assert_eq!(check("--x").unwrap_err(), [unknown]);
        let class = check("--files a --key-decoder-class My").unwrap_err();
        assert_eq!(class, ["Exception in thread \"main\" java.lang.ClassNotFoundException: My"]);
    }
}
