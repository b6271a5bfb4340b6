//! CreateAcls, DescribeAcls and DeleteAcls (`AclApis`, `AclControlManager`). Brokers describe from their own image; the controller decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use kafka_protocol::ResponseError;
use kafka_protocol::messages::create_acls_request::AclCreation;
use kafka_protocol::messages::create_acls_response::AclCreationResult;
use kafka_protocol::messages::delete_acls_request::DeleteAclsFilter;
use kafka_protocol::messages::delete_acls_response::{DeleteAclsFilterResult, DeleteAclsMatchingAcl};
use kafka_protocol::messages::describe_acls_response::{AclDescription, DescribeAclsResource};
use kafka_protocol::messages::{
    CreateAclsRequest, CreateAclsResponse, DeleteAclsRequest, DeleteAclsResponse, DescribeAclsRequest, DescribeAclsResponse,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::acl::{Acl, AclFilter, Acls, CLUSTER_NAME, Operation, PatternType, Permission, ResourceType};
use crate::kafka::metadata::record::MetadataRecord;
use crate::sim::rng::Rng;

const NO_AUTHORIZER: &str = "No Authorizer is configured.";

/// DescribeAcls from an image; `secured`: there is an authorizer.
#[inline(never)]
pub fn describe_acls(acls: &Acls, secured: bool, request: &DescribeAclsRequest) -> DescribeAclsResponse {
    if !secured {
        return DescribeAclsResponse::default()
            .with_error_code(ResponseError::SecurityDisabled.code())
            .with_error_message(Some(StrBytes::from_static_str("No Authorizer is configured on the broker")));
    }
    let filter = AclFilter {
        resource: ResourceType::of_code(request.resource_type_filter),
        name: owned(&request.resource_name_filter),
        pattern: PatternType::of_code(request.pattern_type_filter),
        principal: owned(&request.principal_filter),
        host: owned(&request.host_filter),
        operation: Operation::of_code(request.operation),
        permission: Permission::of_code(request.permission_type),
    };
    let mut resources: Vec<DescribeAclsResource> = Vec::new();
    let mut last: Option<&Acl> = None;
    for acl in acls.iter().filter(|acl| filter.matches(acl)) {
        let same = |last: &Acl| (last.resource, &last.name, last.pattern) == (acl.resource, &acl.name, acl.pattern);
        if !last.is_some_and(same) {
            let resource = DescribeAclsResource::default()
                .with_resource_type(acl.resource.code())
                .with_resource_name(acl.name.clone().into())
                .with_pattern_type(acl.pattern.code());
            resources.push(resource);
        }
        last = Some(acl);
        let description = AclDescription::default()
            .with_principal(acl.principal.clone().into())
            .with_host(acl.host.clone().into())
            .with_operation(acl.operation.code())
            .with_permission_type(acl.permission.code());
        if let Some(resource) = resources.last_mut() {
            resource.acls.push(description);
        }
    }
    DescribeAclsResponse::default().with_error_message(None).with_resources(resources)
}

/// CreateAcls: each by itself; what is there already is fine.
#[inline(never)]
pub fn create_acls(acls: &Acls, secured: bool, request: &CreateAclsRequest, rng: &mut Rng) -> (Vec<MetadataRecord>, CreateAclsResponse) {
    let (mut records, mut new) = (Vec::new(), BTreeSet::new());
    let results = request.creations.iter().map(|creation| {
        let acl = acl_of(creation);
        let error = if secured { validate_new_acl(&acl) } else { Err((ResponseError::SecurityDisabled, NO_AUTHORIZER.into())) };
        match error {
            Err((error, message)) => AclCreationResult::default().with_error_code(error.code()).with_error_message(Some(message.into())),
            Ok(()) => {
                if !acls.contains(&acl) && new.insert(acl.clone()) {
                    records.push(MetadataRecord::AccessControlEntry { id: Uuid::from_bytes(rng.bytes16()), acl: Arc::new(acl) });
                }
                AclCreationResult::default().with_error_message(None)
            }
        }
    });
    let results = results.collect();
    (records, CreateAclsResponse::default().with_results(results))
}

/// DeleteAcls: all that each filter means.
#[inline(never)]
pub fn delete_acls(acls: &Acls, secured: bool, request: &DeleteAclsRequest) -> (Vec<MetadataRecord>, DeleteAclsResponse) {
    let mut removed = BTreeSet::new();
    let results = request.filters.iter().map(|asked| {
        let filter = filter_of(asked);
        if let Err((error, message)) =
            if secured { validate_filter(&filter) } else { Err((ResponseError::SecurityDisabled, NO_AUTHORIZER)) }
        {
            return DeleteAclsFilterResult::default().with_error_code(error.code()).with_error_message(Some(message.into()));
        }
        let matching = acls.by_id().filter(|(_, acl)| filter.matches(acl)).map(|(id, acl)| {
            removed.insert(id);
            DeleteAclsMatchingAcl::default()
                .with_error_message(None)
                .with_resource_type(acl.resource.code())
                .with_resource_name(acl.name.clone().into())
                .with_pattern_type(acl.pattern.code())
                .with_principal(acl.principal.clone().into())
                .with_host(acl.host.clone().into())
                .with_operation(acl.operation.code())
                .with_permission_type(acl.permission.code())
        });
        DeleteAclsFilterResult::default().with_error_message(None).with_matching_acls(matching.collect())
    });
    let results = results.collect();
    let records = removed.into_iter().map(|id| MetadataRecord::RemoveAccessControlEntry { id }).collect();
    (records, DeleteAclsResponse::default().with_filter_results(results))
}

fn validate_new_acl(acl: &Acl) -> Result<(), (ResponseError, String)> {
    let invalid = |message: String| Err((ResponseError::InvalidRequest, message));
    match acl {
        Acl { resource: ResourceType::Cluster, name, .. } if name != CLUSTER_NAME => {
            invalid(format!("The only valid name for the CLUSTER resource is {CLUSTER_NAME}"))
        }
        Acl { name, .. } if name.is_empty() => invalid("Invalid empty resource name".into()),
        Acl { resource: ResourceType::Unknown | ResourceType::Any, .. } => invalid(format!("Invalid resourceType {}", acl.resource.name())),
        Acl { pattern: PatternType::Unknown | PatternType::Any | PatternType::Match, .. } => {
            invalid(format!("Invalid patternType {}", acl.pattern.name()))
        }
        Acl { operation: Operation::Unknown | Operation::Any, .. } => invalid(format!("Invalid operation {}", acl.operation.name())),
        Acl { permission: Permission::Unknown | Permission::Any, .. } => {
            invalid(format!("Invalid permissionType {}", acl.permission.name()))
        }
        _ => Ok(()),
    }
}

fn validate_filter(filter: &AclFilter) -> Result<(), (ResponseError, &'static str)> {
    if filter.resource == ResourceType::Unknown || filter.pattern == PatternType::Unknown {
        return Err((ResponseError::InvalidRequest, "Unknown patternFilter."));
    }
    if filter.operation == Operation::Unknown || filter.permission == Permission::Unknown {
        return Err((ResponseError::InvalidRequest, "Unknown entryFilter."));
    }
    Ok(())
}

fn acl_of(creation: &AclCreation) -> Acl {
    Acl {
        resource: ResourceType::of_code(creation.resource_type),
        name: creation.resource_name.to_string(),
        pattern: PatternType::of_code(creation.resource_pattern_type),
        principal: creation.principal.to_string(),
        host: creation.host.to_string(),
        operation: Operation::of_code(creation.operation),
        permission: Permission::of_code(creation.permission_type),
    }
}

fn filter_of(asked: &DeleteAclsFilter) -> AclFilter {
    AclFilter {
        resource: ResourceType::of_code(asked.resource_type_filter),
        name: owned(&asked.resource_name_filter),
        pattern: PatternType::of_code(asked.pattern_type_filter),
        principal: owned(&asked.principal_filter),
        host: owned(&asked.host_filter),
        operation: Operation::of_code(asked.operation),
        permission: Permission::of_code(asked.permission_type),
    }
}

fn owned(text: &Option<StrBytes>) -> Option<String> {
    text.as_ref().map(|text| text.to_string())
}
