//! A host's small file system: named files made of immutable extents, with what is flushed told from what is not.
//!
//! Writes reach the page cache at once. They are on stable storage after an explicit flush, or when the kernel has
//! written them back ([`WRITEBACK`] after the write). A killed process loses nothing of them; a power cut loses what is not stable.
//! A running process never reads a file inside its step: it asks, and the bytes come as an input (see `Outbox::read`).

mod file;

use std::sync::Arc;

use imbl::OrdMap;

use super::chunk::Chunk;
use super::time::Time;
pub use file::{Extent, File, Head, WRITEBACK};

/// Why a write did not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DiskError {
    #[error("no space left on device")]
    Full,
    #[error("no such file")]
    NotFound,
    #[error("input/output error")]
    Broken,
}

/// A host's file system. Paths are relative and use `/`.
#[derive(Clone, Debug)]
pub struct Disk {
    /// A copy of the disk shares them: however many there are, it costs nothing.
    files: OrdMap<Arc<str>, Arc<File>>,
    used: u64,
    capacity: u64,
    /// Somebody else has taken what was left.
    full: bool,
    /// Folders on devices that do not work. Mostly there are none.
    broken: Vec<Arc<str>>,
    /// Changes so far.
    writes: u64,
}

impl Disk {
    /// An empty disk with room for `capacity` bytes.
    pub fn new(capacity: u64) -> Disk {
        Disk { files: OrdMap::new(), used: 0, capacity, full: false, broken: Vec::new(), writes: 0 }
    }

    pub fn used_bytes(&self) -> u64 {
        self.used
    }

    pub fn capacity_bytes(&self) -> u64 {
        self.capacity
    }

    /// Whether something else leaves no room.
    pub fn set_full(&mut self, full: bool) {
        self.full = full;
    }

    /// What is below a folder (of all, if it is empty) can be neither read nor written from now on, or can be again.
    pub fn set_broken(&mut self, folder: &str, broken: bool) {
        self.broken.retain(|known| **known != *folder);
        if broken {
            self.broken.push(folder.into());
        }
    }

    /// The folders below which it is.
    pub fn broken(&self) -> impl Iterator<Item = &Arc<str>> {
        self.broken.iter()
    }

    /// Whether this path, or this folder, cannot be used.
    pub fn is_broken(&self, path: &str) -> bool {
        self.broken
            .iter()
            .any(|folder| path.strip_prefix(&**folder).is_some_and(|rest| folder.is_empty() || rest.is_empty() || rest.starts_with('/')))
    }

    /// How often something was written, cut or flushed.
    pub fn writes(&self) -> u64 {
        self.writes
    }

    pub fn exists(&self, path: &str) -> bool {
        self.files.contains_key(path)
    }

    /// For observers (mirror, inspector, `ls`) and for completing reads; a process asks through its outbox.
    pub fn file(&self, path: &str) -> Option<&Arc<File>> {
        self.files.get(path)
    }

    /// What reading a path gives: a file's contents; for a path that ends in `/` the names in that folder, a line each.
    pub fn contents(&self, path: &str) -> Option<Arc<File>> {
        if self.is_broken(path.trim_end_matches('/')) {
            return None;
        }
        if !path.is_empty() && !path.ends_with('/') {
            return self.file(path).cloned();
        }
        let path = path.strip_prefix('/').unwrap_or(path);
        let mut names: Vec<&str> = self.list(path).filter_map(|(found, _)| found[path.len()..].split('/').next()).collect();
        names.dedup();
        let text: String = names.iter().map(|name| format!("{name}\n")).collect();
        // It is no file of the disk, so that its chunk's id is never looked at.
        let body = Chunk::new(super::chunk::ChunkId(0), text.into());
        (!names.is_empty()).then(|| Arc::new(File::restore([(Head::EMPTY, body)], 0)))
    }

    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// Every file, by path.
    pub fn files(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<File>)> {
        self.files.iter()
    }

    /// Files whose path starts with `prefix`, by path.
    pub fn list<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'a Arc<str>, &'a Arc<File>)> {
        self.files
            .range::<_, str>((std::ops::Bound::Included(prefix), std::ops::Bound::Unbounded))
            .take_while(move |(path, _)| path.starts_with(prefix))
    }

    /// Appends to a file, creating it where it is missing.
    pub fn append(&mut self, now: Time, path: &str, head: Head, body: Chunk) -> Result<(), DiskError> {
        let extent = Extent { head, body, written: now };
        let len = extent.len();
        self.check_works(path)?;
        if self.full || self.used + len > self.capacity {
            return Err(DiskError::Full);
        }
        self.writes += 1;
        self.used += len;
        self.entry(path).push(extent);
        Ok(())
    }

    /// Replaces a file by new contents in one step (write to a temporary file, flush, rename): stable at once.
    pub fn replace(&mut self, now: Time, path: &str, body: Chunk) -> Result<(), DiskError> {
        self.replace_by(now, path, vec![body])
    }

    /// As [`Disk::replace`], by several pieces, some of which may have been in the file before.
    pub fn replace_by(&mut self, now: Time, path: &str, bodies: Vec<Chunk>) -> Result<(), DiskError> {
        let old = self.files.get(path).map_or(0, |file| file.len);
        let len: u64 = bodies.iter().map(Chunk::len).sum();
        self.check_works(path)?;
        if self.full || self.used - old + len > self.capacity {
            return Err(DiskError::Full);
        }
        self.writes += 1;
        self.used = self.used - old + len;
        let mut file = File::default();
        bodies.into_iter().for_each(|body| file.push(Extent { head: Head::EMPTY, body, written: now }));
        file.flushed = len;
        self.files.insert(path.into(), Arc::new(file));
        Ok(())
    }

    /// Makes a file as long as this by a hole (`RandomAccessFile.setLength`), creating it where it is missing. A hole takes no room.
    pub fn preallocate(&mut self, path: &str, size: u64) {
        self.entry(path).allocated = size;
    }

    /// Takes the hole off a file's end.
    pub fn trim(&mut self, path: &str) {
        if self.files.get(path).is_some_and(|file| file.allocated > 0) {
            self.entry(path).allocated = 0;
        }
    }

    /// Creates an empty file where there is none.
    pub fn touch(&mut self, path: &str) {
        self.entry(path);
    }

    pub fn truncate(&mut self, path: &str, len: u64) -> Result<(), DiskError> {
        self.check_works(path)?;
        let file = Arc::make_mut(self.files.get_mut(path).ok_or(DiskError::NotFound)?);
        let before = file.len;
        file.truncate(len);
        self.used -= before - file.len;
        Ok(())
    }

    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), DiskError> {
        self.check_works(from)?;
        let file = self.files.remove(from).ok_or(DiskError::NotFound)?;
        if let Some(old) = self.files.insert(to.into(), file) {
            self.used -= old.len;
        }
        Ok(())
    }

    pub fn delete(&mut self, path: &str) -> Result<(), DiskError> {
        self.check_works(path)?;
        let file = self.files.remove(path).ok_or(DiskError::NotFound)?;
        self.used -= file.len;
        Ok(())
    }

    /// Makes what is in the file now stable.
    pub fn flush(&mut self, path: &str) -> Result<(), DiskError> {
        self.check_works(path)?;
        let file = Arc::make_mut(self.files.get_mut(path).ok_or(DiskError::NotFound)?);
        file.flushed = file.len;
        self.writes += 1;
        Ok(())
    }

    /// Flips a bit in the middle of what was last written to a file. Returns whether there was anything.
    pub fn flip_bit(&mut self, path: &str) -> bool {
        self.files.get_mut(path).is_some_and(|file| Arc::make_mut(file).flip_bit())
    }

    /// A power cut: what is not stable is gone.
    pub fn lose_power(&mut self, now: Time) {
        let lose = |(path, file): (&Arc<str>, &Arc<File>)| {
            let mut file = file.clone();
            Arc::make_mut(&mut file).lose_unstable(now);
            (path.clone(), file)
        };
        self.files = self.files.iter().map(lose).collect();
        self.used = self.files.values().map(|file| file.len).sum();
    }

    /// Puts back a file of a stored disk.
    pub fn restore(&mut self, path: &str, file: File) {
        self.used += file.len;
        if let Some(old) = self.files.insert(path.into(), Arc::new(file)) {
            self.used -= old.len;
        }
    }

    fn check_works(&self, path: &str) -> Result<(), DiskError> {
        if self.is_broken(path) { Err(DiskError::Broken) } else { Ok(()) }
    }

    fn entry(&mut self, path: &str) -> &mut File {
        if !self.files.contains_key(path) {
            self.files.insert(path.into(), Arc::default());
        }
        Arc::make_mut(self.files.get_mut(path).expect("was just inserted"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::chunk::ChunkId;
    use bytes::Bytes;

    use super::*;

    fn chunk(id: u64, text: &str) -> Chunk {
        Chunk::new(ChunkId(id), Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn a_power_cut_keeps_what_was_flushed_or_is_old_enough() {
        let mut disk = Disk::new(1_000);
        disk.append(Time(0), "log", Head::EMPTY, chunk(1, "old ")).unwrap();
        disk.append(Time(0) + WRITEBACK, "log", Head::EMPTY, chunk(2, "flushed ")).unwrap();
        disk.flush("log").unwrap();
        disk.append(Time(0) + WRITEBACK, "log", Head::EMPTY, chunk(3, "fresh")).unwrap();
        disk.append(Time(0), "other", Head::EMPTY, chunk(4, "old enough")).unwrap();
        disk.lose_power(Time(1) + WRITEBACK);
        assert_eq!(&disk.file("log").unwrap().read()[..], b"old flushed ");
        assert_eq!(&disk.file("other").unwrap().read()[..], b"old enough");
        assert_eq!(disk.used_bytes(), 22);
    }

    #[test]
    fn truncation_may_tear_an_extent() {
        let mut disk = Disk::new(1_000);
        disk.append(Time(0), "log", Head::new([b'h'; 16]), chunk(1, "body")).unwrap();
        disk.truncate("log", 18).unwrap();
        assert_eq!(&disk.file("log").unwrap().read()[..], b"hhhhhhhhhhhhhhhhbo");
        assert_ne!(disk.file("log").unwrap().extents().next().unwrap().body.id(), ChunkId(1));
    }

    #[test]
    fn a_hole_is_seen_and_takes_no_room() {
        let mut disk = Disk::new(10);
        disk.preallocate("index", 100);
        disk.append(Time(0), "index", Head::EMPTY, chunk(1, "12")).unwrap();
        let file = disk.file("index").unwrap();
        assert_eq!((file.len(), file.size(), file.read().len(), disk.used_bytes()), (2, 100, 100, 2));
        disk.trim("index");
        assert_eq!(&disk.file("index").unwrap().read()[..], b"12");
    }

    #[test]
    fn a_hole_of_any_size_is_read_in_bounds() {
        let mut disk = Disk::new(1_000);
        disk.preallocate("log", 1 << 40);
        let file = disk.file("log").unwrap();
        assert_eq!((file.size(), file.read().len() as u64), (1 << 40, file::HOLE_READ));
    }

    #[test]
    fn a_full_disk_refuses_and_changes_nothing() {
        let mut disk = Disk::new(5);
        assert_eq!(disk.append(Time(0), "a", Head::EMPTY, chunk(1, "123456")), Err(DiskError::Full));
        assert!(!disk.exists("a"));
        disk.append(Time(0), "a", Head::EMPTY, chunk(2, "12")).unwrap();
        disk.set_full(true);
        assert_eq!(disk.append(Time(0), "a", Head::EMPTY, chunk(3, "3")), Err(DiskError::Full));
        disk.set_full(false);
        disk.append(Time(0), "a", Head::EMPTY, chunk(3, "3")).unwrap();
        assert_eq!(&disk.file("a").unwrap().read()[..], b"123");
    }

    #[test]
    fn below_a_broken_folder_nothing_works_until_it_is_mended() {
        let mut disk = Disk::new(100);
        disk.append(Time(0), "d2/log", Head::EMPTY, chunk(1, "12")).unwrap();
        disk.set_broken("d2", true);
        assert_eq!(disk.append(Time(0), "d2/log", Head::EMPTY, chunk(2, "3")), Err(DiskError::Broken));
        assert_eq!(
            (disk.replace(Time(0), "d2/log", chunk(2, "3")), disk.flush("d2/log")),
            (Err(DiskError::Broken), Err(DiskError::Broken))
        );
        assert!(disk.contents("d2/log").is_none() && disk.contents("d2/").is_none());
        disk.append(Time(0), "d22/log", Head::EMPTY, chunk(3, "3")).unwrap();
        disk.set_broken("d2", false);
        assert_eq!(&disk.contents("d2/log").unwrap().read()[..], b"12");
        disk.set_broken("", true);
        assert!(disk.is_broken("d22/log") && disk.is_broken(""));
    }

    #[test]
    fn a_flipped_bit_is_new_content() {
        let mut disk = Disk::new(100);
        disk.append(Time(0), "log", Head::new([b'h'; 16]), chunk(1, "abc")).unwrap();
        let before = disk.clone();
        assert!(disk.flip_bit("log") && !disk.flip_bit("other"));
        assert_eq!(&disk.file("log").unwrap().read()[16..], b"acc");
        assert_ne!(disk.file("log").unwrap().extents().next().unwrap().body.id(), ChunkId(1));
        assert_eq!(&before.file("log").unwrap().read()[16..], b"abc");
    }
}
