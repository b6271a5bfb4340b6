//! What an active controller does from time to time (`PeriodicTaskControlManager`): preferred leaders get their leadership back
//! (`electPreferred`), and partitions without a leader may get an unclean one (`electUnclean`).

use super::State;
use crate::kafka::metadata::change::{ChangeBuilder, Election};
use crate::kafka::metadata::image::{NO_LEADER, PartitionRegistration};
use crate::kafka::metadata::record::MetadataRecord;
use crate::sim::time::{Duration, Time};

/// `ReplicationControlManager.MAX_ELECTIONS_PER_IMBALANCE`: what is left follows at once, in a batch of its own.
const MAX_ELECTIONS: usize = 1_000;
/// `PeriodicTaskControlManager.DEFAULT_IMMEDIATE_PERIOD_NS`
const AT_ONCE: Duration = Duration::ms(10);

/// When each task is due; never while the controller is not active.
#[derive(Clone, Copy, Debug, Default)]
pub struct Periodic {
    elect_preferred_at: Option<Time>,
    elect_unclean_at: Option<Time>,
}

impl State {
    /// The controller became active: every task begins its first period.
    pub fn begin_periodic_tasks(&mut self) {
        let rebalances = self.config.get("auto.leader.rebalance.enable").is_none_or(|value| value != "false");
        self.periodic.elect_preferred_at = rebalances.then(|| self.now + self.rebalance_period());
        self.periodic.elect_unclean_at = Some(self.now + self.unclean_period());
    }

    /// The controller is not active any more.
    pub fn end_periodic_tasks(&mut self) {
        self.periodic = Periodic::default();
    }

    pub fn next_periodic_task(&self) -> Option<Time> {
        [self.periodic.elect_preferred_at, self.periodic.elect_unclean_at].into_iter().flatten().min()
    }

    /// The records of what is due now.
    pub fn periodic_tasks(&mut self) -> Vec<MetadataRecord> {
        let mut records = Vec::new();
        let after = |now: Time, elected: usize, period: Duration| Some(now + if elected < MAX_ELECTIONS { period } else { AT_ONCE });
        if self.periodic.elect_preferred_at.is_some_and(|at| at <= self.now) {
            let elected = self.elect_where(Election::Preferred, |_, partition| partition.replicas.first() != Some(&partition.leader));
            self.periodic.elect_preferred_at = after(self.now, elected.len(), self.rebalance_period());
            records.extend(elected);
        }
        if self.periodic.elect_unclean_at.is_some_and(|at| at <= self.now) {
            let leaderless =
                |topic: &str, partition: &PartitionRegistration| partition.leader == NO_LEADER && self.unclean_election_enabled(topic);
            let elected = self.elect_where(Election::Unclean, leaderless);
            self.periodic.elect_unclean_at = after(self.now, elected.len(), self.unclean_period());
            records.extend(elected);
        }
        records
    }

    fn elect_where(&self, election: Election, wanted: impl Fn(&str, &PartitionRegistration) -> bool) -> Vec<MetadataRecord> {
        let acceptable = |replica| self.image.is_active(replica);
        let partitions = self.image.partitions().filter(|(topic, _, partition)| wanted(&topic.name, partition));
        let changes = partitions
            .filter_map(|(topic, n, partition)| ChangeBuilder { election, ..self.builder(topic, n, partition, &acceptable) }.build());
        changes.take(MAX_ELECTIONS).map(MetadataRecord::PartitionChange).collect()
    }

    /// leader.imbalance.check.interval.seconds
    fn rebalance_period(&self) -> Duration {
        Duration::secs(self.setting("leader.imbalance.check.interval.seconds", 300).max(1) as u64)
    }

    /// unclean.leader.election.interval.ms
    fn unclean_period(&self) -> Duration {
        Duration::ms(self.setting("unclean.leader.election.interval.ms", 300_000).max(1) as u64)
    }
}
