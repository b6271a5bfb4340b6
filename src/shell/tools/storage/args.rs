//! The options of kafka-storage, and what it checks before it looks at a disk.

use crate::kafka::actor::Config;
use crate::shell::argparse::{Argument, Command, Kind, Need, Parsed, Parser, argument};
use crate::shell::files::Files;
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::properties;

const CONFIG: Argument = argument(&["--config", "-c"], "CONFIG", Kind::Text, Need::Required, "The server's properties.");

pub const PARSER: Parser = Parser {
    prog: "kafka-storage",
    blurb: "Formats the log directories of a server, and says what is in them.",
    arguments: &[],
    commands: &[
        Command { name: "info", blurb: "What is in this server's log directories.", arguments: &[CONFIG] },
        Command {
            name: "format",
            blurb: "Make this server's log directories ready for its first start.",
            arguments: &[
                CONFIG,
                argument(&["--cluster-id", "-t"], "CLUSTER_ID", Kind::Text, Need::Required, "The cluster's id."),
                argument(&["--add-scram", "-S"], "ADD_SCRAM", Kind::Text, Need::Optional, "A SCRAM credential to begin with."),
                argument(&["--ignore-formatted", "-g"], "", Kind::Flag, Need::Optional, "Pass over directories that are formatted."),
                argument(&["--release-version", "-r"], "RELEASE_VERSION", Kind::Text, Need::Optional, "The release whose features to use."),
                argument(&["--feature", "-f"], "FEATURE", Kind::Text, Need::Optional, "A feature's level: kraft.version=1"),
                argument(&["--standalone", "-s"], "", Kind::Flag, Need::AtMostOneOf, "This controller is the quorum."),
                argument(&["--no-initial-controllers", "-N"], "", Kind::Flag, Need::AtMostOneOf, "The quorum is elsewhere."),
                argument(
                    &["--initial-controllers", "-I"],
                    "INITIAL_CONTROLLERS",
                    Kind::Text,
                    Need::AtMostOneOf,
                    "id@host:port:directory, ...",
                ),
            ],
        },
        Command {
            name: "version-mapping",
            blurb: "The feature levels of a release.",
            arguments: &[argument(
                &["--release-version", "-r"],
                "RELEASE_VERSION",
                Kind::Text,
                Need::Optional,
                "The release (default: 4.3).",
            )],
        },
        Command {
            name: "feature-dependencies",
            blurb: "What a feature's level needs.",
            arguments: &[argument(&["--feature", "-f"], "FEATURE", Kind::Text, Need::Required, "feature=level; may be given again.")],
        },
        Command { name: "random-uuid", blurb: "Print a random id.", arguments: &[] },
    ],
};

/// Why the tool does not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// `TerseFailure`: its message alone.
    Terse(String),
    /// An exception that nothing catches.
    Threw(String),
}

impl Refused {
    pub fn threw(class: &str, message: String) -> Refused {
        Refused::Threw(format!("{class}: {message}"))
    }

    pub fn done(self) -> Done {
        match self {
            Refused::Terse(message) => Done::failed(message, 1),
            Refused::Threw(exception) => Done::failed(format!("Exception in thread \"main\" {exception}"), 1),
        }
    }
}

/// The server's properties.
///
/// # Errors
/// No such file, or one that lacks what every server's must have.
pub fn config(parsed: &Parsed, files: &Files) -> Result<Config, Refused> {
    let path = parsed.get("--config").unwrap_or_default();
    let config = properties(path, files).map_err(|error| Refused::Threw(error.to_string()))?;
    for name in ["controller.listener.names", "process.roles", "node.id"] {
        if !config.contains_key(name) {
            let message = format!("Missing required configuration \"{name}\" which has no default value.");
            return Err(Refused::threw("org.apache.kafka.common.config.ConfigException", message));
        }
    }
    Ok(config)
}

/// `log.dirs`, or `log.dir`, the metadata's first.
pub fn log_directories(config: &Config) -> Vec<String> {
    let listed = config.get("log.dirs").or_else(|| config.get("log.dir")).map_or("/tmp/kafka-logs", String::as_str);
    let own = config.get("metadata.log.dir").map(String::as_str);
    let mut directories: Vec<String> = Vec::new();
    for path in own.into_iter().chain(listed.split(',')).map(|path| path.trim().trim_end_matches('/')) {
        if !path.is_empty() && !directories.iter().any(|known| known == path) {
            directories.push(path.to_owned());
        }
    }
    directories
}

/// What `format` wants to know of the quorum.
///
/// # Errors
/// What does not go together.
pub fn check_format(parsed: &Parsed, config: &Config) -> Result<(), Refused> {
    let is_controller = config.get("process.roles").is_some_and(|roles| roles.split(',').any(|role| role.trim() == "controller"));
    let has_voters = config.get("controller.quorum.voters").is_some_and(|voters| !voters.trim().is_empty());
    let has_initial = parsed.has("--standalone") || parsed.has("--initial-controllers");
    let terse = |message: &str| Err(Refused::Terse(message.to_owned()));
    if has_voters && has_initial {
        return terse(
            "You cannot specify controller.quorum.voters and format the node with --initial-controllers or --standalone. If you want to use dynamic quorum, please remove controller.quorum.voters and specify controller.quorum.bootstrap.servers instead.",
        );
    }
    if parsed.has("--standalone") && !is_controller {
        return terse("You can only use --standalone on a controller.");
    }
    if is_controller && !has_voters && !has_initial && !parsed.has("--no-initial-controllers") {
        return terse(
            "Because controller.quorum.voters is not set on this controller, you must specify one of the following: --standalone, --initial-controllers, or --no-initial-controllers.",
        );
    }
    Ok(())
}
