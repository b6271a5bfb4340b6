//! What the coordinator answers, and what a member does then.

use super::*;

impl KafkaConsumer {
    pub(in crate::kafka::client::consumer) fn coordinator_found(&mut self, now: Time, response: Option<Response>) {
        let Some(membership) = &mut self.membership else { return };
        membership.finding = false;
        let found = match response {
            Some(Response::FindCoordinator(response)) => response.coordinators.into_iter().next(),
            _ => None,
        };
        match found {
            Some(found) if found.error_code == errors::NONE => {
                let node = BrokerId(found.node_id.0);
                let address = HostPort { host: found.host.to_string(), port: found.port as u16 };
                self.client.network.set_node(connection_of(node), address);
                membership.coordinator = Some(node);
                membership.session_ends = now + self.config.session_timeout;
            }
            Some(found) if !errors::info(found.error_code).is_retriable() => {
                membership.retry_at = now + self.config.retry.initial;
                let group = membership.group.clone();
                self.error = Some(ClientError::forbidden(found.error_code, &[&group]));
            }
            _ => {
                membership.retry_at = now + self.config.retry.initial;
                membership.find_after = Some(self.client.metadata.version());
                self.client.metadata.request_update(false);
            }
        }
    }

    /// `JoinGroupResponseHandler`.
    pub(in crate::kafka::client::consumer) fn joined(&mut self, now: Time, attempt: u32, response: JoinGroupResponse, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt || membership.state != MemberState::PreparingRebalance || self.closing != Closing::No {
            return;
        }
        if response.error_code != errors::NONE {
            if response.error_code == MemberIdRequired.code() {
                membership.member_id = name(&response.member_id);
            }
            let error = ResponseError::try_from_code(response.error_code).unwrap_or(UnknownServerError);
            if matches!(error, InconsistentGroupProtocol | InvalidSessionTimeout | InvalidGroupId | GroupMaxSizeReached | FencedInstanceId)
            {
                let message = format!("JoinGroup failed due to fatal error: {}", errors::info(response.error_code).message);
                self.client.network.log.error(now, COORDINATOR_LOGGER, &message);
            }
            return self.join_failed(now, attempt, Some(response.error_code));
        }
        membership.state = MemberState::CompletingRebalance;
        membership.member_id = name(&response.member_id);
        membership.generation = response.generation_id;
        membership.assignor = response.protocol_name.as_deref().and_then(Assignor::from_name);
        membership.session_ends = now + self.config.session_timeout;
        membership.next_heartbeat = now + self.config.heartbeat_interval;
        membership.heartbeat_in_flight = false;
        membership.assigned_from = None;
        let leads = response.leader == response.member_id;
        let assignments = if leads && !response.skip_assignment { self.lead(now, &response) } else { Vec::new() };
        self.sync_group(now, &response, assignments, out);
    }

    /// `onLeaderElected`: computes who reads what.
    pub(in crate::kafka::client::consumer) fn lead(&mut self, now: Time, response: &JoinGroupResponse) -> Vec<SyncGroupRequestAssignment> {
        let Some(membership) = &mut self.membership else { return Vec::new() };
        let subscriber = |member: &messages::join_group_response::JoinGroupResponseMember| {
            subscriber(name(&member.member_id), member.group_instance_id.as_ref().map(name), &member.metadata)
        };
        let members: Vec<Subscriber> = response.members.iter().map(subscriber).collect();
        let mut topics: Vec<Name> = members.iter().flat_map(|member| member.topics.iter().cloned()).collect();
        topics.sort();
        topics.dedup();
        // Topics that only others want: from now on their partitions are of interest here. (Kafka waits for them before it assigns; here
        // they come with the next rebalance, as soon as they are known.)
        for topic in &topics {
            self.client.metadata.add_topic(now, topic);
        }
        let counts = partitions_per_topic(self.client.cluster(), &topics);
        let assignment = membership.assignor.unwrap_or(Assignor::Range).assign(&counts, &members);
        membership.assigned_from = Some(counts);
        membership.compared_version = self.client.metadata.version();
        membership.group_topics = topics;
        let assigned = |(member, partitions): (Name, Vec<TopicPartition>)| {
            let request = SyncGroupRequestAssignment::default().with_member_id(str_bytes(&member));
            request.with_assignment(encode_assignment(&partitions))
        };
        assignment.into_iter().map(assigned).collect()
    }

    pub(in crate::kafka::client::consumer) fn sync_group(
        &mut self,
        now: Time,
        joined: &JoinGroupResponse,
        assignments: Vec<SyncGroupRequestAssignment>,
        out: &mut Outbox,
    ) {
        let Some(membership) = &mut self.membership else { return };
        let request = SyncGroupRequest::default()
            .with_group_id(GroupId(str_bytes(&membership.group)))
            .with_generation_id(membership.generation)
            .with_member_id(str_bytes(&membership.member_id))
            .with_group_instance_id(self.config.group_instance_id.as_deref().map(str_bytes))
            .with_protocol_type(joined.protocol_type.clone())
            .with_protocol_name(joined.protocol_name.clone())
            .with_assignments(assignments);
        let (token, attempt) = (Token::SyncGroup { attempt: membership.attempt }, membership.attempt);
        let outgoing = Outgoing::new(request);
        let sent = membership.coordinator_node().is_some_and(|node| self.client.send(now, node, outgoing, token, out).is_ok());
        if !sent {
            self.join_failed(now, attempt, None);
        }
    }

    /// `SyncGroupResponseHandler`, `onJoinComplete`.
    pub(in crate::kafka::client::consumer) fn synced(&mut self, now: Time, attempt: u32, response: SyncGroupResponse, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt || membership.state != MemberState::CompletingRebalance || self.closing != Closing::No {
            return;
        }
        if response.error_code != errors::NONE {
            return self.join_failed(now, attempt, Some(response.error_code));
        }
        let Some(mut partitions) = decode_assignment(&response.assignment) else {
            return self.join_failed(now, attempt, Some(UnknownServerError.code()));
        };
        partitions.sort();
        membership.state = MemberState::Stable;
        membership.rejoin_needed = false;
        membership.prepared = false;
        membership.next_auto_commit = now + self.config.auto_commit_interval;
        membership.offset_fetch_in_flight = false;
        out.emit(Event::Assigned {
            group: membership.group.clone(),
            member: membership.member_id.clone(),
            generation: membership.generation,
            partitions: partitions.clone(),
        });
        membership.memory.assigned(membership.assignor, &partitions, membership.generation);
        match self.config.rebalance_protocol() {
            RebalanceProtocol::Eager => self.subscriptions.assign(partitions, false),
            RebalanceProtocol::Cooperative => {
                // What goes is free for others only once this member has joined without it.
                let gives_up = self.subscriptions.partitions().any(|(owned, _)| !partitions.contains(owned));
                membership.rejoin_needed = gives_up;
                self.assign_keeping(partitions);
            }
        }
    }

    /// A join that did not come to its end; it begins anew.
    pub(in crate::kafka::client::consumer) fn join_failed(&mut self, now: Time, attempt: u32, error: Option<i16>) {
        let Some(membership) = &mut self.membership else { return };
        if membership.attempt != attempt {
            return;
        }
        membership.state = MemberState::Unjoined;
        membership.rejoin_needed = true;
        let backoff = now + self.config.retry.initial;
        match error.map(|code| ResponseError::try_from_code(code).unwrap_or(UnknownServerError)) {
            // No answer: the coordinator is unknown already.
            None => membership.retry_at = membership.retry_at.max(backoff),
            Some(MemberIdRequired | RebalanceInProgress) => {}
            Some(UnknownMemberId) => membership.reset_generation(false),
            Some(IllegalGeneration) => membership.reset_generation(true),
            Some(NotCoordinator | CoordinatorNotAvailable) => membership.coordinator_unknown(now, &self.config),
            Some(CoordinatorLoadInProgress) => membership.retry_at = backoff,
            Some(fatal) => {
                membership.retry_at = backoff;
                let group = membership.group.clone();
                self.error = Some(match fatal {
                    GroupMaxSizeReached => {
                        let message = format!("Consumer group {group} already has the configured maximum number of members.");
                        ClientError::of_code(fatal.code(), Some(&message))
                    }
                    fatal => ClientError::forbidden(fatal.code(), &[&group]),
                });
            }
        }
    }

    /// `HeartbeatResponseHandler`.
    pub(in crate::kafka::client::consumer) fn heartbeat_answered(&mut self, now: Time, generation: i32, response: Option<Response>) {
        let Some(membership) = &mut self.membership else { return };
        membership.heartbeat_in_flight = false;
        let Some(Response::Heartbeat(response)) = response else {
            membership.next_heartbeat = now + self.config.retry.initial;
            return;
        };
        membership.session_ends = now + self.config.session_timeout;
        if response.error_code == errors::NONE {
            return;
        }
        let current = membership.generation == generation && membership.sends_heartbeats();
        match ResponseError::try_from_code(response.error_code).unwrap_or(UnknownServerError) {
            NotCoordinator | CoordinatorNotAvailable => membership.coordinator_unknown(now, &self.config),
            RebalanceInProgress => membership.rejoin_needed |= membership.state == MemberState::Stable,
            IllegalGeneration if current => membership.reset_generation(true),
            UnknownMemberId if current => membership.reset_generation(false),
            IllegalGeneration | UnknownMemberId | CoordinatorLoadInProgress => {}
            fatal => {
                if current && fatal == FencedInstanceId {
                    membership.reset_generation(false);
                    let instance = self.config.group_instance_id.as_deref().unwrap_or_default();
                    let message = format!("Caught fenced group.instance.id Optional[{instance}] error in heartbeat thread");
                    self.client.network.log.error(now, COORDINATOR_LOGGER, &message);
                }
                let group = membership.group.clone();
                self.error = Some(ClientError::forbidden(fatal.code(), &[&group]));
            }
        }
    }
}
