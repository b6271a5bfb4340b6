//! What a controller that is not active answers.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::{
    AllocateProducerIdsResponse, AlterPartitionReassignmentsResponse, AlterPartitionResponse, BrokerHeartbeatResponse,
    BrokerRegistrationResponse, ControllerRegistrationResponse, ElectLeadersResponse, ListPartitionReassignmentsResponse,
    UnregisterBrokerResponse, UpdateFeaturesResponse,
};

use crate::kafka::protocol::api::{Request, Response};

/// NOT_CONTROLLER, where the answer has one error for the whole request.
pub fn not_controller(request: &Request) -> Option<Response> {
    let error = ResponseError::NotController.code();
    Some(match request {
        Request::BrokerRegistration(_) => BrokerRegistrationResponse::default().with_error_code(error).with_broker_epoch(-1).into(),
        Request::BrokerHeartbeat(_) => BrokerHeartbeatResponse::default().with_error_code(error).with_is_fenced(true).into(),
        Request::ControllerRegistration(_) => ControllerRegistrationResponse::default().with_error_code(error).into(),
        Request::AlterPartition(_) => AlterPartitionResponse::default().with_error_code(error).into(),
        Request::AllocateProducerIds(_) => AllocateProducerIdsResponse::default().with_error_code(error).into(),
        Request::ElectLeaders(_) => ElectLeadersResponse::default().with_error_code(error).into(),
        Request::AlterPartitionReassignments(_) => AlterPartitionReassignmentsResponse::default().with_error_code(error).into(),
        Request::ListPartitionReassignments(_) => ListPartitionReassignmentsResponse::default().with_error_code(error).into(),
        Request::UpdateFeatures(_) => UpdateFeaturesResponse::default().with_error_code(error).into(),
        Request::UnregisterBroker(_) => UnregisterBrokerResponse::default().with_error_code(error).into(),
        _ => return None,
    })
}
