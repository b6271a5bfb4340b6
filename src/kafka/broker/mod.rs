//! A broker.
//!
//! * [`process`]: the process: inputs in, and who takes them
//! * [`startup`]: reading the disk back, opening the logs
//! * [`lifecycle`]: registration, heartbeats, controlled shutdown (`BrokerLifecycleManager`)
//! * [`quorum`]: its replica of the metadata log, and the controller in the same process, if there is one
//! * [`metadata`]: what a change of metadata means here (`BrokerMetadataPublisher`)
//! * [`partition`]: one partition as leader or follower: high watermark, ISR (`Partition`)
//! * [`replicas`]: all partitions of this broker, and the requests that wait for them (`ReplicaManager`)
//! * [`produce`], [`fetch`], [`session`]: Produce and Fetch
//! * [`current_leader`]: who leads what is not led here
//! * [`delete_records`]: DeleteRecords, and who waits for followers to follow
//! * [`fetcher`]: following leaders (`ReplicaFetcherThread`)
//! * [`fetched`]: what they answer
//! * [`throttle`]: throttled replication; [`throttling`]: clients held to their quotas
//! * [`isr`]: asking the controller for other ISRs (`AlterPartitionManager`)
//! * [`authentication`]: who is at the other end, and what of a request it may do
//! * [`requests`]: the connections, and which rule answers which request (`KafkaApis`)
//! * [`describe`]: requests that only ask; [`configs`]: configuration, shown and taken; [`quotas`]: quotas, shown
//! * [`listeners`]: what it says where it is
//! * [`log_dirs`]: its log directories, and what fails with one; [`describe_log_dirs`]: shown; [`log_mover`], [`future_logs`]: moved between;
//!   [`assignments`]: told to the controller (`AssignmentsManager`)
//! * [`log_manager`]: retention, checkpoints, deletions; [`high_watermarks`]: their checkpoint; [`log_cleaner`]: compaction
//! * [`groups`]: the group coordinator's place in the broker
//! * [`forward`]: requests that the controller answers, producer ids

pub mod assignments;
pub mod authentication;
pub mod configs;
mod connection_quotas;
mod current_leader;
pub mod delete_records;
pub mod describe;
pub mod describe_log_dirs;
pub mod fetch;
mod fetched;
pub mod fetcher;
pub mod forward;
pub mod future_logs;
pub mod groups;
pub mod high_watermarks;
pub mod isr;
pub mod lifecycle;
pub mod listeners;
pub mod log_cleaner;
pub mod log_dirs;
pub mod log_manager;
pub mod log_mover;
pub mod metadata;
pub mod partition;
pub mod process;
pub mod produce;
mod produce_request;
mod producers;
pub mod quorum;
pub mod quotas;
mod replica_selector;
pub mod replicas;
pub mod requests;
pub mod session;
pub mod startup;
pub mod throttle;
pub mod throttling;

use super::actor::Config;
use super::names::BrokerId;

/// From what a broker is made.
#[derive(Clone, Debug)]
pub struct BrokerSpec {
    pub id: BrokerId,
    /// server.properties
    pub config: Config,
    /// The voters with which the cluster was formatted. If this node is one of them, it is a broker and a controller in one process.
    pub controllers: Vec<BrokerId>,
    pub cluster_id: String,
    /// Levels of features that `kafka-storage format --feature` was given.
    pub features: std::collections::BTreeMap<String, i16>,
}

impl Default for BrokerSpec {
    /// Of no cluster.
    fn default() -> BrokerSpec {
        BrokerSpec {
            id: BrokerId(-1),
            config: Config::new(),
            controllers: Vec::new(),
            cluster_id: String::new(),
            features: std::collections::BTreeMap::new(),
        }
    }
}

impl BrokerSpec {
    /// process.roles has `controller`, too.
    pub fn is_controller(&self) -> bool {
        self.controllers.contains(&self.id) || self.config.get("process.roles").is_some_and(|roles| roles.contains("controller"))
    }
}

/// The broker's own settings, parsed.
#[derive(Clone, Debug)]
pub struct Settings {
    /// replica.lag.time.max.ms
    pub replica_lag_time_max_ms: u64,
    /// broker.session.timeout.ms
    pub session_timeout_ms: u64,
    /// broker.heartbeat.interval.ms
    pub heartbeat_interval_ms: u64,
    /// initial.broker.registration.timeout.ms
    pub initial_registration_timeout_ms: u64,
    /// log.dir.failure.timeout.ms
    pub log_dir_failure_timeout_ms: u64,
    /// controlled.shutdown.enable
    pub controlled_shutdown: bool,
    /// replica.fetch.wait.max.ms, replica.fetch.min.bytes, replica.fetch.max.bytes, replica.fetch.response.max.bytes
    pub replica_fetch_wait_max_ms: i32,
    pub replica_fetch_min_bytes: i32,
    pub replica_fetch_max_bytes: i32,
    pub replica_fetch_response_max_bytes: i32,
    /// replica.fetch.backoff.ms
    pub replica_fetch_backoff_ms: u64,
    /// num.replica.alter.log.dirs.threads; by default as many as there are directories
    pub alter_log_dirs_threads: Option<i32>,
    /// replica.high.watermark.checkpoint.interval.ms
    pub hw_checkpoint_interval_ms: u64,
    pub logs: log_manager::LogManagerSettings,
    pub cleaner: log_cleaner::CleanerSettings,
    /// auto.create.topics.enable
    pub auto_create_topics: bool,
    /// offsets.topic.num.partitions, offsets.topic.replication.factor
    pub offsets_partitions: i32,
    pub offsets_replication_factor: i16,
    /// fetch.max.bytes
    pub fetch_max_bytes: i32,
    /// max.incremental.fetch.session.cache.slots
    pub fetch_session_slots: i32,
    /// socket.request.max.bytes
    pub socket_request_max_bytes: u64,
    /// replica.selector.class: consumers are sent to the closest replica.
    pub rack_aware: bool,
    /// connection.failed.authentication.delay.ms
    pub failed_authentication_delay_ms: u64,
    /// num.io.threads: request handlers.
    pub io_threads: u32,
    /// What a request costs a handler: `ottla.request.us` and, for what it carries, `ottla.request.mib.us`. Ours, not Kafka's.
    pub request_us: u64,
    pub request_mib_us: u64,
}

impl Settings {
    /// From server.properties; what is missing or no number has its default.
    pub fn parse(config: &Config) -> Settings {
        let number = |name: &str, default: i64| config.get(name).and_then(|value| value.trim().parse().ok()).unwrap_or(default);
        let positive = |name: &str, default: i64| number(name, default).max(1) as u64;
        let int = |name: &str, default: i64| number(name, default).clamp(0, i64::from(i32::MAX)) as i32;
        Settings {
            replica_lag_time_max_ms: positive("replica.lag.time.max.ms", 30_000),
            session_timeout_ms: positive("broker.session.timeout.ms", 9_000),
            heartbeat_interval_ms: positive("broker.heartbeat.interval.ms", 2_000),
            initial_registration_timeout_ms: positive("initial.broker.registration.timeout.ms", 60_000),
            log_dir_failure_timeout_ms: positive("log.dir.failure.timeout.ms", 30_000),
            controlled_shutdown: config.get("controlled.shutdown.enable").is_none_or(|value| value != "false"),
            replica_fetch_wait_max_ms: int("replica.fetch.wait.max.ms", 500),
            replica_fetch_min_bytes: int("replica.fetch.min.bytes", 1),
            replica_fetch_max_bytes: int("replica.fetch.max.bytes", 1_048_576),
            replica_fetch_response_max_bytes: int("replica.fetch.response.max.bytes", 10_485_760),
            replica_fetch_backoff_ms: positive("replica.fetch.backoff.ms", 1_000),
            alter_log_dirs_threads: config.get("num.replica.alter.log.dirs.threads").and_then(|value| value.trim().parse().ok()),
            hw_checkpoint_interval_ms: positive("replica.high.watermark.checkpoint.interval.ms", 5_000),
            logs: log_manager::LogManagerSettings::parse(config),
            cleaner: log_cleaner::CleanerSettings::parse(config),
            auto_create_topics: config.get("auto.create.topics.enable").is_none_or(|value| value != "false"),
            offsets_partitions: int("offsets.topic.num.partitions", 50).max(1),
            offsets_replication_factor: number("offsets.topic.replication.factor", 3).clamp(1, i64::from(i16::MAX)) as i16,
            fetch_max_bytes: int("fetch.max.bytes", 57_671_680),
            socket_request_max_bytes: positive("socket.request.max.bytes", 104_857_600),
            rack_aware: replica_selector::is_rack_aware(config),
            fetch_session_slots: int("max.incremental.fetch.session.cache.slots", 1_000),
            failed_authentication_delay_ms: number("connection.failed.authentication.delay.ms", 100).max(0).cast_unsigned(),
            io_threads: number("num.io.threads", 8).clamp(1, 1_000) as u32,
            request_us: number("ottla.request.us", 40).max(0) as u64,
            request_mib_us: number("ottla.request.mib.us", 1_000).max(0) as u64,
        }
    }
}
