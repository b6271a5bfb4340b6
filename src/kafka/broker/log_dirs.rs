//! A broker's log directories (`log.dirs`, KIP-112, KIP-858): where replicas lie, and what becomes of them when the disk below a directory fails.
//!
//! One of them, the first unless `metadata.log.dir` says otherwise, also holds the metadata log: without it, or without any, the broker halts. Of the others a broker can lose one and go on with
//! the rest: it tells the controller, which gives the leaderships of what lay there to others.

use std::sync::Arc;

use uuid::Uuid;

use super::process::Broker;
use crate::kafka::actor::{Config, Outbox};
use crate::kafka::event::Event;
use crate::kafka::log::partition_log::PartitionLog;
use crate::kafka::names::{BrokerId, TopicPartition, directory_id, host_of};
use crate::sim::time::Time;

pub(super) const CORDONED_LOG_DIRS: &str = "cordoned.log.dirs";
/// All of them, as the value of that.
const ALL: &str = "*";

/// One of them.
#[derive(Clone, Debug)]
pub struct LogDir {
    /// As it stands in `log.dirs`.
    pub path: String,
    /// What paths in it begin with on the host's disk: nothing, or a folder and a slash.
    pub prefix: Arc<str>,
    pub id: Uuid,
    /// It works.
    pub online: bool,
    /// It gets no new replicas (`cordoned.log.dirs`, KIP-1066), unless somebody says by hand that they go to this broker.
    pub cordoned: bool,
    /// Replicas lie there. A directory that only `metadata.log.dir` names keeps the metadata log and nothing else.
    of_replicas: bool,
}

impl LogDir {
    /// Its folder on the host's disk; nothing: the whole disk.
    pub fn folder(&self) -> &str {
        self.prefix.trim_end_matches('/')
    }
}

/// All of them, and which holds the metadata log.
#[derive(Clone, Debug)]
pub struct LogDirs {
    all: Vec<LogDir>,
    metadata: usize,
}

impl LogDirs {
    /// From server.properties. A host's disk is seen at `/var/lib/HOST`: what is configured below that is a folder of it, and what is elsewhere a
    /// folder of that name.
    pub fn parse(config: &Config, broker: BrokerId, cluster_id: &str) -> LogDirs {
        let whole = format!("/var/lib/{}", host_of(broker));
        let listed = config.get("log.dirs").or_else(|| config.get("log.dir")).map_or("", String::as_str);
        let mut paths: Vec<&str> = listed.split(',').map(str::trim).filter(|path| !path.is_empty()).collect();
        if paths.is_empty() {
            paths.push(&whole);
        }
        let metadata_path = config.get("metadata.log.dir").map(|path| path.trim()).filter(|path| !path.is_empty()).unwrap_or(paths[0]);
        let of_replicas = paths.len();
        let metadata = paths.iter().position(|path| *path == metadata_path).unwrap_or_else(|| {
            paths.push(metadata_path);
            of_replicas
        });
        let prefix = |path: &str| match path.strip_prefix(&whole).unwrap_or(path).trim_matches('/') {
            // A directory alone is the whole disk, whatever it is called.
            _ if paths.len() == 1 => String::new(),
            "" => String::new(),
            folder => format!("{folder}/"),
        };
        let dir = |(n, path): (usize, &&str)| LogDir {
            path: (*path).to_owned(),
            prefix: prefix(path).into(),
            id: if n == metadata { directory_id(broker, cluster_id) } else { directory_id(broker, &format!("{cluster_id} {path}")) },
            online: true,
            cordoned: false,
            of_replicas: n < of_replicas,
        };
        let mut dirs = LogDirs { all: paths.iter().enumerate().map(dir).collect(), metadata };
        dirs.cordon(config.get(CORDONED_LOG_DIRS).map_or("", String::as_str));
        dirs
    }

    /// Cordons those that a value of cordoned.log.dirs names, and no others. Returns whether others are cordoned than before.
    pub fn cordon(&mut self, value: &str) -> bool {
        let named = cordoned(value);
        let is_named = |path: &str| named == [ALL] || named.contains(&path);
        let mut changed = false;
        for dir in &mut self.all {
            changed |= dir.cordoned != is_named(&dir.path);
            dir.cordoned = is_named(&dir.path);
        }
        changed
    }

    /// The ids of those that are cordoned.
    pub fn cordoned(&self) -> Vec<Uuid> {
        self.iter().filter(|dir| dir.cordoned).map(|dir| dir.id).collect()
    }

    /// `KafkaConfig.validateCordonedLogDirs`
    ///
    /// # Errors
    /// Kafka's words.
    pub fn may_cordon(&self, value: &str) -> Result<(), String> {
        let named = cordoned(value);
        if named.contains(&ALL) && named.len() > 1 {
            return Err("requirement failed: When cordoned.log.dirs is set to *, it must not contain other values".into());
        }
        let is_missing = |path: &&str| *path != ALL && !self.iter().any(|dir| dir.path == *path);
        let missing: Vec<&str> = named.into_iter().filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!(
            "requirement failed: All entries in cordoned.log.dirs must be present in log.dirs or log.dir. Missing entries : {}",
            missing.join(", ")
        ))
    }

    /// Those for replicas.
    pub fn iter(&self) -> impl Iterator<Item = &LogDir> {
        self.all.iter().filter(|dir| dir.of_replicas)
    }

    pub fn online(&self) -> impl Iterator<Item = &LogDir> {
        self.iter().filter(|dir| dir.online)
    }

    /// Those for replicas, and that of the metadata log, which may be one of them.
    pub fn all(&self) -> impl Iterator<Item = &LogDir> {
        self.all.iter()
    }

    /// The one that holds the metadata log.
    pub fn metadata(&self) -> &LogDir {
        &self.all[self.metadata]
    }

    /// The directory that a path is in: that with the longest prefix.
    pub fn of_path(&self, path: &str) -> &LogDir {
        let within = self.all.iter().filter(|dir| path.starts_with(&*dir.prefix));
        within.max_by_key(|dir| dir.prefix.len()).unwrap_or(&self.all[0])
    }

    /// What a path is called in its directory.
    pub fn within<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&*self.of_path(path).prefix).unwrap_or(path)
    }

    pub fn by_id(&self, id: Uuid) -> Option<&LogDir> {
        self.all.iter().find(|dir| dir.id == id)
    }

    fn set_offline(&mut self, id: Uuid) {
        for dir in self.all.iter_mut().filter(|dir| dir.id == id) {
            dir.online = false;
        }
    }

    /// Whether a path is in this one.
    pub fn is_in(&self, path: &str, dir: &LogDir) -> bool {
        !self.are_several() || self.of_path(path).id == dir.id
    }

    pub(super) fn are_several(&self) -> bool {
        self.all.len() > 1
    }
}

/// The paths in a value of cordoned.log.dirs.
fn cordoned(value: &str) -> Vec<&str> {
    value.split(',').map(str::trim).filter(|path| !path.is_empty()).collect()
}

impl Broker {
    /// Where a new replica's folder goes: into the directory that somebody wished, or that the metadata names, else into that with the fewest
    /// (`nextLogDirs`). `None`: the directory that is named does not work.
    pub(super) fn folder_for(&self, name: &TopicPartition, assigned: Uuid) -> Option<String> {
        let wanted = self.futures.preferred.get(name).copied().unwrap_or(assigned);
        let dir = match self.log_dirs.by_id(wanted) {
            Some(dir) => Some(dir).filter(|dir| dir.online),
            None => self.next_log_dirs().min_by_key(|dir| {
                let in_it = |log: &PartitionLog| self.log_dirs.of_path(log.dir()).id == dir.id;
                if self.log_dirs.are_several() {
                    self.replicas.partitions.values().filter(|partition| in_it(&partition.log)).count()
                } else {
                    0
                }
            }),
        };
        dir.map(|dir| format!("{}{name}", dir.prefix))
    }

    /// `nextLogDirs`: those that take new replicas; where none does, the first all the same.
    fn next_log_dirs(&self) -> impl Iterator<Item = &LogDir> {
        let first = self.log_dirs.online().find(|dir| !dir.cordoned).or(self.log_dirs.online().next());
        let first = first.map(|dir| dir.id);
        self.log_dirs.online().filter(move |dir| !dir.cordoned || Some(dir.id) == first)
    }

    /// cordoned.log.dirs may be another.
    pub(super) fn configure_cordoned(&mut self, now: Time, out: &mut Outbox) {
        let dynamic = self.dynamic_config();
        let value = dynamic.get(CORDONED_LOG_DIRS).or_else(|| self.spec.config.get(CORDONED_LOG_DIRS)).cloned().unwrap_or_default();
        if self.log_dirs.cordon(&value) {
            // propagateDirectoryCordoned
            self.tell_controller_now(now, out);
        }
    }

    /// The id of the directory that a replica here is in.
    pub(super) fn directory_of(&self, name: &TopicPartition) -> Option<Uuid> {
        self.replicas.get(name).map(|partition| self.log_dirs.of_path(partition.log.dir()).id)
    }

    /// Whether a directory has failed since it was last used: its checkpoints could not be written.
    pub(super) fn check_log_dirs(&mut self, now: Time, out: &mut Outbox) {
        let failed: Vec<Uuid> =
            self.log_dirs.all().filter(|dir| dir.online && out.disk().is_broken(dir.folder())).map(|dir| dir.id).collect();
        failed.into_iter().for_each(|id| self.log_dir_failed(now, id, out));
    }

    /// `ReplicaManager.handleLogDirFailure`: what lies in it is offline here, and the controller is told at once. Without the directory of the
    /// metadata log, or without any, the broker halts (`Exit.halt`): nothing is flushed, and no mark of a clean stop is left.
    pub(super) fn log_dir_failed(&mut self, now: Time, id: Uuid, out: &mut Outbox) {
        let Some(dir) = self.log_dirs.by_id(id).filter(|dir| dir.online) else { return };
        out.emit(Event::LogDirFailed { broker: self.spec.id, dir: dir.path.as_str().into() });
        self.log_dirs.set_offline(id);
        if !self.log_dirs.metadata().online || self.log_dirs.online().next().is_none() {
            return out.exit(1);
        }
        let lies_there = |log: &PartitionLog| self.log_dirs.of_path(log.dir()).id == id;
        let futures = self.futures.iter().filter(|(_, future)| lies_there(&future.log));
        let futures: Vec<TopicPartition> = futures.map(|(name, _)| name.clone()).collect();
        let lost = self.replicas.partitions.values().filter(|partition| lies_there(&partition.log));
        let names: Vec<TopicPartition> = lost.map(|partition| partition.name.clone()).collect();
        for name in futures {
            // Its folder stays where nobody can reach it now.
            self.stop_moving(now, &name);
            self.futures.logs.remove(&name);
        }
        for name in names {
            self.stop_moving(now, &name);
            self.take_offline(now, &name, out);
        }
        self.propagate_directory_failure(now, id, out);
    }

    /// `markPartitionOffline`
    fn take_offline(&mut self, now: Time, name: &TopicPartition, out: &mut Outbox) {
        if self.let_go(now, name, out).is_some() {
            self.replicas.offline.insert(name.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(dirs: &str) -> LogDirs {
        LogDirs::parse(&Config::from([("log.dirs".to_owned(), dirs.to_owned())]), BrokerId(1), "c")
    }

    #[test]
    fn where_paths_lie() {
        let one = of("/data");
        assert_eq!((&*one.metadata().prefix, one.within("orders-0/0.log")), ("", "orders-0/0.log"));
        let two = of("/var/lib/kafka-1, /var/lib/kafka-1/d2");
        let shown: Vec<(&str, &str)> = two.iter().map(|dir| (&*dir.path, &*dir.prefix)).collect();
        assert_eq!(shown, [("/var/lib/kafka-1", ""), ("/var/lib/kafka-1/d2", "d2/")]);
        assert_eq!((two.within("d2/orders-0/0.log"), two.within("orders-0/0.log")), ("orders-0/0.log", "orders-0/0.log"));
        assert_eq!(&*two.of_path("d2/orders-0").path, "/var/lib/kafka-1/d2");
        assert_ne!(two.iter().next().unwrap().id, two.iter().last().unwrap().id);
        let elsewhere: Vec<String> = of("/disk/a,/disk/b").iter().map(|dir| dir.prefix.to_string()).collect();
        assert_eq!(elsewhere, ["disk/a/", "disk/b/"]);
    }

    #[test]
    fn where_the_metadata_lie() {
        let of = |dirs: &str, metadata: &str| {
            let config = [("log.dirs", dirs), ("metadata.log.dir", metadata)].map(|(name, value)| (name.to_owned(), value.to_owned()));
            let dirs = LogDirs::parse(&Config::from(config), BrokerId(1), "c");
            let of_replicas: Vec<String> = dirs.iter().map(|dir| dir.prefix.to_string()).collect();
            (dirs.metadata().prefix.to_string(), dirs.metadata().id, of_replicas.join(" "))
        };
        let id = directory_id(BrokerId(1), "c");
        assert_eq!(of("/a,/b", ""), ("a/".into(), id, "a/ b/".into()));
        assert_eq!(of("/a,/b", "/b"), ("b/".into(), id, "a/ b/".into()));
        assert_eq!(of("/a", "/m"), ("m/".into(), id, "a/".into()), "its own disk");
        assert_eq!(of("/a", "/a"), (String::new(), id, String::new()));
    }
}
