//! The options of kafka-reassign-partitions, and the checks on them (`ReassignPartitionsCommand.validateAndParseArgs`).

use crate::shell::options::{Completes, Opt, Options, flag, may, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version, uncaught, usage_and_exit};
use crate::shell::tools::topics::args::of;

pub const TABLE: &[Opt] = &[
    flag("additional", "With --execute: also while another reassignment goes on; or to change the throttle of one that does."),
    may("bootstrap-controller", "bootstrap controller to connect to", "A controller to begin with: HOST:PORT. For --list and --cancel."),
    may("bootstrap-server", "Server(s) to use for bootstrapping", "Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("broker-list", "brokerlist", "With --generate: the brokers to which partitions may go: 1,2,3."),
    flag("cancel", "Call the reassignments of the file off: replicas go back to where they were."),
    with("command-config", "Admin client property file", "A file with properties for the admin client."),
    flag("disable-rack-aware", "With --generate: do not look at racks."),
    flag("disallow-replication-factor-change", "With --execute: refuse partitions that would get more or fewer replicas."),
    flag("execute", "Begin the reassignments of the file."),
    flag("generate", "Propose where partitions could go. Nothing is moved."),
    flag("list", "Show all reassignments that go on."),
    flag("preserve-throttles", "With --verify and --cancel: leave the throttles of brokers and topics as they are."),
    with(
        "reassignment-json-file",
        "manual assignment json file path",
        "Who shall hold what: {\"version\":1,\"partitions\":[{\"topic\":\"orders\",\"partition\":0,\"replicas\":[1,2]}]}. The first replica is the \
         preferred leader. With \"log_dirs\" (a path or \"any\" for each replica) also in which directory.",
    ),
    with("replica-alter-log-dirs-throttle", "Long: replicaAlterLogDirsThrottle", "With --execute: bytes/s for moves between directories."),
    with(
        "throttle",
        "Long: throttle",
        "With --execute: bytes/s for the copying between brokers. It stays until --verify finds the reassignment done.",
    ),
    with("timeout", "Long: timeout", "How many ms a move between directories may take to begin (10000)."),
    with(
        "topics-to-move-json-file",
        "topics to reassign json file path",
        "With --generate: the topics: {\"version\":1,\"topics\":[{\"topic\":\"orders\"}]}.",
    ),
    flag("verify", "Say whether the reassignments of the file are done; if so, remove the throttles."),
];

const ACTIONS: &[&str] = &["generate", "execute", "verify", "cancel", "list"];

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Options, Done> {
    let options = Options::parse(TABLE, args).map_err(|error| uncaught(&of(error)))?;
    if let Some(done) = help_or_version(TABLE, args, &options, "This tool helps to move topic partitions between replicas.") {
        return Err(done);
    }
    let mut actions = ACTIONS.iter().copied().filter(|action| options.has(action));
    let (Some(action), None) = (actions.next(), actions.next()) else {
        return Err(usage_and_exit(TABLE, "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list"));
    };
    match (options.has("bootstrap-server"), options.has("bootstrap-controller")) {
        (true, true) => return Err(usage_and_exit(TABLE, "Please don't specify both --bootstrap-server and --bootstrap-controller")),
        (false, false) => return Err(usage_and_exit(TABLE, "Please specify either --bootstrap-server or --bootstrap-controller")),
        _ => {}
    }
    let required = required(action);
    checked(TABLE, [options.require(required)])?;
    let permitted = permitted(action, options.has("bootstrap-server"));
    let misplaced = options.given().find(|name| *name != action && !required.contains(name) && !permitted.contains(name));
    match misplaced {
        Some(name) => Err(usage_and_exit(TABLE, &format!("Option \"[{name}]\" can't be used with action \"[{action}]\""))),
        None => Ok(options),
    }
}

fn required(action: &str) -> &'static [&'static str] {
    match action {
        "generate" => &["topics-to-move-json-file", "broker-list"],
        "list" => &[],
        _ => &["reassignment-json-file"],
    }
}

fn permitted(action: &str, from_brokers: bool) -> &'static [&'static str] {
    match (action, from_brokers) {
        ("verify", _) => &["bootstrap-server", "command-config", "preserve-throttles"],
        ("generate", _) => &["bootstrap-server", "broker-list", "command-config", "disable-rack-aware"],
        ("execute", _) => &[
            "additional",
            "bootstrap-server",
            "command-config",
            "throttle",
            "replica-alter-log-dirs-throttle",
            "timeout",
            "disallow-replication-factor-change",
        ],
        ("cancel", true) => &["bootstrap-server", "command-config", "preserve-throttles", "timeout"],
        ("cancel", false) => &["bootstrap-controller", "command-config", "preserve-throttles", "timeout"],
        (_, true) => &["bootstrap-server", "command-config"],
        (_, false) => &["bootstrap-controller", "command-config"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: &str) {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let said = parse(&args).map_or_else(|done| done.err[0].clone(), |_| "fine".into());
        assert_eq!(said, expected, "{line}");
    }

    #[test]
    fn refused_as_the_tool_refuses() {
        check("--list --bootstrap-server kafka-1:9092", "fine");
        check("--list", "Please specify either --bootstrap-server or --bootstrap-controller");
        check(
            "--list --bootstrap-server a:1 --bootstrap-controller b:2",
            "Please don't specify both --bootstrap-server and --bootstrap-controller",
        );
        check("--bootstrap-server a:1 --list --throttle 5", "Option \"[throttle]\" can't be used with action \"[list]\"");
        check(
            "--bootstrap-server a:1 --verify --generate",
            "Command must include exactly one action: --generate, --execute, --verify, --cancel, --list",
        );
        check("--bootstrap-server a:1 --generate --broker-list 1", "Missing required argument \"[topics-to-move-json-file]\"");
        check("--speed 5", "Exception in thread \"main\" joptsimple.UnrecognizedOptionException: speed is not a recognized option");
    }
}
