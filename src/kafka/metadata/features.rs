//! Features and metadata versions (`MetadataVersion`, `Feature`): which there are in 4.3.1, and which levels go with which release.

use imbl::OrdMap;
use kafka_protocol::messages::ApiVersionsResponse;
use kafka_protocol::messages::api_versions_response::{FinalizedFeatureKey, SupportedFeatureKey};
use kafka_protocol::protocol::StrBytes;

use super::record::SupportedFeature;

/// A feature with the levels that 4.3.1 supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    pub name: &'static str,
    pub min: i16,
    pub max: i16,
}

pub const METADATA_VERSION: &str = "metadata.version";
pub const KRAFT_VERSION: &str = "kraft.version";
/// The first level of metadata.version, and that of 4.3.
const FIRST_LEVEL: i16 = 7;
pub const LATEST_LEVEL: i16 = 30;
/// `3.6-IV0`
pub const LEVEL_3_6: i16 = 12;

const fn feature(name: &'static str, min: i16, max: i16) -> Feature {
    Feature { name, min, max }
}

/// Every feature, by name.
pub const FEATURES: &[Feature] = &[
    feature("eligible.leader.replicas.version", 0, 1),
    feature("group.version", 0, 1),
    feature(KRAFT_VERSION, 0, 1),
    feature(METADATA_VERSION, FIRST_LEVEL, LATEST_LEVEL),
    feature("share.version", 0, 1),
    feature("streams.version", 0, 1),
    feature("transaction.version", 0, 2),
];

/// Those that follow from the release (`Feature.PRODUCTION_FEATURES`), in Kafka's order: the metadata.version from which each level is set.
const BY_RELEASE: &[(&str, i16, i16)] = &[
    (KRAFT_VERSION, 21, 1),
    ("transaction.version", 24, 2),
    ("group.version", 22, 1),
    ("eligible.leader.replicas.version", 26, 1),
    ("share.version", 28, 1),
    ("streams.version", 29, 1),
];

/// Names of the levels of metadata.version from 7 on; the last is not stable yet.
const METADATA_VERSIONS: &[&str] = &[
    "3.3-IV3", "3.4-IV0", "3.5-IV0", "3.5-IV1", "3.5-IV2", "3.6-IV0", "3.6-IV1", "3.6-IV2", "3.7-IV0", "3.7-IV1", "3.7-IV2", "3.7-IV3",
    "3.7-IV4", "3.8-IV0", "3.9-IV0", "4.0-IV0", "4.0-IV1", "4.0-IV2", "4.0-IV3", "4.1-IV0", "4.1-IV1", "4.2-IV0", "4.2-IV1", "4.3-IV0",
    "4.4-IV0",
];

/// `MetadataVersion.isCordonedLogDirsSupported`: since 4.3-IV0, the newest that is stable.
pub fn cordons_log_dirs(levels: &OrdMap<String, i16>) -> bool {
    levels.get(METADATA_VERSION).is_some_and(|level| *level >= LATEST_LEVEL)
}

/// A feature by its name.
pub fn find(name: &str) -> Option<&'static Feature> {
    FEATURES.iter().find(|feature| feature.name == name)
}

/// What a broker registers with.
pub fn supported_by_brokers() -> Vec<SupportedFeature> {
    FEATURES.iter().map(|feature| (feature.name.to_owned(), feature.min, feature.max)).collect()
}

/// What brokers and controllers say of features in ApiVersions: what they support, and the levels that are set, as of an offset of the metadata.
pub fn advertise(response: ApiVersionsResponse, levels: &OrdMap<String, i16>, epoch: i64) -> ApiVersionsResponse {
    let supported = FEATURES.iter().map(|feature| {
        SupportedFeatureKey::default()
            .with_name(StrBytes::from_static_str(feature.name))
            .with_min_version(feature.min)
            .with_max_version(feature.max)
    });
    // kraft.version is the quorum's own: it stands in no record of the metadata.
    let set = levels.iter().map(|(name, level)| (StrBytes::from_string(name.clone()), *level)).filter(|(_, level)| *level > 0);
    let finalized = set
        .chain([(StrBytes::from_static_str(KRAFT_VERSION), 1)])
        .map(|(name, level)| FinalizedFeatureKey::default().with_name(name).with_min_version_level(level).with_max_version_level(level));
    response.with_supported_features(supported.collect()).with_finalized_features(finalized.collect()).with_finalized_features_epoch(epoch)
}

/// The name of a level of metadata.version.
pub fn metadata_version(level: i16) -> Option<&'static str> {
    METADATA_VERSIONS.get(usize::try_from(level - FIRST_LEVEL).ok()?).copied()
}

/// The level of `4.0-IV3`, or of the last one of `4.0`; of those up to `last`.
///
/// # Errors
/// Kafka's words for a name that is none.
pub fn metadata_level(name: &str, last: i16) -> Result<i16, String> {
    let known = &METADATA_VERSIONS[..METADATA_VERSIONS.len().min(usize::try_from(last - FIRST_LEVEL).unwrap_or(0) + 1)];
    let is_it = |version: &str| version == name || version.split_once("-IV").is_some_and(|(release, _)| release == name);
    match known.iter().rposition(|version| is_it(version)) {
        Some(at) => Ok(FIRST_LEVEL + at as i16),
        None => Err(format!("Unknown metadata.version '{name}'. Supported metadata.version are: {}", known.join(", "))),
    }
}

/// The levels that the other features have by default at this metadata.version.
pub fn defaults(metadata_level: i16) -> impl Iterator<Item = (&'static str, i16)> {
    BY_RELEASE.iter().map(move |(name, from, level)| (*name, if metadata_level >= *from { *level } else { 0 }))
}

/// What a level needs of other features.
pub fn dependencies(name: &str, level: i16) -> Option<(&'static str, i16)> {
    (name == "eligible.leader.replicas.version" && level == 1).then_some((METADATA_VERSION, 23))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_levels() {
        let level = |name| metadata_level(name, i16::MAX);
        assert!(metadata_level("4.4", LATEST_LEVEL).is_err() && level("4.4").is_ok());
        assert_eq!(metadata_version(30), Some("4.3-IV0"));
        assert_eq!((metadata_version(6), metadata_version(99)), (None, None));
        assert_eq!((level("4.0"), level("4.1"), level("4.3-IV0")), (Ok(25), Ok(27), Ok(30)));
        assert!(level("5.1").unwrap_err().starts_with("Unknown metadata.version '5.1'. Supported metadata.version are: 3.3-IV3, 3.4-IV0"));
        let levels = |at| defaults(at).map(|(_, level)| level).collect::<Vec<_>>();
        assert_eq!((levels(25), levels(27), levels(30)), (vec![1, 2, 1, 0, 0, 0], vec![1, 2, 1, 1, 0, 0], vec![1, 2, 1, 1, 1, 1]));
    }
}
