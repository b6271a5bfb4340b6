//! The options of kafka-configs (`ConfigCommand.ConfigCommandOptions`), and which entities they mean.

use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, Options, flag, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version, usage_and_exit};
use crate::shell::tools::topics::args::of;

pub const TABLE: &[Opt] = &[
    with("add-config", "String", "What to set: k1=v1,k2=[v1,v2],k3=v3. Brackets keep together a value with commas in it."),
    with("add-config-file", "String", "A file of properties to set."),
    flag("all", "With --describe: all configurations, also those that nobody has set."),
    flag("alter", "Change the configuration of the entity."),
    with("bootstrap-controller", "String: controller to connect to", "Controllers to begin with: HOST:PORT, or several with commas."),
    with("bootstrap-server", "String: server to connect to", "Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("broker", "String", "A broker, by its id."),
    flag("broker-defaults", "What brokers have that have nothing of their own."),
    with("broker-logger", "String", "The loggers of a broker, by its id."),
    with("client", "String", "A client, by its id."),
    flag("client-defaults", "What clients have that have nothing of their own."),
    with("client-metrics", "String", "A client metrics subscription, by its name."),
    with("command-config", "String: command config property file", "A file with properties for the admin client."),
    with("delete-config", "String", "What to remove: k1,k2."),
    flag("describe", "Show the configuration of the entity."),
    flag("entity-default", "The default of the entity type before it (clients, users, brokers, ips)."),
    with("entity-name", "String", "The name of the entity."),
    with("entity-type", "String", "Its type: topics, clients, users, brokers, broker-loggers, ips, client-metrics, groups.")
        .completed_by(Completes::Words(TYPES)),
    flag("force", "Ask nothing."),
    with("group", "String", "A group.").completed_by(Completes::Groups),
    with("ip", "String", "An address."),
    flag("ip-defaults", "What addresses have that have nothing of their own."),
    with("topic", "String", "A topic.").completed_by(Completes::Topics),
    with("user", "String", "A user."),
    flag("user-defaults", "What users have that have nothing of their own."),
];

const BLURB: &str =
    "This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group";
/// In the order of Kafka's sentence.
const TYPES: &[&str] = &["topics", "clients", "users", "brokers", "ips", "client-metrics", "groups", "broker-loggers"];
/// Options that name an entity of a type, and those that mean its default.
const NAMED: &[(&str, &str)] = &[
    ("topic", "topics"),
    ("client", "clients"),
    ("user", "users"),
    ("broker", "brokers"),
    ("broker-logger", "broker-loggers"),
    ("ip", "ips"),
    ("client-metrics", "client-metrics"),
    ("group", "groups"),
];
const DEFAULTS: &[(&str, &str)] =
    &[("client-defaults", "clients"), ("user-defaults", "users"), ("broker-defaults", "brokers"), ("ip-defaults", "ips")];

/// The types of the entities, `--entity-type` first.
pub fn entity_types(options: &Options) -> Vec<String> {
    let given = options.all("entity-type").map(str::to_owned);
    let flags = NAMED.iter().chain(DEFAULTS).filter(|(name, _)| options.has(name)).map(|(_, kind)| (*kind).to_owned());
    given.chain(flags).collect()
}

/// Their names; an empty one is the default.
pub fn entity_names(options: &Options) -> Vec<String> {
    let given = options.found().filter_map(|(name, value)| match name {
        "entity-name" => value.map(str::to_owned),
        "entity-default" => Some(String::new()),
        _ => None,
    });
    let named = NAMED.iter().filter_map(|(name, _)| options.all(name).last()).map(str::to_owned);
    let defaults = DEFAULTS.iter().filter(|(name, _)| options.has(name)).map(|_| String::new());
    given.chain(named).chain(defaults).collect()
}

/// Reads and checks the arguments. `hosts`: names that resolve.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String], hosts: &[String]) -> Result<Options, Done> {
    let options = Options::parse(TABLE, args).map_err(|error| message(&of(error)))?;
    if let Some(done) = help_or_version(TABLE, args, &options, BLURB) {
        return Err(done);
    }
    if options.has("alter") == options.has("describe") {
        return Err(usage_and_exit(TABLE, "Command must include exactly one action: --describe, --alter"));
    }
    checked(TABLE, [options.exclude("describe", &["add-config", "delete-config"])])?;
    check(&options, hosts).map_err(|sentence| message(&Exception::illegal_argument(sentence)))?;
    Ok(options)
}

/// Only its message, on standard error, and status 1: what is the caller's own fault.
pub fn message(exception: &Exception) -> Done {
    Done { err: exception.text().lines().map(str::to_owned).collect(), status: 1, ..Done::default() }
}

fn check(options: &Options, hosts: &[String]) -> Result<(), String> {
    let (types, names) = (entity_types(options), entity_names(options));
    let has = |kind: &str| types.iter().any(|known| known == kind);
    let listed = types.join(",");
    let doubles: Vec<&str> =
        types.iter().enumerate().filter(|(at, kind)| types[..*at].contains(kind)).map(|(_, kind)| kind.as_str()).collect();
    if !doubles.is_empty() {
        return Err(format!("Duplicate entity type(s) specified: {}", doubles.join(",")));
    }
    let servers = ["bootstrap-server", "bootstrap-controller"].iter().filter(|name| options.has(name)).count();
    if servers == 0 {
        return Err("Either --bootstrap-server or --bootstrap-controller must be specified.".into());
    }
    if let Some(unknown) = types.iter().find(|kind| !TYPES.contains(&kind.as_str())) {
        return Err(format!(
            "Invalid entity type {unknown}, the entity type must be one of topics, clients, users, brokers, ips, client-metrics, groups, broker-loggers with a --bootstrap-server or --bootstrap-controller argument"
        ));
    }
    if types.is_empty() {
        return Err("At least one entity type must be specified".into());
    }
    if types.len() > 1 && !(types.len() == 2 && has("users") && has("clients")) {
        return Err("Only 'users' and 'clients' entity types may be specified together".into());
    }
    let by_type = ["entity-name", "entity-type", "entity-default"].iter().any(|name| options.has(name));
    if by_type && NAMED.iter().chain(DEFAULTS).any(|(name, _)| options.has(name)) {
        return Err("--entity-{type,name,default} should not be used in conjunction with specific entity flags".into());
    }
    if servers > 1 {
        return Err("Only one of --bootstrap-server or --bootstrap-controller can be specified".into());
    }
    check_names(options, &types, hosts)?;
    let (has_name, has_default) = (names.iter().any(|name| !name.is_empty()), names.iter().any(String::is_empty));
    let with_defaults = ["users", "clients", "brokers", "ips"].iter().any(|kind| has(kind));
    if options.has("describe") {
        if !with_defaults && options.has("entity-default") {
            return Err(format!("--entity-default must not be specified with --describe of {listed}"));
        }
        if has("broker-loggers") && !has_name {
            return Err(format!("An entity name must be specified with --describe of {listed}"));
        }
        return Ok(());
    }
    if with_defaults && !has_name && !has_default {
        return Err("An entity-name or default entity must be specified with --alter of users, clients, brokers or ips".into());
    }
    if !with_defaults && !has_name {
        return Err(format!("An entity name must be specified with --alter of {listed}"));
    }
    match (options.has("add-config"), options.has("add-config-file"), options.has("delete-config")) {
        (true, true, _) => Err("Only one of --add-config or --add-config-file must be specified".into()),
        (false, false, false) => {
            Err("At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter".into())
        }
        _ => Ok(()),
    }
}

fn check_names(options: &Options, types: &[String], hosts: &[String]) -> Result<(), String> {
    let kind = types.first().map_or("", String::as_str);
    let named = |names: &[&'static str]| names.iter().filter_map(|name| options.all(name).last()).map(str::to_owned).collect::<Vec<_>>();
    if matches!(kind, "brokers" | "broker-loggers") {
        let ids = named(&["entity-name", "broker", "broker-logger"]);
        if let Some(id) = ids.iter().find(|id| !id.is_empty() && id.parse::<i32>().is_err()) {
            return Err(format!("The entity name for {kind} must be a valid integer broker id, but it is: {id}"));
        }
    }
    if kind == "ips" {
        let addresses = named(&["entity-name", "ip"]);
        if let Some(address) = addresses.iter().find(|address| !is_address(address) && !hosts.contains(address)) {
            return Err(format!("The entity name for ips must be a valid IP or resolvable host, but it is: {address}"));
        }
    }
    Ok(())
}

fn is_address(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    let v4 = parts.len() == 4 && parts.iter().all(|part| part.parse::<u8>().is_ok());
    v4 || text.contains(':') && text.chars().all(|c| c == ':' || c == '.' || c.is_ascii_hexdigit())
}

/// `--add-config k1=v1,k2=[v1,v2]` (`ConfigCommand.parseConfigsToBeAdded`).
///
/// # Errors
/// What is no such list.
pub fn configs_to_add(text: &str) -> Result<Vec<(String, String)>, Exception> {
    let mut configs = Vec::new();
    for pair in split_outside_brackets(text, ',') {
        let parts = split_outside_brackets(pair, '=');
        let [name, value] = parts[..] else {
            let message = "requirement failed: Invalid entity config: all configs to be added must be in the format \"key=val\" or  \"key=[val1,val2]\" to group values which contain commas.";
            return Err(Exception::illegal_argument(message));
        };
        configs.push((name.trim().to_owned(), value.replace(['[', ']'], "").trim().to_owned()));
    }
    Ok(configs)
}

/// # Errors
/// A name that no configuration has.
pub fn check_keys<'a>(names: impl Iterator<Item = &'a String>) -> Result<(), Exception> {
    for name in names {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')) {
            return Err(Exception::illegal_argument(format!("Invalid character found for config key: {name}")));
        }
    }
    Ok(())
}

/// Splits where no bracket is open: behind the separator a `[` comes before the next `]`, or there is none.
fn split_outside_brackets(text: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, _) in text.match_indices(separator) {
        let rest = &text[at + 1..];
        let before = rest.split(']').next().unwrap_or_default();
        if before.contains('[') || !rest.contains(']') {
            parts.push(&text[from..at]);
            from = at + 1;
        }
    }
    parts.push(&text[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_keep_values_together() {
        let pairs = configs_to_add("cleanup.policy=[compact,delete],retention.ms=1").unwrap();
        assert_eq!(pairs, [("cleanup.policy".into(), "compact,delete".into()), ("retention.ms".into(), "1".into())]);
        let scram = configs_to_add("SCRAM-SHA-256=[iterations=8192,password=secret]").unwrap();
        assert_eq!(scram, [("SCRAM-SHA-256".into(), "iterations=8192,password=secret".into())]);
        assert!(configs_to_add("retention.ms").unwrap_err().text().starts_with("requirement failed: "));
        assert_eq!(configs_to_add("a=").unwrap(), [("a".into(), String::new())]);
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        let said = |line: &str| {
            let args: Vec<String> = line.split(' ').map(str::to_owned).collect();
            parse(&args, &[]).unwrap_err().err[0].clone()
        };
        assert_eq!(
            said("--bootstrap-server k:1 --describe --broker one"),
            "The entity name for brokers must be a valid integer broker id, but it is: one"
        );
        assert_eq!(said("--describe --topic orders"), "Either --bootstrap-server or --bootstrap-controller must be specified.");
        assert_eq!(said("--bootstrap-server k:1 --describe"), "At least one entity type must be specified");
        assert_eq!(said("--nonsense"), "nonsense is not a recognized option");
        assert_eq!(
            said("--bootstrap-server k:1 --alter --ip here --add-config a=1"),
            "The entity name for ips must be a valid IP or resolvable host, but it is: here"
        );
    }
}
