//! A cluster that starts again from stored disks: where its history cannot be played again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::build::{BuildError, Machine};
use super::command::Command;
use super::folder::TERMINAL_HOST;
use super::journal::Journal;
use super::spec::ClusterSpec;
use super::stored::Cut;
use super::world::World;
use crate::sim::disk::File;
use crate::sim::time::Time;

/// The files of every host, as they were stored.
pub type Disks = BTreeMap<Arc<str>, Vec<(Arc<str>, File)>>;

impl World {
    /// Starts the described cluster at an instant on these disks: every log is recovered as after a crash. Clients start anew, those that were
    /// added by a command too; terminals are gone, but for the files of their folder.
    ///
    /// # Errors
    /// If the cluster does not get ready.
    pub fn reopen(spec: &ClusterSpec, seed: u64, cut: Cut, disks: Disks, journal: &Journal<Command>) -> Result<World, BuildError> {
        let mut world = World::bare(&Machine::default(), spec, seed);
        world.sim.run_until(Time(cut.at_us));
        world.start_nodes();
        world.sim.add_host(TERMINAL_HOST);
        for (host, files) in disks {
            // The terminals' folder is there again; other clients have nothing that they would need.
            let Some(disk) = world.sim.disk_mut(&host) else { continue };
            files.into_iter().for_each(|(path, file)| disk.restore(&path, file));
        }
        world.wait_for(World::missing_broker)?;
        let added = |command: &Command| match command {
            Command::AddGroup(group) => (Some(group.clone()), None),
            Command::AddProducer(producer) => (None, Some(producer.clone())),
            _ => (None, None),
        };
        let (groups, producers): (Vec<_>, Vec<_>) = journal.entries().iter().map(|entry| added(&entry.command)).unzip();
        for group in spec.groups.iter().cloned().chain(groups.into_iter().flatten()) {
            world.add_group(&group).map_err(|error| BuildError::Refused(error.to_string()))?;
        }
        for producer in spec.producers.iter().cloned().chain(producers.into_iter().flatten()) {
            world.add_producer(&producer).map_err(|error| BuildError::Refused(error.to_string()))?;
        }
        world.ready_at = Time(cut.ready_us);
        Ok(world)
    }
}
