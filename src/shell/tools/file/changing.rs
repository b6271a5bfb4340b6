//! `rm`, `mv`, `cp`, `mkdir`, `rmdir`, `touch`, `tee`: what changes files.

use super::{FileTool, MOST_BYTES};
use crate::shell::expand::state::HOME;
use crate::shell::files::FOLDER_MARK;
use crate::shell::tools::Context;
use crate::sim::disk::Head;

impl FileTool {
    pub(super) fn rm(&mut self, cx: &mut Context) {
        for typed in self.operands.clone() {
            let path = self.absolute(&typed);
            let files = self.below(&path);
            if files.is_empty() {
                if !self.has('f') {
                    self.fail(format!("cannot remove '{typed}': No such file or directory"));
                }
            } else if self.files.entry(&path).is_none() && !(self.has('r') || self.has('R')) {
                self.fail(format!("cannot remove '{typed}': Is a directory"));
            } else {
                for file in files {
                    // It was there when the tool looked.
                    let _ = cx.out.disk().delete(on_disk(&file.path));
                }
            }
        }
    }

    pub(super) fn mv_or_cp(&mut self, cx: &mut Context) {
        let mut operands = self.operands.clone();
        let Some(last) = operands.pop() else { return };
        let target = self.absolute(&last);
        let into = self.is_folder(&target);
        if operands.len() > 1 && !into {
            return self.fail(format!("target '{last}': No such file or directory"));
        }
        for typed in operands {
            let path = self.absolute(&typed);
            let files = self.below(&path);
            let is_file = self.files.entry(&path).is_some();
            let name = path.rsplit('/').next().unwrap_or_default();
            let to = if into { format!("{target}/{name}") } else { target.clone() };
            if files.is_empty() {
                self.fail(format!("cannot stat '{typed}': No such file or directory"));
                continue;
            }
            if !is_file && self.name == "cp" && !["r", "R", "a"].iter().any(|flag| self.letters.contains(flag)) {
                self.fail(format!("-r not specified; omitting directory '{typed}'"));
                continue;
            }
            if to == path {
                self.fail(format!("'{typed}' and '{last}' are the same file"));
                continue;
            }
            if to.starts_with(&format!("{path}/")) {
                self.fail(format!(
                    "cannot {} '{typed}' to a subdirectory of itself, '{last}'",
                    if self.name == "cp" { "copy" } else { "move" }
                ));
                continue;
            }
            for file in files {
                let to = format!("{to}{}", &file.path[path.len()..]);
                let (from, to) = (on_disk(&file.path), on_disk(&to));
                if self.name == "mv" {
                    // It was there when the tool looked.
                    let _ = cx.out.disk().rename(from, to);
                } else if let Some(bytes) = cx.out.disk().file(from).map(|file| file.read()) {
                    let chunk = cx.out.chunk(bytes);
                    let now = cx.now;
                    if cx.out.disk().used_bytes() > crate::shell::run::streams::DISK_BYTES || cx.out.disk().replace(now, to, chunk).is_err()
                    {
                        self.fail(format!("error writing '{last}': No space left on device"));
                    }
                }
            }
        }
    }

    pub(super) fn mkdir(&mut self, cx: &mut Context) {
        for typed in self.operands.clone() {
            let path = self.absolute(&typed);
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent).to_owned();
            if self.is_folder(&path) || self.files.entry(&path).is_some() {
                if !self.has('p') {
                    self.fail(format!("cannot create directory '{typed}': File exists"));
                }
            } else if !self.has('p') && !self.is_folder(&parent) && !parent.is_empty() {
                self.fail(format!("cannot create directory '{typed}': No such file or directory"));
            } else if self.files.entries.len() >= MOST_FILES {
                self.fail(format!("cannot create directory '{typed}': No space left on device"));
            } else {
                cx.out.disk().touch(on_disk(&format!("{path}/{FOLDER_MARK}")));
            }
        }
    }

    pub(super) fn rmdir(&mut self, cx: &mut Context) {
        for typed in self.operands.clone() {
            let path = self.absolute(&typed);
            let mark = format!("{path}/{FOLDER_MARK}");
            match &self.below(&path)[..] {
                [] => self.fail(format!("failed to remove '{typed}': No such file or directory")),
                [only] if only.path == mark => drop(cx.out.disk().delete(on_disk(&mark))),
                _ => self.fail(format!("failed to remove '{typed}': Directory not empty")),
            }
        }
    }

    pub(super) fn touch(&mut self, cx: &mut Context) {
        for typed in self.operands.clone() {
            if self.files.entries.len() >= MOST_FILES {
                self.fail(format!("cannot touch '{typed}': No space left on device"));
                continue;
            }
            let path = self.absolute(&typed);
            if !self.is_folder(&path) {
                cx.out.disk().touch(on_disk(&path));
            }
        }
    }

    /// Copies its input to files and to its output.
    pub(super) fn tee(&mut self, cx: &mut Context) -> Option<i32> {
        let paths: Vec<String> = self.operands.iter().map(|typed| self.absolute(typed)).collect();
        if !std::mem::replace(&mut self.begun, true) {
            for (typed, path) in self.operands.clone().iter().zip(&paths) {
                if self.files.read_only || self.is_folder(path) {
                    let why = if self.files.read_only { "Read-only file system" } else { "Is a directory" };
                    self.wrong.push(format!("tee: {typed}: {why}"));
                    continue;
                }
                if !self.has('a') && self.files.entry(path).is_some() {
                    // It was there when the tool looked.
                    let _ = cx.out.disk().delete(on_disk(path));
                }
                cx.out.disk().touch(on_disk(path));
            }
            self.wrong.iter().for_each(|line| cx.print.error(line));
        }
        let mut text = String::new();
        while cx.print.room > 0 {
            let Some((line, ended)) = cx.stdin.take_piece() else { break };
            text += &line;
            text += if ended { "\n" } else { "" };
            if ended { cx.print.line(line) } else { cx.print.text(line) }
        }
        let is_writable = self.wrong.is_empty() && !text.is_empty();
        for path in paths.iter().filter(|_| is_writable) {
            let (now, length) = (cx.now, cx.out.disk().file(on_disk(path)).map_or(0, |file| file.len()));
            if length + text.len() as u64 > MOST_BYTES {
                cx.print.error(format!("tee: {path}: File too large"));
                return Some(1);
            }
            let chunk = cx.out.chunk(text.clone().into());
            if cx.out.disk().append(now, on_disk(path), Head::EMPTY, chunk).is_err() {
                cx.print.error(format!("tee: {path}: No space left on device"));
                return Some(1);
            }
        }
        if cx.print.broken && !cx.print.pieces.is_empty() {
            return Some(crate::shell::tools::BROKEN_PIPE);
        }
        cx.stdin.at_end().then_some(i32::from(!self.wrong.is_empty()))
    }
}

/// At most this many files on a terminal's disk.
pub(super) const MOST_FILES: usize = 4_096;

/// An absolute path of the terminal's as its disk has it.
pub(super) fn on_disk(absolute: &str) -> &str {
    absolute.strip_prefix(HOME).and_then(|path| path.strip_prefix('/')).unwrap_or(absolute)
}
