//! Tools that look at the names of files and change them: `ls`, `rm`, `mv`, `cp`, `mkdir`, `rmdir`, `touch`, `tee`, `find`, `du`.
//!
//! A terminal's disk has files only; a folder is there as long as something stands below it, an empty one by a mark.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use super::Context;
use super::hosts::Done;
use super::program::Program;
use crate::shell::expand::glob;
use crate::shell::expand::state::{HOME, absolute};
use crate::shell::files::{Entry, FOLDER_MARK, Files};
use crate::sim::disk::Head;
use crate::sim::time::Time;

/// The names of these tools.
pub const NAMES: &[&str] = &["cp", "du", "find", "ls", "mkdir", "mv", "rm", "rmdir", "tee", "touch"];

/// A file grows to at most this.
const MOST_BYTES: u64 = 4 << 20;

/// A tool that has looked around, and does its work when it is stepped.
#[derive(Clone, Debug)]
pub struct FileTool {
    name: String,
    letters: String,
    operands: Vec<String>,
    /// `-name`, `-type` of `find`.
    name_pattern: Option<String>,
    kind: Option<char>,
    files: Files,
    said: Vec<String>,
    wrong: Vec<String>,
    begun: bool,
}

/// Starts one of these tools.
///
/// # Errors
/// What it says about its arguments.
pub fn start(name: &str, args: &[String], files: &Files) -> Result<FileTool, Done> {
    let known = match name {
        "ls" => "1aAlhrtSRFd",
        "rm" => "rRfiv",
        "cp" => "rRapfv",
        "mv" => "fvi",
        "mkdir" => "pv",
        "tee" => "a",
        "du" => "shkbac",
        _ => "",
    };
    let (mut letters, mut operands, mut name_pattern, mut kind) = (String::new(), Vec::new(), None, None);
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "-name" if name == "find" => name_pattern = args.next().cloned(),
            "-type" if name == "find" => kind = args.next().and_then(|kind| kind.chars().next()),
            "-print" if name == "find" => {}
            "--" => operands.extend(args.by_ref().cloned()),
            flags if flags.starts_with('-') && flags.len() > 1 => {
                if let Some(letter) = flags[1..].chars().find(|letter| !known.contains(*letter)) {
                    let status = if name == "ls" { 2 } else { 1 };
                    let said = match name {
                        "find" => format!("find: unknown predicate `{flags}'"),
                        name => format!("{name}: invalid option -- '{letter}'\nTry '{name} --help' for more information."),
                    };
                    return Err(Done::failed(said, status));
                }
                letters += &flags[1..];
            }
            operand => operands.push(operand.to_owned()),
        }
    }
    let least = match name {
        "cp" | "mv" => 2,
        "rm" if letters.contains('f') => 0,
        "rm" | "mkdir" | "rmdir" | "touch" => 1,
        _ => 0,
    };
    if operands.len() < least {
        let said = match (name, operands.first()) {
            ("cp" | "mv", Some(first)) => format!("{name}: missing destination file operand after '{first}'"),
            ("cp" | "mv" | "touch", None) => format!("{name}: missing file operand"),
            _ => format!("{name}: missing operand"),
        };
        return Err(Done::failed(format!("{said}\nTry '{name} --help' for more information."), 1));
    }
    let (said, wrong) = (Vec::new(), Vec::new());
    Ok(FileTool { name: name.to_owned(), letters, operands, name_pattern, kind, files: files.clone(), said, wrong, begun: false })
}

impl Program for FileTool {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if self.name == "tee" {
            return self.tee(cx);
        }
        if !std::mem::replace(&mut self.begun, true) {
            match self.name.as_str() {
                "ls" => self.ls(),
                "du" => self.du(),
                "find" => self.find(),
                _ if self.files.read_only => self.wrong.push(format!("{}: Read-only file system", self.name)),
                "rm" => self.rm(cx),
                "mv" | "cp" => self.mv_or_cp(cx),
                "mkdir" => self.mkdir(cx),
                "rmdir" => self.rmdir(cx),
                _ => self.touch(cx),
            }
            self.wrong.iter().for_each(|line| cx.print.error(line));
            self.said.reverse();
        }
        while cx.print.room > 0 {
            match self.said.pop() {
                Some(line) => cx.print.line(line),
                None => return Some(if self.wrong.is_empty() { 0 } else { i32::from(self.name == "ls") + 1 }),
            }
        }
        cx.print.broken.then_some(super::BROKEN_PIPE)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn reads_input(&self) -> bool {
        self.name == "tee"
    }
}

impl FileTool {
    fn has(&self, letter: char) -> bool {
        self.letters.contains(letter)
    }

    fn absolute(&self, typed: &str) -> String {
        absolute(&self.files.folder, typed)
    }

    fn fail(&mut self, said: String) {
        self.wrong.push(format!("{}: {said}", self.name));
    }

    /// The files at or below a path.
    fn below(&self, path: &str) -> Vec<Entry> {
        let folder = format!("{}/", path.trim_end_matches('/'));
        self.files.entries.iter().filter(|entry| entry.path == path || entry.path.starts_with(&folder)).cloned().collect()
    }

    fn is_folder(&self, path: &str) -> bool {
        self.files.is_folder(path) || path == &*self.files.folder || path == HOME
    }

    fn ls(&mut self) {
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
    fn names_in(&self, path: &str) -> Vec<(String, Option<Entry>)> {
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

    fn listed(&mut self, mut names: Vec<(String, Option<Entry>)>, total: bool) {
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
            let date = super::text::date_of(written(entry).wall_ms());
            self.said.push(format!("{mode} kafka kafka {:>width$} {date} {name}", size(entry)));
        }
    }

    fn du(&mut self) {
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

    fn find(&mut self) {
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

    fn rm(&mut self, cx: &mut Context) {
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

    fn mv_or_cp(&mut self, cx: &mut Context) {
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

    fn mkdir(&mut self, cx: &mut Context) {
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

    fn rmdir(&mut self, cx: &mut Context) {
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

    fn touch(&mut self, cx: &mut Context) {
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
    fn tee(&mut self, cx: &mut Context) -> Option<i32> {
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
            return Some(super::BROKEN_PIPE);
        }
        cx.stdin.at_end().then_some(i32::from(!self.wrong.is_empty()))
    }
}

/// At most this many files on a terminal's disk.
const MOST_FILES: usize = 4_096;

/// An absolute path of the terminal's as its disk has it.
fn on_disk(absolute: &str) -> &str {
    absolute.strip_prefix(HOME).and_then(|path| path.strip_prefix('/')).unwrap_or(absolute)
}

/// `1.5K`, `20M`: as `-h` shows it.
fn short(bytes: u64) -> String {
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
