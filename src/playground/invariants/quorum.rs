//! What must hold of the metadata quorum (Kafka's own `RaftEventSimulationTest`): looked at after every step of a node that has a replica of
//! its log.

use std::collections::BTreeMap;

use super::Invariant;
use crate::kafka::event::QuorumRole;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::BrokerId;
use crate::kafka::raft::node::Raft;

/// The observer of the quorum.
#[derive(Clone, Debug, Default)]
pub struct QuorumInvariants {
    nodes: BTreeMap<BrokerId, Node>,
    leaders: BTreeMap<i32, BrokerId>,
    /// The highest high watermark of a leader.
    high_watermark: i64,
    /// By base offset: epoch and checksum of every batch that any node took for committed.
    committed: BTreeMap<i64, (i32, u32)>,
}

/// What was seen of a node last, also of one that is down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Node {
    incarnation: u32,
    epoch: i32,
    leads: bool,
    /// `i64::MAX`: not known.
    log_end: i64,
    high_watermark: i64,
    leaders_high_watermark: Option<i64>,
    /// Up to where its log is known to hold what others took for committed.
    checked: i64,
}

impl QuorumInvariants {
    /// The highest high watermark that a leader had.
    pub fn high_watermark(&self) -> i64 {
        self.high_watermark
    }

    /// The newest epoch that somebody led.
    pub fn newest_epoch(&self) -> i32 {
        self.leaders.keys().next_back().copied().unwrap_or(0)
    }

    /// Looks at one node, in its life of that number.
    ///
    /// # Errors
    /// What does not hold.
    pub fn look(&mut self, id: BrokerId, incarnation: u32, raft: &Raft) -> Result<(), (Invariant, String)> {
        let Some(log) = raft.log() else { return Ok(()) };
        let before = self.nodes.get(&id).copied().unwrap_or_default();
        let now = Node {
            incarnation,
            epoch: raft.epoch(),
            leads: raft.quorum_role() == QuorumRole::Leader,
            log_end: log.log_end_offset(),
            high_watermark: raft.high_watermark().unwrap_or(0),
            leaders_high_watermark: raft.leaders_high_watermark(),
            checked: if before.incarnation == incarnation { before.checked } else { 0 },
        };
        if now == before {
            return Ok(());
        }
        self.nodes.insert(id, now);
        // Also over restarts: it is on the disk.
        if now.epoch < before.epoch {
            return Err((Invariant::MonotonicEpoch, format!("node {id} went from epoch {} to {}", before.epoch, now.epoch)));
        }
        if now.leads {
            let leader = *self.leaders.entry(now.epoch).or_insert(id);
            if leader != id {
                return Err((Invariant::SingleLeader, format!("{leader} and {id} lead epoch {}", now.epoch)));
            }
        }
        self.consistent_committed_data(id, now, log)?;
        match now.leaders_high_watermark {
            // One that was paused or cut off may not have heard yet that it was followed by another.
            Some(high_watermark) if now.leads && self.newest_epoch() == now.epoch => self.leaders_high_watermark(raft, high_watermark),
            _ => Ok(()),
        }
    }

    /// A node ended by itself, in a step that may still have written.
    pub fn ended(&mut self, id: BrokerId) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.log_end = i64::MAX;
        }
    }

    fn leaders_high_watermark(&mut self, raft: &Raft, high_watermark: i64) -> Result<(), (Invariant, String)> {
        if high_watermark < self.high_watermark {
            let why = format!("from {} to {high_watermark} in epoch {}", self.high_watermark, raft.epoch());
            return Err((Invariant::MonotonicHighWatermark, why));
        }
        self.high_watermark = high_watermark;
        let voters: Vec<BrokerId> = raft.voters().map_or_else(Vec::new, |voters| voters.iter().map(|voter| voter.key.id).collect());
        // Nobody has been seen yet who is looked at later in the same round.
        let has_reached = |voter: &&BrokerId| self.nodes.get(voter).is_none_or(|node| node.log_end >= high_watermark);
        let reached = voters.iter().filter(has_reached).count();
        if reached * 2 <= voters.len() {
            let why = format!("{high_watermark} was reached by {reached} of {}", voters.len());
            return Err((Invariant::MajorityReachedHighWatermark, why));
        }
        Ok(())
    }

    fn consistent_committed_data(&mut self, id: BrokerId, node: Node, log: &PartitionLog) -> Result<(), (Invariant, String)> {
        if node.checked >= node.high_watermark {
            return Ok(());
        }
        let from = node.checked.max(log.log_start_offset());
        let Ok(batches) = log.read_to(from, node.high_watermark) else { return Ok(()) };
        let mut checked = node.checked;
        for batch in batches {
            let found = (batch.leader_epoch, batch.info.crc);
            let known = *self.committed.entry(batch.base_offset).or_insert(found);
            if known != found {
                let why = format!("node {id} has {found:?} at {}, not {known:?}", batch.base_offset);
                return Err((Invariant::ConsistentCommittedData, why));
            }
            checked = batch.next_offset();
        }
        if let Some(node) = self.nodes.get_mut(&id) {
            node.checked = checked;
        }
        Ok(())
    }
}
