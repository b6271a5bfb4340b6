//! The options of kafka-delete-records.

use crate::shell::java::exception::Exception;
use crate::shell::options::{Completes, Opt, Options, with};
use crate::shell::tools::hosts::Done;
use crate::shell::tools::kafka::{checked, help_or_version, message_and_trace};

pub const TABLE: &[Opt] = &[
    with("bootstrap-server", "String: server(s) to use for bootstrapping", "REQUIRED: Where to begin: HOST:PORT, or several with commas.")
        .completed_by(Completes::Servers),
    with("command-config", "String: command config property file path", "A file with properties for the admin client."),
    with(
        "offset-json-file",
        "String: Offset json file path",
        "REQUIRED: A file that says up to where, a partition: {\"partitions\": [{\"topic\": \"foo\", \"partition\": 1, \"offset\": 1}], \"version\": 1}",
    ),
];

/// Reads and checks the arguments.
///
/// # Errors
/// What is said instead of doing anything.
pub fn parse(args: &[String]) -> Result<Options, Done> {
    let thrown = |error: crate::shell::options::OptionError| message_and_trace(&Exception::new(error.class(), error.to_string()));
    let options = Options::parse(TABLE, args).map_err(thrown)?;
    let blurb = "This tool helps to delete records of the given partitions down to the specified offset.";
    if let Some(done) = help_or_version(TABLE, args, &options, blurb) {
        return Err(done);
    }
    checked(TABLE, [options.require(&["bootstrap-server", "offset-json-file"])])?;
    options.one("offset-json-file").map_err(thrown)?;
    Ok(options)
}
