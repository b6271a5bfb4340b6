//! What kafka-storage says of features and releases, and the levels that a new cluster begins with.

use super::args::Refused;
use crate::kafka::metadata::features::{self, FEATURES, KRAFT_VERSION, LATEST_LEVEL, METADATA_VERSION};
use crate::shell::argparse::Parsed;
use crate::shell::tools::hosts::Done;

/// `version-mapping`
pub fn version_mapping(asked: Option<&str>) -> Done {
    let text = asked.or(features::metadata_version(LATEST_LEVEL)).unwrap_or_default();
    let level = match features::metadata_level(text, i16::MAX) {
        Ok(level) => level,
        Err(message) => return Refused::Terse(message).done(),
    };
    let mut lines = vec![format!("{METADATA_VERSION}={level} ({text})")];
    lines.extend(features::defaults(level).map(|(name, level)| format!("{name}={level}")));
    Done::said(lines)
}

/// `feature-dependencies`
pub fn dependencies<'a>(asked: impl Iterator<Item = &'a str>) -> Done {
    let mut done = Done::default();
    for text in asked {
        match dependencies_of(text) {
            Ok(lines) => done.out.extend(lines),
            Err(message) => {
                done.err.push(message);
                done.status = 1;
                break;
            }
        }
    }
    done
}

fn dependencies_of(text: &str) -> Result<Vec<String>, String> {
    let (name, version) = text
        .split_once('=')
        .ok_or_else(|| format!("Invalid feature format: {text}. Expected format: 'feature=version' (e.g. 'group.version=1')"))?;
    let level: i16 = version.parse().map_err(|_| format!("Invalid version format: {version} for feature {name}"))?;
    if name == METADATA_VERSION {
        let release = features::metadata_version(level).ok_or_else(|| format!("Unknown {METADATA_VERSION} {level}"))?;
        return Ok(vec![format!("{name}={level} ({release}) has no dependencies.")]);
    }
    let feature = features::find(name).ok_or_else(|| format!("Unknown feature: {name}"))?;
    if !(feature.min..=feature.max).contains(&level) {
        return Err(format!("Feature level {level} is not supported for feature {name}"));
    }
    Ok(match features::dependencies(name, level) {
        None => vec![format!("{name}={level} has no dependencies.")],
        Some((needed, least)) => {
            let release = features::metadata_version(least).unwrap_or_default();
            vec![format!("{name}={level} requires:"), format!("    {needed}={least} ({release})")]
        }
    })
}

/// The features that a new cluster begins with: metadata.version first, then the others that are not 0, by name.
///
/// # Errors
/// A release or a feature that does not exist.
pub fn effective(parsed: &Parsed) -> Result<Vec<(String, i16)>, Refused> {
    let mut release = match parsed.get("--release-version") {
        Some(text) => features::metadata_level(text, LATEST_LEVEL).map_err(Refused::Terse)?,
        None => LATEST_LEVEL,
    };
    let mut asked: Vec<(&str, i16)> = Vec::new();
    for text in parsed.all("--feature") {
        let (name, level) = text.split_once('=').ok_or_else(|| {
            Refused::threw("java.lang.RuntimeException", format!("Can't parse feature=level string {text}: equals sign not found."))
        })?;
        let level: i16 = level.parse().map_err(|_| {
            Refused::threw(
                "java.lang.RuntimeException",
                format!("Can't parse feature=level string {text}: unable to parse {level} as a short."),
            )
        })?;
        asked.push((name, level));
    }
    for &(name, level) in &asked {
        if name == METADATA_VERSION {
            features::metadata_version(level).ok_or_else(|| {
                Refused::threw("java.lang.IllegalArgumentException", format!("No MetadataVersion with feature level {level}"))
            })?;
            release = level;
            continue;
        }
        let Some(feature) = features::find(name) else {
            let names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).filter(|name| *name != METADATA_VERSION).collect();
            return Err(Refused::Terse(format!("Unsupported feature: {name}. Supported features are: {}", names.join(", "))));
        };
        if !(feature.min..=feature.max).contains(&level) {
            let message = format!("No feature:{name} with feature level {level}");
            return Err(Refused::threw("java.lang.IllegalArgumentException", message));
        }
    }
    let mut levels: Vec<(String, i16)> = features::defaults(release)
        // That one is kept by the quorum itself.
        .filter(|(name, _)| *name != KRAFT_VERSION)
        .map(|(name, default)| {
            let asked = asked.iter().rev().find(|(asked, _)| *asked == name).map(|(_, level)| *level);
            (name.to_owned(), asked.unwrap_or(default))
        })
        .filter(|(_, level)| *level > 0)
        .collect();
    levels.sort();
    levels.insert(0, (METADATA_VERSION.to_owned(), release));
    Ok(levels)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As kafka-storage 4.3.1 prints them.
    #[test]
    fn releases_and_their_features() {
        let levels = |release: &str| {
            version_mapping(Some(release)).out.iter().map(|line| line.rsplit('=').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(levels("4.2"), ["29 (4.2)", "1", "2", "1", "1", "1", "1"]);
        assert_eq!(levels("4.0"), ["25 (4.0)", "1", "2", "1", "0", "0", "0"]);
        assert_eq!(levels("4.2-IV0")[6], "0");
        assert_eq!(levels("3.8"), ["20 (3.8)", "0", "0", "0", "0", "0", "0"]);
        assert_eq!(version_mapping(None).out[0], "metadata.version=30 (4.3-IV0)");
        assert!(
            version_mapping(Some("9")).err[0]
                .starts_with("Unknown metadata.version '9'. Supported metadata.version are: 3.3-IV3, 3.4-IV0,")
        );
        let said = |text: &str| {
            let done = dependencies([text].into_iter());
            done.out.into_iter().chain(done.err).collect::<Vec<_>>().join("|")
        };
        assert_eq!(
            said("eligible.leader.replicas.version=1"),
            "eligible.leader.replicas.version=1 requires:|    metadata.version=23 (4.0-IV1)"
        );
        assert_eq!(said("group.version=7"), "Feature level 7 is not supported for feature group.version");
        assert_eq!(said("metadata.version=4.0"), "Invalid version format: 4.0 for feature metadata.version");
    }
}
