//! DescribeClientQuotas (`ClientQuotasImage.describe`) and DescribeUserScramCredentials.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_client_quotas_request::ComponentData;
use kafka_protocol::messages::describe_client_quotas_response::{EntityData, EntryData, ValueData};
use kafka_protocol::messages::describe_user_scram_credentials_response::{CredentialInfo, DescribeUserScramCredentialsResult};
use kafka_protocol::messages::{
    DescribeClientQuotasRequest, DescribeClientQuotasResponse, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
};
use kafka_protocol::protocol::StrBytes;

use super::process::Broker;
use crate::kafka::metadata::image::QuotaEntity;
use crate::kafka::records::murmur2::java_string_hash;
use crate::kafka::security::scram::Mechanism;

/// `ClientQuotaFilterComponent`: this name, the default, any name.
const EXACT: i8 = 0;
const DEFAULT: i8 = 1;

impl Broker {
    #[inline(never)]
    pub(super) fn describe_client_quotas(&self, request: &DescribeClientQuotasRequest) -> DescribeClientQuotasResponse {
        if let Some(message) = refusal(request) {
            return DescribeClientQuotasResponse::default()
                .with_error_code(ResponseError::InvalidRequest.code())
                .with_error_message(Some(StrBytes::from_string(message)))
                .with_entries(None);
        }
        let mut all: Vec<_> = self.image.quotas.iter().collect();
        let table = java_table_size(all.len());
        all.sort_by_key(|(entity, _)| java_hash(entity) & (table - 1));
        let matching = all.into_iter().filter(|(entity, _)| matches(entity, request));
        let entries = matching.map(|(entity, quotas)| {
            let entity = entity.iter().map(|(kind, name)| {
                EntityData::default()
                    .with_entity_type(StrBytes::from_string(kind.clone()))
                    .with_entity_name(name.clone().map(StrBytes::from_string))
            });
            let values = quotas
                .iter()
                .map(|(key, bits)| ValueData::default().with_key(StrBytes::from_string(key.clone())).with_value(f64::from_bits(*bits)));
            EntryData::default().with_entity(entity.collect()).with_values(values.collect())
        });
        DescribeClientQuotasResponse::default().with_entries(Some(entries.collect()))
    }

    /// The credentials of these users, or of all (`ScramImage.describe`): their iterations, nothing by which anybody could be somebody.
    #[inline(never)]
    pub(super) fn describe_scram_credentials(&self, request: &DescribeUserScramCredentialsRequest) -> DescribeUserScramCredentialsResponse {
        let asked: Option<Vec<&str>> = request.users.as_ref().map(|users| users.iter().map(|user| user.name.as_str()).collect());
        let mut names: Vec<&str> = match &asked {
            Some(asked) if !asked.is_empty() => asked.clone(),
            _ => self.image.credentials.keys().map(|(user, _)| user.as_str()).collect(),
        };
        names.sort_unstable();
        names.dedup();
        let results = names.into_iter().map(|name| {
            let result =
                DescribeUserScramCredentialsResult::default().with_user(StrBytes::from_string(name.to_owned())).with_error_message(None);
            let refuse = |error: ResponseError, message: String| {
                result.clone().with_error_code(error.code()).with_error_message(Some(StrBytes::from_string(message)))
            };
            if asked.as_ref().is_some_and(|asked| asked.iter().filter(|asked| **asked == name).count() > 1) {
                let message = format!("Cannot describe SCRAM credentials for the same user twice in a single request: {name}");
                return refuse(ResponseError::DuplicateResource, message);
            }
            let of_user = Mechanism::ALL.into_iter().filter_map(|mechanism| {
                let credential = self.image.credentials.get(&(name.to_owned(), mechanism))?;
                Some(CredentialInfo::default().with_mechanism(mechanism.code()).with_iterations(credential.iterations))
            });
            let infos: Vec<CredentialInfo> = of_user.collect();
            if infos.is_empty() {
                let message = format!("Attempt to describe a user credential that does not exist: {name}");
                return refuse(ResponseError::ResourceNotFound, message);
            }
            result.clone().with_credential_infos(infos)
        });
        let results = results.collect();
        DescribeUserScramCredentialsResponse::default().with_error_message(None).with_results(results)
    }
}

fn refusal(request: &DescribeClientQuotasRequest) -> Option<String> {
    let mut kinds: Vec<&str> = Vec::new();
    for component in &request.components {
        let kind = component.entity_type.as_str();
        match kind {
            "" => return Some("Invalid empty entity type.".into()),
            _ if kinds.contains(&kind) => return Some(format!("Entity type {kind} cannot appear more than once in the filter.")),
            _ if component.match_type == EXACT && component._match.is_none() => {
                return Some("Request specified MATCH_TYPE_EXACT, but set match string to null.".into());
            }
            _ => kinds.push(kind),
        }
    }
    (kinds.contains(&"ip") && kinds.len() > 1)
        .then(|| "Invalid entity filter component combination, IP entity should not be combined with other entity types.".into())
}

/// The size of the `HashMap` in which a broker keeps so many entities: made for one less, and doubled when it is three quarters full.
fn java_table_size(entities: usize) -> u32 {
    let mut size = (entities.max(2) as u32 - 1).next_power_of_two();
    while entities as u32 > size * 3 / 4 {
        size *= 2;
    }
    size
}

/// `ClientQuotaEntity.hashCode`, spread as `HashMap` spreads it.
fn java_hash(entity: &QuotaEntity) -> u32 {
    let parts = entity.iter().map(|(kind, name)| java_string_hash(kind) ^ name.as_deref().map_or(0, java_string_hash));
    let hash = parts.fold(31, i32::wrapping_add).cast_unsigned();
    hash ^ hash >> 16
}

/// Whether an entity has what each component wants, and, if strictly, nothing else.
fn matches(entity: &QuotaEntity, request: &DescribeClientQuotasRequest) -> bool {
    let fits = |component: &ComponentData| {
        let found = entity.iter().find(|(kind, _)| kind == component.entity_type.as_str());
        found.is_some_and(|(_, name)| match component.match_type {
            EXACT => name.as_deref() == component._match.as_deref(),
            DEFAULT => name.is_none(),
            _ => true,
        })
    };
    request.components.iter().all(fits) && !(request.strict && entity.len() != request.components.len())
}
