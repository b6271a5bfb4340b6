//! DescribeCluster on a controller's listener: the controllers, and which of them is active.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::protocol::frame::Frame;
use crate::kafka::raft::node::Raft;
use crate::kafka::raft::voters::VoterSet;

/// `EndpointType`
pub const BROKER_ENDPOINTS: i8 = 1;
pub const CONTROLLER_ENDPOINTS: i8 = 2;

#[inline(never)]
pub fn describe_cluster(raft: &Raft, cluster_id: &str, frame: &Frame, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    if let Some(refused) = wrong_endpoint(CONTROLLER_ENDPOINTS, frame.version, request) {
        return refused;
    }
    let response = DescribeClusterResponse::default().with_cluster_authorized_operations(i32::MIN);
    let nodes = raft.voters().into_iter().flat_map(VoterSet::iter).map(|voter| {
        DescribeClusterBroker::default()
            .with_broker_id(voter.key.id.0.into())
            .with_host(StrBytes::from_string(voter.host.clone()))
            .with_port(i32::from(voter.port))
    });
    response
        .with_endpoint_type(CONTROLLER_ENDPOINTS)
        .with_cluster_id(StrBytes::from_string(cluster_id.to_owned()))
        .with_controller_id(raft.leader().map_or(-1, |leader| leader.0).into())
        .with_brokers(nodes.collect())
}

/// What is said to who asks a node for the other kind of nodes (`AuthHelper.computeDescribeClusterResponse`).
pub fn wrong_endpoint(own: i8, version: i16, request: &DescribeClusterRequest) -> Option<DescribeClusterResponse> {
    let name = |id| match id {
        BROKER_ENDPOINTS => Some("BROKER"),
        CONTROLLER_ENDPOINTS => Some("CONTROLLER"),
        _ => None,
    };
    let (error, message) = match name(request.endpoint_type) {
        None => (ResponseError::UnsupportedEndpointType, format!("Unsupported endpoint type {}", request.endpoint_type)),
        Some(_) if request.endpoint_type == own => return None,
        Some(wanted) => {
            let sent_to = name(own).unwrap_or_default();
            let message = format!("The request was sent to an endpoint of type {sent_to}, but we wanted an endpoint of type {wanted}");
            (ResponseError::MismatchedEndpointType, message)
        }
    };
    // The first version knows of no kinds.
    let error = if version == 0 { ResponseError::InvalidRequest } else { error };
    let refused = DescribeClusterResponse::default().with_cluster_authorized_operations(i32::MIN);
    Some(refused.with_error_code(error.code()).with_error_message(Some(StrBytes::from_string(message))))
}
