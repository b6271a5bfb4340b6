//! Keeps a run stored: says what to store next, and when to fold what was stored.

use std::collections::BTreeMap;

use super::command::Command;
use super::journal::{Entry, Journal};
use super::mirror::Mirror;
use super::stored::{Base, Cut, Fold, Pack, Put, StoredFile};
use crate::sim::chunk::ChunkId;
use crate::sim::disk::Disk;

/// So many puts are folded at the latest, if they are worth it.
const FOLD_PUTS: u64 = 64;
/// So many bytes of chunks are folded at the latest, to bound what is held for the pack.
const FOLD_BYTES: u64 = 8 << 20;
/// A base is not written anew before so many of its extents have come since: what folding costs stays a part of what was stored anyway.
const GROWTH: u64 = 4;

/// Who stores a run.
#[derive(Clone, Debug, Default)]
pub struct Keeper {
    mirror: Mirror,
    last: Option<Cut>,
    journal: Vec<Entry<Command>>,
    earned: Vec<u8>,
    /// The number of the last put.
    puts: u64,
    folded: u64,
    /// Chunks of puts that are not folded yet.
    pending: Pack,
    pending_bytes: u64,
    pending_extents: u64,
    extents: u64,
    /// Where folded chunks are, and how many of each pack are in use.
    packs: BTreeMap<u64, u64>,
    pack_of: BTreeMap<ChunkId, u64>,
}

impl Keeper {
    /// The instant that was stored last.
    pub fn last(&self) -> Option<Cut> {
        self.last
    }

    /// The number of the last put.
    pub fn put_number(&self) -> u64 {
        self.puts
    }

    /// What has to be stored so that this instant is. `None`: it is already.
    pub fn put<'a>(
        &mut self,
        cut: Cut,
        disks: impl IntoIterator<Item = (&'a str, &'a Disk)>,
        journal: &Journal<Command>,
        earned: &[u8],
    ) -> Option<Put> {
        let keep = self.journal.iter().zip(journal.entries()).take_while(|(a, b)| (a.step, a.branch) == (b.step, b.branch)).count();
        let entries = journal.entries()[keep..].to_vec();
        if self.last == Some(cut) && entries.is_empty() && keep == self.journal.len() && earned == self.earned {
            return None;
        }
        let forked = keep < self.journal.len() || self.last.is_some_and(|last| cut.at_us < last.at_us || cut.steps < last.steps);
        let branch = |entries: &[Entry<Command>]| entries.last().map_or(0, |entry| entry.branch);
        let forked = forked || branch(&self.journal) != branch(journal.entries());
        let change = self.mirror.advance(disks, forked);
        for id in &change.unused {
            if let Some(live) = self.pack_of.remove(id).and_then(|pack| self.packs.get_mut(&pack)) {
                *live -= 1;
            }
        }
        self.pending.extend(change.chunks.iter().cloned());
        self.pending_bytes += change.bytes();
        self.pending_extents += change.files.iter().map(|(_, file)| file.extents.len() as u64).sum::<u64>();
        self.journal.truncate(keep);
        self.journal.extend(entries.iter().cloned());
        self.puts += 1;
        self.last = Some(cut);
        let has_earned = earned != self.earned;
        self.earned = earned.to_vec();
        Some(Put { cut, change, journal_keep: keep as u64, journal: entries, earned: has_earned.then(|| earned.to_vec()) })
    }

    /// What should take the place of the puts so far, if it is time: all of them must be stored.
    pub fn fold(&mut self) -> Option<Fold> {
        let puts = self.puts - self.folded;
        let is_worth_it = puts >= FOLD_PUTS && self.pending_extents * GROWTH >= self.extents;
        (is_worth_it || self.pending_bytes >= FOLD_BYTES).then(|| self.fold_now())
    }

    /// What can take the place of the puts so far. There must be one since the last fold.
    pub fn fold_now(&mut self) -> Fold {
        let in_use: std::collections::BTreeSet<ChunkId> = self.mirror.chunks().collect();
        let mut pack = std::mem::take(&mut self.pending);
        // A chunk may have been let go and taken up again, and then it is pending twice.
        pack.sort_by_key(|(id, _)| *id);
        pack.dedup_by_key(|(id, _)| *id);
        pack.retain(|(id, _)| in_use.contains(id) && !self.pack_of.contains_key(id));
        let up_to = self.puts;
        debug_assert!(up_to > self.folded, "a pack has the number of its last put");
        self.pack_of.extend(pack.iter().map(|(id, _)| (*id, up_to)));
        if !pack.is_empty() {
            self.packs.insert(up_to, pack.len() as u64);
        }
        let dead_packs: Vec<u64> = self.packs.iter().filter(|(_, live)| **live == 0).map(|(pack, _)| *pack).collect();
        self.packs.retain(|_, live| *live > 0);
        let base = self.base();
        self.extents = base.files.iter().map(|(_, file)| file.extents.len() as u64).sum();
        (self.pending_bytes, self.pending_extents, self.folded) = (0, 0, up_to);
        Fold { up_to, base, pack, dead_packs }
    }

    fn base(&self) -> Base {
        let files = self.mirror.files().map(|(name, file)| {
            let extents = file.extents().map(|extent| (extent.head.as_slice().to_vec(), extent.body.id())).collect();
            (name.clone(), StoredFile { extents, flushed: file.flushed() })
        });
        Base { cut: self.last.unwrap_or_default(), files: files.collect(), journal: self.journal.clone(), earned: self.earned.clone() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use bytes::Bytes;

    use super::*;
    use crate::playground::stored::Stored;
    use crate::sim::chunk::Chunk;
    use crate::sim::disk::Head;
    use crate::sim::process::EventId;
    use crate::sim::rng::Rng;
    use crate::sim::time::Time;

    /// What IndexedDB does: each put or fold whole or not at all.
    #[derive(Default)]
    struct Store {
        base: Option<Base>,
        packs: BTreeMap<u64, Pack>,
        puts: BTreeMap<u64, Put>,
    }

    impl Store {
        fn fold(&mut self, fold: Fold) {
            self.base = Some(fold.base);
            self.puts.retain(|&number, _| number > fold.up_to);
            self.packs.retain(|number, _| !fold.dead_packs.contains(number));
            self.packs.insert(fold.up_to, fold.pack);
        }

        fn open(&self) -> Stored {
            Stored::open(self.base.clone(), self.packs.values().cloned(), self.puts.values().cloned()).unwrap().unwrap()
        }
    }

    /// Two hosts that write, share chunks, tear, rename and delete, and a journal.
    #[derive(Clone)]
    struct Hosts {
        now: Time,
        disks: [Disk; 2],
        journal: Journal<Command>,
        chunks: u64,
        branch: u16,
    }

    const HOSTS: [&str; 2] = ["kafka-1", "kafka-2"];

    impl Hosts {
        fn act(&mut self, rng: &mut Rng) {
            self.now.0 += 1 + rng.below(1_000);
            let (path, host) = (format!("orders-{}/log", rng.below(3)), rng.below(2) as usize);
            match rng.below(12) {
                0 => drop(self.disks[host].truncate(&path, rng.below(60))),
                1 => drop(self.disks[host].delete(&path)),
                2 => drop(self.disks[host].rename(&path, &format!("{path}.deleted"))),
                3 => drop(self.disks[host].flush(&path)),
                4 => {
                    let command = Command::Interrupt { session: rng.below(9) as u32 };
                    let step = self.journal.entries().last().map_or(0, |entry| entry.step) + 1;
                    self.journal.push(Entry { at: self.now, step, event: EventId(0), branch: self.branch, command });
                }
                5 => {
                    let chunk = self.chunk(rng);
                    self.disks[host].replace(self.now, "checkpoint", chunk).unwrap();
                }
                _ => {
                    let chunk = self.chunk(rng);
                    let head = if rng.below(2) == 0 { Head::EMPTY } else { Head::new([rng.below(256) as u8; 16]) };
                    self.disks[0].append(self.now, &path, head, chunk.clone()).unwrap();
                    self.disks[1].append(self.now, &path, head, chunk).unwrap();
                }
            }
        }

        fn chunk(&mut self, rng: &mut Rng) -> Chunk {
            self.chunks += 1;
            let id = ChunkId(u64::from(self.branch) << 52 | self.chunks);
            Chunk::new(id, Bytes::from(vec![rng.below(256) as u8; 1 + rng.below(30) as usize]))
        }

        fn cut(&self) -> Cut {
            Cut { at_us: self.now.0, steps: self.now.0, digest: u128::from(self.now.0), can_be_replayed: true, ..Cut::default() }
        }

        fn contents(&self) -> BTreeMap<(String, String), (Bytes, u64)> {
            let files = HOSTS.iter().zip(&self.disks).flat_map(|(host, disk)| disk.files().map(move |(path, file)| (host, path, file)));
            files.map(|(host, path, file)| ((host.to_string(), path.to_string()), (file.read(), file.flushed()))).collect()
        }
    }

    fn contents(stored: &Stored) -> BTreeMap<(String, String), (Bytes, u64)> {
        let disks = stored.disks().unwrap();
        let files = disks.iter().flat_map(|(host, files)| files.iter().map(move |(path, file)| (host, path, file)));
        files.map(|(host, path, file)| ((host.to_string(), path.to_string()), (file.read(), file.flushed()))).collect()
    }

    #[test]
    fn whatever_is_stored_is_an_instant_that_was() {
        for seed in 0..60 {
            let mut rng = Rng::derive(seed, "keeper");
            let disks = [Disk::new(1 << 30), Disk::new(1 << 30)];
            let mut hosts = Hosts { now: Time(1), disks, journal: Journal::default(), chunks: 0, branch: 0 };
            let (mut keeper, mut store, mut past) = (Keeper::default(), Store::default(), Vec::new());
            for _ in 0..400 {
                match rng.below(40) {
                    0 => past.push(hosts.clone()),
                    // Back in time, and another way from there.
                    1 if !past.is_empty() => {
                        let branch = hosts.branch + 1;
                        hosts = past[rng.below(past.len() as u64) as usize].clone();
                        hosts.branch = branch;
                        let step = hosts.journal.entries().last().map_or(0, |entry| entry.step) + 1;
                        let command = Command::RestartAll;
                        hosts.journal.push(Entry { at: hosts.now, step, event: EventId(0), branch, command });
                    }
                    2..6 => {
                        let earned = [rng.below(3) as u8];
                        let disks = HOSTS.into_iter().zip(&hosts.disks);
                        if let Some(put) = keeper.put(hosts.cut(), disks, &hosts.journal, &earned) {
                            store.puts.insert(keeper.put_number(), put);
                            if rng.below(5) == 0 {
                                store.fold(keeper.fold_now());
                            }
                        }
                        let stored = store.open();
                        assert_eq!(stored.cut, hosts.cut(), "seed {seed}");
                        assert_eq!(contents(&stored), hosts.contents(), "seed {seed}");
                        assert_eq!((stored.journal(), &stored.earned[..]), (hosts.journal.clone(), &earned[..]), "seed {seed}");
                    }
                    _ => hosts.act(&mut rng),
                }
            }
        }
    }

    #[test]
    fn what_replicas_share_is_stored_once_and_growth_costs_only_what_is_new() {
        let mut disks = [Disk::new(1 << 30), Disk::new(1 << 30)];
        let mut keeper = Keeper::default();
        let mut put = |disks: &[Disk; 2], at_us: u64| {
            let cut = Cut { at_us, steps: at_us, ..Cut::default() };
            keeper.put(cut, HOSTS.into_iter().zip(disks), &Journal::default(), &[])
        };
        for n in 1..=1_000 {
            let chunk = Chunk::new(ChunkId(n), Bytes::from_static(&[7; 100]));
            disks.iter_mut().for_each(|disk| disk.append(Time(n), "log", Head::EMPTY, chunk.clone()).unwrap());
        }
        assert_eq!(put(&disks, 1_000).unwrap().change.bytes(), 100_000);
        assert_eq!(put(&disks, 1_000), None);
        let chunk = Chunk::new(ChunkId(2_000), Bytes::from_static(&[8; 10]));
        disks.iter_mut().for_each(|disk| disk.append(Time(2_000), "log", Head::EMPTY, chunk.clone()).unwrap());
        let change = put(&disks, 2_000).unwrap().change;
        assert_eq!((change.bytes(), change.files.len()), (10, 2));
        assert!(change.files.iter().all(|(_, file)| file.keep == 1_000 && file.extents.len() == 1));
    }
}
