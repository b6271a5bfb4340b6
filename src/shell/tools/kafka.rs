//! What Kafka's tools have in common: how they read their options and their files, how they find a cluster, how they say what went wrong.

use regex_lite::Regex;

use super::hosts::Done;
use crate::kafka::actor::{Config, HostPort};
use crate::kafka::log::properties_file;
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;
use crate::shell::java::log;
use crate::shell::options::{Opt, OptionError, Options, UsageError, usage};
use crate::sim::time::Time;

/// The version these tools are of.
pub const VERSION: &str = "4.3.1";
/// The commit that it was built from.
pub const COMMIT: &str = "26b251a451ce941d";
/// Options whose argument is a file.
const FILE_OPTIONS: &[&str] = &[
    "command-config",
    "config-file",
    "consumer.config",
    "producer.config",
    "reader-config",
    "formatter-config",
    "admin.config",
    "reassignment-json-file",
    "topics-to-move-json-file",
    "path-to-json-file",
    "add-config-file",
    "from-file",
    "offset-json-file",
];

/// A sentence and the help table on standard error, status 1 (`CommandLineUtils.printUsageAndExit`).
pub fn usage_and_exit(table: &[Opt], sentence: &str) -> Done {
    let mut err = vec![sentence.to_owned()];
    err.extend(usage(table).lines().map(str::to_owned));
    Done { err, status: 1, ..Done::default() }
}

/// `CommandLineUtils.maybePrintHelpOrVersion`: also without any argument the tool only says what it is for.
pub fn help_or_version(table: &[Opt], args: &[String], options: &Options, blurb: &str) -> Option<Done> {
    if args.is_empty() || options.has("help") {
        return Some(usage_and_exit(table, blurb));
    }
    options.has("version").then(|| Done::said(vec![VERSION.to_owned()]))
}

/// The options of a tool that prints whatever joptsimple throws as any exception.
///
/// # Errors
/// That, or the help or the version that was asked for.
pub fn parse(table: &'static [Opt], args: &[String], blurb: &str) -> Result<Options, Done> {
    let options = Options::parse(table, args).map_err(|error| option_error(&error))?;
    help_or_version(table, args, &options, blurb).map_or(Ok(options), Err)
}

/// What joptsimple throws, printed as any exception.
pub fn option_error(error: &OptionError) -> Done {
    message_and_trace(&Exception::new(error.class(), error.to_string()))
}

/// An exception that was thrown before the tool was under way: its message, then itself.
pub fn message_and_trace(exception: &Exception) -> Done {
    Done { err: vec![exception.text().to_owned(), exception.to_string()], status: 1, ..Done::default() }
}

/// An exception that nothing caught: what the Java machine itself prints.
pub fn uncaught(exception: &Exception) -> Done {
    Done::failed(format!("Exception in thread \"main\" {exception}"), 1)
}

/// What a check of options comes to.
pub fn checked(table: &[Opt], checks: impl IntoIterator<Item = Result<(), UsageError>>) -> Result<(), Done> {
    checks.into_iter().find_map(Result::err).map_or(Ok(()), |error| Err(usage_and_exit(table, &error.0)))
}

/// The files that a tool's arguments name.
pub fn files(table: &'static [Opt], args: &[String]) -> Vec<String> {
    let Ok(options) = Options::parse(table, args) else { return Vec::new() };
    FILE_OPTIONS.iter().flat_map(|name| options.all(name)).map(str::to_owned).collect()
}

/// The properties in a file.
///
/// # Errors
/// Java's words for a file that is not there.
pub fn properties(path: &str, files: &Files) -> Result<Config, Exception> {
    let text = files.get(path).ok_or_else(|| Exception::new("java.nio.file.NoSuchFileException", path))?;
    Ok(properties_file::parse(text.as_bytes()).into_iter().collect())
}

/// `key=value` arguments; a key alone has an empty value (`CommandLineUtils.parseKeyValueArgs`).
pub fn key_values<'a>(args: impl Iterator<Item = &'a str>) -> Config {
    let pair = |arg: &'a str| arg.split_once('=').unwrap_or((arg, ""));
    args.filter(|arg| !arg.is_empty()).map(pair).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Which topics a name means that is also a regular expression, with commas between alternatives (`TopicFilter.IncludeList`).
///
/// # Errors
/// What Java says of a pattern that is none.
pub fn include_list(pattern: &str) -> Result<Regex, Exception> {
    let quotes = |c: char| c == '"' || c == '\'';
    let pattern = pattern.trim().replace(',', "|").replace(' ', "");
    let pattern = pattern.trim_start_matches(quotes).trim_end_matches(quotes);
    Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|_| Exception::new("java.lang.RuntimeException", format!("{pattern} is an invalid regex.")))
}

/// This host itself, where the first broker's port is published.
const LOCAL: [&str; 2] = ["localhost", "127.0.0.1"];

/// Addresses with warnings about others, or why there are none, with the warnings.
pub type Bootstrap = Result<(Vec<HostPort>, Vec<String>), (Exception, Vec<String>)>;

/// Where a client starts from: the addresses that resolve, and the warnings about those that do not (`ClientUtils`).
///
/// # Errors
/// The cause for which no client can be made.
pub fn bootstrap(now: Time, servers: &str, hosts: &[String]) -> Bootstrap {
    let (mut addresses, mut warnings) = (Vec::new(), Vec::new());
    for url in servers.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let address = url.rsplit_once(':').and_then(|(host, port)| Some(HostPort { host: host.to_owned(), port: port.parse().ok()? }));
        let Some(address) = address.filter(|address| !address.host.is_empty()) else {
            return Err((Exception::config(format!("Invalid url in bootstrap.servers: {url}")), warnings));
        };
        if hosts.contains(&address.host) || LOCAL.contains(&address.host.as_str()) {
            addresses.push(address);
        } else {
            let message = format!("Couldn't resolve server {url} from bootstrap.servers as DNS resolution failed for {}", address.host);
            warnings.push(log::line(now, "WARN", &message, "org.apache.kafka.clients.ClientUtils"));
        }
    }
    if addresses.is_empty() {
        return Err((Exception::config("No resolvable bootstrap urls given in bootstrap.servers"), warnings));
    }
    Ok((addresses, warnings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_resolve() {
        let hosts = ["kafka-1".to_owned(), "kafka-2".to_owned()];
        let found = |servers: &str| bootstrap(Time::ZERO, servers, &hosts);
        let (addresses, warnings) = found("nowhere:9092, kafka-2:9092").unwrap();
        assert_eq!(addresses, [HostPort { host: "kafka-2".into(), port: 9092 }]);
        assert!(warnings[0].contains("Couldn't resolve server nowhere:9092 from bootstrap.servers as DNS resolution failed for nowhere"));
        assert_eq!(found("localhost:9092").unwrap().0.len(), 1);
        assert_eq!(found("kafka-1").unwrap_err().0.text(), "Invalid url in bootstrap.servers: kafka-1");
        assert_eq!(found("kafka-1:port").unwrap_err().0.text(), "Invalid url in bootstrap.servers: kafka-1:port");
        assert_eq!(found("nowhere:1").unwrap_err().0.text(), "No resolvable bootstrap urls given in bootstrap.servers");
    }
}
