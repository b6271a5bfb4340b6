//! Client quotas (`ClientQuotaControlManager`): who may do how much, as records. Brokers and the controller hold clients to them (`kafka::quota`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_client_quotas_request::{EntryData as AskedEntry, OpData};
use kafka_protocol::messages::alter_client_quotas_response::{EntityData, EntryData};
use kafka_protocol::messages::{AlterClientQuotasRequest, AlterClientQuotasResponse};
use kafka_protocol::protocol::StrBytes;

use super::{Outcome, State};
use crate::kafka::metadata::image::QuotaEntity;
use crate::kafka::metadata::record::MetadataRecord;

/// Quotas of users and clients, and whether they take fractions; of addresses.
const USER_CLIENT_QUOTAS: &[(&str, bool)] =
    &[("consumer_byte_rate", false), ("controller_mutation_rate", true), ("producer_byte_rate", false), ("request_percentage", true)];
const IP_QUOTAS: &[(&str, bool)] = &[("connection_creation_rate", false)];

impl State {
    /// AlterClientQuotas. Each entity succeeds or fails as a whole.
    #[inline(never)]
    pub fn alter_client_quotas(&self, request: &AlterClientQuotasRequest) -> Outcome {
        let (mut records, mut entries) = (Vec::new(), Vec::new());
        for entry in &request.entries {
            let (error, message) = match self.alter_quota_entity(entry) {
                Ok(changes) => {
                    records.extend(changes);
                    (0, None)
                }
                Err(message) => (ResponseError::InvalidRequest.code(), Some(StrBytes::from_string(message))),
            };
            let entity = entry.entity.iter().map(|entity| {
                EntityData::default().with_entity_type(entity.entity_type.clone()).with_entity_name(entity.entity_name.clone())
            });
            entries.push(EntryData::default().with_error_code(error).with_error_message(message).with_entity(entity.collect()));
        }
        if request.validate_only {
            records.clear();
        }
        Outcome { records, response: AlterClientQuotasResponse::default().with_entries(entries).into() }
    }

    fn alter_quota_entity(&self, entry: &AskedEntry) -> Result<Vec<MetadataRecord>, String> {
        let entity = entity_of(entry)?;
        let known = if entity.iter().any(|(kind, _)| kind == "ip") { IP_QUOTAS } else { USER_CLIENT_QUOTAS };
        let current = self.image.quotas.get(&entity);
        let mut records = Vec::new();
        for op in &entry.ops {
            let key = op.key.to_string();
            let value = validate_quota(known, op)?;
            let now = current.and_then(|quotas| quotas.get(&key)).copied();
            if now != value {
                records.push(MetadataRecord::ClientQuota { entity: entity.clone(), key, value_bits: value });
            }
        }
        Ok(records)
    }
}

/// `validateEntity`: users, clients, or both; or an address.
fn entity_of(entry: &AskedEntry) -> Result<QuotaEntity, String> {
    let mut entity = QuotaEntity::new();
    for asked in &entry.entity {
        let kind = asked.entity_type.to_string();
        if !["user", "client-id", "ip"].contains(&kind.as_str()) {
            return Err(format!("Unhandled client quota entity type: {kind}"));
        }
        if entity.iter().any(|(known, _)| *known == kind) {
            return Err(format!("Invalid client quota entity, duplicate entity entry {kind}"));
        }
        let name = asked.entity_name.as_ref().map(|name| name.to_string());
        if name.as_deref() == Some("") {
            return Err(format!("Empty {kind} not supported"));
        }
        entity.push((kind, name));
    }
    entity.sort();
    match entity.len() {
        0 => Err("Invalid empty client quota entity".into()),
        1 => Ok(entity),
        _ if entity.iter().any(|(kind, _)| kind == "ip") => {
            Err("Invalid quota entity combination, IP entity shouldnot be combined with User or ClientId".into())
        }
        _ => Ok(entity),
    }
}

/// The bits of the value, or `None` to remove it.
fn validate_quota(known: &[(&str, bool)], op: &OpData) -> Result<Option<u64>, String> {
    let key = op.key.as_str();
    let Some((_, takes_fractions)) = known.iter().find(|(name, _)| *name == key) else {
        return Err(format!("Invalid configuration key {key}"));
    };
    if op.remove {
        return Ok(None);
    }
    if op.value.is_nan() || op.value <= 0.0 {
        return Err(format!("Quota {key} must be greater than 0"));
    }
    if !takes_fractions {
        if op.value > i64::MAX as f64 || key == "connection_creation_rate" && op.value > f64::from(i32::MAX) {
            let kind = if key == "connection_creation_rate" { "an INT" } else { "a LONG" };
            return Err(format!("Proposed value for {key} is too large for {kind}."));
        }
        if op.value - libm::floor(op.value) > 1e-6 {
            return Err(format!("{key} cannot be a fractional value."));
        }
    }
    Ok(Some(op.value.to_bits()))
}

#[cfg(test)]
mod tests {
    use kafka_protocol::messages::alter_client_quotas_request::EntityData as AskedEntity;

    use super::*;

    fn alter(entities: &[(&'static str, Option<&'static str>)], key: &'static str, value: f64) -> Result<Vec<MetadataRecord>, String> {
        let entity = entities.iter().map(|(kind, name)| {
            AskedEntity::default().with_entity_type(StrBytes::from_static_str(kind)).with_entity_name(name.map(StrBytes::from_static_str))
        });
        let op = OpData::default().with_key(StrBytes::from_static_str(key)).with_value(value);
        State::default().alter_quota_entity(&AskedEntry::default().with_entity(entity.collect()).with_ops(vec![op]))
    }

    #[test]
    fn what_is_refused() {
        let client = [("client-id", Some("mobile"))];
        assert_eq!(alter(&client, "producer_byte_rate", 1024.0).unwrap().len(), 1);
        for (entities, key, value, expected) in [
            (&client[..], "producer_byte_rate", -1.0, "Quota producer_byte_rate must be greater than 0"),
            (&client, "producer_byte_rate", 1.5, "producer_byte_rate cannot be a fractional value."),
            (&client, "connection_creation_rate", 1.0, "Invalid configuration key connection_creation_rate"),
            (&[], "producer_byte_rate", 1.0, "Invalid empty client quota entity"),
            (&[("host", None)], "producer_byte_rate", 1.0, "Unhandled client quota entity type: host"),
            (&[("user", Some(""))], "producer_byte_rate", 1.0, "Empty user not supported"),
        ] {
            assert_eq!(alter(entities, key, value).unwrap_err(), expected);
        }
    }
}
