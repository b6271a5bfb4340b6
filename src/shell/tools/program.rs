//! What a tool is that needs more than to print: a state machine with connections, files and time.
//!
//! [`super::Tool`] holds one behind this trait, so that a further tool is one file and one line.

use std::fmt::Debug;

use super::all_groups::{self, AllGroups};
use super::dump_log::{self, DumpLog};
use super::file;
use super::hosts::{self, Done};
use super::ls::Ls;
use super::perf::consumer::ConsumerPerf;
use super::perf::producer::ProducerPerf;
use super::records::{self, DeleteRecords};
use super::replica_verification::{self, ReplicaVerification};
use super::storage::Storage;
use super::verifiable::consumer::VerifiableConsumer;
use super::verifiable::producer::VerifiableProducer;
use super::{Context, INTERRUPTED, Start, kaf, kcat, leader_election, log_dirs, perf, reassign, storage, verifiable};
use super::{acls, bygone, delegation_tokens};
use super::{api_versions, cluster, features, metadata_quorum};
use super::{client_metrics, configs, copying, server, share_consumer, streams_reset, transactions, typed_groups};
use crate::kafka::actor::{Input, Outbox};
use crate::shell::argparse::Parser;
use crate::shell::files::HOSTS_FOLDER;
use crate::shell::options::Opt;
use crate::sim::rng::Rng;
use crate::sim::time::Time;

/// A tool at work. Cloning it clones a checkpoint of the world.
pub trait Program: Debug {
    /// Gets on as far as it can; its exit status when it is done.
    fn step(&mut self, cx: &mut Context) -> Option<i32>;

    /// A copy of its own.
    fn boxed(&self) -> Box<dyn Program>;

    /// Takes what came on one of its connections, or of a file it asked for.
    fn input(&mut self, _input: Input, _cx: &mut Context) {}

    /// Whether an input is about it.
    fn owns(&self, _input: &Input) -> bool {
        false
    }

    /// SIGINT; its exit status if that ends it at once.
    fn interrupt(&mut self, cx: &mut Context) -> Option<i32> {
        self.kill(cx.out);
        Some(INTERRUPTED)
    }

    /// SIGKILL: its connections are closed, nothing else is said.
    fn kill(&mut self, _out: &mut Outbox) {}

    /// When it wants to be stepped at the latest.
    fn next_wake(&self) -> Option<Time> {
        None
    }

    /// Whether it reads its standard input.
    fn reads_input(&self) -> bool {
        false
    }
}

/// Kafka's tools that are here, as they are typed.
#[rustfmt::skip]
pub const NAMES: &[&str] = &[
    "kafka-acls",
    "kafka-broker-api-versions",
    "kafka-cluster",
    "kafka-client-metrics",
    "kafka-configs",
    "kafka-console-share-consumer",
    "kafka-consumer-perf-test",
    "kafka-delegation-tokens",
    "kafka-delete-records",
    "kafka-dump-log",
    "kafka-features",
    "kafka-groups",
    "kafka-leader-election",
    "kafka-log-dirs",
    "kafka-metadata-quorum",
    "kafka-producer-perf-test",
    "kafka-reassign-partitions",
    "kafka-replica-verification",
    "kafka-run-class",
    "kafka-storage",
    "kafka-server-start",
    "kafka-server-stop",
    "kafka-share-groups",
    "kafka-streams-application-reset",
    "kafka-streams-groups",
    "kafka-transactions",
    "kafka-verifiable-consumer",
    "kafka-verifiable-producer",
];

/// The tool of this name, if it is one of these; or what it says instead.
pub fn start(start: &Start, rng: &mut Rng) -> Option<Result<Box<dyn Program>, Done>> {
    let Start { now, name, args, files, hosts, .. } = *start;
    Some(match name {
        "kafka-acls" => boxed(acls::start(start)),
        "kafka-broker-api-versions" => boxed(api_versions::start(args, files, hosts)),
        "kafka-cluster" => boxed(cluster::start(args, files, hosts)),
        "kafka-consumer-perf-test" => boxed(ConsumerPerf::start(now, args, files, hosts, rng)),
        "kafka-client-metrics" => boxed(client_metrics::start(start)),
        "kafka-configs" => boxed(configs::start(start)),
        "kafka-delegation-tokens" => boxed(delegation_tokens::start(args, files, hosts)),
        "kafka-groups" => boxed(AllGroups::start(args, files, hosts)),
        "kafka-delete-records" => boxed(DeleteRecords::start(args, files, hosts)),
        "kafka-dump-log" => boxed(DumpLog::start(args)),
        "kafka-features" => boxed(features::start(args, files, hosts)),
        "kafka-leader-election" => boxed(leader_election::start(args, files, hosts)),
        "kafka-log-dirs" => boxed(log_dirs::start(args, files, hosts)),
        "kafka-metadata-quorum" => boxed(metadata_quorum::start(args, files, hosts)),
        "kafka-producer-perf-test" => boxed(ProducerPerf::start(now, args, files, hosts, rng)),
        "kafka-reassign-partitions" => boxed(reassign::start(args, files, hosts)),
        "kafka-replica-verification" => boxed(ReplicaVerification::start(now, args, hosts)),
        "kafka-storage" => boxed(Storage::start(args, files, rng)),
        "kafka-verifiable-consumer" => boxed(VerifiableConsumer::start(args, files, hosts)),
        "kafka-verifiable-producer" => boxed(VerifiableProducer::start(now, args, files, hosts)),
        "kafka-share-groups" | "kafka-streams-groups" => boxed(typed_groups::start(name, args, files, hosts)),
        "kafka-console-share-consumer" => boxed(share_consumer::start(args, files, hosts)),
        "kafka-server-start" | "kafka-server-stop" => server::start(start),
        "kafka-streams-application-reset" => boxed(streams_reset::start(args, files, hosts)),
        "kafka-transactions" => boxed(transactions::start(args, files, hosts)),
        "kaf" => kaf::start(start),
        "kcat" | "kafkacat" => kcat::start(start),
        name if name == "kafka-run-class" || bygone::NAMES.contains(&name) => return bygone::start(start, rng),
        // Of the cluster's hosts names alone are seen; the terminal's own files have sizes and times.
        "ls" if !files.read_only && args.iter().any(|arg| arg.starts_with(HOSTS_FOLDER)) => boxed(Ls::start(args)),
        "systemctl" => return hosts::restart::start(start).map(|restart| boxed(Ok(restart))),
        "nc" => boxed(hosts::reach::nc(start)),
        "ping" => boxed(hosts::reach::ping(start)),
        name if file::NAMES.contains(&name) => boxed(file::start(name, args, files)),
        _ => return None,
    })
}

/// The options of the tools of this name that read them as joptsimple does.
pub fn table(name: &str) -> Option<&'static [Opt]> {
    Some(match name {
        "kafka-acls" => acls::args::TABLE,
        "kafka-broker-api-versions" => api_versions::TABLE,
        "kafka-client-metrics" => client_metrics::TABLE,
        "kafka-configs" => configs::args::TABLE,
        "kafka-delegation-tokens" => delegation_tokens::TABLE,
        "kafka-groups" => all_groups::TABLE,
        "kafka-delete-records" => records::args::TABLE,
        "kafka-dump-log" => dump_log::args::TABLE,
        "kafka-consumer-perf-test" => perf::consumer::TABLE,
        "kafka-leader-election" => leader_election::TABLE,
        "kafka-log-dirs" => log_dirs::TABLE,
        "kafka-streams-application-reset" => streams_reset::TABLE,
        "kafka-console-share-consumer" => share_consumer::TABLE,
        "kafka-share-groups" => typed_groups::SHARE,
        "kafka-streams-groups" => typed_groups::STREAMS,
        "kafka-server-start" => server::TABLE,
        "kafka-mirror-maker" => copying::MIRROR,
        "kafka-replay-log-producer" => copying::REPLAY,
        "kafka-reassign-partitions" => reassign::args::TABLE,
        "kafka-replica-verification" => replica_verification::TABLE,
        _ => return None,
    })
}

/// The options of the tools of this name that read them as argparse4j does.
pub fn parser(name: &str) -> Option<&'static Parser> {
    Some(match name {
        "kafka-cluster" => &cluster::PARSER,
        "kafka-features" => &features::PARSER,
        "kafka-metadata-quorum" => &metadata_quorum::PARSER,
        "kafka-producer-perf-test" => &perf::producer::PARSER,
        "kafka-storage" => &storage::args::PARSER,
        "kafka-transactions" => &transactions::args::PARSER,
        "kafka-verifiable-consumer" => &verifiable::consumer::PARSER,
        "kafka-verifiable-producer" => &verifiable::producer::PARSER,
        _ => return None,
    })
}

/// The files that it will read before it starts; `None`: it follows from its [`table`].
pub fn reads(name: &str, args: &[String]) -> Option<Vec<String>> {
    Some(match name {
        "kafka-cluster" => cluster::reads(args),
        "kafka-features" => features::reads(args),
        "kafka-metadata-quorum" => metadata_quorum::reads(args),
        "kafka-producer-perf-test" => perf::producer::reads(args),
        "kafka-storage" => storage::reads(args),
        "kafka-transactions" => transactions::reads(args),
        "kafka-server-start" => server::reads(args),
        name if bygone::NAMES.contains(&name) => return bygone::reads(name, args),
        "kcat" | "kafkacat" => kcat::reads(args),
        "disk" | "systemctl" | "iptables" | "tc" => return hosts::reads(name, args),
        "kafka-verifiable-producer" => verifiable::producer::reads(args),
        "kafka-verifiable-consumer" => verifiable::consumer::reads(args),
        _ => return None,
    })
}

fn boxed(program: Result<impl Program + 'static, Done>) -> Result<Box<dyn Program>, Done> {
    program.map(|program| Box::new(program) as Box<dyn Program>)
}

impl Clone for Box<dyn Program> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}
