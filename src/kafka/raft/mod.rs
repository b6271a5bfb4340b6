//! KRaft: how the controllers agree on one log, `__cluster_metadata` (`org.apache.kafka.raft`; KIP-595, KIP-853, KIP-996).
//!
//! * [`node`]: one replica of the log, a voter or an observer: what reaches it, and what it sends (`KafkaRaftClient`)
//! * [`role`]: what a replica is in an epoch, and how it becomes something else (`QuorumState`)
//! * [`vote`]: elections: pre-vote, vote
//! * [`epoch`]: BeginQuorumEpoch, EndQuorumEpoch, resigning
//! * [`leader`]: what a leader knows of the others: the high watermark, check-quorum (`LeaderState`)
//! * [`fetch`]: replication: Fetch, divergence, who the leader is
//! * [`channel`]: what replicas send each other, and who answers
//! * [`snapshot`]: snapshots (KIP-630); [`snapshot_generator`]: when one is taken, and older ones go; [`fetch_snapshot`]: fetching one
//! * [`voters`]: the voters, as the log says ([`reconfigure`]: adding and removing one)
//! * [`control`]: the quorum's own records in the log
//! * [`state_file`]: `quorum-state`, what must be remembered over a restart; [`describe`]: DescribeQuorum
//!
//! A replica decides nothing about what the records mean: a controller or broker owns it, hands it records to append while it leads, and reads
//! what is committed. It draws its timeouts from its process's own random stream.
//!
//! Different from Apache Kafka: an append is written at once, as a batch of its own (there: after controller.quorum.append.linger.ms).

pub mod channel;
pub mod control;
pub mod describe;
pub mod epoch;
pub mod fetch;
pub mod fetch_snapshot;
pub mod leader;
pub mod node;
pub mod reconfigure;
pub mod role;
pub mod snapshot;
pub mod snapshot_generator;
pub mod state_file;
pub mod vote;
pub mod voters;

use uuid::Uuid;

use super::actor::Config;
use super::names::{BrokerId, directory_id};
use crate::sim::time::Duration;

/// A replica of the log: a node with the directory in which its log lies (`ReplicaKey`). A node that lost its disk is another replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaKey {
    pub id: BrokerId,
    pub directory: Uuid,
}

/// From what a replica is made.
#[derive(Clone, Debug)]
pub struct RaftSpec {
    pub key: ReplicaKey,
    /// The folder of the log.
    pub dir: std::sync::Arc<str>,
    pub cluster_id: String,
    /// process.roles has `controller`: it may become a voter. A broker only observes.
    pub is_controller: bool,
    /// The voters with which the cluster was formatted (`--initial-controllers`); they are also controller.quorum.bootstrap.servers.
    pub controllers: Vec<BrokerId>,
    /// controller.quorum.auto.join.enable: a controller that is no voter asks to become one (KIP-1186).
    pub auto_join: bool,
    pub timeouts: Timeouts,
    pub log: snapshot_generator::MetadataLogConfig,
}

impl RaftSpec {
    /// A node's replica, from its server.properties.
    pub fn configured(id: BrokerId, cluster_id: &str, controllers: &[BrokerId], is_controller: bool, config: &Config) -> RaftSpec {
        RaftSpec {
            key: ReplicaKey { id, directory: directory_id(id, cluster_id) },
            dir: node::METADATA_DIR.into(),
            cluster_id: cluster_id.to_owned(),
            is_controller,
            controllers: controllers.to_vec(),
            auto_join: config.get("controller.quorum.auto.join.enable").is_some_and(|value| value.trim().eq_ignore_ascii_case("true")),
            timeouts: Timeouts::parse(config),
            log: snapshot_generator::MetadataLogConfig::parse(config),
        }
    }
}

/// How long a replica waits.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// controller.quorum.election.timeout.ms; the wait is drawn between once and twice this.
    pub election: Duration,
    /// controller.quorum.fetch.timeout.ms
    pub fetch: Duration,
    /// controller.quorum.request.timeout.ms
    pub request: Duration,
}

impl Timeouts {
    /// From server.properties.
    pub fn parse(config: &Config) -> Timeouts {
        let ms = |name: &str, default: u64| {
            let value = config.get(name).and_then(|value| value.trim().parse().ok());
            Duration::ms(value.unwrap_or(default).max(1))
        };
        Timeouts {
            election: ms("controller.quorum.election.timeout.ms", 1_000),
            fetch: ms("controller.quorum.fetch.timeout.ms", 2_000),
            request: ms("controller.quorum.request.timeout.ms", 2_000),
        }
    }
}
