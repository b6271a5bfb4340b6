//! What was really hit: kinds of clusters, of deeds that were carried out, and of what came of them.

use std::collections::BTreeMap;

use super::plan::Plan;
use crate::kafka::event::{Event, Left};
use crate::playground::spec::Config;
use crate::sim::fault::Occurrence;

/// How often each kind of thing was there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(Of, &'static str), u64>);

/// What was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Of {
    /// Once a run.
    Cluster,
    /// Once a deed that was not refused.
    Deed,
    /// Once an event.
    Outcome,
}

impl Coverage {
    pub fn add(&mut self, of: Of, kind: &'static str) {
        *self.0.entry((of, kind)).or_default() += 1;
    }

    pub fn add_all(&mut self, other: &Coverage) {
        other.0.iter().for_each(|(key, count)| *self.0.entry(*key).or_default() += count);
    }

    pub fn iter(&self) -> impl Iterator<Item = (Of, &'static str, u64)> + '_ {
        self.0.iter().map(|((of, kind), count)| (*of, *kind, *count))
    }

    /// What a plan is about, whatever comes of it.
    pub fn count_cluster(&mut self, plan: &Plan) {
        let cluster = &plan.cluster;
        let mut add = |kind| self.add(Of::Cluster, kind);
        add(match cluster.brokers {
            1 => "1 broker",
            2 => "2 brokers",
            3 => "3 brokers",
            _ => "4 or 5 brokers",
        });
        add(match (cluster.controllers, cluster.combined.len()) {
            (0, 1) => "1 combined controller",
            (0, _) => "2 or 3 combined controllers",
            (1, _) => "1 controller apart",
            _ => "3 controllers apart",
        });
        for topic in &cluster.topics {
            add(match topic.replication_factor {
                1 => "replication factor 1",
                2 => "replication factor 2",
                3 => "replication factor 3",
                _ => "replication factor 4 or 5",
            });
        }
        let is = |config: &Config, name: &str, value: &str| config.get(name).is_some_and(|found| found == value);
        for producer in &cluster.producers {
            add(match producer.config.get("acks").map(String::as_str) {
                Some("0") => "acks=0",
                Some("1") => "acks=1",
                _ if is(&producer.config, "enable.idempotence", "false") => "acks=all without idempotence",
                _ => "acks=all with idempotence",
            });
        }
        if cluster.producers.len() > 1 {
            add("several producers");
        }
        for group in &cluster.groups {
            add(if is(&group.config, "group.protocol", "consumer") { "consumer group" } else { "classic group" });
        }
    }

    /// What came of it.
    pub fn count_event(&mut self, event: &Event) {
        let kind = match event {
            Event::LeaderElected { leader: None, .. } => "partition without a leader",
            Event::LeaderElected { unclean: true, .. } => "unclean leader",
            Event::LeaderElected { before, leader, .. } if before == leader => "same leader in a new epoch",
            Event::LeaderElected { before: None, .. } => "leader again after none",
            Event::LeaderElected { .. } => "other leader",
            Event::IsrChanged { before, isr, .. } if isr.len() < before.len() => "ISR shrunk",
            Event::IsrChanged { .. } => "ISR grown",
            Event::ControllerElected { .. } => "active controller",
            Event::BrokerFenced { .. } => "broker fenced",
            Event::BrokerStarted { clean: false, .. } => "log recovery",
            Event::Truncated { .. } => "log cut",
            Event::CorruptBatch { .. } => "corrupt batch",
            Event::SegmentRolled { .. } => "segment rolled",
            Event::LogStartMoved { .. } => "log start moved",
            Event::BatchSent { attempt: 2.., .. } => "batch sent again",
            Event::BatchFailed { .. } => "batch failed",
            Event::MemberLeft { why: Left::SessionExpired, .. } => "member's session expired",
            Event::Assigned { .. } => "assignment",
            Event::OffsetReset { .. } => "offset reset",
            Event::ConfigChanged { .. } => "config changed",
            Event::ToolEnded { status: 0, .. } => "tool succeeded",
            Event::ToolEnded { .. } => "tool failed",
            Event::Sim(Occurrence::BitFlipped { .. }) => "bit flipped",
            Event::Sim(Occurrence::Exited { status, .. }) if !matches!(status, 0 | 143) => "process halted",
            _ => return,
        };
        self.add(Of::Outcome, kind);
    }
}
