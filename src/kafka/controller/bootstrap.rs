//! What a new cluster begins with: the records of `bootstrap.checkpoint` (`BootstrapMetadata`), written in one transaction (KIP-868).

use std::collections::BTreeMap;

use bytes::Bytes;

use super::State;
use crate::kafka::metadata::record::MetadataRecord;
use crate::kafka::raft::{control, snapshot};
use crate::sim::time::Time;

/// `bootstrap.checkpoint`, as `kafka-storage format` writes it: the levels of features, as a snapshot.
pub fn checkpoint(now: Time, formatted: &BTreeMap<String, i16>) -> Bytes {
    let mut records = State::default().bootstrap_records(formatted);
    records.retain(|record| matches!(record, MetadataRecord::FeatureLevel { .. }));
    snapshot::file(now, 0, &[control::snapshot_header(0)], &records)
}

/// The first controller's first records.
pub fn transaction(bootstrap: Vec<MetadataRecord>) -> Vec<MetadataRecord> {
    let mut records = vec![MetadataRecord::BeginTransaction { name: Some("Bootstrap records".into()) }];
    records.extend(bootstrap);
    records.push(MetadataRecord::EndTransaction);
    records
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As long as Apache Kafka 4.3.1's (golden/logs/data-folder).
    #[test]
    fn the_checkpoint_is_as_long_as_kafkas() {
        assert_eq!(checkpoint(Time::ZERO, &BTreeMap::new()).len(), 411);
    }
}
