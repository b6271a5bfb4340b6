//! In which log directory of its broker each replica is (KIP-858; `ReplicationControlManager.handleAssignReplicasToDirs`,
//! `handleDirectoriesOffline`).

use kafka_protocol::ResponseError;
use kafka_protocol::messages::assign_replicas_to_dirs_response::{DirectoryData, PartitionData, TopicData};
use kafka_protocol::messages::{AssignReplicasToDirsRequest, AssignReplicasToDirsResponse};
use uuid::Uuid;

use super::{Outcome, State};
use crate::kafka::metadata::features::cordons_log_dirs;
use crate::kafka::metadata::record::{BrokerRegistration, MetadataRecord, PartitionChange};

impl State {
    /// AssignReplicasToDirs: a broker says where its replicas are.
    pub fn assign_replicas_to_dirs(&self, request: &AssignReplicasToDirsRequest) -> Outcome {
        let broker = request.broker_id.0;
        if self.image.brokers.get(&broker).is_none_or(|known| known.epoch != request.broker_epoch) {
            return Outcome::only(AssignReplicasToDirsResponse::default().with_error_code(ResponseError::StaleBrokerEpoch.code()));
        }
        let (mut records, mut directories) = (Vec::new(), Vec::new());
        for directory in &request.directories {
            let mut topics = Vec::new();
            for topic in &directory.topics {
                let partitions = topic.partitions.iter().map(|asked| {
                    let error = match self.assign(broker, topic.topic_id, asked.partition_index, directory.id) {
                        Ok(change) => {
                            records.extend(change.map(MetadataRecord::PartitionChange));
                            0
                        }
                        Err(error) => error.code(),
                    };
                    PartitionData::default().with_partition_index(asked.partition_index).with_error_code(error)
                });
                topics.push(TopicData::default().with_topic_id(topic.topic_id).with_partitions(partitions.collect()));
            }
            directories.push(DirectoryData::default().with_id(directory.id).with_topics(topics));
        }
        Outcome { records, response: AssignReplicasToDirsResponse::default().with_directories(directories).into() }
    }

    fn assign(&self, broker: i32, topic_id: Uuid, partition_id: i32, directory: Uuid) -> Result<Option<PartitionChange>, ResponseError> {
        let topic = self.image.topic_by_id(topic_id).ok_or(ResponseError::UnknownTopicId)?;
        let partition = topic.partition(partition_id).ok_or(ResponseError::UnknownTopicOrPartition)?;
        let known = partition.directory(broker).ok_or(ResponseError::NotLeaderOrFollower)?;
        let of = |replica: &i32| if *replica == broker { directory } else { partition.directory(*replica).unwrap_or_default() };
        let directories = partition.replicas.iter().map(of).collect();
        let change = PartitionChange { topic_id, partition_id, directories: Some(directories), ..PartitionChange::default() };
        Ok((known != directory).then_some(change))
    }

    /// handleDirectoriesCordoned: a broker says which of its directories get no new replicas. `None`: it does not say.
    pub(super) fn handle_directories_cordoned(&self, broker: &BrokerRegistration, cordoned: Option<Vec<Uuid>>) -> Option<MetadataRecord> {
        let cordoned = cordoned.filter(|_| cordons_log_dirs(&self.image.features))?;
        let differs = |known: &Vec<Uuid>| known.len() != cordoned.len() || known.iter().any(|id| !cordoned.contains(id));
        let change = MetadataRecord::BrokerRegistrationChange {
            broker_id: broker.id,
            broker_epoch: broker.epoch,
            fenced: None,
            in_controlled_shutdown: false,
            log_dirs: None,
            cordoned_log_dirs: Some(cordoned.clone()),
        };
        broker.cordoned_log_dirs.as_ref().is_none_or(differs).then_some(change)
    }

    /// handleDirectoriesOffline: what lies in directories that a broker has lost is neither led by it nor in sync there.
    pub(super) fn handle_directories_offline(&self, broker: &BrokerRegistration, offline: &[Uuid]) -> Vec<MetadataRecord> {
        let (lost, kept): (Vec<Uuid>, Vec<Uuid>) = broker.log_dirs.iter().partition(|dir| offline.contains(dir));
        if lost.is_empty() {
            return Vec::new();
        }
        let mut records = self.without_replicas_in(broker.id, &lost);
        records.push(MetadataRecord::BrokerRegistrationChange {
            broker_id: broker.id,
            broker_epoch: broker.epoch,
            fenced: None,
            in_controlled_shutdown: false,
            log_dirs: Some(kept),
            cordoned_log_dirs: None,
        });
        records
    }
}
