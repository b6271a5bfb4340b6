//! From a description to a cluster that is ready: hosts, topics, clients, in the order in which an operator would start them.

use std::sync::Arc;

use super::model::{Cluster, Process, Spec};
use super::setup::SetupSpec;
use super::spec::{ClusterSpec, Config, GroupSpec, SpecProblem};
use super::world::World;
use crate::kafka::broker::BrokerSpec;
use crate::kafka::broker::process::Broker;
use crate::kafka::client::producer::load::ProducerProcess;
use crate::kafka::controller::ControllerSpec;
use crate::kafka::event::GroupState;
use crate::kafka::log::control_json::uuid_base64;
use crate::kafka::names::{BrokerId, TopicPartition, host_of};
use crate::kafka::protocol::frame::Frame;
use crate::sim::engine::{Settings, Sim, State};
use crate::sim::fault::Fault;
use crate::sim::rng::Rng;
use crate::sim::time::{Duration, Time};

/// A cluster that is not ready after so much virtual time never will be.
pub const PATIENCE: Duration = Duration::secs(180);
/// The node id of the first controller.
const FIRST_CONTROLLER: i32 = 100;
/// How often it is looked whether the next thing can be started.
const LOOK_EVERY: Duration = Duration::ms(10);

/// What a world runs on.
#[derive(Clone, Debug, Default)]
pub struct Machine {
    /// Links and disks. Its seed is not used.
    pub settings: Settings,
    /// Every frame passes through here.
    pub recode: Option<fn(Frame) -> Frame>,
    /// Brokers, by number, that are not started at first.
    pub down: Vec<u32>,
}

/// Why no cluster came of a description.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    #[error("this cluster cannot be built: {}", list(.0))]
    Impossible(Vec<SpecProblem>),
    /// The cluster itself said no.
    #[error("the cluster refused {0}")]
    Refused(String),
    #[error("after {} s the cluster still waits for {waits_for}", PATIENCE.as_ms() / 1_000)]
    NotReady { waits_for: String },
}

impl World {
    /// Builds the cluster and runs it until it is ready: brokers unfenced, replicas in sync, groups stable, producers producing.
    ///
    /// # Errors
    /// If the description is impossible, or the cluster does not get ready.
    pub fn build(spec: &ClusterSpec, seed: u64) -> Result<World, BuildError> {
        World::build_on(&Machine::default(), spec, seed)
    }

    /// As [`World::build`], on other machines.
    ///
    /// # Errors
    /// As [`World::build`].
    pub fn build_on(machine: &Machine, spec: &ClusterSpec, seed: u64) -> Result<World, BuildError> {
        let problems = spec.problems();
        if !problems.is_empty() {
            return Err(BuildError::Impossible(problems));
        }
        let mut world = World::bare(machine, spec, seed);
        world.start_nodes();
        for id in &machine.down {
            // Before it has begun; a broker that the description does not have cannot be kept down.
            let _ = world.sim.inject(&Fault::Kill { host: host_of(BrokerId(*id as i32)) }, None);
        }
        world.wait_for(World::missing_broker)?;
        if !spec.topics.is_empty() {
            let host = world.free_host("setup");
            let setup = SetupSpec { bootstrap: world.bootstrap(), topics: spec.topics.clone() };
            world.sim.spawn(&host, &host, Spec::Setup(setup), Duration::ZERO);
        }
        world.wait_for(World::missing_topic)?;
        for group in &spec.groups {
            world.add_group(group).map_err(|error| BuildError::Refused(error.to_string()))?;
        }
        world.wait_for(World::unstable_group)?;
        for producer in &spec.producers {
            world.add_producer(producer).map_err(|error| BuildError::Refused(error.to_string()))?;
        }
        world.wait_for(World::silent_producer)?;
        world.ready_at = world.sim.now();
        Ok(world)
    }

    pub(super) fn bare(machine: &Machine, spec: &ClusterSpec, seed: u64) -> World {
        let mut sim: Sim<Cluster> = Sim::new(Settings { seed, ..machine.settings.clone() });
        if let Some(recode) = machine.recode {
            sim.set_recode(recode);
        }
        World { sim, spec: Arc::new(spec.clone()), seed, ready_at: Time::ZERO, early: Vec::new(), put_bytes: 0 }
    }

    pub(super) fn start_nodes(&mut self) {
        let spec = self.spec.clone();
        let cluster_id = uuid_base64(&Rng::derive(self.seed, "cluster.id").bytes16());
        let apart: Vec<BrokerId> = (0..spec.controllers).map(|i| BrokerId(FIRST_CONTROLLER + i as i32)).collect();
        let controllers: Vec<BrokerId> = spec.combined.iter().map(|id| BrokerId(*id as i32)).chain(apart.iter().copied()).collect();
        let config = server_properties(&spec);
        for &id in &apart {
            let (config, cluster_id, controllers, features) =
                (config.clone(), cluster_id.clone(), controllers.clone(), spec.features.clone());
            let controller = ControllerSpec { id, config, cluster_id, controllers, features, is_broker: false };
            self.sim.spawn(&host_of(id), &host_of(id), Spec::Controller(controller), Duration::ZERO);
        }
        for id in (1..=spec.brokers).map(|id| BrokerId(id as i32)) {
            let mut config = config.clone();
            config.extend(spec.broker.get(&id.0.to_string()).map(|own| own.0.clone()).unwrap_or_default());
            let broker = BrokerSpec {
                id,
                config,
                controllers: controllers.clone(),
                cluster_id: cluster_id.clone(),
                features: spec.features.clone(),
            };
            self.sim.spawn(&host_of(id), &host_of(id), Spec::Broker(broker), Duration::ZERO);
        }
    }

    /// Runs until nothing is missing any more.
    pub(super) fn wait_for(&mut self, missing: fn(&World) -> Option<String>) -> Result<(), BuildError> {
        let patience_ends = self.sim.now() + PATIENCE;
        while let Some(waits_for) = missing(self) {
            if let Some(refusal) = self.refusal() {
                return Err(BuildError::Refused(refusal));
            }
            if self.sim.now() >= patience_ends {
                return Err(BuildError::NotReady { waits_for });
            }
            self.sim.run_until(self.sim.now() + LOOK_EVERY);
            self.early.extend(self.sim.take_events());
        }
        Ok(())
    }

    /// Why it will never be ready, if that is known: a topic that was refused, a client that ended.
    fn refusal(&self) -> Option<String> {
        self.sim.slots().find_map(|slot| match (&slot.spec, &slot.process, slot.state) {
            (_, Some(Process::Setup(setup)), _) => setup.refused().map(str::to_owned),
            (Spec::Producer(load), _, State::Exited(_)) => Some(format!("the producer {}: its configuration", load.name)),
            (Spec::Consumer(load), _, State::Exited(_)) => Some(format!("the consumer {}: its configuration", load.client_id)),
            _ => None,
        })
    }

    pub(super) fn missing_broker(&self) -> Option<String> {
        let Some(controller) = self.controller() else { return Some("its active controller".into()) };
        let image = controller.controller.image();
        let started = self.brokers().filter(|(_, slot, _)| slot.state != State::Killed).map(|(id, ..)| id.0);
        started.into_iter().find(|id| !image.is_active(*id)).map(|id| format!("broker {id}"))
    }

    fn missing_topic(&self) -> Option<String> {
        let image = &self.controller()?.state().image;
        for topic in &self.spec.topics {
            let Some(found) = image.topic(&topic.name) else { return Some(format!("topic {}", topic.name)) };
            for (partition, number) in found.partitions.iter().zip(0..) {
                let serves = |broker: &Broker| {
                    let name = TopicPartition::new(found.name.clone(), number);
                    broker.replicas().get(&name).is_some_and(|replica| replica.is_leader())
                };
                let led = self.brokers().any(|(_, _, broker)| broker.is_some_and(serves));
                if !led || partition.isr.len() != partition.replicas.len() {
                    return Some(format!("the replicas of {}-{number}", topic.name));
                }
            }
        }
        None
    }

    fn unstable_group(&self) -> Option<String> {
        let stable = |name: &str, members: u32| {
            let is_whole = |state: GroupState, count: usize| state == GroupState::Stable && count == members as usize;
            self.brokers().filter_map(|(_, _, broker)| broker.map(Broker::coordinator)).any(|coordinator| {
                let mut of_the_consumer_protocol = coordinator.consumer_groups().filter(|group| &*group.id == name);
                coordinator.group(name).is_some_and(|group| is_whole(group.state, group.members().count()))
                    || of_the_consumer_protocol.any(|group| is_whole(group.state(), group.members().count()))
            })
        };
        let knows = |name: &str| {
            self.consumers().filter(|(_, load, _)| *load.group == *name).all(|(_, _, consumer)| {
                consumer.is_some_and(|consumer| !consumer.is_stopped() && consumer.owned().all(|(_, position)| position.is_some()))
            })
        };
        let ready = |group: &&GroupSpec| group.members == 0 || stable(&group.name, group.members) && knows(&group.name);
        let waiting = self.spec.groups.iter().find(|group| !ready(group));
        waiting.map(|group| format!("the group {}", group.name))
    }

    fn silent_producer(&self) -> Option<String> {
        let sends = |process: &ProducerProcess| process.producer().is_some_and(|producer| producer.stats().acked > 0);
        self.sim.slots().find_map(|slot| match (&slot.spec, &slot.process) {
            (Spec::Producer(_), Some(Process::Producer(process))) if sends(process) => None,
            (Spec::Producer(load), _) => Some(format!("the producer {}", load.name)),
            _ => None,
        })
    }
}

/// The description's server.properties, and what a small cluster needs to differ in.
fn server_properties(spec: &ClusterSpec) -> Config {
    let mut config = spec.config.clone();
    // With fewer than three brokers the offsets topic could never be created (Kafka's own quick start sets this to 1).
    if spec.brokers < 3 {
        config.entry("offsets.topic.replication.factor".into()).or_insert_with(|| spec.brokers.to_string());
    }
    config
}

fn list(problems: &[SpecProblem]) -> String {
    let texts: Vec<String> = problems.iter().map(|problem| format!("{}: {}; {}", problem.path, problem.message, problem.remedy)).collect();
    texts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::command::Command;
    use crate::playground::spec::TopicSpec;
    use crate::playground::timeline::Timeline;

    fn orders() -> ClusterSpec {
        let topic = TopicSpec { name: "orders".into(), partitions: 3, replication_factor: 3, config: Config::new() };
        ClusterSpec { topics: vec![topic], ..ClusterSpec::default() }
    }

    #[test]
    fn a_cluster_gets_ready_and_survives_a_kill() {
        let world = World::build(&orders(), 4).unwrap();
        assert!(world.ready_at() < Time::from_ms(20_000), "{}", world.ready_at());
        let mut timeline = Timeline::new(world, ());
        timeline.act(Command::Fault(Fault::Kill { host: "kafka-1".into() })).unwrap();
        timeline.run_until(timeline.now() + Duration::secs(20));
        let image = &timeline.world().controller().unwrap().state().image;
        let orders = image.topic("orders").unwrap();
        assert!(orders.partitions.iter().all(|p| p.leader().is_some_and(|leader| leader != 1) && !p.isr.contains(&1)));
        timeline.act(Command::Fault(Fault::Start { host: "kafka-1".into() })).unwrap();
        timeline.run_until(timeline.now() + Duration::secs(20));
        let image = &timeline.world().controller().unwrap().state().image;
        assert!(image.topic("orders").unwrap().partitions.iter().all(|p| p.isr.len() == 3));
    }

    #[test]
    fn groups_of_either_protocol_are_there_when_it_begins() {
        let group = |name: &str, protocol: &str| GroupSpec {
            name: name.into(),
            topics: vec!["orders".into()],
            members: 2,
            config: Config::from([("group.protocol".into(), protocol.into())]),
        };
        let spec = ClusterSpec { groups: vec![group("billing", "classic"), group("search", "consumer")], ..orders() };
        let world = World::build(&spec, 4).unwrap();
        assert!(world.ready_at() < Time::from_ms(20_000), "{}", world.ready_at());
    }

    #[test]
    fn what_cannot_be_is_said() {
        let mut spec = orders();
        spec.topics[0].replication_factor = 4;
        assert!(matches!(World::build(&spec, 1), Err(BuildError::Impossible(problems)) if problems.len() == 1));
        let mut spec = orders();
        spec.topics[0].config.insert("retention.ms".into(), "soon".into());
        let Err(BuildError::Refused(why)) = World::build(&spec, 1) else { panic!("a refusal") };
        assert!(why.starts_with("orders: "), "{why}");
    }
}
