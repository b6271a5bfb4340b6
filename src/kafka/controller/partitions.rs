//! Leaders and ISRs (`ReplicationControlManager`): what leaders ask for, and what follows from a broker's coming and going.

use kafka_protocol::ResponseError;
use kafka_protocol::messages::alter_partition_request::PartitionData as Asked;
use kafka_protocol::messages::alter_partition_response::{PartitionData, TopicData};
use kafka_protocol::messages::elect_leaders_response::{PartitionResult, ReplicaElectionResult};
use kafka_protocol::messages::{
    AlterPartitionRequest, AlterPartitionResponse, BrokerId, ElectLeadersRequest, ElectLeadersResponse, TopicName,
};
use kafka_protocol::protocol::StrBytes;
use uuid::Uuid;

use super::{Outcome, State};
use crate::kafka::metadata::change::{ChangeBuilder, Election};
use crate::kafka::metadata::features::{self, METADATA_VERSION};
use crate::kafka::metadata::image::{NO_LEADER, PartitionRegistration, TopicImage};
use crate::kafka::metadata::record::{MetadataRecord, PartitionChange};
use crate::kafka::protocol::errors;
use crate::kafka::rules::{Rule, Rules};

/// ElectLeaders: `ElectionType.UNCLEAN`.
const UNCLEAN: i8 = 1;
/// `LeaderRecoveryState.RECOVERING`
const RECOVERING: i8 = 1;

impl State {
    /// AlterPartition: a leader proposes an ISR.
    pub fn alter_partition(&self, request: &AlterPartitionRequest) -> Outcome {
        let asker = request.broker_id.0;
        if self.image.brokers.get(&asker).is_none_or(|broker| broker.epoch != request.broker_epoch) {
            return Outcome::only(AlterPartitionResponse::default().with_error_code(ResponseError::StaleBrokerEpoch.code()));
        }
        let mut records = Vec::new();
        let mut topics = Vec::new();
        for topic in &request.topics {
            let found = self.image.topic_by_id(topic.topic_id);
            let answer = |asked: &Asked| {
                let mut change = None;
                let answer = match found.and_then(|image| image.partition(asked.partition_index).map(|partition| (image, partition))) {
                    None if found.is_some() => refuse(asked, ResponseError::UnknownTopicOrPartition),
                    None => refuse(asked, ResponseError::UnknownTopicId),
                    Some((image, partition)) => match self.check_alter_partition(asker, asked, partition) {
                        Err(error) => refuse(asked, error),
                        Ok(isr) => {
                            let acceptable = |broker| self.image.is_active(broker);
                            change = ChangeBuilder {
                                target_isr: isr,
                                target_recovering: asked.leader_recovery_state == RECOVERING,
                                ..self.builder(image, asked.partition_index, partition, &acceptable)
                            }
                            .build();
                            match change.as_ref().and_then(|change| change.leader) {
                                // The ISR completed a reassignment in which the leader has no place: it has to look what came of it.
                                Some(leader) if leader != asker => refuse(asked, ResponseError::NewLeaderElected),
                                _ => {
                                    let merged = change.as_ref().map_or_else(|| (**partition).clone(), |change| partition.merge(change));
                                    accept(asked, &merged)
                                }
                            }
                        }
                    },
                };
                (answer, change)
            };
            let (answers, changes): (Vec<_>, Vec<_>) = topic.partitions.iter().map(answer).unzip();
            records.extend(changes.into_iter().flatten().map(MetadataRecord::PartitionChange));
            topics.push(TopicData::default().with_topic_id(topic.topic_id).with_partitions(answers));
        }
        Outcome { records, response: AlterPartitionResponse::default().with_topics(topics).into() }
    }

    /// ElectLeaders: by hand, preferred or unclean.
    #[inline(never)]
    pub fn elect_leaders(&self, request: &ElectLeadersRequest) -> Outcome {
        let election = if request.election_type == UNCLEAN { Election::Unclean } else { Election::Preferred };
        let mut records = Vec::new();
        let mut results: Vec<ReplicaElectionResult> = Vec::new();
        let all = request.topic_partitions.is_none();
        let asked: Vec<(String, i32)> = match &request.topic_partitions {
            Some(topics) => topics.iter().flat_map(|topic| topic.partitions.iter().map(|p| (topic.topic.to_string(), *p))).collect(),
            None => self.image.partitions().map(|(topic, n, _)| (topic.name.to_string(), n)).collect(),
        };
        for (name, n) in asked {
            let (error, message) = match self.elect(&name, n, election) {
                Ok(change) => {
                    records.push(MetadataRecord::PartitionChange(change));
                    (0, None)
                }
                Err(ResponseError::ElectionNotNeeded) if all => continue,
                Err(error) => (error.code(), Some(StrBytes::from_string(self.election_message(error, &name, n)))),
            };
            let result = PartitionResult::default().with_partition_id(n).with_error_code(error).with_error_message(message);
            match results.last_mut().filter(|last| last.topic.0.as_str() == name) {
                Some(last) => last.partition_result.push(result),
                None => results.push(
                    ReplicaElectionResult::default().with_topic(TopicName(StrBytes::from_string(name))).with_partition_result(vec![result]),
                ),
            }
        }
        Outcome { records, response: ElectLeadersResponse::default().with_replica_election_results(results).into() }
    }

    /// handleBrokerFenced: it leaves every ISR, and leads nothing.
    pub(super) fn handle_broker_fenced(&self, broker: i32) -> Vec<MetadataRecord> {
        self.without(broker, &[], &|replica| replica != broker && self.image.is_active(replica))
    }

    /// The same, for what lies in these directories of it.
    pub(super) fn without_replicas_in(&self, broker: i32, directories: &[Uuid]) -> Vec<MetadataRecord> {
        let lies_there = |partition: &PartitionRegistration| partition.directory(broker).is_some_and(|id| directories.contains(&id));
        self.without_where(broker, &[], &|replica| replica != broker && self.image.is_active(replica), &lies_there)
    }

    /// handleBrokerInControlledShutdown: the same, while it still answers.
    pub(super) fn handle_broker_in_controlled_shutdown(&self, broker: i32) -> Vec<MetadataRecord> {
        self.without(broker, &[], &|replica| replica != broker && self.image.is_active(replica))
    }

    /// handleUncleanBrokerShutdown: it leaves ISRs and ELRs, since it may have lost what they promise.
    pub(super) fn handle_unclean_shutdown(&self, broker: i32) -> Vec<MetadataRecord> {
        self.without(broker, &[broker], &|replica| replica != broker && self.image.is_active(replica))
    }

    /// handleBrokerUnfenced: partitions without a leader may have one now.
    pub(super) fn handle_broker_unfenced(&self, broker: i32) -> Vec<MetadataRecord> {
        let acceptable = |replica: i32| replica == broker || self.image.is_active(replica);
        let leaderless =
            self.image.partitions().filter(|(_, _, partition)| partition.leader == NO_LEADER && partition.replicas.contains(&broker));
        let changes = leaderless.filter_map(|(topic, n, partition)| self.builder(topic, n, partition, &acceptable).build());
        changes.map(MetadataRecord::PartitionChange).collect()
    }

    fn without(&self, broker: i32, unclean: &[i32], acceptable: &dyn Fn(i32) -> bool) -> Vec<MetadataRecord> {
        self.without_where(broker, unclean, acceptable, &|_| true)
    }

    fn without_where(
        &self,
        broker: i32,
        unclean: &[i32],
        acceptable: &dyn Fn(i32) -> bool,
        lies_there: &dyn Fn(&PartitionRegistration) -> bool,
    ) -> Vec<MetadataRecord> {
        let concerns = |partition: &PartitionRegistration| {
            partition.isr.contains(&broker) || partition.leader == broker || (!unclean.is_empty() && partition.elr.contains(&broker))
        };
        let concerned = self.image.partitions().filter(|(_, _, partition)| concerns(partition) && lies_there(partition));
        let changes = concerned.filter_map(|(topic, n, partition)| {
            let isr = partition.isr.iter().copied().filter(|&replica| replica != broker).collect();
            let builder = self.builder(topic, n, partition, acceptable);
            ChangeBuilder { target_isr: isr, unclean_shutdown: unclean.to_vec(), ..builder }.build()
        });
        changes.map(MetadataRecord::PartitionChange).collect()
    }

    /// A partition's change, to begin with: nothing but what is needed for a leader.
    pub(super) fn builder<'a>(
        &'a self,
        topic: &TopicImage,
        partition_id: i32,
        partition: &'a PartitionRegistration,
        acceptable: &'a dyn Fn(i32) -> bool,
    ) -> ChangeBuilder<'a> {
        let election = if self.unclean_election_enabled(&topic.name) { Election::Unclean } else { Election::Online };
        ChangeBuilder {
            topic_id: topic.id,
            partition_id,
            min_isr: self.effective_min_isr(&topic.name, partition.replicas.len()),
            elr_enabled: self.elr_enabled(),
            bumps_on_shrink: self.image.features.get(METADATA_VERSION).is_some_and(|&level| level < features::LEVEL_3_6),
            election,
            brokers: Some(&self.image.brokers),
            any_may_lead: !Rules::parse(&self.config).holds(Rule::CleanElection),
            ..ChangeBuilder::new(partition, acceptable)
        }
    }

    /// validateAlterPartitionData
    fn check_alter_partition(&self, asker: i32, asked: &Asked, partition: &PartitionRegistration) -> Result<Vec<i32>, ResponseError> {
        if asked.leader_epoch > partition.leader_epoch || asked.partition_epoch > partition.partition_epoch {
            return Err(ResponseError::NotController);
        }
        if Rules::parse(&self.config).holds(Rule::FencingByEpoch) {
            if asked.leader_epoch < partition.leader_epoch {
                return Err(ResponseError::FencedLeaderEpoch);
            }
            if asker != partition.leader {
                return Err(ResponseError::InvalidRequest);
            }
            if asked.partition_epoch < partition.partition_epoch {
                return Err(ResponseError::InvalidUpdateVersion);
            }
        }
        let isr: Vec<i32> = asked.new_isr_with_epochs.iter().map(|replica| replica.broker_id.0).collect();
        if !isr.contains(&partition.leader) || isr.iter().any(|replica| !partition.replicas.contains(replica)) {
            return Err(ResponseError::InvalidRequest);
        }
        // Who was elected uncleanly is alone until it says that it has recovered, and then it has.
        let recovering = asked.leader_recovery_state == RECOVERING;
        if recovering && (isr.len() > 1 || !partition.recovering) {
            return Err(ResponseError::InvalidRequest);
        }
        let eligible = asked.new_isr_with_epochs.iter().all(|replica| {
            let broker = self.image.brokers.get(&replica.broker_id.0);
            broker.is_some_and(|broker| {
                !broker.fenced && !broker.in_controlled_shutdown && [-1, broker.epoch].contains(&replica.broker_epoch)
            })
        });
        if eligible { Ok(isr) } else { Err(ResponseError::IneligibleReplica) }
    }

    /// As the controller words it.
    fn election_message(&self, error: ResponseError, topic: &str, partition: i32) -> String {
        match error {
            ResponseError::UnknownTopicOrPartition if self.image.topic(topic).is_none() => format!("No such topic as {topic}"),
            ResponseError::UnknownTopicOrPartition => format!("No such partition as {topic}-{partition}"),
            other => errors::info(other.code()).message.to_owned(),
        }
    }

    fn elect(&self, name: &str, n: i32, election: Election) -> Result<PartitionChange, ResponseError> {
        let topic = self.image.topic(name).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let partition = topic.partition(n).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let needless = match election {
            Election::Preferred => partition.replicas.first() == Some(&partition.leader),
            _ => partition.leader != NO_LEADER,
        };
        if needless {
            return Err(ResponseError::ElectionNotNeeded);
        }
        let acceptable = |replica| self.image.is_active(replica);
        let builder = ChangeBuilder { election, ..self.builder(topic, n, partition, &acceptable) };
        builder.build().filter(|change| change.leader.is_some_and(|leader| leader != NO_LEADER)).ok_or(match election {
            Election::Unclean => ResponseError::EligibleLeadersNotAvailable,
            _ => ResponseError::PreferredLeaderNotAvailable,
        })
    }
}

fn refuse(asked: &Asked, error: ResponseError) -> PartitionData {
    PartitionData::default().with_partition_index(asked.partition_index).with_error_code(error.code())
}

fn accept(asked: &Asked, partition: &PartitionRegistration) -> PartitionData {
    PartitionData::default()
        .with_partition_index(asked.partition_index)
        .with_leader_id(BrokerId(partition.leader))
        .with_leader_epoch(partition.leader_epoch)
        .with_isr(partition.isr.iter().map(|&replica| BrokerId(replica)).collect())
        .with_leader_recovery_state(i8::from(partition.recovering))
        .with_partition_epoch(partition.partition_epoch)
}
