//! How a consumer becomes a member of its group and stays one (`ConsumerCoordinator.poll`, `AbstractCoordinator.ensureActiveGroup`).

use super::*;

impl KafkaConsumer {
    /// `ConsumerCoordinator.poll`, in the application's thread.
    pub(in crate::kafka::client::consumer) fn poll_group(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        membership.poll_timer_ends = now + self.config.max_poll_interval;
        let in_group = matches!(self.subscriptions.wanted, Wanted::Topics(_));
        // Who has its partitions by hand asks for the coordinator only to commit, or to learn what was committed.
        let asks = || self.subscriptions.unpositioned().any(|(_, state)| state == FetchState::Initializing);
        if in_group || self.config.enable_auto_commit || membership.commit_waits || asks() {
            self.ensure_coordinator_ready(now, out);
        }
        if in_group && self.heartbeats.is_some() {
            self.poll_heartbeats(now, out);
        } else if in_group {
            self.rejoin_if_the_topics_changed();
            self.join_group_if_needed(now, out);
        }
        self.maybe_auto_commit(now, out);
    }

    /// `ensureCoordinatorReady`: asks any node for the coordinator, if it is not known.
    pub(in crate::kafka::client::consumer) fn ensure_coordinator_ready(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &mut self.membership else { return };
        if membership.coordinator_node().is_some_and(|node| self.client.network.is_unavailable(now, node)) {
            membership.coordinator_unknown(now, &self.config);
        }
        if membership.coordinator.is_some() || membership.finding || membership.retry_at > now {
            return;
        }
        if membership.find_after.is_some_and(|version| self.client.metadata.version() <= version) {
            return;
        }
        membership.find_after = None;
        // Made at once, and numbered, also where the connection is still to come.
        let correlation_id = *membership.find_id.get_or_insert_with(|| self.client.network.reserve_correlation_id());
        let Some(node) = self.client.any_ready(now, out) else { return };
        let request = FindCoordinatorRequest::default().with_coordinator_keys(vec![str_bytes(&membership.group)]);
        let outgoing = Outgoing { correlation_id: Some(correlation_id), ..Outgoing::new(request) };
        if self.client.send(now, node, outgoing, Token::FindCoordinator, out).is_ok() {
            membership.finding = true;
            membership.find_id = None;
        }
    }

    /// A leader whose topics have other partitions than when it assigned them assigns anew.
    pub(in crate::kafka::client::consumer) fn rejoin_if_the_topics_changed(&mut self) {
        let Some(membership) = &mut self.membership else { return };
        let Some(before) = &membership.assigned_from else { return };
        let (cluster, version) = (self.client.cluster(), self.client.metadata.version());
        if membership.compared_version == version || !membership.is_stable() {
            return;
        }
        membership.compared_version = version;
        if *before != partitions_per_topic(cluster, &membership.group_topics) {
            membership.rejoin_needed = true;
        }
    }

    /// `joinGroupIfNeeded`.
    pub(in crate::kafka::client::consumer) fn join_group_if_needed(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &self.membership else { return };
        let idle = matches!(membership.state, MemberState::Unjoined | MemberState::Stable);
        if !membership.rejoin_needed || !idle || membership.preparing || membership.coordinator.is_none() {
            return;
        }
        if !membership.prepared && !self.prepare_to_join(now, out) {
            return;
        }
        let Some(membership) = &mut self.membership else { return };
        let Some(node) = membership.coordinator_node() else { return };
        if membership.retry_at > now || !self.client.ready(now, node, out) {
            return;
        }
        membership.attempt += 1;
        let token = Token::JoinGroup { attempt: membership.attempt };
        let timeout = self.config.network.request_timeout.max(self.config.max_poll_interval + JOIN_GROUP_TIMEOUT_LAPSE);
        let request = join_request(membership, &self.config, &self.subscriptions);
        let outgoing = Outgoing { timeout: Some(timeout), ..Outgoing::new(request) };
        if self.client.send(now, node, outgoing, token, out).is_ok() {
            membership.state = MemberState::PreparingRebalance;
        }
    }

    /// `onJoinPrepare`: commits, then gives all partitions up. Returns whether that is done.
    pub(in crate::kafka::client::consumer) fn prepare_to_join(&mut self, now: Time, out: &mut Outbox) -> bool {
        let Some(membership) = &self.membership else { return true };
        // Who fell out of the group has lost its partitions already: somebody else may commit for them.
        let may_commit = self.config.enable_auto_commit && membership.is_stable();
        if may_commit && self.commit(now, CommitKind::BeforeRebalance, out) {
            // Nothing more of partitions that go is handed out: what was read beyond the commit would be read twice.
            if self.config.rebalance_protocol() == RebalanceProtocol::Eager {
                self.buffer.clear();
            }
            return false;
        }
        self.prepared();
        true
    }

    /// The old partitions are committed as far as possible.
    pub(in crate::kafka::client::consumer) fn prepared(&mut self) {
        // Who fell out of the group has lost everything, whatever the protocol.
        let keeps = self.config.rebalance_protocol() == RebalanceProtocol::Cooperative
            && self
                .membership
                .as_ref()
                .is_some_and(|membership| membership.generation != NO_GENERATION || !membership.member_id.is_empty());
        if keeps {
            self.keep_only_wanted_topics();
        } else {
            self.subscriptions.assign([], false);
            self.buffer.clear();
        }
        if let Some(membership) = &mut self.membership {
            membership.preparing = false;
            membership.prepared = true;
            if membership.state == MemberState::Stable {
                membership.state = MemberState::Unjoined;
            }
        }
    }

    /// By the cooperative protocol only topics that are not subscribed to any more are given up before joining.
    pub(in crate::kafka::client::consumer) fn keep_only_wanted_topics(&mut self) {
        let Wanted::Topics(topics) = &self.subscriptions.wanted else { return };
        let wanted = |partition: &&TopicPartition| topics.contains(&partition.topic);
        let kept: Vec<TopicPartition> = self.subscriptions.partitions().map(|(partition, _)| partition).filter(wanted).cloned().collect();
        self.assign_keeping(kept);
    }

    /// These partitions from now on; what was there keeps its position, and what was fetched of it is handed out.
    pub(in crate::kafka::client::consumer) fn assign_keeping(&mut self, partitions: Vec<TopicPartition>) {
        self.subscriptions.assign(partitions, true);
        let subscriptions = &self.subscriptions;
        self.buffer.retain(|fetched| subscriptions.get(&fetched.partition).is_some());
    }

    /// The heartbeat thread.
    pub(in crate::kafka::client::consumer) fn heartbeat(&mut self, now: Time, out: &mut Outbox) {
        if self.heartbeats.is_some() {
            return self.heartbeat_by_the_consumer_protocol(now, out);
        }
        let Some(membership) = &mut self.membership else { return };
        if !membership.sends_heartbeats() || self.closing != Closing::No {
            return;
        }
        if membership.coordinator.is_some() && membership.session_ends <= now {
            // No answer for a whole session: perhaps somebody else coordinates by now.
            membership.coordinator_unknown(now, &self.config);
        }
        if membership.poll_timer_ends <= now {
            self.client.network.log.warn(now, COORDINATOR_LOGGER, POLL_TIMEOUT);
            self.leave_group(now, "consumer poll timeout has expired.", out);
            if let Some(membership) = &mut self.membership {
                membership.reset_generation(false);
            }
            return;
        }
        let due = membership.next_heartbeat <= now && !membership.heartbeat_in_flight;
        self.ensure_coordinator_ready(now, out);
        let Some(membership) = &mut self.membership else { return };
        let Some(node) = membership.coordinator_node().filter(|_| due) else { return };
        if !self.client.ready(now, node, out) {
            return;
        }
        let request = HeartbeatRequest::default()
            .with_group_id(GroupId(str_bytes(&membership.group)))
            .with_generation_id(membership.generation)
            .with_member_id(str_bytes(&membership.member_id))
            .with_group_instance_id(self.config.group_instance_id.as_deref().map(str_bytes));
        let token = Token::Heartbeat { generation: membership.generation };
        if self.client.send(now, node, Outgoing::new(request), token, out).is_ok() {
            membership.heartbeat_in_flight = true;
            membership.next_heartbeat = now + self.config.heartbeat_interval;
        }
    }

    /// The same by the consumer protocol.
    pub(in crate::kafka::client::consumer) fn heartbeat_by_the_consumer_protocol(&mut self, now: Time, out: &mut Outbox) {
        let Some(membership) = &self.membership else { return };
        if self.closing != Closing::No || !self.heartbeats.as_ref().is_some_and(Heartbeats::is_active) {
            return;
        }
        if membership.poll_timer_ends <= now {
            self.client.network.log.warn(now, MEMBERSHIP_LOGGER, POLL_TIMEOUT);
            self.leave_by_heartbeat(now, out);
            return self.fenced(now);
        }
        self.ensure_coordinator_ready(now, out);
        self.send_heartbeat(now, out);
    }

    /// `maybeLeaveGroup`: a dynamic member says good-bye. Returns whether an answer is to be awaited.
    pub(in crate::kafka::client::consumer) fn leave_group(&mut self, now: Time, reason: &'static str, out: &mut Outbox) -> bool {
        if self.heartbeats.is_some() {
            return self.leave_by_heartbeat(now, out);
        }
        let Some(membership) = &self.membership else { return false };
        let Some(node) = membership.coordinator_node() else { return false };
        if membership.member_id.is_empty() || self.config.group_instance_id.is_some() || !self.client.ready(now, node, out) {
            return false;
        }
        let member =
            MemberIdentity::default().with_member_id(str_bytes(&membership.member_id)).with_reason(Some(StrBytes::from_static_str(reason)));
        let request = LeaveGroupRequest::default().with_group_id(GroupId(str_bytes(&membership.group))).with_members(vec![member]);
        self.client.send(now, node, Outgoing::new(request), Token::LeaveGroup, out).is_ok()
    }

    /// An answer about the group, or that none will come.
    #[inline(never)]
    pub(in crate::kafka::client::consumer) fn group_answered(
        &mut self,
        now: Time,
        token: Token,
        result: Result<Response, Failed>,
        out: &mut Outbox,
    ) {
        let asked_the_coordinator = !matches!(token, Token::FindCoordinator);
        if result.is_err()
            && asked_the_coordinator
            && let Some(membership) = &mut self.membership
        {
            membership.coordinator_unknown(now, &self.config);
        }
        let response = result.ok();
        match (token, response) {
            (Token::FindCoordinator, response) => self.coordinator_found(now, response),
            (Token::JoinGroup { attempt }, Some(Response::JoinGroup(response))) => self.joined(now, attempt, response, out),
            (Token::SyncGroup { attempt }, Some(Response::SyncGroup(response))) => self.synced(now, attempt, response, out),
            (Token::JoinGroup { attempt } | Token::SyncGroup { attempt }, _) => self.join_failed(now, attempt, None),
            (Token::ConsumerHeartbeat { epoch }, response) => self.consumer_heartbeat_answered(now, epoch, response),
            (Token::Heartbeat { generation }, response) => self.heartbeat_answered(now, generation, response),
            (Token::LeaveGroup, _) => {
                if let Closing::Leaving { until } = self.closing {
                    self.closing = self.close_sessions(now, until, out);
                }
            }
            (Token::Commit(kind), response) => self.committed(now, kind, response, out),
            (Token::OffsetFetch, response) => self.committed_fetched(now, response),
            (Token::ListOffsets(_) | Token::OffsetForLeaderEpoch(_) | Token::Fetch | Token::CloseFetchSession, _) => {}
        }
    }
}
