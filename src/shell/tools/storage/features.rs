//! Releases, metadata versions, and the levels of other features (`MetadataVersion`, `Feature` of 4.3).

use super::args::Refused;
use crate::shell::argparse::Parsed;
use crate::shell::tools::hosts::Done;

pub const METADATA_VERSION: &str = "metadata.version";

/// A metadata version: `4.3-IV0` is level 30.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Release {
    level: i16,
}

/// Each release's first level, and how many internal versions it has.
const RELEASES: &[(&str, i16, i16)] = &[
    // The first three internal versions of 3.3 cannot be begun with any more.
    ("3.3", 7, 1),
    ("3.4", 8, 1),
    ("3.5", 9, 3),
    ("3.6", 12, 3),
    ("3.7", 15, 5),
    ("3.8", 20, 1),
    ("3.9", 21, 1),
    ("4.0", 22, 4),
    ("4.1", 26, 2),
    ("4.2", 28, 2),
    ("4.3", 30, 1),
    ("4.4", 31, 1),
];

/// A feature, the metadata version from which on its highest level is the default, that level, and what it needs.
struct Feature {
    name: &'static str,
    since: Release,
    level: i16,
    needs: Option<Release>,
}

const FEATURES: &[Feature] = &[
    Feature { name: "kraft.version", since: Release { level: 21 }, level: 1, needs: None },
    Feature { name: "transaction.version", since: Release { level: 24 }, level: 2, needs: None },
    Feature { name: "group.version", since: Release { level: 22 }, level: 1, needs: None },
    Feature { name: "eligible.leader.replicas.version", since: Release { level: 26 }, level: 1, needs: Some(Release { level: 23 }) },
    Feature { name: "share.version", since: Release { level: 28 }, level: 1, needs: None },
    Feature { name: "streams.version", since: Release { level: 29 }, level: 1, needs: None },
];

impl Release {
    /// What a new cluster of 4.3 begins with.
    pub const LATEST: Release = Release { level: 30 };

    pub fn of_level(level: i16) -> Option<Release> {
        RELEASES.iter().any(|(_, first, count)| (*first..first + count).contains(&level)).then_some(Release { level })
    }

    /// `4.3-IV0`
    pub fn name(self) -> String {
        let found = RELEASES.iter().find(|(_, first, count)| (*first..first + count).contains(&self.level));
        match found {
            Some(("3.3", ..)) => "3.3-IV3".into(),
            Some((release, first, _)) => format!("{release}-IV{}", self.level - first),
            None => String::new(),
        }
    }

    /// By name; of a release alone, its last. `unstable`: also what is not released.
    fn parse(text: &str, unstable: bool) -> Result<Release, Refused> {
        let last = if unstable { i16::MAX } else { Release::LATEST.level };
        let all = RELEASES.iter().flat_map(|(_, first, count)| *first..first + count).map(|level| Release { level });
        let all: Vec<Release> = all.filter(|release| release.level <= last).collect();
        let whole = RELEASES.iter().find(|(release, ..)| *release == text).map(|(_, first, count)| Release { level: first + count - 1 });
        let found = whole.or_else(|| all.iter().copied().find(|release| release.name() == text)).filter(|release| all.contains(release));
        found.ok_or_else(|| {
            let names: Vec<String> = all.iter().map(|release| release.name()).collect();
            Refused::Terse(format!("Unknown metadata.version '{text}'. Supported metadata.version are: {}", names.join(", ")))
        })
    }
}

impl Feature {
    fn default_level(&self, release: Release) -> i16 {
        if release >= self.since { self.level } else { 0 }
    }
}

/// `version-mapping`
pub fn version_mapping(asked: Option<&str>) -> Done {
    let latest = Release::LATEST.name();
    let text = asked.unwrap_or(&latest);
    let release = match Release::parse(text, true) {
        Ok(release) => release,
        Err(refused) => return refused.done(),
    };
    let mut lines = vec![format!("{METADATA_VERSION}={} ({text})", release.level)];
    lines.extend(FEATURES.iter().map(|feature| format!("{}={}", feature.name, feature.default_level(release))));
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
        let release = Release::of_level(level).ok_or_else(|| format!("Unknown {METADATA_VERSION} {level}"))?;
        return Ok(vec![format!("{name}={level} ({}) has no dependencies.", release.name())]);
    }
    let feature = FEATURES.iter().find(|feature| feature.name == name).ok_or_else(|| format!("Unknown feature: {name}"))?;
    if !(0..=feature.level).contains(&level) {
        return Err(format!("Feature level {level} is not supported for feature {name}"));
    }
    Ok(match feature.needs.filter(|_| level > 0) {
        None => vec![format!("{name}={level} has no dependencies.")],
        Some(release) => {
            vec![format!("{name}={level} requires:"), format!("    {METADATA_VERSION}={} ({})", release.level, release.name())]
        }
    })
}

/// The features that a new cluster begins with: metadata.version first, then the others that are not 0, by name.
///
/// # Errors
/// A release or a feature that does not exist.
pub fn effective(parsed: &Parsed) -> Result<Vec<(String, i16)>, Refused> {
    let mut release = match parsed.get("--release-version") {
        Some(text) => Release::parse(text, false)?,
        None => Release::LATEST,
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
            release = Release::of_level(level).ok_or_else(|| {
                Refused::threw("java.lang.IllegalArgumentException", format!("No MetadataVersion with feature level {level}"))
            })?;
            continue;
        }
        let Some(feature) = FEATURES.iter().find(|feature| feature.name == name) else {
            let mut names: Vec<&str> = FEATURES.iter().map(|feature| feature.name).collect();
            names.sort_unstable();
            return Err(Refused::Terse(format!("Unsupported feature: {name}. Supported features are: {}", names.join(", "))));
        };
        if !(0..=feature.level).contains(&level) {
            let message = format!("No feature:{name} with feature level {level}");
            return Err(Refused::threw("java.lang.IllegalArgumentException", message));
        }
    }
    let mut features: Vec<(String, i16)> = FEATURES
        .iter()
        // That one is kept by the quorum itself.
        .filter(|feature| feature.name != "kraft.version")
        .map(|feature| {
            let asked = asked.iter().rev().find(|(name, _)| *name == feature.name).map(|(_, level)| *level);
            (feature.name.to_owned(), asked.unwrap_or(feature.default_level(release)))
        })
        .filter(|(_, level)| *level > 0)
        .collect();
    features.sort();
    features.insert(0, (METADATA_VERSION.to_owned(), release.level));
    Ok(features)
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
