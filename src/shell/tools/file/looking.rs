//! `ls`, `du`, `find`: what there is.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::FileTool;
use crate::shell::expand::glob;
use crate::shell::files::{Entry, FOLDER_MARK};
use crate::sim::time::Time;

impl FileTool {
    pub(super) fn ls(&mut self) {
        let mut operands = if self.operands.is_empty() { vec![".".to_owned()] } else { self.operands.clone() };
        operands.sort();
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for typed in operands {
            let path = self.absolute(&typed);
            if let Some(entry) = self.files.entry(&path) {
                files.push((typed, Some(entry.clone())));
            } else if !self.is_folder(&path) {
                self.wrong.push(format!("ls: cannot access '{typed}': No such file or directory"));
            } else if self.has('d') {
                files.push((typed, None));
            } else {
                folders.push((typed, path));
            }
        }
        let several = folders.len() + files.len() > 1;
        self.listed(files, false);
        for (typed, path) in folders {
            if several {
                if !self.said.is_empty() {
                    self.said.push(String::new());
                }
                self.said.push(format!("{typed}:"));
            }
            let names = self.names_in(&path);
            self.listed(names, true);
        }
    }

    /// What stands in a folder: files, and folders as `None`.
    pub(super) fn names_in(&self, path: &str) -> Vec<(String, Option<Entry>)> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let (mut names, mut seen) = (Vec::new(), BTreeSet::new());
        for entry in self.files.entries.iter() {
            let Some(rest) = entry.path.strip_prefix(&folder) else { continue };
            let (name, deeper) = rest.split_once('/').map_or((rest, false), |(name, _)| (name, true));
            let hidden = name.starts_with('.') && !(self.has('a') || self.has('A'));
            if !hidden && name != FOLDER_MARK && seen.insert(name.to_owned()) {
                names.push((name.to_owned(), (!deeper).then(|| entry.clone())));
            }
        }
        names
    }

    pub(super) fn listed(&mut self, mut names: Vec<(String, Option<Entry>)>, total: bool) {
        let bytes = |entry: &Option<Entry>| entry.as_ref().map_or(4_096, |entry| entry.bytes);
        let written = |entry: &Option<Entry>| entry.as_ref().map_or(Time::ZERO, |entry| entry.written);
        names.sort_by(|a, b| a.0.cmp(&b.0));
        if self.has('S') {
            names.sort_by_key(|(_, entry)| Reverse(bytes(entry)));
        }
        if self.has('t') {
            names.sort_by_key(|(_, entry)| Reverse(written(entry)));
        }
        if self.has('r') {
            names.reverse();
        }
        if !self.has('l') {
            self.said.extend(names.into_iter().map(|(name, _)| name));
            return;
        }
        let human = self.has('h');
        let size = |entry: &Option<Entry>| if human { short(bytes(entry)) } else { bytes(entry).to_string() };
        let width = names.iter().map(|(_, entry)| size(entry).len()).max().unwrap_or(0);
        if total {
            let blocks: u64 = names.iter().map(|(_, entry)| bytes(entry).div_ceil(4_096) * 4).sum();
            self.said.push(format!("total {}", if human { short(blocks * 1_024) } else { blocks.to_string() }));
        }
        for (name, entry) in &names {
            let mode = if entry.is_some() { "-rw-r--r-- 1" } else { "drwxr-xr-x 2" };
            let date = crate::shell::tools::text::date_of(written(entry).wall_ms());
            self.said.push(format!("{mode} kafka kafka {:>width$} {date} {name}", size(entry)));
        }
    }

    pub(super) fn du(&mut self) {
        let operands = if self.operands.is_empty() { vec![".".to_owned()] } else { self.operands.clone() };
        for typed in operands {
            let path = self.absolute(&typed);
            let files = self.below(&path);
            if files.is_empty() && !self.is_folder(&path) {
                self.wrong.push(format!("du: cannot access '{typed}': No such file or directory"));
                continue;
            }
            let mut folders = BTreeSet::from([path.clone()]);
            for file in files.iter().filter(|_| !self.has('s')) {
                let mut at = file.path.as_str();
                while let Some((folder, _)) = at.rsplit_once('/').filter(|(folder, _)| folder.len() > path.len()) {
                    folders.insert(folder.to_owned());
                    at = folder;
                }
            }
            // A folder comes behind what is in it.
            for folder in folders.into_iter().rev() {
                let within = format!("{folder}/");
                let inside = files.iter().filter(|file| file.path == folder || file.path.starts_with(&within));
                let bytes: u64 = inside.map(|file| if self.has('b') { file.bytes } else { file.bytes.div_ceil(4_096) * 4_096 }).sum();
                let size = match (self.has('h'), self.has('b')) {
                    (true, _) => short(bytes),
                    (_, true) => bytes.to_string(),
                    _ => (bytes / 1_024).to_string(),
                };
                self.said.push(format!("{size}\t{}{}", typed.trim_end_matches('/'), &folder[path.len()..]));
            }
        }
    }

    pub(super) fn find(&mut self) {
        let operands = if self.operands.is_empty() { vec![".".to_owned()] } else { self.operands.clone() };
        for typed in operands {
            let path = self.absolute(&typed);
            let files = self.below(&path);
            if files.is_empty() && !self.is_folder(&path) {
                self.fail(format!("'{typed}': No such file or directory"));
                continue;
            }
            let mut found = BTreeSet::from([(path.clone(), !self.is_folder(&path))]);
            for file in files {
                let mut at = file.path.as_str();
                if !at.ends_with(FOLDER_MARK) {
                    found.insert((at.to_owned(), true));
                }
                while let Some((folder, _)) = at.rsplit_once('/').filter(|(folder, _)| folder.len() > path.len()) {
                    found.insert((folder.to_owned(), false));
                    at = folder;
                }
            }
            for (at, is_file) in found {
                let name = at.rsplit('/').next().unwrap_or_default();
                let fits = self.name_pattern.as_ref().is_none_or(|pattern| glob::matches(pattern, name));
                let kind = self.kind.is_none_or(|kind| (kind == 'f') == is_file);
                if fits && kind {
                    self.said.push(format!("{}{}", typed.trim_end_matches('/'), &at[path.len()..]));
                }
            }
        }
    }
}

/// `1.5K`, `20M`: as `-h` shows it.
pub(super) fn short(bytes: u64) -> String {
    let (mut size, mut unit) = (bytes as f64, "");
    for next in ["K", "M", "G", "T"] {
        if size < 1_024.0 {
            break;
        }
        size /= 1_024.0;
        unit = next;
    }
    if unit.is_empty() {
        bytes.to_string()
    } else if size < 10.0 {
        format!("{:.1}{unit}", libm::ceil(size * 10.0) / 10.0)
    } else {
        format!("{}{unit}", libm::ceil(size))
    }
}
