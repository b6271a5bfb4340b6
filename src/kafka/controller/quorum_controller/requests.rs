//! Requests to a controller (`ControllerApis`): what their senders may do, and which rule answers which.

use super::*;
use crate::kafka::config::helper::ConfigHelper;

impl QuorumController {
    /// What of a request its sender may do (`ControllerApis`). Whoever passes requests on needs CLUSTER_ACTION; what is in them is whose it is.
    #[inline(never)]
    pub(super) fn authorize(&self, conn: ConnId, frame: &mut Frame) -> Checked {
        let Some(authorizer) = &self.authorizer else { return Checked::All };
        let own_address = if conn == LOCAL { address_of(&host_of(self.spec.id)) } else { String::new() };
        let address = self.addresses.get(&conn).map_or(own_address.as_str(), String::as_str);
        let acls = &self.state.image.acls;
        let own = Guard { authorizer: Some(authorizer), acls, who: Who { principal: ANONYMOUS, host: address } };
        let guard = match &frame.envelope {
            Some(_) if !own.allows_cluster(Operation::ClusterAction) => return Checked::Close,
            Some(envelope) => Guard { who: Who { principal: &envelope.principal, host: &envelope.address }, ..own },
            None => own,
        };
        let Body::Request { request, .. } = &mut frame.body else { return Checked::Close };
        if let Request::Fetch(_)
        | Request::FetchSnapshot(_)
        | Request::Vote(_)
        | Request::BeginQuorumEpoch(_)
        | Request::EndQuorumEpoch(_)
        | Request::ControllerRegistration(_) = request
        {
            // Of the metadata log and its quorum.
            return if guard.allows_cluster(Operation::ClusterAction) { Checked::All } else { Checked::Close };
        }
        let what = format!("Request(listenerName=ListenerName(CONTROLLER), securityProtocol=PLAINTEXT, from={address})");
        check(&guard, &self.state.image, &what, request, &mut Vec::new())
    }

    pub(super) fn request(&mut self, raft: &mut Raft, now: Time, conn: ConnId, frame: &Frame, refused: Option<Response>, out: &mut Outbox) {
        let Body::Request { request, .. } = &frame.body else { return };
        let asker = Asker::of(conn, frame);
        self.state.now = now;
        let response: Response = match request {
            Request::ApiVersions(_) => {
                let response = ApiVersionsResponse::default().with_api_keys(api_versions::of_controllers());
                features::advertise(response, &self.committed.features, self.applied - 1).into()
            }
            Request::DescribeCluster(request) => cluster::describe_cluster(raft, &self.spec.cluster_id, frame, request).into(),
            Request::DescribeConfigs(request) => {
                let helper = ConfigHelper {
                    image: &self.committed,
                    id: self.spec.id,
                    config: &self.spec.config,
                    controllers: &self.spec.controllers,
                    is_broker: self.spec.is_broker,
                    is_controller: true,
                };
                let mut response = helper.describe_configs(request).into();
                if let Some(refused) = refused {
                    merge(&mut response, refused);
                }
                response
            }
            Request::DescribeQuorum(request) => raft.describe_quorum(now, request).into(),
            _ if raft.change_voters(now, asker, request, out) => return self.poll(raft, now, out),
            _ if self.active.is_none() => return self.refuse(asker, request, out),
            _ => {
                self.state.next_offset = raft.log().map_or(0, |log| log.log_end_offset());
                // Nothing else is sent to a controller: its socket would be closed.
                let Some(mut outcome) = self.decide(frame, request, out) else { return self.close(asker, out) };
                if let Some(refused) = refused {
                    merge(&mut outcome.response, refused);
                }
                return self.write(raft, now, outcome, Some(asker), out);
            }
        };
        self.answer(asker, response, out);
    }

    /// What a request leads to; `None` if it is none for a controller.
    fn decide(&mut self, frame: &Frame, request: &Request, out: &mut Outbox) -> Option<Outcome> {
        let (state, authorizer) = (&mut self.state, self.authorizer.is_some());
        Some(match request {
            Request::BrokerRegistration(request) => {
                let outcome = state.register_broker(request);
                if let Response::BrokerRegistration(response) = &outcome.response
                    && response.error_code == 0
                {
                    let event = Event::BrokerRegistered { broker: BrokerId(request.broker_id.0), epoch: response.broker_epoch };
                    let event = out.emit(event);
                    out.because(Some(event));
                }
                outcome
            }
            Request::BrokerHeartbeat(request) => {
                let (outcome, moved) = state.heartbeat(request);
                report_moved(BrokerId(request.broker_id.0), moved, out);
                outcome
            }
            Request::ControllerRegistration(request) => state.register_controller(request),
            Request::AlterPartition(request) => state.alter_partition(request),
            Request::CreateTopics(request) => {
                let mut quota = mutation_quota(&mut self.mutations, state, frame, 6);
                let (outcome, events) = state.create_topics(request, &mut quota, out.rng());
                for event in events {
                    out.emit(event);
                }
                outcome
            }
            Request::CreatePartitions(request) => {
                let mut quota = mutation_quota(&mut self.mutations, state, frame, 3);
                let (outcome, events) = state.create_partitions(request, &mut quota, out.rng());
                for event in events {
                    out.emit(event);
                }
                outcome
            }
            Request::DeleteTopics(request) => {
                let mut quota = mutation_quota(&mut self.mutations, state, frame, 5);
                state.delete_topics(request, &mut quota)
            }
            Request::CreateAcls(request) => {
                let (records, response) = acl_requests::create_acls(&state.image.acls, authorizer, request, out.rng());
                Outcome { records, response: response.into() }
            }
            Request::DeleteAcls(request) => {
                let (records, response) = acl_requests::delete_acls(&state.image.acls, authorizer, request);
                Outcome { records, response: response.into() }
            }
            Request::DescribeAcls(request) => Outcome::only(acl_requests::describe_acls(&state.image.acls, authorizer, request)),
            Request::AlterUserScramCredentials(request) => state.alter_scram_credentials(request),
            Request::AlterClientQuotas(request) => state.alter_client_quotas(request),
            Request::IncrementalAlterConfigs(request) => state.alter_configs(request, frame.envelope.is_some()),
            Request::ElectLeaders(request) => state.elect_leaders(request),
            Request::AllocateProducerIds(request) => allocate_producer_ids(state, request),
            Request::AlterPartitionReassignments(request) => state.alter_partition_reassignments(request),
            Request::ListPartitionReassignments(request) => state.list_partition_reassignments(request),
            Request::AssignReplicasToDirs(request) => state.assign_replicas_to_dirs(request),
            Request::UpdateFeatures(request) => state.update_features(self.spec.id.0, request),
            Request::UnregisterBroker(request) => state.unregister_broker(request),
            _ => return None,
        })
    }
}

/// The quota for making and unmaking partitions that a request counts against; from version `strict` on it can be refused.
#[inline(never)]
fn mutation_quota<'a>(mutations: &'a mut Mutations, state: &State, frame: &Frame, strict: i16) -> MutationQuota<'a> {
    let (user, client) = match (&frame.envelope, &frame.body) {
        (Some(envelope), _) => (envelope.principal.split_once(':').map_or("", |(_, name)| name), &*envelope.client_id),
        (None, Body::Request { client_id, .. }) => ("ANONYMOUS", client_id.as_str()),
        (None, Body::Response(_)) => ("", ""),
    };
    mutations.quota_for(state.now.as_ms(), &state.image.quotas, user, client, frame.version >= strict)
}

#[inline(never)]
fn allocate_producer_ids(state: &State, request: &AllocateProducerIdsRequest) -> Outcome {
    let start = state.image.next_producer_id;
    let next_producer_id = start + PRODUCER_ID_BLOCK_SIZE;
    let record = MetadataRecord::ProducerIds { broker_id: request.broker_id.0, broker_epoch: request.broker_epoch, next_producer_id };
    let response =
        AllocateProducerIdsResponse::default().with_producer_id_start(start.into()).with_producer_id_len(PRODUCER_ID_BLOCK_SIZE as i32);
    Outcome { records: vec![record], response: response.into() }
}
