//! kafka-dump-log (`org.apache.kafka.tools.DumpLogSegments`): a broker's files as text.
//!
//! * [`args`]: its options, which the native tool shares
//! * [`decoder`]: keys and values of internal topics; [`schema`]: what their bytes mean

pub mod args;
pub mod decoder;
pub mod schema;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;

use self::args::Asked;
use super::Context;
use super::hosts::Done;
use super::program::Program;
use crate::kafka::actor::Input;
use crate::kafka::log::dump::{DumpFiles, DumpSink, dump_with};
use crate::kafka::log::file_name::{FileKind, LOG_SUFFIX, OFFSET_INDEX_SUFFIX, sibling};
use crate::shell::files;
use crate::sim::process::ReadId;

/// A run of kafka-dump-log in the terminal.
#[derive(Clone, Debug)]
pub struct DumpLog {
    asked: Arc<Asked>,
    asked_for_files: bool,
    waiting: BTreeMap<ReadId, String>,
    files: Found,
    printed: Option<Lines>,
}

/// The files that were read, by path.
#[derive(Clone, Debug, Default)]
struct Found(BTreeMap<String, Bytes>);

/// What is still to be printed, standard error told apart, and the status after it.
#[derive(Clone, Debug, Default)]
struct Lines {
    lines: VecDeque<(bool, String)>,
    status: i32,
}

impl DumpLog {
    /// # Errors
    /// What is said instead of doing anything.
    pub fn start(args: &[String]) -> Result<DumpLog, Done> {
        let asked = Arc::new(args::parse(args)?);
        Ok(DumpLog { asked, asked_for_files: false, waiting: BTreeMap::new(), files: Found::default(), printed: None })
    }

    fn ask_for_files(&mut self, cx: &mut Context) {
        self.asked_for_files = true;
        for path in &self.asked.files {
            let beside: &[&str] = match FileKind::of(path) {
                FileKind::OffsetIndex => &[LOG_SUFFIX],
                FileKind::TimeIndex => &[LOG_SUFFIX, OFFSET_INDEX_SUFFIX],
                _ => &[],
            };
            for path in std::iter::once(path.clone()).chain(beside.iter().map(|suffix| sibling(path, suffix))) {
                self.waiting.insert(files::ask(cx.out, &path), path);
            }
        }
    }
}

impl Program for DumpLog {
    fn step(&mut self, cx: &mut Context) -> Option<i32> {
        if !self.asked_for_files {
            self.ask_for_files(cx);
        }
        if !self.waiting.is_empty() {
            return None;
        }
        let printed = self.printed.get_or_insert_with(|| {
            let mut lines = Lines::default();
            let paths = self.asked.files.iter().map(String::as_str);
            lines.status = dump_with(paths, &self.asked.options, &self.asked.decoder, &self.files, &mut lines);
            lines
        });
        while cx.print.room > 0 {
            match printed.lines.pop_front() {
                Some((false, line)) => cx.print.line(line),
                Some((true, line)) => cx.print.error(line),
                None => return Some(printed.status),
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
        if let Input::Read(id, file) = input
            && let Some(path) = self.waiting.remove(&id)
            && let Some(file) = file
        {
            self.files.0.insert(path, file.read());
        }
    }
}

impl DumpFiles for Found {
    fn read(&self, path: &str) -> Option<Bytes> {
        self.0.get(path).cloned()
    }

    fn absolute_path(&self, path: &str) -> String {
        path.to_owned()
    }
}

impl DumpSink for Lines {
    fn out(&mut self, line: &str) {
        self.lines.push_back((false, line.to_owned()));
    }

    fn err(&mut self, line: &str) {
        self.lines.push_back((true, line.to_owned()));
    }
}
