//! The controller: keeps the cluster's metadata in `__cluster_metadata`, whose replicas (`kafka::raft`) agree on it.
//!
//! * [`process`]: the process of a controller apart from brokers
//! * [`quorum_controller`]: active or not, what is committed, requests in, answers out
//! * [`bootstrap`]: what a new cluster begins with; [`registration`]: controllers make themselves known
//! * [`heartbeats`]: registration, heartbeats, fencing, controlled shutdown
//! * [`topics`], [`placement`]: creating, growing and deleting topics
//! * [`partitions`]: leaders and ISRs (AlterPartition, elections)
//! * [`directories`]: in which log directory of its broker each replica is
//! * [`periodic`]: what it does from time to time
//! * [`reassignments`]: moving replicas
//! * [`configs`], [`quotas`], [`scram`]: dynamic configuration, client quotas, credentials
//! * [`features`]: levels of features
//! * [`cluster`]: what it says of the controllers; [`inactive`]: what one says that is not active
//! * [`report`]: what a record means as an event
//!
//! Every request becomes records and an answer ([`Outcome`]); the records are appended, and when they are committed the answer goes out.

pub mod bootstrap;
pub mod cluster;
pub mod configs;
pub mod directories;
pub mod features;
pub mod heartbeats;
pub mod inactive;
pub mod partitions;
pub mod periodic;
pub mod placement;
pub mod process;
pub mod quorum_controller;
pub mod quotas;
pub mod reassignments;
pub mod registration;
pub mod report;
pub mod scram;
pub mod topics;

use std::collections::BTreeMap;

use super::actor::Config;
use super::metadata::image::Image;
use super::metadata::record::MetadataRecord;
use super::names::BrokerId;
use super::protocol::api::Response;
use super::raft::RaftSpec;
use crate::sim::time::Time;

/// From what a controller is made.
#[derive(Clone, Debug)]
pub struct ControllerSpec {
    pub id: BrokerId,
    /// server.properties
    pub config: Config,
    pub cluster_id: String,
    /// Levels of features that `kafka-storage format --feature` was given; the others have those of the release.
    pub features: BTreeMap<String, i16>,
    /// The voters with which the cluster was formatted.
    pub controllers: Vec<BrokerId>,
    /// It is a broker, too (process.roles).
    pub is_broker: bool,
}

impl ControllerSpec {
    /// Its replica of the metadata log.
    pub fn raft(&self) -> RaftSpec {
        RaftSpec::configured(self.id, &self.cluster_id, &self.controllers, true, &self.config)
    }
}

/// What the controller knows: the image, and who it has heard from.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub image: Image,
    /// By broker: when its last heartbeat came.
    pub sessions: BTreeMap<i32, heartbeats::Session>,
    /// broker.session.timeout.ms
    pub session_timeout_ms: u64,
    /// server.properties, for the defaults of new topics.
    pub config: Config,
    /// The offset that the next record will have.
    pub next_offset: i64,
    pub periodic: periodic::Periodic,
    pub now: Time,
}

/// What a request leads to: records, then an answer.
#[derive(Debug)]
pub struct Outcome {
    pub records: Vec<MetadataRecord>,
    pub response: Response,
}

impl Outcome {
    /// An answer that changes nothing.
    pub fn only(response: impl Into<Response>) -> Outcome {
        Outcome { records: Vec::new(), response: response.into() }
    }
}

impl State {
    /// eligible.leader.replicas.version
    pub fn elr_enabled(&self) -> bool {
        self.image.features.get("eligible.leader.replicas.version").is_some_and(|&level| level >= 1)
    }

    /// A number of server.properties, or its default.
    pub fn setting(&self, name: &str, default: i64) -> i64 {
        self.config.get(name).and_then(|value| value.parse().ok()).unwrap_or(default)
    }
}
