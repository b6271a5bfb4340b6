//! kafka-features (`org.apache.kafka.tools.FeatureCommand`): which levels the cluster's features have, and changing them.

use std::collections::BTreeMap;

use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{ApiVersionsRequest, UpdateFeaturesRequest};
use kafka_protocol::protocol::StrBytes;

use super::hosts::Done;
use super::reassign::requests::unexpected;
use super::script::{Plan, Script, ScriptTool, Stop, TERSE, Thrown, terse};
use crate::kafka::client::admin::Target;
use crate::kafka::metadata::features::{self, LATEST_LEVEL, METADATA_VERSION};
use crate::kafka::protocol::api::Response;
use crate::shell::argparse::{Argument, Command, Kind, Need, Parsed, Parser, argument};
use crate::shell::files::Files;
use crate::shell::java::exception::Exception;

const FEATURE: Argument = argument(
    &["--feature"],
    "FEATURE",
    Kind::Text,
    Need::Optional,
    "A feature and its level: group.version=1. May be given several times.",
);
const METADATA: Argument =
    argument(&["--metadata"], "METADATA", Kind::Text, Need::Optional, "DEPRECATED: the metadata.version by its name: 4.3-IV0.");
const RELEASE: Argument = argument(
    &["--release-version"],
    "RELEASE_VERSION",
    Kind::Text,
    Need::Optional,
    "A release, for the levels that all features have in it: 4.3-IV0.",
);
const DRY_RUN: Argument = argument(&["--dry-run"], "", Kind::Flag, Need::Optional, "Only ask whether it could be done.");
const UNSAFE: Argument = argument(&["--unsafe"], "", Kind::Flag, Need::Optional, "Even if metadata would be lost.");

/// Its options, as argparse4j reads them.
pub const PARSER: Parser = Parser {
    prog: "kafka-features",
    blurb: "The features of a cluster and their levels.",
    arguments: &[
        argument(&["--command-config"], "COMMAND_CONFIG", Kind::Text, Need::Optional, "A file with properties for the admin client."),
        argument(
            &["--bootstrap-server"],
            "BOOTSTRAP_SERVER",
            Kind::Text,
            Need::AtMostOneOf,
            "Brokers to begin with: HOST:PORT, or several with commas.",
        ),
        argument(
            &["--bootstrap-controller"],
            "BOOTSTRAP_CONTROLLER",
            Kind::Text,
            Need::AtMostOneOf,
            "Controllers to begin with, instead of brokers.",
        ),
    ],
    commands: &[
        Command { name: "describe", blurb: "Show the features and their levels.", arguments: &[] },
        Command { name: "upgrade", blurb: "Raise levels.", arguments: &[METADATA, RELEASE, FEATURE, DRY_RUN] },
        Command { name: "downgrade", blurb: "Lower levels.", arguments: &[METADATA, RELEASE, FEATURE, UNSAFE, DRY_RUN] },
        Command { name: "disable", blurb: "Lower levels to 0.", arguments: &[FEATURE, UNSAFE, DRY_RUN] },
        Command { name: "version-mapping", blurb: "Say which levels go with a release.", arguments: &[RELEASE] },
        Command {
            name: "feature-dependencies",
            blurb: "Say what a level needs of other features.",
            arguments: &[argument(&["--feature"], "FEATURE", Kind::Text, Need::Required, "A feature and its level: group.version=1.")],
        },
    ],
};

/// `FeatureUpdate.UpgradeType`
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

/// The files that it reads before it starts.
pub fn reads(args: &[String]) -> Vec<String> {
    PARSER.parse(args).unwrap_or_default().get("--command-config").map(str::to_owned).into_iter().collect()
}

/// # Errors
/// What is said instead of doing anything.
pub fn start(args: &[String], files: &Files, hosts: &[String]) -> Result<ScriptTool, Done> {
    let parsed = PARSER.parse(args).map_err(command_line_error)?;
    // What needs no cluster is said at once.
    let lines = match parsed.command {
        Some("version-mapping") => Some(version_mapping(&parsed)),
        Some("feature-dependencies") => Some(dependencies(&parsed)),
        _ => None,
    };
    if let Some(lines) = lines {
        let (out, error) = lines;
        let err: Vec<String> = error.into_iter().collect();
        return Err(Done { status: i32::from(!err.is_empty()), out, err, ..Done::default() });
    }
    if !parsed.has("--bootstrap-server") && !parsed.has("--bootstrap-controller") {
        return Err(said_of_command_line("You must specify either --bootstrap-controller or --bootstrap-server."));
    }
    let config = Plan::properties(parsed.get("--command-config"), files).map_err(|error| Done::failed(error.text(), 1))?;
    Ok(ScriptTool::new(Plan::of_parsed(run, failure, parsed, config, files), hosts))
}

/// This tool words errors of its command line itself: without the usage, and not in justified lines.
fn command_line_error(done: Done) -> Done {
    let head = format!("{}: error:", PARSER.prog);
    let Some(at) = done.err.iter().position(|line| line.starts_with(&head)) else { return done };
    let mut message = String::new();
    for line in done.err[at..].iter().take_while(|line| !line.is_empty()) {
        // A line may end within a word, behind its hyphen.
        let space = if message.is_empty() || message.ends_with('-') { "" } else { " " };
        message += &format!("{space}{}", line.split_whitespace().collect::<Vec<_>>().join(" "));
    }
    said_of_command_line(message.trim_start_matches(&head).trim_start())
}

fn said_of_command_line(message: &str) -> Done {
    Done::failed(format!("Command line error: {message}. Type --help for help."), 1)
}

fn failure(thrown: &Thrown) -> Done {
    Done::failed(thrown.exception.text(), 1)
}

fn run(script: &mut Script) -> Result<i32, Stop> {
    match script.parsed().command {
        Some("upgrade") => change(script, "upgrade", UPGRADE)?,
        Some("downgrade") => {
            let kind = downgrade_type(script.parsed());
            change(script, "downgrade", kind)?;
        }
        Some("disable") => {
            let kind = downgrade_type(script.parsed());
            let mut updates = BTreeMap::new();
            for feature in script.parsed().all("--feature").map(str::to_owned).collect::<Vec<_>>() {
                insert(&mut updates, feature, 0)?;
            }
            update(script, "disable", kind, &updates)?;
        }
        _ => describe(script)?,
    }
    Ok(0)
}

fn downgrade_type(parsed: &Parsed) -> i8 {
    if parsed.has("--unsafe") { UNSAFE_DOWNGRADE } else { SAFE_DOWNGRADE }
}

fn level_text(feature: &str, level: i16) -> String {
    match features::metadata_version(level) {
        Some(version) if feature == METADATA_VERSION => version.to_owned(),
        None if feature == METADATA_VERSION => format!("UNKNOWN {level}"),
        _ => level.to_string(),
    }
}

fn describe(script: &mut Script) -> Result<(), Stop> {
    let answer = script.ask("describeFeatures", Target::Any, ApiVersionsRequest::default())?;
    // describeFeatures is a future like any other, and this tool prints only the message of what it throws.
    let Response::ApiVersions(body) = answer.map_err(|error| Stop::from(error.in_execution()))? else { return Err(unexpected()) };
    let mut supported: Vec<_> = body.supported_features.iter().collect();
    supported.sort_by(|a, b| a.name.cmp(&b.name));
    for feature in supported {
        let name = feature.name.as_str();
        let finalized = body.finalized_features.iter().find(|other| other.name.as_str() == name).map_or(0, |other| other.max_version_level);
        let epoch = if body.finalized_features_epoch < 0 { "-".to_owned() } else { body.finalized_features_epoch.to_string() };
        script.line(format!(
            "Feature: {name:<40}  SupportedMinVersion: {:<15}  SupportedMaxVersion: {:<15}  FinalizedVersionLevel: {:<15}  Epoch: {epoch}",
            level_text(name, feature.min_version),
            level_text(name, feature.max_version),
            level_text(name, finalized)
        ));
    }
    Ok(())
}

/// `group.version=1`
fn name_and_level(text: &str) -> Result<(String, i16), Exception> {
    let runtime = |why: String| Exception::new("java.lang.RuntimeException", format!("Can't parse feature=level string {text}: {why}"));
    let (name, level) = text.split_once('=').ok_or_else(|| runtime("equals sign not found.".into()))?;
    let level = level.trim();
    let number = level.parse().map_err(|_| runtime(format!("unable to parse {level} as a short.")))?;
    Ok((name.trim().to_owned(), number))
}

fn insert(updates: &mut BTreeMap<String, i16>, name: String, level: i16) -> Result<(), Stop> {
    if updates.contains_key(&name) {
        return Err(Exception::new("java.lang.RuntimeException", format!("Feature {name} was specified more than once.")).into());
    }
    updates.insert(name, level);
    Ok(())
}

fn change(script: &mut Script, op: &str, kind: i8) -> Result<(), Stop> {
    let parsed = script.parsed().clone();
    let mut updates = BTreeMap::new();
    if let Some(release) = parsed.get("--release-version") {
        if parsed.has("--metadata") || parsed.has("--feature") {
            return Err(terse("Can not specify `release-version` with other feature flags."));
        }
        let level = features::metadata_level(release, i16::MAX).map_err(terse)?;
        updates.insert(METADATA_VERSION.to_owned(), level);
        // Nothing is raised to 0.
        let others = features::defaults(level).filter(|(_, level)| kind != UPGRADE || *level > 0);
        updates.extend(others.map(|(name, level)| (name.to_owned(), level)));
    }
    if let Some(version) = parsed.get("--metadata") {
        script.line(" `metadata` flag is deprecated and may be removed in a future release.");
        updates.insert(METADATA_VERSION.to_owned(), features::metadata_level(version, i16::MAX).map_err(terse)?);
    }
    for feature in parsed.all("--feature") {
        let (name, level) = name_and_level(feature)?;
        insert(&mut updates, name, level)?;
    }
    update(script, op, kind, &updates)
}

fn update(script: &mut Script, op: &str, kind: i8, updates: &BTreeMap<String, i16>) -> Result<(), Stop> {
    if updates.is_empty() {
        return Err(terse(format!("You must specify at least one feature to {op}")));
    }
    let dry_run = script.parsed().has("--dry-run");
    let keys = updates.iter().map(|(name, level)| {
        FeatureUpdateKey::default().with_feature(StrBytes::from_string(name.clone())).with_max_version_level(*level).with_upgrade_type(kind)
    });
    let request = UpdateFeaturesRequest::default()
        .with_timeout_ms(script.timeout_ms())
        .with_feature_updates(keys.collect())
        .with_validate_only(dry_run);
    let error = match script.ask("updateFeatures", Target::Any, request)? {
        Ok(Response::UpdateFeatures(body)) => {
            (body.error_code != 0).then(|| Exception::of(body.error_code, body.error_message.as_deref()).text().to_owned())
        }
        Ok(_) => return Err(unexpected()),
        Err(error) => Some(error.text().to_owned()),
    };
    for (name, level) in updates {
        let line = match (&error, op) {
            (Some(error), "disable") => format!("{} disable {name}. {error}", if dry_run { "Can not" } else { "Could not" }),
            (Some(error), _) => format!("{} {op} {name} to {level}. {error}", if dry_run { "Can not" } else { "Could not" }),
            (None, "disable") => format!("{name} {} disabled.", if dry_run { "can be" } else { "was" }),
            (None, _) => format!("{name} {} {op}d to {level}.", if dry_run { "can be" } else { "was" }),
        };
        script.line(line);
    }
    match error {
        Some(_) => Err(terse(format!("{0} out of {0} operation(s) failed.", updates.len()))),
        None => Ok(()),
    }
}

/// Lines, and what ended them before their end.
type Said = (Vec<String>, Option<String>);

fn version_mapping(parsed: &Parsed) -> Said {
    let latest = features::metadata_version(LATEST_LEVEL).unwrap_or_default();
    let release = parsed.get("--release-version").unwrap_or(latest);
    match features::metadata_level(release, i16::MAX) {
        Err(why) => (Vec::new(), Some(why)),
        Ok(level) => {
            let others = features::defaults(level).map(|(name, level)| format!("{name}={level}"));
            (std::iter::once(format!("{METADATA_VERSION}={level} ({release})")).chain(others).collect(), None)
        }
    }
}

fn dependencies(parsed: &Parsed) -> Said {
    let mut lines = Vec::new();
    for feature in parsed.all("--feature") {
        match dependencies_of(feature) {
            Ok(of_feature) => lines.extend(of_feature),
            Err(error) => return (lines, Some(error.text().to_owned())),
        }
    }
    (lines, None)
}

fn dependencies_of(feature: &str) -> Result<Vec<String>, Exception> {
    let (name, level) = name_and_level(feature)?;
    if name == METADATA_VERSION {
        return match features::metadata_version(level) {
            Some(version) => Ok(vec![format!("{name}={level} ({version}) has no dependencies.")]),
            None => Err(Exception::new(TERSE, format!("Unknown metadata.version {level}"))),
        };
    }
    let known = features::find(&name).ok_or_else(|| Exception::new(TERSE, format!("Unknown feature: {name}")))?;
    if !(known.min..=known.max).contains(&level) {
        return Err(Exception::illegal_argument(format!("No feature:{name} with feature level {level}")));
    }
    let Some((needed, at_least)) = features::dependencies(&name, level) else {
        return Ok(vec![format!("{name}={level} has no dependencies.")]);
    };
    let version = features::metadata_version(at_least).filter(|_| needed == METADATA_VERSION);
    let version = version.map(|version| format!(" ({version})")).unwrap_or_default();
    Ok(vec![format!("{name}={level} requires:"), format!("    {needed}={at_least}{version}")])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(line: &str) -> String {
        let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        match start(&args, &Files::default(), &[]) {
            Ok(_) => "asks".into(),
            Err(done) => done.out.into_iter().chain(done.err).collect::<Vec<_>>().join("|"),
        }
    }

    /// As kafka-features 4.3.1 says it.
    #[test]
    fn what_needs_no_cluster() {
        assert_eq!(
            said("feature-dependencies --feature eligible.leader.replicas.version=1 --feature metadata.version=30"),
            "eligible.leader.replicas.version=1 requires:|    metadata.version=23 (4.0-IV1)|metadata.version=30 (4.3-IV0) has no dependencies."
        );
        assert_eq!(said("feature-dependencies --feature group.version=9"), "No feature:group.version with feature level 9");
        assert_eq!(said("version-mapping --release-version 4.1").split('|').next(), Some("metadata.version=27 (4.1)"));
        assert_eq!(said(""), "Command line error: too few arguments. Type --help for help.");
        let none = "Command line error: You must specify either --bootstrap-controller or --bootstrap-server.. Type --help for help.";
        assert_eq!(said("describe"), none);
        let choices = "'describe', 'upgrade', 'downgrade', 'disable', 'version-mapping', 'feature-dependencies'";
        let bogus = format!("Command line error: invalid choice: 'bogus' (choose from {choices}). Type --help for help.");
        assert_eq!(said("--bootstrap-server a:1 bogus"), bogus);
        assert_eq!(said("--bootstrap-server a:1 describe"), "asks");
    }
}
