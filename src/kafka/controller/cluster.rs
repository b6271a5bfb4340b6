//! DescribeCluster on a controller's listener: the controllers, and which of them is active.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::describe_cluster_response::DescribeClusterBroker;
use kafka_protocol::messages::{DescribeClusterRequest, DescribeClusterResponse};
use kafka_protocol::protocol::StrBytes;

use crate::kafka::raft::node::Raft;
use crate::kafka::raft::voters::VoterSet;

/// `EndpointType.CONTROLLER`
const CONTROLLER_ENDPOINTS: i8 = 2;

#[inline(never)]
pub fn describe_cluster(raft: &Raft, cluster_id: &str, request: &DescribeClusterRequest) -> DescribeClusterResponse {
    let response = DescribeClusterResponse::default().with_cluster_authorized_operations(i32::MIN);
    if request.endpoint_type != CONTROLLER_ENDPOINTS {
        let message = "The given endpoint type is not supported by this listener.";
        return response
            .with_error_code(ResponseError::MismatchedEndpointType.code())
            .with_error_message(Some(StrBytes::from_static_str(message)));
    }
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
