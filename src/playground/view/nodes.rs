//! Brokers and controllers.

use crate::kafka::broker::lifecycle;
use crate::kafka::metadata::image::Image;
use crate::kafka::names::{METADATA_TOPIC, host_of};
use crate::playground::model::{Cluster, Spec};
use crate::playground::snapshot::{NodeState, NodeView, TopicView};
use crate::playground::world::World;
use crate::sim::engine::{Slot, State};

pub fn nodes(world: &World, image: Option<&Image>, topics: &[TopicView]) -> Vec<NodeView> {
    let mut nodes = Vec::new();
    for (id, slot, broker) in world.brokers() {
        let phase = broker.map(|broker| broker.lifecycle().state);
        let partitions = || topics.iter().filter(|topic| topic.name != METADATA_TOPIC).flat_map(|topic| &topic.partitions);
        let registration = image.and_then(|image| image.brokers.get(&id.0));
        let session = world.controller().and_then(|controller| controller.state().session_end_of(id.0));
        nodes.push(NodeView {
            is_broker: true,
            is_controller: matches!(&slot.spec, Spec::Broker(spec) if spec.is_controller()),
            state: state(slot, phase),
            fenced: registration.is_none_or(|registration| registration.fenced),
            session_ends_us: session.map(|at| at.0),
            leaders: partitions().filter(|partition| partition.leader == Some(id.0)).count() as u32,
            replicas: partitions().filter(|partition| partition.replicas.contains(&id.0)).count() as u32,
            ..node(world, id.0, slot)
        });
    }
    for (id, slot, _) in world.controllers().filter(|(_, slot, _)| matches!(slot.spec, Spec::Controller(_))) {
        nodes.push(NodeView { is_controller: true, state: state(slot, None), ..node(world, id.0, slot) });
    }
    nodes
}

fn node(world: &World, id: i32, slot: &Slot<Cluster>) -> NodeView {
    let host = host_of(crate::kafka::names::BrokerId(id));
    NodeView {
        id,
        process: slot.id.0,
        is_broker: false,
        is_controller: false,
        state: NodeState::Running,
        fenced: false,
        session_ends_us: None,
        disk_bytes: world.sim().host(&host).map_or(0, |host| host.disk.used_bytes()),
        leaders: 0,
        replicas: 0,
        host,
    }
}

fn state(slot: &Slot<Cluster>, phase: Option<lifecycle::State>) -> NodeState {
    match (slot.state, phase) {
        (State::Booting(_), _) => NodeState::Starting,
        (State::Running, Some(lifecycle::State::Starting | lifecycle::State::Recovery)) => NodeState::Starting,
        (State::Running, Some(lifecycle::State::PendingControlledShutdown | lifecycle::State::Stopped)) => NodeState::Stopping,
        (State::Running, _) => NodeState::Running,
        (State::Paused, _) => NodeState::Paused,
        (State::Killed, _) => NodeState::Killed,
        (State::PoweredOff, _) => NodeState::PoweredOff,
        (State::Exited(_), _) => NodeState::Stopped,
    }
}
