//! One replica of the log: what reaches it, what is due, what it sends (`KafkaRaftClient`).

use std::collections::BTreeMap;
use std::sync::Arc;

use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::control::{self, ControlRecord};
use super::fetch::WaitingFetch;
use super::fetch_snapshot::Download;
use super::reconfigure::Asker;
use super::role::Role;
use super::snapshot::{Kept, Snapshot};
use super::snapshot_generator::SnapshotGenerator;
use super::state_file::{ElectionState, QUORUM_STATE};
use super::voters::{VoterHistory, VoterSet};
use super::{RaftSpec, ReplicaKey};
use crate::kafka::actor::Outbox;
use crate::kafka::client::network::{NetworkClient, NetworkConfig};
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::log::properties_file::partition_metadata_text;
use crate::kafka::log::recovery::{Reopen, open};
use crate::kafka::names::{BrokerId, directory_id, uuid_text};
use crate::kafka::protocol::api::Response;
use crate::kafka::records::builder::BatchBuilder;
use crate::kafka::records::compression::CompressionType;
use crate::sim::disk::File;
use crate::sim::time::{Duration, Time};

/// The topic id of `__cluster_metadata` (`Uuid.METADATA_TOPIC_ID`).
pub const METADATA_TOPIC_ID: Uuid = Uuid::from_u128(1);
/// The folder of the metadata log in its log directory.
pub const METADATA_DIR: &str = "__cluster_metadata-0";
/// `KafkaRaftManager.shutdown`: so long a leader that stops waits for another one.
const SHUTDOWN_TIMEOUT: Duration = Duration::secs(5);
/// The wait between two attempts to find out from somebody who leads.
pub(super) const DISCOVERY_BACKOFF: Duration = Duration::ms(50);

/// A replica of the metadata log.
#[derive(Clone, Debug)]
pub struct Raft {
    pub(super) spec: RaftSpec,
    pub(super) epoch: i32,
    pub(super) role: Role,
    /// `None` until the disk is read.
    pub(super) log: Option<PartitionLog>,
    pub(super) voters: VoterHistory,
    /// What is below is committed; unknown until a leader has said so.
    pub(super) high_watermark: Option<i64>,
    /// The newest.
    pub(super) snapshot: Option<Snapshot>,
    /// All that are on the disk, the oldest first.
    pub(super) snapshots: Vec<Kept>,
    pub(super) generator: SnapshotGenerator,
    /// Files that wait for their deletion.
    pub(super) doomed: Vec<(Time, Arc<str>)>,
    /// A snapshot that is being fetched.
    pub(super) download: Option<Download>,
    pub(super) waiting: Vec<WaitingFetch>,
    /// Answers about changes of the voters, for the owner to send.
    pub(super) answers: Vec<(Asker, Response)>,
    /// `quorum-state` as it was last written.
    pub(super) stored: String,
    pub(super) net: NetworkClient<Call>,
    pub(super) discover_at: Time,
    /// When a follower may ask for other voters (`FollowerState.hasUpdateVoterSetPeriodExpired`).
    pub(super) update_voters_at: Time,
    /// It was told to stop, and goes on until then at the latest.
    stops_at: Option<Time>,
    pub(super) now: Time,
}

/// What was asked of another replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// In which epoch, and whether it is a pre-vote.
    Vote(i32, bool),
    BeginEpoch,
    EndEpoch,
    Fetch,
    FetchSnapshot,
    UpdateVoters,
}

impl Raft {
    pub fn new(spec: RaftSpec) -> Raft {
        let mut voters = VoterHistory::default();
        voters.add(-1, VoterSet::of(spec.controllers.iter().map(|&id| ReplicaKey { id, directory: directory_id(id, &spec.cluster_id) })));
        // One request to a node at a time (`RequestManager`).
        let config = NetworkConfig { request_timeout: spec.timeouts.request, max_in_flight: 1, ..NetworkConfig::default() };
        let net = NetworkClient::new(&format!("raft-client-{}", spec.key.id), "", config);
        Raft {
            spec,
            epoch: 0,
            role: Role::Unattached { leader: None, voted: None, election_ends: Time(u64::MAX) },
            log: None,
            voters,
            high_watermark: None,
            snapshot: None,
            snapshots: Vec::new(),
            generator: SnapshotGenerator::default(),
            doomed: Vec::new(),
            download: None,
            waiting: Vec::new(),
            answers: Vec::new(),
            stored: String::new(),
            net,
            discover_at: Time::ZERO,
            update_voters_at: Time::ZERO,
            stops_at: None,
            now: Time::ZERO,
        }
    }

    // --- what its owner asks ---

    pub fn me(&self) -> BrokerId {
        self.spec.key.id
    }

    pub fn epoch(&self) -> i32 {
        self.epoch
    }

    /// The log, once it is open.
    pub fn log(&self) -> Option<&PartitionLog> {
        self.log.as_ref()
    }

    /// What is below is committed; `None` until that is known.
    pub fn high_watermark(&self) -> Option<i64> {
        self.high_watermark
    }

    /// A leader's own: unknown until a record of its epoch is committed.
    pub fn leaders_high_watermark(&self) -> Option<i64> {
        if let Role::Leader(leader) = &self.role { leader.high_watermark } else { None }
    }

    pub fn voters(&self) -> Option<&VoterSet> {
        self.voters.last()
    }

    /// Where this replica's epoch began, if it leads.
    pub fn epoch_start(&self) -> Option<i64> {
        if let Role::Leader(leader) = &self.role { Some(leader.epoch_start) } else { None }
    }

    /// The nodes from which others may learn who leads.
    pub fn controllers(&self) -> &[BrokerId] {
        &self.spec.controllers
    }

    // --- its life ---

    /// The disk is read: opens the log, and takes its place in the quorum. `files`: those of the log's folder.
    pub fn open(&mut self, now: Time, files: &BTreeMap<String, Arc<File>>, clean: bool, out: &mut Outbox) {
        self.now = now;
        self.generator.begin(now);
        let config = self.spec.log.log_config();
        let mut log = if files.is_empty() {
            let log = PartitionLog::create(&self.spec.dir, config, &mut out.store());
            let metadata = partition_metadata_text(&uuid_text(METADATA_TOPIC_ID));
            out.store().replace_text(&format!("{}/partition.metadata", self.spec.dir), metadata);
            self.format(now, out);
            log
        } else {
            let reopen = Reopen { dir: &self.spec.dir, config, files, clean, recovery_point: 0, log_start_offset: 0 };
            open(reopen, &mut out.store()).0
        };
        self.load_snapshot(files);
        if let Some(snapshot) = &self.snapshot
            && log.log_end_offset() < snapshot.id.end_offset
        {
            // The snapshot is ahead of the log: whoever stored it had not begun the log anew yet.
            log.start_anew_at(snapshot.id.end_offset, &mut out.store());
        }
        for batch in log.read_to(log.log_start_offset(), i64::MAX).unwrap_or_default() {
            control::voters_in(&batch).into_iter().for_each(|(offset, voters)| self.voters.add(offset, voters));
        }
        self.log = Some(log);
        self.learn_addresses();
        let stored =
            files.get(&format!("{}/{QUORUM_STATE}", self.spec.dir)).and_then(|file| ElectionState::parse(&file.read())).unwrap_or_default();
        self.begin_as(now, stored, out);
        self.poll(now, out);
    }

    /// It stops: a leader hands over first. [`Raft::is_shut_down`] says when that is done.
    pub fn shut_down(&mut self, now: Time, out: &mut Outbox) {
        if self.stops_at.is_none() {
            self.stops_at = Some(now + SHUTDOWN_TIMEOUT);
            self.poll(now, out);
        }
    }

    pub fn is_shutting_down(&self) -> bool {
        self.stops_at.is_some()
    }

    /// maybeCompleteShutdown
    pub fn is_shut_down(&self) -> bool {
        let alone = self.voters.last().is_some_and(|voters| voters.is_only(self.spec.key));
        let remote = self.leader().is_some_and(|leader| leader != self.me());
        self.stops_at.is_some_and(|at| at <= self.now || alone || remote || !self.is_voter() || self.log.is_none())
    }

    /// Flushes all, as a clean stop does.
    pub fn close(&mut self, out: &mut Outbox) {
        if let Some(log) = &mut self.log {
            log.close(&mut out.store());
        }
    }

    /// A controller that cannot go on as the leader.
    pub fn resign(&mut self, now: Time, out: &mut Outbox) {
        self.become_resigned(now, out);
        self.poll(now, out);
    }

    /// Appends records as one batch. Returns the offset after the last; `None` if it leads no more or cannot write.
    pub fn append(&mut self, now: Time, values: impl Iterator<Item = bytes::Bytes>, out: &mut Outbox) -> Option<i64> {
        let mut builder = BatchBuilder::new(CompressionType::None, u32::MAX >> 1);
        values.for_each(|value| builder.append(now.wall_ms(), None, Some(&value), &[]));
        let batch = builder.build(out.chunk_id());
        self.append_batch(now, batch, out)
    }

    /// Appends control records as one batch. A change of voters counts at once.
    pub(super) fn append_control(&mut self, now: Time, records: &[ControlRecord], out: &mut Outbox) -> Option<i64> {
        let batch = control::batch(records, now.wall_ms(), out.chunk_id());
        self.append_batch(now, batch, out)
    }

    fn append_batch(&mut self, now: Time, mut batch: crate::kafka::records::batch::Batch, out: &mut Outbox) -> Option<i64> {
        let (Role::Leader(_), Some(log)) = (&self.role, &mut self.log) else { return None };
        let before = log.log_end_offset();
        batch.base_offset = before;
        for (offset, voters) in control::voters_in(&batch) {
            self.voters.add(offset, voters);
        }
        if log.append_as_leader(batch, self.epoch, &mut out.store()).is_err() {
            self.cannot_write(out);
            return None;
        }
        let end = log.log_end_offset();
        self.flush_from(before, out);
        self.advance_high_watermark(now, out);
        self.answer_waiting(now, out);
        Some(end)
    }

    /// A node that cannot write the metadata log ends (`KafkaRaftClientDriver`: its fatal fault handler).
    pub(super) fn cannot_write(&self, out: &mut Outbox) {
        out.exit(1);
    }

    /// What was appended from this offset on must survive a power cut. It may have filled a segment and gone on in the next.
    pub(super) fn flush_from(&self, offset: i64, out: &mut Outbox) {
        let segments = self.log.iter().flat_map(|log| log.segments().rev());
        for segment in segments.take_while(|segment| segment.next_offset() > offset) {
            // It was written to a moment ago.
            let _ = out.disk().flush(&format!("{}/{:020}.log", self.spec.dir, segment.base_offset));
        }
    }

    // --- what is due ---

    /// Everything whose time has come, and every request that can be sent (`pollCurrentState`).
    pub fn poll(&mut self, now: Time, out: &mut Outbox) {
        self.now = now;
        if self.log.is_none() {
            return;
        }
        for completed in self.net.poll(now, out) {
            self.answered(now, completed, out);
        }
        self.time_out(now, out);
        self.send(now, out);
        self.answer_waiting(now, out);
    }

    /// When something is due.
    pub fn next_wake(&self) -> Option<Time> {
        self.log.as_ref()?;
        let of_role = match &self.role {
            Role::Unattached { election_ends, .. } if self.is_voter() => {
                Some(*election_ends.min(&self.discover_at.max(self.now + DISCOVERY_BACKOFF)))
            }
            Role::Unattached { .. } => Some(self.discover_at.max(self.now + DISCOVERY_BACKOFF)),
            Role::Prospective { election_ends, .. } | Role::Candidate { election_ends, .. } | Role::Resigned { election_ends, .. } => {
                Some(*election_ends)
            }
            Role::Follower { fetch_ends, .. } if *fetch_ends > self.now && self.may_join() && self.update_voters_at > self.now => {
                Some(*fetch_ends.min(&self.update_voters_at))
            }
            Role::Follower { fetch_ends, .. } if *fetch_ends > self.now => Some(*fetch_ends),
            Role::Follower { .. } => Some(self.discover_at.max(self.now + DISCOVERY_BACKOFF)),
            Role::Leader(leader) => self.leader_wake(leader),
        };
        let waiting = self.waiting.iter().map(|fetch| fetch.deadline).min();
        [of_role, waiting, self.net.next_wake(), self.stops_at].into_iter().flatten().filter(|at| *at > self.now).min()
    }

    fn leader_wake(&self, leader: &super::leader::Leader) -> Option<Time> {
        let voters = self.voters.last()?;
        let change = leader.change.as_ref().map(|change| change.deadline);
        let others = (!voters.is_only(self.spec.key)).then_some(leader.check_quorum_ends.min(leader.begin_epoch_at));
        [change, others].into_iter().flatten().min()
    }

    /// The waits that are over.
    fn time_out(&mut self, now: Time, out: &mut Outbox) {
        match &self.role {
            Role::Leader(_) if self.stops_at.is_some() && !self.is_shut_down() => self.become_resigned(now, out),
            Role::Leader(_) => {
                self.expire_voter_change(now);
                self.check_quorum(now, out);
            }
            // The leader's epoch ends with its resignation; a stopping one does not come forward again.
            Role::Resigned { election_ends, .. } if *election_ends <= now && self.stops_at.is_none() => {
                self.become_unattached(now, self.epoch + 1, None, out);
            }
            Role::Unattached { election_ends, .. } if *election_ends <= now && self.may_be_elected() => self.become_prospective(now, out),
            Role::Follower { fetch_ends, .. } if *fetch_ends <= now && self.may_be_elected() => self.become_prospective(now, out),
            Role::Candidate { election_ends, .. } if *election_ends <= now => self.become_prospective(now, out),
            Role::Prospective { election_ends, .. } if *election_ends <= now => self.stop_prospecting(now, out),
            _ => {}
        }
    }

    fn may_be_elected(&self) -> bool {
        self.is_voter() && self.stops_at.is_none()
    }

    // --- what the rules need ---

    /// It leads no more: whoever waited for it is told.
    pub(super) fn leave(&mut self, out: &mut Outbox) {
        let waiting = std::mem::take(&mut self.waiting);
        if let Role::Leader(leader) = &mut self.role {
            let change = leader.change.take();
            self.answers.extend(change.and_then(|change| change.refused()));
        }
        for fetch in waiting {
            let response = self.no_longer_leader();
            fetch.answer(response, out);
        }
    }

    pub(super) fn cluster_id(&self) -> StrBytes {
        StrBytes::from_string(self.spec.cluster_id.clone())
    }

    /// hasValidClusterId; none is given by whoever does not know it yet.
    pub(super) fn is_cluster(&self, id: Option<&StrBytes>) -> bool {
        id.is_none_or(|id| id.as_str() == self.spec.cluster_id)
    }

    pub(super) fn leader_id(&self) -> kafka_protocol::messages::BrokerId {
        self.leader().map_or(-1, |leader| leader.0).into()
    }

    /// The epoch of the last record and the offset after it.
    pub(super) fn end_offset(&self) -> (i32, i64) {
        let of_snapshot = self.snapshot.as_ref().map_or(0, |snapshot| snapshot.id.epoch);
        let Some(log) = &self.log else { return (0, 0) };
        (log.latest_epoch().unwrap_or(of_snapshot), log.log_end_offset())
    }
}
