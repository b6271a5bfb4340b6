//! `ls`: the names in a folder, of the terminal's own disk or of a host's (`/var/lib/kafka-1/orders-0`), one a line.

use std::collections::{BTreeMap, VecDeque};

use super::Context;
use super::hosts::Done;
use super::program::Program;
use crate::kafka::actor::Input;
use crate::shell::files;
use crate::sim::process::ReadId;

/// A run of `ls`.
#[derive(Clone, Debug)]
pub struct Ls {
    /// In the order in which they are shown.
    folders: Vec<String>,
    all: bool,
    asked: bool,
    waiting: BTreeMap<ReadId, (usize, bool)>,
    /// By place in `folders`: what was found, as a folder or as a file.
    found: BTreeMap<usize, Vec<String>>,
    lines: Option<VecDeque<String>>,
    errors: Vec<String>,
}

impl Ls {
    /// # Errors
    /// An option that it does not know.
    pub fn start(args: &[String]) -> Result<Ls, Done> {
        let (options, mut folders): (Vec<&String>, Vec<&String>) = args.iter().partition(|arg| arg.starts_with('-') && arg.len() > 1);
        let known = |letter: char| "1aAhlrtS".contains(letter);
        if let Some(letter) = options.iter().flat_map(|option| option.chars().skip(1)).find(|letter| !known(*letter)) {
            return Err(Done::failed(format!("ls: invalid option -- '{letter}'\nTry 'ls --help' for more information."), 2));
        }
        let all = options.iter().any(|option| option.contains(['a', 'A']));
        folders.sort();
        let mut folders: Vec<String> = folders.into_iter().cloned().collect();
        if folders.is_empty() {
            folders.push(".".into());
        }
        Ok(Ls { folders, all, asked: false, waiting: BTreeMap::new(), found: BTreeMap::new(), lines: None, errors: Vec::new() })
    }

    /// Asks for each path twice: it may be a folder or a file.
    fn ask(&mut self, cx: &mut Context) {
        self.asked = true;
        for (at, path) in self.folders.iter().enumerate() {
            let plain = path.trim_end_matches('/');
            let folder = match plain {
                "." => "/".to_owned(),
                path => format!("{}/", path.trim_start_matches("./")),
            };
            self.waiting.insert(files::ask(cx.out, &folder), (at, true));
            self.waiting.insert(files::ask(cx.out, plain), (at, false));
        }
    }

    fn lines(&mut self) -> VecDeque<String> {
        let mut lines = VecDeque::new();
        let several = self.folders.len() > 1;
        for (at, path) in self.folders.iter().enumerate() {
            match self.found.remove(&at) {
                None => self.errors.push(format!("ls: cannot access '{path}': No such file or directory")),
                Some(names) => {
                    if several && names != [path.clone()] {
                        lines.extend(
                            [if lines.is_empty() { None } else { Some(String::new()) }, Some(format!("{path}:"))].into_iter().flatten(),
                        );
                    }
                    lines.extend(names.into_iter().filter(|name| self.all || !name.starts_with('.')));
                }
            }
        }
        lines
    }
}

impl Program for Ls {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if !self.asked {
            self.ask(cx);
        }
        if !self.waiting.is_empty() {
            return None;
        }
        if self.lines.is_none() {
            let lines = self.lines();
            self.errors.iter().for_each(|line| cx.print.error(line));
            self.lines = Some(lines);
        }
        let lines = self.lines.as_mut()?;
        while cx.print.room > 0 {
            match lines.pop_front() {
                Some(line) => cx.print.line(line),
                None => return Some(if self.errors.is_empty() { 0 } else { 2 }),
            }
        }
        cx.print.broken.then_some(super::BROKEN_PIPE)
    }

    fn boxed(&self) -> Box<dyn Program> {
        Box::new(self.clone())
    }

    fn owns(&self, input: &Input) -> bool {
        matches!(input, Input::Read(id, _) if self.waiting.contains_key(id))
    }

    fn input(&mut self, input: Input, _cx: &mut Context) {
        let Input::Read(id, file) = input else { return };
        let Some((at, is_folder)) = self.waiting.remove(&id) else { return };
        match file {
            Some(file) if is_folder => {
                let text = String::from_utf8_lossy(&file.read()).into_owned();
                self.found.insert(at, text.lines().map(str::to_owned).collect());
            }
            Some(_) => {
                self.found.entry(at).or_insert_with(|| vec![self.folders[at].clone()]);
            }
            None => {}
        }
    }
}
