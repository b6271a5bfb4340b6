//! Levels of features (`FeatureControlManager.updateFeatures`).

use std::collections::BTreeMap;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::update_features_request::FeatureUpdateKey;
use kafka_protocol::messages::{UpdateFeaturesRequest, UpdateFeaturesResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::metadata::features::{self, KRAFT_VERSION, METADATA_VERSION};
use crate::kafka::metadata::record::{BROKER_RESOURCE, MetadataRecord};

/// `FeatureUpdate.UpgradeType`
const UPGRADE: i8 = 1;
const SAFE_DOWNGRADE: i8 = 2;
const UNSAFE_DOWNGRADE: i8 = 3;

const ELR_VERSION: &str = "eligible.leader.replicas.version";
const MIN_ISR: &str = "min.insync.replicas";

impl State {
    /// What a fresh cluster begins with (`BootstrapMetadata`, `ActivationRecordsGenerator.recordsForEmptyLog`): the levels of the release, or
    /// those that it was formatted with.
    pub fn bootstrap_records(&self, formatted: &BTreeMap<String, i16>) -> Vec<MetadataRecord> {
        let metadata_level = formatted.get(METADATA_VERSION).copied().unwrap_or(features::LATEST_LEVEL);
        let mut levels: BTreeMap<&str, i16> = features::defaults(metadata_level).filter(|(name, _)| *name != KRAFT_VERSION).collect();
        levels.extend(formatted.iter().map(|(name, level)| (name.as_str(), *level)));
        levels.remove(METADATA_VERSION);
        let record = |(name, level): (&str, i16)| MetadataRecord::FeatureLevel { name: name.to_owned(), level };
        let mut records = vec![record((METADATA_VERSION, metadata_level))];
        let set: Vec<(&str, i16)> = levels.into_iter().filter(|(_, level)| *level > 0).collect();
        records.extend(set.iter().copied().map(record));
        if set.contains(&(ELR_VERSION, 1)) {
            records.push(self.min_isr_of_the_cluster());
        }
        records
    }

    /// With eligible leader replicas the cluster has one min.insync.replicas: as server.properties has it.
    fn min_isr_of_the_cluster(&self) -> MetadataRecord {
        MetadataRecord::Config {
            resource_type: BROKER_RESOURCE,
            resource_name: String::new(),
            name: MIN_ISR.to_owned(),
            value: Some(self.setting(MIN_ISR, 1).to_string()),
        }
    }

    /// `maybeGenerateElrSafetyRecords`: what the level of eligible leader replicas needs when it is raised in a running cluster.
    fn elr_safety_records(&self) -> Vec<MetadataRecord> {
        let of_cluster = self.image.configs(BROKER_RESOURCE, "");
        let mut records: Vec<MetadataRecord> =
            (!of_cluster.contains_key(MIN_ISR)).then(|| self.min_isr_of_the_cluster()).into_iter().collect();
        let brokers = self.image.configured(BROKER_RESOURCE).filter(|name| !name.is_empty());
        let own = brokers.filter(|name| self.image.configs(BROKER_RESOURCE, name).contains_key(MIN_ISR));
        records.extend(own.map(|broker| MetadataRecord::Config {
            resource_type: BROKER_RESOURCE,
            resource_name: broker.to_owned(),
            name: MIN_ISR.to_owned(),
            value: None,
        }));
        records
    }

    /// UpdateFeatures: all of them, or none.
    #[inline(never)]
    pub fn update_features(&self, controller: i32, request: &UpdateFeaturesRequest) -> Outcome {
        let mut records = Vec::new();
        for update in &request.feature_updates {
            match self.update_feature(controller, update, &request.feature_updates) {
                Ok(record) => {
                    if update.feature.as_str() == ELR_VERSION && update.max_version_level > 0 && !self.elr_enabled() {
                        records.extend(self.elr_safety_records());
                    }
                    records.extend(record);
                }
                Err(why) => {
                    let message = format!("The update failed for all features since the following feature had an error: {why}");
                    let response = UpdateFeaturesResponse::default()
                        .with_error_code(ResponseError::InvalidUpdateVersion.code())
                        .with_error_message(Some(StrBytes::from_string(message)));
                    return Outcome::only(response);
                }
            }
        }
        if request.validate_only {
            records.clear();
        }
        Outcome { records, response: UpdateFeaturesResponse::default().into() }
    }

    /// The level of a feature: what was set, or 0. The controller of a new 4.3 cluster has kraft.version 1 from its formatting on.
    pub fn feature_level(&self, name: &str) -> i16 {
        if name == KRAFT_VERSION { 1 } else { self.image.features.get(name).copied().unwrap_or(0) }
    }

    fn update_feature(
        &self,
        controller: i32,
        update: &FeatureUpdateKey,
        all: &[FeatureUpdateKey],
    ) -> Result<Option<MetadataRecord>, String> {
        let (name, level) = (update.feature.as_str(), update.max_version_level);
        let invalid = |why: String| Err(format!("Invalid update version {level} for feature {name}. {why}"));
        if !(UPGRADE..=UNSAFE_DOWNGRADE).contains(&update.upgrade_type) {
            return invalid("The controller does not support the given upgrade type.".into());
        }
        if level < 0 {
            return invalid("A feature version cannot be less than 0.".into());
        }
        match features::find(name) {
            None => return invalid(format!("Local controller {controller} does not support this feature.")),
            Some(known) if !(known.min..=known.max).contains(&level) => {
                return invalid(format!("Local controller {controller} only supports versions {}-{}", known.min, known.max));
            }
            Some(_) => {}
        }
        let current = self.feature_level(name);
        match (level.cmp(&current), update.upgrade_type) {
            (std::cmp::Ordering::Less, UPGRADE) => {
                let why =
                    "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.";
                return invalid(why.into());
            }
            (std::cmp::Ordering::Greater, SAFE_DOWNGRADE | UNSAFE_DOWNGRADE) => {
                return invalid("Can't downgrade to a newer version.".into());
            }
            _ => {}
        }
        match name {
            METADATA_VERSION if level < current => {
                let why = match update.upgrade_type {
                    UNSAFE_DOWNGRADE => "Unsafe metadata downgrade is not supported in this version.",
                    _ => "Refusing to perform the requested downgrade because it might delete metadata information.",
                };
                return Err(format!("Unsupported metadata.version downgrade from {current} to {level}. {why}"));
            }
            KRAFT_VERSION if level < current => return invalid("Can't downgrade the version of this feature.".into()),
            KRAFT_VERSION => return Ok(None),
            _ => {}
        }
        if let Some((needed, at_least)) = features::dependencies(name, level) {
            let proposed = all.iter().find(|other| other.feature.as_str() == needed).map(|other| other.max_version_level);
            let there = proposed.unwrap_or_else(|| self.feature_level(needed));
            if there < at_least {
                let needs = format!("{name} could not be set to {level} because it depends on {needed} level {at_least}");
                return invalid(needs);
            }
        }
        Ok(Some(MetadataRecord::FeatureLevel { name: name.to_owned(), level }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let mut state = State::default();
        let record = MetadataRecord::FeatureLevel { name: METADATA_VERSION.into(), level: 30 };
        state.image.apply(&record);
        state
    }

    fn said(name: &str, level: i16, upgrade_type: i8) -> String {
        let update = FeatureUpdateKey::default()
            .with_feature(StrBytes::from_string(name.to_owned()))
            .with_max_version_level(level)
            .with_upgrade_type(upgrade_type);
        match state().update_feature(100, &update, std::slice::from_ref(&update)) {
            Ok(record) => format!("{record:?}"),
            Err(why) => why,
        }
    }

    #[test]
    fn refused_as_by_kafka() {
        let level = |name: &str, level| format!("{:?}", Some(MetadataRecord::FeatureLevel { name: name.into(), level }));
        assert_eq!(said("group.version", 1, UPGRADE), level("group.version", 1));
        assert_eq!(
            said("transaction.version", 9, UPGRADE),
            "Invalid update version 9 for feature transaction.version. Local controller 100 only supports versions 0-2"
        );
        assert_eq!(said("x", 1, UPGRADE), "Invalid update version 1 for feature x. Local controller 100 does not support this feature.");
        assert!(said(METADATA_VERSION, 29, UPGRADE).contains("without setting the upgrade type"));
        assert!(said(METADATA_VERSION, 29, SAFE_DOWNGRADE).starts_with("Unsupported metadata.version downgrade from 30 to 29. Refusing"));
        assert_eq!(
            said("group.version", 1, SAFE_DOWNGRADE),
            "Invalid update version 1 for feature group.version. Can't downgrade to a newer version."
        );
    }
}
