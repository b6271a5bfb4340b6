//! Reading disks: a process's own, and another machine's as somebody logged in there does.

use std::fmt::Write;
use std::sync::Arc;

use super::{Sim, State};
use crate::sim::chunk::{Chunk, ChunkId};
use crate::sim::disk::{Extent, File, Head};
use crate::sim::fault::Shaping;
use crate::sim::net::HostId;
use crate::sim::process::{Model, ProcessId, ReadId, Wanted};
use crate::sim::queue::Due;
use crate::sim::time::Duration;

impl<M: Model> Sim<M> {
    /// Has the bytes come when the disk, and for another machine the network, has had its time.
    pub(super) fn read(&mut self, id: ProcessId, read: ReadId, host: Option<String>, wanted: Wanted) {
        let slot = &self.slots[id.0 as usize];
        let incarnation = slot.incarnation;
        let target = match &host {
            Some(host) => self.host_ids.get(host).copied(),
            None => Some(slot.host),
        };
        let disk = target.map(|target| &self.hosts[usize::from(target.0)].disk);
        let len = match &wanted {
            Wanted::File(path) => disk.and_then(|disk| disk.file(path)).map_or(0, |file| file.len()),
            Wanted::Listing | Wanted::Machines | Wanted::Disk { .. } => 0,
        };
        let settings = &self.settings;
        let mut cost = settings.read_latency + Duration::us(len.checked_div(settings.read_bytes_per_us).unwrap_or(0));
        if host.is_some() {
            cost = cost + settings.link.latency + settings.link.latency;
        }
        self.schedule(id, id, self.now + cost, None, Due::Read { incarnation, id: read, host, wanted });
    }

    /// What is wanted, if it is there and can be reached.
    pub(super) fn wanted(&self, id: ProcessId, host: Option<&str>, wanted: &Wanted) -> Option<Arc<File>> {
        let own = self.slots[id.0 as usize].host;
        let target = match host {
            Some(host) => self.host_ids.get(host).copied().filter(|target| self.reaches(own, *target))?,
            None => own,
        };
        let disk = &self.hosts[usize::from(target.0)].disk;
        match wanted {
            Wanted::File(path) => disk.contents(path),
            Wanted::Listing => {
                let mut text = String::new();
                for (path, file) in disk.files() {
                    let written = file.extents().next_back().map(Extent::written).unwrap_or_default();
                    // Writing to a string cannot fail.
                    let _ = writeln!(text, "{}\t{}\t{path}", file.size(), written.0);
                }
                Some(as_file(text))
            }
            Wanted::Machines => Some(as_file(self.machines())),
            Wanted::Disk { host, folder } => {
                let disk = &self.hosts[usize::from(self.host_ids.get(host)?.0)].disk;
                let is_there = disk.list(&format!("{folder}/")).next().is_some() || folder.is_empty();
                let broken: String = disk.broken().map(|folder| format!("{folder}\n")).collect();
                Some(as_file(format!("{}\n{broken}", if is_there { "there" } else { "nothing" })))
            }
        }
    }

    /// See [`Wanted::Machines`].
    fn machines(&self) -> String {
        let mut text = String::new();
        for (id, host) in self.hosts.iter().enumerate() {
            let slot = self.slots.iter().find(|slot| usize::from(slot.host.0) == id);
            let state = match slot.map(|slot| slot.state) {
                None => "empty".to_owned(),
                Some(State::Booting(_)) => "booting".to_owned(),
                Some(State::Running) => "running".to_owned(),
                Some(State::Paused) => "paused".to_owned(),
                Some(State::Killed) => "killed".to_owned(),
                Some(State::PoweredOff) => "off".to_owned(),
                Some(State::Exited(status)) => format!("exited {status}"),
            };
            let since = slot.map_or(0, |slot| slot.since.0);
            let Shaping { delay_us, jitter_us, lost_ppm } = host.shaping.map(|(shaping, _)| shaping).unwrap_or_default();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "host\t{}\t{state}\t{since}\t{delay_us}\t{jitter_us}\t{lost_ppm}", host.name);
        }
        for ((from, to), link) in self.links.iter().filter(|(_, link)| link.cut.is_some()) {
            let whose = if link.cut_at_sender { "sender" } else { "receiver" };
            let _ = writeln!(text, "cut\t{}\t{}\t{whose}", self.host_name(*from), self.host_name(*to));
        }
        text
    }

    /// Whether packets go to another machine and back.
    fn reaches(&self, own: HostId, other: HostId) -> bool {
        let is_cut = |from, to| self.links.get(&(from, to)).is_some_and(|link| link.cut.is_some());
        self.hosts[usize::from(other.0)].powered && !is_cut(own, other) && !is_cut(other, own)
    }
}

/// It is no file of any disk, so its chunk needs no number of its own.
fn as_file(text: String) -> Arc<File> {
    let chunk = Chunk::new(ChunkId(u64::MAX), text.into());
    Arc::new(File::restore([(Head::EMPTY, chunk)], 0))
}
